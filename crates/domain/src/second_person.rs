//! Which commands need a second person, in one table.
//!
//! Nobody of the manufacturer changes prices, policies, grants of roles or bank accounts alone: the command is
//! proposed, and another person who may give it confirms it (`change_proposals`). A new command that decides an
//! amount, a claim, a right or a payee gets a row in [`GUARDED`], and nothing else here.

use serde::{Deserialize, Serialize};

use crate::access::Actor;

/// What kind of change needs a second person, the most delicate last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Kind {
    /// Prices, rates, hours and shares: what decides an amount.
    Prices,
    /// Policies, rules, campaigns, settings and budgets: what decides a claim.
    Policies,
    /// Roles, rights, duties and levels of people and programs.
    RoleGrants,
    /// Where money goes.
    BankAccounts,
}

/// When a command is guarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Whatever it does.
    Always,
    /// It changes, or sets, one of these fields.
    Changes(&'static [&'static str]),
    /// It changes anything but these fields.
    ChangesMoreThan(&'static [&'static str]),
    /// What it is about is no draft any more.
    InForce,
    /// It allows somebody more than before.
    GrantsMore,
}

/// What to do instead of giving a guarded command alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WayOut {
    /// Propose it as it is.
    Propose,
    /// Propose what its rows would do: an import is no proposal.
    ProposeRows,
    /// Give it without this field, and propose the field in an update: a proposal holds no secret and no personal data.
    Apart(&'static str),
}

/// A command that needs a second person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guarded {
    /// Service and method of the contract: `PartService.UpdatePart`.
    pub operation: &'static str,
    /// When, and what kind of change it is then.
    pub when: &'static [(When, Kind)],
    /// What to do instead.
    pub way_out: WayOut,
}

const fn guarded(operation: &'static str, when: &'static [(When, Kind)]) -> Guarded {
    Guarded { operation, when, way_out: WayOut::Propose }
}

const PART_PRICES: When = When::Changes(&["retail_prices", "claim_prices", "dealer_net_prices", "recovery_prices"]);
const HOURS: When = When::Changes(&["default_hours", "model_hours", "actual_hours_allowed", "actual_hours_cap"]);
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
    guarded("PartService.UpdatePart", &[(PART_PRICES, Kind::Prices)]),
    Guarded {
        operation: "PartService.ImportParts",
        when: &[(PART_PRICES, Kind::Prices)],
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
    // Drafts bind nobody, and what is published never changes.
    guarded("WarrantyPolicyService.PublishWarrantyPolicy", POLICIES),
    guarded("WarrantyPolicyService.DeleteWarrantyPolicy", &[(When::InForce, Kind::Policies)]),
    guarded("AdjudicationRuleSetService.PublishAdjudicationRuleSet", POLICIES),
    guarded("AdjudicationRuleSetService.RetireAdjudicationRuleSet", &[(When::InForce, Kind::Policies)]),
    // What it reaches is covered whatever the warranty says; claims can name it from then on, and not before.
    guarded("CampaignService.ActivateCampaign", POLICIES),
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
    guarded("ApiClientService.CreateApiClient", &[(When::GrantsMore, Kind::RoleGrants)]),
];

/// What a command does, as far as the table asks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// The fields that it changes; of a creation those that are set.
    pub changed: Vec<String>,
    /// Whether what it is about was a draft.
    pub was_draft: bool,
    /// Whether it allows somebody more than before.
    pub grants_more: bool,
}

impl Kind {
    /// The word on the wire and in filters.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Prices => "PRICES",
            Kind::Policies => "POLICIES",
            Kind::RoleGrants => "ROLE_GRANTS",
            Kind::BankAccounts => "BANK_ACCOUNTS",
        }
    }
}

