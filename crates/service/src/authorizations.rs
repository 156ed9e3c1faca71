//! Prior authorisations: read by their station and the manufacturer, taken back by an auditor, expired by time.
//! Giving and using them is a matter of claims.

use recourse_domain::access::Act;
use recourse_domain::authorizations::{AUTHORIZATION_FIELDS, Authorization};
use recourse_domain::catalog::Stored;
use recourse_domain::query::order::Order;
use recourse_proto::redact::Redact;
use recourse_proto::v1::authorization_service_server::AuthorizationService;
use recourse_proto::{Method, v1};
use recourse_repository::Tx;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use crate::api::Api;
use crate::claims::effects;
use crate::context::Call;
use crate::convert::{self, authorizations as convert_authorizations, names};
use crate::error::{Answer, Refusal};
use crate::lists::{self, ListInput};

const COLLECTION: &str = "authorizations";

#[tonic::async_trait]
impl AuthorizationService for Api {
    async fn get_authorization(
        &self,
        request: Request<v1::GetAuthorizationRequest>,
    ) -> Result<Response<v1::Authorization>, Status> {
        let (call, request) = Call::read(&self.inner, Method::AuthorizationServiceGetAuthorization, request)?;
        call.answer(get(&call, &request.name).await)
    }

    async fn list_authorizations(
        &self,
        request: Request<v1::ListAuthorizationsRequest>,
    ) -> Result<Response<v1::ListAuthorizationsResponse>, Status> {
        let (call, request) = Call::read(&self.inner, Method::AuthorizationServiceListAuthorizations, request)?;
        call.answer(list(&call, request).await)
    }

    async fn revoke_authorization(
        &self,
        request: Request<v1::RevokeAuthorizationRequest>,
    ) -> Result<Response<v1::Authorization>, Status> {
        let method = Method::AuthorizationServiceRevokeAuthorization;
        let (call, request) = Call::command(&self.inner, method, request, |r| &mut r.request_id)?;
        call.answer(revoke(&call, request).await)
    }
}

fn shown(call: &Call, stored: &Stored<Authorization>) -> Answer<v1::Authorization> {
    let mut message = convert_authorizations::show(stored)?;
    message.redact(&call.viewer(call.actor()?.orgs.contains(&stored.value.station)));
    Ok(message)
}

/// Reads one. A repeated command reads through here too.
async fn get(call: &Call, name: &str) -> Answer<v1::Authorization> {
    let id = names::uuid_in(name, COLLECTION)?;
    let scope = call.scope_of(Method::AuthorizationServiceGetAuthorization)?;
    let stored = call.inner.store.authorization(&scope, id).await?.ok_or_else(|| Refusal::not_found(name))?;
    shown(call, &stored)
}

async fn list(call: &Call, request: v1::ListAuthorizationsRequest) -> Answer<v1::ListAuthorizationsResponse> {
    let v1::ListAuthorizationsRequest { page_size, page_token, filter, order_by } = request;
    let input = ListInput { page_size, page_token, filter, order_by, ..ListInput::default() };
    let query = lists::query(call, &input, AUTHORIZATION_FIELDS, Order::newest_first())?;
    let page = call.inner.store.authorizations(call.scope()?, &query).await?;
    let authorizations = page.items.iter().map(|stored| shown(call, stored)).collect::<Answer<_>>()?;
    Ok(v1::ListAuthorizationsResponse { authorizations, next_page_token: lists::next_token(call, &input, page.next)? })
}

async fn found(tx: &mut Tx<'_>, call: &Call, name: &str) -> Answer<Stored<Authorization>> {
    let id = names::uuid_in(name, COLLECTION)?;
    tx.authorization(call.scope()?, id).await?.ok_or_else(|| Refusal::not_found(name))
}

/// Takes back what is left. The claim that gave it is closed, unless a claim that uses it waits for its decision.
async fn revoke(call: &Call, request: v1::RevokeAuthorizationRequest) -> Answer<v1::Authorization> {
    let permit = call.permit(Act::RevokeAuthorization)?;
    let (request, permit, name) = (&request, &permit, request.name.as_str());
    call.run(
        false,
        |tx| {
            Box::pin(async move {
                let stored = found(tx, call, name).await?;
                convert::check_etag(&request.etag, stored.version, name)?;
                let reason = request.reason.trim().to_owned();
                let revoked = stored
                    .value
                    .clone()
                    .revoke(permit.actor().user, reason, call.now)
                    .map_err(|state| Refusal::state_conflict(name, state.word(), "revoke"))?;
                let over = revoked.is_over().then_some(revoked.claim.0);
                effects::save_authorization(tx, call, permit, &stored, revoked, "revoke", &["state"]).await?;
                effects::close_givers(tx, call, permit, over.into_iter().collect()).await?;
                let after = found(tx, call, name).await?;
                Ok((name.to_owned(), shown(call, &after)?))
            })
        },
        |name| Box::pin(async move { get(call, &name).await }),
    )
    .await
}

/// Notes that the last day of an authorisation is over.
pub(crate) async fn expire(call: &Call, id: Uuid) -> Answer<()> {
    let permit = call.permit(Act::EnforceDeadline)?;
    let permit = &permit;
    call.run(
        false,
        |tx| {
            Box::pin(async move {
                let name = format!("{COLLECTION}/{id}");
                let stored = found(tx, call, &name).await?;
                let expired = stored.value.clone().on(call.today());
                if expired == stored.value {
                    return Ok((name, ()));
                }
                let over = expired.is_over().then_some(expired.claim.0);
                effects::save_authorization(tx, call, permit, &stored, expired, "expire", &["state"]).await?;
                effects::close_givers(tx, call, permit, over.into_iter().collect()).await?;
                Ok((name, ()))
            })
        },
        |_| Box::pin(async { Ok(()) }),
    )
    .await
}
