//! What an hour of work is paid: by day and by night, at the grade of the day of the repair.

use chrono::Duration;
use recourse_domain::clock::Clock;
use serde_json::{Value, json};

use crate::harness::world::{World, cny, date, pump_claim, setting};
use crate::on_both_databases;

fn by_night() -> Value {
    let mut claim = pump_claim();
    claim["lines"][1]["byNight"] = json!(true);
    claim
}

async fn computed(world: &World, claim: Value) -> (Value, Vec<String>) {
    let found = world.station.post("/v1/claims:precheck", claim).await.ok();
    let codes = found["findings"].as_array().into_iter().flatten().map(|one| one["code"].as_str().unwrap().to_owned());
    (found["claim"]["lines"][1]["computedAmount"].clone(), codes.collect())
}

on_both_databases! {
    async fn hours_by_night_are_paid_at_the_rate_of_the_night(server) {
        let world = World::load(&server).await;
        assert_eq!(computed(&world, by_night()).await, (cny(21_600), vec!["NIGHT_LABOR".to_owned()]), "none is agreed: the day's");
        let own = json!({"validFrom": date("2026-11-01"), "rate": cny(10_000), "nightRate": cny(15_050)});
        world.admin.patch("/v1/stations/S-001", json!({"laborRates": [own]})).await.ok();
        // 1.80 × 100.00 and 1.80 × 150.50.
        assert_eq!(computed(&world, pump_claim()).await, (cny(18_000), Vec::new()));
        assert_eq!(computed(&world, by_night()).await.0, cny(27_090));
        let name = world.in_review(by_night()).await;
        let approved = world.approved(&name).await;
        assert_eq!((&approved["totals"]["approved"], &approved["lines"][1]["unitPrice"]), (&cny(72_090), &cny(15_050)));
        assert_eq!(approved["lines"][1]["byNight"], true);
        assert_eq!(world.finance.get(&format!("/v1/ledger:verify?claim={name}")).await.ok()["intact"], true);
        // Only work has hours by night.
        let mut part = pump_claim();
        part["lines"][0]["byNight"] = json!(true);
        let refused = world.station.post("/v1/claims", part).await.refused(400, "INVALID_FIELDS");
        assert_eq!(refused["violations"][0]["field"], "claim.lines[0].by_night", "{refused:#}");
    }

    async fn a_grades_rate_of_the_night_counts_too(server) {
        let world = World::load(&server).await;
        let mut changed = setting();
        let first = server.clock.now() + Duration::days(1);
        changed["validFrom"] = date(&first.date_naive().to_string());
        changed["gradeRates"][0]["nightRate"] = cny(18_000);
        world.admin.post("/v1/settings?settingId=NIGHTS", changed).await.ok();
        server.clock.advance(Duration::days(3));
        let mut claim = by_night();
        for field in ["complaintDate", "repairStartDate", "repairCompletionDate"] {
            claim[field] = date(&first.date_naive().to_string());
        }
        assert_eq!(computed(&world, claim).await.0, cny(32_400));
    }

    async fn a_station_that_falls_keeps_its_former_grade_for_repairs_of_before(server) {
        let world = World::load(&server).await;
        let from = |day: &str| json!({"grades": [{"validFrom": date(day), "grade": "B"}]});
        let station = world.admin.patch("/v1/stations/S-001", from("2026-11-18")).await.ok();
        assert_eq!((station["grade"].as_str(), station["grades"][0]["grade"].as_str()), (Some("A"), Some("B")));
        // Completed on the 17th: 1.80 × 120.00. From the 18th on it is 1.80 × 90.00.
        assert_eq!(computed(&world, pump_claim()).await.0, cny(21_600));
        let mut later = pump_claim();
        later["repairCompletionDate"] = date("2026-11-18");
        assert_eq!(computed(&world, later).await.0, cny(16_200));
        // A row that has begun stays; another station sees neither.
        let kept = world.admin.patch("/v1/stations/S-001", from("2026-11-10")).await;
        kept.refused(400, "INVALID_FIELDS");
        assert!(world.other_station.get("/v1/stations/S-001").await.ok().get("grades").is_none());
    }
}
