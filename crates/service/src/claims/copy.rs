//! Copying a claim into a new draft.

use recourse_domain::access::Act;
use recourse_domain::catalog::Station;
use recourse_domain::claims::draft::NewClaim;
use recourse_domain::ids::ClaimId;
use recourse_proto::v1;
use recourse_repository::Tx;

use super::draft::{chosen_id, taken, under_claim};
use super::{COLLECTION, audience, found, replay, shown};
use crate::context::Call;
use crate::convert::claims as convert_claims;
use crate::error::{Answer, Refusal};

/// Copies a claim, whatever became of it: a new draft of the same station, by the caller.
pub(super) async fn copy(call: &Call, request: v1::CopyClaimRequest) -> Answer<v1::Claim> {
    let id = chosen_id(call, &request.claim_id)?;
    let (source, name) = (request.name.as_str(), convert_claims::name(id));
    let name = name.as_str();
    call.run(
        false,
        |tx| {
            Box::pin(async move {
                let stored = found(tx, call.scope()?, source).await?;
                let new = NewClaim {
                    id: ClaimId(id),
                    seed: call.new_id(),
                    kind: stored.value.kind,
                    station: stored.value.station,
                    station_code: stored.value.station_code.clone(),
                    // A station that changed its currency is paid in the new one.
                    currency: station(tx, call, &stored.value).await?.currency,
                    created_by: call.actor()?.author(),
                    today: call.today(),
                };
                let claim = stored.value.copy(new).map_err(|found| Refusal::invalid(under_claim(found)))?;
                let permit = call.permit(Act::DraftClaim(claim.parties()))?;
                let note = call.note("copy", name.to_owned(), COLLECTION, Vec::new(), &audience(&claim));
                tx.seal(name, claim.id.0).await;
                let stored = tx.insert_claim(&permit, claim, note).await.map_err(|error| taken(error, name))?;
                Ok((name.to_owned(), shown(call, &stored)?))
            })
        },
        |name| replay(call, name),
    )
    .await
}

async fn station(tx: &mut Tx<'_>, call: &Call, claim: &recourse_domain::claims::Claim) -> Answer<Station> {
    let everything = call.everything()?;
    let stored = tx.record_by_id::<Station>(&everything, claim.station.0).await?;
    stored
        .map(|stored| stored.value)
        .ok_or_else(|| Refusal::fault(format!("station {} of claim {} is missing", claim.station, claim.id)))
}
