//! Whether the warranty covers a part or an operation. The answer is the same that a claim is checked by.

use recourse_domain::catalog::{LaborOperation, Part, WarrantyPolicy};
use recourse_domain::coverage::{CoverageQuestion, Subject, check_coverage};
use recourse_domain::text::Violation;
use recourse_proto::v1;

use crate::campaigns::open_recalls;
use crate::catalog::{self, VehicleResource, unknown};
use crate::context::Call;
use crate::convert::{Reader, coverage as convert_coverage, query_date};
use crate::error::{Answer, Refusal};

/// Asks the warranty. Vehicle, subject and policies are read at one moment.
pub(super) async fn check(call: &Call, request: v1::CheckCoverageRequest) -> Answer<v1::CheckCoverageResponse> {
    let v1::CheckCoverageRequest { name, part, labor_operation, on_date, odometer_km, campaign } = request;
    let mut reader = Reader::default();
    let part = reader.named("part", "parts", &part);
    let operation = reader.named("labor_operation", "laborOperations", &labor_operation);
    let campaign = reader.named("campaign", "campaigns", &campaign);
    reader.finish(()).map_err(Refusal::invalid)?;
    if part.is_none() && operation.is_none() && campaign.is_none() {
        return Err(Refusal::field(
            "part",
            "REQUIRED",
            "name the part, the labor_operation or the campaign that is asked about",
            "请填写要查询的零件（part）、工序（labor_operation）或活动（campaign）",
        ));
    }
    let date = query_date("on_date", &on_date)?;
    let vin = catalog::code_in::<VehicleResource>(&name)?;
    // The names of parts, operations and policies are no secret from anybody who may ask.
    let everything = &call.everything()?;
    let (vin, part, operation, campaign) = (vin.as_str(), part.as_ref(), operation.as_ref(), campaign.as_ref());
    call.inner
        .store
        .read(|tx| {
            Box::pin(async move {
                let vehicle = catalog::present::<VehicleResource>(tx, call, vin, "").await?.value;
                let mut category = None;
                let mut refused: Vec<Violation> = Vec::new();
                if let Some(code) = operation {
                    match tx.record::<LaborOperation>(everything, code.as_str()).await? {
                        Some(found) => category = found.value.part_category,
                        None => refused.push(unknown("labor_operation", "laborOperations", code.as_str())),
                    }
                }
                if let Some(code) = part {
                    match tx.record::<Part>(everything, code.as_str()).await? {
                        Some(found) => category = Some(found.value.category),
                        None => refused.push(unknown("part", "parts", code.as_str())),
                    }
                }
                Refusal::check(refused)?;
                // Retired versions too: vehicles were sold under them.
                let policies = tx.all_records::<WarrantyPolicy>(everything, "state", "PUBLISHED").await?;
                let policies: Vec<WarrantyPolicy> = policies.into_iter().map(|stored| stored.value).collect();
                let campaigns = tx.campaigns_of_vehicle(vin, Some(&vehicle.model), campaign, true).await?;
                let question = CoverageQuestion {
                    vehicle: &vehicle,
                    subject: Subject { part, labor_operation: operation, part_category: category.as_ref() },
                    date,
                    odometer_km,
                    policies: &policies,
                };
                let mut answer = check_coverage(&question);
                if let Some(named) = campaign {
                    let fact = campaigns.iter().find(|fact| &fact.campaign.code == named);
                    answer = answer.under_campaign(named, fact, &question);
                }
                let mut message = convert_coverage::show(&answer, call.lang);
                message.open_recalls = open_recalls(&campaigns, &vehicle, call.today());
                Ok::<_, Refusal>(message)
            })
        })
        .await
}
