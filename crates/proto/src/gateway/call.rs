//! A REST request on its way to a typed message.

use axum::body::Body;
use bytes::Bytes;
use http::HeaderMap;
use prost_reflect::MessageDescriptor;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use tonic::{Request, Status, Streaming, metadata::MetadataMap};

use super::{
    headers::adopt_headers,
    json,
    json::JsonBody,
    lines::{JsonLines, UnreadRows},
};
use crate::{Lang, wkt::FieldMask};

/// A request message and what HTTP may set on it; generated.
pub trait RpcInput: prost::Message + Default + DeserializeOwned + 'static {
    /// The full name of the message.
    const MESSAGE: &'static str;

    /// Its descriptor, for the paths of errors.
    fn descriptor() -> Option<MessageDescriptor>;

    /// Sets the field of a path variable.
    fn set_variable(&mut self, _field: &str, _value: String) {}

    /// Sets the field that is the body.
    fn read_body_field(&mut self, _field: &str, _body: &JsonBody<'_>) -> Result<(), Status> {
        Ok(())
    }

    /// Its `request_id`, if it has one.
    fn request_id(&mut self) -> Option<&mut String> {
        None
    }

    /// Its `etag`, if it has one.
    fn etag(&mut self) -> Option<&mut String> {
        None
    }

    /// Its `cursor`, if it has one.
    fn cursor(&mut self) -> Option<&mut String> {
        None
    }

    /// Its `update_mask`, if it updates a resource that is the body.
    fn update_mask(&mut self) -> Option<&mut Option<FieldMask>> {
        None
    }

    /// The field of a JSON key of the body, if an update may write it.
    fn mask_path(_key: &str) -> Option<&'static str> {
        None
    }
}

/// A reply message and what HTTP shows of it; generated.
pub trait RpcOutput: Serialize + Send + 'static {
    /// Its `etag`, if it has one.
    fn etag(&self) -> Option<&str> {
        None
    }

    /// Its place in a stream, if it has one.
    fn cursor(&self) -> Option<&str> {
        None
    }

    /// The file it is, if it has `content_type` and `content`. REST answers the
    /// file itself, not JSON around it.
    fn file(&self) -> Option<File<'_>> {
        None
    }
}

/// A reply that is a document, a picture, an attachment.
pub struct File<'a> {
    /// Its media type.
    pub media_type: &'a str,
    /// Its name, empty for none.
    pub name: &'a str,
    /// Its bytes.
    pub content: &'a [u8],
}

impl RpcInput for pbjson_types::Empty {
    const MESSAGE: &'static str = "google.protobuf.Empty";

    fn descriptor() -> Option<MessageDescriptor> {
        crate::descriptor_pool()?.get_message_by_name(Self::MESSAGE)
    }
}

impl RpcOutput for pbjson_types::Empty {}

/// The fields that the path sets, and to what.
pub(super) type Variables = Vec<(&'static str, String)>;

/// A routed and admitted REST request.
pub struct Call {
    pub(super) headers: HeaderMap,
    pub(super) extensions: http::Extensions,
    pub(super) lang: Lang,
    pub(super) variables: Variables,
    /// Empty, `*`, or the field that is the body.
    pub(super) body_field: &'static str,
    /// The parameters as a JSON object of the request message.
    pub(super) query: Option<Value>,
    pub(super) payload: Payload,
}

/// The body of a call.
pub(super) enum Payload {
    Whole(Bytes),
    /// A stream of messages, each a frame of JSON.
    Lines(Body),
}

impl Call {
    /// The same call of a list for another of its pages.
    pub(super) fn page(&self, query: Value) -> Self {
        Self {
            headers: self.headers.clone(),
            extensions: self.extensions.clone(),
            lang: self.lang,
            variables: self.variables.clone(),
            body_field: self.body_field,
            query: Some(query),
            payload: Payload::Whole(Bytes::new()),
        }
    }

    /// The typed request. The path wins over the body, the body over nothing.
    pub(super) fn into_request<I: RpcInput>(self) -> Result<Request<I>, Status> {
        let Payload::Whole(bytes) = &self.payload else {
            return Err(Status::internal("a unary rpc was given a stream"));
        };
        let body = JsonBody::new(bytes, self.lang);
        let mut message = match (self.body_field, self.query) {
            ("*", _) if bytes.is_empty() => I::default(),
            ("*", _) => body.read()?,
            (_, Some(query)) => json::read_query(query, self.lang)?,
            (_, None) => I::default(),
        };
        if self.body_field != "*" && !bytes.is_empty() {
            message.read_body_field(self.body_field, &body)?;
            imply_mask(&mut message, bytes);
        }
        for (field, value) in self.variables {
            message.set_variable(field, value);
        }
        let mut request = Request::from_parts(MetadataMap::from_headers(self.headers), self.extensions, message);
        adopt_headers(&mut request)?;
        Ok(request)
    }

    /// The typed stream of requests, one per line of the body.
    pub(super) fn into_stream<I: RpcInput>(self) -> Result<Request<Streaming<I>>, Status> {
        let Payload::Lines(body) = self.payload else {
            return Err(Status::internal("a streaming rpc was given a whole body"));
        };
        let unread = UnreadRows::default();
        let mut extensions = self.extensions;
        let decoder = match self.body_field {
            "*" => JsonLines::new(self.variables, self.lang),
            field => {
                // What the query says holds for all rows, and travels with the first.
                let first: I = match self.query {
                    Some(query) => json::read_query(query, self.lang)?,
                    None => I::default(),
                };
                extensions.insert(unread.clone());
                JsonLines::new(self.variables, self.lang).of_field(field, first, unread)
            }
        };
        // The length of a line was limited when it was framed.
        let stream = Streaming::new_request(decoder, body, None, Some(usize::MAX));
        Ok(Request::from_parts(MetadataMap::from_headers(self.headers), extensions, stream))
    }
}

/// A PATCH without a mask writes the fields that its JSON names, so that null
/// and empty values are written too (AIP-134).
fn imply_mask<I: RpcInput>(message: &mut I, body: &[u8]) {
    let Some(mask) = message.update_mask() else { return };
    if mask.as_ref().is_none_or(|mask| mask.paths.is_empty()) {
        let keys = json::top_level_keys(body);
        let paths = keys.iter().filter_map(|key| I::mask_path(key)).map(str::to_owned).collect();
        *mask = Some(FieldMask { paths });
    }
}
