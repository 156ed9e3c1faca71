//! The house keeps its arrows: which room may know which.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Names under `[dependencies]` of a crate.
fn dependencies(manifest: &str) -> BTreeSet<String> {
    let text = std::fs::read_to_string(root().join(manifest)).expect(manifest);
    let mut within = false;
    let mut names = BTreeSet::new();
    for line in text.lines() {
        if let Some(section) = line.strip_prefix('[') {
            within = section.starts_with("dependencies");
        } else if within && let Some((name, _)) = line.split_once(['.', ' ', '=']) {
            names.insert(name.to_owned());
        }
    }
    names.remove("");
    names
}

#[test]
fn rooms_know_only_the_rooms_below_them() {
    let allowed: BTreeMap<&str, &[&str]> = BTreeMap::from([
        ("crates/domain/Cargo.toml", &[][..]),
        ("crates/proto/Cargo.toml", &[][..]),
        ("migrations/Cargo.toml", &[][..]),
        ("crates/repository/Cargo.toml", &["recourse-domain", "recourse-migrations"][..]),
        ("crates/service/Cargo.toml", &["recourse-domain", "recourse-proto", "recourse-repository"][..]),
    ]);
    for (manifest, rooms) in allowed {
        let ours: BTreeSet<String> =
            dependencies(manifest).into_iter().filter(|name| name.starts_with("recourse-")).collect();
        let expected: BTreeSet<String> = rooms.iter().map(|room| (*room).to_owned()).collect();
        assert_eq!(ours, expected, "{manifest}");
    }
}

#[test]
fn the_domain_can_not_wait_nor_store_nor_speak_a_protocol() {
    let known = dependencies("crates/domain/Cargo.toml");
    for foreign in ["tokio", "sea-orm", "tonic", "prost", "axum", "futures", "getrandom", "rand", "hyper", "tracing"] {
        assert!(!known.contains(foreign), "the domain depends on {foreign}");
    }
}

#[test]
fn sql_stays_in_its_room() {
    for manifest in ["crates/service/Cargo.toml", "crates/domain/Cargo.toml", "crates/proto/Cargo.toml"] {
        let known = dependencies(manifest);
        assert!(!known.iter().any(|name| name.starts_with("sea-orm") || name.starts_with("sqlx")), "{manifest}");
    }
    let server = dependencies("crates/server/Cargo.toml");
    assert!(!server.contains("sea-orm"), "the server asks the repository");
}

#[test]
fn the_repository_shows_no_type_of_its_orm() {
    for file in rust_files(&root().join("crates/repository/src")) {
        let text = std::fs::read_to_string(&file).expect("readable");
        for (number, line) in text.lines().enumerate() {
            let shown = line.trim_start().starts_with("pub ") && !line.trim_start().starts_with("pub(");
            let foreign = ["DbErr", "DatabaseConnection", "DatabaseTransaction", "sea_orm::", "sea_query::"];
            assert!(
                !(shown && foreign.iter().any(|name| line.contains(name))),
                "{}:{}: {line}",
                file.display(),
                number + 1
            );
        }
    }
}

#[test]
fn the_documentation_of_dependencies_is_complete() {
    let text = std::fs::read_to_string(root().join("Cargo.toml")).expect("Cargo.toml");
    let section = text.split("[workspace.dependencies]").nth(1).and_then(|rest| rest.split("\n[").next());
    let mut commented = false;
    let mut bare = Vec::new();
    for line in section.expect("dependencies").lines() {
        if line.starts_with('#') {
            commented = true;
        } else if line.trim().is_empty() {
            commented = false;
        } else if !commented {
            bare.push(line.to_owned());
        }
        // A comment covers the lines that follow it until a blank one.
    }
    assert!(bare.is_empty(), "without a word on what they are for: {bare:?}");
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).expect("folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}
