//! Proposals of changes that need a second person.
//!
//! `PENDING → CONFIRMED | REJECTED` by another person, `WITHDRAWN` by who proposed, `EXPIRED` when nobody decided in
//! time. A proposal holds the commands as they will be given and what they were found to do; an end never changes.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::canonical::canonical_json;
use crate::catalog::{Field, FieldKind};
use crate::ids::{ChangeProposalId, CommandId, UserId};
use crate::second_person::Kind;

/// What lists of proposals may be filtered and ordered by.
pub const PROPOSAL_FIELDS: &[Field] = &[
    field("state", FieldKind::Text, false),
    field("kind", FieldKind::Text, false),
    field("operation", FieldKind::Text, false),
    field("proposed_by", FieldKind::Uuid, false),
    field("command_id", FieldKind::Text, false),
    field("external_ref", FieldKind::Text, false),
    field("create_time", FieldKind::Time, true),
    field("update_time", FieldKind::Time, true),
];

/// Fields of a resource that say when and how often it changed, not what it is.
const MARKS: [&str; 5] = ["name", "etag", "createTime", "updateTime", "retireTime"];

const fn field(name: &'static str, kind: FieldKind, sortable: bool) -> Field {
    Field { name, column: name, kind, sortable, prefix: false }
}

/// A change that waits for a second person, or did so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeProposal {
    /// Its key.
    pub id: ChangeProposalId,
    /// Service and method of its commands: `PartService.UpdatePart`.
    pub operation: String,
    /// What kind of change it is.
    pub kind: Kind,
    /// What is to be done, in this order.
    pub commands: Vec<ProposedCommand>,
    /// Why.
    pub reason: String,
    /// Its key in the system of whoever created it.
    pub external_ref: String,
    /// Who proposes.
    pub proposed_by: UserId,
    /// Until when it can be confirmed.
    pub expire_time: DateTime<Utc>,
    /// Where it stands.
    #[serde(flatten)]
    pub state: ProposalState,
}

/// A command as it will be given, and what it was found to do when it was proposed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProposedCommand {
    /// The request in the contract's JSON, with the version of what it is about.
    pub request: Value,
    /// The resource that it is about.
    pub resource: String,
    /// The resource before, as the contract shows it; none: there was none.
    pub before: Option<Value>,
    /// The resource afterwards.
    pub after: Option<Value>,
}

/// Where a proposal stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ProposalState {
    /// Waits for a second person.
    Pending,
    /// Confirmed and done.
    Confirmed {
        /// By whom.
        decision: ProposalDecision,
        /// The command under which it was done.
        command: CommandId,
    },
    /// Rejected.
    Rejected {
        /// By whom.
        decision: ProposalDecision,
    },
    /// Taken back.
    Withdrawn {
        /// When.
        time: DateTime<Utc>,
    },
    /// Nobody decided it in time.
    Expired,
}

/// Who decided a proposal, when and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProposalDecision {
    /// Who.
    pub by: UserId,
    /// When.
    pub time: DateTime<Utc>,
    /// A note.
    pub note: String,
}

/// Why a proposal did not move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotMoved {
    /// It has ended.
    Ended,
    /// Its time is over.
    TooLate,
    /// Its time is not over.
    TooEarly,
}

/// What becomes different in one field; values are JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The field in the contract's own spelling: `claim_prices`.
    pub field: String,
    /// Its value before; empty if there was none.
    pub before: String,
    /// Its value afterwards; empty if there is none.
    pub after: String,
}

impl ProposalState {
    /// The word on the wire and in filters.
    pub fn word(&self) -> &'static str {
        match self {
            ProposalState::Pending => "PENDING",
            ProposalState::Confirmed { .. } => "CONFIRMED",
            ProposalState::Rejected { .. } => "REJECTED",
            ProposalState::Withdrawn { .. } => "WITHDRAWN",
            ProposalState::Expired => "EXPIRED",
        }
    }

    /// Who decided it, if somebody did.
    pub fn decision(&self) -> Option<&ProposalDecision> {
        match self {
            ProposalState::Confirmed { decision, .. } | ProposalState::Rejected { decision } => Some(decision),
            ProposalState::Pending | ProposalState::Withdrawn { .. } | ProposalState::Expired => None,
        }
    }

    /// The command under which it was done.
    pub fn command(&self) -> Option<CommandId> {
        match self {
            ProposalState::Confirmed { command, .. } => Some(*command),
            ProposalState::Pending
            | ProposalState::Rejected { .. }
            | ProposalState::Withdrawn { .. }
            | ProposalState::Expired => None,
        }
    }
}

