//! Amounts against the price lists.

use super::{at, beyond, positions};
use crate::claims::finding::Code;
use crate::claims::pricing::{Computed, compute_line, price_date};
use crate::claims::{Claim, Facts, Finding};

pub(super) fn check(claim: &Claim, facts: &Facts) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (position, line) in positions(claim) {
        let content = &line.content;
        let finding = match compute_line(claim, position, content, facts) {
            Computed::Amount { amount, .. } => content
                .requested_amount
                .filter(|requested| beyond(requested.minor, amount.minor, facts.setting.price_tolerance_bp))
                .map(|requested| {
                    Finding::warning(Code::PriceAboveList, at(position, "requested_amount"))
                        .with("requested", requested)
                        .with("computed", amount)
                }),
            Computed::NoPrice(missing) => {
                let subject = content
                    .part
                    .as_ref()
                    .or(content.operation.as_ref())
                    .map_or(content.line_type.word(), |code| code.as_str());
                Some(
                    Finding::warning(Code::NoPrice, at(position, "type"))
                        .with("price_kind", missing.word())
                        .with("subject", subject)
                        .with("currency", claim.currency)
                        .with("date", price_date(claim, facts)),
                )
            }
            Computed::OutOfRange => Some(Finding::error(Code::AmountOutOfRange, at(position, "quantity"))),
            Computed::NothingToPrice => None,
        };
        findings.extend(finding.map(|finding| finding.on_line(line.number)));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::DatedList;
    use crate::claims::LineContent;
    use crate::claims::draft::MAX_AMOUNT_MINOR;
    use crate::claims::sample::{added, cny, code, draft, facts, header, part_line};
    use crate::money::Money;

    fn found(line: LineContent, facts: &Facts) -> Vec<(Code, String, bool)> {
        let claim = draft().update(header(), vec![added(line)]).unwrap();
        check(&claim, facts)
            .into_iter()
            .map(|finding| (finding.code, finding.field.clone(), finding.blocks()))
            .collect()
    }

    fn requesting(amount: Option<&str>) -> LineContent {
        LineContent { requested_amount: amount.map(cny), ..part_line() }
    }

    #[test]
    fn more_than_the_list_allows_warns() {
        // The sample's claim price is 500.00.
        for amount in [None, Some("0"), Some("500")] {
            assert_eq!(found(requesting(amount), &facts()), [], "{amount:?}");
        }
        let expected = [(Code::PriceAboveList, "lines[0].requested_amount".to_owned(), false)];
        assert_eq!(found(requesting(Some("500.01")), &facts()), expected);
    }

    #[test]
    fn a_part_without_a_price_warns() {
        let mut facts = facts();
        if let Some(part) = facts.parts.get_mut(&code("P-100")) {
            part.claim_prices = DatedList::default();
        }
        assert_eq!(found(part_line(), &facts), [(Code::NoPrice, "lines[0].type".to_owned(), false)]);
    }

    #[test]
    fn an_amount_that_can_not_be_held_is_an_error() {
        let priced = |minor| {
            let mut facts = facts();
            if let Some(part) = facts.parts.get_mut(&code("P-100")) {
                for row in &mut part.claim_prices.0 {
                    row.value.price = Money::new(row.value.price.currency, minor);
                }
            }
            let line = LineContent { quantity: Some(crate::money::Quantity(2_000)), ..part_line() };
            found(line, &facts)
        };
        let told = [(Code::AmountOutOfRange, "lines[0].quantity".to_owned(), true)];
        assert_eq!(priced(i64::MAX), told);
        // Nor one that nobody may ask for: the books' sums would not hold many of them.
        assert_eq!(priced(MAX_AMOUNT_MINOR / 2 + 1), told);
        assert_eq!(priced(MAX_AMOUNT_MINOR / 2), []);
    }
}
