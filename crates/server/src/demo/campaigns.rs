//! A recall of the pumps that seize, of one month's builds. It began in the demo's last days, so nobody has
//! claimed under it yet, and the tour's vehicle was built a month later.

use recourse_proto::v1::campaign_service_server::CampaignService;
use recourse_proto::{Method, v1};
use recourse_service::admission::Identity;

use super::wire::{Desk, answered, date, day, hours, pieces};
use super::{TOUR_OPERATION, TOUR_PART};
use crate::StartError;

/// Its code.
const CODE: &str = "R-2026-01";

/// Creates the recall and activates it.
pub(super) async fn create(desk: &Desk, loader: &Identity) -> Result<(), StartError> {
    let remedy = v1::CampaignRemedy {
        remedy_id: "A".to_owned(),
        description: "replace the fuel pump 更换燃油泵".to_owned(),
        operations: vec![v1::CampaignOperation {
            operation: format!("laborOperations/{TOUR_OPERATION}"),
            hours: hours(180),
        }],
        parts: vec![v1::CampaignPart { part: format!("parts/{TOUR_PART}"), quantity: pieces(1) }],
        ..Default::default()
    };
    let campaign = v1::Campaign {
        display_name: "燃油泵召回".to_owned(),
        display_name_en: "Fuel pump recall".to_owned(),
        r#type: v1::campaign::Type::Recall.into(),
        authority_number: "S2026M0117I".to_owned(),
        safety: true,
        description: "The fuel pump can seize when hot, and the engine stalls. 燃油泵高温卡滞，可能导致发动机熄火。"
            .to_owned(),
        valid_from: date(day(2026, 11, 16)),
        remedies: vec![remedy],
        scope: Some(v1::CampaignScope {
            models: ["A5", "X7", "H6"].map(str::to_owned).to_vec(),
            lots: vec!["NJ2507".to_owned()],
            ..Default::default()
        }),
        ..Default::default()
    };
    let message =
        v1::CreateCampaignRequest { campaign: Some(campaign), campaign_id: CODE.to_owned(), ..Default::default() };
    let request = desk.ask(loader, Method::CampaignServiceCreateCampaign, message)?;
    let created = answered(CODE, desk.api.create_campaign(request).await)?;
    let message = v1::ActivateCampaignRequest { name: created.name, etag: created.etag, ..Default::default() };
    let request = desk.ask(loader, Method::CampaignServiceActivateCampaign, message)?;
    answered(CODE, desk.api.activate_campaign(request).await).map(|_| ())
}
