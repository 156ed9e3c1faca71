//! Which commands need a second person, in one table.
//!
//! Nobody of the manufacturer changes prices, policies, grants of roles or bank accounts alone: the command is
//! proposed, and another person who may give it confirms it (`change_proposals`). A new command that decides an
//! amount, a claim, a right or a payee gets a row in [`GUARDED`], and nothing else here. Every other command that changes
//! anything stands in [`NEEDS_NONE`] with the reason why one person may give it: a command in neither does not pass the
//! tests.

mod free;
mod table;

use serde::{Deserialize, Serialize};

use crate::access::Actor;

pub use free::{Free, NEEDS_NONE};
pub use table::GUARDED;

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
    /// It changes one of these fields of something that was there before.
    ChangesExisting(&'static [&'static str]),
    /// What it is about is no draft any more.
    InForce,
    /// What it is about is no draft any more, and one of these fields changes.
    ChangesInForce(&'static [&'static str]),
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

/// What a command does, as far as the table asks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// The fields that it changes; of a creation those that are set.
    pub changed: Vec<String>,
    /// Whether what it is about was there before.
    pub was_there: bool,
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
            When::ChangesExisting(fields) => {
                step.was_there && step.changed.iter().any(|changed| within(fields, changed))
            }
            When::InForce => !step.was_draft,
            When::ChangesInForce(fields) => {
                !step.was_draft && step.changed.iter().any(|changed| within(fields, changed))
            }
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
        let was_there = !operation.contains(".Create");
        Guarded::of(operation)?.kind(&Step { changed, was_there, ..Step::default() })
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

    #[test]
    fn what_needs_no_second_person_stands_once_and_has_a_reason() {
        let free: Vec<&str> = NEEDS_NONE.iter().flat_map(|free| free.operations).copied().collect();
        let distinct: BTreeSet<&str> = free.iter().copied().collect();
        assert_eq!(distinct.len(), free.len(), "named twice");
        for operation in distinct {
            assert_eq!(Guarded::of(operation), None, "{operation} is guarded too");
        }
        assert!(NEEDS_NONE.iter().all(|free| free.because.len() > 20 && !free.operations.is_empty()));
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
            ("PartService.CreatePart", &["category", "assembly_class", "default_supplier"], None),
            ("PartService.UpdatePart", &["category"], Some(Policies)),
            ("PartService.UpdatePart", &["assembly_class"], Some(Policies)),
            ("PartService.UpdatePart", &["default_supplier"], Some(Prices)),
            ("PartService.ImportParts", &["system"], Some(Policies)),
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
            ("PartSupplyService.CreatePartSupply", &["part", "supplier", "valid_from"], Some(Prices)),
            ("PartSupplyService.UpdatePartSupply", &["quota_bp"], Some(Prices)),
            ("PartSupplyService.UpdatePartSupply", &["lot"], Some(Prices)),
            ("PartSupplyService.UpdatePartSupply", &["external_ref"], None),
            ("PartSupplyService.DeletePartSupply", &["active"], Some(Prices)),
            ("CampaignService.UpdateCampaign", &["description", "display_name"], None),
            ("CampaignService.UpdateCampaign", &["remedies"], Some(Prices)),
            ("CampaignService.UpdateCampaign", &["valid_until"], Some(Policies)),
            ("CampaignService.CloseCampaign", &["state"], Some(Policies)),
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
    fn what_a_draft_of_a_campaign_would_pay_is_written_by_one_person() {
        let row = Guarded::of("CampaignService.UpdateCampaign").unwrap();
        let step = |was_draft| Step {
            changed: vec!["remedies".to_owned(), "valid_until".to_owned()],
            was_there: true,
            was_draft,
            ..Step::default()
        };
        assert_eq!((row.kind(&step(true)), row.kind(&step(false))), (None, Some(Kind::Policies)));
    }

    #[test]
    fn a_grant_is_guarded_and_a_change_of_the_telephone_is_not() {
        for operation in [
            "UserService.CreateUser",
            "UserService.UpdateUser",
            "UserService.EnableUser",
            "ApiClientService.CreateApiClient",
        ] {
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
