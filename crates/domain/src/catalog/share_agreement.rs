//! Which share of a part's failures its supplier bears, agreed beforehand: what counts where no appraisal says
//! otherwise.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::common::{Checks, code_value, date, named, reference, text, text_value};
use super::record::{ColumnValue, Field, Record, Reference};
use crate::ids::Code;
use crate::money::BasisPoints;
use crate::text::Violation;

/// The share that a supplier bears of a part's failures, for a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShareAgreement {
    /// Its code.
    pub code: Code,
    /// The part.
    pub part: Code,
    /// The supplier.
    pub supplier: Code,
    /// First day on which it is in force.
    pub valid_from: NaiveDate,
    /// First day on which it is not; none while it goes on.
    pub valid_to: Option<NaiveDate>,
    /// The share.
    pub share_bp: BasisPoints,
    /// Of pieces that nothing tells apart it bears this share of its quota.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_quota: bool,
    /// Its key in the system of whoever created it.
    pub external_ref: String,
}

impl ShareAgreement {
    /// The agreement on a part and a supplier in force on a day. Of several the one that began last counts, of
    /// those the one with the first code: the answer never depends on the order of rows.
    pub fn on<'a>(agreements: &'a [Self], part: &Code, supplier: &Code, day: NaiveDate) -> Option<&'a Self> {
        agreements
            .iter()
            .filter(|agreement| &agreement.part == part && &agreement.supplier == supplier)
            .filter(|agreement| agreement.valid_from <= day && agreement.valid_to.is_none_or(|end| day < end))
            .min_by_key(|agreement| (std::cmp::Reverse(agreement.valid_from), &agreement.code))
    }
}

impl Record for ShareAgreement {
    const COLLECTION: &'static str = "shareAgreements";
    const TABLE: &'static str = "share_agreement";
    const FIELDS: &'static [Field] = &[
        named("part", "parts"),
        named("supplier", "suppliers"),
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
            ColumnValue::Date(Some(self.valid_from)),
            ColumnValue::Date(self.valid_to),
            text_value(&self.external_ref),
        ]
    }

    fn check(&self) -> Vec<Violation> {
        let mut checks = Checks::default();
        checks.lasts(self.valid_from, self.valid_to);
        checks.share(self.share_bp, "share_bp");
        checks.found()
    }

    fn check_change(&self, before: &Self, today: NaiveDate) -> Vec<Violation> {
        let mut checks = Checks::default();
        let kept = Self { valid_to: before.valid_to, external_ref: before.external_ref.clone(), ..self.clone() };
        checks.must(
            before.valid_from > today || &kept == before,
            "share_bp",
            "IN_FORCE",
            "an agreement in force stays as it is, but for its end; end it and create another",
            "已生效的协议除终止日外不可修改；请终止后另建",
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
        // What one supplier agreed to is no other's business.
        crate::change::Audience::Oem
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agreement(code: &str, from: &str, to: Option<&str>, share: i64) -> ShareAgreement {
        ShareAgreement {
            code: Code::parse(code).unwrap(),
            part: Code::parse("P-1").unwrap(),
            supplier: Code::parse("S-1").unwrap(),
            valid_from: from.parse().unwrap(),
            valid_to: to.map(|day| day.parse().unwrap()),
            by_quota: false,
            share_bp: BasisPoints(share),
            external_ref: String::new(),
        }
    }

    #[test]
    fn the_agreement_that_began_last_counts_and_each_only_in_its_time() {
        let all = [agreement("B", "2026-01-01", Some("2026-07-01"), 5_000), agreement("A", "2026-03-01", None, 8_000)];
        let (part, supplier) = (Code::parse("P-1").unwrap(), Code::parse("S-1").unwrap());
        let on = |day: &str| ShareAgreement::on(&all, &part, &supplier, day.parse().unwrap()).map(|a| a.share_bp.0);
        assert_eq!(on("2025-12-31"), None);
        assert_eq!(on("2026-02-28"), Some(5_000));
        assert_eq!(on("2026-03-01"), Some(8_000));
        let first = &all[..1];
        let ended = ShareAgreement::on(first, &part, &supplier, "2026-07-01".parse().unwrap());
        assert_eq!(ended, None, "the end is exclusive");
        assert_eq!(ShareAgreement::on(&all, &supplier, &part, "2026-03-01".parse().unwrap()), None);
    }

    #[test]
    fn an_agreement_in_force_only_ends() {
        let before = agreement("A", "2026-01-01", None, 5_000);
        let rules = |after: &ShareAgreement| {
            after.check_change(&before, "2026-06-01".parse().unwrap()).into_iter().map(|v| v.rule).collect::<Vec<_>>()
        };
        assert_eq!(rules(&agreement("A", "2026-01-01", Some("2026-07-01"), 5_000)), [""; 0]);
        assert_eq!(rules(&agreement("A", "2026-01-01", None, 6_000)), ["IN_FORCE"]);
        assert_eq!(agreement("A", "2026-01-01", None, 10_001).check()[0].rule, "NOT_A_SHARE");
    }
}
