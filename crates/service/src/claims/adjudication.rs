//! What the rule set in force says of a claim that is being submitted, and doing it: in the same transaction, as a
//! job of its own name, exactly as an auditor would.

use recourse_domain::access::{self, Act, Actor, Permit};
use recourse_domain::adjudication::{History, Measure, RuleBook, Ruling, Situation, Surroundings};
use recourse_domain::catalog::{ReviewQueue, Setting, Stored};
use recourse_domain::claims::{Claim, Facts, ReviewError};
use recourse_domain::ids::Code;
use recourse_repository::{HitOutcome, RuleHit, Tx};
use uuid::Uuid;

use super::review::{refused_review, settle_newest};
use super::{COLLECTION, audience, effects};
use crate::adjudication::before;
use crate::context::Call;
use crate::convert::claims as convert_claims;
use crate::error::{Answer, Refusal};

/// The name under which rules act.
const JOB: &str = "adjudication-rules";

/// What the rules said of a submitted claim.
pub(super) struct Judgement {
    /// The claim, with its queue.
    pub claim: Claim,
    /// The rule that matched, if one did.
    matched: Option<Matched>,
}

struct Matched {
    rule_set: Uuid,
    rule: Code,
    /// Its public name, as decisions tell it.
    name: String,
    ruling: Ruling,
}

/// Tries the rules of the set in force on a claim right after its submission. Without one, and where the rules
/// name no queue, the claim waits in the first queue that serves its kind and region.
pub(super) async fn judge(tx: &mut Tx<'_>, call: &Call, facts: &Facts, claim: Claim) -> Answer<Judgement> {
    let everything = call.everything()?;
    let Some((id, version)) = tx.rule_set_in_force(&everything, facts.today).await? else {
        let served = serving(tx, call, facts, &claim).await?;
        return Ok(Judgement { claim: claim.routed(None, served), matched: None });
    };
    let book = call.inner.rule_books.of(tx, &everything, id, version).await?;
    let mut ruling = ruled(tx, &book, &claim, facts).await?;
    if ruling.measure == Measure::Approve && book.sample_every > 0 {
        let nth = tx.count_approval(&permit()?, id).await?;
        if book.is_sample(nth) {
            ruling = book.sampled(ruling);
        }
    }
    let served = match &ruling.measure {
        Measure::Person(None) => serving(tx, call, facts, &claim).await?,
        Measure::Person(Some(_)) | Measure::Approve | Measure::Reject(_) | Measure::Return(_) => None,
    };
    let claim = claim.routed(Some((&book, &ruling)), served);
    let matched = ruling.rule.clone().map(|rule| {
        let name = book.name_of(&rule);
        Matched { rule_set: id, rule, name, ruling }
    });
    Ok(Judgement { claim, matched })
}

/// What the rules in force would say of a claim as its submission would leave it. Which approval is a sample is
/// not told: nothing is counted.
pub(super) async fn forecast(tx: &mut Tx<'_>, call: &Call, facts: &Facts, claim: &Claim) -> Answer<Option<Ruling>> {
    let everything = call.everything()?;
    let Some((id, version)) = tx.rule_set_in_force(&everything, facts.today).await? else { return Ok(None) };
    let book = call.inner.rule_books.of(tx, &everything, id, version).await?;
    Ok(Some(ruled(tx, &book, claim, facts).await?))
}

async fn ruled(tx: &mut Tx<'_>, book: &RuleBook, claim: &Claim, facts: &Facts) -> Answer<Ruling> {
    let history = if book.asks_history() {
        tx.histories(&[before(claim)]).await?.pop().unwrap_or_default()
    } else {
        History::default()
    };
    let around = Surroundings::of(facts, history);
    Ok(book.judge(claim, &Situation::of(claim, &around), &facts.setting))
}

async fn serving(tx: &mut Tx<'_>, call: &Call, facts: &Facts, claim: &Claim) -> Answer<Option<Code>> {
    let queues = tx.every_record::<ReviewQueue>(&call.everything()?).await?;
    let serving = queues.into_iter().find(|queue| queue.value.serves(claim.kind, &facts.station.region));
    Ok(serving.map(|queue| queue.value.code))
}

fn permit() -> Answer<Permit> {
    Ok(access::permit(&Actor::job(JOB), Act::AdjudicateByRule)?)
}

impl Judgement {
    /// Whether a rule decides, so that the claim gets another version in this transaction.
    pub(super) fn decides(&self) -> bool {
        self.matched.as_ref().is_some_and(|matched| decides(&matched.ruling.measure))
    }

    /// Notes which rule matched.
    pub(super) async fn note_hit(&self, tx: &mut Tx<'_>, call: &Call) -> Answer<()> {
        let Some(Matched { rule_set, rule, ruling, .. }) = &self.matched else { return Ok(()) };
        let (outcome, approved_minor) = match &ruling.measure {
            Measure::Approve => {
                let due = self.claim.lines.iter().map(|line| recourse_domain::claims::review::due(&self.claim, line));
                (HitOutcome::Approved, recourse_domain::money::Money::sum(self.claim.currency, due)?.minor)
            }
            Measure::Reject(_) => (HitOutcome::Rejected, 0),
            Measure::Return(_) => (HitOutcome::Returned, 0),
            Measure::Person(_) => (HitOutcome::Person, 0),
        };
        let hit = RuleHit {
            claim: self.claim.id,
            revision: self.claim.revision(),
            rule_set: *rule_set,
            rule: rule.clone(),
            outcome,
            sampled: ruling.held_back == Some(recourse_domain::adjudication::HeldBack::Sampled),
            approved_minor,
            time: call.now,
        };
        Ok(tx.insert_rule_hit(&permit()?, &hit).await?)
    }

    /// Does what the rule says with the claim as it was submitted: the decision is a round, with its entry in the
    /// ledger; what a rejected claim had marked is undone.
    pub(super) async fn decide(
        self,
        tx: &mut Tx<'_>,
        call: &Call,
        stored: Stored<Claim>,
        setting: &Setting,
    ) -> Answer<Stored<Claim>> {
        let Some(Matched { name: rule, ruling, .. }) = self.matched.filter(|matched| decides(&matched.ruling.measure))
        else {
            return Ok(stored);
        };
        let permit = permit()?;
        let name = convert_claims::name(stored.id);
        let claim = stored
            .value
            .clone()
            .decide_by_rule(&ruling.measure, rule, call.now, call.today(), setting)
            .map_err(|error: ReviewError| refused_review(&name, error))?;
        let (verb, paths) = match &ruling.measure {
            Measure::Return(_) => {
                // What the submission had reserved is given back, as with any return.
                effects::follow(tx, call, &permit, &claim).await?;
                ("return", &["state", "last_return", "answer_due_time"][..])
            }
            Measure::Approve | Measure::Reject(_) | Measure::Person(_) => {
                settle_newest(tx, call, &permit, &name, &stored.value, &claim).await?;
                ("adjudicate", &["state", "decisions", "lines", "totals"][..])
            }
        };
        let paths = paths.iter().map(|path| (*path).to_owned()).collect();
        let note = call.note(verb, name.clone(), COLLECTION, paths, &audience(&claim));
        tx.update_claim(&permit, &stored, claim, note).await.map_err(|error| Refusal::unless_stale(error, &name))
    }
}

fn decides(measure: &Measure) -> bool {
    match measure {
        Measure::Approve | Measure::Reject(_) | Measure::Return(_) => true,
        Measure::Person(_) => false,
    }
}
