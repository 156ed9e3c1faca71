//! Who supplied which pieces of a part: to a plant, in a time, by serial number or lot.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::common::{Checks, code_value, coded, date, named, reference, text, text_value};
use super::record::{ColumnValue, Field, Record, Reference};
use crate::ids::Code;
use crate::money::BasisPoints;
use crate::text::Violation;

/// A relation between a part and one of its suppliers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartSupply {
    /// Its code.
    pub code: Code,
    /// The part.
    pub part: Code,
    /// The supplier.
    pub supplier: Code,
    /// The plant that was supplied; none: all.
    pub plant: Option<Code>,
    /// First day of supply.
    pub valid_from: NaiveDate,
    /// First day without it; none while it goes on.
    pub valid_to: Option<NaiveDate>,
    /// How serial numbers of this supplier look: `*` stands for any text, `?` for one character. Empty: unknown.
    pub serial_pattern: String,
    /// The lot; empty: all.
    pub lot: String,
    /// Share of the part's demand, where nothing tells the pieces apart.
    pub quota_bp: Option<BasisPoints>,
    /// Its key in the system of whoever created it.
    pub external_ref: String,
}

/// What is known of a failed piece.
#[derive(Clone, Copy, Debug)]
pub struct Piece<'a> {
    /// The part.
    pub part: &'a Code,
    /// The plant that built the vehicle.
    pub plant: Option<&'a Code>,
    /// The day on which the piece was fitted: the build date, or the repair's.
    pub fitted_on: NaiveDate,
    /// Its serial number; empty if unknown.
    pub serial: &'a str,
    /// Its lot; empty if unknown.
    pub lot: &'a str,
}

impl PartSupply {
    /// Whether the piece can have come from this relation. What is unknown of a piece excludes nothing.
    pub fn can_have_supplied(&self, piece: Piece<'_>) -> bool {
        let known = |own: &str, other: &str| own.is_empty() || other.is_empty() || own == other;
        &self.part == piece.part
            && self.valid_from <= piece.fitted_on
            && self.valid_to.is_none_or(|end| piece.fitted_on < end)
            && (self.plant.is_none() || piece.plant.is_none() || self.plant.as_ref() == piece.plant)
            && known(&self.lot, piece.lot)
            && (self.serial_pattern.is_empty()
                || piece.serial.is_empty()
                || matches(&self.serial_pattern, piece.serial))
    }
}

/// The suppliers that can have made a piece: one is certain, several wait for somebody's decision, none leaves
/// the part's default supplier.
pub fn suppliers_of<'a>(supplies: &'a [PartSupply], piece: Piece<'_>) -> Vec<&'a Code> {
    let mut suppliers: Vec<&Code> =
        supplies.iter().filter(|supply| supply.can_have_supplied(piece)).map(|supply| &supply.supplier).collect();
    suppliers.sort_unstable();
    suppliers.dedup();
    suppliers
}

