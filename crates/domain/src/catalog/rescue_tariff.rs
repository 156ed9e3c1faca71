//! Rescue tariffs: what help on the road is paid, from a day on.
//!
//! Like a setting a tariff in force never changes, so that a payment can be retraced: it is ended, and another
//! one follows it.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::common::{Checks, coded, date, text, text_value, title, title_value};
use super::record::{ColumnValue, Field, Record};
use crate::ids::Code;
use crate::money::{BasisPoints, Currency, Money};
use crate::text::Violation;

/// Minutes without a point of the track that ask for evidence, unless a tariff says otherwise.
pub const GAP_MINUTES: i32 = 10;
/// Kilometres without a point of the track that ask for evidence, unless a tariff says otherwise.
pub const GAP_KM: i64 = 5;

/// What help on the road is paid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RescueTariff {
    /// Its code: `R-2026`.
    pub code: Code,
    /// Name.
    pub display_name: String,
    /// Currency of all its amounts.
    pub currency: Currency,
    /// First day on which it is in force.
    pub valid_from: NaiveDate,
    /// First day on which it is not in force any more.
    pub valid_to: Option<NaiveDate>,
    /// What trips are paid.
    pub rates: Vec<RescueRate>,
    /// Kilometres are paid there and back.
    pub both_ways: bool,
    /// What one trip is paid at most.
    pub trip_cap: Option<Money>,
    /// What towing is paid at most.
    pub towing_cap: Option<Money>,
    /// So much longer than track and map may a distance be; none: what the settings say.
    pub distance_tolerance: Option<BasisPoints>,
    /// Minutes without a point that ask for evidence.
    pub gap_minutes: i32,
    /// Kilometres without a point that ask for evidence.
    pub gap_km: i64,
    /// When it is night; none: nobody checks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub night_hours: Option<NightHours>,
    /// Its key in the system of whoever created it.
    pub external_ref: String,
}

/// When it is night, in minutes of the day where the deployment is. The night may end the next morning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NightHours {
    /// When it begins.
    pub from_minute: u32,
    /// When it ends.
    pub to_minute: u32,
}

impl NightHours {
    /// Reads `22:00` and `06:00`.
    pub fn parse(from: &str, to: &str) -> Option<Self> {
        let minute = |text: &str| {
            let time = chrono::NaiveTime::parse_from_str(text, "%H:%M").ok()?;
            Some(time.signed_duration_since(chrono::NaiveTime::MIN).num_minutes())
                .and_then(|minute| u32::try_from(minute).ok())
        };
        let night = Self { from_minute: minute(from)?, to_minute: minute(to)? };
        (night.from_minute != night.to_minute).then_some(night)
    }

    /// Whether a minute of the day is one of the night.
    pub fn holds(self, minute: u32) -> bool {
        if self.from_minute < self.to_minute {
            (self.from_minute..self.to_minute).contains(&minute)
        } else {
            minute >= self.from_minute || minute < self.to_minute
        }
    }

    /// The beginning and the end as they are written.
    pub fn texts(self) -> (String, String) {
        let text = |minute: u32| format!("{:02}:{:02}", minute / 60, minute % 60);
        (text(self.from_minute), text(self.to_minute))
    }
}

/// What one sort of trip is paid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RescueRate {
    /// For the second trip to one vehicle and later ones.
    pub repeat_trip: bool,
    /// For trips by night.
    pub night: bool,
    /// For trips with a hired vehicle.
    pub hired_vehicle: bool,
    /// Prices by distance, the nearest first.
    pub bands: Vec<DistanceBand>,
    /// What an hour of one person is paid.
    pub hourly_rate: Option<Money>,
}

/// A range of distances and its price.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DistanceBand {
    /// The last kilometre of the band; none: no end.
    pub to_km: Option<i64>,
    /// What a kilometre of it is paid.
    pub price_per_km: Money,
}

impl RescueTariff {
    /// The tariff in force on a day in a currency: of several the one that began last.
    pub fn on(tariffs: &[RescueTariff], day: NaiveDate, currency: Currency) -> Option<&RescueTariff> {
        tariffs
            .iter()
            .filter(|tariff| {
                tariff.currency == currency && tariff.valid_from <= day && tariff.valid_to.is_none_or(|end| day < end)
            })
            .max_by(|one, other| (one.valid_from, &one.code).cmp(&(other.valid_from, &other.code)))
    }

