//! Change rows: every write leaves one, and nobody can take one away unseen.

use recourse_domain::catalog::FailureCode;
use recourse_domain::change::Change;

use super::fixture::{TestStore, change, created, failure_code, minute, retire};
use super::on_both_stores;

/// Lets somebody with the database's own password rewrite history.
async fn without_guard(store: &TestStore, rewrite: &str) {
    if store.is_postgres() {
        store.sql("ALTER TABLE change DISABLE TRIGGER ALL").await.unwrap();
    } else {
        store.sql("DROP TRIGGER IF EXISTS change_no_update; DROP TRIGGER IF EXISTS change_no_delete").await.unwrap();
    }
    store.sql(rewrite).await.unwrap();
}

on_both_stores! {
    async fn every_write_leaves_a_sealed_row(store) {
        let first = created(&store, "F-1", minute(0)).await;
        let second = change(&store, &first, failure_code("F-1", "worn"), minute(1)).await.unwrap();
        let third = retire(&store, &second, minute(2)).await;
        let trail = store.events(first.id, 0, 10).await.unwrap();
        let told: Vec<_> = trail.iter().map(|change| (change.version, change.verb.as_str())).collect();
        assert_eq!(told, [(1, "create"), (2, "update"), (3, "retire")]);
        assert!(trail.iter().all(Change::is_intact));
        assert!(trail.iter().all(|change| change.actor == super::fixture::admin().user));
        assert_eq!(trail[1].prev_hash, trail[0].hash);
        assert_eq!(trail[2].hash, third.head_hash);
        assert_eq!(trail[1].paths, ["display_name"]);
        let snapshot: FailureCode = serde_json::from_str(&trail[1].snapshot).unwrap();
        assert_eq!(snapshot, second.value);
    }

    async fn a_trail_is_read_in_pages(store) {
        let mut stored = created(&store, "F-1", minute(0)).await;
        for step in 1..5 {
            stored = change(&store, &stored, failure_code("F-1", &step.to_string()), minute(step)).await.unwrap();
        }
        let versions = |trail: Vec<Change>| trail.iter().map(|change| change.version).collect::<Vec<_>>();
        assert_eq!(versions(store.events(stored.id, 0, 2).await.unwrap()), [1, 2]);
        assert_eq!(versions(store.events(stored.id, 2, 2).await.unwrap()), [3, 4]);
        assert_eq!(versions(store.events(stored.id, 4, 2).await.unwrap()), [5]);
    }

    async fn an_unaltered_history_is_verified(store) {
        let first = created(&store, "F-1", minute(0)).await;
        change(&store, &first, failure_code("F-1", "worn"), minute(1)).await.unwrap();
        created(&store, "F-2", minute(0)).await;
        let report = store.verify_history().await.unwrap();
        assert_eq!((report.resources, report.changes, report.faults), (2, 3, Vec::new()));
    }

    async fn a_flipped_byte_is_found(store) {
        let stored = created(&store, "F-1", minute(0)).await;
        created(&store, "F-2", minute(0)).await;
        without_guard(&store, "UPDATE change SET snapshot = '{}' WHERE resource = 'failureCodes/F-1'").await;
        assert!(store.verify_chain(stored.id, &stored.head_hash).await.unwrap().is_some());
        let faults = store.verify_history().await.unwrap().faults;
        assert!(faults.len() == 1 && faults[0].contains("failureCodes/F-1"), "{faults:?}");
    }

    async fn a_removed_row_is_found_wherever_it_was(store) {
        for (code, version) in [("F-1", 1), ("F-2", 2), ("F-3", 3)] {
            let first = created(&store, code, minute(0)).await;
            let second = change(&store, &first, failure_code(code, "b"), minute(1)).await.unwrap();
            change(&store, &second, failure_code(code, "c"), minute(2)).await.unwrap();
            let rewrite = format!("DELETE FROM change WHERE resource = 'failureCodes/{code}' AND version = {version}");
            without_guard(&store, &rewrite).await;
        }
        let faults = store.verify_history().await.unwrap().faults;
        assert_eq!(faults.len(), 3, "{faults:?}");
    }

    async fn an_altered_head_and_a_vanished_resource_are_found(store) {
        created(&store, "F-1", minute(0)).await;
        created(&store, "F-2", minute(0)).await;
        let nothing = if store.is_postgres() { "'\\x00'" } else { "X'00'" };
        store.sql(&format!("UPDATE failure_code SET head_hash = {nothing} WHERE code = 'F-1'")).await.unwrap();
        store.sql("DELETE FROM failure_code WHERE code = 'F-2'").await.unwrap();
        let faults = store.verify_history().await.unwrap().faults;
        assert_eq!(faults.len(), 2, "{faults:?}");
        assert!(faults.iter().any(|fault| fault.contains("failureCodes/F-2")), "{faults:?}");
    }
}
