//! The truth table of leave: each act, tried by every role alone.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::*;
use crate::ids::SessionId;

const ME: UserId = UserId(Uuid::from_u128(1));
const COLLEAGUE: UserId = UserId(Uuid::from_u128(2));
/// The organisation in which the caller acts.
const HOME: OrgId = OrgId(Uuid::from_u128(0x10));
/// Another for which the caller may act: a station of a dealer group that consented.
const SISTER: OrgId = OrgId(Uuid::from_u128(0x11));
const ELSEWHERE: OrgId = OrgId(Uuid::from_u128(0x12));

const ALL: &[Role] = &Role::ALL;
const NOBODY: &[Role] = &[];

fn actor(roles: &[Role]) -> Actor {
    Actor {
        user: ME,
        org: HOME,
        orgs: BTreeSet::from([HOME, SISTER]),
        roles: roles.iter().copied().collect(),
        rights: BTreeSet::new(),
        approval_level: 0,
        reads_only: false,
        session: Some(SessionId(Uuid::from_u128(3))),
        job: None,
    }
}

/// The roles that get leave, each on its own; the others are told that they don't.
fn let_in(act: Act) -> Vec<Role> {
    let tried = Role::ALL.into_iter().filter(|role| {
        let actor = actor(&[*role]);
        match permit(&actor, act) {
            Ok(permit) => {
                assert_eq!(permit.actor(), &actor, "a permit names who got it");
                true
            }
            Err(denial) => {
                assert_eq!(denial, Denial::NotPermitted, "{role:?} {act:?}");
                false
            }
        }
    });
    tried.collect()
}

fn assert_let_in(rows: &[(Act, &[Role])]) {
    for (act, roles) in rows {
        assert_eq!(let_in(*act), *roles, "{act:?}");
    }
}

fn parties(station: OrgId, created_by: UserId) -> ClaimParties {
    ClaimParties { station, created_by, submitted_by: None, appealed_by: None }
}

/// A claim that a colleague created and others submitted and defended.
fn claimed(submitted_by: Option<UserId>, appealed_by: Option<UserId>) -> ClaimParties {
    ClaimParties { submitted_by, appealed_by, ..parties(HOME, COLLEAGUE) }
}

#[test]
fn what_depends_on_the_role_alone() {
    use Role::{Admin, Auditor, Finance, Station, Technician};
    assert_let_in(&[
        (Act::WriteMasterData, &[Auditor, Admin]),
        (Act::RecordVehicleFact, &[Station, Technician, Auditor, Admin]),
        (Act::LinkOutsideIdentity, &[Admin]),
        (Act::RevokeAuthorization, &[Auditor]),
        (Act::ManageEntitlement, &[Auditor, Admin]),
        (Act::EraseParticulars, &[Auditor, Admin]),
        (Act::AskForCorrection { station: None }, &[Auditor, Admin]),
        (Act::KeepGoodwillBudget, &[Finance, Admin]),
        (Act::HandleRecovery, &[Auditor, Finance]),
        (Act::ProposeChange { own_password: true }, &[Auditor, Finance, Admin]),
    ]);
}

