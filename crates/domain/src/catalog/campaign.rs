//! Campaigns: recalls, service campaigns and software updates.
//!
//! A campaign is written as a draft and activated; from then on what it is and which vehicles its filter reaches
//! stay as they are, for claims rest on it and vehicles were told. Its list of vehicles
//! ([`super::campaign_vehicle`]) may grow, and its remedies may change: parts become ready later than promised.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::common::{Checks, date, flag, reference, text, text_value, title, title_value, words};
use super::record::{ColumnValue, Field, FieldKind, Record, Reference};
use crate::change::Audience;
use crate::ids::Code;
use crate::money::{Hours, Quantity};
use crate::text::{Text, Violation};
use crate::vehicle::{Drivetrain, Vehicle};
use crate::vin::Vin;

/// Something that is done to many vehicles.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Campaign {
    /// Its code.
    pub code: Code,
    /// The code as it is printed, if that has other characters.
    pub display_code: String,
    /// Name.
    pub display_name: String,
    /// Name in English; empty where the name is English already.
    pub display_name_en: String,
    /// What it is.
    pub campaign_type: CampaignType,
    /// The number under which the authority knows it.
    pub authority_number: String,
    /// The defect endangers people.
    pub safety: bool,
    /// What is wrong, and what is done.
    pub description: String,
    /// The first day on which vehicles are brought in for it.
    pub valid_from: NaiveDate,
    /// The last day, inclusive.
    pub valid_until: Option<NaiveDate>,
    /// Where it stands.
    pub state: CampaignState,
    /// Day of its activation.
    pub activate_date: Option<NaiveDate>,
    /// Day of its end.
    pub close_date: Option<NaiveDate>,
    /// What is done.
    pub remedies: Vec<Remedy>,
    /// Which vehicles it reaches beside those on its list.
    pub scope: Option<ScopeFilter>,
    /// Its key in the system of whoever created it.
    pub external_ref: String,
}

/// What a campaign is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CampaignType {
    /// Reported to the authority, and without a last day.
    Recall,
    /// Work that the manufacturer offers of its own.
    ServiceCampaign,
    /// New software.
    SoftwareUpdate,
}

/// Where a campaign stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CampaignState {
    /// Being written.
    Draft,
    /// Claims may name it.
    Active,
    /// Over.
    Closed,
}

words! {
    CampaignType { Recall = "RECALL", ServiceCampaign = "SERVICE_CAMPAIGN", SoftwareUpdate = "SOFTWARE_UPDATE" }
    CampaignState { Draft = "DRAFT", Active = "ACTIVE", Closed = "CLOSED" }
}

/// One way in which the work is done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remedy {
    /// Its code within the campaign.
    pub id: Code,
    /// What is done, in words.
    pub description: String,
    /// Models that it is for; empty means all.
    pub models: Vec<Code>,
    /// Drivetrains that it is for; empty means all.
    pub drivetrains: Vec<Drivetrain>,
    /// The operations, with the most hours that are paid.
    pub operations: Vec<RemedyOperation>,
    /// The parts, with the most pieces that are paid.
    pub parts: Vec<RemedyPart>,
    /// Day from which on the parts can be had.
    pub parts_ready_date: Option<NaiveDate>,
}

/// An operation of a remedy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemedyOperation {
    /// The operation.
    pub operation: Code,
    /// Most hours that are paid.
    pub hours: Hours,
}

/// A part of a remedy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemedyPart {
    /// The part.
    pub part: Code,
    /// Most pieces that are paid.
    pub quantity: Quantity,
}

/// Which vehicles a campaign reaches: all that is said must hold, of a list one entry suffices.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScopeFilter {
    /// Models.
    pub models: Vec<Code>,
    /// Built on this day or later.
    pub build_from: Option<NaiveDate>,
    /// Built on this day or earlier.
    pub build_until: Option<NaiveDate>,
    /// Plants.
    pub plants: Vec<Code>,
    /// Production lots.
    pub lots: Vec<String>,
    /// Drivetrains.
    pub drivetrains: Vec<Drivetrain>,
    /// Ranges of VINs.
    pub vin_ranges: Vec<VinRange>,
}

