//! Warranty claims: written by a station, checked and priced at submission, decided line by line.
//!
//! A [`Claim`] is one document. Its life is in [`lifecycle`], what may be written in [`draft`], what a
//! submission finds in [`checks`], the amounts in [`pricing`], the decision in [`review`], what was frozen at
//! each submission in [`revision`], and until when what is due in `clock`.

pub mod appeals;
mod appraising;
pub mod approval;
pub mod campaigns;
pub mod checks;
mod clock;
mod decision;
pub mod draft;
mod escalation;
mod evidence;
pub mod facts;
mod finding;
mod finding_text;
mod follow;
mod goodwill;
mod header;
mod hold;
mod index;
pub mod kinds;
pub mod lifecycle;
mod line;
mod number;
pub mod pricing;
mod rescue;
pub mod review;
pub mod revision;
mod routing;
#[cfg(test)]
pub(crate) mod sample;
mod silence;
mod state;
pub mod track;
mod transition;
mod upsert;

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use appeals::{Appeal, AppealError, AppealState, NewAppeal};
pub use approval::{ApprovalError, Approver, Proposal};
pub use campaigns::CampaignFact;
pub use clock::{Pause, PauseReason};
pub use decision::{Approval, DecisionRound, LineDecision, Outcome, Reason, Return};
pub use escalation::Escalation;
pub use evidence::{AttachmentFact, EvidenceFacts, EvidenceUse};
pub use facts::{EarlierRepair, Facts, SharedTrip, SimilarClaim, Supplemented};
pub use finding::{Code, Finding, Severity};
pub use finding_text::{FindingText, reason_text, text};
pub use follow::EntitlementChoice;
pub use goodwill::{Drawn, GoodwillDraw};
pub use header::{
    AssemblyAction, CompensationAppraisalDetails, Details, ExternalPurchaseDetails, Header, MajorAssemblyDetails,
    RescueTrip, RoadsideRescueDetails, RunningInDetails, WarrantyRepairDetails,
};
pub use hold::Hold;
pub use index::{ClaimHead, ClaimIndex, open_job_key};
pub use kinds::{Effect, Kind, RequiredField, Spec};
pub use lifecycle::{Returning, SubmitError, Submitted};
pub use line::{Line, LineContent, LineInput, LinePricing, LineType, PriceSource, PriceSourceKind};
pub use number::ClaimNumber;
pub use review::{Goodwill, Review, ReviewError, Verdict};
pub use revision::{Difference, DifferenceKind, Revision};
pub use routing::{Assignee, Assignment, Routing};
pub use state::{State, StateWord};
pub use transition::{TransitionError, Verb};
pub use upsert::way_out;

use crate::access::ClaimParties;
use crate::attachments::Hash;
use crate::ids::{ClaimId, Code as CatalogCode, OrgId, UserId};
use crate::money::{Currency, Money, MoneyError};

/// A claim of a station against the manufacturer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// Its key.
    pub id: ClaimId,
    /// Its readable number.
    pub number: ClaimNumber,
    /// What is claimed.
    pub kind: Kind,
    /// The station that claims.
    pub station: OrgId,
    /// The code of that station.
    pub station_code: CatalogCode,
    /// Currency of every amount: the station's.
    pub currency: Currency,
    /// Who created it. Whoever that is never decides it.
    pub created_by: UserId,
    /// Whether that was a program in its own name.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub created_by_client: bool,
    /// What the station wrote about the repair.
    pub header: Header,
    /// What is claimed, line by line.
    pub lines: Vec<Line>,
    /// The number that the next new line gets.
    pub next_line: u32,
    /// Where it stands.
    #[serde(flatten)]
    pub state: State,
    /// Its submissions so far.
    #[serde(default)]
    pub submission: Option<Submission>,
    /// What the warranty said at the last submission.
    #[serde(default)]
    pub coverage: Option<ClaimCoverage>,
    /// What the last submission found.
    #[serde(default)]
    pub findings: Vec<Finding>,
    /// Decisions, oldest first.
    #[serde(default)]
    pub decisions: Vec<DecisionRound>,
    /// The last return, if it ever was returned.
    #[serde(default)]
    pub last_return: Option<Return>,
    /// Who shall decide it, and what the rules said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub routing: Option<Routing>,
    /// The decision that waits for the approval of a higher level; only while the claim is in review.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proposal: Option<Box<Proposal>>,
    /// Appeals against decisions, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub appeals: Vec<Appeal>,
    /// Organisations beside the station that have sight of it: appraisers and suppliers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shared_with: Vec<OrgId>,
    /// The hold, while it is held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<Hold>,
    /// When its clocks stood, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pauses: Vec<Pause>,
    /// How far the decision that it waits for was escalated: since it was submitted last, or its open appeal was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escalation: Option<Escalation>,
}

