//! Appraisers: organisations whose named experts say why something failed.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::common::{Address, Checks, Contact, flag, reference, text, text_value, title, title_value};
use super::record::{ColumnValue, Field, Record, Reference};
use crate::attachments::Hash;
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
    /// SHA-256 fingerprints of the certificates with which the expert signs, in lower-case hexadecimal.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub certificate_sha256: Vec<String>,
    /// The subject of the expert's certificates; empty if only fingerprints are registered.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub certificate_subject: String,
}

/// The certificates that are registered for an expert.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegisteredCertificates {
    /// Their SHA-256 fingerprints, in lower-case hexadecimal.
    pub sha256: Vec<String>,
    /// Their subject; empty if none is registered.
    pub subject: String,
}

impl RegisteredCertificates {
    /// Whether none is registered.
    pub fn is_empty(&self) -> bool {
        self.sha256.is_empty() && self.subject.is_empty()
    }
}

impl Expert {
    /// The certificates that are registered for the expert.
    pub fn registered(&self) -> RegisteredCertificates {
        RegisteredCertificates { sha256: self.certificate_sha256.clone(), subject: self.certificate_subject.clone() }
    }

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
            let before = &self.experts[..index];
            for (place, hash) in expert.certificate_sha256.iter().enumerate() {
                let at = format!("{field}.certificate_sha256[{place}]");
                checks.must(
                    Hash::parse(hash).is_some(),
                    &at,
                    "BAD_FORMAT",
                    "a SHA-256 fingerprint is 64 hexadecimal digits",
                    "SHA-256 指纹应为 64 位十六进制数字",
                );
                checks.must(
                    before.iter().all(|other| !other.certificate_sha256.contains(hash)),
                    &at,
                    "DUPLICATE",
                    "another expert has this certificate",
                    "该证书已登记在另一名专家名下",
                );
            }
            checks.must(
                expert.certificate_subject.is_empty()
                    || before.iter().all(|other| other.certificate_subject != expert.certificate_subject),
                &format!("{field}.certificate_subject"),
                "DUPLICATE",
                "another expert has this subject",
                "该证书主体已登记在另一名专家名下",
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
            certificate_sha256: Vec::new(),
            certificate_subject: String::new(),
        };
        for (date, licensed) in
            [("2025-12-31", false), ("2026-01-01", true), ("2026-12-31", true), ("2027-01-01", false)]
        {
            assert_eq!(expert.is_licensed_on(date.parse().unwrap()), licensed, "{date}");
        }
    }

    #[test]
    fn a_certificate_belongs_to_one_expert() {
        let expert = |licence: &str, sha256: &str, subject: &str| Expert {
            id: Uuid::nil(),
            display_name: "王工".to_owned(),
            license_number: licence.to_owned(),
            valid_from: "2026-01-01".parse().unwrap(),
            valid_to: None,
            specialties: Vec::new(),
            certificate_sha256: vec![sha256.to_owned()],
            certificate_subject: subject.to_owned(),
        };
        let rules = |experts: Vec<Expert>| {
            let appraiser = Appraiser {
                code: Code::fixed("A-01"),
                display_code: String::new(),
                display_name: "Fair".to_owned(),
                in_house: false,
                address: Address::default(),
                contact: Contact::default(),
                regions: Vec::new(),
                experts,
                interests: Vec::new(),
                station_interests: Vec::new(),
                external_ref: String::new(),
            };
            let found = appraiser.check().into_iter();
            found.map(|violation| (violation.field, violation.rule)).collect::<Vec<_>>()
        };
        let (one, other) = ("ab".repeat(32), "cd".repeat(32));
        assert_eq!(rules(vec![expert("1", &one, "CN=Wang"), expert("2", &other, "CN=Li")]), []);
        assert_eq!(
            rules(vec![expert("1", &one, "CN=Wang"), expert("2", &one, "CN=Wang")]),
            [
                ("experts[1].certificate_sha256[0]".to_owned(), "DUPLICATE"),
                ("experts[1].certificate_subject".to_owned(), "DUPLICATE"),
            ]
        );
        assert_eq!(rules(vec![expert("1", "ab", "")]), [("experts[0].certificate_sha256[0]".to_owned(), "BAD_FORMAT")]);
    }
}
