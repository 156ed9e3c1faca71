//! What dealers' management systems exchange: claims in bulk, and what becomes of them as it happens.

use recourse_proto::v1::claim_exchange_service_server::ClaimExchangeService;
use recourse_proto::{Method, v1};
use tonic::{Request, Response, Status};

use super::{batch, watch};
use crate::api::Api;
use crate::context::Call;
use crate::events::Told;

#[tonic::async_trait]
impl ClaimExchangeService for Api {
    async fn batch_create_claims(
        &self,
        request: Request<v1::BatchCreateClaimsRequest>,
    ) -> Result<Response<v1::BatchCreateClaimsResponse>, Status> {
        let method = Method::ClaimExchangeServiceBatchCreateClaims;
        let (call, request, items) = Call::batch(&self.inner, method, request, |r| &mut r.requests)?;
        call.answer(batch::create(&call, request, items).await)
    }

    async fn batch_update_claims(
        &self,
        request: Request<v1::BatchUpdateClaimsRequest>,
    ) -> Result<Response<v1::BatchUpdateClaimsResponse>, Status> {
        let method = Method::ClaimExchangeServiceBatchUpdateClaims;
        let (call, request, items) = Call::batch(&self.inner, method, request, |r| &mut r.requests)?;
        call.answer(batch::update(&call, request, items).await)
    }

    async fn batch_submit_claims(
        &self,
        request: Request<v1::BatchSubmitClaimsRequest>,
    ) -> Result<Response<v1::BatchSubmitClaimsResponse>, Status> {
        let method = Method::ClaimExchangeServiceBatchSubmitClaims;
        let (call, request, items) = Call::batch(&self.inner, method, request, |r| &mut r.requests)?;
        call.answer(batch::submit(&call, request, items).await)
    }

    type WatchClaimsStream = Told<v1::ClaimChange>;

    async fn watch_claims(
        &self,
        request: Request<v1::WatchClaimsRequest>,
    ) -> Result<Response<Self::WatchClaimsStream>, Status> {
        let (call, request) = Call::read(&self.inner, Method::ClaimExchangeServiceWatchClaims, request)?;
        let lang = call.lang;
        let stream = watch::watch(call, request).await;
        Ok(Response::new(stream.map_err(|refusal| refusal.status(lang))?))
    }
}
