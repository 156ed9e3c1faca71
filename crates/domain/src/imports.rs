//! Imports: what one may do, and what can become of a row.

use crate::catalog::common::words;
use crate::change_proposals::ProposalState;
use crate::ids::CommandId;

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
    /// Nothing was written for it yet: it waits in a proposal for a second person.
    Waiting,
}

words! {
    ImportMode { CreateOnly = "CREATE_ONLY", Upsert = "UPSERT" }
    ImportOutcome { Created = "CREATED", Updated = "UPDATED", Unchanged = "UNCHANGED", Refused = "REFUSED", Waiting = "WAITING" }
}

impl ImportOutcome {
    /// Every outcome.
    pub const ALL: [Self; 5] = [Self::Created, Self::Updated, Self::Unchanged, Self::Refused, Self::Waiting];

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
    /// It waits with this content: what becomes of it is what became of its proposal.
    AsProposed,
}

/// What a row that waits in a proposal does when it is sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waits {
    /// Nobody has decided yet: it goes on waiting.
    Still,
    /// A second person agreed: it is written, under this command.
    Agreed(CommandId),
    /// Nobody will agree any more: it is tried anew.
    TriedAnew,
}

/// What a row does that waits in a proposal, by where that stands. An import that did not come to its end has made none.
pub fn waits(proposal: Option<&ProposalState>) -> Waits {
    match proposal {
        Some(ProposalState::Pending) => Waits::Still,
        Some(ProposalState::Confirmed { command, .. }) => Waits::Agreed(*command),
        Some(ProposalState::Rejected { .. } | ProposalState::Withdrawn { .. } | ProposalState::Expired) | None => {
            Waits::TriedAnew
        }
    }
}

/// What to do with a row that the job has seen before.
pub fn again(outcome: ImportOutcome, same_content: bool) -> Again {
    match (outcome, same_content) {
        // What nobody has agreed to binds nobody either.
        (ImportOutcome::Refused, _) | (ImportOutcome::Waiting, false) => Again::TriedAnew,
        (ImportOutcome::Waiting, true) => Again::AsProposed,
        (ImportOutcome::Created | ImportOutcome::Updated | ImportOutcome::Unchanged, true) => Again::Stands,
        (ImportOutcome::Created | ImportOutcome::Updated | ImportOutcome::Unchanged, false) => Again::Differs,
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::change_proposals::ProposalDecision;
    use crate::ids::UserId;

    #[test]
    fn a_refusal_binds_nobody_and_what_was_done_stands() {
        for outcome in ImportOutcome::ALL {
            let expected = match outcome {
                ImportOutcome::Refused => [Again::TriedAnew, Again::TriedAnew],
                ImportOutcome::Waiting => [Again::AsProposed, Again::TriedAnew],
                ImportOutcome::Created | ImportOutcome::Updated | ImportOutcome::Unchanged => {
                    [Again::Stands, Again::Differs]
                }
            };
            assert_eq!([again(outcome, true), again(outcome, false)], expected, "{outcome:?}");
            assert_eq!(ImportOutcome::of_word(outcome.word()), Some(outcome));
        }
        assert_eq!(ImportOutcome::of_word("created"), None);
    }

    #[test]
    fn a_row_that_waits_is_written_only_after_a_confirmation() {
        let command = CommandId(uuid::Uuid::from_u128(9));
        let decision = || ProposalDecision { by: UserId::SYSTEM, time: DateTime::UNIX_EPOCH, note: String::new() };
        for (state, expected) in [
            (None, Waits::TriedAnew),
            (Some(ProposalState::Pending), Waits::Still),
            (Some(ProposalState::Confirmed { decision: decision(), command }), Waits::Agreed(command)),
            (Some(ProposalState::Rejected { decision: decision() }), Waits::TriedAnew),
            (Some(ProposalState::Withdrawn { time: DateTime::UNIX_EPOCH }), Waits::TriedAnew),
            (Some(ProposalState::Expired), Waits::TriedAnew),
        ] {
            assert_eq!(waits(state.as_ref()), expected, "{state:?}");
        }
    }
}
