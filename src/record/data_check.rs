//! Which parts of a container's data the checks of a job have read, and when.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::location::Location;

/// A part of a container's data that a check has read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartRead {
    pub container: Location,
    /// From 1 to `parts`.
    pub part: u32,
    /// 1: all data.
    pub parts: u32,
}

/// When each part of a container's data was read last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataCheck {
    pub container: Location,
    /// The name of its storage in `freezerd.toml`, as far as the last run knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage: Option<String>,
    /// One instant for each part; `None`: the part was not read yet.
    pub read: Vec<Option<DateTime<Utc>>>,
}

impl DataCheck {
    /// Nothing of this container was read yet.
    pub fn new(container: Location) -> DataCheck {
        DataCheck {
            container,
            storage: None,
            read: Vec::new(),
        }
    }

    /// The parts into which the data is divided.
    pub fn parts(&self) -> u32 {
        self.read.len() as u32
    }

    /// How many parts were read at least once.
    pub fn parts_read(&self) -> u32 {
        self.read.iter().flatten().count() as u32
    }

    /// All data was read at this instant or later; `None`: a part was never read.
    pub fn all_read_since(&self) -> Option<DateTime<Utc>> {
        let parts = self.read.iter().copied();
        parts.collect::<Option<Vec<_>>>()?.into_iter().min()
    }

    /// The part to read next, from 1: the one that was read longest ago.
    pub fn next(&self, parts: u32) -> u32 {
        let read = self.divided(parts);
        // Of several, the first. A part that was never read is before all others.
        let oldest = (0..read.len()).min_by_key(|at| (read[*at], *at));
        oldest.unwrap_or(0) as u32 + 1
    }

    /// Notes that a part was read.
    pub fn note(&mut self, part: u32, parts: u32, at: DateTime<Utc>) {
        if parts <= 1 {
            let same = self.read.len().max(1);
            self.read = vec![Some(at); same];
            return;
        }
        self.read = self.divided(parts);
        let part = part.saturating_sub(1) as usize;
        if let Some(read) = self.read.get_mut(part) {
            *read = Some(at);
        }
    }

    /// The instants for so many parts. Where the division is another one, all that is known is when all was read.
    fn divided(&self, parts: u32) -> Vec<Option<DateTime<Utc>>> {
        match self.parts() == parts {
            true => self.read.clone(),
            false => vec![self.all_read_since(); parts as usize],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::minute as at;

    fn check() -> DataCheck {
        DataCheck::new(Location::Local("/c".into()))
    }

    #[test]
    fn as_many_runs_as_parts_read_everything_in_turn_and_then_it_begins_anew() {
        let mut check = check();
        let mut order = Vec::new();
        for run in 0..7 {
            let part = check.next(3);
            order.push(part);
            assert_eq!(check.all_read_since().is_some(), run >= 3);
            check.note(part, 3, at(run));
        }
        assert_eq!(order, [1, 2, 3, 1, 2, 3, 1]);
        assert_eq!(check.all_read_since(), Some(at(4)));
    }

    #[test]
    fn a_run_that_did_not_come_to_its_end_is_repeated_and_nothing_is_left_out() {
        let mut check = check();
        check.note(1, 3, at(1));
        assert_eq!(check.next(3), 2);
        assert_eq!(check.next(3), 2, "the run was lost");
        check.note(3, 3, at(2));
        assert_eq!(
            check.next(3),
            2,
            "somebody read the third part by its number"
        );
        assert_eq!((check.parts_read(), check.parts()), (2, 3));
    }

    #[test]
    fn another_division_keeps_what_is_certain() {
        let mut check = check();
        check.note(1, 2, at(1));
        assert_eq!(check.next(5), 1);
        check.note(2, 2, at(2));
        let mut five = check.clone();
        five.note(1, 5, at(3));
        assert_eq!(five.all_read_since(), Some(at(1)));
        assert_eq!((five.next(5), five.parts()), (2, 5));
        check.note(1, 1, at(9));
        assert_eq!(check.all_read_since(), Some(at(9)), "all was read at once");
        assert_eq!(check.next(2), 1);
    }
}
