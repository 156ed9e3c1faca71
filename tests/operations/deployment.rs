//! What `deploy/` hands out, tried as far as that goes without a daemon: the container's user, root, environment,
//! health check and stop signal are read from the Dockerfile, and the binary lives by them.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use super::{Folder, complaint, printed};
use crate::harness::process::binary;

fn deploy(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy").join(file);
    std::fs::read_to_string(path).unwrap()
}

/// The last stage of the Dockerfile, an instruction a line.
fn image() -> Vec<(String, String)> {
    let text = deploy("Dockerfile").replace("\\\n", " ");
    let (_, last) = text.rsplit_once("\nFROM ").unwrap();
    let lines = last.lines().skip(1).map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let split = |line: &str| line.split_once(' ').map(|(word, rest)| (word.to_owned(), rest.trim().to_owned()));
    lines.map(|line| split(line).unwrap()).collect()
}

fn instruction(name: &str) -> String {
    let found = image().into_iter().find(|(word, _)| word == name);
    found.unwrap_or_else(|| panic!("no {name} in the Dockerfile")).1
}

/// The words of an instruction in its exec form, `["a", "b"]`; options before it are left out.
fn words(name: &str) -> Vec<String> {
    let text = instruction(name);
    serde_json::from_str(&text[text.find('[').unwrap()..]).unwrap()
}

/// A process in a container that is none.
struct Contained {
    unshared: Child,
    root: PathBuf,
}

impl Contained {
    /// Runs the image's entry point with its command; `None` where this machine doesn't allow it.
    fn start(folder: &Folder) -> Option<Self> {
        let namespaces = ["--mount", "--net", "--pid", "--fork", "--kill-child"];
        let allowed = Command::new("unshare").args(namespaces).args(["ip", "link", "set", "lo", "up"]).output();
        if !allowed.is_ok_and(|tried| tried.status.success()) {
            eprintln!("skipped: the container (namespaces can't be made here)");
            return None;
        }
        let (root, data) = (folder.file("root"), folder.file("data"));
        for path in [&root, &data] {
            std::fs::create_dir(path).unwrap();
        }
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/operations/container.sh");
        let mut command = Command::new("unshare");
        command.args(namespaces).arg(script).arg(&root).arg(binary()).arg(&data);
        command.arg(instruction("USER")).arg(instruction("WORKDIR"));
        command.args(instruction("ENV").split_whitespace()).args(words("ENTRYPOINT")).args(words("CMD"));
        let unshared = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        Some(Self { unshared, root })
    }

    /// The process that is the first in its namespace, by the id that it has out here.
    fn first(&self) -> String {
        let children = format!("/proc/{0}/task/{0}/children", self.unshared.id());
        std::fs::read_to_string(children).unwrap_or_default().trim().to_owned()
    }

    /// Runs something in the container, as its user, in the folder and with the environment of its process.
    fn run(&self, command: &[&str]) -> Output {
        let (first, user) = (self.first(), instruction("USER"));
        let (user, group) = user.split_once(':').unwrap();
        let mut enter = Command::new("nsenter");
        enter.args(["--target", &first, "--mount", "--net", "--pid", "--root", "--wd", "--"]);
        enter.args(["setpriv", "--reuid", user, "--regid", group, "--clear-groups", "--bounding-set=-all"]);
        let environment = instruction("ENV");
        enter.args(["--no-new-privs", "env", "-i"]).args(environment.split_whitespace()).args(command);
        enter.output().unwrap()
    }

    /// Sends the image's stop signal; answers the exit code, how long it took, and what was logged.
    fn stop(mut self) -> (Option<i32>, Duration, String) {
        let (signal, began) = (instruction("STOPSIGNAL"), Instant::now());
        assert!(
            Command::new("kill")
                .args(["-s", signal.trim_start_matches("SIG"), &self.first()])
                .status()
                .unwrap()
                .success()
        );
        let status = self.unshared.wait().unwrap();
        let took = began.elapsed();
        let mut log = String::new();
        std::io::Read::read_to_string(&mut self.unshared.stderr.take().unwrap(), &mut log).unwrap();
        (status.code(), took, log)
    }
}

#[test]
fn the_image_serves_from_a_root_that_nobody_can_write_and_drains_when_it_is_stopped() {
    let folder = Folder::new();
    let Some(container) = Contained::start(&folder) else { return };
    let check = words("HEALTHCHECK");
    let check: Vec<&str> = check.iter().map(String::as_str).collect();
    let began = Instant::now();
    loop {
        let checked = container.run(&check);
        if checked.status.success() {
            break;
        }
        // The image's own --start-period.
        assert!(began.elapsed() < Duration::from_secs(20), "not healthy: {}", complaint(&checked));
        std::thread::sleep(Duration::from_millis(100));
    }
    // It is a container in what counts here: the first process, without rights, below a root that can't be written.
    let said = |command: &[&str]| printed(&container.run(command));
    let status = said(&["cat", "/proc/1/status"]);
    let field =
        |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().trim().to_owned();
    assert_eq!(
        (field("Name:"), field("CapEff:"), field("NoNewPrivs:")),
        ("recourse".into(), "0".repeat(16), "1".into())
    );
    assert_eq!(field("Uid:"), ["65532"; 4].join("\t"));
    for place in ["/x", "/tmp/x", "/usr/x", "/usr/local/bin/x", "/etc/x"] {
        assert!(!container.run(&["touch", place]).status.success(), "{place} can be written");
    }
    // The database is in the volume, for nobody else to read.
    let file = container.root.with_file_name("data").join("recourse.db");
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&file).unwrap().permissions());
    assert_eq!(mode & 0o077, 0, "{mode:o}");
    // `docker compose run --rm server create-admin`.
    let entry = words("ENTRYPOINT");
    let created = container.run(&[&entry[0], "create-admin"]);
    assert!(printed(&created).contains("first password: "), "{}", complaint(&created));
    let doctor = printed(&container.run(&[&entry[0], "doctor"]));
    assert!(!doctor.contains("fault"), "{doctor}");

    let (code, took, log) = container.stop();
    let grace = deploy("compose.yaml");
    let grace = grace.lines().rev().find_map(|line| line.trim().strip_prefix("stop_grace_period: ")).unwrap();
    let grace = Duration::from_secs(grace.trim_end_matches('s').parse().unwrap());
    assert_eq!(code, Some(0), "{log}");
    assert!(took < grace, "{took:?} of {grace:?}\n{log}");
    // RECOURSE_LOG_FORMAT of the image.
    assert!(
        !log.is_empty() && log.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()),
        "{log}"
    );
}

