//! Keys of commands, leases, secrets and refused attempts.

use recourse_domain::catalog::FieldKind;
use recourse_domain::ids::UserId;
use recourse_domain::query::order::Order;
use recourse_repository::{Aged, DenialRow, RequestKey, Seen, Store, StoreError};
use tokio::sync::Notify;
use uuid::Uuid;

use super::fixture::{all, created, id, listing, minute, of_station};
use super::on_both_stores;

const USER: UserId = UserId(Uuid::from_u128(5));
const RPC: &str = "recourse.v1.ClaimService.CreateClaim";

fn request(principal: UserId, id: Uuid, body: &[u8]) -> RequestKey {
    RequestKey { principal, rpc: RPC, id, body_hash: body.to_vec(), time: minute(0) }
}

async fn command_of(store: &Store, user: UserId, key: Uuid, body: &[u8]) -> Result<Seen, StoreError> {
    let key = &request(user, key, body);
    store
        .run(|tx| {
            Box::pin(async move {
                let seen = tx.claim_request(key).await?;
                if seen == Seen::New {
                    tx.finish_request(key, "claims/1").await?;
                }
                Ok(seen)
            })
        })
        .await
}

async fn command(store: &Store, key: Uuid, body: &[u8]) -> Result<Seen, StoreError> {
    command_of(store, USER, key, body).await
}

fn before(same_body: bool) -> Result<Seen, StoreError> {
    Ok(Seen::Before { resource: "claims/1".to_owned(), same_body })
}

