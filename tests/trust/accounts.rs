//! Secrets that do not fit: slowed by account, address and device, on every replica alike, and nobody kept out.

use futures::future::join_all;
use serde_json::{Value, json};

use crate::harness::Server;
use crate::harness::client::{Answer, Client};
use crate::harness::world::{PASSWORD, World};
use crate::on_both_databases;

const WRONG: &str = "not the password";

async fn sign_in(client: &Client, name: &str, password: &str, device: &str) -> Answer {
    client.post("/v1/sessions", json!({"userName": name, "password": password, "deviceToken": device})).await
}

/// Five wrong passwords, which are answered as such.
async fn five_mistakes(client: &Client, name: &str) {
    for _ in 0..5 {
        sign_in(client, name, WRONG, "").await.refused(401, "CREDENTIALS_INVALID");
    }
}

#[track_caller]
fn slowed(answer: Answer) -> Value {
    let wait: u64 = answer.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=900).contains(&wait), "{wait}");
    answer.refused(429, "TOO_MANY_REQUESTS")
}

async fn client_token(server: &Server, id: &str, secret: &str) -> (u16, Option<String>) {
    let response = reqwest::Client::new()
        .post(format!("{}/oauth2/token", server.base))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(format!("grant_type=client_credentials&client_id={id}&client_secret={secret}"))
        .send()
        .await
        .unwrap();
    let wait = response.headers().get("retry-after").map(|value| value.to_str().unwrap().to_owned());
    (response.status().as_u16(), wait)
}

