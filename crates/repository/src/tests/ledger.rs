//! The ledger: each cause posts once, and the sums are those of the postings.

use recourse_domain::access::{Role, RowScope};
use recourse_domain::claims::Kind;
use recourse_domain::ids::{ClaimId, OrgId, UserId};
use recourse_domain::ledger::{Account, Entry, EntryParts, Posting};
use recourse_domain::money::{Currency, Money};
use recourse_domain::query::filter;
use recourse_domain::query::order::Order;
use recourse_domain::query::page::ListQuery;
use uuid::Uuid;

use super::harness::{actor, all, day, id, keeper, minute, org, scope, stores};
use crate::{ENTRY_FIELDS, Store, StoreError};

fn entry(cause: &str, minor: i64, on: &str) -> Entry {
    let posting = |account, minor| Posting {
        account,
        sub_account: Some(org(100)),
        amount: Money::new(Currency::CNY, minor),
        claim: Some(ClaimId(Uuid::from_u128(77))),
        line: Some(1),
    };
    Entry::balanced(EntryParts {
        id: id(),
        cause: cause.to_owned(),
        event: "claim_decided".to_owned(),
        effective_date: day(on),
        posted_time: minute(0),
        actor: UserId(Uuid::from_u128(3)),
        actor_org: OrgId::OEM,
        claim: Some(ClaimId(Uuid::from_u128(77))),
        reverses: None,
        postings: vec![
            posting(Account::WarrantyExpense(Kind::WarrantyRepair), minor),
            posting(Account::StationAccrued, -minor),
        ],
    })
    .unwrap()
}

async fn post(store: &Store, entry: &Entry) -> Result<(), StoreError> {
    store.run(|tx| Box::pin(async move { tx.insert_entry(&keeper(), entry).await })).await
}

#[tokio::test]
async fn a_cause_posts_once() {
    for store in stores().await {
        let first = entry("claims/1/decisions/1", 9_007_199_254_740_993, "2026-11-20");
        post(&store, &first).await.unwrap();
        let what = "ledger_entry(cause)".to_owned();
        let again = entry("claims/1/decisions/1", 5, "2026-11-20");
        assert_eq!(post(&store, &again).await, Err(StoreError::AlreadyExists { what }));
        assert_eq!(
            store.entry(&all(), first.id()).await.unwrap().map(|parts| parts.postings),
            Some(first.parts().postings)
        );
        assert_eq!(store.entry(&all(), again.id()).await.unwrap(), None);
        for rewrite in ["UPDATE ledger_posting SET amount_minor = 1", "DELETE FROM ledger_entry"] {
            assert!(store.sql(rewrite).await.is_err(), "{rewrite}");
        }
    }
}

#[tokio::test]
async fn sums_balance_at_every_day() {
    for store in stores().await {
        for (cause, minor, on) in [("a", 100, "2026-11-19"), ("b", 250, "2026-11-20"), ("c", -50, "2026-11-20")] {
            post(&store, &entry(cause, minor, on)).await.unwrap();
        }
        for (on, debit, credit) in [("2026-11-18", 0, 0), ("2026-11-19", 100, 100), ("2026-11-20", 400, 400)] {
            for per_party in [false, true] {
                let balances = store.balances(&all(), day(on), per_party).await.unwrap();
                let sum = |side: fn(&crate::Balance) -> Money| balances.iter().map(|b| side(b).minor).sum::<i64>();
                assert_eq!((sum(|b| b.debit), sum(|b| b.credit)), (debit, credit), "{on} {per_party}");
            }
        }
        let filter = Some(filter::parse("effective_date = 2026-11-20", ENTRY_FIELDS).unwrap());
        let order = Order::by("effective_date", recourse_domain::catalog::FieldKind::Date);
        let query = ListQuery { filter, order, page_size: 1, after: None, show_deleted: false };
        let page = store.entries(&all(), &query).await.unwrap();
        assert_eq!((page.items.len(), page.items[0].postings.len(), page.next.is_some()), (1, 2, true));
        let found = store.entries_of_claims(&all(), &[ClaimId(Uuid::from_u128(77))]).await.unwrap();
        assert_eq!(found.len(), 3);
        let station = scope(&actor(9, org(100), &[Role::Station]), Role::Station, RowScope::OwnStation);
        assert!(store.entries(&station, &query).await.unwrap().items.is_empty());
    }
}
