//! Where one vehicle stands in one campaign.
//!
//! `OPEN → IN_PROGRESS → COMPLETED`, as the claim for the work goes: submitted, approved. A claim that is
//! rejected, withdrawn or lapses leaves `OPEN` behind. The manufacturer may exempt an open vehicle and take that
//! back. A vehicle that only the filter of the campaign reaches has no row until something happens to it.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::common::{date, flag, named, text, text_value, words};
use super::record::{ColumnValue, Field, FieldKind, Record, Reference};
use crate::change::Audience;
use crate::claims::{Claim, StateWord};
use crate::ids::{ClaimId, Code, OrgId};
use crate::text::Violation;
use crate::vin::Vin;

/// Where one vehicle stands in one campaign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CampaignVehicle {
    /// Campaign and VIN: `R-2026-01/LSVAM4186C2184841`.
    pub key: String,
    /// The campaign.
    pub campaign: Code,
    /// The vehicle.
    pub vin: Vin,
    /// It is on the campaign's list.
    pub listed: bool,
    /// Where it stands.
    #[serde(flatten)]
    pub state: CampaignVehicleState,
}

/// Where a vehicle stands in a campaign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CampaignVehicleState {
    /// The work is to be done.
    Open,
    /// A claim for it waits for its decision.
    InProgress(CampaignJob),
    /// A claim for it was approved.
    Completed(CampaignJob),
    /// Nothing is to be done.
    Exempt(Exemption),
}

/// The claim that does the work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CampaignJob {
    /// The claim.
    pub claim: ClaimId,
    /// Its station.
    pub station: OrgId,
    /// The code of that station.
    pub station_code: Code,
    /// The remedy that was chosen.
    pub remedy: Option<Code>,
    /// Day on which the work was completed.
    pub date: Option<NaiveDate>,
}

/// Why nothing is to be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exemption {
    /// The reason.
    pub reason: ExemptReason,
    /// A note on it.
    pub note: String,
}

/// A reason for which nothing is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ExemptReason {
    /// The vehicle left the market.
    Exported,
    /// The vehicle was scrapped.
    Scrapped,
    /// The work was done before the vehicle was delivered.
    DoneInWorks,
    /// Another, which the note tells.
    Other,
}

words! {
    ExemptReason { Exported = "EXPORTED", Scrapped = "SCRAPPED", DoneInWorks = "DONE_IN_WORKS", Other = "OTHER" }
}

/// A vehicle can't do a step from where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotFromHere;

impl CampaignVehicleState {
    /// The word on the wire and in filters.
    pub fn word(&self) -> &'static str {
        match self {
            CampaignVehicleState::Open => "OPEN",
            CampaignVehicleState::InProgress(_) => "IN_PROGRESS",
            CampaignVehicleState::Completed(_) => "COMPLETED",
            CampaignVehicleState::Exempt(_) => "EXEMPT",
        }
    }

    /// The claim that does the work, or did.
    pub fn job(&self) -> Option<&CampaignJob> {
        match self {
            CampaignVehicleState::InProgress(job) | CampaignVehicleState::Completed(job) => Some(job),
            CampaignVehicleState::Open | CampaignVehicleState::Exempt(_) => None,
        }
    }

    /// Why nothing is to be done.
    pub fn exemption(&self) -> Option<&Exemption> {
        match self {
            CampaignVehicleState::Exempt(exemption) => Some(exemption),
            CampaignVehicleState::Open | CampaignVehicleState::InProgress(_) | CampaignVehicleState::Completed(_) => {
                None
            }
        }
    }
}

impl Exemption {
    /// What is wrong with it: another reason needs a note.
    pub fn check(&self, field: &str) -> Option<Violation> {
        let bare = self.reason == ExemptReason::Other && self.note.trim().is_empty();
        bare.then(|| Violation::new(field, "REQUIRED", "say which other reason", "请说明其他原因"))
    }
}

impl CampaignVehicle {
    /// The key of a campaign's vehicle.
    pub fn key_of(campaign: &Code, vin: &Vin) -> String {
        format!("{campaign}/{vin}")
    }

    /// A vehicle for which nothing has happened yet.
    pub fn open(campaign: Code, vin: Vin, listed: bool) -> Self {
        Self { key: Self::key_of(&campaign, &vin), campaign, vin, listed, state: CampaignVehicleState::Open }
    }

    /// Its public name.
    pub fn name(&self) -> String {
        format!("campaigns/{}/vehicles/{}", self.campaign, self.vin)
    }

