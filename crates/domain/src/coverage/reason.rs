//! Why the warranty covers, or not. Code and values are kept; texts are made when they are read.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::catalog::common::words;
use crate::ids::Code;
use crate::text::Text;

/// A reason that the warranty gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CoverageCode {
    /// The term covers, and is the most favourable that does.
    Covered,
    /// The term covers too.
    AlsoCovered,
    /// The sale is not recorded, so the warranty has no start.
    NoSaleRecord,
    /// The day is before the sale.
    BeforeWarrantyStart,
    /// The vehicle was taken back and not sold again.
    ReturnedVehicle,
    /// No policy is published.
    NoPolicy,
    /// No version of the policy is for the model.
    ModelNotInPolicy,
    /// No version of the policy was in force at the warranty start, and none serves sold vehicles.
    NotInForceAtStart,
    /// The policy names it as not covered.
    Excluded,
    /// No term of the policy speaks of the category.
    CategoryNotCovered,
    /// The term is for another use of the vehicle.
    UseNotCovered,
    /// The term's last day is over.
    ExpiredByDate,
    /// The term's last kilometre is over.
    ExpiredByDistance,
    /// The campaign covers.
    CoveredByCampaign,
    /// The campaign does not cover this vehicle, or not on this day.
    NotCoveredByCampaign,
}

words! {
    CoverageCode {
        Covered = "COVERED", AlsoCovered = "ALSO_COVERED", NoSaleRecord = "NO_SALE_RECORD",
        BeforeWarrantyStart = "BEFORE_WARRANTY_START", ReturnedVehicle = "RETURNED_VEHICLE", NoPolicy = "NO_POLICY",
        ModelNotInPolicy = "MODEL_NOT_IN_POLICY", NotInForceAtStart = "NOT_IN_FORCE_AT_START", Excluded = "EXCLUDED",
        CategoryNotCovered = "CATEGORY_NOT_COVERED", UseNotCovered = "USE_NOT_COVERED",
        ExpiredByDate = "EXPIRED_BY_DATE", ExpiredByDistance = "EXPIRED_BY_DISTANCE",
        CoveredByCampaign = "COVERED_BY_CAMPAIGN", NotCoveredByCampaign = "NOT_COVERED_BY_CAMPAIGN",
    }
}

/// One reason, with the values its text names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CoverageReason {
    /// Which.
    pub code: CoverageCode,
    /// The version of the policy that it is about.
    pub policy: Option<Code>,
    /// The term of that version.
    pub term: Option<Code>,
    /// The clause of the booklet.
    pub clause: String,
    /// The values: `last_day`, `limit_km`.
    pub parameters: BTreeMap<String, String>,
}

impl CoverageReason {
    /// Whether it says that a warranty has ended.
    pub fn is_end(&self) -> bool {
        matches!(self.code, CoverageCode::ExpiredByDate | CoverageCode::ExpiredByDistance)
    }

    /// Whether it is about a policy or a term that was never meant for this vehicle.
    pub(super) fn is_of_another(&self) -> bool {
        matches!(
            self.code,
            CoverageCode::ModelNotInPolicy | CoverageCode::NotInForceAtStart | CoverageCode::UseNotCovered
        )
    }

    pub(super) fn new(code: CoverageCode) -> Self {
        Self { code, policy: None, term: None, clause: String::new(), parameters: BTreeMap::new() }
    }

    pub(super) fn of_policy(code: CoverageCode, policy: Option<&Code>) -> Self {
        Self { policy: policy.cloned(), ..Self::new(code) }
    }

    pub(super) fn of_term(code: CoverageCode, policy: &Code, term: &Code, clause: &str) -> Self {
        Self { policy: Some(policy.clone()), term: Some(term.clone()), clause: clause.to_owned(), ..Self::new(code) }
    }

    pub(super) fn with(mut self, name: &str, value: &dyn ToString) -> Self {
        self.parameters.insert(name.to_owned(), value.to_string());
        self
    }

    pub(super) fn with_limit(self, km: Option<i64>) -> Self {
        match km {
            Some(km) => self.with("limit_km", &km),
            None => self,
        }
    }

