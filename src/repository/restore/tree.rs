//! The walk of a restore: directories first, the files' contents by several hands, then hard links, and the
//! directories' own metadata last, since each entry that is made in one changes its times.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use rustic_core::TreeId;
use rustic_core::repofile::{Node, NodeType};
use rustix::fs::{FileType, Mode, OFlags, Stat};

use super::contents::{self, Failure};
use super::directory::{self, Kept};
use super::metadata::{self, Owners};
use super::{Indexed, RestoreOptions};
use crate::os;
use crate::repository::error::{Error, ErrorKind};
use crate::repository::monitor::{Monitor, ProblemList};

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
    path: PathBuf,
    restored: bool,
}

/// One entry to put into a directory. Without a descriptor the directory does not exist (a dry run).
struct Task {
    directory: Option<Arc<OwnedFd>>,
    /// The path below the target.
    path: PathBuf,
    node: Node,
}

/// What the walk leaves for later.
#[derive(Default)]
struct Later {
    directories: Vec<(PathBuf, Node)>,
    links: Vec<Task>,
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
        for task in later.links {
            self.link(&task)?;
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
                        later.links.push(task);
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

    /// A hand: takes files off the walk and writes them.
    fn work(
        &self,
        receiver: &Mutex<Receiver<Task>>,
        stop: &AtomicBool,
        failure: &Mutex<Option<Error>>,
    ) {
        loop {
            let task = receiver
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .recv();
            let Ok(task) = task else {
                return;
            };
            if stop.load(Ordering::Relaxed) {
                continue;
            }
            if let Err(error) = self.file(&task) {
                stop.store(true, Ordering::Relaxed);
                failure
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .get_or_insert(error);
            }
        }
    }

    /// Restores a regular file. An error ends the restore.
    fn file(&self, task: &Task) -> Result<(), Error> {
        let name = task.path.file_name().unwrap_or_default();
        let Some(parent) = &task.directory else {
            self.done(task, task.node.meta.size);
            return Ok(());
        };
        let Some(found) = self.look(parent, task, name) else {
            return Ok(());
        };
        if let Some(found) = found {
            match self.is_identical(parent, name, task, &found) {
                Ok(Some(file)) => {
                    // A further link may lead out of the target: then its metadata is not ours to change.
                    if found.st_nlink == 1 && !self.options.dry_run {
                        self.note_missing(
                            &task.path,
                            metadata::apply(&file.into(), &task.node, &self.owners),
                        );
                    }
                    if found.st_nlink == 1 || !self.options.overwrite {
                        self.mark_first(&task.node);
                        self.tally.identical.fetch_add(1, Ordering::Relaxed);
                        self.monitor.advance(1, task.node.meta.size);
                        return Ok(());
                    }
                }
                Ok(None) => {}
                Err(error) => {
                    self.failed(
                        &task.path,
                        &task.node,
                        &format!("cannot be compared: {}", os::reason(&error)),
                    );
                    return Ok(());
                }
            }
            if !self.may_replace(task) {
                return Ok(());
            }
            if directory::kind(&found) == FileType::Directory && !self.give_way(parent, task, name)
            {
                return Ok(());
            }
        }
        if self.options.dry_run {
            self.done(task, task.node.meta.size);
            return Ok(());
        }
        let mut missing = Vec::new();
        let written = contents::write(
            self.engine,
            parent,
            name,
            &task.node,
            self.options.overwrite,
            self.monitor,
            |file| missing = metadata::apply(file, &task.node, &self.owners),
        );
        match written {
            Ok(length) => {
                self.mark_first(&task.node);
                self.note_missing(&task.path, missing);
                self.tally.written.fetch_add(1, Ordering::Relaxed);
                self.tally.bytes.fetch_add(length, Ordering::Relaxed);
                self.monitor.advance(1, 0);
                Ok(())
            }
            Err(failure) => self.fail(task, &failure),
        }
    }

    /// Remembers that further links to this file have something to link to.
    fn mark_first(&self, node: &Node) {
        if let Some(key) = link_key(node)
            && let Some(first) = self
                .first_links
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .get_mut(&key)
        {
            first.restored = true;
        }
    }

    fn is_identical(
        &self,
        parent: &OwnedFd,
        name: &OsStr,
        task: &Task,
        found: &Stat,
    ) -> std::io::Result<Option<File>> {
        if directory::kind(found) != FileType::RegularFile {
            return Ok(None);
        }
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let mut file = File::from(rustix::fs::openat(parent, name, flags, Mode::empty())?);
        Ok(contents::is_identical(self.engine, &task.node, &mut file)?.then_some(file))
    }

    /// Restores a hard link to a file that was restored before; where that did not work, a file of its own.
    fn link(&self, task: &Task) -> Result<(), Error> {
        let name = task.path.file_name().unwrap_or_default();
        let Some(parent) = task.directory.as_ref().filter(|_| !self.options.dry_run) else {
            return self.file(task);
        };
        let first = link_key(&task.node).and_then(|key| {
            let first = self
                .first_links
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            first
                .get(&key)
                .filter(|first| first.restored)
                .map(|first| first.path.clone())
        });
        let Some(first) = first else {
            return self.file(task);
        };
        match self.link_to(&first, parent, name, task) {
            Ok(true) => Ok(()),
            Ok(false) => self.file(task),
            Err(failure) => self.fail(task, &failure),
        }
    }

    /// `false`: it takes a file of its own.
    fn link_to(
        &self,
        first: &Path,
        parent: &OwnedFd,
        name: &OsStr,
        task: &Task,
    ) -> Result<bool, Failure> {
        let target = directory::open_target(self.target).map_err(Failure::Content)?;
        let above = directory::open_below(&target, first.parent().unwrap_or(Path::new("")))?;
        let first_name = first.file_name().unwrap_or_default();
        let Some(origin) = directory::status(&above, first_name)? else {
            return Ok(false);
        };
        if let Some(found) = directory::status(parent, name)? {
            if (found.st_dev, found.st_ino) == (origin.st_dev, origin.st_ino) {
                self.tally.identical.fetch_add(1, Ordering::Relaxed);
                self.monitor.advance(1, task.node.meta.size);
                return Ok(true);
            }
            if !self.options.overwrite {
                // The same content under a name of its own, or kept.
                return Ok(false);
            }
            if directory::kind(&found) == FileType::Directory && !self.give_way(parent, task, name)
            {
                return Ok(true);
            }
        }
        let unfinished = contents::unfinished_name();
        rustix::fs::linkat(
            &above,
            first_name,
            parent,
            &unfinished,
            rustix::fs::AtFlags::empty(),
        )?;
        if let Err(failure) = contents::put(parent, &unfinished, name, self.options.overwrite) {
            let _ = rustix::fs::unlinkat(parent, &unfinished, rustix::fs::AtFlags::empty());
            return Err(failure);
        }
        self.done(task, task.node.meta.size);
        Ok(true)
    }

    /// Restores a link, a device, a FIFO or a socket.
    fn special(&self, task: &Task, name: &OsStr) {
        let Some(parent) = &task.directory else {
            return self.done(task, 0);
        };
        let Some(found) = self.look(parent, task, name) else {
            return;
        };
        if let Some(found) = found {
            if is_same_special(parent, name, &task.node.node_type, &found) {
                if !self.options.dry_run && found.st_nlink == 1 {
                    let missing = metadata::apply_unopened(parent, name, &task.node, &self.owners);
                    self.note_missing(&task.path, missing);
                }
                self.tally.identical.fetch_add(1, Ordering::Relaxed);
                self.monitor.advance(1, 0);
                return;
            }
            if !self.give_way(parent, task, name) {
                return;
            }
        }
        if self.options.dry_run {
            return self.done(task, 0);
        }
        let private = Mode::RUSR | Mode::WUSR;
        let made = match &task.node.node_type {
            link @ NodeType::Symlink { .. } => rustix::fs::symlinkat(link.to_link(), parent, name),
            NodeType::Dev { device } => {
                rustix::fs::mknodat(parent, name, FileType::BlockDevice, private, *device)
            }
            NodeType::Chardev { device } => {
                rustix::fs::mknodat(parent, name, FileType::CharacterDevice, private, *device)
            }
            NodeType::Fifo => rustix::fs::mknodat(parent, name, FileType::Fifo, private, 0),
            NodeType::Socket => rustix::fs::mknodat(parent, name, FileType::Socket, private, 0),
            NodeType::File | NodeType::Dir => return,
        };
        match made {
            Ok(()) => {
                self.note_missing(
                    &task.path,
                    metadata::apply_unopened(parent, name, &task.node, &self.owners),
                );
                self.done(task, 0);
            }
            Err(error) => {
                self.failed(
                    &task.path,
                    &task.node,
                    &format!("cannot be created: {}", os::reason(&error.into())),
                );
            }
        }
    }

    /// What is there under the name: `Some(None)` is nothing, `None` that it cannot be told (and is noted).
    fn look(&self, parent: &OwnedFd, task: &Task, name: &OsStr) -> Option<Option<Stat>> {
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
    fn may_replace(&self, task: &Task) -> bool {
        if !self.options.overwrite {
            self.failed(&task.path, &task.node, "exists and differs; kept");
        }
        self.options.overwrite
    }

    /// Removes what is in the way of an entry, where that is wanted and can be done.
    fn give_way(&self, parent: &OwnedFd, task: &Task, name: &OsStr) -> bool {
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

    fn done(&self, task: &Task, bytes: u64) {
        if self.options.dry_run {
            self.tally.bytes.fetch_add(bytes, Ordering::Relaxed);
        }
        self.tally.written.fetch_add(1, Ordering::Relaxed);
        self.monitor
            .advance(1, if task.node.is_file() { bytes } else { 0 });
    }

    /// A failure that ends the restore is an error, any other a problem of this file.
    fn fail(&self, task: &Task, failure: &Failure) -> Result<(), Error> {
        if let (true, Failure::Io(error)) = (failure.is_final(), failure) {
            let done = self.tally.written.load(Ordering::Relaxed)
                + self.tally.identical.load(Ordering::Relaxed);
            let error = Error::io("write", &self.target.join(&task.path), error);
            return Err(Error::new(
                error.kind(),
                format!(
                    "{error}; the restore ended after {done} files, and {} is not complete",
                    self.target.display()
                ),
            ));
        }
        if let Failure::Content(error) = failure
            && error.kind() == ErrorKind::NoSpace
        {
            return Err(error.clone());
        }
        self.failed(&task.path, &task.node, &failure.reason());
        Ok(())
    }

    /// An entry is not restored; of a directory, none that is in it is.
    fn failed(&self, path: &Path, node: &Node, reason: &str) {
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

    fn note_missing(&self, path: &Path, missing: Vec<String>) {
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

/// Identifies a file with several names.
fn link_key(node: &Node) -> Option<(u64, u64)> {
    (node.is_file() && node.meta.links > 1 && node.meta.inode != 0)
        .then_some((node.meta.device_id, node.meta.inode))
}

fn is_same_special(parent: &OwnedFd, name: &OsStr, wanted: &NodeType, found: &Stat) -> bool {
    let kind = directory::kind(found);
    match wanted {
        NodeType::Symlink { .. } => {
            kind == FileType::Symlink
                && rustix::fs::readlinkat(parent, name, Vec::new()).is_ok_and(|link| {
                    link.as_bytes() == wanted.to_link().as_os_str().as_encoded_bytes()
                })
        }
        NodeType::Dev { device } => kind == FileType::BlockDevice && found.st_rdev == *device,
        NodeType::Chardev { device } => {
            kind == FileType::CharacterDevice && found.st_rdev == *device
        }
        NodeType::Fifo => kind == FileType::Fifo,
        NodeType::Socket => kind == FileType::Socket,
        NodeType::File | NodeType::Dir => false,
    }
}

fn kept_because(kept: &Kept) -> String {
    match kept {
        Kept::MountPoint => "a file system is mounted there".to_owned(),
        Kept::Container => "the container is in it".to_owned(),
        Kept::Failed(error) => os::reason(error),
    }
}
