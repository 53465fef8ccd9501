//! Removes old snapshots, and the data that only they needed.

use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::advice;
use super::check::Stages;
use super::earlier_hosts::{EarlierHost, adopt_command, earlier_hosts};
use super::error::ActionError;
use super::lineage::{self, shares_path};
use super::lock::Lock;
use super::report::{local, log};
use super::repository::{Found, Opened};
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
    /// Only snapshots that have one of these paths. Empty: all snapshots of the name.
    pub paths: &'a [PathBuf],
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

/// Removes old snapshots of one host and backup name.
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
        paths: &work.paths,
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

/// Removes the snapshots that are older than the limit, except the newest and the newest whole one of each path, and
/// reclaims space. The caller has the container alone, unless it is a dry run.
pub fn remove_old(
    context: &Context,
    opened: &Opened,
    lock: &Lock,
    removal: &Removal<'_>,
) -> Result<Removed, ActionError> {
    let Removal {
        lineage,
        paths,
        age,
        options,
        dry_run,
    } = *removal;
    let in_doubt = context.request.clock_in_doubt && matches!(age, Age::Days(_));
    let limit = match in_doubt {
        true => DateTime::<Utc>::MIN_UTC,
        false => limit(age, Utc::now())?,
    };
    let of_name = opened.snapshots(&Filter {
        label: Some(lineage.backup_name.clone()),
        ..Filter::default()
    })?;
    tell_earlier_hosts(&context.request.job_id, removal, limit, &of_name);
    let found: Vec<Found> = of_name
        .into_iter()
        .filter(|(snapshot, ..)| snapshot.host == lineage.host)
        .collect();
    let snapshots: Vec<Snapshot> = found
        .iter()
        .map(|(snapshot, ..)| snapshot.clone())
        .collect();
    let whose = format!("{} of {}", lineage.backup_name, lineage.host);
    let Chosen {
        old,
        kept,
        elsewhere,
    } = choose(&snapshots, paths, limit);
    if in_doubt {
        log(
            "warning: no snapshot is removed by its age now, because the clock of this host went more than a month \
             ahead: it is wrong, or the host was off for long. If the time is right, removal goes on in a day",
        );
    } else if old.is_empty() {
        log(&format!(
            "no snapshot of {whose} is older than {} and not the newest one",
            local(limit)
        ));
    }
    for (snapshot, path) in &kept {
        let whole = if snapshot.partial { "" } else { " whole" };
        log(&format!(
            "keeping {} of {}: it is the newest{whole} snapshot of {}",
            snapshot.short_id(),
            local(snapshot.time),
            if path.is_empty() { "its name" } else { path }
        ));
    }
    if elsewhere > 0 {
        log(&format!(
            "note: {} of {whose} that {} this old, of other paths, stay: an action `admin` without path_to_backup \
             removes them",
            units::count(elsewhere, "snapshot", "snapshots"),
            if elsewhere == 1 { "is" } else { "are" }
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
    let in_scope = |snapshot: &&Snapshot| is_in_scope(paths, snapshot);
    let left = (snapshots.iter().filter(in_scope).count() - old.len()) as u64;
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
    if !dry_run && opened.repository.storage.retains().is_some() {
        log("note: the server keeps what was removed until the time is over that it was kept for");
    }
    Ok(Removed {
        removed: if dry_run { 0 } else { old.len() as u64 },
        left,
    })
}

/// Tells of the snapshots of an earlier host name that are as old: nobody removes them any more.
fn tell_earlier_hosts(job: &str, removal: &Removal<'_>, limit: DateTime<Utc>, of_name: &[Found]) {
    let made = of_name.iter().map(|(snapshot, ..)| snapshot.made());
    for EarlierHost { host, times } in earlier_hosts(removal.lineage, removal.paths, made) {
        let old = times.iter().filter(|time| **time < limit).count() as u64;
        if old > 0 {
            log(&format!(
                "note: {} of {} that {} this old, made on {host}, {}. If that is an earlier name of this host, `{}` makes \
                 the earlier snapshots those of this job",
                units::count(old, "snapshot", "snapshots"),
                removal.lineage.backup_name,
                if old == 1 { "is" } else { "are" },
                if old == 1 { "stays" } else { "stay" },
                adopt_command(job, &host)
            ));
        }
    }
}

/// Writes to the log what the prune met.
fn tell(report: &Pruned) {
    for pack in &report.damaged {
        log(&format!("warning: the pack {pack} is damaged, and stays"));
    }
    for file in &report.not_files {
        log(&format!("warning: {}", advice::not_a_file(*file)));
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
        log(&format!("warning: {}", advice::NO_SPACE));
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

/// What becomes of the snapshots of one host and name.
struct Chosen {
    /// These are removed.
    old: Vec<Snapshot>,
    /// These are as old, and stay: each is the newest, or the newest whole one, of this path.
    kept: Vec<(Snapshot, String)>,
    /// How many are as old and could go, and have none of the paths.
    elsewhere: u64,
}

fn is_in_scope(paths: &[PathBuf], snapshot: &Snapshot) -> bool {
    paths.is_empty() || shares_path(paths, snapshot)
}

/// Chooses among the snapshots of one host and name, oldest first. The newest one of each path stays, and so does the
/// newest whole one.
fn choose(snapshots: &[Snapshot], paths: &[PathBuf], limit: DateTime<Utc>) -> Chosen {
    let kept = lineage::kept(snapshots);
    let mut chosen = Chosen {
        old: Vec::new(),
        kept: Vec::new(),
        elsewhere: 0,
    };
    for (place, snapshot) in snapshots.iter().enumerate() {
        if snapshot.time >= limit {
            continue;
        }
        let keep = kept.iter().find(|kept| kept.place == place);
        match (keep, is_in_scope(paths, snapshot)) {
            (Some(kept), true) => chosen.kept.push((snapshot.clone(), kept.path.clone())),
            (Some(_), false) => {}
            (None, true) => chosen.old.push(snapshot.clone()),
            (None, false) => chosen.elsewhere += 1,
        }
    }
    chosen
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
        let old = |snapshots: &[Snapshot], limit| choose(snapshots, &[], limit).old;
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
    fn each_path_keeps_its_newest_whole_snapshot_and_other_paths_are_counted() {
        let mut snapshots = made_on(&[1, 2, 3, 4]);
        for (place, path) in ["/a", "/b", "/b", "/b"].into_iter().enumerate() {
            snapshots[place].paths = vec![path.to_owned()];
        }
        snapshots[3].partial = true;
        let limit = DateTime::from_timestamp(99 * 86_400, 0).unwrap();
        let ids = |snapshots: &[Snapshot]| -> Vec<String> {
            snapshots
                .iter()
                .map(|snapshot| snapshot.id.clone())
                .collect()
        };
        let all = choose(&snapshots, &[], limit);
        assert_eq!(ids(&all.old), ["2"]);
        assert_eq!(all.kept.len(), 3);
        let of_a = choose(&snapshots, &["/a".into()], limit);
        assert!(of_a.old.is_empty());
        assert_eq!((of_a.kept.len(), of_a.elsewhere), (1, 1));
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
