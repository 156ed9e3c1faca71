//! The commands that a proposal can hold: what each is about, and how it is given.
//!
//! Each is given by the very functions that serve its own method, so a confirmed command finds the same rules, limits
//! and references as one that is given alone.

use std::future::Future;

use recourse_domain::text::Violation;
use recourse_proto::merge::Merge;
use recourse_proto::redact::{Redact, Viewer};
use recourse_proto::v1::guarded_command::Request;
use recourse_proto::wkt::FieldMask;
use recourse_proto::{Method, v1};
use recourse_repository::Tx;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::adjudication;
use crate::campaigns;
use crate::catalog::{self, Resource};
use crate::context::Call;
use crate::convert;
use crate::error::{Answer, Refusal};
use crate::identity::{api_clients, users};
use crate::second_person::document;

/// What a resource is before and after a command, with the version before.
pub(super) struct Effect {
    /// The version that the command was tried on; none: it makes the resource.
    pub version: Option<i64>,
    /// The resource before.
    pub before: Option<Value>,
    /// The resource afterwards.
    pub after: Option<Value>,
}

/// A command that a proposal can hold.
trait Command: Send + Sync {
    /// The resource that it is about, as the contract shows it.
    type Shown: Serialize + DeserializeOwned + Redact + Send;

    /// Its method.
    const METHOD: Method;

    /// Clears what counts for a single call only; answers the name of what the command is about, which means the same
    /// to everybody.
    fn settle(&mut self, call: &Call) -> Answer<String>;

    /// Binds it to a version of what it is about.
    fn bind(&mut self, etag: String);

    /// What it is about, as it stands.
    fn look(
        tx: &mut Tx<'_>,
        call: &Call,
        name: &str,
    ) -> impl Future<Output = Answer<Option<(i64, Self::Shown)>>> + Send;

