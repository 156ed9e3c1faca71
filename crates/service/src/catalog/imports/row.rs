//! One row: what it says, and why it is refused.

use prost::Message;
use recourse_domain::text::{Lang, Text, Violation};
use recourse_proto::gateway::UnreadRows;
use recourse_proto::status::Details;
use recourse_proto::v1::error_reason::Code as Reason;
use recourse_proto::validate::{self, Rule};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tonic::Status;

use super::ImportRequest;
use crate::catalog::Resource;
use crate::convert;
use crate::error::{MAX_VIOLATIONS, Refusal};

/// A row that was read.
pub(super) struct Row<R: Resource> {
    /// Its number, from 1.
    pub number: i64,
    /// Hash of its content; empty if it can't be read.
    pub hash: Vec<u8>,
    /// Its size.
    pub bytes: usize,
    /// The code of its resource; empty if it names none.
    pub code: String,
    /// What it says, or why that can't be taken.
    pub content: Result<Content<R>, Why>,
}

/// What a row says.
pub(super) struct Content<R: Resource> {
    /// The resource.
    pub message: R::Message,
    /// What a new resource needs beside; one that exists has it already.
    pub lacking: Vec<Violation>,
}

/// Why a row is refused, as it is kept: texts in both languages, for whoever reads the result.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Why {
    reason: i32,
    text: Text,
    violations: Vec<Fault>,
}

/// A field at fault.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Fault {
    field: String,
    rule: String,
    text: Text,
}

/// Reads a row.
pub(super) fn read<I: ImportRequest>(
    number: i64,
    row: Option<<I::Resource as Resource>::Message>,
    unread: &UnreadRows,
) -> Row<I::Resource> {
    let refused = |why| Row { number, hash: Vec::new(), bytes: 0, code: String::new(), content: Err(why) };
    let why = u64::try_from(number).ok().and_then(|number| unread.take(number));
    let message = match (row, why) {
        (_, Some(status)) => return refused(Why::of_status(&status)),
        (None, None) => return refused(Why::of(Refusal::field("name", "REQUIRED", "the row is empty", "该行为空"))),
        (Some(message), None) => message,
    };
    let encoded = message.encode_to_vec();
    let hash = Sha256::digest(&encoded).to_vec();
    let named = I::named(&message);
    let collection = super::super::collection::<I::Resource>();
    let named = named.strip_prefix(collection).and_then(|rest| rest.strip_prefix('/')).unwrap_or(named);
    let (code, content) = match I::Resource::code(named) {
        Ok(code) => (code, content(message)),
        Err(violation) => (String::new(), Err(Why::of(Refusal::invalid(vec![violation])))),
    };
    Row { number, hash, bytes: encoded.len(), code, content }
}

fn content<R: Resource<Message: validate::Validate>>(message: R::Message) -> Result<Content<R>, Why> {
    let found = validate::violations(&message);
    let (lacking, broken): (Vec<_>, Vec<_>) = found.into_iter().partition(|found| found.rule == Rule::Required);
    if broken.is_empty() {
        Ok(Content { message, lacking: convert::violations(lacking) })
    } else {
        Err(Why::of(Refusal::invalid(convert::violations(broken))))
    }
}

/// What the transport says of a stream, as the end of an import.
pub(super) fn refusal_of(status: &Status) -> Refusal {
    let why = Why::of_status(status);
    Refusal::new(why.reason(), why.text.en, why.text.zh_cn)
}

impl Why {
    /// The part of a refusal that is kept. Paths begin at the row, whatever holds it in a single call.
    pub(super) fn of(refusal: Refusal) -> Self {
        let violations = refusal.violations.into_iter().take(MAX_VIOLATIONS);
        let violations = violations.map(|violation| Fault {
            field: violation.field,
            rule: violation.rule.to_owned(),
            text: violation.text,
        });
        Self { reason: refusal.reason.into(), text: *refusal.text, violations: violations.collect() }
    }

    /// The same of a status, which has texts in the language of its call only.
    fn of_status(status: &Status) -> Self {
        let details = Details::of(status);
        let reason = Reason::from_str_name(&details.reason).unwrap_or(Reason::InvalidJson);
        let told = details.localized.map_or_else(|| status.message().to_owned(), |text| text.message);
        let violations = details.violations.into_iter().take(MAX_VIOLATIONS).map(|violation| {
            let told = violation.localized_message.map_or(violation.description, |text| text.message);
            Fault { field: violation.field, rule: violation.reason, text: Text::new(told.clone(), told) }
        });
        Self { reason: reason.into(), text: Text::new(told.clone(), told), violations: violations.collect() }
    }

    /// The public reason.
    pub(super) fn reason(&self) -> Reason {
        Reason::try_from(self.reason).unwrap_or(Reason::Unspecified)
    }

    /// The text in a language.
    pub(super) fn text(&self, lang: Lang) -> String {
        self.text.in_lang(lang).to_owned()
    }

    /// Field, rule and text of each violation.
    pub(super) fn violations(&self, lang: Lang) -> impl Iterator<Item = (String, String, String)> {
        self.violations
            .iter()
            .map(move |fault| (fault.field.clone(), fault.rule.clone(), fault.text.in_lang(lang).to_owned()))
    }
}
