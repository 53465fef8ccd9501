//! What a backup did.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::repository::error::Error;
use crate::repository::snapshot::Snapshot;
use crate::source::problem::SourceFault;
use crate::source::tree::path::DirectoryPath;
use crate::source::tree::path_of;
use crate::source::tree::selection::Selection;
use crate::storage::id::Id;

/// What a backup did.
#[derive(Debug)]
pub struct Report {
    pub id: Id,
    /// As it was written, with its summary.
    pub snapshot: Snapshot,
    /// What is missing from the snapshot, or is not whole in it.
    pub problems: Problems,
    /// Further problems, which `ignore_unreadable` covers.
    pub ignored: Problems,
    /// Damage that the backup met in the repository and made up for: it read and stored again what it could not rely on.
    pub damage: Vec<Error>,
    /// How many packs no index named before, and the backup's own does.
    pub adopted: u64,
}

/// One path, and what is wrong with it.
#[derive(Debug)]
pub struct PathProblem {
    pub path: PathBuf,
    pub fault: SourceFault,
}

/// The problems of a backup: the first thousand in full, and the count of all.
#[derive(Debug, Default)]
pub struct Problems {
    pub first: Vec<PathProblem>,
    pub total: u64,
}

impl Problems {
    /// How many are kept in full.
    pub const KEPT: usize = 1000;

    /// Whether nothing went wrong.
    pub fn is_empty(&self) -> bool {
        self.total == 0
    }

    /// Counts a problem, and keeps it while there is room.
    fn add(&mut self, path: PathBuf, fault: SourceFault) {
        self.total += 1;
        if self.first.len() < Problems::KEPT {
            self.first.push(PathProblem { path, fault });
        }
    }
}

/// Problems, collected from several threads.
#[derive(Debug, Default)]
pub(super) struct ProblemList {
    list: Mutex<Problems>,
    ignored: Mutex<Problems>,
}

impl ProblemList {
    /// Counts a problem, and keeps it while there is room.
    pub fn add(&self, path: PathBuf, fault: SourceFault) {
        lock(&self.list).add(path, fault);
    }

    /// Counts a problem of an entry, or of the directory itself, unless the selection covers it.
    pub fn add_for(
        &self,
        selection: &Selection,
        directory: &DirectoryPath,
        name: Option<&[u8]>,
        fault: SourceFault,
    ) {
        let ignore = &selection.ignore_unreadable;
        let mut is_ignored = false;
        if !ignore.is_empty() {
            let below = directory.below_top();
            let path = match name {
                Some(name) => path_of(&below, name),
                None => OsString::from_vec(below).into(),
            };
            is_ignored = ignore.leave_out(&path, name.is_none());
        }
        let mut path = directory.to_path();
        if let Some(name) = name {
            path = path_of(path.as_os_str().as_encoded_bytes(), name);
        }
        match is_ignored {
            true => lock(&self.ignored).add(path, fault),
            false => self.add(path, fault),
        }
    }

    /// The problems, and those that do not matter, both sorted by path.
    pub fn into_parts(self) -> (Problems, Problems) {
        let sorted = |list: Mutex<Problems>| {
            let mut problems = list.into_inner().unwrap_or_else(PoisonError::into_inner);
            problems
                .first
                .sort_by(|one, other| one.path.cmp(&other.path));
            problems
        };
        (sorted(self.list), sorted(self.ignored))
    }
}

fn lock(list: &Mutex<Problems>) -> MutexGuard<'_, Problems> {
    list.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What is counted of entries, for the summary.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub files: Changes,
    pub directories: Changes,
    /// The sizes of all files.
    pub bytes: AtomicU64,
}

/// How many entries there are, by how they compare with the parent snapshot.
#[derive(Debug, Default)]
pub(super) struct Changes {
    pub new: AtomicU64,
    pub changed: AtomicU64,
    pub unmodified: AtomicU64,
}

impl Changes {
    /// Counts an entry that the parent has or has not, and that is or is not the same there.
    pub fn count(&self, in_parent: bool, same: bool) {
        let count = match (in_parent, same) {
            (_, true) => &self.unmodified,
            (true, false) => &self.changed,
            (false, false) => &self.new,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }
}
