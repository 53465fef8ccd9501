//! Removes old snapshots, and the data that only they needed.

use std::path::PathBuf;

use chrono::{DateTime, Utc};

use super::earlier_hosts::{EarlierHost, adopt_command, earlier_hosts};
use super::error::ActionError;
use super::guard;
use super::lineage::shares_path;
use super::lock::Lock;
use super::prune_warnings::prune_warnings;
use super::reclaim::{self, Freeing};
use super::report::{local, log};
use super::repository::{Found, Opened};
use super::retention::{self, Fate, Policy, Stay};
use super::snapshot::{Filter, Snapshot};
use super::{Context, open, outcome};
use crate::job::action::{Access, Admin, Age, Lineage};
use crate::job::prune_budget::{Decision, PruneWhen, Reason};
use crate::job::share::MaxUnused;
use crate::keep::Rules;
use crate::kill_point::{self, Point};
use crate::protocol::{Outcome, Reclaim, Summary};
use crate::repository::prune::Pruned;
use crate::repository::prune::plan::{MaxUnused as Unused, Options};
use crate::storage::id::Id;
use crate::units;

/// What is to be removed, and how.
pub struct Removal<'a> {
    pub lineage: &'a Lineage,
    /// Only snapshots that have one of these paths. Empty: all snapshots of the name.
    pub paths: &'a [PathBuf],
    /// Only older ones. `None`: of any age.
    pub age: Option<Age>,
    /// What they keep stays.
    pub rules: &'a Rules,
    /// How their space is freed.
    pub freeing: Freeing,
}

impl Removal<'_> {
    /// Whether the clock of this host decides what is removed.
    fn is_by_clock(&self) -> bool {
        !self.rules.is_empty() || matches!(self.age, Some(Age::Days(_)))
    }
}

/// What was removed.
pub struct Removed {
    /// How many snapshots were removed.
    pub removed: u64,
    /// How many snapshots of the lineage are left.
    pub left: u64,
    /// What became of the data of those that were removed. `None`: a dry run.
    pub reclaim: Option<Reclaim>,
}

/// What follows a prune where the server keeps files for a time.
const RETAINED: &str =
    "note: the server keeps what was removed until the time is over that it was kept for";

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
        rules: &work.keep,
        freeing: Freeing {
            prune: work.prune.unwrap_or(PruneWhen::Always),
            size: None,
            is_damaged: false,
            options: prune_options(work.max_unused, work.max_repack),
            dry_run,
        },
    };
    let removed = remove_old(context, &opened, &lock, &removal)?;
    Ok(outcome::success(Summary {
        snapshots_removed: Some(removed.removed),
        snapshots: Some(removed.left),
        reclaim: removed.reclaim,
        ..Summary::default()
    }))
}

