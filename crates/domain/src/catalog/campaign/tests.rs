use super::*;

pub(crate) fn code(text: &str) -> Code {
    Code::parse(text).unwrap()
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// A recall of model M1: the pump is replaced in 1.20 hours.
pub(crate) fn recall(name: &str) -> Campaign {
    Campaign {
        code: code(name),
        display_code: String::new(),
        display_name: "燃油泵召回".to_owned(),
        display_name_en: "Fuel pump recall".to_owned(),
        campaign_type: CampaignType::Recall,
        authority_number: "S2026M0001".to_owned(),
        safety: true,
        description: String::new(),
        valid_from: day("2026-01-01"),
        valid_until: None,
        state: CampaignState::Active,
        activate_date: Some(day("2026-01-01")),
        close_date: None,
        remedies: vec![Remedy {
            id: code("A"),
            description: "replace the pump".to_owned(),
            models: Vec::new(),
            drivetrains: Vec::new(),
            operations: vec![RemedyOperation { operation: code("OP-10"), hours: Hours(120) }],
            parts: vec![RemedyPart { part: code("P-100"), quantity: Quantity(1_000) }],
            parts_ready_date: None,
        }],
        scope: Some(ScopeFilter { models: vec![code("M1")], ..ScopeFilter::default() }),
        external_ref: String::new(),
    }
}

fn rules(campaign: &Campaign) -> Vec<(String, &'static str)> {
    campaign.check().into_iter().map(|violation| (violation.field, violation.rule)).collect()
}

#[test]
fn a_campaign_is_activated_once_and_closed_once() {
    let today = day("2026-03-01");
    let draft = Campaign { state: CampaignState::Draft, activate_date: None, ..recall("R-1") };
    assert_eq!(draft.clone().close(today).unwrap_err().rule, "NOT_ACTIVE");
    let bare = Campaign { remedies: Vec::new(), ..draft.clone() };
    assert_eq!(bare.activate(today).unwrap_err().rule, "REQUIRED");
    let active = draft.activate(today).unwrap();
    assert_eq!((active.state, active.activate_date), (CampaignState::Active, Some(today)));
    assert_eq!(active.clone().activate(today).unwrap_err().rule, "NOT_A_DRAFT");
    let closed = active.close(today).unwrap();
    assert_eq!((closed.state, closed.close_date), (CampaignState::Closed, Some(today)));
    assert_eq!(closed.clone().close(today).unwrap_err().rule, "NOT_ACTIVE");
    assert_eq!(closed.columns().len(), Campaign::FIELDS.len());
}

#[test]
fn what_claims_rest_on_stays_once_it_is_active() {
    let today = day("2026-03-01");
    let active = recall("R-1");
    let wider = Campaign { scope: None, safety: false, ..active.clone() };
    let draft = Campaign { state: CampaignState::Draft, ..active.clone() };
    assert_eq!(wider.check_change(&draft, today), []);
    let found: Vec<String> = wider.check_change(&active, today).into_iter().map(|violation| violation.field).collect();
    assert_eq!(found, ["safety", "scope"]);
    let mut later = active.clone();
    later.remedies[0].parts_ready_date = Some(today);
    assert_eq!(later.check_change(&active, today), [], "parts become ready later than promised");
    let closed = Campaign { state: CampaignState::Closed, ..active };
    assert_eq!(
        Campaign { description: "x".to_owned(), ..closed.clone() }.check_change(&closed, today)[0].rule,
        "CLOSED"
    );
}

#[test]
fn a_recall_has_a_number_and_no_last_day() {
    assert_eq!(rules(&recall("R-1")), []);
    let wrong = Campaign { authority_number: String::new(), valid_until: Some(day("2025-12-31")), ..recall("R-1") };
    assert_eq!(
        rules(&wrong),
        [
            ("authority_number".to_owned(), "REQUIRED"),
            ("valid_until".to_owned(), "NOT_ALLOWED"),
            ("valid_until".to_owned(), "OUT_OF_ORDER")
        ]
    );
    let service = Campaign {
        campaign_type: CampaignType::ServiceCampaign,
        authority_number: String::new(),
        valid_until: Some(day("2026-12-31")),
        ..recall("C-1")
    };
    assert_eq!(rules(&service), []);
}

#[test]
fn a_remedy_does_something_once() {
    let mut campaign = recall("R-1");
    campaign.remedies[0].operations.push(RemedyOperation { operation: code("OP-10"), hours: Hours::ZERO });
    campaign.remedies.push(Remedy { operations: Vec::new(), parts: Vec::new(), ..campaign.remedies[0].clone() });
    assert_eq!(
        rules(&campaign),
        [
            ("remedies[1]".to_owned(), "DUPLICATE"),
            ("remedies[0].operations[1]".to_owned(), "DUPLICATE"),
            ("remedies[0].operations[1].hours".to_owned(), "NOT_POSITIVE"),
            ("remedies[1].operations".to_owned(), "REQUIRED"),
        ]
    );
}

#[test]
fn a_filter_reaches_what_all_of_it_holds_for() {
    let mut vehicle = crate::vehicle::tests::vehicle();
    vehicle.vin = Vin::parse("LJCPCBLCX11000237").unwrap();
    (vehicle.model, vehicle.plant, vehicle.lot) = (code("M1"), Some(code("P1")), "L7".to_owned());
    vehicle.build_date = Some(day("2026-02-10"));
    vehicle.drivetrain = Drivetrain::Combustion;
    let range = |prefix: &str, first: &str, last: &str| VinRange {
        prefix: prefix.to_owned(),
        first_serial: first.to_owned(),
        last_serial: last.to_owned(),
    };
    let whole = ScopeFilter {
        models: vec![code("M0"), code("M1")],
        build_from: Some(day("2026-02-10")),
        build_until: Some(day("2026-02-10")),
        plants: vec![code("P1")],
        lots: vec!["L7".to_owned()],
        drivetrains: vec![Drivetrain::Combustion],
        // X at position 9 is the check digit; what follows is 11000237.
        vin_ranges: vec![range("LJCPCBLC", "11000237", "11000237")],
    };
    assert!(whole.reaches(&vehicle));
    for other in [
        ScopeFilter { models: vec![code("M2")], ..whole.clone() },
        ScopeFilter { build_from: Some(day("2026-02-11")), ..whole.clone() },
        ScopeFilter { build_until: Some(day("2026-02-09")), ..whole.clone() },
        ScopeFilter { plants: vec![code("P2")], ..whole.clone() },
        ScopeFilter { lots: vec!["L8".to_owned()], ..whole.clone() },
        ScopeFilter { drivetrains: vec![Drivetrain::FuelCell], ..whole.clone() },
        ScopeFilter { vin_ranges: vec![range("LJCPCBLC", "11000238", "19000000")], ..whole.clone() },
        ScopeFilter { vin_ranges: vec![range("LJCPCBLD", "11000000", "19000000")], ..whole.clone() },
    ] {
        assert!(!other.reaches(&vehicle), "{other:?}");
    }
    vehicle.build_date = None;
    assert!(!whole.reaches(&vehicle), "of which the day is not known");
    let only_models = ScopeFilter { models: vec![code("M1")], ..ScopeFilter::default() };
    assert!(only_models.reaches(&vehicle));
    let bad = Campaign {
        scope: Some(ScopeFilter { vin_ranges: vec![range("io", "1", "0")], ..only_models }),
        ..recall("R-1")
    };
    let fields: Vec<&str> = bad.check().iter().map(|violation| violation.rule).collect();
    assert_eq!(fields, ["BAD_FORMAT", "BAD_FORMAT", "BAD_FORMAT", "OUT_OF_ORDER"]);
    assert_eq!(rules(&Campaign { scope: Some(ScopeFilter::default()), ..recall("R-1") })[0].1, "REQUIRED");
}

#[test]
fn it_is_claimed_from_its_first_day_to_its_last() {
    let limited = Campaign { valid_until: Some(day("2026-06-30")), ..recall("C-1") };
    let usable = |campaign: &Campaign, text: &str| campaign.refusal_on(day(text)).is_none();
    assert_eq!(
        ["2025-12-31", "2026-01-01", "2026-06-30", "2026-07-01"].map(|text| usable(&limited, text)),
        [false, true, true, false]
    );
    let closed = recall("R-1").close(day("2026-03-01")).unwrap();
    assert_eq!(["2026-03-01", "2026-03-02"].map(|text| usable(&closed, text)), [true, false]);
    assert!(!closed.is_open_on(day("2026-03-01")), "nobody is warned any more");
    let draft = Campaign { state: CampaignState::Draft, ..recall("R-1") };
    assert!(!usable(&draft, "2026-03-01"));
}
