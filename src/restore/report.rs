//! What a restore did, or would do.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use super::owners::Mapped;
use super::problem::{Problem, Problems};

/// The patterns of a filter that matched nothing in the snapshot, as they were written. What lies in a directory that
/// is left out was not looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unmatched {
    pub include: Vec<String>,
    pub exclude: Vec<String>,
}

/// The numbers of a restore, and what went wrong. After a dry run: what would be done.
///
/// Every file of the selection is in exactly one of `written`, `identical` and `not_restored`.
#[derive(Debug, Default)]
pub struct Report {
    /// Entries other than directories that were selected.
    pub files: u64,
    pub directories: u64,
    pub written: u64,
    /// They were there already, with the right content.
    pub identical: u64,
    /// They were kept although they differ, or could not be restored. Each is a problem, or lies in a directory that is.
    pub not_restored: u64,
    /// How many of `identical` got other metadata.
    pub updated: u64,
    /// Bytes of files that were written.
    pub bytes: u64,
    /// Entries that were removed because the snapshot does not hold them, with all that was in them.
    pub removed: u64,
    /// What was removed, below the target: the first thousand, without what was in them.
    pub removed_first: Vec<PathBuf>,
    /// Files that were read again and were right.
    pub verified: u64,
    /// Names of owners that have another number here than in the snapshot.
    pub owners_mapped: Vec<Mapped>,
    /// False when this process may not change owners.
    pub owners_restored: bool,
    /// The file system of the target keeps times more coarsely than the snapshot.
    pub cut_times: bool,
    /// The patterns of the filter that matched nothing.
    pub unmatched: Unmatched,
    pub problems: Problems,
}

impl Report {
    /// How many removed paths are kept.
    pub const KEPT: usize = 1000;
}

/// One change to the target.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Change {
    /// Below the target.
    pub path: PathBuf,
    pub kind: ChangeKind,
}

/// The kinds of changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChangeKind {
    Create,
    /// Something else is there.
    Replace,
    /// The content is right, the metadata is not.
    Update,
    /// The snapshot does not hold it.
    Remove,
}

/// The parts of a restore that take time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Counting,
    Restoring,
    Removing,
    Syncing,
    Verifying,
}

/// Is told what a restore does. The calls come from several threads.
pub trait RestoreObserver: Sync {
    /// A phase begins.
    fn phase(&self, _phase: Phase) {}
    /// What there is to do: entries other than directories, and bytes.
    fn total(&self, _files: u64, _bytes: u64) {}
    /// More was done: entries other than directories, and bytes.
    fn advance(&self, _files: u64, _bytes: u64) {}
    fn problem(&self, _problem: &Problem) {}
    /// Whether [`RestoreObserver::change`] is to be called. It costs a path for each entry.
    fn wants_changes(&self) -> bool {
        false
    }
    /// A change that was made, or that would be made. A change that fails later is told, too.
    fn change(&self, _change: Change) {}
}

/// An observer that does not look.
pub struct Silent;

impl RestoreObserver for Silent {}

/// The numbers, while several threads count.
#[derive(Default)]
pub struct Tally {
    pub files: AtomicU64,
    pub directories: AtomicU64,
    pub written: AtomicU64,
    pub identical: AtomicU64,
    pub not_restored: AtomicU64,
    pub updated: AtomicU64,
    pub bytes: AtomicU64,
    pub removed: AtomicU64,
    pub verified: AtomicU64,
}

/// Adds to a number.
pub fn add(number: &AtomicU64, count: u64) {
    number.fetch_add(count, Ordering::Relaxed);
}

impl Tally {
    /// Whether files were seen that were not dealt with.
    pub fn is_short(&self) -> bool {
        let report = self.report();
        report.files != report.written + report.identical + report.not_restored
    }

    /// The numbers as they are now.
    pub fn report(&self) -> Report {
        let read = |number: &AtomicU64| number.load(Ordering::Relaxed);
        Report {
            files: read(&self.files),
            directories: read(&self.directories),
            written: read(&self.written),
            identical: read(&self.identical),
            not_restored: read(&self.not_restored),
            updated: read(&self.updated),
            bytes: read(&self.bytes),
            removed: read(&self.removed),
            verified: read(&self.verified),
            ..Report::default()
        }
    }
}
