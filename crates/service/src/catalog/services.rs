//! The services of master data: each method is its generic function, called with the resource's types.

use recourse_proto::{Method, v1};
use tonic::{Request, Response, Status, Streaming};

use super::resources::{
    AppraiserResource, CampaignResource, EvidenceRuleResource, ExchangeRateResource, FailureCodeResource,
    LaborOperationResource, PartResource, PartSupplyResource, RescueTariffResource, ReviewQueueResource,
    SettingResource, ShareAgreementResource, StationResource, SupplierResource, WarrantyPolicyResource,
};
use super::{Reports, create, get, import, list, retire, update};
use crate::api::Api;
use crate::campaigns;
use crate::context::Call;
use crate::lists::ListInput;

/// Meets the trait of a service with the five methods that all master data has; what a service has beyond
/// them stands in a block behind.
macro_rules! master_data {
    (
        $service:path, $resource:ident: $message:ident, $field:ident, $id:ident;
        $create:ident $create_request:ident $create_method:ident,
        $get:ident $get_request:ident $get_method:ident,
        $list:ident $list_request:ident $list_response:ident $items:ident $list_method:ident,
        $update:ident $update_request:ident $update_method:ident,
        $delete:ident $delete_request:ident $delete_method:ident
        $(; $($more:tt)*)?
    ) => {
        #[tonic::async_trait]
        impl $service for Api {
            async fn $create(
                &self,
                request: Request<v1::$create_request>,
            ) -> Result<Response<v1::$message>, Status> {
                let (call, request) =
                    Call::command(&self.inner, Method::$create_method, request, |r| &mut r.request_id)?;
                call.answer(create::<$resource>(&call, request.$field, &request.$id, request.validate_only).await)
            }

            async fn $get(&self, request: Request<v1::$get_request>) -> Result<Response<v1::$message>, Status> {
                let (call, request) = Call::read(&self.inner, Method::$get_method, request)?;
                call.answer(get::<$resource>(&call, &request.name).await)
            }

            async fn $list(
                &self,
                request: Request<v1::$list_request>,
            ) -> Result<Response<v1::$list_response>, Status> {
                let (call, request) = Call::read(&self.inner, Method::$list_method, request)?;
                let v1::$list_request { page_size, page_token, filter, order_by, show_deleted } = request;
                let within = String::new();
                let input = ListInput { page_size, page_token, filter, order_by, show_deleted, within };
                let listed = list::<$resource>(&call, input).await;
                call.answer(listed.map(|page| v1::$list_response {
                    $items: page.items,
                    next_page_token: page.next_page_token,
                }))
            }

            async fn $update(
                &self,
                request: Request<v1::$update_request>,
            ) -> Result<Response<v1::$message>, Status> {
                let (call, request) =
                    Call::command(&self.inner, Method::$update_method, request, |r| &mut r.request_id)?;
                let v1::$update_request { $field: given, update_mask, request_id: _, validate_only } = request;
                call.answer(update::<$resource>(&call, given, update_mask, validate_only).await)
            }

            async fn $delete(
                &self,
                request: Request<v1::$delete_request>,
            ) -> Result<Response<v1::$message>, Status> {
                let (call, request) =
                    Call::command(&self.inner, Method::$delete_method, request, |r| &mut r.request_id)?;
                call.answer(retire::<$resource>(&call, &request.name, &request.etag).await)
            }

            $($($more)*)?
        }
    };
}

master_data! {
    v1::station_service_server::StationService, StationResource: Station, station, station_id;
    create_station CreateStationRequest StationServiceCreateStation,
    get_station GetStationRequest StationServiceGetStation,
    list_stations ListStationsRequest ListStationsResponse stations StationServiceListStations,
    update_station UpdateStationRequest StationServiceUpdateStation,
    delete_station DeleteStationRequest StationServiceDeleteStation
}

master_data! {
    v1::supplier_service_server::SupplierService, SupplierResource: Supplier, supplier, supplier_id;
    create_supplier CreateSupplierRequest SupplierServiceCreateSupplier,
    get_supplier GetSupplierRequest SupplierServiceGetSupplier,
    list_suppliers ListSuppliersRequest ListSuppliersResponse suppliers SupplierServiceListSuppliers,
    update_supplier UpdateSupplierRequest SupplierServiceUpdateSupplier,
    delete_supplier DeleteSupplierRequest SupplierServiceDeleteSupplier
}

