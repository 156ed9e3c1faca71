//! How recovery claims arise from a decided claim, and follow it when it is decided again.

use std::collections::BTreeSet;

use recourse_domain::access::{Permit, Scope};
use recourse_domain::appraisals::{self, Appraisal};
use recourse_domain::catalog::{ExchangeRate, Part, PartSupply, Record, ShareAgreement, Stored, Supplier};
use recourse_domain::claims::{Claim, Effect};
use recourse_domain::ids::{Code, OrgId, RecoveryClaimId, UserId};
use recourse_domain::money::BasisPoints;
use recourse_domain::recovery_claims::liability::{self, LiabilityFacts};
use recourse_domain::recovery_claims::{Basis, Liable, NewRecovery, RecoveryClaim, State, Unresolved, Verb};
use recourse_domain::vehicle::Vehicle;
use recourse_repository::{Found, Lookup, StoreError, Tx};

use super::{COLLECTION, audience, moment, refused, written};
use crate::catalog::{by_code, stored_by_code};
use crate::context::Call;
use crate::convert::recovery_claims::named;
use crate::error::{Answer, Refusal};

/// Lets the recoveries of a claim follow its newest decision: the first approval makes them, a later decision moves
/// them by the difference.
///
/// Who is liable follows from the final appraisal; else from the share agreement on the causal part and its supplier;
/// else the claim waits in the queue of unresolved liability.
///
/// What must be read is read first; from then on the unit is sealed with the claim's next version, and `answer` is
/// the name of what the command answers with.
pub(crate) async fn after_decision(
    tx: &mut Tx<'_>,
    call: &Call,
    permit: &Permit,
    answer: &str,
    claim: &Claim,
) -> Answer<()> {
    let recoverable = claim.kind.spec().effect() == Effect::Pays && claim.header.causal_part.is_some();
    let approved = claim.totals()?.approved.is_some_and(|approved| !approved.is_zero());
    if !recoverable {
        tx.seal(answer, claim.id.0).await;
        return Ok(());
    }
    let (existing, appraisal, facts) = before(tx, call, claim).await?;
    tx.seal(answer, claim.id.0).await;
    // In the order in which they arose: several of one supplier share its contract.
    let mut in_order: Vec<&Stored<RecoveryClaim>> = existing.iter().collect();
    in_order.sort_by_key(|stored| (stored.value.arise_time, stored.value.id));
    let mut earlier: Vec<RecoveryClaim> = Vec::with_capacity(in_order.len());
    for stored in in_order {
        let adjusted = stored.value.clone().beside(&earlier)?.adjust(claim, moment(call));
        let adjusted = adjusted.map_err(|error| refused(&named(stored.id), error))?;
        if adjusted != stored.value {
            written(tx, call, permit, stored, adjusted.clone(), Verb::Adjust).await?;
        }
        earlier.push(adjusted);
    }
    if existing.is_empty() && approved {
        let mut arising = Vec::new();
        for (liable, decided_by) in liable_for(claim, appraisal, &facts) {
            // Who bears no share is asked for nothing, whatever is decided later.
            if liable.as_ref().is_ok_and(|liable| liable.share() == BasisPoints::ZERO) {
                continue;
            }
            let new = new_recovery(call, permit, decided_by, None);
            arising.push(RecoveryClaim::arise(new, claim, liable)?);
        }
        // Below the contract's minimum nothing is asked for. One of several that is below it is kept beside the others,
        // for a later decision moves all that exist.
        if arising.iter().any(|recovery| recovery.state != State::Settled) {
            for recovery in arising {
                insert(tx, call, permit, recovery).await?;
            }
        }
    }
    Ok(())
}

/// What stands before a decision's recoveries: those that exist, the final appraisal, and who may be liable. One
/// statement, and another only where the vehicle or the appraisal names a supplier that nothing else names.
async fn before(
    tx: &mut Tx<'_>,
    call: &Call,
    claim: &Claim,
) -> Answer<(Vec<Stored<RecoveryClaim>>, Option<Appraisal>, LiabilityFacts)> {
    let everything = call.everything()?;
    let lookup = tx.gather(&everything).recoveries_of(claim.id).appraisals_of(claim.id);
    let mut found = liability_of(lookup, claim, &[]).read().await?;
    let existing = found.recoveries()?;
    let is_final = |appraisal: &Appraisal| appraisal.state.word() == appraisals::StateWord::Final;
    let appraisal = found.appraisals()?.into_iter().rev().map(|stored| stored.value).find(is_final);
    let named: Vec<Code> = appraisal.iter().flat_map(Appraisal::liable_suppliers).map(|(_, code, _)| code).collect();
    let facts = facts_found(tx, &everything, claim, found, &named).await?;
    Ok((existing, appraisal, facts))
}

