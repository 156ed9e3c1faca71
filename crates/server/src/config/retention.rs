//! `[retention]`: how long what may be forgotten is kept. Money, the ledger and the changes of every resource are kept
//! for ever, and no setting says otherwise.

use chrono::TimeDelta;
use recourse_service::Retention;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A hundred years: what is kept for longer is kept for ever.
const MOST_DAYS: u32 = 36_500;

/// What a deployment lets go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RetentionSection {
    /// Days that the entries of the change feed are kept; 0 for ever. A reader whose cursor is older is told so
    /// (`CURSOR_EXPIRED`) and begins anew from the lists. The changes themselves stay, in the trail of their resource.
    pub feed_days: u32,
    /// Days that a session is kept which nobody uses any more and nobody could continue; 0 for ever.
    pub sessions_days: u32,
}

impl Default for RetentionSection {
    fn default() -> Self {
        Self { feed_days: 90, sessions_days: 90 }
    }
}

impl RetentionSection {
    /// What can't be meant.
    pub(super) fn fault(&self) -> Option<String> {
        let too_long = [("feed_days", self.feed_days), ("sessions_days", self.sessions_days)];
        let (key, _) = too_long.into_iter().find(|(_, days)| *days > MOST_DAYS)?;
        Some(format!("retention.{key}: at most {MOST_DAYS}; 0 for ever"))
    }

    /// As the use cases take it.
    pub(crate) fn options(&self) -> Retention {
        let kept = |days: u32| (days > 0).then(|| TimeDelta::days(i64::from(days)));
        Retention { feed: kept(self.feed_days), sessions: kept(self.sessions_days) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_days_are_for_ever_and_a_century_is_the_most() {
        let section = |feed_days| RetentionSection { feed_days, ..RetentionSection::default() };
        assert_eq!(section(0).options().feed, None);
        assert_eq!(section(7).options().feed, Some(TimeDelta::days(7)));
        assert_eq!(RetentionSection::default().options(), Retention::default());
        assert_eq!((section(0).fault(), section(MOST_DAYS).fault()), (None, None));
        assert!(section(MOST_DAYS + 1).fault().is_some_and(|fault| fault.starts_with("retention.feed_days")));
    }
}
