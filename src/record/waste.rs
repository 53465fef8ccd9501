//! What a job knows of the prunes of its containers, and of the snapshots that it has removed since.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::{ActionRecord, AttemptEnd, ExitStatus, RunRecord, RunState};
use crate::job::action::{Access, Action};
use crate::job::kind::WorkKind;
use crate::job::prune_budget::Waste;
use crate::location::Location;
use crate::protocol::{Reclaim, Verdict};

/// What the removals of a job have left in a container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerWaste {
    pub container: Location,
    /// The name of its storage in `freezerd.toml`, as far as the last run knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage: Option<String>,
    /// When the job has pruned it last.
    pub pruned: Option<DateTime<Utc>>,
    /// How many snapshots the job has removed since, and since it heard of a prune of another job.
    pub snapshots: u64,
    /// The bytes that these had added, and what its prune could not free. `None`: it is not known.
    pub bytes: Option<u64>,
    /// The bytes of the container, when it looked last. `None`: it has not since its prune.
    #[serde(default)]
    pub size: Option<u64>,
    /// When it has removed the last of them.
    pub removed: Option<DateTime<Utc>>,
}

/// The clocks of two runs may differ by this much.
const TOLERANCE: TimeDelta = TimeDelta::hours(1);

impl ContainerWaste {
    fn new(container: Location) -> ContainerWaste {
        ContainerWaste {
            container,
            storage: None,
            pruned: None,
            snapshots: 0,
            bytes: Some(0),
            size: None,
            removed: None,
        }
    }

    /// Adds what a run that is over has left. Containers from which the job removes nothing any more go.
    pub fn note(known: &mut Vec<ContainerWaste>, row: &RunRecord) {
        // A row without actions was rebuilt.
        let (Some(ended), false) = (row.ended, row.actions.is_empty()) else {
            return;
        };
        known.retain(|known| {
            let mut removing = row.actions.iter().filter(|it| may_remove(it));
            removing.any(|it| it.container.as_ref() == Some(&known.container))
        });
        for action in &row.actions {
            let Some(container) = &action.container else {
                continue;
            };
            let place = known.iter().position(|it| it.container == *container);
            let reclaim = match action.reclaim {
                // What it had removed when it was cut off is not known.
                None if place.is_some() && was_cut_off(row, action) => Reclaim::uncertain(ended),
                None => continue,
                Some(reclaim) => reclaim,
            };
            let place = place.unwrap_or_else(|| {
                known.push(ContainerWaste::new(container.clone()));
                known.len() - 1
            });
            known[place].add(reclaim);
            known[place].storage.clone_from(&action.storage);
        }
    }

    fn add(&mut self, reclaim: Reclaim) {
        if reclaim.pruned {
            *self = ContainerWaste {
                pruned: Some(reclaim.at),
                bytes: reclaim.bytes,
                size: reclaim.size,
                ..ContainerWaste::new(self.container.clone())
            };
            return;
        }
        // Another job has pruned since.
        if self.pruned < reclaim.known && self.removed <= reclaim.known {
            (self.snapshots, self.bytes) = (0, Some(0));
        }
        self.size = reclaim.size.or(self.size);
        if reclaim.snapshots > 0 {
            self.snapshots = self.snapshots.saturating_add(reclaim.snapshots);
            let both = self.bytes.zip(reclaim.bytes);
            self.bytes = both.map(|(one, other)| one.saturating_add(other));
            self.removed = Some(reclaim.at);
        }
    }

    /// What one action has left, of a run that is not over.
    pub fn of_action(action: &ActionRecord) -> Option<ContainerWaste> {
        let mut waste = ContainerWaste::new(action.container.clone()?);
        waste.add(action.reclaim?);
        Some(waste)
    }

