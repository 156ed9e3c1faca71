//! What is built into the binary: where it comes from, under which licence, and that there is one of each thing
//! that must be one. `deny.toml` says the same to `cargo deny`; this needs nothing but cargo.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Licences that what is built may have: the list of `deny.toml`.
fn allowed() -> BTreeSet<String> {
    let text = std::fs::read_to_string(root().join("deny.toml")).expect("deny.toml");
    let list = text.split("\nallow = [").nth(1).and_then(|rest| rest.split(']').next()).expect("the list of licences");
    let words = list.lines().filter_map(|line| line.trim().trim_end_matches(',').strip_prefix('"')?.strip_suffix('"'));
    words.map(str::to_owned).collect()
}

/// A package that is built into the binary, or builds it.
struct Package {
    name: String,
    version: String,
    licence: String,
}

/// Every package but our own.
fn built() -> Vec<Package> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--package", "recourse-server", "--edges", "normal,build", "--prefix", "none"])
        .args(["--locked", "--offline", "--format", "{p}\t{l}"])
        .current_dir(root())
        .output()
        .expect("cargo");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("text");
    let packages = text.lines().filter_map(|line| {
        let (package, licence) = line.split_once('\t')?;
        let mut words = package.split(' ');
        let (name, version) = (words.next()?.to_owned(), words.next()?.to_owned());
        let licence = licence.trim_end_matches(" (*)").to_owned();
        (!name.starts_with("recourse-")).then_some(Package { name, version, licence })
    });
    packages.collect()
}

/// Whether an SPDX expression can be met with the allowed licences: of an OR one side, of an AND both.
fn is_met(expression: &str, allowed: &BTreeSet<String>) -> bool {
    let expression = expression.replace('/', " OR ").replace(['(', ')'], " ");
    let is_allowed = |one: &str| allowed.contains(one.split(" WITH ").next().unwrap_or_default().trim());
    expression.split(" AND ").all(|part| part.split(" OR ").any(is_allowed))
}

#[test]
fn every_dependency_has_a_licence_of_the_list() {
    let (packages, allowed) = (built(), allowed());
    assert!(packages.len() > 100 && allowed.len() >= 5, "{} packages, {allowed:?}", packages.len());
    let wrong: Vec<String> = packages
        .iter()
        .filter(|package| !is_met(&package.licence, &allowed))
        .map(|package| format!("{} {}: {}", package.name, package.version, package.licence))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_dependency_comes_from_the_one_registry() {
    let lock = std::fs::read_to_string(root().join("Cargo.lock")).expect("Cargo.lock");
    let sources: BTreeSet<&str> = lock.lines().filter_map(|line| line.strip_prefix("source = ")).collect();
    assert_eq!(sources.len(), 1, "{sources:?}");
    assert!(sources.iter().all(|source| source.starts_with("\"registry+https://")), "{sources:?}");
    let checksums = lock.lines().filter(|line| line.starts_with("checksum = ")).count();
    assert_eq!(checksums, lock.lines().filter(|line| line.starts_with("source = ")).count(), "one is not pinned");
}

#[test]
fn there_is_one_of_what_must_be_one() {
    let packages = built();
    let mut versions: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for package in &packages {
        versions.entry(&package.name).or_default().insert(&package.version);
    }
    // Two of these in one process would not know of each other: runtimes, pools, messages, log lines.
    for name in ["tokio", "hyper", "http", "axum", "tonic", "prost", "sea-orm", "sqlx-core", "tracing-core"] {
        assert_eq!(versions.get(name).map_or(0, BTreeSet::len), 1, "{name}: {:?}", versions.get(name));
    }
    // One provider of cryptography, and none of the ways around it.
    assert_eq!(versions.get("aws-lc-rs").map_or(0, BTreeSet::len), 1);
    assert!(versions.get("rustls").map_or(0, BTreeSet::len) <= 1, "{:?}", versions.get("rustls"));
    for name in ["openssl", "openssl-sys", "native-tls", "ring", "rsa"] {
        assert!(!versions.contains_key(name), "{name} {:?}", versions.get(name));
    }
}

#[test]
fn expressions_of_licences_are_understood() {
    let allowed = BTreeSet::from(["MIT".to_owned(), "Apache-2.0".to_owned()]);
    for (expression, met) in [
        ("MIT OR GPL-3.0", true),
        ("MIT/Apache-2.0", true),
        ("(MIT OR GPL-3.0) AND Apache-2.0", true),
        ("MIT AND GPL-3.0", false),
        ("Apache-2.0 WITH LLVM-exception", true),
        ("", false),
    ] {
        assert_eq!(is_met(expression, &allowed), met, "{expression}");
    }
}
