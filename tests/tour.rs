//! The README's tour, word for word: its blocks are run against the built binary, and what they print is
//! what stands there.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A block of code in the README, and what it prints.
struct Block {
    language: String,
    code: String,
    output: String,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn blocks() -> Vec<Block> {
    let text = std::fs::read_to_string(root().join("README.md")).expect("README.md");
    let mut blocks: Vec<Block> = Vec::new();
    let mut open: Option<(String, String)> = None;
    for line in text.lines() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(language)) => open = Some((language.to_owned(), String::new())),
            (Some((language, code)), Some(_)) => {
                match (language.as_str(), blocks.last_mut()) {
                    ("text", Some(block)) => block.output = std::mem::take(code),
                    _ => blocks.push(Block {
                        language: language.clone(),
                        code: std::mem::take(code),
                        output: String::new(),
                    }),
                }
                open = None;
            }
            (Some((_, code)), None) => {
                code.push_str(line);
                code.push('\n');
            }
            (None, None) => {}
        }
    }
    blocks
}

/// A demo server that ends with the test.
struct Demo {
    process: Child,
    address: String,
    folder: PathBuf,
}

impl Demo {
    fn start() -> Self {
        let folder = std::env::temp_dir().join(format!("recourse-tour-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let mut process = Command::new(env!("CARGO_BIN_EXE_recourse"))
            .args(["serve", "--demo", "--listen", "127.0.0.1:0", "--database"])
            .arg(format!("sqlite:{}", folder.join("demo.db").display()))
            .current_dir(&folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("the binary");
        let mut line = String::new();
        let mut lines = BufReader::new(process.stdout.take().expect("its output"));
        lines.read_line(&mut line).expect("a greeting");
        let address = line
            .split_whitespace()
            .find_map(|word| word.strip_prefix("http://"))
            .unwrap_or_else(|| panic!("no address in {line:?}"))
            .to_owned();
        // What it prints after that is read and dropped, so that it never waits for us.
        std::thread::spawn(move || lines.lines().map_while(Result::ok).for_each(drop));
        Self { process, address, folder }
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

/// Whether a program can be run; in CI all of them must be.
fn has(program: &str, arguments: &[&str]) -> bool {
    let found = Command::new(program)
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    assert!(found || std::env::var_os("CI").is_none(), "{program} {arguments:?} is needed in CI");
    found
}

fn run(program: &str, arguments: &[&str], script: &str) -> String {
    let mut child = Command::new(program)
        .args(arguments)
        .current_dir(root())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program");
    child.stdin.take().expect("its input").write_all(script.as_bytes()).expect("the script");
    let output = child.wait_with_output().expect("its end");
    assert!(output.status.success(), "{script}\n{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn the_tour_works_word_for_word() {
    if !has("curl", &["--version"]) || !has("jq", &["--version"]) {
        eprintln!("skipped: the tour (curl and jq are not installed)");
        return;
    }
    let demo = Demo::start();
    let here = |code: &str| code.replace("127.0.0.1:8080", &demo.address);
    let mut script = "set -euo pipefail\n".to_owned();
    let mut expected = Vec::new();
    for block in blocks().iter().filter(|block| block.language == "sh") {
        script.push_str(&here(&block.code));
        script.push_str("echo '---8<---'\n");
        expected.push(block.output.clone());
    }
    assert!(expected.len() >= 4, "the tour has its blocks");
    let printed = run("bash", &[], &script);
    let printed: Vec<&str> = printed.trim_end().trim_end_matches("---8<---").split("---8<---\n").collect();
    assert_eq!(printed, expected);
    if !has("python3", &["-c", "import grpc, grpc_tools"]) {
        eprintln!("skipped: the tour's Python client (grpcio and grpcio-tools are not installed)");
        return;
    }
    for block in blocks().iter().filter(|block| block.language == "python") {
        assert_eq!(run("python3", &["-"], &here(&block.code)), block.output);
    }
}
