//! What a list shows of a claim, as one value of its row.
//!
//! A page of fifty claims read by columns is fourteen hundred values, and taking those apart costs more than finding
//! the rows. So the head stands a second time in a column of its own: its fields in a fixed order with U+001F between
//! them, and nothing for what is absent. It is written with every version of the claim. A row without one, or with one of
//! another form, is read once more, with its document.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;

use chrono::{DateTime, NaiveDate, Utc};
use recourse_domain::catalog::Stored;
use recourse_domain::claims::{Claim, ClaimHead, Kind, StateWord};
use recourse_domain::ids::{OrgId, UserId};
use recourse_domain::money::MoneyError;
use uuid::Uuid;

use crate::error::StoreError;
use crate::sql::{Row, date_of, date_text};

/// The form of the value; the first field says it.
const FORM: &str = "1";
const SEPARATOR: u8 = 0x1f;

/// What a list reads, in the order in which [`head`] takes it. The place in the list's order is added to it.
pub(crate) const COLUMNS: &str = "id, version, create_time, update_time, head";

/// Whether a row has a head that is read: older rows have none until they change, and are read from their documents.
pub(crate) fn is_read(row: &Row) -> Result<bool, StoreError> {
    let head: Option<String> = row.get("head")?;
    Ok(head.is_some_and(|head| is_of_form(&head)))
}

/// The head as a value; nothing if a field could be taken for something else.
pub(crate) fn packed(head: &ClaimHead) -> Option<String> {
    let mut out = Packing { text: FORM.to_owned(), is_plain: true };
    out.put(&head.number);
    out.put(head.station_id.0);
    out.put(&head.station);
    out.put(head.kind.word());
    out.put(head.state.word());
    out.put_text(head.vin.as_deref());
    out.put_text(head.causal_part.as_deref());
    out.put_text(head.failure_code.as_deref());
    out.put_text(head.campaign.as_deref());
    out.put_text(head.external_ref.as_deref());
    out.put_text(head.external_repair_order.as_deref());
    out.put_text(head.external_job.as_deref());
    out.put_if(head.complaint_date.map(date_text));
    out.put_if(head.repair_completion_date.map(date_text));
    out.put_if(head.submit_time.map(|time| time.timestamp_micros()));
    out.put_if(head.first_submit_time.map(|time| time.timestamp_micros()));
    out.put_if(head.review_due_time.map(|time| time.timestamp_micros()));
    out.put_if(head.answer_due_time.map(|time| time.timestamp_micros()));
    out.put_if(head.auditor.map(|user| user.0));
    out.put(&head.currency);
    out.put(head.requested_minor);
    out.put(head.computed_minor);
    out.put(head.approved_minor);
    out.put(head.revision);
    out.put_if(head.odometer_in_km);
    out.put_text(head.queue.as_deref());
    out.put_text(head.open_appeal.as_deref());
    out.is_plain.then_some(out.text)
}

struct Packing {
    text: String,
    /// Whether each field will be read as it was written.
    is_plain: bool,
}

impl Packing {
    fn put(&mut self, value: impl Display) {
        use std::fmt::Write;
        self.text.push(char::from(SEPARATOR));
        let from = self.text.len();
        // Writing to a string can't fail.
        self.is_plain &= write!(self.text, "{value}").is_ok();
        self.is_plain &= !self.text.get(from..).is_some_and(|written| written.contains(char::from(SEPARATOR)));
    }

    fn put_if(&mut self, value: Option<impl Display>) {
        match value {
            Some(value) => self.put(value),
            None => self.text.push(char::from(SEPARATOR)),
        }
    }

    /// An empty text would come back as absent.
    fn put_text(&mut self, value: Option<&str>) {
        self.is_plain &= value != Some("");
        self.put_if(value);
    }
}

