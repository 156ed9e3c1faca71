//! Odometer readings: added, retracted with their claim, never changed.

use recourse_domain::catalog::FieldKind;
use recourse_domain::ids::ClaimId;
use recourse_domain::query::order::Order;
use recourse_domain::query::page::ListQuery;
use recourse_domain::vehicle::{OdometerReading, OdometerSource};
use recourse_domain::vin::Vin;
use recourse_repository::Store;

use super::fixture::{day, id, keeper, listing, minute};
use super::on_both_stores;

const VIN: &str = "LJCPCBLCX11000237";

async fn read(store: &Store, date: &str, km: i64, claim: Option<ClaimId>) -> OdometerReading {
    let reading = OdometerReading {
        id: id(),
        vin: Vin::parse(VIN).unwrap(),
        date: day(date),
        km,
        source: OdometerSource::Claim,
        claim,
        retracted: false,
        recorded_time: chrono::DateTime::from_timestamp_micros(minute(0).timestamp_micros()).unwrap(),
        origin: None,
    };
    let written = &reading;
    store.run(|tx| Box::pin(async move { tx.insert_reading(&keeper(), written).await })).await.unwrap();
    reading
}

on_both_stores! {
    async fn the_history_of_a_vehicle_is_read_by_date(store) {
        let later = read(&store, "2026-02-01", 2_000, None).await;
        let earlier = read(&store, "2026-01-01", 1_000, None).await;
        let history = store.run(|tx| Box::pin(async move { tx.odometer_history(VIN).await })).await;
        assert_eq!(history, Ok(vec![earlier.clone(), later.clone()]));
        let order = Order { descending: true, ..Order::by("date", FieldKind::Date) };
        let mut query = ListQuery { page_size: 1, ..listing(order) };
        let first = store.readings(VIN, &query).await.unwrap();
        assert_eq!(first.items, [later]);
        query.after = first.next;
        assert_eq!(store.readings(VIN, &query).await.unwrap().items, [earlier]);
    }

    async fn a_withdrawn_claims_reading_no_longer_counts(store) {
        let (one, two) = (ClaimId(id()), ClaimId(id()));
        read(&store, "2026-01-01", 1_000, Some(one)).await;
        read(&store, "2026-01-02", 1_100, Some(two)).await;
        store.run(|tx| Box::pin(async move { tx.retract_claim_readings(&keeper(), one).await })).await.unwrap();
        let history = store.run(|tx| Box::pin(async move { tx.odometer_history(VIN).await })).await.unwrap();
        assert_eq!(history.iter().map(|reading| reading.retracted).collect::<Vec<_>>(), [true, false]);
        assert_eq!(store.number("SELECT COUNT(*) AS n FROM odometer_reading").await, 2);
    }
}
