//! A restore that runs: what its threads share, and how they settle an entry.

use std::error::Error as StdError;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use super::directories::{Directories, DirectoryId, Finished};
use super::directory::Identity;
use super::entry::Entry;
use super::error::{Doing, Error, ends_all, is_without_server};
use super::hands::Hands;
use super::links::{First, Links, Next};
use super::metadata;
use super::owners::Owners;
use super::problem::{Missing, Problem, ProblemKind, ProblemList};
use super::remove::Keep;
use super::report::{Change, ChangeKind, Report, RestoreObserver, Tally, add};
use crate::repository::error::Error as RepositoryError;
use crate::repository::indexed::Indexed;

/// What is done to the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Restore,
    /// Nothing. Says what a restore would do.
    DryRun,
    /// Nothing. Compares the files with the snapshot, byte by byte.
    Verify,
}

/// What the threads of a restore share.
pub struct Restorer<'a> {
    pub repository: &'a Indexed,
    pub target: &'a Path,
    pub mode: Mode,
    pub overwrite: bool,
    /// Directories that are never entered or removed.
    pub protected: &'a [Identity],
    /// Set when what the snapshot does not hold is to be deleted.
    pub keep: Option<&'a Keep<'a>>,
    pub observer: &'a dyn RestoreObserver,
    pub directories: Directories,
    pub links: Links,
    pub owners: Owners,
    pub tally: Tally,
    pub problems: ProblemList,
    /// What the snapshot does not hold; each has a hold on its directory.
    pub extras: Mutex<Vec<(DirectoryId, OsString)>>,
    pub removed_first: Mutex<Vec<PathBuf>>,
    /// A directory has got a time that is cut.
    cut_times: AtomicBool,
    stop: AtomicBool,
    failure: Mutex<Option<Error>>,
}

/// What became of an entry.
pub enum Outcome {
    /// It was written, with so many bytes of content.
    Written(u64),
    Identical,
}

/// Why an entry is not restored.
pub enum Failed {
    Problem(ProblemKind, Option<Box<dyn StdError + Send + Sync>>),
    /// The next one would fail too.
    Fatal(io::Error),
    /// Its directory is lost, which is a problem of the directory.
    WithDirectory,
}

impl Failed {
    /// A problem without a cause.
    pub fn problem(kind: ProblemKind) -> Failed {
        Failed::Problem(kind, None)
    }

    /// A refusal of the operating system.
    pub fn io(kind: ProblemKind, error: impl Into<io::Error>) -> Failed {
        let error = error.into();
        match ends_all(&error) {
            true => Failed::Fatal(error),
            false => Failed::Problem(kind, Some(error.into())),
        }
    }
}