impl ChangeProposal {
    /// Its public name.
    pub fn name(&self) -> String {
        format!("changeProposals/{}", self.id)
    }

    /// When it ended.
    pub fn end_time(&self) -> Option<DateTime<Utc>> {
        match &self.state {
            ProposalState::Pending => None,
            ProposalState::Confirmed { decision, .. } | ProposalState::Rejected { decision } => Some(decision.time),
            ProposalState::Withdrawn { time } => Some(*time),
            ProposalState::Expired => Some(self.expire_time),
        }
    }

    /// Whether it is about a person's own account.
    pub fn is_about(&self, user: UserId) -> bool {
        let account = format!("users/{user}");
        self.commands.iter().any(|command| command.resource == account)
    }

    fn ended(mut self, state: ProposalState) -> Result<Self, NotMoved> {
        match self.state {
            ProposalState::Pending => {
                self.state = state;
                Ok(self)
            }
            ProposalState::Confirmed { .. }
            | ProposalState::Rejected { .. }
            | ProposalState::Withdrawn { .. }
            | ProposalState::Expired => Err(NotMoved::Ended),
        }
    }

    /// Confirms it, in time; whoever does that gives its commands under `command`.
    pub fn confirm(self, decision: ProposalDecision, command: CommandId) -> Result<Self, NotMoved> {
        let in_time = decision.time < self.expire_time;
        let confirmed = self.ended(ProposalState::Confirmed { decision, command })?;
        if in_time { Ok(confirmed) } else { Err(NotMoved::TooLate) }
    }

    /// Rejects it.
    pub fn reject(self, decision: ProposalDecision) -> Result<Self, NotMoved> {
        self.ended(ProposalState::Rejected { decision })
    }

    /// Takes it back.
    pub fn withdraw(self, time: DateTime<Utc>) -> Result<Self, NotMoved> {
        self.ended(ProposalState::Withdrawn { time })
    }

    /// Notes that its time is over.
    pub fn expire(self, now: DateTime<Utc>) -> Result<Self, NotMoved> {
        if now < self.expire_time {
            return Err(NotMoved::TooEarly);
        }
        self.ended(ProposalState::Expired)
    }
}

/// What is different between a resource before and afterwards, both in the contract's JSON.
pub fn differences(before: Option<&Value>, after: Option<&Value>) -> Vec<Difference> {
    let (none, is_new) = (Map::new(), before.is_none());
    let members = |value: Option<&Value>| value.and_then(Value::as_object).cloned().unwrap_or_else(|| none.clone());
    let (before, after) = (members(before), members(after));
    let mut names: Vec<&String> = before.keys().chain(after.keys()).collect();
    names.sort_unstable();
    names.dedup();
    names
        .into_iter()
        .filter(|name| !MARKS.contains(&name.as_str()))
        // That something new is active goes without saying.
        .filter(|name| !is_new || *name != "active")
        .filter(|name| before.get(*name) != after.get(*name))
        .map(|name| {
            let text = |value: Option<&Value>| value.map(canonical_json).unwrap_or_default();
            Difference { field: snake_case(name), before: text(before.get(name)), after: text(after.get(name)) }
        })
        .collect()
}

