//! What lists show of a claim: its head, without its document.

use recourse_domain::catalog::Stored;
use recourse_domain::claims::{ClaimHead, StateWord};
use recourse_domain::money::{Currency, Money, MoneyError};
use recourse_proto::v1;

use super::{kilometers, name, show_kind, show_state, user};
use crate::convert::{date, money, timestamp};

/// The head of a claim as a message.
pub(crate) fn show_head(stored: Stored<ClaimHead>) -> Result<v1::Claim, MoneyError> {
    let head = stored.value;
    let currency = Currency::parse(&head.currency)?;
    let amount = |minor| money(Money::new(currency, minor));
    let decided = match head.state {
        StateWord::Approved | StateWord::Rejected | StateWord::Settled | StateWord::Closed => true,
        StateWord::Draft
        | StateWord::Submitted
        | StateWord::InReview
        | StateWord::Returned
        | StateWord::Withdrawn
        | StateWord::Lapsed => false,
    };
    let named =
        |collection: &str, code: Option<String>| code.map(|code| [collection, "/", &code].concat()).unwrap_or_default();
    Ok(v1::Claim {
        name: name(stored.id),
        etag: crate::convert::etag(stored.version),
        number: head.number,
        kind: show_kind(head.kind).into(),
        state: show_state(head.state).into(),
        station: ["stations/", &head.station].concat(),
        external_ref: head.external_ref.unwrap_or_default(),
        vin: head.vin.unwrap_or_default(),
        failure_code: named("failureCodes", head.failure_code),
        causal_part: named("parts", head.causal_part),
        campaign: named("campaigns", head.campaign),
        odometer_in: head.odometer_in_km.and_then(kilometers),
        complaint_date: head.complaint_date.and_then(date),
        repair_completion_date: head.repair_completion_date.and_then(date),
        external_repair_order: head.external_repair_order.unwrap_or_default(),
        external_job: head.external_job.unwrap_or_default(),
        currency: head.currency,
        totals: Some(v1::ClaimTotals {
            requested: amount(head.requested_minor),
            computed: amount(head.computed_minor),
            approved: if decided { amount(head.approved_minor) } else { None },
            goodwill: None,
        }),
        revision: i32::try_from(head.revision).unwrap_or(i32::MAX),
        first_submit_time: head.first_submit_time.and_then(timestamp),
        submit_time: head.submit_time.and_then(timestamp),
        auditor: head.auditor.map(user).unwrap_or_default(),
        review_due_time: head.review_due_time.and_then(timestamp),
        answer_due_time: head.answer_due_time.and_then(timestamp),
        queue: named("reviewQueues", head.queue),
        open_appeal: head.open_appeal.unwrap_or_default(),
        create_time: timestamp(stored.create_time),
        update_time: timestamp(stored.update_time),
        ..v1::Claim::default()
    })
}
