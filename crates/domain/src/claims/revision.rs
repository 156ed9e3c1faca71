//! What was frozen at each submission, and what changed between two of them, for people to read.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::header::{Details, Header};
use super::line::{Line, LineContent};
use super::{Claim, Finding, Submission};
use crate::ids::{ClaimId, UserId};
use crate::text::Text;

/// A submission, frozen: the claim as it was, with its amounts, and what was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revision {
    /// Its number, from 1.
    pub number: u32,
    /// When it was submitted.
    pub submit_time: DateTime<Utc>,
    /// Who submitted it.
    pub submitted_by: UserId,
    /// The claim right after the submission. Its decisions and returns are those of that moment.
    pub claim: Claim,
}

impl Revision {
    /// The revision that a claim's newest submission makes.
    pub(super) fn freeze(claim: &Claim) -> Self {
        let Submission { revision, submit_time, submitted_by, .. } = claim.submission.clone().unwrap_or(Submission {
            revision: 0,
            first_submit_time: DateTime::UNIX_EPOCH,
            submit_time: DateTime::UNIX_EPOCH,
            submitted_by: claim.created_by,
            submitted_by_client: claim.created_by_client,
            evidence: BTreeMap::new(),
        });
        Self { number: revision, submit_time, submitted_by, claim: claim.clone() }
    }

    /// The claim that it belongs to.
    pub fn claim_id(&self) -> ClaimId {
        self.claim.id
    }

    /// What the submission found.
    pub fn findings(&self) -> &[Finding] {
        &self.claim.findings
    }
}

/// What was done to a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DifferenceKind {
    /// It was empty before.
    Added,
    /// It is empty now.
    Removed,
    /// It has another value.
    Changed,
}

/// A difference between two revisions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Path of the field; lines by number: `lines[number=2].quantity`.
    pub path: String,
    /// What the field is called.
    pub label: Text,
    /// What was done to it.
    pub kind: DifferenceKind,
    /// The value before, as text.
    pub before: String,
    /// The value after, as text.
    pub after: String,
}

/// What changed from one revision to another, in the order of the fields, then of the line numbers.
pub fn diff(before: &Revision, after: &Revision) -> Vec<Difference> {
    let mut differences = Vec::new();
    let header = |claim: &Claim| header_fields(&claim.header);
    compare("", None, header(&before.claim), header(&after.claim), &mut differences);
    let by_number =
        |claim: &Claim| claim.lines.iter().map(|line| (line.number, line.clone())).collect::<BTreeMap<u32, Line>>();
    let (old, new) = (by_number(&before.claim), by_number(&after.claim));
    let mut numbers: Vec<u32> = old.keys().chain(new.keys()).copied().collect();
    numbers.sort_unstable();
    numbers.dedup();
    for number in numbers {
        let prefix = format!("lines[number={number}].");
        let fields = |lines: &BTreeMap<u32, Line>| lines.get(&number).map(line_fields).unwrap_or_default();
        compare(&prefix, Some(number), fields(&old), fields(&new), &mut differences);
    }
    differences
}

