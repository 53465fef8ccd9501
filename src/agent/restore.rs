//! A restore: chooses the snapshot, lets the engine restore it, and says what is not as in the snapshot.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Instant;

use chrono::Utc;

use super::archived::{archive_of, await_packs};
use super::choice::{choose, notes};
use super::error::ActionError;
use super::held::shown_label;
use super::left_out_rules::{LeftOutRules, Spared};
use super::report::{escaped, local, log};
use super::repository::SnapshotFiles;
use super::restore_progress::Progress;
use super::snapshot::{Filter, Snapshot};
use super::{Context, open, outcome};
use crate::job::action::{Access, Restore};
use crate::kill_point::{self, Point};
use crate::protocol::{Outcome, Summary};
use crate::repository::error::Error;
use crate::repository::indexed::Indexed;
use crate::repository::snapshot::Snapshot as SnapshotFile;
use crate::restore::error::ErrorKind as RestoreErrorKind;
use crate::restore::packs::needed;
use crate::restore::problem::{Problem, ProblemKind, Problems};
use crate::restore::report::Report;
use crate::restore::select::{Filter as Selected, Selection};
use crate::restore::{self, DeleteExtra, Options, Request};
use crate::source::patterns::Patterns;
use crate::storage::id::Id;
use crate::units;

/// Restores one snapshot.
pub fn run(context: &Context, work: &Restore) -> Result<Outcome, ActionError> {
    let dry_run = context.request.action.dry_run;
    let (opened, _lock) = open(context, &work.container, Access::Shared)?;
    let start = Instant::now();
    let SnapshotFiles {
        found,
        mut unreadable,
    } = opened.snapshot_files(&Filter::default())?;
    for (_, error) in &unreadable {
        log(&format!("warning: {error}"));
    }
    let snapshots: Vec<Snapshot> = found
        .iter()
        .map(|(snapshot, ..)| snapshot.clone())
        .collect();
    let snapshot = choose(&snapshots, work)
        .map_err(|reason| reason.beside(&unreadable))?
        .clone();
    if work.snapshot.is_some() {
        // What is asked for is there, whatever the others are.
        unreadable.clear();
    }
    if work.delete_extra && !unreadable.is_empty() {
        let (_, error) = unreadable.swap_remove(0);
        return Err(ActionError::NewestUnknown {
            snapshot: snapshot.short_id().to_owned(),
            source: Box::new(error),
        });
    }
    let Some((_, _, file)) = found.iter().find(|(found, ..)| found.id == snapshot.id) else {
        return Err(ActionError::SnapshotGone {
            id: snapshot.short_id().to_owned(),
        });
    };
    log(&announcement(&snapshot, work, dry_run));
    if work.snapshot.is_none() && snapshot.is_of_the_future(Utc::now()) {
        log(
            "warning: the time of this snapshot has not come yet: a clock was wrong, and other snapshots may be newer; \
             `freezerd snapshots` lists them",
        );
    }
    if snapshot.partial {
        log("this snapshot is partial: something could not be backed up into it");
    }
    for note in notes(&snapshots, &snapshot, work) {
        log(&note.to_string());
    }
    let (selection, place) = selection(work, &snapshot);
    let filter = Selected {
        include: patterns("include", &place, &work.include)?,
        exclude: patterns("exclude", &place, &work.exclude)?,
        only: None,
    };
    let spared = match work.delete_extra {
        true => Some(spared(work, &snapshot, file, &place)?),
        false => None,
    };
    let keep = |below: &Path, is_directory: bool| {
        spared
            .as_ref()
            .is_none_or(|spared| spared.stays(below, is_directory))
    };
    let mut protected: Vec<PathBuf> = opened.directory().map(Path::to_owned).into_iter().collect();
    if work.delete_extra {
        protected.extend(context.request.protected.iter().cloned());
    }
    let indexed = Indexed::load(opened.repository.clone())
        .map_err(|error| opened.failed("read the index", error))?;
    for problem in &indexed.problems {
        log(&format!("warning: {problem}"));
    }
    let progress = Progress {
        reporter: &context.reporter,
        target: &work.target,
        dry_run,
        deletes: work.delete_extra,
    };
    let was_there = work.target.symlink_metadata().is_ok();
    let request = Request {
        repository: &indexed,
        snapshot: file,
        target: &work.target,
        selection,
        filter,
        options: Options {
            overwrite: work.overwrite,
            dry_run,
            numeric_owner: work.numeric_owner,
            verify: work.verify,
            ..Options::default()
        },
        delete_extra: work.delete_extra.then_some(DeleteExtra {
            partial: snapshot.partial,
            keep: &keep,
        }),
        protected: &protected,
        observer: &progress,
    };
    let failed = |source: restore::error::Error| match source.kind {
        RestoreErrorKind::Protected
            if opened
                .directory()
                .is_some_and(|directory| is_below(&work.target, directory)) =>
        {
            ActionError::TargetInContainer {
                target: work.target.clone(),
                place: work.container.location.clone(),
            }
        }
        _ => ActionError::Restore {
            source: Box::new(source),
        },
    };
    if let Some(archive) = archive_of(context, &opened) {
        // What does not begin costs nothing.
        restore::refuse(&request).map_err(failed)?;
        context.reporter.phase("scanning");
        let packs = needed(&indexed, file, selection, &request.filter).map_err(failed)?;
        await_packs(context, archive, &indexed.index, &packs)?;
    }
    let report = restore::restore(&request).map_err(failed)?;
    // Patterns that only take away choose nothing.
    let chooses = work.include.iter().any(|pattern| !pattern.starts_with('!'));
    if report.files == 0
        && report.directories == 0
        && (!report.unmatched.include.is_empty() || (!chooses && !work.include.is_empty()))
    {
        if !was_there {
            // Nothing was restored into the directory that was made. It goes only if it is empty.
            let _ = std::fs::remove_dir(&work.target);
        }
        return Err(ActionError::NothingIncluded {
            patterns: match chooses {
                true => report.unmatched.include,
                false => work.include.clone(),
            },
        });
    }
    tell_owners(&report, work, dry_run);
    for pattern in &report.unmatched.exclude {
        log(&format!(
            "warning: the pattern {pattern} for what not to restore matched nothing"
        ));
    }
    kill_point::reached(Point::Restored);
    log(&result_line(&report, work, start, dry_run));
    let summary = Summary {
        snapshot: Some(snapshot.id),
        files: Some(report.written + report.identical),
        bytes: Some(report.bytes),
        entries_deleted: (work.delete_extra && !dry_run).then_some(report.removed),
        entries_to_delete: (work.delete_extra && dry_run).then_some(report.removed),
        files_verified: (work.verify && !dry_run).then_some(report.verified),
        ..Summary::default()
    };
    match partial_reason(&report, work, &unreadable) {
        None => Ok(outcome::success(summary)),
        Some(reason) => {
            let outcome = outcome::partial_restore(summary, reason, &work.target, &report);
            Ok(outcome::with_unreadable_snapshots(outcome, &unreadable))
        }
    }
}

