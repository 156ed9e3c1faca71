//! What may be written into a draft: form and limits only. Whether the parts exist is found at submission,
//! so that a phone can write drafts without a connection.

use chrono::NaiveDate;
use uuid::Uuid;

use super::header::Header;
use super::line::{Line, LineContent, LineInput, LineType};
use super::state::State;
use super::transition::{TransitionError, Verb};
use super::{Claim, ClaimNumber, Kind};
use crate::access::Author;
use crate::ids::{ClaimId, Code, OrgId};
use crate::money::Currency;
use crate::text::Violation;

/// Most lines of a claim.
pub const MAX_LINES: usize = 200;
/// Highest odometer reading that is taken.
pub const MAX_ODOMETER_KM: i64 = 9_999_999;
/// Most hours on a line, in hundredths.
pub const MAX_HOURS_CENTI: i64 = 99_999;
/// Most pieces on a line, in thousandths.
pub const MAX_QUANTITY_MILLI: i64 = 999_999_000;
/// Largest amount of a line in minor units: sums of 200 of them stay far from the limit of the type.
pub const MAX_AMOUNT_MINOR: i64 = 1_000_000_000_000;

/// What a new claim is given, beside its content.
#[derive(Clone, Debug)]
pub struct NewClaim {
    /// Its key, chosen by the caller or by the server.
    pub id: ClaimId,
    /// A new UUIDv7 of the server, from which the readable number is drawn.
    pub seed: Uuid,
    /// What is claimed.
    pub kind: Kind,
    /// The station that claims.
    pub station: OrgId,
    /// The code of that station.
    pub station_code: Code,
    /// The currency of that station.
    pub currency: Currency,
    /// Who creates it.
    pub created_by: Author,
    /// The day of creation where the deployment is.
    pub today: NaiveDate,
}

/// Why a claim was not changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UpdateError {
    /// It is not where it can be changed.
    Transition(TransitionError),
    /// Its content breaks rules of form.
    Content(Vec<Violation>),
}

impl Claim {
    /// A new draft.
    pub fn create(new: NewClaim, header: Header, lines: Vec<LineInput>) -> Result<Claim, Vec<Violation>> {
        let NewClaim { id, seed, kind, station, station_code, currency, created_by, today } = new;
        let number = ClaimNumber::draw(kind, today, seed);
        let claim = Claim {
            id,
            number,
            kind,
            station,
            station_code,
            currency,
            created_by: created_by.id,
            created_by_client: created_by.is_client,
            header: Header::default(),
            lines: Vec::new(),
            next_line: 1,
            state: State::Draft,
            submission: None,
            coverage: None,
            findings: Vec::new(),
            decisions: Vec::new(),
            last_return: None,
            routing: None,
            proposal: None,
            appeals: Vec::new(),
            shared_with: Vec::new(),
            hold: None,
            pauses: Vec::new(),
            escalation: None,
        };
        claim.with_content(header, lines)
    }

    /// A new draft with the content of this claim, whatever became of it. It names where its first submission
    /// date comes from; what is unique to this one stays behind.
    pub fn copy(&self, new: NewClaim) -> Result<Claim, Vec<Violation>> {
        let source = format!("claims/{}", self.id);
        let mut header = Header { external_ref: None, ..self.header.clone() };
        if header.copied_from.is_none() {
            header.copied_from = Some(source);
        } else {
            // The first submission of the first of them counts.
            header.related_claims.push(source);
        }
        let lines = self.lines.iter().map(|line| LineInput { number: 0, content: line.content.clone() });
        Claim::create(NewClaim { kind: self.kind, ..new }, header, lines.collect())
    }

    /// The claim with another content. Lines are replaced as a whole and matched by number: a number must
    /// exist, 0 asks for a new one, and what is left out is gone. Numbers are never used again.
    pub fn update(self, header: Header, lines: Vec<LineInput>) -> Result<Claim, UpdateError> {
        self.expect(Verb::Update).map_err(UpdateError::Transition)?;
        self.with_content(header, lines).map_err(UpdateError::Content)
    }

    fn with_content(mut self, header: Header, lines: Vec<LineInput>) -> Result<Claim, Vec<Violation>> {
        let mut violations = check_header(self.kind, &header);
        violations.extend(check_lines(&self, &lines));
        if !violations.is_empty() {
            return Err(violations);
        }
        let mut next_line = self.next_line;
        let before = std::mem::take(&mut self.lines);
        self.lines = lines
            .into_iter()
            .map(|input| {
                let old = before.iter().find(|line| line.number == input.number);
                let number = if input.number == 0 {
                    let number = next_line;
                    next_line = next_line.saturating_add(1);
                    number
                } else {
                    input.number
                };
                Line { number, content: keep_unset_request(old, input.content), pricing: None }
            })
            .collect();
        self.next_line = next_line;
        self.header = header;
        // What was computed is of the content before.
        self.coverage = None;
        Ok(self)
    }
}

/// A reader sees what a line requests even where the station left it to the system. Sending it back
/// unchanged must not turn it into the station's own figure.
pub(super) fn keep_unset_request(old: Option<&Line>, mut content: LineContent) -> LineContent {
    if let Some(old) = old
        && old.content.requested_amount.is_none()
        && content.requested_amount.is_some()
        && content.requested_amount == old.pricing.as_ref().map(|pricing| pricing.requested)
    {
        content.requested_amount = None;
    }
    content
}

