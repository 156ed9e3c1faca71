//! What the history of repairs does not show: a claim of every other kind, an appraisal that waits for comments, and
//! recoveries on their way. All of it is of the last days, so nothing that was counted before changes.

use chrono::{NaiveDate, TimeDelta};
use recourse_proto::v1::appraisal_service_server::AppraisalService;
use recourse_proto::v1::claim::{Details, Kind};
use recourse_proto::v1::claim_line::Type as LineType;
use recourse_proto::v1::claim_service_server::ClaimService;
use recourse_proto::v1::recovery_line::Answer;
use recourse_proto::v1::recovery_service_server::RecoveryService;
use recourse_proto::wkt::Timestamp;
use recourse_proto::{Method, v1};
use recourse_service::admission::Identity;

use super::accounts::{People, sign_in};
use super::vehicles::Car;
use super::wire::{Desk, answered, cny, date, km, pieces};
use super::{TOUR_PART, TOUR_SERIALIZED_PART, anchor};
use crate::StartError;

/// Recoveries that are issued to the supplier that signs in to the demo.
const ISSUED: usize = 4;

/// Writes the cases of the last days.
pub(super) async fn create(desk: &Desk, people: &People, fleet: &[Car]) -> Result<(), StartError> {
    desk.clock.set(anchor() - TimeDelta::hours(1));
    let cars: Vec<&Car> = fleet.iter().skip(1).filter(|car| car.delivery.is_some()).take(5).collect();
    let [maintained, stranded, waiting, worn, damaged] = cars.as_slice() else { return Ok(()) };
    for claim in [running_in(maintained), rescue(stranded), purchase(waiting), assembly(worn)] {
        let claim = written(desk, people, claim).await?;
        submit(desk, people, &claim).await?;
    }
    let disputed = written(desk, people, compensation(damaged)).await?;
    if submit(desk, people, &disputed).await? {
        appraise(desk, people, &disputed).await?;
    }
    recover(desk, people).await
}

/// The day on which all of it happened.
fn happened() -> NaiveDate {
    (anchor() - TimeDelta::days(3)).date_naive()
}

fn claim(kind: Kind, car: &Car, complaint: &str, number: u32) -> v1::Claim {
    v1::Claim {
        kind: kind.into(),
        vin: car.vin.clone(),
        external_ref: format!("DC-{number:03}"),
        complaint_description: complaint.to_owned(),
        odometer_in: km(car.km_on(happened())),
        complaint_date: date(happened()),
        repair_start_date: date(happened()),
        repair_completion_date: date(happened()),
        external_repair_order: format!("RO-D{number:03}"),
        external_job: "1".to_owned(),
        ..Default::default()
    }
}

