//! The walk of a restore: directories first, the files' contents by several hands, then hard links, and the
//! directories' own metadata last, since each entry that is made in one changes its times.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use rustic_core::TreeId;
use rustic_core::repofile::{Node, NodeType};
use rustix::fs::{FileType, Mode, Stat};

use super::directory::{self, Kept};
use super::entries::link_key;
use super::metadata::{self, Owners};
use super::{Indexed, RestoreOptions};
use crate::os;
use crate::rustic::error::Error;
use crate::rustic::monitor::{Monitor, ProblemList};

/// Counts of one restore.
#[derive(Debug, Default)]
pub struct Tally {
    /// Entries that were written.
    pub written: AtomicU64,
    /// Entries that were there already.
    pub identical: AtomicU64,
    /// Entries that were kept, or failed.
    pub failed: AtomicU64,
    /// Bytes that were written.
    pub bytes: AtomicU64,
    /// Entries that were removed.
    pub removed: AtomicU64,
    /// What went wrong.
    pub problems: ProblemList,
}

/// One restore.
pub struct Restorer<'a> {
    pub engine: &'a Indexed,
    pub options: RestoreOptions,
    pub target: &'a Path,
    /// The container's device and inode: it is never removed.
    pub container: Option<(u64, u64)>,
    pub monitor: &'a dyn Monitor,
    pub tally: Tally,
    pub owners: Owners,
    /// The first of several hard links, by device and inode in the snapshot.
    pub first_links: Mutex<HashMap<(u64, u64), FirstLink>>,
}

/// Where the first of several hard links belongs, and whether it is there.
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

/// What the walk leaves for later.
#[derive(Default)]
struct Later {
    directories: Vec<(PathBuf, Node)>,
    /// Without the descriptors of their directories: there may be more of those than a process can hold.
    links: Vec<(PathBuf, Node)>,
}

