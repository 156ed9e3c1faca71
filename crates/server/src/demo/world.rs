//! What the demo's world is made of before anybody writes it down: sizes, kinds of part, and the words for
//! what goes wrong with them.

use crate::StartError;

/// How large a demo is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// As little as shows everything; for tests.
    Small,
    /// 2,000 vehicles and as many claims.
    S,
}

/// How many there are of everything.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counts {
    pub stations: usize,
    pub suppliers: usize,
    pub parts: usize,
    /// Ways of diagnosis in each category.
    pub diagnoses: usize,
    pub vehicles: usize,
    pub claims: usize,
}

impl Size {
    pub(super) fn counts(self) -> Counts {
        match self {
            Size::Small => Counts { stations: 4, suppliers: 18, parts: 20, diagnoses: 1, vehicles: 60, claims: 60 },
            Size::S => Counts { stations: 40, suppliers: 45, parts: 120, diagnoses: 4, vehicles: 2_000, claims: 2_000 },
        }
    }
}

/// A model of vehicle.
#[derive(Clone, Copy, Debug)]
pub(super) struct Model {
    pub code: &'static str,
    /// Characters 4 to 8 of its VINs.
    pub descriptor: &'static str,
    pub engine: &'static str,
    pub drivetrain: recourse_proto::v1::vehicle::Drivetrain,
    /// Share of the production, in per cent.
    pub share: i64,
    /// Price in yuan.
    pub price: i64,
    /// Serialised components that it leaves the line with, as positions in the catalogue.
    pub components: &'static [usize],
}

/// The models: a saloon, an SUV, a hybrid, and one without an engine.
pub(super) const MODELS: [Model; 4] = {
    use recourse_proto::v1::vehicle::Drivetrain::{BatteryElectric, Combustion, Hybrid};
    [
        Model {
            code: "A5",
            descriptor: "A5G15",
            engine: "G15T",
            drivetrain: Combustion,
            share: 35,
            price: 128_800,
            components: &[1, 2, 5, 7],
        },
        Model {
            code: "X7",
            descriptor: "X7G20",
            engine: "G20T",
            drivetrain: Combustion,
            share: 30,
            price: 189_800,
            components: &[1, 2, 5, 7],
        },
        Model {
            code: "H6",
            descriptor: "H6G15",
            engine: "G15T",
            drivetrain: Hybrid,
            share: 15,
            price: 169_800,
            components: &[1, 2, 3, 4, 5, 6, 7],
        },
        Model {
            code: "E4",
            descriptor: "E4E15",
            engine: "E150",
            drivetrain: BatteryElectric,
            share: 20,
            price: 159_800,
            components: &[3, 4, 6, 7],
        },
    ]
};

/// A category of parts and how its failures present themselves.
#[derive(Clone, Copy, Debug)]
pub(super) struct Category {
    pub code: &'static str,
    pub en: &'static str,
    pub zh: &'static str,
    pub complaint: &'static str,
    pub dtcs: &'static [&'static str],
    /// Ways in which its parts fail, as positions among the modes.
    pub modes: &'static [usize],
}

const fn category(
    code: &'static str,
    en: &'static str,
    zh: &'static str,
    complaint: &'static str,
    dtcs: &'static [&'static str],
    modes: &'static [usize],
) -> Category {
    Category { code, en, zh, complaint, dtcs, modes }
}

const MECHANICAL: &[usize] = &[0, 1, 2, 3, 4];
const ELECTRIC: &[usize] = &[1, 5];

