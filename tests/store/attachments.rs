//! Attachments: what is durable of an upload, and whose rows they are.

use recourse_domain::access::{Role, RowScope};
use recourse_domain::attachments::{
    Attachment, Bounds, Category, Hash, NewAttachment, Owner, Particulars, Place, Received,
};
use recourse_domain::claims::Header;
use recourse_domain::ids::{ClaimId, OrgId, UserId};
use recourse_domain::query::order::Order;
use recourse_repository::{KeptAttachment, Part, Store, StoreError};
use uuid::Uuid;

use super::fixture::{
    actor, all, code, draft, id, insert_claim, keeper, listing, minute, note, of_station, org, scope,
};
use super::on_both_stores;

const BOUNDS: Bounds = Bounds { bytes: 1_000, pixels: 1_000 };

async fn created(store: &Store, station: OrgId, created_by: u128, claim: Option<ClaimId>) -> KeptAttachment {
    let new = NewAttachment {
        id: id(),
        station,
        station_code: code("S-001"),
        owner: Owner::Station,
        category: Category::Other,
        declared_type: String::new(),
        size: 10,
        declared_hash: String::new(),
        taken_time: None,
        created_by: UserId(Uuid::from_u128(created_by)).into(),
        claim,
        subject: None,
        external_ref: String::new(),
        replaces: None,
    };
    let attachment = &Attachment::create(new, BOUNDS).unwrap();
    let place = Some(Place { latitude_e7: -320_000_000, longitude_e7: 1_180_000_000 });
    let particulars = &Particulars { file_name: "泵.txt".to_owned(), place };
    store
        .run(|tx| {
            Box::pin(async move {
                let note = note("create", &format!("attachments/{}", attachment.id), "attachments", minute(0));
                tx.insert_attachment(&keeper(), attachment.clone(), particulars.clone(), minute(60), note).await
            })
        })
        .await
        .unwrap()
}

async fn added(store: &Store, kept: &KeptAttachment, from: u64, size: u64) -> Result<u64, StoreError> {
    let part = Part { start: from, size, object: id() };
    let key = kept.stored.id;
    store
        .run(|tx| Box::pin(async move { tx.add_parts(&keeper(), key, from, &[part], minute(1), minute(90)).await }))
        .await
}

async fn completed(store: &Store, kept: &KeptAttachment) -> Result<KeptAttachment, StoreError> {
    let received = Received { head: b"some words", size: 10, hash: Hash::parse(&"a".repeat(64)).unwrap() };
    let complete = &kept.stored.value.clone().complete(&received, BOUNDS, minute(2)).unwrap();
    store
        .run(|tx| {
            Box::pin(async move {
                let note = note("complete", &format!("attachments/{}", complete.id), "attachments", minute(2));
                tx.update_attachment(&keeper(), kept, complete.clone(), note).await
            })
        })
        .await
}

