//! Campaigns: a vehicle finds what concerns it, and SQL counts what the domain reaches.

use recourse_domain::catalog::{
    Campaign, CampaignState, CampaignType, CampaignVehicle, CompletionCount, ExemptReason, Exemption, Remedy,
    RemedyPart, ScopeFilter, VinRange,
};
use recourse_domain::money::Quantity;
use recourse_domain::vehicle::{Drivetrain, Vehicle};
use recourse_domain::vin::Vin;
use recourse_repository::Store;

use super::fixture::{TestStore, all, code, day, id, keeper, minute, note};
use super::on_both_stores;

fn campaign(name: &str, safety: bool, scope: Option<ScopeFilter>) -> Campaign {
    Campaign {
        code: code(name),
        display_code: String::new(),
        display_name: name.to_owned(),
        display_name_en: String::new(),
        campaign_type: CampaignType::ServiceCampaign,
        authority_number: String::new(),
        safety,
        description: String::new(),
        valid_from: day("2026-01-01"),
        valid_until: None,
        state: CampaignState::Active,
        activate_date: None,
        close_date: None,
        remedies: vec![Remedy {
            id: code("A"),
            description: String::new(),
            models: Vec::new(),
            drivetrains: Vec::new(),
            operations: Vec::new(),
            parts: vec![RemedyPart { part: code("P-1"), quantity: Quantity(1_000) }],
            parts_ready_date: None,
        }],
        scope,
        external_ref: String::new(),
    }
}

fn vehicle(number: u32) -> Vehicle {
    Vehicle {
        vin: Vin::parse(&format!("WDB20300{number:09}")).unwrap(),
        vin_override_reason: String::new(),
        brand: None,
        model: code(if number.is_multiple_of(2) { "M0" } else { "M1" }),
        plant: number.is_multiple_of(3).then(|| code("P1")),
        lot: if number.is_multiple_of(5) { "L1".to_owned() } else { String::new() },
        build_date: (!number.is_multiple_of(7)).then(|| day("2026-01-01") + chrono::Days::new(u64::from(number))),
        drivetrain: if number.is_multiple_of(4) { Drivetrain::Hybrid } else { Drivetrain::Combustion },
        engine_type: String::new(),
        sale: None,
        events: Vec::new(),
        ownership_periods: Vec::new(),
        components: Vec::new(),
        external_ref: String::new(),
    }
}

async fn written(store: &Store, campaign: Campaign) {
    let campaign = &campaign;
    store
        .run(|tx| {
            Box::pin(async move {
                let permit = &keeper();
                let name = format!("campaigns/{}", campaign.code);
                let note = note("create", &name, "campaigns", minute(0));
                let stored = tx.insert_record(permit, id(), campaign.clone(), note).await?;
                tx.note_reach(permit, &stored, campaign.state == CampaignState::Active).await
            })
        })
        .await
        .unwrap();
}

async fn put(store: &Store, row: CampaignVehicle) {
    let row = &row;
    store
        .run(|tx| {
            Box::pin(async move {
                let note = note("create", &row.name(), "campaignVehicles", minute(0));
                tx.insert_record(&keeper(), id(), row.clone(), note).await.map(|_| ())
            })
        })
        .await
        .unwrap();
}

async fn fleet(store: &TestStore, vehicles: u32) -> Vec<Vehicle> {
    let fleet: Vec<Vehicle> = (0..vehicles).map(vehicle).collect();
    for one in &fleet {
        store
            .run(|tx| {
                Box::pin(async move {
                    let note = note("create", &format!("vehicles/{}", one.vin), "vehicles", minute(0));
                    tx.insert_record(&keeper(), id(), one.clone(), note).await.map(|_| ())
                })
            })
            .await
            .unwrap();
    }
    fleet
}

/// Filters of every sort.
fn filters() -> Vec<ScopeFilter> {
    let none = ScopeFilter::default;
    let range = |prefix: &str, first: &str, last: &str| VinRange {
        prefix: prefix.to_owned(),
        first_serial: first.to_owned(),
        last_serial: last.to_owned(),
    };
    vec![
        ScopeFilter { models: vec![code("M0"), code("MX")], ..none() },
        ScopeFilter { plants: vec![code("P1")], ..none() },
        ScopeFilter { lots: vec!["L1".to_owned()], ..none() },
        ScopeFilter { drivetrains: vec![Drivetrain::Hybrid], ..none() },
        ScopeFilter { build_from: Some(day("2026-01-10")), ..none() },
        ScopeFilter { build_until: Some(day("2026-01-10")), models: vec![code("M1")], ..none() },
        ScopeFilter { vin_ranges: vec![range("WDB20300", "00000003", "00000009")], ..none() },
        ScopeFilter {
            vin_ranges: vec![
                range("", "00000020", "00000021"),
                range("WDB", "00000030", "00000030"),
                range("X", "0", "Z"),
            ],
            plants: vec![code("P1")],
            ..none()
        },
    ]
}