    /// Gives it.
    fn give(&self, tx: &mut Tx<'_>, call: &Call) -> impl Future<Output = Answer<()>> + Send;
}

/// Commands that make a record: the field with it, and the field with its code.
macro_rules! creations {
    ($($request:ident $method:ident $resource:ident $field:ident $id:ident;)*) => {$(
        impl Command for v1::$request {
            type Shown = <catalog::$resource as Resource>::Message;

            const METHOD: Method = Method::$method;

            fn settle(&mut self, _call: &Call) -> Answer<String> {
                self.request_id.clear();
                self.validate_only = false;
                catalog::chosen_name::<catalog::$resource>(&self.$id)
            }

            // What is not there yet has no version.
            fn bind(&mut self, _etag: String) {}

            async fn look(tx: &mut Tx<'_>, call: &Call, name: &str) -> Answer<Option<(i64, Self::Shown)>> {
                catalog::as_it_stands::<catalog::$resource>(tx, call, name).await
            }

            async fn give(&self, tx: &mut Tx<'_>, call: &Call) -> Answer<()> {
                catalog::create_in::<catalog::$resource>(tx, call, self.$field.clone(), &self.$id).await.map(|_| ())
            }
        }
    )*};
}

/// Commands that change a record: the field with it.
macro_rules! changes {
    ($($request:ident $method:ident $resource:ident $field:ident;)*) => {$(
        impl Command for v1::$request {
            type Shown = <catalog::$resource as Resource>::Message;

            const METHOD: Method = Method::$method;

            fn settle(&mut self, _call: &Call) -> Answer<String> {
                self.request_id.clear();
                self.validate_only = false;
                let name = self.$field.as_ref().map(|given| given.name.as_str()).unwrap_or_default();
                catalog::canonical_name::<catalog::$resource>(name)
            }

            fn bind(&mut self, etag: String) {
                self.$field.get_or_insert_default().etag = etag;
            }

            async fn look(tx: &mut Tx<'_>, call: &Call, name: &str) -> Answer<Option<(i64, Self::Shown)>> {
                catalog::as_it_stands::<catalog::$resource>(tx, call, name).await
            }

            async fn give(&self, tx: &mut Tx<'_>, call: &Call) -> Answer<()> {
                let (given, mask) = (self.$field.clone(), self.update_mask.clone());
                catalog::update_in::<catalog::$resource>(tx, call, given, mask).await.map(|_| ())
            }
        }
    )*};
}

/// Commands that name a record and its version, and how each is given.
macro_rules! verbs {
    ($($request:ident $method:ident $resource:ident: |$tx:ident, $call:ident, $given:ident| $give:expr;)*) => {$(
        impl Command for v1::$request {
            type Shown = <catalog::$resource as Resource>::Message;

            const METHOD: Method = Method::$method;

            fn settle(&mut self, _call: &Call) -> Answer<String> {
                self.request_id.clear();
                catalog::canonical_name::<catalog::$resource>(&self.name)
            }

            fn bind(&mut self, etag: String) {
                self.etag = etag;
            }

            async fn look(tx: &mut Tx<'_>, call: &Call, name: &str) -> Answer<Option<(i64, Self::Shown)>> {
                catalog::as_it_stands::<catalog::$resource>(tx, call, name).await
            }

            async fn give(&self, $tx: &mut Tx<'_>, $call: &Call) -> Answer<()> {
                let $given = self;
                $give.await.map(|_| ())
            }
        }
    )*};
}

creations! {
    CreatePartRequest PartServiceCreatePart PartResource part part_id;
    CreateStationRequest StationServiceCreateStation StationResource station station_id;
    CreateSupplierRequest SupplierServiceCreateSupplier SupplierResource supplier supplier_id;
    CreateLaborOperationRequest LaborOperationServiceCreateLaborOperation LaborOperationResource
        labor_operation labor_operation_id;
    CreateRescueTariffRequest RescueTariffServiceCreateRescueTariff RescueTariffResource
        rescue_tariff rescue_tariff_id;
    CreateExchangeRateRequest ExchangeRateServiceCreateExchangeRate ExchangeRateResource
        exchange_rate exchange_rate_id;
    CreateShareAgreementRequest ShareAgreementServiceCreateShareAgreement ShareAgreementResource
        share_agreement share_agreement_id;
    CreateEvidenceRuleRequest EvidenceRuleServiceCreateEvidenceRule EvidenceRuleResource
        evidence_rule evidence_rule_id;
    CreateSettingRequest SettingServiceCreateSetting SettingResource setting setting_id;
    CreateGoodwillBudgetRequest GoodwillBudgetServiceCreateGoodwillBudget GoodwillBudgetResource
        goodwill_budget goodwill_budget_id;
    CreatePartSupplyRequest PartSupplyServiceCreatePartSupply PartSupplyResource part_supply part_supply_id;
}

changes! {
    UpdatePartRequest PartServiceUpdatePart PartResource part;
    UpdateStationRequest StationServiceUpdateStation StationResource station;
    UpdateSupplierRequest SupplierServiceUpdateSupplier SupplierResource supplier;
    UpdateLaborOperationRequest LaborOperationServiceUpdateLaborOperation LaborOperationResource labor_operation;
    UpdateRescueTariffRequest RescueTariffServiceUpdateRescueTariff RescueTariffResource rescue_tariff;
    UpdateExchangeRateRequest ExchangeRateServiceUpdateExchangeRate ExchangeRateResource exchange_rate;
    UpdateShareAgreementRequest ShareAgreementServiceUpdateShareAgreement ShareAgreementResource share_agreement;
    UpdateEvidenceRuleRequest EvidenceRuleServiceUpdateEvidenceRule EvidenceRuleResource evidence_rule;
    UpdateSettingRequest SettingServiceUpdateSetting SettingResource setting;
    UpdateGoodwillBudgetRequest GoodwillBudgetServiceUpdateGoodwillBudget GoodwillBudgetResource goodwill_budget;
    UpdatePartSupplyRequest PartSupplyServiceUpdatePartSupply PartSupplyResource part_supply;
    UpdateCampaignRequest CampaignServiceUpdateCampaign CampaignResource campaign;
}

verbs! {
    DeleteRescueTariffRequest RescueTariffServiceDeleteRescueTariff RescueTariffResource:
        |tx, call, given| catalog::retire_in::<catalog::RescueTariffResource>(tx, call, &given.name, &given.etag);
    DeleteExchangeRateRequest ExchangeRateServiceDeleteExchangeRate ExchangeRateResource:
        |tx, call, given| catalog::retire_in::<catalog::ExchangeRateResource>(tx, call, &given.name, &given.etag);
    DeleteShareAgreementRequest ShareAgreementServiceDeleteShareAgreement ShareAgreementResource:
        |tx, call, given| catalog::retire_in::<catalog::ShareAgreementResource>(tx, call, &given.name, &given.etag);
    DeleteWarrantyPolicyRequest WarrantyPolicyServiceDeleteWarrantyPolicy WarrantyPolicyResource:
        |tx, call, given| catalog::retire_in::<catalog::WarrantyPolicyResource>(tx, call, &given.name, &given.etag);
    DeleteEvidenceRuleRequest EvidenceRuleServiceDeleteEvidenceRule EvidenceRuleResource:
        |tx, call, given| catalog::retire_in::<catalog::EvidenceRuleResource>(tx, call, &given.name, &given.etag);
    DeleteSettingRequest SettingServiceDeleteSetting SettingResource:
        |tx, call, given| catalog::retire_in::<catalog::SettingResource>(tx, call, &given.name, &given.etag);
    DeleteGoodwillBudgetRequest GoodwillBudgetServiceDeleteGoodwillBudget GoodwillBudgetResource:
        |tx, call, given| catalog::retire_in::<catalog::GoodwillBudgetResource>(tx, call, &given.name, &given.etag);
    DeletePartSupplyRequest PartSupplyServiceDeletePartSupply PartSupplyResource:
        |tx, call, given| catalog::retire_in::<catalog::PartSupplyResource>(tx, call, &given.name, &given.etag);
    ActivateCampaignRequest CampaignServiceActivateCampaign CampaignResource:
        |tx, call, given| campaigns::step_in(tx, call, &given.name, &given.etag, campaigns::Step::Activate);
    CloseCampaignRequest CampaignServiceCloseCampaign CampaignResource:
        |tx, call, given| campaigns::step_in(tx, call, &given.name, &given.etag, campaigns::Step::Close);
    PublishWarrantyPolicyRequest WarrantyPolicyServicePublishWarrantyPolicy WarrantyPolicyResource:
        |tx, call, given| catalog::publish_in(tx, call, given);
    PublishAdjudicationRuleSetRequest AdjudicationRuleSetServicePublishAdjudicationRuleSet AdjudicationRuleSetResource:
        |tx, call, given| adjudication::step_in(tx, call, &given.name, &given.etag, adjudication::Step::Publish);
    RetireAdjudicationRuleSetRequest AdjudicationRuleSetServiceRetireAdjudicationRuleSet AdjudicationRuleSetResource:
        |tx, call, given| adjudication::step_in(tx, call, &given.name, &given.etag, adjudication::Step::Retire);
}

/// Memberships of a user, and nothing of the person: what a proposal holds stands in the history for ever.
impl Command for v1::UpdateUserRequest {
    type Shown = v1::User;

