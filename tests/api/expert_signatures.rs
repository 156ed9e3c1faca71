//! An expert's certificate: who stands behind it, whether it was valid, and whether it is the expert's.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::Duration;
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use serde_json::{Value, json};

use super::appraisals::{begun, findings, signed_by};
use super::attachments::sha256;
use crate::harness::Server;
use crate::harness::client::Answer;
use crate::harness::world::World;
use crate::on_both_databases;
use crate::operations::{Folder, printed, run};

fn key() -> KeyPair {
    KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap()
}

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = rcgen::date_time_ymd(2026, 1, 1);
    params.not_after = rcgen::date_time_ymd(2027, 1, 1);
    params
}

/// An authority, and those below it.
struct Authority {
    certificate: Certificate,
    issuer: Issuer<'static, KeyPair>,
}

fn ca(name: &str) -> CertificateParams {
    let mut params = params(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params
}

impl Authority {
    fn root(name: &str) -> Self {
        let key = key();
        let certificate = ca(name).self_signed(&key).unwrap();
        Self { certificate, issuer: Issuer::new(ca(name), key) }
    }

    fn below(&self, name: &str) -> Self {
        let key = key();
        let certificate = ca(name).signed_by(&key, &self.issuer).unwrap();
        Self { certificate, issuer: Issuer::new(ca(name), key) }
    }

    /// Somebody's key and certificate, changed before it is issued.
    fn certify(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> (EcdsaKeyPair, Certificate) {
        let key = key();
        let mut params = params(name);
        change(&mut params);
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        (EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &key.serialize_der()).unwrap(), certificate)
    }
}

fn der(certificate: &Certificate) -> String {
    STANDARD.encode(certificate.der())
}

/// The outcome of each check of an expert's signature, by its kind.
fn outcomes(verification: &Value) -> Vec<(&str, &str)> {
    let checks = verification["checks"].as_array().unwrap().iter();
    let told = checks.map(|check| (check["kind"].as_str().unwrap(), check["outcome"].as_str().unwrap()));
    told.filter(|(kind, _)| kind.starts_with("EXPERT_")).collect()
}

/// A server that trusts an authority, over the same database.
async fn trusting(server: &Server, folder: &Folder, authority: &Authority) -> Server {
    let file = folder.0.join("anchors.pem");
    std::fs::write(&file, authority.certificate.pem()).unwrap();
    server.another(|config| config.appraisals.trust_anchors = Some(file)).await
}

/// Registers what the expert signs with.
async fn register(world: &World, fields: Value) {
    let mut expert = world.admin.get("/v1/appraisers/A-01").await.ok()["experts"][0].clone();
    for (name, value) in fields.as_object().unwrap() {
        expert[name] = value.clone();
    }
    world.admin.patch("/v1/appraisers/A-01", json!({"experts": [expert]})).await.ok();
}

/// Concludes with a signature by this key and chain; answers what came of it.
async fn conclude(world: &World, path: &str, pair: &EcdsaKeyPair, chain: &[String]) -> Answer {
    let dry = json!({"findings": findings(), "validateOnly": true});
    let dry = world.appraiser.post(&format!("{path}:conclude"), dry).await.ok();
    let signature = signed_by(pair, chain, dry["conclusion"]["payload"].as_str().unwrap());
    let body = json!({"findings": findings(), "expertSignature": signature});
    world.appraiser.post(&format!("{path}:conclude"), body).await
}

#[track_caller]
fn told(refused: &Value, words: &str) {
    let text = refused["violations"][0]["description"].as_str().unwrap();
    assert_eq!(refused["violations"][0]["reason"], "SIGNATURE_DOES_NOT_HOLD", "{refused:#}");
    assert!(text.contains(words), "{words}: {text}");
}

on_both_databases! {
    async fn a_chain_to_a_trusted_authority_and_a_registered_certificate_hold(server) {
        let folder = Folder::new();
        let root = Authority::root("Root of experts");
        let issuing = root.below("Issuer of experts");
        let trusting = trusting(&server, &folder, &root).await;
        let world = World::load(&trusting).await;
        let (pair, certificate) = issuing.certify("Wang", |params| {
            params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::EmailProtection];
        });
        let colons = sha256(certificate.der()).to_uppercase().as_bytes().chunks(2).map(|two| String::from_utf8_lossy(two).into_owned()).collect::<Vec<_>>().join(":");
        register(&world, json!({"certificateSha256": [colons]})).await;
        let (_, path) = begun(&world).await;
        told(&conclude(&world, &path, &pair, &[der(&certificate)]).await.refused(400, "INVALID_FIELDS"), "no trusted issuer");
        conclude(&world, &path, &pair, &[der(&certificate), der(&issuing.certificate)]).await.ok();
        let verification = world.station.get(&format!("{path}:verify")).await.ok();
        assert_eq!(verification["valid"], true, "{verification:#}");
        let all = ["EXPERT_CERTIFICATE", "EXPERT_SIGNATURE", "EXPERT_VALIDITY", "EXPERT_CHAIN", "EXPERT_BINDING"];
        assert_eq!(outcomes(&verification), all.map(|kind| (kind, "PASSED")));

        // What was right when it was signed stays right when the certificate is over, and when another is registered.
        trusting.clock.advance(Duration::days(400));
        register(&world, json!({"certificateSha256": []})).await;
        let later = world.auditor.get(&format!("{path}:verify")).await.ok();
        assert_eq!(outcomes(&later), all.map(|kind| (kind, "PASSED")), "{later:#}");
        // A server that trusts nobody says so, and a server that trusts another that this one is not behind it.
        let unasked = World::load(&server).await.auditor.get(&format!("{path}:verify")).await.ok();
        assert_eq!((unasked["valid"].as_bool(), outcomes(&unasked)[3]), (Some(true), ("EXPERT_CHAIN", "NOT_CHECKED")));
        let elsewhere = self::trusting(&server, &folder, &Authority::root("Somebody else")).await;
        let other = World::load(&elsewhere).await.auditor.get(&format!("{path}:verify")).await.ok();
        assert_eq!((other["valid"].as_bool(), outcomes(&other)[3]), (None, ("EXPERT_CHAIN", "FAILED")), "{other:#}");
    }

    async fn a_certificate_that_is_not_right_is_refused_with_the_reason(server) {
        let folder = Folder::new();
        let root = Authority::root("Root of experts");
        let trusting = trusting(&server, &folder, &root).await;
        let world = World::load(&trusting).await;
        register(&world, json!({"certificateSubject": "CN=Wang"})).await;
        let (_, path) = begun(&world).await;
        let (pair, over) = root.certify("Wang", |params| params.not_after = rcgen::date_time_ymd(2026, 11, 1));
        told(&conclude(&world, &path, &pair, &[der(&over)]).await.refused(400, "INVALID_FIELDS"), "and was used at");
        let (pair, sealing) = root.certify("Wang", |params| params.key_usages = vec![KeyUsagePurpose::KeyEncipherment]);
        told(&conclude(&world, &path, &pair, &[der(&sealing)]).await.refused(400, "INVALID_FIELDS"), "may not sign");
        let (pair, web) = root.certify("Wang", |params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth]);
        told(&conclude(&world, &path, &pair, &[der(&web)]).await.refused(400, "INVALID_FIELDS"), "no trusted issuer");
        let (pair, another) = root.certify("Li", |_| {});
        told(&conclude(&world, &path, &pair, &[der(&another)]).await.refused(400, "INVALID_FIELDS"), "is not the expert's");
        // Anybody can write a name into a certificate of their own.
        let (pair, forged) = Authority::root("Root of experts").certify("Wang", |_| {});
        told(&conclude(&world, &path, &pair, &[der(&forged)]).await.refused(400, "INVALID_FIELDS"), "no trusted issuer");
        let (pair, right) = root.certify("Wang", |_| {});
        conclude(&world, &path, &pair, &[der(&right)]).await.ok();
        let verification = world.appraiser.get(&format!("{path}:verify")).await.ok();
        assert_eq!(outcomes(&verification)[4], ("EXPERT_BINDING", "PASSED"), "{verification:#}");
    }
}

