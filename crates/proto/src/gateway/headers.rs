//! Headers that stand for fields of the request. gRPC metadata has the same
//! names, so the service applies the same functions there.

use tonic::{Request, Status, metadata::MetadataMap};

use super::{call::RpcInput, refuse};
use crate::Lang;

/// Takes `Idempotency-Key`, `If-Match` and `Last-Event-ID` over into the message.
pub fn adopt_headers<I: RpcInput>(request: &mut Request<I>) -> Result<(), Status> {
    adopt_idempotency_key(request)?;
    adopt_if_match(request)?;
    adopt_last_event_id(request)
}

/// Sets the `cursor` of a stream from `Last-Event-ID`, which a browser sends
/// when it connects again; its URL still has the cursor of the first time.
fn adopt_last_event_id<I: RpcInput>(request: &mut Request<I>) -> Result<(), Status> {
    let id = text(request.metadata(), "last-event-id", lang_of(request.metadata()))?;
    if let (Some(id), Some(cursor)) = (id, request.get_mut().cursor()) {
        *cursor = id;
    }
    Ok(())
}

/// Sets an empty `request_id` from `Idempotency-Key`; if both are given they
/// must be the same.
pub fn adopt_idempotency_key<I: RpcInput>(request: &mut Request<I>) -> Result<(), Status> {
    let lang = lang_of(request.metadata());
    let Some(key) = text(request.metadata(), "idempotency-key", lang)? else { return Ok(()) };
    // Some clients quote it, as the draft of the header says.
    let key = unquoted(&key).unwrap_or(&key).to_owned();
    match request.get_mut().request_id() {
        None => {}
        Some(id) if id.is_empty() => *id = key,
        Some(id) if *id == key => {}
        Some(_) => return Err(refuse::idempotency_key_mismatch(lang)),
    }
    Ok(())
}

/// Sets an empty `etag` from `If-Match`. `*` asks for nothing; a list can't be
/// kept to and is refused.
pub fn adopt_if_match<I: RpcInput>(request: &mut Request<I>) -> Result<(), Status> {
    let lang = lang_of(request.metadata());
    let Some(value) = text(request.metadata(), "if-match", lang)? else { return Ok(()) };
    if value == "*" {
        return Ok(());
    }
    let strong = value.strip_prefix("W/").unwrap_or(&value);
    let tag = unquoted(strong).unwrap_or(strong).to_owned();
    match request.get_mut().etag() {
        Some(_) if tag.contains(['"', ',']) => {
            Err(refuse::header("If-Match", "must hold one etag", "只能包含一个 etag", lang))
        }
        Some(etag) if etag.is_empty() => {
            *etag = tag;
            Ok(())
        }
        _ => Ok(()),
    }
}

fn lang_of(metadata: &MetadataMap) -> Lang {
    metadata.get("accept-language").and_then(|value| value.to_str().ok()).map_or(Lang::En, Lang::from_accept_language)
}

fn text(metadata: &MetadataMap, name: &'static str, lang: Lang) -> Result<Option<String>, Status> {
    let mut values = metadata.get_all(name).iter();
    let (Some(value), more) = (values.next(), values.next()) else { return Ok(None) };
    match value.to_str() {
        Ok(text) if more.is_none() => Ok(Some(text.trim().to_owned()).filter(|text| !text.is_empty())),
        _ => Err(refuse::header(name, "must be given once, in ASCII", "只能给出一次，且只含 ASCII 字符", lang)),
    }
}

fn unquoted(value: &str) -> Option<&str> {
    value.strip_prefix('"')?.strip_suffix('"')
}
