//! A replacement that was certified stands in the vehicle's list of components.

use chrono::NaiveDate;
use uuid::Uuid;

use super::{NewComponent, Vehicle};
use crate::authorizations::Certificate;
use crate::text::Violation;

impl Vehicle {
    /// The vehicle with the piece that a certificate names, in the place of the one that was removed, where that one
    /// is known to be in it; none if the piece stands in the list already.
    pub fn with_certified(
        self,
        certificate: &Certificate,
        id: Uuid,
        today: NaiveDate,
    ) -> Result<Option<Self>, Violation> {
        let fitted = |serial: &str| {
            self.components.iter().find(|component| component.to_date.is_none() && component.serial_number == serial)
        };
        if fitted(&certificate.replacement_serial_number).is_some_and(|fitted| fitted.part == certificate.part) {
            return Ok(None);
        }
        let removed = fitted(&certificate.original_serial_number);
        let new = NewComponent {
            part: certificate.part.clone(),
            serial_number: certificate.replacement_serial_number.clone(),
            position: removed.map(|removed| removed.position.clone()).unwrap_or_default(),
            lot: String::new(),
            supplier: None,
            date: Some(certificate.repair_completion_date.unwrap_or(certificate.issue_date)),
            replaces_serial_number: removed.map(|removed| removed.serial_number.clone()).unwrap_or_default(),
            claim: Some(certificate.claim),
        };
        self.record_component(new, id, today).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claims::sample::{code, day, vehicle};
    use crate::ids::ClaimId;
    use crate::vehicle::Component;

    fn certificate() -> Certificate {
        Certificate {
            part: code("P-1002"),
            original_serial_number: "E-OLD".to_owned(),
            replacement_serial_number: "E-NEW".to_owned(),
            odometer_km: None,
            repair_completion_date: Some(day("2026-11-17")),
            claim: ClaimId(Uuid::from_u128(7)),
            station_code: code("S-001"),
            issue_date: day("2026-11-20"),
        }
    }

    #[test]
    fn a_certified_piece_takes_the_place_of_the_one_that_was_removed_once() {
        let as_built = Component {
            id: Uuid::from_u128(1),
            part: code("P-1002"),
            serial_number: "E-OLD".to_owned(),
            position: "FRONT".to_owned(),
            lot: String::new(),
            supplier: None,
            from_date: None,
            to_date: None,
            claim: None,
        };
        let today = day("2026-11-20");
        let known = Vehicle { components: vec![as_built], ..vehicle() };
        let after = known.with_certified(&certificate(), Uuid::from_u128(2), today).unwrap().unwrap();
        let told: Vec<_> = after
            .components
            .iter()
            .map(|one| (one.serial_number.as_str(), one.position.as_str(), one.from_date, one.to_date))
            .collect();
        let changed = Some(day("2026-11-17"));
        assert_eq!(told, [("E-OLD", "FRONT", None, changed), ("E-NEW", "FRONT", changed, None)]);
        assert_eq!(after.clone().with_certified(&certificate(), Uuid::from_u128(3), today), Ok(None));
        // Nobody knew the piece that was removed.
        let unknown = vehicle().with_certified(&certificate(), Uuid::from_u128(2), today).unwrap().unwrap();
        assert_eq!(unknown.components.len(), 1);
    }
}
