//! An expert's own signature of a conclusion: a detached JWS whose header brings the certificate (`x5c`). Each
//! question has an answer of its own: does the signature fit, may the key sign, was the certificate valid when it
//! was used, does somebody whom the deployment trusts stand behind it, and is it the one of the named expert.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use pki_types::pem::PemObject;
use pki_types::{CertificateDer, TrustAnchor, UnixTime};
use recourse_domain::catalog::RegisteredCertificates;
use serde_json::Value;
use sha2::{Digest, Sha256};
use webpki::{
    ALL_VERIFICATION_ALGS, EndEntityCert, ExtendedKeyUsageValidator, KeyPurposeIdIter, KeyUsage,
    RequiredEkuNotFoundContext,
};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::{Fault, fits, parts};

/// Most certificates of a header that are looked at: longer chains than this are made to cost time.
const MAX_CHAIN: usize = 6;

/// Purposes for which a certificate may be issued that signs a conclusion; one without purposes may sign too.
const PURPOSES: [&[usize]; 5] = [
    // Document signing (RFC 9336), and the older one of Microsoft.
    &[1, 3, 6, 1, 5, 5, 7, 3, 36],
    &[1, 3, 6, 1, 4, 1, 311, 10, 3, 12],
    // What most people's certificates are issued for: protected mail, and signing in.
    &[1, 3, 6, 1, 5, 5, 7, 3, 4],
    &[1, 3, 6, 1, 5, 5, 7, 3, 2],
    // Any purpose.
    &[2, 5, 29, 37, 0],
];

/// The first of them in DER, for what a refusal names.
const DOCUMENT_SIGNING: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x24];

/// Those whom the deployment trusts to certify experts.
#[derive(Clone, Debug, Default)]
pub struct TrustAnchors(Vec<TrustAnchor<'static>>);

impl TrustAnchors {
    /// The certificates of a PEM bundle; an error says what is wrong with it.
    pub fn from_pem(pem: &[u8]) -> Result<Self, String> {
        let mut anchors = Vec::new();
        for (number, certificate) in (1..).zip(CertificateDer::pem_slice_iter(pem)) {
            let certificate = certificate.map_err(|error| format!("certificate {number} can't be read: {error}"))?;
            let anchor = webpki::anchor_from_trusted_cert(&certificate)
                .map_err(|error| format!("certificate {number} can't be an anchor: {error}"))?;
            anchors.push(anchor.to_owned());
        }
        if anchors.is_empty() { Err("there is no certificate in it".to_owned()) } else { Ok(Self(anchors)) }
    }
}

/// What came of one question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It holds; something to tell, perhaps.
    Passed(String),
    /// It does not.
    Failed(Fault),
    /// It could not be asked, and why.
    NotChecked(String),
}

impl Outcome {
    /// Why it does not hold, if it was asked and does not.
    pub fn fault(&self) -> Option<&Fault> {
        match self {
            Outcome::Failed(fault) => Some(fault),
            Outcome::Passed(_) | Outcome::NotChecked(_) => None,
        }
    }
}

impl From<Result<String, Fault>> for Outcome {
    fn from(result: Result<String, Fault>) -> Self {
        match result {
            Ok(told) => Outcome::Passed(told),
            Err(fault) => Outcome::Failed(fault),
        }
    }
}

/// What became of an expert's signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpertCheck {
    /// The certificate can be read, and its key may sign.
    pub certificate: Outcome,
    /// The signature fits.
    pub signature: Outcome,
    /// The certificate was valid.
    pub validity: Outcome,
    /// Somebody trusted issued it.
    pub chain: Outcome,
    /// It is the expert's.
    pub binding: Outcome,
}

impl ExpertCheck {
    /// The answers, in the order in which they are told.
    pub fn outcomes(&self) -> [&Outcome; 5] {
        [&self.certificate, &self.signature, &self.validity, &self.chain, &self.binding]
    }

