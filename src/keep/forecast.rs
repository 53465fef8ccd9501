//! What rules will keep of the snapshots to come. Pure.

use chrono::{DateTime, FixedOffset, TimeDelta, Utc};

use super::Rules;
use super::decide::{Candidate, decide};

/// A snapshot that is there, or will be.
#[derive(Clone, Debug, PartialEq)]
pub struct Held {
    pub time: DateTime<FixedOffset>,
    pub tags: Vec<String>,
    /// No rule removes it.
    pub pinned: bool,
}

/// What decides, as in a job.
#[derive(Clone, Copy, Debug)]
pub struct Policy<'a> {
    pub rules: &'a Rules,
    /// In days. `None`: of any age.
    pub older_than: Option<f64>,
}

/// The snapshots that are kept at an instant.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    pub at: DateTime<FixedOffset>,
    /// Oldest first.
    pub kept: Vec<Held>,
    /// How many backups have run until then.
    pub runs: u64,
    /// How many snapshots were made from the oldest kept one on, with those that were removed since.
    pub made_since_oldest: u64,
}

/// Plays the firings through: each makes a snapshot, and then the rules apply. Returns the state at each of the instants,
/// which are in order. `held` are the snapshots of now, oldest first.
pub fn play(
    held: Vec<Held>,
    firings: impl Iterator<Item = DateTime<FixedOffset>>,
    policy: &Policy<'_>,
    instants: &[DateTime<FixedOffset>],
) -> Vec<State> {
    let mut made: Vec<DateTime<FixedOffset>> = held.iter().map(|it| it.time).collect();
    let there = made.len();
    let mut kept = held;
    let mut states = Vec::new();
    let mut waiting = instants.iter().copied().peekable();
    let state = |at, kept: &[Held], made: &[DateTime<FixedOffset>]| {
        let oldest = kept.first().map(|it| it.time);
        let before = made.partition_point(|time| Some(*time) < oldest);
        State {
            at,
            kept: kept.to_vec(),
            runs: (made.len() - there) as u64,
            made_since_oldest: (made.len() - before) as u64,
        }
    };
    for firing in firings {
        while let Some(at) = waiting.next_if(|at| *at < firing) {
            states.push(state(at, &kept, &made));
        }
        if waiting.peek().is_none() {
            return states;
        }
        kept.push(Held {
            time: firing,
            tags: Vec::new(),
            pinned: false,
        });
        made.push(firing);
        kept = survivors(kept, policy, firing);
    }
    states.extend(waiting.map(|at| state(at, &kept, &made)));
    states
}

/// The snapshots that stay at this instant. The newest one always does.
fn survivors(held: Vec<Held>, policy: &Policy<'_>, now: DateTime<FixedOffset>) -> Vec<Held> {
    let by_rules: Vec<bool> = match policy.rules.is_empty() {
        true => vec![false; held.len()],
        false => {
            let candidates: Vec<Candidate<'_>> = held
                .iter()
                .map(|it| Candidate {
                    time: it.time,
                    tags: &it.tags,
                })
                .collect();
            // The snapshot of this instant is one of the past.
            let just_after = now.with_timezone(&Utc) + TimeDelta::seconds(1);
            let reasons = decide(&candidates, policy.rules, just_after);
            reasons.iter().map(|reasons| !reasons.is_empty()).collect()
        }
    };
    let limit = policy.older_than.and_then(|days| {
        let span = TimeDelta::try_milliseconds((days * 86_400_000.0) as i64)?;
        now.checked_sub_signed(span)
    });
    let count = held.len();
    let stays = |place: usize, it: &Held| {
        it.pinned
            || by_rules[place]
            || place + 1 == count
            || limit.is_some_and(|limit| it.time >= limit)
    };
    let kept = held.into_iter().enumerate();
    kept.filter(|(place, it)| stays(*place, it))
        .map(|(_, it)| it)
        .collect()
}

/// About how many bytes a number of snapshots takes: at least and at most.
///
/// `full` is what the first one takes, and `added` what each backup adds. If the backups between two kept snapshots
/// changed the same data again and again, the later one has added only once. If each changed other data, it has added all
/// of theirs. `made` is [`State::made_since_oldest`].
pub fn space(kept: u64, made: u64, full: u64, added: u64) -> (u64, u64) {
    let of = |count: u64| full.saturating_add(added.saturating_mul(count.saturating_sub(1)));
    match kept {
        0 => (0, 0),
        kept => (of(kept), of(made.max(kept))),
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;
    use crate::keep::{Count, Period};

    fn day(day: i64) -> DateTime<FixedOffset> {
        DateTime::from_timestamp(day * 86_400, 0)
            .unwrap()
            .fixed_offset()
    }

    fn days(state: &State) -> Vec<i64> {
        let day = |it: &Held| it.time.timestamp() / 86_400;
        state.kept.iter().map(day).collect()
    }

    fn keep(period: Period, count: u32) -> Rules {
        Rules {
            counts: [(period, Count::Most(NonZeroU32::new(count).unwrap()))].into(),
            ..Rules::default()
        }
    }

    #[test]
    fn each_firing_adds_a_snapshot_and_the_rules_take_others() {
        let rules = keep(Period::Each, 3);
        let policy = Policy {
            rules: &rules,
            older_than: None,
        };
        let held = vec![
            Held {
                time: day(1),
                tags: Vec::new(),
                pinned: true,
            },
            Held {
                time: day(2),
                tags: Vec::new(),
                pinned: false,
            },
        ];
        let instants = [day(2), day(4), day(9), day(30)];
        let states = play(held, (3..10).map(day), &policy, &instants);
        let found: Vec<Vec<i64>> = states.iter().map(days).collect();
        let expected = [
            vec![1, 2],
            vec![1, 2, 3, 4],
            vec![1, 7, 8, 9],
            vec![1, 7, 8, 9],
        ];
        assert_eq!(found, expected);
        assert_eq!(states[2].runs, 7);
        let since: Vec<u64> = states.iter().map(|it| it.made_since_oldest).collect();
        assert_eq!(since, [2, 4, 9, 9]);
    }

    #[test]
    fn an_age_keeps_what_is_younger_and_the_newest_one() {
        let rules = Rules::default();
        let policy = Policy {
            rules: &rules,
            older_than: Some(2.0),
        };
        let firings = [1, 2, 3, 50].map(day);
        let states = play(Vec::new(), firings.into_iter(), &policy, &[day(4), day(60)]);
        assert_eq!(days(&states[0]), [1, 2, 3]);
        assert_eq!(days(&states[1]), [50]);
    }

    #[test]
    fn the_space_lies_between_what_was_changed_once_and_each_time() {
        assert_eq!(space(0, 0, 100, 10), (0, 0));
        assert_eq!(space(1, 1, 100, 10), (100, 100));
        assert_eq!(space(3, 30, 100, 10), (120, 390));
    }
}
