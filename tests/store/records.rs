//! Master data: one path for all of it.

use recourse_domain::catalog::{FailureCode, Reference, Station};
use recourse_domain::query::order::Order;
use recourse_domain::query::page::ListQuery;
use recourse_repository::StoreError;

use super::fixture::{all, change, create, created, failure_code, id, keeper, listing, minute, note, retire};
use super::on_both_stores;

on_both_stores! {
    async fn what_is_answered_is_what_is_stored(store) {
        let record = FailureCode {
            display_name: "渗漏 — öl \u{1f527} '\"%_\\".to_owned(),
            safety: true,
            external_ref: "x".repeat(10_000),
            ..failure_code("F-1", "")
        };
        let stored = create(&store, record.clone(), minute(0)).await.unwrap();
        assert_eq!((stored.version, stored.create_time, stored.retire_time), (1, stored.update_time, None));
        assert_eq!(stored.create_time.timestamp_subsec_nanos(), 123_456_000, "no finer than both databases keep");
        assert_eq!(stored.value, record);
        assert_eq!(store.record::<FailureCode>(&all(), "F-1").await, Ok(Some(stored)));
    }

    async fn a_change_counts_the_version_and_keeps_the_creation(store) {
        let before = created(&store, "F-1", minute(0)).await;
        let after = change(&store, &before, failure_code("F-1", "worn"), minute(1)).await.unwrap();
        assert_eq!((after.id, after.version, after.create_time), (before.id, 2, before.create_time));
        assert!(after.update_time > before.update_time);
        assert_ne!(after.head_hash, before.head_hash);
        assert_eq!(store.record::<FailureCode>(&all(), "F-1").await, Ok(Some(after)));
    }

    async fn who_read_an_old_version_changes_nothing(store) {
        let before = created(&store, "F-1", minute(0)).await;
        let after = change(&store, &before, failure_code("F-1", "worn"), minute(1)).await.unwrap();
        let late = change(&store, &before, failure_code("F-1", "torn"), minute(2)).await;
        assert_eq!(late, Err(StoreError::Stale));
        assert_eq!(store.record::<FailureCode>(&all(), "F-1").await, Ok(Some(after)));
        assert_eq!(store.number("SELECT COUNT(*) AS n FROM change").await, 2);
    }

    async fn of_many_writers_of_one_version_one_wins(store) {
        let before = &created(&store, "F-1", minute(0)).await;
        let store = &store;
        let attempts = (0..32).map(|number| change(store, before, failure_code("F-1", &format!("{number}")), minute(1)));
        let ended = futures::future::join_all(attempts).await;
        assert_eq!(ended.iter().filter(|ended| ended.is_ok()).count(), 1);
        let lost: Vec<_> = ended.iter().filter_map(|ended| ended.as_ref().err()).collect();
        assert!(lost.iter().all(|error| **error == StoreError::Stale), "{lost:?}");
        let now = store.record::<FailureCode>(&all(), "F-1").await.unwrap().unwrap();
        assert_eq!((now.version, store.verify_chain(now.id, &now.head_hash).await), (2, Ok(None)));
    }

    async fn a_code_is_given_once(store) {
        created(&store, "F-1", minute(0)).await;
        let again = create(&store, failure_code("F-1", "other"), minute(1)).await;
        assert_eq!(again, Err(StoreError::AlreadyExists { what: "failure_code(code)".to_owned() }));
        assert_eq!(store.number("SELECT COUNT(*) AS n FROM change").await, 1, "a refused command leaves nothing");
        assert_eq!(store.number("SELECT COUNT(*) AS n FROM change_pending").await, 1);
    }

    async fn of_many_creators_of_one_code_one_wins(store) {
        let store = &store;
        let attempts = (0..16).map(|number| create(store, failure_code("F-1", &format!("{number}")), minute(0)));
        let ended = futures::future::join_all(attempts).await;
        assert_eq!(ended.iter().filter(|ended| ended.is_ok()).count(), 1);
        let what = "failure_code(code)".to_owned();
        let refused = Err(StoreError::AlreadyExists { what });
        assert_eq!(ended.iter().filter(|ended| **ended == refused).count(), 15, "{ended:?}");
    }

    async fn a_retired_record_is_hidden_but_read_and_its_code_stays_taken(store) {
        let retired = retire(&store, &created(&store, "F-1", minute(0)).await, minute(1)).await;
        assert_eq!((retired.version, retired.retire_time), (2, Some(retired.update_time)));
        assert_eq!(store.record::<FailureCode>(&all(), "F-1").await, Ok(Some(retired)));
        for (show_deleted, count) in [(false, 0), (true, 1)] {
            let query = ListQuery { show_deleted, ..listing(Order::by_code()) };
            assert_eq!(store.records::<FailureCode>(&all(), &query).await.unwrap().items.len(), count);
        }
        let again = create(&store, failure_code("F-1", "reborn"), minute(2)).await;
        assert!(matches!(again, Err(StoreError::AlreadyExists { .. })), "{again:?}");
    }

    async fn references_lead_to_active_records(store) {
        created(&store, "F-1", minute(0)).await;
        retire(&store, &created(&store, "F-2", minute(0)).await, minute(1)).await;
        let reference = |table, code: &str| Reference {
            field: "failure_code".to_owned(),
            table,
            collection: "failureCodes",
            code: code.to_owned(),
        };
        let named = [
            reference("failure_code", "F-1"),
            reference("failure_code", "F-2"),
            reference("failure_code", "F-3"),
            reference("part", "F-1"),
        ];
        let named = &named;
        let missing = store.run(|tx| Box::pin(async move { tx.missing_references(named).await })).await;
        assert_eq!(missing, Ok(named[1..].to_vec()));
        let none = store.run(|tx| Box::pin(async move { tx.missing_references(&[]).await })).await;
        assert_eq!(none, Ok(Vec::new()));
    }

    async fn many_records_are_read_at_once(store) {
        for code in ["F-1", "F-2", "F-3"] {
            created(&store, code, minute(0)).await;
        }
        let codes = ["F-3", "F-1", "F-9"].map(str::to_owned).into();
        let (codes, scope) = (&codes, &all());
        let found = store
            .run(|tx| Box::pin(async move { tx.active_records::<FailureCode>(scope, codes).await }))
            .await
            .unwrap();
        assert_eq!(found.iter().map(|stored| stored.value.code.as_str()).collect::<Vec<_>>(), ["F-1", "F-3"]);
        let none = store
            .run(|tx| Box::pin(async move { tx.active_records::<FailureCode>(scope, &[].into()).await }))
            .await;
        assert_eq!(none, Ok(Vec::new()));
    }

    async fn a_record_is_found_by_its_key(store) {
        let stored = created(&store, "F-1", minute(0)).await;
        let (scope, key) = (&all(), stored.id);
        let found = store.run(|tx| Box::pin(async move { tx.record_by_id::<FailureCode>(scope, key).await })).await;
        assert_eq!(found, Ok(Some(stored)));
        let other = store.run(|tx| Box::pin(async move { tx.record_by_id::<Station>(scope, key).await })).await;
        assert_eq!(other, Ok(None), "keys of one kind find nothing of another");
    }

    async fn a_unit_reads_what_it_has_written(store) {
        let scope = &all();
        let found = store
            .run(|tx| {
                Box::pin(async move {
                    let note = note("create", "failureCodes/F-1", "failureCodes", minute(0));
                    let stored = tx.insert_record(&keeper(), id(), failure_code("F-1", "new"), note).await?;
                    let read = tx.record::<FailureCode>(scope, "F-1").await?;
                    Ok::<_, StoreError>(read == Some(stored))
                })
            })
            .await;
        assert_eq!(found, Ok(true));
    }
}
