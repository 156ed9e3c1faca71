//! Many rows in few statements, and jobs that know what became of each.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering};

use recourse_domain::access::{Act, Role, permit};
use recourse_domain::catalog::{FailureCode, Stored};
use recourse_domain::ids::{CommandId, OrgId};
use recourse_domain::imports::{ImportMode, ImportOutcome};
use recourse_repository::{FORGOTTEN_AT_ONCE, ImportJob, ImportRow, RecordWrite, Store, StoreError};

use super::fixture::{actor, all, change, created, failure_code, id, keeper, minute, note};
use super::on_both_stores;

fn write(code: &str, name: &str, before: Option<Stored<FailureCode>>) -> RecordWrite<FailureCode> {
    let verb = if before.is_none() { "create" } else { "update" };
    let note = note(verb, &format!("failureCodes/{code}"), "failureCodes", minute(5));
    let id = before.as_ref().map_or_else(id, |before| before.id);
    RecordWrite { id, before, record: failure_code(code, name), note }
}

async fn read(store: &Store, code: &str) -> Stored<FailureCode> {
    store.record(&all(), code).await.unwrap().unwrap()
}

async fn begin(store: &Store, user: u128, name: &str, mode: ImportMode, at: i64) -> ImportJob {
    let permit = &permit(&actor(user, OrgId::OEM, &[Role::Admin]), Act::WriteMasterData).unwrap();
    store
        .run(|tx| Box::pin(async move { tx.begin_import(permit, id(), "failureCodes", name, mode, minute(at)).await }))
        .await
        .unwrap()
}

fn row(number: i64, outcome: ImportOutcome) -> ImportRow {
    let refused = outcome == ImportOutcome::Refused;
    ImportRow {
        number,
        hash: vec![7; 32],
        outcome,
        name: format!("failureCodes/F-{number}"),
        version: (!refused).then_some(1),
        command: CommandId(id()),
        send: 1,
        detail: refused.then(|| "{\"why\": \"沒有\"}".to_owned()),
    }
}

