use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::catalog::{DatedList, Markup, PartPrice, Setting};
use crate::claims::sample::{added, cny, code, day, draft, facts, header, labor_line, part_line, setting};
use crate::money::{BasisPoints, Currency};

fn priced(line: LineContent, facts: &Facts) -> LinePricing {
    let mut claim = draft().update(header(), vec![added(line)]).unwrap();
    price(&mut claim, facts);
    claim.lines.remove(0).pricing.unwrap()
}

fn computed(line: LineContent, facts: &Facts) -> Option<Money> {
    priced(line, facts).computed
}

fn row<T>(id: u128, from: &str, value: T) -> Dated<T> {
    Dated { id: Uuid::from_u128(id), valid_from: day(from), valid_to: None, value }
}

fn pieces(text: &str) -> LineContent {
    LineContent { quantity: Some(Quantity::parse(text).unwrap()), ..part_line() }
}

#[test]
fn a_part_is_quantity_times_claim_price_with_its_row() {
    let pricing = priced(pieces("2"), &facts());
    assert_eq!(
        (pricing.unit_price, pricing.computed, pricing.requested),
        (Some(cny("500")), Some(cny("1000")), cny("1000"))
    );
    let source = pricing.source.unwrap();
    assert_eq!((source.kind, source.row), (PriceSourceKind::ClaimPrice, Some(Uuid::from_u128(0x1b))));
    assert_eq!((source.valid_from, source.price_date), (Some(day("2026-01-01")), Some(day("2026-11-12"))));
}

#[test]
fn by_contract_a_part_is_dealer_net_with_markup_rounded_once() {
    let mut facts = facts();
    facts.station.payment_contract = PaymentContract::DealerNetPlusMarkup;
    assert_eq!(compute(&draft(), &part_line(), &facts), Computed::NoPrice(MissingPrice::Markup));
    facts.station.markups = DatedList(vec![row(0x33, "2026-01-01", Markup { markup_bp: BasisPoints(1_505) })]);
    // 400.00 × 1.1505 × 1.5 = 690.30
    let pricing = priced(pieces("1.5"), &facts);
    assert_eq!(pricing.computed, Some(cny("690.30")));
    assert_eq!(
        pricing.source.map(|source| (source.kind, source.markup)),
        Some((PriceSourceKind::DealerNet, Some(BasisPoints(1_505))))
    );
    // 0.01 × 1.1505 × 0.5 is half a fen and a bit: rounded once at the end it is one fen.
    if let Some(part) = facts.parts.get_mut(&code("P-100")) {
        part.dealer_net_prices = DatedList(vec![row(0x1c, "2026-01-01", PartPrice { price: cny("0.01") })]);
    }
    assert_eq!(computed(pieces("0.5"), &facts), Some(cny("0.01")));
}

#[test]
fn the_price_of_the_completion_day_counts() {
    let mut facts = facts();
    if let Some(part) = facts.parts.get_mut(&code("P-100")) {
        if let Some(first) = part.claim_prices.0.first_mut() {
            first.valid_to = Some(day("2026-11-13"));
        }
        part.claim_prices.0.push(row(0x2b, "2026-11-13", PartPrice { price: cny("550") }));
    }
    // The sample was completed on 2026-11-12 and is submitted on 2026-11-23.
    assert_eq!(computed(part_line(), &facts), Some(cny("500")));
    let mut claim = draft();
    claim.header.repair_completion_date = Some(day("2026-11-13"));
    price(&mut claim, &facts);
    assert_eq!(claim.lines[0].pricing.as_ref().and_then(|pricing| pricing.computed), Some(cny("550")));
}

#[test]
fn a_price_in_another_currency_is_no_price() {
    let mut facts = facts();
    if let Some(part) = facts.parts.get_mut(&code("P-100")) {
        let euros = Money::new(Currency::parse("EUR").unwrap(), 6_000);
        part.claim_prices = DatedList(vec![row(0x1b, "2026-01-01", PartPrice { price: euros })]);
    }
    assert_eq!(compute(&draft(), &part_line(), &facts), Computed::NoPrice(MissingPrice::ClaimPrice));
    assert_eq!(priced(part_line(), &facts).requested, cny("0"));
}

