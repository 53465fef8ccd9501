//! Which snapshots of one host and backup name are removed, and why the others stay. Pure.
//!
//! The rules are those of `keep`. They are applied to each lineage by itself, twice: to all snapshots, and to the whole ones
//! alone. What either keeps stays, so that a partial snapshot never takes the place of a whole one.

use std::path::PathBuf;

use chrono::{DateTime, TimeDelta, Utc};

use super::lineage::{self, shares_path};
use super::snapshot::Snapshot;
use crate::job::action::Age;
use crate::keep::Rules;
use crate::keep::decide::{Candidate, Reason, decide};

/// What decides about the snapshots of one host and backup name.
#[derive(Clone, Copy, Debug)]
pub struct Policy<'a> {
    /// Only snapshots that have one of these paths are removed. Empty: all snapshots of the name.
    pub paths: &'a [PathBuf],
    /// Only snapshots from before this instant are removed. `None`: of any age.
    pub limit: Option<DateTime<Utc>>,
    /// What they keep stays. Empty: they keep nothing.
    pub rules: &'a Rules,
    /// The first ids of the snapshots that drills have restored, as the ledger remembers them. They stay.
    pub proved: &'a [String],
    pub now: DateTime<Utc>,
}

/// The instant before which a snapshot is old. `None`: the age is out of range.
pub fn limit(age: Age, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    match age {
        Age::Days(days) if days.is_finite() && days >= 0.0 => {
            // A span that is too long for the type reaches back before all snapshots.
            let span =
                TimeDelta::try_milliseconds((days * 86_400_000.0) as i64).unwrap_or(TimeDelta::MAX);
            let limit = now.checked_sub_signed(span);
            Some(limit.unwrap_or(DateTime::<Utc>::MIN_UTC))
        }
        Age::Days(_) => None,
        Age::Before(seconds) => DateTime::from_timestamp(seconds, 0),
    }
}

/// Why a snapshot stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stay {
    /// A snapshot of its lineage looks as if the source were damaged, and nobody has accepted it.
    Alarm,
    /// Somebody pinned it.
    Pinned,
    /// It is not older than the limit.
    Young,
    /// A rule keeps it.
    Rule(Reason),
    /// Its time has not come yet: a clock was wrong.
    Future,
    /// It is the newest snapshot, or the newest whole one, of this path. Empty: it has no path.
    Newest(String),
    /// A drill has restored it, and no later drill has proved as much.
    Proved,
    /// It could go, and has none of the paths that are asked for.
    Elsewhere,
}

/// What becomes of a snapshot: without a reason to stay, it is removed.
pub type Fate = Vec<Stay>;

/// Decides about the snapshots of one host and backup name, oldest first. The result has one fate for each.
pub fn fates(snapshots: &[Snapshot], policy: &Policy<'_>) -> Vec<Fate> {
    let mut fates: Vec<Fate> = snapshots.iter().map(|it| of_itself(it, policy)).collect();
    if !policy.rules.is_empty() {
        for lineage in lineage::lineages(snapshots) {
            let mut apply = |places: &[usize]| {
                for (place, reason) in by_rules(snapshots, places, policy) {
                    let stay = Stay::Rule(reason);
                    if !fates[place].contains(&stay) {
                        fates[place].push(stay);
                    }
                }
            };
            let is_counted = |place: &usize| !snapshots[*place].is_of_the_future(policy.now);
            let counted: Vec<usize> = lineage.into_iter().filter(is_counted).collect();
            apply(&counted);
            let is_whole = |place: &usize| !snapshots[*place].partial;
            let whole: Vec<usize> = counted.into_iter().filter(is_whole).collect();
            apply(&whole);
        }
    }
    for lineage in lineage::lineages(snapshots) {
        if lineage
            .iter()
            .any(|place| snapshots[*place].alarm().is_some())
        {
            lineage
                .iter()
                .for_each(|place| fates[*place].push(Stay::Alarm));
        }
    }
    for lineage in lineage::lineages(snapshots) {
        let is_proved = |place: &usize| {
            let first = snapshots[*place].first_id();
            policy.proved.iter().any(|it| it == first)
        };
        for place in lineage {
            if is_proved(&place) && fates[place].is_empty() {
                fates[place].push(Stay::Proved);
            }
        }
    }
    for kept in lineage::kept(snapshots) {
        if fates[kept.place].is_empty() {
            fates[kept.place].push(Stay::Newest(kept.path));
        }
    }
    for (snapshot, fate) in snapshots.iter().zip(&mut fates) {
        let is_asked_for = policy.paths.is_empty() || shares_path(policy.paths, snapshot);
        if fate.is_empty() && !is_asked_for {
            fate.push(Stay::Elsewhere);
        }
    }
    fates
}

