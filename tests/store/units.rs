//! Units of work: all or nothing, again when the database asks for it, and never half seen.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use recourse_domain::catalog::FailureCode;
use recourse_repository::StoreError;
use tokio::sync::Notify;

use super::fixture::{all, created, failure_code, id, keeper, minute, note};
use super::on_both_stores;

on_both_stores! {
    async fn a_refused_unit_leaves_nothing(store) {
        let refused: Result<(), StoreError> = store
            .run(|tx| {
                Box::pin(async move {
                    for code in ["F-1", "F-2"] {
                        let note = note("create", code, "failureCodes", minute(0));
                        tx.insert_record(&keeper(), id(), failure_code(code, code), note).await?;
                    }
                    Err(StoreError::Stale)
                })
            })
            .await;
        assert_eq!(refused, Err(StoreError::Stale));
        for table in ["failure_code", "change", "change_pending"] {
            assert_eq!(store.number(&format!("SELECT COUNT(*) AS n FROM {table}")).await, 0, "{table}");
        }
    }

    async fn a_unit_that_is_dropped_leaves_nothing_and_blocks_nobody(store) {
        let begun = &Notify::new();
        let unit = store.run(|tx| {
            Box::pin(async move {
                let note = note("create", "F-1", "failureCodes", minute(0));
                tx.insert_record(&keeper(), id(), failure_code("F-1", "lost"), note).await?;
                begun.notify_one();
                std::future::pending::<Result<(), StoreError>>().await
            })
        });
        tokio::select! {
            _ = unit => panic!("the unit does not end by itself"),
            () = begun.notified() => {}
        }
        let stored = created(&store, "F-1", minute(1)).await;
        assert_eq!(store.record::<FailureCode>(&all(), "F-1").await, Ok(Some(stored)));
    }

    async fn a_unit_is_run_again_when_the_database_asks(store) {
        let attempts = &AtomicU32::new(0);
        let done = store
            .run(|tx| {
                Box::pin(async move {
                    let note = note("create", "F-1", "failureCodes", minute(0));
                    tx.insert_record(&keeper(), id(), failure_code("F-1", "again"), note).await?;
                    if attempts.fetch_add(1, Ordering::Relaxed) < 3 { Err(StoreError::Retry) } else { Ok(()) }
                })
            })
            .await;
        assert_eq!((done, attempts.load(Ordering::Relaxed)), (Ok(()), 4));
        assert_eq!(store.number("SELECT COUNT(*) AS n FROM change").await, 1);
    }

    async fn patience_ends(store) {
        let began = std::time::Instant::now();
        let never: Result<(), StoreError> =
            store.run(|_| Box::pin(async move { Err(StoreError::Retry) })).await;
        assert_eq!(never, Err(StoreError::Retry));
        let waited = began.elapsed();
        assert!(waited > Duration::from_secs(1) && waited < Duration::from_secs(6), "{waited:?}");
    }

    async fn a_refusal_is_not_repeated(store) {
        let attempts = &AtomicU32::new(0);
        let refused: Result<(), StoreError> = store
            .run(|_| {
                Box::pin(async move {
                    attempts.fetch_add(1, Ordering::Relaxed);
                    Err(StoreError::Stale)
                })
            })
            .await;
        assert_eq!((refused, attempts.load(Ordering::Relaxed)), (Err(StoreError::Stale), 1));
    }

    async fn a_reading_unit_sees_one_moment(store) {
        created(&store, "F-1", minute(0)).await;
        let (scope, store) = (&all(), &store);
        let seen = store
            .read(|tx| {
                Box::pin(async move {
                    let before = tx.record::<FailureCode>(scope, "F-1").await?.is_some();
                    // Somebody else commits meanwhile.
                    created(store, "F-2", minute(1)).await;
                    let after = tx.record::<FailureCode>(scope, "F-2").await?.is_some();
                    Ok::<_, StoreError>((before, after))
                })
            })
            .await;
        assert_eq!(seen, Ok((true, false)));
        assert!(store.record::<FailureCode>(scope, "F-2").await.unwrap().is_some());
    }

    async fn a_reading_unit_writes_nothing(store) {
        let wrote = store
            .read(|tx| {
                Box::pin(async move {
                    let note = note("create", "F-1", "failureCodes", minute(0));
                    tx.insert_record(&keeper(), id(), failure_code("F-1", "slipped"), note).await.map(|_| ())
                })
            })
            .await;
        assert!(wrote.is_err(), "{wrote:?}");
        assert_eq!(store.record::<FailureCode>(&all(), "F-1").await, Ok(None));
    }

    async fn readers_do_not_wait_for_a_writer(store) {
        created(&store, "F-1", minute(0)).await;
        let (begun, finish) = (&Notify::new(), &Notify::new());
        let writer = store.run(|tx| {
            Box::pin(async move {
                let note = note("create", "F-2", "failureCodes", minute(0));
                tx.insert_record(&keeper(), id(), failure_code("F-2", "slow"), note).await?;
                begun.notify_one();
                finish.notified().await;
                Ok::<_, StoreError>(())
            })
        });
        let reader = async {
            begun.notified().await;
            let read = tokio::time::timeout(Duration::from_secs(2), store.record::<FailureCode>(&all(), "F-1")).await;
            let unseen = store.record::<FailureCode>(&all(), "F-2").await;
            finish.notify_one();
            (read.is_ok_and(|read| read.is_ok_and(|found| found.is_some())), unseen)
        };
        let (written, (read, unseen)) = tokio::join!(writer, reader);
        assert_eq!((written, read, unseen), (Ok(()), true, Ok(None)));
    }

    async fn connections_that_died_in_the_pool_are_replaced(store) {
        if !store.is_postgres() {
            // The embedded database has no connections that somebody else could end.
            return;
        }
        let work = || futures::future::join_all((0..8).map(|_| store.ping()));
        work().await;
        store
            .sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
            .await
            .unwrap();
        let again = (0..8).map(|number| {
            let store = &store.store;
            async move { created(store, &format!("F-{number}"), minute(0)).await }
        });
        assert_eq!(futures::future::join_all(again).await.len(), 8);
    }

    async fn many_writers_all_come_through(store) {
        let store = &store;
        let attempts = (0..64).map(|number| async move { created(store, &format!("F-{number}"), minute(number)).await });
        let ended = futures::future::join_all(attempts).await;
        assert_eq!(ended.len(), 64);
        assert_eq!(store.number("SELECT COUNT(*) AS n FROM change").await, 64);
        assert_eq!(store.ping().await, Ok(()));
    }
}