/// A name of JSON in the contract's own spelling: `claimPrices` is `claim_prices`.
fn snake_case(name: &str) -> String {
    let mut text = String::with_capacity(name.len() + 4);
    for letter in name.chars() {
        if letter.is_ascii_uppercase() {
            text.push('_');
        }
        text.push(letter.to_ascii_lowercase());
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::*;

    fn at(hour: u32) -> DateTime<Utc> {
        format!("2026-11-20T{hour:02}:00:00Z").parse().unwrap()
    }

    fn user(number: u128) -> UserId {
        UserId(Uuid::from_u128(number))
    }

    fn pending() -> ChangeProposal {
        let command = ProposedCommand {
            request: json!({"updatePart": {"part": {"name": "parts/P-1"}}}),
            resource: "parts/P-1".to_owned(),
            before: Some(json!({"displayName": "Pump"})),
            after: Some(json!({"displayName": "Fuel pump"})),
        };
        let about = ProposedCommand { resource: format!("users/{}", user(7)), ..command.clone() };
        ChangeProposal {
            id: ChangeProposalId(Uuid::from_u128(1)),
            operation: "PartService.UpdatePart".to_owned(),
            kind: Kind::Prices,
            commands: vec![command, about],
            reason: "the list of 2027".to_owned(),
            external_ref: String::new(),
            proposed_by: user(2),
            expire_time: at(12),
            state: ProposalState::Pending,
        }
    }

    fn decision(hour: u32) -> ProposalDecision {
        ProposalDecision { by: user(3), time: at(hour), note: String::new() }
    }

    const COMMAND: CommandId = CommandId(Uuid::from_u128(9));

    /// The truth table of its life: what each step makes of each state.
    #[test]
    fn a_proposal_ends_once() {
        let states = [
            ProposalState::Pending,
            ProposalState::Confirmed { decision: decision(9), command: COMMAND },
            ProposalState::Rejected { decision: decision(9) },
            ProposalState::Withdrawn { time: at(9) },
            ProposalState::Expired,
        ];
        for state in states {
            let proposal = ChangeProposal { state: state.clone(), ..pending() };
            let json = serde_json::to_string(&proposal).unwrap();
            assert_eq!(serde_json::from_str::<ChangeProposal>(&json).unwrap(), proposal);
            let steps = [
                proposal.clone().confirm(decision(10), COMMAND),
                proposal.clone().reject(decision(10)),
                proposal.clone().withdraw(at(10)),
                proposal.clone().expire(at(12)),
            ];
            let words = ["CONFIRMED", "REJECTED", "WITHDRAWN", "EXPIRED"];
            for (step, word) in steps.into_iter().zip(words) {
                match &state {
                    ProposalState::Pending => assert_eq!(step.unwrap().state.word(), word),
                    ProposalState::Confirmed { .. }
                    | ProposalState::Rejected { .. }
                    | ProposalState::Withdrawn { .. }
                    | ProposalState::Expired => assert_eq!(step, Err(NotMoved::Ended), "{word}"),
                }
            }
            assert_eq!(proposal.end_time().is_some(), state != ProposalState::Pending);
        }
    }

    #[test]
    fn what_ended_says_who_ended_it_and_when() {
        let confirmed = pending().confirm(decision(10), COMMAND).unwrap();
        assert_eq!((confirmed.state.command(), confirmed.end_time()), (Some(COMMAND), Some(at(10))));
        assert_eq!(confirmed.state.decision(), Some(&decision(10)));
        let rejected = pending().reject(decision(11)).unwrap();
        assert_eq!((rejected.state.command(), rejected.end_time()), (None, Some(at(11))));
        let withdrawn = pending().withdraw(at(10)).unwrap();
        assert_eq!((withdrawn.state.decision(), withdrawn.end_time()), (None, Some(at(10))));
        assert_eq!(pending().expire(at(13)).unwrap().end_time(), Some(at(12)), "when its time was over");
    }

    #[test]
    fn a_proposal_can_be_confirmed_until_its_time_is_over() {
        assert!(pending().confirm(decision(11), COMMAND).is_ok());
        assert_eq!(pending().confirm(decision(12), COMMAND), Err(NotMoved::TooLate));
        assert!(pending().reject(decision(12)).is_ok(), "a late no is a no");
        assert_eq!(pending().expire(at(11)), Err(NotMoved::TooEarly));
    }

    #[test]
    fn a_proposal_knows_whose_account_it_is_about() {
        assert!(pending().is_about(user(7)) && !pending().is_about(user(2)));
    }

    #[test]
    fn differences_are_told_field_by_field_without_the_marks_of_versions() {
        let before =
            json!({"name": "parts/P-1", "etag": "v1", "claimPrices": [{"price": 1}], "safety": true, "unit": "PIECE"});
        let after = json!({"name": "parts/P-1", "etag": "v2", "claimPrices": [{"price": 2}], "system": "ENGINE", "unit": "PIECE"});
        let told = differences(Some(&before), Some(&after));
        let told: Vec<(&str, &str, &str)> =
            told.iter().map(|one| (one.field.as_str(), one.before.as_str(), one.after.as_str())).collect();
        let expected = [
            ("claim_prices", "[{\"price\":1}]", "[{\"price\":2}]"),
            ("safety", "true", ""),
            ("system", "", "\"ENGINE\""),
        ];
        assert_eq!(told, expected);
        assert_eq!(differences(Some(&before), Some(&before)), []);
        let new = json!({"name": "parts/P-2", "active": true, "unit": "PIECE"});
        assert_eq!(differences(None, Some(&new)).len(), 1, "that something new is active goes without saying");
        let active = json!({"active": true});
        assert_eq!(differences(Some(&active), Some(&json!({}))).len(), 1, "that it ends does not");
    }
}
