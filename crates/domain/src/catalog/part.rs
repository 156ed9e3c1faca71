//! Parts: what is repaired with, at which price, and by whom it was made.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::common::{Checks, code_value, coded, flag, named, reference, text, text_value, title, title_value};
use super::dated::{Dated, DatedList, DatedValue};
use super::record::{ColumnValue, Field, Record, Reference};
use crate::ids::Code;
use crate::money::{Currency, Money, Quantity};
use crate::text::Violation;

/// A part, by its number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Part number in canonical spelling.
    pub code: Code,
    /// Part number as it is printed, if that has other characters.
    pub display_code: String,
    /// Name.
    pub display_name: String,
    /// Category, by which policies cover and suppliers' contracts charge.
    pub category: Code,
    /// Unit in which it is counted.
    pub unit: UnitOfMeasure,
    /// What the three-guarantees rules see in it.
    pub assembly_class: AssemblyClass,
    /// The system it belongs to, for main parts and assemblies.
    pub system: Option<VehicleSystem>,
    /// The main part it is an instance of (a piston, whatever its number): "the same main part".
    pub main_part: Option<Code>,
    /// Each piece has a serial number.
    pub serialized: bool,
    /// Its failure can endanger people.
    pub safety: bool,
    /// Transport and disposal are restricted by law.
    pub restricted_kind: Option<RestrictedKind>,
    /// The part that takes its place.
    pub superseded_by: Option<Code>,
    /// Who makes it, where nothing more precise is known.
    pub default_supplier: Option<Code>,
    /// What becomes of a replaced piece, unless a rule says otherwise.
    pub used_part_rule: UsedPartRule,
    /// Models that it fits; empty means all.
    pub models: Vec<Code>,
    /// Most pieces that one vehicle has.
    pub quantity_per_vehicle: Option<Quantity>,
    /// What a customer pays.
    pub retail_prices: DatedList<PartPrice>,
    /// What a station is paid for a piece under warranty.
    pub claim_prices: DatedList<PartPrice>,
    /// What a station pays.
    pub dealer_net_prices: DatedList<PartPrice>,
    /// What a supplier is charged.
    pub recovery_prices: DatedList<PartPrice>,
    /// Its key in the system of whoever created it.
    pub external_ref: String,
}

/// A unit in which parts are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum UnitOfMeasure {
    /// Pieces.
    Piece,
    /// Sets.
    Set,
    /// Litres.
    Liter,
    /// Kilograms.
    Kilogram,
    /// Metres.
    Meter,
}

/// What the three-guarantees rules (art. 20 to 24) see in a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AssemblyClass {
    /// Neither of the others.
    Ordinary,
    /// A main part of one of the ten systems.
    MainPart,
    /// One of the four assemblies as a whole.
    Assembly,
}

/// The systems of art. 24(3); the first four are also the assemblies of art. 20.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum VehicleSystem {
    /// Engine.
    Engine,
    /// Transmission.
    Transmission,
    /// Traction battery.
    Battery,
    /// Drive motor.
    Motor,
    /// Steering.
    Steering,
    /// Brakes.
    Brakes,
    /// Suspension.
    Suspension,
    /// Driveline.
    Driveline,
    /// Emission control.
    EmissionControl,
    /// Body.
    Body,
}

impl VehicleSystem {
    /// Whether the system as a whole is one of the four assemblies.
    pub fn is_assembly(self) -> bool {
        match self {
            Self::Engine | Self::Transmission | Self::Battery | Self::Motor => true,
            Self::Steering | Self::Brakes | Self::Suspension | Self::Driveline | Self::EmissionControl | Self::Body => {
                false
            }
        }
    }
}

/// Parts that may not simply be sent or thrown away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RestrictedKind {
    /// High-voltage traction battery.
    TractionBattery,
    /// Airbag, belt tensioner: explosive.
    Airbag,
    /// Lead-acid battery.
    LeadAcid,
}

/// What becomes of a replaced piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum UsedPartRule {
    /// It is sent to the manufacturer.
    ReturnToOem,
    /// It is sent straight to the supplier.
    ReturnToSupplier,
    /// The station keeps it and owes its value.
    DiscountedDisposal,
    /// It waits at the station.
    Hold,
    /// It is not tracked: oil, seals.
    None,
}

/// What a unit of a part costs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartPrice {
    /// Per unit, without tax.
    pub price: Money,
}

impl DatedValue for PartPrice {
    fn key(&self) -> String {
        self.price.currency.to_string()
    }
}

/// A kind of price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PriceKind {
    /// What a customer pays.
    Retail,
    /// What a station is paid under warranty.
    Claim,
    /// What a station pays.
    DealerNet,
    /// What a supplier is charged.
    Recovery,
}

