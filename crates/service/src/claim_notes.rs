//! Notes on claims: added beside the claim, seen by those that they are for.

use recourse_domain::access::{Act, Scope};
use recourse_domain::catalog::{FieldKind, Stored};
use recourse_domain::claim_notes::{ClaimNote, Side, Visibility};
use recourse_domain::claims::Claim;
use recourse_domain::query::order::Order;
use recourse_proto::redact::Redact;
use recourse_proto::v1::claim_note_service_server::ClaimNoteService;
use recourse_proto::{Method, v1};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use crate::api::Api;
use crate::claims::COLLECTION as CLAIMS;
use crate::context::{Boxed, Call};
use crate::convert::{claim_notes as convert_notes, names};
use crate::error::{Answer, Refusal};
use crate::lists::{self, ListInput};

/// Name of the collection in the feed.
const COLLECTION: &str = "claimNotes";

#[tonic::async_trait]
impl ClaimNoteService for Api {
    async fn create_claim_note(
        &self,
        request: Request<v1::CreateClaimNoteRequest>,
    ) -> Result<Response<v1::ClaimNote>, Status> {
        let method = Method::ClaimNoteServiceCreateClaimNote;
        let (call, request) = Call::command(&self.inner, method, request, |r| &mut r.request_id)?;
        call.answer(create(&call, request).await)
    }

    async fn get_claim_note(
        &self,
        request: Request<v1::GetClaimNoteRequest>,
    ) -> Result<Response<v1::ClaimNote>, Status> {
        let (call, request) = Call::read(&self.inner, Method::ClaimNoteServiceGetClaimNote, request)?;
        call.answer(get(&call, &request.name).await)
    }

    async fn list_claim_notes(
        &self,
        request: Request<v1::ListClaimNotesRequest>,
    ) -> Result<Response<v1::ListClaimNotesResponse>, Status> {
        let (call, request) = Call::read(&self.inner, Method::ClaimNoteServiceListClaimNotes, request)?;
        call.answer(list(&call, request).await)
    }
}

/// Adds a note to a claim within reach. The claim's version stays: nobody who decides it is disturbed.
async fn create(call: &Call, request: v1::CreateClaimNoteRequest) -> Answer<v1::ClaimNote> {
    let v1::CreateClaimNoteRequest { parent, claim_note, claim_note_id, request_id: _ } = request;
    let message = claim_note.unwrap_or_default();
    let given = convert_notes::read(&message);
    let (visibility, text) = given.map_err(|found| {
        Refusal::invalid(found.into_iter().map(|violation| violation.under("claim_note")).collect())
    })?;
    // The wire has looked at its form.
    let id = Uuid::parse_str(&claim_note_id).ok();
    let (parent, text, external_ref) = (parent.as_str(), text.as_str(), message.external_ref.trim());
    call.run(
        false,
        |tx| {
            Box::pin(async move {
                let claim_id = names::uuid_in(parent, CLAIMS)?;
                let claim = tx.claim(call.scope()?, claim_id).await?.ok_or_else(|| Refusal::not_found(parent))?;
                let internal = visibility == Visibility::Internal;
                let permit = call.permit(Act::WriteClaimNote { station: claim.value.station, internal })?;
                let author = permit.actor().author();
                let note = ClaimNote {
                    id: id.unwrap_or_else(|| call.new_id()),
                    claim: claim.value.id,
                    station: claim.value.station,
                    visibility,
                    text: text.to_owned(),
                    author: author.id,
                    author_is_client: author.is_client,
                    side: side(call)?,
                    external_ref: external_ref.to_owned(),
                };
                let name = note.name();
                let change = call.note("create", name.clone(), COLLECTION, Vec::new(), &note.audience());
                tx.seal(&name, note.id).await;
                let stored = tx
                    .insert_claim_note(&permit, note, change)
                    .await
                    .map_err(|error| Refusal::unless_taken(error, &name))?;
                Ok((name, shown(call, &stored)?))
            })
        },
        |name| replay(call, name),
    )
    .await
}

async fn get(call: &Call, name: &str) -> Answer<v1::ClaimNote> {
    let (claim, id) = names::child_in(name, CLAIMS, "notes")?;
    let not_found = || Refusal::not_found(name);
    let (claim, id) = (Uuid::parse_str(claim), Uuid::parse_str(id));
    let (claim, id) = (claim.map_err(|_| not_found())?, id.map_err(|_| not_found())?);
    let scope = call.scope_of(Method::ClaimNoteServiceGetClaimNote)?;
    let stored = call.inner.store.claim_note(&scope, id).await?;
    let stored = stored.filter(|note| note.value.claim.0 == claim).ok_or_else(not_found)?;
    shown(call, &stored)
}

async fn list(call: &Call, request: v1::ListClaimNotesRequest) -> Answer<v1::ListClaimNotesResponse> {
    let scope = call.scope()?;
    let claim = claim_of(call, scope, &request.parent).await?;
    let input = ListInput {
        page_size: request.page_size,
        page_token: request.page_token,
        within: request.parent,
        ..ListInput::default()
    };
    let query = lists::query(call, &input, &[], Order::by("create_time", FieldKind::Time))?;
    let page = call.inner.store.claim_notes(scope, claim.value.id, &query).await?;
    let claim_notes = page.items.iter().map(|note| shown(call, note)).collect::<Answer<_>>()?;
    Ok(v1::ListClaimNotesResponse { claim_notes, next_page_token: lists::next_token(call, &input, page.next)? })
}

async fn claim_of(call: &Call, scope: &Scope, name: &str) -> Answer<Stored<Claim>> {
    let id = names::uuid_in(name, CLAIMS)?;
    call.inner.store.claim(scope, id).await?.ok_or_else(|| Refusal::not_found(name))
}

/// On whose side the caller is.
fn side(call: &Call) -> Answer<Side> {
    Ok(if call.actor()?.is_oem() { Side::Manufacturer } else { Side::Station })
}

fn shown(call: &Call, stored: &Stored<ClaimNote>) -> Answer<v1::ClaimNote> {
    let own = call.actor()?.orgs.contains(&stored.value.station);
    let mut message = convert_notes::show(stored, side(call)?);
    message.redact(&call.viewer(own));
    Ok(message)
}

fn replay<'a>(call: &'a Call, name: String) -> Boxed<'a, Answer<v1::ClaimNote>> {
    Box::pin(async move { get(call, &name).await })
}
