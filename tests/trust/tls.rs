//! TLS on the one port, with a certificate made here.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http_body_util::{BodyExt, Empty};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion, version};

use crate::harness::{Backend, Server};

/// A certificate for `localhost` in files of its own.
struct Files {
    folder: PathBuf,
}

impl Files {
    fn create(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("recourse_tls_{}_{name}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self { folder }
    }

    fn chain(&self) -> PathBuf {
        self.folder.join("chain.pem")
    }

    fn key(&self) -> PathBuf {
        self.folder.join("key.pem")
    }

    /// Writes a new certificate; answers it.
    fn renew(&self) -> CertificateDer<'static> {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        std::fs::write(self.key(), made.signing_key.serialize_pem()).unwrap();
        std::fs::write(self.chain(), made.cert.pem()).unwrap();
        made.cert.der().clone()
    }

    async fn serve(&self) -> Server {
        let server = Server::start_with(Backend::Sqlite, |config| {
            config.tls.certificate = Some(self.chain());
            config.tls.key = Some(self.key());
            config.limits.handshake_time = Duration::from_millis(500);
        });
        server.await.expect("SQLite is always there")
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

async fn shake(
    server: &Server,
    trusted: &CertificateDer<'static>,
    protocol: &[u8],
    versions: &[&'static SupportedProtocolVersion],
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![protocol.to_vec()];
    let socket = TcpStream::connect(server.running.address).await.unwrap();
    TlsConnector::from(Arc::new(config)).connect(ServerName::try_from("localhost").unwrap(), socket).await
}

fn request(server: &Server) -> http::Request<Empty<bytes::Bytes>> {
    http::Request::get("https://localhost/v1/claims")
        .header("host", "localhost")
        .header("authorization", format!("Bearer {}", server.tokens["s001"]))
        .body(Empty::new())
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_protocols_are_served_over_tls_and_hsts_says_so() {
    let files = Files::create("serve");
    let certificate = files.renew();
    let server = files.serve().await;
    for versions in [&[&version::TLS13][..], &[&version::TLS12]] {
        let stream = shake(&server, &certificate, b"h2", versions).await.expect("a handshake");
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        let (mut sender, driver) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
        tokio::spawn(driver);
        let answer = sender.send_request(request(&server)).await.unwrap();
        assert_eq!((answer.status().as_u16(), answer.version()), (200, http::Version::HTTP_2));
        assert_eq!(answer.headers()["strict-transport-security"], "max-age=31557600");

        let stream = shake(&server, &certificate, b"http/1.1", versions).await.expect("a handshake");
        let (mut sender, driver) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(driver);
        let answer = sender.send_request(request(&server)).await.unwrap();
        assert_eq!((answer.status().as_u16(), answer.version()), (200, http::Version::HTTP_11));
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        assert!(body.starts_with(b"{"));
    }
    // Whoever watches the metrics renews it in time: here it ends in the year 4096.
    let metrics = server.running.metrics.text().await.unwrap();
    assert!(metrics.contains("recourse_certificate_end_time_seconds 67090"), "{metrics}");
    server.running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_does_not_shake_hands_is_ended() {
    let files = Files::create("silent");
    files.renew();
    let server = files.serve().await;
    let mut silent = TcpStream::connect(server.running.address).await.unwrap();
    let began = Instant::now();
    let ended = tokio::time::timeout(Duration::from_secs(5), silent.read(&mut [0; 16])).await.expect("in time");
    assert!(matches!(ended, Ok(0) | Err(_)), "{ended:?}");
    assert!(began.elapsed() >= Duration::from_millis(450), "{:?}", began.elapsed());
    let base = format!("http://{}", server.running.address);
    assert!(reqwest::get(format!("{base}/healthz")).await.is_err(), "no cleartext on a TLS port");
    server.running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_renewed_certificate_is_read_on_sighup_and_a_broken_one_is_not_taken() {
    let files = Files::create("renew");
    let first = files.renew();
    let server = files.serve().await;
    let both = [&version::TLS13, &version::TLS12];
    let taken = async |certificate: &CertificateDer<'static>| {
        for _ in 0..100 {
            hang_up();
            if shake(&server, certificate, b"h2", &both).await.is_ok() {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        false
    };
    // From here on the signal can't end this process, whoever else listens for it.
    let _heard = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup()).unwrap();
    assert!(shake(&server, &first, b"h2", &both).await.is_ok());
    let second = files.renew();
    assert!(taken(&second).await, "the new certificate is not served");
    assert!(shake(&server, &first, b"h2", &both).await.is_err(), "the old one still is");
    std::fs::write(files.key(), "no key").unwrap();
    hang_up();
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(shake(&server, &second, b"h2", &both).await.is_ok(), "the good one stays in force");
    server.running.stop().await;
}

/// Sends this process, in which the server runs, the signal that it follows.
fn hang_up() {
    let sent = std::process::Command::new("kill").arg("-HUP").arg(std::process::id().to_string()).status().unwrap();
    assert!(sent.success());
}
