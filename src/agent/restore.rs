//! A restore: chooses the snapshot, lets the engine restore it, and says what is not as in the snapshot.

use std::time::Instant;

use super::choice::{choose, shown_label};
use super::error::ActionError;
use super::report::{local, log};
use super::snapshot::{Filter, Snapshot};
use super::{Context, open, outcome};
use crate::job::action::{Access, Restore};
use crate::kill_point::{self, Point};
use crate::protocol::{Outcome, Summary};
use crate::rustic::{Error, PathFault, RestoreOptions, RestoreReport};
use crate::units;

/// How often a snapshot that has gone is looked for under its new id.
const MOST_TRIES: u32 = 10;

/// Restores one snapshot.
pub fn run(context: &Context, work: &Restore) -> Result<Outcome, ActionError> {
    let dry_run = context.request.action.dry_run;
    let (opened, _lock) = open(&work.container, Access::Shared, &context.reporter)?;
    let repository = super::rustic_repository(context, &opened)?;
    let options = RestoreOptions {
        overwrite: work.overwrite,
        dry_run,
    };
    let start = Instant::now();
    let mut tries = 0;
    let (snapshot, report) = loop {
        let found = opened.snapshots(&Filter::default())?;
        let snapshots: Vec<Snapshot> = found.into_iter().map(|(snapshot, ..)| snapshot).collect();
        let snapshot = choose(&snapshots, work)?.clone();
        log(&announcement(&snapshot, work, dry_run));
        if snapshot.partial {
            log("this snapshot is partial: something could not be backed up into it");
        }
        match repository.restore(&snapshot.id, &work.target, options) {
            // A backup that runs beside this one has confirmed it meanwhile, and it has another id.
            Err(Error::SnapshotGone { .. }) if work.snapshot.is_none() && tries < MOST_TRIES => {
                tries += 1;
            }
            ended => break (snapshot, ended?),
        }
    };
    kill_point::reached(Point::Restored);
    log(&result_line(&report, start, dry_run));
    let summary = Summary {
        snapshot: Some(snapshot.id),
        files: Some(report.written + report.identical),
        bytes: Some(report.bytes),
        ..Summary::default()
    };
    if report.problems.is_empty() {
        return Ok(outcome::success(summary));
    }
    let reason = partial_reason(&report, work);
    Ok(outcome::partial(summary, reason, &report.problems))
}

fn announcement(snapshot: &Snapshot, work: &Restore, dry_run: bool) -> String {
    format!(
        "{} snapshot {} ({} of {}, {}) to {}",
        if dry_run {
            "would restore"
        } else {
            "restoring"
        },
        snapshot.short_id(),
        shown_label(&snapshot.label),
        snapshot.host,
        local(snapshot.time),
        work.target.display()
    )
}

fn result_line(report: &RestoreReport, start: Instant, dry_run: bool) -> String {
    let amount = format!(
        "{}, {}",
        units::count(report.written, "file", "files"),
        units::bytes(report.bytes)
    );
    let rest = format!(
        "{} there already, {} removed",
        report.identical,
        units::count(report.removed, "entry", "entries")
    );
    if dry_run {
        format!("would write {amount}; {rest}")
    } else {
        format!(
            "wrote {amount} in {}; {rest}",
            units::effort(report.bytes, start.elapsed())
        )
    }
}

fn partial_reason(report: &RestoreReport, work: &Restore) -> String {
    let first = report.problems.first.first();
    let kept = report
        .problems
        .first
        .iter()
        .any(|problem| matches!(problem.fault, PathFault::Differs));
    format!(
        "{} not as in the snapshot{}{}",
        units::count(report.problems.total, "path is", "paths are"),
        first.map_or_else(String::new, |problem| format!(
            ", the first being {} ({})",
            problem.path.display(),
            problem.fault
        )),
        if kept && !work.overwrite {
            "; overwrite replaces what differs"
        } else {
            ""
        }
    )
}