/// A slim system has none, and every outside issuer would be out of reach.
#[test]
fn the_image_has_the_authorities_that_outside_issuers_are_checked_by() {
    let bundle = "/etc/ssl/certs/ca-certificates.crt";
    let copied = image().into_iter().filter(|(word, _)| word == "COPY").map(|(_, what)| what);
    assert!(copied.into_iter().any(|what| what == format!("--from=build {bundle} {bundle}")));
    assert!(deploy("Dockerfile").rsplit_once("\nFROM ").unwrap().0.contains("ca-certificates &&"), "the build has it");
}

/// Behind the proxy of the compose file callers keep their own addresses: else one who guesses passwords would slow
/// down everybody's sign-in.
#[test]
fn the_compose_file_ends_tls_and_trusts_the_proxy_that_does() {
    let compose: serde_json::Value = serde_norway::from_str(&deploy("compose.yaml")).unwrap();
    let text = |pointer: &str| {
        let found = compose.pointer(pointer).and_then(serde_json::Value::as_str);
        found.unwrap_or_else(|| panic!("no {pointer}")).to_owned()
    };
    let network = text("/networks/default/ipam/config/0/subnet");
    let trusted: Vec<String> =
        serde_json::from_str(&text("/services/server/environment/RECOURSE_ACCOUNTS__TRUSTED_PROXIES")).unwrap();
    assert_eq!(trusted, [network]);
    let (file, place) = compose["services"]["proxy"]["volumes"][0].as_str().unwrap().split_once(':').unwrap();
    assert_eq!(place, "/etc/caddy/Caddyfile:ro");
    let proxy = deploy(file);
    assert!(proxy.contains("{$RECOURSE_ISSUER} {") && proxy.contains("h2c://server:8080"), "{proxy}");
    assert!(text("/services/proxy/environment/RECOURSE_ISSUER").starts_with("${RECOURSE_ISSUER:?"));
    // The file with the secrets beside it is in no image and in no history.
    for ignored in [".dockerignore", ".gitignore"] {
        let list = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(ignored)).unwrap();
        assert!(list.lines().any(|line| line.trim_start_matches("**/") == ".env"), "{ignored}");
    }
    // Others than this machine reach the server by the proxy only.
    for port in compose["services"]["server"]["ports"].as_array().unwrap() {
        assert!(port.as_str().unwrap().starts_with("127.0.0.1:"), "{port}");
    }
}

/// The unit's own words: whoever follows them has the files where the service looks, readable for its user.
#[test]
fn the_unit_says_how_to_install_it() {
    let unit = deploy("recourse.service");
    let value = |key: &str| unit.lines().find_map(|line| line.strip_prefix(key)).unwrap_or_else(|| panic!("no {key}"));
    let user = value("User=");
    assert!(unit.contains(&format!("useradd --system --home-dir {} ", value("WorkingDirectory="))), "{unit}");
    assert!(unit.contains(&format!("install -o root -g {user} -m 0640 recourse.toml /etc/recourse/")), "{unit}");
    assert!(value("ExecStart=").ends_with("serve --config /etc/recourse/recourse.toml"));
    assert!(value("EnvironmentFile=-").ends_with("/etc/recourse/secrets"));
    // Sent to a server with or without a certificate: it goes on (`a_hangup_ends_nothing`).
    assert_eq!(value("ExecReload="), "/bin/kill -HUP $MAINPID");
}

/// Every setting that the files of `deploy/` name is one.
#[test]
fn what_is_handed_out_names_settings_that_exist() {
    let folder = Folder::new();
    let compose = deploy("compose.yaml");
    let named = compose
        .lines()
        .filter_map(|line| line.trim().split_once(": "))
        .filter(|(name, _)| name.starts_with("RECOURSE_"));
    let named: Vec<String> = named
        .map(|(name, value)| {
            let filled =
                value.trim_matches('\'').replace("${RECOURSE_DB_PASSWORD:?the password of the database}", "secret");
            format!(
                "{name}={}",
                filled.replace("${RECOURSE_ISSUER:?the public address of this deployment}", "https://w.example.org")
            )
        })
        .chain(instruction("ENV").split_whitespace().map(str::to_owned))
        .collect();
    assert!(named.len() >= 5 && named.iter().all(|setting| !setting.contains('$')), "{named:?}");
    let mut command = crate::harness::process::command(&folder.0, &["config"], &[]);
    let shown = command.envs(named.iter().filter_map(|setting| setting.split_once('='))).output().unwrap();
    assert!(shown.status.success(), "{}", complaint(&shown));
    // The documented example is accepted as it is.
    std::fs::write(folder.file("recourse.toml"), deploy("recourse.toml")).unwrap();
    let shown = super::run(&folder.0, &["config", "--config", "recourse.toml"]);
    assert!(shown.status.success(), "{}", complaint(&shown));
}
