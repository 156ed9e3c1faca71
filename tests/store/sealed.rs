//! Units that end with one statement: all of it stands, or none, and a repeat finds what the first has done.

use recourse_domain::catalog::{FailureCode, Stored};
use recourse_domain::ids::UserId;
use recourse_repository::{RequestKey, Seen, Store, StoreError};
use uuid::Uuid;

use super::fixture::{all, change, created, failure_code, id, keeper, minute, note};
use super::on_both_stores;

fn key(id: Uuid) -> RequestKey {
    RequestKey { principal: UserId(Uuid::from_u128(5)), rpc: "rpc", id, body_hash: b"body".to_vec(), time: minute(0) }
}

/// Changes a record under a key, as a command does; answers what was seen, or the version it wrote.
async fn renamed(
    store: &Store,
    before: &Stored<FailureCode>,
    key: &RequestKey,
) -> Result<Result<i64, Seen>, StoreError> {
    let name = format!("failureCodes/{}", before.value.code);
    let name = name.as_str();
    store
        .run(|tx| {
            Box::pin(async move {
                match tx.claim_request(key).await? {
                    Seen::New => {}
                    seen => return Ok(Err(seen)),
                }
                let record = failure_code(before.value.code.as_str(), &id().to_string());
                tx.seal(name, before.id).await;
                let written =
                    tx.update_record(&keeper(), before, record, note("update", name, "failureCodes", minute(1))).await;
                let stored = match written {
                    Ok(stored) => stored,
                    Err(StoreError::InFlight) => return Err(StoreError::InFlight),
                    Err(error) => match tx.seen_before(key).await? {
                        Some(seen) => return Ok(Err(seen)),
                        None => return Err(error),
                    },
                };
                tx.finish_request(key, name).await?;
                Ok(Ok(stored.version))
            })
        })
        .await
}

/// Changes a record that many share and ends with one of its own, as an approval does that moves a recovery claim.
async fn both_changed(store: &Store, shared: &str, own: &Stored<FailureCode>) -> Result<i64, StoreError> {
    let scope = &all();
    store
        .run(|tx| {
            Box::pin(async move {
                let other = tx.record::<FailureCode>(scope, shared).await?.unwrap();
                let name = format!("failureCodes/{}", own.value.code);
                tx.seal(&name, own.id).await;
                let renamed = failure_code(shared, &id().to_string());
                let on_shared = note("update", &format!("failureCodes/{shared}"), "failureCodes", minute(1));
                tx.update_record(&keeper(), &other, renamed, on_shared).await.map_err(|error| match error {
                    StoreError::Stale => StoreError::Retry,
                    other => other,
                })?;
                let created = failure_code(&format!("N-{}", own.value.code), "made beside");
                let on_new = note("create", &format!("failureCodes/N-{}", own.value.code), "failureCodes", minute(1));
                tx.insert_record(&keeper(), id(), created, on_new).await?;
                let record = failure_code(own.value.code.as_str(), "changed");
                Ok(tx
                    .update_record(&keeper(), own, record, note("update", &name, "failureCodes", minute(1)))
                    .await?
                    .version)
            })
        })
        .await
}

