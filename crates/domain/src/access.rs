//! Who may do what, and to which rows.
//!
//! A [`Scope`] says which rows a caller reaches; every repository read takes one. A [`Permit`] says that a
//! caller may perform one act; every repository write takes one. Both can be made here only, so a read
//! without a scope or a write without a permit does not compile.

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

/// The rows that one grant of an access rule reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RowScope {
    /// Every row.
    Any,
    /// Rows of the own station.
    OwnStation,
    /// Rows that concern the own supplier.
    OwnSupplier,
    /// Rows assigned to the own appraiser organisation.
    OwnAppraiser,
    /// Rows of the own customer.
    OwnCustomer,
    /// Rows assigned to, or created by, the calling person.
    Assigned,
    /// Rows of the own organisation, whatever its kind.
    OwnOrganization,
    /// Rows of the calling person.
    OwnPerson,
}

/// One line of an access rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The role that is let in.
    pub role: Role,
    /// The rows it reaches.
    pub scope: RowScope,
}

/// The access rule of one rpc.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rule {
    /// Every signed-in person, for rows of their own.
    pub own_person: bool,
    /// The roles let in.
    pub grants: Vec<Grant>,
}

/// The rows a caller reaches with one rpc: a union of sets, of which at least one applies.
///
/// A repository turns it into a condition of its query. There is no way to make one that reaches more than
/// the caller's grants, and no way to query without one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    any: bool,
    stations: BTreeSet<OrgId>,
    suppliers: BTreeSet<OrgId>,
    appraisers: BTreeSet<OrgId>,
    customers: BTreeSet<OrgId>,
    organizations: BTreeSet<OrgId>,
    /// Rows of this person within these organisations (drafts, assigned jobs).
    assigned: Option<(UserId, BTreeSet<OrgId>)>,
    person: Option<UserId>,
}

impl Scope {
    const NOTHING: Scope = Scope {
        any: false,
        stations: BTreeSet::new(),
        suppliers: BTreeSet::new(),
        appraisers: BTreeSet::new(),
        customers: BTreeSet::new(),
        organizations: BTreeSet::new(),
        assigned: None,
        person: None,
    };

    /// Whether every row is reached.
    pub fn is_any(&self) -> bool {
        self.any
    }

    /// Stations whose rows are reached.
    pub fn stations(&self) -> &BTreeSet<OrgId> {
        &self.stations
    }

    /// Suppliers whose rows are reached.
    pub fn suppliers(&self) -> &BTreeSet<OrgId> {
        &self.suppliers
    }

    /// Appraiser organisations whose cases are reached.
    pub fn appraisers(&self) -> &BTreeSet<OrgId> {
        &self.appraisers
    }

    /// Customers whose rows are reached.
    pub fn customers(&self) -> &BTreeSet<OrgId> {
        &self.customers
    }

    /// Organisations whose rows are reached, whatever their kind.
    pub fn organizations(&self) -> &BTreeSet<OrgId> {
        &self.organizations
    }

    /// The person, and organisations, whose assigned or own rows are reached.
    pub fn assigned(&self) -> Option<(UserId, &BTreeSet<OrgId>)> {
        self.assigned.as_ref().map(|(user, orgs)| (*user, orgs))
    }

    /// The person whose own rows are reached.
    pub fn person(&self) -> Option<UserId> {
        self.person
    }

    /// Organisations whose change rows the scope may follow.
    pub fn audience(&self) -> BTreeSet<OrgId> {
        let mut orgs = self.organizations.clone();
        for set in [&self.stations, &self.suppliers, &self.appraisers, &self.customers] {
            orgs.extend(set);
        }
        if self.any {
            orgs.insert(OrgId::OEM);
        }
        orgs.insert(OrgId::EVERYONE);
        orgs
    }

    /// A text that differs whenever the scope does: page tokens are bound to it.
    pub fn fingerprint(&self) -> String {
        format!("{self:?}")
    }
}

/// Why a caller is let in, or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denial {
    /// No grant of the rpc fits a role of the caller.
    #[error("none of the caller's roles may call this")]
    RoleNotAllowed,
    /// The row may be seen but not changed by this caller, or not in this way.
    #[error("the caller's rights do not cover this act")]
    NotPermitted,
    /// A person may not decide what they created, or confirm what they did themselves.
    #[error("the same person may not do both")]
    SamePerson,
}

