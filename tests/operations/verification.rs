//! `verify` finds what somebody with the database's own password changed.

use recourse_service::verify::verify_store;
use serde_json::json;

use super::{complaint, printed, run, sql};
use crate::harness::world::{World, cny, date, pump_claim};
use crate::on_both_databases;

/// Takes the guards of append-only tables away.
async fn without_guards(url: &str) {
    for table in ["change", "claim_revision", "ledger_entry", "ledger_posting"] {
        let text = if url.starts_with("sqlite:") {
            format!("DROP TRIGGER {table}_no_update; DROP TRIGGER {table}_no_delete")
        } else {
            format!("DROP TRIGGER {table}_append_only ON {table}")
        };
        sql(url, &text).await;
    }
}

on_both_databases! {
    async fn what_was_changed_past_the_server_is_found(server) {
        let world = World::load(&server).await;
        let name = world.submitted(pump_claim()).await;
        let reviewed = world.auditor.post(&format!("/v1/{name}:startReview"), json!({})).await.ok();
        let verdicts = json!([{"lineNumber": 1, "outcome": "APPROVED"}, {"lineNumber": 2, "outcome": "APPROVED"}]);
        let decision = json!({"etag": reviewed["etag"], "lineDecisions": verdicts});
        world.auditor.post(&format!("/v1/{name}:adjudicate"), decision).await.ok();
        let mut other = pump_claim();
        other["externalRepairOrder"] = json!("RO-2");
        world.submitted(other).await;
        let budget = json!({"region": "EAST", "validFrom": date("2026-10-01"), "validTo": date("2027-01-01"), "amount": cny(1)});
        world.finance.post("/v1/goodwillBudgets?goodwillBudgetId=EAST", budget).await.ok();
        let store = server.running.api.store();
        assert_eq!(verify_store(store).await.unwrap().faults().collect::<Vec<_>>(), Vec::<&str>::new());
        let folder = super::Folder::new();
        let verified = run(&folder.0, &["verify", "--json", "--database", &server.database.url]);
        assert!(verified.status.success(), "{}", complaint(&verified));
        assert!(printed(&verified).contains("\"intact\": true"), "{}", printed(&verified));

        let url = server.database.url.as_str();
        without_guards(url).await;
        let approved = "(SELECT id FROM claim WHERE state = 'APPROVED')";
        let mut known = 0;
        for (change, told) in [
            ("UPDATE ledger_posting SET amount_minor = amount_minor + 1 WHERE position = 0", "sums to 1 minor units"),
            ("UPDATE claim SET vin = 'LSVAA4187S2184842' WHERE state = 'SUBMITTED'", "the column vin is not what the document says"),
            ("UPDATE claim SET head = REPLACE(head, 'APPROVED', 'REJECTED') WHERE state = 'APPROVED'", "the column head is not what the document says"),
            ("UPDATE claim SET body = REPLACE(body, 'stalls', 'Stalls') WHERE state = 'APPROVED'", "is not what its newest change row says"),
            ("DELETE FROM claim_revision WHERE claim_id IN (SELECT id FROM claim WHERE state = 'SUBMITTED')", "a revision is missing"),
            ("INSERT INTO goodwill_account (budget_id, used_minor, reserved_minor) SELECT id, 5, 0 FROM goodwill_budget", "5 used and 0 reserved are kept"),
            ("UPDATE part SET body = REPLACE(body, 'Engine', 'Motor') WHERE code = 'P-1002'", "parts "),
            (&format!("DELETE FROM change WHERE resource_id = {approved} AND version = (SELECT MAX(version) FROM change c WHERE c.resource_id = {approved})"), "the newest change row is missing"),
            ("UPDATE change SET verb = 'x' WHERE resource = 'parts/P-1001'", "was altered"),
            ("DELETE FROM ledger_posting", "has no postings"),
            ("DELETE FROM ledger_entry", "Missing"),
            ("DELETE FROM station WHERE code = 'S-001'", "there is no station"),
        ] {
            sql(url, change).await;
            let report = verify_store(store).await.unwrap();
            let faults: Vec<&str> = report.faults().collect();
            assert!(faults.iter().any(|fault| fault.contains(told)), "{change}: {faults:#?}");
            assert!(faults.len() > known || change.starts_with("DELETE FROM ledger"), "{change}: {faults:#?}");
            known = faults.len();
        }
        let verified = run(&folder.0, &["verify", "--database", url]);
        assert!(!verified.status.success() && printed(&verified).contains("FAULT "), "{}", printed(&verified));
        assert!(complaint(&verified).contains("faults"), "{}", complaint(&verified));
    }

    async fn a_claim_of_an_earlier_release_is_whole_without_what_lists_read_of_it(server) {
        let world = World::load(&server).await;
        let name = world.submitted(pump_claim()).await;
        let (url, store) = (server.database.url.as_str(), server.running.api.store());
        let faults = || async { verify_store(store).await.unwrap().faults().map(str::to_owned).collect::<Vec<_>>() };
        let listed = || async { world.station.get("/v1/claims?view=BASIC").await.ok()["claims"].clone() };
        let before = listed().await;
        assert_eq!(before[0]["name"], json!(name));
        for older in ["'0' || SUBSTR(head, 2)", "NULL"] {
            sql(url, &format!("UPDATE claim SET head = {older}")).await;
            assert_eq!(faults().await, Vec::<String>::new(), "{older}");
            assert_eq!(listed().await, before, "a list reads the document instead");
        }
    }

    async fn a_change_row_can_not_be_altered_in_any_column_nor_taken_away_unseen(server) {
        let world = World::load(&server).await;
        let name = world.submitted(pump_claim()).await;
        world.auditor.post(&format!("/v1/{name}:startReview"), json!({})).await.ok();
        let url = server.database.url.as_str();
        let store = server.running.api.store();
        let faults = || async { verify_store(store).await.unwrap().faults().map(str::to_owned).collect::<Vec<_>>() };
        assert_eq!(faults().await, Vec::<String>::new());
        without_guards(url).await;
        sql(url, "CREATE TABLE kept AS SELECT * FROM change").await;
        // Created, submitted, in review: the row in the middle.
        let row = format!("resource = '{name}' AND version = 2");
        for (column, altered) in [
            ("command_id", "resource_id"),
            ("resource", "'claims/0199a000-0000-7000-8000-00000000d001'"),
            ("collection", "'parts'"),
            ("collection", "'nowhere'"),
            ("verb", "'Submit'"),
            ("paths", "'[\"state\"]'"),
            ("snapshot", "REPLACE(snapshot, 'stalls', 'stallt')"),
            ("actor", "resource_id"),
            ("actor_org", "resource_id"),
            ("job", "'sweep'"),
            ("time", "time + 1"),
            ("audience", "'[]'"),
            ("prev_hash", "hash"),
            ("hash", "prev_hash"),
            ("version", "7"),
        ] {
            sql(url, &format!("UPDATE change SET {column} = {altered} WHERE {row}")).await;
            let found = faults().await;
            assert!(!found.is_empty(), "{column} = {altered} is not seen");
            sql(url, &format!("UPDATE change SET {column} = (SELECT k.{column} FROM kept k WHERE k.id = change.id)")).await;
            assert_eq!(faults().await, Vec::<String>::new(), "{column} is as it was");
        }
        for which in ["version = 1", "version = 2", "version = (SELECT MAX(k.version) FROM kept k WHERE k.resource = change.resource)", "version > 0"] {
            sql(url, &format!("DELETE FROM change_pending WHERE change_id IN (SELECT id FROM change WHERE resource = '{name}')")).await;
            sql(url, &format!("DELETE FROM feed_entry WHERE change_id IN (SELECT id FROM change WHERE resource = '{name}')")).await;
            sql(url, &format!("DELETE FROM change WHERE resource = '{name}' AND {which}")).await;
            assert!(!faults().await.is_empty(), "a row with {which} is not missed");
            sql(url, "INSERT INTO change SELECT * FROM kept k WHERE NOT EXISTS (SELECT 1 FROM change c WHERE c.id = k.id)").await;
            assert_eq!(faults().await, Vec::<String>::new(), "{which} is back");
        }
        // Whoever takes the resource away, and its first change row with it, leaves the rest.
        sql(url, &format!("DELETE FROM change WHERE resource = '{name}' AND version = 1")).await;
        sql(url, &format!("DELETE FROM claim WHERE id = (SELECT resource_id FROM change WHERE {row})")).await;
        let found = faults().await;
        assert!(found.iter().any(|fault| fault.contains(&name) && fault.contains("itself is gone")), "{found:#?}");
    }

    async fn the_doctor_says_what_is_well_and_what_is_not(server) {
        let folder = super::Folder::new();
        let url = server.database.url.as_str();
        let look = || {
            let looked = run(&folder.0, &["doctor", "--json", "--database", url]);
            let report: serde_json::Value = serde_json::from_slice(&looked.stdout).unwrap_or_else(|_| panic!("{}", complaint(&looked)));
            let told: Vec<String> = report["findings"]
                .as_array()
                .unwrap()
                .iter()
                .map(|finding| format!("{} {}: {}", finding["verdict"], finding["check"], finding["text"]).replace('"', ""))
                .collect();
            (looked.status.success(), told)
        };
        // The suite's PostgreSQL runs without fsync, and the doctor says so.
        let (healthy, told) = look();
        let throw_away = told.iter().any(|line| line.starts_with("fault settings: fsync"));
        assert_eq!(healthy, !throw_away, "{told:#?}");
        assert!(!throw_away || url.starts_with("postgres"), "{told:#?}");
        for check in ["ok database", "ok schema", "ok ledger", "ok keys"] {
            assert!(told.iter().any(|line| line.starts_with(check)), "{check}: {told:#?}");
        }
        without_guards(url).await;
        sql(url, "INSERT INTO seaql_migrations (version, applied_at) VALUES ('m9999_of_the_future', 0)").await;
        sql(url, "INSERT INTO lease (name, holder, expires) SELECT 'old', id, 0 FROM user_account LIMIT 1").await;
        let (healthy, told) = look();
        assert!(!healthy, "{told:#?}");
        for line in ["fault schema: made by a newer release: m9999_of_the_future", "warning jobs: old: nobody holds"] {
            assert!(told.iter().any(|said| said.starts_with(line)), "{line}: {told:#?}");
        }
    }
}