#[test]
fn what_depends_on_whose_row_it_is() {
    use Role::{Admin, Appraiser, Auditor, Finance, Station, Supplier, Technician};
    let note = |station, internal| Act::WriteClaimNote { station, internal };
    let appraisal = |appraiser| Act::WorkOnAppraisal { appraiser, ordered_by: COLLEAGUE };
    let attachment = |station, created_by| Act::KeepAttachment { station, created_by };
    let keepers: &[Role] = &[Station, Auditor, Finance, Appraiser, Supplier];
    assert_let_in(&[
        (Act::DraftClaim(parties(HOME, ME)), &[Station, Technician]),
        (Act::DraftClaim(parties(SISTER, ME)), &[Station, Technician]),
        (Act::DraftClaim(parties(HOME, COLLEAGUE)), &[Station]),
        (Act::DraftClaim(parties(ELSEWHERE, ME)), NOBODY),
        (Act::SubmitClaim(parties(HOME, ME)), &[Station]),
        (Act::SubmitClaim(parties(SISTER, COLLEAGUE)), &[Station]),
        (Act::SubmitClaim(parties(ELSEWHERE, ME)), NOBODY),
        (attachment(HOME, ME), &[Station, Technician, Auditor, Finance, Appraiser, Supplier]),
        (attachment(HOME, COLLEAGUE), keepers),
        (attachment(SISTER, COLLEAGUE), keepers),
        (attachment(ELSEWHERE, ME), NOBODY),
        (note(HOME, true), &[Auditor, Finance, Admin]),
        (note(HOME, false), &[Station, Auditor, Finance, Admin]),
        (note(ELSEWHERE, false), &[Auditor, Finance, Admin]),
        (appraisal(HOME), &[Appraiser]),
        (appraisal(ELSEWHERE), NOBODY),
        (Act::SpeakFor { org: SISTER }, ALL),
        (Act::SpeakFor { org: ELSEWHERE }, NOBODY),
        (Act::AnswerRecovery { supplier: HOME }, &[Supplier]),
        (Act::AnswerRecovery { supplier: ELSEWHERE }, NOBODY),
        (Act::AskForCorrection { station: Some(SISTER) }, &[Station]),
        (Act::AskForCorrection { station: Some(ELSEWHERE) }, NOBODY),
        (Act::ManageAccounts { org: HOME }, &[Admin]),
        (Act::ManageAccounts { org: ELSEWHERE }, &[Admin]),
        (Act::ChangeOwnAccount { user: ME }, ALL),
        (Act::ChangeOwnAccount { user: COLLEAGUE }, NOBODY),
        (Act::WithdrawProposal { proposed_by: ME }, ALL),
        (Act::WithdrawProposal { proposed_by: COLLEAGUE }, NOBODY),
    ]);
}

#[test]
fn nobody_decides_what_they_did_themselves() {
    use Role::{Admin, Appraiser, Auditor, Finance};
    let dispute = |issued_by, decided_by| Act::DecideDispute { issued_by, decided_by };
    let proposal = |proposed_by, about_caller| Act::DecideProposal { proposed_by, about_caller, own_password: true };
    assert_let_in(&[
        (proposal(COLLEAGUE, false), &[Auditor, Finance, Admin]),
        (Act::DecideClaim(parties(ELSEWHERE, COLLEAGUE)), &[Auditor]),
        (Act::DecideClaim(claimed(Some(COLLEAGUE), Some(COLLEAGUE))), &[Auditor]),
        (Act::DecideAfterColleague(claimed(Some(COLLEAGUE), Some(COLLEAGUE))), &[Auditor]),
        (Act::WorkOnAppraisal { appraiser: SISTER, ordered_by: COLLEAGUE }, &[Appraiser]),
        (Act::ConfirmForColleague { colleague: COLLEAGUE }, &[Auditor, Finance]),
        (dispute(None, None), &[Auditor]),
        (dispute(Some(COLLEAGUE), Some(COLLEAGUE)), &[Auditor]),
        (Act::DecideCorrection { requested_by: COLLEAGUE }, &[Auditor, Admin]),
    ]);
    // Whatever the person is by now, with all roles at once.
    let everything = actor(ALL);
    for act in [
        Act::DecideClaim(parties(HOME, ME)),
        Act::DecideClaim(claimed(Some(ME), None)),
        Act::DecideAfterColleague(claimed(Some(ME), None)),
        Act::DecideClaim(claimed(Some(COLLEAGUE), Some(ME))),
        Act::WorkOnAppraisal { appraiser: HOME, ordered_by: ME },
        Act::ConfirmForColleague { colleague: ME },
        dispute(Some(ME), None),
        dispute(None, Some(ME)),
        dispute(Some(ME), Some(COLLEAGUE)),
        Act::DecideCorrection { requested_by: ME },
        proposal(ME, false),
        proposal(COLLEAGUE, true),
    ] {
        assert_eq!(permit(&everything, act), Err(Denial::SamePerson), "{act:?}");
    }
}

