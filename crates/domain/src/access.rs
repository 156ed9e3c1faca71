//! Who may do what, and to which rows.
//!
//! A [`Scope`] says which rows a caller reaches; every repository read takes one. A [`Permit`] says that a
//! caller may perform one act; every repository write takes one. Both can be made here only, so a read
//! without a scope or a write without a permit does not compile.

mod actor;
mod scope;

pub use actor::{Actor, Author, OrgKind, Right, Role};
pub use scope::{Grant, RowScope, Rule, Scope, authorize, job_scope};

use crate::ids::{OrgId, UserId};

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
    /// Whoever made the account may know its password: nobody can say who acts.
    #[error("the password of the account was chosen by somebody else")]
    PasswordOfAnother,
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
    /// The person who submitted it last.
    pub submitted_by: Option<UserId>,
    /// The person who made its newest appeal.
    pub appealed_by: Option<UserId>,
}

impl ClaimParties {
    /// Whether a person claimed it: wrote, submitted or defended it for the station. That person never decides it.
    pub fn are_claimed_by(&self, user: UserId) -> bool {
        self.created_by == user || [self.submitted_by, self.appealed_by].contains(&Some(user))
    }
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
    /// Decide after a colleague did: approve the decision at a higher level, or decide an appeal against it.
    DecideAfterColleague(ClaimParties),
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
    ProposeChange {
        /// Whether who proposes signs in with a password of their own choice.
        own_password: bool,
    },
    /// Confirm or reject a proposal: never who made it, nor who would be granted something by it.
    DecideProposal {
        /// Who made it.
        proposed_by: UserId,
        /// Whether it is about the account of who decides.
        about_caller: bool,
        /// Whether who decides signs in with a password of their own choice.
        own_password: bool,
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
    if actor.reads_only && !is_about_own_account(act) {
        return Err(Denial::NotPermitted);
    }
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
            if parties.are_claimed_by(actor.user) {
                return Err(Denial::SamePerson);
            }
            actor.has(Role::Auditor)
        }
        Act::DecideAfterColleague(parties) => {
            // A program is no second person: it says what somebody has written into it.
            if actor.author().is_client {
                return Err(Denial::SamePerson);
            }
            return permit(actor, Act::DecideClaim(parties));
        }
        Act::RevokeAuthorization => actor.has(Role::Auditor),
        Act::ManageEntitlement | Act::EraseParticulars | Act::AskForCorrection { station: None } => {
            actor.has(Role::Auditor) || actor.has(Role::Admin)
        }
        Act::KeepGoodwillBudget => {
            // Roles add up in a membership, and whoever may grant goodwill does not say how much there is.
            if actor.rights.contains(&Right::Goodwill) {
                return Err(Denial::SamePerson);
            }
            actor.has(Role::Finance) || actor.has(Role::Admin)
        }
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
            if colleague == actor.user || actor.author().is_client {
                return Err(Denial::SamePerson);
            }
            actor.has(Role::Auditor) || actor.has(Role::Finance)
        }
        Act::AnswerRecovery { supplier } => actor.has(Role::Supplier) && actor.orgs.contains(&supplier),
        Act::DecideDispute { issued_by, decided_by } => {
            if [issued_by, decided_by].contains(&Some(actor.user)) || actor.author().is_client {
                return Err(Denial::SamePerson);
            }
            actor.has(Role::Auditor)
        }
        Act::AskForCorrection { station: Some(station) } => actor.has(Role::Station) && actor.orgs.contains(&station),
        Act::DecideCorrection { requested_by } => {
            if requested_by == actor.user || actor.author().is_client {
                return Err(Denial::SamePerson);
            }
            actor.has(Role::Auditor) || actor.has(Role::Admin)
        }
        // A program has no name of its own: whoever holds its secret could be one's own second person.
        Act::ProposeChange { own_password } => {
            let may = actor.is_oem() && actor.session.is_some();
            if may && !own_password {
                return Err(Denial::PasswordOfAnother);
            }
            may
        }
        Act::DecideProposal { proposed_by, about_caller, own_password } => {
            if about_caller || proposed_by == actor.user {
                return Err(Denial::SamePerson);
            }
            let may = actor.is_oem() && actor.session.is_some();
            // Whoever made a colleague's account could be their own second person.
            if may && !own_password {
                return Err(Denial::PasswordOfAnother);
            }
            may
        }
        Act::WithdrawProposal { proposed_by } => proposed_by == actor.user,
        Act::EnforceDeadline | Act::AdjudicateByRule | Act::Bootstrap => actor.job.is_some(),
    };
    if granted { Ok(Permit { actor: actor.clone() }) } else { Err(Denial::NotPermitted) }
}

/// Whether an act is about nothing but one's own sign-in, which stays one's own whatever else one may do.
fn is_about_own_account(act: Act) -> bool {
    matches!(act, Act::ChangeOwnAccount { .. })
}

#[cfg(test)]
mod tests;