/// Removes the snapshots that are older than the limit and that no rule keeps, except the newest and the newest whole one
/// of each path, and reclaims their space when that is wanted. The caller has the container alone, unless it is a dry run.
pub fn remove_old(
    context: &Context,
    opened: &Opened,
    lock: &Lock,
    removal: &Removal<'_>,
) -> Result<Removed, ActionError> {
    let Removal {
        lineage,
        paths,
        freeing,
        ..
    } = *removal;
    let dry_run = freeing.dry_run;
    let now = Utc::now();
    let of_name = opened.snapshot_files(&Filter {
        label: Some(lineage.backup_name.clone()),
        ..Filter::default()
    })?;
    let freeing = Freeing {
        is_damaged: freeing.is_damaged || !of_name.unreadable.is_empty(),
        ..freeing
    };
    let of_name = opened.tell_unreadable(of_name);
    let limit = match removal.age {
        None => None,
        Some(age) => Some(retention::limit(age, now).ok_or(ActionError::AgeOutOfRange)?),
    };
    let in_doubt = context.request.clock_in_doubt && removal.is_by_clock();
    if !in_doubt {
        tell_earlier_hosts(&context.request.job_id, removal, limit, &of_name);
    }
    let found: Vec<Found> = of_name
        .into_iter()
        .filter(|(snapshot, ..)| snapshot.host == lineage.host)
        .collect();
    let snapshots: Vec<Snapshot> = found
        .iter()
        .map(|(snapshot, ..)| snapshot.clone())
        .collect();
    let policy = Policy {
        paths,
        // A clock in doubt makes nothing old.
        limit: if in_doubt {
            Some(DateTime::<Utc>::MIN_UTC)
        } else {
            limit
        },
        rules: removal.rules,
        proved: &context.request.proved,
        now,
    };
    let fates = retention::fates(&snapshots, &policy);
    let old: Vec<&Found> = found
        .iter()
        .zip(&fates)
        .filter_map(|(found, fate)| fate.is_empty().then_some(found))
        .collect();
    let whose = lineage.whose();
    if in_doubt {
        log(
            "warning: no snapshot is removed by its age now, because the clock of this host went more than a month \
             ahead: it is wrong, or the host was off for long. If the time is right, removal goes on in a day",
        );
    } else if old.is_empty() {
        log(&match limit {
            Some(limit) if removal.rules.is_empty() => format!(
                "no snapshot {whose} is older than {} and not the newest one",
                local(limit)
            ),
            _ => format!("no snapshot {whose} is to be removed"),
        });
    }
    if !in_doubt {
        tell_kept(&snapshots, &fates, &whose);
    }
    for (snapshot, ..) in &old {
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
    let in_scope = |snapshot: &&Snapshot| paths.is_empty() || shares_path(paths, snapshot);
    let left = (snapshots.iter().filter(in_scope).count() - old.len()) as u64;
    let ids: Vec<Id> = old.iter().map(|(_, id, _)| *id).collect();
    let decision = reclaim::decide(context, opened, &freeing, &old)?;
    let mut pruned = None;
    let end = match decision.course {
        Decision::Prune(reason) => {
            if reason != Reason::Always {
                let why = reason.words(local);
                let place = &opened.container.location;
                log(&match dry_run {
                    true => format!("would prune {place}: {why}"),
                    false => format!("pruning {place}: {why}"),
                });
            }
            let report = reclaim::prune(context, opened, lock, &freeing, &ids)?;
            tell(&report);
            let would = if dry_run { "would have " } else { "" };
            let freed = units::bytes(report.freed);
            pruned = Some(report);
            format!("{would}freed {freed}")
        }
        Decision::Later(wait) => {
            if !dry_run {
                reclaim::forget(opened, lock, &ids)?;
            }
            decision.left_words(wait)
        }
    };
    kill_point::reached(Point::Pruned);
    log(&summary_line(old.len() as u64, left, &whose, &end, dry_run));
    if pruned.is_some() && !dry_run && opened.repository.storage.retains().is_some() {
        log(RETAINED);
    }
    Ok(Removed {
        removed: if dry_run { 0 } else { old.len() as u64 },
        left,
        reclaim: (!dry_run).then(|| decision.reclaim(pruned.as_ref())),
    })
}

/// Frees what no snapshot needs, and removes no snapshot. The caller has the container alone, and wants it in each run.
pub fn prune_alone(
    context: &Context,
    opened: &Opened,
    lock: &Lock,
    freeing: &Freeing,
) -> Result<Reclaim, ActionError> {
    let decision = reclaim::decide(context, opened, freeing, &[])?;
    let report = reclaim::prune(context, opened, lock, freeing, &[])?;
    tell(&report);
    kill_point::reached(Point::Pruned);
    let place = &opened.container.location;
    log(&format!(
        "pruned {place}; freed {}",
        units::bytes(report.freed)
    ));
    if opened.repository.storage.retains().is_some() {
        log(RETAINED);
    }
    Ok(decision.reclaim(Some(&report)))
}

/// Tells why snapshots stay, as far as the limit does not say it.
fn tell_kept(snapshots: &[Snapshot], fates: &[Fate], whose: &str) {
    let count = |matches: fn(&Stay) -> bool| {
        let of_fate = |fate: &&Fate| fate.iter().any(matches);
        fates.iter().filter(of_fate).count() as u64
    };
    for (snapshot, fate) in snapshots.iter().zip(fates) {
        if let Some(Stay::Newest(path)) = fate.first() {
            let whole = if snapshot.partial { "" } else { " whole" };
            log(&format!(
                "keeping {} of {}: it is the newest{whole} snapshot of {}",
                snapshot.short_id(),
                local(snapshot.time),
                if path.is_empty() { "its name" } else { path }
            ));
        }
        if fate.contains(&Stay::Proved) {
            log(&format!(
                "keeping {} of {}: a drill has restored it, and no later drill has proved as much",
                snapshot.short_id(),
                local(snapshot.time)
            ));
        }
        if fate.contains(&Stay::Future) {
            log(&format!(
                "warning: the snapshot {} has the time {}, which has not come yet: a clock was wrong. No rule counts it, and it \
                 stays",
                snapshot.short_id(),
                local(snapshot.time)
            ));
        }
    }
    let of = |count| units::count(count, "snapshot", "snapshots");
    for snapshot in snapshots {
        if let Some(alarm) = snapshot.alarm() {
            log(&format!(
                "warning: the snapshot {} of {} looks as if its source were damaged ({}): no snapshot of its lineage is removed. \
                 If all is well, {} lets removal go on",
                snapshot.short_id(),
                local(snapshot.time),
                guard::what(alarm),
                guard::accept_command(&snapshot.tags)
            ));
        }
    }
    let by_rules = count(|stay| matches!(stay, Stay::Rule(_)));
    if by_rules > 0 {
        log(&format!("the rules keep {}", of(by_rules)));
    }
    let pinned = count(|stay| *stay == Stay::Pinned);
    if pinned > 0 {
        let verb = if pinned == 1 { "is" } else { "are" };
        log(&format!("{} {verb} pinned", of(pinned)));
    }
    let elsewhere = count(|stay| *stay == Stay::Elsewhere);
    if elsewhere > 0 {
        log(&format!(
            "note: {} {whose} that could be removed, of other paths, stay: an action `admin` without path_to_backup \
             removes them",
            of(elsewhere)
        ));
    }
}

/// Tells of the snapshots of an earlier host name that are as old: nobody removes them any more.
fn tell_earlier_hosts(
    job: &str,
    removal: &Removal<'_>,
    limit: Option<DateTime<Utc>>,
    of_name: &[Found],
) {
    let made = of_name.iter().map(|(snapshot, ..)| snapshot.made());
    for EarlierHost { host, times } in earlier_hosts(removal.lineage, removal.paths, made) {
        let is_old = |time: &&DateTime<Utc>| limit.is_none_or(|limit| **time < limit);
        let old = times.iter().filter(is_old).count() as u64;
        if old > 0 {
            let age = match (limit, old) {
                (None, _) => "",
                (Some(_), 1) => " that is this old",
                (Some(_), _) => " that are this old",
            };
            log(&format!(
                "note: {} of {}{age}, made on {host}, {}. If that is an earlier name of this host, `{}` makes \
                 the earlier snapshots those of this job",
                units::count(old, "snapshot", "snapshots"),
                removal.lineage.backup_name,
                if old == 1 { "stays" } else { "stay" },
                adopt_command(job, &host)
            ));
        }
    }
}

/// Writes to the log what the prune met.
fn tell(report: &Pruned) {
    for warning in prune_warnings(report) {
        log(&format!("warning: {warning}"));
    }
    if report.swept > 0 {
        log(&format!(
            "removed {} of interrupted writes",
            units::count(report.swept as u64, "file", "files")
        ));
    }
}

/// `end` is what follows the removal.
fn summary_line(removed: u64, left: u64, whose: &str, end: &str, dry_run: bool) -> String {
    let would = if dry_run { "would have " } else { "" };
    let snapshots = units::count(removed, "snapshot", "snapshots");
    format!("{would}removed {snapshots} {whose}, {left} left; {end}")
}
