//! Removes old snapshots, and the data that only they needed.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::check::Stages;
use super::error::ActionError;
use super::lock::Lock;
use super::report::{local, log};
use super::repository::Opened;
use super::snapshot::{Filter, Snapshot};
use super::{Context, open, outcome};
use crate::job::action::{Access, Admin, Age, Lineage};
use crate::job::share::MaxUnused;
use crate::kill_point::{self, Point};
use crate::protocol::{Outcome, Summary};
use crate::repository::prune::plan::{MaxUnused as Unused, Options};
use crate::repository::prune::{self, Orders, Pruned};
use crate::storage::id::Id;
use crate::units;

/// An interrupted write leaves a file behind. While the container is locked, none is being written.
const SWEEP_AGE: Duration = Duration::ZERO;

/// What is to be removed, and how.
pub struct Removal<'a> {
    pub lineage: &'a Lineage,
    pub age: Age,
    /// How the prune decides.
    pub options: Options,
    pub dry_run: bool,
}

/// What was removed.
pub struct Removed {
    /// How many snapshots were removed.
    pub removed: u64,
    /// How many snapshots of the lineage are left.
    pub left: u64,
}

/// How a prune decides: as a job or a command says, or as usual.
pub fn prune_options(max_unused: Option<MaxUnused>, max_repack: Option<u64>) -> Options {
    let usual = Options::default();
    Options {
        max_unused: match max_unused {
            None => usual.max_unused,
            Some(MaxUnused::Percent(percent)) => Unused::Percent(percent),
            Some(MaxUnused::Bytes(bytes)) => Unused::Bytes(bytes),
            Some(MaxUnused::Unlimited) => Unused::Unlimited,
        },
        max_repack,
        ..usual
    }
}

/// Removes one lineage's old snapshots.
pub fn run(context: &Context, work: &Admin) -> Result<Outcome, ActionError> {
    let dry_run = context.request.action.dry_run;
    let access = if dry_run {
        Access::Shared
    } else {
        Access::Exclusive
    };
    let (opened, lock) = open(context, &work.container, access)?;
    let removal = Removal {
        lineage: &work.lineage,
        age: work.remove,
        options: prune_options(work.max_unused, work.max_repack),
        dry_run,
    };
    let removed = remove_old(context, &opened, &lock, &removal)?;
    Ok(outcome::success(Summary {
        snapshots_removed: Some(removed.removed),
        snapshots: Some(removed.left),
        ..Summary::default()
    }))
}

/// Removes the lineage's snapshots that are older than the limit, except its newest one, and reclaims space. The
/// caller has the container alone, unless it is a dry run.
pub fn remove_old(
    context: &Context,
    opened: &Opened,
    lock: &Lock,
    removal: &Removal<'_>,
) -> Result<Removed, ActionError> {
    let Removal {
        lineage,
        age,
        options,
        dry_run,
    } = *removal;
    let limit = limit(age, Utc::now())?;
    let found = opened.snapshots(&Filter {
        host: Some(lineage.host.clone()),
        label: Some(lineage.backup_name.clone()),
        tag: None,
    })?;
    let snapshots: Vec<Snapshot> = found
        .iter()
        .map(|(snapshot, ..)| snapshot.clone())
        .collect();
    let old = old(&snapshots, limit);
    let whose = format!("{} of {}", lineage.backup_name, lineage.host);
    if old.is_empty() {
        log(&format!(
            "no snapshot of {whose} is older than {} and not the newest one",
            local(limit)
        ));
    }
    for snapshot in &old {
        log(&format!(
            "{} {} of {}",
            if dry_run {
                "would remove"
            } else {
                "to be removed:"
            },
            snapshot.short_id(),
            local(snapshot.time)
        ));
    }
    let left = (snapshots.len() - old.len()) as u64;
    let ids: Vec<Id> = found
        .iter()
        .filter(|(snapshot, ..)| old.iter().any(|old| old.id == snapshot.id))
        .map(|(_, id, _)| *id)
        .collect();
    let stages = Stages::new(&context.reporter);
    let report = if dry_run {
        let without = ids.iter().copied().collect();
        prune::rehearse(&opened.repository, &options, &without, &stages)
    } else {
        let orders = Orders {
            forget: &ids,
            planned: &|_| {},
            sweep_age: SWEEP_AGE,
            confirm: &|| lock.confirm(),
        };
        prune::forget_and_prune(&opened.repository, &options, &orders, &stages)
    };
    let report = report.map_err(|source| ActionError::Prune {
        place: opened.container.location.clone(),
        source: Box::new(source),
    })?;
    tell(&report);
    kill_point::reached(Point::Pruned);
    log(&summary_line(
        old.len() as u64,
        left,
        &whose,
        &report,
        dry_run,
    ));
    Ok(Removed {
        removed: if dry_run { 0 } else { old.len() as u64 },
        left,
    })
}