/// What is known of a claim's submissions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submission {
    /// Number of the newest revision.
    pub revision: u32,
    /// When it was first submitted.
    pub first_submit_time: DateTime<Utc>,
    /// When it was last submitted.
    pub submit_time: DateTime<Utc>,
    /// Who submitted it last.
    pub submitted_by: UserId,
    /// Whether that was a program in its own name.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub submitted_by_client: bool,
    /// The attachments that proved it, with the hashes of their bytes at that moment.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub evidence: BTreeMap<Uuid, Hash>,
}

/// What the warranty says about the causal part of a claim.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimCoverage {
    /// Whether it covers.
    pub covered: bool,
    /// The version of the policy that covers.
    pub policy: Option<CatalogCode>,
    /// The term of that version.
    pub term: Option<CatalogCode>,
    /// The clause of the booklet.
    #[serde(default)]
    pub clause: String,
    /// Day on which the warranty began.
    pub warranty_start: Option<NaiveDate>,
    /// The last day that it covers.
    pub last_day: Option<NaiveDate>,
    /// The last kilometre that it covers; none: unlimited, or not covered.
    pub limit_km: Option<i64>,
    /// The campaign that covers, whatever the warranty says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub campaign: Option<CatalogCode>,
}

/// Sums over the lines of a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Totals {
    /// What is requested.
    pub requested: Money,
    /// What the system computes.
    pub computed: Money,
    /// What was approved; none before a decision.
    pub approved: Option<Money>,
    /// The part of it that is goodwill.
    pub goodwill: Option<Money>,
}

/// What a claim waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait {
    /// On whom.
    pub party: Party,
    /// For what.
    pub step: Step,
    /// Since when; none on a draft, whose creation the store knows.
    pub since: Option<DateTime<Utc>>,
    /// Until when it should be done.
    pub due_time: Option<DateTime<Utc>>,
}

/// Who has to act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Party {
    /// Nobody.
    Nobody,
    /// The station.
    Station,
    /// An auditor.
    Auditor,
    /// An appraiser.
    Appraiser,
    /// The settlement clerks.
    Finance,
}

/// What has to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing more.
    Nothing,
    /// Submit the draft.
    Submission,
    /// Take it into review.
    Review,
    /// Decide it.
    Decision,
    /// Answer the return.
    Answer,
    /// Conclude the appraisal.
    Appraisal,
    /// Pay it.
    Payment,
    /// Decide the appeal.
    AppealDecision,
    /// Approve the decision at a higher level.
    Approval,
    /// Release the hold, or send what it waits for.
    HoldRelease,
}

impl Claim {
    /// Its parties, as far as permission depends on them.
    pub fn parties(&self) -> ClaimParties {
        ClaimParties {
            station: self.station,
            created_by: self.created_by,
            submitted_by: self.submission.as_ref().map(|submission| submission.submitted_by),
            appealed_by: self.appeals.last().map(|appeal| appeal.appealed_by),
        }
    }

    /// Number of the newest revision; 0 before the first submission.
    pub fn revision(&self) -> u32 {
        self.submission.as_ref().map_or(0, |submission| submission.revision)
    }

    /// How often it was submitted.
    pub fn submission_count(&self) -> u32 {
        self.revision()
    }

    /// Whether its content may be changed.
    pub fn is_editable(&self) -> bool {
        match self.state.word() {
            StateWord::Draft | StateWord::Returned => true,
            StateWord::Submitted
            | StateWord::InReview
            | StateWord::Approved
            | StateWord::Rejected
            | StateWord::Withdrawn
            | StateWord::Settled
            | StateWord::Closed
            | StateWord::Lapsed => false,
        }
    }

    /// The line of a number.
    pub fn line(&self, number: u32) -> Option<&Line> {
        self.lines.iter().find(|line| line.number == number)
    }

    /// The newest decision on a line, with its round.
    pub fn decision_on(&self, line: u32) -> Option<(&DecisionRound, &LineDecision)> {
        self.decisions.iter().rev().find_map(|round| {
            round.lines.iter().find(|decision| decision.line == line).map(|decision| (round, decision))
        })
    }