    const METHOD: Method = Method::UserServiceUpdateUser;

    fn settle(&mut self, call: &Call) -> Answer<String> {
        let user = self.user.take().unwrap_or_default();
        let paths = self.update_mask.take().map_or_else(|| user.populated(), |mask| mask.paths);
        if paths != ["memberships"] || user.populated().iter().any(|path| path != "memberships") {
            return Err(Refusal::field(
                "update_mask",
                "MEMBERSHIPS_ONLY",
                "a proposal changes memberships and nothing else of a user; change the rest directly",
                "变更申请只能修改用户的 memberships；其他内容请直接修改",
            ));
        }
        let name = users::canonical_name(call, &user.name)?;
        let v1::User { etag, memberships, .. } = user;
        let user = v1::User { name: name.clone(), etag, memberships, ..v1::User::default() };
        *self = Self { user: Some(user), update_mask: Some(FieldMask { paths }), ..Self::default() };
        Ok(name)
    }

    fn bind(&mut self, etag: String) {
        self.user.get_or_insert_default().etag = etag;
    }

    async fn look(tx: &mut Tx<'_>, call: &Call, name: &str) -> Answer<Option<(i64, Self::Shown)>> {
        users::as_it_stands(tx, call, name).await
    }

    async fn give(&self, tx: &mut Tx<'_>, call: &Call) -> Answer<()> {
        users::update_in(tx, call, self).await.map(|_| ())
    }
}

/// A disabled user who is let in again.
impl Command for v1::EnableUserRequest {
    type Shown = v1::User;

