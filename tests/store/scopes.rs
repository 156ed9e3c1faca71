//! A row out of scope is simply not there.

use recourse_domain::access::{self, Grant, Role, RowScope, Rule};
use recourse_domain::catalog::{FailureCode, Part, Supplier};
use recourse_domain::claims::Header;
use recourse_domain::query::order::Order;

use super::fixture::{actor, all, created, draft, insert_claim, listing, minute, of_station, org, scope};
use super::on_both_stores;

on_both_stores! {
    async fn a_claim_is_reached_by_its_station_and_its_author(store) {
        let stored = insert_claim(&store, &draft(org(100), 11, Header::default()), 0).await.unwrap();
        let technician =
            |user, station| scope(&actor(user, org(station), &[Role::Technician]), Role::Technician, RowScope::Assigned);
        for (who, reach, expected) in [
            ("an administrator", all(), true),
            ("its station", of_station(100), true),
            ("another station", of_station(101), false),
            ("its author", technician(11, 100), true),
            ("its author, who moved to another station", technician(11, 101), false),
            ("a colleague of its author", technician(12, 100), false),
            ("a customer", scope(&actor(9, org(100), &[Role::Customer]), Role::Customer, RowScope::OwnCustomer), false),
        ] {
            assert_eq!(store.claim(&reach, stored.id).await.unwrap().is_some(), expected, "{who}");
            let listed = store.claims(&reach, &listing(Order::newest_first())).await.unwrap().items;
            assert_eq!(listed.len(), usize::from(expected), "{who}");
            let key = store.resource_key(&reach, "claims", &stored.id.to_string()).await.unwrap();
            assert_eq!(key.is_some(), expected, "{who}");
        }
    }

    async fn a_supplier_reaches_the_claims_it_was_given_sight_of(store) {
        let seen = insert_claim(&store, &draft(org(100), 11, Header::default()), 0).await.unwrap();
        let unseen = insert_claim(&store, &draft(org(100), 11, Header::default()), 0).await.unwrap();
        store
            .sql(&format!(
                "INSERT INTO claim_sight (claim_id, org_id, since) VALUES ({}, {}, 0)",
                store.key(seen.id),
                store.key(org(300).0)
            ))
            .await
            .unwrap();
        let supplier = scope(&actor(9, org(300), &[Role::Supplier]), Role::Supplier, RowScope::OwnSupplier);
        let rival = scope(&actor(9, org(301), &[Role::Supplier]), Role::Supplier, RowScope::OwnSupplier);
        assert!(store.claim(&supplier, seen.id).await.unwrap().is_some());
        assert!(store.claim(&supplier, unseen.id).await.unwrap().is_none());
        assert!(store.claim(&rival, seen.id).await.unwrap().is_none());
    }

    async fn several_grants_reach_the_union_of_their_rows(store) {
        let own = insert_claim(&store, &draft(org(100), 11, Header::default()), 0).await.unwrap();
        let colleague = insert_claim(&store, &draft(org(100), 12, Header::default()), 0).await.unwrap();
        let foreign = insert_claim(&store, &draft(org(101), 11, Header::default()), 0).await.unwrap();
        let both = actor(11, org(100), &[Role::Station, Role::Technician]);
        let rule = Rule {
            own_person: true,
            grants: vec![
                Grant { role: Role::Station, scope: RowScope::OwnStation },
                Grant { role: Role::Technician, scope: RowScope::Assigned },
            ],
        };
        let reach = access::authorize(&both, &rule).unwrap();
        for (id, expected) in [(own.id, true), (colleague.id, true), (foreign.id, true)] {
            assert_eq!(store.claim(&reach, id).await.unwrap().is_some(), expected);
        }
        let narrow = access::authorize(&both, &Rule { own_person: false, ..rule }).unwrap();
        assert!(store.claim(&narrow, foreign.id).await.unwrap().is_none(), "authorship does not cross organisations");
    }

    async fn a_scope_that_says_nothing_about_a_table_reaches_nothing_of_it(store) {
        created(&store, "F-1", minute(0)).await;
        let supplier = scope(&actor(9, org(300), &[Role::Supplier]), Role::Supplier, RowScope::OwnSupplier);
        assert_eq!(store.record::<FailureCode>(&supplier, "F-1").await, Ok(None));
        assert_eq!(store.record::<FailureCode>(&of_station(100), "F-1").await, Ok(None));
        let query = listing(Order::by_code());
        assert!(store.records::<FailureCode>(&supplier, &query).await.unwrap().items.is_empty());
        assert!(store.records::<Supplier>(&supplier, &query).await.unwrap().items.is_empty());
        assert!(store.records::<Part>(&supplier, &query).await.unwrap().items.is_empty());
        assert!(store.clients(&of_station(100), &listing(Order::newest_first())).await.unwrap().items.is_empty());
    }

    async fn a_supplier_reaches_its_own_parts(store) {
        let common = "active, version, create_time, update_time, head_hash, body_version, body";
        let values = |store: &super::fixture::TestStore| {
            let hash = if store.is_postgres() { "'\\x00'" } else { "X'00'" };
            format!("true, 1, 0, 0, {hash}, 1, '{{}}'")
        };
        let values = values(&store);
        for (table, key, code, columns, own) in [
            ("supplier", 300, "SUP-1", "display_name", "'one'"),
            ("supplier", 301, "SUP-2", "display_name", "'two'"),
            ("part", 1, "P-1", "display_name, default_supplier", "'a', 'SUP-1'"),
            ("part", 2, "P-2", "display_name, default_supplier", "'b', 'SUP-2'"),
            ("part", 3, "P-3", "display_name, default_supplier", "'c', 'SUP-2'"),
            ("part_supply", 4, "PS-1", "part, supplier, valid_from", "'P-3', 'SUP-1', '2026-01-01'"),
        ] {
            let key = store.key(org(key).0);
            store
                .sql(&format!("INSERT INTO {table} (id, code, {common}, {columns}) VALUES ({key}, '{code}', {values}, {own})"))
                .await
                .unwrap();
        }
        let supplier = scope(&actor(9, org(300), &[Role::Supplier]), Role::Supplier, RowScope::OwnSupplier);
        for (code, expected) in [("P-1", true), ("P-2", false), ("P-3", true)] {
            let key = store.resource_key(&supplier, "parts", code).await.unwrap();
            assert_eq!(key.is_some(), expected, "{code}");
        }
        for (code, expected) in [("SUP-1", true), ("SUP-2", false)] {
            assert_eq!(store.resource_key(&supplier, "suppliers", code).await.unwrap().is_some(), expected, "{code}");
        }
        let names = store.organization_names([org(300), org(301), org(302)].into()).await.unwrap();
        assert_eq!(names.into_values().collect::<Vec<_>>(), ["suppliers/SUP-1", "suppliers/SUP-2"]);
    }
}