    fn unreadable(fault: &str) -> Self {
        let failed = || Outcome::Failed(fault.to_owned());
        let unasked = || Outcome::NotChecked("there is no certificate that can be read".to_owned());
        Self { certificate: failed(), signature: failed(), validity: unasked(), chain: unasked(), binding: unasked() }
    }
}

/// Checks an expert's detached signature of a text, made at an instant, against those whom the deployment trusts and
/// the certificates that were registered for the expert.
pub fn check(
    jws: &str,
    text: &str,
    at: DateTime<Utc>,
    anchors: &TrustAnchors,
    registered: &RegisteredCertificates,
) -> ExpertCheck {
    let parts = match parts(jws, Some(text)) {
        Ok(parts) => parts,
        Err(fault) => return ExpertCheck::unreadable(&fault),
    };
    let chain = match chain_in(&parts.header) {
        Ok(chain) => chain,
        Err(fault) => return ExpertCheck::unreadable(&fault),
    };
    let Some((leaf, above)) = chain.split_first() else {
        return ExpertCheck::unreadable("the header has no certificate (x5c)");
    };
    let Ok((rest, certificate)) = X509Certificate::from_der(leaf) else {
        return ExpertCheck::unreadable("the certificate can't be read");
    };
    if !rest.is_empty() {
        return ExpertCheck::unreadable("something follows the certificate");
    }
    let point = &*certificate.public_key().subject_public_key.data;
    let signature = if point.len() != 65 {
        Err("the certificate's key is not of the curve P-256".to_owned())
    } else if fits(point, &parts) {
        Ok(String::new())
    } else {
        Err("the signature does not fit text and certificate: one of them was altered".to_owned())
    };
    let trusted = trusted(leaf, above, at, anchors);
    let fingerprint: String = Sha256::digest(leaf).iter().map(|byte| format!("{byte:02x}")).collect();
    ExpertCheck {
        certificate: may_sign(&certificate, &fingerprint).into(),
        signature: signature.into(),
        validity: was_valid(&certificate, at).into(),
        binding: bound(&certificate, &fingerprint, &trusted, registered),
        chain: trusted,
    }
}

/// The certificates of a header: the signer's first, each next one certifying the one before it.
fn chain_in(header: &Value) -> Result<Vec<Vec<u8>>, Fault> {
    let listed = header.get("x5c").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if listed.len() > MAX_CHAIN {
        return Err(format!("the header has more than {MAX_CHAIN} certificates (x5c)"));
    }
    let decoded = |one: &Value| one.as_str().and_then(|text| STANDARD.decode(text).ok());
    let chain: Option<Vec<Vec<u8>>> = listed.iter().map(decoded).collect();
    chain.ok_or_else(|| "a certificate in the header (x5c) is not base64".to_owned())
}

/// A certificate that limits what its key is for must allow signatures.
fn may_sign(certificate: &X509Certificate<'_>, fingerprint: &str) -> Result<String, Fault> {
    let usage = certificate.key_usage().map_err(|error| format!("the key usage can't be read: {error}"))?;
    if usage.is_some_and(|usage| !usage.value.digital_signature() && !usage.value.non_repudiation()) {
        return Err("the certificate's key may not sign: its key usage has no digitalSignature".to_owned());
    }
    Ok(format!("{}, issued by {}, SHA-256 {fingerprint}", certificate.subject(), certificate.issuer()))
}

fn was_valid(certificate: &X509Certificate<'_>, at: DateTime<Utc>) -> Result<String, Fault> {
    let validity = certificate.validity();
    let told = format!("valid from {} to {}", validity.not_before, validity.not_after);
    let within = (validity.not_before.timestamp()..=validity.not_after.timestamp()).contains(&at.timestamp());
    if within { Ok(told) } else { Err(format!("the certificate is {told}, and was used at {}", at.to_rfc3339())) }
}

/// Signing purposes, for a path of certificates.
struct MaySign;

