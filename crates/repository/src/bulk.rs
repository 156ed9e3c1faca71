//! Many rows in few statements.
//!
//! A statement of many rows has a text of its own for each number of rows, and each text is prepared once on
//! each connection and kept. So rows are written in batches of few sizes: any number of rows below a thousand
//! takes at most fifteen statements, of five texts.

use sea_orm::Value;

use crate::error::StoreError;
use crate::sql::{Runs, Sql};

/// Rows of one statement, largest first.
const BATCHES: [usize; 5] = [250, 60, 15, 4, 1];
/// Values of one list, smallest first.
const LISTS: [usize; 4] = [1, 8, 64, 512];

/// Runs `before (…), (…), … after` over all rows; how many rows were written.
pub(crate) async fn write_rows(
    on: &impl Runs,
    before: &str,
    rows: Vec<Vec<Value>>,
    after: &str,
) -> Result<u64, StoreError> {
    let mut written = 0;
    let mut rows = rows.into_iter();
    while let Some(size) = BATCHES.into_iter().find(|size| *size <= rows.len()) {
        let mut sql = Sql::new(before);
        for (index, row) in rows.by_ref().take(size).enumerate() {
            sql.push(if index == 0 { " " } else { ", " }).push_list(row);
        }
        sql.push(after);
        written += sql.execute(on).await?;
    }
    Ok(written)
}

/// A list for `IN`, filled up to one of few lengths by repeating its first value.
pub(crate) fn padded<'v>(values: &[&'v str]) -> Vec<&'v str> {
    let length = LISTS.into_iter().find(|length| *length >= values.len()).unwrap_or(values.len());
    let mut padded = values.to_vec();
    if let Some(first) = values.first() {
        padded.resize(length, first);
    }
    padded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_filled_up_by_its_first_value() {
        assert!(padded(&[]).is_empty());
        assert_eq!(padded(&["a"]), ["a"]);
        assert_eq!(padded(&["a", "b"]), ["a", "b", "a", "a", "a", "a", "a", "a"]);
        assert_eq!(padded(&["a"; 2000]).len(), 2000);
    }

    #[test]
    fn few_batches_write_any_number() {
        for mut rows in 1..1000_usize {
            let mut statements = 0;
            while let Some(size) = BATCHES.into_iter().find(|size| *size <= rows) {
                rows -= size;
                statements += 1;
            }
            assert!(rows == 0 && statements <= 15, "{rows} left after {statements}");
        }
    }
}
