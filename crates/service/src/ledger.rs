//! The ledger as its readers see it: entries, sums, and whether it is what the claims say.

use std::collections::{BTreeMap, BTreeSet};

use recourse_domain::access::{Author, Scope};
use recourse_domain::ids::{ClaimId, OrgId, UserId};
use recourse_domain::ledger::{self as domain, Account, DifferenceKind, EntryParts, Posting, Side, SubAccounts};
use recourse_domain::money::{Currency, Money};
use recourse_domain::posting_rules;
use recourse_domain::query::order::Order;
use recourse_proto::redact::Redact;
use recourse_proto::v1::ledger_service_server::LedgerService;
use recourse_proto::{Method, v1};
use recourse_repository::{Balance, ENTRY_FIELDS, Tx};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use crate::api::Api;
use crate::context::Call;
use crate::convert::names::author;
use crate::convert::{self, date, money, names, timestamp};
use crate::error::{Answer, Refusal};
use crate::lists::{self, ListInput};

/// Claims that are verified with one pair of queries.
const VERIFY_BATCH: u32 = 500;
/// Differences that are told.
const MAX_DIFFERENCES: usize = 1000;

#[tonic::async_trait]
impl LedgerService for Api {
    async fn list_accounts(
        &self,
        request: Request<v1::ListAccountsRequest>,
    ) -> Result<Response<v1::ListAccountsResponse>, Status> {
        let (call, request) = Call::read(&self.inner, Method::LedgerServiceListAccounts, request)?;
        call.answer(accounts(&call, &request))
    }

    async fn list_entries(
        &self,
        request: Request<v1::ListEntriesRequest>,
    ) -> Result<Response<v1::ListEntriesResponse>, Status> {
        let (call, request) = Call::read(&self.inner, Method::LedgerServiceListEntries, request)?;
        call.answer(entries(&call, request).await)
    }

    async fn get_entry(&self, request: Request<v1::GetEntryRequest>) -> Result<Response<v1::LedgerEntry>, Status> {
        let (call, request) = Call::read(&self.inner, Method::LedgerServiceGetEntry, request)?;
        call.answer(entry(&call, &request.name).await)
    }

    async fn trial_balance(
        &self,
        request: Request<v1::TrialBalanceRequest>,
    ) -> Result<Response<v1::TrialBalanceResponse>, Status> {
        let (call, request) = Call::read(&self.inner, Method::LedgerServiceTrialBalance, request)?;
        call.answer(trial_balance(&call, request).await)
    }

    async fn verify_ledger(
        &self,
        request: Request<v1::VerifyLedgerRequest>,
    ) -> Result<Response<v1::VerifyLedgerResponse>, Status> {
        let (call, request) = Call::read(&self.inner, Method::LedgerServiceVerifyLedger, request)?;
        call.answer(verify(&call, &request.claim).await)
    }
}

fn accounts(call: &Call, request: &v1::ListAccountsRequest) -> Answer<v1::ListAccountsResponse> {
    if !request.page_token.is_empty() {
        return Err(Refusal::field(
            "page_token",
            "BAD_PAGE_TOKEN",
            "the chart of accounts has one page; ask without a token",
            "科目表只有一页；请不带分页令牌查询",
        ));
    }
    let accounts = Account::all()
        .into_iter()
        .map(|account| v1::LedgerAccount {
            code: account.code().to_owned(),
            title: account.title().in_lang(call.lang).to_owned(),
            normal_side: show_side(account.normal_side()).into(),
            party: match account.sub_accounts() {
                SubAccounts::None => v1::ledger_account::Party::None,
                SubAccounts::Station => v1::ledger_account::Party::Station,
                SubAccounts::Supplier => v1::ledger_account::Party::Supplier,
                SubAccounts::Appraiser => v1::ledger_account::Party::Appraiser,
            }
            .into(),
        })
        .collect();
    Ok(v1::ListAccountsResponse { accounts, next_page_token: String::new() })
}

async fn entries(call: &Call, request: v1::ListEntriesRequest) -> Answer<v1::ListEntriesResponse> {
    let input = ListInput {
        page_size: request.page_size,
        page_token: request.page_token,
        filter: request.filter,
        order_by: request.order_by,
        ..ListInput::default()
    };
    let order = Order { descending: true, ..Order::by("posted_time", recourse_domain::catalog::FieldKind::Time) };
    let query = lists::query(call, &input, ENTRY_FIELDS, order)?;
    let page = call.inner.store.entries(call.scope()?, &query).await?;
    let parties = party_names(call, page.items.iter().flat_map(|entry| &entry.postings)).await?;
    let clients = clients_among(call, &page.items).await?;
    let entries = page.items.iter().map(|entry| show_entry(call, entry, &parties, &clients)).collect();
    Ok(v1::ListEntriesResponse { entries, next_page_token: lists::next_token(call, &input, page.next)? })
}

