//! What a rule set would have decided about past claims, against what was decided. Nothing is written.
//!
//! One page of claims is in memory at a time; sums and hits are all that is carried from page to page.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;

use chrono::Days;
use recourse_domain::access::Scope;
use recourse_domain::adjudication::{Measure, RuleBook, Ruling};
use recourse_domain::catalog::{AdjudicationRuleSet, Setting};
use recourse_domain::claims::{Claim, Effect, StateWord, review};
use recourse_domain::ids::Code;
use recourse_domain::money::{Currency, Money};
use recourse_domain::query::page::Keys;
use recourse_domain::text::Violation;
use recourse_proto::v1::adjudication_rule::Action;
use recourse_proto::v1::dry_run_report::Report;
use recourse_proto::{Method, v1};
use recourse_repository::{Submissions, SubmittedClaim};
use tokio::sync::mpsc::Sender;
use tokio_stream::Stream;
use tonic::Status;

use super::trial::{PAGE, Page};
use crate::catalog::{self, AdjudicationRuleSetResource};
use crate::context::Call;
use crate::convert::review_queues::read_kinds;
use crate::convert::{Reader, claims as convert_claims, money};
use crate::error::{Answer, Refusal};
use crate::settings;

/// Claims, and the sums at the end.
pub(super) type Reports = Pin<Box<dyn Stream<Item = Result<v1::DryRunReport, Status>> + Send>>;

/// A dry run before its first claim.
pub(super) struct DryRun {
    book: Arc<RuleBook>,
    setting: Setting,
    asked: Submissions,
    /// Claims that may still be tried.
    left: u32,
    only_differences: bool,
    sums: Sums,
}

/// Reads what is asked, and the set.
pub(super) async fn begin(call: &Call, request: v1::DryRunAdjudicationRuleSetRequest) -> Answer<DryRun> {
    let v1::DryRunAdjudicationRuleSetRequest { name, from_date, to_date, kinds, limit, only_differences } = request;
    let code = catalog::code_in::<AdjudicationRuleSetResource>(&name)?;
    let mut reader = Reader::default();
    let from = reader.needed_date("from_date", from_date.as_ref());
    let to = reader.needed_date("to_date", to_date.as_ref());
    let kinds = read_kinds(&mut reader, "kinds", &kinds);
    if from.zip(to).is_some_and(|(from, to)| to < from) {
        reader.refuse(Violation::new(
            "to_date",
            "ENDS_BEFORE_IT_BEGINS",
            "to_date is the last day and must not be before from_date",
            "to_date 为最后一天，不得早于 from_date",
        ));
    }
    let zone = call.inner.zone;
    let asked = reader
        .whole(|| {
            let after = to?.checked_add_days(Days::new(1))?;
            Some(Submissions { from: zone.start_of(from?), to: zone.start_of(after), kinds })
        })
        .map_err(Refusal::invalid)?;
    let scope = call.scope()?;
    let today = call.today();
    let (code, name) = (code.as_str(), name.as_str());
    let read: Answer<_> = call
        .inner
        .store
        .read(|tx| {
            Box::pin(async move {
                let set = tx.record::<AdjudicationRuleSet>(scope, code).await?;
                let set = set.ok_or_else(|| Refusal::not_found(name))?;
                let book = call.inner.rule_books.of(tx, scope, set.id, set.version).await?;
                Ok((book, settings::in_force(tx, today).await?))
            })
        })
        .await;
    let (book, setting) = read?;
    let sums = Sums { hits: book.rule_ids().map(|rule| (rule.clone(), Hits::default())).collect(), ..Sums::default() };
    let left = match u32::try_from(limit) {
        Ok(0) | Err(_) => u32::MAX,
        Ok(limit) => limit,
    };
    Ok(DryRun { book, setting, asked, left, only_differences, sums })
}

/// Claims as they are read, and the sums.
pub(super) fn stream(call: Call, begun: DryRun) -> Reports {
    let (sender, receiver) = tokio::sync::mpsc::channel(64);
    tokio::spawn(async move {
        if let Err(refusal) = run(&call, begun, &sender).await {
            // A reader that has gone away needs no error.
            drop(sender.send(Err(refusal.status(call.lang))).await);
        }
    });
    Box::pin(tokio_stream::wrappers::ReceiverStream::new(receiver))
}

