//! Where the contract's messages and the domain's values meet: dull on purpose, and exhaustive, so that a
//! new field breaks the build where it matters.

pub(crate) mod adjudication_rule_sets;
pub(crate) mod appraisals;
pub(crate) mod appraisers;
pub(crate) mod attachments;
pub(crate) mod authorizations;
pub(crate) mod campaign_vehicles;
pub(crate) mod campaigns;
pub(crate) mod claim_notes;
pub(crate) mod claims;
pub(crate) mod corrections;
pub(crate) mod coverage;
pub(crate) mod entitlements;
pub(crate) mod evidence_rules;
pub(crate) mod exchange_rates;
pub(crate) mod failure_codes;
pub(crate) mod goodwill_budgets;
pub(crate) mod labor_operations;
pub(crate) mod names;
pub(crate) mod organizations;
pub(crate) mod part_supplies;
pub(crate) mod parts;
pub(crate) mod policies;
pub(crate) mod recovery_claims;
pub(crate) mod rescue_tariffs;
pub(crate) mod review_queues;
#[cfg(test)]
mod round_trips;
pub(crate) mod settings;
pub(crate) mod share_agreements;
pub(crate) mod stations;
pub(crate) mod suppliers;
pub(crate) mod vehicles;

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use recourse_domain::ids::Code;
use recourse_domain::money::{BasisPoints, Currency, Hours, Money, Quantity};
use recourse_domain::text::{Lang, Violation};
use recourse_proto::google::r#type as google;
use recourse_proto::merge::MergeError;
use recourse_proto::v1::error_reason::Code as Reason;
use recourse_proto::wkt::Timestamp;

use crate::error::{Answer, Refusal};

/// The domain's language for the contract's.
pub(crate) fn lang(lang: recourse_proto::Lang) -> Lang {
    match lang {
        recourse_proto::Lang::En => Lang::En,
        recourse_proto::Lang::ZhCn => Lang::ZhCn,
    }
}

/// The contract's language for the domain's.
pub(crate) fn wire_lang(lang: Lang) -> recourse_proto::Lang {
    match lang {
        Lang::En => recourse_proto::Lang::En,
        Lang::ZhCn => recourse_proto::Lang::ZhCn,
    }
}

/// Violations of the wire in the domain's form.
pub(crate) fn violations(found: Vec<recourse_proto::validate::Violation>) -> Vec<Violation> {
    found
        .into_iter()
        .map(|violation| {
            let text = |lang| violation.rule.text(lang);
            Violation::new(
                violation.field.clone(),
                violation.rule.code(),
                text(recourse_proto::Lang::En),
                text(recourse_proto::Lang::ZhCn),
            )
        })
        .collect()
}

/// The refusal of an update mask, which names the path that is wrong.
pub(crate) fn mask_refusal(error: &MergeError) -> Refusal {
    let mut refusal = Refusal::invalid(vec![Violation::new(
        "update_mask",
        error.code(),
        format!("{}: {}", error.path(), error.text(recourse_proto::Lang::En)),
        format!("{}：{}", error.path(), error.text(recourse_proto::Lang::ZhCn)),
    )]);
    refusal.reason = Reason::InvalidUpdateMask;
    refusal
}

/// The etag of a version. It is opaque to callers and the same for all of them.
pub(crate) fn etag(version: i64) -> String {
    format!("v{version}")
}

/// Refuses an etag that is given and not the present one.
pub(crate) fn check_etag(etag_given: &str, version: i64, name: &str) -> Answer<()> {
    let given = bare(etag_given);
    if given.is_empty() || given == "*" || given == etag(version) { Ok(()) } else { Err(Refusal::stale(name)) }
}

/// Refuses a missing etag, where nobody may act on what they have not read. That it be any version says nothing of
/// what was read either.
pub(crate) fn require_etag(etag_given: &str) -> Answer<()> {
    let given = bare(etag_given);
    if !given.is_empty() && given != "*" {
        return Ok(());
    }
    let (en, zh) = (
        "etag is required here: read the resource and send the etag you read",
        "此操作必须提供 etag：请先读取资源并带上读到的 etag",
    );
    let mut refusal = Refusal::new(Reason::EtagRequired, en, zh);
    refusal.violations = vec![Violation::new("etag", "REQUIRED", en, zh)];
    Err(refusal)
}

