//! What a change of parts means in money: which prices become others, from which days on, and by how much. It is what
//! somebody reads who is to agree to a price list of thousands of rows.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use super::dated::DatedList;
use super::part::{PRICE_LISTS, Part, PartPrice};
use crate::money::Currency;

/// A price that becomes another from a day on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PriceMove {
    /// The kind of price by its field: `claim_prices`.
    pub field: &'static str,
    /// Its currency.
    pub currency: Currency,
    /// The price of that day before, in minor units; none: there was none.
    pub before: Option<i64>,
    /// The price of that day afterwards.
    pub after: Option<i64>,
}

/// Moves of one kind and currency, counted and added up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MoveSum {
    /// Prices that rise.
    pub raised: i64,
    /// Prices that fall.
    pub lowered: i64,
    /// Prices where there was none.
    pub added: i64,
    /// Prices that are none any more.
    pub removed: i64,
    /// Prices that rise or fall, before.
    pub before: i128,
    /// The same prices afterwards.
    pub after: i128,
    /// The prices that are added.
    pub added_total: i128,
}

/// Moves of many parts by kind and currency.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MoveSums(BTreeMap<(&'static str, Currency), MoveSum>);

impl PriceMove {
    /// How far it moves; of a price that comes or goes, the whole of it.
    pub fn distance(&self) -> u64 {
        self.before.unwrap_or_default().abs_diff(self.after.unwrap_or_default())
    }
}

impl MoveSums {
    /// Adds a move.
    pub fn add(&mut self, moved: PriceMove) {
        let sum = self.0.entry((moved.field, moved.currency)).or_default();
        match (moved.before, moved.after) {
            (Some(before), Some(after)) => {
                if after > before {
                    sum.raised += 1;
                } else {
                    sum.lowered += 1;
                }
                sum.before += i128::from(before);
                sum.after += i128::from(after);
            }
            (None, Some(after)) => {
                sum.added += 1;
                sum.added_total += i128::from(after);
            }
            (Some(_), None) => sum.removed += 1,
            (None, None) => {}
        }
    }

    /// Kind, currency and sum of each.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, Currency, &MoveSum)> {
        self.0.iter().map(|((field, currency), sum)| (*field, *currency, sum))
    }
}

impl Part {
    /// The prices that a change of the part makes others: one for each kind, currency and day on which one of the lists
    /// begins or ends a row and the price of that day is another.
    pub fn price_moves(before: Option<&Part>, after: &Part) -> Vec<PriceMove> {
        let none = DatedList::default();
        let mut moves = Vec::new();
        for (kind, field) in PRICE_LISTS {
            let (old, new) = (before.map_or(&none, |part| part.prices(kind)), after.prices(kind));
            for (currency, day) in turns(old, new) {
                let on = |list: &DatedList<PartPrice>| {
                    list.on(day, |row| row.price.currency == currency).map(|row| row.value.price.minor)
                };
                let (before, after) = (on(old), on(new));
                if before != after {
                    moves.push(PriceMove { field, currency, before, after });
                }
            }
        }
        moves
    }
}

/// The days on which a price may become another, by currency.
fn turns(old: &DatedList<PartPrice>, new: &DatedList<PartPrice>) -> BTreeSet<(Currency, NaiveDate)> {
    let rows = old.0.iter().chain(&new.0);
    rows.flat_map(|row| {
        let days = std::iter::once(row.valid_from).chain(row.valid_to);
        days.map(|day| (row.value.price.currency, day))
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::catalog::Dated;
    use crate::catalog::part::tests::part;
    use crate::money::Money;

    fn euro() -> Currency {
        Currency::parse("EUR").unwrap()
    }

    fn day(year: i32) -> NaiveDate {
        NaiveDate::from_ymd_opt(year, 1, 1).unwrap()
    }

    fn row(currency: Currency, from: i32, to: Option<i32>, minor: i64) -> Dated<PartPrice> {
        let id = Uuid::from_u128(u128::from(from.unsigned_abs()));
        let value = PartPrice { price: Money::new(currency, minor) };
        Dated { id, valid_from: day(from), valid_to: to.map(day), value }
    }

    fn with(rows: Vec<Dated<PartPrice>>) -> Part {
        Part { claim_prices: DatedList(rows), ..part() }
    }

    fn moves(before: Option<&Part>, after: &Part) -> Vec<(Option<i64>, Option<i64>)> {
        Part::price_moves(before, after).iter().map(|moved| (moved.before, moved.after)).collect()
    }

    #[test]
    fn a_price_moves_on_the_day_from_which_it_is_another() {
        let before = with(vec![row(Currency::CNY, 2024, None, 45_000)]);
        let next = with(vec![row(Currency::CNY, 2024, Some(2027), 45_000), row(Currency::CNY, 2027, None, 46_000)]);
        assert_eq!(moves(Some(&before), &before), []);
        assert_eq!(moves(Some(&before), &next), [(Some(45_000), Some(46_000))]);
        // A row that is written in the midst of others is seen too, and so is the end of a price.
        let between = with(vec![
            row(Currency::CNY, 2024, Some(2027), 45_000),
            row(Currency::CNY, 2027, Some(2028), 90_000),
            row(Currency::CNY, 2028, None, 45_000),
        ]);
        assert_eq!(moves(Some(&before), &between), [(Some(45_000), Some(90_000))]);
        let ended = with(vec![row(Currency::CNY, 2024, Some(2027), 45_000)]);
        assert_eq!(moves(Some(&before), &ended), [(Some(45_000), None)]);
        assert_eq!(moves(None, &before), [(None, Some(45_000))]);
        // Currencies are never compared with each other.
        let euros = with(vec![row(Currency::CNY, 2024, None, 45_000), row(euro(), 2024, None, 6_000)]);
        assert_eq!(moves(Some(&before), &euros), [(None, Some(6_000))]);
    }

    #[test]
    fn moves_are_counted_and_added_up_by_kind_and_currency() {
        let moved = |currency, before, after| PriceMove { field: "claim_prices", currency, before, after };
        let mut sums = MoveSums::default();
        for one in [
            moved(Currency::CNY, Some(450), Some(460)),
            moved(Currency::CNY, Some(100), Some(70)),
            moved(Currency::CNY, None, Some(5)),
            moved(euro(), Some(8), None),
        ] {
            sums.add(one);
        }
        let told: Vec<(Currency, MoveSum)> = sums.iter().map(|(_, currency, sum)| (currency, *sum)).collect();
        let yuan = MoveSum { raised: 1, lowered: 1, added: 1, removed: 0, before: 550, after: 530, added_total: 5 };
        let ended = MoveSum { removed: 1, ..MoveSum::default() };
        assert_eq!(BTreeMap::from_iter(told), BTreeMap::from([(Currency::CNY, yuan), (euro(), ended)]));
        assert_eq!(moved(Currency::CNY, Some(450), Some(430)).distance(), 20);
        assert_eq!(moved(Currency::CNY, None, Some(430)).distance(), 430);
    }
}
