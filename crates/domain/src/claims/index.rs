//! The columns that stand beside the claim's document, for lists, scopes and the guards of the database.

use chrono::{DateTime, NaiveDate, Utc};

use super::{Claim, Kind, PauseReason, StateWord};
use crate::ids::{OrgId, UserId};
use crate::money::MoneyError;

/// What the store can find claims by. It is computed from the document at every save, never written apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimIndex {
    /// What lists show.
    pub head: ClaimHead,
    /// Who created it.
    pub created_by: UserId,
    /// Unique among all claims: set while a claim holds its repair order's job.
    pub open_job_key: Option<String>,
    /// Errors that the last submission found.
    pub finding_errors: i64,
    /// Warnings that the last submission found.
    pub finding_warnings: i64,
    /// Why it is held, if it is.
    pub hold_reason: Option<PauseReason>,
    /// When its hold ends by itself.
    pub hold_end_time: Option<DateTime<Utc>>,
    /// How far its review was escalated.
    pub escalation_level: i64,
    /// When its open appeal should be decided; none while its clock stands.
    pub decision_due_time: Option<DateTime<Utc>>,
    /// The claim that it adds to, in small letters.
    pub supplement_of: Option<String>,
}

/// What a list shows of a claim without reading its document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimHead {
    /// Readable number.
    pub number: String,
    /// The station that claims.
    pub station_id: OrgId,
    /// Code of it.
    pub station: String,
    /// What is claimed.
    pub kind: Kind,
    /// Where it stands.
    pub state: StateWord,
    /// Vehicle, as written.
    pub vin: Option<String>,
    /// Causal part.
    pub causal_part: Option<String>,
    /// Failure code.
    pub failure_code: Option<String>,
    /// Campaign.
    pub campaign: Option<String>,
    /// Number in the station's own system.
    pub external_ref: Option<String>,
    /// Repair order in the station's own system.
    pub external_repair_order: Option<String>,
    /// Job of it.
    pub external_job: Option<String>,
    /// Day of the drop-off.
    pub complaint_date: Option<NaiveDate>,
    /// Day of completion.
    pub repair_completion_date: Option<NaiveDate>,
    /// Last submission.
    pub submit_time: Option<DateTime<Utc>>,
    /// First submission.
    pub first_submit_time: Option<DateTime<Utc>>,
    /// Until when it should be decided.
    pub review_due_time: Option<DateTime<Utc>>,
    /// Until when a return must be answered.
    pub answer_due_time: Option<DateTime<Utc>>,
    /// Who reviews or decided it.
    pub auditor: Option<UserId>,
    /// Currency of the totals.
    pub currency: String,
    /// Requested total in minor units.
    pub requested_minor: i64,
    /// Computed total in minor units.
    pub computed_minor: i64,
    /// Approved total in minor units.
    pub approved_minor: i64,
    /// Number of the newest revision.
    pub revision: i64,
    /// Odometer at drop-off.
    pub odometer_in_km: Option<i64>,
    /// The queue in which it waits, or waited last.
    pub queue: Option<String>,
    /// Public name of the appeal that is open.
    pub open_appeal: Option<String>,
}

/// The key that a claim holds while it claims a job of a repair order: one station claims a job once.
pub fn open_job_key(station: OrgId, repair_order: &str, job: &str) -> String {
    // The separator can't stand in a UUID; the lengths keep `A|B` + `C` apart from `A` + `B|C`.
    format!("{station}|{}|{repair_order}|{job}", repair_order.len())
}

impl Claim {
    /// The key of its repair order's job, whatever its state. None if it names no job, or adds to another claim.
    pub fn job_key(&self) -> Option<String> {
        let header = &self.header;
        // What adds to a decided claim may be work of the same job; how often is a matter of its own.
        if header.supplement_of.is_some() {
            return None;
        }
        let (order, job) = (header.external_repair_order.as_deref()?, header.external_job.as_deref()?);
        let key = open_job_key(self.station, order, job);
        // Leave to buy a part and the repair that it is for are claims on one job; a job is claimed once a kind.
        match self.kind {
            Kind::WarrantyRepair => Some(key),
            Kind::RunningInMaintenance
            | Kind::CompensationAppraisal
            | Kind::RoadsideRescue
            | Kind::ExternalPurchase
            | Kind::MajorAssembly => Some(format!("{key}|{}", self.kind.word())),
        }
    }

    /// The columns of the claim.
    pub fn index(&self) -> Result<ClaimIndex, MoneyError> {
        let count = |blocking: bool| {
            let found = self.findings.iter().filter(|finding| finding.blocks() == blocking).count();
            i64::try_from(found).unwrap_or(i64::MAX)
        };
        Ok(ClaimIndex {
            head: self.head()?,
            created_by: self.created_by,
            open_job_key: if self.state.word().is_live() { self.job_key() } else { None },
            finding_errors: count(true),
            finding_warnings: count(false),
            hold_reason: self.hold().map(|hold| hold.reason),
            hold_end_time: self.hold().and_then(|hold| hold.end_time),
            escalation_level: i64::from(self.escalation_level()),
            decision_due_time: self.open_appeal().and_then(|appeal| self.decision_due_time(appeal)),
            supplement_of: self.header.supplement_of.as_ref().map(|name| name.to_lowercase()),
        })
    }

    fn head(&self) -> Result<ClaimHead, MoneyError> {
        let totals = self.totals()?;
        let header = &self.header;
        Ok(ClaimHead {
            number: self.number.to_string(),
            station_id: self.station,
            station: self.station_code.to_string(),
            kind: self.kind,
            state: self.state.word(),
            vin: header.vin.clone(),
            causal_part: header.causal_part.as_ref().map(ToString::to_string),
            failure_code: header.failure_code.as_ref().map(ToString::to_string),
            campaign: header.campaign.as_ref().map(ToString::to_string),
            external_ref: header.external_ref.clone(),
            external_repair_order: header.external_repair_order.clone(),
            external_job: header.external_job.clone(),
            complaint_date: header.complaint_date,
            repair_completion_date: header.repair_completion_date,
            submit_time: self.submission.as_ref().map(|submission| submission.submit_time),
            first_submit_time: self.submission.as_ref().map(|submission| submission.first_submit_time),
            review_due_time: self.review_due_time(),
            answer_due_time: self.answer_due_time(),
            auditor: self.auditor(),
            currency: self.currency.to_string(),
            requested_minor: totals.requested.minor,
            computed_minor: totals.computed.minor,
            approved_minor: totals.approved.map_or(0, |approved| approved.minor),
            revision: i64::from(self.revision()),
            odometer_in_km: header.odometer_in_km,
            queue: self.queue().map(ToString::to_string),
            open_appeal: self.open_appeal().map(|appeal| self.appeal_name(appeal.number)),
        })
    }
}
