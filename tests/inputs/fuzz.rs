//! Every reader of outside input, fed with inputs that are nearly right: none may panic, contradict itself, or take
//! long. Some thousands each in every run of the tests; `just fuzz` feeds a million each and prints the figures.
//!
//! What is known stands under `corpus/TARGET/`, one file an input; all of it is tried first, each time. An input that
//! fails under `just fuzz` is written there, and stays when it is mended.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::mutate::{Chance, mutated};
use super::targets::{self, Target};
use crate::harness::{Backend, Database};

/// Inputs of each target in an ordinary run of the tests.
const QUICK_INPUTS: u64 = 20_000;
/// Longest time that any input may take.
const LONGEST: Duration = Duration::from_millis(100);
/// An input that takes longer is timed again.
const SUSPECT: Duration = Duration::from_millis(5);
/// Inputs with an outcome of their own that are kept to make others of, accepted ones and refused ones each.
const MOST_KEPT: usize = 400;

/// What became of a target.
struct Figures {
    inputs: u64,
    accepted: u64,
    outcomes: usize,
    longest: Duration,
    failures: Vec<String>,
}

/// How many inputs `just fuzz` asks for.
pub(super) fn asked_inputs() -> Option<u64> {
    std::env::var("RECOURSE_FUZZ_INPUTS").ok().map(|count| count.parse().expect("a number of inputs"))
}

#[tokio::test]
#[expect(clippy::print_stdout, reason = "the figures are what `just fuzz` is run for")]
async fn no_input_makes_a_reader_panic_or_wait() {
    let asked = asked_inputs();
    let inputs = asked.unwrap_or(QUICK_INPUTS);
    let only = std::env::var("RECOURSE_FUZZ_TARGET").ok();
    let database = Database::create(Backend::Sqlite).await.expect("SQLite is built in");
    let tokens = targets::page_tokens(&database).await;
    println!("| target | inputs | accepted | outcomes | panics | longest |\n|---|---|---|---|---|---|");
    let mut failures = Vec::new();
    for target in targets::all(tokens) {
        if only.as_ref().is_some_and(|only| only != target.name) {
            continue;
        }
        let figures = feed(&target, inputs, asked.is_some());
        println!(
            "| {} | {} | {} | {} | {} | {:?} |",
            target.name,
            figures.inputs,
            figures.accepted,
            figures.outcomes,
            figures.failures.len(),
            figures.longest
        );
        assert!(
            figures.accepted > 0,
            "{}: nothing is accepted, so that nothing behind the first check is tried",
            target.name
        );
        failures.extend(figures.failures);
        if figures.longest > LONGEST {
            failures.push(format!("{}: an input took {:?}", target.name, figures.longest));
        }
    }
    assert!(failures.is_empty(), "{failures:#?}");
}

#[test]
fn a_reader_that_panics_or_waits_is_found() {
    let read = |input: &[u8]| {
        assert!(!input.contains(&b'!'), "an exclamation mark");
        if input.is_empty() {
            std::thread::sleep(LONGEST + Duration::from_millis(5));
        }
        targets::Outcome { accepted: true, kind: input.len() as u64 }
    };
    let target = Target { name: "dtc", words: &["!"], read: Box::new(read) };
    let figures = feed(&target, 300, false);
    assert!(figures.failures.iter().any(|failure| failure.contains("an exclamation mark")), "{:?}", figures.failures);
    assert!(figures.longest > LONGEST, "{:?}", figures.longest);
}

fn feed(target: &Target, inputs: u64, keep: bool) -> Figures {
    let corpus = corpus(target.name);
    assert!(!corpus.is_empty(), "{} has no corpus", target.name);
    let (mut accepted, mut refused) = (Vec::new(), Vec::new());
    let mut figures = Figures { inputs: 0, accepted: 0, outcomes: 0, longest: Duration::ZERO, failures: Vec::new() };
    let mut seen = BTreeSet::new();
    let mut chance = Chance::new(target.name.bytes().map(u64::from).sum());
    while figures.inputs < inputs.max(corpus.len() as u64) {
        let next = usize::try_from(figures.inputs).unwrap_or(usize::MAX);
        let input = corpus.get(next).cloned().unwrap_or_else(|| {
            // Behind the first check there is more to find: three of four come from inputs that were accepted.
            let parents =
                if refused.is_empty() || (!accepted.is_empty() && chance.below(4) > 0) { &accepted } else { &refused };
            mutated(parents, target.words, &mut chance)
        });
        figures.inputs += 1;
        let (outcome, mut took) = timed(target, &input);
        if took > SUSPECT {
            // The machine may have been busy elsewhere: only what is slow each time is slow.
            took = (0..3).map(|_| timed(target, &input).1).fold(took, Duration::min);
        }
        figures.longest = figures.longest.max(took);
        match outcome {
            Ok(outcome) => {
                figures.accepted += u64::from(outcome.accepted);
                let kept = if outcome.accepted { &mut accepted } else { &mut refused };
                if seen.insert(outcome.kind) && kept.len() < MOST_KEPT {
                    kept.push(input);
                }
            }
            Err(what) => {
                if keep && figures.failures.len() < 10 {
                    keep_input(target.name, &input);
                }
                if figures.failures.len() < 10 {
                    figures.failures.push(format!("{}: {what} at {:?}", target.name, String::from_utf8_lossy(&input)));
                }
            }
        }
    }
    figures.outcomes = seen.len();
    figures
}

fn timed(target: &Target, input: &[u8]) -> (Result<targets::Outcome, String>, Duration) {
    let began = Instant::now();
    let outcome = catch_unwind(AssertUnwindSafe(|| (target.read)(input)));
    let took = began.elapsed();
    let outcome = outcome.map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
    });
    (outcome, took)
}

fn folder(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/inputs/corpus").join(target)
}

/// All that is known of a target, in one order on every machine.
pub(super) fn corpus(target: &str) -> Vec<Vec<u8>> {
    let mut files: Vec<_> = std::fs::read_dir(folder(target))
        .unwrap_or_else(|error| panic!("{target} has no corpus: {error}"))
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files.iter().map(|file| std::fs::read(file).unwrap()).collect()
}

fn keep_input(target: &str, input: &[u8]) {
    let name = input
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
    std::fs::write(folder(target).join(format!("found-{name:016x}")), input).unwrap();
}
