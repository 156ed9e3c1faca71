//! Goodwill budgets: master data with what is used of it, and the decisions that draw on it.

use std::collections::BTreeSet;

use recourse_domain::access::Permit;
use recourse_domain::catalog::goodwill_budget::Granting;
use recourse_domain::catalog::{GoodwillBudget, Record, Setting, Station, Stored};
use recourse_domain::claims::Claim;
use recourse_domain::money::Money;
use recourse_domain::vehicle::Vehicle;
use recourse_domain::vin::Vin;
use recourse_proto::v1::error_reason::Code as Reason;
use recourse_proto::v1::goodwill_budget_service_server::GoodwillBudgetService;
use recourse_proto::{Method, v1};
use recourse_repository::Tx;
use tonic::{Request, Response, Status};

use crate::api::Api;
use crate::catalog::{self, GoodwillBudgetResource as Resource};
use crate::context::Call;
use crate::convert::goodwill_budgets as convert_budgets;
use crate::error::{Answer, Refusal};
use crate::lists::ListInput;

#[tonic::async_trait]
impl GoodwillBudgetService for Api {
    async fn create_goodwill_budget(
        &self,
        request: Request<v1::CreateGoodwillBudgetRequest>,
    ) -> Result<Response<v1::GoodwillBudget>, Status> {
        let method = Method::GoodwillBudgetServiceCreateGoodwillBudget;
        let (call, request) = Call::command(&self.inner, method, request, |r| &mut r.request_id)?;
        let v1::CreateGoodwillBudgetRequest {
            goodwill_budget: given,
            goodwill_budget_id: code,
            request_id: _,
            validate_only,
        } = request;
        let created = catalog::create::<Resource>(&call, given, &code, validate_only).await;
        call.answer(with_use(&call, created).await)
    }

    async fn get_goodwill_budget(
        &self,
        request: Request<v1::GetGoodwillBudgetRequest>,
    ) -> Result<Response<v1::GoodwillBudget>, Status> {
        let method = Method::GoodwillBudgetServiceGetGoodwillBudget;
        let (call, request) = Call::read(&self.inner, method, request)?;
        let found = catalog::get::<Resource>(&call, &request.name).await;
        call.answer(with_use(&call, found).await)
    }

    async fn list_goodwill_budgets(
        &self,
        request: Request<v1::ListGoodwillBudgetsRequest>,
    ) -> Result<Response<v1::ListGoodwillBudgetsResponse>, Status> {
        let method = Method::GoodwillBudgetServiceListGoodwillBudgets;
        let (call, request) = Call::read(&self.inner, method, request)?;
        call.answer(list(&call, request).await)
    }

    async fn update_goodwill_budget(
        &self,
        request: Request<v1::UpdateGoodwillBudgetRequest>,
    ) -> Result<Response<v1::GoodwillBudget>, Status> {
        let method = Method::GoodwillBudgetServiceUpdateGoodwillBudget;
        let (call, request) = Call::command(&self.inner, method, request, |r| &mut r.request_id)?;
        let v1::UpdateGoodwillBudgetRequest { goodwill_budget: given, update_mask, request_id: _, validate_only } =
            request;
        let updated = catalog::update::<Resource>(&call, given, update_mask, validate_only).await;
        call.answer(with_use(&call, updated).await)
    }

    async fn delete_goodwill_budget(
        &self,
        request: Request<v1::DeleteGoodwillBudgetRequest>,
    ) -> Result<Response<v1::GoodwillBudget>, Status> {
        let method = Method::GoodwillBudgetServiceDeleteGoodwillBudget;
        let (call, request) = Call::command(&self.inner, method, request, |r| &mut r.request_id)?;
        let retired = catalog::retire::<Resource>(&call, &request.name, &request.etag).await;
        call.answer(with_use(&call, retired).await)
    }
}

async fn list(call: &Call, request: v1::ListGoodwillBudgetsRequest) -> Answer<v1::ListGoodwillBudgetsResponse> {
    let v1::ListGoodwillBudgetsRequest { page_size, page_token, filter, order_by, show_deleted } = request;
    let input = ListInput { page_size, page_token, filter, order_by, show_deleted, within: String::new() };
    let page = catalog::list::<Resource>(call, input).await?;
    let goodwill_budgets = with_uses(call, page.items).await?;
    Ok(v1::ListGoodwillBudgetsResponse { goodwill_budgets, next_page_token: page.next_page_token })
}

async fn with_use(call: &Call, answer: Answer<v1::GoodwillBudget>) -> Answer<v1::GoodwillBudget> {
    with_uses(call, vec![answer?]).await?.pop().ok_or_else(|| Refusal::fault("a budget was lost"))
}

