//! What a backup did.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::repository::error::Error;
use crate::repository::snapshot::Snapshot;
use crate::source::problem::SourceFault;
use crate::storage::id::Id;

/// What a backup did.
#[derive(Debug)]
pub struct Report {
    pub id: Id,
    /// As it was written, with its summary.
    pub snapshot: Snapshot,
    /// What is missing from the snapshot, or is not whole in it.
    pub problems: Problems,
    /// How many further problems `ignore_unreadable` covers.
    pub ignored: u64,
    /// Damage that the backup met in the repository and made up for: it read and stored again what it could not rely on.
    pub damage: Vec<Error>,
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
}

/// Problems, collected from several threads.
#[derive(Debug, Default)]
pub(super) struct ProblemList {
    list: Mutex<Problems>,
    ignored: AtomicU64,
}

impl ProblemList {
    /// Counts a problem, and keeps it while there is room.
    pub fn add(&self, path: PathBuf, fault: SourceFault) {
        let mut problems = self.list.lock().unwrap_or_else(PoisonError::into_inner);
        problems.total += 1;
        if problems.first.len() < Problems::KEPT {
            problems.first.push(PathProblem { path, fault });
        }
    }

    /// Counts a problem that does not matter.
    pub fn ignore(&self) {
        self.ignored.fetch_add(1, Ordering::Relaxed);
    }

    /// All problems, sorted by path, and how many do not matter.
    pub fn into_parts(self) -> (Problems, u64) {
        let mut problems = self
            .list
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        problems
            .first
            .sort_by(|one, other| one.path.cmp(&other.path));
        (problems, self.ignored.into_inner())
    }
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
