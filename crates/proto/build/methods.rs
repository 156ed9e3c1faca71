//! `enum Method`: every rpc with its routes and its access rule.

use std::fmt::Write;

use prost_reflect::{DynamicMessage, Kind, MethodDescriptor, ReflectMessage};

use crate::contract::{Contract, upper_camel, variant};

/// The variant of an rpc.
pub(crate) fn variant_of(method: &MethodDescriptor) -> String {
    format!("{}{}", upper_camel(method.parent_service().name()), upper_camel(method.name()))
}

pub(crate) fn generate(contract: &Contract) -> String {
    let methods = contract.methods();
    let (mut variants, mut all, mut arms, mut specs, mut paths) =
        (String::new(), String::new(), String::new(), String::new(), String::new());
    for (index, method) in methods.iter().enumerate() {
        let name = variant_of(method);
        let service = method.parent_service();
        let path = format!("/{}/{}", service.full_name(), method.name());
        let _ = writeln!(variants, "    /// `{}`\n    {name},", method.full_name());
        let _ = writeln!(all, "        Self::{name},");
        let _ = writeln!(arms, "            Self::{name} => &SPECS[{index}],");
        let _ = writeln!(paths, "            {path:?} => Some(Self::{name}),");
        let _ = writeln!(specs, "{}", spec(contract, method, &path));
    }
    format!(
        r#"use crate::method::{{Access, Grant, HttpRule, MethodSpec, Rpc}};

/// Every rpc of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Method {{
{variants}}}

static SPECS: &[MethodSpec] = &[
{specs}];

impl Rpc for Method {{
    const ALL: &'static [Self] = &[
{all}    ];

    fn spec(self) -> &'static MethodSpec {{
        match self {{
{arms}        }}
    }}

    fn from_grpc_path(path: &str) -> Option<Self> {{
        match path {{
{paths}            _ => None,
        }}
    }}
}}

{INHERENT}"#
    )
}

/// The same words without an import of the trait.
const INHERENT: &str = r"impl Method {
    /// Every rpc, by service.
    pub const ALL: &'static [Self] = <Self as Rpc>::ALL;

    /// The rpc of a gRPC path such as `/recourse.v1.ClaimService/CreateClaim`.
    #[must_use]
    pub fn from_grpc_path(path: &str) -> Option<Self> {
        <Self as Rpc>::from_grpc_path(path)
    }

    /// Everything the contract says of the rpc.
    #[must_use]
    pub fn spec(self) -> &'static MethodSpec {
        Rpc::spec(self)
    }

    /// The service without its package, `ClaimService`.
    #[must_use]
    pub fn service(self) -> &'static str {
        self.spec().service
    }

    /// The rpc without its service, `CreateClaim`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.spec().name
    }

    /// `recourse.v1.ClaimService.CreateClaim`.
    #[must_use]
    pub fn full_name(self) -> &'static str {
        self.spec().full_name
    }

    /// `/recourse.v1.ClaimService/CreateClaim`.
    #[must_use]
    pub fn grpc_path(self) -> &'static str {
        self.spec().grpc_path
    }

    /// Who may call it.
    #[must_use]
    pub fn access(self) -> &'static Access {
        &self.spec().access
    }

    /// Whether the client sends a stream.
    #[must_use]
    pub fn client_streaming(self) -> bool {
        self.spec().client_streaming
    }

    /// Whether the server sends a stream.
    #[must_use]
    pub fn server_streaming(self) -> bool {
        self.spec().server_streaming
    }

    /// Its REST bindings, the main one first.
    #[must_use]
    pub fn http(self) -> &'static [HttpRule] {
        self.spec().http
    }

    /// The resource type it is about, if it says so.
    #[must_use]
    pub fn resource_type(self) -> Option<&'static str> {
        self.spec().resource_type
    }
}
";

fn spec(contract: &Contract, method: &MethodDescriptor, path: &str) -> String {
    let http: String = contract
        .http_rules(method)
        .iter()
        .map(|rule| {
            format!(
                "HttpRule {{ verb: http::Method::{}, template: {:?}, body: {:?} }}, ",
                rule.verb, rule.template, rule.body
            )
        })
        .collect();
    format!(
        "    MethodSpec {{\n        service: {:?},\n        name: {:?},\n        full_name: {:?},\n        grpc_path: {path:?},\n        access: {},\n        client_streaming: {},\n        server_streaming: {},\n        http: &[{http}],\n        resource_type: {:?},\n        input: {:?},\n        output: {:?},\n    }},",
        method.parent_service().name(),
        method.name(),
        method.full_name(),
        access(contract, method),
        method.is_client_streaming(),
        method.is_server_streaming(),
        resource_type(contract, method),
        method.input().full_name(),
        method.output().full_name(),
    )
}

fn access(contract: &Contract, method: &MethodDescriptor) -> String {
    // `laws` has refused an rpc without a rule before this runs.
    let Some(rule) = contract.access(method) else { return String::new() };
    let flag = |field: &str| rule.get_field_by_name(field).and_then(|v| v.as_bool()).unwrap_or_default();
    let mut grants = String::new();
    if let Some(list) = rule.get_field_by_name("grants") {
        for grant in list.as_list().unwrap_or_default() {
            if let Some(grant) = grant.as_message() {
                let _ = write!(
                    grants,
                    "Grant {{ role: {}, scope: {} }}, ",
                    code(contract, grant, "role"),
                    code(contract, grant, "scope")
                );
            }
        }
    }
    format!("Access {{ public: {}, self_only: {}, grants: &[{grants}] }}", flag("public"), flag("self"))
}

fn code(contract: &Contract, grant: &DynamicMessage, field: &str) -> String {
    let descriptor = grant.descriptor().get_field_by_name(field).map(|f| f.kind());
    let number = grant.get_field_by_name(field).and_then(|v| v.as_enum_number()).unwrap_or_default();
    match descriptor {
        Some(Kind::Enum(descriptor)) => {
            format!("{}::{}", contract.enum_type(&descriptor), variant(&descriptor, number))
        }
        _ => panic!("Grant.{field} is not an enum"),
    }
}

/// The resource the rpc answers, lists or names.
fn resource_type(contract: &Contract, method: &MethodDescriptor) -> Option<String> {
    let output = method.output();
    contract
        .resource_type(&output)
        .or_else(|| {
            output.fields().filter(prost_reflect::FieldDescriptor::is_list).find_map(|f| match f.kind() {
                Kind::Message(item) => contract.resource_type(&item),
                _ => None,
            })
        })
        .or_else(|| method.input().get_field_by_name("name").and_then(|f| contract.referenced_type(&f)))
}
