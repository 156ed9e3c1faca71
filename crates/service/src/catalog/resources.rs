//! The kinds of master data: message, record, and what is peculiar to each.

use recourse_domain::access::{Act, Actor, Right};
use recourse_domain::catalog::{
    self as domain, CampaignState, ColumnValue, PolicyState, PriceMove, RuleSetState, Stored,
};
use recourse_domain::ids::{Code, OrgId};
use recourse_domain::query::filter::{Expr, Op};
use recourse_domain::text::Violation;
use recourse_domain::vehicle;
use recourse_domain::vin::Vin;
use recourse_proto::v1::error_reason::Code as Reason;
use recourse_proto::{Method, v1};

use super::Resource;
use crate::convert::organizations::NewId;
use crate::convert::{
    adjudication_rule_sets, appraisers, campaign_vehicles, campaigns, evidence_rules, exchange_rates, failure_codes,
    goodwill_budgets, labor_operations, part_supplies, parts, policies, rescue_tariffs, review_queues, settings,
    share_agreements, stations, suppliers, vehicles,
};
use crate::error::{Answer, Refusal};

/// Declares a resource: its types, the method that reads it, its conversion, and what is peculiar to it.
macro_rules! resource {
    (
        $(#[$doc:meta])*
        $resource:ident: $message:ident = $record:path, $singular:literal, $get:ident,
        $show:path, |$given:ident, $code:ident, $before:pat_param, $ids:pat_param| $read:expr;
        $($peculiar:tt)*
    ) => {
        $(#[$doc])*
        pub(crate) struct $resource;

        impl Resource for $resource {
            type Message = v1::$message;
            type Record = $record;

            const SINGULAR: &'static str = $singular;
            const GET: Method = Method::$get;

            fn show(stored: &Stored<Self::Record>) -> Self::Message {
                $show(stored)
            }

            fn read(
                $given: Self::Message,
                $code: &str,
                $before: Option<&Self::Record>,
                $ids: NewId<'_>,
            ) -> Result<Self::Record, Vec<Violation>> {
                $read
            }

            fn name(message: &Self::Message) -> &str {
                &message.name
            }

            fn etag(message: &Self::Message) -> &str {
                &message.etag
            }

            $($peculiar)*
        }
    };
}

resource! {
    /// Service stations: each is an organisation of its own row's key.
    StationResource: Station = domain::Station, "station", StationServiceGetStation,
    stations::show, |message, code, _, ids| stations::read(message, code, ids);

    fn owner(stored: &Stored<Self::Record>) -> Option<OrgId> {
        Some(OrgId(stored.id))
    }
}

resource! {
    /// Suppliers: each is an organisation of its own row's key.
    SupplierResource: Supplier = domain::Supplier, "supplier", SupplierServiceGetSupplier,
    suppliers::show, |message, code, _, ids| suppliers::read(message, code, ids);

    fn owner(stored: &Stored<Self::Record>) -> Option<OrgId> {
        Some(OrgId(stored.id))
    }
}

resource! {
    /// Appraisers: each is an organisation of its own row's key.
    AppraiserResource: Appraiser = domain::Appraiser, "appraiser", AppraiserServiceGetAppraiser,
    appraisers::show, |message, code, _, ids| appraisers::read(message, code, ids);

    fn owner(stored: &Stored<Self::Record>) -> Option<OrgId> {
        Some(OrgId(stored.id))
    }
}

resource! {
    /// Parts. A part names its default supplier by code, and the organisation behind a code is another row:
    /// so a part belongs to nobody, and what only its supplier may see of it stays hidden from suppliers.
    PartResource: Part = domain::Part, "part", PartServiceGetPart,
    parts::show, |message, code, _, ids| parts::read(message, code, ids);

    fn price_moves(before: Option<&Self::Record>, after: &Self::Record) -> Vec<PriceMove> {
        domain::Part::price_moves(before, after)
    }
}

resource! {
    /// Labour operations.
    LaborOperationResource: LaborOperation = domain::LaborOperation, "labor_operation",
    LaborOperationServiceGetLaborOperation,
    labor_operations::show, |message, code, _, _| labor_operations::read(message, code);
}

resource! {
    /// Failure codes.
    FailureCodeResource: FailureCode = domain::FailureCode, "failure_code", FailureCodeServiceGetFailureCode,
    failure_codes::show, |message, code, _, _| failure_codes::read(message, code);
}

resource! {
    /// Which evidence claims need.
    EvidenceRuleResource: EvidenceRule = domain::EvidenceRule, "evidence_rule", EvidenceRuleServiceGetEvidenceRule,
    evidence_rules::show, |message, code, _, _| evidence_rules::read(message, code);
}

resource! {
    /// Versions of warranty policies. Drafts are the manufacturer's own affair until it publishes them.
    WarrantyPolicyResource: WarrantyPolicy = domain::WarrantyPolicy, "warranty_policy",
    WarrantyPolicyServiceGetWarrantyPolicy,
    policies::show, |message, code, before, _| policies::read(message, code, before);

    fn is_known_to(actor: &Actor, record: &Self::Record) -> bool {
        match record.state {
            PolicyState::Draft => sees_drafts(actor),
            PolicyState::Published => true,
        }
    }

    fn known_where(actor: &Actor) -> Option<Expr> {
        let published = ColumnValue::Text(Some(PolicyState::Published.word().to_owned()));
        (!sees_drafts(actor)).then_some(Expr::Compare { column: "state", op: Op::Eq, value: published })
    }
}

resource! {
    /// Who supplies which pieces of a part.
    PartSupplyResource: PartSupply = domain::PartSupply, "part_supply", PartSupplyServiceGetPartSupply,
    part_supplies::show, |message, code, _, _| part_supplies::read(message, code);
}

resource! {
    /// Rescue tariffs.
    RescueTariffResource: RescueTariff = domain::RescueTariff, "rescue_tariff", RescueTariffServiceGetRescueTariff,
    rescue_tariffs::show, |message, code, _, _| rescue_tariffs::read(message, code);
}

resource! {
    /// Which share of a part's failures its supplier bears.
    ShareAgreementResource: ShareAgreement = domain::ShareAgreement, "share_agreement",
    ShareAgreementServiceGetShareAgreement,
    share_agreements::show, |message, code, _, _| share_agreements::read(message, code);
}

resource! {
    /// Goodwill budgets: written by those who grant none.
    GoodwillBudgetResource: GoodwillBudget = domain::GoodwillBudget, "goodwill_budget",
    GoodwillBudgetServiceGetGoodwillBudget,
    goodwill_budgets::show, |message, code, _, _| goodwill_budgets::read(message, code);

    const WRITE: Act = Act::KeepGoodwillBudget;
}

resource! {
    /// Settings.
    SettingResource: Setting = domain::Setting, "setting", SettingServiceGetSetting,
    settings::show, |message, code, _, ids| settings::read(message, code, ids);
}

resource! {
    /// Queues of claims.
    ReviewQueueResource: ReviewQueue = domain::ReviewQueue, "review_queue", ReviewQueueServiceGetReviewQueue,
    review_queues::show, |message, code, _, _| review_queues::read(message, code);
}

resource! {
    /// Rates between currencies.
    ExchangeRateResource: ExchangeRate = domain::ExchangeRate, "exchange_rate", ExchangeRateServiceGetExchangeRate,
    exchange_rates::show, |message, code, _, _| exchange_rates::read(message, code);
}

resource! {
    /// Versions of rule sets.
    AdjudicationRuleSetResource: AdjudicationRuleSet = domain::AdjudicationRuleSet, "adjudication_rule_set",
    AdjudicationRuleSetServiceGetAdjudicationRuleSet,
    adjudication_rule_sets::show, |message, code, before, _| adjudication_rule_sets::read(message, code, before);

    fn refuse_retirement(record: &Self::Record) -> Answer<()> {
        match record.state {
            RuleSetState::Draft | RuleSetState::Retired => Ok(()),
            RuleSetState::Published => Err(Refusal::state_conflict(
                &format!("adjudicationRuleSets/{}", record.code),
                record.state.word(),
                "delete",
            )),
        }
    }
}

resource! {
    /// Vehicles, whose code is the VIN.
    VehicleResource: Vehicle = vehicle::Vehicle, "vehicle", VehicleServiceGetVehicle,
    vehicles::show, |message, code, before, ids| vehicles::read(message, code, before, ids);

    fn code(text: &str) -> Result<String, Violation> {
        Vin::parse(text).map(|vin| vin.to_string()).map_err(|error| vehicles::bad_vin("name", error))
    }

    fn authorize(actor: &Actor, record: &Self::Record, before: Option<&Self::Record>) -> Answer<()> {
        let reason = record.vin_override_reason.as_str();
        let stands = before.is_some_and(|before| before.vin_override_reason == reason);
        if reason.is_empty() || stands || actor.rights.contains(&Right::VinOverride) {
            return Ok(());
        }
        Err(Refusal::new(
            Reason::NotPermitted,
            "vin_override_reason needs the right VIN_OVERRIDE; correct the VIN, or ask somebody who has the right",
            "填写 vin_override_reason 需要 VIN_OVERRIDE 权限；请更正 VIN，或由具有该权限的人员操作",
        )
        .with("right", "VIN_OVERRIDE"))
    }
}

resource! {
    /// Campaigns. Drafts are the manufacturer's own affair until it activates them.
    CampaignResource: Campaign = domain::Campaign, "campaign", CampaignServiceGetCampaign,
    campaigns::show, |message, code, before, _| campaigns::read(message, code, before);

    fn is_known_to(actor: &Actor, record: &Self::Record) -> bool {
        match record.state {
            CampaignState::Draft => sees_drafts(actor),
            CampaignState::Active | CampaignState::Closed => true,
        }
    }

    fn known_where(actor: &Actor) -> Option<Expr> {
        let draft = ColumnValue::Text(Some(CampaignState::Draft.word().to_owned()));
        (!sees_drafts(actor)).then_some(Expr::Compare { column: "state", op: Op::Ne, value: draft })
    }

    fn refuse_retirement(record: &Self::Record) -> Answer<()> {
        match record.state {
            CampaignState::Draft | CampaignState::Closed => Ok(()),
            CampaignState::Active => {
                Err(Refusal::state_conflict(&format!("campaigns/{}", record.code), record.state.word(), "delete"))
            }
        }
    }
}

resource! {
    /// Vehicles of campaigns, whose code is that of the campaign and the VIN: `R-2026-01/LSVAM4186C2184841`.
    CampaignVehicleResource: CampaignVehicle = domain::CampaignVehicle, "campaign_vehicle",
    CampaignServiceGetCampaignVehicle,
    campaign_vehicles::show, |message, code, before, _| campaign_vehicles::read(message, code, before);

    fn code(text: &str) -> Result<String, Violation> {
        let text = text.strip_prefix("campaigns/").unwrap_or(text);
        let parts = text.split_once("/vehicles/").or_else(|| text.split_once('/'));
        let (campaign, vin) = parts.unwrap_or_default();
        let campaign = Code::parse(campaign).map_err(|_| crate::convert::bad_code("name"))?;
        let vin = Vin::parse(vin).map_err(|error| vehicles::bad_vin("vin", error))?;
        Ok(domain::CampaignVehicle::key_of(&campaign, &vin))
    }

    fn code_in_name(name: &str) -> Answer<String> {
        Self::code(name).map_err(|_| Refusal::not_found(name))
    }

    fn name_of_code(code: &str) -> String {
        code.split_once('/').map(|(campaign, vin)| format!("campaigns/{campaign}/vehicles/{vin}")).unwrap_or_default()
    }

    fn owner(stored: &Stored<Self::Record>) -> Option<OrgId> {
        stored.value.state.job().map(|job| job.station)
    }
}

fn sees_drafts(actor: &Actor) -> bool {
    actor.is_oem() || actor.job.is_some()
}