type Liability = (Result<Liable, Unresolved>, Option<UserId>);

fn liable_for(claim: &Claim, appraisal: Option<Appraisal>, facts: &LiabilityFacts) -> Vec<Liability> {
    let Some(appraisal) = appraisal else {
        return match liability::by_agreement(claim, facts) {
            Ok(all) => all.into_iter().map(|liable| (Ok(liable), None)).collect(),
            Err(why) => vec![(Err(why), None)],
        };
    };
    let suppliers = appraisal.liable_suppliers();
    let shares: Vec<_> = suppliers.iter().map(|(_, _, share)| *share).collect();
    let decided_by = appraisal.liability.as_ref().map(|liability| liability.decided_by);
    let of = |(place, (_, code, _)): (usize, &(OrgId, Code, BasisPoints))| {
        let basis = (Basis::Appraisal, format!("appraisals/{}", appraisal.id));
        (liability::liable(claim, facts, code, (&shares, place), basis), decided_by)
    };
    suppliers.iter().enumerate().map(of).collect()
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
        StoreError::AlreadyExists { what } if what.contains("number") => Refusal::overtaken(),
        other => other.into(),
    })
}

/// What is known of the failed piece and of those who may have made it.
pub(crate) async fn facts_of(tx: &mut Tx<'_>, call: &Call, claim: &Claim) -> Answer<LiabilityFacts> {
    facts_with(tx, call, claim, &[]).await
}

/// The same with suppliers that are named elsewhere. At most three statements, whatever the claim has.
pub(super) async fn facts_with(tx: &mut Tx<'_>, call: &Call, claim: &Claim, named: &[Code]) -> Answer<LiabilityFacts> {
    let everything = call.everything()?;
    let found = liability_of(tx.gather(&everything), claim, named).read().await?;
    facts_found(tx, &everything, claim, found, named).await
}

fn liability_of<'l, 'a>(lookup: Lookup<'l, 'a>, claim: &Claim, named: &[Code]) -> Lookup<'l, 'a> {
    let codes = claim.lines.iter().filter_map(|line| line.content.part.as_ref()).chain(&claim.header.causal_part);
    let parts: BTreeSet<String> = codes.map(Code::to_string).collect();
    let causal: BTreeSet<String> = claim.header.causal_part.iter().map(Code::to_string).collect();
    let named: BTreeSet<String> = named.iter().map(Code::to_string).collect();
    lookup
        .one::<Vehicle>(claim.header.vin.as_deref())
        .with::<Part>("code", &parts)
        .with::<PartSupply>("part", &causal)
        .with::<ShareAgreement>("part", &causal)
        .suppliers(&named, &causal, &parts)
}

async fn facts_found(
    tx: &mut Tx<'_>,
    everything: &Scope,
    claim: &Claim,
    mut found: Found,
    named: &[Code],
) -> Answer<LiabilityFacts> {
    let vehicle = found.values::<Vehicle>()?.pop();
    let mut suppliers = stored_by_code(found.take::<Supplier>()?);
    let components = vehicle.iter().flat_map(|vehicle| &vehicle.components);
    let mentioned = components.filter_map(|component| component.supplier.as_ref()).chain(named);
    let missing: BTreeSet<String> =
        mentioned.filter(|code| !suppliers.contains_key(code)).map(Code::to_string).collect();
    suppliers.extend(stored_by_code(tx.active_records::<Supplier>(everything, &missing).await?));
    // Asked for only where a supplier of another currency is among them.
    let abroad = suppliers.values().any(|stored| stored.value.currency != claim.currency);
    let base = BTreeSet::from([claim.currency.code().to_owned()]);
    let rates = if abroad {
        values(tx.records_where::<ExchangeRate>(everything, "base_currency", &base).await?)
    } else {
        Vec::new()
    };
    Ok(LiabilityFacts {
        vehicle,
        parts: by_code(found.take::<Part>()?),
        supplies: found.values::<PartSupply>()?,
        agreements: found.values::<ShareAgreement>()?,
        suppliers,
        rates,
    })
}

fn values<R: Record>(stored: Vec<Stored<R>>) -> Vec<R> {
    stored.into_iter().map(|stored| stored.value).collect()
}
