//! Whose an attachment is: the station's that its sender acts for, or the sender's own organisation, where that is
//! the manufacturer, a supplier or an appraiser. Those say what it proves: an appraisal, or a recovery claim.

use recourse_domain::access::Role;
use recourse_domain::attachments::{self, Owner};
use recourse_domain::catalog::{Appraiser, Record, Station, Supplier};
use recourse_domain::ids::{Code, OrgId};
use recourse_domain::text::Violation;
use recourse_proto::Method;
use recourse_repository::Tx;
use uuid::Uuid;

use crate::context::Call;
use crate::convert;
use crate::error::{Answer, Refusal};

/// The organisation that a new attachment belongs to. Only a caller who acts for several stations names one.
pub(super) async fn acting(tx: &mut Tx<'_>, call: &Call, station: &str) -> Answer<(OrgId, Code, Owner)> {
    let actor = call.actor()?;
    let owner = if actor.is_oem() {
        Owner::Oem
    } else if actor.has(Role::Supplier) {
        Owner::Supplier
    } else if actor.has(Role::Appraiser) {
        Owner::Appraiser
    } else {
        Owner::Station
    };
    if owner != Owner::Station && !station.is_empty() {
        return Err(Refusal::field(
            "attachment.station",
            "NOT_A_STATION",
            "leave the field empty: an attachment of yours belongs to your own organisation",
            "请留空：您的附件属于您所在的单位",
        ));
    }
    match owner {
        Owner::Station => acting_station(tx, call, station).await.map(|(org, code)| (org, code, owner)),
        Owner::Supplier => Ok((actor.org, own_code::<Supplier>(tx, call).await?, owner)),
        Owner::Appraiser => Ok((actor.org, own_code::<Appraiser>(tx, call).await?, owner)),
        Owner::Oem => Ok((OrgId::OEM, Owner::manufacturer(), owner)),
    }
}

/// Keeps others of an organisation waiting until this unit ends. The manufacturer has no row that could be held, nor a
/// bound that a few files at one moment would matter to.
pub(super) async fn hold(tx: &mut Tx<'_>, owner: Owner, code: &Code) -> Answer<()> {
    match owner {
        Owner::Station => tx.hold_record::<Station>(code.as_str()).await?,
        Owner::Supplier => tx.hold_record::<Supplier>(code.as_str()).await?,
        Owner::Appraiser => tx.hold_record::<Appraiser>(code.as_str()).await?,
        Owner::Oem => {}
    }
    Ok(())
}

async fn own_code<R: Record>(tx: &mut Tx<'_>, call: &Call) -> Answer<Code> {
    let org = call.actor()?.org;
    let found = tx.record_by_id::<R>(&call.everything()?, org.0).await?;
    let missing = || Refusal::fault(format!("organisation {org} of a signed-in person is missing"));
    let code = found.ok_or_else(missing)?.value.code().to_owned();
    Code::parse(&code).map_err(|_| Refusal::fault(format!("organisation {org} has the code {code:?}")))
}

/// The station that an attachment is for: the one that is named, else the caller's own.
async fn acting_station(tx: &mut Tx<'_>, call: &Call, named: &str) -> Answer<(OrgId, Code)> {
    let actor = call.actor()?;
    let refused = |rule, en: &str, zh: &str| Refusal::field("attachment.station", rule, en, zh);
    let scope = call.scope_of(Method::StationServiceGetStation)?;
    let stored = if named.is_empty() {
        if actor.orgs.len() > 1 {
            let en = "you act for several stations: name the one that the file is of, such as stations/S-001";
            return Err(refused("REQUIRED", en, "您代表多个服务站：请填写附件所属服务站，如 stations/S-001"));
        }
        tx.record_by_id::<Station>(&scope, actor.org.0).await?
    } else {
        let code = Code::parse(named.strip_prefix("stations/").unwrap_or(named))
            .map_err(|_| Refusal::invalid(vec![convert::bad_code("attachment.station")]))?;
        tx.record::<Station>(&scope, code.as_str()).await?
    };
    let stored = stored.filter(|stored| actor.orgs.contains(&OrgId(stored.id))).ok_or_else(|| {
        let en = "an attachment is of a station that you act for; leave the field empty for your own";
        refused("UNKNOWN_REFERENCE", en, "附件只能属于您所代表的服务站；本站可留空")
    })?;
    Ok((OrgId(stored.id), stored.value.code))
}

/// What an attachment proves beside claims: an appraisal or a recovery claim that its sender may read.
pub(super) async fn subject(tx: &mut Tx<'_>, call: &Call, owner: Owner, name: &str) -> Answer<Option<String>> {
    if name.is_empty() {
        return Ok(None);
    }
    let refused = |rule, en: &str, zh: &str| Refusal::field("attachment.subject", rule, en, zh);
    if owner == Owner::Station {
        let en = "an attachment of a station proves a claim; name it in `claim`";
        return Err(refused("NOT_ALLOWED", en, "服务站的附件用于索赔，请填写 claim"));
    }
    let found = match name.split_once('/').and_then(|(kind, id)| Some((kind, Uuid::parse_str(id).ok()?))) {
        Some(("appraisals", id)) => match call.scope_of(Method::AppraisalServiceGetAppraisal) {
            Ok(scope) => tx.appraisal(&scope, id).await?.map(|stored| format!("appraisals/{}", stored.id)),
            Err(_) => None,
        },
        Some(("recoveryClaims", id)) => match call.scope_of(Method::RecoveryServiceGetRecoveryClaim) {
            Ok(scope) => tx.recovery_claim(&scope, id).await?.map(|stored| format!("recoveryClaims/{}", stored.id)),
            Err(_) => None,
        },
        Some(_) | None => None,
    };
    let en = "names no appraisal and no recovery claim that you may read: appraisals/{id}, recoveryClaims/{id}";
    found
        .map(Some)
        .ok_or_else(|| refused("UNKNOWN_REFERENCE", en, "没有该鉴定单或追偿单：appraisals/{id}、recoveryClaims/{id}"))
}

/// What is wrong with attachments that are named as proof: they are not there, or not of the station that names them.
/// Another's is not told apart from none at all. The manufacturer names any.
pub(crate) async fn unknown_attachments(
    tx: &mut Tx<'_>,
    evidence: &[String],
    of: Option<OrgId>,
) -> Answer<Vec<Violation>> {
    let facts = tx.attachment_facts(&attachments::named(evidence.iter().map(String::as_str))).await?;
    let is_there = |name: &str| {
        let fact = attachments::key_of(name).and_then(|key| facts.get(&key));
        fact.is_some_and(|fact| !fact.abandoned && of.is_none_or(|station| station == fact.station))
    };
    let missing = evidence.iter().enumerate().filter(|(_, name)| !is_there(name));
    Ok(missing
        .map(|(index, name)| {
            Violation::new(
                format!("evidence[{index}]"),
                "UNKNOWN_REFERENCE",
                format!("{name} is no attachment of yours; create it first"),
                format!("{name} 不是您的附件；请先创建"),
            )
        })
        .collect())
}