master_data! {
    v1::appraiser_service_server::AppraiserService, AppraiserResource: Appraiser, appraiser, appraiser_id;
    create_appraiser CreateAppraiserRequest AppraiserServiceCreateAppraiser,
    get_appraiser GetAppraiserRequest AppraiserServiceGetAppraiser,
    list_appraisers ListAppraisersRequest ListAppraisersResponse appraisers AppraiserServiceListAppraisers,
    update_appraiser UpdateAppraiserRequest AppraiserServiceUpdateAppraiser,
    delete_appraiser DeleteAppraiserRequest AppraiserServiceDeleteAppraiser
}

master_data! {
    v1::part_service_server::PartService, PartResource: Part, part, part_id;
    create_part CreatePartRequest PartServiceCreatePart,
    get_part GetPartRequest PartServiceGetPart,
    list_parts ListPartsRequest ListPartsResponse parts PartServiceListParts,
    update_part UpdatePartRequest PartServiceUpdatePart,
    delete_part DeletePartRequest PartServiceDeletePart;

    type ImportPartsStream = Reports;

    async fn import_parts(
        &self,
        request: Request<Streaming<v1::ImportPartsRequest>>,
    ) -> Result<Response<Self::ImportPartsStream>, Status> {
        import(&self.inner, Method::PartServiceImportParts, request).await
    }
}

master_data! {
    v1::labor_operation_service_server::LaborOperationService, LaborOperationResource: LaborOperation,
    labor_operation, labor_operation_id;
    create_labor_operation CreateLaborOperationRequest LaborOperationServiceCreateLaborOperation,
    get_labor_operation GetLaborOperationRequest LaborOperationServiceGetLaborOperation,
    list_labor_operations ListLaborOperationsRequest ListLaborOperationsResponse labor_operations
        LaborOperationServiceListLaborOperations,
    update_labor_operation UpdateLaborOperationRequest LaborOperationServiceUpdateLaborOperation,
    delete_labor_operation DeleteLaborOperationRequest LaborOperationServiceDeleteLaborOperation
}

master_data! {
    v1::failure_code_service_server::FailureCodeService, FailureCodeResource: FailureCode,
    failure_code, failure_code_id;
    create_failure_code CreateFailureCodeRequest FailureCodeServiceCreateFailureCode,
    get_failure_code GetFailureCodeRequest FailureCodeServiceGetFailureCode,
    list_failure_codes ListFailureCodesRequest ListFailureCodesResponse failure_codes
        FailureCodeServiceListFailureCodes,
    update_failure_code UpdateFailureCodeRequest FailureCodeServiceUpdateFailureCode,
    delete_failure_code DeleteFailureCodeRequest FailureCodeServiceDeleteFailureCode
}

master_data! {
    v1::evidence_rule_service_server::EvidenceRuleService, EvidenceRuleResource: EvidenceRule,
    evidence_rule, evidence_rule_id;
    create_evidence_rule CreateEvidenceRuleRequest EvidenceRuleServiceCreateEvidenceRule,
    get_evidence_rule GetEvidenceRuleRequest EvidenceRuleServiceGetEvidenceRule,
    list_evidence_rules ListEvidenceRulesRequest ListEvidenceRulesResponse evidence_rules
        EvidenceRuleServiceListEvidenceRules,
    update_evidence_rule UpdateEvidenceRuleRequest EvidenceRuleServiceUpdateEvidenceRule,
    delete_evidence_rule DeleteEvidenceRuleRequest EvidenceRuleServiceDeleteEvidenceRule
}

master_data! {
    v1::warranty_policy_service_server::WarrantyPolicyService, WarrantyPolicyResource: WarrantyPolicy,
    warranty_policy, warranty_policy_id;
    create_warranty_policy CreateWarrantyPolicyRequest WarrantyPolicyServiceCreateWarrantyPolicy,
    get_warranty_policy GetWarrantyPolicyRequest WarrantyPolicyServiceGetWarrantyPolicy,
    list_warranty_policies ListWarrantyPoliciesRequest ListWarrantyPoliciesResponse warranty_policies
        WarrantyPolicyServiceListWarrantyPolicies,
    update_warranty_policy UpdateWarrantyPolicyRequest WarrantyPolicyServiceUpdateWarrantyPolicy,
    delete_warranty_policy DeleteWarrantyPolicyRequest WarrantyPolicyServiceDeleteWarrantyPolicy;

    async fn publish_warranty_policy(
        &self,
        request: Request<v1::PublishWarrantyPolicyRequest>,
    ) -> Result<Response<v1::WarrantyPolicy>, Status> {
        let method = Method::WarrantyPolicyServicePublishWarrantyPolicy;
        let (call, request) = Call::command(&self.inner, method, request, |r| &mut r.request_id)?;
        call.answer(super::publish::publish(&call, request).await)
    }
}

