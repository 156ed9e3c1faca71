//! What is done to a user's sign-in: the password changed by its owner, the user disabled, enabled or erased.

use recourse_domain::access::Act;
use recourse_domain::identity::{Person, User, grants_more};
use recourse_domain::ids::{SessionId, UserId};
use recourse_proto::v1;
use recourse_proto::v1::error_reason::Code as Reason;
use recourse_repository::Tx;

use super::{COLLECTION, audience, forget, found, permit_for, replay, show, user_in, write};
use crate::context::Call;
use crate::error::{Answer, Refusal};
use crate::identity::sessions::credentials_invalid;
use crate::second_person;

/// What is done to a user's sign-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Switch {
    Disable,
    Enable,
    Erase,
}

/// Changes one's own password and signs every other device out.
pub(super) async fn change_password(call: &Call, request: v1::ChangePasswordRequest) -> Answer<v1::User> {
    let actor = call.actor()?;
    let id = user_in(call, &request.name)?;
    if id != actor.user.0 {
        return Err(Refusal::not_found(&request.name));
    }
    let permit = call.permit(Act::ChangeOwnAccount { user: actor.user })?;
    let name = format!("{COLLECTION}/{id}");
    let user = call.inner.store.user_of_token(actor.user).await?.ok_or_else(|| Refusal::not_found(&name))?;
    Refusal::check(call.inner.passwords.check_new("new_password", &request.new_password, &user.user_name))?;
    let known = call.inner.store.sign_in_user(&user.user_name).await?.map(|(_, hash)| hash);
    // Whoever found a device unlocked can't try passwords on it either.
    let attempt = call.inner.guard.own_password(actor.user);
    call.inner.guard.begin(&attempt).await?;
    let fits = call.inner.passwords.fits(request.current_password, known).await;
    if fits != Ok(false) {
        call.inner.guard.forgive(&attempt).await?;
    }
    if !fits? {
        return Err(credentials_invalid());
    }
    let hash = call.inner.passwords.hash(request.new_password).await?;
    let (hash, name, permit, session) = (hash.as_str(), name.as_str(), &permit, actor.session);
    let answer = call
        .run(
            false,
            |tx| {
                Box::pin(async move {
                    let (stored, person) = found(tx, call, name, "").await?;
                    let note = call.note(
                        "changePassword",
                        name.to_owned(),
                        COLLECTION,
                        vec!["password".to_owned()],
                        &audience(&stored.value),
                    );
                    end_sessions(tx, call, UserId(stored.id), session).await?;
                    let user = stored.value.clone();
                    let stored = tx.update_user(permit, &stored, user, &person, Some(hash), note).await?;
                    Ok((name.to_owned(), show(&stored, &person)))
                })
            },
            |name| replay(call, name),
        )
        .await?;
    forget(call, &answer.name);
    Ok(answer)
}

pub(super) async fn switch(call: &Call, name: &str, etag: &str, switch: Switch) -> Answer<v1::User> {
    let answer = call
        .run(
            false,
            |tx| Box::pin(async move { Ok((name.to_owned(), switched(tx, call, name, etag, switch).await?)) }),
            |name| replay(call, name),
        )
        .await?;
    forget(call, &answer.name);
    Ok(answer)
}

/// Does it as a part of another command; who commits it forgets what the tokens of the user were good for.
pub(super) async fn switched(tx: &mut Tx<'_>, call: &Call, name: &str, etag: &str, switch: Switch) -> Answer<v1::User> {
    let (stored, person) = found(tx, call, name, etag).await?;
    let permit = permit_for(call, stored.value.memberships.iter())?;
    let (verb, user, person) = match switch {
        Switch::Disable => ("disable", User { disabled: true, ..stored.value.clone() }, person),
        Switch::Enable if stored.value.erased => return Err(erased()),
        Switch::Enable => ("enable", User { disabled: false, ..stored.value.clone() }, person),
        Switch::Erase => {
            let erased = User {
                disabled: true,
                erased: true,
                user_name: format!("erased-{}", stored.id),
                memberships: Vec::new(),
                ..stored.value.clone()
            };
            ("erase", erased, Person::default())
        }
    };
    if user == stored.value {
        return Ok(show(&stored, &person));
    }
    if user.disabled {
        end_sessions(tx, call, UserId(stored.id), None).await?;
        tx.revoke(stored.id, call.inner.wall.now(), call.new_id()).await?;
    } else {
        // Whoever is let in again is allowed all that the memberships say.
        second_person::ask_for_grant(tx, call, grants_more(&[], &user.memberships)).await?;
    }
    let stored = write(tx, call, &permit, &stored, user, &person, verb, vec!["disabled".to_owned()]).await?;
    Ok(show(&stored, &person))
}

fn erased() -> Refusal {
    Refusal::new(
        Reason::ResourceRetired,
        "an erased user can't be enabled again; create a new one",
        "已注销的用户不能重新启用；请新建用户",
    )
}

async fn end_sessions(tx: &mut Tx<'_>, call: &Call, user: UserId, except: Option<SessionId>) -> Answer<()> {
    let now = call.inner.wall.now();
    Ok(tx.end_sessions_of(user, except, now, &|| call.new_id()).await?)
}