impl Restorer<'_> {
    /// Restores the root's content into the target. `fresh`: the target was made just now.
    pub fn run(&self, root: &Node, target: Option<Arc<OwnedFd>>, fresh: bool) -> Result<(), Error> {
        if !self.owners.may_change() {
            self.monitor
                .log("owners are not restored: that takes root's rights");
        }
        let stop = AtomicBool::new(false);
        let failure = Mutex::new(None);
        let hands = std::thread::available_parallelism()
            .map_or(2, usize::from)
            .clamp(1, 4);
        let (sender, receiver) = sync_channel::<Task>(4 * hands);
        let receiver = Mutex::new(receiver);
        let mut later = Later::default();
        std::thread::scope(|scope| {
            for _ in 0..hands {
                scope.spawn(|| self.work(&receiver, &stop, &failure));
            }
            self.walk(root, target.clone(), fresh, &sender, &stop, &mut later);
            drop(sender);
        });
        if let Some(error) = failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
            return Err(error);
        }
        for (path, node) in later.links {
            self.later_link(target.as_ref(), path, node)?;
        }
        let Some(target) = target.filter(|_| !self.options.dry_run) else {
            return Ok(());
        };
        for (path, node) in later.directories.iter().rev() {
            match directory::open_below(&target, path) {
                Ok(directory) => {
                    self.note_missing(path, metadata::apply(&directory, node, &self.owners))
                }
                Err(error) => self.problem(
                    path,
                    format!("cannot be opened again: {}", os::reason(&error)),
                ),
            }
        }
        Ok(())
    }

    /// Restores a further link, in its directory opened again.
    fn later_link(
        &self,
        target: Option<&Arc<OwnedFd>>,
        path: PathBuf,
        node: Node,
    ) -> Result<(), Error> {
        let above = path.parent().unwrap_or(Path::new(""));
        let directory = match target.map(|target| directory::open_below(target, above)) {
            Some(Ok(directory)) => Some(Arc::new(directory)),
            // Where nothing is made, the directory may be missing.
            Some(Err(_)) if self.options.dry_run => None,
            Some(Err(error)) => {
                self.failed(
                    &path,
                    &node,
                    &format!("its directory cannot be opened: {}", os::reason(&error)),
                );
                return Ok(());
            }
            None => None,
        };
        self.link(&Task {
            directory,
            path,
            node,
        })
    }

    fn walk(
        &self,
        root: &Node,
        target: Option<Arc<OwnedFd>>,
        fresh: bool,
        sender: &SyncSender<Task>,
        stop: &AtomicBool,
        later: &mut Later,
    ) {
        if root.is_dir() {
            if root.meta.mtime.is_some() && (fresh || self.options.overwrite) {
                later.directories.push((PathBuf::new(), root.clone()));
            }
            if let Some(tree) = root.subtree {
                self.directory(Path::new(""), tree, target, sender, stop, later);
            }
        } else {
            let name = root.name().into_owned();
            self.entry(
                Path::new(""),
                name,
                root.clone(),
                target.as_ref(),
                sender,
                stop,
                later,
            );
        }
    }

    /// Restores what is in one directory.
    fn directory(
        &self,
        path: &Path,
        tree: TreeId,
        directory: Option<Arc<OwnedFd>>,
        sender: &SyncSender<Task>,
        stop: &AtomicBool,
        later: &mut Later,
    ) {
        let nodes = match self.engine.get_tree(&tree) {
            Ok(tree) => tree.nodes,
            Err(error) => {
                let error = Error::engine("read a directory", super::place(self.engine), &error);
                return self.problem(path, format!("what is in it cannot be read: {error}"));
            }
        };
        let mut surplus = match directory
            .as_ref()
            .map(|directory| directory::names(directory))
        {
            Some(Ok(names)) => names,
            Some(Err(error)) => {
                return self.problem(path, format!("cannot be listed: {}", os::reason(&error)));
            }
            None => Default::default(),
        };
        for node in nodes {
            if stop.load(Ordering::Relaxed) {
                return;
            }
            let name = node.name().into_owned();
            surplus.remove(&name);
            self.entry(path, name, node, directory.as_ref(), sender, stop, later);
        }
        if let Some(directory) = directory {
            for name in surplus {
                let unfinished = name
                    .as_encoded_bytes()
                    .starts_with(directory::UNFINISHED.as_bytes());
                if self.options.overwrite || unfinished {
                    self.remove(&directory, &path.join(&name), &name);
                }
            }
        }
    }

    /// Restores one entry, or passes it on.
    #[allow(clippy::too_many_arguments)] // The state of a walk; a structure around it would hide nothing.
    fn entry(
        &self,
        parent: &Path,
        name: OsString,
        node: Node,
        directory: Option<&Arc<OwnedFd>>,
        sender: &SyncSender<Task>,
        stop: &AtomicBool,
        later: &mut Later,
    ) {
        let path = parent.join(&name);
        if !directory::is_plain(&name) {
            self.failed(
                &path,
                &node,
                "has a name that leads elsewhere; not restored",
            );
            return;
        }
        let task = Task {
            directory: directory.cloned(),
            path,
            node,
        };
        match task.node.node_type {
            NodeType::Dir => {
                let Some(tree) = task.node.subtree else {
                    return self.problem(&task.path, "has no content in the snapshot; run a check");
                };
                if let Some(made) = self.enter(&task, &name) {
                    let path = task.path.clone();
                    later.directories.push((task.path, task.node));
                    self.directory(&path, tree, made.map(Arc::new), sender, stop, later);
                }
            }
            NodeType::File => {
                if let Some(key) = link_key(&task.node) {
                    let mut first = self
                        .first_links
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner);
                    if first.contains_key(&key) {
                        later.links.push((task.path, task.node));
                        return;
                    }
                    first.insert(
                        key,
                        FirstLink {
                            path: task.path.clone(),
                            restored: false,
                        },
                    );
                }
                // The receivers live as long as this walk.
                let _ = sender.send(task);
            }
            _ => self.special(&task, &name),
        }
    }

    /// Goes into a directory, which is made where it is missing. `None`: something else stays in its place.
    fn enter(&self, task: &Task, name: &OsStr) -> Option<Option<OwnedFd>> {
        let Some(parent) = &task.directory else {
            return Some(None);
        };
        let found = self.look(parent, task, name)?;
        if let Some(found) = found {
            if directory::kind(&found) == FileType::Directory {
                match directory::open_directory(parent, name) {
                    Ok(directory) => return Some(Some(directory)),
                    Err(error) => {
                        self.failed(
                            &task.path,
                            &task.node,
                            &format!("cannot be opened: {}", os::reason(&error)),
                        );
                        return None;
                    }
                }
            }
            if !self.give_way(parent, task, name) {
                return None;
            }
        }
        if self.options.dry_run {
            return Some(None);
        }
        let made = rustix::fs::mkdirat(parent, name, Mode::RWXU)
            .map_err(std::io::Error::from)
            .and_then(|()| directory::open_directory(parent, name));
        match made {
            Ok(directory) => Some(Some(directory)),
            Err(error) => {
                self.failed(
                    &task.path,
                    &task.node,
                    &format!("cannot be created: {}", os::reason(&error)),
                );
                None
            }
        }
    }

    /// What is there under the name: `Some(None)` is nothing, `None` that it cannot be told (and is noted).
    pub(super) fn look(&self, parent: &OwnedFd, task: &Task, name: &OsStr) -> Option<Option<Stat>> {
        match directory::status(parent, name) {
            Ok(found) => Some(found),
            Err(error) => {
                self.failed(
                    &task.path,
                    &task.node,
                    &format!("cannot be examined: {}", os::reason(&error)),
                );
                None
            }
        }
    }

    /// Whether what differs may be replaced; notes it where it is kept.
    pub(super) fn may_replace(&self, task: &Task) -> bool {
        if !self.options.overwrite {
            self.failed(&task.path, &task.node, "exists and differs; kept");
        }
        self.options.overwrite
    }

    /// Removes what is in the way of an entry, where that is wanted and can be done.
    pub(super) fn give_way(&self, parent: &OwnedFd, task: &Task, name: &OsStr) -> bool {
        if !self.may_replace(task) {
            return false;
        }
        if self.options.dry_run {
            self.monitor.log(&format!(
                "would replace {}",
                self.target.join(&task.path).display()
            ));
            return true;
        }
        match directory::remove(parent, name, self.container) {
            Ok(_) => true,
            Err(kept) => {
                self.failed(
                    &task.path,
                    &task.node,
                    &format!("cannot be replaced: {}", kept_because(&kept)),
                );
                false
            }
        }
    }

    /// Removes something that the snapshot does not hold.
    fn remove(&self, parent: &OwnedFd, path: &Path, name: &OsStr) {
        let shown = self.target.join(path);
        if self.options.dry_run {
            self.tally.removed.fetch_add(1, Ordering::Relaxed);
            return self
                .monitor
                .log(&format!("would remove {}", shown.display()));
        }
        match directory::remove(parent, name, self.container) {
            Ok(count) => {
                self.tally.removed.fetch_add(count, Ordering::Relaxed);
            }
            Err(Kept::Container) => {
                self.monitor.log(&format!(
                    "leaving {}: the container is in it",
                    shown.display()
                ));
            }
            Err(kept) => self.problem(path, format!("cannot be removed: {}", kept_because(&kept))),
        }
    }

    pub(super) fn done(&self, task: &Task, bytes: u64) {
        if self.options.dry_run {
            self.tally.bytes.fetch_add(bytes, Ordering::Relaxed);
        }
        self.tally.written.fetch_add(1, Ordering::Relaxed);
        self.monitor
            .advance(1, if task.node.is_file() { bytes } else { 0 });
    }

    /// An entry is not restored; of a directory, none that is in it is.
    pub(super) fn failed(&self, path: &Path, node: &Node, reason: &str) {
        self.problem(path, reason);
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
        self.monitor.advance(lost, 0);
    }

    pub(super) fn note_missing(&self, path: &Path, missing: Vec<String>) {
        for reason in missing {
            self.problem(path, reason);
        }
    }

    fn problem(&self, path: &Path, reason: impl Into<String>) {
        self.tally
            .problems
            .add(&self.target.join(path), reason, self.monitor);
    }
}

fn kept_because(kept: &Kept) -> String {
    match kept {
        Kept::MountPoint => "a file system is mounted there".to_owned(),
        Kept::Container => "the container is in it".to_owned(),
        Kept::Failed(error) => os::reason(error),
    }
}