/// A range of VINs, whatever their check digits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VinRange {
    /// How the VINs begin, at most eight characters.
    pub prefix: String,
    /// The last eight characters of the first.
    pub first_serial: String,
    /// The last eight characters of the last, inclusive.
    pub last_serial: String,
}

/// Characters before the check digit of a VIN.
const BEFORE_CHECK_DIGIT: usize = 8;
/// Characters after it.
const SERIAL: usize = 8;

impl VinRange {
    /// Whether a VIN is in it.
    pub fn contains(&self, vin: &Vin) -> bool {
        let serial = vin.as_str().get(BEFORE_CHECK_DIGIT + 1..).unwrap_or_default();
        vin.as_str().starts_with(&self.prefix)
            && (self.first_serial.as_str()..=self.last_serial.as_str()).contains(&serial)
    }
}

impl ScopeFilter {
    /// Whether it says anything.
    pub fn is_empty(&self) -> bool {
        self == &Self::default()
    }

    /// Whether it reaches a vehicle. What is not known of the vehicle reaches nothing that asks for it.
    pub fn reaches(&self, vehicle: &Vehicle) -> bool {
        let any = |list: &[Code], code: Option<&Code>| list.is_empty() || code.is_some_and(|code| list.contains(code));
        let built = |holds: &dyn Fn(NaiveDate) -> bool| vehicle.build_date.is_some_and(holds);
        any(&self.models, Some(&vehicle.model))
            && any(&self.plants, vehicle.plant.as_ref())
            && (self.lots.is_empty() || self.lots.contains(&vehicle.lot))
            && (self.drivetrains.is_empty() || self.drivetrains.contains(&vehicle.drivetrain))
            && self.build_from.is_none_or(|first| built(&|day| first <= day))
            && self.build_until.is_none_or(|last| built(&|day| day <= last))
            && (self.vin_ranges.is_empty() || self.vin_ranges.iter().any(|range| range.contains(&vehicle.vin)))
    }

    fn check(&self, checks: &mut Checks) {
        checks.must(!self.is_empty(), "scope", "REQUIRED", "says nothing; leave it out", "未填写任何条件；请去掉");
        checks.distinct(&self.models, "scope.models");
        checks.distinct(&self.plants, "scope.plants");
        let ordered = self.build_from.zip(self.build_until).is_none_or(|(first, last)| first <= last);
        checks.must(ordered, "scope.build_until", "OUT_OF_ORDER", "is before build_from", "早于 build_from");
        for (index, range) in self.vin_ranges.iter().enumerate() {
            let at = |field: &str| format!("scope.vin_ranges[{index}].{field}");
            checks.must(
                range.prefix.len() <= BEFORE_CHECK_DIGIT && is_of_vin(&range.prefix),
                &at("prefix"),
                "BAD_FORMAT",
                "is at most 8 characters of a VIN",
                "应为 VIN 的前几位，最多 8 位",
            );
            for (field, serial) in [("first_serial", &range.first_serial), ("last_serial", &range.last_serial)] {
                checks.must(
                    serial.len() == SERIAL && is_of_vin(serial),
                    &at(field),
                    "BAD_FORMAT",
                    "is the last 8 characters of a VIN",
                    "应为 VIN 的后 8 位",
                );
            }
            let ordered = range.first_serial <= range.last_serial;
            checks.must(ordered, &at("last_serial"), "OUT_OF_ORDER", "is before first_serial", "小于 first_serial");
        }
    }
}

fn is_of_vin(text: &str) -> bool {
    text.chars().all(|c| (c.is_ascii_uppercase() || c.is_ascii_digit()) && !matches!(c, 'I' | 'O' | 'Q'))
}

impl Remedy {
    /// Whether it is for a vehicle.
    pub fn is_for(&self, vehicle: &Vehicle) -> bool {
        (self.models.is_empty() || self.models.contains(&vehicle.model))
            && (self.drivetrains.is_empty() || self.drivetrains.contains(&vehicle.drivetrain))
    }

    /// Most hours that it pays for an operation; none if the operation is no work of it.
    pub fn hours_of(&self, operation: &Code) -> Option<Hours> {
        self.operations.iter().find(|row| &row.operation == operation).map(|row| row.hours)
    }