async fn run(call: &Call, mut dry: DryRun, sender: &Sender<Result<v1::DryRunReport, Status>>) -> Answer<()> {
    let scope = call.scope_of(Method::ClaimServiceListClaims)?;
    let stopping = call.inner.stopping.subscribe();
    let mut after: Option<Keys> = None;
    while dry.left > 0 {
        if *stopping.borrow() {
            return Err(crate::events::server_stopping());
        }
        let page = read(call, &scope, &dry, after.as_ref()).await?;
        let Some(last) = page.claims.last() else { break };
        after = Some(last.place.clone());
        dry.left = dry.left.saturating_sub(u32::try_from(page.claims.len()).unwrap_or(u32::MAX));
        for (position, submitted) in page.claims.iter().enumerate() {
            let ruling = page.judge(position, &dry.book, &dry.setting, call.inner.zone)?;
            let ruling = dry.sums.sample(&dry.book, ruling);
            let tried = Tried::of(submitted, &ruling)?;
            dry.sums.add(&tried, &ruling)?;
            if (tried.differs || !dry.only_differences)
                && sender.send(Ok(claim_report(&dry.book, submitted, &ruling, &tried))).await.is_err()
            {
                return Ok(());
            }
            // Other calls want their turn too.
            tokio::task::yield_now().await;
        }
    }
    let summary = v1::DryRunReport { report: Some(Report::Summary(dry.sums.show())) };
    // A reader that has gone away needs no sums.
    drop(sender.send(Ok(summary)).await);
    Ok(())
}

async fn read(call: &Call, scope: &Scope, dry: &DryRun, after: Option<&Keys>) -> Answer<Page> {
    let (asked, limit, asks_history) = (&dry.asked, dry.left.min(PAGE), dry.book.asks_history());
    call.inner
        .store
        .read(|tx| Box::pin(async move { Page::read(tx, scope, asked, after, limit, asks_history).await }))
        .await
}

/// What would have become of a claim, and what did.
struct Tried {
    currency: Currency,
    /// What the rules would have approved.
    would: Money,
    /// What is approved, if it is decided.
    approved: Option<Money>,
    /// The rules would decide otherwise.
    differs: bool,
    /// Whether an approval pays. Leave is no money: what is done by it is claimed by itself.
    pays: bool,
}

impl Tried {
    fn of(submitted: &SubmittedClaim, ruling: &Ruling) -> Answer<Self> {
        let (claim, frozen) = (&submitted.claim, &submitted.revision.claim);
        let would = match &ruling.measure {
            Measure::Approve => Money::sum(frozen.currency, frozen.lines.iter().map(|line| review::due(frozen, line)))?,
            Measure::Reject(_) | Measure::Return(_) | Measure::Person(_) => Money::zero(frozen.currency),
        };
        let approved = decided(claim)?;
        let differs = match (&ruling.measure, approved) {
            (Measure::Approve | Measure::Reject(_), Some(approved)) => approved != would,
            (Measure::Return(_), Some(_)) => true,
            (Measure::Person(_), _) | (Measure::Approve | Measure::Reject(_) | Measure::Return(_), None) => false,
        };
        let pays = match frozen.kind.spec().effect() {
            Effect::Pays => true,
            Effect::Authorizes => false,
        };
        Ok(Self { currency: frozen.currency, would, approved, differs, pays })
    }
}

/// What is approved on a claim; none before a decision.
fn decided(claim: &Claim) -> Answer<Option<Money>> {
    Ok(match claim.state.word() {
        StateWord::Approved | StateWord::Rejected | StateWord::Settled | StateWord::Closed => {
            Some(claim.totals()?.approved.unwrap_or(Money::zero(claim.currency)))
        }
        StateWord::Draft
        | StateWord::Submitted
        | StateWord::InReview
        | StateWord::Returned
        | StateWord::Withdrawn
        | StateWord::Lapsed => None,
    })
}

#[derive(Clone, Copy, Default)]
struct Hits {
    hits: i32,
    differing: i32,
}

/// Money of one currency.
struct Purse {
    by_rules: Money,
    as_decided: Money,
    difference: Money,
    left_to_people: Money,
}

#[derive(Default)]
struct Sums {
    claims: i32,
    differing: i32,
    faulty: i32,
    approvals: u64,
    actions: BTreeMap<i32, i32>,
    money: BTreeMap<String, Purse>,
    /// In the order in which rules are tried.
    hits: Vec<(Code, Hits)>,
}

