//! Work that nobody asks for: numbering the feed, letting deadlines pass, forgetting what has aged.
//!
//! Every server does it by default; a lease lets one do it at a time, and each step is safe to be done by two.

pub(crate) mod retention;
pub(crate) mod rounds;

use std::collections::BTreeSet;
use std::future::Future;
use std::time::Duration;

use chrono::TimeDelta;
use recourse_domain::access::{Act, Permit};
use recourse_domain::catalog::Stored;
use recourse_domain::claims::{Claim, Verb};
use recourse_proto::Method;
use recourse_repository::{Aged, NUMBERED_AT_ONCE, StoreError, Tx};
use uuid::Uuid;

use crate::api::Api;
use crate::claims::{COLLECTION, audience, effects, refused_review, settle_newest};
use crate::context::Call;
use crate::error::{Answer, Refusal};
use crate::{appraisals, authorizations, change_proposals, entitlements, recovery_claims, settings};

/// How often the feed is numbered.
const NUMBERING: Duration = Duration::from_millis(100);
/// How often deadlines are looked at.
const DEADLINES: Duration = Duration::from_secs(5);
/// Seconds that a lease holds.
const LEASE_SECONDS: i64 = 10;
/// Claims that lapse in one go.
const BATCH: u32 = 100;
/// How long an overdue claim that did not pass is left alone.
const LOOK_AGAIN: TimeDelta = TimeDelta::hours(1);

impl Api {
    /// Does the background work until `stop`.
    ///
    /// A stop doesn't wait for what is under way: each unit of it stands or leaves nothing, and whoever starts next
    /// takes it up. A store that does not answer would else hold up the end of the process.
    pub async fn work(self, stop: impl Future<Output = ()> + Send) {
        tokio::select! {
            () = stop => {}
            () = self.work_on() => {}
        }
    }

    async fn work_on(&self) {
        let holder = self.inner.ids.new_id();
        let mut deadlines = tokio::time::interval(DEADLINES);
        deadlines.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut numbering = tokio::time::interval(NUMBERING);
        numbering.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = numbering.tick() => self.number_feed().await,
                _ = deadlines.tick() => self.pass_time(holder).await,
            }
        }
    }

    /// Numbers whatever waits; numberers of several servers take turns on the counter's row. What comes meanwhile
    /// waits for the next time: small rounds without a rest would cost more than the commands themselves.
    async fn number_feed(&self) {
        loop {
            match self.inner.store.number_changes().await {
                Ok(numbered) if numbered < NUMBERED_AT_ONCE => return,
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(%error, "the change feed could not be numbered");
                    return;
                }
            }
        }
    }

    async fn pass_time(&self, holder: Uuid) {
        let wall = self.inner.wall.now();
        match self.inner.store.hold_lease("deadlines", holder, wall, LEASE_SECONDS).await {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => {
                tracing::warn!(%error, "the lease of deadlines could not be asked for");
                return;
            }
        }
        if let Err(refusal) = self.enforce_deadlines().await {
            tracing::warn!(cause = refusal.cause, reason = refusal.text.en, "deadlines could not be enforced");
        }
        if let Err(refusal) = self.end_uploads().await {
            tracing::warn!(cause = refusal.cause, reason = refusal.text.en, "uploads could not be ended");
        }
        if let Some(age) = self.inner.accounts.rotate_keys_after
            && let Err(refusal) = self.inner.authenticator.rotate_aged_keys(age).await
        {
            tracing::warn!(cause = refusal.cause, reason = refusal.text.en, "signing keys could not be rotated");
        }
        if let Err(refusal) = self.tend_page_keys(wall).await {
            tracing::warn!(cause = refusal.cause, reason = refusal.text.en, "keys of page tokens could not be tended");
        }
        self.forget_aged().await;
    }

    /// Ends the access of appraisers whose days are over.
    async fn end_accesses(&self) -> Answer<()> {
        let job = || Call::job(&self.inner, "appraisal-access", Method::AppraisalServiceGetAppraisal);
        let call = job();
        for id in self.inner.store.ended_access(call.scope()?, call.now, BATCH).await? {
            if let Err(refusal) = appraisals::end_access(&job(), id).await {
                tracing::info!(appraisal = %id, reason = refusal.text.en, "the access did not end");
            }
        }
        Ok(())
    }

    /// Lets the silence of suppliers have its consequence.
    async fn pass_silences(&self) -> Answer<()> {
        let job = || Call::job(&self.inner, "supplier-silence", Method::RecoveryServiceGetRecoveryClaim);
        let call = job();
        for id in self.inner.store.silent_recoveries(call.scope()?, call.now, BATCH).await? {
            if let Err(refusal) = recovery_claims::pass_silence(&job(), id).await {
                tracing::info!(recovery = %id, reason = refusal.text.en, "the silence had no consequence");
            }
        }
        Ok(())
    }

    /// Lets time have its consequences: returned claims whose answer is overdue lapse, suppliers' silence counts,
    /// appraisers' access ends. Answers how many claims lapsed.
    pub async fn enforce_deadlines(&self) -> Answer<u32> {
        self.end_accesses().await?;
        self.pass_silences().await?;
        let call = Call::job(&self.inner, "claim-deadlines", Method::ClaimServiceGetClaim);
        let overdue = self.inner.store.overdue_returns(call.scope()?, call.now, BATCH).await?;
        let mut lapsed = 0;
        for id in overdue {
            let call = Call::job(&self.inner, "claim-deadlines", Method::ClaimServiceGetClaim);
            match lapse(&call, id).await {
                Ok(()) => lapsed += 1,
                // Answered in this very moment, or another server was faster: nothing is left to do.
                Err(refusal) => tracing::info!(claim = %id, reason = refusal.text.en, "the claim did not lapse"),
            }
        }
        self.end_holds().await?;
        self.pass_reviews().await?;
        self.escalate_decisions().await?;
        self.expire_rights().await?;
        self.expire_proposals().await?;
        Ok(lapsed)
    }
}

