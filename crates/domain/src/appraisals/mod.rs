//! Appraisals: an expert says why something failed, the manufacturer says who is liable.
//!
//! An [`Appraisal`] is one document. Its life is in [`lifecycle`], what the appraiser is given in [`pack`], the two
//! statements in [`findings`].

pub mod findings;
pub mod lifecycle;
pub mod pack;
mod state;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

pub use findings::{
    Cause, CauseContribution, Conclusion, Coverage, Findings, LiabilityDecision, LiabilityShare, LiableParty,
};
pub use lifecycle::{AppraisalError, Verb};
pub use pack::{EvidencePack, Item, ItemKind, Withheld};
pub use state::{State, StateWord};

use crate::canonical::canonical_json;
use crate::catalog::Appraiser;
use crate::claims::Claim;
use crate::ids::{AppraisalId, ClaimId, Code, OrgId, UserId, readable_number};
use crate::money::Money;
use crate::text::Violation;
use crate::timer::{Late, Span, Timer};

/// An appraisal of a claim by an appraiser organisation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Appraisal {
    /// Its key.
    pub id: AppraisalId,
    /// Its readable number.
    pub number: String,
    /// The claim.
    pub claim: ClaimId,
    /// The station that claims: a party of the case.
    pub station: OrgId,
    /// The appraiser organisation.
    pub appraiser: OrgId,
    /// Its code.
    pub appraiser_code: Code,
    /// Whether it belongs to the manufacturer.
    pub in_house: bool,
    /// Suppliers that may be liable: parties of the case.
    pub suppliers: Vec<(OrgId, Code)>,
    /// Who ordered it. Whoever that is never concludes it.
    pub ordered_by: UserId,
    /// What is to be answered.
    pub questions: Vec<String>,
    /// Until when it should be concluded, without the time that the clock stood.
    pub due_time: DateTime<Utc>,
    /// What the appraiser is given.
    pub pack: EvidencePack,
    /// Where it stands.
    #[serde(flatten)]
    pub state: State,
    /// When the clock stood.
    pub pauses: Vec<Pause>,
    /// The draft that was shared last.
    pub draft: Option<Findings>,
    /// What the parties said.
    pub remarks: Vec<Remark>,
    /// The signed conclusion.
    pub conclusion: Option<Conclusion>,
    /// Who is liable.
    pub liability: Option<LiabilityDecision>,
    /// What the appraiser charges.
    pub fee: Option<Money>,
    /// The day from which the fee is owed: the one on which the appraisal became final.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fee_date: Option<NaiveDate>,
    /// The first opinion that this one answers.
    pub supersedes: Option<AppraisalId>,
    /// The appraisal that this one took over.
    pub reassigned_from: Option<AppraisalId>,
    /// Its key in the system of whoever created it.
    pub external_ref: String,
}

/// A time for which the clock stood.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// Since when.
    pub start_time: DateTime<Utc>,
    /// Until when; none while it stands.
    pub end_time: Option<DateTime<Utc>>,
    /// What was asked for.
    pub question: String,
    /// What was provided.
    pub answer: String,
    /// Who asked.
    pub asked_by: UserId,
    /// Who answered.
    pub answered_by: Option<UserId>,
}

impl Pause {
    fn span(&self) -> Span {
        (self.start_time, self.end_time)
    }
}

/// What a party said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remark {
    /// What it is.
    pub kind: RemarkKind,
    /// Which party said it.
    pub party: Party,
    /// The words.
    pub text: String,
    /// When.
    pub time: DateTime<Utc>,
    /// Who.
    pub author: UserId,
}

/// What a remark is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RemarkKind {
    /// A comment on the draft.
    Comment,
    /// An objection to the appraiser.
    Objection,
}

/// A party of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Party {
    /// The manufacturer.
    Oem,
    /// The appraiser.
    Appraiser,
    /// The station that claims.
    Station,
    /// A supplier that may be liable.
    Supplier,
}

/// What an order says.
#[derive(Clone, Debug)]
pub struct Order {
    /// Its key.
    pub id: AppraisalId,
    /// A new UUIDv7 of the server, from which the readable number is drawn.
    pub seed: Uuid,
    /// The appraiser's key.
    pub appraiser_id: OrgId,
    /// Suppliers that may be liable.
    pub suppliers: Vec<(OrgId, Code)>,
    /// Who orders it.
    pub ordered_by: UserId,
    /// What is to be answered.
    pub questions: Vec<String>,
    /// Until when.
    pub due_time: DateTime<Utc>,
    /// Its key in the system of whoever creates it.
    pub external_ref: String,
    /// Now.
    pub now: DateTime<Utc>,
    /// The day where the deployment is.
    pub today: NaiveDate,
}

/// Most remarks of one appraisal.
const MAX_REMARKS: usize = 200;

