//! People and programs that sign in, and what they may do for which organisation.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::access::{OrgKind, Right, Role};
use crate::ids::{OrgId, SessionId, UserId};
use crate::text::Violation;

/// What somebody may do for one organisation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    /// The organisation.
    pub org: OrgId,
    /// Its public name: `stations/S-001`.
    pub org_name: String,
    /// Its kind. All roles of a membership belong to it.
    pub org_kind: OrgKind,
    /// Roles.
    pub roles: Vec<Role>,
    /// Rights beside the roles.
    #[serde(default)]
    pub rights: Vec<Right>,
    /// What an OEM user is concerned with.
    #[serde(default)]
    pub duties: Vec<Duty>,
    /// The level up to which an auditor approves.
    #[serde(default)]
    pub approval_level: i32,
}

/// What an OEM user is concerned with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Duty {
    /// Reviews claims.
    Claims,
    /// Handles used and urgent parts.
    Parts,
    /// Works on failure analysis.
    Quality,
    /// Handles customer cases.
    Care,
    /// Keeps master data.
    MasterData,
    /// Only reads.
    ReadOnly,
}

/// A person who can sign in, without personal data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Key.
    pub id: UserId,
    /// What the user signs in with, in lower case.
    pub user_name: String,
    /// The organisations the user acts for.
    pub memberships: Vec<Membership>,
    /// Sign-in is refused.
    pub disabled: bool,
    /// The personal data was erased.
    pub erased: bool,
}

/// Personal data of a user: kept apart, so that it can be erased.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Person {
    /// Name.
    pub display_name: String,
    /// Mail address.
    pub email: String,
    /// Telephone.
    pub phone: String,
    /// The person's number in the system of whoever keeps the user.
    pub external_ref: String,
    /// Who the person is at outside issuers.
    pub outside: Vec<OutsideIdentity>,
}

/// A person as an outside issuer knows them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OutsideIdentity {
    /// The issuer, as its tokens name it.
    pub issuer: String,
    /// The subject of its tokens.
    pub subject: String,
}

/// A program that calls in its own name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiClient {
    /// Key; also the OAuth `client_id`.
    pub id: UserId,
    /// What people call it.
    pub display_name: String,
    /// For whom it acts.
    pub membership: Membership,
    /// Further organisations of the same kind that consented.
    pub consenting: Vec<(OrgId, String)>,
    /// It was revoked.
    pub revoked: bool,
    /// Its public keys, a JWK set in JSON; empty for a client with a secret.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub public_keys: String,
    /// Its key in the system of whoever created it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub external_ref: String,
}

/// A device that is signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Key.
    pub id: SessionId,
    /// Whose.
    pub user: UserId,
    /// For whom the user acts.
    pub org: OrgId,
    /// What the device calls itself.
    pub device: String,
    /// When it signed in.
    pub create_time: DateTime<Utc>,
    /// When it was last heard of.
    pub last_used_time: DateTime<Utc>,
    /// When it was signed out.
    pub revoke_time: Option<DateTime<Utc>>,
}

impl Membership {
    /// What is wrong with the membership at `field`.
    pub fn check(&self, field: &str) -> Vec<Violation> {
        let mut found = Vec::new();
        if let Some(role) = self.roles.iter().find(|role| role.org_kind() != self.org_kind) {
            found.push(Violation::new(
                format!("{field}.roles"),
                "ROLE_OF_ANOTHER_KIND",
                format!(
                    "{} is no role of {}; its roles belong to its own kind of organisation",
                    role.word(),
                    self.org_name
                ),
                format!("{} 不是 {} 可用的角色；角色须与机构类型一致", role.word(), self.org_name),
            ));
        }
        if self.roles.is_empty() {
            found.push(Violation::new(
                format!("{field}.roles"),
                "REQUIRED",
                "a membership needs at least one role",
                "至少需要一个角色",
            ));
        }
        if self.rights.contains(&Right::Goodwill) && !self.roles.contains(&Role::Auditor) {
            found.push(Violation::new(
                format!("{field}.rights"),
                "RIGHT_WITHOUT_ROLE",
                "GOODWILL is a right of auditors; add the role or drop the right",
                "GOODWILL 权限仅适用于审核员；请添加角色或去掉该权限",
            ));
        }
        found
    }
}

impl Membership {
    /// Whether this membership allows more than the one before it did. That READ_ONLY is added, or a role is taken
    /// away, is no grant; any other change of the duties may be one.
    fn grants_more_than(&self, before: &Membership) -> bool {
        let duties = |membership: &Membership| -> BTreeSet<Duty> {
            membership.duties.iter().copied().filter(|duty| *duty != Duty::ReadOnly).collect()
        };
        let read_only = |membership: &Membership| membership.duties.contains(&Duty::ReadOnly);
        self.roles.iter().any(|role| !before.roles.contains(role))
            || self.rights.iter().any(|right| !before.rights.contains(right))
            || duties(self) != duties(before)
            || (read_only(before) && !read_only(self))
            || self.approval_level > before.approval_level
    }
}

