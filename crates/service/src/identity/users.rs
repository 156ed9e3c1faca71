//! Users: who may sign in, for whom, and as what.

mod first_admin;
mod sign_in;

use std::collections::BTreeSet;

use recourse_domain::access::{Act, Permit};
use recourse_domain::catalog::Stored;
use recourse_domain::change::Audience;
use recourse_domain::identity::{Membership, OutsideIdentity, Person, User, grants_more};
use recourse_domain::ids::{OrgId, UserId};
use recourse_domain::query::order::Order;
use recourse_proto::merge::Merge;
use recourse_proto::v1::user_service_server::UserService;
use recourse_proto::{Method, v1};
use recourse_repository::{StoreError, Tx, USER_FIELDS};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use self::sign_in::{Switch, change_password, switch, switched};
use super::accounts;
use crate::api::Api;
use crate::context::{Boxed, Call};
use crate::convert::{self, names, timestamp};
use crate::error::{Answer, Refusal};
use crate::lists::{self, ListInput};
use crate::second_person;

const COLLECTION: &str = "users";
/// What the store calls a taken subject of an outside issuer.
const OUTSIDE: &str = "outside_identity(";

#[tonic::async_trait]
impl UserService for Api {
    async fn create_user(&self, request: Request<v1::CreateUserRequest>) -> Result<Response<v1::User>, Status> {
        let (call, request) =
            Call::command(&self.inner, Method::UserServiceCreateUser, request, |r| &mut r.request_id)?;
        call.answer(create(&call, request).await)
    }

    async fn get_user(&self, request: Request<v1::GetUserRequest>) -> Result<Response<v1::User>, Status> {
        let (call, request) = Call::read(&self.inner, Method::UserServiceGetUser, request)?;
        call.answer(get(&call, &request.name).await)
    }

    async fn list_users(
        &self,
        request: Request<v1::ListUsersRequest>,
    ) -> Result<Response<v1::ListUsersResponse>, Status> {
        let (call, request) = Call::read(&self.inner, Method::UserServiceListUsers, request)?;
        call.answer(list(&call, request).await)
    }

    async fn update_user(&self, request: Request<v1::UpdateUserRequest>) -> Result<Response<v1::User>, Status> {
        let (call, request) =
            Call::command(&self.inner, Method::UserServiceUpdateUser, request, |r| &mut r.request_id)?;
        call.answer(update(&call, request).await)
    }

    async fn change_password(&self, request: Request<v1::ChangePasswordRequest>) -> Result<Response<v1::User>, Status> {
        let (call, request) = Call::read(&self.inner, Method::UserServiceChangePassword, request)?;
        call.answer(change_password(&call, request).await)
    }

    async fn disable_user(&self, request: Request<v1::DisableUserRequest>) -> Result<Response<v1::User>, Status> {
        let (call, request) =
            Call::command(&self.inner, Method::UserServiceDisableUser, request, |r| &mut r.request_id)?;
        call.answer(switch(&call, &request.name, &request.etag, Switch::Disable).await)
    }

    async fn enable_user(&self, request: Request<v1::EnableUserRequest>) -> Result<Response<v1::User>, Status> {
        let (call, request) =
            Call::command(&self.inner, Method::UserServiceEnableUser, request, |r| &mut r.request_id)?;
        call.answer(switch(&call, &request.name, &request.etag, Switch::Enable).await)
    }

    async fn delete_user(&self, request: Request<v1::DeleteUserRequest>) -> Result<Response<v1::User>, Status> {
        let (call, request) =
            Call::command(&self.inner, Method::UserServiceDeleteUser, request, |r| &mut r.request_id)?;
        call.answer(switch(&call, &request.name, &request.etag, Switch::Erase).await)
    }
}