impl<'a> Restorer<'a> {
    /// A restore without any work done.
    pub fn new(
        repository: &'a Indexed,
        target: &'a Path,
        mode: Mode,
        observer: &'a dyn RestoreObserver,
        owners: Owners,
    ) -> Restorer<'a> {
        Restorer {
            repository,
            target,
            mode,
            overwrite: false,
            protected: &[],
            keep: None,
            observer,
            directories: Directories::new(),
            links: Links::default(),
            owners,
            tally: Tally::default(),
            problems: ProblemList::default(),
            extras: Mutex::default(),
            removed_first: Mutex::default(),
            cut_times: AtomicBool::new(false),
            stop: AtomicBool::new(false),
            failure: Mutex::new(None),
        }
    }

    /// Whether the target is changed.
    pub fn acts(&self) -> bool {
        self.mode == Mode::Restore
    }

    /// Whether the restore has failed as a whole.
    pub fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// The restore cannot go on. The first reason counts.
    fn stop(&self, error: Error) {
        self.stop.store(true, Ordering::Relaxed);
        let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure.get_or_insert(error);
    }

    /// The operating system refused something at a path below the target, and would refuse the next thing, too.
    pub fn fail(&self, path: &Path, error: io::Error) {
        self.stop(Error::io(Doing::Write, &self.target.join(path), error));
    }

    /// Takes out why the restore has failed.
    pub fn failure(&self) -> Option<Error> {
        let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure.take()
    }

    /// Notes a problem. Where the server of the repository is out of reach, every further entry would have it, too: then
    /// the restore ends.
    pub fn problem(
        &self,
        path: PathBuf,
        kind: ProblemKind,
        cause: Option<Box<dyn StdError + Send + Sync>>,
    ) {
        let cause = match cause.map(|cause| cause.downcast::<RepositoryError>()) {
            Some(Ok(cause)) if is_without_server(&cause) => {
                let path = self.target.join(path);
                return self.stop(Error::repository(Doing::Read, &path, *cause));
            }
            Some(Ok(cause)) => Some(cause as Box<dyn StdError + Send + Sync>),
            Some(Err(cause)) => Some(cause),
            None => None,
        };
        let problem = Problem { path, kind, cause };
        self.observer.problem(&problem);
        self.problems.add(problem);
    }

    /// Tells the observer of a change.
    pub fn change(&self, directory: DirectoryId, name: &OsStr, kind: ChangeKind) {
        if self.mode != Mode::Verify && self.observer.wants_changes() {
            let path = self.directories.path(directory, name);
            self.observer.change(Change { path, kind });
        }
    }

    /// Tells the observer of a new entry.
    pub fn change_new(&self, entry: &Entry) {
        self.change(entry.directory, &entry.name, ChangeKind::Create);
    }

    /// Notes the parts of an entry's metadata that could not be set.
    pub fn note_missing(&self, path: impl Fn() -> PathBuf, missing: Missing) {
        for (part, cause) in missing {
            self.problem(path(), ProblemKind::Metadata(part), Some(cause.into()));
        }
    }

    /// Counts an entry that was dealt with, lets those go on that wait for it, and releases its directory.
    pub fn settle(&self, hands: &mut Hands, entry: Entry, result: Result<Outcome, Failed>) {
        let mut queue = vec![(entry, result)];
        while let Some((entry, result)) = queue.pop() {
            let written = matches!(result, Ok(Outcome::Written(_)));
            let restored = result.is_ok();
            self.note(&entry, result);
            if let Some(key) = entry.link {
                let next = if restored {
                    self.directories.hold(entry.directory);
                    self.links.restored(
                        key,
                        First {
                            directory: entry.directory,
                            name: entry.name.clone(),
                            exists: self.acts() || !written,
                        },
                    )
                } else {
                    self.links.failed(key)
                };
                match next {
                    Next::Nobody if restored => self.release(entry.directory),
                    Next::Nobody => {}
                    Next::Link(first, waiting) => {
                        for other in waiting {
                            self.settle_link(hands, &first, other);
                        }
                    }
                    Next::Try(other) => {
                        let result = self.whole(hands, &other);
                        queue.push((other, result));
                    }
                }
            }
            self.release(entry.directory);
        }
    }

    /// Makes another name of a file that was restored.
    pub fn settle_link(&self, hands: &mut Hands, first: &First, entry: Entry) {
        let result = self.link(hands, first, &entry);
        self.note(&entry, result);
        self.release(entry.directory);
    }

    fn note(&self, entry: &Entry, result: Result<Outcome, Failed>) {
        let path = || self.directories.path(entry.directory, &entry.name);
        match result {
            Ok(Outcome::Written(bytes)) => {
                add(&self.tally.written, 1);
                add(&self.tally.bytes, bytes);
                self.observer.advance(1, entry.size);
            }
            Ok(Outcome::Identical) => {
                add(&self.tally.identical, 1);
                self.observer.advance(1, entry.size);
            }
            Err(failed) => {
                add(&self.tally.not_restored, 1);
                self.observer.advance(1, 0);
                match failed {
                    Failed::Problem(kind, cause) => self.problem(path(), kind, cause),
                    Failed::Fatal(error) => self.fail(&path(), error),
                    Failed::WithDirectory => {}
                }
            }
        }
    }

    /// An entry of this directory is settled. Directories in which everything is settled get their metadata.
    pub fn release(&self, id: DirectoryId) {
        let mut next = Some(id);
        while let Some(id) = next {
            next = match self.directories.release(id) {
                Some(finished) => {
                    let above = finished.above;
                    self.finish(finished);
                    above
                }
                None => None,
            };
        }
    }

    fn finish(&self, finished: Finished) {
        let Some(open) = finished.open else {
            return;
        };
        // The directory has left the table, the one above has not.
        let path = || match finished.above {
            Some(above) => self.directories.path(above, &finished.name),
            None => PathBuf::new(),
        };
        if !self.acts() && finished.mode_before.is_none() {
            return;
        }
        let descriptor = match open {
            Ok(descriptor) => descriptor,
            Err(error) => {
                return self.problem(path(), ProblemKind::NotExamined, Some(error.into()));
            }
        };
        let wanted = finished.metadata.as_ref().filter(|_| self.acts());
        let missing = match wanted {
            Some(wanted) => {
                let clean = finished.default_acl || !finished.origin.is_ours();
                let missing = metadata::set(&descriptor, wanted, &self.owners, clean);
                if rustix::fs::fstat(&descriptor).is_ok_and(|it| metadata::is_cut(&it, wanted)) {
                    self.cut_times.store(true, Ordering::Relaxed);
                }
                missing
            }
            // A target that the snapshot says nothing about.
            None => metadata::set_mode(&descriptor, finished.mode_before.unwrap_or(0o755)),
        };
        self.note_missing(path, missing);
    }

    /// Puts the modes of directories back that were changed to let the restore in. After a restore that ended early, some
    /// are left.
    pub fn lock_again(&self) {
        let mut left = self.directories.still_unlocked();
        let depth = |id| {
            self.directories
                .path(id, OsStr::new(""))
                .components()
                .count()
        };
        left.sort_by_key(|(id, _)| std::cmp::Reverse(depth(*id)));
        for (id, mode) in left {
            if let Ok(descriptor) = self.directories.open(id) {
                let _ = metadata::set_mode(&descriptor, mode);
            }
        }
    }

    /// The numbers so far, and the problems, which are taken out.
    pub fn report(&self) -> Report {
        let mut removed = self
            .removed_first
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        removed.sort();
        Report {
            removed_first: std::mem::take(&mut *removed),
            owners_mapped: self.owners.mapped(),
            owners_restored: self.owners.may_change(),
            cut_times: self.cut_times.load(Ordering::Relaxed),
            problems: self.problems.take(),
            ..self.tally.report()
        }
    }
}