/// The categories of parts.
pub(super) const CATEGORIES: [Category; 15] = [
    category("FUEL", "Fuel supply", "燃油供给", "Stalls when hot / 热车熄火", &["P0230", "P0087"], &[0, 1, 2, 3]),
    category("ENGINE", "Engine", "发动机", "Rough idle, engine lamp on / 怠速抖动，故障灯亮", &["P0300"], MECHANICAL),
    category("TRANSMISSION", "Transmission", "变速器", "Jerks when shifting / 换挡顿挫", &["P0700"], MECHANICAL),
    category("COOLING", "Cooling", "冷却系统", "Temperature rises on hills / 爬坡水温高", &["P0217"], &[0, 2, 3, 4]),
    category("BRAKE", "Brakes", "制动系统", "Brake lamp on, long pedal / 制动灯亮，踏板行程长", &["C0035"], MECHANICAL),
    category("STEERING", "Steering", "转向系统", "Steering heavy and noisy / 转向沉重、异响", &["C0545"], &[0, 3, 4]),
    category("SUSPENSION", "Suspension", "悬架", "Knocks on bad roads / 颠簸路面异响", &[], &[2, 3, 4]),
    category("ELECTRICAL", "Electrical system", "电气系统", "Works now and then / 时好时坏", &["B1000"], ELECTRIC),
    category(
        "ELECTRONICS",
        "Electronics",
        "电子控制",
        "Black screen, no connection / 黑屏，无法联网",
        &["U0100"],
        ELECTRIC,
    ),
    category("CLIMATE", "Air conditioning", "空调", "Does not cool / 空调不制冷", &["B1421"], MECHANICAL),
    category("BODY", "Body", "车身", "Rattles, lets water in / 车身异响、漏水", &[], &[2, 3, 4]),
    category("INTERIOR", "Interior", "内饰", "Does not move or heat / 无法调节或加热", &[], &[1, 3, 5]),
    category("RESTRAINT", "Restraint system", "约束系统", "Airbag lamp on / 安全气囊灯亮", &["B0001"], ELECTRIC),
    category(
        "HV",
        "High-voltage system",
        "高压系统",
        "Reduced power, does not charge / 动力受限，无法充电",
        &["P0A80"],
        ELECTRIC,
    ),
    category("WEAR", "Wear parts", "易损件", "Worn out early / 过早磨损", &[], &[3, 4]),
];

/// How something failed: the ending of a failure code, its names, and its problem group.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mode {
    pub code: &'static str,
    pub en: &'static str,
    pub zh: &'static str,
    pub group: &'static str,
}

/// Categories whose failure can endanger people.
pub(super) const SAFETY: [&str; 3] = ["BRAKE", "STEERING", "RESTRAINT"];

/// The modes of failure.
pub(super) const MODES: [Mode; 6] = [
    Mode { code: "SEIZED", en: "seized", zh: "卡死", group: "FUNCTION" },
    Mode { code: "NO-OUTPUT", en: "no output", zh: "无输出", group: "FUNCTION" },
    Mode { code: "LEAK", en: "leaks", zh: "泄漏", group: "LEAK" },
    Mode { code: "NOISE", en: "noisy", zh: "异响", group: "NOISE" },
    Mode { code: "CRACKED", en: "cracked", zh: "开裂", group: "STRUCTURE" },
    Mode { code: "CONTACT", en: "bad contact", zh: "接触不良", group: "CONTACT" },
];

/// The failure code of a category (its position) and a mode.
pub(super) fn failure_code(category: usize, mode: usize) -> String {
    format!("F-{}", 101 + category * MODES.len() + mode)
}

/// A part of the demo's catalogue.
#[derive(Clone, Debug)]
pub(super) struct PartKind {
    pub code: String,
    pub en: String,
    pub zh: String,
    /// Position of its category.
    pub category: usize,
    pub class: char,
    pub system: &'static str,
    pub serialized: bool,
    pub safety: bool,
    pub restricted: Option<recourse_proto::v1::part::RestrictedKind>,
    pub rule: recourse_proto::v1::part::UsedPartRule,
    /// Models that it fits; empty: all.
    pub models: Vec<&'static str>,
    /// Claim price in fen.
    pub price: i64,
    /// Standard hours of its replacement, in hundredths.
    pub hours: i64,
    /// How often it fails, against the others.
    pub weight: i64,
}

impl PartKind {
    /// Whether it fits a model.
    pub(super) fn fits(&self, model: &str) -> bool {
        self.models.is_empty() || self.models.contains(&model)
    }

    /// Whether it is a wear part.
    pub(super) fn wears(&self) -> bool {
        CATEGORIES.get(self.category).is_some_and(|category| category.code == "WEAR")
    }
}

const PARTS: &str = include_str!("parts.csv");

