//! A backup: checks the source, chooses the level, lets the engine back up, and removes old snapshots.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use chrono::Utc;

use super::error::ActionError;
use super::level::{self, NextLevel};
use super::lock::Lock;
use super::report::log;
use super::{Context, admin, outcome, password};
use crate::job::action::{Access, Age, Backup};
use crate::kill_point::{self, Point};
use crate::protocol::{Outcome, Summary};
use crate::rustic::place::{self, Place, UnderLock};
use crate::rustic::{
    BackupOptions, BackupReport, Filter, Observer, Password, Patterns, Repository, Snapshot,
};
use crate::units;

/// Backs up one file tree.
pub fn run(context: &Context, work: &Backup) -> Result<Outcome, ActionError> {
    if work.dereference_symlink {
        return Err(ActionError::DereferenceSymlink);
    }
    let is_empty = examine(&work.path)?;
    let password = password::read(&work.container, &*context.reporter)?;
    if context.request.action.dry_run {
        return rehearse(context, work, &password, is_empty);
    }
    let (lock, repository) = open_or_create(context, work, &password)?;
    let lineage = repository.snapshots(&filter(work))?;
    if let Some(summary) = finished_before(context, work, &lineage) {
        return clear_out(context, work, &repository, &lock, summary);
    }
    refuse_emptied(work, is_empty, &lineage)?;
    let comparable = comparable(work, lineage);
    let next = level::next(&comparable, &work.levels, Utc::now());
    log(&announcement("backing up", work, &next));

    let start = Instant::now();
    let report = repository.backup(&work.path, &options(context, work, &next))?;
    let snapshot = report.snapshot.as_ref().map(|snapshot| snapshot.id.clone());
    log(&result_line(&report, start));
    let summary = Summary {
        snapshot,
        level: Some(next.level),
        files: Some(report.summary.files),
        files_new: Some(report.summary.files_new),
        files_changed: Some(report.summary.files_changed),
        bytes: Some(report.summary.bytes),
        bytes_added: Some(report.summary.bytes_added),
        ..Summary::default()
    };
    if !report.problems.is_empty() {
        let reason = partial_reason(&report);
        return Ok(outcome::partial(summary, reason, &report.problems));
    }
    clear_out(context, work, &repository, &lock, summary)
}

/// Finds a snapshot that an interrupted run or an earlier attempt had finished before it was lost: then the backup is
/// not repeated. Snapshots that are `partial`, that have another path or name, or that are too old do not count. One
/// that was not confirmed before the crash is still `partial`.
fn finished_before(context: &Context, work: &Backup, lineage: &[Snapshot]) -> Option<Summary> {
    let request = &context.request;
    let (earlier, snapshot) = request.earlier.iter().find_map(|earlier| {
        let tag = earlier.run_tag.snapshot_tag(request.action_index);
        let snapshot = lineage.iter().rfind(|snapshot| {
            !snapshot.partial
                && snapshot.tags.contains(&tag)
                && snapshot.time >= earlier.not_before
                && is_of(work, snapshot)
        });
        Some((earlier, snapshot?))
    })?;
    let who = if earlier.run_tag == request.run_tag {
        "an earlier attempt"
    } else {
        "the interrupted run"
    };
    log(&format!(
        "{who} had finished this backup: snapshot {} stands for it",
        snapshot.short_id()
    ));
    let numbers = snapshot.summary.unwrap_or_default();
    Some(Summary {
        snapshot: Some(snapshot.id.clone()),
        level: snapshot.level,
        files: Some(numbers.files),
        files_new: Some(numbers.files_new),
        files_changed: Some(numbers.files_changed),
        bytes: Some(numbers.bytes),
        bytes_added: Some(numbers.bytes_added),
        ..Summary::default()
    })
}

/// Whether the source is an empty directory.
///
/// # Errors
/// When it does not exist or cannot be read.
fn examine(path: &Path) -> Result<bool, ActionError> {
    let failed = |source: io::Error| {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::NotFound => ActionError::SourceMissing { path },
            _ => ActionError::SourceUnreadable { path, source },
        }
    };
    if !fs::metadata(path).map_err(failed)?.is_dir() {
        return Ok(false);
    }
    Ok(fs::read_dir(path).map_err(failed)?.next().is_none())
}

