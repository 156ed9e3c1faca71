//! The ids of a call: its own, and those of the trace that it belongs to (W3C Trace Context).

use http::{HeaderMap, HeaderValue};

/// Longest id of a request that is taken over from a caller.
const LONGEST_ID: usize = 64;

/// The ids of one call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TraceIds {
    /// The id that the log, the problem document and the caller share.
    pub(crate) request_id: HeaderValue,
    /// The trace, 32 hexadecimal digits: the caller's, or a new one.
    pub(crate) trace_id: String,
    /// Our part of it, 16 hexadecimal digits.
    pub(crate) span_id: String,
    /// The caller's part of it.
    pub(crate) parent: Option<String>,
    /// Whether the caller records the trace.
    pub(crate) sampled: bool,
}

impl TraceIds {
    /// The ids that a caller sent, and new ones for what it left out. An id that could break a log line apart
    /// is not taken over.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let mut fresh = [0_u8; 24];
        if let Err(error) = getrandom::fill(&mut fresh) {
            // The ids are for finding lines again; a call is not refused for want of them.
            tracing::warn!(%error, "the system gives no random numbers");
        }
        let (trace, span) = fresh.split_at(16);
        let sent = headers.get("x-request-id").filter(|value| is_plain(value)).cloned();
        let request_id = sent
            .or_else(|| {
                let id = uuid::Builder::from_random_bytes(trace.try_into().unwrap_or_default()).into_uuid();
                HeaderValue::from_str(&id.to_string()).ok()
            })
            .unwrap_or(HeaderValue::from_static("none"));
        let parent = headers.get("traceparent").and_then(|value| value.to_str().ok()).and_then(parent);
        let sampled = parent.as_ref().is_none_or(|(_, _, sampled)| *sampled);
        let (trace_id, parent) = match parent {
            Some((trace_id, parent, _)) => (trace_id, Some(parent)),
            None => (hex::encode(trace), None),
        };
        Self { request_id, trace_id, span_id: hex::encode(span), parent, sampled }
    }

    /// The `traceresponse` header.
    pub(crate) fn response(&self) -> HeaderValue {
        let text = format!("00-{}-{}-0{}", self.trace_id, self.span_id, u8::from(self.sampled));
        // Digits and hyphens can be in a header.
        HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("none"))
    }
}

fn is_plain(value: &HeaderValue) -> bool {
    let bytes = value.as_bytes();
    !bytes.is_empty()
        && bytes.len() <= LONGEST_ID
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(byte))
}

/// Trace, part and whether it is recorded, of `00-<32 digits>-<16 digits>-<2 digits>`.
fn parent(text: &str) -> Option<(String, String, bool)> {
    let mut parts = text.trim().split('-');
    let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let is_hex = |text: &str, length: usize| {
        text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    };
    let is_zero = |text: &str| text.bytes().all(|byte| byte == b'0');
    let well_formed =
        is_hex(version, 2) && version != "ff" && is_hex(trace, 32) && is_hex(span, 16) && is_hex(flags, 2);
    // Later versions may add parts; the first one has four.
    if !well_formed || is_zero(trace) || is_zero(span) || (version == "00" && parts.next().is_some()) {
        return None;
    }
    let flags = u8::from_str_radix(flags, 16).ok()?;
    Some((trace.to_owned(), span.to_owned(), flags & 1 == 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &'static str, value: &str) -> TraceIds {
        TraceIds::of(&HeaderMap::from_iter([(http::HeaderName::from_static(name), value.parse().unwrap())]))
    }

    #[test]
    fn a_trace_is_continued() {
        let ids = of("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
        assert_eq!(ids.trace_id, "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(ids.parent.as_deref(), Some("b7ad6b7169203331"));
        let response = ids.response();
        assert!(response.as_bytes().starts_with(b"00-0af7651916cd43dd8448eb211c80319c-"), "{response:?}");
        assert_ne!(ids.span_id, "b7ad6b7169203331");
    }

    #[test]
    fn what_is_no_trace_begins_a_new_one() {
        for bad in [
            "",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
        ] {
            let ids = of("traceparent", bad);
            assert!(ids.parent.is_none() && ids.trace_id.len() == 32, "{bad}");
        }
    }

    #[test]
    fn a_request_id_that_could_break_a_line_is_replaced() {
        assert_eq!(of("x-request-id", "shop-7.12:a").request_id, "shop-7.12:a");
        let long = "a".repeat(LONGEST_ID + 1);
        for bad in ["two words", "\"quoted\"", long.as_str()] {
            assert_eq!(of("x-request-id", bad).request_id.len(), 36, "{bad}");
        }
    }
}
