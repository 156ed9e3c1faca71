//! Master data: one path for all of it.

use recourse_domain::access::{Role, RowScope};
use recourse_domain::catalog::{FailureCode, Field, FieldKind, Part, Record, Reference, Supplier};
use recourse_domain::query::filter;
use recourse_domain::query::order::Order;
use recourse_domain::query::page::ListQuery;

use super::harness::{actor, all, failure_code, id, insert_code, keeper, minute, note, org, scope, stores};
use crate::StoreError;

#[tokio::test]
async fn a_record_is_created_changed_and_retired() {
    for store in stores().await {
        let created = insert_code(&store, "F-1", minute(0)).await;
        assert_eq!((created.version, created.create_time.timestamp_subsec_nanos()), (1, 123_456_000));
        let read = store.record::<FailureCode>(&all(), "F-1").await.unwrap();
        assert_eq!(read.as_ref(), Some(&created), "what is answered is what is stored");
        let changed = failure_code("F-1", "worn");
        let (created, changed) = (&created, &changed);
        let updated = store
            .run(|tx| {
                Box::pin(async move {
                    let note = note("update", "failureCodes/F-1", "failureCodes", minute(1));
                    tx.update_record(&keeper(), created, changed.clone(), note).await
                })
            })
            .await
            .unwrap();
        assert_eq!((updated.version, &updated.value), (2, changed));
        // Whoever read the first version changes nothing any more.
        let stale = store
            .run(|tx| {
                Box::pin(async move {
                    let note = note("update", "failureCodes/F-1", "failureCodes", minute(2));
                    tx.update_record(&keeper(), created, changed.clone(), note).await
                })
            })
            .await;
        assert_eq!(stale.map(|stored| stored.version), Err(StoreError::Stale));
        let updated = &updated;
        let retired = store
            .run(|tx| {
                Box::pin(async move {
                    let note = note("retire", "failureCodes/F-1", "failureCodes", minute(3));
                    tx.retire_record(&keeper(), updated, note).await
                })
            })
            .await
            .unwrap();
        assert!(retired.retire_time.is_some());
        assert_eq!(store.record::<FailureCode>(&all(), "F-1").await.unwrap().as_ref(), Some(&retired));
        for (show_deleted, count) in [(false, 0), (true, 1)] {
            let query = ListQuery { filter: None, order: Order::by_code(), page_size: 10, after: None, show_deleted };
            let page = store.records::<FailureCode>(&all(), &query).await.unwrap();
            assert_eq!(page.items.len(), count, "show_deleted = {show_deleted}");
        }
        assert_eq!(store.verify_chain(retired.id, &retired.head_hash).await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_code_is_given_once() {
    for store in stores().await {
        insert_code(&store, "F-1", minute(0)).await;
        let again = store
            .run(|tx| {
                Box::pin(async move {
                    let note = note("create", "failureCodes/F-1", "failureCodes", minute(1));
                    tx.insert_record(&keeper(), id(), failure_code("F-1", "other"), note).await
                })
            })
            .await;
        let what = "failure_code(code)".to_owned();
        assert_eq!(again.map(|stored| stored.version), Err(StoreError::AlreadyExists { what }));
        let changes = crate::sql::Sql::new("SELECT COUNT(*) AS rows FROM change").one(&store.reader).await.unwrap();
        assert_eq!(changes.unwrap().get::<i64>("rows").unwrap(), 1, "a refused command leaves nothing");
    }
}

#[tokio::test]
async fn pages_tell_every_record_once_in_order() {
    for store in stores().await {
        let names = ["b", "a", "B", "ä", "a", "中", "", "a"];
        for (index, name) in (0_i64..).zip(names) {
            let code = format!("F-{index}");
            let code = code.as_str();
            store
                .run(|tx| {
                    Box::pin(async move {
                        let note = note("create", code, "failureCodes", minute(index / 3));
                        tx.insert_record(&keeper(), id(), failure_code(code, name), note).await
                    })
                })
                .await
                .unwrap();
        }
        let by_name = Order::by("display_name", FieldKind::Text);
        for (order, expected) in [
            (by_name.clone(), vec!["", "B", "a", "a", "a", "b", "ä", "中"]),
            (Order { descending: true, ..by_name }, vec!["中", "ä", "b", "a", "a", "a", "B", ""]),
            (Order::newest_first(), vec!["a", "", "中", "a", "ä", "B", "a", "b"]),
        ] {
            for page_size in [1, 3, 8, 50] {
                let mut told = Vec::new();
                let mut query =
                    ListQuery { filter: None, order: order.clone(), page_size, after: None, show_deleted: false };
                loop {
                    let page = store.records::<FailureCode>(&all(), &query).await.unwrap();
                    told.extend(page.items.into_iter().map(|stored| stored.value.display_name));
                    query.after = page.next;
                    if query.after.is_none() {
                        break;
                    }
                }
                assert_eq!(told, expected, "{order:?} by {page_size} on {}", store.url);
            }
        }
    }
}

#[tokio::test]
async fn filters_mean_the_same_on_both_databases() {
    const FIELDS: &[Field] = FailureCode::FIELDS;
    for store in stores().await {
        for (code, name, group) in
            [("F-1", "alpha", Some("G1")), ("F-2", "Alpha", None), ("F-3", "alp_ha%", Some("G2"))]
        {
            let mut record = failure_code(code, name);
            record.problem_group = group.map(|group| recourse_domain::ids::Code::parse(group).unwrap());
            let record = &record;
            store
                .run(|tx| {
                    Box::pin(async move {
                        let note = note("create", code, "failureCodes", minute(0));
                        tx.insert_record(&keeper(), id(), record.clone(), note).await
                    })
                })
                .await
                .unwrap();
        }
        for (text, expected) in [
            ("problem_group = G1", vec!["F-1"]),
            // What is absent matches nothing, also under NOT.
            ("NOT problem_group = G1", vec!["F-3"]),
            ("problem_group != G1", vec!["F-3"]),
            ("problem_group:*", vec!["F-1", "F-3"]),
            ("NOT problem_group:*", vec!["F-2"]),
            ("display_name = alpha", vec!["F-1"]),
            ("display_name = \"alp*\"", vec!["F-1", "F-3"]),
            ("display_name = \"alp_ha%*\"", vec!["F-3"]),
            ("safety = false AND problem_group = G1 OR problem_group = G2", vec!["F-1", "F-3"]),
            ("(display_name = Alpha OR problem_group = G2) AND -display_name = Alpha", vec!["F-3"]),
        ] {
            let filter = Some(filter::parse(text, FIELDS).unwrap());
            let query = ListQuery { filter, order: Order::by_code(), page_size: 10, after: None, show_deleted: false };
            let page = store.records::<FailureCode>(&all(), &query).await.unwrap();
            let codes: Vec<&str> = page.items.iter().map(|stored| stored.value.code.as_str()).collect();
            assert_eq!(codes, expected, "{text} on {}", store.url);
        }
    }
}

#[tokio::test]
async fn references_must_lead_to_something_active() {
    for store in stores().await {
        insert_code(&store, "F-1", minute(0)).await;
        let reference = |code: &str| Reference {
            field: "failure_code".to_owned(),
            table: "failure_code",
            collection: "failureCodes",
            code: code.to_owned(),
        };
        let named = [reference("F-1"), reference("F-9")];
        let named = &named;
        let missing = store.run(|tx| Box::pin(async move { tx.missing_references(named).await })).await.unwrap();
        assert_eq!(missing, [reference("F-9")]);
    }
}

#[tokio::test]
async fn a_row_that_can_not_be_read_is_named() {
    for store in stores().await {
        let stored = insert_code(&store, "F-1", minute(0)).await;
        store.sql("UPDATE failure_code SET body = '{'").await.unwrap();
        match store.record::<FailureCode>(&all(), "F-1").await {
            Err(StoreError::CorruptRow { table, column, row, .. }) => {
                assert_eq!((table.as_str(), column.as_str(), row), ("failure_code", "body", stored.id.to_string()));
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn suppliers_reach_themselves_and_their_parts() {
    for store in stores().await {
        let supplier = actor(7, org(70), &[Role::Supplier]);
        let own = scope(&supplier, Role::Supplier, RowScope::OwnSupplier);
        let query =
            ListQuery { filter: None, order: Order::by_code(), page_size: 10, after: None, show_deleted: false };
        assert!(store.records::<Supplier>(&own, &query).await.unwrap().items.is_empty());
        assert!(store.records::<Part>(&own, &query).await.unwrap().items.is_empty());
        // A table that the scope says nothing about is out of reach.
        insert_code(&store, "F-1", minute(0)).await;
        assert!(store.record::<FailureCode>(&own, "F-1").await.unwrap().is_none());
    }
}