#[test]
fn a_program_is_no_second_person() {
    let program = Actor { session: None, ..actor(&[Role::Auditor]) };
    for second in [
        Act::ConfirmForColleague { colleague: COLLEAGUE },
        Act::DecideAfterColleague(claimed(None, None)),
        Act::DecideDispute { issued_by: None, decided_by: None },
        Act::DecideCorrection { requested_by: COLLEAGUE },
    ] {
        assert_eq!(permit(&program, second), Err(Denial::SamePerson), "{second:?}");
        assert!(permit(&actor(&[Role::Auditor]), second).is_ok(), "{second:?}");
    }
    // What needs no second person it may do.
    assert!(permit(&program, Act::DecideClaim(claimed(None, None))).is_ok());
}

#[test]
fn who_only_reads_changes_nothing_but_the_own_sign_in() {
    let reader = Actor { reads_only: true, ..actor(ALL) };
    for act in [
        Act::WriteMasterData,
        Act::DecideClaim(claimed(None, None)),
        Act::SubmitClaim(parties(HOME, ME)),
        Act::HandleRecovery,
        Act::ProposeChange { own_password: true },
        Act::DecideProposal { proposed_by: COLLEAGUE, about_caller: false, own_password: true },
        Act::ManageAccounts { org: HOME },
        Act::SpeakFor { org: HOME },
    ] {
        assert!(permit(&actor(ALL), act).is_ok(), "{act:?}");
        assert_eq!(permit(&reader, act), Err(Denial::NotPermitted), "{act:?}");
    }
    assert!(permit(&reader, Act::ChangeOwnAccount { user: ME }).is_ok());
}

#[test]
fn who_may_grant_goodwill_does_not_say_how_much_there_is() {
    use Role::{Admin, Auditor, Finance};
    let keeps = |roles: &[Role], rights: &[Right]| {
        let actor = Actor { rights: rights.iter().copied().collect(), ..actor(roles) };
        permit(&actor, Act::KeepGoodwillBudget).map(|_| ())
    };
    assert_eq!(keeps(&[Auditor, Finance], &[]), Ok(()));
    assert_eq!(keeps(&[Auditor, Finance], &[Right::Goodwill]), Err(Denial::SamePerson));
    assert_eq!(keeps(&[Auditor, Admin], &[Right::Goodwill]), Err(Denial::SamePerson));
}

#[test]
fn only_a_job_of_the_system_does_what_nobody_asks_for() {
    let job = Actor::job("claim-deadlines");
    for act in [Act::EnforceDeadline, Act::AdjudicateByRule, Act::Bootstrap] {
        assert_eq!(permit(&actor(ALL), act), Err(Denial::NotPermitted), "{act:?}");
        assert_eq!(permit(&job, act).map(|permit| permit.actor().job), Ok(Some("claim-deadlines")), "{act:?}");
    }
    // And it does nothing else: it has no role, no right and no account.
    for act in [
        Act::WriteMasterData,
        Act::DecideClaim(parties(HOME, ME)),
        Act::KeepGoodwillBudget,
        Act::WriteClaimNote { station: HOME, internal: false },
        Act::ManageAccounts { org: OrgId::OEM },
        Act::ChangeOwnAccount { user: ME },
    ] {
        assert_eq!(permit(&job, act), Err(Denial::NotPermitted), "{act:?}");
    }
    assert_eq!((job.user, job.org, job.session), (UserId::SYSTEM, OrgId::OEM, None));
    assert_eq!((job.orgs.len(), job.roles.len(), job.rights.len(), job.approval_level), (1, 0, 0, 0));
}

#[test]
fn a_program_neither_proposes_nor_confirms() {
    let program = Actor { session: None, ..actor(ALL) };
    let decide = Act::DecideProposal { proposed_by: COLLEAGUE, about_caller: false, own_password: true };
    for act in [Act::ProposeChange { own_password: true }, decide] {
        assert_eq!(permit(&program, act), Err(Denial::NotPermitted), "{act:?}");
        assert_eq!(permit(&Actor::job("sweep"), act), Err(Denial::NotPermitted), "{act:?}");
    }
}