async fn entry(call: &Call, name: &str) -> Answer<v1::LedgerEntry> {
    let id = names::uuid_in(name, "ledger/entries")?;
    let entry = call.inner.store.entry(call.scope()?, id).await?.ok_or_else(|| Refusal::not_found(name))?;
    let parties = party_names(call, entry.postings.iter()).await?;
    let clients = clients_among(call, std::slice::from_ref(&entry)).await?;
    Ok(show_entry(call, &entry, &parties, &clients))
}

async fn trial_balance(call: &Call, request: v1::TrialBalanceRequest) -> Answer<v1::TrialBalanceResponse> {
    let on = if request.on_date.is_empty() { call.today() } else { convert::query_date("on_date", &request.on_date)? };
    let balances = call.inner.store.balances(call.scope()?, on, request.by_sub_account).await?;
    let orgs = balances.iter().filter_map(|balance| balance.sub_account).collect();
    let parties = call.inner.store.organization_names(orgs).await?;
    let mut totals: BTreeMap<Currency, (Money, Money)> = BTreeMap::new();
    let mut rows = Vec::with_capacity(balances.len());
    for balance in &balances {
        let zero = Money::zero(balance.debit.currency);
        let (debit, credit) = totals.get(&zero.currency).copied().unwrap_or((zero, zero));
        totals.insert(zero.currency, (debit.try_add(balance.debit)?, credit.try_add(balance.credit)?));
        rows.push(show_balance(balance, &parties)?);
    }
    let mut shown = Vec::with_capacity(totals.len());
    for (debit, credit) in totals.into_values() {
        shown.push(v1::TrialBalanceRow {
            account: String::new(),
            sub_account: String::new(),
            debit: money(debit),
            credit: money(credit),
            balance: money(debit.try_sub(credit)?),
        });
    }
    Ok(v1::TrialBalanceResponse { on_date: date(on), rows, totals: shown })
}

fn show_balance(balance: &Balance, parties: &BTreeMap<OrgId, String>) -> Answer<v1::TrialBalanceRow> {
    Ok(v1::TrialBalanceRow {
        account: balance.account.code().to_owned(),
        sub_account: balance.sub_account.map(|org| party(org, parties)).unwrap_or_default(),
        debit: money(balance.debit),
        credit: money(balance.credit),
        balance: money(balance.debit.try_sub(balance.credit)?),
    })
}

/// Recomputes what every claim should have posted and compares it with what stands there, as both stood at one
/// moment.
async fn verify(call: &Call, claim: &str) -> Answer<v1::VerifyLedgerResponse> {
    let only = if claim.is_empty() { None } else { Some(names::uuid_in(claim, "claims")?) };
    let scope = call.scope()?.clone();
    let books = call.inner.store.read(move |tx| Box::pin(verify_books(tx, scope, only))).await?;
    Ok(v1::VerifyLedgerResponse {
        claims_checked: books.claims,
        entries_checked: books.entries,
        intact: books.differences.is_empty(),
        truncated: books.differences.len() > MAX_DIFFERENCES,
        differences: books.differences.iter().take(MAX_DIFFERENCES).map(show_difference).collect(),
    })
}

/// What the recomputation of the ledger found.
#[derive(Debug, Default)]
pub(crate) struct Books {
    /// Claims that were recomputed.
    pub(crate) claims: i64,
    /// Entries that they were compared with.
    pub(crate) entries: i64,
    /// Where the two differ.
    pub(crate) differences: Vec<domain::Difference>,
}

/// Recomputes one claim, or all of them.
pub(crate) async fn verify_books(tx: &mut Tx<'_>, scope: Scope, only: Option<Uuid>) -> Answer<Books> {
    let mut books = Books::default();
    if let Some(id) = only {
        let stored = tx.claim(&scope, id).await?.ok_or_else(|| Refusal::not_found(&format!("claims/{id}")))?;
        compare(tx, &scope, &[stored.value], &mut books).await?;
        return Ok(books);
    }
    let mut after: Option<Uuid> = None;
    loop {
        let batch = tx.decided_claims(&scope, after, VERIFY_BATCH).await?;
        let Some(last) = batch.last() else { break };
        after = Some(last.id);
        let claims: Vec<_> = batch.into_iter().map(|stored| stored.value).collect();
        compare(tx, &scope, &claims, &mut books).await?;
        if books.differences.len() > MAX_DIFFERENCES {
            break;
        }
    }
    let (_, unexplained) = tx.count_entries(&scope).await?;
    books.differences.extend(unexplained.into_iter().map(|cause| domain::Difference {
        cause,
        kind: DifferenceKind::Unexpected,
        account: None,
        line: None,
        expected: None,
        found: None,
    }));
    Ok(books)
}

