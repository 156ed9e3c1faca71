//! Appeals: the message of the contract ⇄ the appeal of the domain.

use recourse_domain::access::Author;
use recourse_domain::catalog::Stored;
use recourse_domain::claims::{Appeal, AppealState, Claim, NewAppeal};
use recourse_domain::money::MoneyError;
use recourse_domain::text::Lang;
use recourse_proto::v1;

use super::count;
use super::review::show_round;
use crate::convert::names::author;
use crate::convert::timestamp;

/// An appeal of a claim, as its reader sees it before redaction.
pub(crate) fn show_appeal(stored: &Stored<Claim>, appeal: &Appeal, lang: Lang) -> Result<v1::Appeal, MoneyError> {
    let claim = &stored.value;
    let (state, end_time, round) = match &appeal.state {
        AppealState::Open => (v1::appeal::State::Open, None, None),
        AppealState::Decided { decide_time, round } => (v1::appeal::State::Decided, Some(*decide_time), Some(*round)),
        AppealState::Withdrawn { withdraw_time, .. } => (v1::appeal::State::Withdrawn, Some(*withdraw_time), None),
    };
    let decision = claim.decisions.iter().find(|decision| Some(decision.number) == round);
    Ok(v1::Appeal {
        name: claim.appeal_name(appeal.number),
        etag: crate::convert::etag(stored.version),
        number: count(appeal.number),
        state: state.into(),
        line_numbers: appeal.lines.iter().copied().map(count).collect(),
        grounds: appeal.grounds.clone(),
        evidence: appeal.evidence.clone(),
        external_ref: appeal.external_ref.clone(),
        appealed_by: author(Author { id: appeal.appealed_by, is_client: appeal.appealed_by_client }),
        create_time: timestamp(appeal.appeal_time),
        decision_due_time: claim.decision_due_time(appeal).and_then(timestamp),
        end_time: end_time.and_then(timestamp),
        decision: decision.map(|round| show_round(claim.currency, round, lang)).transpose()?,
    })
}

/// What a station writes.
pub(crate) fn read_appeal(message: v1::Appeal) -> NewAppeal {
    NewAppeal {
        // A number below zero is no line, which the claim then says.
        lines: message.line_numbers.iter().map(|number| u32::try_from(*number).unwrap_or_default()).collect(),
        grounds: message.grounds,
        evidence: message.evidence,
        external_ref: message.external_ref.trim().to_owned(),
    }
}