fn line(line_type: LineType) -> v1::ClaimLine {
    v1::ClaimLine { r#type: line_type.into(), ..Default::default() }
}

fn running_in(car: &Car) -> v1::Claim {
    let details = v1::RunningInDetails { sequence: 1, card_number: "SC-1001".to_owned(), ..Default::default() };
    v1::Claim {
        details: Some(Details::RunningIn(details)),
        lines: vec![line(LineType::MaintenanceFee)],
        ..claim(Kind::RunningInMaintenance, car, "First service / 首次保养", 1)
    }
}

fn rescue(car: &Car) -> v1::Claim {
    let at = |hour: i64| instant(anchor() - TimeDelta::days(3) + TimeDelta::hours(hour));
    let trip = v1::RescueTrip {
        number: 1,
        depart_time: at(0),
        arrive_time: at(1),
        return_time: at(3),
        out_distance: km(64),
        map_distance: km(64),
        staff_count: 2,
        ..Default::default()
    };
    let details = v1::RoadsideRescueDetails {
        call_time: at(0),
        location: "G42, km 118 / 沪蓉高速 118 公里".to_owned(),
        advice_before_dispatch: "Stay behind the rail / 请在护栏外等候".to_owned(),
        trips: vec![trip],
        ..Default::default()
    };
    v1::Claim {
        details: Some(Details::RoadsideRescue(details)),
        causal_part: format!("parts/{TOUR_PART}"),
        lines: vec![v1::ClaimLine { distance: km(32), ..line(LineType::Travel) }],
        ..claim(Kind::RoadsideRescue, car, "Stopped on the motorway / 高速抛锚", 2)
    }
}

fn purchase(car: &Car) -> v1::Claim {
    let details = v1::ExternalPurchaseDetails {
        vendor_name: "Nanjing Auto Parts 南京汽配".to_owned(),
        limit_amount: cny(60_000),
        reason: "None in stock, the customer waits / 缺货，客户等待".to_owned(),
        ..Default::default()
    };
    let part = v1::ClaimLine {
        part: format!("parts/{TOUR_PART}"),
        quantity: pieces(1),
        requested_amount: cny(55_000),
        ..line(LineType::ExternalPart)
    };
    v1::Claim {
        details: Some(Details::ExternalPurchase(details)),
        causal_part: format!("parts/{TOUR_PART}"),
        lines: vec![part],
        ..claim(Kind::ExternalPurchase, car, "Stalls when hot / 热车熄火", 3)
    }
}

fn assembly(car: &Car) -> v1::Claim {
    let assembly = format!("parts/{TOUR_SERIALIZED_PART}");
    let details = v1::MajorAssemblyDetails {
        assembly: assembly.clone(),
        assembly_serial_number: "DEMO-E-1".to_owned(),
        reason: "Cylinder scored / 气缸拉伤".to_owned(),
        measurements: "Compression 12.1, 12.0, 4.2, 12.2 bar / 缸压".to_owned(),
        limit_amount: cny(2_000_000),
        action: v1::major_assembly_details::Action::Replace.into(),
    };
    let part = v1::ClaimLine {
        part: assembly.clone(),
        quantity: pieces(1),
        original_serial_number: "DEMO-E-1".to_owned(),
        ..line(LineType::Part)
    };
    v1::Claim {
        details: Some(Details::MajorAssembly(details)),
        causal_part: assembly,
        lines: vec![part],
        ..claim(Kind::MajorAssembly, car, "Loss of power / 动力不足", 4)
    }
}

fn compensation(car: &Car) -> v1::Claim {
    let details = v1::CompensationAppraisalDetails {
        incident_date: date(happened()),
        location: "Nanjing / 南京".to_owned(),
        damage_description: "Smoke from the engine bay, wiring melted / 发动机舱冒烟，线束熔化".to_owned(),
        asked_amount: cny(320_000),
        injury: false,
    };
    let allowance = v1::ClaimLine {
        description: "Wiring and cleaning / 线束及清洁".to_owned(),
        requested_amount: cny(320_000),
        ..line(LineType::Allowance)
    };
    v1::Claim {
        details: Some(Details::CompensationAppraisal(details)),
        causal_part: format!("parts/{TOUR_PART}"),
        lines: vec![allowance],
        ..claim(Kind::CompensationAppraisal, car, "Smoke while parked / 停放时冒烟", 5)
    }
}

async fn written(desk: &Desk, people: &People, claim: v1::Claim) -> Result<v1::Claim, StartError> {
    let message = v1::CreateClaimRequest { claim: Some(claim), ..Default::default() };
    let request = desk.ask(&people.first_station, Method::ClaimServiceCreateClaim, message)?;
    answered("case", desk.api.create_claim(request).await)
}

/// Submits a claim, unless it has errors: then it stays a draft, as it would with a clerk. Answers whether it did.
async fn submit(desk: &Desk, people: &People, claim: &v1::Claim) -> Result<bool, StartError> {
    let message = v1::SubmitClaimRequest { name: claim.name.clone(), validate_only: true, ..Default::default() };
    let request = desk.ask(&people.first_station, Method::ClaimServiceSubmitClaim, message)?;
    let dry = answered("case, dry", desk.api.submit_claim(request).await)?;
    let error = i32::from(v1::finding::Severity::Error);
    if dry.findings.iter().any(|finding| finding.severity == error) {
        return Ok(false);
    }
    let message = v1::SubmitClaimRequest { name: claim.name.clone(), ..Default::default() };
    let request = desk.ask(&people.first_station, Method::ClaimServiceSubmitClaim, message)?;
    answered("case, submission", desk.api.submit_claim(request).await).map(|_| true)
}

/// An appraisal whose draft is shared: the parties may comment on it.
async fn appraise(desk: &Desk, people: &People, claim: &v1::Claim) -> Result<(), StartError> {
    let auditor = &people.auditor;
    let message = v1::StartReviewRequest { name: claim.name.clone(), ..Default::default() };
    let request = desk.ask(auditor, Method::ClaimServiceStartReview, message)?;
    answered("case, review", desk.api.start_review(request).await)?;
    let order = v1::Appraisal {
        claim: claim.name.clone(),
        appraiser: "appraisers/A-01".to_owned(),
        questions: vec!["Where did the fire begin, and why? / 起火点及原因？".to_owned()],
        suppliers: vec!["suppliers/SUP-017".to_owned()],
        due_time: instant(anchor() + TimeDelta::days(14)),
        ..Default::default()
    };
    let message = v1::CreateAppraisalRequest { appraisal: Some(order), ..Default::default() };
    let request = desk.ask(auditor, Method::AppraisalServiceCreateAppraisal, message)?;
    let name = answered("appraisal", desk.api.create_appraisal(request).await)?.name;
    let appraiser = sign_in(&desk.api, "appraiser").await?;
    let expert = expert_of(desk, auditor).await?;
    let message = v1::AcceptAppraisalRequest { name: name.clone(), expert, ..Default::default() };
    let request = desk.ask(&appraiser, Method::AppraisalServiceAcceptAppraisal, message)?;
    answered("appraisal, acceptance", desk.api.accept_appraisal(request).await)?;
    let message = v1::AppraisalStepRequest { name: name.clone(), ..Default::default() };
    let request = desk.ask(&appraiser, Method::AppraisalServiceStartAppraisal, message)?;
    answered("appraisal, start", desk.api.start_appraisal(request).await)?;
    let draft = v1::AppraisalFindings {
        coverage: v1::appraisal_findings::Coverage::Undetermined.into(),
        summary: "The wiring of the pump chafed on its bracket / 泵线束与支架磨损".to_owned(),
        cause_contributions: vec![v1::CauseContribution {
            cause: v1::cause_contribution::Cause::Assembly.into(),
            share_bp: 10_000,
            ..Default::default()
        }],
        ..Default::default()
    };
    let message = v1::ShareAppraisalDraftRequest { name, draft: Some(draft), ..Default::default() };
    let request = desk.ask(&appraiser, Method::AppraisalServiceShareAppraisalDraft, message)?;
    answered("appraisal, draft", desk.api.share_appraisal_draft(request).await).map(|_| ())
}

async fn expert_of(desk: &Desk, reader: &Identity) -> Result<String, StartError> {
    use recourse_proto::v1::appraiser_service_server::AppraiserService;
    let message = v1::GetAppraiserRequest { name: "appraisers/A-01".to_owned() };
    let request = desk.ask(reader, Method::AppraiserServiceGetAppraiser, message)?;
    let appraiser = answered("appraiser", desk.api.get_appraiser(request).await)?;
    Ok(appraiser.experts.into_iter().next().map(|expert| expert.id).unwrap_or_default())
}

/// Recoveries from the supplier that signs in: one confirmed, one disputed, the rest waiting for its answer.
async fn recover(desk: &Desk, people: &People) -> Result<(), StartError> {
    let message = v1::ListRecoveryClaimsRequest {
        page_size: i32::try_from(ISSUED).unwrap_or_default(),
        filter: "supplier = \"suppliers/SUP-017\" AND state = \"OPEN\"".to_owned(),
        ..Default::default()
    };
    let request = desk.ask(&people.auditor, Method::RecoveryServiceListRecoveryClaims, message)?;
    let open = answered("recoveries", desk.api.list_recovery_claims(request).await)?.recovery_claims;
    let supplier = sign_in(&desk.api, "supplier").await?;
    let dispute = |answer| match answer {
        Answer::Confirm => String::new(),
        Answer::Unspecified | Answer::Counter | Answer::Dispute | Answer::Reroute => {
            "No fault found in our laboratory / 我司检测无故障".to_owned()
        }
    };
    let answers = [Some(Answer::Confirm), Some(Answer::Dispute), None, None];
    for (recovery, answer) in open.into_iter().zip(answers) {
        let message = v1::IssueRecoveryClaimRequest {
            name: recovery.name.clone(),
            delivery_proof: "EMS 1026".to_owned(),
            ..Default::default()
        };
        let request = desk.ask(&people.auditor, Method::RecoveryServiceIssueRecoveryClaim, message)?;
        answered("recovery, issue", desk.api.issue_recovery_claim(request).await)?;
        let Some(answer) = answer else { continue };
        let line = |line: &v1::RecoveryLine| v1::RecoveryAnswerLine {
            line_number: line.line_number,
            answer: answer.into(),
            reason: dispute(answer),
            ..Default::default()
        };
        let lines = recovery.lines.iter().map(line).collect();
        let message = v1::AnswerRecoveryClaimRequest { name: recovery.name, lines, ..Default::default() };
        let request = desk.ask(&supplier, Method::RecoveryServiceAnswerRecoveryClaim, message)?;
        answered("recovery, answer", desk.api.answer_recovery_claim(request).await)?;
    }
    Ok(())
}

fn instant(time: chrono::DateTime<chrono::Utc>) -> Option<Timestamp> {
    Some(Timestamp { seconds: time.timestamp(), nanos: 0 })
}