#[test]
fn whoever_signs_in_with_a_password_of_another_neither_proposes_nor_confirms() {
    let person = actor(&[Role::Admin]);
    let decide = |proposed_by| Act::DecideProposal { proposed_by, about_caller: false, own_password: false };
    for act in [Act::ProposeChange { own_password: false }, decide(COLLEAGUE)] {
        assert_eq!(permit(&person, act), Err(Denial::PasswordOfAnother), "{act:?}");
        assert_eq!(permit(&actor(&[Role::Station]), act), Err(Denial::NotPermitted), "{act:?}");
    }
    assert_eq!(permit(&person, decide(ME)), Err(Denial::SamePerson));
}

#[test]
fn a_manager_manages_the_accounts_of_the_own_organisation() {
    let may = |rights: &[Right], org| {
        let actor = Actor { rights: rights.iter().copied().collect(), ..actor(&[Role::Station]) };
        permit(&actor, Act::ManageAccounts { org }).is_ok()
    };
    assert!(may(&[Right::Manager], HOME));
    // To act for a sister is not to rule it.
    assert!(!may(&[Right::Manager], SISTER) && !may(&[Right::Manager], ELSEWHERE));
    assert!(!may(&[Right::Goodwill, Right::VinOverride], HOME));
}

#[test]
fn a_role_has_a_word_and_a_kind_of_organisation() {
    for (role, word, kind) in [
        (Role::Station, "STATION", OrgKind::Station),
        (Role::Technician, "TECHNICIAN", OrgKind::Station),
        (Role::Auditor, "AUDITOR", OrgKind::Oem),
        (Role::Finance, "FINANCE", OrgKind::Oem),
        (Role::Appraiser, "APPRAISER", OrgKind::Appraiser),
        (Role::Supplier, "SUPPLIER", OrgKind::Supplier),
        (Role::Customer, "CUSTOMER", OrgKind::Customer),
        (Role::Admin, "ADMIN", OrgKind::Oem),
    ] {
        assert_eq!((role.word(), role.org_kind(), Role::from_word(word)), (word, kind, Some(role)));
        assert_eq!(serde_json::to_value(role).unwrap(), word, "stored as it is told");
        assert_eq!(actor(&[role]).is_oem(), kind == OrgKind::Oem, "{word}");
        assert!(actor(&[role]).has(role) && !actor(NOBODY).has(role), "{word}");
    }
    assert_eq!((Role::from_word("auditor"), Role::from_word("")), (None, None));
    assert!(!actor(NOBODY).is_oem() && actor(&[Role::Station, Role::Finance]).is_oem());
}

#[test]
fn people_act_in_a_session_and_programs_without_one() {
    assert_eq!(actor(NOBODY).author(), Author { id: ME, is_client: false });
    let program = Actor { session: None, ..actor(NOBODY) };
    assert_eq!(program.author(), Author { id: ME, is_client: true });
    assert_eq!(Actor::job("sweep").author(), Author { id: UserId::SYSTEM, is_client: false });
    assert_eq!(Author::from(COLLEAGUE), Author { id: COLLEAGUE, is_client: false });
}

fn rule(grants: &[(Role, RowScope)]) -> Rule {
    let grants = grants.iter().map(|(role, scope)| Grant { role: *role, scope: *scope }).collect();
    Rule { own_person: false, grants }
}

/// All that a scope reaches, in one line.
fn reached(scope: &Scope) -> String {
    let mut told = Vec::new();
    if scope.is_any() {
        told.push("any".to_owned());
    }
    for (name, orgs) in [
        ("stations", scope.stations()),
        ("suppliers", scope.suppliers()),
        ("appraisers", scope.appraisers()),
        ("customers", scope.customers()),
        ("organizations", scope.organizations()),
    ] {
        if !orgs.is_empty() {
            assert_eq!(*orgs, BTreeSet::from([HOME, SISTER]));
            told.push(name.to_owned());
        }
    }
    if let Some((user, orgs)) = scope.assigned() {
        assert_eq!((user, orgs), (ME, &BTreeSet::from([HOME, SISTER])));
        told.push("assigned".to_owned());
    }
    if let Some(user) = scope.person() {
        assert_eq!(user, ME);
        told.push("person".to_owned());
    }
    told.join(" ")
}

