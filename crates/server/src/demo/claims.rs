//! Claims, as stations write them and auditors decide them: each step of a plan becomes one command.

use chrono::TimeDelta;
use recourse_proto::v1::claim_line::Type as LineType;
use recourse_proto::v1::claim_service_server::ClaimService;
use recourse_proto::v1::finding_code::Code as Finding;
use recourse_proto::v1::vehicle_service_server::VehicleService;
use recourse_proto::wkt::FieldMask;
use recourse_proto::{Method, v1};

use super::accounts::People;
use super::catalog::{diagnosis, replacement};
use super::chance::Chance;
use super::organizations::{COSTLY_STATION, station_code};
use super::plan::{ClaimPlan, Fate, Oddity, Stage};
use super::vehicles::{Car, serial};
use super::verdicts::{self, Judgement};
use super::wire::{Desk, answered, cny, date, hours, km, pieces};
use super::world::{CATEGORIES, Counts, MODES, PartKind, failure_code};
use crate::StartError;

/// Everybody and everything that claims are made of.
pub(super) struct Workshop<'w> {
    pub desk: &'w Desk,
    pub people: &'w People,
    pub counts: Counts,
    pub parts: &'w [PartKind],
    pub fleet: Vec<Car>,
}

/// A claim on its way.
#[derive(Default)]
pub(super) struct Progress {
    /// As its station saw it last.
    claim: v1::Claim,
    /// Its newest etag.
    etag: String,
    /// What the last submission found.
    found: Vec<Finding>,
    judgement: Judgement,
}