master_data! {
    v1::campaign_service_server::CampaignService, CampaignResource: Campaign, campaign, campaign_id;
    create_campaign CreateCampaignRequest CampaignServiceCreateCampaign,
    get_campaign GetCampaignRequest CampaignServiceGetCampaign,
    list_campaigns ListCampaignsRequest ListCampaignsResponse campaigns CampaignServiceListCampaigns,
    update_campaign UpdateCampaignRequest CampaignServiceUpdateCampaign,
    delete_campaign DeleteCampaignRequest CampaignServiceDeleteCampaign;

    async fn activate_campaign(
        &self,
        request: Request<v1::ActivateCampaignRequest>,
    ) -> Result<Response<v1::Campaign>, Status> {
        let method = Method::CampaignServiceActivateCampaign;
        let (call, request) = Call::command(&self.inner, method, request, |r| &mut r.request_id)?;
        call.answer(campaigns::step(&call, &request.name, &request.etag, campaigns::Step::Activate).await)
    }

    async fn close_campaign(
        &self,
        request: Request<v1::CloseCampaignRequest>,
    ) -> Result<Response<v1::Campaign>, Status> {
        let (call, request) =
            Call::command(&self.inner, Method::CampaignServiceCloseCampaign, request, |r| &mut r.request_id)?;
        call.answer(campaigns::step(&call, &request.name, &request.etag, campaigns::Step::Close).await)
    }

    async fn get_campaign_completion(
        &self,
        request: Request<v1::GetCampaignCompletionRequest>,
    ) -> Result<Response<v1::CampaignCompletion>, Status> {
        let (call, request) = Call::read(&self.inner, Method::CampaignServiceGetCampaignCompletion, request)?;
        call.answer(campaigns::completion(&call, request).await)
    }

    async fn get_campaign_vehicle(
        &self,
        request: Request<v1::GetCampaignVehicleRequest>,
    ) -> Result<Response<v1::CampaignVehicle>, Status> {
        let (call, request) = Call::read(&self.inner, Method::CampaignServiceGetCampaignVehicle, request)?;
        call.answer(campaigns::vehicle(&call, &request.name).await)
    }

    async fn list_campaign_vehicles(
        &self,
        request: Request<v1::ListCampaignVehiclesRequest>,
    ) -> Result<Response<v1::ListCampaignVehiclesResponse>, Status> {
        let (call, request) = Call::read(&self.inner, Method::CampaignServiceListCampaignVehicles, request)?;
        call.answer(campaigns::vehicles(&call, request).await)
    }

    type ImportCampaignVehiclesStream = Reports;

    async fn import_campaign_vehicles(
        &self,
        request: Request<Streaming<v1::ImportCampaignVehiclesRequest>>,
    ) -> Result<Response<Self::ImportCampaignVehiclesStream>, Status> {
        import(&self.inner, Method::CampaignServiceImportCampaignVehicles, request).await
    }

    async fn exempt_campaign_vehicle(
        &self,
        request: Request<v1::ExemptCampaignVehicleRequest>,
    ) -> Result<Response<v1::CampaignVehicle>, Status> {
        let method = Method::CampaignServiceExemptCampaignVehicle;
        let (call, request) = Call::command(&self.inner, method, request, |r| &mut r.request_id)?;
        call.answer(campaigns::exempt(&call, request).await)
    }

    async fn reinstate_campaign_vehicle(
        &self,
        request: Request<v1::ReinstateCampaignVehicleRequest>,
    ) -> Result<Response<v1::CampaignVehicle>, Status> {
        let method = Method::CampaignServiceReinstateCampaignVehicle;
        let (call, request) = Call::command(&self.inner, method, request, |r| &mut r.request_id)?;
        call.answer(campaigns::reinstate(&call, request).await)
    }

    async fn list_vehicle_campaigns(
        &self,
        request: Request<v1::ListVehicleCampaignsRequest>,
    ) -> Result<Response<v1::ListVehicleCampaignsResponse>, Status> {
        let (call, request) = Call::read(&self.inner, Method::CampaignServiceListVehicleCampaigns, request)?;
        call.answer(campaigns::of_vehicle(&call, &request.parent).await)
    }
}

