//! Whether the warranty covers a part or an operation. The answer is the same that a claim is checked by.

use recourse_domain::catalog::{LaborOperation, Part, WarrantyPolicy};
use recourse_domain::coverage::{CoverageQuestion, Subject, check_coverage};
use recourse_domain::text::Violation;
use recourse_proto::v1;

use crate::catalog::{self, VehicleResource, unknown};
use crate::context::Call;
use crate::convert::{Reader, coverage as convert_coverage, query_date};
use crate::error::{Answer, Refusal};

/// Asks the warranty. Vehicle, subject and policies are read at one moment.
pub(super) async fn check(call: &Call, request: v1::CheckCoverageRequest) -> Answer<v1::CheckCoverageResponse> {
    let v1::CheckCoverageRequest { name, part, labor_operation, on_date, odometer_km } = request;
    let mut reader = Reader::default();
    let part = reader.named("part", "parts", &part);
    let operation = reader.named("labor_operation", "laborOperations", &labor_operation);
    reader.finish(()).map_err(Refusal::invalid)?;
    if part.is_none() && operation.is_none() {
        return Err(Refusal::field(
            "part",
            "REQUIRED",
            "name the part or the labor_operation that is asked about",
            "请填写要查询的零件（part）或工序（labor_operation）",
        ));
    }
    let date = query_date("on_date", &on_date)?;
    let vin = catalog::code_in::<VehicleResource>(&name)?;
    // The names of parts, operations and policies are no secret from anybody who may ask.
    let everything = &call.everything()?;
    let (vin, part, operation) = (vin.as_str(), part.as_ref(), operation.as_ref());
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
                let answer = check_coverage(&CoverageQuestion {
                    vehicle: &vehicle,
                    subject: Subject { part, labor_operation: operation, part_category: category.as_ref() },
                    date,
                    odometer_km,
                    policies: &policies,
                });
                Ok::<_, Refusal>(convert_coverage::show(&answer, call.lang))
            })
        })
        .await
}
