//! A process that can't begin says why in one line, and soon.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::harness::process::command;

struct Folder(PathBuf);

impl Folder {
    fn create(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("recourse_start_{}_{name}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// Runs `recourse serve` to its end; answers what it said.
async fn refused(folder: &Path, arguments: &[&str], settings: &[(&str, &str)]) -> String {
    let mut all = vec!["serve", "--listen", "127.0.0.1:0"];
    all.extend(arguments);
    let began = Instant::now();
    let mut child =
        command(folder, &all, settings).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("a process");
    while child.try_wait().unwrap().is_none() {
        if began.elapsed() > Duration::from_secs(10) {
            child.kill().unwrap();
            panic!("{arguments:?} {settings:?}: it began");
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let took = began.elapsed();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(took < Duration::from_secs(2), "{arguments:?} {settings:?}: {took:?}");
    let last = said.lines().last().unwrap_or_default().to_owned();
    assert!(last.starts_with("recourse: ") && said.lines().count() == 1, "{said}");
    last
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_can_not_be_meant_is_refused_at_once_and_named() {
    let folder = Folder::create("config");
    let file = |text: &str| {
        std::fs::write(folder.0.join("recourse.toml"), text).unwrap();
    };
    let said = refused(&folder.0, &["--config", "missing.toml"], &[]).await;
    assert!(said.contains("missing.toml"), "{said}");
    let cases = [
        ("listen = ", "recourse.toml"),
        ("grpc_listen = \"nowhere\"", "grpc_listen"),
        ("lsiten = \"127.0.0.1:1\"", "lsiten"),
        ("[limits]\nmax_in_fligth = 3", "max_in_fligth"),
        ("[limits]\nrequest_time = \"soon\"", "request_time"),
        ("[limits]\nmax_in_flight = 0", "limits.max_in_flight must be at least 1"),
        ("[tls]\ncertificate = \"chain.pem\"", "tls.certificate and tls.key belong together"),
        ("[tls]\ncertificate = \"chain.pem\"\nkey = \"key.pem\"", "chain.pem can't be read"),
        ("[cors]\nallowed_origins = [\"*\"]", "cors.allowed_origins"),
    ];
    for (text, named) in cases {
        file(text);
        let said = refused(&folder.0, &[], &[]).await;
        assert!(said.contains(named), "{text:?} is told as {said:?}");
    }
    file("");
    let said = refused(&folder.0, &[], &[("RECOURSE_LIMITS__MAX_WAITIN", "1")]).await;
    assert!(said.contains("max_waitin"), "{said}");
    let said = refused(&folder.0, &[], &[("RECOURSE_TLS__KEY", "key.pem")]).await;
    assert!(said.contains("belong together"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_missing_or_taken_is_told_at_once() {
    let folder = Folder::create("missing");
    let chain = folder.0.join("chain.pem");
    let key = folder.0.join("key.pem");
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(&chain, made.cert.pem()).unwrap();
    std::fs::write(&key, other.signing_key.serialize_pem()).unwrap();
    let tls = [("RECOURSE_TLS__CERTIFICATE", "chain.pem"), ("RECOURSE_TLS__KEY", "key.pem")];
    let said = refused(&folder.0, &[], &tls).await;
    assert!(said.contains("don't fit together"), "{said}");
    std::fs::write(&key, "nothing").unwrap();
    let said = refused(&folder.0, &[], &tls).await;
    assert!(said.contains("no private key"), "{said}");

    let said = refused(&folder.0, &["--database", "sqlite:no/such/folder/recourse.db"], &[]).await;
    assert!(said.contains("the store can't be opened"), "{said}");
    std::fs::write(folder.0.join("broken.db"), "this is not a database, and long enough to be seen as none").unwrap();
    let said = refused(&folder.0, &["--database", "sqlite:broken.db"], &[]).await;
    assert!(said.contains("the store can't be"), "{said}");
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = closed.local_addr().unwrap();
    let said = refused(&folder.0, &["--database", "sqlite:fresh.db", "--grpc-listen", &address.to_string()], &[]).await;
    assert!(said.contains(&format!("{address} can't be listened on")), "{said}");
    assert!(!folder.0.join("fresh.db").exists(), "found out before the store was touched");
    drop(closed);
    let said = refused(&folder.0, &["--database", &format!("postgres://nobody@{address}/none")], &[]).await;
    assert!(said.contains("the store can't be opened"), "{said}");
}
