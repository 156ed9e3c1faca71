//! Attachments: what is known of a file, how its bytes come, and who gets them back.

mod content;
mod download;
mod ending;
mod owner;
mod upload;
mod verification;

use std::pin::Pin;
use std::sync::Arc;

use chrono::TimeDelta;
use futures::Stream;
use recourse_domain::access::{Act, Permit, Role};
use recourse_domain::attachments::{Attachment, Bounds, NewAttachment, Particulars, StepError, key_of};
use recourse_domain::catalog::Field;
use recourse_domain::change::Audience;
use recourse_domain::claims::Claim;
use recourse_domain::ids::OrgId;
use recourse_domain::query::order::Order;
use recourse_domain::text::Violation;
use recourse_proto::redact::Redact;
use recourse_proto::v1::attachment_service_server::AttachmentService;
use recourse_proto::v1::error_reason::Code as Reason;
use recourse_proto::{Method, v1};
use recourse_repository::{ATTACHMENT_FIELDS, FileError, Files, KeptAttachment, OWN_ATTACHMENT_FIELDS, StoreError, Tx};
use tonic::{Request, Response, Status, Streaming};
use uuid::Uuid;

use crate::api::Api;
use crate::context::{Boxed, Call};
use crate::convert::{self, Reader, attachments as convert_attachments, names};
use crate::error::{Answer, Refusal};
use crate::lists::{self, ListInput};

pub use download::Download;
pub(crate) use owner::unknown_attachments;
pub(crate) use upload::Busy;
pub use upload::{Checksum, ChecksumKind, Progress};
pub use verification::{FilesReport, verify_files};

/// Name of the collection.
const COLLECTION: &str = "attachments";

/// Where the bytes of attachments are, and what may be sent.
#[derive(Clone, Debug)]
pub struct AttachmentOptions {
    /// Where they are.
    pub files: Files,
    /// What one attachment may be.
    pub bounds: Bounds,
    /// Bytes that the unfinished uploads of one station may ask for together.
    pub max_unfinished_bytes: u64,
    /// How long an upload waits for its next bytes.
    pub keep_unfinished: TimeDelta,
    /// Bytes that the attachments of one organisation may have together.
    pub max_owner_bytes: u64,
}

#[tonic::async_trait]
impl AttachmentService for Api {
    async fn create_attachment(
        &self,
        request: Request<v1::CreateAttachmentRequest>,
    ) -> Result<Response<v1::Attachment>, Status> {
        let method = Method::AttachmentServiceCreateAttachment;
        let (call, request) = Call::command(&self.inner, method, request, |r| &mut r.request_id)?;
        call.answer(create(&call, request).await)
    }

    async fn get_attachment(
        &self,
        request: Request<v1::GetAttachmentRequest>,
    ) -> Result<Response<v1::Attachment>, Status> {
        let (call, request) = Call::read(&self.inner, Method::AttachmentServiceGetAttachment, request)?;
        call.answer(get(&call, &request.name).await)
    }

    async fn list_attachments(
        &self,
        request: Request<v1::ListAttachmentsRequest>,
    ) -> Result<Response<v1::ListAttachmentsResponse>, Status> {
        let (call, request) = Call::read(&self.inner, Method::AttachmentServiceListAttachments, request)?;
        call.answer(list(&call, request).await)
    }

    async fn link_attachment(
        &self,
        request: Request<v1::LinkAttachmentRequest>,
    ) -> Result<Response<v1::Attachment>, Status> {
        let method = Method::AttachmentServiceLinkAttachment;
        let (call, request) = Call::command(&self.inner, method, request, |r| &mut r.request_id)?;
        call.answer(link(&call, request).await)
    }

    async fn erase_attachment(
        &self,
        request: Request<v1::EraseAttachmentRequest>,
    ) -> Result<Response<v1::Attachment>, Status> {
        let method = Method::AttachmentServiceEraseAttachment;
        let (call, request) = Call::command(&self.inner, method, request, |r| &mut r.request_id)?;
        call.answer(erase(&call, request).await)
    }

    async fn upload_attachment(
        &self,
        request: Request<Streaming<v1::UploadAttachmentRequest>>,
    ) -> Result<Response<v1::Attachment>, Status> {
        let (metadata, extensions, pieces) = request.into_parts();
        let method = Method::AttachmentServiceUploadAttachment;
        let call = Arc::new(Call::begin(&self.inner, method, &metadata, &extensions)?);
        call.answer(upload::stream(&call, pieces).await)
    }