/// Whether somebody is allowed more by these memberships than by those before.
pub fn grants_more(before: &[Membership], after: &[Membership]) -> bool {
    after.iter().any(|membership| {
        let same = before.iter().find(|before| before.org == membership.org);
        same.is_none_or(|before| membership.grants_more_than(before))
    })
}

impl User {
    /// Whether this is an administrator of the deployment.
    pub fn is_admin(&self) -> bool {
        self.memberships
            .iter()
            .any(|membership| membership.org == OrgId::OEM && membership.roles.contains(&Role::Admin))
    }

    /// What is wrong with the user.
    pub fn check(&self) -> Vec<Violation> {
        let mut found: Vec<Violation> = self
            .memberships
            .iter()
            .enumerate()
            .flat_map(|(index, membership)| membership.check(&format!("memberships[{index}]")))
            .collect();
        let kinds: std::collections::BTreeSet<OrgKind> =
            self.memberships.iter().map(|membership| membership.org_kind).collect();
        if kinds.len() > 1 {
            found.push(Violation::new(
                "memberships",
                "ONE_KIND",
                "a user's organisations are all of one kind; make a second user for the other",
                "同一用户的机构须为同一类型；其他类型请另建用户",
            ));
        }
        let orgs: std::collections::BTreeSet<OrgId> =
            self.memberships.iter().map(|membership| membership.org).collect();
        if orgs.len() != self.memberships.len() {
            found.push(Violation::new(
                "memberships",
                "DUPLICATE",
                "an organisation stands in one membership; put all roles there",
                "每个机构只能有一条成员关系；请将角色合并",
            ));
        }
        found
    }

    /// The membership for an organisation.
    pub fn membership(&self, org: OrgId) -> Option<&Membership> {
        self.memberships.iter().find(|membership| membership.org == org)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(org_kind: OrgKind, roles: &[Role], rights: &[Right]) -> Membership {
        Membership {
            org: OrgId(uuid::Uuid::from_u128(u128::from(org_kind as u8) + 1)),
            org_name: "stations/S-001".to_owned(),
            org_kind,
            roles: roles.to_vec(),
            rights: rights.to_vec(),
            duties: Vec::new(),
            approval_level: 0,
        }
    }

    fn rules(memberships: Vec<Membership>) -> Vec<&'static str> {
        let user = User {
            id: UserId(uuid::Uuid::from_u128(1)),
            user_name: "wang".to_owned(),
            memberships,
            disabled: false,
            erased: false,
        };
        user.check().into_iter().map(|violation| violation.rule).collect()
    }

    #[test]
    fn roles_belong_to_the_kind_of_their_organisation() {
        assert!(
            rules(vec![member(OrgKind::Station, &[Role::Station, Role::Technician], &[Right::Manager])]).is_empty()
        );
        assert_eq!(rules(vec![member(OrgKind::Station, &[Role::Auditor], &[])]), ["ROLE_OF_ANOTHER_KIND"]);
        assert_eq!(rules(vec![member(OrgKind::Station, &[], &[])]), ["REQUIRED"]);
        assert_eq!(rules(vec![member(OrgKind::Station, &[Role::Station], &[Right::Goodwill])]), ["RIGHT_WITHOUT_ROLE"]);
    }

    #[test]
    fn to_be_allowed_more_is_a_grant_and_to_be_allowed_less_is_none() {
        let base = || Membership {
            duties: vec![Duty::Parts],
            approval_level: 1,
            ..member(OrgKind::Oem, &[Role::Auditor], &[Right::Goodwill])
        };
        let changed = |change: fn(&mut Membership)| {
            let mut membership = base();
            change(&mut membership);
            grants_more(&[base()], &[membership])
        };
        assert!(!changed(|_| {}));
        assert!(!changed(|membership| membership.roles.clear()));
        assert!(!changed(|membership| membership.rights.clear()));
        assert!(!changed(|membership| membership.approval_level = 0));
        assert!(!changed(|membership| membership.duties.push(Duty::ReadOnly)));
        assert!(changed(|membership| membership.roles.push(Role::Finance)));
        assert!(changed(|membership| membership.rights.push(Right::VinOverride)));
        assert!(changed(|membership| membership.approval_level = 2));
        assert!(changed(|membership| membership.duties.push(Duty::Claims)));
        assert!(changed(|membership| membership.duties.clear()), "without duties nothing is set apart");
        let reading = Membership { duties: vec![Duty::ReadOnly, Duty::Parts], ..base() };
        assert!(grants_more(&[reading], &[base()]), "who only read may write");
        assert!(grants_more(&[], &[base()]) && !grants_more(&[base()], &[]));
        let elsewhere = Membership { org: OrgId(uuid::Uuid::from_u128(0x99)), ..base() };
        assert!(grants_more(&[base()], &[elsewhere]), "another organisation");
    }

    #[test]
    fn a_user_belongs_to_one_kind_of_organisation_and_to_each_once() {
        let station = member(OrgKind::Station, &[Role::Station], &[]);
        let oem = member(OrgKind::Oem, &[Role::Auditor], &[]);
        assert_eq!(rules(vec![station.clone(), oem]), ["ONE_KIND"]);
        assert_eq!(rules(vec![station.clone(), station]), ["DUPLICATE"]);
    }
}
