//! Users, sessions, refresh tokens and revocations.

use chrono::Duration;
use recourse_domain::access::{Act, OrgKind, Permit, Role, RowScope, Scope, permit};
use recourse_domain::identity::{ApiClient, Membership, OutsideIdentity, Person, Session, User};
use recourse_domain::ids::{OrgId, SessionId, UserId};
use recourse_domain::query::order::Order;
use recourse_repository::{RefreshUse, Store, StoreError};

use super::fixture::{actor, admin, all, id, listing, minute, note, org, scope};
use super::on_both_stores;

fn member(station: OrgId) -> Membership {
    Membership {
        org: station,
        org_name: "stations/S-001".to_owned(),
        org_kind: OrgKind::Station,
        roles: vec![Role::Station],
        rights: Vec::new(),
        duties: Vec::new(),
        approval_level: 0,
    }
}

fn user(name: &str, stations: &[u128]) -> User {
    User {
        id: UserId(id()),
        user_name: name.to_owned(),
        memberships: stations.iter().map(|station| member(org(*station))).collect(),
        disabled: false,
        erased: false,
    }
}

fn person() -> Person {
    let outside = vec![OutsideIdentity { issuer: "https://login.example.com".to_owned(), subject: "s-1".to_owned() }];
    Person {
        display_name: "王".to_owned(),
        email: "w@example.com".to_owned(),
        phone: "139".to_owned(),
        external_ref: "HR-7".to_owned(),
        outside,
    }
}

fn manager() -> Permit {
    permit(&admin(), Act::ManageAccounts { org: org(100) }).unwrap()
}

fn of_org(number: u128) -> Scope {
    scope(&actor(8, org(number), &[Role::Station]), Role::Station, RowScope::OwnOrganization)
}

async fn insert(store: &Store, user: &User) -> Result<i64, StoreError> {
    store
        .run(|tx| {
            Box::pin(async move {
                let note = note("create", &format!("users/{}", user.id), "users", minute(0));
                Ok(tx.insert_user(&manager(), user.clone(), &person(), "argon", note).await?.version)
            })
        })
        .await
}

async fn update(store: &Store, user: &User, person: &Person) {
    let (before, _) = store.user(&all(), user.id.0).await.unwrap().unwrap();
    let before = &before;
    store
        .run(|tx| {
            Box::pin(async move {
                let note = note("update", &format!("users/{}", user.id), "users", minute(1));
                tx.update_user(&manager(), before, user.clone(), person, None, note).await
            })
        })
        .await
        .unwrap();
}

fn session(user: UserId) -> Session {
    let begun = chrono::DateTime::from_timestamp_micros(minute(0).timestamp_micros()).unwrap();
    Session {
        id: SessionId(id()),
        user,
        org: org(100),
        device: "tablet".to_owned(),
        create_time: begun,
        last_used_time: begun,
        revoke_time: None,
    }
}

async fn open(store: &Store, session: &Session, token: &[u8]) {
    store.run(|tx| Box::pin(async move { tx.open_session(session, token, minute(100)).await })).await.unwrap();
}

async fn refresh(store: &Store, shown: &[u8], next: &[u8], at: i64) -> RefreshUse {
    store
        .run(|tx| {
            Box::pin(async move {
                let (grace, lifetime) = (Duration::seconds(10), Duration::minutes(100));
                tx.use_refresh(shown, next, minute(at), grace, lifetime, id()).await
            })
        })
        .await
        .unwrap()
}

