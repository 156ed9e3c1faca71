//! Writing a claim: form and limits only. What is wrong with its content is found at submission.

use recourse_domain::access::Act;
use recourse_domain::catalog::station::Station;
use recourse_domain::claims::draft::{NewClaim, UpdateError};
use recourse_domain::claims::{Claim, Kind};
use recourse_domain::ids::{ClaimId, Code, OrgId};
use recourse_domain::text::Violation;
use recourse_proto::merge::Merge;
use recourse_proto::v1::error_reason::Code as Reason;
use recourse_proto::{Method, v1};
use recourse_repository::{StoreError, Tx};
use uuid::Uuid;

use super::{COLLECTION, audience, found_for, refused_step, replay, shown};
use crate::context::Call;
use crate::convert::{self, claims as convert_claims};
use crate::error::{Answer, Refusal};

/// Creates a draft under an id of the caller's choice, or of ours. A phone may have been offline for days:
/// nothing is asked of the catalogue here.
pub(super) async fn create(call: &Call, request: v1::CreateClaimRequest) -> Answer<v1::Claim> {
    let message = request.claim.unwrap_or_default();
    let id = chosen_id(call, &request.claim_id)?;
    let kind = kind_of(&message)?;
    let named_station = message.station.clone();
    let (header, lines) = convert_claims::read(message).map_err(|found| Refusal::invalid(under_claim(found)))?;
    let name = convert_claims::name(id);
    let (header, lines, name, named_station) = (&header, &lines, name.as_str(), named_station.as_str());
    call.run(
        request.validate_only,
        |tx| {
            Box::pin(async move {
                let (station, code, record) = claiming_station(tx, call, named_station).await?;
                let created_by = call.actor()?.author();
                let new = NewClaim {
                    id: ClaimId(id),
                    // Drawn at each attempt: a number that is taken is not tried twice.
                    seed: call.new_id(),
                    kind,
                    station,
                    station_code: code,
                    currency: record.currency,
                    created_by,
                    today: call.today(),
                };
                let claim = Claim::create(new, header.clone(), lines.clone())
                    .map_err(|found| Refusal::invalid(under_claim(found)))?;
                let permit = call.permit(Act::DraftClaim(claim.parties()))?;
                let note = call.note("create", name.to_owned(), COLLECTION, Vec::new(), &audience(&claim));
                tx.seal(name, claim.id.0).await;
                let stored = tx.insert_claim(&permit, claim, note).await.map_err(|error| taken(error, name))?;
                Ok((name.to_owned(), shown(call, &stored)?))
            })
        },
        |name| replay(call, name),
    )
    .await
}

/// The id of a caller's choice, or one of ours.
pub(super) fn chosen_id(call: &Call, given: &str) -> Answer<Uuid> {
    if given.is_empty() {
        return Ok(call.new_id());
    }
    Uuid::parse_str(given)
        .map_err(|_| Refusal::field("claim_id", "BAD_FORMAT", "a claim id is a UUID", "claim_id 必须是 UUID"))
}

/// The kind of a claim, which must be said.
pub(super) fn kind_of(message: &v1::Claim) -> Answer<Kind> {
    convert_claims::read_kind(message.kind())
        .ok_or_else(|| Refusal::field("claim.kind", "REQUIRED", "the kind of claim is needed", "请填写索赔类型"))
}

