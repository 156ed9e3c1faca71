//! Claims: what is unique, what is found, what is frozen.

use recourse_domain::claims::{Claim, Header, Revision, State};
use recourse_domain::ids::UserId;
use recourse_domain::query::order::{self, Order};
use recourse_domain::query::page::ListQuery;
use recourse_repository::{CLAIM_FIELDS, StoreError};
use uuid::Uuid;

use super::fixture::{all, code, day, draft, drafting, insert_claim, listing, minute, of_station, org, update_claim};
use super::on_both_stores;

fn taken(what: &str) -> Result<i64, StoreError> {
    Err(StoreError::AlreadyExists { what: what.to_owned() })
}

fn referred(reference: Option<&str>) -> Header {
    Header { external_ref: reference.map(str::to_owned), ..Header::default() }
}

/// A claim on a job of a repair order, as it stands once submitted.
fn submitted(station: u128, job: &str) -> Claim {
    let header = Header {
        vin: Some("LSVAU2A37N2183294".to_owned()),
        causal_part: Some(code("P-1")),
        repair_completion_date: Some(day("2026-11-10")),
        external_repair_order: Some("RO-1".to_owned()),
        external_job: Some(job.to_owned()),
        ..Header::default()
    };
    Claim { state: State::Submitted { review_due_time: None }, ..draft(org(station), 11, header) }
}

