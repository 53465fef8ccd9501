//! The walk of a restore. Directories are made first; several threads write the files; then come hard links. The
//! metadata of directories is set last, since each entry that is made in a directory changes its times.

use std::ffi::{OsStr, OsString};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use rustic_core::TreeId;
use rustic_core::repofile::{Node, NodeType};
use rustix::fs::{FileType, Mode};

use super::restorer::{FirstLink, Restorer, Task, link_key};
use super::{directory, metadata};
use crate::rustic::error::Error;
use crate::rustic::problem::{NotRemoved, PathFault, ReadStep};

/// What the walk leaves for later.
#[derive(Default)]
struct Later {
    directories: Vec<(PathBuf, Node)>,
    /// Without the descriptors of their directories: a process could not hold that many.
    links: Vec<(PathBuf, Node)>,
}

impl Restorer<'_> {
    /// Restores the root's content into the target. `fresh`: this restore has made the target.
    pub fn run(&self, root: &Node, target: Option<Arc<OwnedFd>>, fresh: bool) -> Result<(), Error> {
        if !self.owners.may_change() {
            self.observer
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
                Err(source) => self.problem(
                    path,
                    PathFault::Unreadable {
                        step: ReadStep::OpenAgain,
                        source,
                    },
                ),
            }
        }
        Ok(())
    }

    /// Restores a hard link. Opens its directory again.
    fn later_link(
        &self,
        target: Option<&Arc<OwnedFd>>,
        path: PathBuf,
        node: Node,
    ) -> Result<(), Error> {
        let above = path.parent().unwrap_or(Path::new(""));
        let directory = match target.map(|target| directory::open_below(target, above)) {
            Some(Ok(directory)) => Some(Arc::new(directory)),
            // In a dry run the directory may be missing.
            Some(Err(_)) if self.options.dry_run => None,
            Some(Err(source)) => {
                self.failed(
                    &path,
                    &node,
                    PathFault::Unreadable {
                        step: ReadStep::OpenParent,
                        source,
                    },
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
                let error = Error::engine("read a directory", super::place(self.engine), error);
                return self.problem(
                    path,
                    PathFault::EntriesUnreadable {
                        source: error.into(),
                    },
                );
            }
        };
        let mut surplus = match directory
            .as_ref()
            .map(|directory| directory::names(directory))
        {
            Some(Ok(names)) => names,
            Some(Err(source)) => {
                return self.problem(
                    path,
                    PathFault::Unreadable {
                        step: ReadStep::ListTarget,
                        source,
                    },
                );
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

    /// Restores one entry, or passes it to the writing threads.
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
            self.failed(&path, &node, PathFault::UnsafeName);
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
                    return self.problem(&task.path, PathFault::NoContent);
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
                // Cannot fail: the receivers live as long as this walk.
                let _ = sender.send(task);
            }
            _ => self.special(&task, &name),
        }
    }

    /// Opens a directory, and makes it where it is missing. `None`: something else stays in its place.
    fn enter(&self, task: &Task, name: &OsStr) -> Option<Option<OwnedFd>> {
        let Some(parent) = &task.directory else {
            return Some(None);
        };
        let found = self.look(parent, task, name)?;
        if let Some(found) = found {
            if directory::kind(&found) == FileType::Directory {
                match directory::open_directory(parent, name) {
                    Ok(directory) => return Some(Some(directory)),
                    Err(source) => {
                        self.failed(
                            &task.path,
                            &task.node,
                            PathFault::Unreadable {
                                step: ReadStep::Open,
                                source,
                            },
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
            Err(source) => {
                self.failed(&task.path, &task.node, PathFault::NotCreated { source });
                None
            }
        }
    }

    /// Removes something that the snapshot does not hold.
    fn remove(&self, parent: &OwnedFd, path: &Path, name: &OsStr) {
        let shown = self.target.join(path);
        if self.options.dry_run {
            self.tally.removed.fetch_add(1, Ordering::Relaxed);
            return self
                .observer
                .log(&format!("would remove {}", shown.display()));
        }
        match directory::remove(parent, name, self.container) {
            Ok(count) => {
                self.tally.removed.fetch_add(count, Ordering::Relaxed);
            }
            Err(NotRemoved::Container) => {
                self.observer.log(&format!(
                    "leaving {}: the container is in it",
                    shown.display()
                ));
            }
            Err(source) => self.problem(path, PathFault::NotRemoved { source }),
        }
    }
}