/// What is wrong with the form of a header.
fn check_header(kind: Kind, header: &Header) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (field, km) in [("odometer_in", header.odometer_in_km), ("odometer_out", header.odometer_out_km)] {
        if km.is_some_and(|km| !(0..=MAX_ODOMETER_KM).contains(&km)) {
            violations.push(Violation::new(
                field,
                "OUT_OF_RANGE",
                format!("an odometer reads 0 to {MAX_ODOMETER_KM} km; correct it"),
                format!("里程应为 0 到 {MAX_ODOMETER_KM} 公里；请更正"),
            ));
        }
    }
    if let Some(details) = &header.details
        && details.kind() != kind
    {
        violations.push(Violation::new(
            "details",
            "DETAILS_MISMATCH",
            format!("these details belong to {}, the claim is {}; leave them out", details.kind().word(), kind.word()),
            format!("该明细属于 {}，而索赔类型为 {}；请去掉", details.kind().word(), kind.word()),
        ));
    }
    if header.external_job.is_some() && header.external_repair_order.is_none() {
        violations.push(Violation::new(
            "external_repair_order",
            "REQUIRED_FIELD",
            "a job belongs to a repair order; name the repair order",
            "项目须属于某工单；请填写工单编号",
        ));
    }
    violations
}

/// What is wrong with the form of the lines.
fn check_lines(claim: &Claim, lines: &[LineInput]) -> Vec<Violation> {
    let mut violations = Vec::new();
    if lines.len() > MAX_LINES {
        violations.push(Violation::new(
            "lines",
            "TOO_MANY",
            format!("a claim has at most {MAX_LINES} lines; split it"),
            format!("索赔单最多 {MAX_LINES} 行；请拆分"),
        ));
    }
    for (position, input) in lines.iter().enumerate() {
        let path = |field: &str| format!("lines[{position}].{field}");
        if input.number != 0 {
            if claim.line(input.number).is_none() {
                violations.push(Violation::new(
                    path("number"),
                    "UNKNOWN_LINE",
                    format!("the claim has no line {}; leave the number out to add a line", input.number),
                    format!("索赔单没有第 {} 行；新增行请不要填写行号", input.number),
                ));
            }
            if lines.iter().take(position).any(|other| other.number == input.number) {
                violations.push(Violation::new(
                    path("number"),
                    "LINE_TWICE",
                    format!("line {} appears twice; keep one", input.number),
                    format!("第 {} 行重复；请只保留一个", input.number),
                ));
            }
        }
        check_line(claim.currency, &input.content, &path, &mut violations);
    }
    violations
}

fn check_line(currency: Currency, line: &LineContent, path: &dyn Fn(&str) -> String, violations: &mut Vec<Violation>) {
    let mut refuse = |field: &str, rule: &'static str, en: String, zh: String| {
        violations.push(Violation::new(path(field), rule, en, zh));
    };
    if line.quantity.is_some_and(|quantity| !(1..=MAX_QUANTITY_MILLI).contains(&quantity.0)) {
        refuse(
            "quantity",
            "OUT_OF_RANGE",
            "a quantity is above 0 and at most 999999".to_owned(),
            "数量须大于 0 且不超过 999999".to_owned(),
        );
    }
    for (field, hours) in
        [("hours", line.hours), ("actual_hours", line.actual_hours), ("additional_hours", line.additional_hours)]
    {
        if hours.is_some_and(|hours| !(0..=MAX_HOURS_CENTI).contains(&hours.0)) {
            refuse(field, "OUT_OF_RANGE", "hours are 0 to 999.99".to_owned(), "工时须为 0 到 999.99".to_owned());
        }
    }
    if let Some(requested) = line.requested_amount {
        if requested.currency != currency {
            refuse(
                "requested_amount",
                "CURRENCY_MISMATCH",
                format!("the station is paid in {currency}; write the amount in it"),
                format!("服务站结算币种为 {currency}；请使用该币种"),
            );
        }
        if !(0..=MAX_AMOUNT_MINOR).contains(&requested.minor) {
            refuse(
                "requested_amount",
                "OUT_OF_RANGE",
                "an amount is 0 or above and below ten thousand million".to_owned(),
                "金额不得为负且须小于一百亿".to_owned(),
            );
        }
    }
    if line.distance_km.is_some_and(|km| !(0..=MAX_ODOMETER_KM).contains(&km)) {
        refuse(
            "distance",
            "OUT_OF_RANGE",
            format!("a distance is 0 to {MAX_ODOMETER_KM} km"),
            format!("距离须为 0 到 {MAX_ODOMETER_KM} 公里"),
        );
    }
    if line.additional_hours.is_some_and(|hours| hours.0 > 0) && line.additional_hours_comment.trim().is_empty() {
        refuse(
            "additional_hours_comment",
            "REQUIRED_FIELD",
            "additional hours need a comment that says why".to_owned(),
            "填写附加工时须说明原因".to_owned(),
        );
    }
    let is_labor = matches!(line.line_type, LineType::Labor | LineType::Diagnosis);
    if !is_labor && line.by_night {
        refuse(
            "by_night",
            "NOT_OF_THIS_TYPE",
            format!("a line of type {} has no hours by night; leave by_night out", line.line_type.word()),
            format!("{} 类型的行没有夜间工时；请去掉 by_night", line.line_type.word()),
        );
    }
    if !is_labor && (line.hours.is_some() || line.additional_hours.is_some()) {
        refuse(
            "hours",
            "NOT_OF_THIS_TYPE",
            format!("a line of type {} has no hours; leave them out", line.line_type.word()),
            format!("{} 类型的行没有工时；请去掉", line.line_type.word()),
        );
    }
}

#[cfg(test)]
mod tests;