    /// The rate of a sort of trip.
    pub fn rate(&self, repeat_trip: bool, night: bool, hired_vehicle: bool) -> Option<&RescueRate> {
        self.rates
            .iter()
            .find(|rate| (rate.repeat_trip, rate.night, rate.hired_vehicle) == (repeat_trip, night, hired_vehicle))
    }

    fn amounts(&self) -> Vec<(String, Money)> {
        let mut amounts = Vec::new();
        amounts.extend(self.trip_cap.map(|cap| ("trip_cap".to_owned(), cap)));
        amounts.extend(self.towing_cap.map(|cap| ("towing_cap".to_owned(), cap)));
        for (index, rate) in self.rates.iter().enumerate() {
            amounts.extend(rate.hourly_rate.map(|hourly| (format!("rates[{index}].hourly_rate"), hourly)));
            for (at, band) in rate.bands.iter().enumerate() {
                amounts.push((format!("rates[{index}].bands[{at}].price_per_km"), band.price_per_km));
            }
        }
        amounts
    }
}

impl Record for RescueTariff {
    const COLLECTION: &'static str = "rescueTariffs";
    const TABLE: &'static str = "rescue_tariff";
    const FIELDS: &'static [Field] = &[
        title("display_name"),
        coded("currency"),
        date("valid_from", true),
        date("valid_to", false),
        text("external_ref"),
    ];

    fn code(&self) -> &str {
        self.code.as_str()
    }

    fn columns(&self) -> Vec<ColumnValue> {
        vec![
            title_value(&self.display_name),
            text_value(self.currency.code()),
            ColumnValue::Date(Some(self.valid_from)),
            ColumnValue::Date(self.valid_to),
            text_value(&self.external_ref),
        ]
    }

    fn check(&self) -> Vec<Violation> {
        let mut checks = Checks::default();
        checks.filled(&self.display_name, "display_name");
        checks.lasts(self.valid_from, self.valid_to);
        checks.must(!self.rates.is_empty(), "rates", "REQUIRED", "a tariff pays something", "至少应有一条费率");
        for (field, amount) in self.amounts() {
            checks.not_negative(Some(amount), &field);
            let holds = amount.currency == self.currency;
            checks.must(holds, &field, "CURRENCY", "must be in the tariff's currency", "币种必须与费率表一致");
        }
        let sorts: Vec<_> = self.rates.iter().map(|rate| (rate.repeat_trip, rate.night, rate.hired_vehicle)).collect();
        checks.distinct(&sorts, "rates");
        for (index, rate) in self.rates.iter().enumerate() {
            let field = format!("rates[{index}].bands");
            checks.must(!rate.bands.is_empty(), &field, "REQUIRED", "names no price", "未列明单价");
            let ends: Vec<i64> = rate.bands.iter().map(|band| band.to_km.unwrap_or(i64::MAX)).collect();
            let rising = ends.windows(2).all(|pair| pair[0] < pair[1]) && ends.first().is_none_or(|end| *end > 0);
            checks.must(
                rising && ends.last().is_none_or(|end| *end == i64::MAX),
                &field,
                "OUT_OF_ORDER",
                "bands rise, and the last one has no end",
                "区间应递增，且最后一个区间不设上限",
            );
        }
        if let Some(tolerance) = self.distance_tolerance {
            checks.share(tolerance, "distance_tolerance_bp");
        }
        checks.found()
    }

    fn check_change(&self, before: &Self, today: NaiveDate) -> Vec<Violation> {
        let mut checks = Checks::default();
        let frozen = Self {
            display_name: self.display_name.clone(),
            valid_to: self.valid_to,
            external_ref: self.external_ref.clone(),
            ..before.clone()
        };
        let past = |end: Option<NaiveDate>| end.is_some_and(|end| end < today);
        let in_force = before.valid_from <= today;
        checks.must(
            !in_force || *self == frozen,
            "rates",
            "TARIFF_IN_FORCE",
            "a tariff that is in force stays as it is; end it with valid_to and create the next one",
            "已生效的费率表不能修改；请设置 valid_to 终止并新建",
        );
        checks.must(
            !in_force || self.valid_to == before.valid_to || (!past(self.valid_to) && !past(before.valid_to)),
            "valid_to",
            "PAST_END",
            "the end of a tariff in force can only move among days that have not come",
            "已生效费率表的失效日只能在今天及以后调整",
        );
        checks.found()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    fn cny(minor: i64) -> Money {
        Money::new(Currency::CNY, minor)
    }

    /// 3.00 a kilometre up to 50 km and 2.00 beyond, there and back; 60.00 an hour; at most 2,000.00.
    pub(crate) fn tariff() -> RescueTariff {
        let bands = vec![
            DistanceBand { to_km: Some(50), price_per_km: cny(300) },
            DistanceBand { to_km: None, price_per_km: cny(200) },
        ];
        let rate = |repeat_trip, night| RescueRate {
            repeat_trip,
            night,
            hired_vehicle: false,
            bands: bands.clone(),
            hourly_rate: Some(cny(if night { 9_000 } else { 6_000 })),
        };
        RescueTariff {
            code: Code::fixed("R-2026"),
            display_name: "rescue".to_owned(),
            currency: Currency::CNY,
            valid_from: "2026-01-01".parse().unwrap(),
            valid_to: None,
            rates: vec![rate(false, false), rate(false, true), rate(true, false)],
            both_ways: true,
            trip_cap: Some(cny(200_000)),
            towing_cap: Some(cny(80_000)),
            distance_tolerance: Some(BasisPoints(1_000)),
            gap_minutes: 10,
            gap_km: 5,
            night_hours: NightHours::parse("22:00", "06:00"),
            external_ref: String::new(),
        }
    }

    #[test]
    fn a_night_may_end_the_next_morning() {
        let night = NightHours::parse("22:00", "06:00").unwrap();
        assert_eq!(night.texts(), ("22:00".to_owned(), "06:00".to_owned()));
        for (minute, holds) in [(1_319, false), (1_320, true), (1_439, true), (0, true), (359, true), (360, false)] {
            assert_eq!(night.holds(minute), holds, "{minute}");
        }
        let early = NightHours::parse("01:00", "05:00").unwrap();
        assert!(early.holds(60) && !early.holds(300) && !early.holds(0));
        for (from, to) in [("", ""), ("22:00", ""), ("24:00", "06:00"), ("6", "7"), ("06:00", "06:00")] {
            assert_eq!(NightHours::parse(from, to), None, "{from} {to}");
        }
    }

    fn rules(violations: Vec<Violation>) -> Vec<&'static str> {
        violations.into_iter().map(|violation| violation.rule).collect()
    }

    #[test]
    fn bands_rise_to_one_without_an_end_in_one_currency() {
        assert_eq!(tariff().check(), []);
        let mut wrong = tariff();
        wrong.rates[0].bands.swap(0, 1);
        assert_eq!(rules(wrong.check()), ["OUT_OF_ORDER"]);
        let mut wrong = tariff();
        wrong.rates[1].night = false;
        wrong.towing_cap = Some(Money::new(Currency::parse("EUR").unwrap(), 1));
        assert_eq!(rules(wrong.check()), ["CURRENCY", "DUPLICATE"]);
    }

    #[test]
    fn the_newest_that_is_in_force_counts() {
        let old = RescueTariff { code: Code::fixed("R-2025"), valid_from: "2025-01-01".parse().unwrap(), ..tariff() };
        let both = [tariff(), old];
        let on =
            |day: &str| RescueTariff::on(&both, day.parse().unwrap(), Currency::CNY).map(|tariff| tariff.code.as_str());
        assert_eq!((on("2024-12-31"), on("2025-12-31"), on("2026-01-01")), (None, Some("R-2025"), Some("R-2026")));
        assert_eq!(RescueTariff::on(&both, "2026-02-01".parse().unwrap(), Currency::parse("EUR").unwrap()), None);
    }

    #[test]
    fn a_tariff_in_force_is_ended_and_not_changed() {
        let today: NaiveDate = "2026-06-01".parse().unwrap();
        let ended = RescueTariff { valid_to: Some("2026-07-01".parse().unwrap()), ..tariff() };
        assert_eq!(ended.check_change(&tariff(), today), []);
        let dearer = RescueTariff { both_ways: false, ..tariff() };
        assert_eq!(rules(dearer.check_change(&tariff(), today)), ["TARIFF_IN_FORCE"]);
        let rewound = RescueTariff { valid_to: Some("2026-05-01".parse().unwrap()), ..tariff() };
        assert_eq!(rules(rewound.check_change(&tariff(), today)), ["PAST_END"]);
        let planned = RescueTariff { valid_from: "2026-09-01".parse().unwrap(), ..tariff() };
        assert_eq!(RescueTariff { both_ways: false, ..planned.clone() }.check_change(&planned, today), []);
    }
}
