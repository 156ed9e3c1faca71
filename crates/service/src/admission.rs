//! The one place where an rpc's access rule is enforced, for gRPC and REST alike, before the handler.
//!
//! The rule comes from the contract's options. A method without a rule does not build; a call that did not
//! come through here carries no [`Caller`], and no handler runs without one.

use std::net::IpAddr;
use std::sync::Arc;

use recourse_domain::access::{self, Actor, Grant, Role, RowScope, Rule, Scope};
use recourse_proto::Method;
use recourse_proto::v1::{error_reason::Code as Reason, role, row_scope};

use recourse_repository::StoreError;

use crate::error::{Answer, Refusal};

/// What authentication found out about a request, before anybody asks whether it matters.
#[derive(Clone, Debug)]
pub enum Identity {
    /// The request has no token.
    Anonymous,
    /// The request has a token that is not valid here.
    Refused,
    /// The request's token could not be looked up: the store can't be asked.
    Unavailable,
    /// The request's token names this actor.
    Known(Arc<Actor>),
}

/// Where a request comes from: the socket's peer, or whom a trusted proxy names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The address.
    pub address: IpAddr,
}

/// By when a call must be answered: what its time does not suffice for is told instead of begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline(pub tokio::time::Instant);

/// A caller who was let in: who acts, and which rows the method reaches for them.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Who acts; nobody on a public method.
    pub actor: Option<Arc<Actor>>,
    /// The rows reached; none on a public method.
    pub scope: Option<Arc<Scope>>,
}

/// Applies the access rule of `method` to a request's identity.
pub fn admit(method: Method, identity: Option<&Identity>) -> Answer<Caller> {
    let access = method.access();
    let actor = match identity {
        Some(Identity::Known(actor)) => Some(Arc::clone(actor)),
        Some(Identity::Anonymous | Identity::Refused | Identity::Unavailable) | None => None,
    };
    if access.public {
        return Ok(Caller { actor, scope: None });
    }
    let Some(actor) = actor else { return Err(not_signed_in(identity)) };
    let scope = access::authorize(&actor, &rule_of(method))?;
    Ok(Caller { actor: Some(actor), scope: Some(Arc::new(scope)) })
}

fn not_signed_in(identity: Option<&Identity>) -> Refusal {
    match identity {
        Some(Identity::Refused) => Refusal::new(
            Reason::TokenInvalid,
            "the token is not valid here; refresh it or sign in again",
            "令牌无效；请刷新令牌或重新登录",
        ),
        Some(Identity::Unavailable) => StoreError::Unavailable("token lookup".to_owned()).into(),
        Some(Identity::Anonymous | Identity::Known(_)) | None => Refusal::new(
            Reason::TokenInvalid,
            "this method needs a token: `authorization: Bearer …`, from POST /v1/sessions or /oauth2/token",
            "此方法需要令牌（authorization: Bearer …），可通过 POST /v1/sessions 或 /oauth2/token 获取",
        ),
    }
}

/// The access rule of a method in the domain's terms.
pub fn rule_of(method: Method) -> Rule {
    let access = method.access();
    let grants = access
        .grants
        .iter()
        .filter_map(|grant| Some(Grant { role: role_of(grant.role)?, scope: row_scope_of(grant.scope)? }))
        .collect();
    Rule { own_person: access.self_only, grants }
}

/// The domain's role for the contract's.
pub fn role_of(code: role::Code) -> Option<Role> {
    match code {
        role::Code::Unspecified => None,
        role::Code::Station => Some(Role::Station),
        role::Code::Technician => Some(Role::Technician),
        role::Code::Auditor => Some(Role::Auditor),
        role::Code::Finance => Some(Role::Finance),
        role::Code::Appraiser => Some(Role::Appraiser),
        role::Code::Supplier => Some(Role::Supplier),
        role::Code::Customer => Some(Role::Customer),
        role::Code::Admin => Some(Role::Admin),
    }
}

/// The contract's role for the domain's.
pub fn role_code(role: Role) -> role::Code {
    match role {
        Role::Station => role::Code::Station,
        Role::Technician => role::Code::Technician,
        Role::Auditor => role::Code::Auditor,
        Role::Finance => role::Code::Finance,
        Role::Appraiser => role::Code::Appraiser,
        Role::Supplier => role::Code::Supplier,
        Role::Customer => role::Code::Customer,
        Role::Admin => role::Code::Admin,
    }
}

fn row_scope_of(code: row_scope::Code) -> Option<RowScope> {
    match code {
        row_scope::Code::Unspecified => None,
        row_scope::Code::Any => Some(RowScope::Any),
        row_scope::Code::OwnStation => Some(RowScope::OwnStation),
        row_scope::Code::OwnSupplier => Some(RowScope::OwnSupplier),
        row_scope::Code::OwnAppraiser => Some(RowScope::OwnAppraiser),
        row_scope::Code::OwnCustomer => Some(RowScope::OwnCustomer),
        row_scope::Code::Assigned => Some(RowScope::Assigned),
        row_scope::Code::OwnOrganization => Some(RowScope::OwnOrganization),
        row_scope::Code::Self_ => Some(RowScope::OwnPerson),
    }
}