/// An etag without what HTTP may write around it.
fn bare(etag: &str) -> &str {
    etag.trim().trim_start_matches("W/").trim_matches('"')
}

/// An instant.
pub(crate) fn timestamp(instant: DateTime<Utc>) -> Option<Timestamp> {
    Some(Timestamp::from(instant))
}

/// A calendar date.
pub(crate) fn date(date: NaiveDate) -> Option<google::Date> {
    Some(google::Date {
        year: date.year(),
        month: i32::try_from(date.month()).unwrap_or_default(),
        day: i32::try_from(date.day()).unwrap_or_default(),
    })
}

/// An amount of money.
pub(crate) fn money(amount: Money) -> Option<google::Money> {
    let (units, nanos) = amount.to_units_nanos();
    Some(google::Money { currency_code: amount.currency.code().to_owned(), units, nanos })
}

/// A quantity in plain digits.
pub(crate) fn quantity(quantity: Quantity) -> Option<google::Decimal> {
    Some(google::Decimal { value: quantity.to_string() })
}

/// Hours in plain digits.
pub(crate) fn hours(hours: Hours) -> Option<google::Decimal> {
    Some(google::Decimal { value: hours.to_string() })
}

/// Basis points.
pub(crate) fn basis_points(share: BasisPoints) -> i32 {
    i32::try_from(share.0).unwrap_or(i32::MAX)
}

/// Text that may be absent, as the contract has it: empty.
pub(crate) fn text<T: ToString>(value: Option<&T>) -> String {
    value.map(ToString::to_string).unwrap_or_default()
}

/// A code is not one.
pub(crate) fn bad_code(field: &str) -> Violation {
    Violation::new(
        field,
        "BAD_CODE",
        "a code is 1 to 40 of A-Z, 0-9, '.', '_' and '-', and begins with a letter or digit",
        "编码为 1 到 40 位，仅含 A-Z、0-9、“.”、“_”、“-”，且以字母或数字开头",
    )
}

/// Reads the values of one message and collects everything that is wrong, instead of stopping at the first.
#[derive(Default)]
pub(crate) struct Reader {
    violations: Vec<Violation>,
}

impl Reader {
    /// Adds a violation.
    pub(crate) fn refuse(&mut self, violation: Violation) {
        self.violations.push(violation);
    }

    /// The value if nothing was wrong.
    pub(crate) fn finish<T>(self, value: T) -> Result<T, Vec<Violation>> {
        if self.violations.is_empty() { Ok(value) } else { Err(self.violations) }
    }

    /// A code that must be there.
    pub(crate) fn code(&mut self, field: &str, value: &str) -> Option<Code> {
        match Code::parse(value) {
            Ok(code) => Some(code),
            Err(_) => {
                self.refuse(bad_code(field));
                None
            }
        }
    }

    /// A code that may be absent.
    pub(crate) fn optional_code(&mut self, field: &str, value: &str) -> Option<Code> {
        if value.trim().is_empty() { None } else { self.code(field, value) }
    }

    /// The code in a public name such as `stations/S-001`; the bare code is understood too.
    pub(crate) fn named(&mut self, field: &str, collection: &str, value: &str) -> Option<Code> {
        if value.trim().is_empty() {
            return None;
        }
        let code = value.strip_prefix(collection).and_then(|rest| rest.strip_prefix('/')).unwrap_or(value);
        self.code(field, code)
    }

    /// A list of codes or public names.
    pub(crate) fn codes(&mut self, field: &str, collection: &str, values: &[String]) -> Vec<Code> {
        values
            .iter()
            .enumerate()
            .filter_map(|(index, value)| self.named(&format!("{field}[{index}]"), collection, value))
            .collect()
    }

