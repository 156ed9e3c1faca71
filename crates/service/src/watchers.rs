//! How many streams one caller may have open: a program that forgets to close its own must not take those of all.

use recourse_domain::ids::UserId;
use recourse_proto::v1::error_reason::Code as Reason;

use crate::callers::{Callers, Open};
use crate::error::{Answer, Refusal};

/// Streams that one caller may have open on this server.
const MOST: usize = 16;

/// The open streams of each caller.
#[derive(Clone, Default)]
pub(crate) struct Watchers(Callers);

impl Watchers {
    /// A place for one more stream of a caller, given back when it is dropped.
    pub(crate) fn enter(&self, caller: UserId) -> Answer<Open> {
        self.0.open(caller.0, MOST).ok_or_else(|| {
            let mut refusal = Refusal::new(
                Reason::TooManyRequests,
                format!("you have {MOST} streams open; close one, or follow more with one of them"),
                format!("您已打开 {MOST} 个流；请关闭其中一个，或用一个流跟踪更多内容"),
            );
            refusal.retry_after = Some(1);
            refusal
        })
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_caller_who_has_so_many_streams_is_told_to_close_one() {
        let (watchers, caller) = (Watchers::default(), UserId(Uuid::from_u128(1)));
        let mut open: Vec<Open> = (0..MOST).map(|_| watchers.enter(caller).unwrap()).collect();
        assert_eq!(watchers.enter(caller).err().map(|refusal| refusal.reason), Some(Reason::TooManyRequests));
        open.pop();
        assert!(watchers.enter(caller).is_ok());
    }
}
