//! Filters, orders and pages as SQL: conditions on columns of an allow-list, and pages that begin after a
//! row instead of counting rows.

use recourse_domain::catalog::{ColumnValue, FieldKind};
use recourse_domain::query::filter::{Expr, Op};
use recourse_domain::query::order::Order;
use recourse_domain::query::page::{Key, Keys, ListQuery, Page};
use sea_orm::Value;
use uuid::Uuid;

use crate::error::StoreError;
use crate::sql::{IntoValue, Row, Sql};

/// A filter as a condition.
pub(crate) fn condition(expr: &Expr) -> Sql {
    match expr {
        Expr::And(all) => joined(all, " AND "),
        Expr::Or(any) => joined(any, " OR "),
        Expr::Not(inner) => {
            // SQL's own logic keeps what is unknown unmatched: NOT NULL is NULL.
            let mut sql = Sql::new("NOT (");
            sql.append(condition(inner)).push(")");
            sql
        }
        Expr::Compare { column, op, value } => {
            let mut sql = Sql::new(column);
            sql.push(match op {
                Op::Eq => " = ?",
                Op::Ne => " <> ?",
                Op::Lt => " < ?",
                Op::Le => " <= ?",
                Op::Gt => " > ?",
                Op::Ge => " >= ?",
            });
            sql.add(value_of(value));
            sql
        }
        Expr::Prefix { column, prefix } => {
            // A range instead of LIKE: it uses the index and has no pattern to escape.
            let mut sql = Sql::new("(");
            sql.push(column).push(" >= ?").add(prefix);
            if let Some(end) = after_prefix(prefix) {
                sql.push(" AND ").push(column).push(" < ?").add(end);
            }
            sql.push(")");
            sql
        }
        Expr::Present { column } => {
            let mut sql = Sql::new(column);
            sql.push(" IS NOT NULL");
            sql
        }
    }
}

/// The least text that is greater than every text with this prefix.
fn after_prefix(prefix: &str) -> Option<String> {
    let mut chars: Vec<char> = prefix.chars().collect();
    while let Some(last) = chars.pop() {
        let next = (u32::from(last) + 1..=u32::from(char::MAX)).find_map(char::from_u32);
        if let Some(next) = next {
            chars.push(next);
            return Some(chars.into_iter().collect());
        }
    }
    None
}

fn joined(parts: &[Expr], word: &str) -> Sql {
    let mut sql = Sql::new("(");
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            sql.push(word);
        }
        sql.append(condition(part));
    }
    sql.push(")");
    sql
}

/// A value of a column in the ORM's form.
pub(crate) fn value_of(value: &ColumnValue) -> Value {
    match value {
        ColumnValue::Text(text) => text.clone().into_value(),
        ColumnValue::Integer(number) => number.into_value(),
        ColumnValue::Bool(flag) => Value::from(*flag),
        ColumnValue::Date(date) => date.into_value(),
        ColumnValue::Time(instant) => instant.into_value(),
        ColumnValue::Uuid(id) => id.into_value(),
    }
}

/// Adds filter, place and order of a page to a statement that has a WHERE already.
pub(crate) fn page(sql: &mut Sql, query: &ListQuery, key: &str) {
    if let Some(filter) = &query.filter {
        sql.push(" AND ").append(condition(filter));
    }
    let Order { column, descending, .. } = query.order;
    let (sign, direction) = if descending { ("<", "DESC") } else { (">", "ASC") };
    if let Some(Keys { value, id }) = &query.after {
        // A row comparison, which an index answers from its place.
        sql.push(&format!(" AND ({column}, {key}) {sign} (?, ?)"));
        match value {
            Key::Text(text) => sql.add(text),
            Key::Number(number) => sql.add(*number),
        };
        sql.add(*id);
    }
    sql.push(&format!(" ORDER BY {column} {direction}, {key} {direction} LIMIT {}", u64::from(query.page_size) + 1));
}

/// Cuts the one row too many that tells whether there is a next page.
pub(crate) fn cut<T>(
    rows: &[Row],
    query: &ListQuery,
    key: &str,
    read: impl Fn(&Row) -> Result<T, StoreError>,
) -> Result<Page<T>, StoreError> {
    let size = usize::try_from(query.page_size).unwrap_or(usize::MAX);
    let next = if rows.len() > size { rows.get(size.saturating_sub(1)) } else { None };
    let next = next.map(|row| keys(row, &query.order, key)).transpose()?;
    let mut items = Vec::with_capacity(rows.len().min(size));
    for row in rows.iter().take(size) {
        items.push(read(row)?);
    }
    Ok(Page { items, next })
}

fn keys(row: &Row, order: &Order, key: &str) -> Result<Keys, StoreError> {
    let column = order.column.rsplit('.').next().unwrap_or(order.column);
    let value = match order.kind {
        FieldKind::Text | FieldKind::Spelled(_) | FieldKind::SmallLetters | FieldKind::Date => {
            Key::Text(row.get(column)?)
        }
        FieldKind::Integer | FieldKind::Time | FieldKind::Bool => Key::Number(row.get(column)?),
        FieldKind::Uuid => Key::Text(row.get::<Uuid>(column)?.to_string()),
    };
    Ok(Keys { value, id: row.get(key.rsplit('.').next().unwrap_or(key))? })
}
