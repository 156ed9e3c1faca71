//! Evidence rules: the message of the contract ⇄ the record of the domain.

use recourse_domain::catalog::{EvidenceRule, Stored};
use recourse_domain::claims::Kind;
use recourse_domain::text::Violation;
use recourse_proto::v1;

use super::attachments::{read_category, show_category};
use super::claims::{read_kind, show_kind};
use super::organizations::name;
use super::{Reader, date, etag, money, text, timestamp};

/// The rule as its reader sees it.
pub(crate) fn show(stored: &Stored<EvidenceRule>) -> v1::EvidenceRule {
    let EvidenceRule {
        code,
        display_name,
        kind,
        operation,
        part,
        part_category,
        failure_code,
        from_amount,
        category,
        minimum_count,
        clause,
        valid_from,
        valid_to,
        external_ref,
    } = &stored.value;
    v1::EvidenceRule {
        name: format!("evidenceRules/{code}"),
        etag: etag(stored.version),
        display_name: display_name.clone(),
        kind: kind.map_or(v1::claim::Kind::Unspecified, show_kind).into(),
        operation: operation.as_ref().map(|code| name("laborOperations", code)).unwrap_or_default(),
        part: part.as_ref().map(|code| name("parts", code)).unwrap_or_default(),
        part_category: text(part_category.as_ref()),
        failure_code: failure_code.as_ref().map(|code| name("failureCodes", code)).unwrap_or_default(),
        from_amount: from_amount.and_then(money),
        category: show_category(*category).into(),
        minimum_count: i32::try_from(*minimum_count).unwrap_or(i32::MAX),
        clause: clause.clone(),
        valid_from: date(*valid_from),
        valid_to: valid_to.and_then(date),
        external_ref: external_ref.clone(),
        active: stored.retire_time.is_none(),
        create_time: timestamp(stored.create_time),
        update_time: timestamp(stored.update_time),
        retire_time: stored.retire_time.and_then(timestamp),
    }
}

/// The record under a code.
pub(crate) fn read(message: v1::EvidenceRule, code: &str) -> Result<EvidenceRule, Vec<Violation>> {
    let kind: Option<Kind> = read_kind(message.kind());
    let v1::EvidenceRule {
        name: _,
        etag: _,
        display_name,
        kind: _,
        operation,
        part,
        part_category,
        failure_code,
        from_amount,
        category,
        minimum_count,
        clause,
        valid_from,
        valid_to,
        external_ref,
        active: _,
        create_time: _,
        update_time: _,
        retire_time: _,
    } = message;
    let mut reader = Reader::default();
    let code = reader.code("name", code);
    let operation = reader.named("operation", "laborOperations", &operation);
    let part = reader.named("part", "parts", &part);
    let part_category = reader.optional_code("part_category", &part_category);
    let failure_code = reader.named("failure_code", "failureCodes", &failure_code);
    let from_amount = reader.money("from_amount", from_amount.as_ref());
    let category = reader.choice("category", category, read_category);
    let valid_from = reader.needed_date("valid_from", valid_from.as_ref());
    let valid_to = reader.date("valid_to", valid_to.as_ref());
    reader.whole(|| {
        Some(EvidenceRule {
            code: code?,
            display_name,
            kind,
            operation,
            part,
            part_category,
            failure_code,
            from_amount,
            category: category?,
            minimum_count: u32::try_from(minimum_count).unwrap_or_default().max(1),
            clause,
            valid_from: valid_from?,
            valid_to,
            external_ref,
        })
    })
}