impl Appraisal {
    /// Orders an appraisal of a claim: freezes the evidence and refuses an appraiser who has an interest.
    pub fn order(order: Order, claim: &Claim, appraiser: &Appraiser) -> Result<Self, Vec<Violation>> {
        let Order { id, seed, appraiser_id, suppliers, ordered_by, questions, due_time, external_ref, now, today } =
            order;
        let mut found = conflicts(appraiser, &claim.station_code, &suppliers);
        if questions.iter().all(|question| question.trim().is_empty()) {
            found.push(Violation::new("questions", "REQUIRED", "ask at least one question", "至少填写一个鉴定问题"));
        }
        if due_time <= now {
            found.push(Violation::new("due_time", "IN_THE_PAST", "must be later than now", "必须晚于当前时间"));
        }
        if !found.is_empty() {
            return Err(found);
        }
        Ok(Self {
            id,
            number: readable_number("AP", today, seed),
            claim: claim.id,
            station: claim.station,
            appraiser: appraiser_id,
            appraiser_code: appraiser.code.clone(),
            in_house: appraiser.in_house,
            suppliers,
            ordered_by,
            questions,
            due_time,
            pack: EvidencePack::freeze(claim, now),
            state: State::Requested,
            pauses: Vec::new(),
            draft: None,
            remarks: Vec::new(),
            conclusion: None,
            liability: None,
            fee: None,
            fee_date: None,
            supersedes: None,
            reassigned_from: None,
            external_ref,
        })
    }

    /// Until when it should be concluded; none while the clock stands.
    pub fn due_time(&self) -> Option<DateTime<Utc>> {
        self.timer().due(self.pauses.iter().map(Pause::span), Late::Counts)
    }

    /// The due time, moved by the pauses that are over. While the clock stands it is yet to move.
    pub fn due_so_far(&self) -> DateTime<Utc> {
        let over = self.pauses.iter().map(Pause::span).filter(|(_, end)| end.is_some());
        self.timer().due(over, Late::Counts).unwrap_or(self.due_time)
    }

    fn timer(&self) -> Timer {
        // Nothing pauses it before it is ordered.
        Timer { started: DateTime::<Utc>::MIN_UTC, due_time: self.due_time }
    }

    /// Which party an organisation is; none: it has no part in the case.
    pub fn party(&self, org: OrgId) -> Option<Party> {
        if org == OrgId::OEM {
            Some(Party::Oem)
        } else if org == self.appraiser {
            Some(Party::Appraiser)
        } else if org == self.station {
            Some(Party::Station)
        } else {
            self.suppliers.iter().any(|(supplier, _)| *supplier == org).then_some(Party::Supplier)
        }
    }

    /// The canonical text of a conclusion: what the expert signs, and the server countersigns. It has nothing that
    /// only the manufacturer may see.
    pub fn payload(
        &self,
        findings: &Findings,
        expert: Uuid,
        license_number: &str,
    ) -> Result<String, serde_json::Error> {
        Ok(canonical_json(&json!({
            "appraisal": format!("appraisals/{}", self.id),
            "number": self.number,
            "claim": format!("claims/{}", self.claim),
            "revision": self.pack.revision,
            "evidencePackHash": self.pack.hash,
            "expert": expert,
            "licenseNumber": license_number,
            "findings": serde_json::to_value(findings)?,
        })))
    }

    /// The fee that is owed to the appraiser, and since when.
    pub fn fee_owed(&self) -> Option<(Money, NaiveDate)> {
        Some((self.fee?, self.fee_date?))
    }

    /// The suppliers that are liable by the final decision, with their shares, in its order.
    pub fn liable_suppliers(&self) -> Vec<(OrgId, Code, crate::money::BasisPoints)> {
        let shares = self.liability.iter().flat_map(|liability| &liability.shares);
        shares
            .filter_map(|share| {
                let (org, code) = share.supplier.clone()?;
                Some((org, code, share.share_bp))
            })
            .collect()
    }

    /// What is to be signed of it: the text that the server's signature covers.
    pub fn signed_text(conclusion: &Conclusion) -> Result<String, serde_json::Error> {
        let stated: serde_json::Value = serde_json::from_str(&conclusion.payload)?;
        Ok(canonical_json(&json!({
            "conclusion": stated,
            "concludeTime": conclusion.conclude_time.to_rfc3339_opts(chrono::SecondsFormat::Micros, true),
            "expertSignature": conclusion.expert_signature,
        })))
    }
}

/// Interests of an appraiser in the parties of a case.
pub fn conflicts(appraiser: &Appraiser, station: &Code, suppliers: &[(OrgId, Code)]) -> Vec<Violation> {
    let conflict = |party: &str, code: &Code| {
        Violation::new(
            "appraiser",
            "CONFLICT_OF_INTEREST",
            format!(
                "appraiser {} has an interest in {party}/{code}, a party of the case; choose another",
                appraiser.code
            ),
            format!("鉴定机构 {} 与当事方 {party}/{code} 存在利益关系；请选择其他机构", appraiser.code),
        )
    };
    let interested = suppliers.iter().filter(|(_, code)| appraiser.interests.contains(code));
    let mut found: Vec<Violation> = interested.map(|(_, code)| conflict("suppliers", code)).collect();
    if appraiser.station_interests.contains(station) {
        found.push(conflict("stations", station));
    }
    found
}

#[cfg(test)]
mod tests;
