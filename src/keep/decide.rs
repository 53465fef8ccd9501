//! Decides about the snapshots of one lineage.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, FixedOffset, Timelike, Utc};

use super::{Count, Period, Rules};

/// What a decision needs to know of a snapshot.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    /// In the offset in which it was written: its days and hours are those of this offset.
    pub time: DateTime<FixedOffset>,
    pub tags: &'a [String],
}

/// Why a snapshot is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// There are no rules.
    NoRules,
    /// It is the newest of its period, of which so many are kept.
    Newest(Period),
    /// It is the oldest one, and not all periods that are to be kept have one. So the history goes back as far as it can.
    Oldest(Period),
    /// It is the newest, or the oldest, of a period within the span.
    Within(Period),
    /// It has all tags of the rule at this place.
    Tags(usize),
}

impl Reason {
    /// The key of the rule.
    pub fn key(self) -> String {
        match self {
            Reason::NoRules => "keep".to_owned(),
            Reason::Newest(period) | Reason::Oldest(period) => period.count_key(),
            Reason::Within(period) => period.span_key(),
            Reason::Tags(_) => "keep_tags".to_owned(),
        }
    }
}

/// Why each of these snapshots is kept. Those without a reason are not. The order of the snapshots does not matter.
///
/// A span goes back from the newest snapshot that is not of the future.
pub fn decide(snapshots: &[Candidate<'_>], rules: &Rules, now: DateTime<Utc>) -> Vec<Vec<Reason>> {
    if rules.is_empty() {
        return vec![vec![Reason::NoRules]; snapshots.len()];
    }
    let mut newest_first: Vec<usize> = (0..snapshots.len()).collect();
    newest_first.sort_by_key(|place| std::cmp::Reverse(snapshots[*place].time));
    let past = snapshots.iter().map(|it| it.time).filter(|it| *it < now);
    let latest = past.max();

    let mut counted: BTreeMap<Period, Buckets> = BTreeMap::new();
    let mut within: BTreeMap<Period, Buckets> = BTreeMap::new();
    let mut reasons = vec![Vec::new(); snapshots.len()];
    for (number, place) in newest_first.iter().enumerate() {
        let snapshot = &snapshots[*place];
        let is_oldest = number + 1 == snapshots.len();
        let reasons = &mut reasons[*place];
        for (at, tags) in rules.tags.iter().enumerate() {
            if tags.iter().all(|tag| snapshot.tags.contains(tag)) {
                reasons.push(Reason::Tags(at));
            }
        }
        for (period, count) in &rules.counts {
            let buckets = counted.entry(*period).or_default();
            let is_left = match count {
                Count::All => true,
                Count::Most(most) => buckets.taken < most.get(),
            };
            if is_left {
                match buckets.take(key(*period, snapshot.time, number), is_oldest) {
                    Some(Taken::New) => reasons.push(Reason::Newest(*period)),
                    Some(Taken::Oldest) => reasons.push(Reason::Oldest(*period)),
                    None => {}
                }
            }
        }
        for (period, span) in &rules.spans {
            // Without a snapshot of the past, nothing is out of the span.
            let is_within = latest.is_none_or(|latest| snapshot.time > span.before(latest));
            let buckets = within.entry(*period).or_default();
            let key = key(*period, snapshot.time, number);
            if is_within && buckets.take(key, is_oldest).is_some() {
                reasons.push(Reason::Within(*period));
            }
        }
    }
    reasons
}

/// Tells two periods of one kind apart.
type Key = (i64, u32);

/// The periods of one kind that have a snapshot, from the newest back.
#[derive(Default)]
struct Buckets {
    last: Option<Key>,
    taken: u32,
}

enum Taken {
    /// It is the first one of its period.
    New,
    Oldest,
}

impl Buckets {
    fn take(&mut self, key: Key, is_oldest: bool) -> Option<Taken> {
        let is_new = self.last != Some(key);
        if !is_new && !is_oldest {
            return None;
        }
        self.last = Some(key);
        self.taken += 1;
        Some(if is_new { Taken::New } else { Taken::Oldest })
    }
}

/// The period that a time lies in. `number` is the place of the snapshot, the newest first.
fn key(period: Period, time: DateTime<FixedOffset>, number: usize) -> Key {
    let year = i64::from(time.year());
    match period {
        Period::Each => (number as i64, 0),
        Period::Hour => (i64::from(time.num_days_from_ce()), time.hour()),
        Period::Day => (i64::from(time.num_days_from_ce()), 0),
        Period::Week => (i64::from(time.iso_week().year()), time.iso_week().week()),
        Period::Month => (year, time.month()),
        Period::Quarter => (year, time.month0() / 3),
        Period::Year => (year, 0),
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;
    use crate::keep::span::Span;

    fn most(count: u32) -> Count {
        Count::Most(NonZeroU32::new(count).unwrap())
    }

    fn counts(counts: &[(Period, Count)]) -> Rules {
        Rules {
            counts: counts.iter().copied().collect(),
            ..Rules::default()
        }
    }

    /// The times that are kept, as they were given.
    fn kept<'a>(times: &[&'a str], rules: &Rules) -> Vec<&'a str> {
        let snapshots: Vec<Candidate<'_>> = times
            .iter()
            .map(|time| Candidate {
                time: DateTime::parse_from_rfc3339(time).unwrap(),
                tags: &[],
            })
            .collect();
        let now = DateTime::from_timestamp(4_000_000_000, 0).unwrap();
        let reasons = decide(&snapshots, rules, now);
        let kept = times.iter().zip(reasons).filter(|(_, it)| !it.is_empty());
        kept.map(|(time, _)| *time).collect()
    }

    #[test]
    fn without_rules_everything_is_kept() {
        let times = ["2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"];
        assert_eq!(kept(&times, &Rules::default()), times);
    }

    #[test]
    fn the_newest_snapshot_of_each_quarter_is_kept_and_the_oldest_of_all_while_some_are_left() {
        let times = [
            "2025-01-02T00:00:00Z",
            "2025-02-01T00:00:00Z",
            "2025-03-31T23:59:59Z",
            "2025-04-01T00:00:00Z",
            "2025-06-30T00:00:00Z",
            "2026-05-01T00:00:00Z",
        ];
        assert_eq!(
            kept(&times, &counts(&[(Period::Quarter, most(2))])),
            &times[4..]
        );
        let three = [times[2], times[4], times[5]];
        assert_eq!(kept(&times, &counts(&[(Period::Quarter, most(3))])), three);
        let four = [times[0], times[2], times[4], times[5]];
        for count in [most(4), most(9), Count::All] {
            assert_eq!(kept(&times, &counts(&[(Period::Quarter, count)])), four);
        }
    }

    #[test]
    fn a_day_is_one_of_the_offset_in_which_the_snapshot_was_written() {
        // In UTC, both are of one day.
        let times = ["2026-06-01T23:30:00+02:00", "2026-06-02T00:30:00+02:00"];
        assert_eq!(kept(&times, &counts(&[(Period::Day, most(3))])), times);
        let in_utc = [
            "2026-06-01T21:30:00Z",
            "2026-06-01T22:30:00Z",
            "2026-06-01T22:40:00Z",
        ];
        let last_and_oldest = [in_utc[0], in_utc[2]];
        assert_eq!(
            kept(&in_utc, &counts(&[(Period::Day, most(3))])),
            last_and_oldest
        );
    }

    #[test]
    fn a_span_goes_back_from_the_newest_snapshot_and_leaves_its_edge_out() {
        let times = [
            "2026-01-01T00:00:00Z",
            "2026-01-01T00:00:01Z",
            "2026-01-03T00:00:00Z",
        ];
        let rules = Rules {
            spans: [(Period::Each, Span::parse("2d").unwrap())].into(),
            ..Rules::default()
        };
        assert_eq!(kept(&times, &rules), &times[1..]);
    }
}
