//! Refusals: a gRPC status with the details that both transports show.

use std::{collections::BTreeMap, time::Duration};

use prost::Message;
use tonic::{Code, Status};

use crate::{
    Lang,
    google::rpc::{self, BadRequest, ErrorInfo, LocalizedMessage, RetryInfo, bad_request::FieldViolation},
    v1::error_reason,
};

/// `ErrorInfo.domain` of every error of ours.
pub const DOMAIN: &str = "recourse";

/// A refusal being put together. The message is English and goes to logs and
/// gRPC clients; the localized text goes to people.
#[derive(Debug, Clone)]
pub struct Refusal {
    code: Code,
    message: String,
    details: Details,
}

/// The details of a status.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Details {
    /// Why, a word of `ErrorReason`; empty if the status has no `ErrorInfo`.
    pub reason: String,
    /// Facts that go with the reason.
    pub metadata: BTreeMap<String, String>,
    /// The fields that were refused.
    pub violations: Vec<FieldViolation>,
    /// The text for people.
    pub localized: Option<LocalizedMessage>,
    /// When to come back.
    pub retry_after: Option<Duration>,
}

impl Refusal {
    /// A refusal with its reason and an English message.
    #[must_use]
    pub fn new(code: Code, reason: error_reason::Code, message: impl Into<String>) -> Self {
        let details = Details { reason: reason.as_str_name().to_owned(), ..Details::default() };
        Self { code, message: message.into(), details }
    }

    /// Adds the text for people.
    #[must_use]
    pub fn localized(mut self, lang: Lang, text: impl Into<String>) -> Self {
        self.details.localized = Some(LocalizedMessage { locale: lang.tag().to_owned(), message: text.into() });
        self
    }

    /// Adds a fact.
    #[must_use]
    pub fn metadata(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.details.metadata.insert(key.into(), value.into());
        self
    }

    /// Adds a refused field: its path, the word of the rule, and the text.
    #[must_use]
    pub fn violation(
        mut self,
        field: impl Into<String>,
        rule: impl Into<String>,
        lang: Lang,
        text: impl Into<String>,
    ) -> Self {
        let text = text.into();
        self.details.violations.push(FieldViolation {
            field: field.into(),
            description: text.clone(),
            reason: rule.into(),
            localized_message: Some(LocalizedMessage { locale: lang.tag().to_owned(), message: text }),
        });
        self
    }

    /// Says when to come back.
    #[must_use]
    pub fn retry_after(mut self, delay: Duration) -> Self {
        self.details.retry_after = Some(delay);
        self
    }

    /// The status with all details.
    #[must_use]
    pub fn into_status(self) -> Status {
        let encoded =
            rpc::Status { code: self.code as i32, message: self.message.clone(), details: self.details.into_anys() }
                .encode_to_vec();
        Status::with_details(self.code, self.message, encoded.into())
    }
}

impl From<Refusal> for Status {
    fn from(refusal: Refusal) -> Self {
        refusal.into_status()
    }
}

impl Details {
    /// Reads the details of a status; what can't be read is left out.
    #[must_use]
    pub fn of(status: &Status) -> Self {
        let mut details = Self::default();
        let Ok(encoded) = rpc::Status::decode(status.details()) else { return details };
        for any in &encoded.details {
            details.read(any);
        }
        details
    }

    fn read(&mut self, any: &pbjson_types::Any) {
        let bytes = any.value.as_ref();
        match any.type_url.rsplit('/').next() {
            Some("google.rpc.ErrorInfo") => {
                if let Ok(info) = ErrorInfo::decode(bytes) {
                    self.reason = info.reason;
                    self.metadata = info.metadata;
                }
            }
            Some("google.rpc.BadRequest") => {
                if let Ok(request) = BadRequest::decode(bytes) {
                    self.violations = request.field_violations;
                }
            }
            Some("google.rpc.LocalizedMessage") => self.localized = LocalizedMessage::decode(bytes).ok(),
            Some("google.rpc.RetryInfo") => {
                let delay = RetryInfo::decode(bytes).ok().and_then(|info| info.retry_delay);
                self.retry_after = delay
                    .and_then(|d| Some(Duration::new(u64::try_from(d.seconds).ok()?, u32::try_from(d.nanos).ok()?)));
            }
            _ => {}
        }
    }

    fn into_anys(self) -> Vec<pbjson_types::Any> {
        let mut anys = vec![any(
            "ErrorInfo",
            &ErrorInfo { reason: self.reason, domain: DOMAIN.to_owned(), metadata: self.metadata },
        )];
        if !self.violations.is_empty() {
            anys.push(any("BadRequest", &BadRequest { field_violations: self.violations }));
        }
        if let Some(text) = self.localized {
            anys.push(any("LocalizedMessage", &text));
        }
        if let Some(delay) = self.retry_after {
            let seconds = i64::try_from(delay.as_secs()).unwrap_or(i64::MAX);
            let nanos = i32::try_from(delay.subsec_nanos()).unwrap_or_default();
            anys.push(any("RetryInfo", &RetryInfo { retry_delay: Some(pbjson_types::Duration { seconds, nanos }) }));
        }
        anys
    }
}

fn any(name: &str, message: &impl Message) -> pbjson_types::Any {
    pbjson_types::Any {
        type_url: format!("type.googleapis.com/google.rpc.{name}"),
        value: message.encode_to_vec().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn details_survive_the_way_through_a_status() {
        let status = Refusal::new(Code::ResourceExhausted, error_reason::Code::TooManyRequests, "too many calls")
            .localized(Lang::ZhCn, "请求过多")
            .metadata("limit", "5")
            .violation("claim.vin", "TOO_LONG", Lang::ZhCn, "过长")
            .retry_after(Duration::from_millis(1500))
            .into_status();
        let details = Details::of(&status);
        assert_eq!(details.reason, "TOO_MANY_REQUESTS");
        assert_eq!(details.metadata["limit"], "5");
        assert_eq!(details.violations[0].field, "claim.vin");
        assert_eq!(details.localized.map(|l| l.locale), Some("zh-CN".to_owned()));
        assert_eq!(details.retry_after, Some(Duration::from_millis(1500)));
    }

    #[test]
    fn a_status_without_details_has_none() {
        assert_eq!(Details::of(&Status::internal("x")), Details::default());
        assert_eq!(Details::of(&Status::with_details(Code::Internal, "x", vec![1, 2, 3].into())), Details::default());
    }
}