#[test]
fn labour_is_hours_times_the_own_rate_else_the_grades() {
    let mut facts = facts();
    let pricing = priced(labor_line(), &facts);
    assert_eq!((pricing.unit_price, pricing.computed), (Some(cny("80")), Some(cny("96"))));
    assert_eq!(pricing.source.map(|source| source.kind), Some(PriceSourceKind::GradeRate));
    let own = crate::catalog::LaborRate { rate: cny("100"), night_rate: None };
    facts.station.labor_rates = DatedList(vec![row(0x44, "2026-01-01", own)]);
    let pricing = priced(labor_line(), &facts);
    assert_eq!((pricing.unit_price, pricing.computed), (Some(cny("100")), Some(cny("120"))));
    assert_eq!(
        pricing.source.map(|source| (source.kind, source.row)),
        Some((PriceSourceKind::StationRate, Some(Uuid::from_u128(0x44))))
    );
    facts.station.labor_rates = DatedList::default();
    facts.station.grade = None;
    assert_eq!(compute(&draft(), &labor_line(), &facts), Computed::NoPrice(MissingPrice::LaborRate));
}

#[test]
fn the_truth_table_of_day_and_night() {
    let rate = |night: Option<&str>| crate::catalog::LaborRate { rate: cny("100"), night_rate: night.map(cny) };
    let at = |by_night| LineContent { by_night, ..labor_line() };
    for (night_rate, by_night, unit_price, amount) in [
        (None, false, "100", "120"),
        // Where no rate of the night is agreed, that of the day is owed.
        (None, true, "100", "120"),
        (Some("150"), false, "100", "120"),
        (Some("150"), true, "150", "180"),
        // It may be less, too: what is agreed counts.
        (Some("90"), true, "90", "108"),
    ] {
        let mut own = facts();
        own.station.labor_rates = DatedList(vec![row(0x44, "2026-01-01", rate(night_rate))]);
        let mut of_grade = facts();
        for row in &mut of_grade.setting_of_prices.grade_rates.0 {
            row.value.labor_rate = rate(night_rate);
        }
        for facts in [own, of_grade] {
            let pricing = priced(at(by_night), &facts);
            let expected = (Some(cny(unit_price)), Some(cny(amount)));
            assert_eq!((pricing.unit_price, pricing.computed), expected, "{night_rate:?} {by_night}");
        }
    }
}

#[test]
fn the_grade_of_the_day_of_the_repair_counts() {
    let mut facts = facts();
    let rates = &mut facts.setting_of_prices.grade_rates.0;
    let mut dearer = rates[0].clone();
    dearer.value.grade = code("B");
    dearer.value.labor_rate.rate = cny("90");
    rates.push(dearer);
    // The repair was completed on 2026-11-12.
    for (from, unit_price) in [("2026-11-12", "90"), ("2026-11-13", "80")] {
        let grade = crate::catalog::StationGrade { grade: code("B") };
        facts.station.grades = DatedList(vec![row(0x45, from, grade)]);
        assert_eq!(priced(labor_line(), &facts).unit_price, Some(cny(unit_price)), "grade B from {from} on");
    }
}

#[test]
fn the_rate_of_a_grade_is_that_of_the_setting_on_the_day_of_the_repair() {
    let of = |valid_from: &str, rate: &str| {
        let mut setting = setting();
        for row in &mut setting.grade_rates.0 {
            row.valid_from = day(valid_from);
            row.value.labor_rate.rate = cny(rate);
        }
        setting
    };
    // The sample was completed on 2026-11-12; since 2026-11-20 another setting is in force.
    for later in [of("2026-11-20", "100"), of("2026-01-01", "100")] {
        let facts = Facts { setting: later, setting_of_prices: setting(), ..facts() };
        assert_eq!(priced(labor_line(), &facts).unit_price, Some(cny("80")));
    }
    let nothing = Setting { grade_rates: DatedList::default(), ..setting() };
    let facts = Facts { setting: of("2026-01-01", "100"), setting_of_prices: nothing, ..facts() };
    assert_eq!(priced(labor_line(), &facts).unit_price, Some(cny("100")), "where that day's says nothing");
}

