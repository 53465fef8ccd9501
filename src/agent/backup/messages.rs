//! What a backup says in its log and in its outcome.

use std::time::Instant;

use super::super::earlier_hosts::{adopt_command, adopt_unnamed_command, earlier_hosts, unnamed};
use super::super::level::NextLevel;
use super::super::lineage::{has_same_paths, paths_of_all, shares_path};
use super::super::report::{escaped, log};
use super::super::repository::Found;
use super::super::snapshot::Snapshot;
use crate::archive::report::{Problems, Report};
use crate::job::action::Backup;
use crate::job::several;
use crate::units;

/// Tells what the backup met.
pub(super) fn tell(report: &Report) {
    for error in &report.damage {
        log(&format!(
            "warning: the repository is damaged: {error}; the backup read and stored again what it needed from there"
        ));
    }
    for problem in &report.problems.first {
        log(&format!("{}: {}", escaped(&problem.path), problem.fault));
    }
    for problem in &report.ignored.first {
        log(&format!(
            "{}: {} (ignored, as the job asks)",
            escaped(&problem.path),
            problem.fault
        ));
    }
}

/// Tells of snapshots that no index named before the backup, and of the packs that it has named in its own index.
pub(super) fn tell_lost_index(unnamed: &[&Snapshot], adopted: u64) {
    let packs = units::count(adopted, "pack", "packs");
    let Some((first, more)) = unnamed.split_first() else {
        if adopted > 0 {
            log(&format!(
                "note: an interrupted backup, or one that runs now, has left {packs} that no index named; the index of this \
                 backup names them. If no backup was interrupted, an index file is missing: run `freezerd repair`"
            ));
        }
        return;
    };
    let others = match more.len() as u64 {
        0 => String::new(),
        count => format!(" and of {}", units::count(count, "other", "others")),
    };
    log(&format!(
        "warning: no index named the content of snapshot {}{others}: an index file is missing, or a pack was lost. This \
         backup has named {packs} again, and stored again what else it needed; run `freezerd repair` to get back the rest",
        first.short_id()
    ));
}

/// What begins now, or would. `what` is a verb.
pub(super) fn announcement(what: &str, work: &Backup, next: &NextLevel<'_>) -> String {
    let parent = next.parent.map_or_else(String::new, |parent| {
        format!(", parent {}", parent.short_id())
    });
    format!(
        "{what} {} to container {} as {} of {} (level {}{parent})",
        several(&work.paths),
        work.container.name,
        work.lineage.backup_name,
        work.lineage.host,
        next.level
    )
}

/// Tells that the paths are not those of the last snapshot, since what is new is read in full and what other snapshots
/// hold is not in this one.
pub(super) fn tell_changed_paths(work: &Backup, next: &NextLevel<'_>, of_name: &[Found]) {
    let name = &work.lineage.backup_name;
    match next.parent {
        Some(parent) if !has_same_paths(&work.paths, parent) => log(&format!(
            "note: the paths have changed: the parent {} is of {}; a path that it does not have is read in full",
            parent.short_id(),
            parent.paths.join(", ")
        )),
        Some(_) => {}
        None => {
            let others: Vec<&Snapshot> = of_name
                .iter()
                .map(|(snapshot, ..)| snapshot)
                .filter(|snapshot| !shares_path(&work.paths, snapshot))
                .collect();
            if !others.is_empty() && others.len() == of_name.len() {
                log(&format!(
                    "note: the snapshots of {name} so far are of {}; those of {} are told apart from them by path",
                    paths_of_all(&others).join(", "),
                    several(&work.paths)
                ));
            }
        }
    }
}

/// Tells of the snapshots of the same paths that have no name, and of those that hosts of other names made: a host that has a new name does not continue
/// them, and nobody removes them by age any more.
pub(super) fn tell_other_hosts(job: &str, work: &Backup, snapshots: &[Snapshot]) {
    let made = snapshots.iter().map(Snapshot::made);
    let without_name = unnamed(&work.lineage, &work.paths, made.clone());
    if without_name > 0 {
        log(&format!(
            "note: this is the first snapshot of {}; {} of the same paths that {} no name, as restic makes them, {} as they \
             are: `{}` makes them those of this job",
            work.lineage.backup_name,
            units::count(without_name, "snapshot", "snapshots"),
            if without_name == 1 { "has" } else { "have" },
            if without_name == 1 { "stays" } else { "stay" },
            adopt_unnamed_command(job)
        ));
    }
    let hosts = earlier_hosts(&work.lineage, &work.paths, made);
    let Some(first) = hosts.first() else {
        return;
    };
    let more = match hosts.len().saturating_sub(MOST_HOSTS) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let named: Vec<&str> = hosts.iter().take(MOST_HOSTS).map(|it| &*it.host).collect();
    log(&format!(
        "note: this is the first snapshot of {} made on {}; those of other hosts stay as they are: {}{more}. If this host \
         had another name before, `{}` makes the earlier snapshots those of this job",
        work.lineage.backup_name,
        work.lineage.host,
        named.join(", "),
        adopt_command(job, &first.host)
    ));
}

/// How many hosts a note names.
const MOST_HOSTS: usize = 5;

/// What was stored.
pub(super) fn result_line(snapshot: &Snapshot, start: Instant) -> String {
    let summary = snapshot.summary.unwrap_or_default();
    format!(
        "snapshot {}: {} ({} new, {} changed), {} in {}, {} added",
        snapshot.short_id(),
        units::files_and_others(summary.files),
        summary.files_new,
        summary.files_changed,
        units::bytes(summary.bytes),
        units::effort(summary.bytes, start.elapsed()),
        units::bytes(summary.bytes_added)
    )
}

/// Why a backup is `partial`.
pub(super) fn partial_reason(problems: &Problems) -> String {
    let first = problems.first.first();
    format!(
        "{} could not be backed up as a whole{}; ignore_unreadable names what may be missing",
        units::count(problems.total, "path", "paths"),
        first.map_or_else(String::new, |problem| format!(
            ", the first being {} ({})",
            escaped(&problem.path),
            problem.fault
        )),
    )
}