impl Part {
    /// The price of a kind that is in force on a date in a currency.
    pub fn price_on(&self, kind: PriceKind, date: NaiveDate, currency: Currency) -> Option<&Dated<PartPrice>> {
        self.prices(kind).on(date, |price| price.price.currency == currency)
    }

    /// Whether it fits a model.
    pub fn fits(&self, model: &Code) -> bool {
        self.models.is_empty() || self.models.contains(model)
    }

    pub(super) fn prices(&self, kind: PriceKind) -> &DatedList<PartPrice> {
        match kind {
            PriceKind::Retail => &self.retail_prices,
            PriceKind::Claim => &self.claim_prices,
            PriceKind::DealerNet => &self.dealer_net_prices,
            PriceKind::Recovery => &self.recovery_prices,
        }
    }
}

/// The lists of prices by their fields.
pub(super) const PRICE_LISTS: [(PriceKind, &str); 4] = [
    (PriceKind::Retail, "retail_prices"),
    (PriceKind::Claim, "claim_prices"),
    (PriceKind::DealerNet, "dealer_net_prices"),
    (PriceKind::Recovery, "recovery_prices"),
];

impl Record for Part {
    const COLLECTION: &'static str = "parts";
    const TABLE: &'static str = "part";
    const FIELDS: &'static [Field] = &[
        title("display_name"),
        coded("category"),
        text("assembly_class"),
        text("system"),
        flag("serialized"),
        flag("safety"),
        text("restricted_kind"),
        named("superseded_by", "parts"),
        named("default_supplier", "suppliers"),
        text("external_ref"),
    ];

    fn code(&self) -> &str {
        self.code.as_str()
    }

    fn columns(&self) -> Vec<ColumnValue> {
        vec![
            title_value(&self.display_name),
            code_value(Some(&self.category)),
            text_value(self.assembly_class.word()),
            text_value(self.system.map_or("", VehicleSystem::word)),
            ColumnValue::Bool(Some(self.serialized)),
            ColumnValue::Bool(Some(self.safety)),
            text_value(self.restricted_kind.map_or("", RestrictedKind::word)),
            code_value(self.superseded_by.as_ref()),
            code_value(self.default_supplier.as_ref()),
            text_value(&self.external_ref),
        ]
    }

    fn check(&self) -> Vec<Violation> {
        let mut checks = Checks::default();
        checks.filled(&self.display_name, "display_name");
        checks.distinct(&self.models, "models");
        checks.must(
            self.superseded_by.as_ref() != Some(&self.code),
            "superseded_by",
            "SELF_REFERENCE",
            "a part can't take its own place",
            "零件不能被自身替代",
        );
        checks.must(
            self.quantity_per_vehicle.is_none_or(|quantity| quantity > Quantity::ZERO),
            "quantity_per_vehicle",
            "NOT_POSITIVE",
            "must be above zero, or left out if it is not known",
            "必须大于零；未知时请留空",
        );
        checks.must(
            self.assembly_class == AssemblyClass::Ordinary || self.system.is_some(),
            "system",
            "REQUIRED",
            "main parts and assemblies belong to a system; name it",
            "主要零件与总成必须指明所属系统",
        );
        checks.must(
            self.assembly_class != AssemblyClass::Assembly || self.system.is_none_or(VehicleSystem::is_assembly),
            "system",
            "NO_ASSEMBLY",
            "only engine, transmission, traction battery and drive motor are assemblies; elsewhere use MAIN_PART",
            "总成仅限发动机、变速器、动力蓄电池和驱动电机；其他系统请使用 MAIN_PART",
        );
        checks.must(
            self.restricted_kind.is_none() || self.used_part_rule != UsedPartRule::DiscountedDisposal,
            "used_part_rule",
            "RESTRICTED_PART",
            "a restricted part can't be disposed of at a discount; return it or hold it",
            "受限零件不能折价处理；请选择返回或暂存",
        );
        for (kind, field) in PRICE_LISTS {
            checks.all(self.prices(kind).check(field));
            for (index, row) in self.prices(kind).0.iter().enumerate() {
                checks.not_negative(Some(row.value.price), &format!("{field}[{index}].price"));
            }
        }
        checks.found()
    }

    fn check_change(&self, before: &Self, today: NaiveDate) -> Vec<Violation> {
        PRICE_LISTS
            .into_iter()
            .flat_map(|(kind, field)| self.prices(kind).check_change(before.prices(kind), today, field))
            .collect()
    }

    fn references(&self) -> Vec<Reference> {
        let replacement = self.superseded_by.iter().map(|code| reference("superseded_by", "part", "parts", code));
        let supplier =
            self.default_supplier.iter().map(|code| reference("default_supplier", "supplier", "suppliers", code));
        replacement.chain(supplier).collect()
    }
}

