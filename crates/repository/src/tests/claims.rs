//! Claims: who reaches them, what is unique, how they are listed.

use recourse_domain::access::{Role, RowScope};
use recourse_domain::claims::Header;
use recourse_domain::query::filter;
use recourse_domain::query::order::Order;
use recourse_domain::query::page::ListQuery;

use super::harness::{actor, all, draft, drafting, insert_claim, minute, note, org, scope, stores};
use crate::{CLAIM_FIELDS, StoreError};

fn query(filter: &str, order: Order) -> ListQuery {
    let filter = (!filter.is_empty()).then(|| filter::parse(filter, CLAIM_FIELDS).unwrap());
    ListQuery { filter, order, page_size: 10, after: None, show_deleted: false }
}

#[tokio::test]
async fn a_claim_is_reached_by_its_station_and_its_author() {
    for store in stores().await {
        let claim = draft(org(100), 11, Header::default());
        let stored = insert_claim(&store, &claim, 0).await.unwrap();
        let station = |number| scope(&actor(12, org(number), &[Role::Station]), Role::Station, RowScope::OwnStation);
        let technician =
            |user| scope(&actor(user, org(100), &[Role::Technician]), Role::Technician, RowScope::Assigned);
        let supplier = scope(&actor(13, org(300), &[Role::Supplier]), Role::Supplier, RowScope::OwnSupplier);
        for (who, reach, expected) in [
            ("everyone's", all(), true),
            ("its station", station(100), true),
            ("another station", station(101), false),
            ("its author", technician(11), true),
            ("a colleague of the author", technician(12), false),
            ("a supplier", supplier.clone(), false),
        ] {
            let read = store.claim(&reach, stored.id).await.unwrap();
            assert_eq!(read.is_some(), expected, "{who}");
            let listed = store.claims(&reach, &query("", Order::newest_first())).await.unwrap().items;
            assert_eq!(listed.len(), usize::from(expected), "{who}");
            if let Some(read) = read {
                assert_eq!(read, stored);
            }
        }
        // Sight of one claim is given by a row of its own.
        crate::sql::Sql::new("INSERT INTO claim_sight (claim_id, org_id, since) VALUES (?, ?, 0)")
            .bind(stored.id)
            .bind(org(300).0)
            .execute(&store.writer)
            .await
            .unwrap();
        assert!(store.claim(&supplier, stored.id).await.unwrap().is_some());
    }
}

#[tokio::test]
async fn what_must_be_unique_is() {
    for store in stores().await {
        let header =
            |reference: Option<&str>| Header { external_ref: reference.map(str::to_owned), ..Header::default() };
        let first = draft(org(100), 11, header(Some("DMS-1")));
        insert_claim(&store, &first, 0).await.unwrap();
        // Nulls never collide, nor do references of different stations.
        insert_claim(&store, &draft(org(100), 11, header(None)), 0).await.unwrap();
        insert_claim(&store, &draft(org(100), 11, header(None)), 0).await.unwrap();
        insert_claim(&store, &draft(org(101), 11, header(Some("DMS-1"))), 0).await.unwrap();
        let same_key = insert_claim(&store, &first, 1).await.map(|stored| stored.version);
        assert_eq!(same_key, Err(StoreError::AlreadyExists { what: "claim(key)".to_owned() }));
        let same_ref = insert_claim(&store, &draft(org(100), 12, header(Some("DMS-1"))), 1).await;
        let what = "claim(station_id, external_ref)".to_owned();
        assert_eq!(same_ref.map(|stored| stored.version), Err(StoreError::AlreadyExists { what }));
    }
}