    type DownloadAttachmentStream = Pin<Box<dyn Stream<Item = Result<v1::DownloadAttachmentResponse, Status>> + Send>>;

    async fn download_attachment(
        &self,
        request: Request<v1::DownloadAttachmentRequest>,
    ) -> Result<Response<Self::DownloadAttachmentStream>, Status> {
        let (call, request) = Call::read(&self.inner, Method::AttachmentServiceDownloadAttachment, request)?;
        let begun = download::pieces(&call, &request).await;
        call.answer(begun)
    }
}

/// Creates an attachment, whose bytes are yet to come. A phone has chosen the id already, perhaps for a claim
/// that does not exist yet.
async fn create(call: &Call, request: v1::CreateAttachmentRequest) -> Answer<v1::Attachment> {
    let message = request.attachment.unwrap_or_default();
    let id = match request.attachment_id.as_str() {
        "" => call.new_id(),
        text => Uuid::parse_str(text).map_err(|_| {
            Refusal::field("attachment_id", "BAD_FORMAT", "an attachment id is a UUID", "attachment_id 必须是 UUID")
        })?,
    };
    let mut reader = Reader::default();
    let category = reader.choice("category", message.category, convert_attachments::read_category);
    let taken_time = reader.instant("taken_time", message.taken_time.as_ref());
    let particulars = convert_attachments::read_particulars(&mut reader, &message);
    let replaces = named_key(&mut reader, "replaces", &message.replaces);
    let read = reader.finish((category, taken_time, particulars, replaces));
    let (category, taken_time, particulars, replaces) = read.map_err(under_attachment)?;
    let Some(category) = category else { return Err(Refusal::fault("a category was neither read nor refused")) };
    let (message, particulars, options) = (&message, &particulars, &call.inner.attachments);
    call.run(
        request.validate_only,
        |tx| {
            Box::pin(async move {
                let (station, station_code, owner) = owner::acting(tx, call, &message.station).await?;
                let created_by = call.actor()?.author();
                let permit = call.permit(Act::KeepAttachment { station, created_by: created_by.id })?;
                // What others of the organisation create at this moment counts too.
                owner::hold(tx, owner, &station_code).await?;
                let claim = match message.claim.as_str() {
                    "" => None,
                    name => Some(claim_of(tx, call, station, "attachment.claim", name).await?.id),
                };
                let subject = owner::subject(tx, call, owner, &message.subject).await?;
                let before = match replaces {
                    Some(key) => Some(replaced(tx, call, station, key).await?),
                    None => None,
                };
                let attachment = Attachment::create(
                    NewAttachment {
                        id,
                        station,
                        station_code,
                        owner,
                        category,
                        declared_type: message.declared_content_type.clone(),
                        size: u64::try_from(message.size_bytes).unwrap_or_default(),
                        declared_hash: message.sha256.clone(),
                        taken_time,
                        created_by,
                        claim: claim.or(before.as_ref().and_then(|before| before.claim)),
                        subject: subject.or(before.and_then(|before| before.subject)),
                        external_ref: message.external_ref.trim().to_owned(),
                        replaces,
                    },
                    options.bounds,
                )
                .map_err(under_attachment)?;
                let unfinished = tx.unfinished_bytes(station).await?;
                if unfinished.saturating_add(attachment.size) > options.max_unfinished_bytes {
                    return Err(too_many_unfinished(options.max_unfinished_bytes));
                }
                let used = tx.kept_bytes(station).await?;
                if used.saturating_add(attachment.size) > options.max_owner_bytes {
                    return Err(too_much_kept(used, attachment.size, options.max_owner_bytes));
                }
                let name = convert_attachments::name(id);
                let note = call.note("create", name.clone(), COLLECTION, Vec::new(), &audience(&attachment));
                let expires = call.now + options.keep_unfinished;
                let written = tx.insert_attachment(&permit, attachment, particulars.clone(), expires, note).await;
                let kept = written.map_err(|error| Refusal::unless_taken(error, &name))?;
                let answer = shown(call, &kept)?;
                Ok((name, answer))
            })
        },
        |name| replay(call, name),
    )
    .await
}

