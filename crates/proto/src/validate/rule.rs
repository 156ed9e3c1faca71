//! The rules and their texts.

use crate::Lang;

/// A rule of the wire, with what the text needs to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// The field must be set.
    Required,
    /// Fewer characters than allowed.
    TooShort {
        /// Fewest characters.
        min: usize,
    },
    /// More characters, or bytes, than allowed.
    TooLong {
        /// Most characters.
        max: usize,
    },
    /// More elements than allowed.
    TooMany {
        /// Most elements.
        max: usize,
    },
    /// Not of the form that the field needs.
    BadFormat {
        /// The form, by example.
        format: &'static str,
    },
    /// A number outside of its limits.
    OutOfRange {
        /// Smallest number.
        min: Option<i64>,
        /// Largest number.
        max: Option<i64>,
    },
    /// A number that is no value of the enum.
    UnknownEnum,
    /// Not a day of the calendar.
    BadDate,
    /// Not an amount of money.
    BadMoney,
    /// Not a plain decimal number.
    BadDecimal,
    /// A control character in text.
    ControlCharacter,
}

impl Rule {
    /// The word for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Required => "REQUIRED",
            Self::TooShort { .. } => "TOO_SHORT",
            Self::TooLong { .. } => "TOO_LONG",
            Self::TooMany { .. } => "TOO_MANY",
            Self::BadFormat { .. } => "BAD_FORMAT",
            Self::OutOfRange { .. } => "OUT_OF_RANGE",
            Self::UnknownEnum => "UNKNOWN_ENUM",
            Self::BadDate => "BAD_DATE",
            Self::BadMoney => "BAD_MONEY",
            Self::BadDecimal => "BAD_DECIMAL",
            Self::ControlCharacter => "CONTROL_CHARACTER",
        }
    }

    /// The sentence for people: the rule and the way out.
    #[must_use]
    pub fn text(&self, lang: Lang) -> String {
        match lang {
            Lang::En => self.english(),
            Lang::ZhCn => self.chinese(),
        }
    }

    fn english(&self) -> String {
        match self {
            Self::Required => "is required; give it a value".to_owned(),
            Self::TooShort { min } => format!("is too short; give at least {min} characters"),
            Self::TooLong { max } => format!("is too long; shorten it to {max} characters"),
            Self::TooMany { max } => format!("has too many elements; send at most {max}"),
            Self::BadFormat { format } => format!("has the wrong form; write it as {format}"),
            Self::OutOfRange { min: Some(min), max: Some(max) } => format!("is out of range; choose a number from {min} to {max}"),
            Self::OutOfRange { min: Some(min), max: None } => format!("is out of range; choose a number of at least {min}"),
            Self::OutOfRange { min: None, max: Some(max) } => format!("is out of range; choose a number of at most {max}"),
            Self::OutOfRange { min: None, max: None } => "is out of range; choose a finite number".to_owned(),
            Self::UnknownEnum => "is not a value of this enumeration; use one that the API reference lists".to_owned(),
            Self::BadDate => "is not a day of the calendar; give year, month and day".to_owned(),
            Self::BadMoney => "is not an amount of money; give a currency code of three capital letters, and units and nanos of the same sign".to_owned(),
            Self::BadDecimal => "is not a decimal number; write plain digits such as 12.5, at most 15 before and 6 after the point".to_owned(),
            Self::ControlCharacter => "contains a control character; remove it".to_owned(),
        }
    }

    fn chinese(&self) -> String {
        match self {
            Self::Required => "为必填项，请填写".to_owned(),
            Self::TooShort { min } => format!("过短，请至少填写 {min} 个字符"),
            Self::TooLong { max } => format!("过长，请缩短至 {max} 个字符以内"),
            Self::TooMany { max } => format!("元素过多，最多 {max} 个"),
            Self::BadFormat { format } => format!("格式不正确，请按 {format} 的格式填写"),
            Self::OutOfRange { min: Some(min), max: Some(max) } => format!("超出范围，请填写 {min} 到 {max} 之间的数"),
            Self::OutOfRange { min: Some(min), max: None } => format!("超出范围，请填写不小于 {min} 的数"),
            Self::OutOfRange { min: None, max: Some(max) } => format!("超出范围，请填写不大于 {max} 的数"),
            Self::OutOfRange { min: None, max: None } => "超出范围，请填写有限的数".to_owned(),
            Self::UnknownEnum => "不是有效的枚举值，请使用接口文档列出的值".to_owned(),
            Self::BadDate => "不是有效的日期，请填写年、月、日".to_owned(),
            Self::BadMoney => "不是有效的金额，请填写三位大写货币代码，且 units 与 nanos 符号一致".to_owned(),
            Self::BadDecimal => "不是有效的小数，请填写普通数字，例如 12.5，小数点前最多 15 位、后最多 6 位".to_owned(),
            Self::ControlCharacter => "含有控制字符，请删除".to_owned(),
        }
    }
}
