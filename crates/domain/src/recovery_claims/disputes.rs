//! Disputes: what an auditor decides on the lines that a supplier does not bear as asked.

use super::lifecycle::Moment;
use super::{RecoveryClaim, RecoveryError, Verb};
use crate::ids::Code;
use crate::money::BasisPoints;
use crate::text::Violation;

/// What is decided on a line in dispute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LineResolution {
    /// This share stands; it may be nothing.
    Stands(BasisPoints),
    /// The line goes to another supplier.
    GoesTo(Code),
}

/// Lines that go to other suppliers, by supplier.
pub type GoneLines = Vec<(Code, Vec<u32>)>;

impl RecoveryClaim {
    /// Decides every open line: the share that stands, or the supplier that it goes to. Answers the lines that go,
    /// by supplier, in the order in which they are named.
    ///
    /// The supplier is heard before: it has answered, or its time is over and its silence was passed on. No decision
    /// charges more than was asked for.
    pub fn resolve(
        mut self,
        resolutions: &[(u32, LineResolution)],
        reason: String,
        moment: Moment,
    ) -> Result<(Self, GoneLines), RecoveryError> {
        self.expect(Verb::Resolve)?;
        if self.escalate_time.is_none() && self.unheard_lines().next().is_some() {
            return Err(RecoveryError::NotDue);
        }
        self.check_lines(resolutions.iter().map(|(line, _)| *line))?;
        self.check_resolutions(resolutions)?;
        let mut gone: GoneLines = Vec::new();
        for (number, resolution) in resolutions {
            match resolution {
                LineResolution::Stands(share) => {
                    if let Some(line) = self.lines.iter_mut().find(|line| line.line == *number) {
                        line.accepted = Some(line.at(*share)?);
                    }
                }
                LineResolution::GoesTo(supplier) => {
                    self.except.insert(*number);
                    self.lines.retain(|line| line.line != *number);
                    match gone.iter_mut().find(|(known, _)| known == supplier) {
                        Some((_, lines)) => lines.push(*number),
                        None => gone.push((supplier.clone(), vec![*number])),
                    }
                }
            }
        }
        (self.resolution, self.escalate_time, self.pending_answer) = (reason, None, None);
        self.state = self.state_of_lines()?;
        Ok((self.settle_books(moment.today)?, gone))
    }

    /// A decision leaves what was asked for or less, and a line that goes elsewhere goes to somebody else.
    fn check_resolutions(&self, resolutions: &[(u32, LineResolution)]) -> Result<(), RecoveryError> {
        let mut found = Vec::new();
        for (index, (number, resolution)) in resolutions.iter().enumerate() {
            match resolution {
                LineResolution::Stands(share) => {
                    let asked = self.lines.iter().find(|line| line.line == *number).map(|line| line.share_bp);
                    if let Some(asked) = asked.filter(|asked| !share.is_share() || share > asked) {
                        found.push(Violation::new(
                            format!("lines[{index}].share_bp"),
                            "OVER_SHARE_ASKED",
                            format!("{share} is more than the {asked} that was asked for; at most that stands"),
                            format!("{share} 超过所要求的份额 {asked}；最多以该份额为准"),
                        ));
                    }
                }
                LineResolution::GoesTo(supplier) => {
                    if self.supplier.as_ref().is_some_and(|liable| &liable.code == supplier) {
                        found.push(Violation::new(
                            format!("lines[{index}].supplier"),
                            "NOT_ANOTHER",
                            "the recovery is asked of this supplier already; name another, or the share that stands",
                            "该追偿单已向此供应商提出；请填写其他供应商，或填写最终份额",
                        ));
                    }
                }
            }
        }
        if found.is_empty() { Ok(()) } else { Err(RecoveryError::Invalid(found)) }
    }
}
