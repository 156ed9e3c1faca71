//! Adjudication rules: conditions as data ([`Condition`]), tried on what is known of a claim ([`Situation`]), and
//! what the first that holds says ([`RuleBook::judge`]).
//!
//! A rule whose condition fails on a claim does not match, is noted, and from there on nothing but a person decides:
//! the rule that failed might have been the one that would have held the claim back.

mod check;
mod condition;
#[cfg(test)]
mod examples;
mod position;
mod schema;
mod situation;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use check::Fault;
pub use condition::{Condition, MAX_CONDITION};
pub use schema::{Shape, Ty, VARIABLES, Variable, table};
pub use situation::{History, Situation, Surroundings};

use crate::catalog::Setting;
use crate::catalog::adjudication_rule_set::{AdjudicationRule, AdjudicationRuleSet, RuleAction};
use crate::claims::{Claim, Code as ReasonCode, Effect, Finding, Reason, review};
use crate::ids::Code;
use crate::money::Money;

/// Steps that all conditions of a set may take together.
pub const MAX_STEPS: u64 = 2_000_000;
/// Up to which level of approval rules decide: as the auditors of the first.
pub(crate) const RULE_LEVEL: i32 = 1;

/// The rules of a set, ready to be tried, in the order in which they are.
#[derive(Debug)]
pub struct RuleBook {
    /// The set.
    pub code: Code,
    /// Every n-th automatic approval goes to a person; 0: none.
    pub sample_every: u32,
    /// The queue of those.
    pub sample_queue: Option<Code>,
    /// The queue of what no rule decides.
    pub default_queue: Option<Code>,
    /// Whether its rules approve requests for leave too.
    pub may_authorize: bool,
    rules: Vec<(AdjudicationRule, Result<Condition, Fault>)>,
}

/// A rule that could not be tried on a claim.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleFault {
    /// The rule.
    pub rule: Code,
    /// Why.
    pub message: String,
}

/// What the rules say about a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ruling {
    /// The rule that matches.
    pub rule: Option<Code>,
    /// What it says.
    pub action: Option<RuleAction>,
    /// Rules that failed.
    pub faults: Vec<RuleFault>,
    /// What is done.
    pub measure: Measure,
    /// Why the matching rule does not decide, if it does not.
    pub held_back: Option<HeldBack>,
}

/// What is done with a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Every line is approved in full.
    Approve,
    /// Every line is rejected.
    Reject(Vec<Reason>),
    /// It goes back to its station.
    Return(Vec<Reason>),
    /// A person decides; the queue, if one is named.
    Person(Option<Code>),
}

/// Why a rule that matches does not decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum HeldBack {
    /// A rule before it failed.
    RuleFailed,
    /// Claims of this kind are not returned.
    NotReturnable,
    /// Claims of this kind authorise; a person answers for that.
    Authorizes,
    /// Findings block it.
    Errors,
    /// A line has no price.
    NoPrice,
    /// Nothing is owed.
    NothingDue,
    /// It is more than the first level of approval may decide alone.
    HigherLevel,
    /// It is a sample.
    Sampled,
    /// The claim is held.
    Held,
}

impl HeldBack {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            HeldBack::RuleFailed => "RULE_FAILED",
            HeldBack::NotReturnable => "NOT_RETURNABLE",
            HeldBack::Authorizes => "AUTHORIZES",
            HeldBack::Errors => "ERRORS",
            HeldBack::NoPrice => "NO_PRICE",
            HeldBack::NothingDue => "NOTHING_DUE",
            HeldBack::HigherLevel => "HIGHER_LEVEL",
            HeldBack::Sampled => "SAMPLED",
            HeldBack::Held => "HELD",
        }
    }
}

impl RuleBook {
    /// The rules of a set. A condition that can't be read, which a set that was checked has not, fails when it is
    /// tried: no claim is decided past it.
    pub fn of(set: &AdjudicationRuleSet) -> Self {
        let mut rules: Vec<_> = set.rules.iter().filter(|rule| !rule.disabled).cloned().collect();
        rules.sort_by_key(|rule| rule.priority);
        Self {
            code: set.code.clone(),
            sample_every: u32::try_from(set.sample_every).unwrap_or(0),
            sample_queue: set.sample_queue.clone(),
            default_queue: set.default_queue.clone(),
            may_authorize: set.may_authorize,
            rules: rules
                .into_iter()
                .map(|rule| {
                    let condition = Condition::compile(&rule.condition);
                    (rule, condition)
                })
                .collect(),
        }
    }

    /// Codes of its rules, in the order in which they are tried.
    pub fn rule_ids(&self) -> impl Iterator<Item = &Code> {
        self.rules.iter().map(|(rule, _)| &rule.id)
    }

