//! Restores a snapshot into a directory.
//!
//! One thread walks through the trees of the snapshot and makes the directories (`walk`, `make`). The others write the
//! files (`worker`). Each name is resolved at the descriptor of its directory, and no link is followed, so nothing
//! outside of the target is reached. Every piece of content is compared with its id before it is written. `plan` puts the
//! pieces into the order of the packs.
//!
//! **What exists.** An entry that is as in the snapshot stays, so a restore that was ended early goes on where it was.
//! An entry that differs is kept and is a problem; with [`Options::overwrite`] it is replaced. What the snapshot does
//! not hold stays, unless [`Request::delete_extra`] is given.
//!
//! **What goes wrong** with one entry is a [`Problem`], and the others are restored. An [`Error`] means that the restore
//! could not go on.
//!
//! [`Problem`]: problem::Problem

use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::sync_channel;

use crate::repository::indexed::Indexed;
use crate::repository::snapshot::Snapshot;
use crate::repository::walk::{Count, MOST_ENTRIES, count};
use crate::storage::Traits;

mod attributes;
mod batch;
mod directories;
mod directory;
mod entry;
pub mod error;
mod extras;
mod file;
mod hands;
mod large;
mod links;
mod make;
mod metadata;
pub mod owners;
pub mod packs;
mod plan;
pub mod problem;
mod readable;
mod remove;
pub mod report;
mod restorer;
pub mod select;
mod sparse;
mod target;
mod walk;
mod whole;
mod worker;

use batch::Reach;
use directories::Origin;
use directory::Identity;
use error::{Doing, Error, ErrorKind, NoDelete};
use metadata::Metadata;
use owners::Owners;
use problem::{ProblemKind, Problems};
pub use remove::Keep;
use report::{Phase, Report, RestoreObserver, Unmatched};
use restorer::{Mode, Restorer};
use select::{Filter, Root, Selection};
use target::Target;
use walk::Walk;
use worker::Jobs;

/// How many threads are of use. Those that wait for a server leave the processors to others.
fn threads_for(traits: Traits) -> usize {
    let processors = std::thread::available_parallelism().map_or(2, usize::from);
    match traits.remote {
        true => processors.min(8).max(traits.parallel),
        false => processors.min(8),
    }
}

/// What to restore, where, and how.
pub struct Request<'a> {
    pub repository: &'a Indexed,
    pub snapshot: &'a Snapshot,
    /// Is made where it is missing, and may be a link to a directory.
    pub target: &'a Path,
    pub selection: Selection<'a>,
    pub filter: Filter,
    pub options: Options,
    /// Set: what the snapshot does not hold is deleted, if everything else could be restored.
    pub delete_extra: Option<DeleteExtra<'a>>,
    /// Directories that are never written or removed, nor anything in them: the container, the state directory.
    pub protected: &'a [PathBuf],
    pub observer: &'a dyn RestoreObserver,
}

/// How to restore. By default nothing is replaced, and owners are found by their names.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// What differs is replaced.
    pub overwrite: bool,
    /// Nothing is changed. The observer is told what would be.
    pub dry_run: bool,
    /// Owners by their numbers.
    pub numeric_owner: bool,
    /// Every restored file is read again and compared.
    pub verify: bool,
    /// How many threads read and write; 0: as many as there are processors, 8 at most, and as a storage away from this
    /// host has requests at a time.
    pub threads: usize,
    /// How many pieces of files wait at a time until they are read in the order of the packs; 0: as many as suits the
    /// storage.
    pub window: usize,
}

/// Deletes what the snapshot does not hold.
#[derive(Clone, Copy)]
pub struct DeleteExtra<'a> {
    /// The backup could not read everything: then nothing is deleted.
    pub partial: bool,
    /// What stays, because the backup had excluded it for example.
    pub keep: &'a Keep<'a>,
}

/// How many jobs wait for a thread at most.
const WAITING_JOBS: usize = 32;

