//! Restores entries that are not directories: files, hard links, symbolic links, devices, FIFOs and sockets.

use std::ffi::OsStr;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Receiver;
use std::sync::{Mutex, PoisonError};

use rustic_core::repofile::{Node, NodeType};
use rustix::fs::{FileType, Mode, OFlags, Stat};

use super::contents::{self, Failure};
use super::directory;
use super::metadata;
use super::restorer::{Restorer, Task, link_key};
use crate::rustic::error::Error;
use crate::rustic::problem::{PathFault, ReadStep};

impl Restorer<'_> {
    /// The loop of a writing thread: takes files from the walk and writes them.
    pub(super) fn work(
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
    pub(super) fn file(&self, task: &Task) -> Result<(), Error> {
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
                    // With more than one link, the file may also be outside of the target: then its metadata stays.
                    if found.st_nlink == 1 && !self.options.dry_run {
                        self.note_missing(
                            &task.path,
                            metadata::apply(&file.into(), &task.node, &self.owners),
                        );
                    }
                    if found.st_nlink == 1 || !self.options.overwrite {
                        self.mark_first(&task.node);
                        self.tally.identical.fetch_add(1, Ordering::Relaxed);
                        self.observer.advance(1, task.node.meta.size);
                        return Ok(());
                    }
                }
                Ok(None) => {}
                Err(source) => {
                    self.failed(
                        &task.path,
                        &task.node,
                        PathFault::Unreadable {
                            step: ReadStep::Compare,
                            source,
                        },
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
            self.observer,
            |file| missing = metadata::apply(file, &task.node, &self.owners),
        );
        match written {
            Ok(length) => {
                self.mark_first(&task.node);
                self.note_missing(&task.path, missing);
                self.tally.written.fetch_add(1, Ordering::Relaxed);
                self.tally.bytes.fetch_add(length, Ordering::Relaxed);
                self.observer.advance(1, 0);
                Ok(())
            }
            Err(failure) => self.fail(task, failure),
        }
    }

    /// Notes that further hard links to this file can be made.
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

    /// Restores a hard link to a file that was restored before. Where that file is not there, restores a separate file.
    pub(super) fn link(&self, task: &Task) -> Result<(), Error> {
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
            Err(failure) => self.fail(task, failure),
        }
    }

    /// Returns `false` where a separate file is needed.
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
                self.observer.advance(1, task.node.meta.size);
                return Ok(true);
            }
            if !self.options.overwrite {
                // A separate file with the same content is fine; any other is kept.
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

    /// Restores a symbolic link, a device, a FIFO or a socket.
    pub(super) fn special(&self, task: &Task, name: &OsStr) {
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
                self.observer.advance(1, 0);
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
                let source = error.into();
                self.failed(&task.path, &task.node, PathFault::NotCreated { source });
            }
        }
    }

    /// A failure that ends the restore is an error, any other a problem of this file.
    fn fail(&self, task: &Task, failure: Failure) -> Result<(), Error> {
        match failure.fault() {
            Ok(fault) => {
                self.failed(&task.path, &task.node, fault);
                Ok(())
            }
            Err(error) => Err(Error::RestoreCutShort {
                source: Error::io("write", &self.target.join(&task.path), error).into(),
                done: self.tally.written.load(Ordering::Relaxed)
                    + self.tally.identical.load(Ordering::Relaxed),
                target: self.target.to_owned(),
            }),
        }
    }
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