async fn create(call: &Call, request: v1::CreateUserRequest) -> Answer<v1::User> {
    let message = request.user.unwrap_or_default();
    let user_name = message.user_name.trim().to_lowercase();
    Refusal::check(call.inner.passwords.check_new("password", &request.password, &user_name))?;
    let id = if request.user_id.is_empty() {
        call.new_id()
    } else {
        Uuid::parse_str(&request.user_id)
            .map_err(|_| Refusal::field("user_id", "BAD_FORMAT", "a user id is a UUID", "user_id 必须是 UUID"))?
    };
    let hash = call.inner.passwords.hash(request.password).await?;
    let name = format!("{COLLECTION}/{id}");
    let (message, user_name, hash, name) = (&message, user_name.as_str(), hash.as_str(), name.as_str());
    call.run(
        request.validate_only,
        |tx| {
            Box::pin(async move {
                let memberships = memberships(tx, call, message).await?;
                let permit = permit_for(call, memberships.iter())?;
                let user = User {
                    id: UserId(id),
                    user_name: user_name.to_owned(),
                    memberships,
                    disabled: false,
                    erased: false,
                };
                Refusal::check(accounts::under("user", user.check()))?;
                second_person::ask_for_second_admin(tx, call, user.is_admin()).await?;
                second_person::ask_for_grant(tx, call, grants_more(&[], &user.memberships)).await?;
                let note = call.note("create", name.to_owned(), COLLECTION, Vec::new(), &audience(&user));
                let person = person(message);
                may_link(call, &[], &person)?;
                let stored = tx.insert_user(&permit, user, &person, hash, note).await.map_err(|error| match error {
                    StoreError::AlreadyExists { what } if what.starts_with(OUTSIDE) => outside_taken(),
                    StoreError::AlreadyExists { .. } => Refusal::already_exists(&format!("user {user_name}")),
                    other => other.into(),
                })?;
                Ok((name.to_owned(), show(&stored, &person)))
            })
        },
        |name| replay(call, name),
    )
    .await
}

async fn get(call: &Call, name: &str) -> Answer<v1::User> {
    let id = user_in(call, name)?;
    let scope = call.scope_of(Method::UserServiceGetUser)?;
    let found = call.inner.store.user(&scope, id).await?;
    let (stored, person) = found.ok_or_else(|| Refusal::not_found(name))?;
    Ok(show(&stored, &person))
}

async fn list(call: &Call, request: v1::ListUsersRequest) -> Answer<v1::ListUsersResponse> {
    let input = ListInput {
        page_size: request.page_size,
        page_token: request.page_token,
        filter: request.filter,
        order_by: request.order_by,
        ..ListInput::default()
    };
    let order = Order::by("user_name", recourse_domain::catalog::FieldKind::Text);
    let query = lists::query(call, &input, USER_FIELDS, order)?;
    let page = call.inner.store.users(call.scope()?, &query).await?;
    let users = page.items.iter().map(|(stored, person)| show(stored, person)).collect();
    Ok(v1::ListUsersResponse { users, next_page_token: lists::next_token(call, &input, page.next)? })
}

/// Changes names, contacts or memberships. What is taken away stops working within a second: the caches of
/// all replicas are told in the same transaction.
async fn update(call: &Call, request: v1::UpdateUserRequest) -> Answer<v1::User> {
    let validate_only = request.validate_only;
    let request = &request;
    let answer = call
        .run(
            validate_only,
            |tx| {
                Box::pin(async move {
                    let user = update_in(tx, call, request).await?;
                    Ok((user.name.clone(), user))
                })
            },
            |name| replay(call, name),
        )
        .await?;
    forget(call, &answer.name);
    Ok(answer)
}

