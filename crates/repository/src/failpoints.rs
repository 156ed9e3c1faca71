//! Places in a unit of work where a test lets the process die, the task panic, or the work stand still.
//!
//! All of this is compiled where debug assertions are on and nowhere else, and no profile that something is released
//! with turns them on: a released binary has neither the places nor the variable that arms them. A feature of Cargo
//! could not promise that: features are the same for every profile, and the one that the tests ask for would be in the
//! binary that is built beside them, `cargo test --release` included. Nor does it cost a second build of everything.
//!
//! A test names a folder in `FAILPOINTS_FOLDER` and puts a file into it that is called by the request id of a command,
//! or the id of an import's job, and names a place and a fault, `before-commit abort`. The unit of that command, or the
//! job's next chunk, takes the file away when it comes there: so the test sees that the place was reached, and a repeat
//! meets nothing.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use uuid::Uuid;

/// The folder of the files.
const FOLDER: &str = "FAILPOINTS_FOLDER";
/// For how long work stands still if nobody lets it go on.
const LONGEST: Duration = Duration::from_secs(20);

/// A place in a unit of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Nothing was written.
    BeforeFirstWrite,
    /// Something was written, and something will be.
    BetweenWrites,
    /// Before COMMIT, or before the last write of a sealed unit, which commits it.
    BeforeCommit,
    /// What was written stands, and nobody was told.
    AfterCommit,
}

impl Place {
    fn word(self) -> &'static str {
        match self {
            Place::BeforeFirstWrite => "before-first-write",
            Place::BetweenWrites => "between-writes",
            Place::BeforeCommit => "before-commit",
            Place::AfterCommit => "after-commit",
        }
    }
}

/// What is known of a unit of work.
#[derive(Default)]
struct Watched {
    /// The request id of its command, or the import that it is a chunk of.
    command: Option<Uuid>,
    /// The aggregate whose version seals it.
    last: Option<Uuid>,
    /// It has begun to write.
    writes: bool,
}

tokio::task_local! {
    static UNIT: Mutex<Watched>;
}

fn with<T>(look: impl FnOnce(&mut Watched) -> T) -> Option<T> {
    UNIT.try_with(|unit| look(&mut unit.lock().unwrap_or_else(PoisonError::into_inner))).ok()
}

/// A unit of work whose places may be stopped at.
pub(crate) async fn within<T>(unit: impl Future<Output = T>) -> T {
    UNIT.scope(Mutex::default(), unit).await
}

/// The unit is that of a command under a key, or a chunk of an import.
pub(crate) fn watch(command: Uuid) {
    with(|unit| unit.command = Some(command));
}

/// The unit ends with the next version of this aggregate.
pub(crate) fn sealed(last: Uuid) {
    with(|unit| unit.last = Some(last));
}

/// The unit is about to write; `version_of` is the aggregate whose version that is, if it is one.
pub(crate) async fn before_write(version_of: Option<Uuid>) {
    let Some((is_first, ends)) =
        with(|unit| (!std::mem::replace(&mut unit.writes, true), version_of.is_some() && version_of == unit.last))
    else {
        return;
    };
    reached(if is_first { Place::BeforeFirstWrite } else { Place::BetweenWrites }).await;
    if ends {
        reached(Place::BeforeCommit).await;
    }
}

/// The unit has come to a place.
pub(crate) async fn reached(place: Place) {
    let Some(Some(command)) = with(|unit| unit.command) else { return };
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else { return };
    let file = folder.join(command.to_string());
    let Some(fault) = taken(&file, place) else { return };
    match fault.as_str() {
        "abort" => std::process::abort(),
        "wait" => wait_for(&file.with_extension("go")).await,
        _ => panic!("a test asked for it {}", place.word()),
    }
}

/// The fault that a file asks for at a place; the file is gone then.
fn taken(file: &Path, place: Place) -> Option<String> {
    let text = std::fs::read_to_string(file).ok()?;
    let (asked, fault) = text.trim().split_once(' ')?;
    if asked != place.word() {
        return None;
    }
    std::fs::remove_file(file).ok()?;
    Some(fault.to_owned())
}

async fn wait_for(sign: &Path) {
    let began = tokio::time::Instant::now();
    while !sign.exists() && began.elapsed() < LONGEST {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