on_both_databases! {
    async fn guesses_are_slowed_alike_whether_the_name_exists(server) {
        let slow = server.another(|config| config.accounts.first_wait_seconds = 60).await;
        let anonymous = Client::anonymous(&slow);
        let mut answers = Vec::new();
        for name in ["s001", "nobody-of-this-name"] {
            five_mistakes(&anonymous, name).await;
            let mut problem = slowed(sign_in(&anonymous, name, WRONG, "").await);
            problem["requestId"] = Value::Null;
            answers.push(problem);
            slowed(sign_in(&anonymous, name, PASSWORD, "").await);
        }
        let texts: Vec<_> = answers.iter().map(|problem| problem["title"].clone()).collect();
        assert_eq!(texts[0], texts[1]);
        assert!(answers.iter().all(|problem| problem["metadata"].is_null() && problem["violations"].is_null()));
        let chinese = anonymous.reading("zh-CN");
        let problem = slowed(sign_in(&chinese, "s001", WRONG, "").await);
        assert!(problem["detail"].as_str().unwrap().contains("秒后重试"), "{problem:#}");
        // Another account from the same place is another matter.
        sign_in(&anonymous, "s002", PASSWORD, "").await.ok();
    }

    async fn a_wait_ends_and_the_right_password_then_opens(server) {
        let anonymous = Client::anonymous(&server);
        five_mistakes(&anonymous, "s001").await;
        slowed(sign_in(&anonymous, "s001", PASSWORD, "").await);
        tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
        sign_in(&anonymous, "s001", PASSWORD, "").await.ok();
        // All is forgiven at this place.
        five_mistakes(&anonymous, "s001").await;
    }

    async fn a_known_device_signs_in_while_strangers_guess(server) {
        let slow = server.another(|config| config.accounts.first_wait_seconds = 60).await;
        let anonymous = Client::anonymous(&slow);
        let known = sign_in(&anonymous, "s001", PASSWORD, "").await.ok();
        let known = known["deviceToken"].as_str().unwrap();
        let of_another = sign_in(&anonymous, "s002", PASSWORD, "").await.ok();
        five_mistakes(&anonymous, "s001").await;
        slowed(sign_in(&anonymous, "s001", PASSWORD, "").await);
        let renewed = sign_in(&anonymous, "s001", PASSWORD, known).await.ok();
        assert_ne!(renewed["deviceToken"].as_str(), Some(known));
        for bad in ["x", &known[1..], &format!("{known}A"), of_another["deviceToken"].as_str().unwrap()] {
            slowed(sign_in(&anonymous, "s001", PASSWORD, bad).await);
        }
        // The token of a device opens nothing, and guesses made with it are slowed too.
        for _ in 0..5 {
            sign_in(&anonymous, "s001", WRONG, known).await.refused(401, "CREDENTIALS_INVALID");
        }
        slowed(sign_in(&anonymous, "s001", PASSWORD, known).await);
        anonymous.with_token(known).get("/v1/users/me").await.refused(401, "TOKEN_INVALID");
    }

    async fn of_many_guesses_at_once_only_the_free_ones_are_looked_at(server) {
        let first = server.another(|config| config.accounts.first_wait_seconds = 60).await;
        let second = server.another(|config| config.accounts.first_wait_seconds = 60).await;
        let clients = [Client::anonymous(&first), Client::anonymous(&second)];
        let guesses = (0..24).map(|number| {
            let client = clients[number % 2].clone();
            async move { sign_in(&client, "finance", WRONG, "").await.status }
        });
        let statuses = join_all(guesses).await;
        let looked_at = statuses.iter().filter(|status| **status == 401).count();
        assert!((1..=5).contains(&looked_at), "{statuses:?}");
        assert!(statuses.iter().all(|status| [401, 429, 503].contains(status)), "{statuses:?}");
        for client in clients {
            slowed(sign_in(&client, "finance", PASSWORD, "").await);
        }
    }

    async fn strangers_everywhere_bring_a_short_wait_upon_an_account(server) {
        let far = server
            .another(|config| {
                config.accounts.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
                config.accounts.free_failures_per_account = 6;
                config.accounts.longest_wait_seconds_per_account = 1;
            })
            .await;
        let anonymous = Client::anonymous(&far);
        let from = async |address: &str, password: &str| {
            let body = json!({"userName": "s001", "password": password});
            anonymous.call(reqwest::Method::POST, "/v1/sessions", Some(body), &[("x-forwarded-for", address)]).await
        };
        for number in 1..=6 {
            from(&format!("198.51.100.{number}"), WRONG).await.refused(401, "CREDENTIALS_INVALID");
        }
        let answer = from("198.51.100.7", PASSWORD).await;
        // A loaded machine may have let the second pass already.
        assert!([200, 429].contains(&answer.status), "{}", answer.status);
        tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
        from("198.51.100.7", PASSWORD).await.ok();
    }

    async fn an_address_counts_by_itself_where_a_trusted_proxy_names_it(server) {
        let change = |config: &mut recourse_server::config::Config| config.accounts.first_wait_seconds = 60;
        let behind = server
            .another(|config| {
                change(config);
                config.accounts.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
            })
            .await;
        let open = server.another(change).await;
        let attempt = async |server: &Server, name: &str, password: &str, address: &str| {
            let body = Some(json!({"userName": name, "password": password}));
            let headers = [("x-forwarded-for", address)];
            Client::anonymous(server).call(reqwest::Method::POST, "/v1/sessions", body, &headers).await
        };
        for _ in 0..5 {
            attempt(&behind, "s001", WRONG, "198.51.100.1").await.refused(401, "CREDENTIALS_INVALID");
        }
        slowed(attempt(&behind, "s001", PASSWORD, "198.51.100.1").await);
        attempt(&behind, "s001", PASSWORD, "198.51.100.2").await.ok();
        // Without such a proxy the header is anybody's word.
        for number in 0..5 {
            attempt(&open, "s002", WRONG, &format!("198.51.100.{number}")).await.refused(401, "CREDENTIALS_INVALID");
        }
        slowed(attempt(&open, "s002", PASSWORD, "198.51.100.9").await);
    }

    async fn a_programs_secret_and_ones_own_password_are_guarded_too(server) {
        let slow = server.another(|config| config.accounts.first_wait_seconds = 60).await;
        let world = World::load(&slow).await;
        let client = json!({"displayName": "DMS", "membership": {"organization": "stations/S-001", "roles": ["STATION"]}});
        let created = world.station.post("/v1/apiClients", client).await.ok();
        let id = created["name"].as_str().unwrap().trim_start_matches("apiClients/").to_owned();
        for _ in 0..5 {
            assert_eq!(client_token(&slow, &id, "wrong").await, (401, None));
        }
        let (status, wait) = client_token(&slow, &id, "wrong").await;
        assert_eq!(status, 429);
        assert!(wait.unwrap().parse::<u64>().unwrap() >= 1);
        let change = json!({"currentPassword": WRONG, "newPassword": "green tractors hum"});
        for _ in 0..5 {
            world.station.post("/v1/users/me:changePassword", change.clone()).await.refused(401, "CREDENTIALS_INVALID");
        }
        slowed(world.station.post("/v1/users/me:changePassword", change).await);
    }

    async fn a_password_is_hashed_anew_when_the_cost_changes(server) {
        let cheap = server.another(|config| config.accounts.hash_memory_kib = 4096).await;
        let hash = async || server.running.api.store().sign_in_user("s001").await.unwrap().unwrap().1;
        assert!(hash().await.contains("$m=19456,"));
        sign_in(&Client::anonymous(&cheap), "s001", WRONG, "").await.refused(401, "CREDENTIALS_INVALID");
        assert!(hash().await.contains("$m=19456,"), "a wrong password renews nothing");
        let before = Client::anonymous(&cheap);
        sign_in(&before, "s001", PASSWORD, "").await.ok();
        assert!(hash().await.contains("$m=4096,"), "{}", hash().await);
        sign_in(&before, "s001", PASSWORD, "").await.ok();
        sign_in(&Client::anonymous(&server), "s001", PASSWORD, "").await.ok();
        assert!(hash().await.contains("$m=19456,"));
    }

    async fn a_poor_password_is_refused_with_its_reason(server) {
        let world = World::load(&server).await;
        let cases = [
            ("dragon", vec!["PASSWORD_TOO_SHORT", "PASSWORD_TOO_COMMON"]),
            ("Monkey_2026!!", vec!["PASSWORD_TOO_COMMON"]),
            ("the-newcomer-is-here", vec!["PASSWORD_HAS_USER_NAME"]),
        ];
        for (password, rules) in cases {
            let user = json!({"userName": "newcomer", "memberships": [{"organization": "stations/S-001", "roles": ["TECHNICIAN"]}]});
            let body = json!({"user": user, "password": password});
            let problem = world.station.reading("zh-CN").post("/v1/users", body).await.refused(400, "INVALID_FIELDS");
            let violations = problem["violations"].as_array().unwrap();
            assert_eq!(violations.iter().map(|v| v["reason"].as_str().unwrap()).collect::<Vec<_>>(), rules);
            assert!(violations.iter().all(|v| v["field"] == "password" && v["description"].as_str().unwrap().contains('密')));
            assert!(!problem.to_string().contains(password), "the refusal repeats no password");
        }
    }

    async fn no_secret_reaches_the_history(server) {
        let world = World::load(&server).await;
        let client = json!({"displayName": "DMS", "membership": {"organization": "stations/S-001", "roles": ["STATION"]}});
        let created = world.station.post("/v1/apiClients", client).await.ok();
        let name = created["name"].as_str().unwrap();
        let rotated = world.station.post(&format!("/v1/{name}:rotateSecret"), json!({})).await.ok();
        let change = json!({"currentPassword": PASSWORD, "newPassword": "green tractors hum"});
        world.other_station.post("/v1/users/me:changePassword", change).await.ok();
        let session = sign_in(&world.anonymous, "s001", PASSWORD, "").await.ok();
        let hash = server.running.api.store().sign_in_user("s001").await.unwrap().unwrap().1;
        let secrets = [&created["secret"], &rotated["secret"], &session["refreshToken"], &session["deviceToken"]];
        let mut secrets: Vec<&str> = secrets.into_iter().map(|secret| secret.as_str().unwrap()).collect();
        secrets.extend([PASSWORD, "green tractors hum", hash.as_str(), "$argon2"]);
        let rows = crate::trust::change_texts(&server).await;
        assert!(rows.len() > 20, "{}", rows.len());
        for secret in secrets {
            assert!(rows.iter().all(|row| !row.contains(secret)), "{secret}");
        }
    }
}