    const METHOD: Method = Method::UserServiceEnableUser;

    fn settle(&mut self, call: &Call) -> Answer<String> {
        self.request_id.clear();
        self.name = users::canonical_name(call, &self.name)?;
        Ok(self.name.clone())
    }

    fn bind(&mut self, etag: String) {
        self.etag = etag;
    }

    async fn look(tx: &mut Tx<'_>, call: &Call, name: &str) -> Answer<Option<(i64, Self::Shown)>> {
        users::as_it_stands(tx, call, name).await
    }

    async fn give(&self, tx: &mut Tx<'_>, call: &Call) -> Answer<()> {
        users::enable_in(tx, call, self).await.map(|_| ())
    }
}

/// Rows of an import. They stay with the import, which writes them when it is sent again: nothing is given here.
impl Command for v1::ProposedImport {
    type Shown = v1::Part;

    const METHOD: Method = Method::PartServiceImportParts;

    fn settle(&mut self, _call: &Call) -> Answer<String> {
        Err(Refusal::field(
            "import_parts",
            "OUTPUT_ONLY",
            "an import makes this proposal: send the file to POST /v1/parts:import with `proposalReason`",
            "该申请由导入生成：请将文件发送至 POST /v1/parts:import，并填写 proposalReason",
        ))
    }

    fn bind(&mut self, _etag: String) {}

    async fn look(_tx: &mut Tx<'_>, _call: &Call, _name: &str) -> Answer<Option<(i64, Self::Shown)>> {
        Ok(None)
    }

    async fn give(&self, _tx: &mut Tx<'_>, _call: &Call) -> Answer<()> {
        Ok(())
    }
}

/// A new program. Its first secret dies with the call that made it.
impl Command for v1::CreateApiClientRequest {
    type Shown = v1::ApiClient;

    const METHOD: Method = Method::ApiClientServiceCreateApiClient;

    fn settle(&mut self, call: &Call) -> Answer<String> {
        self.request_id.clear();
        api_clients::choose_name(call, self)
    }

    fn bind(&mut self, _etag: String) {}

    async fn look(tx: &mut Tx<'_>, call: &Call, name: &str) -> Answer<Option<(i64, Self::Shown)>> {
        api_clients::as_it_stands(tx, call, name).await
    }

