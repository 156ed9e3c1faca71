//! Configuration and start: what is wrong is said in one line, at once; what is in force can be seen.

use std::time::{Duration, Instant};

use super::{Folder, complaint, printed, recourse, run};

/// Whether a start fails at once with one line that says all of these.
fn refused(folder: &Folder, arguments: &[&str], environment: &[(&str, &str)], says: &[&str]) {
    let began = Instant::now();
    let mut child = recourse(&folder.0, arguments)
        .envs(environment.iter().copied())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    // The goal is two seconds; a machine full of tests is given more before the process is ended.
    while child.try_wait().unwrap().is_none() {
        if began.elapsed() > Duration::from_secs(20) {
            child.kill().unwrap();
            panic!("{arguments:?} {environment:?} did not end");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let output = child.wait_with_output().unwrap();
    let said = complaint(&output);
    assert!(!output.status.success(), "{arguments:?} {environment:?}: {said}");
    assert!(said.lines().last().is_some_and(|line| line.starts_with("recourse: ")), "{said}");
    assert_eq!(said.lines().filter(|line| line.starts_with("recourse: ")).count(), 1, "{said}");
    for words in says {
        assert!(said.contains(words), "{words}: {said}");
    }
}

#[test]
fn a_bad_start_ends_at_once_with_one_clear_line() {
    let folder = Folder::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let serve = ["serve", "--metrics-listen", "off", "--database", "sqlite:start.db"];
    refused(&folder, &[&serve[..], &["--listen", &address]].concat(), &[], &[&address, "can't be listened on"]);
    refused(
        &folder,
        &serve,
        &[("RECOURSE_MAX_CONECTIONS", "4")],
        &["unknown key `max_conections`", "RECOURSE_MAX_CONECTIONS", "did you mean `max_connections`?"],
    );
    refused(
        &folder,
        &serve,
        &[("RECOURSE_MAX_CONNECTIONS", "many")],
        &["max_connections (RECOURSE_MAX_CONNECTIONS): string \"many\" is not a whole number"],
    );
    refused(&folder, &serve, &[("RECOURSE_LOG", "recourse=loud")], &["log: "]);
    refused(&folder, &serve, &[("RECOURSE_LIMITS__IDLE_TIME", "0s")], &["limits.idle_time must be more than 0s"]);
    refused(
        &folder,
        &serve,
        &[("RECOURSE_LIMITS__BODY_TIME", "60")],
        &["limits.body_time (RECOURSE_LIMITS__BODY_TIME): ", "\"30s\""],
    );
    refused(
        &folder,
        &serve,
        &[("RECOURSE_ISSUER", "https://w.example.org/")],
        &["issuer: without the slash at the end"],
    );
    refused(
        &folder,
        &serve,
        &[("RECOURSE_ACCOUNTS__HASH_MEMORY_KIB", "1")],
        &["configuration: accounts.hash_memory_kib"],
    );
    refused(
        &folder,
        &serve,
        &[("RECOURSE_ACCOUNTS__TRUSTED_PROXIES", "10.0.0.0/8")],
        &["accounts.trusted_proxies (RECOURSE_ACCOUNTS__TRUSTED_PROXIES)", "a list"],
    );
    refused(
        &folder,
        &["serve", "--demo", "--listen", "0.0.0.0:0"],
        &[],
        &["the password of the demo's accounts is published", "--expose-demo"],
    );
    assert!(!folder.file("recourse-demo.db").exists(), "refused before anything is made");
    refused(
        &folder,
        &["serve", "--database", "postgres://app:tinker@127.0.0.1:9/x"],
        &[],
        &["postgres://app@127.0.0.1:9/x does not answer"],
    );
    refused(&folder, &serve, &[("RECOURSE_NOWHERE__KEY", "1")], &["unknown key `nowhere"]);
    #[cfg(not(feature = "otlp"))]
    refused(&folder, &serve, &[("RECOURSE_TELEMETRY__OTLP_ENDPOINT", "http://127.0.0.1:4317")], &["built without"]);
    refused(&folder, &["serve", "--config", "missing.toml"], &[], &["configuration: missing.toml: No such file"]);
    refused(&folder, &["serve", "--database", "mysql://db"], &[], &["database: neither sqlite:FILE nor postgres://"]);
    refused(&folder, &["serve", "--database", "sqlite:no/such/folder.db"], &[], &["no/such/folder.db"]);
    refused(&folder, &["serve", "--metrics-listen", "9090"], &[], &["neither an address with a port nor `off`"]);
    std::fs::write(folder.file("recourse.toml"), "databse = \"postgres://app:tinker@db/x\"\n").unwrap();
    refused(&folder, &["serve"], &[], &["unknown key `databse`", "recourse.toml", "did you mean `database`?"]);
    std::fs::write(folder.file("recourse.toml"), "database = \"postgres://app:tinker@db/x\nlisten = 1").unwrap();
    let output = run(&folder.0, &["serve"]);
    assert!(!output.status.success() && !complaint(&output).contains("tinker"), "{}", complaint(&output));
}

#[test]
fn what_is_in_force_is_shown_with_its_origin_and_without_secrets() {
    let folder = Folder::new();
    std::fs::write(folder.file("recourse.toml"), "audience = \"from-the-file\"\nissuer = \"https://file.example\"\n")
        .unwrap();
    let output = recourse(&folder.0, &["config", "--database", "postgres://app:tinker@db/recourse?password=tailor"])
        .env("RECOURSE_ISSUER", "https://environment.example")
        .env("RECOURSE_PORT_8080_TCP", "tcp://10.0.0.1:8080")
        .output()
        .unwrap();
    let shown = printed(&output);
    for (key, value, origin) in [
        ("listen", "\"127.0.0.1:8080\"", "default"),
        ("audience", "\"from-the-file\"", "recourse.toml"),
        ("issuer", "\"https://environment.example\"", "RECOURSE_ISSUER"),
        ("database", "\"postgres://app@db/recourse\"", "command line"),
        ("grpc_listen", "(not set)", "default"),
    ] {
        let line = shown
            .lines()
            .find(|line| line.starts_with(&format!("{key} = ")))
            .unwrap_or_else(|| panic!("{key}: {shown}"));
        assert!(line.contains(value) && line.ends_with(origin), "{line}");
    }
    assert!(!shown.contains("tinker") && !shown.contains("tailor"), "{shown}");
}

#[test]
fn the_example_documents_every_key_and_no_other() {
    let folder = Folder::new();
    let reference = printed(&run(&folder.0, &["config", "--reference"]));
    let example = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/recourse.toml");
    let kept = std::fs::read_to_string(example).unwrap();
    assert_eq!(kept, reference, "run: cargo run -q -- config --reference > deploy/recourse.toml");
    // With every comment mark in front of a key taken away it is a configuration that is accepted.
    let set: String = reference
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(key) if !key.starts_with(' ') && key.contains(" = ") => format!("{key}\n"),
            _ => format!("{line}\n"),
        })
        .collect();
    std::fs::write(folder.file("recourse.toml"), &set).unwrap();
    let shown = printed(&run(&folder.0, &["config"]));
    assert!(shown.lines().count() >= 9, "{set}\n{shown}");
    for line in shown.lines() {
        assert!(line.ends_with("recourse.toml") || line.contains("(not set)"), "{line}");
    }
}

#[test]
fn completions_know_the_commands() {
    let folder = Folder::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = printed(&run(&folder.0, &["completions", shell]));
        assert!(script.contains("restore") && script.contains("dry-run"), "{shell}");
    }
}

#[test]
fn an_embedded_database_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    let dry = run(&folder.0, &["migrate", "--dry-run", "--database", "sqlite:new.db"]);
    assert!(printed(&dry).contains("CREATE TABLE change"), "{}", printed(&dry));
    assert!(!folder.file("new.db").exists(), "a dry run leaves nothing");
    assert!(run(&folder.0, &["migrate", "--database", "sqlite:new.db"]).status.success());
    assert_eq!(std::fs::metadata(folder.file("new.db")).unwrap().permissions().mode() & 0o777, 0o600);
    let nothing = printed(&run(&folder.0, &["migrate", "--dry-run", "--database", "sqlite:new.db"]));
    assert_eq!(nothing, "-- 0 steps are pending; nothing was changed\n");
}
