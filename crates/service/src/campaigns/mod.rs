//! Campaigns beside what all master data has: their life, how far they have come, and where each vehicle stands.
//! What claims do to it stands in `effects.rs`.

pub(crate) mod effects;

use recourse_domain::access::{Act, Permit};
use recourse_domain::catalog::{
    Campaign, CampaignState, CampaignVehicle, ColumnValue, CompletionCount, NotFromHere, Record, Stored,
};
use recourse_domain::change::Audience;
use recourse_domain::claims::CampaignFact;
use recourse_domain::query::filter::{Expr, Op};
use recourse_domain::query::order::Order;
use recourse_domain::vehicle::Vehicle;
use recourse_proto::redact::Redact;
use recourse_proto::{Method, v1};
use recourse_repository::{StoreError, Tx};

use crate::catalog::{
    self, CampaignResource, CampaignVehicleResource, Resource, VehicleResource, Verb, code_in, present,
};
use crate::context::{Boxed, Call};
use crate::convert::{self, campaign_vehicles, campaigns as convert_campaigns, names};
use crate::error::{Answer, Refusal};
use crate::lists::{self, ListInput};

/// A step of a campaign's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// From a draft on: claims may name it, and vehicles that its filter reaches find it.
    Activate,
    /// Its end: what was claimed stays.
    Close,
}

impl Step {
    fn verb(self) -> Verb {
        let (word, paths): (&'static str, &'static [&'static str]) = match self {
            Step::Activate => ("activate", &["state", "activate_date"]),
            Step::Close => ("close", &["state", "close_date"]),
        };
        Verb { word, paths, act: Act::WriteMasterData, references: Vec::new() }
    }

    fn of(self, call: &Call, name: &str) -> impl Fn(Campaign) -> Answer<Campaign> + Send + Sync + use<> {
        let (today, name) = (call.today(), name.to_owned());
        move |campaign| {
            let state = campaign.state;
            let stepped = match self {
                Step::Activate => campaign.activate(today),
                Step::Close => campaign.close(today),
            };
            stepped.map_err(|violation| {
                let mut refusal = Refusal::state_conflict(&name, state.word(), self.verb().word);
                refusal.text = Box::new(violation.text);
                refusal
            })
        }
    }
}

/// Takes a step of a campaign's life.
pub(crate) async fn step(call: &Call, name: &str, etag: &str, step: Step) -> Answer<v1::Campaign> {
    catalog::step_and::<CampaignResource>(call, name, etag, step.verb(), step.of(call, name), note_reach).await
}

/// Takes a step of a campaign's life as a part of another command.
pub(crate) async fn step_in(tx: &mut Tx<'_>, call: &Call, name: &str, etag: &str, step: Step) -> Answer<v1::Campaign> {
    let (verb, of) = (step.verb(), step.of(call, name));
    catalog::step_and_in::<CampaignResource>(tx, call, name, etag, &verb, of, note_reach).await
}

fn note_reach<'t>(
    tx: &'t mut Tx<'_>,
    _call: &'t Call,
    permit: &'t Permit,
    campaign: &'t Stored<Campaign>,
) -> Boxed<'t, Answer<()>> {
    Box::pin(async move {
        let is_active = campaign.value.state == CampaignState::Active;
        Ok(tx.note_reach(permit, campaign, is_active).await?)
    })
}

/// Counts how far a campaign has come.
pub(crate) async fn completion(
    call: &Call,
    request: v1::GetCampaignCompletionRequest,
) -> Answer<v1::CampaignCompletion> {
    let campaign = campaign_of(call, &request.name).await?;
    let store = &call.inner.store;
    let counts = store.campaign_completion(call.scope()?, &campaign.value, request.by_model).await?;
    let total = counts.values().copied().fold(CompletionCount::default(), CompletionCount::and);
    let shown = |(model, count): (&String, &CompletionCount)| v1::ModelCompletion {
        model: model.clone(),
        count: Some(convert_campaigns::show_count(count)),
    };
    Ok(v1::CampaignCompletion {
        campaign: format!("campaigns/{}", campaign.value.code),
        total: Some(convert_campaigns::show_count(&total)),
        models: if request.by_model { counts.iter().map(shown).collect() } else { Vec::new() },
    })
}

/// The campaign of a name, if the caller may know of it.
async fn campaign_of(call: &Call, name: &str) -> Answer<Stored<Campaign>> {
    let code = code_in::<CampaignResource>(name)?;
    let scope = call.scope_of(Method::CampaignServiceGetCampaign)?;
    let actor = call.actor()?;
    let stored = call.inner.store.record::<Campaign>(&scope, &code).await?;
    stored.filter(|stored| CampaignResource::is_known_to(actor, &stored.value)).ok_or_else(|| Refusal::not_found(name))
}

