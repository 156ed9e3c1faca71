//! `recourse doctor`: what an operator would look at first, looked at.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use chrono::{DateTime, TimeDelta, Utc};
use recourse_domain::clock::Clock;
use recourse_repository::{Store, StoreError};
use serde_json::json;

use crate::config::{Config, Loaded};
use crate::process::SystemClock;
use crate::serving::tls::Certificate;
use crate::{StartError, demo, limits, start};

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Ok,
    /// It works, but somebody should look.
    Warning,
    /// It does not work, or money or secrets are at risk.
    Fault,
}

impl Verdict {
    fn word(self) -> &'static str {
        match self {
            Verdict::Ok => "ok",
            Verdict::Warning => "warning",
            Verdict::Fault => "fault",
        }
    }

    fn or(bad: bool, otherwise: Verdict) -> Self {
        if bad { otherwise } else { Verdict::Ok }
    }
}

/// One thing that was looked at.
struct Finding {
    check: &'static str,
    verdict: Verdict,
    text: String,
}

/// What a look at the store found.
type Found = Result<Vec<(Verdict, String)>, StoreError>;

/// Looks at everything and prints it; a fault ends in a failure, a warning does not.
pub(crate) async fn doctor(loaded: &Loaded, config_file: Option<&Path>, as_json: bool) -> Result<(), StartError> {
    let config = &loaded.config;
    let mut findings = Vec::new();
    let doubts = config.doubts();
    findings.extend(doubts.into_iter().map(|text| Finding { check: "config", verdict: Verdict::Warning, text }));
    findings.extend(certificate(config).await);
    files(config, config_file, &mut findings);
    match start::open_present(config).await {
        Ok(store) => database(&store, &mut findings).await,
        Err(error) => findings.push(Finding { check: "database", verdict: Verdict::Fault, text: error.to_string() }),
    }
    let faults = findings.iter().filter(|finding| finding.verdict == Verdict::Fault).count();
    let text = if as_json {
        let shown = findings
            .iter()
            .map(|finding| json!({"check": finding.check, "verdict": finding.verdict.word(), "text": finding.text}));
        format!("{:#}\n", json!({"healthy": faults == 0, "findings": shown.collect::<Vec<_>>()}))
    } else {
        let line =
            |finding: &Finding| format!("{:<8} {:<12} {}\n", finding.verdict.word(), finding.check, finding.text);
        findings.iter().map(line).collect()
    };
    crate::print(&text)?;
    if faults == 0 { Ok(()) } else { Err(StartError::new("doctor", count(faults))) }
}

/// How many faults, in words.
pub(crate) fn count(faults: usize) -> String {
    format!("{faults} {}", if faults == 1 { "fault" } else { "faults" })
}

/// Whether the listeners could use their certificate, and for how long.
async fn certificate(config: &Config) -> Option<Finding> {
    let (verdict, text) = match Certificate::open(&config.tls).await {
        Ok(certificate) => certificate_end(certificate?.ends(), SystemClock.now()),
        Err(error) => (Verdict::Fault, error.to_string()),
    };
    Some(Finding { check: "certificate", verdict, text })
}

fn certificate_end(ends: Option<DateTime<Utc>>, now: DateTime<Utc>) -> (Verdict, String) {
    let Some(ends) = ends else { return (Verdict::Warning, "its end can't be read".to_owned()) };
    let (left, day) = (ends - now, ends.format("%Y-%m-%d"));
    if left < TimeDelta::zero() {
        return (Verdict::Fault, format!("it has ended on {day}"));
    }
    let text = format!("its key fits; it ends on {day}, in {} days", left.num_days());
    (Verdict::or(left < limits::CERTIFICATE_SOON, Verdict::Warning), text)
}

