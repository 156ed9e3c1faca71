//! What a station's own system sends again and again: whether it says anything new, and what it can do where the
//! claim can't be changed any more.

use super::draft::keep_unset_request;
use super::{Claim, Details, Header, LineInput, StateWord};
use crate::text::Text;

impl Claim {
    /// The lines of a caller who does not know their numbers: a line without one that says what a stored line says
    /// is that line, in order and each once. What is left without a number is new.
    pub fn known_lines(&self, mut lines: Vec<LineInput>) -> Vec<LineInput> {
        let mut taken: Vec<u32> = lines.iter().map(|line| line.number).collect();
        for input in lines.iter_mut().filter(|input| input.number == 0) {
            let same = self.lines.iter().find(|line| {
                !taken.contains(&line.number) && keep_unset_request(Some(line), input.content.clone()) == line.content
            });
            if let Some(line) = same {
                input.number = line.number;
                taken.push(line.number);
            }
        }
        lines
    }

    /// Whether a content is what the claim says already.
    pub fn says(&self, header: &Header, lines: &[LineInput]) -> bool {
        let same_lines = lines.len() == self.lines.len()
            && lines.iter().zip(&self.lines).all(|(input, line)| {
                input.number == line.number && keep_unset_request(Some(line), input.content.clone()) == line.content
            });
        same_lines && as_written(header.clone()) == as_written(self.header.clone())
    }
}

/// A header without what a submission found and noted in it.
fn as_written(mut header: Header) -> Header {
    if let Some(Details::RoadsideRescue(details)) = &mut header.details {
        for trip in &mut details.trips {
            trip.verified_meters = None;
        }
    }
    header
}

/// What a station can do about a claim in a state in which it can't be changed.
pub fn way_out(state: StateWord) -> Text {
    match state {
        StateWord::Draft | StateWord::Returned => Text::new("change it", "可直接修改"),
        StateWord::Submitted => Text::new(
            "withdraw it, copy it (:copy) and give the copy an external_ref of its own; or wait for the decision",
            "可撤回后复制（:copy）并为副本使用新的 external_ref，或等待审核结果",
        ),
        StateWord::InReview => Text::new(
            "an auditor has it: ask for its return, or wait for the decision",
            "审核员正在处理：可请其退回，或等待审核结果",
        ),
        StateWord::Approved | StateWord::Rejected | StateWord::Settled | StateWord::Closed => Text::new(
            "it is decided: appeal against lines of the decision, or copy it (:copy) and give the copy an external_ref of its own",
            "已作出决定：可对决定的行提出申诉，或复制（:copy）并为副本使用新的 external_ref",
        ),
        StateWord::Withdrawn | StateWord::Lapsed => Text::new(
            "it is at its end: copy it (:copy) and give the copy an external_ref of its own",
            "该索赔已终结：请复制（:copy）并为副本使用新的 external_ref",
        ),
    }
}

#[cfg(test)]
mod tests;