on_both_stores! {
    async fn many_records_are_written_each_with_its_change_row(store) {
        let old = created(&store, "F-0", minute(0)).await;
        let old = &old;
        let versions = store.run(|tx| Box::pin(async move {
            let writes = (0..777).map(|number| {
                let before = (number == 0).then(|| old.clone());
                write(&format!("F-{number}"), "new", before)
            });
            tx.write_records(&keeper(), writes.collect()).await
        })).await.unwrap();
        assert_eq!((versions.len(), versions[0], versions[776]), (777, 2, 1));
        for code in ["F-0", "F-1", "F-250", "F-776"] {
            let now = read(&store, code).await;
            assert_eq!((now.value.display_name.as_str(), now.retire_time), ("new", None), "{code}");
            assert_eq!(store.verify_chain(now.id, &now.head_hash).await, Ok(None), "{code}");
        }
        let now = read(&store, "F-0").await;
        assert_eq!((now.id, now.create_time, now.version), (old.id, old.create_time, 2));
        assert!(now.update_time > now.create_time);
        assert_eq!(store.number("SELECT COUNT(*) AS n FROM change").await, 778);
        assert_eq!(store.number("SELECT COUNT(*) AS n FROM change_pending").await, 778);
        let codes = BTreeSet::from(["F-5", "F-6", "F-NONE"]);
        let codes = &codes;
        let found = store.read(|tx| Box::pin(async move { tx.records_of::<FailureCode>(&all(), codes).await })).await.unwrap();
        assert_eq!(found.len(), 2);
    }

    async fn a_record_that_was_changed_meanwhile_runs_the_unit_again(store) {
        let read_early = created(&store, "F-1", minute(0)).await;
        change(&store, &read_early, failure_code("F-1", "theirs"), minute(1)).await.unwrap();
        let (attempts, read_early, now) = (&AtomicU32::new(0), &read_early, &read(&store, "F-1").await);
        store.run(|tx| Box::pin(async move {
            let before = if attempts.fetch_add(1, Ordering::Relaxed) == 0 { read_early } else { now };
            let writes = vec![write("F-1", "mine", Some(before.clone())), write("F-2", "new", None)];
            tx.write_records(&keeper(), writes).await
        })).await.unwrap();
        assert_eq!(attempts.load(Ordering::Relaxed), 2);
        assert_eq!((read(&store, "F-1").await.version, store.number("SELECT COUNT(*) AS n FROM change").await), (3, 4));
        // So does a code that somebody else has taken.
        let attempts = &AtomicU32::new(0);
        store.run(|tx| Box::pin(async move {
            let code = if attempts.fetch_add(1, Ordering::Relaxed) == 0 { "F-2" } else { "F-3" };
            tx.write_records(&keeper(), vec![write(code, "new", None)]).await
        })).await.unwrap();
        assert_eq!(attempts.load(Ordering::Relaxed), 2);
    }

    async fn a_job_is_one_persons_and_counts_its_sendings(store) {
        let first = begin(&store, 1, "stock", ImportMode::Upsert, 0).await;
        assert_eq!((first.send, first.mode.as_str()), (1, "UPSERT"));
        let again = begin(&store, 1, "stock", ImportMode::CreateOnly, 1).await;
        assert_eq!((again.id, again.send, again.mode.as_str()), (first.id, 2, "UPSERT"), "the mode is that of the beginning");
        assert_ne!(begin(&store, 2, "stock", ImportMode::Upsert, 1).await.id, first.id);
        assert_ne!(begin(&store, 1, "Stock", ImportMode::Upsert, 1).await.id, first.id);
    }

    async fn what_became_of_rows_is_kept_and_a_refusal_written_over(store) {
        let job = begin(&store, 1, "stock", ImportMode::Upsert, 0).await.id;
        let rows: Vec<ImportRow> = (1..=5).map(|number| row(number, ImportOutcome::Refused)).collect();
        let note = |rows: Vec<ImportRow>| {
            let store = &store.store;
            async move {
                let rows = &rows;
                store.run(|tx| Box::pin(async move {
                    tx.hold_import(job, minute(1)).await?;
                    tx.write_import_rows(job, rows.clone()).await
                })).await
            }
        };
        note(rows.clone()).await.unwrap();
        assert_eq!(store.import_results(job, 2, 4).await.unwrap(), rows[1..4]);
        let mended = row(3, ImportOutcome::Created);
        note(vec![mended.clone()]).await.unwrap();
        assert_eq!(store.import_results(job, 3, 3).await.unwrap(), [mended]);
    }

    async fn jobs_of_long_ago_are_forgotten_with_their_rows(store) {
        let old = begin(&store, 1, "old", ImportMode::Upsert, 0).await.id;
        let new = begin(&store, 1, "new", ImportMode::Upsert, 9).await.id;
        for job in [old, new] {
            store.run(|tx| Box::pin(async move { tx.write_import_rows(job, vec![row(1, ImportOutcome::Created)]).await })).await.unwrap();
        }
        assert_eq!(store.forget_imports(minute(5)).await, Ok(2), "the row and the job");
        assert_eq!(store.forget_imports(minute(5)).await, Ok(0));
        assert_eq!((store.import_results(old, 1, 9).await.unwrap().len(), store.import_results(new, 1, 9).await.unwrap().len()), (0, 1));
        let held = store.run(|tx| Box::pin(async move { tx.hold_import(old, minute(6)).await })).await;
        assert_eq!(held, Err(StoreError::Stale));
        assert_eq!(begin(&store, 1, "old", ImportMode::CreateOnly, 6).await.send, 1, "the name is free again");
    }

    async fn a_large_job_is_forgotten_piece_by_piece_and_nobody_goes_on_with_what_is_left(store) {
        let job = begin(&store, 1, "fleet", ImportMode::Upsert, 0).await.id;
        let pieces = i64::from(FORGOTTEN_AT_ONCE);
        let rows: Vec<ImportRow> = (1..=2 * pieces + 7).map(|number| row(number, ImportOutcome::Created)).collect();
        let rows = &rows;
        store.run(|tx| Box::pin(async move { tx.write_import_rows(job, rows.clone()).await })).await.unwrap();
        let left = async || store.number("SELECT COUNT(*) AS n FROM import_row").await;
        assert_eq!(store.forget_imports(minute(5)).await, Ok(u64::from(FORGOTTEN_AT_ONCE)));
        assert_eq!(left().await, pieces + 7, "a bounded piece");
        // Sent again meanwhile, the job begins anew: it knows only some of its rows.
        let again = begin(&store, 1, "fleet", ImportMode::Upsert, 6).await;
        assert!(again.id != job && again.send == 1);
        let held = store.run(|tx| Box::pin(async move { tx.hold_import(job, minute(6)).await })).await;
        assert_eq!(held, Err(StoreError::Stale));
        assert_eq!(store.forget_imports(minute(5)).await, Ok(u64::from(FORGOTTEN_AT_ONCE)));
        assert_eq!(store.forget_imports(minute(5)).await, Ok(8), "the last rows, and the job");
        assert_eq!((store.forget_imports(minute(5)).await, left().await), (Ok(0), 0));
    }
}
