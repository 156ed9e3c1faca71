use std::collections::BTreeSet;

use super::*;
use crate::attachments::{Category, Hash};
use crate::catalog::{DatedList, EvidenceRule, ReplacedPartTerm, RunningInService};
use crate::claims::draft::NewClaim;
use crate::claims::finding::Code;
use crate::claims::finding_text::missing_values;
use crate::claims::sample::{added, cny, code, day, draft, facts, header, labor_line, new_claim, now, part_line, time};
use crate::claims::{
    AttachmentFact, Details, EarlierRepair, EvidenceUse, ExternalPurchaseDetails, Header, Kind, LineContent, LineType,
    MajorAssemblyDetails, RescueTrip, RoadsideRescueDetails, RunningInDetails, SimilarClaim, StateWord,
    WarrantyRepairDetails, text,
};
use crate::ids::ClaimId;
use crate::money::{Hours, Quantity};
use crate::text::Lang;
use crate::vehicle::{Component, OdometerReading, OdometerSource};
use uuid::Uuid;

fn similar() -> SimilarClaim {
    SimilarClaim {
        id: ClaimId(Uuid::from_u128(99)),
        number: "WR-2611-OTHER000".to_owned(),
        station: draft().station,
        vin: draft().header.vin,
        causal_part: draft().header.causal_part,
        repair_completion_date: Some(day("2026-10-01")),
        state: StateWord::Submitted,
    }
}

/// A claim with as much wrong as one claim can have, and facts to match.
fn worst() -> (Claim, Facts) {
    let header = Header {
        failure_code: Some(code("F-404")),
        cause_description: String::new(),
        related_parts: vec![code("P-404")],
        complaint_date: Some(day("2029-01-01")),
        repair_completion_date: Some(day("2026-09-01")),
        ..header()
    };
    let lines = vec![
        LineContent {
            quantity: Some(Quantity(2_000)),
            requested_amount: Some(cny("5000")),
            original_serial_number: Some("WRONG".to_owned()),
            replacement_serial_number: None,
            ..part_line()
        },
        LineContent { hours: Some(Hours(300)), actual_hours: Some(Hours(200)), ..labor_line() },
        LineContent { operation: Some(code("OP-10")), ..LineContent::new(LineType::Diagnosis) },
        LineContent { operation: Some(code("OP-404")), ..labor_line() },
        LineContent {
            description: "fuel pump".to_owned(),
            quantity: Some(Quantity(1_000)),
            requested_amount: Some(cny("480")),
            outside_part_invoice_number: Some("INV-1".to_owned()),
            ..LineContent::new(LineType::ExternalPart)
        },
        LineContent::new(LineType::MaintenanceFee),
    ];
    let claim = draft().update(header, lines.into_iter().map(added).collect()).unwrap();
    let mut facts = facts();
    facts.similar_claims = vec![similar()];
    facts.same_job = Some(similar());
    if let Some(operation) = facts.operations.get_mut(&code("OP-10")) {
        operation.models = vec![code("OTHER")];
        operation.actual_hours_allowed = true;
        operation.actual_hours_cap = Some(Hours(500));
    }
    if let Some(part) = facts.parts.get_mut(&code("P-100")) {
        part.models = vec![code("OTHER")];
    }
    if let Some(vehicle) = &mut facts.vehicle {
        facts.odometer_readings = vec![OdometerReading {
            id: Uuid::from_u128(1),
            vin: vehicle.vin.clone(),
            date: day("2026-01-01"),
            km: 90_000,
            source: OdometerSource::RepairOrder,
            claim: None,
            retracted: false,
            recorded_time: now(),
            origin: None,
        }];
        vehicle.components = vec![Component {
            id: Uuid::from_u128(1),
            part: code("P-100"),
            serial_number: "RIGHT".to_owned(),
            position: String::new(),
            lot: String::new(),
            supplier: None,
            from_date: None,
            to_date: None,
            claim: None,
        }];
    }
    (claim, facts)
}

