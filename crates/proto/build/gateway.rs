//! The REST dispatch: one trait for all services, what each request and reply
//! needs from HTTP, and a match from method to trait call.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
};

use prost_reflect::{Kind, MessageDescriptor, MethodDescriptor};

use crate::{
    contract::{Contract, is_message, path_variables, snake, upper_camel},
    merge::mergeable,
    methods::variant_of,
};

/// What HTTP may set on one request message, over all rpcs that take it.
#[derive(Default)]
struct Input {
    variables: BTreeSet<String>,
    bodies: BTreeSet<String>,
}

pub(crate) fn generate(contract: &Contract) -> String {
    let mut code = String::from("use crate::gateway::{Call, JsonBody, ReplyFuture, RpcInput, RpcOutput, handler};\n");
    api_trait(contract, &mut code);
    inputs(contract, &mut code);
    outputs(contract, &mut code);
    dispatch(contract, &mut code);
    code.push_str("\nconst _: Option<JsonBody<'_>> = None;\n");
    code
}

fn service_trait(contract: &Contract, service: &str) -> String {
    format!("{}::{}_server::{}", contract.module, snake(service), upper_camel(service))
}

fn api_trait(contract: &Contract, code: &mut String) {
    let services: Vec<_> = contract.services().iter().map(|s| service_trait(contract, s.name())).collect();
    let bounds: String = services.iter().map(|s| format!("{s}\n    + ")).collect();
    let _ = write!(
        code,
        "
/// Every service of the contract, implemented by one type.
pub trait Api:
    {bounds}Clone + Send + Sync + 'static
{{
}}

impl<T> Api for T where
    T: {bounds}Clone + Send + Sync + 'static
{{
}}

/// The gRPC routes of every service, each refusing messages above `max_message_bytes`, also while it
/// decompresses them. Replies are not compressed: most clients accept it unasked, and small messages would
/// only cost time.
pub fn grpc_routes<A: Api>(api: A, max_message_bytes: usize) -> tonic::service::Routes {{
"
    );
    if services.is_empty() {
        code.push_str("    let _ = (api, max_message_bytes);\n    tonic::service::Routes::default()\n}\n");
        return;
    }
    code.push_str("    tonic::service::Routes::default()\n");
    for service in &services {
        let _ = writeln!(
            code,
            "        .add_service({service}Server::new(api.clone()).max_decoding_message_size(max_message_bytes).accept_compressed(tonic::codec::CompressionEncoding::Gzip))"
        );
    }
    code.push_str("}\n");
}

fn inputs(contract: &Contract, code: &mut String) {
    let mut found: BTreeMap<String, (MessageDescriptor, Input)> = BTreeMap::new();
    for method in contract.methods() {
        let message = method.input();
        if !contract.owns(&message) {
            assert!(message.full_name() == "google.protobuf.Empty", "{} takes a foreign message", method.full_name());
            continue;
        }
        let (_, input) =
            found.entry(message.full_name().to_owned()).or_insert_with(|| (message.clone(), Input::default()));
        for rule in contract.http_rules(&method) {
            input.variables.extend(path_variables(&rule.template).into_iter().map(|(field, _)| field));
            if !rule.body.is_empty() && rule.body != "*" {
                input.bodies.insert(rule.body);
            }
        }
    }
    for (message, input) in found.values() {
        implement_input(contract, message, input, code);
    }
}

fn implement_input(contract: &Contract, message: &MessageDescriptor, input: &Input, code: &mut String) {
    let _ = write!(
        code,
        "
impl RpcInput for {} {{
    const MESSAGE: &'static str = {:?};

    fn descriptor() -> Option<prost_reflect::MessageDescriptor> {{
        {}()?.get_message_by_name(Self::MESSAGE)
    }}
",
        contract.message_type(message),
        message.full_name(),
        contract.pool_path,
    );
    if !input.variables.is_empty() {
        code.push_str("\n    fn set_variable(&mut self, field: &str, value: String) {\n        match field {\n");
        for variable in &input.variables {
            let mut parts: Vec<_> = variable.split('.').map(snake).collect();
            let last = parts.pop().unwrap_or_default();
            let place: String = parts.iter().map(|part| format!("{part}.get_or_insert_default().")).collect();
            let _ = writeln!(code, "            {variable:?} => self.{place}{last} = value,");
        }
        code.push_str("            _ => {}\n        }\n    }\n");
    }
    if !input.bodies.is_empty() {
        code.push_str("\n    fn read_body_field(&mut self, field: &str, body: &JsonBody<'_>) -> Result<(), tonic::Status> {\n        match field {\n");
        for body in &input.bodies {
            let _ = writeln!(
                code,
                "            {body:?} => self.{} = Some(body.read_field::<Self, _>({body:?})?),",
                snake(body)
            );
        }
        code.push_str("            _ => {}\n        }\n        Ok(())\n    }\n");
    }
    for field in ["request_id", "etag", "cursor"] {
        if is_plain_string(message, field) {
            let _ = write!(
                code,
                "\n    fn {field}(&mut self) -> Option<&mut String> {{\n        Some(&mut self.{field})\n    }}\n"
            );
        }
    }
    mask(contract, message, input, code);
    code.push_str("}\n");
}

/// A PATCH without a mask means the fields that its JSON names.
fn mask(contract: &Contract, message: &MessageDescriptor, input: &Input, code: &mut String) {
    let Some(field) = message.get_field_by_name("update_mask") else { return };
    if is_message(&field).is_none_or(|m| m.full_name() != "google.protobuf.FieldMask") || input.bodies.len() != 1 {
        return;
    }
    let resource = input.bodies.iter().find_map(|body| is_message(&message.get_field_by_name(body)?));
    let Some(resource) = resource.filter(|m| mergeable(contract).contains_key(m.full_name())) else { return };
    let _ = write!(
        code,
        "
    fn update_mask(&mut self) -> Option<&mut Option<crate::wkt::FieldMask>> {{
        Some(&mut self.update_mask)
    }}

    fn mask_path(key: &str) -> Option<&'static str> {{
        <{} as crate::merge::Merge>::updatable(key)
    }}
",
        contract.message_type(&resource)
    );
}

fn outputs(contract: &Contract, code: &mut String) {
    let mut found: BTreeMap<String, MessageDescriptor> = BTreeMap::new();
    for method in contract.methods() {
        let message = method.output();
        if contract.owns(&message) {
            found.insert(message.full_name().to_owned(), message);
        } else {
            assert!(message.full_name() == "google.protobuf.Empty", "{} answers a foreign message", method.full_name());
        }
    }
    for message in found.values() {
        let _ = write!(code, "\nimpl RpcOutput for {} {{", contract.message_type(message));
        for field in ["etag", "cursor"] {
            if is_plain_string(message, field) {
                let _ = write!(
                    code,
                    "\n    fn {field}(&self) -> Option<&str> {{\n        Some(&self.{field}).filter(|text| !text.is_empty()).map(String::as_str)\n    }}\n"
                );
            }
        }
        if is_plain_string(message, "content_type") && is_plain_bytes(message, "content") {
            let name = if is_plain_string(message, "file_name") { "&self.file_name" } else { "\"\"" };
            let _ = write!(
                code,
                "\n    fn file(&self) -> Option<crate::gateway::File<'_>> {{\n        Some(crate::gateway::File {{ media_type: &self.content_type, name: {name}, content: &self.content }})\n    }}\n"
            );
        }
        code.push_str("}\n");
    }
}

fn is_plain_string(message: &MessageDescriptor, field: &str) -> bool {
    message
        .get_field_by_name(field)
        .is_some_and(|f| f.kind() == Kind::String && !f.is_list() && f.containing_oneof().is_none())
}

fn is_plain_bytes(message: &MessageDescriptor, field: &str) -> bool {
    message
        .get_field_by_name(field)
        .is_some_and(|f| f.kind() == Kind::Bytes && !f.is_list() && f.containing_oneof().is_none())
}

fn dispatch(contract: &Contract, code: &mut String) {
    let arms: String = contract.methods().iter().map(|method| arm(contract, method)).collect();
    let (api, call) = if arms.is_empty() { ("_api", "_call") } else { ("api", "call") };
    let clone = if arms.is_empty() { "" } else { "    let api = api.clone();\n" };
    let _ = write!(
        code,
        "
/// Decodes the call, calls the service and encodes its answer.
pub fn dispatch<A: Api>({api}: &A, method: Method, {call}: Call) -> ReplyFuture {{
{clone}    match method {{
{arms}    }}
}}
"
    );
}

fn arm(contract: &Contract, method: &MethodDescriptor) -> String {
    let handler = match (method.is_client_streaming(), method.is_server_streaming()) {
        (false, false) => "unary",
        (false, true) => "server_stream",
        (true, false) => "client_stream",
        (true, true) => "both_stream",
    };
    format!(
        "        Method::{} => handler::{handler}(call, move |request| async move {{ <A as {}>::{}(&api, request).await }}),\n",
        variant_of(method),
        service_trait(contract, method.parent_service().name()),
        snake(method.name())
    )
}
