//! Restores a snapshot into a file tree.
//!
//! The engine's own restore panics when a disk is full, follows symbolic links that it finds in the target, and needs a
//! gigabyte of memory. So this one takes only trees and blobs from the engine and does the rest itself. It resolves
//! every name against the descriptor of the directory that the name is in, and follows no link, so it cannot reach
//! anything outside the target. It writes a file under a temporary name and then renames it: at every moment each path
//! has either its old content or the snapshot's.
//!
//! **Layout.** The entries of the directory that was backed up go directly into the target. A single file becomes
//! `target/<its name>`. A snapshot of several paths (only other programs make those) has their full paths below the
//! target.
//!
//! **What exists already.** A file with the snapshot's content counts as restored, and gets the snapshot's owner, mode
//! and times. An entry that differs is kept and named as a problem; with `overwrite` it is replaced. With `overwrite`,
//! everything that the snapshot does not hold is also removed from the target's directories, except mount points and
//! the container itself.

use std::collections::HashMap;
use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use rustic_core::repofile::{Node, NodeType, SnapshotFile};
use rustic_core::{IndexedFullStatus, TreeId};

use super::Repository;
use super::error::Error;
use super::problem::{PathFault, Problems};
use crate::location::Location;

mod contents;
mod directory;
mod entries;
mod metadata;
mod restorer;
mod tree;

use restorer::{Restorer, Tally};

/// The engine's repository with its whole index in memory.
type Indexed = rustic_core::Repository<IndexedFullStatus>;

/// Where the engine's repository is. The engine puts the kind of the storage before the path.
fn place(engine: &Indexed) -> &Path {
    Path::new(engine.name.strip_prefix("local:").unwrap_or(&engine.name))
}

/// How to restore.
#[derive(Clone, Copy, Debug, Default)]
pub struct RestoreOptions {
    /// Replace what differs, and remove what the snapshot does not hold.
    pub overwrite: bool,
    /// Change nothing, and log what would be done.
    pub dry_run: bool,
}

/// What a restore did, or would do.
#[derive(Debug, Default)]
pub struct RestoreReport {
    /// Entries other than directories in the snapshot.
    pub files: u64,
    /// How many of `files` were written.
    pub written: u64,
    /// How many of `files` were there already.
    pub identical: u64,
    /// Bytes that were written.
    pub bytes: u64,
    /// Entries of the target that were removed because the snapshot does not hold them.
    pub removed: u64,
    /// What was kept, or could not be restored.
    pub problems: Problems,
}

impl Repository {
    /// The error for a snapshot that cannot be read.
    fn gone_or_failed(&self, snapshot: &str, error: Box<rustic_core::RusticError>) -> Error {
        let file = self.directory.join("snapshots").join(snapshot);
        match fs::symlink_metadata(file) {
            Err(gone) if gone.kind() == io::ErrorKind::NotFound => Error::SnapshotGone {
                id: snapshot.get(..8).unwrap_or(snapshot).to_owned(),
            },
            _ => self.failed("read the snapshot", error),
        }
    }

    /// Restores a snapshot into a directory, which is made where it is missing.
    ///
    /// # Errors
    /// [`Error::SnapshotGone`], before anything is done, when the snapshot is gone: a backup that runs beside this one
    /// has confirmed it, and it has another id now. Any other error when the restore cannot go on: no space is left, or
    /// the target is not a directory. Single entries that fail are problems in the report instead.
    pub fn restore(
        &self,
        snapshot: &str,
        target: &Path,
        options: RestoreOptions,
    ) -> Result<RestoreReport, Error> {
        self.refuse_target_in_container(target)?;
        let engine = self.engine()?;
        let file = engine
            .get_snapshot_from_str(snapshot, |_| true)
            .map_err(|error| self.gone_or_failed(snapshot, error))?;
        let engine = engine
            .to_indexed()
            .map_err(|error| self.failed("read the index", error))?;
        let root = self.root(&engine, &file)?;
        self.observer.phase("scanning");
        let (files, bytes) = self.count(&engine, &root)?;
        self.observer.phase("restoring");
        self.observer.total(Some(files), Some(bytes));

        let existed = target.exists();
        if !existed && !options.dry_run {
            DirBuilder::new()
                .recursive(true)
                .mode(0o755)
                .create(target)
                .map_err(|error| Error::io("create", target, error))?;
            // With `..` behind a directory that did not exist, the target may be another one than before.
            self.refuse_target_in_container(target)?;
        }
        let directory = if existed || !options.dry_run {
            let directory = directory::open_target(target)?;
            Some(directory)
        } else {
            None
        };
        let container = fs::metadata(&self.directory).ok();
        let restorer = Restorer {
            engine: &engine,
            options,
            target,
            container: container.map(|metadata| (metadata.dev(), metadata.ino())),
            observer: &*self.observer,
            tally: Tally::default(),
            owners: metadata::Owners::new(),
            first_links: std::sync::Mutex::new(HashMap::new()),
        };
        restorer.run(&root, directory.map(Arc::new), !existed)?;
        let tally = restorer.tally;
        let mut report = RestoreReport {
            files,
            written: tally.written.load(Ordering::Relaxed),
            identical: tally.identical.load(Ordering::Relaxed),
            bytes: tally.bytes.load(Ordering::Relaxed),
            removed: tally.removed.load(Ordering::Relaxed),
            problems: tally.problems.take(),
        };
        if !options.dry_run {
            // Data that the kernel has not written yet may still meet a full or broken disk.
            File::open(target)
                .and_then(|directory| rustix::fs::syncfs(&directory).map_err(std::io::Error::from))
                .map_err(|error| Error::io("write down", target, error))?;
        }
        let handled = report.written + report.identical + tally.failed.load(Ordering::Relaxed);
        if handled != files {
            let fault = PathFault::Unaccounted { files, handled };
            report.problems.add(target.to_owned(), fault);
        }
        Ok(report)
    }