/// Refuses a restore that must not begin, whatever the snapshot holds. Changes nothing.
///
/// # Errors
/// When the target is protected, or nothing may be deleted there.
pub fn refuse(request: &Request<'_>) -> Result<(), Error> {
    refuse_target(request).map(drop)
}

/// As [`refuse`]. Returns the directories that are never written.
fn refuse_target(request: &Request<'_>) -> Result<Vec<Identity>, Error> {
    let protected = target::identities(request.protected);
    target::refuse_protected(request.target, &protected)?;
    if let Some(delete) = &request.delete_extra {
        if delete.partial {
            let kind = ErrorKind::Delete(NoDelete::Partial);
            return Err(Error::new(kind, Doing::Delete, request.target));
        }
        target::refuse_delete(request.target, request.protected)?;
    }
    Ok(protected)
}

/// Restores a snapshot, or a part of one.
///
/// # Errors
/// When the restore cannot begin or cannot go on: the target cannot be used, or the file system is full. What was done
/// before is in the error. An entry that fails by itself is a problem in the report.
pub fn restore(request: &Request<'_>) -> Result<Report, Error> {
    let protected = refuse_target(request)?;
    let observer = request.observer;
    observer.phase(Phase::Counting);
    let root = select::root(request.repository, request.snapshot, request.selection)?;
    let counted = count_root(request.repository, &root);
    let may_unlock = !request.options.dry_run;
    let opened = target::open(request.target, may_unlock)?;
    if let Err(refused) = refuse_too_many(request.target, opened.as_ref(), &counted) {
        if let Some(target) = &opened {
            target.lock_again();
        }
        return Err(refused);
    }
    observer.phase(Phase::Restoring);
    if request.filter.is_empty() {
        observer.total(counted.files, counted.bytes);
    }
    let opened = match opened {
        None if !request.options.dry_run => {
            let made = target::create(request.target)?;
            // With `..` behind a directory that did not exist, the target may be another one than before.
            target::refuse_protected(request.target, &protected)?;
            Some(made)
        }
        opened => opened,
    };
    let mode = match request.options.dry_run {
        true => Mode::DryRun,
        false => Mode::Restore,
    };
    // Afterwards its mode may forbid to open it.
    let descriptor = opened
        .as_ref()
        .filter(|_| mode == Mode::Restore)
        .map(|target| target.descriptor.try_clone())
        .transpose()
        .map_err(|error| Error::io(Doing::OpenTarget, request.target, error))?;
    let mut report = pass(request, mode, root, opened, &protected)?;
    if let Some(descriptor) = descriptor {
        // Data that the kernel has not written yet may still meet a broken disk.
        observer.phase(Phase::Syncing);
        rustix::fs::syncfs(&descriptor)
            .map_err(|error| Error::io(Doing::Sync, request.target, error))
            .map_err(|error| with_report(error, &mut report))?;
        if request.options.verify {
            verify(request, &protected, &mut report)?;
        }
    }
    Ok(report)
}

fn verify(request: &Request<'_>, protected: &[Identity], report: &mut Report) -> Result<(), Error> {
    request.observer.phase(Phase::Verifying);
    let again = select::root(request.repository, request.snapshot, request.selection)
        .and_then(|root| Ok((root, target::open(request.target, true)?)))
        .and_then(|(root, opened)| pass(request, Mode::Verify, root, opened, protected));
    let found = again.map_err(|error| with_report(error, report))?;
    report.verified = found.verified;
    let known = |path: &Path| report.problems.first.iter().any(|known| known.path == path);
    let new: Vec<_> = found
        .problems
        .first
        .into_iter()
        .filter(|problem| !known(&problem.path))
        .collect();
    for problem in new {
        report.problems.total += 1;
        if report.problems.first.len() < Problems::KEPT {
            report.problems.first.push(problem);
        }
    }
    Ok(())
}

fn with_report(error: Error, report: &mut Report) -> Error {
    Error {
        done: Some(Box::new(std::mem::take(report))),
        ..error
    }
}