/// Writes to the log what the prune met.
fn tell(report: &Pruned) {
    for pack in &report.damaged {
        log(&format!("warning: the pack {pack} is damaged, and stays"));
    }
    if !report.missing.is_empty() {
        log(&format!(
            "warning: {} that snapshots need are missing from the repository: `freezerd verify` says what is lost",
            units::count(report.missing.len() as u64, "blob", "blobs")
        ));
    }
    for unreadable in &report.unreadable {
        log(&format!(
            "warning: {} cannot be read, and its pack stays",
            unreadable.blob
        ));
    }
    if report.no_space {
        log("warning: there was no space to copy what is still needed, so less was freed");
    }
    if report.swept > 0 {
        log(&format!(
            "removed {} of interrupted writes",
            units::count(report.swept as u64, "file", "files")
        ));
    }
}

/// The instant before which a snapshot is old.
fn limit(age: Age, now: DateTime<Utc>) -> Result<DateTime<Utc>, ActionError> {
    let limit = match age {
        Age::Days(days) if days.is_finite() && days >= 0.0 => {
            // A span that is too long for the type reaches back before all snapshots.
            let span =
                TimeDelta::try_milliseconds((days * 86_400_000.0) as i64).unwrap_or(TimeDelta::MAX);
            Some(
                now.checked_sub_signed(span)
                    .unwrap_or(DateTime::<Utc>::MIN_UTC),
            )
        }
        Age::Days(_) => None,
        Age::Before(seconds) => DateTime::from_timestamp(seconds, 0),
    };
    limit.ok_or(ActionError::AgeOutOfRange)
}

/// The snapshots of a lineage (oldest first) that are removed: those before the limit, but never the newest one.
fn old(snapshots: &[Snapshot], limit: DateTime<Utc>) -> Vec<Snapshot> {
    let candidates = snapshots
        .split_last()
        .map_or(&[][..], |(_newest, others)| others);
    candidates
        .iter()
        .filter(|snapshot| snapshot.time < limit)
        .cloned()
        .collect()
}

fn summary_line(removed: u64, left: u64, whose: &str, report: &Pruned, dry_run: bool) -> String {
    let would = if dry_run { "would have " } else { "" };
    format!(
        "{would}removed {} of {whose}, {} left; {would}freed {}",
        units::count(removed, "snapshot", "snapshots"),
        left,
        units::bytes(report.summary.bytes_freed),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::snapshot;

    fn made_on(days: &[i64]) -> Vec<Snapshot> {
        days.iter()
            .map(|day| {
                let time = DateTime::from_timestamp(day * 86_400, 0).unwrap();
                snapshot(&day.to_string(), time)
            })
            .collect()
    }

    #[test]
    fn exactly_the_older_ones_go_and_never_the_newest() {
        for (days, limit, gone) in [
            (&[1, 2, 3][..], 2, &["1"][..]),
            (&[1, 2, 3], 99, &["1", "2"]),
            (&[1], 99, &[]),
            (&[], 99, &[]),
            (&[5, 6], 5, &[]),
        ] {
            let limit = DateTime::from_timestamp(limit * 86_400, 0).unwrap();
            let old = old(&made_on(days), limit);
            assert_eq!(
                old.iter()
                    .map(|snapshot| snapshot.id.as_str())
                    .collect::<Vec<_>>(),
                gone,
                "{days:?}"
            );
        }
    }

    #[test]
    fn days_may_be_fractions_and_absurd() {
        let now = DateTime::from_timestamp(1_000_000, 0).unwrap();
        assert_eq!(
            limit(Age::Days(0.5), now).unwrap().timestamp(),
            1_000_000 - 43_200
        );
        assert_eq!(
            limit(Age::Days(1e300), now).unwrap(),
            DateTime::<Utc>::MIN_UTC
        );
        assert!(limit(Age::Days(f64::NAN), now).is_err());
        assert!(limit(Age::Days(-1.0), now).is_err());
        assert_eq!(limit(Age::Before(7), now).unwrap().timestamp(), 7);
    }
}