    /// A date that may be absent.
    pub(crate) fn date(&mut self, field: &str, value: Option<&google::Date>) -> Option<NaiveDate> {
        let value = value?;
        let (month, day) = (u32::try_from(value.month).ok(), u32::try_from(value.day).ok());
        let date = month.zip(day).and_then(|(month, day)| NaiveDate::from_ymd_opt(value.year, month, day));
        if date.is_none() {
            self.refuse(Violation::new(
                field,
                "BAD_DATE",
                "there is no such day in the calendar; give year, month and day",
                "日历中没有这一天；请给出年、月、日",
            ));
        }
        date
    }

    /// An instant that may be absent.
    pub(crate) fn instant(&mut self, field: &str, value: Option<&Timestamp>) -> Option<DateTime<Utc>> {
        let instant = value?.to_datetime();
        if instant.is_none() {
            self.refuse(Violation::new(field, "BAD_TIME", "the instant is out of range", "时间超出范围"));
        }
        instant
    }

    /// Money that may be absent.
    pub(crate) fn money(&mut self, field: &str, value: Option<&google::Money>) -> Option<Money> {
        let value = value?;
        let read = Currency::parse(&value.currency_code)
            .and_then(|currency| Money::from_units_nanos(currency, value.units, value.nanos));
        match read {
            Ok(money) => Some(money),
            Err(error) => {
                self.refuse(Violation::new(
                    field,
                    "BAD_MONEY",
                    error.to_string(),
                    "金额无效：币种须为 ISO 4217 代码，小数位不得超过该币种的位数",
                ));
                None
            }
        }
    }

    /// A currency that must be there.
    pub(crate) fn currency(&mut self, field: &str, value: &str) -> Option<Currency> {
        match Currency::parse(value) {
            Ok(currency) => Some(currency),
            Err(error) => {
                self.refuse(Violation::new(field, "BAD_CURRENCY", error.to_string(), "币种须为 ISO 4217 代码"));
                None
            }
        }
    }

    /// A quantity that may be absent: up to three decimals.
    pub(crate) fn quantity(&mut self, field: &str, value: Option<&google::Decimal>) -> Option<Quantity> {
        let value = value.filter(|value| !value.value.is_empty())?;
        match Quantity::parse(&value.value) {
            Ok(quantity) => Some(quantity),
            Err(error) => {
                self.refuse(Violation::new(field, "BAD_QUANTITY", error.to_string(), "数量为普通数字，最多三位小数"));
                None
            }
        }
    }

    /// Hours that may be absent: up to two decimals.
    pub(crate) fn hours(&mut self, field: &str, value: Option<&google::Decimal>) -> Option<Hours> {
        let value = value.filter(|value| !value.value.is_empty())?;
        match Hours::parse(&value.value) {
            Ok(hours) => Some(hours),
            Err(error) => {
                self.refuse(Violation::new(field, "BAD_HOURS", error.to_string(), "工时为普通数字，最多两位小数"));
                None
            }
        }
    }

    /// An enum value that must be a known one other than the unspecified.
    pub(crate) fn choice<P, D>(&mut self, field: &str, value: i32, convert: impl Fn(P) -> Option<D>) -> Option<D>
    where
        P: TryFrom<i32>,
    {
        let chosen = P::try_from(value).ok().and_then(convert);
        if chosen.is_none() {
            self.refuse(Violation::new(
                field,
                "REQUIRED",
                "one of the documented values is needed",
                "请填写文档列出的取值之一",
            ));
        }
        chosen
    }
}

/// Text of a field that may be absent: `None` for the empty one.
pub(crate) fn optional_text(value: &str) -> Option<String> {
    let value = value.trim();
    (!value.is_empty()).then(|| value.to_owned())
}

/// A date in a query: `2026-01-31`.
pub(crate) fn query_date(field: &str, value: &str) -> Answer<NaiveDate> {
    NaiveDate::parse_from_str(value, "%Y-%m-%d")
        .map_err(|_| Refusal::field(field, "BAD_DATE", "a date is written like 2026-01-31", "日期格式应为 2026-01-31"))
}