/// Claims that together raise every finding that a check can raise.
fn troubled() -> Vec<(Claim, Facts)> {
    let mut unknown = worst();
    unknown.1.vehicle = None;
    unknown.0.header.vin = Some("1M8GDM9A10P042788".to_owned());
    let mut no_vin = worst();
    no_vin.0.header.vin = Some("SHORT".to_owned());
    let mut unsold = worst();
    if let Some(vehicle) = &mut unsold.1.vehicle {
        vehicle.sale = None;
    }
    let mut uncovered = worst();
    uncovered.1.policies = Vec::new();
    let mut unpriced = worst();
    if let Some(part) = unpriced.1.parts.get_mut(&code("P-100")) {
        part.claim_prices = DatedList::default();
    }
    let mut unknown_part = worst();
    unknown_part.1.parts.clear();
    let mut unproven = (crate::claims::sample::priced(), crate::claims::sample::facts());
    let hash = Hash::parse(&"a".repeat(64)).unwrap();
    let fact = |hash| AttachmentFact { station: draft().station, category: Category::Photo, hash, abandoned: false };
    unproven.0.header.evidence = (1..4).map(|key| format!("attachments/{}", Uuid::from_u128(key))).collect();
    let there = [(Uuid::from_u128(1), fact(Some(hash.clone()))), (Uuid::from_u128(2), fact(None))];
    unproven.1.evidence.attachments = there.into();
    let SimilarClaim { id: claim, number, station, state, .. } = similar();
    unproven.1.evidence.uses = vec![EvidenceUse { hash, claim, number, station, state }];
    unproven.1.evidence.rules = vec![EvidenceRule {
        code: code("ER-1"),
        display_name: "invoice of the pump".to_owned(),
        kind: None,
        operation: None,
        part: Some(code("P-100")),
        part_category: None,
        failure_code: None,
        from_amount: None,
        category: Category::Invoice,
        minimum_count: 1,
        clause: String::new(),
        valid_from: day("2026-01-01"),
        valid_to: None,
        external_ref: String::new(),
    }];
    let mut all = vec![unproven, worst(), unknown, no_vin, unsold, uncovered, unpriced, unknown_part];
    all.extend(troubled_kinds());
    all.extend(super::campaigns::tests::troubled());
    all.extend(troubled_supplements());
    all
}

/// Supplements of a claim that is not decided, and of one that has as many as it may, long ago; with hours by night.
fn troubled_supplements() -> Vec<(Claim, Facts)> {
    let mut claim = draft();
    claim.header.supplement_of = Some("claims/00000000-0000-0000-0000-000000000063".to_owned());
    let labor = |line: &&mut crate::claims::Line| line.content.line_type == LineType::Labor;
    if let Some(line) = claim.lines.iter_mut().find(labor) {
        line.content.by_night = true;
    }
    let of = |state, decided: &str, supplements| {
        let original = crate::claims::Supplemented {
            number: "WR-2611-FIRST000".to_owned(),
            state,
            is_supplement: false,
            decide_date: Some(day(decided)),
            supplements,
        };
        (claim.clone(), Facts { supplemented: Some(original), ..facts() })
    };
    vec![
        of(StateWord::InReview, "2026-11-20", Vec::new()),
        of(StateWord::Approved, "2026-01-20", vec!["WR-2611-SECOND00".to_owned()]),
    ]
}

