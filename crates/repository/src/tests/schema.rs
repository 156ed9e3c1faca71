//! The schema goes up and down on both databases, once, whoever asks for it.

use recourse_domain::catalog::{
    Appraiser, FailureCode, Field, FieldKind, LaborOperation, Part, PartSupply, Record, Setting, Station, Supplier,
    WarrantyPolicy,
};
use recourse_domain::query::filter;
use recourse_domain::query::order::Order;
use recourse_domain::query::page::ListQuery;
use recourse_domain::vehicle::Vehicle;

use super::harness::{all, empty_stores, id, stores};
use crate::sql::Sql;
use crate::{Store, StoreError};

#[tokio::test]
async fn the_schema_goes_up_down_and_up_again() {
    for store in empty_stores().await {
        store.migrate().await.unwrap();
        store.migrate().await.unwrap();
        store.migrate_down(None).await.unwrap();
        assert!(store.has_users().await.is_err(), "the tables are gone");
        store.migrate().await.unwrap();
        assert!(!store.has_users().await.unwrap());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_servers_at_once_migrate_once() {
    for store in empty_stores().await {
        let other = store.another().await;
        let (one, two) = tokio::join!(store.migrate(), other.migrate());
        one.unwrap();
        two.unwrap();
        assert!(!store.has_users().await.unwrap());
    }
}

#[tokio::test]
async fn embedded_writes_are_durable_and_readers_can_not_write() {
    let stores = stores().await;
    let store = &stores[0];
    for (pragma, expected) in [("journal_mode", "wal"), ("synchronous", "2"), ("foreign_keys", "1")] {
        let row = Sql::new(&format!("SELECT CAST({pragma} AS TEXT) AS found FROM pragma_{pragma}"))
            .one(&store.writer)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(row.get::<String>("found").unwrap(), expected, "{pragma}");
    }
    let slipped = Sql::new("DELETE FROM lease").execute(&store.reader).await;
    assert!(matches!(slipped, Err(StoreError::Database(_))), "{slipped:?}");
}

/// Every field of a record is a column, and every sortable one orders a list.
async fn fields_are_columns<R: Record + std::fmt::Debug>(store: &Store) {
    for field in R::FIELDS {
        let Field { name, kind, .. } = field;
        let value = match kind {
            FieldKind::Text => "x".to_owned(),
            FieldKind::Integer => "1".to_owned(),
            FieldKind::Bool => "true".to_owned(),
            FieldKind::Date => "2026-01-31".to_owned(),
            FieldKind::Time => "2026-01-31T00:00:00Z".to_owned(),
            FieldKind::Uuid => id().to_string(),
        };
        let filter = Some(filter::parse(&format!("{name} = \"{value}\""), R::FIELDS).unwrap());
        let order = if field.sortable { Order::by(field.column, *kind) } else { Order::by_code() };
        let query = ListQuery { filter, order, page_size: 5, after: None, show_deleted: false };
        let page = store.records::<R>(&all(), &query).await;
        assert!(page.as_ref().is_ok_and(|page| page.items.is_empty()), "{}.{name}: {page:?}", R::TABLE);
    }
}

#[tokio::test]
async fn every_kind_of_record_has_its_table() {
    for store in stores().await {
        fields_are_columns::<Station>(&store).await;
        fields_are_columns::<Supplier>(&store).await;
        fields_are_columns::<Appraiser>(&store).await;
        fields_are_columns::<Part>(&store).await;
        fields_are_columns::<LaborOperation>(&store).await;
        fields_are_columns::<FailureCode>(&store).await;
        fields_are_columns::<WarrantyPolicy>(&store).await;
        fields_are_columns::<PartSupply>(&store).await;
        fields_are_columns::<Setting>(&store).await;
        fields_are_columns::<Vehicle>(&store).await;
    }
}

#[tokio::test]
async fn what_is_told_as_history_can_not_be_rewritten() {
    for store in stores().await {
        super::harness::insert_code(&store, "F-1", super::harness::minute(0)).await;
        for rewrite in ["UPDATE change SET verb = 'x'", "DELETE FROM change"] {
            assert!(store.sql(rewrite).await.is_err(), "{rewrite}");
        }
        let changed = Sql::new("SELECT verb FROM change").one(&store.reader).await.unwrap().unwrap();
        assert_eq!(changed.get::<String>("verb").unwrap(), "create");
    }
}
