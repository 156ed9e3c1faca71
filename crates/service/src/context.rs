//! The life of one call: who asks, in which language, under which key; and of one command: one transaction
//! that holds everything it writes, its change rows and its idempotency record.

use std::convert::Infallible;
use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use prost::Message;
use recourse_domain::access::{self, Act, Actor, Permit, Scope};
use recourse_domain::change::Audience;
use recourse_domain::ids::CommandId;
use recourse_domain::second_person::Kind;
use recourse_domain::text::{Lang, Violation};
use recourse_proto::Method;
use recourse_proto::gateway::{self, RpcInput};
use recourse_proto::redact::{RoleSet, Viewer};
use recourse_proto::v1::error_reason::Code as Reason;
use recourse_proto::validate::{self, Validate};
use recourse_repository::{ChangeNote, CommandError, RequestKey, Seen, StoreError, Tx};
use sha2::{Digest, Sha256};
use tokio::time::Instant;
use tonic::metadata::MetadataMap;
use tonic::{Extensions, Request, Response, Status};
use uuid::Uuid;

use crate::admission::{Caller, Deadline, Origin, role_code};
use crate::api::Inner;
use crate::error::{Answer, Refusal};
use crate::{admission, convert};

/// A boxed future, as the store's closures return them.
pub(crate) type Boxed<'t, T> = Pin<Box<dyn Future<Output = T> + Send + 't>>;

/// One call that was let in.
pub(crate) struct Call {
    /// The rooms behind the api.
    pub inner: Arc<Inner>,
    /// The rpc.
    pub method: Method,
    /// Language of texts.
    pub lang: Lang,
    /// The time of the call: one value for everything it writes.
    pub now: DateTime<Utc>,
    /// Where the call comes from, if it came over a socket.
    pub address: Option<IpAddr>,
    /// By when it must be answered, if it came over a socket.
    pub deadline: Option<Instant>,
    caller: Caller,
    /// The id that the caller gave the command, and what is asked under it.
    request: Option<(Uuid, Vec<u8>)>,
    command: CommandId,
    replayed: std::sync::atomic::AtomicBool,
    /// Set if a second person stands behind it, or it is only tried: what kind of guarded change it was found to be.
    agreed: Option<std::sync::Mutex<Option<Kind>>>,
}

/// Where the fields of a batch's items begin.
const ITEMS: &str = "requests[";

/// How a transaction ends without a commit.
enum Abort<T> {
    /// The command was refused.
    Refused(Refusal),
    /// `validate_only`: this would have been the answer.
    DryRun(T),
}

impl<T> From<StoreError> for Abort<T> {
    fn from(error: StoreError) -> Self {
        Self::Refused(error.into())
    }
}

impl<T> CommandError for Abort<T> {
    fn is_retryable(&self) -> bool {
        match self {
            Abort::Refused(refusal) => refusal.is_retryable(),
            Abort::DryRun(_) => false,
        }
    }
}

enum Outcome<T> {
    Done(T),
    Replay(String),
}

impl Call {
    /// Takes a call from the transport: who, which language, and whether the message keeps the limits.
    pub(crate) fn read<M: Validate>(
        inner: &Arc<Inner>,
        method: Method,
        request: Request<M>,
    ) -> Result<(Self, M), Status> {
        let (metadata, extensions, message) = request.into_parts();
        let call = Self::begin(inner, method, &metadata, &extensions)?;
        let violations = convert::violations(validate::violations(&message));
        if !violations.is_empty() {
            return Err(Refusal::invalid(violations).status(call.lang));
        }
        Ok((call, message))
    }

    /// Takes who calls, and in which language, from the transport; what they send is looked at by the use case.
    pub(crate) fn begin(
        inner: &Arc<Inner>,
        method: Method,
        metadata: &MetadataMap,
        extensions: &Extensions,
    ) -> Result<Self, Status> {
        let lang = metadata
            .get("accept-language")
            .and_then(|value| value.to_str().ok())
            .map_or(Lang::En, |value| convert::lang(recourse_proto::Lang::from_accept_language(value)));
        let caller = match extensions.get::<Caller>() {
            Some(caller) => caller.clone(),
            None => return Err(Refusal::fault("a call reached its handler without admission").status(lang)),
        };
        Ok(Self {
            inner: Arc::clone(inner),
            method,
            lang,
            now: inner.clock.now(),
            address: extensions.get::<Origin>().map(|origin| origin.address),
            deadline: extensions.get::<Deadline>().map(|deadline| deadline.0),
            caller,
            request: None,
            command: CommandId(inner.ids.new_id()),
            replayed: std::sync::atomic::AtomicBool::new(false),
            agreed: None,
        })
    }

