//! What proves a claim: the attachments that it names, as far as checks and revisions ask for them.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::{Claim, Details, StateWord};
use crate::attachments::{self, Category, Hash};
use crate::catalog::EvidenceRule;
use crate::ids::{ClaimId, OrgId};

/// What is known of a claim's evidence.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EvidenceFacts {
    /// The attachments that the claim names, as far as they exist.
    pub attachments: BTreeMap<Uuid, AttachmentFact>,
    /// Where the same files prove other claims.
    pub uses: Vec<EvidenceUse>,
    /// The rules that may apply.
    pub rules: Vec<EvidenceRule>,
}

/// What a check needs to know of an attachment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttachmentFact {
    /// Its station.
    pub station: OrgId,
    /// What it is for.
    pub category: Category,
    /// The hash of its bytes, once they are there.
    pub hash: Option<Hash>,
    /// Its bytes will never come.
    pub abandoned: bool,
}

/// A file that another claim rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvidenceUse {
    /// The hash of its bytes.
    pub hash: Hash,
    /// The other claim.
    pub claim: ClaimId,
    /// Its number. Told only to its own station and the manufacturer.
    pub number: String,
    /// Its station.
    pub station: OrgId,
    /// Where it stands.
    pub state: StateWord,
}

impl Claim {
    /// Names the attachments that were made for it and that it does not name yet: whoever sends a photo of a claim
    /// need not say so twice.
    pub fn with_evidence(mut self, made_for_it: &[Uuid]) -> Self {
        let named = self.evidence_keys();
        let missing = made_for_it.iter().filter(|key| !named.contains(key));
        self.header.evidence.extend(missing.map(|key| format!("attachments/{key}")));
        self
    }

    /// Every attachment that it names, with the path of the field that does.
    pub fn evidence_named(&self) -> Vec<(String, &str)> {
        let header = self.header.evidence.iter().enumerate();
        let mut named: Vec<(String, &str)> =
            header.map(|(index, name)| (format!("evidence[{index}]"), name.as_str())).collect();
        match &self.header.details {
            Some(Details::RoadsideRescue(rescue)) => {
                let tracks = rescue.trips.iter().enumerate();
                named.extend(tracks.filter_map(|(index, trip)| {
                    Some((format!("roadside_rescue.trips[{index}].track"), trip.track.as_deref()?))
                }));
            }
            Some(Details::ExternalPurchase(purchase)) => {
                named
                    .extend(purchase.quotation.as_deref().map(|name| ("external_purchase.quotation".to_owned(), name)));
            }
            Some(
                Details::WarrantyRepair(_)
                | Details::RunningInMaintenance(_)
                | Details::MajorAssembly(_)
                | Details::CompensationAppraisal(_),
            )
            | None => {}
        }
        named
    }

    /// The keys of the attachments that it names.
    pub fn evidence_keys(&self) -> BTreeSet<Uuid> {
        attachments::named(self.evidence_named().into_iter().map(|(_, name)| name))
    }

    /// The attachments that it names and whose bytes are there, with their hashes: what a submission freezes.
    pub fn evidence_hashes(&self, facts: &EvidenceFacts) -> BTreeMap<Uuid, Hash> {
        let keys = self.evidence_keys();
        let known = |key: Uuid| {
            let fact = facts.attachments.get(&key).filter(|fact| fact.station == self.station)?;
            Some((key, fact.hash.clone()?))
        };
        keys.into_iter().filter_map(known).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claims::sample::draft;

    #[test]
    fn what_was_made_for_a_claim_is_named_once() {
        let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let mut claim = draft();
        claim.header.evidence = vec![format!("attachments/{one}")];
        let named = claim.with_evidence(&[one, other]);
        assert_eq!(named.header.evidence, [format!("attachments/{one}"), format!("attachments/{other}")]);
        assert_eq!(named.clone().with_evidence(&[other, one]), named);
    }
}
