//! How many of something each caller has open, so that nobody has all of it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use uuid::Uuid;

/// Who has how many open; those who have none are not in it.
#[derive(Clone, Default)]
pub struct Callers(Arc<Mutex<HashMap<Uuid, usize>>>);

/// One that a caller has open, until it is dropped.
pub struct Open {
    caller: Uuid,
    callers: Callers,
}

impl Callers {
    /// One more for a caller who has fewer than so many.
    pub fn open(&self, caller: Uuid, most: usize) -> Option<Open> {
        let mut open = self.lock();
        let count = open.entry(caller).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        drop(open);
        Some(Open { caller, callers: self.clone() })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Uuid, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let mut open = self.callers.lock();
        if let Some(count) = open.get_mut(&self.caller) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.caller);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_has_so_many_and_gets_their_places_back() {
        let callers = Callers::default();
        let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let mut open: Vec<Open> = (0..3).filter_map(|_| callers.open(one, 2)).collect();
        assert_eq!(open.len(), 2);
        assert!(callers.open(other, 2).is_some(), "what one has open is nothing to another");
        open.pop();
        open.extend(callers.open(one, 2));
        assert_eq!(open.len(), 2);
        drop(open);
        assert!(callers.lock().is_empty());
    }
}
