//! Disputes: what an auditor decides on the lines that a supplier does not bear as asked.

use super::lifecycle::Moment;
use super::{RecoveryClaim, RecoveryError, Verb};
use crate::ids::Code;
use crate::money::BasisPoints;

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
    pub fn resolve(
        mut self,
        resolutions: &[(u32, LineResolution)],
        reason: String,
        moment: Moment,
    ) -> Result<(Self, GoneLines), RecoveryError> {
        self.expect(Verb::Resolve)?;
        self.check_lines(resolutions.iter().map(|(line, _)| *line))?;
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
}
