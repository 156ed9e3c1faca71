//! The README's tour and the chapters of `docs/`, word for word: their blocks are run against the built binary,
//! and what they print is what stands there.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A page of the documentation whose blocks are run.
struct Page {
    path: &'static str,
    /// The Python modules that its blocks in Python import; empty if it has none.
    modules: &'static str,
    /// Whether what follows a block in Python needs what it made.
    leans_on_python: bool,
}

const fn page(path: &'static str) -> Page {
    Page { path, modules: "", leans_on_python: false }
}

const README: Page = Page { modules: "grpc, grpc_tools", ..page("README.md") };

/// Each chapter begins with the first block of the README's tour.
const CHAPTERS: [Page; 4] = [
    page("docs/auditor.md"),
    Page { modules: "cryptography", leans_on_python: true, ..page("docs/appraiser.md") },
    page("docs/supplier.md"),
    page("docs/dms.md"),
];

/// A block of code in a page, and what it prints.
struct Block {
    language: String,
    code: String,
    output: String,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn text_of(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn blocks(page: &Page) -> Vec<Block> {
    let text = text_of(page.path);
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
    /// Serves the demo from a folder; loads it there if it is empty.
    fn start(folder: PathBuf) -> Self {
        std::fs::create_dir_all(&folder).expect("a folder");
        let mut process = Command::new(env!("CARGO_BIN_EXE_recourse"))
            .args(["serve", "--demo", "--listen", "127.0.0.1:0", "--database"])
            .arg(format!("sqlite:{}", folder.join("demo.db").display()))
            .env("RECOURSE_METRICS_LISTEN", "off")
            .env("RECOURSE_LOG", "warn")
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

    /// Another demo that begins where this one's files stand: loaded, and untouched by the other pages.
    fn beside(&self, name: &str) -> Self {
        let folder = self.folder.with_extension(name);
        std::fs::create_dir_all(&folder).expect("a folder");
        for file in std::fs::read_dir(&self.folder).expect("the demo's files").map_while(Result::ok) {
            if file.path().is_file() {
                std::fs::copy(file.path(), folder.join(file.file_name())).expect("a copy");
            }
        }
        Self::start(folder)
    }

    /// Ends the process, and leaves the files.
    fn stop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        self.stop();
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

/// Runs a page, and holds what it prints against what stands there.
fn follow(page: &Page, prelude: &str, demo: &Demo) {
    let has_python = page.modules.is_empty() || has("python3", &["-c", &format!("import {}", page.modules)]);
    let mut script = format!("set -euo pipefail\n{prelude}");
    let mut expected = Vec::new();
    for block in blocks(page) {
        let code = match block.language.as_str() {
            "sh" => block.code,
            "python" if has_python => format!("python3 - <<'PYTHON'\n{}PYTHON\n", block.code),
            "python" => {
                eprintln!("skipped: the Python of {} ({} not installed)", page.path, page.modules);
                if page.leans_on_python {
                    break;
                }
                continue;
            }
            _ => continue,
        };
        script.push_str(&code);
        script.push_str("echo '---8<---'\n");
        expected.push(block.output);
    }
    assert!(expected.len() >= 4, "{} has its blocks", page.path);
    let printed = run("bash", &[], &script.replace("127.0.0.1:8080", &demo.address));
    let printed: Vec<&str> = printed.trim_end().trim_end_matches("---8<---").split("---8<---\n").collect();
    assert_eq!(printed, expected, "{}", page.path);
}

#[test]
fn the_tour_and_the_chapters_work_word_for_word() {
    if !has("curl", &["--version"]) || !has("jq", &["--version"]) {
        eprintln!("skipped: the tour and the chapters (curl and jq are not installed)");
        return;
    }
    let mut demo = Demo::start(std::env::temp_dir().join(format!("recourse-tour-{}", std::process::id())));
    demo.stop();
    follow(&README, "", &demo.beside("README"));
    let signed_in = blocks(&README).into_iter().find(|block| block.language == "sh").expect("the tour's first block");
    for chapter in &CHAPTERS {
        let name = chapter.path.replace('/', "-");
        follow(chapter, &signed_in.code, &demo.beside(&name));
    }
}

#[test]
fn every_link_of_the_pages_leads_to_a_file() {
    let others = ["proto/README.md", "tests/clients/README.md"];
    for path in [&README].into_iter().chain(&CHAPTERS).map(|page| page.path).chain(others) {
        let folder = root().join(path).parent().expect("a folder").to_owned();
        let text = text_of(path);
        let links = text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link);
        let mut checked = 0;
        for link in links.filter(|link| !link.contains("://")) {
            let file = link.split('#').next().unwrap_or_default();
            assert!(folder.join(file).exists(), "{path} links to {link}");
            checked += 1;
        }
        assert!(checked > 0 || path == "proto/README.md", "{path} has links");
    }
    for chapter in &CHAPTERS {
        assert!(text_of("README.md").contains(chapter.path), "the README leads to {}", chapter.path);
    }
}
