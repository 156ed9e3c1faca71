//! Users, sessions and refresh tokens.

use chrono::Duration;
use recourse_domain::access::{Act, OrgKind, Permit, Role, RowScope, permit};
use recourse_domain::identity::{Membership, Person, Session, User};
use recourse_domain::ids::{OrgId, SessionId, UserId};
use recourse_domain::query::order::Order;
use recourse_domain::query::page::ListQuery;

use super::harness::{actor, admin, all, id, minute, note, org, scope, stores};
use crate::{RefreshUse, Store, StoreError};

fn user(name: &str, station: OrgId) -> User {
    User {
        id: UserId(id()),
        user_name: name.to_owned(),
        memberships: vec![Membership {
            org: station,
            org_name: "stations/S-001".to_owned(),
            org_kind: OrgKind::Station,
            roles: vec![Role::Station],
            rights: Vec::new(),
            duties: Vec::new(),
            approval_level: 0,
        }],
        disabled: false,
        erased: false,
    }
}

fn manager() -> Permit {
    permit(&admin(), Act::ManageAccounts { org: org(100) }).unwrap()
}

async fn insert(store: &Store, user: &User) -> Result<i64, StoreError> {
    let person = &Person { display_name: "王".to_owned(), email: "w@example.com".to_owned(), phone: "1".to_owned() };
    store
        .run(|tx| {
            Box::pin(async move {
                let note = note("create", "users/x", "users", minute(0));
                Ok(tx.insert_user(&manager(), user.clone(), person, "hash", note).await?.version)
            })
        })
        .await
}

#[tokio::test]
async fn a_user_signs_in_by_a_name_that_is_given_once() {
    for store in stores().await {
        let wang = user("wang", org(100));
        assert_eq!(insert(&store, &wang).await, Ok(1));
        let what = "user_account(user_name)".to_owned();
        assert_eq!(insert(&store, &user("wang", org(101))).await, Err(StoreError::AlreadyExists { what }));
        assert_eq!(store.sign_in_user("wang").await.unwrap(), Some((wang.clone(), "hash".to_owned())));
        assert_eq!(store.sign_in_user("li").await.unwrap(), None);
        let own = |number| scope(&actor(8, org(number), &[Role::Station]), Role::Station, RowScope::OwnOrganization);
        assert!(store.user(&own(100), wang.id.0).await.unwrap().is_some());
        assert!(store.user(&own(101), wang.id.0).await.unwrap().is_none());
        let query =
            ListQuery { filter: None, order: Order::newest_first(), page_size: 5, after: None, show_deleted: false };
        assert_eq!(store.users(&own(100), &query).await.unwrap().items.len(), 1);
        assert!(store.users(&own(101), &query).await.unwrap().items.is_empty());
        // The trail knows nothing of the person.
        let trail = store.events(wang.id.0, 0, 5).await.unwrap();
        assert!(trail.iter().all(|change| !change.snapshot.contains('王') && !change.snapshot.contains("hash")));
    }
}

#[tokio::test]
async fn personal_data_is_erased_while_the_trail_stays() {
    for store in stores().await {
        let wang = user("wang", org(100));
        insert(&store, &wang).await.unwrap();
        let (before, _) = store.user(&all(), wang.id.0).await.unwrap().unwrap();
        let erased = User { disabled: true, erased: true, user_name: format!("erased-{}", wang.id), ..wang.clone() };
        let (before, erased) = (&before, &erased);
        store
            .run(|tx| {
                Box::pin(async move {
                    let note = note("delete", "users/x", "users", minute(1));
                    tx.update_user(&manager(), before, erased.clone(), &Person::default(), None, note).await
                })
            })
            .await
            .unwrap();
        let (after, person) = store.user(&all(), wang.id.0).await.unwrap().unwrap();
        assert_eq!((person, after.version), (Person::default(), 2));
        assert_eq!(store.verify_chain(after.id, &after.head_hash).await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_refresh_token_is_good_once_and_a_copy_ends_the_session() {
    for store in stores().await {
        let session = Session {
            id: SessionId(id()),
            user: UserId(id()),
            org: org(100),
            device: "tablet".to_owned(),
            create_time: minute(0),
            last_used_time: minute(0),
            revoke_time: None,
        };
        let session = &session;
        store.run(|tx| Box::pin(async move { tx.open_session(session, b"r1", minute(100)).await })).await.unwrap();
        let refresh = async |shown: &'static [u8], next: &'static [u8], at: i64| {
            store
                .run(|tx| {
                    Box::pin(async move {
                        let (grace, lifetime) = (Duration::seconds(10), Duration::minutes(100));
                        tx.use_refresh(shown, next, minute(at), grace, lifetime, id()).await
                    })
                })
                .await
                .unwrap()
        };
        assert!(matches!(refresh(b"r1", b"r2", 1).await, RefreshUse::Rotated(_)));
        assert!(matches!(refresh(b"r1", b"r2b", 1).await, RefreshUse::Retried(_)));
        assert!(matches!(refresh(b"r2", b"r3", 2).await, RefreshUse::Rotated(_)));
        assert_eq!(refresh(b"rX", b"rY", 2).await, RefreshUse::Unknown);
        assert!(store.session_is_open(session.id).await.unwrap());
        assert_eq!(refresh(b"r1", b"r4", 3).await, RefreshUse::Reused);
        assert!(!store.session_is_open(session.id).await.unwrap());
        assert_eq!(refresh(b"r3", b"r5", 3).await, RefreshUse::Unknown);
        let revoked = store.revoked_since(minute(3)).await.unwrap();
        assert_eq!(revoked.len(), 1);
        assert_eq!(revoked[0].0, session.id.0);
    }
}