    /// Where it stands after a step of a claim: in progress while a decision is awaited, completed by an approval,
    /// open again by everything that ends the claim without one, or that takes it to another campaign. A returned
    /// claim keeps it. `remedy` is what a claim that takes it does.
    ///
    /// # Errors
    ///
    /// Another claim holds it, or it is exempt.
    pub fn reconciled(mut self, claim: &Claim, remedy: Option<&Code>) -> Result<Self, NotFromHere> {
        let held = self.state.job().filter(|job| job.claim == claim.id).cloned();
        let header = &claim.header;
        let is_of_this =
            header.campaign.as_ref() == Some(&self.campaign) && header.vin.as_deref() == Some(self.vin.as_str());
        let (completed, live) = match claim.state.word() {
            StateWord::Submitted | StateWord::InReview | StateWord::Returned => (false, is_of_this),
            StateWord::Approved | StateWord::Settled | StateWord::Closed => (true, is_of_this),
            StateWord::Draft | StateWord::Rejected | StateWord::Withdrawn | StateWord::Lapsed => (false, false),
        };
        if !live {
            if held.is_some() {
                self.state = CampaignVehicleState::Open;
            }
            return Ok(self);
        }
        if held.is_none() && self.state != CampaignVehicleState::Open {
            return Err(NotFromHere);
        }
        let remedy = remedy.cloned().or_else(|| held.and_then(|job| job.remedy));
        let job = CampaignJob {
            claim: claim.id,
            station: claim.station,
            station_code: claim.station_code.clone(),
            remedy,
            date: if completed { header.repair_completion_date.or(header.complaint_date) } else { None },
        };
        self.state =
            if completed { CampaignVehicleState::Completed(job) } else { CampaignVehicleState::InProgress(job) };
        Ok(self)
    }

    /// Nothing is to be done to it. From open only; who is exempt may be so for another reason.
    pub fn exempt(mut self, exemption: Exemption) -> Result<Self, NotFromHere> {
        match self.state {
            CampaignVehicleState::Open | CampaignVehicleState::Exempt(_) => {
                self.state = CampaignVehicleState::Exempt(exemption);
                Ok(self)
            }
            CampaignVehicleState::InProgress(_) | CampaignVehicleState::Completed(_) => Err(NotFromHere),
        }
    }

    /// The work is to be done after all.
    pub fn reinstate(mut self) -> Result<Self, NotFromHere> {
        match self.state {
            CampaignVehicleState::Exempt(_) => {
                self.state = CampaignVehicleState::Open;
                Ok(self)
            }
            CampaignVehicleState::Open | CampaignVehicleState::InProgress(_) | CampaignVehicleState::Completed(_) => {
                Err(NotFromHere)
            }
        }
    }
}

/// A column with a key.
const fn key(name: &'static str) -> Field {
    Field { name, column: name, kind: FieldKind::Uuid, sortable: false, prefix: false }
}

impl Record for CampaignVehicle {
    const COLLECTION: &'static str = "campaignVehicles";
    const TABLE: &'static str = "campaign_vehicle";
    const FIELDS: &'static [Field] = &[
        named("campaign", "campaigns"),
        Field { name: "vin", column: "vin", kind: FieldKind::VIN, sortable: false, prefix: false },
        text("state"),
        flag("listed"),
        key("claim_id"),
        text("exempt_reason"),
        date("completion_date", false),
    ];

    fn code(&self) -> &str {
        &self.key
    }

    fn columns(&self) -> Vec<ColumnValue> {
        let job = self.state.job();
        let completed = job.and_then(|job| job.date);
        vec![
            text_value(self.campaign.as_str()),
            text_value(self.vin.as_str()),
            text_value(self.state.word()),
            ColumnValue::Bool(Some(self.listed)),
            ColumnValue::Uuid(job.map(|job| job.claim.0)),
            text_value(self.state.exemption().map_or("", |exemption| exemption.reason.word())),
            ColumnValue::Date(completed),
        ]
    }

    fn check(&self) -> Vec<Violation> {
        self.state.exemption().and_then(|exemption| exemption.check("note")).into_iter().collect()
    }

    fn references(&self) -> Vec<Reference> {
        let code = self.vin.to_string();
        vec![Reference { field: "vin".to_owned(), table: "vehicle", collection: "vehicles", code }]
    }

    fn audience(&self, _id: uuid::Uuid) -> Audience {
        match self.state.job() {
            Some(job) => Audience::Organizations(vec![job.station]),
            // Nobody but the manufacturer follows the fleet.
            None => Audience::Oem,
        }
    }
}

/// Vehicles of a campaign by where they stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CompletionCount {
    /// Vehicles that the campaign reaches.
    pub in_scope: i64,
    /// Claimed.
    pub in_progress: i64,
    /// Done.
    pub completed: i64,
    /// Nothing to be done.
    pub exempt: i64,
}

