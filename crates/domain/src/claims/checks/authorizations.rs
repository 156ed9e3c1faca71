//! Prior leave: who needs it, and whether what is named can be used.
//!
//! What is named and can't be used blocks: taken out of the line, the claim goes to the auditor with a warning
//! that leave is missing. So does more than is left in pieces; an amount beyond is cut and told.

use super::{at, positions};
use crate::authorizations::{Authorization, Unusable};
use crate::catalog::AssemblyClass;
use crate::claims::finding::Code;
use crate::claims::pricing::{Computed, compute_line};
use crate::claims::{AssemblyAction, Claim, Effect, Facts, Finding, Line, LineType};
use crate::money::Money;
use crate::text::Lang;

pub(super) fn check(claim: &Claim, facts: &Facts) -> Vec<Finding> {
    match claim.kind.spec().effect() {
        Effect::Authorizes => return Vec::new(),
        Effect::Pays => {}
    }
    let mut findings = Vec::new();
    for (position, line) in positions(claim) {
        let Some(named) = line.content.authorization.as_deref() else {
            // The campaign is the leave.
            if claim.covering_campaign(facts).is_none() {
                findings.extend(missing(position, line, facts));
            }
            continue;
        };
        let known = facts.authorizations.iter().find(|known| known.is_named(named));
        let found = match known {
            Some(known) => ask(claim, position, line, known, facts),
            None => vec![unusable(position, named, Unusable::Unknown)],
        };
        findings.extend(found.into_iter().map(|finding| finding.on_line(line.number)));
    }
    findings
}

/// Parts bought elsewhere and whole assemblies are replaced by leave given before.
fn missing(position: usize, line: &Line, facts: &Facts) -> Option<Finding> {
    let needs_leave = match line.content.line_type {
        LineType::ExternalPart => true,
        LineType::Part => {
            let part = line.content.part.as_ref().and_then(|code| facts.parts.get(code));
            part.is_some_and(|part| part.assembly_class == AssemblyClass::Assembly)
        }
        LineType::Labor
        | LineType::Diagnosis
        | LineType::Sublet
        | LineType::Travel
        | LineType::Towing
        | LineType::MaintenanceFee
        | LineType::CourtesyCar
        | LineType::Freight
        | LineType::Allowance => false,
    };
    needs_leave.then(|| {
        Finding::warning(Code::AuthorizationMissing, at(position, "authorization"))
            .on_line(line.number)
            .with("line_type", line.content.line_type.word())
    })
}

fn ask(claim: &Claim, position: usize, line: &Line, known: &Authorization, facts: &Facts) -> Vec<Finding> {
    let vin = claim.header.vin.as_deref().unwrap_or_default();
    // A correction is judged by the day of the claim's own first submission. A copy is another claim: it begins
    // to use what stands today.
    let own = facts.first_submit_date.filter(|_| claim.submission.is_some());
    let day = own.unwrap_or(facts.today);
    if let Err(why) = known.usable(vin, day) {
        return vec![unusable(position, &known.number, why)];
    }
    if known.currency != claim.currency {
        return vec![unusable(position, &known.number, Unusable::OtherItem)];
    }
    let Some(planned) = known.plan(claim).into_iter().find(|planned| planned.line == line.number) else {
        return Vec::new();
    };
    if planned.item.is_none() {
        return vec![unusable(position, &known.number, Unusable::OtherItem)];
    }
    let mut findings = Vec::new();
    if let (Some(left), Some(wanted)) = (planned.left_quantity, line.content.quantity)
        && wanted > left
    {
        findings.push(
            Finding::error(Code::ExceedsAuthorization, at(position, "quantity"))
                .with("authorization", &known.number)
                .with("allowed", left)
                .with("wanted", wanted),
        );
    }
    if let Some(wanted) = wanted_amount(claim, position, line, facts)
        && wanted.minor > planned.left_amount.minor
    {
        findings.push(
            Finding::warning(Code::ExceedsAuthorization, at(position, "requested_amount"))
                .with("authorization", &known.number)
                .with("allowed", planned.left_amount)
                .with("wanted", wanted),
        );
    }
    findings.extend(other_serial(position, line, known));
    findings
}