/// A claim's head from a row of [`COLUMNS`]; without a value if it must be read from the document.
pub(crate) fn head(row: &Row) -> Result<Stored<Option<ClaimHead>>, StoreError> {
    let mut columns = row.in_order();
    let (id, version) = (columns.next()?, columns.next()?);
    let (create_time, update_time) = (columns.instant()?, columns.instant()?);
    let packed: Option<String> = columns.next()?;
    let value = match packed.as_deref().filter(|packed| is_of_form(packed)) {
        Some(packed) => {
            let head = unpacked(packed).ok_or_else(|| row.corrupt("head", format!("{packed:?} is no head")))?;
            Some(head)
        }
        None => None,
    };
    Ok(Stored { id, version, create_time, update_time, retire_time: None, head_hash: Vec::new(), value })
}

/// The head, if need be from the claim that was read again as a whole; nothing if the claim is not there any more.
pub(crate) fn complete(
    read: Stored<Option<ClaimHead>>,
    whole: &BTreeMap<Uuid, Stored<Claim>>,
) -> Result<Option<Stored<ClaimHead>>, StoreError> {
    let Stored { id, version, create_time, update_time, retire_time, head_hash, value } = read;
    if let Some(value) = value {
        return Ok(Some(Stored { id, version, create_time, update_time, retire_time, head_hash, value }));
    }
    let Some(claim) = whole.get(&id) else { return Ok(None) };
    let index = claim.value.index();
    let index = index.map_err(|error: MoneyError| StoreError::corrupt("claim", "body", id, error))?;
    Ok(Some(Stored {
        id,
        version: claim.version,
        create_time: claim.create_time,
        update_time: claim.update_time,
        retire_time,
        head_hash,
        value: index.head,
    }))
}

fn is_of_form(packed: &str) -> bool {
    packed.strip_prefix(FORM).is_some_and(|rest| rest.as_bytes().first() == Some(&SEPARATOR))
}

fn unpacked(text: &str) -> Option<ClaimHead> {
    let mut fields = Fields(Some(text));
    if fields.next()? != FORM {
        return None;
    }
    let head = ClaimHead {
        number: fields.next()?.to_owned(),
        station_id: OrgId(Uuid::parse_str(fields.next()?).ok()?),
        station: fields.next()?.to_owned(),
        kind: Kind::from_word(fields.next()?)?,
        state: StateWord::from_word(fields.next()?)?,
        vin: fields.text()?,
        causal_part: fields.text()?,
        failure_code: fields.text()?,
        campaign: fields.text()?,
        external_ref: fields.text()?,
        external_repair_order: fields.text()?,
        external_job: fields.text()?,
        complaint_date: fields.date()?,
        repair_completion_date: fields.date()?,
        submit_time: fields.instant()?,
        first_submit_time: fields.instant()?,
        review_due_time: fields.instant()?,
        answer_due_time: fields.instant()?,
        auditor: fields.parsed::<Uuid>()?.map(UserId),
        currency: fields.next()?.to_owned(),
        requested_minor: fields.next()?.parse().ok()?,
        computed_minor: fields.next()?.parse().ok()?,
        approved_minor: fields.next()?.parse().ok()?,
        revision: fields.next()?.parse().ok()?,
        odometer_in_km: fields.parsed()?,
        queue: fields.text()?,
        open_appeal: fields.text()?,
    };
    fields.0.is_none().then_some(head)
}

/// The fields of a head. Each reader answers `None` for one that is not there or can't be read, and `Some(None)` for one that
/// is absent.
struct Fields<'t>(Option<&'t str>);

