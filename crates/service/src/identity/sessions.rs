//! Signing in and out.

use chrono::{TimeDelta, Utc};
use recourse_domain::identity::{Membership, Session, User};
use recourse_domain::ids::SessionId;
use recourse_domain::query::order::Order;
use recourse_proto::v1::error_reason::Code as Reason;
use recourse_proto::v1::session_service_server::SessionService;
use recourse_proto::{Method, v1};
use recourse_repository::StoreError;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::passwords::{PasswordFault, fingerprint, random_secret};
use super::tokens::ACCESS_SECONDS;
use crate::admission::role_code;
use crate::api::Api;
use crate::context::Call;
use crate::convert::{names, timestamp};
use crate::error::{Answer, Refusal};
use crate::lists::{self, ListInput};

/// How long a device stays signed in without being used.
pub(super) const REFRESH_LIFETIME: TimeDelta = TimeDelta::days(30);

#[tonic::async_trait]
impl SessionService for Api {
    async fn create_session(
        &self,
        request: Request<v1::CreateSessionRequest>,
    ) -> Result<Response<v1::Session>, Status> {
        let (call, request) = Call::read(&self.inner, Method::SessionServiceCreateSession, request)?;
        call.answer(sign_in(&call, request).await)
    }

    async fn list_sessions(
        &self,
        request: Request<v1::ListSessionsRequest>,
    ) -> Result<Response<v1::ListSessionsResponse>, Status> {
        let (call, request) = Call::read(&self.inner, Method::SessionServiceListSessions, request)?;
        call.answer(list(&call, request).await)
    }

    async fn delete_session(
        &self,
        request: Request<v1::DeleteSessionRequest>,
    ) -> Result<Response<pbjson_types::Empty>, Status> {
        let (call, request) = Call::read(&self.inner, Method::SessionServiceDeleteSession, request)?;
        call.answer(sign_out(&call, &request.name).await)
    }
}

/// Signs a person in. An unknown name, a wrong password and a disabled user are answered alike, after the
/// same work.
async fn sign_in(call: &Call, request: v1::CreateSessionRequest) -> Answer<v1::Session> {
    let (guard, passwords) = (&call.inner.guard, &call.inner.passwords);
    let user_name = request.user_name.trim().to_lowercase();
    let attempt = &guard.sign_in(&user_name, &request.device_token, call.address);
    guard.begin(attempt).await?;
    let found = call.inner.store.sign_in_user(&user_name).await?;
    let (user, hash) = found.map_or((None, None), |(user, hash)| (Some(user), Some(hash)));
    let fits = match passwords.fits(request.password.clone(), hash.clone()).await {
        Ok(fits) => fits,
        Err(fault) => {
            // Nobody looked at the password.
            guard.forgive(attempt).await?;
            return Err(fault.into());
        }
    };
    let Some(user) = user.as_ref().filter(|user| fits && !user.disabled) else {
        call.inner.denials.note(user.map(|user| user.id), call.method.full_name(), Reason::CredentialsInvalid, None);
        return Err(credentials_invalid());
    };
    let membership = match chosen(user, &request.organization) {
        Ok(membership) => membership,
        Err(refusal) => {
            guard.forgive(attempt).await?;
            return Err(refusal);
        }
    };
    let renewed = match hash.as_deref().filter(|hash| passwords.is_outdated(hash)) {
        Some(before) => Some((before, passwords.hash(request.password).await?)),
        None => None,
    };
    let now = call.inner.wall.now();
    let session = Session {
        id: SessionId(call.new_id()),
        user: user.id,
        org: membership.org,
        device: request.device,
        create_time: now,
        last_used_time: now,
        revoke_time: None,
    };
    let refresh_token = random_secret()?;
    let (session, hash, renewed) = (&session, &fingerprint(&refresh_token), &renewed);
    let opened: Result<(), StoreError> = call
        .inner
        .store
        .run(|tx| {
            Box::pin(async move {
                guard.forgive_in(tx, attempt).await?;
                if let Some((before, after)) = renewed {
                    tx.renew_password_hash(session.user, before, after).await?;
                }
                tx.open_session(session, hash, now + REFRESH_LIFETIME).await
            })
        })
        .await;
    opened?;
    let access_token = call.inner.authenticator.access_token(user.id, membership, Some(session.id))?;
    Ok(v1::Session {
        access_token,
        refresh_token,
        expires_in: i32::try_from(ACCESS_SECONDS).unwrap_or_default(),
        device_token: guard.device_token(&user_name)?,
        current: true,
        ..shown(session, Some(membership))
    })
}