/// The access rule applied to a caller: which rows they reach, or why none.
pub fn authorize(actor: &Actor, rule: &Rule) -> Result<Scope, Denial> {
    let mut scope = Scope::NOTHING;
    let mut admitted = false;
    if rule.own_person {
        scope.person = Some(actor.user);
        admitted = true;
    }
    for grant in rule.grants.iter().filter(|grant| actor.has(grant.role)) {
        admitted = true;
        match grant.scope {
            RowScope::Any => scope.any = true,
            RowScope::OwnStation => scope.stations.extend(&actor.orgs),
            RowScope::OwnSupplier => scope.suppliers.extend(&actor.orgs),
            RowScope::OwnAppraiser => scope.appraisers.extend(&actor.orgs),
            RowScope::OwnCustomer => scope.customers.extend(&actor.orgs),
            RowScope::OwnOrganization => scope.organizations.extend(&actor.orgs),
            RowScope::Assigned => scope.assigned = Some((actor.user, actor.orgs.clone())),
            RowScope::OwnPerson => scope.person = Some(actor.user),
        }
    }
    if admitted { Ok(scope) } else { Err(Denial::RoleNotAllowed) }
}

/// The scope of a job of the system: every row.
pub fn job_scope(actor: &Actor) -> Result<Scope, Denial> {
    if actor.job.is_some() { Ok(Scope { any: true, ..Scope::NOTHING }) } else { Err(Denial::NotPermitted) }
}

/// Leave to write. It names who acts, so that the change row can't be attributed to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permit {
    actor: Actor,
}

impl Permit {
    /// Who acts.
    pub fn actor(&self) -> &Actor {
        &self.actor
    }
}

/// What a claim's parties are, as far as permission depends on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClaimParties {
    /// The station that claims.
    pub station: OrgId,
    /// The person who created the claim.
    pub created_by: UserId,
}

/// An act that needs leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Create or change master data.
    WriteMasterData,
    /// Record what happened to a vehicle: a sale, an owner, a use, a component, an odometer reading.
    RecordVehicleFact,
    /// Create, change or retire users and API clients of an organisation.
    ManageAccounts {
        /// The organisation whose accounts these are.
        org: OrgId,
    },
    /// Change one's own sign-in: password, sessions.
    ChangeOwnAccount {
        /// The person whose account it is.
        user: UserId,
    },
    /// Say whom an outside issuer means by a subject.
    LinkOutsideIdentity,
    /// Create a claim or change its draft.
    DraftClaim(ClaimParties),
    /// Submit, withdraw or appeal a claim.
    SubmitClaim(ClaimParties),
    /// Review, decide or return a claim.
    DecideClaim(ClaimParties),
    /// Take back what is left of a prior authorisation.
    RevokeAuthorization,
    /// Issue an entitlement to a free service by hand, or take one back.
    ManageEntitlement,
    /// Write a goodwill budget: never who grants goodwill.
    KeepGoodwillBudget,
    /// Write a note on a claim.
    WriteClaimNote {
        /// The station that claims.
        station: OrgId,
        /// Whether only the manufacturer's people shall see it.
        internal: bool,
    },
    /// Do with a submitted claim what an adjudication rule says.
    AdjudicateByRule,
    /// Work on an appraisal: accept, conclude. Who ordered it never concludes it.
    WorkOnAppraisal {
        /// The appraiser organisation.
        appraiser: OrgId,
        /// Who ordered the appraisal.
        ordered_by: UserId,
    },
    /// Speak for an organisation that is a party of a case.
    SpeakFor {
        /// The organisation.
        org: OrgId,
    },
    /// Issue a recovery claim, keep its clock, record what the supplier wrote.
    HandleRecovery,
    /// Confirm what a colleague recorded or asked for.
    ConfirmForColleague {
        /// The colleague.
        colleague: UserId,
    },
    /// Answer a recovery claim.
    AnswerRecovery {
        /// The supplier that it is asked of.
        supplier: OrgId,
    },
    /// Decide a dispute: never who issued the recovery claim, nor who decided its liability.
    DecideDispute {
        /// Who issued it.
        issued_by: Option<UserId>,
        /// Who decided its liability.
        decided_by: Option<UserId>,
    },
    /// Create an attachment, send its bytes, or say where it belongs.
    KeepAttachment {
        /// The organisation that it belongs to.
        station: OrgId,
        /// The person who created it.
        created_by: UserId,
    },
    /// Erase what of an attachment may tell of a person.
    EraseParticulars,
    /// Ask for a correction of what is recorded of a vehicle, or take the request back.
    AskForCorrection {
        /// The station that asks; none: the manufacturer.
        station: Option<OrgId>,
    },
    /// Decide about a correction: never who asked for it.
    DecideCorrection {
        /// Who asked for it.
        requested_by: UserId,
    },
    /// Propose a change that needs a second person: people of the manufacturer do, in their own name. Whether they may
    /// give the command itself is asked of its own rule.
    ProposeChange,
    /// Confirm or reject a proposal: never who made it, nor who would be granted something by it.
    DecideProposal {
        /// Who made it.
        proposed_by: UserId,
        /// Whether it is about the account of who decides.
        about_caller: bool,
    },
    /// Take a proposal back: who made it does.
    WithdrawProposal {
        /// Who made it.
        proposed_by: UserId,
    },
    /// Let time have its consequence: lapse an unanswered return.
    EnforceDeadline,
    /// Make the first administrator, when there is nobody who could.
    Bootstrap,
}

