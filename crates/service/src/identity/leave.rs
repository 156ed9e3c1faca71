//! Whether somebody whose call lasts is still let in: streams and imports outlive the token that they were begun with.

use recourse_domain::identity::Membership;

use crate::context::Call;
use crate::error::Answer;

/// Whether the caller is signed in still and may do all that the call was begun with: nobody goes on who was signed out,
/// disabled or revoked since, or to whom a role or an organisation was taken away.
pub(crate) async fn is_still_given(call: &Call) -> Answer<bool> {
    let (actor, store) = (call.actor()?, &call.inner.store);
    let keeps = |membership: &Membership| {
        membership.org == actor.org && actor.roles.iter().all(|role| membership.roles.contains(role))
    };
    let Some(session) = actor.session else {
        let found = store.client_of_token(actor.user).await?;
        return Ok(found.is_some_and(|(client, _)| {
            let acts_for =
                |org| client.membership.org == org || client.consenting.iter().any(|(other, _)| *other == org);
            !client.revoked && keeps(&client.membership) && actor.orgs.iter().all(|org| acts_for(*org))
        }));
    };
    if !store.session_is_open(session).await? {
        return Ok(false);
    }
    let user = store.user_of_token(actor.user).await?;
    Ok(user.is_some_and(|user| !user.disabled && user.membership(actor.org).is_some_and(keeps)))
}
