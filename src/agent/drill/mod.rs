//! A drill: restores a snapshot, or a sample of it, into scratch space, compares it with the snapshot and with the source,
//! runs a command on it, and removes it again.

mod compare;
mod conclude;
mod sample;
mod scratch;

use std::convert::Infallible;
use std::ffi::OsString;
use std::ops::ControlFlow;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::archived::{archive_of, await_packs};
use super::choice::choose;
use super::error::ActionError;
use super::held::shown_label;
use super::report::{escaped, local, log};
use super::repository::{Opened, SnapshotFiles};
use super::restore_progress::Progress;
use super::snapshot::{Filter, Snapshot};
use super::{Context, exec, open, outcome};
use crate::inspect::diff::live::LiveSide;
use crate::inspect::diff::side::{SideError, SnapshotSide};
use crate::inspect::diff::{Told, diff};
use crate::job::action::{Access, Drill, Restore};
use crate::protocol::{Outcome, Summary};
use crate::repository::error::Error as EngineError;
use crate::repository::indexed::Indexed;
use crate::repository::node::NodeKind;
use crate::repository::snapshot::Snapshot as SnapshotFile;
use crate::repository::walk::{Met, Step, count, refuse_endless, walk};
use crate::restore::packs::needed;
use crate::restore::select::{Filter as Selected, Only, Selection};
use crate::restore::{self, Options, Request};
use crate::storage::id::Id;
use crate::units;
use compare::{Comparison, Findings};
use conclude::{Done, conclude};
use sample::Sampler;
use scratch::Scratch;

/// So many lines about paths go to the log, at most.
const MOST_LINES: usize = 1000;

/// What a drill restores.
pub(super) struct Plan {
    /// `None`: everything.
    only: Option<Only>,
    /// Files and other entries that are not directories.
    files: u64,
    directories: u64,
    bytes: u64,
    /// It is a sample of a snapshot that has files, or may have some where it cannot be read.
    has_files: bool,
}

type FoundSnapshot = (Snapshot, SnapshotFile, Vec<(Id, EngineError)>);

/// Performs one drill.
pub fn run(context: &Context, work: &Drill) -> Result<Outcome, ActionError> {
    let (opened, lock) = open(context, &work.container, Access::Shared)?;
    let (snapshot, file, unreadable) = find(&opened, work)?;
    log(&announcement(&snapshot, work));
    if snapshot.partial {
        log("this snapshot is partial: something could not be backed up into it");
    }
    let indexed = Indexed::load(opened.repository.clone())
        .map_err(|error| opened.failed("read the index", error))?;
    for problem in &indexed.problems {
        log(&format!("warning: {problem}"));
    }
    context.reporter.phase("scanning");
    let plan = plan(context, work, &indexed, &file)
        .map_err(|error| opened.failed("read the snapshot", error))?;
    let place = work.scratch.clone().unwrap_or_else(scratch::default_place);
    if context.request.action.dry_run {
        log(&format!(
            "would restore {} into {}",
            plan.words(),
            escaped(&place)
        ));
        return Ok(outcome::success(Summary {
            snapshot: Some(snapshot.id),
            files: Some(plan.files),
            bytes: Some(plan.bytes),
            ..Summary::default()
        }));
    }
    scratch::sweep(&place);
    let entries = plan.files.saturating_add(plan.directories);
    scratch::has_room(&place, entries, plan.bytes, is_by_hand(context))?;
    if let Some(archive) = archive_of(context, &opened) {
        let packs = needed(&indexed, &file, Selection::FullPaths, &plan.filter());
        let packs = packs.map_err(|source| ActionError::Restore {
            source: Box::new(source),
        })?;
        await_packs(context, archive, &indexed.index, &packs)?;
    }
    log(&format!(
        "restoring {} into {}",
        plan.words(),
        escaped(&place)
    ));
    let scratch = Scratch::make(&place, &context.request.run_tag.to_string())?;
    scratch.ends_with(&context.termination);
    let data = scratch.data();
    let done = restore_and_compare(context, work, &opened, &indexed, &file, &plan, &data);
    // A command may take long, and does not need the container.
    drop((indexed, lock, opened));
    let ended = match (&done, &work.command) {
        (Ok(_), Some(command)) => exec::run_on(context, command, &data, &snapshot.id).map(Some),
        _ => Ok(None),
    };
    scratch.remove();
    Ok(conclude(&snapshot, done?, ended?, &unreadable))
}

/// Whether a command asks for the drill, and not a job.
fn is_by_hand(context: &Context) -> bool {
    context.request.run == 0
}

/// The snapshot that is meant, and those that cannot be read, of which one may be newer.
fn find(opened: &Opened, work: &Drill) -> Result<FoundSnapshot, ActionError> {
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
    let chosen = choose(&snapshots, &as_restore(work))
        .map_err(|reason| reason.beside(&unreadable))?
        .clone();
    if work.snapshot.is_some() {
        // What is asked for is there, whatever the others are.
        unreadable.clear();
    }
    let file = found.into_iter().find(|(found, ..)| found.id == chosen.id);
    match file {
        Some((_, _, file)) => Ok((chosen, file, unreadable)),
        None => Err(ActionError::SnapshotGone {
            id: chosen.short_id().to_owned(),
        }),
    }
}

/// A restore takes the same snapshot.
fn as_restore(work: &Drill) -> Restore {
    Restore {
        container: work.container.clone(),
        lineage: work.lineage.clone(),
        paths: work.paths.clone(),
        target: PathBuf::new(),
        not_later_than: None,
        snapshot: work.snapshot.clone(),
        part: None,
        include: Vec::new(),
        exclude: Vec::new(),
        overwrite: false,
        delete_extra: false,
        numeric_owner: true,
        verify: false,
    }
}

