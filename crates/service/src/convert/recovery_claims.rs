//! Recovery claims: the messages of the contract ⇄ the recovery claim of the domain.

use chrono::{DateTime, Utc};
use recourse_domain::catalog::Stored;
use recourse_domain::ids::UserId;
use recourse_domain::money::MoneyError;
use recourse_domain::recovery_claims::{
    Basis, LineAnswer, LineResolution, Missing, Pause, PendingAnswer, RecoveryClaim, RecoveryLine, State, Unresolved,
    Waiver,
};
use recourse_domain::text::Violation;
use recourse_proto::v1;
use uuid::Uuid;

use super::appraisals::shown_words;
use super::claims::show_line_type;
use super::exchange_rates::show_factor;
use super::organizations::{name, name_or_empty, read_bp, same_words};
use super::{Reader, basis_points, date, etag, money, quantity, timestamp};

/// The public name of a recovery claim.
pub(crate) fn named(id: Uuid) -> String {
    format!("recoveryClaims/{id}")
}

fn user(id: UserId) -> String {
    format!("users/{id}")
}

shown_words! {
    show_state: State = v1::recovery_claim::State {
        Unresolved, Open, Issued, Confirmed, PartlyConfirmed, Disputed, DeemedConfirmed, Settled, Waived,
    }
    show_basis: Basis = v1::recovery_claim::Basis { Appraisal, ShareAgreement, Assigned, Rerouted }
    show_unresolved: Unresolved = v1::recovery_claim::Unresolved {
        NoSupplier, SeveralSuppliers, NoShareAgreement, NoContract, OtherCurrency,
    }
}

same_words! {
    show_missing, read_missing: Missing = v1::recovery_pause::Missing { Part, Evidence, Analysis }
}

/// The recovery claim as its reader sees it, before redaction.
pub(crate) fn show(stored: &Stored<RecoveryClaim>, now: DateTime<Utc>) -> Result<v1::RecoveryClaim, MoneyError> {
    let recovery = &stored.value;
    let (totals, confirmed) = (recovery.totals()?, recovery.confirmed()?);
    let liable = recovery.supplier.as_ref();
    let contract = liable.map(|liable| &liable.terms.contract);
    Ok(v1::RecoveryClaim {
        name: named(recovery.id.0),
        etag: etag(stored.version),
        number: recovery.number.clone(),
        claim: format!("claims/{}", recovery.claim),
        supplier: name_or_empty("suppliers", liable.map(|liable| &liable.code)),
        state: show_state(recovery.state).into(),
        exchange: liable.and_then(|liable| liable.exchange.as_ref()).map(|exchange| v1::RecoveryExchange {
            exchange_rate: name("exchangeRates", &exchange.rate),
            rate: show_factor(exchange.factor),
            base_units: exchange.base_units,
            date: date(exchange.date),
        }),
        share_bp: liable.map(|liable| basis_points(liable.share())).unwrap_or_default(),
        basis: liable.map(|liable| show_basis(liable.basis).into()).unwrap_or_default(),
        basis_ref: liable.map(|liable| liable.basis_ref.clone()).unwrap_or_default(),
        unresolved: recovery.unresolved.map(|why| show_unresolved(why).into()).unwrap_or_default(),
        owner: user(recovery.owner),
        age_days: i32::try_from(recovery.age_days(now)).unwrap_or(i32::MAX),
        lines: recovery.lines.iter().map(show_line).collect(),
        handling_fee: money(totals.fee),
        total: money(totals.total),
        confirmed_total: money(confirmed.total),
        capped: totals.capped,
        issue_time: recovery.issue.as_ref().and_then(|issue| timestamp(issue.time)),
        answer_due_time: recovery.answer_due_time().and_then(timestamp),
        pauses: recovery.pauses.iter().map(show_pause).collect(),
        delivery_proof: recovery.delivery_proof.clone(),
        deemed_clause: contract.is_some_and(|contract| contract.deemed_clause),
        escalated: recovery.escalate_time.is_some(),
        pending_answer: recovery.pending_answer.as_ref().map(show_pending),
        waiver: recovery.waiver.as_ref().map(show_waiver),
        answer_days: contract.map(|contract| contract.answer_days).unwrap_or_default(),
        create_time: timestamp(stored.create_time),
        update_time: timestamp(stored.update_time),
    })
}

fn show_line(line: &RecoveryLine) -> v1::RecoveryLine {
    let RecoveryLine {
        line,
        line_type,
        part,
        quantity: pieces,
        recovery_price,
        base,
        share_bp,
        factor_bp,
        amount,
        answer,
        accepted,
    } = line;
    let said = answer.as_ref().map(show_answer).unwrap_or_default();
    v1::RecoveryLine {
        line_number: i32::try_from(*line).unwrap_or(i32::MAX),
        r#type: show_line_type(*line_type).into(),
        part: part.as_ref().map(|part| name("parts", part)).unwrap_or_default(),
        quantity: pieces.and_then(quantity),
        recovery_price: recovery_price.and_then(money),
        base: money(*base),
        share_bp: basis_points(*share_bp),
        factor_bp: basis_points(*factor_bp),
        amount: money(*amount),
        answer: said.answer,
        answer_share_bp: said.share_bp,
        answer_supplier: said.supplier,
        answer_reason: said.reason,
        accepted_share_bp: accepted.map(|accepted| basis_points(accepted.share_bp)),
        accepted_amount: accepted.and_then(|accepted| money(accepted.amount)),
    }
}