    /// Most pieces that it pays of a part; none if the part is none of it.
    pub fn quantity_of(&self, part: &Code) -> Option<Quantity> {
        self.parts.iter().find(|row| &row.part == part).map(|row| row.quantity)
    }
}

impl Campaign {
    /// Whether its filter reaches a vehicle.
    pub fn reaches(&self, vehicle: &Vehicle) -> bool {
        self.scope.as_ref().is_some_and(|scope| scope.reaches(vehicle))
    }

    /// The remedies that are for a vehicle.
    pub fn remedies_for<'c>(&'c self, vehicle: &'c Vehicle) -> impl Iterator<Item = &'c Remedy> {
        self.remedies.iter().filter(|remedy| remedy.is_for(vehicle))
    }

    /// Why it can't be claimed for a vehicle that was brought in on a day.
    pub fn refusal_on(&self, day: NaiveDate) -> Option<Text> {
        let ended = [self.valid_until, self.close_date].into_iter().flatten().min();
        match (self.state, ended) {
            (CampaignState::Draft, _) => Some(Text::new("it is not active yet", "该活动尚未启动")),
            (CampaignState::Active | CampaignState::Closed, _) if day < self.valid_from => Some(Text::new(
                format!("it begins on {}, after the drop-off on {day}", self.valid_from),
                format!("活动自 {} 开始，晚于送修日期 {day}", self.valid_from),
            )),
            (CampaignState::Active | CampaignState::Closed, Some(last)) if last < day => Some(Text::new(
                format!("it ended on {last}, before the drop-off on {day}"),
                format!("活动已于 {last} 结束，早于送修日期 {day}"),
            )),
            (CampaignState::Active | CampaignState::Closed, _) => None,
        }
    }

    /// Whether its work is to be done on a day.
    pub fn is_open_on(&self, day: NaiveDate) -> bool {
        self.state == CampaignState::Active && self.refusal_on(day).is_none()
    }

    /// Its name in both languages.
    pub fn names(&self) -> Text {
        let en = if self.display_name_en.is_empty() { &self.display_name } else { &self.display_name_en };
        Text::new(en.clone(), self.display_name.clone())
    }

    /// Lets claims name it.
    pub fn activate(mut self, today: NaiveDate) -> Result<Self, Violation> {
        if self.state != CampaignState::Draft {
            return Err(Violation::new("state", "NOT_A_DRAFT", "only a draft is activated", "只有草稿可以启动"));
        }
        if self.remedies.is_empty() {
            return Err(Violation::new(
                "remedies",
                "REQUIRED",
                "it says not what is done; add a remedy",
                "尚未填写作业方案；请先添加",
            ));
        }
        self.state = CampaignState::Active;
        self.activate_date = Some(today);
        Ok(self)
    }

    /// Ends it.
    pub fn close(mut self, today: NaiveDate) -> Result<Self, Violation> {
        if self.state != CampaignState::Active {
            return Err(Violation::new(
                "state",
                "NOT_ACTIVE",
                "only an active one is closed",
                "只有进行中的活动可以结束",
            ));
        }
        self.state = CampaignState::Closed;
        self.close_date = Some(today);
        Ok(self)
    }
}

