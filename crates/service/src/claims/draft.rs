//! Writing a claim: form and limits only. What is wrong with its content is found at submission.

use recourse_domain::access::Act;
use recourse_domain::catalog::Stored;
use recourse_domain::catalog::station::Station;
use recourse_domain::claims::draft::NewClaim;
use recourse_domain::claims::{Claim, Header, Kind, LineInput};
use recourse_domain::ids::{ClaimId, Code, OrgId};
use recourse_domain::text::Violation;
use recourse_proto::v1::error_reason::Code as Reason;
use recourse_proto::{Method, v1};
use recourse_repository::{StoreError, Tx};
use uuid::Uuid;

use super::{COLLECTION, audience, replay, shown};
use crate::context::Call;
use crate::convert::{self, claims as convert_claims};
use crate::error::{Answer, Refusal};

/// Creates a draft under an id of the caller's choice, or of ours. A phone may have been offline for days:
/// nothing is asked of the catalogue here.
pub(super) async fn create(call: &Call, request: v1::CreateClaimRequest) -> Answer<v1::Claim> {
    let id = chosen_id(call, &request.claim_id)?;
    let draft = Draft::read(id, request.claim.unwrap_or_default())?;
    let draft = &draft;
    call.run(
        request.validate_only,
        |tx| {
            Box::pin(async move {
                let stored = draft.insert(tx, call, |error| taken(error, &draft.name)).await?;
                Ok((draft.name.clone(), shown(call, &stored)?))
            })
        },
        |name| replay(call, name),
    )
    .await
}

/// A claim that is to be written for the first time.
pub(super) struct Draft {
    /// Its public name.
    pub name: String,
    id: Uuid,
    kind: Kind,
    station: String,
    header: Header,
    lines: Vec<LineInput>,
}

impl Draft {
    /// Reads it from what a station wrote.
    pub(super) fn read(id: Uuid, message: v1::Claim) -> Answer<Self> {
        let kind = kind_of(&message)?;
        let station = message.station.clone();
        let (header, lines) = convert_claims::read(message).map_err(|found| Refusal::invalid(under_claim(found)))?;
        Ok(Self { name: convert_claims::name(id), id, kind, station, header, lines })
    }

    /// Writes it; `refused` says what the store's refusal means.
    pub(super) async fn insert(
        &self,
        tx: &mut Tx<'_>,
        call: &Call,
        refused: impl FnOnce(StoreError) -> Refusal,
    ) -> Answer<Stored<Claim>> {
        let (station, code, record) = claiming_station(tx, call, &self.station).await?;
        let new = NewClaim {
            id: ClaimId(self.id),
            // Drawn at each attempt: a number that is taken is not tried twice.
            seed: call.new_id(),
            kind: self.kind,
            station,
            station_code: code,
            currency: record.currency,
            created_by: call.actor()?.author(),
            today: call.today(),
        };
        let claim = Claim::create(new, self.header.clone(), self.lines.clone())
            .map_err(|found| Refusal::invalid(under_claim(found)))?;
        let permit = call.permit(Act::DraftClaim(claim.parties()))?;
        let note = call.note("create", self.name.clone(), COLLECTION, Vec::new(), &audience(&claim));
        tx.seal(&self.name, self.id).await;
        tx.insert_claim(&permit, claim, note).await.map_err(refused)
    }
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
                "another claim of this station has this external_ref; PATCH claims/- with allow_missing changes it, a filter \
                 on external_ref finds it, and another claim takes another",
                "本站已有索赔使用此 external_ref；可用 PATCH claims/-（allow_missing）修改它，或按 external_ref 过滤查找，或改用其他值",
            );
            refusal.violations = vec![Violation::new(
                "claim.external_ref",
                "TAKEN",
                "is used by another claim of this station",
                "已被本站的其他索赔使用",
            )];
            refusal
        }
        StoreError::AlreadyExists { what } if what.contains("open_job_key") => Refusal::field(
            "claim.external_job",
            "REPAIR_ORDER_JOB_CLAIMED",
            "another claim of this station claims this job of the repair order; correct external_repair_order or \
             external_job, or withdraw the other claim",
            "本站另一索赔单已申报该工单的此项目；请更正工单或项目编号，或撤回另一索赔单",
        ),
        StoreError::AlreadyExists { what } if what == NUMBER_TAKEN => Refusal::overtaken(),
        StoreError::AlreadyExists { .. } => Refusal::already_exists(name),
        other => other.into(),
    }
}

/// The constraint on readable numbers, which are drawn by chance.
const NUMBER_TAKEN: &str = "claim(number)";