/// Counts what is to be restored, and chooses the sample.
fn plan(
    context: &Context,
    work: &Drill,
    indexed: &Indexed,
    file: &SnapshotFile,
) -> Result<Plan, EngineError> {
    refuse_endless(indexed, file.tree)?;
    if work.sample_files.is_none() && work.sample_bytes.is_none() {
        let count = count(indexed, file.tree);
        return Ok(Plan {
            only: None,
            files: count.files,
            directories: count.directories,
            bytes: count.bytes,
            has_files: false,
        });
    }
    let seed = format!("{}/{}", context.request.run_tag, context.request.attempt);
    // By hand, another sample each time.
    let seed = match is_by_hand(context) {
        true => format!("{seed}/{}", std::process::id()),
        false => seed,
    };
    let mut sampler = Sampler::new(&seed, work.sample_files, work.sample_bytes);
    let mut has_files = false;
    let _: Option<Infallible> = walk(indexed, file.tree, |path, met| {
        match met {
            Met::Entry {
                node,
                problem: None,
            } if node.kind == NodeKind::File => {
                has_files = true;
                sampler.offer(path, node.size);
            }
            Met::Entry { problem: None, .. } | Met::Left { .. } => {}
            Met::Entry { .. } | Met::Unreadable { .. } => has_files = true,
        }
        context.reporter.advance(0, 0);
        ControlFlow::Continue(Step::Enter)
    });
    let sample = sampler.finish();
    if sample.is_over {
        log("all files with content are larger than the sample may be: the smallest one is taken");
    }
    let files = sample.paths.len() as u64;
    let paths = sample.paths.into_iter();
    let only = Only::new(paths.map(|path| PathBuf::from(OsString::from_vec(path))));
    Ok(Plan {
        files,
        directories: only.directories(),
        bytes: sample.bytes,
        has_files,
        only: Some(only),
    })
}

impl Plan {
    fn filter(&self) -> Selected {
        Selected {
            only: self.only.clone(),
            ..Selected::default()
        }
    }

    fn words(&self) -> String {
        let bytes = units::bytes(self.bytes);
        match self.only {
            Some(_) => {
                let files = units::count(self.files, "file", "files");
                format!("a sample of {files}, {bytes}")
            }
            None => format!("{}, {bytes}", units::files_and_others(self.files)),
        }
    }
}

fn restore_and_compare(
    context: &Context,
    work: &Drill,
    opened: &Opened,
    indexed: &Indexed,
    file: &SnapshotFile,
    plan: &Plan,
    target: &Path,
) -> Result<Done, ActionError> {
    let start = Instant::now();
    let protected: Vec<PathBuf> = opened.directory().map(Path::to_owned).into_iter().collect();
    let progress = Progress {
        reporter: &context.reporter,
        target,
        dry_run: false,
        deletes: false,
    };
    let report = restore::restore(&Request {
        repository: indexed,
        snapshot: file,
        target,
        selection: Selection::FullPaths,
        filter: plan.filter(),
        options: Options {
            numeric_owner: true,
            ..Options::default()
        },
        delete_extra: None,
        protected: &protected,
        observer: &progress,
    })
    .map_err(|source| ActionError::Restore {
        source: Box::new(source),
    })?;
    let restore_took = start.elapsed();
    log(&format!(
        "restored {}, {} in {}",
        units::files_and_others(report.written),
        units::bytes(report.bytes),
        units::effort(report.bytes, restore_took)
    ));
    let mut findings = Findings::default();
    for problem in &report.problems.first {
        let path = Path::new("/").join(&problem.path);
        let path = path.as_os_str().as_encoded_bytes();
        let kind = outcome::restore_kind(problem);
        findings.note(path, kind, outcome::restore_reason(problem));
    }
    findings.total = findings.total.max(report.problems.total);
    context.reporter.phase("comparing");
    context.reporter.total(Some(plan.files), Some(plan.bytes));
    let mut comparison = Comparison {
        plan,
        target,
        with_owners: report.owners_restored,
        with_source: work.compare_source,
        found: findings,
    };
    let mut one = SnapshotSide::new(indexed, file.tree);
    let mut other = LiveSide::new(indexed, target.to_owned(), file);
    let ended = diff(&mut one, &mut other, |told| {
        let (files, bytes) = comparison.found.seen();
        match told {
            Told::Unreadable {
                error: SideError::Repository(error),
                ..
            } if error.is_out_of_reach() => return ControlFlow::Break(error),
            told => comparison.add(&told),
        }
        let (files_now, bytes_now) = comparison.found.seen();
        context
            .reporter
            .advance(files_now - files, bytes_now - bytes);
        ControlFlow::Continue(())
    });
    if let ControlFlow::Break(error) = ended {
        return Err(opened.failed("read the snapshot", error));
    }
    let findings = comparison.found;
    for problem in findings.problems.iter().take(MOST_LINES) {
        log(&format!("{}: {}", problem.path, problem.reason));
    }
    log(&format!(
        "compared {} with the snapshot, and {} with this host",
        units::count(findings.files, "file", "files"),
        units::count(findings.source_files, "file", "files")
    ));
    Ok(Done {
        report,
        findings,
        restore_took,
        is_sample: plan.only.is_some(),
        has_files: plan.has_files,
    })
}

fn announcement(snapshot: &Snapshot, work: &Drill) -> String {
    format!(
        "drill of snapshot {} ({} of {}, {}) in {}",
        snapshot.short_id(),
        shown_label(&snapshot.label),
        snapshot.host,
        local(snapshot.time),
        work.container.location
    )
}