/// Refuses an import into a campaign that does not exist or is over.
pub(crate) async fn admit_list(call: &Call, parent: &str) -> Answer<()> {
    let campaign = campaign_of(call, parent).await?;
    match campaign.value.state {
        CampaignState::Draft | CampaignState::Active if campaign.retire_time.is_none() => Ok(()),
        state @ (CampaignState::Draft | CampaignState::Active | CampaignState::Closed) => {
            Err(Refusal::state_conflict(parent, state.word(), "import"))
        }
    }
}

/// Reads where one vehicle stands in a campaign.
pub(crate) async fn vehicle(call: &Call, name: &str) -> Answer<v1::CampaignVehicle> {
    let key = code_in::<CampaignVehicleResource>(name)?;
    let scope = call.scope_of(Method::CampaignServiceGetCampaignVehicle)?;
    let campaign = campaign_of(call, &parent_of(&key)).await.map_err(|_| Refusal::not_found(name))?;
    if let Some(stored) = call.inner.store.record::<CampaignVehicle>(&scope, &key).await? {
        return catalog::shown::<CampaignVehicleResource>(call, &stored);
    }
    let vin = vin_of(&key);
    let known = call.inner.store.record::<Vehicle>(&scope, vin).await?;
    let known = known.filter(|known| campaign.value.reaches(&known.value)).ok_or_else(|| Refusal::not_found(name))?;
    let unwritten = CampaignVehicle::open(campaign.value.code, known.value.vin, false);
    let mut message = campaign_vehicles::document(&unwritten);
    message.redact(&call.viewer(false));
    Ok(message)
}

fn parent_of(key: &str) -> String {
    format!("campaigns/{}", key.split_once('/').map_or("", |(campaign, _)| campaign))
}

fn vin_of(key: &str) -> &str {
    key.split_once('/').map_or("", |(_, vin)| vin)
}

/// Lists vehicles of one campaign, or of all.
pub(crate) async fn vehicles(
    call: &Call,
    request: v1::ListCampaignVehiclesRequest,
) -> Answer<v1::ListCampaignVehiclesResponse> {
    let v1::ListCampaignVehiclesRequest { parent, page_size, page_token, filter } = request;
    let within = match names::id_in(&parent, Campaign::COLLECTION)? {
        "-" => None,
        _ => Some(campaign_of(call, &parent).await?.value.code),
    };
    let input = ListInput { page_size, page_token, filter, within: parent, ..ListInput::default() };
    let mut query = lists::query(call, &input, CampaignVehicle::FIELDS, Order::by_code())?;
    if let Some(code) = within {
        let value = ColumnValue::Text(Some(code.to_string()));
        query.narrow(Expr::Compare { column: "campaign", op: Op::Eq, value });
    }
    let page = call.inner.store.records::<CampaignVehicle>(call.scope()?, &query).await?;
    let shown = |stored| catalog::shown::<CampaignVehicleResource>(call, stored);
    Ok(v1::ListCampaignVehiclesResponse {
        campaign_vehicles: page.items.iter().map(shown).collect::<Answer<_>>()?,
        next_page_token: lists::next_token(call, &input, page.next)?,
    })
}

/// Takes an open vehicle out of a campaign. One that only the filter reaches gets its row by it.
pub(crate) async fn exempt(call: &Call, request: v1::ExemptCampaignVehicleRequest) -> Answer<v1::CampaignVehicle> {
    let v1::ExemptCampaignVehicleRequest { name, etag, request_id: _, reason, note } = request;
    let exemption = campaign_vehicles::read_exemption(reason, &note).map_err(Refusal::invalid)?;
    let permit = call.permit(Act::WriteMasterData)?;
    let key = code_in::<CampaignVehicleResource>(&name)?;
    let (name, etag, key, exemption, permit) = (name.as_str(), etag.as_str(), key.as_str(), &exemption, &permit);
    call.run(
        false,
        |tx| {
            Box::pin(async move {
                let stored = tx.record::<CampaignVehicle>(call.scope()?, key).await?;
                let before = match &stored {
                    Some(stored) => {
                        convert::check_etag(etag, stored.version, name)?;
                        stored.value.clone()
                    }
                    None => unwritten(tx, call, name, key).await?,
                };
                let state = before.state.word();
                let after = before.exempt(exemption.clone());
                let after = after.map_err(|NotFromHere| Refusal::state_conflict(name, state, "exempt"))?;
                let paths = ["state", "exempt_reason", "note"].map(str::to_owned).to_vec();
                let written = write(tx, call, permit, stored.as_ref(), after, ("exempt", paths), &Audience::Oem).await;
                let written = written.map_err(|error| match error {
                    // Somebody else wrote its first row meanwhile.
                    StoreError::AlreadyExists { .. } => Refusal::overtaken(),
                    other => Refusal::unless_stale(other, name),
                })?;
                Ok((written.value.name(), catalog::shown::<CampaignVehicleResource>(call, &written)?))
            })
        },
        |name| Box::pin(async move { vehicle(call, &name).await }),
    )
    .await
}

