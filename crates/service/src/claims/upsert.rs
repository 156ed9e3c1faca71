//! Changing a claim that is written, by its name or by the number that the station's own system knows it by; and
//! creating it where it is not there yet. However often a program sends what it has, it makes one claim of it.

use std::sync::atomic::{AtomicBool, Ordering};

use recourse_domain::access::Act;
use recourse_domain::catalog::Stored;
use recourse_domain::claims::draft::UpdateError;
use recourse_domain::claims::{Claim, TransitionError, way_out};
use recourse_domain::text::Text;
use recourse_proto::merge::Merge;
use recourse_proto::v1;
use recourse_proto::v1::error_reason::Code as Reason;
use recourse_repository::{StoreError, Tx};
use uuid::Uuid;

use super::draft::{Draft, claiming_station, taken, under_claim};
use super::{COLLECTION, audience, refused_step, replay, shown};
use crate::context::Call;
use crate::convert::{self, claims as convert_claims, names};
use crate::error::{Answer, Refusal};

/// The name that means: the claim of the station with this `external_ref`.
const BY_REFERENCE: &str = "claims/-";

/// What an update writes, and where.
struct Update {
    message: v1::Claim,
    paths: Vec<String>,
    /// The key that is named; of a claim by reference the one that it gets if it is created.
    id: Uuid,
    by_reference: bool,
    allow_missing: bool,
}

/// Changes a draft, or a returned claim before it is submitted again; with `allow_missing` creates what is not there.
///
/// Two that create at once meet in the database; the one that comes second looks again and finds the claim of the
/// first.
pub(super) async fn update(call: &Call, request: v1::UpdateClaimRequest) -> Answer<v1::Claim> {
    let update = Update::read(call, request.claim.unwrap_or_default(), request.update_mask, request.allow_missing)?;
    let met = AtomicBool::new(false);
    let (update, met) = (&update, &met);
    call.run(
        request.validate_only,
        |tx| {
            Box::pin(async move {
                let stored = match update.find(tx, call).await? {
                    Some(stored) => update.apply(tx, call, stored).await?,
                    None => update.create(tx, call, met).await?,
                };
                Ok((convert_claims::name(stored.id), shown(call, &stored)?))
            })
        },
        |name| replay(call, name),
    )
    .await
}

impl Update {
    fn read(
        call: &Call,
        message: v1::Claim,
        mask: Option<recourse_proto::wkt::FieldMask>,
        allow_missing: bool,
    ) -> Answer<Self> {
        let mask = mask.map(|mask| mask.paths).filter(|paths| !paths.is_empty());
        let paths = mask.unwrap_or_else(|| message.populated());
        let by_reference = message.name == BY_REFERENCE;
        if by_reference && message.external_ref.trim().is_empty() {
            return Err(Refusal::field(
                "claim.external_ref",
                "REQUIRED",
                "claims/- is the claim with this external_ref: give it, or the name of the claim",
                "claims/- 表示具有此 external_ref 的索赔：请填写 external_ref，或使用索赔名称",
            ));
        }
        let id = if by_reference { call.new_id() } else { names::uuid_in(&message.name, COLLECTION)? };
        Ok(Self { message, paths, id, by_reference, allow_missing })
    }

    /// The claim that is meant, if the caller reaches one.
    async fn find(&self, tx: &mut Tx<'_>, call: &Call) -> Answer<Option<Stored<Claim>>> {
        if !self.by_reference {
            return Ok(tx.claim(call.scope()?, self.id).await?);
        }
        let (station, _, _) = claiming_station(tx, call, &self.message.station).await?;
        Ok(tx.claim_by_external_ref(call.scope()?, station, self.message.external_ref.trim()).await?)
    }