on_both_stores! {
    async fn of_two_writers_at_one_place_one_finds_it_taken(store) {
        let kept = created(&store, org(100), 11, None).await;
        let (one, two) = tokio::join!(added(&store, &kept, 0, 4), added(&store, &kept, 0, 5));
        let ends: Vec<u64> = [&one, &two].into_iter().filter_map(|end| end.as_ref().ok().copied()).collect();
        assert_eq!(ends.len(), 1, "{one:?} {two:?}");
        assert!([one, two].contains(&Err(StoreError::Stale)));
        assert_eq!(added(&store, &kept, 0, 4).await, Err(StoreError::Stale));
        assert_eq!(added(&store, &kept, ends[0], 11 - ends[0]).await, Err(StoreError::Stale), "more than there are");
        assert_eq!(added(&store, &kept, ends[0], 10 - ends[0]).await, Ok(10));
        let parts = store.attachment_parts(kept.stored.id).await.unwrap();
        assert_eq!(parts.iter().map(|part| (part.start, part.size)).collect::<Vec<_>>(), [(0, ends[0]), (ends[0], 10 - ends[0])]);
        let read = store.attachment(&all(), kept.stored.id).await.unwrap().unwrap();
        let upload = read.upload.map(|upload| (upload.received, upload.expire_time.timestamp_micros()));
        assert_eq!(upload, Some((10, minute(90).timestamp_micros())));
        assert_eq!((&read.particulars, &read.stored), (&kept.particulars, &kept.stored));
    }

    async fn only_bytes_that_are_still_there_complete_an_attachment(store) {
        let kept = created(&store, org(100), 11, None).await;
        assert_eq!(completed(&store, &kept).await, Err(StoreError::Stale), "no byte came");
        added(&store, &kept, 0, 10).await.unwrap();
        let key = kept.stored.id;
        let forgotten = store.run(|tx| Box::pin(async move { tx.forget_parts(&keeper(), key).await })).await;
        assert_eq!(forgotten.map(|parts| parts.len()), Ok(1));
        assert_eq!(completed(&store, &kept).await, Err(StoreError::Stale), "somebody began it anew");
        added(&store, &kept, 0, 10).await.unwrap();
        let complete = completed(&store, &kept).await.unwrap();
        assert_eq!(store.attachment(&all(), key).await, Ok(Some(complete.clone())));
        assert!(complete.upload.is_none());
        let forgotten = store.run(|tx| Box::pin(async move { tx.forget_parts(&keeper(), key).await })).await;
        assert_eq!(forgotten, Err(StoreError::Stale), "nothing is forgotten of what is complete");
        assert_eq!(store.complete_attachments(&all(), Uuid::nil(), 10).await.map(|found| found.len()), Ok(1));
    }

    async fn uploads_end_by_time_or_when_nobody_looks_at_what_is_whole(store) {
        let (one, two) = (created(&store, org(100), 11, None).await, created(&store, org(100), 11, None).await);
        added(&store, &two, 0, 10).await.unwrap();
        let ending = async |now, idle| {
            let mut found = store.uploads_to_end(minute(now), minute(idle), 10).await.unwrap();
            found.sort_unstable();
            found
        };
        assert_eq!(ending(60, 0).await, Vec::<Uuid>::new());
        assert_eq!(ending(60, 2).await, [two.stored.id]);
        assert_eq!(ending(61, 0).await, [one.stored.id]);
        let total = store.run(|tx| Box::pin(async move { tx.unfinished_bytes(org(100)).await })).await;
        assert_eq!(total, Ok(20));
        assert_eq!(store.run(|tx| Box::pin(async move { tx.unfinished_bytes(org(101)).await })).await, Ok(0));
    }

    async fn a_scope_reaches_ones_own_and_what_proves_ones_own_claims(store) {
        let claim = draft(org(100), 12, Header::default());
        insert_claim(&store, &claim, 0).await.unwrap();
        let of_clerk = created(&store, org(100), 11, None).await.stored.id;
        let of_claim = created(&store, org(100), 11, Some(claim.id)).await.stored.id;
        let of_technician = created(&store, org(100), 12, None).await.stored.id;
        let foreign = created(&store, org(200), 11, None).await.stored.id;
        let technician = scope(&actor(12, org(100), &[Role::Technician]), Role::Technician, RowScope::Assigned);
        let supplier = scope(&actor(13, org(300), &[Role::Supplier]), Role::Supplier, RowScope::OwnSupplier);
        for (scope, reached) in [
            (all(), vec![of_clerk, of_claim, of_technician, foreign]),
            (of_station(100), vec![of_clerk, of_claim, of_technician]),
            (of_station(200), vec![foreign]),
            (technician, vec![of_claim, of_technician]),
            (supplier, Vec::new()),
        ] {
            let page = store.attachments(&scope, &listing(Order::newest_first())).await.unwrap();
            let mut found: Vec<Uuid> = page.items.iter().map(|kept| kept.stored.id).collect();
            let mut expected = reached.clone();
            found.sort_unstable();
            expected.sort_unstable();
            assert_eq!(found, expected, "{scope:?}");
            for key in [of_clerk, of_claim, of_technician, foreign] {
                assert_eq!(store.attachment(&scope, key).await.unwrap().is_some(), reached.contains(&key));
            }
        }
    }
}
