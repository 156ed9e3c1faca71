//! What was tried in vain, keys that follow one another, assertions that are used up: counted once, and
//! forgotten in time.

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use recourse_domain::attempts::{Attempts, Patience};
use recourse_repository::{Aged, KeyTimes, StoreError};

use super::fixture::{TestStore, minute};
use super::on_both_stores;

const PATIENCE: Patience =
    Patience { free: 3, first: TimeDelta::seconds(1), longest: TimeDelta::seconds(60), forget: TimeDelta::hours(1) };

/// Instants are whole microseconds in the store.
fn at(number: i64) -> DateTime<Utc> {
    minute(number).trunc_subsecs(6)
}

/// Counts one mistake under each key.
async fn count(store: &TestStore, keys: &[Vec<u8>], minute: i64) {
    let counted: Result<(), StoreError> = store
        .run(|tx| {
            Box::pin(async move {
                let found = tx.lock_attempts(keys).await?;
                let rows: Vec<_> =
                    keys.iter().cloned().zip(found.iter().map(|found| found.counted(&PATIENCE, at(minute)))).collect();
                tx.save_attempts(&rows).await
            })
        })
        .await;
    counted.unwrap();
}

fn failures(found: &[Attempts]) -> Vec<u32> {
    found.iter().map(|attempts| attempts.failures).collect()
}

on_both_stores! {
    async fn mistakes_at_once_are_all_counted(store) {
        let keys = [b"a".to_vec(), b"b".to_vec()];
        futures::future::join_all((0..12).map(|_| count(&store, &keys, 1))).await;
        count(&store, &keys[1..], 1).await;
        let asked = [b"a".to_vec(), b"b".to_vec(), b"nobody".to_vec()];
        let found = store.attempts(&asked).await.unwrap();
        assert_eq!(failures(&found), [12, 13, 0]);
        assert_eq!((found[0].last, found[2]), (at(1), Attempts::NONE));
        assert_eq!(found[0].blocked_until, at(1) + TimeDelta::seconds(60));
    }

    async fn mistakes_are_forgotten_by_age_and_beyond_a_bound(store) {
        for number in 0_u8..6 {
            count(&store, &[vec![number]], i64::from(number)).await;
        }
        let forget = async |before, keep| {
            let forgotten: Result<u64, StoreError> =
                store.run(|tx| Box::pin(async move { tx.forget_attempts(at(before), keep).await })).await;
            forgotten.unwrap()
        };
        assert_eq!(forget(2, 100).await, 2);
        assert_eq!(forget(0, 100).await, 0);
        assert_eq!(forget(0, 3).await, 1, "the oldest goes");
        let asked: Vec<Vec<u8>> = (0_u8..6).map(|number| vec![number]).collect();
        assert_eq!(failures(&store.attempts(&asked).await.unwrap()), [0, 0, 0, 1, 1, 1]);
    }

    async fn one_key_waits_at_a_time_and_ended_ones_are_deleted(store) {
        let key = |kid: &str, begins: i64| KeyTimes { kid: kid.to_owned(), activate_time: at(begins), verify_until: None };
        store.add_first_signing_key("first", b"1", at(0)).await.unwrap();
        assert_eq!(store.signing_key_times().await, Ok(vec![key("first", 0)]));
        let next = store.add_next_signing_key(&key("second", 10), b"2", at(30), at(5)).await.unwrap();
        let again = store.add_next_signing_key(&key("third", 20), b"3", at(40), at(6)).await.unwrap();
        assert_eq!((next.kid.as_str(), again.kid.as_str()), ("second", "second"));
        let retired = KeyTimes { verify_until: Some(at(30)), ..key("first", 0) };
        assert_eq!(store.signing_key_times().await, Ok(vec![key("second", 10), retired]));
        store.add_next_signing_key(&key("third", 20), b"3", at(40), at(11)).await.unwrap();
        store.end_older_signing_keys("third", at(12)).await.unwrap();
        let states: Vec<_> = store.signing_keys().await.unwrap().into_iter().map(|(times, _)| times.verify_until).collect();
        assert_eq!(states, [None, Some(at(12)), Some(at(12))]);
        let forgotten: Result<u64, StoreError> =
            store.run(|tx| Box::pin(async move { tx.forget_signing_keys(at(13)).await })).await;
        assert_eq!((forgotten, store.signing_key_times().await), (Ok(2), Ok(vec![key("third", 20)])));
    }

    async fn an_assertion_is_used_once(store) {
        let use_up = async |hash: &'static [u8], until| {
            let first: Result<bool, StoreError> =
                store.run(|tx| Box::pin(async move { tx.use_assertion(hash, at(until)).await })).await;
            first.unwrap()
        };
        assert_eq!((use_up(b"x", 5).await, use_up(b"x", 5).await, use_up(b"y", 9).await), (true, false, true));
        assert_eq!(store.forget(Aged::Assertions, at(6)).await, Ok(1));
        assert!(!use_up(b"y", 9).await);
    }
}