/// The part of the snapshot that is restored, and the path in the snapshot whose content goes into the target.
fn selection<'a>(work: &'a Restore, snapshot: &Snapshot) -> (Selection<'a>, PathBuf) {
    if let Some(part) = &work.part {
        return (Selection::Path(part), part.clone());
    }
    match (work.paths.as_slice(), snapshot.paths.as_slice()) {
        ([one], [_, _, ..]) => (Selection::Path(one), one.clone()),
        // The others are not in it yet, and their full paths are expected below the target.
        ([_, _, ..], [_]) => (Selection::FullPaths, "/".into()),
        (_, [path]) => (Selection::Whole, path.into()),
        _ => (Selection::Whole, "/".into()),
    }
}

/// Reads the patterns of a restore. `what` is what they are for. They begin at `place`.
fn patterns(what: &'static str, place: &Path, texts: &[String]) -> Result<Patterns, ActionError> {
    let (patterns, faults) = Patterns::new(place, texts);
    match faults.first() {
        None => Ok(patterns),
        Some((index, fault)) => Err(ActionError::RestorePattern {
            what,
            pattern: texts.get(*index).cloned().unwrap_or_default(),
            fault: *fault,
        }),
    }
}

/// What a restore that deletes leaves alone, because the backup did.
fn spared(
    work: &Restore,
    snapshot: &Snapshot,
    file: &SnapshotFile,
    place: &Path,
) -> Result<Spared, ActionError> {
    let rules = LeftOutRules::of(file).ok_or_else(|| ActionError::LeftOutUnknown {
        snapshot: snapshot.short_id().to_owned(),
        program: match file.program_version.as_str() {
            "" => "another program".to_owned(),
            program => program.to_owned(),
        },
    })?;
    Ok(Spared::new(
        file,
        &rules,
        place.to_owned(),
        work.target.clone(),
    ))
}

