//! Change rows, their chain, and the feed that skips nothing.

use std::collections::BTreeSet;

use recourse_domain::catalog::FailureCode;
use recourse_domain::ids::OrgId;
use tokio::sync::Notify;

use super::harness::{failure_code, id, insert_code, keeper, minute, note, org, stores};
use crate::{Store, StoreError};

fn oem() -> BTreeSet<OrgId> {
    BTreeSet::from([OrgId::OEM])
}

async fn number_all(store: &Store) {
    while store.number_changes().await.unwrap() > 0 {}
}

async fn told(store: &Store, after: i64) -> Vec<(i64, String)> {
    let items = store.changes_after(&oem(), after, &[], 100).await.unwrap();
    items.into_iter().map(|item| (item.position, item.change.resource)).collect()
}

#[tokio::test]
async fn every_write_leaves_a_sealed_change() {
    for store in stores().await {
        let mut stored = insert_code(&store, "F-1", minute(0)).await;
        for step in 1..4 {
            let before = &stored;
            stored = store
                .run(|tx| {
                    Box::pin(async move {
                        let mut note = note("update", "failureCodes/F-1", "failureCodes", minute(step));
                        note.paths = vec!["display_name".to_owned()];
                        tx.update_record(&keeper(), before, failure_code("F-1", &step.to_string()), note).await
                    })
                })
                .await
                .unwrap();
        }
        let changes = store.events(stored.id, 0, 10).await.unwrap();
        assert_eq!(changes.iter().map(|change| change.version).collect::<Vec<_>>(), [1, 2, 3, 4]);
        assert!(changes.iter().all(recourse_domain::change::Change::is_intact));
        assert_eq!(changes.last().map(|change| change.hash.clone()), Some(stored.head_hash.clone()));
        let snapshot: FailureCode = serde_json::from_str(&changes[3].snapshot).unwrap();
        assert_eq!(snapshot, stored.value);
        assert_eq!(store.verify_chain(stored.id, &stored.head_hash).await.unwrap(), None);
        assert_eq!(store.events(stored.id, 2, 1).await.unwrap().len(), 1);
        // A row that is gone from the end is missed by the head on the aggregate's row.
        assert!(store.verify_chain(stored.id, &changes[2].hash).await.unwrap().is_some());
    }
}

#[tokio::test]
async fn a_flipped_byte_and_a_removed_row_are_found() {
    for store in stores().await {
        let stored = insert_code(&store, "F-1", minute(0)).await;
        insert_code(&store, "F-2", minute(0)).await;
        let report = store.verify_history().await.unwrap();
        assert_eq!((report.resources, report.changes, report.faults.len()), (2, 2, 0), "{:?}", report.faults);
        // As somebody with the database's own password could do it.
        let (off, on) = if store.is_postgres() {
            ("ALTER TABLE change DISABLE TRIGGER ALL", "ALTER TABLE change ENABLE TRIGGER ALL")
        } else {
            ("DROP TRIGGER change_no_update", "SELECT 1")
        };
        store.sql(off).await.unwrap();
        store.sql("UPDATE change SET snapshot = '{}' WHERE resource = 'failureCodes/F-1'").await.unwrap();
        store.sql(on).await.unwrap();
        assert!(store.verify_chain(stored.id, &stored.head_hash).await.unwrap().is_some());
        store.sql("DELETE FROM failure_code WHERE code = 'F-2'").await.unwrap();
        let faults = store.verify_history().await.unwrap().faults;
        assert_eq!(faults.len(), 2, "{faults:?}");
        assert!(faults.iter().any(|fault| fault.contains("failureCodes/F-1")), "{faults:?}");
        assert!(faults.iter().any(|fault| fault.contains("failureCodes/F-2")), "{faults:?}");
    }
}

#[tokio::test]
async fn the_feed_tells_each_change_once_in_order() {
    for store in stores().await {
        for number in 1..=5 {
            insert_code(&store, &format!("F-{number}"), minute(number)).await;
        }
        assert!(told(&store, 0).await.is_empty(), "nothing has a place before it is numbered");
        number_all(&store).await;
        let all = told(&store, 0).await;
        assert_eq!(all.iter().map(|(position, _)| *position).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
        assert_eq!(told(&store, 3).await, all[3..]);
        // Two organisations that may both follow a change are told it once.
        let both = BTreeSet::from([OrgId::OEM, org(9)]);
        assert_eq!(store.changes_after(&both, 0, &[], 100).await.unwrap().len(), 5);
        assert!(store.changes_after(&BTreeSet::from([org(9)]), 0, &[], 100).await.unwrap().is_empty());
        let page = store.feed_page(&both, 0, &["failureCodes".to_owned()], 2).await.unwrap();
        assert_eq!((page.items.len(), page.position, page.has_more), (2, 2, true));
        let page = store.feed_page(&both, 0, &["claims".to_owned()], 2).await.unwrap();
        assert_eq!((page.items.len(), page.position, page.has_more), (0, 5, false));
        assert_eq!(store.forget_feed(minute(3)).await.unwrap(), 2);
        assert_eq!(store.feed_ends().await.map(|ends| (ends.oldest, ends.newest)), Ok((2, 5)));
        assert_eq!(told(&store, 0).await.len(), 3);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_that_commits_late_is_not_skipped() {
    for store in stores().await {
        if !store.is_postgres() {
            // The embedded database has one writer: no two transactions overlap.
            continue;
        }
        let (begun, finish) = (&Notify::new(), &Notify::new());
        let slow = store.run(|tx| {
            Box::pin(async move {
                // Its change row is written first ...
                let note = note("create", "failureCodes/SLOW", "failureCodes", minute(0));
                let stored = tx.insert_record(&keeper(), id(), failure_code("SLOW", "slow"), note).await?;
                begun.notify_one();
                finish.notified().await;
                Ok::<_, StoreError>(stored)
            })
        });
        let fast = async {
            begun.notified().await;
            insert_code(&store, "FAST", minute(1)).await;
            number_all(&store).await;
            let first = told(&store, 0).await;
            assert_eq!(first, [(1, "failureCodes/FAST".to_owned())]);
            // ... and committed last, after a reader has gone past.
            finish.notify_one();
            first.last().map_or(0, |(position, _)| *position)
        };
        let (slow, cursor) = tokio::join!(slow, fast);
        slow.unwrap();
        number_all(&store).await;
        assert_eq!(told(&store, cursor).await, [(2, "failureCodes/SLOW".to_owned())]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_writers_of_one_version_one_wins() {
    for store in stores().await {
        let stored = insert_code(&store, "F-1", minute(0)).await;
        let (store, stored) = (&store.store, &stored);
        let attempts = (0..16).map(|number| async move {
            store
                .run(|tx| {
                    Box::pin(async move {
                        let note = note("update", "failureCodes/F-1", "failureCodes", minute(1));
                        tx.update_record(&keeper(), stored, failure_code("F-1", &number.to_string()), note).await
                    })
                })
                .await
        });
        let ended = futures::future::join_all(attempts).await;
        let (won, lost): (Vec<_>, Vec<_>) = ended.into_iter().partition(Result::is_ok);
        assert_eq!((won.len(), lost.len()), (1, 15));
        assert!(lost.iter().all(|lost| matches!(lost, Err(StoreError::Stale))), "{lost:?}");
    }
}