/// Files that hold secrets, and the room on their disk.
fn files(config: &Config, config_file: Option<&Path>, findings: &mut Vec<Finding>) {
    let mut private = Vec::new();
    if let Some(file) = start::sqlite_file(&config.database) {
        private.push(file.clone());
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        free_room(folder, findings);
    }
    // The folder of attachments is made with the first of them.
    let attachments = start::open_files(config).ok().and_then(|files| files.folder().map(Path::to_owned));
    if let Some(folder) = attachments.filter(|folder| folder.is_dir()) {
        free_room(&folder, findings);
        private.push(folder);
    }
    private.push(config_file.map_or_else(|| PathBuf::from("recourse.toml"), Path::to_path_buf));
    for file in private {
        let Ok(metadata) = std::fs::metadata(&file) else { continue };
        let mode = metadata.permissions().mode() & 0o777;
        let text = format!(
            "{} has mode {mode:o}{}",
            file.display(),
            if mode & 0o007 == 0 { "" } else { ": others on this machine can read it; chmod o=" }
        );
        findings.push(Finding { check: "files", verdict: Verdict::or(mode & 0o007 != 0, Verdict::Warning), text });
    }
}

fn free_room(folder: &Path, findings: &mut Vec<Finding>) {
    let finding = match rustix::fs::statvfs(folder) {
        Ok(disk) => {
            let (free, all) =
                (disk.f_bavail.saturating_mul(disk.f_frsize), disk.f_blocks.saturating_mul(disk.f_frsize));
            let mebibytes = free / (1024 * 1024);
            let verdict = if free < limits::MIN_FREE_BYTES {
                Verdict::Fault
            } else {
                Verdict::or(free < all / 10, Verdict::Warning)
            };
            Finding { check: "disk", verdict, text: format!("{mebibytes} MiB free in {}", folder.display()) }
        }
        Err(error) => {
            Finding { check: "disk", verdict: Verdict::Warning, text: format!("{}: {error}", folder.display()) }
        }
    };
    findings.push(finding);
}