/// Claims of the other kinds with what only they can have wrong.
fn troubled_kinds() -> Vec<(Claim, Facts)> {
    let of = |kind, details, lines: Vec<LineContent>| {
        let header = Header { details: Some(details), ..header() };
        let claim = Claim::create(NewClaim { kind, ..new_claim() }, header, lines.into_iter().map(added).collect());
        (claim.unwrap(), facts())
    };
    let trip = RescueTrip {
        number: 2,
        depart_time: Some(now()),
        return_time: Some(time("2026-11-22T08:00:00Z")),
        shared_with: Some("claims/1".to_owned()),
        ..RescueTrip::default()
    };
    let long = RescueTrip {
        number: 1,
        map_distance_km: Some(2),
        depart_time: Some(time("2026-11-20T08:00:00Z")),
        return_time: Some(now()),
        ..RescueTrip::default()
    };
    let rescue = RoadsideRescueDetails { trips: vec![long, trip], ..RoadsideRescueDetails::default() };
    let travel = LineContent { distance_km: Some(500), ..LineContent::new(LineType::Travel) };
    let purchase = ExternalPurchaseDetails { limit_amount: Some(cny("1")), ..ExternalPurchaseDetails::default() };
    let bought = LineContent {
        description: "fuel pump".to_owned(),
        quantity: Some(Quantity(1_000)),
        requested_amount: Some(cny("480")),
        ..LineContent::new(LineType::ExternalPart)
    };
    let fee = || LineContent::new(LineType::MaintenanceFee);
    let third = RunningInDetails { sequence: Some(3), ..RunningInDetails::default() };
    let running_in = || Details::RunningInMaintenance(third.clone());
    let mut given = of(Kind::RunningInMaintenance, running_in(), vec![fee()]);
    given.1.policies[0].running_in_services = (1..=3)
        .map(|sequence| RunningInService { sequence, from_km: 1, to_km: 2, months: 1, fee: cny("180") })
        .collect();
    let mut named = of(
        Kind::WarrantyRepair,
        Details::WarrantyRepair(WarrantyRepairDetails::default()),
        vec![LineContent { authorization: Some("AU-404".to_owned()), ..bought.clone() }],
    );
    named.1.policies[0].replaced_part = Some(ReplacedPartTerm { months: 24, km: None, clause: "§ 9".to_owned() });
    named.1.earlier_repairs = vec![EarlierRepair {
        number: "WR-2609-OTHER000".to_owned(),
        station: named.0.station,
        part: code("P-100"),
        completion_date: day("2026-09-01"),
        odometer_km: 1,
    }];
    vec![
        of(Kind::RoadsideRescue, Details::RoadsideRescue(rescue), vec![travel.clone(), travel.clone(), travel]),
        of(Kind::ExternalPurchase, Details::ExternalPurchase(purchase), vec![bought]),
        of(Kind::MajorAssembly, Details::MajorAssembly(MajorAssemblyDetails::default()), Vec::new()),
        of(Kind::RunningInMaintenance, running_in(), vec![fee(), fee()]),
        given,
        named,
    ]
}

#[test]
fn what_only_the_other_kinds_can_have_wrong_is_found() {
    let found: BTreeSet<&str> = troubled_kinds()
        .into_iter()
        .flat_map(|(claim, facts)| claim.precheck(&facts).1)
        .map(|finding| finding.code.word())
        .collect();
    for expected in [
        "AUTHORIZATION_NOT_USABLE",
        "ENTITLEMENT_NOT_USABLE",
        "EVIDENCE_MISSING",
        "FREE_SERVICE_LIMIT",
        "OUTSIDE_SERVICE_WINDOW",
        "QUOTE_TOO_LOW",
        "REPEAT_REPAIR",
        "RESCUE_DISTANCE",
        "RESCUE_DURATION",
        "SERVICE_SEQUENCE",
        "TRIP_NOT_SHARED",
    ] {
        assert!(found.contains(expected), "{expected} is missing in {found:?}");
    }
}

#[test]
fn nothing_is_found_about_a_claim_that_is_in_order() {
    let (_, findings) = draft().precheck(&facts());
    assert_eq!(findings, []);
}

#[test]
fn everything_is_found_at_once() {
    let (claim, facts) = worst();
    let (_, findings) = claim.precheck(&facts);
    let codes: BTreeSet<&str> = findings.iter().map(|finding| finding.code.word()).collect();
    let expected = BTreeSet::from([
        "AUTHORIZATION_MISSING",
        "DATES_OUT_OF_ORDER",
        "DUPLICATE",
        "EXCESSIVE_LABOR_HOURS",
        "EXPIRED_WARRANTY",
        "HOURS_OVER_ACTUAL",
        "LABOR_MODEL_MISMATCH",
        "LINE_TYPE_NOT_ALLOWED",
        "MISSING_SERIAL",
        "NO_PRICE",
        "ODOMETER_REGRESSION",
        "OVERLAPPING_OPERATIONS",
        "PART_MODEL_MISMATCH",
        "PRICE_ABOVE_LIST",
        "QUANTITY_OVER_VEHICLE_USAGE",
        "REPAIR_ORDER_JOB_CLAIMED",
        "REQUIRED_FIELD",
        "SERIAL_MISMATCH",
        "SUBMITTED_TOO_LATE",
        "UNKNOWN_FAILURE_CODE",
        "UNKNOWN_OPERATION",
        "UNKNOWN_PART",
    ]);
    assert_eq!(codes, expected);
}

