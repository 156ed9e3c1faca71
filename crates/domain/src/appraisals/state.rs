//! Where an appraisal stands. Each state carries what exists only in it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::ids::AppraisalId;

/// The state of an appraisal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum State {
    /// Ordered; the appraiser has not answered.
    Requested,
    /// The appraiser took the case.
    Accepted {
        /// Its expert.
        expert: Uuid,
        /// When.
        accept_time: DateTime<Utc>,
    },
    /// The expert works on it.
    InProgress {
        /// The expert.
        expert: Uuid,
        /// Since when.
        start_time: DateTime<Utc>,
    },
    /// Something is missing, and the clock stands.
    InfoRequested {
        /// The expert.
        expert: Uuid,
        /// When the work began.
        start_time: DateTime<Utc>,
    },
    /// The parties may comment on a draft.
    DraftShared {
        /// The expert.
        expert: Uuid,
        /// When the draft was shared.
        share_time: DateTime<Utc>,
    },
    /// The technical cause is stated and signed.
    Concluded {
        /// The expert.
        expert: Uuid,
        /// When.
        conclude_time: DateTime<Utc>,
    },
    /// Liability is decided, and nothing more changes.
    Final {
        /// The expert.
        expert: Uuid,
        /// When.
        final_time: DateTime<Utc>,
        /// When the appraiser's access ends; none once it has ended.
        access_end_time: Option<DateTime<Utc>>,
    },
    /// The appraiser did not take the case.
    Declined {
        /// When.
        end_time: DateTime<Utc>,
        /// Why.
        reason: String,
    },
    /// The auditor took the order back.
    Cancelled {
        /// When.
        end_time: DateTime<Utc>,
        /// Why.
        reason: String,
    },
    /// Another appraiser has the case.
    Reassigned {
        /// When.
        end_time: DateTime<Utc>,
        /// Why.
        reason: String,
        /// The appraisal that took it over.
        to: AppraisalId,
    },
    /// A second opinion took its place.
    Superseded {
        /// The expert.
        expert: Uuid,
        /// When.
        end_time: DateTime<Utc>,
        /// The second opinion.
        by: AppraisalId,
        /// When the appraiser's access ends; none once it has ended.
        access_end_time: Option<DateTime<Utc>>,
    },
}

/// Gives the words of states and what each means for others.
macro_rules! state_words {
    ($($(#[$doc:meta])* $variant:ident = $word:literal,)*) => {
        /// The name of a state.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "SCREAMING_SNAKE_CASE")]
        pub enum StateWord {
            $($(#[$doc])* $variant,)*
        }

        impl StateWord {
            /// Every state.
            pub const ALL: &'static [StateWord] = &[$(StateWord::$variant,)*];

            /// The word on the wire, in documents and in the database.
            pub fn word(self) -> &'static str {
                match self {
                    $(StateWord::$variant => $word,)*
                }
            }
        }

        impl State {
            /// The name of the state.
            pub fn word(&self) -> StateWord {
                match self {
                    $(State::$variant { .. } => StateWord::$variant,)*
                }
            }
        }
    };
}

state_words! {
    /// Ordered.
    Requested = "REQUESTED",
    /// Taken by the appraiser.
    Accepted = "ACCEPTED",
    /// Worked on.
    InProgress = "IN_PROGRESS",
    /// Waits for information.
    InfoRequested = "INFO_REQUESTED",
    /// A draft is shared.
    DraftShared = "DRAFT_SHARED",
    /// Concluded and signed.
    Concluded = "CONCLUDED",
    /// Final.
    Final = "FINAL",
    /// Not taken.
    Declined = "DECLINED",
    /// Taken back.
    Cancelled = "CANCELLED",
    /// Given to another.
    Reassigned = "REASSIGNED",
    /// Replaced by a second opinion.
    Superseded = "SUPERSEDED",
}

impl StateWord {
    /// Whether the claim waits for it.
    pub fn is_open(self) -> bool {
        match self {
            StateWord::Requested
            | StateWord::Accepted
            | StateWord::InProgress
            | StateWord::InfoRequested
            | StateWord::DraftShared
            | StateWord::Concluded => true,
            StateWord::Final
            | StateWord::Declined
            | StateWord::Cancelled
            | StateWord::Reassigned
            | StateWord::Superseded => false,
        }
    }
}

impl State {
    /// The expert, once one is named.
    pub fn expert(&self) -> Option<Uuid> {
        match self {
            State::Accepted { expert, .. }
            | State::InProgress { expert, .. }
            | State::InfoRequested { expert, .. }
            | State::DraftShared { expert, .. }
            | State::Concluded { expert, .. }
            | State::Final { expert, .. }
            | State::Superseded { expert, .. } => Some(*expert),
            State::Requested | State::Declined { .. } | State::Cancelled { .. } | State::Reassigned { .. } => None,
        }
    }

    /// When the appraiser's access ends, while it has one that will.
    pub fn access_end_time(&self) -> Option<DateTime<Utc>> {
        match self {
            State::Final { access_end_time, .. } | State::Superseded { access_end_time, .. } => *access_end_time,
            State::Requested
            | State::Accepted { .. }
            | State::InProgress { .. }
            | State::InfoRequested { .. }
            | State::DraftShared { .. }
            | State::Concluded { .. }
            | State::Declined { .. }
            | State::Cancelled { .. }
            | State::Reassigned { .. } => None,
        }
    }

    /// Why it ended, where somebody said so.
    pub fn reason(&self) -> &str {
        match self {
            State::Declined { reason, .. } | State::Cancelled { reason, .. } | State::Reassigned { reason, .. } => {
                reason
            }
            State::Requested
            | State::Accepted { .. }
            | State::InProgress { .. }
            | State::InfoRequested { .. }
            | State::DraftShared { .. }
            | State::Concluded { .. }
            | State::Final { .. }
            | State::Superseded { .. } => "",
        }
    }
}