/// Whether a path, which may not exist yet, lies in a directory. Links are followed.
fn is_below(path: &Path, directory: &Path) -> bool {
    let existing = path.ancestors().find_map(|path| path.canonicalize().ok());
    match (existing, directory.canonicalize()) {
        (Some(path), Ok(directory)) => path.starts_with(directory),
        _ => false,
    }
}

fn tell_owners(report: &Report, work: &Restore, dry_run: bool) {
    if !report.owners_restored && !dry_run {
        log(
            "owners are not restored, nor setuid and setgid of programs of other owners: that takes root's rights",
        );
    }
    if report.cut_times {
        log(
            "note: the file system of the target keeps times less exactly than the snapshot has them",
        );
    }
    for mapped in &report.owners_mapped {
        log(&format!(
            "note: the {} {} has the number {} in the snapshot and {} here; {}",
            if mapped.is_group { "group" } else { "user" },
            mapped.name,
            mapped.recorded,
            mapped.here,
            if work.numeric_owner {
                "the number in the snapshot is used"
            } else {
                "the name decides; numeric_owner uses the number"
            }
        ));
    }
}

fn announcement(snapshot: &Snapshot, work: &Restore, dry_run: bool) -> String {
    let what = match &work.part {
        Some(part) => format!("{} of ", escaped(part)),
        None => String::new(),
    };
    format!(
        "{} {what}snapshot {} ({} of {}, {}) to {}",
        if dry_run {
            "would restore"
        } else {
            "restoring"
        },
        snapshot.short_id(),
        shown_label(&snapshot.label),
        snapshot.host,
        local(snapshot.time),
        escaped(&work.target)
    )
}

fn result_line(report: &Report, work: &Restore, start: Instant, dry_run: bool) -> String {
    let amount = format!(
        "{}, {}",
        units::files_and_others(report.written),
        units::bytes(report.bytes)
    );
    let mut line = if dry_run {
        format!("would write {amount}; {} there already", report.identical)
    } else {
        format!(
            "wrote {amount} in {}; {} there already",
            units::effort(report.bytes, start.elapsed()),
            report.identical
        )
    };
    if report.removed > 0 {
        let would = if dry_run { "would have been " } else { "" };
        let deleted = units::count(report.removed, "entry", "entries");
        line.push_str(&format!("; {deleted} {would}deleted"));
    }
    if work.verify && !dry_run {
        let verified = units::count(report.verified, "file", "files");
        line.push_str(&format!("; {verified} read again, as in the snapshot"));
    }
    line
}

fn is_damage(problem: &Problem) -> bool {
    use ProblemKind::{Content, Size, Tree};
    matches!(problem.kind, Tree | Content | Size) && !problem.is_out_of_reach()
}

/// How many paths have a problem. A path may have several.
fn paths_of(problems: &Problems) -> u64 {
    let paths: BTreeSet<&Path> = problems
        .first
        .iter()
        .map(|problem| problem.path.as_path())
        .collect();
    let repeated = problems.first.len() - paths.len();
    problems.total.saturating_sub(repeated as u64)
}

/// Why a restore is partial. `None`: it is not.
fn partial_reason(report: &Report, work: &Restore, unreadable: &[(Id, Error)]) -> Option<String> {
    let mut reasons = Vec::new();
    if !report.problems.is_empty() {
        let first = report.problems.first.first();
        let kept = report
            .problems
            .first
            .iter()
            .any(|problem| matches!(problem.kind, ProblemKind::Kept(_)));
        reasons.push(format!(
            "{} not as in the snapshot{}{}",
            units::count(paths_of(&report.problems), "path is", "paths are"),
            first.map_or_else(String::new, |problem| format!(
                ", the first being {} ({})",
                escaped(&work.target.join(&problem.path)),
                outcome::restore_reason(problem)
            )),
            if kept && !work.overwrite {
                "; `overwrite` (`--overwrite`) replaces what differs"
            } else {
                ""
            }
        ));
    }
    if report.problems.first.iter().any(is_damage) {
        reasons.push(
            "the repository is damaged: an action `check` says what else is lost, and another snapshot may have it whole"
                .to_owned(),
        );
    }
    if !report.unmatched.include.is_empty() {
        reasons.push(format!(
            "nothing in the snapshot matches {}",
            report.unmatched.include.join(", ")
        ));
    }
    if let Some((_, first)) = unreadable.first() {
        reasons.push(outcome::newest_unknown(first));
    }
    (!reasons.is_empty()).then(|| reasons.join("; "))
}
