//! Requests for leave: the limit that is asked for against the lines, and what proves the need.

use super::lacks;
use crate::claims::finding::Code;
use crate::claims::{AssemblyAction, Claim, Details, Facts, Finding, LineType, MajorAssemblyDetails};
use crate::money::Money;

pub(super) fn check(claim: &Claim, _facts: &Facts) -> Vec<Finding> {
    match &claim.header.details {
        Some(Details::ExternalPurchase(details)) => {
            let mut findings: Vec<Finding> =
                limit(claim, details.limit_amount, "external_purchase.limit_amount").into_iter().collect();
            let (offer, need) = (("vendor's offer", "供应商报价单"), ("proof that none is in stock", "缺货证明"));
            for (field, proof, called) in [
                ("external_purchase.quotation", &details.quotation, offer),
                ("external_purchase.stock_out_proof", &details.stock_out_proof, need),
            ] {
                if proof.is_none() {
                    findings.push(lacks(field, called));
                }
            }
            findings
        }
        Some(Details::MajorAssembly(details)) => {
            let mut findings: Vec<Finding> =
                limit(claim, details.limit_amount, "major_assembly.limit_amount").into_iter().collect();
            findings.extend(replaced_assembly(claim, details));
            findings
        }
        Some(
            Details::WarrantyRepair(_)
            | Details::RunningInMaintenance(_)
            | Details::RoadsideRescue(_)
            | Details::CompensationAppraisal(_),
        )
        | None => Vec::new(),
    }
}

/// What is asked for is enough for the lines, in the station's currency.
fn limit(claim: &Claim, limit: Option<Money>, field: &str) -> Option<Finding> {
    let limit = limit?;
    if limit.currency != claim.currency {
        return Some(
            Finding::error(Code::CurrencyMismatch, field).with("amount", limit).with("currency", claim.currency),
        );
    }
    let requested = claim.lines.iter().filter_map(|line| line.pricing.as_ref()).map(|pricing| pricing.requested);
    let lines = Money::sum(claim.currency, requested).ok()?;
    (limit.minor < lines.minor)
        .then(|| Finding::error(Code::QuoteTooLow, field).with("limit", limit).with("lines", lines))
}

/// Who asks to replace an assembly claims it on a line, for the line is what is authorised; who asks to repair it
/// does not.
fn replaced_assembly(claim: &Claim, details: &MajorAssemblyDetails) -> Option<Finding> {
    let assembly = details.assembly.as_ref()?;
    let claimed = claim
        .lines
        .iter()
        .any(|line| line.content.line_type == LineType::Part && line.content.part.as_ref() == Some(assembly));
    let (field, name) = match (details.action?, claimed) {
        (AssemblyAction::Replace, false) => ("lines", format!("a line for {assembly}")),
        (AssemblyAction::Repair, true) => ("major_assembly.action", format!("REPLACE, as a line replaces {assembly},")),
        (AssemblyAction::Replace, true) | (AssemblyAction::Repair, false) => return None,
    };
    Some(Finding::error(Code::RequiredField, field).with("name", name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claims::draft::NewClaim;
    use crate::claims::sample::{added, cny, code, facts, header, new_claim, part_line};
    use crate::claims::{ExternalPurchaseDetails, Header, Kind, LineContent, pricing};
    use crate::money::{Currency, Quantity};

    fn found(kind: Kind, details: Details, line: LineContent) -> Vec<(Code, String, bool)> {
        let header = Header { details: Some(details), ..header() };
        let mut claim = Claim::create(NewClaim { kind, ..new_claim() }, header, vec![added(line)]).unwrap();
        pricing::price(&mut claim, &facts());
        check(&claim, &facts())
            .into_iter()
            .map(|finding| (finding.code, finding.field.clone(), finding.blocks()))
            .collect()
    }

    #[test]
    fn an_offer_covers_the_lines_and_stands_with_the_proof_of_need() {
        let line = LineContent {
            description: "fuel pump".to_owned(),
            quantity: Some(Quantity(1_000)),
            requested_amount: Some(cny("480")),
            ..LineContent::new(LineType::ExternalPart)
        };
        let offer = |amount: Money| ExternalPurchaseDetails {
            limit_amount: Some(amount),
            quotation: Some("attachments/1".to_owned()),
            stock_out_proof: Some("attachments/2".to_owned()),
            ..ExternalPurchaseDetails::default()
        };
        let of = |details| found(Kind::ExternalPurchase, Details::ExternalPurchase(details), line.clone());
        assert_eq!(of(offer(cny("480"))), []);
        let field = "external_purchase.limit_amount".to_owned();
        assert_eq!(of(offer(cny("479.99"))), [(Code::QuoteTooLow, field.clone(), true)]);
        let euros = Money::new(Currency::parse("EUR").unwrap(), 100_000);
        assert_eq!(of(offer(euros)), [(Code::CurrencyMismatch, field, true)]);
        let bare = ExternalPurchaseDetails { quotation: None, stock_out_proof: None, ..offer(cny("480")) };
        assert_eq!(
            of(bare),
            [
                (Code::EvidenceMissing, "external_purchase.quotation".to_owned(), false),
                (Code::EvidenceMissing, "external_purchase.stock_out_proof".to_owned(), false),
            ]
        );
    }

    #[test]
    fn an_assembly_that_is_replaced_stands_on_a_line() {
        let asked = |assembly: &str, action| {
            let details = MajorAssemblyDetails {
                assembly: Some(code(assembly)),
                action: Some(action),
                ..MajorAssemblyDetails::default()
            };
            found(Kind::MajorAssembly, Details::MajorAssembly(details), part_line())
        };
        assert_eq!(asked("P-100", AssemblyAction::Replace), []);
        assert_eq!(asked("P-900", AssemblyAction::Replace), [(Code::RequiredField, "lines".to_owned(), true)]);
        assert_eq!(asked("P-900", AssemblyAction::Repair), []);
        let action = "major_assembly.action".to_owned();
        assert_eq!(asked("P-100", AssemblyAction::Repair), [(Code::RequiredField, action, true)]);
    }
}