    async fn give(&self, tx: &mut Tx<'_>, call: &Call) -> Answer<()> {
        api_clients::create_in(tx, call, self).await.map(|_| ())
    }
}

/// Leads from the contract's choice of commands to each of them.
macro_rules! choice {
    ($($command:ident),* $(,)?) => {
        /// The method of a command.
        pub(super) fn method_of(request: &Request) -> Method {
            match request {
                $(Request::$command(command) => method(command)),*
            }
        }

        /// Prepares a command for being kept; answers the name of what it is about.
        pub(super) fn settle(request: &mut Request, call: &Call) -> Answer<String> {
            match request {
                $(Request::$command(command) => command.settle(call)),*
            }
        }

        /// Binds a command to a version of what it is about.
        pub(super) fn bind(request: &mut Request, version: i64) {
            match request {
                $(Request::$command(command) => command.bind(convert::etag(version))),*
            }
        }

        /// Gives a command and answers what it did; the transaction will be taken back.
        pub(super) async fn tried(tx: &mut Tx<'_>, call: &Call, request: &Request, name: &str) -> Answer<Effect> {
            match request {
                $(Request::$command(command) => Box::pin(effect(tx, call, command, name)).await),*
            }
        }

        /// Gives a command.
        pub(super) async fn give(tx: &mut Tx<'_>, call: &Call, request: &Request) -> Answer<()> {
            match request {
                $(Request::$command(command) => Box::pin(command.give(tx, call)).await),*
            }
        }

        /// What a viewer sees of what a command is about.
        pub(super) fn redacted(request: &Request, viewer: &Viewer, shown: &Value) -> Answer<Value> {
            match request {
                $(Request::$command(command) => seen(command, viewer, shown)),*
            }
        }
    };
}

choice! {
    CreatePart, UpdatePart, CreateStation, UpdateStation, CreateSupplier, UpdateSupplier, CreateLaborOperation,
    UpdateLaborOperation, CreateRescueTariff, UpdateRescueTariff, DeleteRescueTariff, CreateExchangeRate,
    UpdateExchangeRate, DeleteExchangeRate, CreateShareAgreement, UpdateShareAgreement, DeleteShareAgreement,
    PublishWarrantyPolicy, DeleteWarrantyPolicy, PublishAdjudicationRuleSet, RetireAdjudicationRuleSet,
    CreateEvidenceRule, UpdateEvidenceRule, DeleteEvidenceRule, CreateSetting, UpdateSetting, DeleteSetting,
    CreateGoodwillBudget, UpdateGoodwillBudget, DeleteGoodwillBudget, UpdateUser, CreateApiClient, EnableUser,
    CreatePartSupply, UpdatePartSupply, DeletePartSupply, ActivateCampaign, UpdateCampaign, CloseCampaign, ImportParts,
}

fn method<C: Command>(_command: &C) -> Method {
    C::METHOD
}

async fn effect<C: Command>(tx: &mut Tx<'_>, call: &Call, command: &C, name: &str) -> Answer<Effect> {
    let before = C::look(tx, call, name).await?;
    command.give(tx, call).await?;
    let after = C::look(tx, call, name).await?;
    Ok(Effect {
        version: before.as_ref().map(|(version, _)| *version),
        before: before.map(|(_, shown)| document(&shown)).transpose()?,
        after: after.map(|(_, shown)| document(&shown)).transpose()?,
    })
}

fn seen<C: Command>(_command: &C, viewer: &Viewer, shown: &Value) -> Answer<Value> {
    let mut shown: C::Shown = serde_json::from_value(shown.clone())
        .map_err(|error| Refusal::fault(format!("what a proposal is about can't be read: {error}")))?;
    shown.redact(viewer);
    document(&shown)
}

/// A command as it is kept.
pub(super) fn kept(request: &Request) -> Answer<Value> {
    document(&v1::GuardedCommand { request: Some(request.clone()) })
}

/// A command that was kept.
pub(super) fn read(kept: &Value) -> Answer<Request> {
    let command: v1::GuardedCommand = serde_json::from_value(kept.clone())
        .map_err(|error| Refusal::fault(format!("a proposed command can't be read: {error}")))?;
    command.request.ok_or_else(|| Refusal::fault("a proposed command is empty"))
}

/// The path of a command in a proposal: `commands[2].update_part`.
pub(super) fn path(index: usize, request: &Request) -> String {
    let mut field = String::new();
    for letter in method_of(request).spec().name.chars() {
        if letter.is_ascii_uppercase() && !field.is_empty() {
            field.push('_');
        }
        field.push(letter.to_ascii_lowercase());
    }
    format!("commands[{index}].{field}")
}

/// A refusal of a command, seen from what holds it.
pub(super) fn under(mut refusal: Refusal, path: &str) -> Refusal {
    let found = std::mem::take(&mut refusal.violations);
    refusal.violations = found.into_iter().map(|violation: Violation| violation.under(path)).collect();
    refusal
}
