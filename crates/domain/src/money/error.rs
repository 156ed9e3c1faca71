//! Why an amount can't be computed or read, and what would help.

use super::Currency;
use crate::text::Text;

/// Why an amount can't be computed or read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// The result is larger than the system can hold.
    #[error("the amount is larger than can be held")]
    Overflow,
    /// Two currencies met in one sum.
    #[error("{0} and {1} can't be added; convert one of them at a dated rate first")]
    CurrencyMismatch(Currency, Currency),
    /// No such currency, or one without a minor unit (gold, test codes).
    #[error("not a currency of ISO 4217 with a minor unit")]
    UnknownCurrency,
    /// More decimals than the scale has; they would have to be rounded away.
    #[error("at most {0} decimals")]
    TooManyDecimals(u32),
    /// Not plain digits with an optional sign and point, or units and nanos of different sign.
    #[error("not a number in plain digits")]
    BadNumber,
    /// Shares that are negative or sum to more than the whole.
    #[error("shares are 0 to 100 % and sum to at most 100 %")]
    BadShares,
}

impl MoneyError {
    /// What people are told, with the way out.
    pub fn text(self) -> Text {
        match self {
            MoneyError::Overflow => Text::new(
                "the amount is larger than can be held; write smaller amounts or quantities",
                "金额超出可处理范围；请减小金额或数量",
            ),
            MoneyError::CurrencyMismatch(one, other) => Text::new(
                format!("{one} and {other} can't be added; write all amounts in one currency"),
                format!("{one} 与 {other} 不能相加；请使用同一币种"),
            ),
            MoneyError::UnknownCurrency => Text::new(
                "is not a currency of ISO 4217 with a minor unit; write it like CNY",
                "不是 ISO 4217 货币；请填写如 CNY",
            ),
            MoneyError::TooManyDecimals(most) => Text::new(
                format!("has at most {most} decimals; round it yourself"),
                format!("最多 {most} 位小数；请自行取整"),
            ),
            MoneyError::BadNumber => Text::new("is not a number in plain digits, like 12.34", "应为数字，如 12.34"),
            MoneyError::BadShares => Text::new(
                "shares are 0 to 100 % and sum to at most 100 %; lower one of them",
                "份额应为 0 至 100%，合计不超过 100%；请调低其中之一",
            ),
        }
    }
}
