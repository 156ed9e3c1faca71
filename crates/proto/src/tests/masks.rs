//! Update masks.

use crate::{
    google::r#type::Money,
    merge::{Merge, MergeError},
    sample::v1::{
        Job,
        job::{Cause, Line, State, Symptom},
    },
};

fn stored() -> Job {
    Job {
        name: "jobs/1".into(),
        vin: "VIN-1".into(),
        odometer_km: 10,
        state: State::Draft.into(),
        note: Some("old".into()),
        lines: vec![Line { part: "A".into(), ..Line::default() }],
        symptom: Some(Symptom { text: "noise".into(), code: "P0171".into(), digest: "d".into() }),
        cause: Some(Cause::FailedPart("A".into())),
        total: Some(Money::default()),
        etag: "v1".into(),
        ..Job::default()
    }
}

/// Merges into the stored job; what changed is what the closure expects.
fn merged(from: &Job, paths: &[&str]) -> Result<Job, MergeError> {
    let mut job = stored();
    job.merge(from, &paths.iter().map(|path| (*path).to_owned()).collect::<Vec<_>>())?;
    Ok(job)
}

#[test]
fn only_the_named_fields_change() {
    let from = Job { odometer_km: 20, note: Some("new".into()), ..Job::default() };
    assert_eq!(merged(&from, &["odometer_km"]), Ok(Job { odometer_km: 20, ..stored() }));
    assert_eq!(merged(&from, &[]), Ok(stored()));
}

#[test]
fn a_named_field_that_is_not_set_is_cleared() {
    let empty = Job::default();
    assert_eq!(
        merged(&empty, &["note", "odometer_km", "symptom"]),
        Ok(Job { note: None, odometer_km: 0, symptom: None, ..stored() })
    );
}

#[test]
fn lists_are_replaced_whole() {
    let from = Job { lines: vec![Line::default(), Line::default()], ..Job::default() };
    assert_eq!(merged(&from, &["lines"]).unwrap().lines.len(), 2);
    assert_eq!(merged(&from, &["lines.part"]), Err(MergeError::Unknown("lines.part".into())));
}

#[test]
fn a_dotted_path_enters_a_message_and_creates_it() {
    let from = Job { symptom: Some(Symptom { text: "smell".into(), ..Symptom::default() }), ..Job::default() };
    let symptom = merged(&from, &["symptom.text"]).unwrap().symptom.unwrap();
    assert_eq!((symptom.text.as_str(), symptom.code.as_str()), ("smell", "P0171"));
    let mut bare = Job::default();
    bare.merge(&from, &["symptom.text".into()]).unwrap();
    assert_eq!(bare.symptom.unwrap().text, "smell");
    let deep = Job { parent_job: Some(Box::new(from)), ..Job::default() };
    assert_eq!(merged(&deep, &["parent_job.symptom.text"]).unwrap().parent_job.unwrap().symptom.unwrap().text, "smell");
}

#[test]
fn what_the_server_set_inside_of_a_replaced_message_stays() {
    let from = Job {
        symptom: Some(Symptom { text: "smell".into(), digest: "forged".into(), ..Symptom::default() }),
        ..Job::default()
    };
    let symptom = merged(&from, &["symptom"]).unwrap().symptom.unwrap();
    assert_eq!((symptom.text.as_str(), symptom.code.as_str(), symptom.digest.as_str()), ("smell", "", "d"));
}

#[test]
fn members_of_a_oneof_replace_each_other() {
    let from =
        Job { cause: Some(Cause::OtherCause(Symptom { text: "x".into(), ..Symptom::default() })), ..Job::default() };
    assert_eq!(merged(&from, &["other_cause"]).unwrap().cause, from.cause);
    assert_eq!(merged(&from, &["other_cause.text"]).unwrap().cause, from.cause);
    assert_eq!(merged(&from, &["failed_part"]).unwrap().cause, None);
    assert_eq!(merged(&from, &["owner_cause"]).unwrap().cause, stored().cause);
}

#[test]
fn paths_that_can_not_be_written_are_named() {
    let from = Job { vin: "VIN-2".into(), ..Job::default() };
    for (path, error) in [
        ("name", MergeError::ReadOnly("name".into())),
        ("state", MergeError::ReadOnly("state".into())),
        ("total.units", MergeError::ReadOnly("total.units".into())),
        ("symptom.digest", MergeError::ReadOnly("symptom.digest".into())),
        ("vin", MergeError::Immutable("vin".into())),
        ("bogus", MergeError::Unknown("bogus".into())),
        ("symptom.bogus", MergeError::Unknown("symptom.bogus".into())),
        ("note.x", MergeError::Unknown("note.x".into())),
        ("", MergeError::Unknown(String::new())),
        ("odometerKm", MergeError::Unknown("odometerKm".into())),
    ] {
        assert_eq!(merged(&from, &[path]), Err(error), "{path}");
    }
    assert_eq!(merged(&stored(), &["vin", "etag"]), Ok(stored()));
}

#[test]
fn a_star_writes_all_but_what_the_server_sets() {
    let from = Job {
        odometer_km: 5,
        name: "jobs/2".into(),
        state: State::Submitted.into(),
        etag: "v0".into(),
        ..Job::default()
    };
    let job = merged(&from, &["*"]).unwrap();
    let kept = stored();
    assert_eq!(
        job,
        Job {
            name: kept.name,
            vin: kept.vin,
            state: kept.state,
            total: kept.total,
            etag: kept.etag,
            odometer_km: 5,
            ..Job::default()
        }
    );
    let changed = Job { vin: "VIN-2".into(), ..Job::default() };
    assert_eq!(merged(&changed, &["*"]), Err(MergeError::Immutable("vin".into())));
}

#[test]
fn what_is_populated_is_the_mask_of_an_update_without_one() {
    assert_eq!(stored().populated(), ["vin", "odometer_km", "note", "lines", "symptom", "failed_part"]);
    assert_eq!(Job::updatable("odometerKm"), Some("odometer_km"));
    assert_eq!((Job::updatable("name"), Job::updatable("etag"), Job::updatable("bogus")), (None, None, None));
}
