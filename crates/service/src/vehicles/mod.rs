//! Vehicles: master data by VIN, and what happens to each: sale, owner, use, readings, components, claims.

mod coverage;
mod history;
mod readings;
#[cfg(test)]
mod tests;
mod verbs;

use recourse_proto::v1::vehicle_service_server::VehicleService;
use recourse_proto::{Method, v1};
use tonic::{Request, Response, Status, Streaming};

use crate::api::Api;
use crate::campaigns;
use crate::catalog::{self, VehicleResource};
use crate::context::Call;
use crate::convert::vehicles as convert_vehicles;
use crate::lists::ListInput;

#[tonic::async_trait]
impl VehicleService for Api {
    async fn create_vehicle(
        &self,
        request: Request<v1::CreateVehicleRequest>,
    ) -> Result<Response<v1::Vehicle>, Status> {
        let (call, request) =
            Call::command(&self.inner, Method::VehicleServiceCreateVehicle, request, |r| &mut r.request_id)?;
        let v1::CreateVehicleRequest { vehicle, vehicle_id, request_id: _, validate_only } = request;
        call.answer(catalog::create::<VehicleResource>(&call, vehicle, &vehicle_id, validate_only).await)
    }

    async fn get_vehicle(&self, request: Request<v1::GetVehicleRequest>) -> Result<Response<v1::Vehicle>, Status> {
        let (call, request) = Call::read(&self.inner, Method::VehicleServiceGetVehicle, request)?;
        call.answer(campaigns::with_open_recalls(&call, &request.name).await)
    }

    async fn list_vehicles(
        &self,
        request: Request<v1::ListVehiclesRequest>,
    ) -> Result<Response<v1::ListVehiclesResponse>, Status> {
        let (call, request) = Call::read(&self.inner, Method::VehicleServiceListVehicles, request)?;
        let v1::ListVehiclesRequest { page_size, page_token, filter, order_by, show_deleted } = request;
        let input = ListInput { page_size, page_token, filter, order_by, show_deleted, within: String::new() };
        let listed = catalog::list::<VehicleResource>(&call, input).await;
        call.answer(
            listed.map(|page| v1::ListVehiclesResponse { vehicles: page.items, next_page_token: page.next_page_token }),
        )
    }

    async fn update_vehicle(
        &self,
        request: Request<v1::UpdateVehicleRequest>,
    ) -> Result<Response<v1::Vehicle>, Status> {
        let (call, request) =
            Call::command(&self.inner, Method::VehicleServiceUpdateVehicle, request, |r| &mut r.request_id)?;
        let v1::UpdateVehicleRequest { vehicle, update_mask, request_id: _, validate_only } = request;
        call.answer(catalog::update::<VehicleResource>(&call, vehicle, update_mask, validate_only).await)
    }

    async fn decode_vin(
        &self,
        request: Request<v1::DecodeVinRequest>,
    ) -> Result<Response<v1::DecodeVinResponse>, Status> {
        let (call, request) = Call::read(&self.inner, Method::VehicleServiceDecodeVin, request)?;
        call.answer(Ok(convert_vehicles::decode(&request.vin, call.lang)))
    }

    async fn check_coverage(
        &self,
        request: Request<v1::CheckCoverageRequest>,
    ) -> Result<Response<v1::CheckCoverageResponse>, Status> {
        let (call, request) = Call::read(&self.inner, Method::VehicleServiceCheckCoverage, request)?;
        call.answer(coverage::check(&call, request).await)
    }

    async fn list_vehicle_history(
        &self,
        request: Request<v1::ListVehicleHistoryRequest>,
    ) -> Result<Response<v1::ListVehicleHistoryResponse>, Status> {
        let (call, request) = Call::read(&self.inner, Method::VehicleServiceListVehicleHistory, request)?;
        call.answer(history::list(&call, request).await)
    }

    async fn create_odometer_reading(
        &self,
        request: Request<v1::CreateOdometerReadingRequest>,
    ) -> Result<Response<v1::OdometerReading>, Status> {
        let (call, request) =
            Call::command(&self.inner, Method::VehicleServiceCreateOdometerReading, request, |r| &mut r.request_id)?;
        call.answer(readings::create(&call, request).await)
    }

    async fn list_odometer_readings(
        &self,
        request: Request<v1::ListOdometerReadingsRequest>,
    ) -> Result<Response<v1::ListOdometerReadingsResponse>, Status> {
        let (call, request) = Call::read(&self.inner, Method::VehicleServiceListOdometerReadings, request)?;
        call.answer(readings::list(&call, request).await)
    }

    async fn record_sale(&self, request: Request<v1::RecordSaleRequest>) -> Result<Response<v1::Vehicle>, Status> {
        let (call, request) =
            Call::command(&self.inner, Method::VehicleServiceRecordSale, request, |r| &mut r.request_id)?;
        call.answer(verbs::record_sale(&call, request).await)
    }

    async fn transfer_owner(
        &self,
        request: Request<v1::TransferOwnerRequest>,
    ) -> Result<Response<v1::Vehicle>, Status> {
        let (call, request) =
            Call::command(&self.inner, Method::VehicleServiceTransferOwner, request, |r| &mut r.request_id)?;
        call.answer(verbs::transfer_owner(&call, request).await)
    }

    async fn change_use(&self, request: Request<v1::ChangeUseRequest>) -> Result<Response<v1::Vehicle>, Status> {
        let (call, request) =
            Call::command(&self.inner, Method::VehicleServiceChangeUse, request, |r| &mut r.request_id)?;
        call.answer(verbs::change_use(&call, request).await)
    }

    async fn mark_returned(&self, request: Request<v1::MarkReturnedRequest>) -> Result<Response<v1::Vehicle>, Status> {
        let (call, request) =
            Call::command(&self.inner, Method::VehicleServiceMarkReturned, request, |r| &mut r.request_id)?;
        call.answer(verbs::mark_returned(&call, request).await)
    }

    type ImportVehiclesStream = catalog::Reports;

    async fn import_vehicles(
        &self,
        request: Request<Streaming<v1::ImportVehiclesRequest>>,
    ) -> Result<Response<Self::ImportVehiclesStream>, Status> {
        catalog::import(&self.inner, Method::VehicleServiceImportVehicles, request).await
    }

    async fn record_component(
        &self,
        request: Request<v1::RecordComponentRequest>,
    ) -> Result<Response<v1::Vehicle>, Status> {
        let (call, request) =
            Call::command(&self.inner, Method::VehicleServiceRecordComponent, request, |r| &mut r.request_id)?;
        call.answer(verbs::record_component(&call, request).await)
    }
}