    /// A restore into the container would overwrite the repository, or delete it. The target may be a link, or may not
    /// exist yet, so the directories that it is in are compared with the container's.
    fn refuse_target_in_container(&self, target: &Path) -> Result<(), Error> {
        let container = fs::metadata(&self.directory)
            .map_err(|error| Error::io("read", &self.directory, error))?;
        let existing = target.ancestors().find_map(|path| path.canonicalize().ok());
        let is_container = |path: &Path| {
            fs::metadata(path)
                .is_ok_and(|found| (found.dev(), found.ino()) == (container.dev(), container.ino()))
        };
        if existing.is_some_and(|path| path.ancestors().any(is_container)) {
            return Err(Error::TargetInContainer {
                target: target.to_owned(),
                place: Location::Local(self.directory.clone()),
            });
        }
        Ok(())
    }

    /// The node whose content goes into the target. For a snapshot of one path this is that path, for one of several
    /// the whole tree. A snapshot of a relative path has less of the path in its tree than in its list of paths.
    fn root(&self, engine: &Indexed, file: &SnapshotFile) -> Result<Node, Error> {
        let whole = || {
            let mut node = Node::new_node("".as_ref(), NodeType::Dir, Default::default());
            node.subtree = Some(file.tree);
            node
        };
        let paths: Vec<PathBuf> = file.paths.iter().map(PathBuf::from).collect();
        let [path] = paths.as_slice() else {
            return Ok(whole());
        };
        let names: Vec<_> = path
            .components()
            .filter_map(|component| match component {
                Component::Normal(name) => Some(name),
                _ => None,
            })
            .collect();
        for start in 0..names.len() {
            if let Some(node) = self.find(engine, file.tree, &names[start..])? {
                return Ok(node);
            }
        }
        Ok(whole())
    }

    fn find(
        &self,
        engine: &Indexed,
        tree: TreeId,
        names: &[&std::ffi::OsStr],
    ) -> Result<Option<Node>, Error> {
        let mut tree = Some(tree);
        let mut found = None;
        for name in names {
            let Some(id) = tree else {
                return Ok(None);
            };
            let nodes = engine
                .get_tree(&id)
                .map_err(|error| self.failed("read the snapshot's tree", error))?
                .nodes;
            let Some(node) = nodes.into_iter().find(|node| *node.name() == **name) else {
                return Ok(None);
            };
            tree = node.subtree;
            found = Some(node);
        }
        Ok(found)
    }

    /// Counts the entries other than directories below a node, and their bytes.
    fn count(&self, engine: &Indexed, root: &Node) -> Result<(u64, u64), Error> {
        if !root.is_dir() {
            return Ok((1, root.meta.size));
        }
        let (mut files, mut bytes) = (0, 0);
        let mut pending: Vec<TreeId> = root.subtree.into_iter().collect();
        while let Some(id) = pending.pop() {
            self.observer.pulse();
            let nodes = engine
                .get_tree(&id)
                .map_err(|error| self.failed("read the snapshot's tree", error))?
                .nodes;
            for node in nodes {
                if node.is_dir() {
                    pending.push(node.subtree.ok_or_else(|| Error::DirectoryWithoutContent {
                        name: node.name.clone(),
                    })?);
                } else {
                    files += 1;
                    if node.is_file() {
                        bytes = u64::saturating_add(bytes, node.meta.size);
                    }
                }
            }
        }
        Ok((files, bytes))
    }
}