/// A vehicle that only the filter of its campaign reaches, before its first row.
async fn unwritten(tx: &mut Tx<'_>, call: &Call, name: &str, key: &str) -> Answer<CampaignVehicle> {
    let not_found = || Refusal::not_found(name);
    let code = code_in::<CampaignResource>(&parent_of(key))?;
    let campaign = present::<CampaignResource>(tx, call, &code, "").await.map_err(|_| not_found())?.value;
    let known = tx.record::<Vehicle>(call.scope()?, vin_of(key)).await?;
    let known = known.filter(|known| campaign.reaches(&known.value)).ok_or_else(not_found)?;
    Ok(CampaignVehicle::open(campaign.code, known.value.vin, false))
}

/// Writes where a vehicle stands now, as its first row or as a change of it.
async fn write(
    tx: &mut Tx<'_>,
    call: &Call,
    permit: &Permit,
    before: Option<&Stored<CampaignVehicle>>,
    after: CampaignVehicle,
    (verb, paths): (&'static str, Vec<String>),
    audience: &Audience,
) -> Result<Stored<CampaignVehicle>, StoreError> {
    let id = before.map_or_else(|| call.new_id(), |before| before.id);
    let note = call.note(verb, after.name(), CampaignVehicle::COLLECTION, paths, audience);
    match before {
        Some(before) => tx.update_record(permit, before, after, note).await,
        None => tx.insert_record(permit, id, after, note).await,
    }
}

/// Takes an exemption back.
pub(crate) async fn reinstate(
    call: &Call,
    request: v1::ReinstateCampaignVehicleRequest,
) -> Answer<v1::CampaignVehicle> {
    let name = request.name.as_str();
    let paths = &["state", "exempt_reason", "note"];
    let verb = Verb { word: "reinstate", paths, act: Act::WriteMasterData, references: Vec::new() };
    catalog::step::<CampaignVehicleResource>(call, name, &request.etag, verb, |vehicle| {
        let state = vehicle.state.word();
        vehicle.reinstate().map_err(|NotFromHere| Refusal::state_conflict(name, state, "reinstate"))
    })
    .await
}

/// Lists the active campaigns that reach a vehicle.
pub(crate) async fn of_vehicle(call: &Call, parent: &str) -> Answer<v1::ListVehicleCampaignsResponse> {
    let vin = code_in::<VehicleResource>(parent)?;
    let scope = call.scope_of(Method::VehicleServiceGetVehicle)?;
    let vehicle = call.inner.store.record::<Vehicle>(&scope, &vin).await?;
    let vehicle = vehicle.ok_or_else(|| Refusal::not_found(parent))?.value;
    let facts = call.inner.store.campaigns_of_vehicle(vehicle.vin.as_str(), &vehicle.model, false).await?;
    let reaching = facts.iter().filter(|fact| fact.reaches(&vehicle));
    let campaigns = reaching.map(|fact| convert_campaigns::show_of_vehicle(fact, &vehicle, call.lang));
    Ok(v1::ListVehicleCampaignsResponse { campaigns: campaigns.collect() })
}

/// The names of safety recalls that are open for a vehicle.
pub(crate) fn open_recalls(facts: &[CampaignFact], vehicle: &Vehicle, day: chrono::NaiveDate) -> Vec<String> {
    let open = facts.iter().filter(|fact| fact.campaign.safety && fact.is_open_for(vehicle, day));
    open.map(|fact| format!("campaigns/{}", fact.campaign.code)).collect()
}

/// A vehicle as it is read alone: with the safety recalls that are open for it.
pub(crate) async fn with_open_recalls(call: &Call, name: &str) -> Answer<v1::Vehicle> {
    let vin = code_in::<VehicleResource>(name)?;
    let store = &call.inner.store;
    let stored = store.record::<Vehicle>(call.scope()?, &vin).await?.ok_or_else(|| Refusal::not_found(name))?;
    let facts = store.campaigns_of_vehicle(&vin, &stored.value.model, true).await?;
    let mut message = catalog::shown::<VehicleResource>(call, &stored)?;
    message.open_recalls = open_recalls(&facts, &stored.value, call.today());
    Ok(message)
}
