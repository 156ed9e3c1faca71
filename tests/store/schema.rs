//! The schema goes up and down on both databases, once, whoever asks for it, and keeps history as it is.

use recourse_domain::catalog::{
    Appraiser, Campaign, CampaignVehicle, EvidenceRule, FailureCode, Field, FieldKind, LaborOperation, Part,
    PartSupply, Record, Setting, ShareAgreement, Station, Supplier, WarrantyPolicy,
};
use recourse_domain::claims::Header;
use recourse_domain::corrections::CORRECTION_FIELDS;
use recourse_domain::query::order::Order;
use recourse_domain::vehicle::Vehicle;
use recourse_repository::{
    APPRAISAL_FIELDS, ATTACHMENT_FIELDS, CLAIM_FIELDS, ENTRY_FIELDS, RECOVERY_FIELDS, Store, StoreError, StoreOptions,
    USER_FIELDS,
};

use super::fixture::{all, created, draft, filtered, id, insert_claim, listing, minute, org};
use super::on_both_stores;

/// A filter on a field, with a value of its type.
fn on_field(field: &Field) -> String {
    let value = match field.kind {
        FieldKind::Text | FieldKind::Spelled(_) | FieldKind::SmallLetters => "x".to_owned(),
        FieldKind::Integer => "1".to_owned(),
        FieldKind::Bool => "true".to_owned(),
        FieldKind::Date => "2026-01-31".to_owned(),
        FieldKind::Time => "2026-01-31T00:00:00Z".to_owned(),
        FieldKind::Uuid => id().to_string(),
    };
    format!("{} = \"{value}\"", field.name)
}

fn in_order(field: &Field, otherwise: Order) -> Order {
    if field.sortable { Order::by(field.column, field.kind) } else { otherwise }
}

/// Every field of a record is a column, and every sortable one orders a list.
async fn fields_are_columns<R: Record>(store: &Store) {
    for field in R::FIELDS {
        let query = filtered(&on_field(field), R::FIELDS, in_order(field, Order::by_code()));
        let found = store.records::<R>(&all(), &query).await.map(|page| page.items.len());
        assert_eq!(found, Ok(0), "{}.{}", R::TABLE, field.name);
    }
}

