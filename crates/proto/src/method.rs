//! What the contract says of one rpc.

use crate::v1::{role, row_scope};

/// A set of rpcs, generated from one package.
pub trait Rpc: Copy + Send + Sync + 'static {
    /// Every rpc, by service.
    const ALL: &'static [Self];

    /// Everything the contract says of it.
    fn spec(self) -> &'static MethodSpec;

    /// The rpc of a gRPC path.
    fn from_grpc_path(path: &str) -> Option<Self>;
}

/// The options of one rpc.
#[derive(Debug)]
pub struct MethodSpec {
    /// The service without its package.
    pub service: &'static str,
    /// The rpc without its service.
    pub name: &'static str,
    /// Package, service and rpc with dots.
    pub full_name: &'static str,
    /// The path of the rpc over gRPC.
    pub grpc_path: &'static str,
    /// Who may call it.
    pub access: Access,
    /// Whether the client sends a stream.
    pub client_streaming: bool,
    /// Whether the server sends a stream.
    pub server_streaming: bool,
    /// REST bindings, the main one first.
    pub http: &'static [HttpRule],
    /// The resource type it is about, if the contract says so.
    pub resource_type: Option<&'static str>,
    /// The full name of the request message.
    pub input: &'static str,
    /// The full name of the reply message.
    pub output: &'static str,
}

/// Who may call an rpc: anyone, everyone signed in, or some roles.
#[derive(Debug, PartialEq, Eq)]
pub struct Access {
    /// Callable without a token.
    pub public: bool,
    /// Callable by everyone with a token, for rows of their own person (`self`
    /// in the contract).
    pub self_only: bool,
    /// The roles that may call it.
    pub grants: &'static [Grant],
}

impl Access {
    /// The rows that a role reaches, or `None` if it is not let in.
    #[must_use]
    pub fn scope_of(&self, role: role::Code) -> Option<row_scope::Code> {
        self.grants.iter().find(|grant| grant.role == role).map(|grant| grant.scope)
    }
}

/// A role and the rows it reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grant {
    /// The role that is let in.
    pub role: role::Code,
    /// The rows it reaches.
    pub scope: row_scope::Code,
}

/// One REST binding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpRule {
    /// The HTTP verb.
    pub verb: http::Method,
    /// The path with its variables, `/v1/{name=claims/*}:submit`.
    pub template: &'static str,
    /// Empty for no body, `*` for the whole message, or the field that is the body.
    pub body: &'static str,
}
