//! What claims use of an authorisation: planned before a submission, reconciled after every step.

use chrono::NaiveDate;

use super::{Authorization, Certificate, Item, Use, approved, counted};
use crate::claims::{AssemblyAction, Claim, LineContent, LineType, StateWord, review};
use crate::money::{Money, Quantity};

/// What a line finds when it asks an authorisation: the item it may use, and what is left of that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// Number of the line.
    pub line: u32,
    /// Number of the item; none if the authorisation does not allow it.
    pub item: Option<u32>,
    /// Pieces that are left for the line; none where pieces don't count.
    pub left_quantity: Option<Quantity>,
    /// The amount that is left for it.
    pub left_amount: Money,
}

/// A claim uses more than is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overdrawn;

impl Authorization {
    /// What is left of an item.
    pub fn left_of(&self, item: &Item) -> (Option<Quantity>, Money) {
        left(item, &self.uses)
    }

    /// What the lines of a claim that name it find, each after the ones before it. Amounts are those that the
    /// lines have been priced with.
    pub fn plan(&self, claim: &Claim) -> Vec<Planned> {
        let mut uses = self.uses.clone();
        uses.retain(|used| used.claim != claim.id);
        let mut planned = Vec::new();
        for line in claim.lines.iter().filter(|line| self.is_named_by(&line.content)) {
            let Some(item) = self.item_for(&line.content, &uses) else {
                let left_amount = Money::zero(self.currency);
                planned.push(Planned { line: line.number, item: None, left_quantity: None, left_amount });
                continue;
            };
            let (left_quantity, left_amount) = left(item, &uses);
            uses.push(Use {
                claim: claim.id,
                line: line.number,
                item: item.number,
                quantity: counted(line).filter(|_| item.limit_quantity.is_some()),
                amount: least(review::due(claim, line), left_amount),
                approved: false,
            });
            planned.push(Planned { line: line.number, item: Some(item.number), left_quantity, left_amount });
        }
        planned
    }

    /// The authorisation after a step of a claim. A claim that waits for its decision holds what its lines
    /// ask for, an approved one what was approved, any other nothing.
    ///
    /// # Errors
    ///
    /// A claim that begins to wait finds less than it needs: another was faster.
    pub fn reconciled(self, claim: &Claim, today: NaiveDate) -> Result<Authorization, Overdrawn> {
        let mut after = self.without(claim.id);
        match held(claim) {
            Held::Nothing => {}
            Held::Wanted => after.reserve(claim)?,
            Held::Approved => after.settle(claim),
        }
        if after.certificate.as_ref().is_none_or(|kept| kept.claim == claim.id) {
            after.certificate = after.certificate_of(claim, today);
        }
        after.state = after.state_on(today);
        Ok(after)
    }

    fn is_named_by(&self, content: &LineContent) -> bool {
        content.authorization.as_deref().is_some_and(|text| self.is_named(text))
    }

    /// The item that a line may use: the first with enough left, else the first that fits.
    fn item_for(&self, content: &LineContent, uses: &[Use]) -> Option<&Item> {
        let fitting = || self.items.iter().filter(|item| allows(item, content));
        let enough = fitting().find(|item| {
            let (quantity, amount) = left(item, uses);
            let pieces = quantity.is_none_or(|left| content.quantity.is_none_or(|wanted| wanted <= left));
            pieces && amount.minor > 0
        });
        enough.or_else(|| fitting().next())
    }

    fn reserve(&mut self, claim: &Claim) -> Result<(), Overdrawn> {
        let planned = self.plan(claim);
        if self.revocation.is_some() && !planned.is_empty() {
            return Err(Overdrawn);
        }
        for planned in planned {
            let (Some(item), Some(line)) = (planned.item, claim.line(planned.line)) else { return Err(Overdrawn) };
            let quantity = counted(line).filter(|_| planned.left_quantity.is_some());
            if planned.left_quantity.is_some_and(|left| quantity.is_some_and(|wanted| wanted > left)) {
                return Err(Overdrawn);
            }
            let amount = least(review::due(claim, line), planned.left_amount);
            self.uses.push(Use { claim: claim.id, line: line.number, item, quantity, amount, approved: false });
        }
        Ok(())
    }

    /// What was approved counts, whatever is left: the auditor's decision stands.
    fn settle(&mut self, claim: &Claim) {
        for planned in self.plan(claim) {
            let (Some(item), Some(line)) = (planned.item, claim.line(planned.line)) else { continue };
            let approved = approved(claim, line);
            if approved.minor > 0 {
                let quantity = counted(line).filter(|_| planned.left_quantity.is_some());
                self.uses.push(Use {
                    claim: claim.id,
                    line: line.number,
                    item,
                    quantity,
                    amount: approved,
                    approved: true,
                });
            }
        }
    }

    fn certificate_of(&self, claim: &Claim, today: NaiveDate) -> Option<Certificate> {
        match self.action {
            Some(AssemblyAction::Replace) => {}
            Some(AssemblyAction::Repair) | None => return None,
        }
        let assembly = self.assembly.as_ref()?;
        let line = self.uses.iter().filter(|used| used.claim == claim.id && used.approved).find_map(|used| {
            claim
                .line(used.line)
                .filter(|line| line.content.line_type == LineType::Part && line.content.part.as_ref() == Some(assembly))
        })?;
        Some(Certificate {
            part: assembly.clone(),
            original_serial_number: line.content.original_serial_number.clone()?,
            replacement_serial_number: line.content.replacement_serial_number.clone()?,
            odometer_km: claim.header.odometer_out_km.or(claim.header.odometer_in_km),
            repair_completion_date: claim.header.repair_completion_date,
            claim: claim.id,
            station_code: claim.station_code.clone(),
            issue_date: today,
        })
    }
}

/// What a claim holds of the authorisations that it names.
enum Held {
    Nothing,
    Wanted,
    Approved,
}

fn held(claim: &Claim) -> Held {
    match claim.state.word() {
        StateWord::Submitted | StateWord::InReview => Held::Wanted,
        StateWord::Approved | StateWord::Settled | StateWord::Closed => Held::Approved,
        StateWord::Draft | StateWord::Returned | StateWord::Rejected | StateWord::Withdrawn | StateWord::Lapsed => {
            Held::Nothing
        }
    }
}

fn allows(item: &Item, content: &LineContent) -> bool {
    // What was authorised by its description alone may have got a part number since.
    let part = item.part.is_none() || item.part == content.part;
    item.line_type == content.line_type && part && item.operation == content.operation
}

fn left(item: &Item, uses: &[Use]) -> (Option<Quantity>, Money) {
    let of_item = || uses.iter().filter(|used| used.item == item.number);
    let quantity = item.limit_quantity.map(|limit| {
        let used = of_item().filter_map(|used| used.quantity).fold(0_i64, |sum, used| sum.saturating_add(used.0));
        Quantity(limit.0.saturating_sub(used))
    });
    let used = of_item().fold(0_i64, |sum, used| sum.saturating_add(used.amount.minor));
    (quantity, Money { minor: item.limit_amount.minor.saturating_sub(used).max(0), ..item.limit_amount })
}

fn least(one: Money, other: Money) -> Money {
    if other.minor < one.minor { other } else { one }
}