impl Record for Campaign {
    const COLLECTION: &'static str = "campaigns";
    const TABLE: &'static str = "campaign";
    const FIELDS: &'static [Field] = &[
        title("display_name"),
        Field { name: "type", column: "campaign_type", kind: FieldKind::Text, sortable: false, prefix: false },
        flag("safety"),
        text("state"),
        date("valid_from", true),
        date("valid_until", false),
        text("authority_number"),
        text("external_ref"),
    ];

    fn code(&self) -> &str {
        self.code.as_str()
    }

    fn columns(&self) -> Vec<ColumnValue> {
        vec![
            title_value(&self.display_name),
            text_value(self.campaign_type.word()),
            ColumnValue::Bool(Some(self.safety)),
            text_value(self.state.word()),
            ColumnValue::Date(Some(self.valid_from)),
            ColumnValue::Date(self.valid_until),
            text_value(&self.authority_number),
            text_value(&self.external_ref),
        ]
    }

    fn check(&self) -> Vec<Violation> {
        let mut checks = Checks::default();
        checks.filled(&self.display_name, "display_name");
        if self.campaign_type == CampaignType::Recall {
            checks.filled(&self.authority_number, "authority_number");
            checks.must(
                self.valid_until.is_none(),
                "valid_until",
                "NOT_ALLOWED",
                "a recall does not end by date; close it when it is done",
                "召回不因日期终止；完成后请使用 :close 结束",
            );
        }
        let ordered = self.valid_until.is_none_or(|last| self.valid_from <= last);
        checks.must(ordered, "valid_until", "OUT_OF_ORDER", "is before valid_from", "早于 valid_from");
        let ids: Vec<&Code> = self.remedies.iter().map(|remedy| &remedy.id).collect();
        checks.distinct(&ids, "remedies");
        for (index, remedy) in self.remedies.iter().enumerate() {
            check_remedy(&mut checks, &format!("remedies[{index}]"), remedy);
        }
        if let Some(scope) = &self.scope {
            scope.check(&mut checks);
        }
        checks.found()
    }

    fn check_change(&self, before: &Self, _today: NaiveDate) -> Vec<Violation> {
        let mut checks = Checks::default();
        match before.state {
            CampaignState::Draft => {}
            CampaignState::Closed => checks.must(
                self == before,
                "state",
                "CLOSED",
                "a closed campaign is immutable; create another",
                "已结束的活动不可修改；请另行创建",
            ),
            CampaignState::Active => {
                for (same, field) in [
                    (self.campaign_type == before.campaign_type, "type"),
                    (self.safety == before.safety, "safety"),
                    (self.valid_from == before.valid_from, "valid_from"),
                    (self.scope == before.scope, "scope"),
                ] {
                    checks.must(
                        same,
                        field,
                        "ACTIVE",
                        "stays as it is once the campaign is active; put vehicles on its list, or create another",
                        "活动启动后不可修改；可将车辆加入清单，或另行创建活动",
                    );
                }
                let any = !self.remedies.is_empty();
                checks.must(any, "remedies", "REQUIRED", "an active campaign has a remedy", "进行中的活动须有作业方案");
            }
        }
        checks.found()
    }

    fn references(&self) -> Vec<Reference> {
        let mut references = Vec::new();
        for (index, remedy) in self.remedies.iter().enumerate() {
            for (at, row) in remedy.operations.iter().enumerate() {
                let field = format!("remedies[{index}].operations[{at}].operation");
                references.push(reference(field, "labor_operation", "laborOperations", &row.operation));
            }
            for (at, row) in remedy.parts.iter().enumerate() {
                references.push(reference(format!("remedies[{index}].parts[{at}].part"), "part", "parts", &row.part));
            }
        }
        references
    }

    fn audience(&self, _id: uuid::Uuid) -> Audience {
        match self.state {
            // What the manufacturer plans is its own affair until it does it.
            CampaignState::Draft => Audience::Oem,
            CampaignState::Active | CampaignState::Closed => Audience::Everyone,
        }
    }
}

fn check_remedy(checks: &mut Checks, at: &str, remedy: &Remedy) {
    let any = !(remedy.operations.is_empty() && remedy.parts.is_empty());
    checks.must(any, &format!("{at}.operations"), "REQUIRED", "needs an operation or a part", "须填写工序或零件");
    checks.distinct(&remedy.models, &format!("{at}.models"));
    let operations: Vec<&Code> = remedy.operations.iter().map(|row| &row.operation).collect();
    checks.distinct(&operations, &format!("{at}.operations"));
    let parts: Vec<&Code> = remedy.parts.iter().map(|row| &row.part).collect();
    checks.distinct(&parts, &format!("{at}.parts"));
    for (index, row) in remedy.operations.iter().enumerate() {
        let field = format!("{at}.operations[{index}].hours");
        checks.must(row.hours > Hours::ZERO, &field, "NOT_POSITIVE", "must be above zero", "必须大于零");
    }
    for (index, row) in remedy.parts.iter().enumerate() {
        let field = format!("{at}.parts[{index}].quantity");
        checks.must(row.quantity > Quantity::ZERO, &field, "NOT_POSITIVE", "must be above zero", "必须大于零");
    }
}

#[cfg(test)]
pub(crate) mod tests;
