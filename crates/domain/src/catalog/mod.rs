//! Master data: what an administrator loads before the first claim.
//!
//! All of it is created, listed, changed and retired alike, so all of it shares one shape, [`Record`], and
//! one path through repository and service. A new resource is a file here, a message in the contract, a
//! conversion, and a migration for its table.

pub mod adjudication_rule_set;
pub mod appraiser;
pub mod campaign;
pub mod campaign_vehicle;
pub mod common;
pub mod dated;
pub mod evidence_rule;
pub mod exchange_rate;
pub mod failure_code;
pub mod goodwill_budget;
pub mod labor_operation;
pub mod part;
pub mod part_supply;
pub mod policy;
pub mod price_moves;
mod record;
pub mod rescue_tariff;
pub mod review_queue;
pub mod setting;
pub mod share_agreement;
pub mod station;
pub mod supplier;

pub use adjudication_rule_set::{AdjudicationRule, AdjudicationRuleSet, RuleAction, RuleSetState};
pub use appraiser::{Appraiser, Expert, RegisteredCertificates};
pub use campaign::{Campaign, CampaignState, CampaignType, Remedy, RemedyOperation, RemedyPart, ScopeFilter, VinRange};
pub use campaign_vehicle::{
    CampaignJob, CampaignVehicle, CampaignVehicleState, CompletionCount, ExemptReason, Exemption, NotFromHere,
};
pub use common::{Address, BankAccount, Contact};
pub use dated::{Dated, DatedList, DatedValue};
pub use evidence_rule::EvidenceRule;
pub use exchange_rate::ExchangeRate;
pub use failure_code::FailureCode;
pub use goodwill_budget::GoodwillBudget;
pub use labor_operation::{LaborOperation, ModelHours, Skill};
pub use part::{AssemblyClass, Part, PartPrice, PriceKind, RestrictedKind, UnitOfMeasure, UsedPartRule, VehicleSystem};
pub use part_supply::{PartSupply, Piece, suppliers_of};
pub use policy::{
    CoverageTerm, Exclusion, GuaranteeTerms, PolicyState, ReplacedPartTerm, RunningInService, TermKind, WarrantyPolicy,
};
pub use price_moves::{MoveSum, MoveSums, PriceMove};
pub use record::{ColumnValue, Field, FieldKind, Record, Reference, Stored};
pub use rescue_tariff::{DistanceBand, RescueRate, RescueTariff};
pub use review_queue::ReviewQueue;
pub use setting::{EscalationStep, GradeRate, Setting, TaxRate};
pub use share_agreement::ShareAgreement;
pub use station::{LaborRate, Markup, PaymentContract, RepairOrderSystem, Station, StationGrade, TaxScheme};
pub use supplier::{HandlingFee, RecoveryContract, Supplier};
