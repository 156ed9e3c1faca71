//! What proves the claim: whether it is there, is the station's own and not another claim's, and suffices.

use std::collections::BTreeSet;

use super::positions;
use crate::attachments::{self, Category};
use crate::catalog::EvidenceRule;
use crate::claims::finding::Code;
use crate::claims::{Claim, EvidenceUse, Facts, Finding, Line};
use crate::money::Money;

pub(super) fn check(claim: &Claim, facts: &Facts) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (field, name) in claim.evidence_named() {
        findings.extend(attachment(claim, field, name, facts));
    }
    findings.extend(facts.evidence.rules.iter().filter_map(|rule| missing(claim, rule, facts)));
    findings
}

/// An attachment that is named: the station's own, there in full, and proof of no other claim.
fn attachment(claim: &Claim, field: String, name: &str, facts: &Facts) -> Vec<Finding> {
    let fact = attachments::key_of(name).and_then(|key| facts.evidence.attachments.get(&key));
    // Another station's is not told apart from none at all.
    let Some(fact) = fact.filter(|fact| fact.station == claim.station && !fact.abandoned) else {
        return vec![Finding::error(Code::UnknownAttachment, field).with("attachment", name)];
    };
    let Some(hash) = &fact.hash else {
        return vec![Finding::warning(Code::EvidenceNotUploaded, field).with("attachment", name)];
    };
    let uses = facts.evidence.uses.iter().filter(|other| &other.hash == hash && is_another(claim, other));
    let mut told = BTreeSet::new();
    uses.filter_map(|other| {
        let (en, zh) = if other.station == claim.station {
            (format!("claim {}", other.number), format!("索赔单 {}", other.number))
        } else {
            ("a claim of another station".to_owned(), "其他服务站的索赔单".to_owned())
        };
        told.insert(en.clone()).then(|| {
            Finding::warning(Code::EvidenceReused, field.clone())
                .with("attachment", name)
                .with("other_en", en)
                .with("other_zh", zh)
        })
    })
    .collect()
}

/// A claim of the station that this one adds to, or was copied from, rests on the same proof rightly.
fn is_another(claim: &Claim, other: &EvidenceUse) -> bool {
    let name = format!("claims/{}", other.claim);
    let kin = [&claim.header.supplement_of, &claim.header.copied_from];
    let is_kin = other.station == claim.station && kin.iter().any(|one| one.as_deref() == Some(&name));
    other.claim != claim.id && other.state.is_live() && !is_kin
}

/// What a rule asks for and the claim has not.
fn missing(claim: &Claim, rule: &EvidenceRule, facts: &Facts) -> Option<Finding> {
    let day = claim.header.repair_completion_date.unwrap_or(facts.today);
    let named = rule.kind.is_none_or(|kind| kind == claim.kind)
        && (rule.failure_code.is_none() || rule.failure_code == claim.header.failure_code);
    if !named || !rule.is_in_force(day) {
        return None;
    }
    let line = if rule.is_about_a_line() {
        Some(positions(claim).find(|(_, line)| concerns(rule, line, facts))?)
    } else {
        reaches(rule, requested(claim.lines.iter())).then_some(())?;
        None
    };
    let needed = rule.minimum_count.max(1);
    let found = count(claim, rule.category, facts);
    if found >= needed {
        return None;
    }
    let called = rule.category.text();
    let clause = if rule.clause.is_empty() { format!("evidenceRules/{}", rule.code) } else { rule.clause.clone() };
    let finding =
        Finding::warning(Code::EvidenceMissing, line.map_or("evidence".to_owned(), |(at, _)| format!("lines[{at}]")))
            .by(clause)
            .with("category", rule.category.word())
            .with("category_en", called.en)
            .with("category_zh", called.zh_cn)
            .with("needed", needed)
            .with("found", found);
    Some(match line {
        Some((_, line)) => finding.on_line(line.number),
        None => finding,
    })
}

