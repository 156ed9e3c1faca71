//! The feed: every change once, in order, and none skipped that commits late.

use std::collections::BTreeSet;

use recourse_domain::claims::Header;
use recourse_domain::ids::OrgId;
use recourse_repository::{ForgottenFeed, NUMBERED_AT_ONCE, Store, StoreError};
use tokio::sync::Notify;

use super::fixture::{created, draft, failure_code, id, insert_claim, keeper, minute, note, of_station, org};
use super::on_both_stores;

fn oem() -> BTreeSet<OrgId> {
    BTreeSet::from([OrgId::OEM])
}

async fn number_all(store: &Store) {
    while store.number_changes().await.unwrap() > 0 {}
}

async fn told(store: &Store, orgs: &BTreeSet<OrgId>, after: i64) -> Vec<(i64, String)> {
    let items = store.changes_after(orgs, after, None, 100).await.unwrap();
    items.into_iter().map(|item| (item.position, item.change.resource)).collect()
}

on_both_stores! {
    async fn changes_have_a_place_once_they_are_numbered(store) {
        for number in 1..=5 {
            created(&store, &format!("F-{number}"), minute(number)).await;
        }
        assert!(told(&store, &oem(), 0).await.is_empty());
        number_all(&store).await;
        let all = told(&store, &oem(), 0).await;
        assert_eq!(all.iter().map(|(position, _)| *position).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
        assert_eq!(told(&store, &oem(), 3).await, all[3..]);
        assert_eq!(store.number("SELECT COUNT(*) AS n FROM change_pending").await, 0);
        number_all(&store).await;
        assert_eq!(told(&store, &oem(), 0).await, all, "numbered once");
    }

    async fn a_change_that_commits_late_is_not_skipped(store) {
        if !store.is_postgres() {
            // The embedded database has one writer: no two transactions overlap.
            return;
        }
        let (begun, finish) = (&Notify::new(), &Notify::new());
        let slow = store.run(|tx| {
            Box::pin(async move {
                // Its change row is written first ...
                let note = note("create", "failureCodes/SLOW", "failureCodes", minute(0));
                tx.insert_record(&keeper(), id(), failure_code("SLOW", "slow"), note).await?;
                begun.notify_one();
                finish.notified().await;
                Ok::<_, StoreError>(())
            })
        });
        let fast = async {
            begun.notified().await;
            created(&store, "FAST", minute(1)).await;
            number_all(&store).await;
            assert_eq!(told(&store, &oem(), 0).await, [(1, "failureCodes/FAST".to_owned())]);
            // ... and committed last, after a reader has gone past.
            finish.notify_one();
        };
        let (slow, ()) = tokio::join!(slow, fast);
        slow.unwrap();
        number_all(&store).await;
        assert_eq!(told(&store, &oem(), 1).await, [(2, "failureCodes/SLOW".to_owned())]);
    }

    async fn many_numberers_give_each_place_once(store) {
        let other = store.another().await;
        let (store, other) = (&store, &other);
        let writers = async {
            futures::future::join_all((0..40).map(|n| async move { created(store, &format!("F-{n}"), minute(n)).await })).await;
        };
        let numberers = async {
            for _ in 0..20 {
                let (one, two) = tokio::join!(store.number_changes(), other.number_changes());
                one.unwrap();
                two.unwrap();
            }
        };
        tokio::join!(writers, numberers);
        number_all(store).await;
        let positions: Vec<i64> = told(store, &oem(), 0).await.into_iter().map(|(position, _)| position).collect();
        assert_eq!(positions, (1..=40).collect::<Vec<_>>());
    }

    async fn an_organisation_follows_what_it_may_read(store) {
        insert_claim(&store, &draft(org(100), 11, Header::default()), 0).await.unwrap();
        insert_claim(&store, &draft(org(101), 11, Header::default()), 1).await.unwrap();
        created(&store, "F-1", minute(2)).await;
        number_all(&store).await;
        let of = |number| of_station(number).audience();
        assert_eq!(told(&store, &of(100), 0).await.len(), 1);
        assert_eq!(told(&store, &of(101), 0).await.len(), 1);
        assert_eq!(told(&store, &of(102), 0).await.len(), 0);
        assert_eq!(told(&store, &oem(), 0).await.len(), 3);
        // Who may follow a change for several reasons is told it once.
        let both: BTreeSet<OrgId> = BTreeSet::from([OrgId::OEM, org(100), org(101)]);
        assert_eq!(told(&store, &both, 0).await.len(), 3);
        let many: BTreeSet<OrgId> = (1..450).map(org).collect();
        assert_eq!(told(&store, &many, 0).await.len(), 2);
        assert!(told(&store, &BTreeSet::new(), 0).await.is_empty());
    }

    async fn a_page_of_the_feed_says_where_to_go_on(store) {
        for number in 1..=5 {
            created(&store, &format!("F-{number}"), minute(number)).await;
        }
        number_all(&store).await;
        let page = store.feed_page(&oem(), 0, Some(&["failureCodes".to_owned()]), 2).await.unwrap().unwrap();
        assert_eq!((page.items.len(), page.position, page.has_more), (2, 2, true));
        let page = store.feed_page(&oem(), 3, None, 2).await.unwrap().unwrap();
        assert_eq!((page.items.len(), page.position, page.has_more), (2, 5, false));
        let page = store.feed_page(&oem(), 0, Some(&["claims".to_owned()]), 2).await.unwrap().unwrap();
        assert_eq!((page.items.len(), page.position, page.has_more), (0, 5, false), "nothing new is a place too");
        let page = store.feed_page(&oem(), 0, Some(&[]), 2).await.unwrap().unwrap();
        assert_eq!((page.items.len(), page.position), (0, 5), "a reader of no collection reads nothing");
    }

    async fn old_entries_are_forgotten_and_cursors_can_tell(store) {
        for number in 1..=5 {
            created(&store, &format!("F-{number}"), minute(number)).await;
        }
        number_all(&store).await;
        let forgotten = |oldest, has_more| Ok(ForgottenFeed { oldest, has_more });
        assert_eq!(store.forget_feed(minute(3)).await, forgotten(2, false));
        let ends = store.feed_ends().await.unwrap();
        assert_eq!((ends.oldest, ends.newest), (2, 5));
        assert_eq!(told(&store, &oem(), 0).await.len(), 3);
        assert_eq!(store.number("SELECT COUNT(*) AS n FROM change").await, 5, "the changes themselves stay");
        assert_eq!(store.forget_feed(minute(3)).await, forgotten(2, false));
        assert_eq!(store.forget_feed(minute(9)).await, forgotten(5, true), "all that was looked at had aged");
        assert_eq!(store.forget_feed(minute(9)).await, forgotten(5, false));
        assert_eq!(store.number("SELECT COUNT(*) AS n FROM feed_entry").await, 0);
        created(&store, "F-6", minute(6)).await;
        number_all(&store).await;
        assert_eq!(told(&store, &oem(), 5).await.len(), 1, "places go on where they were");
    }

    async fn each_readers_entries_are_forgotten_and_a_reader_who_is_behind_is_told(store) {
        for (number, station) in [(0, 100), (1, 101), (2, 100), (3, 101)] {
            insert_claim(&store, &draft(org(station), 11, Header::default()), number).await.unwrap();
        }
        number_all(&store).await;
        let all = store.number("SELECT COUNT(*) AS n FROM feed_entry").await;
        assert_eq!(all, 8, "of each claim the manufacturer's entry and the station's");
        let station = of_station(100).audience();
        let page = store.feed_page(&station, 0, None, 1).await.unwrap().unwrap();
        let behind = page.position;
        assert!(store.forget_feed(minute(2)).await.unwrap().oldest > behind);
        assert_eq!(store.number("SELECT COUNT(*) AS n FROM feed_entry").await, all / 2, "of both stations, too");
        assert!(store.feed_page(&station, behind, None, 1).await.unwrap().is_none(), "what comes next may be missing");
        let oldest = store.feed_ends().await.unwrap().oldest;
        assert!(store.feed_page(&station, oldest, None, 1).await.unwrap().is_some());
    }

    async fn a_large_feed_is_forgotten_piece_by_piece_while_others_write(store) {
        let pieces = i64::from(NUMBERED_AT_ONCE);
        let store = &store;
        let made = async |from: i64, to: i64| {
            let makers = (0..8).map(|part| async move {
                for number in (from..to).filter(|number| number % 8 == part) {
                    created(store, &format!("F-{number}"), minute(0)).await;
                }
            });
            futures::future::join_all(makers).await;
        };
        made(0, pieces + 20).await;
        number_all(store).await;
        let first = store.forget_feed(minute(1)).await.unwrap();
        assert_eq!(first, ForgottenFeed { oldest: pieces, has_more: true }, "a bounded piece");
        assert_eq!(told(store, &oem(), pieces).await.len(), 20);
        // Two that forget, one that numbers and some that write take turns.
        let other = store.another().await;
        let forgetting = async || loop {
            let (here, there) = tokio::join!(store.forget_feed(minute(1)), other.forget_feed(minute(1)));
            if !here.unwrap().has_more && !there.unwrap().has_more {
                break;
            }
        };
        tokio::join!(forgetting(), made(pieces + 20, pieces + 60), number_all(store));
        number_all(store).await;
        while store.forget_feed(minute(1)).await.unwrap().has_more {}
        let ends = store.feed_ends().await.unwrap();
        assert_eq!((ends.oldest, ends.newest), (pieces + 60, pieces + 60));
        assert_eq!(store.number("SELECT COUNT(*) AS n FROM feed_entry").await, 0);
        assert_eq!(store.number("SELECT COUNT(*) AS n FROM change").await, pieces + 60);
    }
}