impl CompletionCount {
    /// To be done.
    pub fn open(&self) -> i64 {
        self.in_scope - self.in_progress - self.completed - self.exempt
    }

    /// What is completed of all that something is to be done to, in basis points, rounded down: only all is all.
    pub fn rate_bp(&self) -> i32 {
        let whole = self.in_scope - self.exempt;
        if whole <= 0 {
            return 0;
        }
        i32::try_from(i128::from(self.completed) * 10_000 / i128::from(whole)).unwrap_or(i32::MAX)
    }

    /// The sum of both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            in_scope: self.in_scope + other.in_scope,
            in_progress: self.in_progress + other.in_progress,
            completed: self.completed + other.completed,
            exempt: self.exempt + other.exempt,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claims::sample::{code, in_state};

    fn claim(word: StateWord) -> Claim {
        let mut claim = in_state(word);
        claim.header.campaign = Some(code("R-1"));
        claim
    }

    fn vin() -> Vin {
        Vin::parse(claim(StateWord::Draft).header.vin.as_deref().unwrap()).unwrap()
    }

    fn open() -> CampaignVehicle {
        CampaignVehicle::open(code("R-1"), vin(), true)
    }

    fn after(vehicle: CampaignVehicle, word: StateWord) -> &'static str {
        vehicle.reconciled(&claim(word), Some(&code("A"))).map_or("refused", |after| after.state.word())
    }

    #[test]
    fn it_stands_where_its_claim_stands() {
        let held = open().reconciled(&claim(StateWord::Submitted), Some(&code("A"))).unwrap();
        let other = {
            let mut other = claim(StateWord::Submitted);
            other.id = ClaimId(uuid::Uuid::from_u128(77));
            open().reconciled(&other, None).unwrap()
        };
        for word in StateWord::ALL {
            let expected = match word {
                StateWord::Submitted | StateWord::InReview | StateWord::Returned => "IN_PROGRESS",
                StateWord::Approved | StateWord::Settled | StateWord::Closed => "COMPLETED",
                StateWord::Draft | StateWord::Rejected | StateWord::Withdrawn | StateWord::Lapsed => "OPEN",
            };
            assert_eq!(after(held.clone(), word), expected, "{word:?}");
            // What another claim holds is neither taken nor released.
            let of_other = if expected == "OPEN" { "IN_PROGRESS" } else { "refused" };
            assert_eq!(after(other.clone(), word), of_other, "{word:?}");
        }
        let completed = held.reconciled(&claim(StateWord::Approved), None).unwrap();
        let job = completed.state.job().unwrap();
        assert_eq!((job.remedy.clone(), job.date), (Some(code("A")), Some("2026-11-12".parse().unwrap())));
        assert_eq!(after(completed, StateWord::Rejected), "OPEN", "an appeal can take an approval back");
    }

    #[test]
    fn a_claim_that_goes_to_another_campaign_lets_go() {
        let held = open().reconciled(&claim(StateWord::Submitted), None).unwrap();
        let mut elsewhere = claim(StateWord::Submitted);
        elsewhere.header.campaign = Some(code("R-2"));
        assert_eq!(held.reconciled(&elsewhere, None).unwrap(), open());
    }

    #[test]
    fn only_what_is_open_can_be_exempt() {
        let exemption = |reason| Exemption { reason, note: String::new() };
        let exempt = open().exempt(exemption(ExemptReason::Exported)).unwrap();
        assert_eq!(after(exempt.clone(), StateWord::Submitted), "refused");
        assert_eq!(exempt.clone().reinstate().unwrap(), open());
        assert_eq!(open().reinstate(), Err(NotFromHere));
        let held = open().reconciled(&claim(StateWord::Submitted), None).unwrap();
        assert_eq!(held.clone().exempt(exemption(ExemptReason::Scrapped)), Err(NotFromHere));
        let other = open().exempt(exemption(ExemptReason::Other)).unwrap();
        assert_eq!(other.check()[0].field, "note");
        assert_eq!(exempt.check(), []);
        assert_eq!(held.columns().len(), CampaignVehicle::FIELDS.len());
        let json = serde_json::to_string(&held).unwrap();
        assert_eq!(serde_json::from_str::<CampaignVehicle>(&json).unwrap(), held);
    }

    #[test]
    fn the_rate_is_rounded_down_and_leaves_the_exempt_out() {
        let count = CompletionCount { in_scope: 10, in_progress: 2, completed: 5, exempt: 2 };
        assert_eq!((count.open(), count.rate_bp()), (1, 6_250));
        let nearly = CompletionCount { in_scope: 1_000_000, completed: 999_999, ..CompletionCount::default() };
        assert_eq!(nearly.rate_bp(), 9_999);
        assert_eq!(CompletionCount::default().rate_bp(), 0);
    }
}
