//! What decisions have of goodwill budgets: a sum beside each budget, so that the last of it is granted once.
//!
//! The sums follow from the claims' documents and are moved with each version of a claim, whatever step made it;
//! the verification computes them anew. A claim without draws touches none of it.

use std::collections::{BTreeMap, BTreeSet};

use recourse_domain::access::Permit;
use recourse_domain::catalog::goodwill_budget::BudgetUse;
use recourse_domain::claims::{Claim, Drawn};
use recourse_domain::ids::Code;
use recourse_domain::money::{Currency, Money, MoneyError};
use uuid::Uuid;

use crate::claims;
use crate::error::StoreError;
use crate::sql::{Row, Runs, Sql};
use crate::store::{Store, Tx};

impl Store {
    /// What decisions have of budgets, by code. One of which nothing was ever drawn is not among them.
    pub async fn goodwill_uses(&self, codes: &BTreeSet<&str>) -> Result<BTreeMap<String, BudgetUse>, StoreError> {
        if codes.is_empty() {
            return Ok(BTreeMap::new());
        }
        let mut sql = Sql::new(
            "SELECT b.code AS code, b.currency AS currency, a.used_minor AS used_minor, \
             a.reserved_minor AS reserved_minor FROM goodwill_account a JOIN goodwill_budget b ON b.id = a.budget_id \
             WHERE b.code IN ",
        );
        sql.push_list(codes.iter().copied());
        let rows = sql.all(&self.reader).await?;
        rows.iter()
            .map(|row| {
                let currency: String = row.get("currency")?;
                let currency = Currency::parse(&currency).map_err(|error| row.corrupt("currency", error))?;
                Ok((row.get("code")?, of_row(row, currency)?))
            })
            .collect()
    }
}

impl Tx<'_> {
    /// What decisions have of a budget, locked until the unit ends: whoever else draws on it waits here, and
    /// sees then what was drawn.
    pub async fn lock_goodwill(
        &mut self,
        _permit: &Permit,
        budget: Uuid,
        currency: Currency,
    ) -> Result<BudgetUse, StoreError> {
        let row = Sql::new(
            "INSERT INTO goodwill_account (budget_id, used_minor, reserved_minor) VALUES (?, 0, 0) \
             ON CONFLICT (budget_id) DO UPDATE SET used_minor = goodwill_account.used_minor \
             RETURNING used_minor, reserved_minor",
        )
        .bind(budget)
        .one(&self.db)
        .await?
        .ok_or_else(|| StoreError::Database("the account of a budget was not found".to_owned()))?;
        of_row(&row, currency)
    }
}

fn of_row(row: &Row, currency: Currency) -> Result<BudgetUse, StoreError> {
    Ok(BudgetUse {
        used: Money::new(currency, row.get("used_minor")?),
        reserved: Money::new(currency, row.get("reserved_minor")?),
    })
}

/// What a new version of a claim changes in the sums: a statement for each budget of which it has more or less.
pub(crate) fn moves(before: &Claim, after: &Claim) -> Result<Vec<Sql>, StoreError> {
    let of = |drawn: Result<Drawn, MoneyError>| {
        drawn.map_err(|error| StoreError::Database(format!("claim {}: {error}", after.id)))
    };
    let used = changes(of(before.goodwill_used())?, of(after.goodwill_used())?);
    let reserved = changes(of(before.goodwill_reserved())?, of(after.goodwill_reserved())?);
    let budgets: BTreeSet<&Code> = used.keys().chain(reserved.keys()).collect();
    Ok(budgets
        .into_iter()
        .map(|budget| {
            let change = |changes: &BTreeMap<Code, i64>| changes.get(budget).copied().unwrap_or_default();
            Sql::new(
                "UPDATE goodwill_account SET used_minor = used_minor + ?, reserved_minor = reserved_minor + ? \
                 WHERE budget_id = (SELECT id FROM goodwill_budget WHERE code = ?)",
            )
            .bind(change(&used))
            .bind(change(&reserved))
            .bind(budget.as_str())
        })
        .collect())
}

/// By how much each budget's share grew, where it did not stay.
fn changes(before: Drawn, after: Drawn) -> BTreeMap<Code, i64> {
    let mut changes: BTreeMap<Code, i64> = after.into_iter().map(|(budget, amount)| (budget, amount.minor)).collect();
    for (budget, amount) in before {
        *changes.entry(budget).or_default() -= amount.minor;
    }
    changes.retain(|_, change| *change != 0);
    changes
}

/// The sums are what the claims say, and no claim draws what it did not grant.
pub(crate) async fn faults(db: &impl Runs, limit: usize) -> Result<Vec<String>, StoreError> {
    let mut faults = Vec::new();
    let mut told: BTreeMap<String, (i64, i64)> = BTreeMap::new();
    // Claims that draw on a budget are few: the word stands in their documents only.
    for row in Sql::new("SELECT * FROM claim WHERE body LIKE '%\"goodwill_draws\"%'").all(db).await? {
        let claim = claims::stored(&row)?.value;
        let sums =
            claim.goodwill_used().and_then(|used| Ok((used, claim.goodwill_reserved()?, claim.goodwill_fault()?)));
        let (used, reserved, fault) = match sums {
            Ok(sums) => sums,
            Err(error) => {
                faults.push(format!("claims/{}: {error}", claim.id));
                continue;
            }
        };
        faults.extend(fault.map(|fault| format!("claims/{} {fault}", claim.id)));
        for (budget, amount) in used {
            told.entry(budget.to_string()).or_default().0 += amount.minor;
        }
        for (budget, amount) in reserved {
            told.entry(budget.to_string()).or_default().1 += amount.minor;
        }
    }
    let rows = Sql::new(
        "SELECT b.code AS code, a.used_minor AS used_minor, a.reserved_minor AS reserved_minor \
         FROM goodwill_account a JOIN goodwill_budget b ON b.id = a.budget_id ORDER BY b.code",
    )
    .all(db)
    .await?;
    for row in rows {
        let code: String = row.get("code")?;
        let kept: (i64, i64) = (row.get("used_minor")?, row.get("reserved_minor")?);
        let said = told.remove(&code).unwrap_or_default();
        if kept != said {
            faults.push(format!(
                "goodwillBudgets/{code}: {} used and {} reserved are kept, the claims say {} and {} (minor units)",
                kept.0, kept.1, said.0, said.1
            ));
        }
    }
    faults
        .extend(told.into_keys().map(|code| format!("goodwillBudgets/{code}: claims draw on it, and no sum is kept")));
    faults.truncate(limit);
    Ok(faults)
}
