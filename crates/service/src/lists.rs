//! What all lists share: filter, order and page tokens, checked before the store is asked.

use recourse_domain::catalog::Field;
use recourse_domain::query::filter;
use recourse_domain::query::order::{self, Order};
use recourse_domain::query::page::{Keys, ListQuery};
use recourse_domain::text::Violation;
use recourse_proto::v1::error_reason::Code as Reason;

use crate::context::Call;
use crate::error::{Answer, Refusal};

/// Items of a page, unless the caller says otherwise.
const DEFAULT_PAGE: u32 = 50;
/// Most items of a page.
const MAX_PAGE: u32 = 1000;

/// What a caller asks of a list.
#[derive(Clone, Debug, Default)]
pub(crate) struct ListInput {
    /// Most items; 0 for the default.
    pub page_size: i32,
    /// Where the page before ended.
    pub page_token: String,
    /// Which items.
    pub filter: String,
    /// In which order.
    pub order_by: String,
    /// Whether retired items are listed too.
    pub show_deleted: bool,
    /// What else the page token is bound to: the parent of a child list.
    pub within: String,
}

/// A page of messages.
#[derive(Clone, Debug)]
pub(crate) struct Listed<T> {
    /// The messages.
    pub items: Vec<T>,
    /// Where the next page begins; empty on the last.
    pub next_page_token: String,
}

/// Checks what a caller asks of a list, against the fields that the method offers to this caller.
pub(crate) fn query(call: &Call, input: &ListInput, fields: &[Field], default: Order) -> Answer<ListQuery> {
    let filter = if input.filter.trim().is_empty() {
        None
    } else {
        Some(filter::parse(&input.filter, fields).map_err(|violation| reasoned(Reason::InvalidFilter, violation))?)
    };
    let order = if input.order_by.trim().is_empty() {
        default
    } else {
        order::parse(&input.order_by, fields).map_err(|violation| reasoned(Reason::InvalidOrderBy, violation))?
    };
    let after = if input.page_token.is_empty() {
        None
    } else {
        let keys = call.inner.page_tokens.open_token(&input.page_token, &binding(call, input)?, call.inner.wall.now());
        Some(keys.map_err(|violation| reasoned(Reason::InvalidPageToken, violation))?)
    };
    let page_size = match u32::try_from(input.page_size).unwrap_or(DEFAULT_PAGE) {
        0 => DEFAULT_PAGE,
        size => size.min(MAX_PAGE),
    };
    Ok(ListQuery { filter, order, page_size, after, show_deleted: input.show_deleted })
}

/// The token of the next page, if there is one.
pub(crate) fn next_token(call: &Call, input: &ListInput, next: Option<Keys>) -> Answer<String> {
    match next {
        Some(keys) => Ok(call.inner.page_tokens.seal(&keys, &binding(call, input)?, call.inner.wall.now())),
        None => Ok(String::new()),
    }
}

/// Everything that a page token belongs to, but the page size. Both spellings of a field's name are one.
fn binding(call: &Call, input: &ListInput) -> Answer<String> {
    let scope = call.scope()?.fingerprint();
    let user = call.actor()?.user;
    Ok([
        call.method.full_name(),
        &filter::in_proto_names(&input.filter),
        &order::in_proto_names(&input.order_by),
        &input.within,
        if input.show_deleted { "deleted" } else { "" },
        &scope,
        &user.to_string(),
    ]
    .join("\u{1f}"))
}

fn reasoned(reason: Reason, violation: Violation) -> Refusal {
    let mut refusal = Refusal::invalid(vec![violation]);
    refusal.reason = reason;
    refusal
}