on_both_stores! {
    async fn the_schema_goes_up_down_and_up_again(store) {
        store.migrate().await.unwrap();
        store.migrate_down(None).await.unwrap();
        assert!(store.has_users().await.is_err(), "the tables are gone");
        store.migrate().await.unwrap();
        assert_eq!(store.has_users().await, Ok(false));
        store.migrate_down(Some(1)).await.unwrap();
        store.migrate().await.unwrap();
    }

    async fn servers_that_start_at_once_migrate_once(store) {
        store.migrate_down(None).await.unwrap();
        let (second, third) = (store.another().await, store.another().await);
        let ended = tokio::join!(store.migrate(), second.migrate(), third.migrate());
        assert_eq!(ended, (Ok(()), Ok(()), Ok(())));
        assert_eq!(store.has_users().await, Ok(false));
        let steps = store.number("SELECT COUNT(*) AS n FROM seaql_migrations").await;
        assert_eq!(store.number("SELECT COUNT(DISTINCT version) AS n FROM seaql_migrations").await, steps);
    }

    async fn change_rows_are_only_added(store) {
        created(&store, "F-1", minute(0)).await;
        for rewrite in ["UPDATE change SET verb = 'x'", "DELETE FROM change"] {
            assert!(store.sql(rewrite).await.is_err_and(|error| error.contains("append-only")), "{rewrite}");
        }
        assert_eq!(store.number("SELECT COUNT(*) AS n FROM change WHERE verb = 'create'").await, 1);
    }

    async fn revisions_are_only_added(store) {
        store
            .sql(&format!(
                "INSERT INTO claim_revision (claim_id, number, submit_time, submitted_by, body_version, body) \
                 VALUES ({0}, 1, 0, {0}, 1, '{{}}')",
                store.key(id())
            ))
            .await
            .unwrap();
        for rewrite in ["UPDATE claim_revision SET body = ''", "DELETE FROM claim_revision"] {
            assert!(store.sql(rewrite).await.is_err_and(|error| error.contains("append-only")), "{rewrite}");
        }
    }

    async fn every_field_of_a_list_is_a_column(store) {
        fields_are_columns::<Station>(&store).await;
        fields_are_columns::<Supplier>(&store).await;
        fields_are_columns::<Appraiser>(&store).await;
        fields_are_columns::<Part>(&store).await;
        fields_are_columns::<Campaign>(&store).await;
        fields_are_columns::<CampaignVehicle>(&store).await;
        fields_are_columns::<LaborOperation>(&store).await;
        fields_are_columns::<FailureCode>(&store).await;
        fields_are_columns::<EvidenceRule>(&store).await;
        fields_are_columns::<WarrantyPolicy>(&store).await;
        fields_are_columns::<PartSupply>(&store).await;
        fields_are_columns::<ShareAgreement>(&store).await;
        fields_are_columns::<Setting>(&store).await;
        fields_are_columns::<Vehicle>(&store).await;
        for field in CLAIM_FIELDS {
            let query = filtered(&on_field(field), CLAIM_FIELDS, in_order(field, Order::newest_first()));
            assert_eq!(store.claims(&all(), &query).await.map(|page| page.items.len()), Ok(0), "{}", field.name);
        }
        for field in APPRAISAL_FIELDS {
            let query = filtered(&on_field(field), APPRAISAL_FIELDS, in_order(field, Order::newest_first()));
            assert_eq!(store.appraisals(&all(), &query).await.map(|page| page.items.len()), Ok(0), "{}", field.name);
        }
        for field in CORRECTION_FIELDS {
            let query = filtered(&on_field(field), CORRECTION_FIELDS, in_order(field, Order::newest_first()));
            assert_eq!(store.corrections(&all(), &query).await.map(|page| page.items.len()), Ok(0), "{}", field.name);
        }
        for field in RECOVERY_FIELDS {
            let query = filtered(&on_field(field), RECOVERY_FIELDS, in_order(field, Order::newest_first()));
            assert_eq!(store.recovery_claims(&all(), &query).await.map(|page| page.items.len()), Ok(0), "{}", field.name);
        }
        for field in ATTACHMENT_FIELDS {
            let query = filtered(&on_field(field), ATTACHMENT_FIELDS, in_order(field, Order::newest_first()));
            assert_eq!(store.attachments(&all(), &query).await.map(|page| page.items.len()), Ok(0), "{}", field.name);
        }
        for field in ENTRY_FIELDS {
            let by_time = Order::by("posted_time", FieldKind::Time);
            let query = filtered(&on_field(field), ENTRY_FIELDS, in_order(field, by_time));
            assert_eq!(store.entries(&all(), &query).await.map(|page| page.items.len()), Ok(0), "{}", field.name);
        }
        for field in USER_FIELDS {
            let query = filtered(&on_field(field), USER_FIELDS, in_order(field, Order::newest_first()));
            assert_eq!(store.users(&all(), &query).await.map(|page| page.items.len()), Ok(0), "{}", field.name);
        }
    }

    async fn a_row_that_can_not_be_read_is_named(store) {
        let record = created(&store, "F-1", minute(0)).await;
        let claim = insert_claim(&store, &draft(org(100), 11, Header::default()), 0).await.unwrap();
        for (table, key) in [("failure_code", record.id), ("claim", claim.id)] {
            store.sql(&format!("UPDATE {table} SET body = '{{'")).await.unwrap();
            let failed = match table {
                "claim" => store.claim(&all(), key).await.map(|_| ()),
                _ => store.record::<FailureCode>(&all(), "F-1").await.map(|_| ()),
            };
            match failed {
                Err(StoreError::CorruptRow { table: named, column, row, .. }) => {
                    assert_eq!((named.as_str(), column.as_str(), row), (table, "body", key.to_string()));
                }
                other => panic!("{other:?}"),
            }
        }
        // A list of which one row can't be read is refused too, not shortened.
        assert!(store.claims(&all(), &listing(Order::newest_first())).await.is_err());
    }
}

#[tokio::test]
async fn a_database_that_is_not_there_is_unavailable() {
    let url = "postgres://nobody@127.0.0.1:1/none";
    let opened = Store::open(StoreOptions::new(url)).await.map(|_| ());
    assert!(matches!(opened, Err(StoreError::Unavailable(_))), "{opened:?}");
}

#[tokio::test]
async fn a_store_in_memory_serves_tests() {
    let store = Store::open(StoreOptions::new("sqlite::memory:")).await.unwrap();
    store.migrate().await.unwrap();
    let stored = created(&store, "F-1", minute(0)).await;
    assert_eq!(store.record::<FailureCode>(&all(), "F-1").await, Ok(Some(stored)));
}