    pub(super) fn clause(mut self, clause: &str) -> Self {
        clause.clone_into(&mut self.clause);
        self
    }

    /// The reason in words.
    pub fn text(&self) -> Text {
        let value = |name: &str| self.parameters.get(name).map_or("", String::as_str);
        let policy = self.policy.as_ref().map_or("", Code::as_str);
        let term = self.term.as_ref().map_or("", Code::as_str);
        let (last_day, limit, start, date) = (value("last_day"), value("limit_km"), value("start"), value("date"));
        let (until_en, until_zh) = if limit.is_empty() {
            (format!("{last_day} inclusive"), format!("{last_day}（含当日）"))
        } else {
            (format!("{last_day} or {limit} km inclusive"), format!("{last_day}（含当日）或 {limit} 公里（含）"))
        };
        match self.code {
            CoverageCode::Covered => Text::new(
                format!("covered by {policy}, term {term}, until {until_en}, whichever comes first"),
                format!("由 {policy} 条款 {term} 承保，至 {until_zh}，以先到者为准"),
            ),
            CoverageCode::AlsoCovered => Text::new(
                format!("also covered by {policy}, term {term}, until {until_en}"),
                format!("{policy} 条款 {term} 亦承保，至 {until_zh}"),
            ),
            CoverageCode::NoSaleRecord => Text::new(
                "no sale is recorded, so the warranty has no start; record the sale with invoice and delivery date",
                "尚无销售记录，保修起始日无法确定；请登记销售及开票、交付日期",
            ),
            CoverageCode::BeforeWarrantyStart => Text::new(
                format!("the warranty begins on {start}, after {date}"),
                format!("保修自 {start} 起算，晚于 {date}"),
            ),
            CoverageCode::ReturnedVehicle => Text::new(
                format!("the vehicle was taken back on {date} and not sold again since"),
                format!("该车辆已于 {date} 退回，此后未再销售"),
            ),
            CoverageCode::NoPolicy => Text::new("no warranty policy is published", "尚无已发布的保修政策"),
            CoverageCode::ModelNotInPolicy => Text::new(
                format!("{policy} is not for model {}", value("model")),
                format!("{policy} 不适用于车型 {}", value("model")),
            ),
            CoverageCode::NotInForceAtStart => Text::new(
                format!(
                    "{policy} was not in force when the warranty began on {start} and does not serve sold vehicles"
                ),
                format!("保修起始日 {start} 时 {policy} 尚未或不再有效，且不适用于已售车辆"),
            ),
            CoverageCode::Excluded => Text::new(
                format!("{policy} excludes it: {}", value("description")),
                format!("{policy} 明确排除：{}", value("description")),
            ),
            CoverageCode::CategoryNotCovered => Text::new(
                format!("{policy} has no term for category {}", value("category")),
                format!("{policy} 没有针对类别 {} 的条款", value("category")),
            ),
            CoverageCode::UseNotCovered => Text::new(
                format!("term {term} of {policy} is not for vehicles in {} use", value("use")),
                format!("{policy} 条款 {term} 不适用于用途为 {} 的车辆", value("use")),
            ),
            CoverageCode::ExpiredByDate => Text::new(
                format!(
                    "term {term} of {policy} ended on {last_day}, {} months from {start}; {date} is later",
                    value("months")
                ),
                format!(
                    "{policy} 条款 {term} 自 {start} 起 {} 个月，已于 {last_day} 届满，早于 {date}",
                    value("months")
                ),
            ),
            CoverageCode::ExpiredByDistance => Text::new(
                format!("term {term} of {policy} ended at {limit} km; the odometer shows {} km", value("odometer_km")),
                format!("{policy} 条款 {term} 至 {limit} 公里为止，里程表为 {} 公里", value("odometer_km")),
            ),
            CoverageCode::CoveredByCampaign => Text::new(
                format!("covered by campaign {}, whatever the warranty says", value("campaign")),
                format!("由活动 {} 承担，与质保无关", value("campaign")),
            ),
            CoverageCode::NotCoveredByCampaign => Text::new(
                format!("campaign {} does not cover this vehicle on {date}", value("campaign")),
                format!("活动 {} 在 {date} 不适用于该车辆", value("campaign")),
            ),
        }
    }
}
