//! Whether there is room for the next backups of a lineage. Pure.

use serde::{Deserialize, Serialize};

/// The room on the file system of a container, and what a backup takes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Room {
    /// The bytes that are free.
    pub free: u64,
    /// The bytes that a backup of the lineage usually adds.
    pub adds: u64,
}

/// So many backups are to fit. With one each night, a week is left to make room or to buy a disk.
const ENOUGH: u64 = 7;

/// So many backups tell how much one adds, and as many are needed at least: a single one tells nothing.
const HISTORY: usize = 10;
const LEAST_HISTORY: usize = 3;

impl Room {
    /// How many more backups fit, if nothing is removed.
    pub fn fits(&self) -> u64 {
        self.free / self.adds.max(1)
    }

    /// Whether these are too few.
    pub fn is_little(&self) -> bool {
        self.fits() < ENOUGH
    }
}

/// The bytes that a backup usually adds: the mean of the last ones. `added` is what each backup of the lineage has added, the
/// oldest first. The first of them does not count, because it added all that there was.
pub fn usually_adds(added: &[u64]) -> Option<u64> {
    let later = added.get(1..).unwrap_or_default();
    let last = &later[later.len().saturating_sub(HISTORY)..];
    if last.len() < LEAST_HISTORY {
        return None;
    }
    let sum = last.iter().copied().fold(0, u64::saturating_add);
    Some(sum.div_ceil(last.len() as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_backup_usually_adds_is_the_mean_of_the_last_ones_and_the_first_says_nothing() {
        assert_eq!(usually_adds(&[]), None);
        assert_eq!(usually_adds(&[1_000_000, 10, 10]), None, "too few");
        assert_eq!(usually_adds(&[1_000_000, 10, 20, 30]), Some(20));
        let mut many = vec![1_000_000; 5];
        many.extend([7; 10]);
        assert_eq!(usually_adds(&many), Some(7));
        assert_eq!(
            usually_adds(&[1, u64::MAX, u64::MAX, 3]),
            Some(u64::MAX / 3)
        );
    }

    #[test]
    fn there_is_little_room_where_less_than_seven_backups_fit() {
        let room = |free, adds| Room { free, adds };
        assert!(!room(70, 10).is_little());
        assert!(room(69, 10).is_little());
        assert_eq!(room(69, 10).fits(), 6);
        assert!(!room(1000, 0).is_little(), "a backup that adds nothing");
        assert!(room(0, 0).is_little(), "the disk is full");
    }
}