async fn database(store: &Store, findings: &mut Vec<Finding>) {
    let checks: [(&'static str, Found); 8] = [
        ("database", reached(store).await),
        ("settings", settings(store).await),
        ("schema", schema(store).await),
        ("keys", keys(store).await),
        ("accounts", accounts(store).await),
        ("ledger", ledger(store).await),
        ("feed", feed(store).await),
        ("jobs", jobs(store).await),
    ];
    for (check, found) in checks {
        match found {
            Ok(found) => findings.extend(found.into_iter().map(|(verdict, text)| Finding { check, verdict, text })),
            Err(error) => findings.push(Finding { check, verdict: Verdict::Fault, text: error.to_string() }),
        }
    }
}

async fn reached(store: &Store) -> Found {
    let version = store.database_version().await?;
    let before = SystemClock.now();
    let text = match store.database_clock().await? {
        None => return Ok(vec![(Verdict::Ok, format!("{version} answers"))]),
        Some(theirs) => {
            let skew = skew(before, theirs, SystemClock.now());
            let verdict = Verdict::or(skew > limits::MAX_CLOCK_SKEW, Verdict::Warning);
            (verdict, format!("its clock differs by {} ms at least", skew.num_milliseconds()))
        }
    };
    Ok(vec![(Verdict::Ok, format!("{version} answers")), text])
}

/// How far a clock is outside of the time in which it was asked.
fn skew(before: DateTime<Utc>, theirs: DateTime<Utc>, after: DateTime<Utc>) -> TimeDelta {
    (before - theirs).max(theirs - after).max(TimeDelta::zero())
}

async fn settings(store: &Store) -> Found {
    let found = store.settings_in_force().await?.into_iter().map(|setting| {
        let bad = setting.found != setting.expected;
        let text = if bad {
            format!("{} is {}, not {}", setting.name, setting.found, setting.expected)
        } else {
            format!("{} is {}", setting.name, setting.found)
        };
        // Without these a crash can lose what was acknowledged.
        let durable =
            ["fsync", "full_page_writes", "synchronous_commit", "synchronous"].contains(&setting.name.as_str());
        (Verdict::or(bad, if durable { Verdict::Fault } else { Verdict::Warning }), text)
    });
    Ok(found.collect())
}

async fn schema(store: &Store) -> Found {
    let schema = store.schema().await?;
    let mut found = vec![(Verdict::Ok, format!("{} steps taken", schema.taken.len()))];
    if !schema.pending.is_empty() {
        found.push((Verdict::Warning, format!("pending, taken at the next start: {}", schema.pending.join(", "))));
    }
    if !schema.foreign.is_empty() {
        found.push((Verdict::Fault, format!("made by a newer release: {}", schema.foreign.join(", "))));
    }
    Ok(found)
}

async fn keys(store: &Store) -> Found {
    let names = store.key_names().await?;
    let signs = names.iter().any(|name| name.starts_with("signing key"));
    let text = if signs {
        format!("{} keys", names.len())
    } else {
        "no signing key yet; the first `serve` makes one".to_owned()
    };
    Ok(vec![(Verdict::or(!signs, Verdict::Warning), text)])
}

async fn accounts(store: &Store) -> Found {
    if demo::is_demo(store).await? {
        return Ok(vec![(Verdict::Warning, "it holds the demo, whose password is published".to_owned())]);
    }
    let administrators = store.administrators().await?.len();
    let text = match administrators {
        0 => "no administrator: `recourse create-admin` makes the first".to_owned(),
        1 => "one administrator: nobody can confirm what needs two people".to_owned(),
        many => format!("{many} administrators"),
    };
    Ok(vec![(Verdict::or(administrators < 2, Verdict::Warning), text)])
}

async fn ledger(store: &Store) -> Found {
    let unbalanced = store.unbalanced_currencies().await?;
    if unbalanced.is_empty() {
        return Ok(vec![(Verdict::Ok, "every currency sums to zero (`verify` recomputes every entry)".to_owned())]);
    }
    let fault = |(currency, total): (String, i64)| (Verdict::Fault, format!("{currency} sums to {total} minor units"));
    Ok(unbalanced.into_iter().map(fault).collect())
}

async fn feed(store: &Store) -> Found {
    let backlog = store.feed_backlog().await?;
    let age = backlog.oldest.map_or(TimeDelta::zero(), |oldest| SystemClock.now() - oldest);
    let late = age > limits::MAX_FEED_LAG;
    let text = match backlog.waiting {
        0 => "no change waits for its place".to_owned(),
        waiting => format!(
            "{waiting} changes wait, the oldest for {} s{}",
            age.num_seconds(),
            if late { ": does a worker run?" } else { "" }
        ),
    };
    Ok(vec![(Verdict::or(late, Verdict::Warning), text)])
}

async fn jobs(store: &Store) -> Found {
    let now = SystemClock.now();
    let leases = store.leases().await?;
    if leases.is_empty() {
        return Ok(vec![(Verdict::Ok, "no lease is held: no server runs".to_owned())]);
    }
    let told = leases.into_iter().map(|lease| {
        let left = (lease.expires - now).num_seconds();
        let text = if left < 0 {
            format!("{}: nobody holds the lease since {} s", lease.name, -left)
        } else {
            format!("{}: held by {} for {left} s", lease.name, lease.holder)
        };
        (Verdict::or(left < 0, Verdict::Warning), text)
    });
    Ok(told.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_that_ends_is_told_before_callers_stay_away() {
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let look = |days: i64| certificate_end(Some(now + TimeDelta::days(days)), now);
        assert_eq!(look(60), (Verdict::Ok, "its key fits; it ends on 2027-03-16, in 60 days".to_owned()));
        assert_eq!(look(13).0, Verdict::Warning);
        assert_eq!(look(-1), (Verdict::Fault, "it has ended on 2027-01-14".to_owned()));
        assert_eq!(certificate_end(None, now).0, Verdict::Warning);
    }
}