    /// Takes a command from the transport. Its key is `request_id`, or the `idempotency-key` metadata; the
    /// hash is over the decoded message without the key, so both transports agree on what "the same" is.
    pub(crate) fn command<M: Validate + Message + RpcInput>(
        inner: &Arc<Inner>,
        method: Method,
        request: Request<M>,
        key: fn(&mut M) -> &mut String,
    ) -> Result<(Self, M), Status> {
        let mut request = request;
        // REST has done so already; on gRPC the key and the etag may come as metadata too.
        gateway::adopt_headers(&mut request)?;
        let (mut call, mut message) = Self::read(inner, method, request)?;
        let id = std::mem::take(key(&mut message));
        call.request = keyed(&id, &message).map_err(|refusal| refusal.status(call.lang))?;
        Ok((call, message))
    }

    /// Takes a batch from the transport, and its items apart from it. Only what the batch says as a whole is held
    /// against the contract here, how many items there are included; each item is looked at as a call of its own.
    pub(crate) fn batch<M, I>(
        inner: &Arc<Inner>,
        method: Method,
        request: Request<M>,
        items: fn(&mut M) -> &mut Vec<I>,
    ) -> Result<(Self, M, Vec<I>), Status>
    where
        M: Validate + Message + RpcInput,
        I: Default + Clone,
    {
        let mut request = request;
        gateway::adopt_headers(&mut request)?;
        let (metadata, extensions, mut message) = request.into_parts();
        let call = Self::begin(inner, method, &metadata, &extensions)?;
        let given = std::mem::take(items(&mut message));
        // Their number counts; what is wrong with an empty one is not.
        *items(&mut message) = vec![I::default(); given.len()];
        let mut violations = validate::violations(&message);
        violations.retain(|violation| !violation.field.starts_with(ITEMS));
        Refusal::check(convert::violations(violations)).map_err(|refusal| refusal.status(call.lang))?;
        items(&mut message).clear();
        Ok((call, message, given))
    }

    /// One item of a batch as a call of its own, of another method. The caller's leave for that method is asked
    /// for again.
    pub(crate) fn item<M: Validate + Message>(
        &self,
        method: Method,
        mut message: M,
        key: fn(&mut M) -> &mut String,
    ) -> Answer<(Self, M)> {
        Refusal::check(convert::violations(validate::violations(&message)))?;
        let id = std::mem::take(key(&mut message));
        let request = keyed(&id, &message)?;
        let actor = Arc::clone(self.actor()?);
        let scope = Arc::new(access::authorize(&actor, &admission::rule_of(method))?);
        let call = Self {
            inner: Arc::clone(&self.inner),
            method,
            lang: self.lang,
            now: self.inner.clock.now(),
            address: self.address,
            deadline: self.deadline,
            caller: Caller { actor: Some(actor), scope: Some(scope) },
            request,
            command: CommandId(self.inner.ids.new_id()),
            replayed: std::sync::atomic::AtomicBool::new(false),
            agreed: None,
        };
        Ok((call, message))
    }

    /// The same call as one of another method, of the same command, that a second person stands behind. The caller's
    /// leave for that method is asked for.
    pub(crate) fn agreed(&self, method: Method) -> Answer<Self> {
        let actor = Arc::clone(self.actor()?);
        let scope = Arc::new(access::authorize(&actor, &admission::rule_of(method))?);
        Ok(Self {
            inner: Arc::clone(&self.inner),
            method,
            lang: self.lang,
            now: self.now,
            address: self.address,
            deadline: self.deadline,
            caller: Caller { actor: Some(actor), scope: Some(scope) },
            request: None,
            command: self.command,
            replayed: std::sync::atomic::AtomicBool::new(false),
            agreed: Some(std::sync::Mutex::new(None)),
        })
    }

    /// Whether a second person stands behind the call.
    pub(crate) fn is_agreed(&self) -> bool {
        self.agreed.is_some()
    }

    /// Notes what kind of guarded change an agreed call makes; the most delicate counts.
    pub(crate) fn note_guarded(&self, kind: Kind) {
        if let Some(mut noted) = self.agreed.as_ref().and_then(|noted| noted.lock().ok()) {
            *noted = (*noted).max(Some(kind));
        }
    }

    /// What kind of guarded change an agreed call was found to make.
    pub(crate) fn guarded_kind(&self) -> Option<Kind> {
        self.agreed.as_ref().and_then(|noted| noted.lock().ok()).and_then(|noted| *noted)
    }