#[test]
fn a_grant_reaches_its_rows_and_no_others() {
    for (row_scope, rows, audience) in [
        (RowScope::Any, "any", vec![OrgId::OEM]),
        (RowScope::OwnStation, "stations", vec![HOME, SISTER]),
        (RowScope::OwnSupplier, "suppliers", vec![HOME, SISTER]),
        (RowScope::OwnAppraiser, "appraisers", vec![HOME, SISTER]),
        (RowScope::OwnCustomer, "customers", vec![HOME, SISTER]),
        (RowScope::OwnOrganization, "organizations", vec![HOME, SISTER]),
        (RowScope::Assigned, "assigned", vec![]),
        (RowScope::OwnPerson, "person", vec![]),
    ] {
        let scope = authorize(&actor(&[Role::Station]), &rule(&[(Role::Station, row_scope)])).unwrap();
        assert_eq!(reached(&scope), rows);
        let followed: BTreeSet<OrgId> = audience.into_iter().chain([OrgId::EVERYONE]).collect();
        assert_eq!(scope.audience(), followed, "{rows}");
    }
}

#[test]
fn grants_add_up_and_those_of_other_roles_count_for_nothing() {
    let grants = rule(&[
        (Role::Station, RowScope::OwnStation),
        (Role::Technician, RowScope::Assigned),
        (Role::Auditor, RowScope::Any),
    ]);
    let reach = |roles: &[Role]| authorize(&actor(roles), &grants).map(|scope| reached(&scope));
    assert_eq!(reach(&[Role::Station]), Ok("stations".to_owned()));
    assert_eq!(reach(&[Role::Station, Role::Technician]), Ok("stations assigned".to_owned()));
    assert_eq!(reach(&[Role::Auditor]), Ok("any".to_owned()));
    assert_eq!(reach(&[Role::Supplier]), Err(Denial::RoleNotAllowed));
    assert_eq!(reach(NOBODY), Err(Denial::RoleNotAllowed));
    // A rule without a line lets nobody in; a job has no role, so no rule lets it in.
    assert_eq!(authorize(&actor(ALL), &Rule::default()), Err(Denial::RoleNotAllowed));
    assert_eq!(authorize(&Actor::job("sweep"), &grants), Err(Denial::RoleNotAllowed));
    // Rows of one's own are everybody's, beside what a role reaches.
    let own = Rule { own_person: true, ..grants };
    let reach = |roles: &[Role]| authorize(&actor(roles), &own).map(|scope| reached(&scope));
    assert_eq!((reach(NOBODY), reach(&[Role::Station])), (Ok("person".to_owned()), Ok("stations person".to_owned())));
}

#[test]
fn a_job_reaches_everything_and_a_person_never_does_so_as_a_job() {
    assert_eq!(job_scope(&Actor::job("sweep")).map(|scope| reached(&scope)), Ok("any".to_owned()));
    assert_eq!(job_scope(&actor(ALL)), Err(Denial::NotPermitted));
}

#[test]
fn scopes_that_differ_have_different_fingerprints() {
    let scopes = [RowScope::Any, RowScope::OwnStation, RowScope::OwnSupplier, RowScope::Assigned, RowScope::OwnPerson];
    let of = |actor: &Actor, row_scope| authorize(actor, &rule(&[(Role::Station, row_scope)])).unwrap().fingerprint();
    let mine = actor(&[Role::Station]);
    let other = Actor { user: COLLEAGUE, orgs: BTreeSet::from([ELSEWHERE]), ..mine.clone() };
    let all: BTreeSet<String> = scopes.into_iter().map(|scope| of(&mine, scope)).collect();
    assert_eq!(all.len(), scopes.len());
    for scope in [RowScope::OwnStation, RowScope::OwnSupplier, RowScope::Assigned, RowScope::OwnPerson] {
        assert_ne!(of(&mine, scope), of(&other, scope), "{scope:?}");
    }
    assert_eq!(of(&mine, RowScope::OwnStation), of(&mine.clone(), RowScope::OwnStation));
}