impl Workshop<'_> {
    /// Does one step of a claim's life.
    pub(super) async fn step(
        &mut self,
        index: usize,
        plan: &ClaimPlan,
        stage: Stage,
        progress: &mut Progress,
    ) -> Result<(), StartError> {
        match stage {
            Stage::Create => self.create(index, plan, progress).await,
            Stage::Submit => self.submit(plan, progress).await,
            Stage::Fit => self.fit(index, plan, progress).await,
            Stage::Review => self.review(index, plan, progress).await,
            Stage::Decide => self.decide(index, plan, progress).await,
            Stage::Return => self.send_back(progress).await,
            Stage::Correct => self.correct(plan, progress).await,
            Stage::Withdraw => self.withdraw(plan, progress).await,
            Stage::Deadline => self
                .desk
                .api
                .enforce_deadlines()
                .await
                .map(|_| ())
                .map_err(|refusal| StartError::new("demo, deadlines", refusal.text.en)),
        }
    }

    async fn create(&mut self, index: usize, plan: &ClaimPlan, progress: &mut Progress) -> Result<(), StartError> {
        let claim = self.written(index, plan);
        // At the first station the technician writes, and the clerk submits.
        let writer = if plan.station == 0 { &self.people.technician } else { self.people.of_station(plan.station) };
        let message = v1::CreateClaimRequest { claim: Some(claim), ..Default::default() };
        let request = self.desk.ask(writer, Method::ClaimServiceCreateClaim, message)?;
        progress.claim = answered("claim", self.desk.api.create_claim(request).await)?;
        progress.etag.clone_from(&progress.claim.etag);
        Ok(())
    }

    fn written(&self, index: usize, plan: &ClaimPlan) -> v1::Claim {
        let mut chance = Chance::new(10_000 + index as u64);
        let (car, kind) = (&self.fleet[plan.car], &self.parts[plan.part]);
        let category = CATEGORIES[kind.category];
        // A bad pump seizes; whatever else fails has its own way.
        let bad_pump = plan.part == 0 && car.bad_pump;
        let failed = if bad_pump { 0 } else { category.modes[chance.index(category.modes.len())] };
        let mode = MODES[failed];
        let km_in = car.km_on(plan.complaint);
        let start = plan.completion.min(plan.complaint + TimeDelta::days(1));
        let towed = chance.happens(40);
        let details = v1::WarrantyRepairDetails {
            immobilized: towed,
            towed_in: towed,
            goodwill_request: if plan.oddity == Oddity::Expired {
                "Regular customer, all services done here / 老客户，保养均在本站".to_owned()
            } else {
                String::new()
            },
            ..Default::default()
        };
        v1::Claim {
            kind: v1::claim::Kind::WarrantyRepair.into(),
            station: format!("stations/{}", station_code(plan.station)),
            external_ref: format!("WC-{:06}", index + 1),
            vin: car.vin.clone(),
            complaint_description: category.complaint.to_owned(),
            cause_description: format!("{} {} / {}{}", kind.en, mode.en, kind.zh, mode.zh),
            correction_description: format!("{} replaced / 更换{}", kind.en, kind.zh),
            failure_code: format!("failureCodes/{}", failure_code(kind.category, failed)),
            causal_part: format!("parts/{}", kind.code),
            dtcs: category.dtcs.iter().map(|dtc| (*dtc).to_owned()).collect(),
            odometer_in: km(km_in),
            odometer_out: km(km_in + chance.between(1, 6)),
            complaint_date: date(plan.complaint),
            repair_start_date: date(start),
            repair_completion_date: date(plan.completion),
            external_repair_order: format!("RO-{:06}", 100_000 + index),
            external_job: "1".to_owned(),
            repeat_repair_indicator: plan.oddity == Oddity::Again,
            details: Some(v1::claim::Details::WarrantyRepair(details)),
            lines: self.lines(index, plan, towed, &mut chance),
            ..Default::default()
        }
    }

    fn lines(&self, index: usize, plan: &ClaimPlan, towed: bool, chance: &mut Chance) -> Vec<v1::ClaimLine> {
        let (car, kind) = (&self.fleet[plan.car], &self.parts[plan.part]);
        let mut part = v1::ClaimLine {
            part: format!("parts/{}", kind.code),
            quantity: pieces(1),
            is_causal: true,
            requested_amount: (plan.oddity == Oddity::AboveList).then(|| cny(kind.price * 5 / 4)).flatten(),
            ..line(LineType::Part)
        };
        if kind.serialized {
            let fitted = car.serials.iter().find(|(position, _)| *position == plan.part);
            part.original_serial_number =
                fitted.map_or_else(|| serial(kind, plan.part, self.counts, plan.car), |(_, serial)| serial.clone());
            part.replacement_serial_number = serial(kind, plan.part, self.counts, 500_000 + index);
        }
        let mut labor = v1::ClaimLine { operation: operation(&replacement(plan.part)), ..line(LineType::Labor) };
        if plan.station == COSTLY_STATION && chance.happens(700) {
            labor.additional_hours = hours(kind.hours * 3 / 2);
            labor.additional_hours_comment = "Bolts seized, harness in the way / 螺栓锈死，线束阻挡".to_owned();
        } else if plan.oddity == Oddity::MoreHours {
            labor.additional_hours = hours((kind.hours / 4).max(20));
            labor.additional_hours_comment = "Underbody guard had to come off / 需拆卸底护板".to_owned();
        }
        let mut lines = vec![part, labor];
        if chance.happens(180) {
            let way = chance.index(self.counts.diagnoses);
            let code = diagnosis(self.counts, kind.category, way);
            lines.push(v1::ClaimLine { operation: operation(&code), ..line(LineType::Diagnosis) });
        }
        if towed {
            lines.push(v1::ClaimLine {
                description: "Towed to the workshop / 拖车到店".to_owned(),
                requested_amount: cny(chance.between(20, 90) * 1_000),
                sublet_invoice_number: format!("TOW-{:06}", index + 1),
                ..line(LineType::Towing)
            });
        }
        lines
    }

    async fn submit(&mut self, plan: &ClaimPlan, progress: &mut Progress) -> Result<(), StartError> {
        let who = self.people.of_station(plan.station);
        let message = v1::SubmitClaimRequest {
            name: progress.claim.name.clone(),
            etag: progress.etag.clone(),
            ..Default::default()
        };
        let request = self.desk.ask(who, Method::ClaimServiceSubmitClaim, message)?;
        let reply = answered("submission", self.desk.api.submit_claim(request).await)?;
        progress.found = reply.findings.iter().map(v1::Finding::code).collect();
        progress.claim = reply.claim.unwrap_or_default();
        progress.etag.clone_from(&progress.claim.etag);
        Ok(())
    }

    /// Records the new piece in place of the old one, so that the vehicle's next claim names the right one.
    async fn fit(&mut self, index: usize, plan: &ClaimPlan, progress: &Progress) -> Result<(), StartError> {
        let car = &mut self.fleet[plan.car];
        let fitted = car.serials.iter_mut().find(|(position, _)| *position == plan.part);
        let Some((_, fitted)) = fitted else { return Ok(()) };
        let new = serial(&self.parts[plan.part], plan.part, self.counts, 500_000 + index);
        let claimed = progress.claim.lines.first().map(|line| line.original_serial_number.as_str());
        if claimed != Some(fitted.as_str()) {
            // A claim on the same piece was faster.
            return Ok(());
        }
        let message = v1::RecordComponentRequest {
            name: format!("vehicles/{}", car.vin),
            part: format!("parts/{}", self.parts[plan.part].code),
            serial_number: new.clone(),
            date: date(plan.completion),
            replaces_serial_number: std::mem::replace(fitted, new),
            claim: progress.claim.name.clone(),
            ..Default::default()
        };
        let who = self.people.of_station(plan.station);
        let request = self.desk.ask(who, Method::VehicleServiceRecordComponent, message)?;
        answered("component", self.desk.api.record_component(request).await).map(|_| ())
    }

    async fn review(&mut self, index: usize, plan: &ClaimPlan, progress: &mut Progress) -> Result<(), StartError> {
        progress.judgement = verdicts::judge(index, plan, &progress.found);
        let who = progress.judgement.auditor(self.people);
        let message = v1::StartReviewRequest {
            name: progress.claim.name.clone(),
            etag: progress.etag.clone(),
            ..Default::default()
        };
        let request = self.desk.ask(who, Method::ClaimServiceStartReview, message)?;
        progress.etag = answered("review", self.desk.api.start_review(request).await)?.etag;
        Ok(())
    }

    async fn decide(&mut self, index: usize, plan: &ClaimPlan, progress: &mut Progress) -> Result<(), StartError> {
        let who = progress.judgement.auditor(self.people);
        let (line_decisions, note) = verdicts::verdicts(index, plan, progress.judgement, &progress.claim);
        let message = v1::AdjudicateClaimRequest {
            name: progress.claim.name.clone(),
            etag: progress.etag.clone(),
            line_decisions,
            note: note.to_owned(),
            ..Default::default()
        };
        let request = self.desk.ask(who, Method::ClaimServiceAdjudicateClaim, message)?;
        progress.etag = answered("decision", self.desk.api.adjudicate_claim(request).await)?.etag;
        Ok(())
    }

    async fn send_back(&mut self, progress: &mut Progress) -> Result<(), StartError> {
        let reason = v1::DecisionReason {
            code: Finding::InsufficientInformation.into(),
            evidence_needed: "Measured values or a photograph / 测量值或照片".to_owned(),
            fix: "Say how the fault was found / 请说明故障判定过程".to_owned(),
            field: "cause_description".to_owned(),
            ..Default::default()
        };
        let message = v1::ReturnClaimRequest {
            name: progress.claim.name.clone(),
            etag: progress.etag.clone(),
            reasons: vec![reason],
            note: "Please complete the cause / 请补充故障原因".to_owned(),
            ..Default::default()
        };
        let request =
            self.desk.ask(progress.judgement.auditor(self.people), Method::ClaimServiceReturnClaim, message)?;
        progress.etag = answered("return", self.desk.api.return_claim(request).await)?.etag;
        Ok(())
    }

    async fn correct(&mut self, plan: &ClaimPlan, progress: &mut Progress) -> Result<(), StartError> {
        let claim = &progress.claim;
        let mut lines = claim.lines.clone();
        let mut paths = vec!["cause_description".to_owned()];
        if let Some(labor) = lines.iter_mut().find(|line| line.additional_hours.is_some()) {
            labor.additional_hours = None;
            labor.additional_hours_comment.clear();
            paths.push("lines".to_owned());
        }
        let corrected = v1::Claim {
            name: claim.name.clone(),
            etag: progress.etag.clone(),
            cause_description: format!("{}; measured, see photograph / 已测量，见照片", claim.cause_description),
            lines,
            ..Default::default()
        };
        let message = v1::UpdateClaimRequest {
            claim: Some(corrected),
            update_mask: Some(FieldMask { paths }),
            ..Default::default()
        };
        let who = self.people.of_station(plan.station);
        let request = self.desk.ask(who, Method::ClaimServiceUpdateClaim, message)?;
        progress.claim = answered("correction", self.desk.api.update_claim(request).await)?;
        progress.etag.clone_from(&progress.claim.etag);
        Ok(())
    }

    async fn withdraw(&mut self, plan: &ClaimPlan, progress: &mut Progress) -> Result<(), StartError> {
        let reason = match plan.fate {
            Fate::Withdrawn { submitted: true } => "The customer pays for it / 客户自费",
            Fate::Withdrawn { submitted: false }
            | Fate::Draft
            | Fate::Submitted
            | Fate::InReview
            | Fate::Returned
            | Fate::Lapsed
            | Fate::Rejected
            | Fate::Approved
            | Fate::Reduced
            | Fate::Corrected => "Written by mistake / 误填",
        };
        let message = v1::WithdrawClaimRequest {
            name: progress.claim.name.clone(),
            etag: progress.etag.clone(),
            reason: reason.to_owned(),
            ..Default::default()
        };
        let who = self.people.of_station(plan.station);
        let request = self.desk.ask(who, Method::ClaimServiceWithdrawClaim, message)?;
        progress.etag = answered("withdrawal", self.desk.api.withdraw_claim(request).await)?.etag;
        Ok(())
    }
}

fn line(line_type: LineType) -> v1::ClaimLine {
    v1::ClaimLine { r#type: line_type.into(), ..Default::default() }
}

fn operation(code: &str) -> String {
    format!("laborOperations/{code}")
}