/// Reads an attachment. A repeated command reads through here too, with the rows that reading reaches.
async fn get(call: &Call, name: &str) -> Answer<v1::Attachment> {
    let scope = call.scope_of(Method::AttachmentServiceGetAttachment)?;
    let id = names::uuid_in(name, COLLECTION)?;
    let kept = call.inner.store.attachment(&scope, id).await?.ok_or_else(|| Refusal::not_found(name))?;
    shown(call, &kept)
}

/// Lists attachments.
async fn list(call: &Call, request: v1::ListAttachmentsRequest) -> Answer<v1::ListAttachmentsResponse> {
    let v1::ListAttachmentsRequest { page_size, page_token, filter, order_by } = request;
    let input = ListInput { page_size, page_token, filter, order_by, ..ListInput::default() };
    let actor = call.actor()?;
    // Appraisers and suppliers reach what is another's, and see no numbers of its system.
    let of_others = actor.has(Role::Appraiser) || actor.has(Role::Supplier);
    let own: &[Field] = if of_others { &[] } else { OWN_ATTACHMENT_FIELDS };
    let query = lists::query(call, &input, &[ATTACHMENT_FIELDS, own].concat(), Order::newest_first())?;
    let page = call.inner.store.attachments(call.scope()?, &query).await?;
    let attachments = page.items.iter().map(|kept| shown(call, kept)).collect::<Answer<_>>()?;
    Ok(v1::ListAttachmentsResponse { attachments, next_page_token: lists::next_token(call, &input, page.next)? })
}

/// Says to which claim an attachment belongs, as long as no submission rests on it.
async fn link(call: &Call, request: v1::LinkAttachmentRequest) -> Answer<v1::Attachment> {
    let id = names::uuid_in(&request.name, COLLECTION)?;
    let request = &request;
    call.run(
        false,
        |tx| {
            Box::pin(async move {
                let name = request.name.as_str();
                let kept = tx.attachment(call.scope()?, id).await?.ok_or_else(|| Refusal::not_found(name))?;
                convert::check_etag(&request.etag, kept.stored.version, name)?;
                let permit = leave(call, &kept.stored.value)?;
                let claim = match request.claim.as_str() {
                    "" => None,
                    claim => Some(claim_of(tx, call, kept.stored.value.station, "claim", claim).await?.id),
                };
                let used = tx.is_attachment_used(id).await?;
                let attachment =
                    kept.stored.value.clone().link(claim, used).map_err(|error| refused_step(name, error))?;
                let kept = saved(tx, call, &permit, &kept, attachment, "link", &["claim"]).await?;
                Ok((name.to_owned(), shown(call, &kept)?))
            })
        },
        |name| replay(call, name),
    )
    .await
}

/// Erases what may tell of a person: the document, its hash and its history go on without it.
async fn erase(call: &Call, request: v1::EraseAttachmentRequest) -> Answer<v1::Attachment> {
    let id = names::uuid_in(&request.name, COLLECTION)?;
    let request = &request;
    call.run(
        false,
        |tx| {
            Box::pin(async move {
                let name = request.name.as_str();
                let kept = tx.attachment(call.scope()?, id).await?.ok_or_else(|| Refusal::not_found(name))?;
                convert::check_etag(&request.etag, kept.stored.version, name)?;
                let permit = call.permit(Act::EraseParticulars)?;
                tx.forget_particulars(&permit, id).await?;
                let erased = kept.stored.value.clone().erase(call.now);
                let without = KeptAttachment { particulars: Particulars::default(), ..kept };
                let changed = ["file_name", "place", "erase_time"];
                let kept = saved(tx, call, &permit, &without, erased, "erase", &changed).await?;
                Ok((name.to_owned(), shown(call, &kept)?))
            })
        },
        |name| replay(call, name),
    )
    .await
}

/// Writes a changed attachment; one that is as it was stays as it is.
async fn saved(
    tx: &mut Tx<'_>,
    call: &Call,
    permit: &Permit,
    before: &KeptAttachment,
    attachment: Attachment,
    verb: &'static str,
    changed: &[&str],
) -> Answer<KeptAttachment> {
    if attachment == before.stored.value {
        return Ok(before.clone());
    }
    let name = convert_attachments::name(attachment.id);
    let paths = changed.iter().map(|path| (*path).to_owned()).collect();
    let note = call.note(verb, name.clone(), COLLECTION, paths, &audience(&attachment));
    tx.update_attachment(permit, before, attachment, note).await.map_err(|error| Refusal::unless_stale(error, &name))
}