/// Whether a line has all that a rule names of a line.
fn concerns(rule: &EvidenceRule, line: &Line, facts: &Facts) -> bool {
    let content = &line.content;
    let category = content.part.as_ref().and_then(|part| facts.parts.get(part)).map(|part| &part.category);
    (rule.operation.is_none() || rule.operation == content.operation)
        && (rule.part.is_none() || rule.part == content.part)
        && (rule.part_category.is_none() || rule.part_category.as_ref() == category)
        && reaches(rule, requested(std::iter::once(line)))
}

/// Whether an amount is one from which on the rule asks. What can't be summed or compared is looked at.
fn reaches(rule: &EvidenceRule, amount: Option<Money>) -> bool {
    match (rule.from_amount, amount) {
        (None, _) | (Some(_), None) => true,
        (Some(from), Some(amount)) => from.currency != amount.currency || amount.minor >= from.minor,
    }
}

/// What some lines request: what the station wrote, else what was computed.
fn requested<'l>(lines: impl Iterator<Item = &'l Line>) -> Option<Money> {
    let amounts = lines
        .filter_map(|line| line.pricing.as_ref().map(|pricing| pricing.requested).or(line.content.requested_amount));
    amounts.map(Some).reduce(|sum, amount| sum?.try_add(amount?).ok()).flatten()
}