fn count_root(repository: &Indexed, root: &Root) -> Count {
    match root {
        Root::Directory { tree, .. } => count(repository, *tree),
        Root::Entry(node) => Count {
            files: 1,
            bytes: node.size,
            ..Count::default()
        },
    }
}

/// A few trees can stand for more paths than anybody can visit.
fn refuse_too_many(target: &Path, opened: Option<&Target>, counted: &Count) -> Result<(), Error> {
    // A file system that makes inodes as it needs them says 0.
    let inodes = opened
        .and_then(|target| rustix::fs::fstatvfs(&target.descriptor).ok())
        .map_or(0, |about| about.f_files);
    let most = match inodes {
        0 => MOST_ENTRIES,
        inodes => inodes.min(MOST_ENTRIES),
    };
    match counted.exceeds(most) {
        true => Err(Error::new(ErrorKind::TooMany, Doing::Count, target)),
        false => Ok(()),
    }
}

/// Goes through the snapshot once.
fn pass(
    request: &Request<'_>,
    mode: Mode,
    root: Root,
    opened: Option<Target>,
    protected: &[Identity],
) -> Result<Report, Error> {
    let owners = Owners::new(request.options.numeric_owner);
    let mut restorer = Restorer::new(
        request.repository,
        request.target,
        mode,
        request.observer,
        owners,
    );
    restorer.overwrite = request.options.overwrite;
    let traits = request.repository.repository.storage.traits();
    let reach = Reach::of(traits, request.options.window);
    restorer.protected = protected;
    restorer.keep = request.delete_extra.as_ref().map(|delete| delete.keep);
    let target = add_target(&restorer, &root, opened);
    let threads = match request.options.threads {
        0 => threads_for(traits),
        threads => threads,
    };
    let (jobs, waiting) = sync_channel(WAITING_JOBS);
    let waiting = Jobs::new(waiting);
    let unmatched = std::thread::scope(|scope| {
        let mut writers = 0;
        for _ in 0..threads {
            let writer = std::thread::Builder::new();
            match writer.spawn_scoped(scope, || restorer.work(&waiting)) {
                Ok(_) => writers += 1,
                // The others do more, if there are any.
                Err(error) if writers == 0 => {
                    restorer.fail(request.target, error);
                    return Unmatched::default();
                }
                Err(_) => break,
            }
        }
        Walk::new(&restorer, &request.filter, jobs, reach).run(root, target)
    });
    if let Some(error) = restorer.failure() {
        restorer.lock_again();
        return Err(with_report(error, &mut restorer.report()));
    }
    if mode != Mode::Verify {
        request.observer.phase(Phase::Removing);
        restorer.remove_extras();
    }
    for first in restorer.links.take() {
        restorer.release(first.directory);
    }
    if let Some(error) = restorer.failure() {
        restorer.lock_again();
        return Err(with_report(error, &mut restorer.report()));
    }
    if restorer.tally.is_short() {
        restorer.problem(PathBuf::new(), ProblemKind::Unaccounted, None);
    }
    Ok(Report {
        unmatched,
        ..restorer.report()
    })
}

/// Puts the target into the table of directories.
fn add_target(
    restorer: &Restorer<'_>,
    root: &Root,
    opened: Option<Target>,
) -> directories::DirectoryId {
    let origin = opened
        .as_ref()
        .map_or(Origin::Absent, |target| target.origin);
    let wanted = match root {
        Root::Directory {
            node: Some(node), ..
        } if origin.is_ours() || restorer.overwrite => {
            let mut node = node.as_ref().clone();
            Some(Box::new(Metadata::of(&mut node, &restorer.owners)))
        }
        _ => None,
    };
    let id = restorer.directories.add(None, Default::default(), wanted);
    let default_acl = opened
        .as_ref()
        .is_some_and(|target| attributes::has_default_acl(target.descriptor.as_fd()));
    if let Some(mode) = opened.as_ref().and_then(|target| target.mode_before) {
        restorer.directories.unlocked(id, mode);
    }
    let opened = opened.map(|target| (Arc::new(target.descriptor), target.identity));
    restorer.directories.set(id, origin, default_acl, opened);
    id
}
