//! Texts for people, in the two languages of the trade here, and the one form of a refused input.

use serde::{Deserialize, Serialize};

/// A language that every text exists in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum Lang {
    /// English.
    #[default]
    En,
    /// Simplified Chinese.
    ZhCn,
}

impl Lang {
    /// The tag of the language (BCP 47).
    pub fn tag(self) -> &'static str {
        match self {
            Lang::En => "en",
            Lang::ZhCn => "zh-CN",
        }
    }
}

/// One text in both languages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Text {
    /// English.
    pub en: String,
    /// Simplified Chinese.
    pub zh_cn: String,
}

impl Text {
    /// Both forms of one text.
    pub fn new(en: impl Into<String>, zh_cn: impl Into<String>) -> Self {
        Self { en: en.into(), zh_cn: zh_cn.into() }
    }

    /// The form in a language.
    pub fn in_lang(&self, lang: Lang) -> &str {
        match lang {
            Lang::En => &self.en,
            Lang::ZhCn => &self.zh_cn,
        }
    }
}

/// A field of an input that breaks a rule: which field, which rule, and the way out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Path of the field in the contract's own spelling: `prices[1].valid_to`.
    pub field: String,
    /// Stable name of the rule, upper snake case: `OVERLAP`.
    pub rule: &'static str,
    /// What is wrong and what would help.
    pub text: Text,
}

impl Violation {
    /// A violation of `rule` at `field`.
    pub fn new(field: impl Into<String>, rule: &'static str, en: impl Into<String>, zh_cn: impl Into<String>) -> Self {
        Self { field: field.into(), rule, text: Text::new(en, zh_cn) }
    }

    /// The same violation seen from the message that holds the record.
    #[must_use]
    pub fn under(mut self, parent: &str) -> Self {
        self.field = format!("{parent}.{}", self.field);
        self
    }
}