on_both_stores! {
    async fn other_versions_of_a_sealed_unit_stand_with_its_last(store) {
        created(&store, "SHARED", minute(0)).await;
        let own = created(&store, "F-1", minute(0)).await;
        assert_eq!(both_changed(&store, "SHARED", &own).await, Ok(2));
        let shared = store.record::<FailureCode>(&all(), "SHARED").await.unwrap().unwrap();
        let beside = store.record::<FailureCode>(&all(), "N-F-1").await.unwrap().unwrap();
        assert_eq!((shared.version, beside.version), (2, 1));
        assert_eq!(store.number("SELECT COUNT(*) AS n FROM change").await, 5);
        assert_eq!(store.number("SELECT COUNT(*) AS n FROM change_pending").await, 5);
        for stored in [shared, beside] {
            assert_eq!(store.verify_chain(stored.id, &stored.head_hash).await, Ok(None));
        }
    }

    async fn a_sealed_unit_that_is_stale_takes_its_other_versions_with_it(store) {
        created(&store, "SHARED", minute(0)).await;
        let own = created(&store, "F-1", minute(0)).await;
        change(&store, &own, failure_code("F-1", "meanwhile"), minute(1)).await.unwrap();
        // Which of its versions was overtaken can't be told: it is run again, and a command would find out.
        let ended = both_changed(&store, "SHARED", &own).await;
        assert!(matches!(ended, Err(StoreError::Stale | StoreError::Retry)), "{ended:?}");
        assert_eq!(store.record::<FailureCode>(&all(), "SHARED").await.unwrap().unwrap().version, 1);
        assert_eq!(store.record::<FailureCode>(&all(), "N-F-1").await, Ok(None));
        assert_eq!(store.number("SELECT COUNT(*) AS n FROM change").await, 3);
    }

    async fn many_sealed_units_that_share_a_record_each_have_their_effect(store) {
        created(&store, "SHARED", minute(0)).await;
        let mut own = Vec::new();
        for number in 0..12 {
            own.push(created(&store, &format!("F-{number}"), minute(0)).await);
        }
        let ended = futures::future::join_all(own.iter().map(|own| both_changed(&store, "SHARED", own))).await;
        assert!(ended.iter().all(|ended| *ended == Ok(2)), "{ended:?}");
        let shared = store.record::<FailureCode>(&all(), "SHARED").await.unwrap().unwrap();
        assert_eq!(shared.version, 13);
        assert_eq!(store.verify_chain(shared.id, &shared.head_hash).await, Ok(None));
    }

    async fn a_sealed_unit_writes_everything_at_once(store) {
        let before = created(&store, "F-1", minute(0)).await;
        let key = key(id());
        assert_eq!(renamed(&store, &before, &key).await, Ok(Ok(2)));
        assert_eq!(store.number("SELECT COUNT(*) AS n FROM change").await, 2);
        assert_eq!(store.number("SELECT COUNT(*) AS n FROM idempotency WHERE resource = 'failureCodes/F-1'").await, 1);
        let seen = Seen::Before { resource: "failureCodes/F-1".to_owned(), same_body: true };
        assert_eq!(renamed(&store, &before, &key).await, Ok(Err(seen)));
        assert_eq!(store.number("SELECT COUNT(*) AS n FROM change").await, 2);
    }

    async fn a_sealed_unit_that_is_stale_leaves_nothing(store) {
        let before = created(&store, "F-1", minute(0)).await;
        change(&store, &before, failure_code("F-1", "meanwhile"), minute(1)).await.unwrap();
        assert_eq!(renamed(&store, &before, &key(id())).await, Err(StoreError::Stale));
        assert_eq!(store.number("SELECT COUNT(*) AS n FROM change").await, 2);
        assert_eq!(store.number("SELECT COUNT(*) AS n FROM idempotency").await, 0);
    }

    async fn many_sealed_repeats_at_once_have_one_effect(store) {
        let before = created(&store, "F-1", minute(0)).await;
        let (key, other) = (&key(id()), store.another().await);
        let (store_one, before) = (&store.store, &before);
        let repeats = (0..64).map(|n| renamed(if n % 2 == 0 { store_one } else { &other }, before, key));
        let ended = futures::future::join_all(repeats).await;
        assert_eq!(ended.iter().filter(|ended| **ended == Ok(Ok(2))).count(), 1, "{ended:?}");
        assert_eq!(ended.iter().filter(|ended| matches!(ended, Ok(Err(Seen::Before { same_body: true, .. })))).count(), 63);
        assert_eq!(store.number("SELECT COUNT(*) AS n FROM change").await, 2);
        assert_eq!(store.number("SELECT COUNT(*) AS n FROM idempotency").await, 1);
    }

    async fn many_sealed_writers_of_one_version_have_one_winner(store) {
        let before = created(&store, "F-1", minute(0)).await;
        let (store_one, before) = (&store.store, &before);
        let ended = futures::future::join_all((0..32).map(|_| async { renamed(store_one, before, &key(id())).await })).await;
        assert_eq!(ended.iter().filter(|ended| **ended == Ok(Ok(2))).count(), 1, "{ended:?}");
        assert_eq!(ended.iter().filter(|ended| **ended == Err(StoreError::Stale)).count(), 31, "{ended:?}");
        assert_eq!(store.number("SELECT COUNT(*) AS n FROM idempotency").await, 1);
    }

    async fn a_unit_whose_statement_failed_is_not_committed(store) {
        let taken = created(&store, "F-1", minute(0)).await;
        let ended = store
            .run(|tx| {
                let code = taken.value.code.to_string();
                Box::pin(async move {
                    let first = note("create", "failureCodes/F-2", "failureCodes", minute(0));
                    tx.insert_record(&keeper(), id(), failure_code("F-2", "new"), first).await?;
                    let again = note("create", "failureCodes/F-1", "failureCodes", minute(0));
                    // The caller looks away from the failure and goes on as if nothing had happened.
                    let failed = tx.insert_record(&keeper(), id(), failure_code(&code, "again"), again).await;
                    assert!(matches!(failed, Err(StoreError::AlreadyExists { .. })));
                    Ok::<_, StoreError>(())
                })
            })
            .await;
        // The embedded database undoes the statement alone, PostgreSQL the unit: what it says is what it did.
        let kept = store.number("SELECT COUNT(*) AS n FROM failure_code WHERE code = 'F-2'").await;
        assert_eq!(ended.is_ok(), kept == 1, "{ended:?}");
    }
}
