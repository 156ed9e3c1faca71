//! Pages begin after a row: nothing is told twice or left out, whatever the order and the ties.

use recourse_domain::catalog::{FailureCode, FieldKind};
use recourse_domain::query::order::Order;
use recourse_domain::query::page::{Key, Keys, ListQuery};
use recourse_repository::PageTokens;

use super::fixture::{TestStore, all, create, created, failure_code, id, listing, minute};
use super::on_both_stores;

fn descending(order: &Order) -> Order {
    Order { descending: true, ..order.clone() }
}

/// All names, page by page.
async fn told(store: &TestStore, order: &Order, page_size: u32) -> Vec<String> {
    let mut names = Vec::new();
    let mut query = ListQuery { page_size, ..listing(order.clone()) };
    loop {
        let page = store.records::<FailureCode>(&all(), &query).await.unwrap();
        assert!(page.items.len() <= usize::try_from(page_size).unwrap());
        names.extend(page.items.into_iter().map(|stored| stored.value.display_name));
        query.after = page.next;
        if query.after.is_none() {
            return names;
        }
    }
}

on_both_stores! {
    async fn text_is_ordered_byte_by_byte(store) {
        // A library's collation would put "ä" beside "a" and ignore case; no two databases would agree.
        for (number, name) in (0..).zip(["b", "a", "B", "ä", "a", "中", "", "a", "Z"]) {
            create(&store, failure_code(&format!("F-{number}"), name), minute(0)).await.unwrap();
        }
        let order = Order::by("display_name", FieldKind::Text);
        let expected = ["", "B", "Z", "a", "a", "a", "b", "ä", "中"];
        let reversed: Vec<&str> = expected.iter().rev().copied().collect();
        for page_size in [1, 2, 3, 9, 10, 1000] {
            assert_eq!(told(&store, &order, page_size).await, expected, "{page_size}");
            assert_eq!(told(&store, &descending(&order), page_size).await, reversed, "{page_size}");
        }
    }

    async fn equal_instants_are_told_apart_by_key(store) {
        for number in 0..7 {
            create(&store, failure_code(&format!("F-{number}"), &number.to_string()), minute(number / 3)).await.unwrap();
        }
        for page_size in [1, 2, 3, 4] {
            assert_eq!(told(&store, &Order::newest_first(), page_size).await, ["6", "5", "4", "3", "2", "1", "0"]);
        }
    }

    async fn a_page_that_is_just_full_is_the_last(store) {
        for number in 0..4 {
            created(&store, &format!("F-{number}"), minute(0)).await;
        }
        let query = ListQuery { page_size: 4, ..listing(Order::by_code()) };
        assert_eq!(store.records::<FailureCode>(&all(), &query).await.unwrap().next, None);
    }

    async fn what_comes_and_goes_between_pages_moves_no_other(store) {
        for number in [1, 3, 5, 7] {
            created(&store, &format!("F-{number}"), minute(0)).await;
        }
        let query = ListQuery { page_size: 2, ..listing(Order::by_code()) };
        let first = store.records::<FailureCode>(&all(), &query).await.unwrap();
        super::fixture::retire(&store, &first.items[1], minute(1)).await;
        created(&store, "F-2", minute(1)).await;
        created(&store, "F-6", minute(1)).await;
        let second = store.records::<FailureCode>(&all(), &ListQuery { after: first.next, ..query }).await.unwrap();
        let codes: Vec<&str> = second.items.iter().map(|stored| stored.value.code.as_str()).collect();
        assert_eq!(codes, ["F-5", "F-6"]);
    }

    async fn a_page_token_is_good_for_its_own_query_on_every_server(store) {
        let here = PageTokens::open(&store, vec![1; 32], minute(0)).await.unwrap();
        let there = PageTokens::open(&store.another().await, vec![2; 32], minute(0)).await.unwrap();
        let keys = Keys { value: Key::Text("中".to_owned()), id: id() };
        let token = here.seal(&keys, "ListClaims\u{1f}state = A", minute(1));
        assert_eq!(there.open_token(&token, "ListClaims\u{1f}state = A", minute(1)), Ok(keys));
        assert!(there.open_token(&token, "ListClaims\u{1f}state = B", minute(1)).is_err());
        for at in 0..token.len() {
            let mut forged = token.clone().into_bytes();
            forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
            let forged = String::from_utf8(forged).unwrap();
            assert!(there.open_token(&forged, "ListClaims\u{1f}state = A", minute(1)).is_err(), "{at}");
        }
    }

    async fn a_new_key_of_page_tokens_is_taken_up_by_every_server_without_a_restart(store) {
        let other = store.another().await;
        let here = PageTokens::open(&store, vec![1; 32], minute(0)).await.unwrap();
        let there = PageTokens::open(&other, vec![2; 32], minute(0)).await.unwrap();
        let keys = Keys { value: Key::Number(7), id: id() };
        let old = here.seal(&keys, "list", minute(1));
        let begins = here.rotate(&store, &[3; 32], minute(11), minute(10), false).await.unwrap();
        assert!(begins > minute(10) && begins <= minute(11), "{begins}");
        there.refresh(&other).await.unwrap();
        let again = there.rotate(&other, &[4; 32], minute(12), minute(10), false).await.unwrap();
        assert_eq!(again, begins, "one rotation at a time");
        let new = here.seal(&keys, "list", minute(11));
        assert_ne!(new, here.seal(&keys, "list", minute(10)));
        let day = 24 * 60;
        for server in [&here, &there] {
            assert_eq!(server.open_token(&old, "list", minute(11 + day - 1)), Ok(keys.clone()), "for a day more");
            assert_eq!(server.open_token(&new, "list", minute(11)), Ok(keys.clone()));
            let refused = server.open_token(&old, "list", minute(11 + day)).unwrap_err();
            assert!(refused.text.en.contains("begin again"), "{}", refused.text.en);
        }
        assert_eq!(here.forget_ended(&store, minute(11 + day - 1)).await, Ok(0));
        assert_eq!(here.forget_ended(&store, minute(11 + day)).await, Ok(1));
        assert_eq!(store.number("SELECT COUNT(*) AS n FROM key_store WHERE name LIKE 'page-token%'").await, 1);
        // A server that starts now makes no key of its own.
        let late = PageTokens::open(&store.another().await, vec![5; 32], minute(12 + day)).await.unwrap();
        assert_eq!(late.open_token(&new, "list", minute(12 + day)), Ok(keys.clone()));
        assert!(late.open_token(&old, "list", minute(12 + day)).is_err());

        there.rotate(&other, &[6; 32], minute(13 + day), minute(13 + day), true).await.unwrap();
        here.refresh(&store).await.unwrap();
        for server in [&here, &there] {
            assert!(server.open_token(&new, "list", minute(13 + day)).is_err(), "after a theft the old keys open nothing");
            assert!(server.open_token(&there.seal(&keys, "list", minute(13 + day)), "list", minute(13 + day)).is_ok());
        }
    }
}