on_both_stores! {
    async fn a_key_does_its_command_once(store) {
        let key = id();
        assert_eq!(command(&store, key, b"body").await, Ok(Seen::New));
        assert_eq!(command(&store, key, b"body").await, before(true));
        assert_eq!(command(&store, key, b"other").await, before(false));
        assert_eq!(command(&store, id(), b"body").await, Ok(Seen::New));
    }

    async fn keys_of_different_callers_are_apart(store) {
        let key = id();
        assert_eq!(command_of(&store, USER, key, b"body").await, Ok(Seen::New));
        assert_eq!(command_of(&store, UserId(Uuid::from_u128(6)), key, b"body").await, Ok(Seen::New));
    }

    async fn a_refused_command_leaves_no_record(store) {
        let key = id();
        let asked = &request(USER, key, b"body");
        let refused: Result<(), StoreError> = store
            .run(|tx| {
                Box::pin(async move {
                    tx.claim_request(asked).await?;
                    tx.finish_request(asked, "claims/1").await?;
                    Err(StoreError::Stale)
                })
            })
            .await;
        assert_eq!(refused, Err(StoreError::Stale));
        assert_eq!(command(&store, key, b"body").await, Ok(Seen::New));
    }

    async fn many_repeats_at_once_have_one_effect(store) {
        let (key, other) = (id(), store.another().await);
        let (store, other) = (&store.store, &other);
        // Half of them reach another server.
        let repeats = (0..64).map(|number| command(if number % 2 == 0 { store } else { other }, key, b"body"));
        let ended = futures::future::join_all(repeats).await;
        assert_eq!(ended.iter().filter(|seen| **seen == Ok(Seen::New)).count(), 1, "{ended:?}");
        assert_eq!(ended.iter().filter(|seen| **seen == before(true)).count(), 63, "{ended:?}");
    }

    async fn a_key_that_stays_in_flight_is_told_so_and_holds_no_connection(store) {
        if !store.is_postgres() {
            // The embedded database has one writer: a second command waits its turn.
            return;
        }
        let key = id();
        let (begun, finish) = (&Notify::new(), &Notify::new());
        let asked = &request(USER, key, b"body");
        let slow = store.run(|tx| {
            Box::pin(async move {
                tx.claim_request(asked).await?;
                // The first thing that is written claims the key.
                tx.finish_request(asked, "").await?;
                begun.notify_one();
                finish.notified().await;
                tx.finish_request(asked, "claims/1").await
            })
        });
        let others = async {
            begun.notified().await;
            // More of them than there are connections, and still others get their work done.
            let repeats = futures::future::join_all((0..16).map(|_| command(&store, key, b"body")));
            let (repeats, _) = tokio::join!(repeats, created(&store, "F-1", minute(0)));
            finish.notify_one();
            repeats
        };
        let (slow, repeats) = tokio::join!(slow, others);
        slow.unwrap();
        assert!(repeats.iter().all(|seen| *seen == Err(StoreError::InFlight)), "{repeats:?}");
        assert_eq!(command(&store, key, b"body").await, before(true));
    }

    async fn records_are_kept_for_their_time(store) {
        let key = id();
        assert_eq!(command(&store, key, b"body").await, Ok(Seen::New));
        assert_eq!(store.forget(Aged::Requests, minute(0)).await, Ok(0));
        assert_eq!(store.forget(Aged::Requests, minute(1)).await, Ok(1));
        assert_eq!(command(&store, key, b"body").await, Ok(Seen::New));
    }

    async fn a_lease_has_one_holder_at_a_time(store) {
        let (one, two) = (id(), id());
        assert_eq!(store.hold_lease("feed", one, minute(0), 60).await, Ok(true));
        assert_eq!(store.hold_lease("feed", two, minute(0), 60).await, Ok(false));
        assert_eq!(store.hold_lease("feed", one, minute(1), 60).await, Ok(true), "renewed");
        assert_eq!(store.hold_lease("feed", two, minute(3), 60).await, Ok(true), "expired");
        assert_eq!(store.hold_lease("feed", one, minute(3), 60).await, Ok(false));
        assert_eq!(store.hold_lease("mail", one, minute(3), 60).await, Ok(true));
    }

    async fn of_many_that_want_a_lease_one_gets_it(store) {
        let other = store.another().await;
        let (store, other) = (&store.store, &other);
        let wanting = (0..16).map(|number| {
            if number % 2 == 0 { store } else { other }.hold_lease("feed", Uuid::from_u128(number + 1), minute(0), 60)
        });
        let held = futures::future::join_all(wanting).await;
        assert_eq!(held.iter().filter(|held| **held == Ok(true)).count(), 1, "{held:?}");
        assert_eq!(held.iter().filter(|held| **held == Ok(false)).count(), 15, "{held:?}");
    }

    async fn servers_that_start_at_once_share_their_secrets(store) {
        let other = store.another().await;
        let (one, two) = tokio::join!(
            store.secret("page-token", vec![1; 32], minute(0)),
            other.secret("page-token", vec![2; 32], minute(0))
        );
        assert!(one.is_ok() && one == two, "{one:?} {two:?}");
        let made = tokio::join!(
            store.add_first_signing_key("k1", &[1], minute(0)),
            other.add_first_signing_key("k2", &[2], minute(0))
        );
        assert_eq!(made, (Ok(()), Ok(())));
        assert_eq!(store.signing_keys().await.unwrap().len(), 1);
    }

    async fn refused_attempts_are_noted_and_bounded(store) {
        let denial = |number| DenialRow {
            id: id(),
            time: minute(number),
            actor: Some(USER),
            actor_org: None,
            rpc: RPC.to_owned(),
            reason: "NOT_PERMITTED".to_owned(),
            resource: Some("claims/1".to_owned()),
            times: 1,
        };
        let newest = listing(Order { column: "time", kind: FieldKind::Time, descending: true });
        let noted: Vec<DenialRow> = (0..5).map(denial).collect();
        store.log_denials(&noted[..2], 3).await.unwrap();
        store.log_denials(&noted[2..], 3).await.unwrap();
        let kept: Vec<Uuid> = store.denials(&all(), &newest).await.unwrap().items.into_iter().map(|denial| denial.id).collect();
        assert_eq!(kept, [noted[4].id, noted[3].id, noted[2].id]);
        assert!(store.denials(&of_station(100), &newest).await.unwrap().items.is_empty());
    }
}
