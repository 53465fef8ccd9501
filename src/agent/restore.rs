//! A restore: chooses the snapshot, lets the engine restore it, and says what is not as in the snapshot.

use std::time::Instant;

use super::choice::{choose, shown_label};
use super::error::ActionError;
use super::report::{Reporter, local, log};
use super::snapshot::{Filter, Snapshot};
use super::{Context, open, outcome};
use crate::job::action::{Access, Restore};
use crate::kill_point::{self, Point};
use crate::protocol::{Outcome, Summary};
use crate::repository::indexed::Indexed;
use crate::restore::error::ErrorKind as RestoreErrorKind;
use crate::restore::problem::{Problem, ProblemKind};
use crate::restore::report::{Change, ChangeKind, Phase, Report};
use crate::restore::select::{Filter as Selected, Selection};
use crate::restore::{self, Options, Request};
use crate::units;

/// Restores one snapshot.
pub fn run(context: &Context, work: &Restore) -> Result<Outcome, ActionError> {
    let dry_run = context.request.action.dry_run;
    let (opened, _lock) = open(context, &work.container, Access::Shared)?;
    let start = Instant::now();
    let found = opened.snapshots(&Filter::default())?;
    let snapshots: Vec<Snapshot> = found
        .iter()
        .map(|(snapshot, ..)| snapshot.clone())
        .collect();
    let snapshot = choose(&snapshots, work)?.clone();
    let Some((_, _, file)) = found.iter().find(|(found, ..)| found.id == snapshot.id) else {
        return Err(ActionError::SnapshotGone {
            id: snapshot.short_id().to_owned(),
        });
    };
    log(&announcement(&snapshot, work, dry_run));
    if snapshot.partial {
        log("this snapshot is partial: something could not be backed up into it");
    }
    let indexed = Indexed::load(opened.repository.clone())
        .map_err(|error| opened.failed("read the index", error))?;
    for problem in &indexed.problems {
        log(&format!("warning: {problem}"));
    }
    let progress = Progress {
        reporter: &context.reporter,
        dry_run,
    };
    let report = restore::restore(&Request {
        repository: &indexed,
        snapshot: file,
        target: &work.target,
        selection: Selection::Whole,
        filter: Selected::default(),
        options: Options {
            overwrite: work.overwrite,
            dry_run,
            ..Options::default()
        },
        delete_extra: None,
        protected: std::slice::from_ref(&opened.directory),
        observer: &progress,
    })
    .map_err(|source| match source.kind {
        RestoreErrorKind::Protected => ActionError::TargetInContainer {
            target: work.target.clone(),
            place: work.container.location.clone(),
        },
        _ => ActionError::Restore {
            source: Box::new(source),
        },
    })?;
    if !report.owners_restored && !dry_run {
        log("owners are not restored: that takes root's rights");
    }
    for mapped in &report.owners_mapped {
        log(&format!(
            "note: the {} {} has the number {} in the snapshot and {} here; the name decides",
            if mapped.is_group { "group" } else { "user" },
            mapped.name,
            mapped.recorded,
            mapped.used
        ));
    }
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
    Ok(outcome::partial_restore(
        summary,
        reason,
        &work.target,
        &report.problems,
    ))
}

/// Tells the daemon and the log what the restore does.
struct Progress<'a> {
    reporter: &'a Reporter,
    dry_run: bool,
}

impl restore::report::Observer for Progress<'_> {
    fn phase(&self, phase: Phase) {
        self.reporter.phase(match phase {
            Phase::Counting => "scanning",
            Phase::Restoring => "restoring",
            Phase::Verifying => "verifying",
            // The end of the restore. Its counts stay.
            Phase::Removing | Phase::Syncing => return,
        });
    }

    fn total(&self, files: u64, bytes: u64) {
        self.reporter.total(Some(files), Some(bytes));
    }

    fn advance(&self, files: u64, bytes: u64) {
        self.reporter.advance(files, bytes);
    }

    fn problem(&self, problem: &Problem) {
        log(&problem.to_string());
    }

    fn wants_changes(&self) -> bool {
        self.dry_run
    }

    fn change(&self, change: Change) {
        let verb = match change.kind {
            ChangeKind::Create => "create",
            ChangeKind::Replace => "replace",
            ChangeKind::Update => "set the metadata of",
            ChangeKind::Remove => "remove",
        };
        log(&format!("would {verb} {}", change.path.display()));
    }
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

fn result_line(report: &Report, start: Instant, dry_run: bool) -> String {
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

fn partial_reason(report: &Report, work: &Restore) -> String {
    let first = report.problems.first.first();
    let kept = report
        .problems
        .first
        .iter()
        .any(|problem| matches!(problem.kind, ProblemKind::Kept(_)));
    format!(
        "{} not as in the snapshot{}{}",
        units::count(report.problems.total, "path is", "paths are"),
        first.map_or_else(String::new, |problem| format!(
            ", the first being {} ({})",
            work.target.join(&problem.path).display(),
            outcome::restore_reason(problem)
        )),
        if kept && !work.overwrite {
            "; overwrite replaces what differs"
        } else {
            ""
        }
    )
}
