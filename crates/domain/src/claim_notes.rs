//! Notes on claims: internal ones for the manufacturer's people, external ones between them and the station.
//!
//! A note is a thing of its own beside the claim, only added and never changed: whoever decides the claim
//! meanwhile is not disturbed, and the feed tells each note to those who may see it and to nobody else.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::access::Author;
use crate::change::Audience;
use crate::ids::{ClaimId, OrgId, UserId};

/// Who sees a note.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Visibility {
    /// The manufacturer's people.
    Internal,
    /// They and the station.
    External,
}

impl Visibility {
    /// The word in columns: the same as on the wire.
    pub fn word(self) -> &'static str {
        match self {
            Visibility::Internal => "INTERNAL",
            Visibility::External => "EXTERNAL",
        }
    }
}

/// Whose people wrote a note.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Side {
    /// The manufacturer's.
    Manufacturer,
    /// The station's.
    Station,
}

/// A note on a claim.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimNote {
    /// Its key.
    pub id: Uuid,
    /// The claim.
    pub claim: ClaimId,
    /// The station that claims.
    pub station: OrgId,
    /// Who sees it.
    pub visibility: Visibility,
    /// What it says.
    pub text: String,
    /// Who wrote it, by reference: a person may be erased, the note stays.
    pub author: UserId,
    /// Whether that was a program in its own name.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub author_is_client: bool,
    /// Whose people wrote it.
    pub side: Side,
    /// Its key in the system of whoever wrote it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub external_ref: String,
}

impl ClaimNote {
    /// Its public name.
    pub fn name(&self) -> String {
        format!("claims/{}/notes/{}", self.claim, self.id)
    }

    /// Who wrote it.
    pub fn author(&self) -> Author {
        Author { id: self.author, is_client: self.author_is_client }
    }

    /// Who may follow it in the feed.
    pub fn audience(&self) -> Audience {
        match self.visibility {
            Visibility::Internal => Audience::Oem,
            Visibility::External => Audience::Organizations(vec![self.station]),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::access::{Act, Actor, Denial, Role, permit};

    const STATION: OrgId = OrgId(Uuid::from_u128(7));

    fn note(visibility: Visibility) -> ClaimNote {
        ClaimNote {
            id: Uuid::from_u128(1),
            claim: ClaimId(Uuid::from_u128(2)),
            station: STATION,
            visibility,
            text: "called the customer".to_owned(),
            author: UserId(Uuid::from_u128(3)),
            author_is_client: false,
            side: Side::Manufacturer,
            external_ref: String::new(),
        }
    }

    #[test]
    fn an_internal_note_is_told_to_the_manufacturer_alone() {
        assert_eq!(note(Visibility::Internal).audience().orgs(), [OrgId::OEM]);
        let told = note(Visibility::External).audience().orgs();
        assert!(told.contains(&STATION) && told.contains(&OrgId::OEM) && told.len() == 2);
    }

    #[test]
    fn a_station_writes_external_notes_on_its_own_claims() {
        let actor = |role, org| Actor {
            orgs: BTreeSet::from([org]),
            org,
            roles: BTreeSet::from([role]),
            job: None,
            ..Actor::job("")
        };
        let allowed =
            |role, org, internal| permit(&actor(role, org), Act::WriteClaimNote { station: STATION, internal }).is_ok();
        let other = OrgId(Uuid::from_u128(8));
        for (role, org, internal, may) in [
            (Role::Station, STATION, false, true),
            (Role::Station, STATION, true, false),
            (Role::Station, other, false, false),
            (Role::Technician, STATION, false, false),
            (Role::Supplier, other, false, false),
            (Role::Appraiser, other, false, false),
            (Role::Auditor, OrgId::OEM, true, true),
            (Role::Finance, OrgId::OEM, false, true),
            (Role::Admin, OrgId::OEM, true, true),
        ] {
            assert_eq!(allowed(role, org, internal), may, "{role:?} {internal}");
        }
        let budget = |role| permit(&actor(role, OrgId::OEM), Act::KeepGoodwillBudget).map(|_| ());
        assert_eq!(budget(Role::Auditor), Err(Denial::NotPermitted), "who grants goodwill doesn't write budgets");
        assert_eq!((budget(Role::Finance), budget(Role::Admin)), (Ok(()), Ok(())));
    }
}