fn chosen<'u>(user: &'u User, asked: &str) -> Answer<&'u Membership> {
    match (asked, user.memberships.as_slice()) {
        ("", [only]) => Ok(only),
        ("", []) => Err(credentials_invalid()),
        ("", several) => {
            let offered = several.iter().map(|membership| membership.org_name.as_str()).collect::<Vec<_>>().join(", ");
            Err(Refusal::field(
                "organization",
                "REQUIRED",
                format!("you act for several organisations; name one of {offered}"),
                format!("您属于多个机构；请指定其一：{offered}"),
            ))
        }
        (asked, several) => {
            several.iter().find(|membership| membership.org_name.eq_ignore_ascii_case(asked)).ok_or_else(|| {
                Refusal::field(
                    "organization",
                    "UNKNOWN_REFERENCE",
                    "you do not act for this organisation",
                    "您不属于该机构",
                )
            })
        }
    }
}

/// Name and password do not fit together; nobody learns which of them is wrong.
pub(super) fn credentials_invalid() -> Refusal {
    Refusal::new(
        Reason::CredentialsInvalid,
        "user name and password do not fit together, or the user is disabled",
        "用户名或密码不正确，或用户已停用",
    )
}

async fn list(call: &Call, request: v1::ListSessionsRequest) -> Answer<v1::ListSessionsResponse> {
    let actor = call.actor()?;
    let input = ListInput { page_size: request.page_size, page_token: request.page_token, ..ListInput::default() };
    let query = lists::query(call, &input, &[], Order::newest_first())?;
    let page = call.inner.store.sessions(actor.user, &query).await?;
    let user = call.inner.store.user_of_token(actor.user).await?;
    let sessions = page
        .items
        .iter()
        .map(|session| v1::Session {
            current: actor.session == Some(session.id),
            ..shown(session, user.as_ref().and_then(|user| user.membership(session.org)))
        })
        .collect();
    Ok(v1::ListSessionsResponse { sessions, next_page_token: lists::next_token(call, &input, page.next)? })
}

async fn sign_out(call: &Call, name: &str) -> Answer<pbjson_types::Empty> {
    let actor = call.actor()?;
    let id = names::id_in(name, "sessions")?;
    let session = if id == "current" { actor.session } else { Uuid::parse_str(id).ok().map(SessionId) };
    let session = session.ok_or_else(|| Refusal::not_found(name))?;
    let (user, now, revocation) = (actor.user, call.inner.wall.now(), call.new_id());
    let ended = call
        .inner
        .store
        .run(|tx| Box::pin(async move { tx.end_own_session(user, session, now, revocation).await }))
        .await?;
    call.inner.authenticator.forget(session.0);
    if ended { Ok(pbjson_types::Empty {}) } else { Err(Refusal::not_found(name)) }
}

fn shown(session: &Session, membership: Option<&Membership>) -> v1::Session {
    let instant = |time: chrono::DateTime<Utc>| timestamp(time);
    v1::Session {
        name: format!("sessions/{}", session.id),
        user: format!("users/{}", session.user),
        organization: membership.map(|membership| membership.org_name.clone()).unwrap_or_default(),
        roles: membership
            .map(|membership| membership.roles.iter().map(|role| role_code(*role).into()).collect())
            .unwrap_or_default(),
        device: session.device.clone(),
        create_time: instant(session.create_time),
        last_used_time: instant(session.last_used_time),
        access_token: String::new(),
        expires_in: 0,
        refresh_token: String::new(),
        device_token: String::new(),
        current: false,
    }
}

impl From<PasswordFault> for Refusal {
    fn from(fault: PasswordFault) -> Self {
        match fault {
            PasswordFault::Busy => {
                let mut refusal = Refusal::new(
                    Reason::TooManyRequests,
                    "too many sign-ins at once; try again in a second",
                    "登录请求过多，请稍后重试",
                );
                refusal.retry_after = Some(1);
                refusal
            }
            PasswordFault::Broken | PasswordFault::Cost => Refusal::fault(fault.to_string()),
        }
    }
}
