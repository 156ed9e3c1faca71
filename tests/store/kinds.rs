//! What kinds of claim draw on: found within reach, written once a version, forgotten when it is due.

use chrono::Duration;
use recourse_domain::access::{Act, Actor, Permit, permit};
use recourse_domain::authorizations::{AUTHORIZATION_FIELDS, Authorization, AuthorizationState};
use recourse_domain::claims::Kind;
use recourse_domain::claims::track::TrackPoint;
use recourse_domain::ids::{AuthorizationId, ClaimId};
use recourse_domain::money::Currency;
use recourse_domain::query::order::Order;
use recourse_repository::{Aged, Store, StoreError};
use uuid::Uuid;

use super::fixture::{all, code, day, filtered, id, minute, note, of_station, org};
use super::on_both_stores;

fn leave() -> Permit {
    permit(&Actor::job("claim-deadlines"), Act::EnforceDeadline).unwrap()
}

fn authorization(station: u128, number: &str) -> Authorization {
    Authorization {
        id: AuthorizationId(id()),
        number: number.to_owned(),
        kind: Kind::ExternalPurchase,
        station: org(station),
        station_code: code("S-001"),
        vin: "LSVAU2A37N2183294".to_owned(),
        claim: ClaimId(id()),
        currency: Currency::CNY,
        items: Vec::new(),
        issue_date: day("2026-11-01"),
        expire_date: day("2026-12-31"),
        uses: Vec::new(),
        action: None,
        assembly: None,
        assembly_serial_number: None,
        certificate: None,
        revocation: None,
        state: AuthorizationState::Active,
    }
}

async fn inserted(store: &Store, new: &Authorization) -> Result<i64, StoreError> {
    store
        .run(|tx| {
            Box::pin(async move {
                let note = note("issue", &new.name(), "authorizations", minute(0));
                tx.insert_authorization(&leave(), new.clone(), note).await.map(|stored| stored.version)
            })
        })
        .await
}

fn point(at: i64) -> TrackPoint {
    TrackPoint { time: minute(at), latitude_e7: 310_000_000, longitude_e7: -1_210_000_000, accuracy_m: 5 }
}

async fn recorded(store: &Store, claim: ClaimId, points: &[TrackPoint]) -> usize {
    store
        .run(|tx| {
            Box::pin(async move {
                tx.insert_track_points(&leave(), claim, 1, points).await?;
                let kept = tx.track_points(claim).await?;
                Ok::<_, StoreError>(kept.get(&1).map_or(0, Vec::len))
            })
        })
        .await
        .unwrap()
}

on_both_stores! {
    async fn an_authorisation_is_found_by_its_station_and_given_once_a_claim(store) {
        let (one, other) = (authorization(100, "AU-2611-0000000A"), authorization(101, "AU-2611-0000000B"));
        assert_eq!(inserted(&store, &one).await, Ok(1));
        assert_eq!(inserted(&store, &other).await, Ok(1));
        let again = Authorization { claim: one.claim, ..authorization(100, "AU-2611-0000000C") };
        let taken = StoreError::AlreadyExists { what: "prior_authorization(claim_id)".to_owned() };
        assert_eq!(inserted(&store, &again).await, Err(taken));
        let found = |scope, id: Uuid| {
            let store = &store;
            async move { store.authorization(&scope, id).await.unwrap().map(|stored| stored.value.number) }
        };
        assert_eq!(found(of_station(100), one.id.0).await, Some(one.number.clone()));
        assert_eq!(found(of_station(101), one.id.0).await, None);
        assert_eq!(found(all(), one.id.0).await, Some(one.number.clone()));
        let (name, number) = (one.name(), other.number.to_lowercase());
        let (name, number) = (name.as_str(), number.as_str());
        let named = store
            .run(|tx| {
                Box::pin(async move {
                    let names = std::collections::BTreeSet::from([name, number, "nonsense"]);
                    let found = tx.named_authorizations(org(100), &names).await?;
                    Ok::<_, StoreError>(found.into_iter().map(|stored| stored.value.number).collect::<Vec<_>>())
                })
            })
            .await
            .unwrap();
        assert_eq!(named, std::slice::from_ref(&one.number), "another station's is not there");
        let text = format!("claim = \"claims/{}\" AND state = ACTIVE AND expire_date > 2026-12-30", one.claim);
        let query = filtered(&text, AUTHORIZATION_FIELDS, Order::newest_first());
        let page = store.authorizations(&all(), &query).await.unwrap();
        assert_eq!(page.items.iter().map(|stored| stored.id).collect::<Vec<_>>(), [one.id.0]);
        let expired = |date| {
            let store = &store;
            async move { store.expired_authorizations(&all(), day(date), 10).await.unwrap().len() }
        };
        assert_eq!((expired("2026-12-31").await, expired("2027-01-01").await), (0, 2));
    }

    async fn points_of_a_track_are_kept_once_and_forgotten_by_their_age(store) {
        let (claim, other) = (ClaimId(id()), ClaimId(id()));
        assert_eq!(recorded(&store, claim, &[point(2), point(0), point(0)]).await, 2);
        assert_eq!(recorded(&store, claim, &[point(0), point(1)]).await, 3);
        assert_eq!(recorded(&store, other, &[point(5)]).await, 1);
        assert_eq!(store.forget(Aged::TrackPoints, minute(2)).await, Ok(2));
        assert_eq!(recorded(&store, claim, &[]).await, 1);
        assert_eq!(store.forget(Aged::TrackPoints, minute(5) + Duration::seconds(1)).await, Ok(2));
    }
}