#[test]
fn hours_count_up_to_the_standard() {
    let hours = |claimed: Option<i64>| computed(LineContent { hours: claimed.map(Hours), ..labor_line() }, &facts());
    assert_eq!(hours(None), Some(cny("96")));
    assert_eq!(hours(Some(120)), Some(cny("96")));
    assert_eq!(hours(Some(200)), Some(cny("96")));
    assert_eq!(hours(Some(100)), Some(cny("80")));
    let additional =
        LineContent { additional_hours: Some(Hours(50)), additional_hours_comment: "rust".to_owned(), ..labor_line() };
    assert_eq!(computed(additional, &facts()), Some(cny("136")));
}

#[test]
fn actual_hours_count_where_the_operation_allows_them_up_to_its_cap() {
    let mut facts = facts();
    let actual = |hours| LineContent { hours: None, actual_hours: Some(Hours(hours)), ..labor_line() };
    assert_eq!(computed(actual(200), &facts), Some(cny("96")));
    if let Some(operation) = facts.operations.get_mut(&code("OP-10")) {
        operation.actual_hours_allowed = true;
        operation.actual_hours_cap = Some(Hours(250));
    }
    assert_eq!(computed(actual(200), &facts), Some(cny("160")));
    assert_eq!(computed(actual(300), &facts), Some(cny("200")));
}

#[test]
fn an_operation_without_hours_for_the_model_has_no_price() {
    let mut facts = facts();
    if let Some(operation) = facts.operations.get_mut(&code("OP-10")) {
        operation.default_hours = None;
    }
    assert_eq!(compute(&draft(), &labor_line(), &facts), Computed::NoPrice(MissingPrice::StandardHours));
}

#[test]
fn what_is_bought_outside_is_its_invoice() {
    for line_type in
        [LineType::ExternalPart, LineType::Sublet, LineType::Towing, LineType::CourtesyCar, LineType::Freight]
    {
        let line = LineContent { requested_amount: Some(cny("123.45")), ..LineContent::new(line_type) };
        let pricing = priced(line, &facts());
        assert_eq!((pricing.computed, pricing.requested), (Some(cny("123.45")), cny("123.45")), "{line_type:?}");
        assert_eq!(pricing.source.map(|source| source.kind), Some(PriceSourceKind::Invoice));
    }
}

#[test]
fn what_the_station_requests_stands_beside_what_is_computed() {
    let line = LineContent { requested_amount: Some(cny("480")), ..part_line() };
    let pricing = priced(line, &facts());
    assert_eq!((pricing.requested, pricing.computed), (cny("480"), Some(cny("500"))));
}

proptest! {
    #[test]
    fn totals_are_the_sums_of_rounded_lines(
        quantities in prop::collection::vec(1_i64..=999_999, 0..20),
        requests in prop::collection::vec(prop::option::of(0_i64..=10_000_000), 20),
    ) {
        let lines = quantities.iter().zip(&requests).map(|(quantity, request)| added(LineContent {
            quantity: Some(Quantity(*quantity)),
            requested_amount: request.map(|minor| Money::new(Currency::CNY, minor)),
            ..part_line()
        }));
        let mut claim = draft().update(header(), lines.collect()).unwrap();
        price(&mut claim, &facts());
        let totals = claim.totals().unwrap();
        // 500.00 per piece: a thousandth of a piece is 50 fen exactly.
        let computed: i64 = quantities.iter().map(|quantity| quantity * 50).sum();
        let requested: i64 = quantities.iter().zip(&requests).map(|(quantity, request)| request.unwrap_or(quantity * 50)).sum();
        prop_assert_eq!((totals.computed.minor, totals.requested.minor), (computed, requested));
    }
}