/// Refuses a source that is empty now and was not before: a disk that is not mounted leaves an empty directory, and no
/// snapshot may record that all files are gone.
fn refuse_emptied(work: &Backup, is_empty: bool, lineage: &[Snapshot]) -> Result<(), ActionError> {
    let Some(last) = lineage.last().filter(|_| is_empty && !work.allow_empty) else {
        return Ok(());
    };
    match last.summary.map(|summary| summary.files) {
        Some(0) => Ok(()),
        files => Err(ActionError::SourceEmptied {
            path: work.path.clone(),
            snapshot: last.short_id().to_owned(),
            time: last.time,
            files,
        }),
    }
}

/// Refuses to begin a new repository where earlier runs had one: a disk that is not mounted leaves nothing there, a new
/// repository would be on the wrong disk, and its success would hide that all earlier backups are out of reach.
fn refuse_lost(context: &Context, work: &Backup) -> Result<(), ActionError> {
    if !context.request.expects_repository || work.allow_new_container {
        return Ok(());
    }
    Err(ActionError::RepositoryGone {
        place: work.container.location.clone(),
    })
}

/// Opens the repository, shared with others. The first backup creates it, while it has the container alone.
fn open_or_create(
    context: &Context,
    work: &Backup,
    password: &Password,
) -> Result<(Lock, Repository), ActionError> {
    let container = &work.container;
    let observer: Arc<dyn Observer> = Arc::<super::Reporter>::clone(&context.reporter);
    let vacant = match place::look(container)? {
        Place::Repository(existing) => {
            let lock = Lock::take(container, Access::Shared, &context.reporter)?;
            let repository = Repository::open(existing, password, observer)?;
            note_compression(work, &repository)?;
            return Ok((lock, repository));
        }
        Place::Vacant(vacant) => {
            refuse_lost(context, work)?;
            vacant
        }
        Place::Other(other) => {
            refuse_lost(context, work)?;
            return Err(other.error().into());
        }
    };
    let (lock, found) = Lock::take_vacant(vacant, &context.reporter)?;
    let repository = match found {
        UnderLock::Repository(existing) => Repository::open(existing, password, observer)?,
        UnderLock::Creatable(place) => {
            let made = Repository::create(place, password, work.compression_level, observer)?;
            kill_point::reached(Point::RepositoryMade);
            log(&format!("created a repository in {}", container.location));
            made
        }
    };
    lock.change(Access::Shared, &context.reporter)?;
    Ok((lock, repository))
}

/// Logs when the repository has another compression level than the job asks for: the engine always uses the level that
/// the repository was created with.
fn note_compression(work: &Backup, repository: &Repository) -> Result<(), ActionError> {
    let Some(wanted) = work.compression_level else {
        return Ok(());
    };
    let kept = repository.compression()?;
    if kept != Some(wanted) {
        let kept = kept.map_or_else(
            || "the default level".to_owned(),
            |level| format!("level {level}"),
        );
        log(&format!(
            "compressing at {kept}, with which {} was created, not at level {wanted}",
            work.container.location
        ));
    }
    Ok(())
}

fn rehearse(
    context: &Context,
    work: &Backup,
    password: &Password,
    is_empty: bool,
) -> Result<Outcome, ActionError> {
    let observer: Arc<dyn Observer> = Arc::<super::Reporter>::clone(&context.reporter);
    let lineage = match place::look(&work.container)? {
        Place::Vacant(_) => {
            refuse_lost(context, work)?;
            log(&format!(
                "would create a repository in {}",
                work.container.location
            ));
            Vec::new()
        }
        Place::Repository(existing) => {
            let _lock = Lock::take(&work.container, Access::Shared, &context.reporter)?;
            Repository::open(existing, password, Arc::clone(&observer))?.snapshots(&filter(work))?
        }
        Place::Other(other) => return Err(other.error().into()),
    };
    refuse_emptied(work, is_empty, &lineage)?;
    let comparable = comparable(work, lineage);
    let next = level::next(&comparable, &work.levels, Utc::now());
    log(&announcement("would back up", work, &next));
    let report = Repository::rehearse_backup(
        &work.path,
        &options(context, work, &next),
        &work.container.location,
        observer,
    )?;
    log(&format!(
        "would back up {}, {}",
        units::count(report.summary.files, "file", "files"),
        units::bytes(report.summary.bytes)
    ));
    let summary = Summary {
        level: Some(next.level),
        files: Some(report.summary.files),
        bytes: Some(report.summary.bytes),
        ..Summary::default()
    };
    if report.problems.is_empty() {
        Ok(outcome::success(summary))
    } else {
        let reason = partial_reason(&report);
        Ok(outcome::partial(summary, reason, &report.problems))
    }
}