    /// Whether a condition asks what was submitted before.
    pub fn asks_history(&self) -> bool {
        self.rules.iter().any(|(_, condition)| condition.as_ref().is_ok_and(Condition::asks_history))
    }

    /// The public name of one of its rules.
    pub fn name_of(&self, rule: &Code) -> String {
        format!("adjudicationRuleSets/{}/rules/{rule}", self.code)
    }

    /// Whether the n-th automatic approval is a sample.
    pub fn is_sample(&self, nth: u64) -> bool {
        self.sample_every > 0 && nth.is_multiple_of(u64::from(self.sample_every))
    }

    /// What the rules say about a claim right after its submission. Whether an approval is a sample is not known
    /// here: that takes a count over all servers.
    pub fn judge(&self, claim: &Claim, situation: &Situation, setting: &Setting) -> Ruling {
        let mut faults = Vec::new();
        for (rule, condition) in &self.rules {
            if !rule.kinds.is_empty() && !rule.kinds.contains(&claim.kind) {
                continue;
            }
            let tried = match condition {
                Ok(condition) => condition.holds(situation),
                Err(fault) => Err(fault.text.en.clone()),
            };
            match tried {
                Ok(false) => {}
                Ok(true) => return self.ruling(rule, faults, claim, setting),
                Err(message) => faults.push(RuleFault { rule: rule.id.clone(), message }),
            }
        }
        let measure = Measure::Person(self.default_queue.clone());
        Ruling { rule: None, action: None, faults, measure, held_back: None }
    }

    /// The ruling on an approval that is a sample: a person decides.
    pub fn sampled(&self, ruling: Ruling) -> Ruling {
        let queue = self.sample_queue.clone().or_else(|| self.default_queue.clone());
        Ruling { measure: Measure::Person(queue), held_back: Some(HeldBack::Sampled), ..ruling }
    }

    fn ruling(&self, rule: &AdjudicationRule, faults: Vec<RuleFault>, claim: &Claim, setting: &Setting) -> Ruling {
        let said = match rule.action {
            RuleAction::Route => Ok(Measure::Person(rule.queue.clone())),
            RuleAction::Approve | RuleAction::Reject | RuleAction::Return | RuleAction::RequireEvidence
                if !faults.is_empty() =>
            {
                Err(HeldBack::RuleFailed)
            }
            RuleAction::Approve | RuleAction::Reject | RuleAction::Return | RuleAction::RequireEvidence
                if claim.hold().is_some() =>
            {
                Err(HeldBack::Held)
            }
            RuleAction::Approve => self.approvable(claim, setting).map(|()| Measure::Approve),
            RuleAction::Reject => Ok(Measure::Reject(rule.reasons.clone())),
            RuleAction::Return | RuleAction::RequireEvidence if !setting.is_returnable(claim.kind) => {
                Err(HeldBack::NotReturnable)
            }
            RuleAction::Return => Ok(Measure::Return(rule.reasons.clone())),
            RuleAction::RequireEvidence => Ok(Measure::Return(vec![evidence(rule)])),
        };
        let (measure, held_back) = match said {
            Ok(measure) => (measure, None),
            Err(held_back) => (Measure::Person(self.default_queue.clone()), Some(held_back)),
        };
        Ruling { rule: Some(rule.id.clone()), action: Some(rule.action), faults, measure, held_back }
    }

    /// Whether a claim may be approved without a person.
    fn approvable(&self, claim: &Claim, setting: &Setting) -> Result<(), HeldBack> {
        if claim.findings.iter().any(Finding::blocks) {
            return Err(HeldBack::Errors);
        }
        match claim.kind.spec().effect() {
            Effect::Authorizes if !self.may_authorize => return Err(HeldBack::Authorizes),
            Effect::Authorizes | Effect::Pays => {}
        }
        if claim.lines.iter().any(|line| line.pricing.as_ref().is_none_or(|pricing| pricing.computed.is_none())) {
            return Err(HeldBack::NoPrice);
        }
        if claim.lines.iter().all(|line| review::due(claim, line).minor <= 0) {
            return Err(HeldBack::NothingDue);
        }
        let due = Money::sum(claim.currency, claim.lines.iter().map(|line| review::due(claim, line)));
        if !due.is_ok_and(|due| setting.may_approve(RULE_LEVEL, due)) {
            return Err(HeldBack::HigherLevel);
        }
        Ok(())
    }
}

fn evidence(rule: &AdjudicationRule) -> Reason {
    let both = format!("{} / {}", rule.evidence, rule.evidence_zh);
    Reason { evidence_needed: both, field: "evidence".to_owned(), ..Reason::of(ReasonCode::EvidenceMissing) }
}
