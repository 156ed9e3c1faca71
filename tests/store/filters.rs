//! Filters mean the same on both databases.

use recourse_domain::catalog::{FailureCode, Record};
use recourse_domain::claims::Header;
use recourse_domain::query::order::Order;
use recourse_repository::CLAIM_FIELDS;

use super::fixture::{TestStore, all, code, create, day, draft, failure_code, filtered, insert_claim, minute, org};
use super::on_both_stores;

async fn three_codes(store: &TestStore) {
    for (name, display_name, group) in
        [("F-1", "alpha", Some("G1")), ("F-2", "Alpha", None), ("F-3", "alp_ha%", Some("G2"))]
    {
        let record = FailureCode { problem_group: group.map(code), ..failure_code(name, display_name) };
        create(store, record, minute(0)).await.unwrap();
    }
}

async fn codes(store: &TestStore, filter: &str) -> Vec<String> {
    let query = filtered(filter, FailureCode::FIELDS, Order::by_code());
    let page = store.records::<FailureCode>(&all(), &query).await.unwrap();
    page.items.into_iter().map(|stored| stored.value.code.to_string()).collect()
}

on_both_stores! {
    async fn what_is_absent_matches_nothing_not_even_under_not(store) {
        three_codes(&store).await;
        for (filter, expected) in [
            ("problem_group = G1", vec!["F-1"]),
            ("problem_group != G1", vec!["F-3"]),
            ("NOT problem_group = G1", vec!["F-3"]),
            ("-problem_group = G1", vec!["F-3"]),
            ("NOT (problem_group = G1 OR problem_group = G2)", vec![]),
            ("problem_group >= A", vec!["F-1", "F-3"]),
            ("problem_group:*", vec!["F-1", "F-3"]),
            ("NOT problem_group:*", vec!["F-2"]),
        ] {
            assert_eq!(codes(&store, filter).await, expected, "{filter}");
        }
    }

    async fn text_is_compared_as_it_is_written(store) {
        three_codes(&store).await;
        for (filter, expected) in [
            ("display_name = alpha", vec!["F-1"]),
            ("display_name = ALPHA", vec![]),
            ("display_name = \"alp*\"", vec!["F-1", "F-3"]),
            // What another language takes for a pattern is text here.
            ("display_name = \"alp_ha%*\"", vec!["F-3"]),
            ("display_name = \"a%\"", vec![]),
            ("display_name < alpha", vec!["F-2", "F-3"]),
            ("display_name = \"' OR 1 = 1 --\"", vec![]),
        ] {
            assert_eq!(codes(&store, filter).await, expected, "{filter}");
        }
    }

    async fn or_binds_tighter_than_and(store) {
        three_codes(&store).await;
        for (filter, expected) in [
            ("safety = false AND problem_group = G1 OR problem_group = G2", vec!["F-1", "F-3"]),
            ("safety = true AND problem_group = G1 OR problem_group = G2", vec![]),
            ("(safety = true AND problem_group = G1) OR problem_group = G2", vec!["F-3"]),
        ] {
            assert_eq!(codes(&store, filter).await, expected, "{filter}");
        }
    }

    async fn dates_instants_and_numbers_compare_by_value(store) {
        for (number, date) in (0..).zip(["2025-12-31", "2026-01-02", "2026-01-10"]) {
            let header = Header {
                repair_completion_date: Some(day(date)),
                external_ref: Some(format!("R-{number}")),
                ..Header::default()
            };
            insert_claim(&store, &draft(org(100), 11, header), number).await.unwrap();
        }
        let instant = minute(1).format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string();
        for (filter, expected) in [
            ("repair_completion_date >= 2026-01-02".to_owned(), vec!["R-1", "R-2"]),
            ("repair_completion_date = 2026-01-10".to_owned(), vec!["R-2"]),
            ("NOT complaint_date < 2030-01-01".to_owned(), vec![]),
            (format!("create_time > {instant}"), vec!["R-2"]),
            (format!("create_time = {instant}"), vec!["R-1"]),
            ("revision <= 0 AND revision > -1".to_owned(), vec!["R-0", "R-1", "R-2"]),
            ("external_ref = R-*".to_owned(), vec!["R-0", "R-1", "R-2"]),
        ] {
            let order = Order { descending: false, ..Order::newest_first() };
            let page = store.claims(&all(), &filtered(&filter, CLAIM_FIELDS, order)).await.unwrap();
            let found: Vec<_> =
                page.items.iter().filter_map(|stored| stored.value.header.external_ref.clone()).collect();
            assert_eq!(found, expected, "{filter}");
        }
    }

    async fn a_reference_is_named_by_code_or_by_public_name(store) {
        let header = Header {
            vin: Some("LSVAU2A37N2183294".to_owned()),
            causal_part: Some(code("P-1")),
            ..Header::default()
        };
        insert_claim(&store, &draft(org(100), 11, header), 0).await.unwrap();
        for (filter, count) in [
            ("station = S-001", 1),
            ("station = stations/S-001", 1),
            ("station = parts/S-001", 0),
            ("vin = \"LSV*\" AND causal_part = parts/P-1", 1),
            ("vin = vehicles/LSVAU2A37N2183294", 1),
        ] {
            let page = store.claims(&all(), &filtered(filter, CLAIM_FIELDS, Order::newest_first())).await.unwrap();
            assert_eq!(page.items.len(), count, "{filter}");
        }
    }
}