#[test]
fn form_identity_serials_and_a_job_twice_block_and_nothing_else_does() {
    let blocking = |finding: &Finding| match finding.code {
        // Pieces can't be used that are not there; money can be cut.
        Code::ExceedsAuthorization => finding.field.ends_with("quantity"),
        Code::RequiredField
        | Code::LineTypeNotAllowed
        | Code::KindNotOfferedYet
        | Code::DatesOutOfOrder
        | Code::InvalidVin
        | Code::VinCheckDigit
        | Code::VinYearCode
        | Code::UnknownVehicle
        | Code::UnknownPart
        | Code::UnknownOperation
        | Code::UnknownFailureCode
        | Code::MissingSerial
        | Code::RepairOrderJobClaimed
        | Code::AmountOutOfRange
        | Code::CurrencyMismatch
        | Code::AuthorizationNotUsable
        | Code::FreeServiceLimit
        | Code::EntitlementNotUsable
        | Code::QuoteTooLow
        | Code::UnknownAttachment
        | Code::NotCampaignVehicle
        | Code::CampaignNotUsable
        | Code::CampaignAlreadyClaimed
        | Code::SupplementNotUsable
        | Code::SupplementLimit => true,
        Code::ExpiredWarranty
        | Code::NotCovered
        | Code::SubmittedTooLate
        | Code::Duplicate
        | Code::ExcessiveLaborHours
        | Code::LaborFaultMismatch
        | Code::LaborModelMismatch
        | Code::PartModelMismatch
        | Code::OdometerRegression
        | Code::NoSaleRecord
        | Code::QuantityOverVehicleUsage
        | Code::AuthorizationMissing
        | Code::InsufficientInformation
        | Code::EvidenceMissing
        | Code::ExcessivePartCost
        | Code::ExcessiveSublet
        | Code::CustomerDamage
        | Code::SupplierResponsible
        | Code::PartNotReturnedInTime
        | Code::PartDamagedByPacking
        | Code::NoDefectFound
        | Code::FacilityNotAuthorized
        | Code::RepeatRepair
        | Code::PartialCoverage
        | Code::OverlappingOperations
        | Code::PriceAboveList
        | Code::NoPrice
        | Code::HoursOverActual
        | Code::SerialMismatch
        | Code::OutsideServiceWindow
        | Code::ServiceSequence
        | Code::RescueDistance
        | Code::TripNotShared
        | Code::EvidenceNotUploaded
        | Code::EvidenceReused
        | Code::NightFlag
        | Code::NightLabor
        | Code::SupplementTooLate
        | Code::MapDistance
        | Code::RescueDuration
        | Code::OpenRecall
        | Code::OutsideCampaignRemedy
        | Code::ExceedsCampaignRemedy
        | Code::CampaignPartsNotReady
        | Code::Other => false,
    };
    for (claim, facts) in troubled() {
        for finding in claim.precheck(&facts).1 {
            assert_eq!(finding.blocks(), blocking(&finding), "{finding:?}");
        }
    }
}

#[test]
fn every_finding_carries_the_values_that_its_texts_name() {
    for (claim, facts) in troubled() {
        for finding in claim.precheck(&facts).1 {
            assert_eq!(missing_values(&finding), Vec::<String>::new(), "{finding:?}");
            for lang in [Lang::En, Lang::ZhCn] {
                let told = text(&finding, lang);
                assert!(!told.message.is_empty() && !told.fix.is_empty(), "{finding:?}");
                assert!(!told.message.contains('{'), "{}", told.message);
            }
        }
    }
}

#[test]
fn a_finding_about_a_line_names_position_and_number() {
    let (claim, facts) = worst();
    let (claim, findings) = claim.precheck(&facts);
    for finding in findings {
        let position =
            finding.field.strip_prefix("lines[").and_then(|rest| rest.split_once(']')).map(|(index, _)| index);
        let number = position
            .and_then(|index| index.parse::<usize>().ok())
            .and_then(|index| claim.lines.get(index))
            .map(|line| line.number);
        assert_eq!(finding.line, number, "{finding:?}");
    }
}
