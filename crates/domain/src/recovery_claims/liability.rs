//! Who is liable for a claim, where no appraisal says so: the supplier of the piece that failed, for the share that
//! was agreed beforehand.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::{Basis, Liable, Terms, Unresolved};
use crate::catalog::{Part, PartSupply, Piece, PriceKind, ShareAgreement, Stored, Supplier, suppliers_of};
use crate::claims::Claim;
use crate::ids::{Code, OrgId};
use crate::money::{BasisPoints, Money};
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
}

/// The suppliers that can have made the failed piece: by serial number, lot, plant and date of fitting, else the
/// part's default supplier.
pub fn candidates(claim: &Claim, facts: &LiabilityFacts) -> Vec<Code> {
    let Some(part) = &claim.header.causal_part else { return Vec::new() };
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
        return vec![supplier];
    }
    let lot = component.map(|component| component.lot.as_str()).filter(|lot| !lot.is_empty());
    let lot = lot.or(vehicle.map(|vehicle| vehicle.lot.as_str())).unwrap_or_default();
    let fitted = component.and_then(|component| component.from_date).or(vehicle.and_then(|vehicle| vehicle.build_date));
    let known_serial = component.map_or(serial, |component| component.serial_number.as_str());
    let piece = Piece {
        part,
        plant: vehicle.and_then(|vehicle| vehicle.plant.as_ref()),
        fitted_on: fitted.or(claim.header.complaint_date).unwrap_or_default(),
        serial: known_serial,
        lot,
    };
    let made_by: Vec<Code> = suppliers_of(&facts.supplies, piece).into_iter().cloned().collect();
    if !made_by.is_empty() {
        return made_by;
    }
    facts.parts.get(part).and_then(|part| part.default_supplier.clone()).into_iter().collect()
}

/// The liable supplier by agreement, or why there is none that is certain.
pub fn by_agreement(claim: &Claim, facts: &LiabilityFacts) -> Result<Liable, Unresolved> {
    let supplier = match candidates(claim, facts).as_slice() {
        [] => return Err(Unresolved::NoSupplier),
        [only] => only.clone(),
        [_, _, ..] => return Err(Unresolved::SeveralSuppliers),
    };
    let part = claim.header.causal_part.as_ref().ok_or(Unresolved::NoSupplier)?;
    let agreement = ShareAgreement::on(&facts.agreements, part, &supplier, price_date(claim))
        .ok_or(Unresolved::NoShareAgreement)?;
    let basis_ref = format!("shareAgreements/{}", agreement.code);
    liable(claim, facts, &supplier, (&[agreement.share_bp], 0), (Basis::ShareAgreement, basis_ref))
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
    if stored.value.currency != claim.currency {
        return Err(Unresolved::OtherCurrency);
    }
    let part = claim.header.causal_part.as_ref().and_then(|part| facts.parts.get(part));
    let date = price_date(claim);
    let no_category = Code::fixed("NONE");
    let category = part.map_or(&no_category, |part| &part.category);
    let row = stored.value.contract_on(date, category).ok_or(Unresolved::NoContract)?;
    let prices: BTreeMap<Code, Money> = facts
        .parts
        .iter()
        .filter_map(|(code, part)| {
            let row = part.price_on(PriceKind::Recovery, date, claim.currency)?;
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
    })
}

/// The day whose prices and terms count: the repair's completion.
pub fn price_date(claim: &Claim) -> NaiveDate {
    let decided = claim.decisions.last().map(|round| round.decide_date);
    claim.header.repair_completion_date.or(decided).unwrap_or_default()
}