/// A field as text: path, label, value. An empty value means that it is not set.
type FieldText = (&'static str, (&'static str, &'static str), String);

fn compare(
    prefix: &str,
    line: Option<u32>,
    old: Vec<FieldText>,
    new: Vec<FieldText>,
    differences: &mut Vec<Difference>,
) {
    // Both sides list the same fields in the same order, or one side lists none: a line that is gone or new.
    let blank =
        |fields: &[FieldText]| fields.iter().map(|(path, label, _)| (*path, *label, String::new())).collect::<Vec<_>>();
    let (old, new) = match (old.is_empty(), new.is_empty()) {
        (true, false) => (blank(&new), new),
        (false, true) => {
            let gone = blank(&old);
            (old, gone)
        }
        (true, true) | (false, false) => (old, new),
    };
    for ((path, (en, zh), before), (_, _, after)) in old.into_iter().zip(new) {
        if before == after {
            continue;
        }
        let kind = match (before.is_empty(), after.is_empty()) {
            (true, _) => DifferenceKind::Added,
            (false, true) => DifferenceKind::Removed,
            (false, false) => DifferenceKind::Changed,
        };
        let label = match line {
            None => Text::new(en, zh),
            Some(number) => Text::new(format!("line {number}: {en}"), format!("第 {number} 行：{zh}")),
        };
        differences.push(Difference { path: format!("{prefix}{path}"), label, kind, before, after });
    }
}

fn shown<T: ToString>(value: Option<&T>) -> String {
    value.map(ToString::to_string).unwrap_or_default()
}

fn flag(value: bool) -> String {
    if value { "true".to_owned() } else { String::new() }
}

fn listed<T: ToString>(values: &[T]) -> String {
    values.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// Distances are shown with their unit, as the contract carries them.
fn kilometres(value: Option<i64>) -> String {
    value.map(|km| format!("{km} km")).unwrap_or_default()
}

fn header_fields(header: &Header) -> Vec<FieldText> {
    let Header {
        external_ref,
        vin,
        complaint_code,
        complaint_description,
        cause_code,
        cause_description,
        correction_description,
        failure_code,
        location_code,
        causal_part,
        related_parts,
        dtcs,
        odometer_in_km,
        odometer_out_km,
        complaint_date,
        repair_start_date,
        repair_completion_date,
        external_repair_order,
        external_job,
        campaign,
        authorizations,
        repeat_repair_indicator,
        supplement_of,
        copied_from,
        related_claims,
        evidence,
        details,
    } = header;
    let dtcs: Vec<&str> = dtcs.iter().map(crate::dtc::Dtc::as_str).collect();
    vec![
        ("external_ref", ("own number", "服务站编号"), shown(external_ref.as_ref())),
        ("vin", ("VIN", "车辆识别代号"), shown(vin.as_ref())),
        ("complaint_code", ("complaint code", "故障现象代码"), shown(complaint_code.as_ref())),
        ("complaint_description", ("complaint", "故障现象"), complaint_description.clone()),
        ("cause_code", ("cause code", "原因代码"), shown(cause_code.as_ref())),
        ("cause_description", ("cause", "故障原因"), cause_description.clone()),
        ("correction_description", ("correction", "处理措施"), correction_description.clone()),
        ("failure_code", ("failure code", "故障代码"), shown(failure_code.as_ref())),
        ("location_code", ("location code", "部位代码"), shown(location_code.as_ref())),
        ("causal_part", ("causal part", "主损件"), shown(causal_part.as_ref())),
        ("related_parts", ("related parts", "附损件"), listed(related_parts)),
        ("dtcs", ("trouble codes", "故障诊断码"), listed(&dtcs)),
        ("odometer_in", ("odometer at drop-off", "送修里程"), kilometres(*odometer_in_km)),
        ("odometer_out", ("odometer at delivery", "交车里程"), kilometres(*odometer_out_km)),
        ("complaint_date", ("drop-off date", "送修日期"), shown(complaint_date.as_ref())),
        ("repair_start_date", ("start of the repair", "开工日期"), shown(repair_start_date.as_ref())),
        ("repair_completion_date", ("completion of the repair", "完工日期"), shown(repair_completion_date.as_ref())),
        ("external_repair_order", ("repair order", "工单编号"), shown(external_repair_order.as_ref())),
        ("external_job", ("job", "工单项目"), shown(external_job.as_ref())),
        ("campaign", ("campaign", "服务活动"), shown(campaign.as_ref())),
        ("authorizations", ("authorisations", "事前批准"), listed(authorizations)),
        ("repeat_repair_indicator", ("repeat repair", "重复维修"), flag(*repeat_repair_indicator)),
        ("supplement_of", ("supplement of", "追加索赔"), shown(supplement_of.as_ref())),
        ("copied_from", ("copied from", "复制自"), shown(copied_from.as_ref())),
        ("related_claims", ("related claims", "相关索赔"), listed(related_claims)),
        ("evidence", ("evidence", "证明材料"), listed(evidence)),
        ("details", ("details of the kind", "类别明细"), details_text(details.as_ref())),
    ]
}

/// The details as one compact text; without values it is empty.
fn details_text(details: Option<&Details>) -> String {
    let Some(Ok(serde_json::Value::Object(fields))) = details.map(serde_json::to_value) else { return String::new() };
    let told: Vec<String> = fields
        .into_iter()
        .filter(|(name, value)| name != "kind" && !is_blank(value))
        .map(|(name, value)| match value {
            serde_json::Value::String(text) => format!("{name}: {text}"),
            serde_json::Value::Null
            | serde_json::Value::Bool(_)
            | serde_json::Value::Number(_)
            | serde_json::Value::Array(_)
            | serde_json::Value::Object(_) => format!("{name}: {value}"),
        })
        .collect();
    told.join("; ")
}

fn is_blank(value: &serde_json::Value) -> bool {
    match value {
        serde_json::Value::Null | serde_json::Value::Bool(false) => true,
        serde_json::Value::String(text) => text.is_empty(),
        serde_json::Value::Array(values) => values.is_empty(),
        serde_json::Value::Bool(true) | serde_json::Value::Number(_) | serde_json::Value::Object(_) => false,
    }
}

fn line_fields(line: &Line) -> Vec<FieldText> {
    let Line { number: _, content, pricing } = line;
    let LineContent {
        line_type,
        part,
        operation,
        description,
        quantity,
        hours,
        actual_hours,
        additional_hours,
        additional_hours_comment,
        requested_amount,
        original_serial_number,
        replacement_serial_number,
        is_causal,
        outside_part_invoice_number,
        sublet_invoice_number,
        authorization,
        tax_category,
        distance_km,
        by_night,
    } = content;
    let requested = requested_amount.or(pricing.as_ref().map(|pricing| pricing.requested));
    let unit_price = pricing.as_ref().and_then(|pricing| pricing.unit_price);
    let computed = pricing.as_ref().and_then(|pricing| pricing.computed);
    vec![
        ("type", ("type", "类型"), line_type.word().to_owned()),
        ("part", ("part", "零件"), shown(part.as_ref())),
        ("operation", ("operation", "作业项目"), shown(operation.as_ref())),
        ("description", ("description", "说明"), description.clone()),
        ("quantity", ("quantity", "数量"), shown(quantity.as_ref())),
        ("hours", ("hours", "工时"), shown(hours.as_ref())),
        ("actual_hours", ("hours worked", "实际工时"), shown(actual_hours.as_ref())),
        ("additional_hours", ("additional hours", "附加工时"), shown(additional_hours.as_ref())),
        ("additional_hours_comment", ("comment on additional hours", "附加工时说明"), additional_hours_comment.clone()),
        ("requested_amount", ("requested amount", "申报金额"), shown(requested.as_ref())),
        ("unit_price", ("unit price", "单价"), shown(unit_price.as_ref())),
        ("computed_amount", ("computed amount", "系统计算金额"), shown(computed.as_ref())),
        ("original_serial_number", ("removed serial number", "拆下件序列号"), shown(original_serial_number.as_ref())),
        (
            "replacement_serial_number",
            ("fitted serial number", "装上件序列号"),
            shown(replacement_serial_number.as_ref()),
        ),
        ("is_causal", ("causal part", "主损件标记"), flag(*is_causal)),
        (
            "outside_part_invoice_number",
            ("invoice of the part", "外购发票号"),
            shown(outside_part_invoice_number.as_ref()),
        ),
        ("sublet_invoice_number", ("invoice of the work", "外协发票号"), shown(sublet_invoice_number.as_ref())),
        ("authorization", ("authorisation", "批准编号"), shown(authorization.as_ref())),
        ("tax_category", ("tax category", "税目"), shown(tax_category.as_ref())),
        ("distance", ("distance", "距离"), kilometres(*distance_km)),
        ("by_night", ("by night", "夜间作业"), flag(*by_night)),
    ]
}

#[cfg(test)]
mod tests;
