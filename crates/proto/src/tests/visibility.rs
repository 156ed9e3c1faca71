//! Fields that some roles do not see.

use crate::{
    google::r#type::Money,
    redact::{Redact, RoleSet, Viewer},
    sample::{
        redactions::REDACTIONS,
        v1::{
            Job, ListJobsResponse,
            job::{Cause, Line},
        },
    },
    v1::role::Code,
};

fn full() -> Job {
    Job {
        vin: "V".into(),
        note: Some("secret".into()),
        lines: vec![Line { part: "A".into(), recovered: Some(Money::default()), ..Line::default() }],
        cause: Some(Cause::OwnerCause("owner".into())),
        parent_job: Some(Box::new(Job { note: Some("deep".into()), ..Job::default() })),
        ..Job::default()
    }
}

fn seen(roles: &[Code], own: bool) -> Job {
    let mut reply = ListJobsResponse { jobs: vec![full()], asked: None };
    reply.redact(&Viewer { roles: roles.iter().copied().collect(), own });
    reply.jobs.remove(0)
}

#[test]
fn a_role_that_is_named_sees_everything() {
    assert_eq!(seen(&[Code::Auditor], false), full());
    assert_eq!(seen(&[Code::Supplier, Code::Auditor], false), full());
}

#[test]
fn others_see_the_rest() {
    for job in [seen(&[Code::Supplier], true), seen(&[Code::Station], false), seen(&[], true)] {
        assert_eq!((job.vin.as_str(), job.note, job.cause), ("V", None, None));
        assert_eq!(job.lines[0], Line { part: "A".into(), ..Line::default() });
        assert_eq!(job.parent_job.unwrap().note, None);
    }
}

#[test]
fn own_rows_show_more() {
    let job = seen(&[Code::Station], true);
    assert_eq!(
        (job.note.as_deref(), job.lines[0].recovered.is_some(), job.cause.is_some()),
        (Some("secret"), false, false)
    );
}

#[test]
fn hiding_one_member_of_a_oneof_leaves_the_others() {
    let mut job = Job { cause: Some(Cause::FailedPart("A".into())), ..Job::default() };
    job.redact(&Viewer { roles: RoleSet::default(), own: false });
    assert_eq!(job.cause, Some(Cause::FailedPart("A".into())));
}

#[test]
fn the_table_lists_every_hidden_field() {
    let hidden: Vec<_> = REDACTIONS.iter().map(|r| format!("{}.{}", r.message, r.field)).collect();
    assert_eq!(hidden, ["sample.v1.Job.note", "sample.v1.Job.owner_cause", "sample.v1.Job.Line.recovered"]);
    assert_eq!(REDACTIONS[0].own.iter().collect::<Vec<_>>(), [Code::Station]);
}
