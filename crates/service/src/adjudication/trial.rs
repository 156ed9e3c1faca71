//! One page of past claims, each with what a set would have decided about it.

use std::collections::{BTreeMap, BTreeSet};

use recourse_domain::access::Scope;
use recourse_domain::adjudication::{History, RuleBook, Ruling, Situation, Surroundings};
use recourse_domain::catalog::{FailureCode, LaborOperation, Part, Record, Setting, Station, Stored};
use recourse_domain::claims::Claim;
use recourse_domain::clock::Zone;
use recourse_domain::ids::Code;
use recourse_domain::query::page::Keys;
use recourse_domain::vehicle::Vehicle;
use recourse_repository::{Before, Submissions, SubmittedClaim, Tx};

use crate::catalog::by_code;
use crate::error::{Answer, Refusal};

/// Claims that are read at once.
pub(super) const PAGE: u32 = 100;

/// A page of claims and everything that rules may ask about them.
pub(super) struct Page {
    /// The claims, in the order of submission.
    pub claims: Vec<SubmittedClaim>,
    stations: BTreeMap<String, Station>,
    vehicles: BTreeMap<String, Vehicle>,
    parts: BTreeMap<Code, Part>,
    operations: BTreeMap<Code, LaborOperation>,
    failure_codes: BTreeMap<Code, FailureCode>,
    histories: Vec<History>,
}

impl Page {
    /// Reads a page: a fixed number of queries, however many claims there are in it.
    pub(super) async fn read(
        tx: &mut Tx<'_>,
        scope: &Scope,
        asked: &Submissions,
        after: Option<&Keys>,
        limit: u32,
        asks_history: bool,
    ) -> Answer<Self> {
        let claims = tx.submitted_claims(scope, asked, after, limit.min(PAGE)).await?;
        let frozen = || claims.iter().map(|submitted| &submitted.revision.claim);
        let stations: BTreeSet<&str> = frozen().map(|claim| claim.station_code.as_str()).collect();
        let stations = tx.records_of::<Station>(scope, &stations).await?;
        let vins: BTreeSet<&str> = frozen().filter_map(|claim| claim.header.vin.as_deref()).collect();
        let vehicles = tx.records_of::<Vehicle>(scope, &vins).await?;
        let parts = tx.active_records::<Part>(scope, &frozen().flat_map(part_codes).collect()).await?;
        let operations = frozen().flat_map(|claim| &claim.lines).filter_map(|line| line.content.operation.as_ref());
        let operations = operations.map(Code::to_string).collect();
        let operations = tx.active_records::<LaborOperation>(scope, &operations).await?;
        let failures = frozen().filter_map(|claim| claim.header.failure_code.as_ref()).map(Code::to_string).collect();
        let failure_codes = tx.active_records::<FailureCode>(scope, &failures).await?;
        let histories = if asks_history {
            let asked: Vec<Before> = frozen().map(before).collect();
            tx.histories(&asked).await?
        } else {
            Vec::new()
        };
        Ok(Self {
            stations: by_name(stations),
            vehicles: by_name(vehicles),
            parts: by_code(parts),
            operations: by_code(operations),
            failure_codes: by_code(failure_codes),
            histories,
            claims,
        })
    }

    /// What the rules say of the claim at a position.
    pub(super) fn judge(&self, position: usize, book: &RuleBook, setting: &Setting, zone: Zone) -> Answer<Ruling> {
        let submitted = self.claims.get(position).ok_or_else(|| Refusal::fault("a claim beyond its page"))?;
        let claim = &submitted.revision.claim;
        let station = self
            .stations
            .get(claim.station_code.as_str())
            .ok_or_else(|| Refusal::fault(format!("station {} is missing", claim.station_code)))?;
        let around = Surroundings {
            submitted: zone.date_of(submitted.revision.submit_time),
            station,
            vehicle: claim.header.vin.as_ref().and_then(|vin| self.vehicles.get(vin)),
            parts: &self.parts,
            operations: &self.operations,
            failure_code: claim.header.failure_code.as_ref().and_then(|code| self.failure_codes.get(code)),
            history: self.histories.get(position).copied().unwrap_or_default(),
        };
        Ok(book.judge(claim, &Situation::of(claim, &around), setting))
    }
}

/// What is asked about what was submitted before a claim that was submitted.
pub(crate) fn before(claim: &Claim) -> Before {
    Before {
        claim: claim.id,
        station: claim.station,
        vin: claim.header.vin.clone(),
        causal_part: claim.header.causal_part.clone(),
        currency: claim.currency.code().to_owned(),
        at: claim.submission.as_ref().map(|submission| submission.submit_time).unwrap_or_default(),
    }
}

fn part_codes(claim: &Claim) -> impl Iterator<Item = String> {
    claim.lines.iter().filter_map(|line| line.content.part.as_ref()).map(Code::to_string)
}

fn by_name<R: Record>(stored: Vec<Stored<R>>) -> BTreeMap<String, R> {
    stored.into_iter().map(|stored| (stored.value.code().to_owned(), stored.value)).collect()
}
