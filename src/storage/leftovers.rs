//! What interrupted writes left, as the last lists of a process say. A file that appeared after a list is younger than the
//! list, so for a sweep of what is older, no directory has to be listed again.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::FileKind;

/// The temporary files of each kind that has been listed, as `T`.
pub(super) struct Leftovers<T> {
    listed: Mutex<HashMap<FileKind, (Instant, Vec<T>)>>,
}

impl<T> Default for Leftovers<T> {
    fn default() -> Leftovers<T> {
        Leftovers {
            listed: Mutex::default(),
        }
    }
}

impl<T> Leftovers<T> {
    /// A list of this kind began at this moment, and found these.
    pub fn found(&self, kind: FileKind, begun: Instant, temporaries: Vec<T>) {
        let mut listed = self.listed.lock().unwrap_or_else(PoisonError::into_inner);
        listed.insert(kind, (begun, temporaries));
    }

    /// Takes what may be older than `age`. `None`: it must be listed.
    pub fn older_than(&self, kind: FileKind, age: Duration) -> Option<Vec<T>> {
        let mut listed = self.listed.lock().unwrap_or_else(PoisonError::into_inner);
        let (begun, temporaries) = listed.remove(&kind)?;
        (begun.elapsed() < age).then_some(temporaries)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_older_than_a_list_is_in_it_and_what_may_be_younger_is_listed_again() {
        let day = Duration::from_secs(24 * 60 * 60);
        let leftovers = Leftovers::default();
        assert_eq!(leftovers.older_than(FileKind::Pack, day), None);
        let begun = Instant::now();
        leftovers.found(FileKind::Pack, begun, vec!["old"]);
        assert_eq!(leftovers.older_than(FileKind::Index, day), None);
        let found = leftovers.older_than(FileKind::Pack, day);
        assert_eq!(found, Some(vec!["old"]));
        // What was swept is not swept again.
        assert_eq!(leftovers.older_than(FileKind::Pack, day), None);
        leftovers.found(FileKind::Pack, begun, vec!["old"]);
        let found = leftovers.older_than(FileKind::Pack, Duration::ZERO);
        assert_eq!(found, None);
    }
}