impl<'t> Fields<'t> {
    fn next(&mut self) -> Option<&'t str> {
        let rest = self.0.take()?;
        // Fields are short: looking at each byte is quicker than a search that is prepared for long texts.
        match rest.bytes().position(|byte| byte == SEPARATOR) {
            Some(end) => {
                self.0 = rest.get(end + 1..);
                rest.get(..end)
            }
            None => Some(rest),
        }
    }

    fn present(&mut self) -> Option<Option<&'t str>> {
        self.next().map(|text| (!text.is_empty()).then_some(text))
    }

    fn text(&mut self) -> Option<Option<String>> {
        Some(self.present()?.map(str::to_owned))
    }

    fn parsed<T: FromStr>(&mut self) -> Option<Option<T>> {
        match self.present()? {
            Some(text) => text.parse().ok().map(Some),
            None => Some(None),
        }
    }

    fn date(&mut self) -> Option<Option<NaiveDate>> {
        match self.present()? {
            Some(text) => date_of(text).map(Some),
            None => Some(None),
        }
    }

    fn instant(&mut self) -> Option<Option<DateTime<Utc>>> {
        match self.parsed::<i64>()? {
            Some(micros) => DateTime::from_timestamp_micros(micros).map(Some),
            None => Some(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full() -> ClaimHead {
        let time = |micros: i64| DateTime::from_timestamp_micros(1_763_692_800_000_000 + micros);
        ClaimHead {
            number: "WR-2511-ABCDEFGH".to_owned(),
            station_id: OrgId(Uuid::from_u128(7)),
            station: "S-001".to_owned(),
            kind: Kind::WarrantyRepair,
            state: StateWord::InReview,
            vin: Some("LRCA5G15XSN000001".to_owned()),
            causal_part: Some("P-1001".to_owned()),
            failure_code: Some("F-101".to_owned()),
            campaign: Some("C-1".to_owned()),
            external_ref: Some("WC | 1, \"转向\"".to_owned()),
            external_repair_order: Some("RO-1".to_owned()),
            external_job: Some("1".to_owned()),
            complaint_date: NaiveDate::from_ymd_opt(2026, 11, 16),
            repair_completion_date: NaiveDate::from_ymd_opt(2026, 11, 17),
            submit_time: time(1),
            first_submit_time: time(2),
            review_due_time: time(3),
            answer_due_time: time(4),
            auditor: Some(UserId(Uuid::from_u128(8))),
            currency: "CNY".to_owned(),
            requested_minor: i64::MIN,
            computed_minor: i64::MAX,
            approved_minor: -1,
            revision: 2,
            odometer_in_km: Some(21_500),
            queue: Some("Q-1".to_owned()),
            open_appeal: Some("REVIEW".to_owned()),
        }
    }

    fn bare() -> ClaimHead {
        ClaimHead {
            vin: None,
            causal_part: None,
            failure_code: None,
            campaign: None,
            external_ref: None,
            external_repair_order: None,
            external_job: None,
            complaint_date: None,
            repair_completion_date: None,
            submit_time: None,
            first_submit_time: None,
            review_due_time: None,
            answer_due_time: None,
            auditor: None,
            odometer_in_km: None,
            queue: None,
            open_appeal: None,
            ..full()
        }
    }

    #[test]
    fn a_head_comes_back_as_it_was() {
        for head in [full(), bare()] {
            assert_eq!(unpacked(&packed(&head).unwrap()), Some(head));
        }
    }

    #[test]
    fn what_would_not_come_back_is_not_packed() {
        for text in ["", "a\u{1f}b", "\u{1f}"] {
            assert_eq!(packed(&ClaimHead { external_ref: Some(text.to_owned()), ..full() }), None, "{text:?}");
        }
        assert_eq!(packed(&ClaimHead { number: "a\u{1f}b".to_owned(), ..full() }), None);
    }

    #[test]
    fn another_form_is_no_head() {
        let good = packed(&full()).unwrap();
        let cut = &good[..good.rfind(char::from(SEPARATOR)).unwrap()];
        for text in [
            "",
            "1",
            &good.replacen('1', "2", 1),
            cut,
            &format!("{good}\u{1f}"),
            &good.replace("CNY\u{1f}-", "CNY\u{1f}x"),
        ] {
            assert_eq!(unpacked(text), None, "{text:?}");
        }
    }
}
