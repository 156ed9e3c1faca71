//! The ledger: each cause posts once, nothing is rewritten, and the sums are those of the postings.

use recourse_domain::access::Scope;
use recourse_domain::claims::Kind;
use recourse_domain::ids::{ClaimId, OrgId, UserId};
use recourse_domain::ledger::{Account, Entry, EntryParts, Posting};
use recourse_domain::money::{Currency, Money};
use recourse_domain::query::order::Order;
use recourse_domain::query::page::ListQuery;
use recourse_repository::{Balance, ENTRY_FIELDS, Store, StoreError};
use uuid::Uuid;

use super::fixture::{all, day, filtered, id, keeper, minute, of_station, org};
use super::on_both_stores;

const CLAIM: ClaimId = ClaimId(Uuid::from_u128(77));

fn entry(cause: &str, minor: i64, on: &str, station: u128) -> Entry {
    let posting = |account, minor| Posting {
        account,
        sub_account: Some(org(station)),
        amount: Money::new(Currency::CNY, minor),
        claim: Some(CLAIM),
        line: Some(1),
    };
    let parts = EntryParts {
        id: id(),
        cause: cause.to_owned(),
        event: "claim_decided".to_owned(),
        effective_date: day(on),
        posted_time: chrono::DateTime::from_timestamp_micros(minute(0).timestamp_micros()).unwrap(),
        actor: UserId(Uuid::from_u128(3)),
        actor_org: OrgId::OEM,
        job: None,
        claim: Some(CLAIM),
        reverses: None,
        postings: vec![
            posting(Account::WarrantyExpense(Kind::WarrantyRepair), minor),
            posting(Account::StationAccrued, -minor),
        ],
    };
    Entry::balanced(parts).unwrap()
}

async fn post(store: &Store, entry: &Entry) -> Result<(), StoreError> {
    store.run(|tx| Box::pin(async move { tx.insert_entry(&keeper(), entry).await })).await
}

async fn entries_of(store: &Store, scope: Scope) -> usize {
    let found: Result<_, StoreError> =
        store.read(|tx| Box::pin(async move { tx.entries_of_claims(&scope, &[CLAIM]).await })).await;
    found.unwrap().len()
}

fn by_date() -> Order {
    Order::by("effective_date", recourse_domain::catalog::FieldKind::Date)
}