super::common::words! {
    AssemblyClass { Ordinary = "ORDINARY", MainPart = "MAIN_PART", Assembly = "ASSEMBLY" }
    VehicleSystem {
        Engine = "ENGINE", Transmission = "TRANSMISSION", Battery = "BATTERY", Motor = "MOTOR", Steering = "STEERING",
        Brakes = "BRAKES", Suspension = "SUSPENSION", Driveline = "DRIVELINE", EmissionControl = "EMISSION_CONTROL",
        Body = "BODY",
    }
    RestrictedKind { TractionBattery = "TRACTION_BATTERY", Airbag = "AIRBAG", LeadAcid = "LEAD_ACID" }
}

#[cfg(test)]
pub(super) mod tests {
    use uuid::Uuid;

    use super::*;

    fn code(text: &str) -> Code {
        Code::parse(text).unwrap()
    }

    pub(in crate::catalog) fn part() -> Part {
        Part {
            code: code("P-100"),
            display_code: String::new(),
            display_name: "燃油泵".to_owned(),
            category: code("FUEL"),
            unit: UnitOfMeasure::Piece,
            assembly_class: AssemblyClass::Ordinary,
            system: None,
            main_part: None,
            serialized: true,
            safety: false,
            restricted_kind: None,
            superseded_by: None,
            default_supplier: Some(code("S-017")),
            used_part_rule: UsedPartRule::ReturnToOem,
            models: vec![code("M1")],
            quantity_per_vehicle: Some(Quantity(1_000)),
            retail_prices: DatedList::default(),
            claim_prices: DatedList::default(),
            dealer_net_prices: DatedList::default(),
            recovery_prices: DatedList::default(),
            external_ref: String::new(),
        }
    }

    fn price(id: u128, from: &str, to: Option<&str>, minor: i64) -> Dated<PartPrice> {
        let day = |text: &str| text.parse().unwrap();
        Dated {
            id: Uuid::from_u128(id),
            valid_from: day(from),
            valid_to: to.map(day),
            value: PartPrice { price: Money::new(Currency::CNY, minor) },
        }
    }

    fn rules(part: &Part) -> Vec<&'static str> {
        part.check().into_iter().map(|violation| violation.rule).collect()
    }

    #[test]
    fn the_price_is_the_one_in_force_at_the_date() {
        let mut part = part();
        part.claim_prices =
            DatedList(vec![price(1, "2026-01-01", Some("2026-07-01"), 100), price(2, "2026-07-01", None, 120)]);
        let found = |kind, date: &str| {
            part.price_on(kind, date.parse().unwrap(), Currency::CNY).map(|row| row.value.price.minor)
        };
        assert_eq!(found(PriceKind::Claim, "2026-06-30"), Some(100));
        assert_eq!(found(PriceKind::Claim, "2026-07-01"), Some(120));
        assert_eq!(found(PriceKind::Recovery, "2026-07-01"), None);
    }

    #[test]
    fn a_price_in_force_stays_as_it_was() {
        let before = Part { claim_prices: DatedList(vec![price(1, "2026-01-01", None, 100)]), ..part() };
        let after = Part { claim_prices: DatedList(vec![price(1, "2026-01-01", None, 101)]), ..part() };
        let violations = after.check_change(&before, "2026-02-01".parse().unwrap());
        assert_eq!(violations[0].field, "claim_prices[0]");
    }

    #[test]
    fn assemblies_are_of_four_systems_only() {
        let of = |assembly_class, system| rules(&Part { assembly_class, system, ..part() });
        assert_eq!(of(AssemblyClass::Assembly, Some(VehicleSystem::Engine)), [""; 0]);
        assert_eq!(of(AssemblyClass::Assembly, Some(VehicleSystem::Brakes)), ["NO_ASSEMBLY"]);
        assert_eq!(of(AssemblyClass::MainPart, Some(VehicleSystem::Brakes)), [""; 0]);
        assert_eq!(of(AssemblyClass::MainPart, None), ["REQUIRED"]);
    }

    #[test]
    fn restricted_parts_are_not_disposed_of_at_a_discount() {
        let restricted_kind = Some(RestrictedKind::Airbag);
        let of = |used_part_rule| rules(&Part { restricted_kind, used_part_rule, ..part() });
        assert_eq!(of(UsedPartRule::DiscountedDisposal), ["RESTRICTED_PART"]);
        assert_eq!(of(UsedPartRule::Hold), [""; 0]);
    }

    #[test]
    fn no_models_means_all_models() {
        assert!(part().fits(&code("M1")) && !part().fits(&code("M2")));
        assert!(Part { models: Vec::new(), ..part() }.fits(&code("M2")));
        assert_eq!(part().columns().len(), Part::FIELDS.len());
    }
}