fn of_itself(snapshot: &Snapshot, policy: &Policy<'_>) -> Fate {
    let mut fate = Fate::new();
    if snapshot.is_pinned() {
        fate.push(Stay::Pinned);
    }
    if policy.limit.is_some_and(|limit| snapshot.time >= limit) {
        fate.push(Stay::Young);
    }
    if !policy.rules.is_empty() && snapshot.is_of_the_future(policy.now) {
        fate.push(Stay::Future);
    }
    fate
}

/// The places of the snapshots that the rules keep, once for each reason.
fn by_rules(snapshots: &[Snapshot], places: &[usize], policy: &Policy<'_>) -> Vec<(usize, Reason)> {
    let candidates: Vec<Candidate<'_>> = places
        .iter()
        .map(|place| Candidate {
            time: snapshots[*place].local_time(),
            tags: &snapshots[*place].tags,
        })
        .collect();
    let reasons = decide(&candidates, policy.rules, policy.now);
    let of_each = places.iter().zip(reasons);
    of_each
        .flat_map(|(place, reasons)| reasons.into_iter().map(|reason| (*place, reason)))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::num::NonZeroU32;

    use super::*;
    use crate::keep::guard::Alarm;
    use crate::keep::{Count, Period};
    use crate::samples;

    const DAY: i64 = 86_400;

    fn at(day: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(day * DAY, 0).unwrap()
    }

    /// Snapshots as `DAY PATHS`, oldest first. A `?` at the end stands for a partial one, a `!` for a pinned one.
    fn snapshots(of: &[&str]) -> Vec<Snapshot> {
        let made = of.iter().map(|text| {
            let (day, paths) = text.split_once(' ').unwrap();
            let plain = paths.trim_end_matches(['?', '!']);
            let mut snapshot = samples::snapshot(text, at(day.parse().unwrap()));
            snapshot.paths = plain.split_whitespace().map(str::to_owned).collect();
            snapshot.partial = paths.ends_with('?');
            if paths.ends_with('!') {
                snapshot.tags = vec![super::super::snapshot::PINNED_TAG.to_owned()];
            }
            snapshot
        });
        made.collect()
    }

    fn last(count: u32) -> Rules {
        Rules {
            counts: BTreeMap::from([(Period::Each, Count::Most(NonZeroU32::new(count).unwrap()))]),
            ..Rules::default()
        }
    }

    /// The snapshots that go.
    fn gone<'a>(of: &[&'a str], paths: &[&str], limit: Option<i64>, rules: &Rules) -> Vec<&'a str> {
        let paths: Vec<PathBuf> = paths.iter().map(PathBuf::from).collect();
        let policy = Policy {
            paths: &paths,
            limit: limit.map(at),
            rules,
            proved: &[],
            now: at(100),
        };
        let fates = fates(&snapshots(of), &policy);
        let with_fates = of.iter().zip(fates);
        with_fates
            .filter_map(|(text, fate)| fate.is_empty().then_some(*text))
            .collect()
    }

    #[test]
    fn exactly_the_older_ones_go_and_never_the_newest() {
        let none = Rules::default();
        for (held, limit, expected) in [
            (&["1 /a", "2 /a", "3 /a"][..], 2, &["1 /a"][..]),
            (&["1 /a", "2 /a", "3 /a"], 99, &["1 /a", "2 /a"]),
            (&["1 /a"], 99, &[]),
            (&[], 99, &[]),
            (&["5 /a", "6 /a"], 5, &[]),
        ] {
            assert_eq!(gone(held, &[], Some(limit), &none), expected, "{held:?}");
        }
    }

    #[test]
    fn each_path_keeps_its_newest_whole_snapshot_and_only_those_of_the_paths_go() {
        let none = Rules::default();
        let held = ["1 /a", "2 /b", "3 /b", "4 /b?"];
        assert_eq!(gone(&held, &[], Some(99), &none), ["2 /b"]);
        assert!(gone(&held, &["/a"], Some(99), &none).is_empty());
    }

    #[test]
    fn a_snapshot_that_a_remembered_drill_has_restored_stays() {
        let held = snapshots(&["1 /a", "2 /a", "3 /b", "4 /a", "5 /b", "6 /a"]);
        let proved = ["2 /a", "3 /b", "gone"].map(str::to_owned);
        let policy = Policy {
            paths: &[],
            limit: Some(at(99)),
            rules: &Rules::default(),
            proved: &proved,
            now: at(100),
        };
        let fates = fates(&held, &policy);
        let gone: Vec<usize> = (0..6).filter(|place| fates[*place].is_empty()).collect();
        assert_eq!(gone, [0, 3]);
        assert_eq!(fates[1], [Stay::Proved]);
        assert_eq!(fates[2], [Stay::Proved]);
    }

    #[test]
    fn what_an_age_or_a_rule_keeps_stays() {
        let held = ["1 /a", "2 /a", "3 /a", "4 /a"];
        assert_eq!(gone(&held, &[], None, &last(2)), ["1 /a", "2 /a"]);
        assert_eq!(gone(&held, &[], Some(2), &last(2)), ["1 /a"]);
        assert_eq!(gone(&held, &[], Some(99), &last(3)), ["1 /a"]);
    }

    #[test]
    fn the_rules_apply_to_each_lineage_by_itself() {
        let held = ["1 /a", "2 /b", "3 /b", "4 /b", "5 /a", "6 /a"];
        assert_eq!(gone(&held, &[], None, &last(2)), ["1 /a", "2 /b"]);
    }

    #[test]
    fn a_partial_snapshot_takes_the_place_of_no_whole_one() {
        let held = ["1 /a", "2 /a", "3 /a?", "4 /a?"];
        assert_eq!(gone(&held, &[], None, &last(1)), ["1 /a", "3 /a?"]);
        assert!(gone(&held, &[], None, &last(2)).is_empty());
    }

    #[test]
    fn a_pinned_snapshot_stays() {
        let held = ["1 /a!", "2 /a", "3 /a"];
        assert_eq!(gone(&held, &[], None, &last(1)), ["2 /a"]);
        assert_eq!(gone(&held, &[], Some(99), &Rules::default()), ["2 /a"]);
    }

    #[test]
    fn nothing_of_a_lineage_goes_while_one_of_its_snapshots_looks_wrong() {
        let held = ["1 /a", "2 /b", "3 /a", "4 /b", "5 /a"];
        let mut made = snapshots(&held);
        made[2].tags = vec![Snapshot::guard_tag(Alarm::Shrink)];
        let policy = Policy {
            paths: &[],
            limit: None,
            rules: &last(1),
            proved: &[],
            now: at(100),
        };
        let fates = fates(&made, &policy);
        let gone: Vec<&str> = held
            .iter()
            .zip(fates)
            .filter_map(|(text, fate)| fate.is_empty().then_some(*text))
            .collect();
        assert_eq!(gone, ["2 /b"]);
    }

    #[test]
    fn a_snapshot_of_the_future_takes_the_place_of_no_other_one() {
        let held = ["1 /a", "2 /a", "3 /a", "900 /a"];
        assert_eq!(gone(&held, &[], None, &last(2)), ["1 /a"]);
    }

    #[test]
    fn days_may_be_fractions_and_absurd() {
        let now = DateTime::from_timestamp(1_000_000, 0).unwrap();
        let of = |age| limit(age, now).map(|limit| limit.timestamp());
        assert_eq!(of(Age::Days(0.5)), Some(1_000_000 - 43_200));
        assert_eq!(limit(Age::Days(1e300), now), Some(DateTime::<Utc>::MIN_UTC));
        assert_eq!(of(Age::Days(f64::NAN)), None);
        assert_eq!(of(Age::Days(-1.0)), None);
        assert_eq!(of(Age::Before(7)), Some(7));
    }
}
