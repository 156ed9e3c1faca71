//! What users and API clients share: memberships, and the organisations that they name.

use recourse_domain::access::{OrgKind, Right};
use recourse_domain::catalog::{Appraiser, Station, Supplier};
use recourse_domain::identity::{Duty, Membership};
use recourse_domain::ids::OrgId;
use recourse_domain::text::Violation;
use recourse_proto::v1;
use recourse_repository::Tx;

use crate::admission::{role_code, role_of};
use crate::context::Call;
use crate::error::{Answer, Refusal};

/// The public name of the manufacturer's organisation.
pub const OEM_NAME: &str = "organizations/OEM";

/// The organisation of a public name.
pub(super) async fn organization(
    tx: &mut Tx<'_>,
    call: &Call,
    field: &str,
    name: &str,
) -> Answer<(OrgId, OrgKind, String)> {
    if name.eq_ignore_ascii_case(OEM_NAME) {
        return Ok((OrgId::OEM, OrgKind::Oem, OEM_NAME.to_owned()));
    }
    let unknown = || {
        Refusal::field(
            field,
            "UNKNOWN_REFERENCE",
            format!("{name} is no organisation; name stations/…, suppliers/…, appraisers/… or {OEM_NAME}"),
            format!("{name} 不是机构；请填写 stations/…、suppliers/…、appraisers/… 或 {OEM_NAME}"),
        )
    };
    let (collection, code) = name.split_once('/').ok_or_else(unknown)?;
    let code = code.trim().to_ascii_uppercase();
    // Any organisation may be named here; whether the caller may give roles in it is asked of the permit.
    let scope = call.everything()?;
    let (id, kind) = match collection {
        "stations" => (tx.record::<Station>(&scope, &code).await?.map(|stored| stored.id), OrgKind::Station),
        "suppliers" => (tx.record::<Supplier>(&scope, &code).await?.map(|stored| stored.id), OrgKind::Supplier),
        "appraisers" => (tx.record::<Appraiser>(&scope, &code).await?.map(|stored| stored.id), OrgKind::Appraiser),
        _ => return Err(unknown()),
    };
    Ok((OrgId(id.ok_or_else(unknown)?), kind, format!("{collection}/{code}")))
}

/// Reads a membership.
pub(super) async fn read(tx: &mut Tx<'_>, call: &Call, field: &str, message: &v1::Membership) -> Answer<Membership> {
    let (org, org_kind, org_name) =
        organization(tx, call, &format!("{field}.organization"), &message.organization).await?;
    let mut roles: Vec<_> = message.roles().filter_map(role_of).collect();
    roles.sort_unstable();
    roles.dedup();
    let rights = message
        .rights()
        .filter_map(|right| match right {
            v1::membership::Right::Unspecified => None,
            v1::membership::Right::Manager => Some(Right::Manager),
            v1::membership::Right::Goodwill => Some(Right::Goodwill),
            v1::membership::Right::VinOverride => Some(Right::VinOverride),
        })
        .collect();
    let duties = message
        .duties()
        .filter_map(|duty| match duty {
            v1::membership::Duty::Unspecified => None,
            v1::membership::Duty::Claims => Some(Duty::Claims),
            v1::membership::Duty::Parts => Some(Duty::Parts),
            v1::membership::Duty::Quality => Some(Duty::Quality),
            v1::membership::Duty::Care => Some(Duty::Care),
            v1::membership::Duty::MasterData => Some(Duty::MasterData),
            v1::membership::Duty::ReadOnly => Some(Duty::ReadOnly),
        })
        .collect();
    Ok(Membership { org, org_name, org_kind, roles, rights, duties, approval_level: message.approval_level })
}

/// A membership as its reader sees it.
pub(super) fn show(membership: &Membership) -> v1::Membership {
    let Membership { org: _, org_name, org_kind: _, roles, rights, duties, approval_level } = membership;
    v1::Membership {
        organization: org_name.clone(),
        roles: roles.iter().map(|role| role_code(*role).into()).collect(),
        rights: rights
            .iter()
            .map(|right| {
                match right {
                    Right::Manager => v1::membership::Right::Manager,
                    Right::Goodwill => v1::membership::Right::Goodwill,
                    Right::VinOverride => v1::membership::Right::VinOverride,
                }
                .into()
            })
            .collect(),
        duties: duties
            .iter()
            .map(|duty| {
                match duty {
                    Duty::Claims => v1::membership::Duty::Claims,
                    Duty::Parts => v1::membership::Duty::Parts,
                    Duty::Quality => v1::membership::Duty::Quality,
                    Duty::Care => v1::membership::Duty::Care,
                    Duty::MasterData => v1::membership::Duty::MasterData,
                    Duty::ReadOnly => v1::membership::Duty::ReadOnly,
                }
                .into()
            })
            .collect(),
        approval_level: *approval_level,
    }
}

/// Violations seen from the message that holds the account.
pub(super) fn under(parent: &str, found: Vec<Violation>) -> Vec<Violation> {
    found.into_iter().map(|violation| violation.under(parent)).collect()
}

#[cfg(test)]
mod tests {
    use recourse_domain::catalog::Record;

    use super::*;

    #[test]
    fn organisations_are_named_as_their_records_are() {
        assert_eq!(Station::COLLECTION, "stations");
        assert_eq!(Supplier::COLLECTION, "suppliers");
        assert_eq!(Appraiser::COLLECTION, "appraisers");
    }
}