    /// What all jobs together know of a container. A prune that is yet to come was noted by a wrong clock, and does not count.
    pub fn together<'a>(
        known: impl Iterator<Item = &'a ContainerWaste>,
        container: &Location,
        now: DateTime<Utc>,
    ) -> Waste {
        let here: Vec<_> = known.filter(|it| it.container == *container).collect();
        let prunes = here.iter().filter_map(|it| it.pruned);
        let pruned = prunes.filter(|it| *it <= now + TOLERANCE).max();
        let is_left = |it: &&&ContainerWaste| {
            it.removed > pruned || it.pruned == pruned && it.bytes != Some(0)
        };
        let since = here.iter().filter(is_left);
        let newest = since.clone().max_by_key(|it| it.removed.max(it.pruned));
        let nothing = Waste {
            pruned,
            size: newest.and_then(|it| it.size),
            ..Waste::default()
        };
        since.fold(nothing, |sum, it| sum.with(it.snapshots, it.bytes))
    }
}

/// Whether an action of this kind may remove snapshots.
fn may_remove(action: &ActionRecord) -> bool {
    [WorkKind::Backup, WorkKind::Admin]
        .iter()
        .any(|kind| kind.word() == action.kind)
}

/// Whether the action was at work when its run was interrupted.
fn was_cut_off(row: &RunRecord, action: &ActionRecord) -> bool {
    row.state == RunState::Interrupted
        && action.attempts > 0
        && action.exit_status != Some(ExitStatus::Success)
        && may_remove(action)
        && !action.dry_run
}