/// How many different files of a category are there in full.
fn count(claim: &Claim, category: Category, facts: &Facts) -> u32 {
    let hashes = claim.evidence_hashes(&facts.evidence);
    let of_category = hashes
        .iter()
        .filter(|(key, _)| facts.evidence.attachments.get(*key).is_some_and(|fact| fact.category == category));
    let different: BTreeSet<_> = of_category.map(|(_, hash)| hash).collect();
    u32::try_from(different.len()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::attachments::Hash;
    use crate::claims::sample::{STATION, cny, code, day, draft, facts, priced};
    use crate::claims::{
        AttachmentFact, Details, ExternalPurchaseDetails, Kind, RescueTrip, RoadsideRescueDetails, StateWord, text,
    };
    use crate::ids::{ClaimId, OrgId};
    use crate::text::Lang;

    fn hash(letter: char) -> Hash {
        Hash::parse(&letter.to_string().repeat(64)).unwrap()
    }

    fn name(number: u128) -> String {
        format!("attachments/{}", Uuid::from_u128(number))
    }

    fn photo(letter: char) -> AttachmentFact {
        AttachmentFact { station: STATION, category: Category::Photo, hash: Some(hash(letter)), abandoned: false }
    }

    fn with(attachments: Vec<(u128, AttachmentFact)>) -> (Claim, Facts) {
        let (mut claim, mut facts) = (priced(), facts());
        claim.header.evidence = attachments.iter().map(|(number, _)| name(*number)).collect();
        facts.evidence.attachments =
            attachments.into_iter().map(|(number, fact)| (Uuid::from_u128(number), fact)).collect();
        (claim, facts)
    }

    fn found(claim: &Claim, facts: &Facts) -> Vec<(Code, String, bool)> {
        check(claim, facts).into_iter().map(|finding| (finding.code, finding.field.clone(), finding.blocks())).collect()
    }

    fn rule() -> EvidenceRule {
        EvidenceRule {
            code: code("ER-1"),
            display_name: "photo of the pump".to_owned(),
            kind: None,
            operation: None,
            part: None,
            part_category: None,
            failure_code: None,
            from_amount: None,
            category: Category::Photo,
            minimum_count: 1,
            clause: String::new(),
            valid_from: day("2026-01-01"),
            valid_to: None,
            external_ref: String::new(),
        }
    }

    fn asks(rule: EvidenceRule) -> bool {
        let (claim, mut facts) = with(Vec::new());
        facts.evidence.rules = vec![rule];
        !check(&claim, &facts).is_empty()
    }

    #[test]
    fn evidence_of_ones_own_that_is_there_is_fine() {
        let (claim, facts) = with(vec![(1, photo('a')), (2, photo('b'))]);
        assert_eq!(found(&claim, &facts), []);
        let frozen = claim.evidence_hashes(&facts.evidence);
        assert_eq!(frozen.values().cloned().collect::<Vec<_>>(), [hash('a'), hash('b')]);
    }

    #[test]
    fn what_is_unknown_foreign_or_given_up_blocks_and_is_told_alike() {
        let foreign = AttachmentFact { station: OrgId(Uuid::from_u128(5)), ..photo('b') };
        let (mut claim, mut facts) = with(vec![
            (1, photo('a')),
            (2, foreign),
            (3, AttachmentFact { abandoned: true, hash: None, ..photo('c') }),
        ]);
        claim.header.evidence.extend([name(4), "photo.jpg".to_owned()]);
        let expected: Vec<_> = (1..5).map(|at| (Code::UnknownAttachment, format!("evidence[{at}]"), true)).collect();
        assert_eq!(found(&claim, &facts), expected);
        assert_eq!(claim.evidence_hashes(&facts.evidence).len(), 1);
        facts.evidence.attachments.clear();
        assert_eq!(found(&claim, &facts).len(), 5);
    }

    #[test]
    fn evidence_that_is_on_its_way_warns() {
        let (claim, facts) = with(vec![(1, AttachmentFact { hash: None, ..photo('a') })]);
        assert_eq!(found(&claim, &facts), [(Code::EvidenceNotUploaded, "evidence[0]".to_owned(), false)]);
    }

    #[test]
    fn details_name_evidence_too() {
        let (mut claim, facts) = with(Vec::new());
        let trip = |track: Option<String>| RescueTrip { track, ..RescueTrip::default() };
        let trips = vec![trip(None), trip(Some(name(1)))];
        claim.header.details = Some(Details::RoadsideRescue(RoadsideRescueDetails { trips, ..Default::default() }));
        assert_eq!(found(&claim, &facts)[0].1, "roadside_rescue.trips[1].track");
        let quotation = Some(name(1));
        claim.header.details =
            Some(Details::ExternalPurchase(ExternalPurchaseDetails { quotation, ..Default::default() }));
        assert_eq!(found(&claim, &facts)[0].1, "external_purchase.quotation");
    }

    #[test]
    fn one_file_for_two_claims_warns_and_hides_other_stations() {
        let other = EvidenceUse {
            hash: hash('a'),
            claim: ClaimId(Uuid::from_u128(99)),
            number: "WR-2611-OTHER000".to_owned(),
            station: STATION,
            state: StateWord::Approved,
        };
        let told = |other: EvidenceUse, change: fn(&mut Claim)| {
            let (mut claim, mut facts) = with(vec![(1, photo('a')), (2, photo('b'))]);
            change(&mut claim);
            facts.evidence.uses = vec![other.clone(), other];
            check(&claim, &facts)
        };
        let own = told(other.clone(), |_| ());
        assert_eq!((own.len(), own[0].code, own[0].field.as_str()), (1, Code::EvidenceReused, "evidence[0]"));
        assert!(text(&own[0], Lang::En).message.contains("WR-2611-OTHER000"));
        let foreign = told(EvidenceUse { station: OrgId(Uuid::from_u128(5)), ..other.clone() }, |_| ());
        assert!(!serde_json::to_string(&foreign).unwrap().contains("OTHER000"));
        assert!(text(&foreign[0], Lang::ZhCn).message.contains("其他服务站"));
        for state in [StateWord::Draft, StateWord::Rejected, StateWord::Withdrawn, StateWord::Lapsed] {
            assert_eq!(told(EvidenceUse { state, ..other.clone() }, |_| ()), [], "{state:?}");
        }
        assert_eq!(told(EvidenceUse { claim: draft().id, ..other.clone() }, |_| ()), []);
        let kin = format!("claims/{}", Uuid::from_u128(99));
        assert_eq!(kin, "claims/00000000-0000-0000-0000-000000000063");
        let supplement = |claim: &mut Claim| {
            claim.header.supplement_of = Some("claims/00000000-0000-0000-0000-000000000063".to_owned());
        };
        assert_eq!(told(other.clone(), supplement), []);
        let of_another = told(EvidenceUse { station: OrgId(Uuid::from_u128(5)), ..other }, supplement);
        assert_eq!(of_another.len(), 1, "a claim of another station is no supplement's");
    }

    #[test]
    fn a_rule_applies_to_a_claim_that_has_all_that_it_names() {
        assert!(asks(rule()));
        for (kind, applies) in [(Kind::WarrantyRepair, true), (Kind::MajorAssembly, false)] {
            assert_eq!(asks(EvidenceRule { kind: Some(kind), ..rule() }), applies);
        }
        for (text, applies) in [("OP-10", true), ("OP-11", false)] {
            assert_eq!(asks(EvidenceRule { operation: Some(code(text)), ..rule() }), applies);
        }
        for (text, applies) in [("P-100", true), ("P-101", false)] {
            assert_eq!(asks(EvidenceRule { part: Some(code(text)), ..rule() }), applies);
        }
        for (text, applies) in [("FUEL", true), ("BODY", false)] {
            assert_eq!(asks(EvidenceRule { part_category: Some(code(text)), ..rule() }), applies);
        }
        for (text, applies) in [("F-0101", true), ("F-0102", false)] {
            assert_eq!(asks(EvidenceRule { failure_code: Some(code(text)), ..rule() }), applies);
        }
        // The part is on one line and the operation on another: no line has both.
        assert!(!asks(EvidenceRule { part: Some(code("P-100")), operation: Some(code("OP-10")), ..rule() }));
        // The sample was repaired on 2026-11-12.
        assert!(!asks(EvidenceRule { valid_from: day("2026-11-13"), ..rule() }));
        assert!(!asks(EvidenceRule { valid_to: Some(day("2026-11-12")), ..rule() }));
    }

    #[test]
    fn a_rule_asks_from_its_amount_on() {
        // The sample requests 500 for the part and 96 for the work.
        for (amount, claim, line) in
            [("500", true, true), ("500.01", true, false), ("596", true, false), ("596.01", false, false)]
        {
            let from_amount = Some(cny(amount));
            assert_eq!(asks(EvidenceRule { from_amount, ..rule() }), claim, "{amount}");
            assert_eq!(asks(EvidenceRule { from_amount, part: Some(code("P-100")), ..rule() }), line, "{amount}");
        }
    }

    #[test]
    fn what_is_missing_is_named_with_the_line_that_asks() {
        let (claim, mut facts) = with(vec![
            (1, photo('a')),
            (2, photo('a')),
            (3, AttachmentFact { category: Category::Invoice, ..photo('c') }),
        ]);
        facts.evidence.rules = vec![EvidenceRule { operation: Some(code("OP-10")), minimum_count: 2, ..rule() }];
        let findings = check(&claim, &facts);
        assert_eq!(
            (findings[0].code, findings[0].field.as_str(), findings[0].line),
            (Code::EvidenceMissing, "lines[1]", Some(2))
        );
        assert_eq!(findings[0].clause, "evidenceRules/ER-1");
        // Twice the same file is one photo.
        assert_eq!((findings[0].params["needed"].as_str(), findings[0].params["found"].as_str()), ("2", "1"));
        assert!(text(&findings[0], Lang::En).message.contains("photo"));
        facts.evidence.rules = vec![EvidenceRule { minimum_count: 0, ..rule() }];
        assert_eq!(check(&claim, &facts), []);
        facts.evidence.rules =
            vec![EvidenceRule { category: Category::Signature, clause: "§ 7".to_owned(), ..rule() }];
        let findings = check(&claim, &facts);
        assert_eq!(
            (findings[0].field.as_str(), findings[0].line, findings[0].clause.as_str()),
            ("evidence", None, "§ 7")
        );
    }
}
