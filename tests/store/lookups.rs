//! Records of several kinds in one statement: the same as each by itself.

use std::collections::BTreeSet;

use recourse_domain::catalog::{FailureCode, Record, Setting, Station, Stored, Supplier};
use recourse_domain::ids::ClaimId;

use super::fixture::{TestStore, all, created, day, id, keeper, minute, note, retire};
use super::on_both_stores;

fn codes(of: &[&str]) -> BTreeSet<String> {
    of.iter().map(|code| (*code).to_owned()).collect()
}

fn names<R: Record>(found: &[Stored<R>]) -> Vec<&str> {
    found.iter().map(|stored| stored.value.code()).collect()
}

async fn with_setting(store: &TestStore) {
    let setting =
        Setting { code: super::fixture::code("DEFAULT"), valid_from: day("2026-01-01"), ..Setting::default() };
    let setting = &setting;
    let done = store.run(|tx| {
        Box::pin(async move {
            tx.insert_record(
                &keeper(),
                id(),
                setting.clone(),
                note("create", "settings/DEFAULT", "settings", minute(0)),
            )
            .await
        })
    });
    done.await.unwrap();
}

on_both_stores! {
    async fn several_kinds_are_read_at_once(store) {
        let first = created(&store, "F-1", minute(0)).await;
        created(&store, "F-2", minute(0)).await;
        let retired = retire(&store, &created(&store, "F-3", minute(0)).await, minute(1)).await;
        with_setting(&store).await;
        let (scope, wanted, none, retired) = (&all(), &codes(&["F-9", "F-3", "F-2", "F-1"]), &codes(&[]), &retired);
        store.run(|tx| Box::pin(async move {
            let mut found = tx.gather(scope).every::<Setting>().by_id::<Station>(id()).with::<FailureCode>("code", wanted).read().await?;
            let (records, settings) = (found.take::<FailureCode>()?, found.take::<Setting>()?);
            assert_eq!(names(&records), ["F-1", "F-2"], "in order, and not what is retired");
            assert_eq!(records, tx.active_records::<FailureCode>(scope, wanted).await?, "each as by itself");
            assert_eq!(settings, tx.every_record::<Setting>(scope).await?);
            assert!(found.take::<Station>()?.is_empty() && found.take::<Supplier>()?.is_empty(), "nothing is found, or wanted");
            assert!(found.take::<FailureCode>()?.is_empty(), "what is taken is gone");
            let mut found = tx.gather(scope).one::<FailureCode>(Some("F-3")).read().await?;
            assert_eq!(found.take::<FailureCode>()?, std::slice::from_ref(retired), "one is read though it is retired");
            let mut found = tx.gather(scope).by_id::<FailureCode>(first.id).with::<Setting>("code", none).read().await?;
            assert_eq!((found.take::<FailureCode>()?.len(), found.take::<Setting>()?.len()), (1, 0));
            let mut found = tx.gather(scope).with::<Setting>("code", none).one::<FailureCode>(None).read().await?;
            assert!(found.take::<Setting>()?.is_empty(), "of nothing, nothing");
            Ok::<_, recourse_repository::StoreError>(())
        })).await.unwrap();
    }

    async fn what_hangs_on_a_claim_comes_with_it(store) {
        let (scope, claim) = (&all(), ClaimId(id()));
        let (named, causal) = (&codes(&["SUP-1"]), &codes(&["P-1", "P-2"]));
        store.run(|tx| Box::pin(async move {
            let lookup = tx.gather(scope).recoveries_of(claim).appraisals_of(claim).suppliers(named, causal, causal);
            let mut found = lookup.read().await?;
            assert!(found.recoveries()?.is_empty() && found.appraisals()?.is_empty() && found.take::<Supplier>()?.is_empty());
            Ok::<_, recourse_repository::StoreError>(())
        })).await.unwrap();
    }
}
