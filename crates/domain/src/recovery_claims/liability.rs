//! Who is liable for a claim, where no appraisal says so: the supplier of the piece that failed, for the share that
//! was agreed beforehand.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::{Basis, Exchange, Liable, RecoveryClaim, RecoveryError, State, Terms, Unresolved};
use crate::catalog::{
    ExchangeRate, Part, PartSupply, Piece, PriceKind, ShareAgreement, Stored, Supplier, suppliers_of,
};
use crate::claims::Claim;
use crate::ids::{Code, OrgId};
use crate::money::{BasisPoints, Currency, Money};
use crate::text::Violation;
use crate::vehicle::Vehicle;

/// What is known of the failed piece and of those who may have made it.
#[derive(Clone, Debug, Default)]
pub struct LiabilityFacts {
    /// The vehicle.
    pub vehicle: Option<Vehicle>,
    /// Parts of the claim by code.
    pub parts: BTreeMap<Code, Part>,
    /// Supply relations of the causal part.
    pub supplies: Vec<PartSupply>,
    /// Share agreements on the causal part.
    pub agreements: Vec<ShareAgreement>,
    /// Suppliers by code.
    pub suppliers: BTreeMap<Code, Stored<Supplier>>,
    /// Rates from the claim's currency to others; needed for suppliers of another one only.
    pub rates: Vec<ExchangeRate>,
}

/// The suppliers that can have made the failed piece: by serial number, lot, plant and date of fitting, else the
/// part's default supplier.
pub fn candidates(claim: &Claim, facts: &LiabilityFacts) -> Vec<Code> {
    let Some(part) = &claim.header.causal_part else { return Vec::new() };
    match piece(claim, facts, part) {
        Found::Known(supplier) => vec![supplier],
        Found::Piece(piece) => {
            let made_by: Vec<Code> = suppliers_of(&facts.supplies, piece).into_iter().cloned().collect();
            if made_by.is_empty() {
                return facts.parts.get(part).and_then(|part| part.default_supplier.clone()).into_iter().collect();
            }
            made_by
        }
    }
}

/// What is known of the failed piece.
enum Found<'f> {
    /// Who made it.
    Known(Code),
    /// What may tell who made it.
    Piece(Piece<'f>),
}

fn piece<'f>(claim: &'f Claim, facts: &'f LiabilityFacts, part: &'f Code) -> Found<'f> {
    let causal = claim.lines.iter().find(|line| line.content.is_causal || line.content.part.as_ref() == Some(part));
    let serial = causal.and_then(|line| line.content.original_serial_number.as_deref()).unwrap_or_default();
    let vehicle = facts.vehicle.as_ref();
    let components = || vehicle.into_iter().flat_map(|vehicle| &vehicle.components);
    let component = components()
        .find(|component| !serial.is_empty() && component.serial_number == serial)
        // The piece that this claim replaced comes before the one that is in its place now.
        .or_else(|| components().find(|component| &component.part == part && component.claim == Some(claim.id)))
        .or_else(|| components().find(|component| &component.part == part && component.to_date.is_none()));
    if let Some(supplier) = component.and_then(|component| component.supplier.clone()) {
        return Found::Known(supplier);
    }
    let lot = component.map(|component| component.lot.as_str()).filter(|lot| !lot.is_empty());
    let lot = lot.or(vehicle.map(|vehicle| vehicle.lot.as_str())).unwrap_or_default();
    let fitted = component.and_then(|component| component.from_date).or(vehicle.and_then(|vehicle| vehicle.build_date));
    let known_serial = component.map_or(serial, |component| component.serial_number.as_str());
    Found::Piece(Piece {
        part,
        plant: vehicle.and_then(|vehicle| vehicle.plant.as_ref()),
        fitted_on: fitted.or(claim.header.complaint_date).unwrap_or_default(),
        serial: known_serial,
        lot,
    })
}

/// The quota of a supplier of pieces that nothing tells apart; none unless its relations say one.
fn quota(supplies: &[PartSupply], piece: Piece<'_>, supplier: &Code) -> Option<BasisPoints> {
    let own = supplies.iter().filter(|supply| &supply.supplier == supplier && supply.can_have_supplied(piece));
    own.map(|supply| supply.quota_bp.map(|quota| quota.0))
        .try_fold(0_i64, |sum, quota| sum.checked_add(quota?))
        .map(BasisPoints)
}

/// The liable suppliers by agreement, or why none is certain. Of pieces that nothing tells apart each supplier bears
/// its agreed share of its quota, where the agreements of all of them say so; else somebody decides.
pub fn by_agreement(claim: &Claim, facts: &LiabilityFacts) -> Result<Vec<Liable>, Unresolved> {
    match candidates(claim, facts).as_slice() {
        [] => Err(Unresolved::NoSupplier),
        [only] => Ok(vec![alone(claim, facts, only)?]),
        several @ [_, _, ..] => by_quota(claim, facts, several),
    }
}

