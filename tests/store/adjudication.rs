//! What rules ask the store: what was submitted before a claim, and which approval is the n-th.

use chrono::{DateTime, Duration, Utc};
use recourse_domain::access::{Act, Actor, permit};
use recourse_domain::adjudication::History;
use recourse_domain::claims::{Claim, Header, Line, LineContent, LinePricing, LineType, State, Submission};
use recourse_domain::ids::UserId;
use recourse_domain::money::{Currency, Money};
use recourse_repository::Before;
use uuid::Uuid;

use super::fixture::{code, draft, insert_claim, minute, org};
use super::on_both_stores;

const VIN: &str = "LSVAU2A37N2183294";

fn at(days_ago: i64) -> DateTime<Utc> {
    minute(0) - Duration::days(days_ago)
}

/// A claim that was submitted so many days ago, for so much.
fn submitted(station: u128, days_ago: i64, part: &str, minor: i64, state: State) -> Claim {
    let header = Header { vin: Some(VIN.to_owned()), causal_part: Some(code(part)), ..Header::default() };
    let mut claim = Claim { state, ..draft(org(station), 11, header) };
    claim.submission = Some(Submission {
        revision: 1,
        first_submit_time: at(days_ago),
        submit_time: at(days_ago),
        submitted_by: UserId(Uuid::from_u128(11)),
        submitted_by_client: false,
        evidence: std::collections::BTreeMap::new(),
    });
    let amount = Money::new(Currency::CNY, minor);
    let pricing = LinePricing { requested: amount, unit_price: None, source: None, computed: Some(amount) };
    claim.lines = vec![Line { number: 1, content: LineContent::new(LineType::Part), pricing: Some(pricing) }];
    claim
}

fn waiting() -> State {
    State::Submitted { review_due_time: None }
}

on_both_stores! {
    async fn what_was_submitted_before_is_counted_in_its_windows(store) {
        let rejected = || State::Rejected { decide_time: at(1), appeal_due_time: None };
        let withdrawn = State::Withdrawn { withdraw_time: at(1), withdrawn_by: UserId(Uuid::nil()), reason: String::new() };
        let asked_about = submitted(100, 0, "P-1", 700, waiting());
        for claim in [
            submitted(100, 400, "P-1", 100, waiting()),
            submitted(100, 80, "P-1", 200, rejected()),
            submitted(100, 10, "P-2", 300, waiting()),
            submitted(101, 5, "P-1", 400, rejected()),
            submitted(101, 4, "P-1", 500, withdrawn),
            // Later than what is asked about, never submitted, or itself.
            submitted(100, -1, "P-1", 600, waiting()),
            draft(org(100), 11, Header { vin: Some(VIN.to_owned()), ..Header::default() }),
            asked_about.clone(),
        ] {
            insert_claim(&store, &claim, 0).await.unwrap();
        }
        let before = Before {
            claim: asked_about.id,
            station: org(100),
            vin: Some(VIN.to_owned()),
            causal_part: Some(code("P-1")),
            currency: "CNY".to_owned(),
            at: at(0),
        };
        let elsewhere = Before { station: org(101), vin: None, causal_part: None, ..before.clone() };
        let asked = &[before, elsewhere];
        let histories = store.read(|tx| Box::pin(async move { tx.histories(asked).await })).await.unwrap();
        assert_eq!(histories[0], History {
            station_claims: 3,
            station_claims_90d: 2,
            station_rejected_90d: 1,
            vehicle_claims_365d: 3,
            vehicle_part_claims_365d: 2,
            part_claims_365d: 3,
            part_sum_minor: 200 + 400 + 500,
        });
        assert_eq!(histories[1], History {
            station_claims: 2,
            station_claims_90d: 2,
            station_rejected_90d: 1,
            ..History::default()
        });
        let none: &[Before] = &[];
        assert_eq!(store.read(|tx| Box::pin(async move { tx.histories(none).await })).await, Ok(Vec::new()));
    }

    async fn approvals_are_counted_one_by_one_and_a_roll_back_counts_nothing(store) {
        let permit = permit(&Actor::job("adjudication-rules"), Act::AdjudicateByRule).unwrap();
        let (permit, set) = (&permit, Uuid::from_u128(0x5e7));
        let counted = futures::future::join_all((0..8).map(|_| {
            store.run(|tx| Box::pin(async move { tx.count_approval(permit, set).await }))
        }));
        let mut counted: Vec<u64> = counted.await.into_iter().map(Result::unwrap).collect();
        counted.sort_unstable();
        assert_eq!(counted, (1..=8).collect::<Vec<_>>());
        let undone = store
            .run(|tx| {
                Box::pin(async move {
                    tx.count_approval(permit, set).await?;
                    Err::<(), _>(recourse_repository::StoreError::Stale)
                })
            })
            .await;
        assert!(undone.is_err());
        let next = store.run(|tx| Box::pin(async move { tx.count_approval(permit, set).await })).await;
        assert_eq!(next, Ok(9));
        let other = Uuid::from_u128(0x5e8);
        assert_eq!(store.run(|tx| Box::pin(async move { tx.count_approval(permit, other).await })).await, Ok(1));
    }
}
