//! Imports: what one may do, and what can become of a row.

use crate::catalog::common::words;

/// What becomes of a row whose resource exists already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportMode {
    /// It is refused.
    CreateOnly,
    /// The fields that it sets are written over the resource.
    Upsert,
}

/// What became of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportOutcome {
    /// It created a resource.
    Created,
    /// It changed one.
    Updated,
    /// The resource was as the row says.
    Unchanged,
    /// Nothing was written for it. A refusal binds nobody: sent again, the row is tried anew.
    Refused,
}

words! {
    ImportMode { CreateOnly = "CREATE_ONLY", Upsert = "UPSERT" }
    ImportOutcome { Created = "CREATED", Updated = "UPDATED", Unchanged = "UNCHANGED", Refused = "REFUSED" }
}

impl ImportOutcome {
    /// Every outcome.
    pub const ALL: [Self; 4] = [Self::Created, Self::Updated, Self::Unchanged, Self::Refused];

    /// The outcome of a word.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.word() == word)
    }
}

/// A row that was sent before: what a call of the same job does with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// It was done with this content: its result stands.
    Stands,
    /// It was done with other content: the job is another one and needs another name.
    Differs,
    /// It was refused: it is tried anew, whatever it says now.
    TriedAnew,
}

/// What to do with a row that the job has seen before.
pub fn again(outcome: ImportOutcome, same_content: bool) -> Again {
    match (outcome, same_content) {
        (ImportOutcome::Refused, _) => Again::TriedAnew,
        (ImportOutcome::Created | ImportOutcome::Updated | ImportOutcome::Unchanged, true) => Again::Stands,
        (ImportOutcome::Created | ImportOutcome::Updated | ImportOutcome::Unchanged, false) => Again::Differs,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_binds_nobody_and_what_was_done_stands() {
        for outcome in ImportOutcome::ALL {
            let refused = outcome == ImportOutcome::Refused;
            assert_eq!(again(outcome, true), if refused { Again::TriedAnew } else { Again::Stands });
            assert_eq!(again(outcome, false), if refused { Again::TriedAnew } else { Again::Differs });
            assert_eq!(ImportOutcome::of_word(outcome.word()), Some(outcome));
        }
        assert_eq!(ImportOutcome::of_word("created"), None);
    }
}