/// Budgets with what decisions have of them, in one query.
async fn with_uses(call: &Call, budgets: Vec<v1::GoodwillBudget>) -> Answer<Vec<v1::GoodwillBudget>> {
    let code = |budget: &v1::GoodwillBudget| budget.name.rsplit('/').next().unwrap_or_default().to_owned();
    let codes: Vec<String> = budgets.iter().map(code).collect();
    let known: BTreeSet<&str> = codes.iter().map(String::as_str).collect();
    let uses = call.inner.store.goodwill_uses(&known).await?;
    let budgets = budgets.into_iter().zip(&codes);
    Ok(budgets
        .map(|(budget, code)| convert_budgets::show_use(budget, uses.get(code).copied()))
        .collect::<Result<_, _>>()?)
}

/// Lets the goodwill of a decision draw on the budget of its station's region, or give back what it takes away.
///
/// The budget is the one in force today; what it has left is asked under a lock that holds until the command
/// ends, so of two who grant the last of it one is refused. What waits for a higher level is reserved, and stays on
/// the budget of the day on which it was proposed. A decision that grants nothing asks for nothing.
pub(crate) async fn draw(
    tx: &mut Tx<'_>,
    call: &Call,
    permit: &Permit,
    setting: &Setting,
    before: &Claim,
    claim: Claim,
) -> Answer<Claim> {
    let change = claim.goodwill_change(before)?;
    if change.minor <= 0 {
        return Ok(claim.draw_goodwill(before, None)?);
    }
    let Some(budget) = budget_for(tx, call, &claim).await? else {
        if setting.goodwill_needs_budget {
            return Err(no_budget(change));
        }
        return Ok(claim.draw_goodwill(before, None)?);
    };
    let GoodwillBudget { code, amount, .. } = &budget.value;
    let claim = claim.draw_goodwill(before, Some(code))?;
    let more = claim.goodwill_of(code)?.try_sub(before.goodwill_of(code)?)?;
    let of_budget = tx.lock_goodwill(permit, budget.id, amount.currency).await?;
    let left = of_budget.left_of(*amount)?;
    if more.minor > left.minor.max(0) && !setting.may_overdraw(permit.actor().approval_level) {
        return Err(exceeded(&budget, left, more, setting));
    }
    Ok(claim)
}

/// The budget on which a claim's goodwill draws today, if there is one.
async fn budget_for(tx: &mut Tx<'_>, call: &Call, claim: &Claim) -> Answer<Option<Stored<GoodwillBudget>>> {
    let everything = call.everything()?;
    let station = tx
        .record_by_id::<Station>(&everything, claim.station.0)
        .await?
        .ok_or_else(|| Refusal::fault(format!("station {} of claim {} is missing", claim.station, claim.id)))?;
    let region = BTreeSet::from([station.value.region.clone()]);
    let budgets = tx.records_where::<GoodwillBudget>(&everything, "region", &region).await?;
    let asks_brand = budgets.iter().any(|budget| !budget.value.brands.is_empty());
    let vin = claim.header.vin.as_deref().filter(|_| asks_brand).and_then(|vin| Vin::parse(vin).ok());
    let vehicle = match &vin {
        Some(vin) => tx.record::<Vehicle>(&everything, vin.as_str()).await?,
        None => None,
    };
    let granting = Granting {
        region: &station.value.region,
        currency: claim.currency,
        kind: claim.kind,
        brand: vehicle.as_ref().and_then(|vehicle| vehicle.value.brand.as_ref()),
        day: call.today(),
    };
    let chosen = GoodwillBudget::of(budgets.iter().map(|budget| &budget.value), &granting).map(Record::code);
    let chosen = chosen.map(str::to_owned);
    Ok(budgets.into_iter().find(|budget| Some(budget.value.code()) == chosen.as_deref()))
}

fn exceeded(budget: &Stored<GoodwillBudget>, left: Money, needed: Money, setting: &Setting) -> Refusal {
    let GoodwillBudget { code, amount, .. } = &budget.value;
    let (way_out, way_out_zh) = match setting.goodwill_overdraft_level {
        0 => ("or have the budget raised".to_owned(), "或申请追加预算".to_owned()),
        level => (
            format!("have the budget raised, or leave the claim to a colleague of approval level {level}"),
            format!("申请追加预算，或由 {level} 级及以上的同事处理"),
        ),
    };
    Refusal::new(
        Reason::GoodwillBudgetExceeded,
        format!(
            "goodwill budget {code} has {left} left of {amount} and the decision needs {needed}; grant less, {way_out}"
        ),
        format!("善意预算 {code} 共 {amount}，剩余 {left}，本次需要 {needed}；请减少善意金额，{way_out_zh}"),
    )
    .with("budget", format!("goodwillBudgets/{code}"))
    .with("left", left.to_string())
    .with("needed", needed.to_string())
}

fn no_budget(needed: Money) -> Refusal {
    Refusal::new(
        Reason::GoodwillBudgetExceeded,
        "no goodwill budget of the station's region is in force for this claim, and goodwill needs one; leave it out, or have a budget made",
        "该服务站所在区域没有适用的善意预算，而善意补偿必须有预算；请去掉善意部分，或申请建立预算",
    )
    .with("needed", needed.to_string())
}
