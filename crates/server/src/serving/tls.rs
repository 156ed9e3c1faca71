//! TLS by rustls: one certificate for all names, read again when its files change or on SIGHUP.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::SystemTime;

use chrono::{DateTime, TimeDelta, Utc};
use recourse_domain::clock::Clock;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::{CryptoProvider, aws_lc_rs};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{self, ServerConfig};

use x509_parser::parse_x509_certificate;

use super::told;
use crate::config::Tls;
use crate::process::SystemClock;
use crate::{StartError, limits};

/// The certificate in force, and where it comes from.
#[derive(Debug)]
pub(crate) struct Certificate {
    current: RwLock<Arc<CertifiedKey>>,
    chain: PathBuf,
    key: PathBuf,
    provider: Arc<CryptoProvider>,
}

/// What tells that a file was replaced.
type Stamp = Option<(SystemTime, u64)>;

/// Why a certificate can't be used; each says which file.
#[derive(Debug, thiserror::Error)]
enum CertificateError {
    #[error("{0} can't be read: {1}")]
    Unreadable(PathBuf, std::io::Error),
    #[error("{0} has no certificate in PEM")]
    NoCertificate(PathBuf),
    #[error("{0} has no private key in PEM: {1}")]
    NoKey(PathBuf, rustls::pki_types::pem::Error),
    #[error("{0} and {1} don't fit together: {2}")]
    Unfit(PathBuf, PathBuf, rustls::Error),
}

impl Certificate {
    /// Reads the certificate, if TLS is configured.
    pub(crate) async fn open(tls: &Tls) -> Result<Option<Arc<Self>>, StartError> {
        let (Some(chain), Some(key)) = (&tls.certificate, &tls.key) else { return Ok(None) };
        let provider = Arc::new(aws_lc_rs::default_provider());
        let current = read(chain, key, &provider).await.map_err(|error| StartError::new("TLS can't begin", error))?;
        let current = RwLock::new(Arc::new(current));
        Ok(Some(Arc::new(Self { current, chain: chain.clone(), key: key.clone(), provider })))
    }

    /// When the certificate in force ends.
    pub(crate) fn ends(&self) -> Option<DateTime<Utc>> {
        let current = Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner));
        let (_, certificate) = parse_x509_certificate(current.cert.first()?).ok()?;
        DateTime::from_timestamp(certificate.validity().not_after.timestamp(), 0)
    }

    /// Tells the log of a certificate that has ended, or soon does: nobody reads it before callers stay away.
    pub(crate) fn tell_of_its_end(&self) {
        let now = SystemClock.now();
        match self.ends().map(|ends| (ends, ends - now)) {
            Some((ends, left)) if left < TimeDelta::zero() => {
                tracing::error!(certificate = %self.chain.display(), %ends, "the certificate has ended");
            }
            Some((ends, left)) if left < limits::CERTIFICATE_SOON => {
                tracing::warn!(certificate = %self.chain.display(), %ends, "the certificate ends soon");
            }
            Some(_) | None => {}
        }
    }

    /// What the listeners shake hands with: TLS 1.2 and 1.3, HTTP/2 before HTTP/1.1.
    pub(crate) fn acceptor(self: &Arc<Self>) -> Result<TlsAcceptor, StartError> {
        let mut config = ServerConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_protocol_versions(&[&TLS13, &TLS12])
            .map_err(|error| StartError::new("TLS can't begin", error))?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(self) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }

    /// Follows the files until the process stops. A new certificate that can't be used is said, and the old
    /// one stays in force.
    pub(crate) async fn follow(self: Arc<Self>, stopping: watch::Receiver<bool>) {
        let mut hangups = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup())
            .inspect_err(|error| tracing::warn!(%error, "SIGHUP can't be followed"))
            .ok();
        let mut known = self.stamps().await;
        let mut stop = std::pin::pin!(told(stopping));
        loop {
            let is_asked = tokio::select! {
                () = &mut stop => return,
                () = hangup(&mut hangups) => true,
                () = tokio::time::sleep(limits::CERTIFICATE_LOOK) => false,
            };
            let seen = self.stamps().await;
            if !is_asked && seen == known {
                continue;
            }
            known = seen;
            match read(&self.chain, &self.key, &self.provider).await {
                Ok(certificate) => {
                    *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(certificate);
                    tracing::info!("the certificate was read again");
                    self.tell_of_its_end();
                }
                Err(error) => tracing::error!(%error, "the new certificate can't be used; the old one stays"),
            }
        }
    }

    async fn stamps(&self) -> (Stamp, Stamp) {
        (stamp(&self.chain).await, stamp(&self.key).await)
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

async fn read(chain: &Path, key: &Path, provider: &CryptoProvider) -> Result<CertifiedKey, CertificateError> {
    let bytes = |path: PathBuf| async move {
        tokio::fs::read(&path).await.map_err(|error| CertificateError::Unreadable(path, error))
    };
    let chain_bytes = bytes(chain.to_owned()).await?;
    let key_bytes = bytes(key.to_owned()).await?;
    let certificates: Vec<CertificateDer<'static>> =
        CertificateDer::pem_slice_iter(&chain_bytes).filter_map(Result::ok).collect();
    if certificates.is_empty() {
        return Err(CertificateError::NoCertificate(chain.to_owned()));
    }
    let private =
        PrivateKeyDer::from_pem_slice(&key_bytes).map_err(|error| CertificateError::NoKey(key.to_owned(), error))?;
    // Also refuses a key that is not the certificate's.
    CertifiedKey::from_der(certificates, private, provider)
        .map_err(|error| CertificateError::Unfit(chain.to_owned(), key.to_owned(), error))
}

async fn stamp(path: &Path) -> Stamp {
    let metadata = tokio::fs::metadata(path).await.ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

async fn hangup(signals: &mut Option<tokio::signal::unix::Signal>) {
    match signals {
        Some(signals) => {
            signals.recv().await;
        }
        None => std::future::pending().await,
    }
}
