//! How a unit ends: well, taken back, or given up in the middle; alone, or in a transaction that others share.

use super::group::Commit;
use super::{On, State};
use crate::error::StoreError;
use crate::sql::Sql;

impl State {
    /// Runs the writes that a sealed unit ends with, and its end with them: alone it commits.
    pub(super) async fn run_last(&mut self, mut before: Vec<Sql>, mut last: Sql) -> Result<Vec<u64>, StoreError> {
        let (commits, releases) = (self.is_alone(), self.is_shared());
        if commits || releases {
            before.push(last);
            last = Sql::new(if commits { "COMMIT" } else { "RELEASE unit" });
        }
        let changed = self.run(Sql::one_after_another(before, last)).await?;
        self.open = !commits;
        self.released = releases;
        self.sealed = true;
        Ok(changed)
    }

    /// Ends it well: at once if it is alone, else with those whose commit is answered.
    pub(super) async fn commit(&mut self) -> Result<Option<Commit>, StoreError> {
        if !self.open {
            // It has committed with its last write, or never begun.
            self.leave();
            return Ok(None);
        }
        if self.is_alone() {
            let done = self.say("COMMIT").await;
            if done.is_err() {
                // Whether it is still open or was ended by the failure: after this it is over.
                drop(self.say("ROLLBACK").await);
            }
            self.open = false;
            self.leave();
            return done.map(|()| None);
        }
        if self.is_shared()
            && !self.released
            && let Err(error) = self.say("RELEASE unit").await
        {
            self.break_off();
            return Err(error);
        }
        Ok(self.pass_on(true))
    }

    /// Takes back what it wrote; the commit of those before it, if there are any, is answered.
    pub(super) async fn rollback(&mut self) -> Result<Option<Commit>, StoreError> {
        if !self.open {
            self.leave();
            return Ok(None);
        }
        if !self.is_shared() {
            let done = self.say("ROLLBACK").await;
            self.open = false;
            self.leave();
            return done.map(|()| None);
        }
        if self.released {
            // As one that has committed with its last write.
            return Ok(self.pass_on(true));
        }
        if let Err(error) = self.say("ROLLBACK TO unit; RELEASE unit").await {
            self.break_off();
            return Err(error);
        }
        Ok(self.pass_on(false))
    }

    /// Gives up what it ran on, with nothing of its own open.
    fn leave(&mut self) {
        if self.is_shared() {
            // What others wrote goes on without it.
            drop(self.pass_on(false));
        } else if let Some(On::Writer(place)) = self.on.take() {
            place.leave();
        }
    }

    /// Leaves the transaction in which it has ended to those who wait, or has it committed.
    fn pass_on(&mut self, counts: bool) -> Option<Commit> {
        self.open = false;
        match self.on.take() {
            Some(On::Writer(place)) => place.pass_on(counts),
            Some(On::Reader(_)) | None => None,
        }
    }

    /// Its savepoint is not there: whether the transaction is, its commit will tell.
    fn break_off(&mut self) {
        self.open = false;
        if let Some(On::Writer(place)) = self.on.take() {
            place.end();
        }
    }
}

impl Drop for State {
    fn drop(&mut self) {
        if !self.open {
            self.leave();
            return;
        }
        let Some(on) = self.on.take() else { return };
        // A runtime that is being shut down drops at once what it is given, so that a second try would be one of many.
        let runtime = tokio::runtime::Handle::try_current().ok().filter(|_| !self.abandoned);
        let Some(runtime) = runtime else {
            if let On::Writer(place) = on {
                place.leave();
            }
            return;
        };
        // The unit was given up in the middle. Until what it has open is ended, nobody else can write.
        let mut left = State::on(on, None);
        left.open = true;
        left.released = self.released;
        left.abandoned = true;
        runtime.spawn(async move {
            if let Err(error) = left.rollback().await {
                tracing::debug!(%error, "the abandoned transaction had ended already");
            }
        });
    }
}
