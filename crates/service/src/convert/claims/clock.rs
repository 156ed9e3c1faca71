//! Holds, pauses and escalations of claims, as their reader sees them before redaction.

use recourse_domain::claims::{Escalation, Hold, Pause, PauseReason};
use recourse_proto::v1;

use super::{count, user};
use crate::convert::organizations::{name_or_empty, same_words};
use crate::convert::{date, timestamp};

same_words! {
    show_reason, read_pause_reason: PauseReason = v1::claim_pause::Reason {
        Appraisal, PartAwaited, EvidenceAwaited, Investigation, Clarification,
    }
}

pub(super) fn show_hold(hold: &Hold) -> v1::ClaimHold {
    let Hold { reason, hold_time, until, end_time: _, held_by, internal_note } = hold;
    v1::ClaimHold {
        reason: show_reason(*reason).into(),
        hold_time: timestamp(*hold_time),
        until_date: until.and_then(date),
        held_by: user(*held_by),
        internal_note: internal_note.clone(),
    }
}

pub(super) fn show_pause(pause: &Pause) -> v1::ClaimPause {
    let Pause { reason, start_time, end_time } = pause;
    v1::ClaimPause {
        reason: show_reason(*reason).into(),
        start_time: timestamp(*start_time),
        end_time: end_time.and_then(timestamp),
    }
}

pub(super) fn show_escalation(escalation: &Escalation) -> v1::ClaimEscalation {
    let Escalation { level, escalate_time, queue } = escalation;
    v1::ClaimEscalation {
        level: count(*level),
        escalate_time: timestamp(*escalate_time),
        queue: name_or_empty("reviewQueues", queue.as_ref()),
    }
}
