//! How the rules of a set fared.

use recourse_domain::catalog::AdjudicationRuleSet;
use recourse_proto::{Method, v1};
use recourse_repository::RuleFigures;

use crate::catalog::{self, AdjudicationRuleSetResource};
use crate::context::Call;
use crate::error::{Answer, Refusal};

/// The figures of every rule that matched at least once.
pub(super) async fn of(call: &Call, name: &str) -> Answer<v1::AdjudicationRuleSetStatistics> {
    let code = catalog::code_in::<AdjudicationRuleSetResource>(name)?;
    let scope = call.scope_of(Method::AdjudicationRuleSetServiceGetAdjudicationRuleSet)?;
    let (code, scope) = (code.as_str(), &scope);
    let figures: Answer<Vec<RuleFigures>> = call
        .inner
        .store
        .read(|tx| {
            Box::pin(async move {
                let set = tx.record::<AdjudicationRuleSet>(scope, code).await?;
                let set = set.ok_or_else(|| Refusal::not_found(name))?;
                Ok(tx.rule_figures(set.id).await?)
            })
        })
        .await;
    let rules = figures?.iter().map(show).collect();
    Ok(v1::AdjudicationRuleSetStatistics { name: format!("adjudicationRuleSets/{code}"), rules })
}

fn show(figures: &RuleFigures) -> v1::RuleStatistics {
    let RuleFigures { rule, hits, approved, rejected, returned, routed, sampled, overturned } = figures;
    let count = |number: &i64| i32::try_from(*number).unwrap_or(i32::MAX);
    let decided = approved + rejected;
    let rate = if decided > 0 { overturned.saturating_mul(10_000) / decided } else { 0 };
    v1::RuleStatistics {
        rule: rule.clone(),
        hits: count(hits),
        approved: count(approved),
        rejected: count(rejected),
        returned: count(returned),
        routed: count(routed),
        sampled: count(sampled),
        overturned: count(overturned),
        overturn_rate_bp: count(&rate),
    }
}
