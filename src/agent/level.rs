//! Freezer's rule for the level of the next backup.
//!
//! In Freezer, levels were tar increments. Here every snapshot can be restored alone, and the level says what was
//! *read*: level 0 reads every byte again, and level n reuses the data of its parent for files that look unchanged.

use chrono::{DateTime, Utc};

use super::snapshot::Snapshot;
use crate::job::action::Levels;

/// The next backup's level, and what it is compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NextLevel<'a> {
    pub level: u32,
    /// The snapshot one level below, or the one that replaces it. `None` at level 0, and only there.
    pub parent: Option<&'a Snapshot>,
}

impl NextLevel<'_> {
    const FULL: NextLevel<'static> = NextLevel {
        level: 0,
        parent: None,
    };
}

/// Applies the rule to the lineage's snapshots (oldest first).
///
/// - Level 0 when there is no snapshot, with `no_incremental`, after a snapshot at `max_level`, and when the level 0
///   that the last snapshot goes back to is older than `restart_always_level` days. That level 0 may have been
///   removed by age; then a new level 0 is due, since its age is not known any more.
/// - After a snapshot at `always_level`, the parent is the newest one since that level 0 that is one level below (or
///   the next lower one that is left), so that the level stays. (`always_level` 0: always level 0.)
/// - Otherwise the last snapshot is the parent, and the level is one more than that of the parent.
///
/// A snapshot without a level counts as level 0.
pub fn next<'a>(snapshots: &'a [Snapshot], levels: &Levels, now: DateTime<Utc>) -> NextLevel<'a> {
    let level = |snapshot: &Snapshot| snapshot.level.unwrap_or(0);
    let Some(last) = snapshots.last().filter(|_| !levels.no_incremental) else {
        return NextLevel::FULL;
    };
    if levels.max_level.is_some_and(|limit| level(last) >= limit) {
        return NextLevel::FULL;
    }
    let full = snapshots.iter().rposition(|snapshot| level(snapshot) == 0);
    if let Some(days) = levels.restart_always_level {
        let age = full.map(|index| (now - snapshots[index].time).as_seconds_f64() / 86_400.0);
        if age.is_none_or(|age| age > days) {
            return NextLevel::FULL;
        }
    }
    let parent = match levels.always_level {
        Some(limit) if level(last) >= limit => {
            let chain = &snapshots[full.unwrap_or(0)..];
            chain
                .iter()
                .filter(|snapshot| level(snapshot) < limit)
                .max_by_key(|snapshot| (level(snapshot), snapshot.time))
        }
        _ => Some(last),
    };
    match parent {
        Some(parent) => NextLevel {
            level: level(parent) + 1,
            parent: Some(parent),
        },
        None => NextLevel::FULL,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::snapshot;

    /// One snapshot a day, the last one yesterday; each is its level.
    fn lineage(levels: &[u32]) -> (Vec<Snapshot>, DateTime<Utc>) {
        let start = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let day = |index: usize| start + chrono::TimeDelta::days(index as i64);
        let snapshots = levels
            .iter()
            .enumerate()
            .map(|(index, level)| Snapshot {
                tags: vec![Snapshot::level_tag(*level)],
                level: Some(*level),
                ..snapshot(&format!("{index:064}"), day(index))
            })
            .collect();
        (snapshots, day(levels.len()))
    }

    #[test]
    fn the_next_level_is_freezers() {
        let plain = Levels::default;
        let none = || Levels {
            no_incremental: true,
            ..plain()
        };
        let max = |level| Levels {
            max_level: Some(level),
            ..plain()
        };
        let always = |level| Levels {
            always_level: Some(level),
            ..plain()
        };
        let restart = |days| Levels {
            restart_always_level: Some(days),
            ..plain()
        };
        // what there is, the settings, the next level, the parent's place
        let table: Vec<(&[u32], Levels, u32, Option<usize>)> = vec![
            (&[], plain(), 0, None),
            (&[0], plain(), 1, Some(0)),
            (&[0, 1, 2], plain(), 3, Some(2)),
            (&[0, 1, 2], none(), 0, None),
            (&[0, 1], max(2), 2, Some(1)),
            (&[0, 1, 2], max(2), 0, None),
            (&[0, 1, 2, 3], max(2), 0, None),
            (&[0, 1, 2, 0], max(2), 1, Some(3)),
            (&[0], max(0), 0, None),
            (&[0, 1], always(2), 2, Some(1)),
            (&[0, 1, 2], always(2), 2, Some(1)),
            (&[0, 1, 2, 2, 2], always(2), 2, Some(1)),
            (&[0, 1, 1, 1], always(1), 1, Some(0)),
            (&[0], always(0), 0, None),
            (&[0, 1, 2, 3], always(2), 2, Some(1)),
            // The snapshot one level below was removed: the next lower one stands in for it.
            (&[0, 2, 2], always(2), 1, Some(0)),
            (&[2, 2], always(2), 0, None),
            // A lower level before the last level 0 does not count.
            (&[0, 1, 2, 0, 2], always(2), 1, Some(3)),
            (&[0, 1, 2], restart(3.0), 3, Some(2)),
            (&[0, 1, 2, 3], restart(3.0), 0, None),
            (&[0, 1, 2], restart(2.9), 0, None),
            (&[1, 2], restart(30.0), 0, None),
            (&[1, 2], plain(), 3, Some(1)),
            (
                &[0, 1],
                Levels {
                    restart_always_level: Some(9.0),
                    ..always(1)
                },
                1,
                Some(0),
            ),
        ];
        for (existing, levels, level, parent) in table {
            let (snapshots, now) = lineage(existing);
            let expected = NextLevel {
                level,
                parent: parent.map(|index| &snapshots[index]),
            };
            assert_eq!(
                next(&snapshots, &levels, now),
                expected,
                "{existing:?} {levels:?}"
            );
        }
    }

    #[test]
    fn a_snapshot_without_a_level_counts_as_level_0() {
        let (mut snapshots, now) = lineage(&[5]);
        snapshots[0].level = None;
        assert_eq!(next(&snapshots, &Levels::default(), now).level, 1);
    }
}