/// The first parts of the catalogue; positions count from 0 and become P-1001, P-1002 and so on.
pub(super) fn parts(count: usize) -> Result<Vec<PartKind>, StartError> {
    let mut parts = Vec::new();
    for line in PARTS.lines() {
        let bad = || StartError::new("demo, catalogue of parts", line);
        let fields: Vec<&'static str> = line.split('|').collect();
        let [en, zh, category, class, system, flags, rule, fits, price, hours, weight, places] = fields[..] else {
            return Err(bad());
        };
        let (category, rule) = (category_named(category).ok_or_else(bad)?, used_part_rule(rule).ok_or_else(bad)?);
        for (place, place_zh) in positions(places) {
            parts.push(PartKind {
                code: format!("P-{}", 1_001 + parts.len()),
                en: format!("{en}{place}"),
                zh: format!("{place_zh}{zh}"),
                category,
                class: class.chars().next().unwrap_or('O'),
                system,
                serialized: flags.contains('s'),
                safety: flags.contains('f'),
                restricted: restricted(flags),
                rule,
                models: if fits == "*" { Vec::new() } else { fits.split('+').collect() },
                price: price.parse::<i64>().map_err(|_| bad())? * 100,
                hours: hours.parse().map_err(|_| bad())?,
                weight: weight.parse().map_err(|_| bad())?,
            });
        }
    }
    parts.truncate(count);
    Ok(parts)
}

fn category_named(code: &str) -> Option<usize> {
    CATEGORIES.iter().position(|category| category.code == code)
}

fn used_part_rule(letter: &str) -> Option<recourse_proto::v1::part::UsedPartRule> {
    use recourse_proto::v1::part::UsedPartRule as Rule;
    match letter {
        "O" => Some(Rule::ReturnToOem),
        "S" => Some(Rule::ReturnToSupplier),
        "D" => Some(Rule::DiscountedDisposal),
        "H" => Some(Rule::Hold),
        "N" => Some(Rule::None),
        _ => None,
    }
}

fn restricted(flags: &str) -> Option<recourse_proto::v1::part::RestrictedKind> {
    use recourse_proto::v1::part::RestrictedKind as Kind;
    let kinds = [('b', Kind::TractionBattery), ('a', Kind::Airbag), ('l', Kind::LeadAcid)];
    kinds.into_iter().find(|(letter, _)| flags.contains(*letter)).map(|(_, kind)| kind)
}

fn positions(places: &str) -> &'static [(&'static str, &'static str)] {
    match places {
        "4" => {
            &[(", front left", "左前"), (", front right", "右前"), (", rear left", "左后"), (", rear right", "右后")]
        }
        "LR" => &[(", left", "左"), (", right", "右")],
        "FR" => &[(", front", "前"), (", rear", "后")],
        _ => &[("", "")],
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_catalogue_has_the_parts_that_the_demo_names() {
        let parts = parts(usize::MAX).unwrap();
        assert_eq!(parts.len(), 120);
        let names: BTreeSet<&str> = parts.iter().map(|part| part.en.as_str()).collect();
        assert_eq!(names.len(), 120);
        assert_eq!((parts[0].code.as_str(), parts[0].serialized), ("P-1001", false));
        for model in MODELS {
            for component in model.components {
                assert!(parts[*component].serialized && parts[*component].fits(model.code), "{component}");
            }
            for (category, kind) in CATEGORIES.iter().enumerate() {
                let electric = ["FUEL", "ENGINE"].contains(&kind.code) && model.code == "E4";
                let combustion = kind.code == "HV" && ["A5", "X7"].contains(&model.code);
                let fits = parts.iter().any(|part| part.category == category && part.fits(model.code));
                assert!(CATEGORIES[category].modes.iter().all(|mode| *mode < MODES.len()));
                assert!(fits != (electric || combustion), "{} {category}", model.code);
            }
        }
    }

    #[test]
    fn there_are_90_failure_codes() {
        assert_eq!(failure_code(0, 0), "F-101");
        assert_eq!(failure_code(CATEGORIES.len() - 1, MODES.len() - 1), "F-190");
    }
}
