//! Appraisers: organisations whose named experts say why something failed.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::common::{Address, Checks, Contact, flag, reference, text, text_value, title, title_value};
use super::record::{ColumnValue, Field, Record, Reference};
use crate::change::Audience;
use crate::ids::{Code, OrgId};
use crate::text::Violation;

/// An appraiser organisation. The manufacturer's own laboratory is one too, marked in-house.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Appraiser {
    /// Its code: `A-01`.
    pub code: Code,
    /// The code as the appraiser writes it, if that has other characters.
    pub display_code: String,
    /// Name.
    pub display_name: String,
    /// Whether it belongs to the manufacturer.
    pub in_house: bool,
    /// Where it is.
    pub address: Address,
    /// Whom to call.
    pub contact: Contact,
    /// Regions in which it takes cases; empty means all.
    pub regions: Vec<String>,
    /// Its experts.
    pub experts: Vec<Expert>,
    /// Suppliers it has an interest in: it can't take cases against them.
    pub interests: Vec<Code>,
    /// Stations it has an interest in: it can't take their cases.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub station_interests: Vec<Code>,
    /// Its key in the system of whoever created it.
    pub external_ref: String,
}

/// A named expert, listed in the public pool of experts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expert {
    /// Key of the expert: conclusions name it.
    pub id: Uuid,
    /// Name as on the licence.
    pub display_name: String,
    /// Number of the licence.
    pub license_number: String,
    /// First day of the licence.
    pub valid_from: NaiveDate,
    /// Last day of the licence, inclusive: a legal term.
    pub valid_to: Option<NaiveDate>,
    /// Fields of expertise: engine, high voltage, body.
    pub specialties: Vec<String>,
}

impl Expert {
    /// Whether the licence is valid on a day.
    pub fn is_licensed_on(&self, date: NaiveDate) -> bool {
        self.valid_from <= date && self.valid_to.is_none_or(|last| date <= last)
    }
}

impl Record for Appraiser {
    const COLLECTION: &'static str = "appraisers";
    const TABLE: &'static str = "appraiser";
    const FIELDS: &'static [Field] = &[title("display_name"), flag("in_house"), text("external_ref")];

    fn code(&self) -> &str {
        self.code.as_str()
    }

    fn columns(&self) -> Vec<ColumnValue> {
        vec![title_value(&self.display_name), ColumnValue::Bool(Some(self.in_house)), text_value(&self.external_ref)]
    }

    fn check(&self) -> Vec<Violation> {
        let mut checks = Checks::default();
        checks.filled(&self.display_name, "display_name");
        checks.distinct(&self.regions, "regions");
        checks.distinct(&self.interests, "interests");
        checks.distinct(&self.station_interests, "station_interests");
        for (index, expert) in self.experts.iter().enumerate() {
            let field = format!("experts[{index}]");
            checks.filled(&expert.display_name, &format!("{field}.display_name"));
            checks.filled(&expert.license_number, &format!("{field}.license_number"));
            checks.must(
                expert.valid_to.is_none_or(|last| expert.valid_from <= last),
                &format!("{field}.valid_to"),
                "ENDS_BEFORE_IT_BEGINS",
                "must not be earlier than valid_from",
                "不能早于 valid_from",
            );
            checks.must(
                self.experts[..index].iter().all(|other| other.license_number != expert.license_number),
                &format!("{field}.license_number"),
                "DUPLICATE",
                "another expert has this licence",
                "该执照号已登记在另一名专家名下",
            );
        }
        checks.found()
    }

    fn references(&self) -> Vec<Reference> {
        let interests = self.interests.iter().enumerate();
        let suppliers =
            interests.map(|(index, code)| reference(format!("interests[{index}]"), "supplier", "suppliers", code));
        let interests = self.station_interests.iter().enumerate();
        let stations = interests
            .map(|(index, code)| reference(format!("station_interests[{index}]"), "station", "stations", code));
        suppliers.chain(stations).collect()
    }

    fn audience(&self, id: Uuid) -> Audience {
        Audience::Organizations(vec![OrgId(id)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_licence_is_valid_through_its_last_day() {
        let expert = Expert {
            id: Uuid::nil(),
            display_name: "王工".to_owned(),
            license_number: "EXP-1".to_owned(),
            valid_from: "2026-01-01".parse().unwrap(),
            valid_to: Some("2026-12-31".parse().unwrap()),
            specialties: Vec::new(),
        };
        for (date, licensed) in
            [("2025-12-31", false), ("2026-01-01", true), ("2026-12-31", true), ("2027-01-01", false)]
        {
            assert_eq!(expert.is_licensed_on(date.parse().unwrap()), licensed, "{date}");
        }
    }
}
