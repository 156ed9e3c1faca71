//! From the start of a process to its end, as an operator sees it: the log, SIGHUP, the files that it leaves, and
//! what the doctor says before callers stay away.

use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;
use std::time::Duration;

use crate::harness::cluster::Cluster;

use super::{Folder, complaint, printed, recourse, run};

fn signal(process: &std::process::Child, name: &str) {
    let pid = process.id().to_string();
    assert!(std::process::Command::new("kill").args(["-s", name, &pid]).status().unwrap().success());
}

#[test]
fn a_server_tells_of_its_start_and_end_outlives_a_hangup_and_leaves_one_file() {
    let folder = Folder::new();
    let mut process = recourse(
        &folder.0,
        &["serve", "--listen", "127.0.0.1:0", "--metrics-listen", "off", "--database", "sqlite:life.db"],
    )
    .env("RECOURSE_ISSUER", "https://warranty.example.org")
    .stdout(Stdio::piped())
    .stderr(Stdio::piped())
    .spawn()
    .unwrap();
    let mut greeting = String::new();
    BufReader::new(process.stdout.take().unwrap()).read_line(&mut greeting).unwrap();
    let base = greeting.split(' ').find(|word| word.starts_with("http")).unwrap_or_else(|| panic!("{greeting:?}"));
    signal(&process, "HUP");
    // It would have ended at once.
    std::thread::sleep(Duration::from_millis(300));
    let well = run(&folder.0, &["health", &format!("{base}/readyz")]);
    assert!(well.status.success(), "{}", complaint(&well));
    signal(&process, "TERM");
    assert!(process.wait().unwrap().success());
    let mut log = String::new();
    process.stderr.take().unwrap().read_to_string(&mut log).unwrap();
    for words in [
        concat!("started version=\"", env!("CARGO_PKG_VERSION")),
        base,
        "sqlite:life.db",
        "https://warranty.example.org",
        "SIGHUP: there is no certificate to be read again",
        "stopped",
    ] {
        assert!(log.contains(words), "{words}: {log}");
    }
    assert!(!log.contains('\u{1b}'), "no terminal reads this: {log}");
    // Whoever copies the file of a stopped server has everything.
    assert!(folder.file("life.db").exists() && !folder.file("life.db-wal").exists());
}

#[test]
fn a_command_leaves_one_file() {
    let folder = Folder::new();
    for command in ["migrate", "create-admin"] {
        let done = run(&folder.0, &[command, "--database", "sqlite:one.db"]);
        assert!(done.status.success(), "{}", complaint(&done));
        assert!(!folder.file("one.db-wal").exists(), "{command}");
    }
}

#[test]
fn a_mistyped_name_makes_no_database_in_which_keys_are_changed_for_nobody() {
    let folder = Folder::new();
    for more in [&["--end-old"][..], &["--page-tokens"], &["--conclusions"]] {
        let refused = run(&folder.0, &[&["rotate-keys", "--database", "sqlite:recuorse.db"], more].concat());
        assert!(!refused.status.success());
        assert!(complaint(&refused).contains("there is no file recuorse.db"), "{}", complaint(&refused));
        assert!(!folder.file("recuorse.db").exists());
    }
}

#[test]
fn a_database_that_insists_on_tls_is_reached_and_its_certificate_is_looked_at() {
    let Some(cluster) = Cluster::start("tls", None) else { return };
    let folder = Folder::new();
    let made = || rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let (right, wrong) = (made(), made());
    cluster.insist_on_tls(&right.cert.pem(), &right.signing_key.serialize_pem());
    std::fs::write(folder.file("right.pem"), right.cert.pem()).unwrap();
    std::fs::write(folder.file("wrong.pem"), wrong.cert.pem()).unwrap();
    let migrate = |parameters: &str| {
        run(&folder.0, &["migrate", "--database", &format!("{}?{parameters}", cluster.url("postgres"))])
    };
    for parameters in ["sslmode=verify-full&sslrootcert=right.pem", "sslmode=require", "sslmode=prefer"] {
        let done = migrate(parameters);
        assert!(done.status.success(), "{parameters}: {}", complaint(&done));
    }
    for (parameters, says) in [
        ("sslmode=disable", "no encryption"),
        ("sslmode=verify-full", "certificate"),
        ("sslmode=verify-full&sslrootcert=wrong.pem", "certificate"),
    ] {
        let refused = migrate(parameters);
        assert!(!refused.status.success(), "{parameters}: {}", printed(&refused));
        assert!(complaint(&refused).contains(says), "{parameters}: {}", complaint(&refused));
    }
}

#[test]
fn an_administrator_has_a_name() {
    let folder = Folder::new();
    for name in ["", " ", "x"] {
        let refused = run(&folder.0, &["create-admin", "--database", "sqlite:one.db", "--user-name", name]);
        assert!(!refused.status.success(), "{name:?}: {}", printed(&refused));
        assert!(complaint(&refused).contains("user_name: "), "{}", complaint(&refused));
    }
}

/// A certificate for `localhost` that ends on the first of January of a year, and its key.
fn certificate(folder: &Folder, year: i32) {
    let mut parameters = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
    parameters.not_after = rcgen::date_time_ymd(year, 1, 1);
    let key = rcgen::KeyPair::generate().unwrap();
    std::fs::write(folder.file("chain.pem"), parameters.self_signed(&key).unwrap().pem()).unwrap();
    std::fs::write(folder.file("key.pem"), key.serialize_pem()).unwrap();
}

#[test]
fn the_doctor_looks_at_certificates_and_at_what_can_hardly_be_meant() {
    let folder = Folder::new();
    let database = ["--database", "sqlite:looked-at.db"];
    assert!(run(&folder.0, &["migrate", database[0], database[1]]).status.success());
    let look = || {
        let mut doctor = recourse(&folder.0, &["doctor", database[0], database[1]]);
        doctor.envs([("RECOURSE_TLS__CERTIFICATE", "chain.pem"), ("RECOURSE_TLS__KEY", "key.pem")]);
        let output = doctor.env("RECOURSE_LISTEN", "0.0.0.0:8443").output().unwrap();
        // The columns are padded.
        let lines =
            printed(&output).lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        (output.status.success(), lines)
    };
    let expect = |found: &(bool, Vec<String>), well: bool, begins: &[&str]| {
        assert_eq!(found.0, well, "{found:#?}");
        for begin in begins {
            assert!(found.1.iter().any(|line| line.starts_with(begin)), "{begin}: {found:#?}");
        }
    };
    expect(&look(), false, &["fault certificate TLS can't begin: chain.pem can't be read"]);
    certificate(&folder, 2020);
    expect(&look(), false, &["fault certificate it has ended on 2020-01-01"]);
    certificate(&folder, 2100);
    expect(
        &look(),
        true,
        &[
            "ok certificate its key fits; it ends on 2100-01-01",
            "warning config issuer is http://127.0.0.1:8080, but 0.0.0.0:8443 can be reached from elsewhere",
            "warning config issuer is http://127.0.0.1:8080, but callers come by TLS",
            "warning accounts no administrator: `recourse create-admin` makes the first",
        ],
    );
    assert!(run(&folder.0, &["create-admin", database[0], database[1]]).status.success());
    expect(&look(), true, &["warning accounts one administrator"]);
}
