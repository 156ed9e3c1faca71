//! How many streams one caller may have open: a program that forgets to close its own must not take those of all.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use recourse_domain::ids::UserId;
use recourse_proto::v1::error_reason::Code as Reason;

use crate::error::{Answer, Refusal};

/// Streams that one caller may have open on this server.
const MOST: u32 = 16;

/// The open streams of each caller.
#[derive(Clone, Default)]
pub(crate) struct Watchers {
    open: Arc<Mutex<HashMap<UserId, u32>>>,
}

/// The place of an open stream, given back when it ends.
pub(crate) struct Place {
    watchers: Watchers,
    caller: UserId,
}

impl Watchers {
    /// A place for one more stream of a caller.
    pub(crate) fn enter(&self, caller: UserId) -> Answer<Place> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(caller).or_default();
        if *count >= MOST {
            let mut refusal = Refusal::new(
                Reason::TooManyRequests,
                format!("you have {MOST} streams open; close one, or follow more with one of them"),
                format!("您已打开 {MOST} 个流；请关闭其中一个，或用一个流跟踪更多内容"),
            );
            refusal.retry_after = Some(1);
            return Err(refusal);
        }
        *count += 1;
        Ok(Place { watchers: self.clone(), caller })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.watchers.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.caller) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                open.remove(&self.caller);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_caller_has_so_many_streams_and_gets_their_places_back() {
        let watchers = Watchers::default();
        let (one, other) = (UserId(Uuid::from_u128(1)), UserId(Uuid::from_u128(2)));
        let mut places: Vec<Place> = (0..MOST).map(|_| watchers.enter(one).unwrap()).collect();
        assert_eq!(watchers.enter(one).err().map(|refusal| refusal.reason), Some(Reason::TooManyRequests));
        let elsewhere = watchers.enter(other);
        assert!(elsewhere.is_ok(), "what one has open is nothing to another");
        places.pop();
        places.push(watchers.enter(one).unwrap());
        drop((places, elsewhere));
        assert!(watchers.open.lock().unwrap().is_empty());
    }
}
