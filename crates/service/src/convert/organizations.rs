//! What the kinds of master data share: addresses, accounts, rows with dates, words of enums, and values that
//! must be there.

use chrono::NaiveDate;
use recourse_domain::catalog::{Address, BankAccount, Contact, Dated, DatedList};
use recourse_domain::ids::Code;
use recourse_domain::money::{BasisPoints, Hours, Money, Quantity};
use recourse_domain::text::Violation;
use recourse_proto::google::r#type as google;
use recourse_proto::v1;
use uuid::Uuid;

use super::{Reader, claims};

/// Makes new keys.
pub(crate) type NewId<'a> = &'a dyn Fn() -> Uuid;

/// Writes both directions between an enum of the domain and its twin in the contract. Both matches are
/// exhaustive: a new value on either side breaks the build here.
macro_rules! same_words {
    ($($show:ident, $read:ident: $domain:ty = $wire:ty { $($variant:ident),* $(,)? })*) => {$(
        /// The contract's word.
        pub(crate) fn $show(value: $domain) -> $wire {
            match value {
                $(<$domain>::$variant => <$wire>::$variant,)*
            }
        }

        /// The domain's word; none for the unspecified.
        pub(crate) fn $read(value: $wire) -> Option<$domain> {
            match value {
                <$wire>::Unspecified => None,
                $(<$wire>::$variant => Some(<$domain>::$variant),)*
            }
        }
    )*};
}
pub(crate) use same_words;

/// An address.
pub(crate) fn show_address(address: &Address) -> Option<v1::Address> {
    let Address { country, province, city, postal_code, lines } = address.clone();
    (*address != Address::default()).then_some(v1::Address { country, province, city, postal_code, lines })
}

/// An address; an absent one is empty.
pub(crate) fn read_address(address: Option<v1::Address>) -> Address {
    let v1::Address { country, province, city, postal_code, lines } = address.unwrap_or_default();
    Address { country, province, city, postal_code, lines }
}

/// A contact.
pub(crate) fn show_contact(contact: &Contact) -> Option<v1::Contact> {
    let Contact { name, phone, email } = contact.clone();
    (*contact != Contact::default()).then_some(v1::Contact { name, phone, email })
}

/// A contact; an absent one is empty.
pub(crate) fn read_contact(contact: Option<v1::Contact>) -> Contact {
    let v1::Contact { name, phone, email } = contact.unwrap_or_default();
    Contact { name, phone, email }
}

/// A bank account.
pub(crate) fn show_account(account: &BankAccount) -> v1::BankAccount {
    let BankAccount { bank_name, bank_code, holder, number } = account.clone();
    v1::BankAccount { bank_name, bank_code, holder, number }
}

/// A bank account.
pub(crate) fn read_account(account: v1::BankAccount) -> BankAccount {
    let v1::BankAccount { bank_name, bank_code, holder, number } = account;
    BankAccount { bank_name, bank_code, holder, number }
}

/// Codes as texts.
pub(crate) fn codes(codes: &[Code]) -> Vec<String> {
    codes.iter().map(ToString::to_string).collect()
}

/// The public name of a record.
pub(crate) fn name(collection: &str, code: &Code) -> String {
    format!("{collection}/{code}")
}

/// The public name of a record that may be absent.
pub(crate) fn name_or_empty(collection: &str, code: Option<&Code>) -> String {
    code.map(|code| name(collection, code)).unwrap_or_default()
}

/// Public names of records.
pub(crate) fn names(collection: &str, codes: &[Code]) -> Vec<String> {
    codes.iter().map(|code| name(collection, code)).collect()
}

/// A message that is in force for some days.
pub(crate) trait DatedRow {
    /// Key of the row; empty on a new one.
    fn id(&self) -> &str;
    /// First day.
    fn valid_from(&self) -> Option<&google::Date>;
    /// First day without it.
    fn valid_to(&self) -> Option<&google::Date>;
}

macro_rules! dated_rows {
    ($($message:ident),*) => {$(
        impl DatedRow for v1::$message {
            fn id(&self) -> &str {
                &self.id
            }

            fn valid_from(&self) -> Option<&google::Date> {
                self.valid_from.as_ref()
            }

            fn valid_to(&self) -> Option<&google::Date> {
                self.valid_to.as_ref()
            }
        }
    )*};
}
dated_rows!(StationLaborRate, StationGrade, StationMarkup, RecoveryContract, PartPrice, GradeRate, TaxRate);

/// Reads the rows of a dated list. A row without a key is new and gets one; `value` reads what the row holds.
pub(crate) fn read_rows<M: DatedRow, T>(
    reader: &mut Reader,
    field: &str,
    rows: Vec<M>,
    ids: NewId<'_>,
    value: impl Fn(&mut Reader, &str, M) -> Option<T>,
) -> DatedList<T> {
    let mut list = Vec::with_capacity(rows.len());
    for (index, row) in rows.into_iter().enumerate() {
        let at = format!("{field}[{index}]");
        let id = reader.row_id(&format!("{at}.id"), row.id(), ids);
        let valid_from = reader.needed_date(&format!("{at}.valid_from"), row.valid_from());
        let valid_to = reader.date(&format!("{at}.valid_to"), row.valid_to());
        let value = value(reader, &at, row);
        // Whatever is missing was refused above.
        if let (Some(id), Some(valid_from), Some(value)) = (id, valid_from, value) {
            list.push(Dated { id, valid_from, valid_to, value });
        }
    }
    DatedList(list)
}