impl ExtendedKeyUsageValidator for MaySign {
    fn validate(&self, purposes: KeyPurposeIdIter<'_, '_>) -> Result<(), webpki::Error> {
        let mut present = Vec::new();
        for purpose in purposes {
            let purpose = purpose?.to_decoded_oid();
            if PURPOSES.contains(&purpose.as_slice()) {
                return Ok(());
            }
            present.push(purpose);
        }
        if present.is_empty() {
            return Ok(());
        }
        let required = KeyUsage::required_if_present(DOCUMENT_SIGNING);
        Err(webpki::Error::RequiredEkuNotFoundContext(RequiredEkuNotFoundContext { required, present }))
    }
}

/// Whether somebody trusted stands behind a certificate, by way of those that came with it.
fn trusted(leaf: &[u8], above: &[Vec<u8>], at: DateTime<Utc>, anchors: &TrustAnchors) -> Outcome {
    if anchors.0.is_empty() {
        let why = "the deployment names nobody whom it trusts to certify experts (appraisals.trust_anchors)";
        return Outcome::NotChecked(why.to_owned());
    }
    let Ok(seconds) = u64::try_from(at.timestamp()) else {
        return Outcome::Failed("it was used before there were certificates".to_owned());
    };
    let leaf = CertificateDer::from(leaf);
    let above: Vec<CertificateDer<'_>> = above.iter().map(|der| CertificateDer::from(der.as_slice())).collect();
    let verified = EndEntityCert::try_from(&leaf).and_then(|end| {
        let time = UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds));
        end.verify_for_usage(ALL_VERIFICATION_ALGS, &anchors.0, &above, time, MaySign, None, None).map(|_| ())
    });
    match verified {
        Ok(()) => Outcome::Passed(String::new()),
        Err(error) => Outcome::Failed(format!("no trusted issuer stands behind the certificate: {error}")),
    }
}

/// Whether the certificate is one of the expert's. A subject is what an issuer says: without one that is trusted
/// anybody could write it.
fn bound(
    certificate: &X509Certificate<'_>,
    fingerprint: &str,
    trusted: &Outcome,
    registered: &RegisteredCertificates,
) -> Outcome {
    if registered.is_empty() {
        return Outcome::NotChecked("no certificate was registered for the expert".to_owned());
    }
    if registered.sha256.iter().any(|known| known == fingerprint) {
        return Outcome::Passed(format!("SHA-256 {fingerprint}"));
    }
    let subject = certificate.subject().to_string();
    if registered.subject.is_empty() || registered.subject != subject {
        return Outcome::Failed(format!("the certificate of {subject}, SHA-256 {fingerprint}, is not the expert's"));
    }
    match trusted {
        Outcome::Passed(_) => Outcome::Passed(subject),
        Outcome::Failed(_) => Outcome::Failed("the subject is the expert's, but nobody trusted says so".to_owned()),
        Outcome::NotChecked(_) => {
            Outcome::NotChecked("the subject is the expert's; it counts only with a trusted issuer".to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_detached_and_brings_its_certificate() {
        let at = DateTime::UNIX_EPOCH;
        for (jws, expected) in [
            ("", "three parts"),
            ("a.b.c", "middle part empty"),
            ("e30..c2ln", "ES256"),
            ("eyJhbGciOiJFUzI1NiJ9..c2ln", "no certificate"),
            ("eyJhbGciOiJFUzI1NiIsIng1YyI6WyIhIl19..c2ln", "not base64"),
            ("eyJhbGciOiJFUzI1NiIsIng1YyI6WyJBQUFBIl19..c2ln", "can't be read"),
        ] {
            let check = check(jws, "text", at, &TrustAnchors::default(), &RegisteredCertificates::default());
            assert!(check.signature.fault().is_some_and(|fault| fault.contains(expected)), "{jws}: {check:?}");
            assert!(check.chain.fault().is_none() && check.binding.fault().is_none());
        }
    }

    #[test]
    fn a_bundle_without_certificates_is_refused() {
        for pem in ["", "nothing", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
            assert!(TrustAnchors::from_pem(pem.as_bytes()).is_err(), "{pem:?}");
        }
    }
}