async fn compare(
    tx: &mut Tx<'_>,
    scope: &Scope,
    claims: &[recourse_domain::claims::Claim],
    books: &mut Books,
) -> Answer<()> {
    let mut expected = Vec::new();
    for claim in claims {
        expected.extend(posting_rules::expected_entries(claim)?);
    }
    let ids: Vec<ClaimId> = claims.iter().map(|claim| claim.id).collect();
    for recovery in tx.recoveries_of_claims(scope, &ids).await? {
        let recovery = recovery.value;
        expected.extend(posting_rules::expected_recovery_entries(&recovery)?);
        let claim = claims.iter().find(|claim| claim.id == recovery.claim);
        let fault = claim.map(|claim| posting_rules::recovery_fault(&recovery, claim)).transpose()?.flatten();
        books.differences.extend(fault.map(|(expected, found)| domain::Difference {
            cause: format!("recoveryClaims/{}", recovery.id),
            kind: DifferenceKind::Amount,
            account: None,
            line: None,
            expected: Some(expected),
            found: Some(found),
        }));
    }
    for appraisal in tx.appraisals_of_claims(scope, &ids).await? {
        expected.extend(posting_rules::appraisal_fee(&appraisal.value)?);
    }
    let found = tx.entries_of_claims(scope, &ids).await?;
    books.claims += i64::try_from(claims.len()).unwrap_or_default();
    books.entries += i64::try_from(found.len()).unwrap_or_default();
    books.differences.extend(domain::compare(&expected, &found)?);
    Ok(())
}

async fn party_names<'p>(call: &Call, postings: impl Iterator<Item = &'p Posting>) -> Answer<BTreeMap<OrgId, String>> {
    let orgs = postings.filter_map(|posting| posting.sub_account).collect();
    Ok(call.inner.store.organization_names(orgs).await?)
}

fn party(org: OrgId, parties: &BTreeMap<OrgId, String>) -> String {
    parties.get(&org).cloned().unwrap_or_else(|| format!("organizations/{org}"))
}

/// Who of those that acted is a program.
async fn clients_among(call: &Call, entries: &[EntryParts]) -> Answer<BTreeSet<UserId>> {
    let actors = entries.iter().filter(|entry| entry.job.is_none()).map(|entry| entry.actor).collect();
    Ok(call.inner.store.clients_among(&actors).await?)
}

fn show_entry(
    call: &Call,
    entry: &EntryParts,
    parties: &BTreeMap<OrgId, String>,
    clients: &BTreeSet<UserId>,
) -> v1::LedgerEntry {
    let mut shown = v1::LedgerEntry {
        name: format!("ledger/entries/{}", entry.id),
        cause: entry.cause.clone(),
        event: entry.event.clone(),
        claim: entry.claim.map(|claim| format!("claims/{claim}")).unwrap_or_default(),
        effective_date: date(entry.effective_date),
        post_time: timestamp(entry.posted_time),
        actor: match &entry.job {
            Some(job) => format!("jobs/{job}"),
            None if entry.actor == UserId::SYSTEM => String::new(),
            None => author(Author { id: entry.actor, is_client: clients.contains(&entry.actor) }),
        },
        reverses: entry.reverses.map(|id| format!("ledger/entries/{id}")).unwrap_or_default(),
        postings: entry.postings.iter().map(|posting| show_posting(posting, parties)).collect(),
    };
    shown.redact(&call.viewer(false));
    shown
}

fn show_posting(posting: &Posting, parties: &BTreeMap<OrgId, String>) -> v1::LedgerPosting {
    // The amount stands without a sign; the side says which it is.
    let amount = if posting.amount.is_negative() { posting.amount.try_neg().ok() } else { Some(posting.amount) };
    v1::LedgerPosting {
        account: posting.account.code().to_owned(),
        sub_account: posting.sub_account.map(|org| party(org, parties)).unwrap_or_default(),
        side: show_side(posting.side()).into(),
        amount: amount.and_then(money),
        claim: posting.claim.map(|claim| format!("claims/{claim}")).unwrap_or_default(),
        line_number: posting.line.and_then(|line| i32::try_from(line).ok()).unwrap_or_default(),
    }
}

fn show_side(side: Side) -> v1::ledger_side::Code {
    match side {
        Side::Debit => v1::ledger_side::Code::Debit,
        Side::Credit => v1::ledger_side::Code::Credit,
    }
}

fn show_difference(difference: &domain::Difference) -> v1::LedgerDifference {
    let kind = match difference.kind {
        DifferenceKind::Missing => v1::ledger_difference::Kind::Missing,
        DifferenceKind::Unexpected => v1::ledger_difference::Kind::Unexpected,
        DifferenceKind::Amount => v1::ledger_difference::Kind::Amount,
        DifferenceKind::Unbalanced => v1::ledger_difference::Kind::Unbalanced,
    };
    v1::LedgerDifference {
        cause: difference.cause.clone(),
        kind: kind.into(),
        account: difference.account.map(|account| account.code().to_owned()).unwrap_or_default(),
        line_number: difference.line.and_then(|line| i32::try_from(line).ok()).unwrap_or_default(),
        expected: difference.expected.and_then(money),
        found: difference.found.and_then(money),
    }
}