/// Changes a user as a part of another command; who commits it forgets what the tokens of the user were good for.
pub(crate) async fn update_in(tx: &mut Tx<'_>, call: &Call, request: &v1::UpdateUserRequest) -> Answer<v1::User> {
    let absent = v1::User::default();
    let message = request.user.as_ref().unwrap_or(&absent);
    let paths = request.update_mask.as_ref().map_or_else(|| message.populated(), |mask| mask.paths.clone());
    let (stored, person_before) = found(tx, call, &message.name, &message.etag).await?;
    let mut merged = show(&stored, &person_before);
    merged.merge(message, &paths).map_err(|error| convert::mask_refusal(&error))?;
    let changes_memberships = paths.iter().any(|path| path == "memberships" || path == "*");
    let memberships =
        if changes_memberships { memberships(tx, call, &merged).await? } else { stored.value.memberships.clone() };
    // Leave is needed for what the user is, and for what the user is to become.
    let permit = permit_for(call, stored.value.memberships.iter().chain(&memberships))?;
    let user = User { memberships, ..stored.value.clone() };
    Refusal::check(accounts::under("user", user.check()))?;
    let person = person(&merged);
    may_link(call, &person_before.outside, &person)?;
    if user == stored.value && person == person_before {
        return Ok(show(&stored, &person));
    }
    second_person::ask_for_grant(tx, call, grants_more(&stored.value.memberships, &user.memberships)).await?;
    let links = person.outside.iter().any(|identity| !person_before.outside.contains(identity));
    if links && user.memberships.iter().any(|membership| membership.org == OrgId::OEM) {
        second_person::ask_for_link(tx, call).await?;
    }
    if changes_memberships {
        tx.revoke(stored.id, call.inner.wall.now(), call.new_id()).await?;
    }
    let stored = write(tx, call, &permit, &stored, user, &person, "update", paths).await?;
    Ok(show(&stored, &person))
}

/// Lets a disabled user in again as a part of another command.
pub(crate) async fn enable_in(tx: &mut Tx<'_>, call: &Call, request: &v1::EnableUserRequest) -> Answer<v1::User> {
    switched(tx, call, &request.name, &request.etag, Switch::Enable).await
}

/// A user of a public name as it stands, with the version; without what tells of the person. That somebody is let in who
/// has sign-ins at outside issuers is no secret from who agrees to it: whoever linked them may be the one who comes in.
pub(crate) async fn as_it_stands(tx: &mut Tx<'_>, call: &Call, name: &str) -> Answer<Option<(i64, v1::User)>> {
    let found = tx.user(call.scope()?, user_in(call, name)?).await?;
    Ok(found.map(|(stored, person)| {
        let User { id, memberships, disabled, .. } = &stored.value;
        let (name, memberships) = (format!("{COLLECTION}/{id}"), memberships.iter().map(accounts::show).collect());
        let comes_in = !disabled && !stored.value.memberships.is_empty();
        let issuers = person.outside.into_iter().filter(|_| comes_in).map(|identity| identity.issuer);
        let outside_identities =
            issuers.map(|issuer| v1::OutsideIdentity { issuer, ..v1::OutsideIdentity::default() }).collect();
        let shown = v1::User { name, memberships, disabled: *disabled, outside_identities, ..v1::User::default() };
        (stored.version, shown)
    }))
}

/// The name of a user, whoever asks: `users/me` is somebody else for somebody else.
pub(crate) fn canonical_name(call: &Call, name: &str) -> Answer<String> {
    Ok(format!("{COLLECTION}/{}", user_in(call, name)?))
}

fn user_in(call: &Call, name: &str) -> Answer<Uuid> {
    if names::id_in(name, COLLECTION)? == "me" { Ok(call.actor()?.user.0) } else { names::uuid_in(name, COLLECTION) }
}

async fn found(tx: &mut Tx<'_>, call: &Call, name: &str, etag: &str) -> Answer<(Stored<User>, Person)> {
    let id = user_in(call, name)?;
    let (stored, person) = tx.user(call.scope()?, id).await?.ok_or_else(|| Refusal::not_found(name))?;
    convert::check_etag(etag, stored.version, name)?;
    Ok((stored, person))
}