on_both_stores! {
    async fn a_user_signs_in_by_a_name_that_is_given_once(store) {
        let wang = user("wang", &[100]);
        assert_eq!(store.has_users().await, Ok(false));
        assert_eq!(insert(&store, &wang).await, Ok(1));
        let refused = StoreError::AlreadyExists { what: "user_account(user_name)".to_owned() };
        assert_eq!(insert(&store, &user("wang", &[101])).await, Err(refused));
        assert_eq!(store.sign_in_user("wang").await, Ok(Some((wang.clone(), "argon".to_owned()))));
        assert_eq!(store.sign_in_user("li").await, Ok(None));
        assert_eq!(store.user_of_token(wang.id).await, Ok(Some(wang)));
        assert_eq!(store.has_users().await, Ok(true));
    }

    async fn users_are_reached_by_the_organisations_they_act_for(store) {
        let mut wang = user("wang", &[100, 101]);
        insert(&store, &wang).await.unwrap();
        let reached = async |number| {
            let listed = store.users(&of_org(number), &listing(Order::newest_first())).await.unwrap().items.len();
            let read = store.user(&of_org(number), wang.id.0).await.unwrap();
            assert_eq!(read.is_some(), listed == 1);
            listed == 1
        };
        assert_eq!((reached(100).await, reached(101).await, reached(102).await), (true, true, false));
        wang.memberships = vec![member(org(102))];
        update(&store, &wang, &person()).await;
        assert!(store.user(&of_org(100), wang.id.0).await.unwrap().is_none());
        assert!(store.user(&of_org(102), wang.id.0).await.unwrap().is_some());
    }

    async fn personal_data_is_erased_while_the_trail_stays(store) {
        let wang = user("wang", &[100]);
        insert(&store, &wang).await.unwrap();
        assert_eq!(store.user(&all(), wang.id.0).await.unwrap().map(|(_, person)| person), Some(person()));
        let erased = User { disabled: true, erased: true, user_name: format!("erased-{}", wang.id), ..wang.clone() };
        update(&store, &erased, &Person::default()).await;
        let (stored, person) = store.user(&all(), wang.id.0).await.unwrap().unwrap();
        assert_eq!((stored.value, person, stored.version), (erased, Person::default(), 2));
        assert_eq!(store.verify_chain(wang.id.0, &stored.head_hash).await, Ok(None));
        let trail = store.events(wang.id.0, 0, 5).await.unwrap();
        assert_eq!(trail.len(), 2);
        for secret in ["王", "w@example.com", "139", "s-1", "argon"] {
            assert!(trail.iter().all(|change| !change.snapshot.contains(secret)), "{secret}");
        }
    }

    async fn a_refresh_token_is_good_once(store) {
        let session = session(UserId(id()));
        open(&store, &session, b"r1").await;
        assert!(matches!(refresh(&store, b"r1", b"r2", 1).await, RefreshUse::Rotated(found) if found.id == session.id));
        assert!(matches!(refresh(&store, b"r2", b"r3", 2).await, RefreshUse::Rotated(_)));
        assert_eq!(refresh(&store, b"unknown", b"r4", 2).await, RefreshUse::Unknown);
        assert_eq!(refresh(&store, b"r3", b"r5", 500).await, RefreshUse::Unknown, "expired");
    }

    async fn two_who_go_on_from_one_token_do_not_both_go_on_for_ever(store) {
        let session = session(UserId(id()));
        open(&store, &session, b"r1").await;
        assert!(matches!(refresh(&store, b"r1", b"owner", 1).await, RefreshUse::Rotated(_)));
        assert!(matches!(refresh(&store, b"r1", b"thief", 1).await, RefreshUse::Retried(_)));
        assert!(matches!(refresh(&store, b"thief", b"thief2", 3).await, RefreshUse::Rotated(_)));
        assert_eq!(refresh(&store, b"owner", b"owner2", 4).await, RefreshUse::Reused);
        assert_eq!(store.session_is_open(session.id).await, Ok(false));
    }

    async fn a_quick_repeat_is_a_retry_and_a_late_one_ends_the_session(store) {
        let session = session(UserId(id()));
        open(&store, &session, b"r1").await;
        assert!(matches!(refresh(&store, b"r1", b"r2", 1).await, RefreshUse::Rotated(_)));
        assert!(matches!(refresh(&store, b"r1", b"r2b", 1).await, RefreshUse::Retried(_)));
        assert_eq!(store.session_is_open(session.id).await, Ok(true));
        assert_eq!(refresh(&store, b"r1", b"r3", 3).await, RefreshUse::Reused);
        assert_eq!(store.session_is_open(session.id).await, Ok(false));
        assert_eq!(refresh(&store, b"r2", b"r4", 3).await, RefreshUse::Unknown);
        let revoked = store.revoked_since(minute(2)).await.unwrap();
        assert_eq!(revoked.iter().map(|(subject, _)| *subject).collect::<Vec<_>>(), [session.id.0]);
    }

    async fn of_many_uses_of_one_token_one_rotates_it(store) {
        let session = session(UserId(id()));
        open(&store, &session, b"r1").await;
        let tokens: Vec<Vec<u8>> = (0_u8..16).map(|number| vec![b'n', number]).collect();
        let ended = futures::future::join_all(tokens.iter().map(|next| refresh(&store, b"r1", next, 1))).await;
        assert_eq!(ended.iter().filter(|used| matches!(used, RefreshUse::Rotated(_))).count(), 1);
        assert_eq!(ended.iter().filter(|used| matches!(used, RefreshUse::Retried(_))).count(), 15);
    }

    async fn sessions_are_ended_one_or_all(store) {
        let owner = UserId(id());
        let sessions = [session(owner), session(owner), session(owner), session(UserId(id()))];
        for (number, session) in (0_u8..).zip(&sessions) {
            open(&store, session, &[number]).await;
        }
        let (first, second, foreign) = (sessions[0].id, sessions[1].id, sessions[3].id);
        let end = async |session| {
            store
                .run(|tx| Box::pin(async move { tx.end_own_session(owner, session, minute(1), id()).await }))
                .await
                .unwrap()
        };
        assert_eq!((end(foreign).await, end(first).await, end(first).await), (false, true, false));
        store
            .run(|tx| Box::pin(async move { tx.end_sessions_of(owner, Some(second), minute(2), &id).await }))
            .await
            .unwrap();
        let open = store.sessions(owner, &listing(Order::newest_first())).await.unwrap().items;
        assert_eq!(open.iter().map(|session| session.id).collect::<Vec<_>>(), [second]);
        assert_eq!(store.session_is_open(foreign).await, Ok(true));
        assert_eq!(store.revoked_since(minute(0)).await.unwrap().len(), 2);
    }

    async fn an_api_client_keeps_its_secret_out_of_the_trail(store) {
        let client = ApiClient {
            id: UserId(id()),
            display_name: "DMS".to_owned(),
            membership: member(org(100)),
            consenting: vec![(org(101), "stations/S-002".to_owned())],
            revoked: false,
            public_keys: String::new(),
            external_ref: "DMS-1".to_owned(),
        };
        let made = &client;
        let stored = store
            .run(|tx| {
                Box::pin(async move {
                    let note = note("create", &format!("apiClients/{}", made.id), "apiClients", minute(0));
                    tx.insert_client(&manager(), made.clone(), b"secret", note).await
                })
            })
            .await
            .unwrap();
        assert_eq!(store.client_of_token(client.id).await, Ok(Some((client.clone(), b"secret".to_vec()))));
        assert_eq!(store.client(&of_org(100), client.id.0).await, Ok(Some(stored.clone())));
        assert_eq!(store.client(&of_org(102), client.id.0).await, Ok(None));
        let (before, revoked) = (&stored, &ApiClient { revoked: true, ..client.clone() });
        store
            .run(|tx| {
                Box::pin(async move {
                    let note = note("delete", &format!("apiClients/{}", revoked.id), "apiClients", minute(1));
                    tx.update_client(&manager(), before, revoked.clone(), Some(b"none"), note).await
                })
            })
            .await
            .unwrap();
        assert_eq!(store.client_of_token(client.id).await, Ok(Some((revoked.clone(), b"none".to_vec()))));
        assert_eq!(store.verify_history().await.unwrap().faults, Vec::<String>::new());
    }
}
