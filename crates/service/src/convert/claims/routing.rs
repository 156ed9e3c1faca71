//! Who shall decide a claim, as the manufacturer's people see it.

use recourse_domain::claims::Routing;
use recourse_proto::v1;

use super::user;
use crate::convert::timestamp;

pub(super) fn show_routing(routing: &Routing) -> v1::ClaimRouting {
    let Routing { queue: _, rule_set, rule, action, faults, held_back, assigned_by, assign_time, note } = routing;
    let set = rule_set.as_ref().map(|code| format!("adjudicationRuleSets/{code}")).unwrap_or_default();
    v1::ClaimRouting {
        rule: rule.as_ref().map(|rule| format!("{set}/rules/{rule}")).unwrap_or_default(),
        rule_set: set,
        action: action.map(|action| action.word().to_owned()).unwrap_or_default(),
        sampled: *held_back == Some(recourse_domain::adjudication::HeldBack::Sampled),
        faults: faults
            .iter()
            .map(|fault| v1::RoutingFault { rule: fault.rule.to_string(), message: fault.message.clone() })
            .collect(),
        held_back: held_back.map(|why| why.word().to_owned()).unwrap_or_default(),
        assigned_by: assigned_by.map(user).unwrap_or_default(),
        assign_time: assign_time.and_then(timestamp),
        note: note.clone(),
    }
}
