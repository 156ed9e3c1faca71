//! The shape that all master data shares.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::change::Audience;
use crate::spelling::Spelling;
use crate::text::Violation;

/// Something with a code that an administrator keeps.
///
/// The whole record is stored as one versioned document; what lists filter and order by stands in columns
/// of its own beside it.
pub trait Record: Clone + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// Name of the collection in public names: `stations`.
    const COLLECTION: &'static str;
    /// Name of the table: `station`.
    const TABLE: &'static str;
    /// Columns of the table beside those that every record has, as [`Record::columns`] fills them.
    const FIELDS: &'static [Field];

    /// The code in its public name.
    fn code(&self) -> &str;

    /// Values of the columns named in [`Record::FIELDS`], in their order.
    fn columns(&self) -> Vec<ColumnValue>;

    /// What is wrong with the record as a whole, whatever it was before.
    fn check(&self) -> Vec<Violation>;

    /// What is wrong with the step from `before` to this record: what has been in force stays as it was.
    fn check_change(&self, before: &Self, today: NaiveDate) -> Vec<Violation> {
        let _ = (before, today);
        Vec::new()
    }

    /// Codes of other records that this one names; they must exist.
    fn references(&self) -> Vec<Reference> {
        Vec::new()
    }

    /// Who may follow its changes. `id` is the key of the record's row.
    fn audience(&self, id: Uuid) -> Audience {
        let _ = id;
        Audience::Everyone
    }
}

/// A code of another record, and where it is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// Path of the field that names it.
    pub field: String,
    /// Table of the record that is named.
    pub table: &'static str,
    /// Collection of the record that is named.
    pub collection: &'static str,
    /// Its code.
    pub code: String,
}

/// A field that lists may filter or order by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Name in the contract (`display_name`), and of the column unless [`Field::column`] says otherwise.
    pub name: &'static str,
    /// Name of the column.
    pub column: &'static str,
    /// What it holds.
    pub kind: FieldKind,
    /// Whether `order_by` may name it (then it is never null and has an index).
    pub sortable: bool,
    /// Whether `*` at the end of a string may search by prefix.
    pub prefix: bool,
}

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// Text as it was written, compared byte by byte.
    Text,
    /// Text that is kept in one form. A filter may write it in any that its field may be written in, and the public
    /// name of a thing for its code.
    Spelled(Spelling),
    /// Text that is kept in small letters.
    SmallLetters,
    /// A whole number.
    Integer,
    /// True or false.
    Bool,
    /// A calendar date.
    Date,
    /// An instant.
    Time,
    /// A key.
    Uuid,
}

impl FieldKind {
    /// A code of the trade, or a readable number of ours.
    pub const CODE: FieldKind = FieldKind::Spelled(Spelling::Code);
    /// A VIN.
    pub const VIN: FieldKind = FieldKind::Spelled(Spelling::Vin);
    /// A number of another system.
    pub const NUMBER: FieldKind = FieldKind::Spelled(Spelling::Number);

    /// The code of another thing, whose public names begin with the collection.
    pub const fn code_of(collection: &'static str) -> FieldKind {
        FieldKind::Spelled(Spelling::Named(collection))
    }

    /// Whether it is text.
    pub fn is_text(self) -> bool {
        match self {
            FieldKind::Text | FieldKind::Spelled(_) | FieldKind::SmallLetters => true,
            FieldKind::Integer | FieldKind::Bool | FieldKind::Date | FieldKind::Time | FieldKind::Uuid => false,
        }
    }
}

/// The value of a column. `None` is null, which matches nothing.
#[derive(Clone, Debug, PartialEq)]
pub enum ColumnValue {
    /// Text.
    Text(Option<String>),
    /// A whole number.
    Integer(Option<i64>),
    /// True or false.
    Bool(Option<bool>),
    /// A calendar date.
    Date(Option<NaiveDate>),
    /// An instant.
    Time(Option<DateTime<Utc>>),
    /// A key.
    Uuid(Option<Uuid>),
}

/// A record, or another aggregate, as it stands in the store.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored<T> {
    /// Key of the row.
    pub id: Uuid,
    /// Counts the changes, from 1. The etag is its opaque form.
    pub version: i64,
    /// When it was created.
    pub create_time: DateTime<Utc>,
    /// When it was last changed.
    pub update_time: DateTime<Utc>,
    /// When it was retired; a retired code can't be given to something else.
    pub retire_time: Option<DateTime<Utc>>,
    /// Hash of its newest change row.
    pub head_hash: Vec<u8>,
    /// The thing itself.
    pub value: T,
}