#[test]
fn anchors_that_can_not_be_read_end_the_start() {
    let folder = Folder::new();
    std::fs::write(folder.0.join("bad.pem"), "no certificate").unwrap();
    for (file, words) in [("bad.pem", "there is no certificate in it"), ("missing.pem", "missing.pem")] {
        let config = format!("[appraisals]\ntrust_anchors = \"{file}\"\n");
        std::fs::write(folder.0.join("recourse.toml"), config).unwrap();
        let ended = run(&folder.0, &["create-admin", "--database", "sqlite:a.db", "--config", "recourse.toml"]);
        let said = crate::operations::complaint(&ended);
        assert!(!ended.status.success() && said.contains(words) && said.contains("trust_anchors"), "{said}");
    }
}

#[test]
fn the_key_of_conclusions_is_rotated_from_the_command_line_and_the_old_one_stays() {
    let folder = Folder::new();
    let database = ["--database", "sqlite:keys.db"];
    let admin = run(&folder.0, &[&["create-admin"], &database[..]].concat());
    assert!(admin.status.success(), "{}", crate::operations::complaint(&admin));
    let mut kids = Vec::new();
    for _ in 0..2 {
        let rotated = run(&folder.0, &[&["rotate-keys", "--conclusions"], &database[..]].concat());
        let said = printed(&rotated);
        assert!(said.contains("signs conclusions from now on"), "{said} {}", crate::operations::complaint(&rotated));
        kids.push(said.split_whitespace().nth(1).unwrap().to_owned());
    }
    assert_ne!(kids[0], kids[1]);
    let mixed = run(&folder.0, &[&["rotate-keys", "--conclusions", "--end-old"], &database[..]].concat());
    assert!(!mixed.status.success(), "the keys of conclusions never end");
}