async fn memberships(tx: &mut Tx<'_>, call: &Call, message: &v1::User) -> Answer<Vec<Membership>> {
    let mut read = Vec::with_capacity(message.memberships.len());
    for (index, membership) in message.memberships.iter().enumerate() {
        read.push(accounts::read(tx, call, &format!("user.memberships[{index}]"), membership).await?);
    }
    Ok(read)
}

/// Leave to keep an account with these memberships: for every one of them.
pub(super) fn permit_for<'m>(call: &Call, memberships: impl Iterator<Item = &'m Membership>) -> Answer<Permit> {
    let mut permit = None;
    for membership in memberships {
        permit = Some(call.permit(Act::ManageAccounts { org: membership.org })?);
    }
    match permit {
        Some(permit) => Ok(permit),
        // An account of no organisation is the administrators' to keep.
        None => call.permit(Act::ManageAccounts { org: OrgId::OEM }),
    }
}

async fn write(
    tx: &mut Tx<'_>,
    call: &Call,
    permit: &Permit,
    before: &Stored<User>,
    user: User,
    person: &Person,
    verb: &'static str,
    paths: Vec<String>,
) -> Answer<Stored<User>> {
    let name = format!("{COLLECTION}/{}", before.id);
    let note = call.note(verb, name.clone(), COLLECTION, paths, &audience(&user));
    tx.update_user(permit, before, user, person, None, note).await.map_err(|error| match error {
        StoreError::Stale => Refusal::stale(&name),
        StoreError::AlreadyExists { what } if what.starts_with(OUTSIDE) => outside_taken(),
        other => other.into(),
    })
}

/// Whom an outside issuer means is for administrators to say: a manager could take over a colleague's sign-in.
fn may_link(call: &Call, before: &[OutsideIdentity], person: &Person) -> Answer<()> {
    if person.outside == before {
        return Ok(());
    }
    call.permit(Act::LinkOutsideIdentity).map(|_| ())
}

fn outside_taken() -> Refusal {
    Refusal::already_exists("this subject of the outside issuer")
}

/// Lets the next call of a user ask the store again what the user may do.
pub(crate) fn forget(call: &Call, name: &str) {
    if let Ok(id) = names::uuid_in(name, COLLECTION) {
        call.inner.authenticator.forget(id);
    }
}

fn audience(user: &User) -> Audience {
    Audience::Organizations(user.memberships.iter().map(|membership| membership.org).collect())
}

fn person(message: &v1::User) -> Person {
    let outside: BTreeSet<OutsideIdentity> = message
        .outside_identities
        .iter()
        .map(|identity| OutsideIdentity { issuer: identity.issuer.clone(), subject: identity.subject.clone() })
        .collect();
    Person {
        display_name: message.display_name.trim().to_owned(),
        email: message.email.trim().to_owned(),
        phone: message.phone.trim().to_owned(),
        external_ref: message.external_ref.trim().to_owned(),
        outside: outside.into_iter().collect(),
    }
}

fn show(stored: &Stored<User>, person: &Person) -> v1::User {
    let User { id, user_name, memberships, disabled, erased } = &stored.value;
    v1::User {
        name: format!("{COLLECTION}/{id}"),
        etag: convert::etag(stored.version),
        user_name: user_name.clone(),
        display_name: person.display_name.clone(),
        email: person.email.clone(),
        phone: person.phone.clone(),
        external_ref: person.external_ref.clone(),
        memberships: memberships.iter().map(accounts::show).collect(),
        disabled: *disabled,
        erased: *erased,
        outside_identities: person
            .outside
            .iter()
            .map(|OutsideIdentity { issuer, subject }| v1::OutsideIdentity {
                issuer: issuer.clone(),
                subject: subject.clone(),
            })
            .collect(),
        create_time: timestamp(stored.create_time),
        update_time: timestamp(stored.update_time),
    }
}

fn replay<'a>(call: &'a Call, name: String) -> Boxed<'a, Answer<v1::User>> {
    Box::pin(async move { get(call, &name).await })
}