    /// The command of the call: its change rows carry it.
    pub(crate) fn command_id(&self) -> CommandId {
        self.command
    }

    /// Who acts.
    pub(crate) fn actor(&self) -> Answer<&Arc<Actor>> {
        self.caller.actor.as_ref().ok_or_else(|| Refusal::fault(format!("{} needs an actor", self.method.full_name())))
    }

    /// The rows that the method reaches for the caller.
    pub(crate) fn scope(&self) -> Answer<&Scope> {
        self.caller.scope.as_deref().ok_or_else(|| Refusal::fault(format!("{} needs a scope", self.method.full_name())))
    }

    /// The rows that another method would reach for the caller: a command that reads what it does not change.
    pub(crate) fn scope_of(&self, method: Method) -> Answer<Scope> {
        Ok(access::authorize(self.actor()?, &admission::rule_of(method))?)
    }

    /// Every row, for what the system itself must know: whether a name exists, whether another claim is alike.
    /// What is read with it is never shown as it is.
    pub(crate) fn everything(&self) -> Answer<Scope> {
        Ok(access::job_scope(&Actor::job("lookup"))?)
    }

    /// A call that the system makes in its own name.
    pub(crate) fn job(inner: &Arc<Inner>, name: &'static str, method: Method) -> Self {
        let actor = Actor::job(name);
        let scope = access::job_scope(&actor).ok().map(Arc::new);
        Self {
            inner: Arc::clone(inner),
            method,
            lang: Lang::En,
            now: inner.clock.now(),
            address: None,
            deadline: None,
            caller: Caller { actor: Some(Arc::new(actor)), scope },
            request: None,
            command: CommandId(inner.ids.new_id()),
            replayed: std::sync::atomic::AtomicBool::new(false),
            agreed: None,
        }
    }

    /// Leave for an act.
    pub(crate) fn permit(&self, act: Act) -> Answer<Permit> {
        Ok(access::permit(self.actor()?, act)?)
    }

    /// The calendar date of the call where the deployment is.
    pub(crate) fn today(&self) -> NaiveDate {
        self.inner.zone.date_of(self.now)
    }

    /// Whose eyes an answer is for. `own` says whether the row belongs to the caller's organisation.
    pub(crate) fn viewer(&self, own: bool) -> Viewer {
        let roles = self.caller.actor.iter().flat_map(|actor| actor.roles.iter().map(|role| role_code(*role)));
        Viewer { roles: roles.collect::<RoleSet>(), own }
    }

    /// A new key.
    pub(crate) fn new_id(&self) -> Uuid {
        self.inner.ids.new_id()
    }

    /// What a change row says beside what changed.
    pub(crate) fn note(
        &self,
        verb: &'static str,
        resource: String,
        collection: &'static str,
        paths: Vec<String>,
        audience: &Audience,
    ) -> ChangeNote {
        ChangeNote {
            id: self.new_id(),
            command: self.command,
            resource,
            collection,
            verb,
            paths,
            audience: audience.orgs(),
            time: self.now,
        }
    }