on_both_stores! {
    async fn a_claim_comes_back_as_it_was_stored(store) {
        let stored = insert_claim(&store, &submitted(100, "1"), 0).await.unwrap();
        assert_eq!(store.claim(&all(), stored.id).await, Ok(Some(stored.clone())));
        assert_eq!(store.claim_by_number(&all(), stored.value.number.as_str()).await, Ok(Some(stored.clone())));
        assert_eq!(store.claim_by_number(&of_station(101), stored.value.number.as_str()).await, Ok(None));
        let mut changed = stored.value.clone();
        changed.header.complaint_description = "噪音".to_owned();
        let after = update_claim(&store, &stored, &changed, 1).await.unwrap();
        assert_eq!((after.version, after.create_time, &after.value), (2, stored.create_time, &changed));
        assert_eq!(update_claim(&store, &stored, &changed, 2).await, Err(StoreError::Stale));
        assert_eq!(store.claim(&all(), stored.id).await, Ok(Some(after.clone())));
        assert_eq!(store.verify_chain(after.id, &after.head_hash).await, Ok(None));
    }

    async fn a_key_is_given_once(store) {
        let claim = draft(org(100), 11, Header::default());
        insert_claim(&store, &claim, 0).await.unwrap();
        assert_eq!(insert_claim(&store, &claim, 1).await.map(|stored| stored.version), taken("claim(key)"));
        let store = &store;
        let fresh = &draft(org(100), 11, Header::default());
        let ended = futures::future::join_all((0..8).map(|_| insert_claim(store, fresh, 2))).await;
        assert_eq!(ended.iter().filter(|ended| ended.is_ok()).count(), 1);
        assert!(ended.into_iter().filter(Result::is_err).all(|ended| ended.map(|s| s.version) == taken("claim(key)")));
    }

    async fn a_reference_is_unique_within_its_station(store) {
        insert_claim(&store, &draft(org(100), 11, referred(Some("DMS-1"))), 0).await.unwrap();
        insert_claim(&store, &draft(org(101), 11, referred(Some("DMS-1"))), 0).await.unwrap();
        // Claims without one never collide.
        insert_claim(&store, &draft(org(100), 11, referred(None)), 0).await.unwrap();
        insert_claim(&store, &draft(org(100), 11, referred(None)), 0).await.unwrap();
        let again = insert_claim(&store, &draft(org(100), 12, referred(Some("DMS-1"))), 1).await;
        assert_eq!(again.map(|stored| stored.version), taken("claim(station_id, external_ref)"));
        let found = store.claim_by_external_ref(&all(), org(101), "DMS-1").await.unwrap();
        assert_eq!(found.map(|stored| stored.value.station), Some(org(101)));
        assert_eq!(store.claim_by_external_ref(&of_station(100), org(101), "DMS-1").await, Ok(None));
    }

    async fn a_job_is_claimed_by_one_live_claim(store) {
        let first = insert_claim(&store, &submitted(100, "1"), 0).await.unwrap();
        insert_claim(&store, &submitted(100, "2"), 0).await.unwrap();
        insert_claim(&store, &submitted(101, "1"), 0).await.unwrap();
        let draft_of_it = Claim { state: State::Draft, ..submitted(100, "1") };
        let waiting = insert_claim(&store, &draft_of_it, 0).await.unwrap();
        let second = Claim { state: State::Submitted { review_due_time: None }, ..waiting.value.clone() };
        let refused = update_claim(&store, &waiting, &second, 1).await;
        assert_eq!(refused.map(|stored| stored.version), taken("claim(open_job_key)"));
        // Taken back, the first makes room.
        let withdrawn = State::Withdrawn {
            withdraw_time: minute(2),
            withdrawn_by: UserId(Uuid::from_u128(11)),
            reason: String::new(),
        };
        update_claim(&store, &first, &Claim { state: withdrawn, ..first.value.clone() }, 2).await.unwrap();
        assert_eq!(update_claim(&store, &waiting, &second, 3).await.map(|stored| stored.version), Ok(2));
    }

    async fn similar_claims_are_found_past_the_callers_scope(store) {
        let one = insert_claim(&store, &submitted(100, "1"), 0).await.unwrap();
        let two = insert_claim(&store, &submitted(101, "1"), 0).await.unwrap();
        insert_claim(&store, &Claim { state: State::Draft, ..submitted(102, "1") }, 0).await.unwrap();
        let not = one.value.id;
        let job_key = two.value.job_key().unwrap();
        let job_key = job_key.as_str();
        for (from, to, part, count) in [
            ("2026-11-01", "2026-11-30", "P-1", 1),
            ("2026-11-10", "2026-11-10", "P-1", 1),
            ("2026-11-11", "2026-11-30", "P-1", 0),
            ("2026-11-01", "2026-11-30", "P-2", 0),
        ] {
            let similar = store
                .run(|tx| {
                    Box::pin(async move {
                        tx.similar_claims(not, "LSVAU2A37N2183294", part, day(from), day(to)).await
                    })
                })
                .await
                .unwrap();
            assert_eq!(similar.len(), count, "{from} {to} {part}");
            assert!(similar.iter().all(|claim| claim.id == two.value.id && claim.station == org(101)));
        }
        let same = store.run(|tx| Box::pin(async move { tx.claim_of_job(not, job_key).await })).await.unwrap();
        assert_eq!(same.map(|claim| claim.number), Some(two.value.number.to_string()));
    }

    async fn overdue_answers_are_found_oldest_first(store) {
        let mut ids = Vec::new();
        for due in [3, 1, 9] {
            let state = State::Returned { return_time: minute(0), answer_due_time: minute(due) };
            let claim = Claim { state, ..draft(org(100), 11, Header::default()) };
            ids.push(insert_claim(&store, &claim, 0).await.unwrap().id);
        }
        assert_eq!(store.overdue_returns(&all(), minute(4), 10).await, Ok(vec![ids[1], ids[0]]));
        assert_eq!(store.overdue_returns(&all(), minute(4), 1).await, Ok(vec![ids[1]]));
        assert_eq!(store.overdue_returns(&of_station(101), minute(4), 10).await, Ok(Vec::new()));
    }

    async fn lists_are_ordered_by_creation_change_and_submission(store) {
        let mut stored = Vec::new();
        for number in 0..3 {
            stored.push(insert_claim(&store, &draft(org(100), 11, Header::default()), number).await.unwrap());
        }
        let mut changed = stored[0].value.clone();
        changed.header.complaint_description = "x".to_owned();
        update_claim(&store, &stored[0], &changed, 9).await.unwrap();
        for (text, expected) in [
            ("create_time", [0, 1, 2]),
            ("create_time desc", [2, 1, 0]),
            ("update_time", [1, 2, 0]),
            ("update_time desc", [0, 2, 1]),
            // None was submitted: the key decides.
            ("submit_time", [0, 1, 2]),
            ("submit_time desc", [2, 1, 0]),
        ] {
            let order = order::parse(text, CLAIM_FIELDS).unwrap();
            let mut query = ListQuery { page_size: 2, ..listing(order) };
            let mut found = Vec::new();
            loop {
                let page = store.claims(&of_station(100), &query).await.unwrap();
                found.extend(page.items.iter().map(|item| stored.iter().position(|s| s.id == item.id).unwrap()));
                query.after = page.next;
                if query.after.is_none() {
                    break;
                }
            }
            assert_eq!(found, expected, "{text}");
        }
    }

    async fn a_head_says_what_the_document_says(store) {
        let separated = || Header { external_ref: Some("a\u{1f}b".to_owned()), ..Header::default() };
        let mut stored = [
            insert_claim(&store, &submitted(100, "1"), 0).await.unwrap(),
            insert_claim(&store, &draft(org(100), 11, Header::default()), 1).await.unwrap(),
            // What holds the separator has no head of its own.
            insert_claim(&store, &draft(org(100), 11, separated()), 2).await.unwrap(),
        ];
        assert_eq!(store.number("SELECT COUNT(*) AS n FROM claim WHERE head IS NULL").await, 1);
        let mut changed = stored[0].value.clone();
        changed.header.failure_code = Some(code("F-1"));
        stored[0] = update_claim(&store, &stored[0], &changed, 9).await.unwrap();
        let key = store.key(stored[1].id);
        // As it stands, packed by a server that knows more, and not packed yet, as after an upgrade.
        for value in ["head", "'2' || substr(head, 2)", "NULL"] {
            store.sql(&format!("UPDATE claim SET head = {value} WHERE id = {key}")).await.unwrap();
            let page = store.claim_heads(&of_station(100), &listing(Order::newest_first())).await.unwrap();
            let told: Vec<_> = page.items.iter().rev().map(|item| (item.id, item.version, &item.value)).collect();
            let heads: Vec<_> = stored.iter().map(|stored| stored.value.index().unwrap().head).collect();
            let expected: Vec<_> = stored.iter().zip(&heads).map(|(s, head)| (s.id, s.version, head)).collect();
            assert_eq!(told, expected, "{value}");
        }
        // Of our form and torn, it is told.
        store.sql(&format!("UPDATE claim SET head = '1\u{1f}WR-1' WHERE id = {key}")).await.unwrap();
        let told = store.claim_heads(&of_station(100), &listing(Order::newest_first())).await;
        assert!(matches!(told, Err(StoreError::CorruptRow { ref column, .. }) if column == "head"), "{told:?}");
    }

    async fn revisions_are_frozen_and_listed(store) {
        let claim = submitted(100, "1");
        insert_claim(&store, &claim, 0).await.unwrap();
        for number in 1..=3 {
            let revision =
                &Revision { number, submit_time: minute(5), submitted_by: UserId(Uuid::nil()), claim: claim.clone() };
            let freeze = || {
                store.run(|tx| Box::pin(async move { tx.insert_claim_revision(&drafting(&revision.claim), revision).await }))
            };
            freeze().await.unwrap();
            assert_eq!(freeze().await, Err(StoreError::Stale), "a number is given once");
        }
        let mut query = ListQuery { page_size: 2, ..listing(Order::by_number()) };
        let first = store.claim_revisions(claim.id, &query).await.unwrap();
        assert_eq!(first.items.iter().map(|revision| revision.number).collect::<Vec<_>>(), [1, 2]);
        query.after = first.next;
        let second = store.claim_revisions(claim.id, &query).await.unwrap();
        assert_eq!((second.items.len(), second.next), (1, None));
        assert_eq!(store.claim_revision(claim.id, 3).await, Ok(second.items.into_iter().next()));
        assert_eq!(store.claim_revision(claim.id, 4).await, Ok(None));
    }
}