/// Whether a text fits a pattern in which `*` stands for any text and `?` for one character. Linear in memory,
/// at worst quadratic in time, whatever the pattern: it is input from outside.
fn matches(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    let (mut p, mut t) = (0, 0);
    // Where the last star stands, and how much text it has taken.
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(c) if *c == '?' || *c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, taken)) => {
                    star = Some((at, taken + 1));
                    p = at + 1;
                    t = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

impl Record for PartSupply {
    const COLLECTION: &'static str = "partSupplies";
    const TABLE: &'static str = "part_supply";
    const FIELDS: &'static [Field] = &[
        named("part", "parts"),
        named("supplier", "suppliers"),
        coded("plant"),
        text("lot"),
        date("valid_from", true),
        date("valid_to", false),
        text("external_ref"),
    ];

    fn code(&self) -> &str {
        self.code.as_str()
    }

    fn columns(&self) -> Vec<ColumnValue> {
        vec![
            code_value(Some(&self.part)),
            code_value(Some(&self.supplier)),
            code_value(self.plant.as_ref()),
            text_value(&self.lot),
            ColumnValue::Date(Some(self.valid_from)),
            ColumnValue::Date(self.valid_to),
            text_value(&self.external_ref),
        ]
    }

    fn check(&self) -> Vec<Violation> {
        let mut checks = Checks::default();
        checks.lasts(self.valid_from, self.valid_to);
        if let Some(quota) = self.quota_bp {
            checks.share(quota, "quota_bp");
        }
        checks.found()
    }

    fn check_change(&self, before: &Self, _today: NaiveDate) -> Vec<Violation> {
        let mut checks = Checks::default();
        checks.must(
            self.part == before.part && self.supplier == before.supplier,
            "part",
            "IMMUTABLE",
            "a relation keeps its part and supplier; end it and create another",
            "供货关系的零件与供应商不可更改；请终止后另建",
        );
        checks.found()
    }

    fn references(&self) -> Vec<Reference> {
        vec![
            reference("part", "part", "parts", &self.part),
            reference("supplier", "supplier", "suppliers", &self.supplier),
        ]
    }

    fn audience(&self, _id: uuid::Uuid) -> crate::change::Audience {
        // Who supplies what is known to the manufacturer; a supplier must not learn of its rivals.
        crate::change::Audience::Oem
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn code(text: &str) -> Code {
        Code::parse(text).unwrap()
    }

    fn supply(supplier: &str, from: &str, to: Option<&str>, pattern: &str, lot: &str) -> PartSupply {
        let day = |text: &str| text.parse().unwrap();
        PartSupply {
            code: code(&format!("PS-{supplier}")),
            part: code("P-100"),
            supplier: code(supplier),
            plant: None,
            valid_from: day(from),
            valid_to: to.map(day),
            serial_pattern: pattern.to_owned(),
            lot: lot.to_owned(),
            quota_bp: None,
            external_ref: String::new(),
        }
    }

    #[test]
    fn two_suppliers_of_one_part_are_told_apart_by_date_serial_or_lot() {
        let supplies = [
            supply("S-1", "2025-01-01", Some("2026-01-01"), "A*", "L1"),
            supply("S-2", "2025-07-01", None, "B??", "L2"),
        ];
        let part = code("P-100");
        let of = |date: &str, serial, lot| {
            let piece = Piece { part: &part, plant: None, fitted_on: date.parse().unwrap(), serial, lot };
            suppliers_of(&supplies, piece).into_iter().map(Code::as_str).collect::<Vec<_>>()
        };
        assert_eq!(of("2025-03-01", "", ""), ["S-1"]);
        assert_eq!(of("2025-08-01", "", ""), ["S-1", "S-2"]);
        assert_eq!(of("2025-08-01", "A123", ""), ["S-1"]);
        assert_eq!(of("2025-08-01", "B12", ""), ["S-2"]);
        assert_eq!(of("2025-08-01", "B123", ""), [""; 0]);
        assert_eq!(of("2025-08-01", "", "L2"), ["S-2"]);
        assert_eq!(of("2026-01-01", "", ""), ["S-2"]);
        assert_eq!(of("2024-12-31", "", ""), [""; 0]);
    }

    #[test]
    fn patterns_know_star_and_question_mark() {
        for (pattern, text, fits) in [
            ("A*", "A", true),
            ("A*", "BA", false),
            ("*7", "1237", true),
            ("A*B*C", "AxxBxBxC", true),
            ("A*B*C", "AxxBxBx", false),
            ("?", "", false),
            ("*", "", true),
            ("泵?1", "泵X1", true),
        ] {
            assert_eq!(matches(pattern, text), fits, "{pattern} {text}");
        }
    }

    proptest! {
        #[test]
        fn a_text_fits_itself_and_a_star(text in "[A-Z0-9]{0,20}", cut in 0_usize..20) {
            prop_assert!(matches(&text, &text));
            prop_assert!(matches("*", &text));
            let cut = cut.min(text.len());
            let pattern = format!("{}*", &text[..cut]);
            prop_assert!(matches(&pattern, &text));
        }
    }
}
