//! What has aged is forgotten, a bounded piece at a time; and of every table it is said what bounds it.

use std::collections::BTreeSet;
use std::path::Path;

use chrono::{DateTime, Duration, Utc};
use recourse_domain::identity::Session;
use recourse_domain::ids::{SessionId, UserId};
use recourse_repository::{Aged, DenialRow, FORGOTTEN_AT_ONCE, Store, StoreError};

use super::fixture::{id, minute, org};
use super::on_both_stores;

async fn signed_in(store: &Store, used: DateTime<Utc>, refresh_ends: Option<DateTime<Utc>>) -> SessionId {
    let session = Session {
        id: SessionId(id()),
        user: UserId(id()),
        org: org(100),
        device: "tablet".to_owned(),
        create_time: used,
        last_used_time: used,
        revoke_time: None,
    };
    let (opened, hash) = (&session, id().as_bytes().to_vec());
    let hash = &hash;
    let done: Result<(), StoreError> = store
        .run(|tx| {
            Box::pin(async move {
                match refresh_ends {
                    Some(ends) => tx.open_session(opened, hash, ends).await,
                    None => tx.session_of_device(opened).await.map(|_| ()),
                }
            })
        })
        .await;
    done.unwrap();
    session.id
}

async fn revoked(store: &Store, many: u32, at: impl Fn(u32) -> DateTime<Utc> + Send + Sync) {
    let at = &at;
    let done: Result<(), StoreError> = store
        .run(|tx| {
            Box::pin(async move {
                for number in 0..many {
                    tx.revoke(id(), at(number), id()).await?;
                }
                Ok(())
            })
        })
        .await;
    done.unwrap();
}

on_both_stores! {
    async fn rows_are_forgotten_by_their_age_a_bounded_piece_at_a_time(store) {
        let second = |number: u32| minute(0) + Duration::seconds(i64::from(number));
        revoked(&store, FORGOTTEN_AT_ONCE + 5, second).await;
        assert_eq!(store.forget(Aged::Revocations, minute(0)).await, Ok(0), "none is older");
        let late = second(FORGOTTEN_AT_ONCE + 3);
        assert_eq!(store.forget(Aged::Revocations, late).await, Ok(u64::from(FORGOTTEN_AT_ONCE)));
        assert_eq!(store.number("SELECT COUNT(*) AS n FROM revocation").await, 5, "the oldest went first");
        assert_eq!(store.forget(Aged::Revocations, late).await, Ok(3), "what is not older stays");
        assert_eq!(store.forget(Aged::Revocations, late).await, Ok(0));
        assert_eq!(store.revoked_since(minute(0)).await.unwrap().len(), 2);
    }

    async fn rows_of_one_instant_are_one_piece(store) {
        // A flood may come within a microsecond: a piece ends with an instant, and never between its rows.
        revoked(&store, FORGOTTEN_AT_ONCE + 5, |_| minute(0)).await;
        let all = u64::from(FORGOTTEN_AT_ONCE) + 5;
        assert_eq!(store.forget(Aged::Revocations, minute(1)).await, Ok(all));
    }

    async fn each_kind_of_row_is_forgotten_in_its_own_table(store) {
        for what in Aged::ALL {
            assert_eq!(store.forget(what, minute(9)).await, Ok(0), "{what:?}");
        }
        let denial = |at| DenialRow {
            id: id(), time: minute(at), actor: None, actor_org: None, rpc: "a.b/C".into(), reason: "X".into(),
            resource: None, times: 1,
        };
        store.log_denials(&[denial(1), denial(5)], 100).await.unwrap();
        assert_eq!(store.forget(Aged::Denials, minute(5)).await, Ok(1));
        signed_in(&store, minute(0), Some(minute(3))).await;
        assert_eq!((store.forget(Aged::RefreshTokens, minute(3)).await, store.forget(Aged::RefreshTokens, minute(4)).await), (Ok(0), Ok(1)));
    }

    async fn sessions_are_forgotten_once_nobody_uses_and_nobody_could_continue_them(store) {
        let of_program = signed_in(&store, minute(1), None).await;
        let of_person = signed_in(&store, minute(1), Some(minute(50))).await;
        let in_use = signed_in(&store, minute(9), None).await;
        assert_eq!(store.forget_sessions(minute(1)).await, Ok(0), "used at that instant");
        assert_eq!(store.forget_sessions(minute(5)).await, Ok(1));
        let open = async |session| store.session_is_open(session).await.unwrap();
        assert_eq!((open(of_program).await, open(of_person).await, open(in_use).await), (false, true, true));
        assert_eq!(store.forget(Aged::RefreshTokens, minute(51)).await, Ok(1));
        assert_eq!(store.forget_sessions(minute(5)).await, Ok(1));
        assert_eq!((open(of_person).await, open(in_use).await), (false, true));
        assert_eq!(store.verify_rows().await.unwrap().faults.iter().filter(|fault| fault.contains("refresh")).count(), 0);
    }

    async fn of_every_table_it_is_said_what_bounds_it(store) {
        let tables = if store.is_postgres() {
            "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = current_schema()"
        } else {
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        };
        let there: BTreeSet<String> = store.texts(tables).await.into_iter().collect();
        let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations/README.md");
        let readme = std::fs::read_to_string(readme).unwrap();
        let chapter = readme.split_once("## What grows, and what bounds it").expect("the chapter").1;
        let rows = chapter.lines().filter(|line| line.starts_with("| `"));
        let told: Vec<String> = rows
            .filter_map(|row| row.split('|').nth(1))
            .flat_map(|names| names.split(','))
            .map(|name| name.trim().trim_matches('`').to_owned())
            .collect();
        let once: BTreeSet<String> = told.iter().cloned().collect();
        assert_eq!(once.len(), told.len(), "each table once");
        assert_eq!(once, there, "every table, and no other, has a line in migrations/README.md");
    }
}