impl When {
    fn holds(self, step: &Step) -> bool {
        let within = |fields: &[&str], changed: &String| fields.contains(&changed.as_str());
        match self {
            When::Always => true,
            When::Changes(fields) => step.changed.iter().any(|changed| within(fields, changed)),
            When::ChangesMoreThan(fields) => step.changed.iter().any(|changed| !within(fields, changed)),
            When::InForce => !step.was_draft,
            When::GrantsMore => step.grants_more,
        }
    }
}

impl Guarded {
    /// The row of a command, if it has one.
    pub fn of(operation: &str) -> Option<&'static Guarded> {
        GUARDED.iter().find(|guarded| guarded.operation == operation)
    }

    /// What kind of guarded change a step is: the most delicate; none if it needs no second person.
    pub fn kind(&self, step: &Step) -> Option<Kind> {
        self.when.iter().filter(|(when, _)| when.holds(step)).map(|(_, kind)| *kind).max()
    }
}

/// Whether somebody's commands are guarded at all: those of the manufacturer's people and programs. Who works at a
/// station, a supplier or an appraiser is for its own manager to say: one of few people has no second, and nothing that
/// they do moves money without the manufacturer.
pub fn guards(actor: &Actor) -> bool {
    actor.is_oem()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::access::Role;

    fn kind(operation: &str, changed: &[&str]) -> Option<Kind> {
        let changed = changed.iter().map(|field| (*field).to_owned()).collect();
        Guarded::of(operation)?.kind(&Step { changed, ..Step::default() })
    }

    #[test]
    fn each_command_has_one_row_and_each_row_a_condition() {
        let names: BTreeSet<&str> = GUARDED.iter().map(|guarded| guarded.operation).collect();
        assert_eq!(names.len(), GUARDED.len());
        for guarded in GUARDED {
            assert!(!guarded.when.is_empty() && guarded.operation.contains("Service."), "{guarded:?}");
        }
        assert_eq!(Guarded::of("PartService.DeletePart"), None);
    }

    /// The truth table: what a command changes, and what kind of change that is.
    #[test]
    fn what_needs_a_second_person_and_what_does_not() {
        use Kind::{BankAccounts, Policies, Prices};
        for (operation, changed, expected) in [
            ("PartService.CreatePart", &["display_name", "category"][..], None),
            ("PartService.CreatePart", &["display_name", "claim_prices"], Some(Prices)),
            ("PartService.UpdatePart", &["display_name", "models"], None),
            ("PartService.UpdatePart", &["retail_prices"], Some(Prices)),
            ("PartService.UpdatePart", &["dealer_net_prices"], Some(Prices)),
            ("PartService.UpdatePart", &["recovery_prices"], Some(Prices)),
            ("PartService.ImportParts", &["display_name"], None),
            ("PartService.ImportParts", &["claim_prices"], Some(Prices)),
            ("StationService.CreateStation", &["grade", "currency", "payment_contract"], None),
            ("StationService.CreateStation", &["grade", "labor_rates"], Some(Prices)),
            ("StationService.CreateStation", &["bank_account"], Some(BankAccounts)),
            ("StationService.UpdateStation", &["opening_hours", "contact"], None),
            ("StationService.UpdateStation", &["grade"], Some(Prices)),
            ("StationService.UpdateStation", &["grades"], Some(Prices)),
            ("StationService.CreateStation", &["grades"], Some(Prices)),
            ("StationService.UpdateStation", &["markups"], Some(Prices)),
            ("StationService.UpdateStation", &["bank_account"], Some(BankAccounts)),
            ("StationService.UpdateStation", &["bank_account", "labor_rates"], Some(BankAccounts)),
            ("SupplierService.CreateSupplier", &["display_name", "currency"], None),
            ("SupplierService.UpdateSupplier", &["recovery_contracts"], Some(Prices)),
            ("SupplierService.UpdateSupplier", &["bank_account"], Some(BankAccounts)),
            ("LaborOperationService.UpdateLaborOperation", &["description"], None),
            ("LaborOperationService.UpdateLaborOperation", &["model_hours"], Some(Prices)),
            ("RescueTariffService.CreateRescueTariff", &[], Some(Prices)),
            ("RescueTariffService.UpdateRescueTariff", &["display_name", "external_ref"], None),
            ("RescueTariffService.UpdateRescueTariff", &["display_name", "trip_cap"], Some(Prices)),
            ("RescueTariffService.DeleteRescueTariff", &["active"], Some(Prices)),
            ("ExchangeRateService.UpdateExchangeRate", &["source"], None),
            ("ExchangeRateService.UpdateExchangeRate", &["rate"], Some(Prices)),
            ("ShareAgreementService.UpdateShareAgreement", &["share_bp"], Some(Prices)),
            ("WarrantyPolicyService.CreateWarrantyPolicy", &["terms"], None),
            ("WarrantyPolicyService.UpdateWarrantyPolicy", &["terms"], None),
            ("WarrantyPolicyService.PublishWarrantyPolicy", &["state"], Some(Policies)),
            ("AdjudicationRuleSetService.PublishAdjudicationRuleSet", &["state"], Some(Policies)),
            ("AdjudicationRuleSetService.RetireAdjudicationRuleSet", &["state"], Some(Policies)),
            ("CampaignService.CreateCampaign", &["scope", "remedies"], None),
            ("CampaignService.ActivateCampaign", &["state"], Some(Policies)),
            ("EvidenceRuleService.UpdateEvidenceRule", &["from_amount"], Some(Policies)),
            ("SettingService.CreateSetting", &[], Some(Policies)),
            ("SettingService.UpdateSetting", &["approval_limits"], Some(Policies)),
            ("SettingService.UpdateSetting", &["external_ref"], None),
            ("GoodwillBudgetService.UpdateGoodwillBudget", &["amount"], Some(Policies)),
            ("FailureCodeService.CreateFailureCode", &["safety"], None),
            ("UserService.DisableUser", &["disabled"], None),
        ] {
            assert_eq!(kind(operation, changed), expected, "{operation} {changed:?}");
        }
    }

    #[test]
    fn a_policy_in_force_is_not_ended_by_one_person_and_a_draft_is() {
        let step = |was_draft| Step { was_draft, ..Step::default() };
        for operation in
            ["WarrantyPolicyService.DeleteWarrantyPolicy", "AdjudicationRuleSetService.RetireAdjudicationRuleSet"]
        {
            let row = Guarded::of(operation).unwrap();
            assert_eq!((row.kind(&step(true)), row.kind(&step(false))), (None, Some(Kind::Policies)), "{operation}");
        }
    }

    #[test]
    fn a_grant_is_guarded_and_a_change_of_the_telephone_is_not() {
        for operation in ["UserService.CreateUser", "UserService.UpdateUser", "ApiClientService.CreateApiClient"] {
            let row = Guarded::of(operation).unwrap();
            let step = |grants_more| Step { changed: vec!["memberships".to_owned()], grants_more, ..Step::default() };
            assert_eq!((row.kind(&step(true)), row.kind(&step(false))), (Some(Kind::RoleGrants), None), "{operation}");
        }
    }

    #[test]
    fn the_manufacturers_people_are_guarded_and_a_stations_manager_is_not() {
        let with = |role| {
            let mut actor = Actor::job("test");
            actor.roles.insert(role);
            guards(&actor)
        };
        assert!(with(Role::Admin) && with(Role::Auditor) && with(Role::Finance));
        assert!(!with(Role::Station) && !with(Role::Supplier) && !with(Role::Appraiser));
        assert!(!guards(&Actor::job("create-admin")));
    }

    #[test]
    fn kinds_are_told_as_they_are_stored_and_the_most_delicate_is_the_last() {
        let mut kinds = [Kind::BankAccounts, Kind::Prices, Kind::RoleGrants, Kind::Policies];
        kinds.sort_unstable();
        assert_eq!(kinds.map(Kind::word), ["PRICES", "POLICIES", "ROLE_GRANTS", "BANK_ACCOUNTS"]);
        for kind in kinds {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.word());
        }
    }
}
