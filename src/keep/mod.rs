//! Which snapshots the rules of a job keep. Pure: times, tags and rules in, reasons out.
//!
//! The rules mean what those of `restic forget` mean, as restic's source has them (`internal/data/snapshot_policy.go`), and
//! `restic forget --dry-run` judges them in the tests. A quarter is ours: restic has none.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

pub mod decide;
pub mod span;

use span::Span;

/// A stretch of time of which the newest snapshot is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Period {
    /// Each snapshot is one of its own: the last ones are kept.
    Each,
    Hour,
    Day,
    /// An ISO week: from Monday on.
    Week,
    Month,
    /// January to March, and so on.
    Quarter,
    Year,
}

impl Period {
    /// All of them, the shortest first.
    pub const ALL: [Period; 7] = [
        Period::Each,
        Period::Hour,
        Period::Day,
        Period::Week,
        Period::Month,
        Period::Quarter,
        Period::Year,
    ];
}

/// Of how many periods a snapshot is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// Of the newest so many that have one.
    Most(NonZeroU32),
    /// Of all.
    All,
}

/// What is kept. A snapshot is kept if one rule keeps it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    pub counts: BTreeMap<Period, Count>,
    /// Of each period that is not further back than this from the newest snapshot.
    pub spans: BTreeMap<Period, Span>,
    /// Snapshots that have all tags of one of these lists.
    pub tags: Vec<Vec<String>>,
}

impl Rules {
    /// Without a rule, everything is kept.
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty() && self.spans.is_empty() && self.tags.is_empty()
    }
}