/// What is known after one more attempt at an action. `before` is what its earlier attempts have left.
pub fn reclaim_after(
    before: Option<Reclaim>,
    action: &Action,
    end: &AttemptEnd,
    now: DateTime<Utc>,
) -> Option<Reclaim> {
    let Some((_, Access::Exclusive)) = action.work.container() else {
        return None;
    };
    let is_removal = action.work.kind() == WorkKind::Admin;
    let new = match end {
        _ if action.dry_run => None,
        AttemptEnd::Reported { outcome } => match outcome.summary.reclaim {
            // A backup tells of a removal that failed, and nothing is left of one that failed before that.
            None if is_removal && outcome.verdict != Verdict::Success => {
                Some(Reclaim::uncertain(now))
            }
            reclaim => reclaim,
        },
        AttemptEnd::Aborted
        | AttemptEnd::TimedOut
        | AttemptEnd::Stalled { .. }
        | AttemptEnd::Interrupted
        | AttemptEnd::Crashed { .. } => Some(Reclaim::uncertain(now)),
    };
    match (before, new) {
        (Some(before), Some(new)) if !new.pruned => Some(before.and(new)),
        (before, new) => new.or(before),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{action_record, minute as at, run_record};

    fn place() -> Location {
        Location::Local("/c".into())
    }

    fn left(at_minute: i64, snapshots: u64, known: Option<i64>) -> Reclaim {
        Reclaim {
            at: at(at_minute),
            pruned: false,
            snapshots,
            bytes: Some(snapshots * 10),
            size: Some(100 + at_minute as u64),
            known: known.map(at),
        }
    }

    fn pruned(at_minute: i64) -> Reclaim {
        Reclaim {
            pruned: true,
            size: None,
            ..left(at_minute, 0, None)
        }
    }

    fn row(reclaim: Option<Reclaim>) -> RunRecord {
        let action = ActionRecord {
            container: Some(place()),
            reclaim,
            ..action_record()
        };
        RunRecord {
            actions: vec![action],
            ..run_record(1, "job", at(0))
        }
    }

    fn known(reclaims: &[Reclaim]) -> Vec<ContainerWaste> {
        let mut known = Vec::new();
        for reclaim in reclaims {
            ContainerWaste::note(&mut known, &row(Some(*reclaim)));
        }
        known
    }

    fn together(jobs: &[&[Reclaim]]) -> (Option<DateTime<Utc>>, u64, Option<u64>) {
        let all: Vec<ContainerWaste> = jobs.iter().flat_map(|it| known(it)).collect();
        let waste = ContainerWaste::together(all.iter(), &place(), at(1000));
        (waste.pruned, waste.snapshots, waste.bytes)
    }

    #[test]
    fn what_was_removed_counts_until_the_next_prune_of_any_job() {
        assert_eq!(together(&[]), (None, 0, Some(0)));
        let one = [pruned(1), left(2, 1, Some(1)), left(3, 2, Some(1))];
        assert_eq!(together(&[&one]), (Some(at(1)), 3, Some(30)));
        let two = [left(4, 1, Some(1))];
        assert_eq!(together(&[&one, &two]), (Some(at(1)), 4, Some(40)));
        let prune = [left(4, 1, Some(1)), pruned(5)];
        assert_eq!(together(&[&one, &prune]), (Some(at(5)), 0, Some(0)));
        // The first job hears of it with its next removal.
        let on = [&one[..], &[left(6, 1, Some(5))]].concat();
        assert_eq!(together(&[&on, &prune]), (Some(at(5)), 1, Some(10)));
    }

    #[test]
    fn what_a_prune_had_no_space_to_free_counts_until_the_next_one() {
        let full = Reclaim {
            bytes: Some(300),
            size: Some(1000),
            ..pruned(5)
        };
        let one = [pruned(1), left(2, 1, Some(1)), full];
        assert_eq!(together(&[&one]), (Some(at(5)), 0, Some(300)));
        let two = [&one[..], &[left(6, 1, Some(5))]].concat();
        assert_eq!(together(&[&two]), (Some(at(5)), 1, Some(310)));
        let other = [left(3, 1, Some(1)), left(7, 1, Some(5))];
        assert_eq!(together(&[&two, &other]), (Some(at(5)), 2, Some(320)));
        let freed = [&two[..], &[pruned(8)]].concat();
        assert_eq!(together(&[&freed]), (Some(at(8)), 0, Some(0)));
        assert_eq!(together(&[&two, &[pruned(8)]]), (Some(at(8)), 0, Some(0)));
        let on = [&two[..], &[left(9, 1, Some(8))]].concat();
        assert_eq!(together(&[&on, &[pruned(8)]]), (Some(at(8)), 1, Some(10)));
        let both = pruned(5).and(left(6, 1, None));
        assert_eq!(both.bytes, Some(10));
        assert_eq!(full.and(left(6, 1, None)).bytes, Some(310));
    }

    #[test]
    fn the_size_of_the_container_is_what_the_last_removal_saw() {
        let one = known(&[pruned(1), left(2, 1, Some(1)), left(3, 1, Some(1))]);
        let together = |all: &[ContainerWaste]| {
            let waste = ContainerWaste::together(all.iter(), &place(), at(1000));
            waste.size
        };
        assert_eq!(together(&one), Some(103));
        let all = [one, known(&[left(4, 1, Some(1))])].concat();
        assert_eq!(together(&all), Some(104));
        assert_eq!(together(&[all, known(&[pruned(5)])].concat()), None);
    }

    #[test]
    fn a_prune_that_is_yet_to_come_does_not_count() {
        let wrong = [pruned(500_000)];
        assert_eq!(together(&[&wrong]).0, None);
        assert_eq!(together(&[&wrong, &[pruned(7)]]).0, Some(at(7)));
    }

    #[test]
    fn a_removal_that_was_cut_off_leaves_an_unknown_amount() {
        let mut known = known(&[pruned(1)]);
        let mut cut = row(None);
        ContainerWaste::note(&mut known, &cut);
        assert_eq!(known[0].bytes, Some(0), "it came to its end");
        cut.state = RunState::Interrupted;
        ContainerWaste::note(&mut known, &cut);
        assert_eq!((known[0].snapshots, known[0].bytes), (1, None));
        ContainerWaste::note(&mut known, &row(Some(pruned(9))));
        assert_eq!((known[0].snapshots, known[0].bytes), (0, Some(0)));
    }

    #[test]
    fn a_container_that_the_job_does_not_use_any_more_is_forgotten() {
        let mut known = known(&[pruned(1)]);
        let mut other = row(None);
        other.actions[0].container = Some(Location::Local("/d".into()));
        ContainerWaste::note(&mut known, &other);
        assert_eq!(known, []);
    }
}