/// What the line would be paid without the authorisation's limit.
fn wanted_amount(claim: &Claim, position: usize, line: &Line, facts: &Facts) -> Option<Money> {
    line.content.requested_amount.or_else(|| match compute_line(claim, position, &line.content, facts) {
        Computed::Amount { amount, .. } => Some(amount),
        Computed::NoPrice(_) | Computed::NothingToPrice | Computed::OutOfRange => None,
    })
}

/// The assembly that comes out is the one that leave was given for.
fn other_serial(position: usize, line: &Line, known: &Authorization) -> Option<Finding> {
    if known.action != Some(AssemblyAction::Replace) || known.assembly.is_none() || line.content.part != known.assembly
    {
        return None;
    }
    let expected = known.assembly_serial_number.as_deref()?;
    let serial = line.content.original_serial_number.as_deref()?;
    (!serial.trim().eq_ignore_ascii_case(expected.trim())).then(|| {
        Finding::warning(Code::SerialMismatch, at(position, "original_serial_number"))
            .with("part", line.content.part.as_ref().map(ToString::to_string).unwrap_or_default())
            .with("serial", serial)
            .with("expected", expected)
    })
}

fn unusable(position: usize, named: &str, why: Unusable) -> Finding {
    let text = why.text();
    Finding::error(Code::AuthorizationNotUsable, at(position, "authorization"))
        .with("authorization", named)
        .with("reason_en", text.in_lang(Lang::En))
        .with("reason_zh", text.in_lang(Lang::ZhCn))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authorizations::{AuthorizationState, Item};
    use crate::claims::sample::{STATION, added, cny, code, day, draft, facts, header, in_state, part_line};
    use crate::claims::{Kind, LineContent, StateWord, pricing};
    use crate::ids::{AuthorizationId, ClaimId};
    use crate::money::{Currency, Quantity};
    use uuid::Uuid;

    fn authorization() -> Authorization {
        Authorization {
            id: AuthorizationId(Uuid::from_u128(0xa1)),
            number: "AU-2611-00000001".to_owned(),
            kind: Kind::ExternalPurchase,
            station: STATION,
            station_code: code("S-001"),
            vin: "LSVAM4186C2184841".to_owned(),
            claim: ClaimId(Uuid::from_u128(0xc1)),
            currency: Currency::CNY,
            items: vec![Item {
                number: 1,
                line_type: LineType::ExternalPart,
                part: None,
                operation: None,
                description: "fuel pump".to_owned(),
                limit_quantity: Some(Quantity(1_000)),
                limit_amount: cny("480"),
            }],
            issue_date: day("2026-11-01"),
            expire_date: day("2026-12-31"),
            uses: Vec::new(),
            action: None,
            assembly: None,
            assembly_serial_number: None,
            certificate: None,
            revocation: None,
            state: AuthorizationState::Active,
        }
    }

    fn bought(pieces: i64, amount: &str) -> LineContent {
        LineContent {
            description: "fuel pump".to_owned(),
            quantity: Some(Quantity(pieces)),
            requested_amount: Some(cny(amount)),
            outside_part_invoice_number: Some("INV-1".to_owned()),
            authorization: Some("au-2611-00000001".to_owned()),
            ..LineContent::new(LineType::ExternalPart)
        }
    }

    fn found(line: LineContent, authorization: Authorization) -> Vec<(Code, String, bool)> {
        let mut facts = facts();
        facts.authorizations = vec![authorization];
        let mut claim = draft().update(header(), vec![added(line)]).unwrap();
        pricing::price(&mut claim, &facts);
        check(&claim, &facts)
            .into_iter()
            .map(|finding| (finding.code, finding.field.clone(), finding.blocks()))
            .collect()
    }

    const NAME: &str = "lines[0].authorization";

    #[test]
    fn a_part_bought_elsewhere_and_a_whole_assembly_need_leave() {
        let line = LineContent { authorization: None, ..bought(1_000, "480") };
        assert_eq!(found(line, authorization()), [(Code::AuthorizationMissing, NAME.to_owned(), false)]);
        assert_eq!(found(part_line(), authorization()), []);
        let mut facts = facts();
        if let Some(part) = facts.parts.get_mut(&code("P-100")) {
            part.assembly_class = AssemblyClass::Assembly;
        }
        let codes: Vec<Code> = check(&draft(), &facts).into_iter().map(|finding| finding.code).collect();
        assert_eq!(codes, [Code::AuthorizationMissing]);
    }

    #[test]
    fn what_is_within_it_is_fine() {
        assert_eq!(found(bought(1_000, "480"), authorization()), []);
    }

    #[test]
    fn what_can_not_be_used_blocks() {
        let not_usable = [(Code::AuthorizationNotUsable, NAME.to_owned(), true)];
        let unknown = LineContent { authorization: Some("AU-404".to_owned()), ..bought(1_000, "480") };
        assert_eq!(found(unknown, authorization()), not_usable);
        let other_vehicle = Authorization { vin: "1M8GDM9AXKP042788".to_owned(), ..authorization() };
        assert_eq!(found(bought(1_000, "480"), other_vehicle), not_usable);
        let expired = Authorization { expire_date: day("2026-11-22"), ..authorization() };
        assert_eq!(found(bought(1_000, "480"), expired), not_usable, "the sample is submitted on the 23rd");
        let last_day = Authorization { expire_date: day("2026-11-23"), ..authorization() };
        assert_eq!(found(bought(1_000, "480"), last_day), []);
        let other_item = LineContent { authorization: Some("AU-2611-00000001".to_owned()), ..part_line() };
        assert_eq!(found(other_item, authorization()), not_usable);
    }

    #[test]
    fn a_correction_is_judged_by_its_own_first_submission_and_a_copy_is_not() {
        let mut facts = facts();
        facts.first_submit_date = Some(day("2026-11-20"));
        facts.authorizations = vec![Authorization { expire_date: day("2026-11-22"), ..authorization() }];
        let mut copy = draft().update(header(), vec![added(bought(1_000, "480"))]).unwrap();
        pricing::price(&mut copy, &facts);
        let codes = |claim: &Claim| check(claim, &facts).into_iter().map(|finding| finding.code).collect::<Vec<_>>();
        assert_eq!(codes(&copy), [Code::AuthorizationNotUsable]);
        let corrected = Claim { submission: in_state(StateWord::Returned).submission, ..copy };
        assert_eq!(codes(&corrected), []);
    }

    #[test]
    fn more_pieces_block_and_more_money_is_cut_and_told() {
        assert_eq!(
            found(bought(2_000, "480"), authorization()),
            [(Code::ExceedsAuthorization, "lines[0].quantity".to_owned(), true)]
        );
        assert_eq!(
            found(bought(1_000, "480.01"), authorization()),
            [(Code::ExceedsAuthorization, "lines[0].requested_amount".to_owned(), false)]
        );
        let mut facts = facts();
        facts.authorizations = vec![authorization()];
        let mut claim = draft().update(header(), vec![added(bought(1_000, "500"))]).unwrap();
        pricing::price(&mut claim, &facts);
        assert_eq!(claim.lines[0].pricing.as_ref().and_then(|pricing| pricing.computed), Some(cny("480")));
    }

    #[test]
    fn lines_of_one_claim_share_what_is_left() {
        let mut facts = facts();
        facts.authorizations = vec![authorization()];
        let lines = vec![added(bought(1_000, "300")), added(bought(1_000, "300"))];
        let mut claim = draft().update(header(), lines).unwrap();
        pricing::price(&mut claim, &facts);
        let findings: Vec<(Code, String)> =
            check(&claim, &facts).into_iter().map(|finding| (finding.code, finding.field)).collect();
        assert_eq!(
            findings,
            [
                (Code::ExceedsAuthorization, "lines[1].quantity".to_owned()),
                (Code::ExceedsAuthorization, "lines[1].requested_amount".to_owned())
            ]
        );
        assert_eq!(claim.lines[1].pricing.as_ref().and_then(|pricing| pricing.computed), Some(cny("180")));
    }
}