#[tokio::test]
async fn claims_are_found_and_ordered_by_their_columns() {
    for store in stores().await {
        let mut ids = Vec::new();
        for (number, vin) in [(0, "LSVAU2A37N2183294"), (1, "LSVAU2A37N2183295"), (2, "WDDNG7KB7DA491234")] {
            let header = Header { vin: Some(vin.to_owned()), ..Header::default() };
            ids.push(insert_claim(&store, &draft(org(100), 11, header), number).await.unwrap().id);
        }
        for (text, order, expected) in [
            ("", Order::newest_first(), vec![2, 1, 0]),
            ("vin = \"LSV*\"", Order::newest_first(), vec![1, 0]),
            ("vin = vehicles/WDDNG7KB7DA491234", Order::newest_first(), vec![2]),
            ("station = stations/S-001 AND state = DRAFT", Order::newest_first(), vec![2, 1, 0]),
            ("NOT state = DRAFT", Order::newest_first(), vec![]),
            ("create_time >= 2026-01-01T00:00:00Z AND revision = 0", Order::newest_first(), vec![2, 1, 0]),
            ("", order("submit_time"), vec![0, 1, 2]),
            ("", order("update_time desc"), vec![2, 1, 0]),
        ] {
            let page = store.claims(&all(), &query(text, order)).await.unwrap();
            let found: Vec<usize> =
                page.items.iter().map(|stored| ids.iter().position(|id| *id == stored.id).unwrap()).collect();
            assert_eq!(found, expected, "{text} on {}", store.url);
        }
    }
}

fn order(text: &str) -> Order {
    recourse_domain::query::order::parse(text, CLAIM_FIELDS).unwrap()
}

#[tokio::test]
async fn a_changed_claim_keeps_its_trail() {
    for store in stores().await {
        let claim = draft(org(100), 11, Header::default());
        let before = insert_claim(&store, &claim, 0).await.unwrap();
        let header = Header { complaint_description: "noise".to_owned(), ..Header::default() };
        let changed = claim.clone().update(header, Vec::new()).unwrap();
        let (before, changed) = (&before, &changed);
        let update = || {
            store.run(move |tx| {
                Box::pin(async move {
                    let note = note("update", "claims/x", "claims", minute(1));
                    tx.update_claim(&drafting(changed), before, changed.clone(), note).await
                })
            })
        };
        let after = update().await.unwrap();
        assert_eq!((after.version, after.create_time, &after.value), (2, before.create_time, changed));
        assert_eq!(update().await.map(|stored| stored.version), Err(StoreError::Stale));
        assert_eq!(store.claim(&all(), after.id).await.unwrap(), Some(after.clone()));
        assert_eq!(store.verify_chain(after.id, &after.head_hash).await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_page_is_searched_for_not_scanned() {
    let stores = stores().await;
    let station = scope(&actor(12, org(100), &[Role::Station]), Role::Station, RowScope::OwnStation);
    for (reach, filter, order_text, index) in [
        (&station, "", "create_time desc", "ix_claim_station_create"),
        (&station, "", "update_time", "ix_claim_station_update"),
        (&station, "state = SUBMITTED", "create_time desc", "ix_claim_station_state"),
        (&all(), "", "create_time desc", "ix_claim_create"),
        (&all(), "state = SUBMITTED", "create_time", "ix_claim_state"),
    ] {
        let keys = recourse_domain::query::page::Key::Number(5);
        let after = Some(recourse_domain::query::page::Keys { value: keys, id: uuid::Uuid::nil() });
        let query = ListQuery { after, ..query(filter, order(order_text)) };
        let mut sql = crate::sql::Sql::new("EXPLAIN QUERY PLAN SELECT id FROM claim WHERE ");
        sql.append(crate::scope::condition(reach, &crate::scope::CLAIM));
        crate::lists::page(&mut sql, &query, "id");
        let plan: Vec<String> =
            sql.all(&stores[0].reader).await.unwrap().iter().map(|row| row.get("detail").unwrap()).collect();
        let plan = plan.join("; ");
        assert!(
            plan.contains("SEARCH") && plan.contains(index) && !plan.contains("TEMP B-TREE"),
            "{order_text}: {plan}"
        );
    }
}

#[tokio::test]
async fn a_claim_is_found_by_its_numbers() {
    for store in stores().await {
        let header = Header { external_ref: Some("DMS-1".to_owned()), ..Header::default() };
        let stored = insert_claim(&store, &draft(org(100), 11, header), 0).await.unwrap();
        let number = stored.value.number.as_str();
        assert_eq!(store.claim_by_number(&all(), number).await.unwrap().as_ref(), Some(&stored));
        assert_eq!(store.claim_by_external_ref(&all(), org(100), "DMS-1").await.unwrap().as_ref(), Some(&stored));
        assert_eq!(store.claim_by_external_ref(&all(), org(101), "DMS-1").await.unwrap(), None);
        let foreign = scope(&actor(12, org(101), &[Role::Station]), Role::Station, RowScope::OwnStation);
        assert_eq!(store.claim_by_number(&foreign, number).await.unwrap(), None);
    }
}
