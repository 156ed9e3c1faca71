//! The chart of accounts.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::claims::Kind;
use crate::text::Text;

/// An account of the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Account {
    /// What warranty costs, by kind of claim.
    WarrantyExpense(Kind),
    /// What goodwill costs.
    GoodwillExpense,
    /// Recoveries given up after they were confirmed.
    RecoveryWaivedExpense,
    /// What appraisers charge.
    AppraisalExpense,
    /// Owed to stations, not yet on an invoice.
    StationAccrued,
    /// Owed to stations on verified invoices.
    StationPayable,
    /// Owed by stations.
    StationReceivable,
    /// Owed to appraisers, not yet on an invoice.
    AppraiserAccrued,
    /// Confirmed by suppliers, not yet on a statement.
    SupplierRecoverable,
    /// Owed by suppliers on statements.
    SupplierReceivable,
    /// What suppliers bear.
    RecoveryIncome,
    /// What used parts bring.
    UsedPartsIncome,
    /// Tax that others charge.
    TaxInput,
    /// Tax that is charged to others.
    TaxOutput,
    /// Payments under way.
    CashClearing,
}

/// A side of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// Debit.
    Debit,
    /// Credit.
    Credit,
}

/// Whose sub-accounts an account has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SubAccounts {
    /// None.
    None,
    /// One per station.
    Station,
    /// One per supplier.
    Supplier,
    /// One per appraiser.
    Appraiser,
}

/// A text that is the code of no account.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no account has the code {0:?}")]
pub struct UnknownAccount(pub String);

impl Account {
    /// The chart of accounts.
    pub fn all() -> Vec<Account> {
        let mut accounts: Vec<Account> = Kind::ALL.into_iter().map(Account::WarrantyExpense).collect();
        accounts.extend([
            Account::GoodwillExpense,
            Account::RecoveryWaivedExpense,
            Account::AppraisalExpense,
            Account::StationAccrued,
            Account::StationPayable,
            Account::StationReceivable,
            Account::AppraiserAccrued,
            Account::SupplierRecoverable,
            Account::SupplierReceivable,
            Account::RecoveryIncome,
            Account::UsedPartsIncome,
            Account::TaxInput,
            Account::TaxOutput,
            Account::CashClearing,
        ]);
        accounts
    }