/// An answer without its line.
fn show_answer(answer: &LineAnswer) -> v1::RecoveryAnswerLine {
    use v1::recovery_line::Answer;
    let said = |answer: Answer, reason: &str| v1::RecoveryAnswerLine {
        answer: answer.into(),
        reason: reason.to_owned(),
        ..v1::RecoveryAnswerLine::default()
    };
    match answer {
        LineAnswer::Confirm => said(Answer::Confirm, ""),
        LineAnswer::Counter { share_bp, reason } => {
            v1::RecoveryAnswerLine { share_bp: basis_points(*share_bp), ..said(Answer::Counter, reason) }
        }
        LineAnswer::Dispute { reason } => said(Answer::Dispute, reason),
        LineAnswer::Reroute { supplier, reason } => {
            v1::RecoveryAnswerLine { supplier: name("suppliers", supplier), ..said(Answer::Reroute, reason) }
        }
    }
}

fn show_pause(pause: &Pause) -> v1::RecoveryPause {
    v1::RecoveryPause {
        missing: show_missing(pause.missing).into(),
        start_time: timestamp(pause.start_time),
        end_time: pause.end_time.and_then(timestamp),
    }
}

fn show_pending(pending: &PendingAnswer) -> v1::RecoveryAnswer {
    let PendingAnswer { lines, letter, by, time } = pending;
    let line = |(number, answer): &(u32, LineAnswer)| v1::RecoveryAnswerLine {
        line_number: i32::try_from(*number).unwrap_or(i32::MAX),
        ..show_answer(answer)
    };
    v1::RecoveryAnswer {
        lines: lines.iter().map(line).collect(),
        letter: letter.clone(),
        recorded_by: user(*by),
        record_time: timestamp(*time),
    }
}

fn show_waiver(waiver: &Waiver) -> v1::RecoveryWaiver {
    let Waiver { reason, asked_by, ask_time, confirmed_by } = waiver;
    v1::RecoveryWaiver {
        reason: reason.clone(),
        asked_by: user(*asked_by),
        ask_time: timestamp(*ask_time),
        confirmed_by: confirmed_by.map(user).unwrap_or_default(),
    }
}

/// What is missing.
pub(crate) fn read_missing_things(field: &str, values: &[i32]) -> Result<Vec<Missing>, Vec<Violation>> {
    let mut reader = Reader::default();
    let read: Vec<Missing> = values.iter().filter_map(|value| reader.choice(field, *value, read_missing)).collect();
    reader.finish(read)
}

/// Answers to lines.
pub(crate) fn read_answers(messages: &[v1::RecoveryAnswerLine]) -> Result<Vec<(u32, LineAnswer)>, Vec<Violation>> {
    use v1::recovery_line::Answer;
    let mut reader = Reader::default();
    let mut answers = Vec::with_capacity(messages.len());
    for (index, message) in messages.iter().enumerate() {
        let number = u32::try_from(message.line_number).unwrap_or_default();
        let reason = message.reason.clone();
        let field = format!("lines[{index}].answer");
        let answer = reader.choice(&field, message.answer, |answer: Answer| match answer {
            Answer::Unspecified => None,
            known @ (Answer::Confirm | Answer::Counter | Answer::Dispute | Answer::Reroute) => Some(known),
        });
        let read = match answer {
            None | Some(Answer::Unspecified) => None,
            Some(Answer::Confirm) => Some(LineAnswer::Confirm),
            Some(Answer::Counter) => Some(LineAnswer::Counter { share_bp: read_bp(message.share_bp), reason }),
            Some(Answer::Dispute) => Some(LineAnswer::Dispute { reason }),
            Some(Answer::Reroute) => reader
                .needed_name(&format!("lines[{index}].supplier"), "suppliers", &message.supplier)
                .map(|supplier| LineAnswer::Reroute { supplier, reason }),
        };
        answers.extend(read.map(|answer| (number, answer)));
    }
    reader.finish(answers)
}

/// Decisions on lines in dispute.
pub(crate) fn read_resolutions(
    messages: &[v1::RecoveryResolution],
) -> Result<Vec<(u32, LineResolution)>, Vec<Violation>> {
    let mut reader = Reader::default();
    let mut resolutions = Vec::with_capacity(messages.len());
    for (index, message) in messages.iter().enumerate() {
        let number = u32::try_from(message.line_number).unwrap_or_default();
        let goes = reader.named(&format!("lines[{index}].supplier"), "suppliers", &message.supplier);
        let resolution = goes.map_or(LineResolution::Stands(read_bp(message.share_bp)), LineResolution::GoesTo);
        resolutions.push((number, resolution));
    }
    reader.finish(resolutions)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_the_contract_are_those_of_documents_and_filters() {
        for state in State::ALL {
            assert_eq!(show_state(*state).as_str_name(), state.word());
        }
    }

    #[test]
    fn an_answer_is_read_as_it_is_shown() {
        let supplier = recourse_domain::ids::Code::parse("S-018").unwrap();
        let reason = || "why".to_owned();
        let answers = [
            LineAnswer::Confirm,
            LineAnswer::Counter { share_bp: read_bp(5), reason: reason() },
            LineAnswer::Dispute { reason: reason() },
            LineAnswer::Reroute { supplier, reason: reason() },
        ];
        let shown: Vec<_> =
            answers.iter().map(|answer| v1::RecoveryAnswerLine { line_number: 7, ..show_answer(answer) }).collect();
        let expected: Vec<_> = answers.into_iter().map(|answer| (7, answer)).collect();
        assert_eq!(read_answers(&shown), Ok(expected));
    }
}