/// Changes a draft, or a returned claim before it is submitted again.
pub(super) async fn update(call: &Call, request: v1::UpdateClaimRequest) -> Answer<v1::Claim> {
    let message = request.claim.unwrap_or_default();
    let mask = request.update_mask.map(|mask| mask.paths).filter(|paths| !paths.is_empty());
    let paths = mask.unwrap_or_else(|| message.populated());
    let name = message.name.clone();
    let (message, paths, name) = (&message, &paths, name.as_str());
    call.run(
        request.validate_only,
        |tx| {
            Box::pin(async move {
                let stored = found_for(tx, call, name, &message.etag).await?;
                let permit = call.permit(Act::DraftClaim(stored.value.parties()))?;
                let mut merged = convert_claims::show(&stored, call.now, call.lang)?;
                merged.merge(message, paths).map_err(|error| convert::mask_refusal(&error))?;
                let (header, lines) =
                    convert_claims::read(merged).map_err(|found| Refusal::invalid(under_claim(found)))?;
                let claim = stored.value.clone().update(header, lines).map_err(|error| match error {
                    UpdateError::Transition(error) => refused_step(name, error),
                    UpdateError::Content(found) => Refusal::invalid(under_claim(found)),
                })?;
                if claim == stored.value {
                    return Ok((name.to_owned(), shown(call, &stored)?));
                }
                let note = call.note("update", name.to_owned(), COLLECTION, paths.clone(), &audience(&claim));
                tx.seal(name, claim.id.0).await;
                let stored =
                    tx.update_claim(&permit, &stored, claim, note).await.map_err(|error| taken(error, name))?;
                Ok((name.to_owned(), shown(call, &stored)?))
            })
        },
        |name| replay(call, name),
    )
    .await
}

/// The station that claims: the one that is named, else the caller's own. A DMS that acts for several names
/// one in each call.
pub(super) async fn claiming_station(tx: &mut Tx<'_>, call: &Call, named: &str) -> Answer<(OrgId, Code, Station)> {
    let actor = call.actor()?;
    let missing = || {
        Refusal::field(
            "claim.station",
            "REQUIRED",
            "you act for several stations: name the one that claims, such as stations/S-001",
            "您代表多个服务站：请填写提出索赔的服务站，如 stations/S-001",
        )
    };
    let scope = call.scope_of(Method::StationServiceGetStation)?;
    let stored = if named.is_empty() {
        if actor.orgs.len() > 1 {
            return Err(missing());
        }
        tx.record_by_id::<Station>(&scope, actor.org.0).await?
    } else {
        let code = Code::parse(named.strip_prefix("stations/").unwrap_or(named))
            .map_err(|_| Refusal::invalid(vec![convert::bad_code("claim.station")]))?;
        tx.record::<Station>(&scope, code.as_str()).await?
    };
    let stored = stored.filter(|stored| actor.orgs.contains(&OrgId(stored.id))).ok_or_else(|| {
        Refusal::field(
            "claim.station",
            "UNKNOWN_REFERENCE",
            "a claim is made for a station that you act for; leave the field empty for your own",
            "只能为您所代表的服务站提出索赔；本站可留空",
        )
    })?;
    Ok((OrgId(stored.id), stored.value.code.clone(), stored.value))
}

pub(super) fn under_claim(found: Vec<Violation>) -> Vec<Violation> {
    found.into_iter().map(|violation| violation.under("claim")).collect()
}

pub(super) fn taken(error: StoreError, name: &str) -> Refusal {
    match error {
        StoreError::Stale => Refusal::stale(name),
        StoreError::AlreadyExists { what } if what.contains("external_ref") => {
            let mut refusal = Refusal::new(
                Reason::ResourceAlreadyExists,
                "another claim of this station has this external_ref; find it with a filter on external_ref, or use another",
                "本站已有索赔使用此 external_ref；可按 external_ref 过滤查找，或改用其他值",
            );
            refusal.violations = vec![Violation::new(
                "claim.external_ref",
                "TAKEN",
                "is used by another claim of this station",
                "已被本站的其他索赔使用",
            )];
            refusal
        }
        StoreError::AlreadyExists { what } if what == NUMBER_TAKEN => StoreError::Retry.into(),
        StoreError::AlreadyExists { .. } => Refusal::already_exists(name),
        other => other.into(),
    }
}

/// The constraint on readable numbers, which are drawn by chance.
const NUMBER_TAKEN: &str = "claim(number)";