fn filter(work: &Backup) -> Filter {
    Filter {
        host: Some(work.lineage.host.clone()),
        label: Some(work.lineage.backup_name.clone()),
        tag: None,
    }
}

/// Leaves out snapshots of another path under the same name: there is nothing to compare.
fn comparable(work: &Backup, mut lineage: Vec<Snapshot>) -> Vec<Snapshot> {
    lineage.retain(|snapshot| is_of(work, snapshot));
    lineage
}

fn is_of(work: &Backup, snapshot: &Snapshot) -> bool {
    snapshot.paths.len() == 1 && Path::new(&snapshot.paths[0]) == work.path
}

fn options(context: &Context, work: &Backup, next: &NextLevel<'_>) -> BackupOptions {
    let request = &context.request;
    BackupOptions {
        host: work.lineage.host.clone(),
        label: work.lineage.backup_name.clone(),
        tags: vec![
            Snapshot::level_tag(next.level),
            request.run_tag.snapshot_tag(request.action_index),
        ],
        parent: next.parent.map(|parent| parent.id.clone()),
        exclude: Patterns::new(&work.exclude),
        ignore_unreadable: Patterns::new(&work.ignore_unreadable),
    }
}

fn announcement(what: &str, work: &Backup, next: &NextLevel<'_>) -> String {
    let parent = next.parent.map_or_else(String::new, |parent| {
        format!(", parent {}", parent.short_id())
    });
    format!(
        "{what} {} to container {} as {} of {} (level {}{parent})",
        work.path.display(),
        work.container.name,
        work.lineage.backup_name,
        work.lineage.host,
        next.level
    )
}

fn result_line(report: &BackupReport, start: Instant) -> String {
    let summary = &report.summary;
    format!(
        "snapshot {}: {} ({} new, {} changed), {} in {}, {} added",
        report.snapshot.as_ref().map_or("none", Snapshot::short_id),
        units::count(summary.files, "file", "files"),
        summary.files_new,
        summary.files_changed,
        units::bytes(summary.bytes),
        units::effort(summary.bytes, start.elapsed()),
        units::bytes(summary.bytes_added)
    )
}

fn partial_reason(report: &BackupReport) -> String {
    let first = report.problems.first.first();
    format!(
        "{} could not be backed up as a whole{}; ignore_unreadable names what may be missing",
        units::count(report.problems.total, "path", "paths"),
        first.map_or_else(String::new, |problem| format!(
            ", the first being {} ({})",
            problem.path.display(),
            problem.fault
        )),
    )
}

/// Removes old snapshots after the backup, if the job says so. The backup is done, and the reason of a failure says so.
fn clear_out(
    context: &Context,
    work: &Backup,
    repository: &Repository,
    lock: &Lock,
    mut summary: Summary,
) -> Result<Outcome, ActionError> {
    let Some(days) = work.remove_older_than else {
        return Ok(outcome::success(summary));
    };
    let removed = lock
        .change(Access::Exclusive, &context.reporter)
        .and_then(|()| admin::remove_old(repository, &work.lineage, Age::Days(days), false));
    match removed {
        Ok(removed) => {
            summary.snapshots_removed = Some(removed.removed);
            summary.snapshots = Some(removed.left);
            Ok(outcome::success(summary))
        }
        Err(error) => Ok(Outcome {
            verdict: error.verdict(),
            reason: Some(format!(
                "the backup is done, but old snapshots could not be removed: {error}"
            )),
            ..outcome::success(summary)
        }),
    }
}