/// Leave for one act, or why not.
///
/// The access rule of the rpc has let the caller in already; here stands what depends on the row and the
/// person: segregation of duties is checked by person, whatever role or organisation they act in today.
pub fn permit(actor: &Actor, act: Act) -> Result<Permit, Denial> {
    let granted = match act {
        Act::WriteMasterData => actor.has(Role::Admin) || actor.has(Role::Auditor),
        Act::RecordVehicleFact => {
            [Role::Station, Role::Technician, Role::Auditor, Role::Admin].into_iter().any(|role| actor.has(role))
        }
        Act::ManageAccounts { org } => {
            actor.has(Role::Admin) || (actor.rights.contains(&Right::Manager) && actor.org == org)
        }
        Act::ChangeOwnAccount { user } => actor.user == user,
        Act::LinkOutsideIdentity => actor.has(Role::Admin),
        Act::DraftClaim(parties) => {
            actor.orgs.contains(&parties.station)
                && (actor.has(Role::Station) || (actor.has(Role::Technician) && parties.created_by == actor.user))
        }
        Act::KeepAttachment { station, created_by } => {
            let keeps = [Role::Station, Role::Supplier, Role::Appraiser, Role::Auditor, Role::Finance];
            actor.orgs.contains(&station)
                && (keeps.into_iter().any(|role| actor.has(role))
                    || (actor.has(Role::Technician) && created_by == actor.user))
        }
        Act::SubmitClaim(parties) => actor.orgs.contains(&parties.station) && actor.has(Role::Station),
        Act::DecideClaim(parties) => {
            if parties.created_by == actor.user {
                return Err(Denial::SamePerson);
            }
            actor.has(Role::Auditor)
        }
        Act::RevokeAuthorization => actor.has(Role::Auditor),
        Act::ManageEntitlement | Act::EraseParticulars | Act::AskForCorrection { station: None } => {
            actor.has(Role::Auditor) || actor.has(Role::Admin)
        }
        Act::KeepGoodwillBudget => actor.has(Role::Finance) || actor.has(Role::Admin),
        Act::WriteClaimNote { station, internal } => {
            actor.is_oem() || (!internal && actor.has(Role::Station) && actor.orgs.contains(&station))
        }
        Act::WorkOnAppraisal { appraiser, ordered_by } => {
            if ordered_by == actor.user {
                return Err(Denial::SamePerson);
            }
            actor.has(Role::Appraiser) && actor.orgs.contains(&appraiser)
        }
        Act::SpeakFor { org } => actor.orgs.contains(&org),
        Act::HandleRecovery => actor.has(Role::Auditor) || actor.has(Role::Finance),
        Act::ConfirmForColleague { colleague } => {
            if colleague == actor.user {
                return Err(Denial::SamePerson);
            }
            actor.has(Role::Auditor) || actor.has(Role::Finance)
        }
        Act::AnswerRecovery { supplier } => actor.has(Role::Supplier) && actor.orgs.contains(&supplier),
        Act::DecideDispute { issued_by, decided_by } => {
            if [issued_by, decided_by].contains(&Some(actor.user)) {
                return Err(Denial::SamePerson);
            }
            actor.has(Role::Auditor)
        }
        Act::AskForCorrection { station: Some(station) } => actor.has(Role::Station) && actor.orgs.contains(&station),
        Act::DecideCorrection { requested_by } => {
            if requested_by == actor.user {
                return Err(Denial::SamePerson);
            }
            actor.has(Role::Auditor) || actor.has(Role::Admin)
        }
        // A program has no name of its own: whoever holds its secret could be one's own second person.
        Act::ProposeChange => actor.is_oem() && actor.session.is_some(),
        Act::DecideProposal { proposed_by, about_caller } => {
            if about_caller || proposed_by == actor.user {
                return Err(Denial::SamePerson);
            }
            actor.is_oem() && actor.session.is_some()
        }
        Act::WithdrawProposal { proposed_by } => proposed_by == actor.user,
        Act::EnforceDeadline | Act::AdjudicateByRule | Act::Bootstrap => actor.job.is_some(),
    };
    if granted { Ok(Permit { actor: actor.clone() }) } else { Err(Denial::NotPermitted) }
}

#[cfg(test)]
mod tests;