    /// The account's code: `expense:warranty:warranty-repair`.
    pub fn code(self) -> &'static str {
        match self {
            Account::WarrantyExpense(Kind::WarrantyRepair) => "expense:warranty:warranty-repair",
            Account::WarrantyExpense(Kind::RunningInMaintenance) => "expense:warranty:running-in-maintenance",
            Account::WarrantyExpense(Kind::CompensationAppraisal) => "expense:warranty:compensation-appraisal",
            Account::WarrantyExpense(Kind::RoadsideRescue) => "expense:warranty:roadside-rescue",
            Account::WarrantyExpense(Kind::ExternalPurchase) => "expense:warranty:external-purchase",
            Account::WarrantyExpense(Kind::MajorAssembly) => "expense:warranty:major-assembly",
            Account::GoodwillExpense => "expense:goodwill",
            Account::RecoveryWaivedExpense => "expense:recovery-waived",
            Account::AppraisalExpense => "expense:appraisal",
            Account::StationAccrued => "liability:station-accrued",
            Account::StationPayable => "liability:station-payable",
            Account::StationReceivable => "asset:station-receivable",
            Account::AppraiserAccrued => "liability:appraiser-accrued",
            Account::SupplierRecoverable => "asset:supplier-recoverable",
            Account::SupplierReceivable => "asset:supplier-receivable",
            Account::RecoveryIncome => "income:recovery",
            Account::UsedPartsIncome => "income:used-parts",
            Account::TaxInput => "tax:input",
            Account::TaxOutput => "tax:output",
            Account::CashClearing => "asset:cash-clearing",
        }
    }

    /// The account of a code.
    pub fn parse(code: &str) -> Result<Self, UnknownAccount> {
        Account::all().into_iter().find(|account| account.code() == code).ok_or_else(|| UnknownAccount(code.to_owned()))
    }

    /// The side on which it grows.
    pub fn normal_side(self) -> Side {
        match self {
            Account::WarrantyExpense(_)
            | Account::GoodwillExpense
            | Account::RecoveryWaivedExpense
            | Account::AppraisalExpense
            | Account::StationReceivable
            | Account::SupplierRecoverable
            | Account::SupplierReceivable
            | Account::TaxInput
            | Account::CashClearing => Side::Debit,
            Account::StationAccrued
            | Account::StationPayable
            | Account::AppraiserAccrued
            | Account::RecoveryIncome
            | Account::UsedPartsIncome
            | Account::TaxOutput => Side::Credit,
        }
    }

    /// Whose sub-accounts it has.
    pub fn sub_accounts(self) -> SubAccounts {
        match self {
            Account::WarrantyExpense(_)
            | Account::GoodwillExpense
            | Account::StationAccrued
            | Account::StationPayable
            | Account::StationReceivable
            | Account::UsedPartsIncome => SubAccounts::Station,
            Account::RecoveryWaivedExpense
            | Account::SupplierRecoverable
            | Account::SupplierReceivable
            | Account::RecoveryIncome => SubAccounts::Supplier,
            Account::AppraisalExpense | Account::AppraiserAccrued => SubAccounts::Appraiser,
            Account::TaxInput | Account::TaxOutput | Account::CashClearing => SubAccounts::None,
        }
    }

    /// What it is called.
    pub fn title(self) -> Text {
        match self {
            Account::WarrantyExpense(Kind::WarrantyRepair) => {
                Text::new("warranty expense: repairs", "保修费用：保修维修")
            }
            Account::WarrantyExpense(Kind::RunningInMaintenance) => {
                Text::new("warranty expense: running-in maintenance", "保修费用：走合保养")
            }
            Account::WarrantyExpense(Kind::CompensationAppraisal) => {
                Text::new("warranty expense: compensation", "保修费用：赔偿鉴定")
            }
            Account::WarrantyExpense(Kind::RoadsideRescue) => {
                Text::new("warranty expense: roadside rescue", "保修费用：外出急救")
            }
            Account::WarrantyExpense(Kind::ExternalPurchase) => {
                Text::new("warranty expense: external purchase", "保修费用：外购")
            }
            Account::WarrantyExpense(Kind::MajorAssembly) => {
                Text::new("warranty expense: major assemblies", "保修费用：大总成")
            }
            Account::GoodwillExpense => Text::new("goodwill expense", "善意补偿费用"),
            Account::RecoveryWaivedExpense => Text::new("recoveries waived", "追偿豁免"),
            Account::AppraisalExpense => Text::new("appraisal fees", "鉴定费用"),
            Account::StationAccrued => Text::new("accrued to stations", "应付服务站（暂估）"),
            Account::StationPayable => Text::new("payable to stations", "应付服务站"),
            Account::StationReceivable => Text::new("receivable from stations", "应收服务站"),
            Account::AppraiserAccrued => Text::new("accrued to appraisers", "应付鉴定机构（暂估）"),
            Account::SupplierRecoverable => Text::new("recoverable from suppliers", "应收供应商（已确认）"),
            Account::SupplierReceivable => Text::new("receivable from suppliers", "应收供应商"),
            Account::RecoveryIncome => Text::new("recovery income", "追偿收入"),
            Account::UsedPartsIncome => Text::new("income from used parts", "旧件收入"),
            Account::TaxInput => Text::new("input tax", "进项税"),
            Account::TaxOutput => Text::new("output tax", "销项税"),
            Account::CashClearing => Text::new("cash clearing", "资金清算"),
        }
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl TryFrom<String> for Account {
    type Error = UnknownAccount;

    fn try_from(code: String) -> Result<Self, UnknownAccount> {
        Self::parse(&code)
    }
}

impl From<Account> for String {
    fn from(account: Account) -> Self {
        account.code().to_owned()
    }
}
