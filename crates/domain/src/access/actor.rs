//! Who acts: roles, the kinds of organisation they belong to, rights beside them.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::ids::{OrgId, SessionId, UserId};

/// Who a caller is within the warranty business.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Role {
    /// Service advisor, warranty clerk or the dealer's DMS.
    Station,
    /// Technician of a station.
    Technician,
    /// Claims auditor of the manufacturer.
    Auditor,
    /// Settlement clerk of the manufacturer.
    Finance,
    /// Third-party appraiser.
    Appraiser,
    /// Supplier of parts.
    Supplier,
    /// Owner or user of a vehicle.
    Customer,
    /// Administrator of the deployment.
    Admin,
}

impl Role {
    /// Every role.
    pub const ALL: [Role; 8] = [
        Role::Station,
        Role::Technician,
        Role::Auditor,
        Role::Finance,
        Role::Appraiser,
        Role::Supplier,
        Role::Customer,
        Role::Admin,
    ];

    /// The kind of organisation that people of this role belong to. One user's roles share it.
    pub fn org_kind(self) -> OrgKind {
        match self {
            Role::Station | Role::Technician => OrgKind::Station,
            Role::Auditor | Role::Finance | Role::Admin => OrgKind::Oem,
            Role::Appraiser => OrgKind::Appraiser,
            Role::Supplier => OrgKind::Supplier,
            Role::Customer => OrgKind::Customer,
        }
    }

    /// The word of the role in tokens and documents.
    pub fn word(self) -> &'static str {
        match self {
            Role::Station => "STATION",
            Role::Technician => "TECHNICIAN",
            Role::Auditor => "AUDITOR",
            Role::Finance => "FINANCE",
            Role::Appraiser => "APPRAISER",
            Role::Supplier => "SUPPLIER",
            Role::Customer => "CUSTOMER",
            Role::Admin => "ADMIN",
        }
    }

    /// The role of a word, if there is one.
    pub fn from_word(word: &str) -> Option<Role> {
        Role::ALL.into_iter().find(|role| role.word() == word)
    }
}

/// A kind of organisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum OrgKind {
    /// The vehicle manufacturer.
    Oem,
    /// A service station.
    Station,
    /// A parts supplier.
    Supplier,
    /// An appraiser.
    Appraiser,
    /// A customer.
    Customer,
}

/// A right beside the roles, held by a membership.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Right {
    /// Manages the users of the own organisation.
    Manager,
    /// Grants goodwill.
    Goodwill,
    /// Overrides a VIN's check digit.
    VinOverride,
}

/// Who acts: a signed-in person, a machine, or a named job of the system itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// The person or machine.
    pub user: UserId,
    /// The acting organisation, chosen at sign-in.
    pub org: OrgId,
    /// Organisations the caller acts for: the acting one, and for a DMS those that consented.
    pub orgs: BTreeSet<OrgId>,
    /// Roles within the acting organisation.
    pub roles: BTreeSet<Role>,
    /// Rights within the acting organisation.
    pub rights: BTreeSet<Right>,
    /// The level up to which an auditor approves.
    pub approval_level: i32,
    /// Whether the caller only reads, whatever the roles would allow.
    pub reads_only: bool,
    /// The sign-in session, if a person acts.
    pub session: Option<SessionId>,
    /// Set for a job of the system: `claim-deadlines`.
    pub job: Option<&'static str>,
}

/// Who made something, as it is kept and told: a person, or a program in its own name (an API client).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Author {
    /// The person or program.
    pub id: UserId,
    /// Whether it is a program.
    pub is_client: bool,
}

impl From<UserId> for Author {
    fn from(id: UserId) -> Self {
        Self { id, is_client: false }
    }
}

impl Actor {
    /// The caller as the author of something. People act in a session, programs without one.
    pub fn author(&self) -> Author {
        Author { id: self.user, is_client: self.session.is_none() && self.job.is_none() }
    }

    /// A job of the system, acting in its own name.
    pub fn job(name: &'static str) -> Self {
        Self {
            user: UserId(uuid::Uuid::nil()),
            org: OrgId::OEM,
            orgs: BTreeSet::from([OrgId::OEM]),
            roles: BTreeSet::new(),
            rights: BTreeSet::new(),
            approval_level: 0,
            reads_only: false,
            session: None,
            job: Some(name),
        }
    }

    /// Whether the caller has a role.
    pub fn has(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }

    /// Whether the caller belongs to the manufacturer.
    pub fn is_oem(&self) -> bool {
        self.roles.iter().any(|role| role.org_kind() == OrgKind::Oem)
    }
}
