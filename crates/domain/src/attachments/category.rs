//! What an attachment is for.

use serde::{Deserialize, Serialize};

use crate::text::Text;

/// What a file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Category {
    /// A photo.
    Photo,
    /// An invoice.
    Invoice,
    /// A reading of the fault memory.
    FaultMemory,
    /// A signature of the customer.
    Signature,
    /// The track of a trip.
    Track,
    /// The offer of a vendor.
    Quotation,
    /// A proof that the manufacturer could not deliver.
    StockOutProof,
    /// A report of an examination.
    Report,
    /// Something else.
    Other,
}

impl Category {
    /// Every category.
    pub const ALL: [Category; 9] = [
        Category::Photo,
        Category::Invoice,
        Category::FaultMemory,
        Category::Signature,
        Category::Track,
        Category::Quotation,
        Category::StockOutProof,
        Category::Report,
        Category::Other,
    ];

    /// The word of the category.
    pub fn word(self) -> &'static str {
        match self {
            Category::Photo => "PHOTO",
            Category::Invoice => "INVOICE",
            Category::FaultMemory => "FAULT_MEMORY",
            Category::Signature => "SIGNATURE",
            Category::Track => "TRACK",
            Category::Quotation => "QUOTATION",
            Category::StockOutProof => "STOCK_OUT_PROOF",
            Category::Report => "REPORT",
            Category::Other => "OTHER",
        }
    }

    /// The category of a word, if there is one.
    pub fn from_word(word: &str) -> Option<Category> {
        Category::ALL.into_iter().find(|category| category.word() == word)
    }

    /// What people call it.
    pub fn text(self) -> Text {
        match self {
            Category::Photo => Text::new("photo", "照片"),
            Category::Invoice => Text::new("invoice", "发票"),
            Category::FaultMemory => Text::new("reading of the fault memory", "故障码读数"),
            Category::Signature => Text::new("signature", "签名"),
            Category::Track => Text::new("track of the trip", "行程轨迹"),
            Category::Quotation => Text::new("offer of the vendor", "供应商报价"),
            Category::StockOutProof => Text::new("proof of missing stock", "缺货证明"),
            Category::Report => Text::new("report", "报告"),
            Category::Other => Text::new("other document", "其他材料"),
        }
    }
}
