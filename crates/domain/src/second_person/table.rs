//! The table of what needs a second person.

use super::{Guarded, Kind, WayOut, When};

const fn guarded(operation: &'static str, when: &'static [(When, Kind)]) -> Guarded {
    Guarded { operation, when, way_out: WayOut::Propose }
}

const PART_PRICES: When = When::Changes(&["retail_prices", "claim_prices", "dealer_net_prices", "recovery_prices"]);
const HOURS: When = When::Changes(&["default_hours", "model_hours", "actual_hours_allowed", "actual_hours_cap"]);
/// What an existing part is to policies and contracts: whether a claim is covered, and how long.
const PART_CLASS: (When, Kind) = (When::ChangesExisting(&["category", "assembly_class", "system"]), Kind::Policies);
/// Who pays for a part where nothing else says so.
const PART_PAYER: (When, Kind) = (When::ChangesExisting(&["default_supplier"]), Kind::Prices);
const BANK: (When, Kind) = (When::Changes(&["bank_account"]), Kind::BankAccounts);
const PRICES: &[(When, Kind)] = &[(When::Always, Kind::Prices)];
const POLICIES: &[(When, Kind)] = &[(When::Always, Kind::Policies)];
/// Fields that name a thing and decide nothing.
const NAMES: When = When::ChangesMoreThan(&["display_name", "display_code", "external_ref"]);
const RATE: When = When::ChangesMoreThan(&["external_ref", "source"]);

/// Every command that needs a second person. A station must have a grade and a way of being paid from the start, so
/// these are guarded when they change, not when it is made; what it is paid beside them is guarded at once.
pub const GUARDED: &[Guarded] = &[
    guarded("PartService.CreatePart", &[(PART_PRICES, Kind::Prices)]),
    guarded("PartService.UpdatePart", &[(PART_PRICES, Kind::Prices), PART_CLASS, PART_PAYER]),
    Guarded {
        operation: "PartService.ImportParts",
        when: &[(PART_PRICES, Kind::Prices), PART_CLASS, PART_PAYER],
        way_out: WayOut::ProposeRows,
    },
    guarded(
        "StationService.CreateStation",
        &[(When::Changes(&["labor_rates", "grades", "markups", "self_approval_limit"]), Kind::Prices), BANK],
    ),
    guarded(
        "StationService.UpdateStation",
        &[
            (
                When::Changes(&[
                    "labor_rates",
                    "markups",
                    "self_approval_limit",
                    "grade",
                    "grades",
                    "currency",
                    "payment_contract",
                    "tax_scheme",
                ]),
                Kind::Prices,
            ),
            BANK,
        ],
    ),
    guarded("SupplierService.CreateSupplier", &[(When::Changes(&["recovery_contracts"]), Kind::Prices), BANK]),
    guarded(
        "SupplierService.UpdateSupplier",
        &[(When::Changes(&["recovery_contracts", "currency"]), Kind::Prices), BANK],
    ),
    guarded("LaborOperationService.CreateLaborOperation", &[(HOURS, Kind::Prices)]),
    guarded("LaborOperationService.UpdateLaborOperation", &[(HOURS, Kind::Prices)]),
    guarded("RescueTariffService.CreateRescueTariff", PRICES),
    guarded("RescueTariffService.UpdateRescueTariff", &[(NAMES, Kind::Prices)]),
    guarded("RescueTariffService.DeleteRescueTariff", PRICES),
    guarded("ExchangeRateService.CreateExchangeRate", PRICES),
    guarded("ExchangeRateService.UpdateExchangeRate", &[(RATE, Kind::Prices)]),
    guarded("ExchangeRateService.DeleteExchangeRate", PRICES),
    guarded("ShareAgreementService.CreateShareAgreement", PRICES),
    guarded("ShareAgreementService.UpdateShareAgreement", &[(NAMES, Kind::Prices)]),
    guarded("ShareAgreementService.DeleteShareAgreement", PRICES),
    // Which supplier is charged, and for how much of what nothing tells apart.
    guarded("PartSupplyService.CreatePartSupply", PRICES),
    guarded("PartSupplyService.UpdatePartSupply", &[(NAMES, Kind::Prices)]),
    guarded("PartSupplyService.DeletePartSupply", PRICES),
    // A campaign pays whatever the warranty says, for the work and the time that it names; a draft of one pays nothing.
    guarded("CampaignService.ActivateCampaign", POLICIES),
    guarded(
        "CampaignService.UpdateCampaign",
        &[
            (When::ChangesInForce(&["remedies"]), Kind::Prices),
            (When::ChangesInForce(&["valid_until"]), Kind::Policies),
        ],
    ),
    guarded("CampaignService.CloseCampaign", POLICIES),
    // Drafts bind nobody, and what is published never changes.
    guarded("WarrantyPolicyService.PublishWarrantyPolicy", POLICIES),
    guarded("WarrantyPolicyService.DeleteWarrantyPolicy", &[(When::InForce, Kind::Policies)]),
    guarded("AdjudicationRuleSetService.PublishAdjudicationRuleSet", POLICIES),
    guarded("AdjudicationRuleSetService.RetireAdjudicationRuleSet", &[(When::InForce, Kind::Policies)]),
    guarded("EvidenceRuleService.CreateEvidenceRule", POLICIES),
    guarded("EvidenceRuleService.UpdateEvidenceRule", &[(NAMES, Kind::Policies)]),
    guarded("EvidenceRuleService.DeleteEvidenceRule", POLICIES),
    guarded("SettingService.CreateSetting", POLICIES),
    guarded("SettingService.UpdateSetting", &[(NAMES, Kind::Policies)]),
    guarded("SettingService.DeleteSetting", POLICIES),
    guarded("GoodwillBudgetService.CreateGoodwillBudget", POLICIES),
    guarded("GoodwillBudgetService.UpdateGoodwillBudget", &[(NAMES, Kind::Policies)]),
    guarded("GoodwillBudgetService.DeleteGoodwillBudget", POLICIES),
    Guarded {
        operation: "UserService.CreateUser",
        when: &[(When::GrantsMore, Kind::RoleGrants)],
        way_out: WayOut::Apart("memberships"),
    },
    guarded("UserService.UpdateUser", &[(When::GrantsMore, Kind::RoleGrants)]),
    // Whoever is let in again may do what they were granted before.
    guarded("UserService.EnableUser", &[(When::GrantsMore, Kind::RoleGrants)]),
    guarded("ApiClientService.CreateApiClient", &[(When::GrantsMore, Kind::RoleGrants)]),
];
