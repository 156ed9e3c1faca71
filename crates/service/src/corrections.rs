//! Corrections of what is recorded of a vehicle: asked for by a station or the manufacturer, decided by another
//! person of the manufacturer, applied with the approval.

mod asking;
mod deciding;

use recourse_domain::catalog::Stored;
use recourse_domain::change::Audience;
use recourse_domain::corrections::{CORRECTION_FIELDS, Correction};
use recourse_domain::query::order::Order;
use recourse_proto::redact::Redact;
use recourse_proto::v1::correction_service_server::CorrectionService;
use recourse_proto::{Method, v1};
use tonic::{Request, Response, Status};

use self::asking::create;
use self::deciding::{approve, reject, withdraw};
use crate::api::Api;
use crate::context::{Boxed, Call};
use crate::convert::corrections as convert_corrections;
use crate::convert::names;
use crate::error::{Answer, Refusal};
use crate::lists::{self, ListInput};

const COLLECTION: &str = "corrections";

#[tonic::async_trait]
impl CorrectionService for Api {
    async fn create_correction(
        &self,
        request: Request<v1::CreateCorrectionRequest>,
    ) -> Result<Response<v1::Correction>, Status> {
        let (call, request) =
            Call::command(&self.inner, Method::CorrectionServiceCreateCorrection, request, |r| &mut r.request_id)?;
        call.answer(create(&call, request).await)
    }

    async fn get_correction(
        &self,
        request: Request<v1::GetCorrectionRequest>,
    ) -> Result<Response<v1::Correction>, Status> {
        let (call, request) = Call::read(&self.inner, Method::CorrectionServiceGetCorrection, request)?;
        call.answer(get(&call, &request.name).await)
    }

    async fn list_corrections(
        &self,
        request: Request<v1::ListCorrectionsRequest>,
    ) -> Result<Response<v1::ListCorrectionsResponse>, Status> {
        let (call, request) = Call::read(&self.inner, Method::CorrectionServiceListCorrections, request)?;
        call.answer(list(&call, request).await)
    }

    async fn approve_correction(
        &self,
        request: Request<v1::ApproveCorrectionRequest>,
    ) -> Result<Response<v1::Correction>, Status> {
        let (call, request) =
            Call::command(&self.inner, Method::CorrectionServiceApproveCorrection, request, |r| &mut r.request_id)?;
        call.answer(approve(&call, request).await)
    }

    async fn reject_correction(
        &self,
        request: Request<v1::RejectCorrectionRequest>,
    ) -> Result<Response<v1::Correction>, Status> {
        let (call, request) =
            Call::command(&self.inner, Method::CorrectionServiceRejectCorrection, request, |r| &mut r.request_id)?;
        call.answer(reject(&call, request).await)
    }

    async fn withdraw_correction(
        &self,
        request: Request<v1::WithdrawCorrectionRequest>,
    ) -> Result<Response<v1::Correction>, Status> {
        let (call, request) =
            Call::command(&self.inner, Method::CorrectionServiceWithdrawCorrection, request, |r| &mut r.request_id)?;
        call.answer(withdraw(&call, request).await)
    }
}

fn shown(call: &Call, stored: &Stored<Correction>) -> Answer<v1::Correction> {
    let orgs = &call.actor()?.orgs;
    let own = stored.value.station.as_ref().is_some_and(|station| orgs.contains(&station.id));
    let mut message = convert_corrections::show(stored);
    message.redact(&call.viewer(own));
    Ok(message)
}

async fn get(call: &Call, name: &str) -> Answer<v1::Correction> {
    let id = names::uuid_in(name, COLLECTION)?;
    let scope = call.scope_of(Method::CorrectionServiceGetCorrection)?;
    let stored = call.inner.store.correction(&scope, id).await?.ok_or_else(|| Refusal::not_found(name))?;
    shown(call, &stored)
}

fn replay<'a>(call: &'a Call, name: String) -> Boxed<'a, Answer<v1::Correction>> {
    Box::pin(async move { get(call, &name).await })
}

async fn list(call: &Call, request: v1::ListCorrectionsRequest) -> Answer<v1::ListCorrectionsResponse> {
    let v1::ListCorrectionsRequest { page_size, page_token, filter, order_by } = request;
    let input = ListInput { page_size, page_token, filter, order_by, ..ListInput::default() };
    let query = lists::query(call, &input, CORRECTION_FIELDS, Order::newest_first())?;
    let page = call.inner.store.corrections(call.scope()?, &query).await?;
    let corrections = page.items.iter().map(|stored| shown(call, stored)).collect::<Answer<_>>()?;
    Ok(v1::ListCorrectionsResponse { corrections, next_page_token: lists::next_token(call, &input, page.next)? })
}

/// Who may follow the changes of a request: the station that asks.
fn audience(correction: &Correction) -> Audience {
    Audience::Organizations(correction.station.iter().map(|station| station.id).collect())
}
