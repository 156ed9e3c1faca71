//! Turns the `.proto` contract into Rust: messages, tonic services, proto3
//! JSON, and what the options say (routes, access, limits, visibility, masks).
//! A contract that is incomplete does not build: see `laws.rs`.

#![expect(clippy::print_stdout, reason = "a build script speaks to cargo through it")]

use std::{
    env, fs,
    path::{Path, PathBuf},
};

mod contract;
mod gateway;
mod laws;
mod merge;
mod methods;
mod options;
mod redact;
mod validate;

use contract::Contract;

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let here = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let root = here.join("../../proto");
    let samples = here.join("tests/contract");
    for folder in [&root, &samples] {
        println!("cargo:rerun-if-changed={}", folder.display());
    }
    println!("cargo:rerun-if-changed=build");

    let mut files = protos_of(&root, "recourse/v1")?;
    // These have modules of their own, whether or not a message uses them.
    for name in ["rpc/status", "rpc/error_details", "type/date", "type/decimal", "type/money"] {
        files.push(format!("google/{name}.proto"));
    }
    generate(
        &Package { name: "recourse.v1", module: "crate::recourse::v1", pool: "crate::descriptor_pool", out: &out },
        &[&root],
        &files,
    )?;

    // The contract of the gateway's own tests. Cargo does not tell a build
    // script that tests are being built, so it is generated always and
    // included only under `cfg(test)`.
    let sample_out = out.join("sample");
    fs::create_dir_all(&sample_out)?;
    let files = protos_of(&samples, "sample/v1")?;
    generate(
        &Package {
            name: "sample.v1",
            module: "crate::sample::v1",
            pool: "crate::sample::descriptor_pool",
            out: &sample_out,
        },
        &[&samples, &root],
        &files,
    )
}

/// One package to generate and where its code will live.
struct Package<'a> {
    name: &'static str,
    /// The Rust module that includes the messages.
    module: &'static str,
    /// The function that answers the package's descriptors at run time.
    pool: &'static str,
    out: &'a Path,
}

fn generate(package: &Package<'_>, includes: &[&Path], files: &[String]) -> Result<(), Failure> {
    let mut compiler = protox::Compiler::new(includes)?;
    compiler.include_imports(true).include_source_info(true).open_files(files)?;
    // The encoded set keeps our options; `compiler.file_descriptor_set()` has lost them.
    let descriptors = compiler.encode_file_descriptor_set();
    fs::write(package.out.join("descriptor.bin"), &descriptors)?;
    let bare = compiler.include_source_info(false).encode_file_descriptor_set();
    fs::write(package.out.join("bare.bin"), bare)?;
    compiler.include_source_info(true);

    let mut rust = tonic_prost_build::configure()
        .build_client(false)
        .build_transport(false)
        .codec_path("crate::codec::ContractCodec")
        .compile_well_known_types(true)
        .emit_rerun_if_changed(false)
        .btree_map(".")
        .out_dir(package.out);
    let mut json = pbjson_build::Builder::new();
    json.register_descriptors(&descriptors)?.btree_map(["."]).out_dir(package.out);
    let mut elsewhere = vec![
        (".google.protobuf.FieldMask", "crate::wkt::FieldMask"),
        (".google.protobuf.Timestamp", "crate::wkt::Timestamp"),
        (".google.protobuf", "::pbjson_types"),
    ];
    if package.name != "recourse.v1" {
        elsewhere.extend([
            // prost-build can not write `r#type` in the path of another crate.
            (".google.type", "crate::google::types"),
            (".google.rpc", "crate::google::rpc"),
            (".recourse.v1", "crate::recourse::v1"),
        ]);
    }
    for (proto, path) in elsewhere {
        rust = rust.extern_path(proto, path);
        json.extern_path(proto, path);
    }
    let mut files = compiler.file_descriptor_set();
    // Google's comments hold links and examples that rustdoc can't follow.
    for file in files.file.iter_mut().filter(|file| file.package().starts_with("google.")) {
        file.source_code_info = None;
    }
    rust.compile_fds(files)?;
    let mine = format!(".{}", package.name);
    if package.name == "recourse.v1" {
        json.build(&[mine.as_str(), ".google.type", ".google.rpc"])?;
    } else {
        json.build(&[mine.as_str()])?;
    }
    name_self(&package.out.join(format!("{}.serde.rs", package.name)))?;

    let contract = Contract::decode(&descriptors, package.name, package.module, package.pool)?;
    laws::enforce(&contract);
    for (kind, code) in [
        ("method", methods::generate(&contract)),
        ("validate", validate::generate(&contract)),
        ("redact", redact::generate(&contract)),
        ("merge", merge::generate(&contract)),
        ("gateway", gateway::generate(&contract)),
    ] {
        fs::write(package.out.join(format!("{}.{kind}.rs", package.name)), code)?;
    }
    Ok(())
}

/// An enum value `SELF` is `Self_` for prost-build; pbjson-build 0.9 writes
/// `Self`, which is no name.
fn name_self(serde: &Path) -> Result<(), Failure> {
    let code = fs::read_to_string(serde)?;
    fs::write(serde, code.replace("::Self =>", "::Self_ =>").replace("::Self)", "::Self_)"))?;
    Ok(())
}

/// The `.proto` files of one folder, in the order of their names.
fn protos_of(root: &Path, folder: &str) -> Result<Vec<String>, Failure> {
    let mut files = Vec::new();
    for entry in fs::read_dir(root.join(folder))? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.ends_with(".proto") {
            files.push(format!("{folder}/{name}"));
        }
    }
    files.sort();
    Ok(files)
}
