//! Queues of claims, and the classical checks of a warranty department as a set of adjudication rules. The set is
//! published and comes into force after the demo's history: what the demo tells, people decided.

use recourse_proto::v1::adjudication_rule_set_service_server::AdjudicationRuleSetService;
use recourse_proto::v1::review_queue_service_server::ReviewQueueService;
use recourse_proto::{Method, v1};
use recourse_service::admission::Identity;

use super::wire::{Desk, answered};
use crate::StartError;

/// The rules, in the form in which the API takes them.
const RULES: &str = include_str!("adjudication_rules.json");
/// Their code.
const CODE: &str = "CLASSIC.1";

/// Code, name in English and in Chinese.
const QUEUES: [(&str, &str, &str); 7] = [
    ("FRAUD", "Doubtful claims", "疑点索赔"),
    ("GENERAL", "General review", "常规审核"),
    ("GOODWILL", "Goodwill", "善意补偿"),
    ("PRICES", "Prices and hours", "价格与工时"),
    ("SAFETY", "Safety and assemblies", "安全与总成"),
    ("SAMPLES", "Samples of automatic approvals", "自动审批抽检"),
    ("STATIONS", "Stations under watch", "重点服务站"),
];

/// Creates the queues and publishes the rules.
pub(super) async fn create(desk: &Desk, loader: &Identity) -> Result<(), StartError> {
    for (code, display_name, display_name_zh) in QUEUES {
        let queue = v1::ReviewQueue {
            display_name: display_name.to_owned(),
            display_name_zh: display_name_zh.to_owned(),
            ..Default::default()
        };
        let message = v1::CreateReviewQueueRequest {
            review_queue: Some(queue),
            review_queue_id: code.to_owned(),
            ..Default::default()
        };
        let request = desk.ask(loader, Method::ReviewQueueServiceCreateReviewQueue, message)?;
        answered(code, desk.api.create_review_queue(request).await)?;
    }
    let rules: v1::AdjudicationRuleSet =
        serde_json::from_str(RULES).map_err(|error| StartError::new("demo, adjudication rules", error))?;
    let message = v1::CreateAdjudicationRuleSetRequest {
        adjudication_rule_set: Some(rules),
        adjudication_rule_set_id: CODE.to_owned(),
        ..Default::default()
    };
    let method = Method::AdjudicationRuleSetServiceCreateAdjudicationRuleSet;
    let request = desk.ask(loader, method, message)?;
    let created = answered(CODE, desk.api.create_adjudication_rule_set(request).await)?;
    let message =
        v1::PublishAdjudicationRuleSetRequest { name: created.name, etag: created.etag, ..Default::default() };
    let request = desk.ask(loader, Method::AdjudicationRuleSetServicePublishAdjudicationRuleSet, message)?;
    answered(CODE, desk.api.publish_adjudication_rule_set(request).await).map(|_| ())
}
