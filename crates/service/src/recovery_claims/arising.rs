//! How recovery claims arise from a decided claim, and follow it when it is decided again.

use std::collections::{BTreeMap, BTreeSet};

use recourse_domain::access::Permit;
use recourse_domain::catalog::{ExchangeRate, Part, PartSupply, Record, ShareAgreement, Stored, Supplier};
use recourse_domain::claims::{Claim, Effect};
use recourse_domain::ids::{Code, RecoveryClaimId, UserId};
use recourse_domain::recovery_claims::liability::{self, LiabilityFacts};
use recourse_domain::recovery_claims::{Basis, Liable, NewRecovery, RecoveryClaim, Unresolved, Verb};
use recourse_domain::vehicle::Vehicle;
use recourse_repository::{StoreError, Tx};

use super::{COLLECTION, audience, moment, refused, saved};
use crate::context::Call;
use crate::convert::recovery_claims::named;
use crate::error::{Answer, Refusal};

/// Lets the recoveries of a claim follow its newest decision: the first approval makes them, a later decision moves
/// them by the difference.
///
/// Who is liable follows from the final appraisal; else from the share agreement on the causal part and its supplier;
/// else the claim waits in the queue of unresolved liability.
pub(crate) async fn after_decision(tx: &mut Tx<'_>, call: &Call, permit: &Permit, claim: &Claim) -> Answer<()> {
    let recoverable = claim.kind.spec().effect() == Effect::Pays && claim.header.causal_part.is_some();
    let approved = claim.totals()?.approved.is_some_and(|approved| !approved.is_zero());
    if !recoverable {
        return Ok(());
    }
    let existing = tx.recoveries_of_claims(&call.everything()?, &[claim.id]).await?;
    for stored in &existing {
        let adjusted = stored.value.clone().adjust(claim, moment(call));
        let adjusted = adjusted.map_err(|error| refused(&named(stored.id), error))?;
        if adjusted != stored.value {
            saved(tx, call, permit, stored, adjusted, Verb::Adjust).await?;
        }
    }
    if existing.is_empty() && approved {
        for (liable, decided_by) in liable_for(tx, call, claim).await? {
            let new = new_recovery(call, permit, decided_by, None);
            let recovery = RecoveryClaim::arise(new, claim, liable)?;
            // Below the contract's minimum nothing is asked for.
            if !recovery.asks_for_nothing()? {
                insert(tx, call, permit, recovery).await?;
            }
        }
    }
    Ok(())
}

type Found = (Result<Liable, Unresolved>, Option<UserId>);

async fn liable_for(tx: &mut Tx<'_>, call: &Call, claim: &Claim) -> Answer<Vec<Found>> {
    let appraisal = tx.final_appraisal(&call.everything()?, claim.id).await?.map(|stored| stored.value);
    let Some(appraisal) = appraisal else {
        let facts = facts_of(tx, call, claim).await?;
        return Ok(match liability::by_agreement(claim, &facts) {
            Ok(all) => all.into_iter().map(|liable| (Ok(liable), None)).collect(),
            Err(why) => vec![(Err(why), None)],
        });
    };
    let suppliers = appraisal.liable_suppliers();
    let codes: Vec<Code> = suppliers.iter().map(|(_, code, _)| code.clone()).collect();
    let shares: Vec<_> = suppliers.iter().map(|(_, _, share)| *share).collect();
    let facts = facts_with(tx, call, claim, &codes).await?;
    let decided_by = appraisal.liability.as_ref().map(|liability| liability.decided_by);
    let of = |(place, code): (usize, &Code)| {
        let basis = (Basis::Appraisal, format!("appraisals/{}", appraisal.id));
        (liability::liable(claim, &facts, code, (&shares, place), basis), decided_by)
    };
    Ok(codes.iter().enumerate().map(of).collect())
}

/// What a new recovery claim is given. Who decides the claim looks after it.
pub(super) fn new_recovery(
    call: &Call,
    permit: &Permit,
    decided_by: Option<UserId>,
    only: Option<BTreeSet<u32>>,
) -> NewRecovery {
    NewRecovery {
        id: RecoveryClaimId(call.new_id()),
        seed: call.new_id(),
        owner: permit.actor().user,
        decided_by,
        only,
        now: call.now,
        today: call.today(),
    }
}

/// Writes a new recovery claim.
pub(super) async fn insert(
    tx: &mut Tx<'_>,
    call: &Call,
    permit: &Permit,
    recovery: RecoveryClaim,
) -> Answer<Stored<RecoveryClaim>> {
    let note = call.note("create", named(recovery.id.0), COLLECTION, Vec::new(), &audience(&recovery));
    tx.insert_recovery_claim(permit, recovery, note).await.map_err(|error| match error {
        // A number that is taken is drawn anew.
        StoreError::AlreadyExists { what } if what.contains("number") => Refusal::from(StoreError::Retry),
        other => other.into(),
    })
}

/// What is known of the failed piece and of those who may have made it.
pub(crate) async fn facts_of(tx: &mut Tx<'_>, call: &Call, claim: &Claim) -> Answer<LiabilityFacts> {
    facts_with(tx, call, claim, &[]).await
}

/// The same with suppliers that are named elsewhere. A fixed number of queries, whatever the claim has.
pub(super) async fn facts_with(tx: &mut Tx<'_>, call: &Call, claim: &Claim, named: &[Code]) -> Answer<LiabilityFacts> {
    let everything = call.everything()?;
    let vehicle = match &claim.header.vin {
        Some(vin) => tx.record::<Vehicle>(&everything, vin).await?.map(|stored| stored.value),
        None => None,
    };
    let codes = claim.lines.iter().filter_map(|line| line.content.part.as_ref()).chain(&claim.header.causal_part);
    let codes: BTreeSet<String> = codes.map(Code::to_string).collect();
    let parts = tx.active_records::<Part>(&everything, &codes).await?;
    let causal: BTreeSet<String> = claim.header.causal_part.iter().map(Code::to_string).collect();
    let supplies = values(tx.records_where::<PartSupply>(&everything, "part", &causal).await?);
    let agreements = values(tx.records_where::<ShareAgreement>(&everything, "part", &causal).await?);
    let mut suppliers: BTreeSet<String> = named.iter().map(Code::to_string).collect();
    suppliers.extend(supplies.iter().map(|supply| supply.supplier.to_string()));
    suppliers.extend(parts.iter().filter_map(|part| part.value.default_supplier.as_ref()).map(Code::to_string));
    let components = vehicle.iter().flat_map(|vehicle| &vehicle.components);
    suppliers.extend(components.filter_map(|component| component.supplier.as_ref()).map(Code::to_string));
    let suppliers = tx.active_records::<Supplier>(&everything, &suppliers).await?;
    // Asked for only where a supplier of another currency is among them.
    let abroad = suppliers.iter().any(|stored| stored.value.currency != claim.currency);
    let base = BTreeSet::from([claim.currency.code().to_owned()]);
    let rates = if abroad {
        values(tx.records_where::<ExchangeRate>(&everything, "base_currency", &base).await?)
    } else {
        Vec::new()
    };
    Ok(LiabilityFacts {
        vehicle,
        parts: parts.into_iter().map(|stored| (stored.value.code.clone(), stored.value)).collect(),
        supplies,
        agreements,
        suppliers: suppliers
            .into_iter()
            .map(|stored| (stored.value.code.clone(), stored))
            .collect::<BTreeMap<Code, Stored<Supplier>>>(),
        rates,
    })
}

fn values<R: Record>(stored: Vec<Stored<R>>) -> Vec<R> {
    stored.into_iter().map(|stored| stored.value).collect()
}
