//! The rows of an import that wait for a second person, told as one proposal: how many there are, what they mean in money,
//! and which change most. The rows themselves stay with the job, by their hashes.

use recourse_domain::catalog::{MoveSums, PriceMove};
use recourse_domain::change_proposals::Difference;
use recourse_domain::money::Money;
use recourse_domain::second_person::Kind;
use recourse_proto::v1;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::Importer;
use crate::change_proposals::propose_import;
use crate::convert;
use crate::error::Answer;

/// Changes that are told one by one.
const LARGEST: usize = 50;

/// A row that waits.
pub(super) struct Waiting {
    /// The public name of its resource.
    pub name: String,
    /// Hash of its content.
    pub hash: Vec<u8>,
    /// What kind of change it is.
    pub kind: Kind,
    /// Whether it would create the resource.
    pub is_new: bool,
    /// What becomes different in guarded fields.
    pub differences: Vec<Difference>,
    /// What that means in money.
    pub moves: Vec<PriceMove>,
}

/// The proposal that an import will make at its end.
pub(super) struct Proposing {
    /// Its key, which the rows name that wait in it.
    pub id: Uuid,
    reason: String,
    kind: Option<Kind>,
    created: i64,
    updated: i64,
    digest: Sha256,
    moves: MoveSums,
    /// Changes with how far the price moves.
    largest: Vec<(u64, v1::ProposedChange)>,
}

impl Proposing {
    pub(super) fn new(id: Uuid, reason: String) -> Self {
        Self {
            id,
            reason,
            kind: None,
            created: 0,
            updated: 0,
            digest: Sha256::new(),
            moves: MoveSums::default(),
            largest: Vec::new(),
        }
    }

    /// Adds a row, once it is certain that it waits.
    pub(super) fn add(&mut self, row: Waiting) {
        let Waiting { name, hash, kind, is_new, differences, moves } = row;
        self.kind = self.kind.max(Some(kind));
        *(if is_new { &mut self.created } else { &mut self.updated }) += 1;
        self.digest.update(&hash);
        for Difference { field, before, after } in differences {
            let distances = moves.iter().filter(|moved| moved.field == field).map(PriceMove::distance);
            // What moves no price but is guarded comes first: it has no amount to be found by.
            let distance = distances.max().unwrap_or(u64::MAX);
            self.largest.push((distance, v1::ProposedChange { resource: name.clone(), field, before, after }));
        }
        moves.into_iter().for_each(|moved| self.moves.add(moved));
        if self.largest.len() > 4 * LARGEST {
            self.keep_largest();
        }
    }

    fn keep_largest(&mut self) {
        self.largest.sort_by(|(one, _), (other, _)| other.cmp(one));
        self.largest.truncate(LARGEST);
    }

    /// Makes the proposal, if any row waits; answers its name.
    pub(super) async fn propose(mut self, importer: &Importer) -> Answer<String> {
        let Some(kind) = self.kind else { return Ok(String::new()) };
        self.keep_largest();
        let import = v1::ProposedImport {
            import_id: importer.whole.name.clone(),
            rows: self.created + self.updated,
            created: self.created,
            updated: self.updated,
            digest: hex(&self.digest.finalize()),
            moves: shown(&self.moves),
            largest: self.largest.into_iter().map(|(_, change)| change).collect(),
        };
        propose_import(&importer.call, self.id, &self.reason, kind, import).await
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn shown(moves: &MoveSums) -> Vec<v1::PriceMove> {
    let told = moves.iter().map(|(field, currency, sum)| {
        // A sum beyond all money of the world is left out rather than told wrongly.
        let money =
            |minor: i128| i64::try_from(minor).ok().and_then(|minor| convert::money(Money::new(currency, minor)));
        v1::PriceMove {
            field: field.to_owned(),
            raised: sum.raised,
            lowered: sum.lowered,
            added: sum.added,
            removed: sum.removed,
            before: money(sum.before),
            after: money(sum.after),
            difference: money(sum.after - sum.before),
            added_total: money(sum.added_total),
        }
    });
    told.collect()
}

#[cfg(test)]
mod tests {
    use recourse_domain::money::Currency;

    use super::*;

    fn row(number: u8, before: i64, after: i64) -> Waiting {
        let field = "claim_prices";
        let difference = Difference { field: field.to_owned(), before: before.to_string(), after: after.to_string() };
        Waiting {
            name: format!("parts/P-{number}"),
            hash: vec![number],
            kind: Kind::Prices,
            is_new: false,
            differences: vec![difference],
            moves: vec![PriceMove { field, currency: Currency::CNY, before: Some(before), after: Some(after) }],
        }
    }

    #[test]
    fn the_largest_changes_are_told_and_all_are_added_up() {
        let mut proposing = Proposing::new(Uuid::nil(), "the list of 2027".to_owned());
        for number in 0..=250 {
            proposing.add(row(number, 1_000, 1_000 + i64::from(number)));
        }
        let mut classed = row(255, 0, 0);
        classed.moves.clear();
        classed.kind = Kind::Policies;
        proposing.add(classed);
        proposing.keep_largest();
        let told: Vec<&str> = proposing.largest.iter().map(|(_, change)| change.resource.as_str()).collect();
        assert_eq!((told.len(), &told[..3]), (LARGEST, &["parts/P-255", "parts/P-250", "parts/P-249"][..]));
        assert_eq!((proposing.updated, proposing.kind), (252, Some(Kind::Policies)));
        let sums = shown(&proposing.moves);
        let units =
            |money: Option<&recourse_proto::google::r#type::Money>| money.map(|money| (money.units, money.nanos));
        assert_eq!(sums.len(), 1);
        // 250 prices rise and one stays: 1 + 2 + … + 250 fen.
        assert_eq!(units(sums[0].difference.as_ref()), Some((313, 750_000_000)));
    }

    #[test]
    fn another_file_has_another_digest() {
        let digest = |hashes: &[u8]| {
            let mut proposing = Proposing::new(Uuid::nil(), String::new());
            hashes.iter().for_each(|number| proposing.add(row(*number, 1, 2)));
            hex(&proposing.digest.finalize())
        };
        assert_eq!(digest(&[1, 2]), digest(&[1, 2]));
        assert_ne!(digest(&[1, 2]), digest(&[2, 1]));
        assert_eq!(digest(&[1]).len(), 64);
    }
}
