//! A certified replacement of an assembly, written into the vehicle's list of components in the transaction that
//! approves it: what the next claim on the vehicle is held against.

use recourse_domain::access::Permit;
use recourse_domain::authorizations::Certificate;
use recourse_domain::catalog::Record;
use recourse_domain::claims::Claim;
use recourse_domain::vehicle::Vehicle;
use recourse_repository::Tx;

use crate::context::Call;
use crate::error::{Answer, Refusal};

/// Notes the piece that a certificate names. The decision does not hang on the list: what can't be written into it,
/// such as a piece that was fitted before the vehicle was built, is left to whoever keeps it, and logged.
pub(super) async fn note(
    tx: &mut Tx<'_>,
    call: &Call,
    permit: &Permit,
    claim: &Claim,
    certificate: &Certificate,
) -> Answer<()> {
    let Some(vin) = claim.header.vin.as_deref() else { return Ok(()) };
    let Some(stored) = tx.record::<Vehicle>(&call.everything()?, vin).await? else { return Ok(()) };
    let changed = match stored.value.clone().with_certified(certificate, call.new_id(), call.today()) {
        Ok(Some(changed)) => changed,
        Ok(None) => return Ok(()),
        Err(violation) => {
            tracing::warn!(claim = %claim.id, rule = violation.rule, "a certified piece is not in the vehicle's list");
            return Ok(());
        }
    };
    let name = format!("{}/{vin}", Vehicle::COLLECTION);
    let audience = changed.audience(stored.id);
    let paths = vec!["components".to_owned()];
    let note = call.note("recordComponent", name, Vehicle::COLLECTION, paths, &audience);
    tx.update_record(permit, &stored, changed, note).await.map_err(Refusal::unless_overtaken)?;
    Ok(())
}