    /// Writes what changes, if anything does.
    async fn apply(&self, tx: &mut Tx<'_>, call: &Call, stored: Stored<Claim>) -> Answer<Stored<Claim>> {
        let name = convert_claims::name(stored.id);
        convert::check_etag(&self.message.etag, stored.version, &name)?;
        let permit = call.permit(Act::DraftClaim(stored.value.parties()))?;
        let before = convert_claims::show(&stored, call.now, call.lang)?;
        let mut merged = before.clone();
        merged.merge(&self.message, &self.paths).map_err(|error| convert::mask_refusal(&error))?;
        let (header, mut lines) = convert_claims::read(merged).map_err(|found| Refusal::invalid(under_claim(found)))?;
        if self.sends_all() {
            lines = stored.value.known_lines(lines);
            if stored.value.says(&header, &lines) {
                return Ok(stored);
            }
        }
        let same_lines = stored.value.says(&stored.value.header, &lines);
        let claim = stored.value.clone().update(header, lines).map_err(|error| match error {
            UpdateError::Transition(error) => refused_change(&name, error),
            UpdateError::Content(found) => Refusal::invalid(under_claim(found)),
        })?;
        if claim == stored.value {
            return Ok(stored);
        }
        let note = call.note("update", name.clone(), COLLECTION, self.changed(&before, same_lines), &audience(&claim));
        tx.seal(&name, stored.id).await;
        tx.update_claim(&permit, &stored, claim, note).await.map_err(|error| taken(error, &name))
    }

    /// Whether the caller sends what it has, whatever is there already.
    fn sends_all(&self) -> bool {
        self.by_reference || self.allow_missing
    }

    /// The paths that the change row names: what was asked for; of a caller who sends all that it has, what differs.
    fn changed(&self, before: &v1::Claim, same_lines: bool) -> Vec<String> {
        let differs = |path: &&String| {
            if path.as_str() == "lines" {
                // Those without numbers are the stored ones, and look otherwise.
                return !same_lines;
            }
            let mut after = before.clone();
            let merged = after.merge(&self.message, std::slice::from_ref(*path));
            merged.is_err() || after != *before
        };
        let all = self.paths.iter();
        if self.sends_all() { all.filter(differs).cloned().collect() } else { all.cloned().collect() }
    }

    /// Creates the claim that is not there.
    async fn create(&self, tx: &mut Tx<'_>, call: &Call, met: &AtomicBool) -> Answer<Stored<Claim>> {
        if !self.allow_missing {
            return Err(self.not_found());
        }
        let draft = Draft::read(self.id, self.message.clone())?;
        // Who has read an etag has read a claim, and this is not it.
        convert::check_etag(&self.message.etag, 0, &draft.name)?;
        draft
            .insert(tx, call, |error| match error {
                // Somebody created it a moment ago: it is found when the unit runs again. What is not found even
                // then is a claim that this caller does not reach.
                StoreError::AlreadyExists { .. } if !met.swap(true, Ordering::Relaxed) => Refusal::overtaken(),
                error => taken(error, &draft.name),
            })
            .await
    }

    fn not_found(&self) -> Refusal {
        if !self.by_reference {
            return Refusal::not_found(&self.message.name);
        }
        let reference = self.message.external_ref.trim();
        Refusal::new(
            Reason::ResourceNotFound,
            format!(
                "no claim of the station that you may see has the external_ref {reference}; allow_missing creates it"
            ),
            format!("在您可查看的范围内，本站没有 external_ref 为 {reference} 的索赔；使用 allow_missing 可创建"),
        )
        .with("externalRef", reference)
    }
}

/// The refusal of a change, with what the station can do instead.
fn refused_change(name: &str, error: TransitionError) -> Refusal {
    let mut refusal = refused_step(name, error);
    if let TransitionError::WrongState { state, .. } = error {
        let way = way_out(state);
        *refusal.text =
            Text::new(format!("{}; {}", refusal.text.en, way.en), format!("{}；{}", refusal.text.zh_cn, way.zh_cn));
    }
    refusal
}