impl Api {
    /// Lets overdue claims count as approved, where the setting says that silence means so.
    ///
    /// Most often one that does not pass waits for somebody else, or needs a level of approval: it stays overdue, and is
    /// looked at again in an hour. None is looked at in a transaction that would hold up who writes.
    async fn pass_reviews(&self) -> Answer<()> {
        let job = || Call::job(&self.inner, "claim-deadlines", Method::ClaimServiceGetClaim);
        let call = job();
        let setting = settings::now(&self.inner.store, call.today()).await?;
        if !setting.deemed_approval {
            return Ok(());
        }
        let rounds = &self.inner.overdue_reviews;
        let began_at = rounds.place(&setting, call.now, LOOK_AGAIN);
        let mut place = began_at;
        loop {
            let overdue = self.inner.store.overdue_reviews(call.scope()?, call.now, place, BATCH).await?;
            let Some(last) = overdue.last() else { break };
            place = Some(*last);
            for stored in self.claims_of(overdue.iter().map(|(_, id)| *id).collect()).await? {
                if stored.value.deem_approved(call.now, call.today(), &setting).is_err() {
                    continue;
                }
                match deem_approved(&job(), stored.id).await {
                    Ok(()) => {}
                    // The store asks for patience: all of it is done again the next time.
                    Err(refusal) if refusal.is_retryable() => return Err(refusal),
                    Err(refusal) => {
                        tracing::info!(claim = %stored.id, reason = refusal.text.en, "the claim was not deemed approved");
                    }
                }
            }
        }
        rounds.ended(&setting, call.now, began_at, place);
        Ok(())
    }

    /// Claims as they stand, read by themselves.
    pub(crate) async fn claims_of(&self, ids: BTreeSet<Uuid>) -> Answer<Vec<Stored<Claim>>> {
        let found: Result<Vec<Stored<Claim>>, StoreError> =
            self.inner.store.read(move |tx| Box::pin(async move { tx.claims_of(&ids).await })).await;
        Ok(found?)
    }

