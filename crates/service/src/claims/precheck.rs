//! Checking a claim that is not stored: before the car leaves.

use recourse_domain::access::Act;
use recourse_domain::claims::Claim;
use recourse_domain::claims::draft::NewClaim;
use recourse_domain::ids::ClaimId;
use recourse_proto::redact::Redact;
use recourse_proto::v1;

use super::draft::{claiming_station, kind_of, under_claim};
use super::facts;
use super::submit::forecast;
use crate::context::Call;
use crate::convert::claims as convert_claims;
use crate::error::{Answer, Refusal};

/// Finds what a submission of the claim would find, by the same engine. Everything is read as of one moment,
/// and nothing is written.
pub(super) async fn precheck(call: &Call, request: v1::PrecheckClaimRequest) -> Answer<v1::PrecheckClaimResponse> {
    let message = request.claim.unwrap_or_default();
    let kind = kind_of(&message)?;
    let named_station = message.station.clone();
    let (header, lines) = convert_claims::read(message).map_err(|found| Refusal::invalid(under_claim(found)))?;
    let (header, lines, named_station) = (&header, &lines, named_station.as_str());
    let (claim, findings, forecast) = call
        .inner
        .store
        .read(|tx| {
            Box::pin(async move {
                let (station, station_code, record) = claiming_station(tx, call, named_station).await?;
                let new = NewClaim {
                    id: ClaimId(call.new_id()),
                    seed: call.new_id(),
                    kind,
                    station,
                    station_code,
                    currency: record.currency,
                    created_by: call.actor()?.author(),
                    today: call.today(),
                };
                let claim = Claim::create(new, header.clone(), lines.clone())
                    .map_err(|found| Refusal::invalid(under_claim(found)))?;
                call.permit(Act::DraftClaim(claim.parties()))?;
                let facts = facts::gather(tx, call, &claim).await?;
                let forecast = forecast(tx, call, &facts, &claim).await?;
                let (claim, findings) = claim.precheck(&facts);
                Ok::<_, Refusal>((claim, findings, forecast))
            })
        })
        .await?;
    let mut shown = convert_claims::document(&claim, call.now, call.lang)?;
    // It is not stored, so there is nothing to call it by.
    shown.name.clear();
    shown.number.clear();
    shown.redact(&call.viewer(true));
    let findings = findings.iter().map(|finding| convert_claims::show_finding(finding, call.lang)).collect();
    Ok(v1::PrecheckClaimResponse { claim: Some(shown), findings, forecast })
}