on_both_stores! {
    async fn sql_counts_what_the_domain_reaches(store) {
        let fleet = fleet(&store, 40).await;
        for (index, filter) in filters().into_iter().enumerate() {
            let campaign = campaign(&format!("C-{index}"), false, Some(filter.clone()));
            let reached: Vec<&Vehicle> = fleet.iter().filter(|vehicle| campaign.reaches(vehicle)).collect();
            assert!(!reached.is_empty() && reached.len() < 40, "{filter:?}");
            // Two on the list: one that the filter reaches too, one that it does not; one exempt of the filter's.
            let outside = fleet.iter().find(|vehicle| !campaign.reaches(vehicle)).unwrap();
            let listed = |vehicle: &Vehicle| CampaignVehicle::open(campaign.code.clone(), vehicle.vin.clone(), true);
            put(&store, listed(outside)).await;
            put(&store, listed(reached[0])).await;
            let exempt = Exemption { reason: ExemptReason::Exported, note: String::new() };
            let last = reached.last().unwrap();
            let is_other = last.vin != reached[0].vin;
            if is_other {
                let row = CampaignVehicle::open(campaign.code.clone(), last.vin.clone(), false).exempt(exempt).unwrap();
                put(&store, row).await;
            }
            for by_model in [false, true] {
                let counts = store.campaign_completion(&all(), &campaign, by_model).await.unwrap();
                let total = counts.values().copied().fold(CompletionCount::default(), CompletionCount::and);
                let expected = i64::try_from(reached.len()).unwrap() + 1;
                assert_eq!((total.in_scope, total.exempt), (expected, i64::from(is_other)), "{filter:?} {counts:?}");
                for (model, count) in counts.iter().filter(|_| by_model) {
                    let of_model = |vehicle: &&Vehicle| vehicle.model.as_str() == model;
                    let expected = reached.iter().copied().chain([outside]).filter(of_model).count();
                    assert_eq!(count.in_scope, i64::try_from(expected).unwrap(), "{model} {filter:?}");
                }
            }
        }
    }

    async fn a_vehicle_finds_the_campaigns_that_concern_it(store) {
        let one = vehicle(1);
        let of_model = |model: &str| Some(ScopeFilter { models: vec![code(model)], ..ScopeFilter::default() });
        let of_lot = Some(ScopeFilter { lots: vec!["L1".to_owned()], ..ScopeFilter::default() });
        written(&store, campaign("ANY", true, of_lot)).await;
        written(&store, campaign("LISTED", true, None)).await;
        written(&store, campaign("MILD", false, of_model("M1"))).await;
        written(&store, campaign("OTHER", true, of_model("M2"))).await;
        written(&store, campaign("SAFE", true, of_model("M1"))).await;
        written(&store, Campaign { state: CampaignState::Draft, ..campaign("DRAFT", true, of_model("M1")) }).await;
        put(&store, CampaignVehicle::open(code("LISTED"), one.vin.clone(), true)).await;
        let found = async |named: Option<&str>, only_safety: bool| {
            let (vin, model, named) = (one.vin.as_str(), &one.model, named.map(code));
            let named = named.as_ref();
            let facts = store
                .read(|tx| Box::pin(async move { tx.campaigns_of_vehicle(vin, Some(model), named, only_safety).await }))
                .await
                .unwrap();
            let name = |fact: recourse_domain::claims::CampaignFact| {
                format!("{}{}", fact.campaign.code, if fact.vehicle.is_some() { "+" } else { "" })
            };
            facts.into_iter().map(name).collect::<Vec<_>>().join(" ")
        };
        // What only a lot can tell is found by any model, and judged by the domain.
        assert_eq!(found(None, true).await, "ANY LISTED+ SAFE");
        assert_eq!(found(None, false).await, "ANY LISTED+ MILD SAFE");
        assert_eq!(found(Some("MILD"), true).await, "ANY LISTED+ MILD SAFE");
        assert_eq!(found(Some("DRAFT"), true).await, "ANY DRAFT LISTED+ SAFE");
        assert_eq!(found(Some("SAFE"), true).await, "ANY LISTED+ SAFE");
    }
}
