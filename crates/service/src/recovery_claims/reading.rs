//! Reading recovery claims.

use recourse_domain::catalog::Field;
use recourse_domain::query::order::Order;
use recourse_proto::{Method, v1};
use recourse_repository::RECOVERY_FIELDS;

use super::{COLLECTION, shown};
use crate::context::Call;
use crate::convert::names;
use crate::error::{Answer, Refusal};
use crate::lists::{self, ListInput};

/// Reads a recovery claim. A repeated command reads through here too, with the rows that reading reaches.
pub(super) async fn get(call: &Call, request: v1::GetRecoveryClaimRequest) -> Answer<v1::RecoveryClaim> {
    let id = names::uuid_in(&request.name, COLLECTION)?;
    let scope = call.scope_of(Method::RecoveryServiceGetRecoveryClaim)?;
    let found = call.inner.store.recovery_claim(&scope, id).await?;
    shown(call, &found.ok_or_else(|| Refusal::not_found(&request.name))?)
}

/// Lists recovery claims.
pub(super) async fn list(
    call: &Call,
    request: v1::ListRecoveryClaimsRequest,
) -> Answer<v1::ListRecoveryClaimsResponse> {
    let v1::ListRecoveryClaimsRequest { page_size, page_token, filter, order_by } = request;
    let input = ListInput { page_size, page_token, filter, order_by, ..ListInput::default() };
    // What a reader does not see can't be asked for either: a filter would tell it.
    let hidden = |field: &&Field| field.name == "escalated";
    let oem = call.actor()?.is_oem();
    let fields: Vec<Field> = RECOVERY_FIELDS.iter().filter(|field| oem || !hidden(field)).copied().collect();
    let query = lists::query(call, &input, &fields, Order::newest_first())?;
    let page = call.inner.store.recovery_claims(call.scope()?, &query).await?;
    let recovery_claims = page.items.iter().map(|stored| shown(call, stored)).collect::<Answer<_>>()?;
    let next_page_token = lists::next_token(call, &input, page.next)?;
    Ok(v1::ListRecoveryClaimsResponse { recovery_claims, next_page_token })
}