/// Values that must be there, and those that only master data has.
impl Reader {
    /// The record, if nothing was wrong. `make` answers none only where a value was refused before.
    pub(crate) fn whole<T>(self, make: impl FnOnce() -> Option<T>) -> Result<T, Vec<Violation>> {
        self.finish(())?;
        make().ok_or_else(Vec::new)
    }

    fn needed<T>(&mut self, field: &str, value: Option<T>, given: bool) -> Option<T> {
        if value.is_none() && !given {
            self.refuse(Violation::new(field, "REQUIRED", "must be given", "必填"));
        }
        value
    }

    /// A date that must be there.
    pub(crate) fn needed_date(&mut self, field: &str, value: Option<&google::Date>) -> Option<NaiveDate> {
        let date = self.date(field, value);
        self.needed(field, date, value.is_some())
    }

    /// Money that must be there.
    pub(crate) fn needed_money(&mut self, field: &str, value: Option<&google::Money>) -> Option<Money> {
        let money = self.money(field, value);
        self.needed(field, money, value.is_some())
    }

    /// Hours that must be there.
    pub(crate) fn needed_hours(&mut self, field: &str, value: Option<&google::Decimal>) -> Option<Hours> {
        let hours = self.hours(field, value);
        self.needed(field, hours, value.is_some_and(|value| !value.value.is_empty()))
    }

    /// A quantity that must be there.
    pub(crate) fn needed_quantity(&mut self, field: &str, value: Option<&google::Decimal>) -> Option<Quantity> {
        let quantity = self.quantity(field, value);
        self.needed(field, quantity, value.is_some_and(|value| !value.value.is_empty()))
    }

    /// A public name that must be there.
    pub(crate) fn needed_name(&mut self, field: &str, collection: &str, value: &str) -> Option<Code> {
        let code = self.named(field, collection, value);
        self.needed(field, code, !value.trim().is_empty())
    }

    /// A list of bare codes.
    pub(crate) fn plain_codes(&mut self, field: &str, values: &[String]) -> Vec<Code> {
        let mut codes = Vec::with_capacity(values.len());
        for (index, value) in values.iter().enumerate() {
            codes.extend(self.code(&format!("{field}[{index}]"), value));
        }
        codes
    }

    /// The key of a row: the one that is given, else a new one.
    pub(crate) fn row_id(&mut self, field: &str, value: &str, ids: NewId<'_>) -> Option<Uuid> {
        if value.trim().is_empty() { Some(ids()) } else { self.uuid(field, value) }
    }

    /// A key.
    pub(crate) fn uuid(&mut self, field: &str, value: &str) -> Option<Uuid> {
        let id = Uuid::parse_str(value.trim()).ok();
        if id.is_none() {
            self.refuse(Violation::new(
                field,
                "BAD_FORMAT",
                "is a UUID; leave it empty on a new row",
                "应为 UUID；新增行请留空",
            ));
        }
        id
    }

    /// The key in a public name such as `customers/{uuid}`; an empty name is none.
    pub(crate) fn named_id(&mut self, field: &str, collection: &str, value: &str) -> Option<Uuid> {
        if value.trim().is_empty() {
            return None;
        }
        let id = value.strip_prefix(collection).and_then(|rest| rest.strip_prefix('/'));
        let id = id.and_then(|id| Uuid::parse_str(id).ok());
        if id.is_none() {
            self.refuse(Violation::new(
                field,
                "BAD_NAME",
                format!("a name here is {collection}/{{uuid}}"),
                format!("名称格式应为 {collection}/{{uuid}}"),
            ));
        }
        id
    }

    /// An enum value that may be absent.
    pub(crate) fn optional_choice<P, D>(
        &mut self,
        field: &str,
        value: i32,
        convert: impl Fn(P) -> Option<D>,
    ) -> Option<D>
    where
        P: TryFrom<i32>,
    {
        if value == 0 { None } else { self.choice(field, value, convert) }
    }

    /// A distance in whole kilometres.
    pub(crate) fn distance(&self, value: Option<&v1::Distance>) -> Option<i64> {
        value.map(claims::in_kilometers)
    }

    /// A distance that must be there.
    pub(crate) fn needed_distance(&mut self, field: &str, value: Option<&v1::Distance>) -> Option<i64> {
        let km = self.distance(value);
        self.needed(field, km, value.is_some())
    }
}

/// Basis points of the wire.
pub(crate) fn read_bp(value: i32) -> BasisPoints {
    BasisPoints(i64::from(value))
}
