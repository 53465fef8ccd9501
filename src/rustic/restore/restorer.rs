//! A restore that runs: what its parts share, and how they note an entry that cannot be restored.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use rustic_core::TreeId;
use rustic_core::repofile::Node;
use rustix::fs::Stat;

use super::directory;
use super::metadata::Owners;
use super::{Indexed, RestoreOptions};
use crate::rustic::observer::Observer;
use crate::rustic::problem::{PathFault, ProblemList, ReadStep};

/// The counts of a restore: entries other than directories, and bytes.
#[derive(Debug, Default)]
pub struct Tally {
    pub written: AtomicU64,
    /// There already.
    pub identical: AtomicU64,
    /// Kept although they differ, or not restored for another reason.
    pub failed: AtomicU64,
    pub bytes: AtomicU64,
    /// Entries of the target that the snapshot does not hold.
    pub removed: AtomicU64,
    pub problems: ProblemList,
}

/// A restore that runs.
pub struct Restorer<'a> {
    pub engine: &'a Indexed,
    pub options: RestoreOptions,
    pub target: &'a Path,
    /// The container's device and inode: it is never removed.
    pub container: Option<(u64, u64)>,
    pub observer: &'a dyn Observer,
    pub tally: Tally,
    pub owners: Owners,
    /// The first of several hard links, by device and inode in the snapshot.
    pub first_links: Mutex<HashMap<(u64, u64), FirstLink>>,
}

/// The first of several hard links to a file.
pub struct FirstLink {
    pub path: PathBuf,
    pub restored: bool,
}

/// One entry to put into a directory. Without a descriptor the directory does not exist (a dry run).
pub(super) struct Task {
    pub directory: Option<Arc<OwnedFd>>,
    /// The path below the target.
    pub path: PathBuf,
    pub node: Node,
}

/// Identifies a file with several names, by device and inode in the snapshot.
pub(super) fn link_key(node: &Node) -> Option<(u64, u64)> {
    (node.is_file() && node.meta.links > 1 && node.meta.inode != 0)
        .then_some((node.meta.device_id, node.meta.inode))
}

impl Restorer<'_> {
    /// The status of the entry with this name. `Some(None)`: there is none. `None`: it cannot be examined, which is
    /// noted as a problem.
    pub(super) fn look(&self, parent: &OwnedFd, task: &Task, name: &OsStr) -> Option<Option<Stat>> {
        match directory::status(parent, name) {
            Ok(found) => Some(found),
            Err(source) => {
                self.failed(
                    &task.path,
                    &task.node,
                    PathFault::Unreadable {
                        step: ReadStep::Examine,
                        source,
                    },
                );
                None
            }
        }
    }

    /// Whether what differs may be replaced. Notes a problem where it is kept.
    pub(super) fn may_replace(&self, task: &Task) -> bool {
        if !self.options.overwrite {
            self.failed(&task.path, &task.node, PathFault::Differs);
        }
        self.options.overwrite
    }

    /// Removes what is in the way of an entry. Returns `false`, and notes a problem, where that is not wanted or fails.
    pub(super) fn give_way(&self, parent: &OwnedFd, task: &Task, name: &OsStr) -> bool {
        if !self.may_replace(task) {
            return false;
        }
        if self.options.dry_run {
            self.observer.log(&format!(
                "would replace {}",
                self.target.join(&task.path).display()
            ));
            return true;
        }
        match directory::remove(parent, name, self.container) {
            Ok(_) => true,
            Err(source) => {
                self.failed(&task.path, &task.node, PathFault::NotReplaced { source });
                false
            }
        }
    }

    /// Counts an entry that is restored, or would be in a dry run.
    pub(super) fn done(&self, task: &Task, bytes: u64) {
        if self.options.dry_run {
            self.tally.bytes.fetch_add(bytes, Ordering::Relaxed);
        }
        self.tally.written.fetch_add(1, Ordering::Relaxed);
        self.observer
            .advance(1, if task.node.is_file() { bytes } else { 0 });
    }

    /// Notes an entry that is not restored. With a directory, nothing in it is restored.
    pub(super) fn failed(&self, path: &Path, node: &Node, fault: PathFault) {
        self.problem(path, fault);
        let mut lost = 0;
        let mut pending: Vec<TreeId> = node.subtree.filter(|_| node.is_dir()).into_iter().collect();
        while let Some(tree) = pending.pop() {
            for inner in self
                .engine
                .get_tree(&tree)
                .map(|tree| tree.nodes)
                .unwrap_or_default()
            {
                match inner.subtree.filter(|_| inner.is_dir()) {
                    Some(tree) => pending.push(tree),
                    None => lost += 1,
                }
            }
        }
        if !node.is_dir() {
            lost = 1;
        }
        self.tally.failed.fetch_add(lost, Ordering::Relaxed);
        self.observer.advance(lost, 0);
    }

    /// Notes the parts of an entry's metadata that could not be set.
    pub(super) fn note_missing(&self, path: &Path, missing: Vec<PathFault>) {
        for fault in missing {
            self.problem(path, fault);
        }
    }

    pub(super) fn problem(&self, path: &Path, fault: PathFault) {
        self.tally
            .problems
            .add(&self.target.join(path), fault, self.observer);
    }
}