/// Leave to change an attachment: its owner's, or a job's.
fn leave(call: &Call, attachment: &Attachment) -> Answer<Permit> {
    if call.actor()?.job.is_some() {
        return call.permit(Act::EnforceDeadline);
    }
    call.permit(Act::KeepAttachment { station: attachment.station, created_by: attachment.created_by })
}

/// The attachment as the caller may see it.
fn shown(call: &Call, kept: &KeptAttachment) -> Answer<v1::Attachment> {
    let own = call.actor()?.orgs.contains(&kept.stored.value.station);
    let mut message = convert_attachments::show(kept);
    message.redact(&call.viewer(own));
    Ok(message)
}

/// Who may follow the changes of an attachment.
fn audience(attachment: &Attachment) -> Audience {
    Audience::Organizations(vec![attachment.station])
}

fn replay<'a>(call: &'a Call, name: String) -> Boxed<'a, Answer<v1::Attachment>> {
    Box::pin(async move { get(call, &name).await })
}

/// The claim that an attachment shall belong to: one of the same station that the caller may read.
async fn claim_of(tx: &mut Tx<'_>, call: &Call, station: OrgId, field: &str, name: &str) -> Answer<Claim> {
    let scope = call.scope_of(Method::ClaimServiceGetClaim)?;
    let found = match name.strip_prefix("claims/").and_then(|id| Uuid::parse_str(id).ok()) {
        Some(id) => tx.claim(&scope, id).await?,
        None => None,
    };
    found.map(|stored| stored.value).filter(|claim| claim.station == station).ok_or_else(|| {
        Refusal::field(
            field,
            "UNKNOWN_REFERENCE",
            "there is no such claim of this station; leave it empty until there is",
            "本站没有该索赔；可先留空，待索赔建立后再关联",
        )
    })
}

/// The attachment whose place a new one shall take.
async fn replaced(tx: &mut Tx<'_>, call: &Call, station: OrgId, key: Uuid) -> Answer<Attachment> {
    let found = tx.attachment(call.scope()?, key).await?.map(|kept| kept.stored.value);
    let before = found.filter(|before| before.station == station).ok_or_else(|| {
        Refusal::field("attachment.replaces", "UNKNOWN_REFERENCE", "you have no such attachment", "您没有该附件")
    })?;
    match before.replaced_by {
        None => Ok(before),
        Some(_) => Err(refused_step(&convert_attachments::name(key), StepError::Replaced)),
    }
}

fn named_key(reader: &mut Reader, field: &str, name: &str) -> Option<Uuid> {
    if name.trim().is_empty() {
        return None;
    }
    let key = key_of(name);
    if key.is_none() {
        reader.refuse(Violation::new(
            field,
            "BAD_NAME",
            "a name here is attachments/{id}",
            "名称格式应为 attachments/{id}",
        ));
    }
    key
}

fn under_attachment(found: Vec<Violation>) -> Refusal {
    Refusal::invalid(found.into_iter().map(|violation| violation.under("attachment")).collect())
}

/// A step that the attachment's state does not allow.
fn refused_step(name: &str, error: StepError) -> Refusal {
    let text = error.text();
    Refusal::new(Reason::StateConflict, text.en, text.zh_cn).with("resource", name)
}

fn too_many_unfinished(most: u64) -> Refusal {
    Refusal::new(
        Reason::TooManyRequests,
        format!("the unfinished uploads of the station would have more than {most} bytes; finish or end some first"),
        format!("本站未完成的上传合计超过 {most} 字节；请先完成或取消部分上传"),
    )
}

fn too_much_kept(used: u64, more: u64, limit: u64) -> Refusal {
    Refusal::new(
        Reason::StorageLimitReached,
        format!(
            "your attachments have {used} of at most {limit} bytes, and this one would add {more}; send smaller ones, or ask the manufacturer for more room"
        ),
        format!("贵单位附件已用 {used} 字节，上限 {limit} 字节，本附件需 {more} 字节；请压缩后上传或联系整车厂扩容"),
    )
    .with("used", used.to_string())
    .with("limit", limit.to_string())
}

impl From<FileError> for Refusal {
    fn from(error: FileError) -> Self {
        match error {
            FileError::Missing(_) => Self::fault(format!("the bytes of an attachment: {error}")),
            FileError::Unavailable(cause) => {
                tracing::error!(cause, "the store of files is unavailable");
                StoreError::Unavailable(cause).into()
            }
        }
    }
}