on_both_stores! {
    async fn an_entry_comes_back_as_it_was_posted(store) {
        // Beyond what a float tells apart.
        let posted = entry("claims/1/decisions/1", 9_007_199_254_740_993, "2026-11-20", 100);
        post(&store, &posted).await.unwrap();
        assert_eq!(store.entry(&all(), posted.id()).await, Ok(Some(posted.parts())));
        let reversal = posted
            .reversal(id(), day("2026-11-21"), posted.parts().posted_time, UserId(Uuid::from_u128(3)), OrgId::OEM)
            .unwrap();
        post(&store, &reversal).await.unwrap();
        assert_eq!(store.entry(&all(), reversal.id()).await, Ok(Some(reversal.parts())));
    }

    async fn a_cause_posts_once_whoever_tries(store) {
        let entries: Vec<Entry> = (1..=16).map(|minor| entry("claims/1/decisions/1", minor, "2026-11-20", 100)).collect();
        let store = &store;
        let ended = futures::future::join_all(entries.iter().map(|entry| post(store, entry))).await;
        let refused = Err(StoreError::AlreadyExists { what: "ledger_entry(cause)".to_owned() });
        assert_eq!(ended.iter().filter(|ended| ended.is_ok()).count(), 1);
        assert_eq!(ended.iter().filter(|ended| **ended == refused).count(), 15, "{ended:?}");
        assert_eq!(store.number("SELECT COUNT(*) AS n FROM ledger_posting").await, 2);
    }

    async fn nothing_posted_is_rewritten(store) {
        post(&store, &entry("a", 5, "2026-11-20", 100)).await.unwrap();
        for rewrite in [
            "UPDATE ledger_posting SET amount_minor = 1",
            "DELETE FROM ledger_posting",
            "UPDATE ledger_entry SET effective_date = '2026-01-01'",
            "DELETE FROM ledger_entry",
        ] {
            assert!(store.sql(rewrite).await.is_err_and(|error| error.contains("append-only")), "{rewrite}");
        }
    }

    async fn a_posting_belongs_to_an_entry(store) {
        let orphan = format!(
            "INSERT INTO ledger_posting (entry_id, position, account, amount_minor, currency) VALUES ({}, 0, 'tax:input', 1, 'CNY')",
            store.key(id())
        );
        // The repository's connections insist on it; SQLite leaves that to each connection.
        if store.is_postgres() {
            assert!(store.sql(&orphan).await.is_err());
        }
    }

    async fn sums_are_those_of_the_postings_at_every_day(store) {
        for (cause, minor, on, station) in
            [("a", 100, "2026-11-19", 100), ("b", 250, "2026-11-20", 100), ("c", -50, "2026-11-20", 101)]
        {
            post(&store, &entry(cause, minor, on, station)).await.unwrap();
        }
        for (on, debit, credit) in [("2026-11-18", 0, 0), ("2026-11-19", 100, 100), ("2026-11-20", 400, 400)] {
            for per_party in [false, true] {
                let balances = store.balances(&all(), day(on), per_party).await.unwrap();
                let sum = |side: fn(&Balance) -> Money| balances.iter().map(|balance| side(balance).minor).sum::<i64>();
                assert_eq!((sum(|b| b.debit), sum(|b| b.credit)), (debit, credit), "{on} {per_party}");
            }
        }
        let balances = store.balances(&all(), day("2026-11-20"), true).await.unwrap();
        let accrued = |station: u128| {
            let found = balances
                .iter()
                .find(|balance| balance.account == Account::StationAccrued && balance.sub_account == Some(org(station)));
            found.map(|balance| (balance.debit.minor, balance.credit.minor))
        };
        assert_eq!((accrued(100), accrued(101)), (Some((0, 350)), Some((50, 0))));
    }

    async fn entries_are_listed_with_their_postings(store) {
        for (cause, on) in [("a", "2026-11-19"), ("b", "2026-11-20"), ("c", "2026-11-20")] {
            post(&store, &entry(cause, 10, on, 100)).await.unwrap();
        }
        let mut query = ListQuery { page_size: 1, ..filtered("effective_date >= 2026-11-20", ENTRY_FIELDS, by_date()) };
        let mut causes = Vec::new();
        loop {
            let page = store.entries(&all(), &query).await.unwrap();
            assert!(page.items.iter().all(|entry| entry.postings.len() == 2));
            causes.extend(page.items.into_iter().map(|entry| entry.cause));
            query.after = page.next;
            if query.after.is_none() {
                break;
            }
        }
        assert_eq!(causes, ["b", "c"]);
        let by_claim = filtered(&format!("claim = claims/{CLAIM}"), ENTRY_FIELDS, by_date());
        assert_eq!(store.entries(&all(), &by_claim).await.unwrap().items.len(), 3);
        assert_eq!(entries_of(&store, all()).await, 3);
    }

    async fn the_ledger_is_read_by_those_who_read_all_of_it(store) {
        let posted = entry("a", 10, "2026-11-20", 100);
        post(&store, &posted).await.unwrap();
        let station = of_station(100);
        let query = filtered("", ENTRY_FIELDS, by_date());
        assert_eq!(store.entry(&station, posted.id()).await, Ok(None));
        assert!(store.entries(&station, &query).await.unwrap().items.is_empty());
        assert!(store.balances(&station, day("2026-11-20"), true).await.unwrap().is_empty());
        assert_eq!(entries_of(&store, station).await, 0);
    }
}