    /// Runs a command in one transaction: its key is claimed, it acts, its record is written, it commits.
    ///
    /// `act` may run again when the database asks for it, so it changes nothing outside the transaction. It
    /// answers with the name of the resource, which a repeat of the command is answered from by `replay`.
    pub(crate) async fn run<'a, T, F, R>(&'a self, validate_only: bool, act: F, replay: R) -> Answer<T>
    where
        T: Send,
        F: for<'t> Fn(&'t mut Tx<'a>) -> Boxed<'t, Answer<(String, T)>> + Send + Sync + 'a,
        R: FnOnce(String) -> Boxed<'a, Answer<T>> + Send,
    {
        let key = self.request.as_ref().filter(|_| !validate_only).map(|(id, body_hash)| (*id, body_hash.clone()));
        let (principal, rpc, time) = (self.actor()?.user, self.method.full_name(), self.now);
        let key = key.map(|(id, body_hash)| RequestKey { principal, rpc, id, body_hash, time });
        let (act, key) = (Arc::new(act), Arc::new(key));
        let ended = self
            .inner
            .store
            .run(|tx| {
                let (act, key) = (Arc::clone(&act), Arc::clone(&key));
                Box::pin(async move {
                    if validate_only {
                        tx.only_try();
                    }
                    if let Some(key) = &*key {
                        match tx.claim_request(key).await? {
                            Seen::New => {}
                            Seen::Before { resource, same_body } => return replayed(resource, same_body),
                        }
                    }
                    let (resource, answer) = match act(tx).await {
                        Ok(done) => done,
                        Err(refusal) => return refused_or_replayed(tx, (*key).as_ref(), refusal).await,
                    };
                    if validate_only {
                        return Err(Abort::DryRun(answer));
                    }
                    if let Some(key) = &*key {
                        tx.finish_request(key, &resource).await?;
                    }
                    Ok(Outcome::Done(answer))
                })
            })
            .await;
        match ended {
            Ok(Outcome::Done(answer)) | Err(Abort::DryRun(answer)) => Ok(answer),
            Ok(Outcome::Replay(resource)) => {
                self.replayed.store(true, std::sync::atomic::Ordering::Relaxed);
                replay(resource).await
            }
            Err(Abort::Refused(refusal)) => Err(refusal),
        }
    }

    /// Does something in a transaction that is taken back at its end: what it would do is found out by doing it.
    pub(crate) async fn try_out<'a, T, F>(&'a self, act: F) -> Answer<T>
    where
        T: Send,
        F: for<'t> Fn(&'t mut Tx<'a>) -> Boxed<'t, Answer<T>> + Send + Sync + 'a,
    {
        let act = Arc::new(act);
        let ended: Result<Infallible, Abort<T>> = self
            .inner
            .store
            .run(|tx| {
                let act = Arc::clone(&act);
                Box::pin(async move {
                    tx.only_try();
                    Err(match act(tx).await {
                        Ok(found) => Abort::DryRun(found),
                        Err(refusal) => Abort::Refused(refusal),
                    })
                })
            })
            .await;
        match ended {
            Ok(never) => match never {},
            Err(Abort::DryRun(found)) => Ok(found),
            Err(Abort::Refused(refusal)) => Err(refusal),
        }
    }

    /// Whether what was asked had been done before.
    pub(crate) fn was_replayed(&self) -> bool {
        self.replayed.load(std::sync::atomic::Ordering::Relaxed)
    }

    /// Turns the result of a use case into what the transport sends.
    pub(crate) fn answer<T>(&self, result: Answer<T>) -> Result<Response<T>, Status> {
        let mut response = Response::new(result.map_err(|refusal| self.refused(refusal))?);
        if self.was_replayed() {
            response.metadata_mut().insert("idempotent-replayed", tonic::metadata::MetadataValue::from_static("true"));
        }
        Ok(response)
    }

    /// What the transport sends of a refusal. Attempts at what is not the caller's are noted.
    pub(crate) fn refused(&self, refusal: Refusal) -> Status {
        let actor = self.caller.actor.as_ref().map(|actor| actor.user);
        self.inner.denials.note_refusal(actor, self.method.full_name(), &refusal);
        refusal.status(self.lang)
    }
}

/// The key of a command, if the caller gave it one, and what is asked under it.
fn keyed(id: &str, message: &impl Message) -> Answer<Option<(Uuid, Vec<u8>)>> {
    if id.is_empty() {
        return Ok(None);
    }
    let id = Uuid::parse_str(id)
        .map_err(|_| Refusal::field("request_id", "BAD_FORMAT", "a request id is a UUID", "request_id 必须是 UUID"))?;
    Ok(Some((id, Sha256::digest(message.encode_to_vec()).to_vec())))
}

/// A command under this key has been done: its answer is read again, if it asked for the same.
fn replayed<T>(resource: String, same_body: bool) -> Result<Outcome<T>, Abort<T>> {
    if same_body { Ok(Outcome::Replay(resource)) } else { Err(Abort::Refused(key_reused())) }
}

/// What refuses a command may be what the same command, a moment ago, has left behind.
async fn refused_or_replayed<T>(
    tx: &mut Tx<'_>,
    key: Option<&RequestKey>,
    refusal: Refusal,
) -> Result<Outcome<T>, Abort<T>> {
    let Some(key) = key.filter(|_| !refusal.is_retryable()) else { return Err(Abort::Refused(refusal)) };
    match tx.seen_before(key).await? {
        Some(Seen::Before { resource, same_body }) => replayed(resource, same_body),
        Some(Seen::New) | None => Err(Abort::Refused(refusal)),
    }
}

fn key_reused() -> Refusal {
    let (en, zh) = (
        "this request id was used before with another body; a new request needs a new id",
        "该 request_id 已用于不同内容的请求；新请求请使用新的 id",
    );
    let mut refusal = Refusal::new(Reason::IdempotencyKeyReused, en, zh);
    refusal.violations = vec![Violation::new("request_id", "REUSED", en, zh)];
    refusal
}
