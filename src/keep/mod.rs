//! Which snapshots the rules of a job keep. Pure: times, tags and rules in, reasons out.
//!
//! The rules mean what those of `restic forget` mean, as restic's source has them (`internal/data/snapshot_policy.go`), and
//! `restic forget --dry-run` judges them in the tests. A quarter is ours: restic has none.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

pub mod decide;
pub mod forecast;
pub mod guard;
pub mod room;
pub mod span;

use span::Span;

/// A stretch of time of which the newest snapshot is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
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

    /// The key for so many of them.
    pub fn count_key(self) -> String {
        format!("keep_{}", self.word())
    }

    /// The key for a span of time.
    pub fn span_key(self) -> String {
        match self {
            Period::Each => "keep_within".to_owned(),
            _ => format!("keep_within_{}", self.word()),
        }
    }

    /// The end of the key for so many of them, as in `keep_daily`.
    pub fn word(self) -> &'static str {
        match self {
            Period::Each => "last",
            Period::Hour => "hourly",
            Period::Day => "daily",
            Period::Week => "weekly",
            Period::Month => "monthly",
            Period::Quarter => "quarterly",
            Period::Year => "yearly",
        }
    }
}

/// Of how many periods a snapshot is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Count {
    /// Of the newest so many that have one.
    Most(NonZeroU32),
    /// Of all.
    All,
}

impl Count {
    /// The largest number that is read.
    pub const MOST: u32 = 1_000_000;

    /// Reads a whole number, or -1, `all` or `unlimited`. Inside, `None` is 0: there is no such rule.
    pub fn parse(text: &str) -> Option<Option<Count>> {
        let text = text.trim();
        let is_all = |word: &&str| text.eq_ignore_ascii_case(word);
        if ["-1", "all", "unlimited"].iter().any(is_all) {
            return Some(Some(Count::All));
        }
        let is_plain = text.bytes().all(|it| it.is_ascii_digit());
        let number: u32 = text.parse().ok().filter(|_| is_plain)?;
        (number <= Count::MOST).then(|| NonZeroU32::new(number).map(Count::Most))
    }
}

/// What is kept. A snapshot is kept if one rule keeps it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rules {
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub counts: BTreeMap<Period, Count>,
    /// Of each period that is not further back than this from the newest snapshot.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub spans: BTreeMap<Period, Span>,
    /// Snapshots that have all tags of one of these lists.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Vec<String>>,
}

impl Rules {
    /// Without a rule, everything is kept.
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty() && self.spans.is_empty() && self.tags.is_empty()
    }
}