impl Sums {
    /// The ruling with the sampling that this run would have done.
    fn sample(&mut self, book: &RuleBook, ruling: Ruling) -> Ruling {
        if ruling.measure != Measure::Approve {
            return ruling;
        }
        self.approvals += 1;
        if book.is_sample(self.approvals) { book.sampled(ruling) } else { ruling }
    }

    fn add(&mut self, tried: &Tried, ruling: &Ruling) -> Answer<()> {
        self.claims = self.claims.saturating_add(1);
        self.differing = self.differing.saturating_add(i32::from(tried.differs));
        self.faulty = self.faulty.saturating_add(i32::from(!ruling.faults.is_empty()));
        *self.actions.entry(action(&ruling.measure).into()).or_default() += 1;
        if let Some((_, hits)) = self.hits.iter_mut().find(|(rule, _)| ruling.rule.as_ref() == Some(rule)) {
            hits.hits = hits.hits.saturating_add(1);
            hits.differing = hits.differing.saturating_add(i32::from(tried.differs));
        }
        if !tried.pays {
            return Ok(());
        }
        let zero = Money::zero(tried.currency);
        let purse = self.money.entry(tried.currency.code().to_owned()).or_insert(Purse {
            by_rules: zero,
            as_decided: zero,
            difference: zero,
            left_to_people: zero,
        });
        purse.by_rules = purse.by_rules.try_add(tried.would)?;
        let Some(approved) = tried.approved else { return Ok(()) };
        match &ruling.measure {
            Measure::Approve | Measure::Reject(_) => {
                purse.as_decided = purse.as_decided.try_add(approved)?;
                purse.difference = purse.difference.try_add(tried.would.try_sub(approved)?)?;
            }
            Measure::Return(_) | Measure::Person(_) => {
                purse.left_to_people = purse.left_to_people.try_add(approved)?;
            }
        }
        Ok(())
    }

    fn show(&self) -> v1::DryRunSummary {
        v1::DryRunSummary {
            claims: self.claims,
            actions: self
                .actions
                .iter()
                .map(|(action, claims)| v1::DryRunCount { action: *action, claims: *claims })
                .collect(),
            differing: self.differing,
            faulty: self.faulty,
            money: self
                .money
                .values()
                .map(|purse| v1::DryRunMoney {
                    by_rules: money(purse.by_rules),
                    as_decided: money(purse.as_decided),
                    difference: money(purse.difference),
                    left_to_people: money(purse.left_to_people),
                })
                .collect(),
            rules: self
                .hits
                .iter()
                .map(|(rule, hits)| v1::DryRunHits {
                    rule: rule.to_string(),
                    hits: hits.hits,
                    differing: hits.differing,
                })
                .collect(),
        }
    }
}

fn action(measure: &Measure) -> Action {
    match measure {
        Measure::Approve => Action::Approve,
        Measure::Reject(_) => Action::Reject,
        Measure::Return(_) => Action::Return,
        Measure::Person(_) => Action::Route,
    }
}

fn claim_report(book: &RuleBook, submitted: &SubmittedClaim, ruling: &Ruling, tried: &Tried) -> v1::DryRunReport {
    let queue = match &ruling.measure {
        Measure::Person(Some(queue)) => format!("reviewQueues/{queue}"),
        Measure::Person(None) | Measure::Approve | Measure::Reject(_) | Measure::Return(_) => String::new(),
    };
    let faults = ruling.faults.iter();
    let claim = v1::DryRunClaim {
        claim: convert_claims::name(submitted.claim.id.0),
        number: submitted.claim.number.to_string(),
        rule: ruling.rule.as_ref().map(|rule| book.name_of(rule)).unwrap_or_default(),
        action: action(&ruling.measure).into(),
        queue,
        sampled: ruling.held_back == Some(recourse_domain::adjudication::HeldBack::Sampled),
        would_approve: money(tried.would),
        state: convert_claims::show_state(submitted.claim.state.word()).into(),
        approved: tried.approved.and_then(money),
        differs: tried.differs,
        faults: faults
            .map(|fault| v1::RuleFault { rule: fault.rule.to_string(), message: fault.message.clone() })
            .collect(),
    };
    v1::DryRunReport { report: Some(Report::Claim(claim)) }
}
