//! Keys of commands, leases, secrets and page tokens.

use recourse_domain::ids::UserId;
use tokio::sync::Notify;
use uuid::Uuid;

use super::harness::{id, insert_code, minute, stores};
use crate::{Seen, Store, StoreError};

const USER: UserId = UserId(Uuid::from_u128(5));

async fn command(store: &Store, key: Uuid, body: &[u8]) -> Result<Seen, StoreError> {
    store
        .run(|tx| {
            Box::pin(async move {
                let seen = tx.claim_request(USER, "claims.Create", key, body, minute(0)).await?;
                if seen == Seen::New {
                    tx.finish_request(USER, "claims.Create", key, "claims/1").await?;
                }
                Ok(seen)
            })
        })
        .await
}

#[tokio::test]
async fn a_key_does_its_command_once() {
    for store in stores().await {
        let key = id();
        let before = |same_body| Seen::Before { resource: "claims/1".to_owned(), same_body };
        assert_eq!(command(&store, key, b"body").await, Ok(Seen::New));
        assert_eq!(command(&store, key, b"body").await, Ok(before(true)));
        assert_eq!(command(&store, key, b"other").await, Ok(before(false)));
        assert_eq!(command(&store, id(), b"body").await, Ok(Seen::New));
        // A refused command leaves no record.
        let refused = id();
        let outcome: Result<(), StoreError> = store
            .run(|tx| {
                Box::pin(async move {
                    tx.claim_request(USER, "claims.Create", refused, b"body", minute(0)).await?;
                    Err(StoreError::Stale)
                })
            })
            .await;
        assert_eq!(outcome, Err(StoreError::Stale));
        assert_eq!(command(&store, refused, b"body").await, Ok(Seen::New));
        assert_eq!(store.forget_requests(minute(1)).await, Ok(3));
        assert_eq!(command(&store, key, b"body").await, Ok(Seen::New));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_repeats_at_once_have_one_effect() {
    for store in stores().await {
        let key = id();
        let store = &store.store;
        let ended = futures::future::join_all((0..32).map(|_| command(store, key, b"body"))).await;
        let new = ended.iter().filter(|seen| matches!(seen, Ok(Seen::New))).count();
        let before = ended.iter().filter(|seen| matches!(seen, Ok(Seen::Before { same_body: true, .. }))).count();
        assert_eq!((new, before), (1, 31), "{ended:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_stays_in_flight_is_told_so_and_holds_no_connection() {
    for store in stores().await {
        if !store.is_postgres() {
            // The embedded database has one writer: a second command waits its turn.
            continue;
        }
        let key = id();
        let (begun, finish) = (&Notify::new(), &Notify::new());
        let slow = store.run(|tx| {
            Box::pin(async move {
                tx.claim_request(USER, "claims.Create", key, b"body", minute(0)).await?;
                begun.notify_one();
                finish.notified().await;
                tx.finish_request(USER, "claims.Create", key, "claims/1").await
            })
        });
        let others = async {
            begun.notified().await;
            // More of them than there are connections, and still others get their work done.
            let repeats = futures::future::join_all((0..16).map(|_| command(&store, key, b"body")));
            let work = insert_code(&store, "F-1", minute(0));
            let (repeats, _) = tokio::join!(repeats, work);
            finish.notify_one();
            repeats
        };
        let (slow, repeats) = tokio::join!(slow, others);
        slow.unwrap();
        assert!(repeats.iter().all(|seen| matches!(seen, Err(StoreError::InFlight))), "{repeats:?}");
        assert!(matches!(command(&store, key, b"body").await, Ok(Seen::Before { same_body: true, .. })));
    }
}

#[tokio::test]
async fn a_lease_has_one_holder_at_a_time() {
    for store in stores().await {
        let (one, two) = (id(), id());
        assert_eq!(store.hold_lease("feed", one, minute(0), 60).await, Ok(true));
        assert_eq!(store.hold_lease("feed", two, minute(0), 60).await, Ok(false));
        assert_eq!(store.hold_lease("feed", one, minute(1), 60).await, Ok(true));
        assert_eq!(store.hold_lease("feed", two, minute(3), 60).await, Ok(true));
        assert_eq!(store.hold_lease("feed", one, minute(3), 60).await, Ok(false));
        assert_eq!(store.hold_lease("mail", one, minute(3), 60).await, Ok(true));
        store.release_lease("feed", one).await.unwrap();
        assert_eq!(store.hold_lease("feed", one, minute(3), 60).await, Ok(false), "it was not one's to give back");
        store.release_lease("feed", two).await.unwrap();
        assert_eq!(store.hold_lease("feed", one, minute(3), 60).await, Ok(true));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_that_start_at_once_share_their_secrets() {
    for store in stores().await {
        let other = store.another().await;
        let (one, two) = tokio::join!(
            store.secret("page-token", vec![1; 32], minute(0)),
            other.secret("page-token", vec![2; 32], minute(0))
        );
        assert_eq!(one, two);
        let (one, two) = tokio::join!(
            store.add_first_signing_key("k1", &[1], minute(0)),
            other.add_first_signing_key("k2", &[2], minute(0))
        );
        one.unwrap();
        two.unwrap();
        assert_eq!(store.signing_keys().await.unwrap().len(), 1);
    }
}