    /// Who decided it last, or reviews it now.
    pub fn auditor(&self) -> Option<UserId> {
        let user = self.state.auditor().or_else(|| self.decisions.last().map(|round| round.auditor));
        // A rule is nobody.
        user.filter(|user| *user != UserId::SYSTEM)
    }

    /// The sums over its lines.
    pub fn totals(&self) -> Result<Totals, MoneyError> {
        let zero = Money::zero(self.currency);
        let mut totals = Totals { requested: zero, computed: zero, approved: None, goodwill: None };
        for line in &self.lines {
            let requested = line.pricing.as_ref().map(|pricing| pricing.requested).or(line.content.requested_amount);
            totals.requested = totals.requested.try_add(requested.unwrap_or(zero))?;
            let computed = line.pricing.as_ref().and_then(|pricing| pricing.computed);
            totals.computed = totals.computed.try_add(computed.unwrap_or(zero))?;
            if let Some((_, decision)) = self.decision_on(line.number) {
                totals.approved = Some(totals.approved.unwrap_or(zero).try_add(decision.approved)?);
                totals.goodwill = Some(totals.goodwill.unwrap_or(zero).try_add(decision.goodwill)?);
            }
        }
        Ok(totals)
    }

    /// What it waits for, and on whom.
    pub fn waits_for(&self) -> Wait {
        let submitted = self.submission.as_ref().map(|submission| submission.submit_time);
        let wait = |party, step, since, due_time| Wait { party, step, since, due_time };
        if let Some(hold) = self.hold() {
            return wait(hold.reason.party(), Step::HoldRelease, Some(hold.hold_time), hold.end_time);
        }
        if let Some(appeal) = self.open_appeal() {
            let (since, due) = (appeal.appeal_time, self.decision_due_time(appeal));
            return wait(Party::Auditor, Step::AppealDecision, Some(since), due);
        }
        let review_due = self.review_due_time();
        match &self.state {
            State::Draft => wait(Party::Station, Step::Submission, None, None),
            State::Submitted { .. } => wait(Party::Auditor, Step::Review, submitted, review_due),
            State::InReview { review_start_time, awaiting_appraisal, .. } => {
                let (party, step) = if *awaiting_appraisal {
                    (Party::Appraiser, Step::Appraisal)
                } else if self.awaits_approval() {
                    (Party::Auditor, Step::Approval)
                } else {
                    (Party::Auditor, Step::Decision)
                };
                wait(party, step, Some(*review_start_time), review_due)
            }
            State::Returned { return_time, .. } => {
                wait(Party::Station, Step::Answer, Some(*return_time), self.answer_due_time())
            }
            State::Approved { decide_time, .. } => match self.kind.spec().effect() {
                // Its due time is a day, the promised pay date.
                Effect::Pays => wait(Party::Finance, Step::Payment, Some(*decide_time), None),
                Effect::Authorizes => wait(Party::Nobody, Step::Nothing, None, None),
            },
            State::Rejected { .. }
            | State::Withdrawn { .. }
            | State::Settled { .. }
            | State::Closed { .. }
            | State::Lapsed { .. } => wait(Party::Nobody, Step::Nothing, None, None),
        }
    }

    /// Whole days from its first submission to its end, or to `now`. None before the first submission.
    pub fn age_days(&self, now: DateTime<Utc>) -> Option<i64> {
        let first = self.submission.as_ref()?.first_submit_time;
        let end = match &self.state {
            State::Withdrawn { withdraw_time, .. } => *withdraw_time,
            State::Settled { settle_time, .. } => *settle_time,
            State::Closed { close_time, .. } => *close_time,
            State::Lapsed { lapse_time } => *lapse_time,
            State::Draft
            | State::Submitted { .. }
            | State::InReview { .. }
            | State::Approved { .. }
            | State::Rejected { .. }
            | State::Returned { .. } => now,
        };
        Some((end - first).num_days().max(0))
    }

    /// The odometer reading that it stands for: it counts from its submission until it is withdrawn,
    /// rejected or lapsed.
    pub fn odometer_reading(&self) -> Option<(NaiveDate, i64)> {
        let (date, km) = (self.header.complaint_date?, self.header.odometer_in_km?);
        self.state.word().is_live().then_some((date, km))
    }
}
