//! Adjudication rules: their sets as master data with a life, what a draft would have decided, how rules fared.
//! What the set in force says of a submission stands in `claims/adjudication.rs`.

mod books;
mod dry_run;
mod statistics;
mod trial;

use recourse_domain::access::Act;
use recourse_domain::catalog::AdjudicationRuleSet;
use recourse_domain::text::Violation;
use recourse_proto::v1::adjudication_rule_set_service_server::AdjudicationRuleSetService;
use recourse_proto::{Method, v1};
use tonic::{Request, Response, Status};

pub(crate) use books::RuleBooks;
pub(crate) use trial::before;

use crate::api::Api;
use crate::catalog::{self, AdjudicationRuleSetResource as Resource, Verb};
use crate::context::Call;
use crate::error::{Answer, Refusal};
use crate::lists::ListInput;

#[tonic::async_trait]
impl AdjudicationRuleSetService for Api {
    async fn create_adjudication_rule_set(
        &self,
        request: Request<v1::CreateAdjudicationRuleSetRequest>,
    ) -> Result<Response<v1::AdjudicationRuleSet>, Status> {
        let method = Method::AdjudicationRuleSetServiceCreateAdjudicationRuleSet;
        let (call, request) = Call::command(&self.inner, method, request, |r| &mut r.request_id)?;
        let v1::CreateAdjudicationRuleSetRequest {
            adjudication_rule_set: given,
            adjudication_rule_set_id: code,
            request_id: _,
            validate_only,
        } = request;
        call.answer(catalog::create::<Resource>(&call, given, &code, validate_only).await)
    }

    async fn get_adjudication_rule_set(
        &self,
        request: Request<v1::GetAdjudicationRuleSetRequest>,
    ) -> Result<Response<v1::AdjudicationRuleSet>, Status> {
        let method = Method::AdjudicationRuleSetServiceGetAdjudicationRuleSet;
        let (call, request) = Call::read(&self.inner, method, request)?;
        call.answer(catalog::get::<Resource>(&call, &request.name).await)
    }

    async fn list_adjudication_rule_sets(
        &self,
        request: Request<v1::ListAdjudicationRuleSetsRequest>,
    ) -> Result<Response<v1::ListAdjudicationRuleSetsResponse>, Status> {
        let method = Method::AdjudicationRuleSetServiceListAdjudicationRuleSets;
        let (call, request) = Call::read(&self.inner, method, request)?;
        let v1::ListAdjudicationRuleSetsRequest { page_size, page_token, filter, order_by, show_deleted } = request;
        let input = ListInput { page_size, page_token, filter, order_by, show_deleted, within: String::new() };
        let listed = catalog::list::<Resource>(&call, input).await;
        call.answer(listed.map(|page| v1::ListAdjudicationRuleSetsResponse {
            adjudication_rule_sets: page.items,
            next_page_token: page.next_page_token,
        }))
    }

    async fn update_adjudication_rule_set(
        &self,
        request: Request<v1::UpdateAdjudicationRuleSetRequest>,
    ) -> Result<Response<v1::AdjudicationRuleSet>, Status> {
        let method = Method::AdjudicationRuleSetServiceUpdateAdjudicationRuleSet;
        let (call, request) = Call::command(&self.inner, method, request, |r| &mut r.request_id)?;
        let v1::UpdateAdjudicationRuleSetRequest {
            adjudication_rule_set: given,
            update_mask,
            request_id: _,
            validate_only,
        } = request;
        call.answer(catalog::update::<Resource>(&call, given, update_mask, validate_only).await)
    }

    async fn delete_adjudication_rule_set(
        &self,
        request: Request<v1::DeleteAdjudicationRuleSetRequest>,
    ) -> Result<Response<v1::AdjudicationRuleSet>, Status> {
        let method = Method::AdjudicationRuleSetServiceDeleteAdjudicationRuleSet;
        let (call, request) = Call::command(&self.inner, method, request, |r| &mut r.request_id)?;
        call.answer(catalog::retire::<Resource>(&call, &request.name, &request.etag).await)
    }

    async fn publish_adjudication_rule_set(
        &self,
        request: Request<v1::PublishAdjudicationRuleSetRequest>,
    ) -> Result<Response<v1::AdjudicationRuleSet>, Status> {
        let method = Method::AdjudicationRuleSetServicePublishAdjudicationRuleSet;
        let (call, request) = Call::command(&self.inner, method, request, |r| &mut r.request_id)?;
        let paths = &["state", "publish_time"][..];
        let today = call.today();
        let publish = |set: AdjudicationRuleSet| set.publish(call.now, today);
        call.answer(step(&call, &request.name, &request.etag, "publish", paths, publish).await)
    }

    async fn retire_adjudication_rule_set(
        &self,
        request: Request<v1::RetireAdjudicationRuleSetRequest>,
    ) -> Result<Response<v1::AdjudicationRuleSet>, Status> {
        let method = Method::AdjudicationRuleSetServiceRetireAdjudicationRuleSet;
        let (call, request) = Call::command(&self.inner, method, request, |r| &mut r.request_id)?;
        let paths = &["state", "end_time"][..];
        let retire = |set: AdjudicationRuleSet| set.retire(call.now);
        call.answer(step(&call, &request.name, &request.etag, "retire", paths, retire).await)
    }

    type DryRunAdjudicationRuleSetStream = dry_run::Reports;

    async fn dry_run_adjudication_rule_set(
        &self,
        request: Request<v1::DryRunAdjudicationRuleSetRequest>,
    ) -> Result<Response<Self::DryRunAdjudicationRuleSetStream>, Status> {
        let method = Method::AdjudicationRuleSetServiceDryRunAdjudicationRuleSet;
        let (call, request) = Call::read(&self.inner, method, request)?;
        let begun = dry_run::begin(&call, request).await.map_err(|refusal| refusal.status(call.lang))?;
        Ok(Response::new(dry_run::stream(call, begun)))
    }

    async fn get_adjudication_rule_set_statistics(
        &self,
        request: Request<v1::GetAdjudicationRuleSetStatisticsRequest>,
    ) -> Result<Response<v1::AdjudicationRuleSetStatistics>, Status> {
        let method = Method::AdjudicationRuleSetServiceGetAdjudicationRuleSetStatistics;
        let (call, request) = Call::read(&self.inner, method, request)?;
        call.answer(statistics::of(&call, &request.name).await)
    }
}

/// A step of a rule set's life.
async fn step(
    call: &Call,
    name: &str,
    etag: &str,
    word: &'static str,
    paths: &'static [&'static str],
    step: impl Fn(AdjudicationRuleSet) -> Result<AdjudicationRuleSet, Violation> + Send + Sync,
) -> Answer<v1::AdjudicationRuleSet> {
    let verb = Verb { word, paths, act: Act::WriteMasterData, references: Vec::new() };
    catalog::step::<Resource>(call, name, etag, verb, |set| {
        let state = set.state;
        step(set).map_err(|violation| {
            let mut refusal = Refusal::state_conflict(name, state.word(), word);
            refusal.text = Box::new(violation.text);
            refusal
        })
    })
    .await
}