master_data! {
    v1::part_supply_service_server::PartSupplyService, PartSupplyResource: PartSupply, part_supply, part_supply_id;
    create_part_supply CreatePartSupplyRequest PartSupplyServiceCreatePartSupply,
    get_part_supply GetPartSupplyRequest PartSupplyServiceGetPartSupply,
    list_part_supplies ListPartSuppliesRequest ListPartSuppliesResponse part_supplies
        PartSupplyServiceListPartSupplies,
    update_part_supply UpdatePartSupplyRequest PartSupplyServiceUpdatePartSupply,
    delete_part_supply DeletePartSupplyRequest PartSupplyServiceDeletePartSupply
}

master_data! {
    v1::share_agreement_service_server::ShareAgreementService, ShareAgreementResource: ShareAgreement,
    share_agreement, share_agreement_id;
    create_share_agreement CreateShareAgreementRequest ShareAgreementServiceCreateShareAgreement,
    get_share_agreement GetShareAgreementRequest ShareAgreementServiceGetShareAgreement,
    list_share_agreements ListShareAgreementsRequest ListShareAgreementsResponse share_agreements
        ShareAgreementServiceListShareAgreements,
    update_share_agreement UpdateShareAgreementRequest ShareAgreementServiceUpdateShareAgreement,
    delete_share_agreement DeleteShareAgreementRequest ShareAgreementServiceDeleteShareAgreement
}

master_data! {
    v1::setting_service_server::SettingService, SettingResource: Setting, setting, setting_id;
    create_setting CreateSettingRequest SettingServiceCreateSetting,
    get_setting GetSettingRequest SettingServiceGetSetting,
    list_settings ListSettingsRequest ListSettingsResponse settings SettingServiceListSettings,
    update_setting UpdateSettingRequest SettingServiceUpdateSetting,
    delete_setting DeleteSettingRequest SettingServiceDeleteSetting
}

master_data! {
    v1::rescue_tariff_service_server::RescueTariffService, RescueTariffResource: RescueTariff,
    rescue_tariff, rescue_tariff_id;
    create_rescue_tariff CreateRescueTariffRequest RescueTariffServiceCreateRescueTariff,
    get_rescue_tariff GetRescueTariffRequest RescueTariffServiceGetRescueTariff,
    list_rescue_tariffs ListRescueTariffsRequest ListRescueTariffsResponse rescue_tariffs
        RescueTariffServiceListRescueTariffs,
    update_rescue_tariff UpdateRescueTariffRequest RescueTariffServiceUpdateRescueTariff,
    delete_rescue_tariff DeleteRescueTariffRequest RescueTariffServiceDeleteRescueTariff
}

master_data! {
    v1::review_queue_service_server::ReviewQueueService, ReviewQueueResource: ReviewQueue,
    review_queue, review_queue_id;
    create_review_queue CreateReviewQueueRequest ReviewQueueServiceCreateReviewQueue,
    get_review_queue GetReviewQueueRequest ReviewQueueServiceGetReviewQueue,
    list_review_queues ListReviewQueuesRequest ListReviewQueuesResponse review_queues
        ReviewQueueServiceListReviewQueues,
    update_review_queue UpdateReviewQueueRequest ReviewQueueServiceUpdateReviewQueue,
    delete_review_queue DeleteReviewQueueRequest ReviewQueueServiceDeleteReviewQueue
}

master_data! {
    v1::exchange_rate_service_server::ExchangeRateService, ExchangeRateResource: ExchangeRate,
    exchange_rate, exchange_rate_id;
    create_exchange_rate CreateExchangeRateRequest ExchangeRateServiceCreateExchangeRate,
    get_exchange_rate GetExchangeRateRequest ExchangeRateServiceGetExchangeRate,
    list_exchange_rates ListExchangeRatesRequest ListExchangeRatesResponse exchange_rates
        ExchangeRateServiceListExchangeRates,
    update_exchange_rate UpdateExchangeRateRequest ExchangeRateServiceUpdateExchangeRate,
    delete_exchange_rate DeleteExchangeRateRequest ExchangeRateServiceDeleteExchangeRate
}
