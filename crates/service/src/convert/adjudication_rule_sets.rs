//! Sets of adjudication rules: the message of the contract ⇄ the record of the domain.

use recourse_domain::catalog::{AdjudicationRule, AdjudicationRuleSet, RuleAction, RuleSetState, Stored};
use recourse_domain::claims::Reason;
use recourse_domain::ids::Code;
use recourse_domain::text::Violation;
use recourse_proto::v1;

use super::claims::{read_reasons, show_code};
use super::organizations::{name_or_empty, same_words};
use super::review_queues::{read_kinds, show_kinds};
use super::{Reader, date, etag, timestamp};

const QUEUES: &str = "reviewQueues";

same_words! {
    show_action, read_action: RuleAction = v1::adjudication_rule::Action {
        Approve, Route, Return, Reject, RequireEvidence,
    }
}

fn show_state(state: RuleSetState) -> v1::adjudication_rule_set::State {
    match state {
        RuleSetState::Draft => v1::adjudication_rule_set::State::Draft,
        RuleSetState::Published => v1::adjudication_rule_set::State::Published,
        RuleSetState::Retired => v1::adjudication_rule_set::State::Retired,
    }
}

/// The rule set as its reader sees it.
pub(crate) fn show(stored: &Stored<AdjudicationRuleSet>) -> v1::AdjudicationRuleSet {
    let AdjudicationRuleSet {
        code,
        display_name,
        family,
        version_number,
        state,
        publish_time,
        end_time,
        valid_from,
        sample_every,
        sample_queue,
        default_queue,
        rules,
        external_ref,
        may_authorize,
    } = &stored.value;
    v1::AdjudicationRuleSet {
        name: format!("adjudicationRuleSets/{code}"),
        etag: etag(stored.version),
        display_name: display_name.clone(),
        family: family.to_string(),
        version_number: *version_number,
        state: show_state(*state).into(),
        publish_time: publish_time.and_then(timestamp),
        end_time: end_time.and_then(timestamp),
        valid_from: date(*valid_from),
        sample_every: *sample_every,
        sample_queue: name_or_empty(QUEUES, sample_queue.as_ref()),
        default_queue: name_or_empty(QUEUES, default_queue.as_ref()),
        rules: rules.iter().map(show_rule).collect(),
        external_ref: external_ref.clone(),
        may_authorize: *may_authorize,
        active: stored.retire_time.is_none(),
        create_time: timestamp(stored.create_time),
        update_time: timestamp(stored.update_time),
        retire_time: stored.retire_time.and_then(timestamp),
    }
}

fn show_rule(rule: &AdjudicationRule) -> v1::AdjudicationRule {
    let AdjudicationRule {
        id,
        priority,
        condition,
        action,
        queue,
        reasons,
        evidence,
        evidence_zh,
        kinds,
        description,
        description_zh,
        disabled,
    } = rule;
    v1::AdjudicationRule {
        rule_id: id.to_string(),
        priority: *priority,
        condition: condition.clone(),
        action: show_action(*action).into(),
        queue: name_or_empty(QUEUES, queue.as_ref()),
        reasons: reasons.iter().map(show_reason).collect(),
        evidence: evidence.clone(),
        evidence_zh: evidence_zh.clone(),
        kinds: show_kinds(kinds),
        description: description.clone(),
        description_zh: description_zh.clone(),
        disabled: *disabled,
    }
}

/// A reason as it was written, without the standard texts: an update would write them down.
fn show_reason(reason: &Reason) -> v1::DecisionReason {
    let Reason { code, clause, evidence_needed, fix, deadline, field } = reason;
    v1::DecisionReason {
        code: show_code(*code).into(),
        clause: clause.clone(),
        evidence_needed: evidence_needed.clone(),
        fix: fix.clone(),
        deadline: deadline.and_then(date),
        field: field.clone(),
        message: String::new(),
    }
}

/// The record under a code. State and times are never read: they are those that stand, and a new version is a
/// draft.
pub(crate) fn read(
    message: v1::AdjudicationRuleSet,
    code: &str,
    before: Option<&AdjudicationRuleSet>,
) -> Result<AdjudicationRuleSet, Vec<Violation>> {
    let v1::AdjudicationRuleSet {
        name: _,
        etag: _,
        display_name,
        family,
        version_number,
        state: _,
        publish_time: _,
        end_time: _,
        valid_from,
        sample_every,
        sample_queue,
        default_queue,
        rules,
        external_ref,
        may_authorize,
        active: _,
        create_time: _,
        update_time: _,
        retire_time: _,
    } = message;
    let mut reader = Reader::default();
    let code = reader.code("name", code);
    let family = reader.code("family", &family);
    let valid_from = reader.needed_date("valid_from", valid_from.as_ref());
    let sample_queue = reader.named("sample_queue", QUEUES, &sample_queue);
    let default_queue = reader.named("default_queue", QUEUES, &default_queue);
    let mut read_rules = Vec::with_capacity(rules.len());
    for (index, rule) in rules.into_iter().enumerate() {
        read_rules.extend(read_rule(&mut reader, &format!("rules[{index}]"), rule));
    }
    reader.whole(|| {
        Some(AdjudicationRuleSet {
            code: code?,
            display_name,
            family: family?,
            version_number,
            state: before.map_or(RuleSetState::Draft, |before| before.state),
            publish_time: before.and_then(|before| before.publish_time),
            end_time: before.and_then(|before| before.end_time),
            valid_from: valid_from?,
            sample_every,
            sample_queue,
            default_queue,
            rules: read_rules,
            external_ref,
            may_authorize,
        })
    })
}

fn read_rule(reader: &mut Reader, at: &str, rule: v1::AdjudicationRule) -> Option<AdjudicationRule> {
    let v1::AdjudicationRule {
        rule_id,
        priority,
        condition,
        action,
        queue,
        reasons,
        evidence,
        evidence_zh,
        kinds,
        description,
        description_zh,
        disabled,
    } = rule;
    let id: Option<Code> = reader.code(&format!("{at}.rule_id"), &rule_id);
    let action = reader.choice(&format!("{at}.action"), action, read_action);
    let queue = reader.named(&format!("{at}.queue"), QUEUES, &queue);
    let reasons = read_reasons(reader, &format!("{at}.reasons"), &reasons);
    let kinds = read_kinds(reader, &format!("{at}.kinds"), &kinds);
    Some(AdjudicationRule {
        id: id?,
        priority,
        condition,
        action: action?,
        queue,
        reasons,
        evidence,
        evidence_zh,
        kinds,
        description,
        description_zh,
        disabled,
    })
}
