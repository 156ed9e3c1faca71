//! Reading claims and their revisions.

use recourse_domain::claims::{Revision, revision};
use recourse_proto::redact::Redact;
use recourse_proto::v1;
use recourse_proto::v1::list_claims_request::View;
use recourse_repository::{CLAIM_FIELDS, OEM_CLAIM_FIELDS};

use super::{COLLECTION, shown};
use crate::context::Call;
use crate::convert::{claims as convert_claims, names};
use crate::error::{Answer, Refusal};
use crate::lists::{self, ListInput};
use crate::sight;
use recourse_domain::catalog::Stored;
use recourse_domain::claims::{Claim, ClaimHead};
use recourse_domain::query::order::Order;
use recourse_proto::Method;

/// Reads a claim. A repeated command reads through here too, with the rows that reading reaches.
pub(super) async fn get(call: &Call, name: &str) -> Answer<v1::Claim> {
    shown(call, &stored(call, name).await?)
}

async fn stored(call: &Call, name: &str) -> Answer<Stored<Claim>> {
    let id = names::uuid_in(name, COLLECTION)?;
    let scope = call.scope_of(Method::ClaimServiceGetClaim)?;
    call.inner.store.claim(&scope, id).await?.ok_or_else(|| Refusal::not_found(name))
}

/// Lists claims.
pub(super) async fn list(call: &Call, request: v1::ListClaimsRequest) -> Answer<v1::ListClaimsResponse> {
    let view = request.view();
    let input = ListInput {
        page_size: request.page_size,
        page_token: request.page_token,
        filter: request.filter,
        order_by: request.order_by,
        ..ListInput::default()
    };
    let of_oem = if call.actor()?.is_oem() { OEM_CLAIM_FIELDS } else { &[] };
    // Who doesn't see a field doesn't filter by it: the answers would tell it.
    let viewer = call.viewer(true);
    let seen = CLAIM_FIELDS.iter().filter(|field| !sight::hides_field(&viewer, "recourse.v1.Claim", field.name));
    let fields: Vec<_> = seen.chain(of_oem).copied().collect();
    let query = lists::query(call, &input, &fields, Order::newest_first())?;
    let (scope, store) = (call.scope()?, &call.inner.store);
    let (claims, next) = match view {
        View::Unspecified | View::Basic => {
            let page = store.claim_heads(scope, &query).await?;
            // The messages are large: a vector that grows would move each of them several times.
            let mut heads = Vec::with_capacity(page.items.len());
            for stored in page.items {
                heads.push(shown_head(call, stored)?);
            }
            (heads, page.next)
        }
        View::Full => {
            let page = store.claims(scope, &query).await?;
            let claims = page.items.iter().map(|stored| shown(call, stored));
            (claims.collect::<Answer<Vec<_>>>()?, page.next)
        }
    };
    Ok(v1::ListClaimsResponse { claims, next_page_token: lists::next_token(call, &input, next)? })
}

/// The head of a claim as the caller may see it.
fn shown_head(call: &Call, stored: Stored<ClaimHead>) -> Answer<v1::Claim> {
    let own = call.actor()?.orgs.contains(&stored.value.station_id);
    let mut message = convert_claims::show_head(stored)?;
    message.redact(&call.viewer(own));
    Ok(message)
}

/// Reads one revision: the claim as it was submitted.
pub(super) async fn revision(call: &Call, name: &str) -> Answer<v1::ClaimRevision> {
    let (id, number) = names::child_in(name, COLLECTION, "revisions")?;
    let claim = stored(call, &format!("{COLLECTION}/{id}")).await?;
    let number: u32 = number.parse().map_err(|_| Refusal::not_found(name))?;
    let revision = frozen(call, &claim, number).await?.ok_or_else(|| Refusal::not_found(name))?;
    shown_revision(call, &claim, &revision)
}

/// Lists the revisions of a claim, oldest first.
pub(super) async fn revisions(
    call: &Call,
    request: v1::ListClaimRevisionsRequest,
) -> Answer<v1::ListClaimRevisionsResponse> {
    let claim = stored(call, &request.parent).await?;
    let input = ListInput {
        page_size: request.page_size,
        page_token: request.page_token,
        within: request.parent,
        ..ListInput::default()
    };
    let query = lists::query(call, &input, &[], Order::by_number())?;
    let page = call.inner.store.claim_revisions(claim.value.id, &query).await?;
    let mut revisions = Vec::with_capacity(page.items.len());
    for revision in &page.items {
        revisions.push(shown_revision(call, &claim, revision)?);
    }
    Ok(v1::ListClaimRevisionsResponse { revisions, next_page_token: lists::next_token(call, &input, page.next)? })
}

/// What changed from one revision to another, in words.
pub(super) async fn diff(
    call: &Call,
    request: v1::DiffClaimRevisionsRequest,
) -> Answer<v1::DiffClaimRevisionsResponse> {
    let claim = stored(call, &request.name).await?;
    let mut sides = Vec::with_capacity(2);
    for number in [request.from_revision, request.to_revision] {
        let number = u32::try_from(number).unwrap_or_default();
        let missing = || Refusal::not_found(&format!("{}/revisions/{number}", request.name));
        sides.push(frozen(call, &claim, number).await?.ok_or_else(missing)?);
    }
    let differences = match sides.as_slice() {
        [before, after] => revision::diff(before, after),
        _ => Vec::new(),
    };
    let viewer = call.viewer(call.actor()?.orgs.contains(&claim.value.station));
    Ok(v1::DiffClaimRevisionsResponse {
        from_revision: request.from_revision,
        to_revision: request.to_revision,
        differences: differences
            .into_iter()
            // What a reader does not see of the claim, a difference does not tell either.
            .filter(|difference| !sight::hides(&viewer, "recourse.v1.Claim", &difference.path))
            .map(|difference| convert_claims::show_difference(difference, call.lang))
            .collect(),
    })
}

async fn frozen(call: &Call, claim: &Stored<Claim>, number: u32) -> Answer<Option<Revision>> {
    Ok(call.inner.store.claim_revision(claim.value.id, number).await?)
}

fn shown_revision(call: &Call, claim: &Stored<Claim>, revision: &Revision) -> Answer<v1::ClaimRevision> {
    let own = call.actor()?.orgs.contains(&claim.value.station);
    let mut message = convert_claims::show_revision(revision, call.lang)?;
    message.redact(&call.viewer(own));
    Ok(message)
}