fn by_quota(claim: &Claim, facts: &LiabilityFacts, suppliers: &[Code]) -> Result<Vec<Liable>, Unresolved> {
    let part = claim.header.causal_part.as_ref().ok_or(Unresolved::NoSupplier)?;
    let Found::Piece(piece) = piece(claim, facts, part) else { return Err(Unresolved::SeveralSuppliers) };
    let mut agreed = Vec::with_capacity(suppliers.len());
    for supplier in suppliers {
        let agreement = ShareAgreement::on(&facts.agreements, part, supplier, price_date(claim));
        let agreement = agreement.filter(|agreement| agreement.by_quota).ok_or(Unresolved::SeveralSuppliers)?;
        let quota = quota(&facts.supplies, piece, supplier).ok_or(Unresolved::SeveralSuppliers)?;
        // Whole basis points: what is less stays with the manufacturer.
        let share = BasisPoints(agreement.share_bp.0 * quota.0 / BasisPoints::WHOLE.0);
        agreed.push((supplier, share, format!("shareAgreements/{}", agreement.code)));
    }
    let shares: Vec<BasisPoints> = agreed.iter().map(|(_, share, _)| *share).collect();
    // Quotas of more than the whole demand are a mistake that somebody mends.
    if shares.iter().map(|share| share.0).sum::<i64>() > BasisPoints::WHOLE.0 {
        return Err(Unresolved::SeveralSuppliers);
    }
    let each = agreed.into_iter().enumerate();
    each.map(|(place, (supplier, _, basis_ref))| {
        liable(claim, facts, supplier, (&shares, place), (Basis::ShareAgreement, basis_ref))
    })
    .collect()
}

fn alone(claim: &Claim, facts: &LiabilityFacts, supplier: &Code) -> Result<Liable, Unresolved> {
    let part = claim.header.causal_part.as_ref().ok_or(Unresolved::NoSupplier)?;
    let agreement =
        ShareAgreement::on(&facts.agreements, part, supplier, price_date(claim)).ok_or(Unresolved::NoShareAgreement)?;
    let basis_ref = format!("shareAgreements/{}", agreement.code);
    liable(claim, facts, supplier, (&[agreement.share_bp], 0), (Basis::ShareAgreement, basis_ref))
}

/// A supplier with its share, under the terms in force on the day whose prices count.
pub fn liable(
    claim: &Claim,
    facts: &LiabilityFacts,
    supplier: &Code,
    (shares, place): (&[BasisPoints], usize),
    (basis, basis_ref): (Basis, String),
) -> Result<Liable, Unresolved> {
    let stored = facts.suppliers.get(supplier).ok_or(Unresolved::NoSupplier)?;
    let exchange = exchange(claim, facts, stored.value.currency)?;
    let part = claim.header.causal_part.as_ref().and_then(|part| facts.parts.get(part));
    let date = price_date(claim);
    let no_category = Code::fixed("NONE");
    let category = part.map_or(&no_category, |part| &part.category);
    let row = stored.value.contract_on(date, category).ok_or(Unresolved::NoContract)?;
    let prices: BTreeMap<Code, Money> = facts
        .parts
        .iter()
        .filter_map(|(code, part)| {
            let row = part.price_on(PriceKind::Recovery, date, stored.value.currency)?;
            Some((code.clone(), row.value.price))
        })
        .collect();
    Ok(Liable {
        org: OrgId(stored.id),
        code: supplier.clone(),
        shares: shares.to_vec(),
        place,
        basis,
        basis_ref,
        terms: Terms { row: row.id, contract: row.value.clone(), prices },
        exchange,
    })
}

/// At which rate a supplier's currency is reached, if it is another one.
fn exchange(claim: &Claim, facts: &LiabilityFacts, currency: Currency) -> Result<Option<Exchange>, Unresolved> {
    if currency == claim.currency {
        return Ok(None);
    }
    let date = price_date(claim);
    let rate = ExchangeRate::on(&facts.rates, claim.currency, currency, date).ok_or(Unresolved::OtherCurrency)?;
    Ok(Some(Exchange { rate: rate.code.clone(), currency, factor: rate.factor, base_units: rate.base_units, date }))
}

/// The day whose prices and terms count: the repair's completion.
pub fn price_date(claim: &Claim) -> NaiveDate {
    let decided = claim.decisions.last().map(|round| round.decide_date);
    claim.header.repair_completion_date.or(decided).unwrap_or_default()
}

impl RecoveryClaim {
    /// The shares with which it is assigned: what other suppliers are asked to bear of its lines, and the one that is
    /// left for it. Together they are never more than the whole.
    pub fn shares_beside(
        &self,
        others: &[RecoveryClaim],
        share: BasisPoints,
    ) -> Result<(Vec<BasisPoints>, usize), RecoveryError> {
        let mut by_line: BTreeMap<u32, i64> = BTreeMap::new();
        let asked = others.iter().filter(|other| other.id != self.id && other.state != State::Waived);
        for line in asked.flat_map(|other| &other.lines) {
            let concerned = self.only.as_ref().is_none_or(|only| only.contains(&line.line));
            if concerned && !self.except.contains(&line.line) {
                let borne = line.accepted.map_or(line.share_bp, |stands| stands.share_bp);
                *by_line.entry(line.line).or_default() += borne.0;
            }
        }
        let taken = by_line.into_values().max().unwrap_or_default();
        let left = BasisPoints((BasisPoints::WHOLE.0 - taken).max(0));
        if share > left {
            return Err(RecoveryError::Invalid(vec![Violation::new(
                "share_bp",
                "OVER_THE_WHOLE",
                format!("other suppliers bear or are asked for the rest; at most {left} are left"),
                format!("其余份额已由其他供应商承担或正在追偿；最多剩余 {left}"),
            )]));
        }
        // In this order: the fen that rounding leaves were given to those who came first.
        Ok(if taken == 0 { (vec![share], 0) } else { (vec![BasisPoints(taken), share], 1) })
    }
}