    /// Lets proposals of changes expire that nobody decided in time.
    async fn expire_proposals(&self) -> Answer<()> {
        let job = || Call::job(&self.inner, "proposal-deadlines", Method::ChangeProposalServiceGetChangeProposal);
        let (scope, now) = (settings::lookup_scope()?, self.inner.clock.now());
        for id in self.inner.store.overdue_proposals(&scope, now, BATCH).await? {
            if let Err(refusal) = change_proposals::expire(&job(), id).await {
                tracing::info!(proposal = %id, reason = refusal.text.en, "the proposal did not expire");
            }
        }
        Ok(())
    }

    /// Lets authorisations and entitlements expire whose last day is over, and forgets old tracks.
    async fn expire_rights(&self) -> Answer<()> {
        let job = || Call::job(&self.inner, "claim-deadlines", Method::ClaimServiceGetClaim);
        let call = job();
        for id in self.inner.store.expired_authorizations(call.scope()?, call.today(), BATCH).await? {
            if let Err(refusal) = authorizations::expire(&job(), id).await {
                tracing::info!(authorization = %id, reason = refusal.text.en, "the authorisation did not expire");
            }
        }
        let setting = settings::now(&self.inner.store, call.today()).await?;
        let window = TimeDelta::days(i64::from(setting.submission_window_days));
        let before = call.today().checked_sub_signed(window).unwrap_or_default();
        for id in self.inner.store.overdue_entitlements(call.scope()?, before, BATCH).await? {
            if let Err(refusal) = entitlements::expire(&job(), id, setting.submission_window_days).await {
                tracing::info!(entitlement = %id, reason = refusal.text.en, "the entitlement did not expire");
            }
        }
        let look_back = TimeDelta::days(i64::from(setting.look_back_days));
        self.forget(Aged::TrackPoints, call.now - look_back).await?;
        Ok(())
    }
}

async fn deem_approved(call: &Call, id: Uuid) -> Answer<()> {
    let permit = call.permit(Act::EnforceDeadline)?;
    let permit = &permit;
    call.run(
        false,
        |tx| {
            Box::pin(async move {
                let name = format!("claims/{id}");
                let stored = tx.claim(call.scope()?, id).await?.ok_or_else(|| Refusal::not_found(&name))?;
                let setting = settings::in_force(tx, call.today()).await?;
                let deemed = stored.value.clone().deem_approved(call.now, call.today(), &setting);
                let claim = deemed.map_err(|error| refused_review(&name, error))?;
                settle_newest(tx, call, permit, &name, &stored.value, &claim).await?;
                let changed = ["state", "decisions", "lines", "totals"];
                moved(tx, call, permit, (&stored, claim), Verb::DeemApproved, &changed).await?;
                Ok((name, ()))
            })
        },
        |_| Box::pin(async { Ok(()) }),
    )
    .await
}

async fn lapse(call: &Call, id: Uuid) -> Answer<()> {
    let permit = call.permit(Act::EnforceDeadline)?;
    let permit = &permit;
    call.run(
        false,
        |tx| {
            Box::pin(async move {
                let name = format!("claims/{id}");
                let stored = tx.claim(call.scope()?, id).await?.ok_or_else(|| Refusal::not_found(&name))?;
                let claim = stored.value.clone().lapse(call.now).map_err(|error| {
                    Refusal::state_conflict(&name, stored.value.state.word().word(), &error.to_string())
                })?;
                effects::follow(tx, call, permit, &claim).await?;
                tx.retract_claim_readings(permit, claim.id).await?;
                moved(tx, call, permit, (&stored, claim), Verb::Lapse, &["state"]).await?;
                Ok((name, ()))
            })
        },
        |_| Box::pin(async { Ok(()) }),
    )
    .await
}

/// Writes a claim that time moved, for everybody who follows it.
async fn moved(
    tx: &mut Tx<'_>,
    call: &Call,
    permit: &Permit,
    (before, claim): (&Stored<Claim>, Claim),
    verb: Verb,
    changed: &[&str],
) -> Answer<()> {
    let name = format!("claims/{}", claim.id);
    let paths = changed.iter().map(|path| (*path).to_owned()).collect();
    let note = call.note(verb.word(), name.clone(), COLLECTION, paths, &audience(&claim));
    tx.update_claim(permit, before, claim, note).await.map(|_| ()).map_err(|error| Refusal::unless_stale(error, &name))
}
