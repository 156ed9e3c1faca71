//! Which rows a caller reaches: the access rule of an rpc, and the [`Scope`] that it makes for a caller.

use std::collections::BTreeSet;

use super::{Actor, Denial, Role};
use crate::ids::{OrgId, UserId};

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
