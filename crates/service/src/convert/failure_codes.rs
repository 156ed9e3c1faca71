//! Failure codes: the message of the contract ⇄ the record of the domain.

use recourse_domain::catalog::{FailureCode, Stored};
use recourse_domain::text::Violation;
use recourse_proto::v1;

use super::{Reader, etag, text, timestamp};

/// The failure code as its reader sees it.
pub(crate) fn show(stored: &Stored<FailureCode>) -> v1::FailureCode {
    let FailureCode {
        code,
        display_code,
        display_name,
        component_group,
        failure_mode,
        problem_group,
        safety,
        external_ref,
    } = &stored.value;
    v1::FailureCode {
        name: format!("failureCodes/{code}"),
        etag: etag(stored.version),
        display_code: display_code.clone(),
        display_name: display_name.clone(),
        component_group: component_group.to_string(),
        failure_mode: failure_mode.to_string(),
        problem_group: text(problem_group.as_ref()),
        safety: *safety,
        external_ref: external_ref.clone(),
        active: stored.retire_time.is_none(),
        create_time: timestamp(stored.create_time),
        update_time: timestamp(stored.update_time),
        retire_time: stored.retire_time.and_then(timestamp),
    }
}

/// The record under a code.
pub(crate) fn read(message: v1::FailureCode, code: &str) -> Result<FailureCode, Vec<Violation>> {
    let v1::FailureCode {
        name: _,
        etag: _,
        display_code,
        display_name,
        component_group,
        failure_mode,
        problem_group,
        safety,
        external_ref,
        active: _,
        create_time: _,
        update_time: _,
        retire_time: _,
    } = message;
    let mut reader = Reader::default();
    let code = reader.code("name", code);
    let component_group = reader.code("component_group", &component_group);
    let failure_mode = reader.code("failure_mode", &failure_mode);
    let problem_group = reader.optional_code("problem_group", &problem_group);
    reader.whole(|| {
        Some(FailureCode {
            code: code?,
            display_code,
            display_name,
            component_group: component_group?,
            failure_mode: failure_mode?,
            problem_group,
            safety,
            external_ref,
        })
    })
}
