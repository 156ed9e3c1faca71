//! Adjudication rules: their sets as master data with a life, what a draft would have decided, how rules fared.
//! What the set in force says of a submission stands in `claims/adjudication.rs`.

mod books;
mod dry_run;
mod statistics;
mod trial;

use recourse_domain::access::Act;
use recourse_domain::catalog::AdjudicationRuleSet;
use recourse_proto::v1::adjudication_rule_set_service_server::AdjudicationRuleSetService;
use recourse_proto::{Method, v1};
use recourse_repository::Tx;
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
        call.answer(step(&call, &request.name, &request.etag, Step::Publish).await)
    }

    async fn retire_adjudication_rule_set(
        &self,
        request: Request<v1::RetireAdjudicationRuleSetRequest>,
    ) -> Result<Response<v1::AdjudicationRuleSet>, Status> {
        let method = Method::AdjudicationRuleSetServiceRetireAdjudicationRuleSet;
        let (call, request) = Call::command(&self.inner, method, request, |r| &mut r.request_id)?;
        call.answer(step(&call, &request.name, &request.etag, Step::Retire).await)
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// From a draft to what decides claims.
    Publish,
    /// The end of that.
    Retire,
}

impl Step {
    fn verb(self) -> Verb {
        let (word, paths): (&'static str, &'static [&'static str]) = match self {
            Step::Publish => ("publish", &["state", "publish_time"]),
            Step::Retire => ("retire", &["state", "end_time"]),
        };
        Verb { word, paths, act: Act::WriteMasterData, references: Vec::new() }
    }

    fn of(
        self,
        call: &Call,
        name: &str,
    ) -> impl Fn(AdjudicationRuleSet) -> Answer<AdjudicationRuleSet> + Send + Sync + use<> {
        let (now, today, name) = (call.now, call.today(), name.to_owned());
        move |set| {
            let state = set.state;
            let stepped = match self {
                Step::Publish => set.publish(now, today),
                Step::Retire => set.retire(now),
            };
            stepped.map_err(|violation| {
                let mut refusal = Refusal::state_conflict(&name, state.word(), self.verb().word);
                refusal.text = Box::new(violation.text);
                refusal
            })
        }
    }
}

async fn step(call: &Call, name: &str, etag: &str, step: Step) -> Answer<v1::AdjudicationRuleSet> {
    catalog::step::<Resource>(call, name, etag, step.verb(), step.of(call, name)).await
}

/// A step of a rule set's life as a part of another command.
pub(crate) async fn step_in(
    tx: &mut Tx<'_>,
    call: &Call,
    name: &str,
    etag: &str,
    step: Step,
) -> Answer<v1::AdjudicationRuleSet> {
    catalog::step_in::<Resource>(tx, call, name, etag, &step.verb(), step.of(call, name)).await
}
