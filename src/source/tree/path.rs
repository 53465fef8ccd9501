//! Where a directory of the source is, and how it is opened again.
//!
//! A path may be longer than the kernel takes, and directories may be nested deeper than descriptors can be open. So a
//! directory knows the one above it and its own name, and nothing is kept open for it.

use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat, openat2};
use rustix::io::Errno;

use super::entry::Entry;

/// The longest path that one system call gets. The kernel's limit is 4096, with the zero at the end.
const LONGEST: usize = 4000;

/// A directory of the source.
#[derive(Debug)]
pub struct DirectoryPath {
    /// `None`: `name` is a path, not a name.
    above: Option<Arc<DirectoryPath>>,
    name: Box<[u8]>,
    /// Whether a symbolic link of this name is followed.
    follow: bool,
    /// Its device and inode when it was found.
    identity: Option<(u64, u64)>,
}

impl DirectoryPath {
    /// A directory where a walk begins, with its device and inode. A link is followed: who names one means what it
    /// leads to.
    pub fn top(path: &Path, identity: Option<(u64, u64)>) -> Arc<DirectoryPath> {
        Arc::new(DirectoryPath {
            above: None,
            name: path.as_os_str().as_bytes().into(),
            follow: true,
            identity,
        })
    }

    /// The directory of an entry of this one.
    pub fn child(self: &Arc<Self>, entry: &Entry) -> Arc<DirectoryPath> {
        Arc::new(DirectoryPath {
            above: Some(Arc::clone(self)),
            name: entry.name.clone(),
            follow: entry.followed,
            identity: Some(entry.stat.identity()),
        })
    }

    /// Whether this directory, or one above it, is the one with this device and inode.
    pub fn lies_in(&self, identity: (u64, u64)) -> bool {
        self.chain().any(|path| path.identity == Some(identity))
    }

    /// The whole path.
    pub fn to_path(&self) -> PathBuf {
        let mut path = PathBuf::new();
        for directory in self.chain() {
            path.push(OsStr::from_bytes(&directory.name));
        }
        path
    }

    /// The path below the top; empty for the top itself.
    pub fn below_top(&self) -> Vec<u8> {
        let names: Vec<&[u8]> = self.chain().skip(1).map(|path| &*path.name).collect();
        names.join(&b'/')
    }

    /// This directory and all above it, the top first.
    fn chain(&self) -> impl Iterator<Item = &DirectoryPath> {
        let mut all = vec![self];
        while let Some(above) = all.last().and_then(|path| path.above.as_deref()) {
            all.push(above);
        }
        all.into_iter().rev()
    }
}

/// Without this, dropping the last of many nested directories would call itself once for each of them.
impl Drop for DirectoryPath {
    fn drop(&mut self) {
        let mut above = self.above.take();
        while let Some(mut path) = above.and_then(Arc::into_inner) {
            above = path.above.take();
        }
    }
}

/// An open directory of the source.
#[derive(Debug)]
pub struct OpenDirectory {
    pub path: Arc<DirectoryPath>,
    descriptor: OwnedFd,
}

impl OpenDirectory {
    /// Opens a directory. `near` is one that is open already: where it is the directory above, one system call does.
    ///
    /// # Errors
    /// Those of `open(2)`. `ELOOP` or `ENOTDIR` when a part of the path is not a directory any more.
    pub fn open(
        path: &Arc<DirectoryPath>,
        near: Option<&OpenDirectory>,
    ) -> io::Result<OpenDirectory> {
        let descriptor = match (&path.above, near) {
            (Some(above), Some(near)) if Arc::ptr_eq(above, &near.path) => {
                open_one(near.as_fd(), path)?
            }
            _ => open_from_top(path)?,
        };
        Ok(OpenDirectory {
            path: Arc::clone(path),
            descriptor,
        })
    }
}

impl AsFd for OpenDirectory {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

fn flags(follow: bool) -> OFlags {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    match follow {
        true => flags,
        false => flags | OFlags::NOFOLLOW,
    }
}

fn open_one(above: BorrowedFd<'_>, path: &DirectoryPath) -> io::Result<OwnedFd> {
    Ok(openat(
        above,
        &*path.name,
        flags(path.follow),
        Mode::empty(),
    )?)
}

/// Opens the top, and then as many names at once as the kernel takes.
fn open_from_top(path: &DirectoryPath) -> io::Result<OwnedFd> {
    let mut directories = path.chain().peekable();
    let mut open = match directories.next() {
        Some(top) => open_one(CWD, top)?,
        None => return Err(Errno::NOENT.into()),
    };
    let mut names: Vec<&DirectoryPath> = Vec::new();
    let mut length = 0;
    while let Some(directory) = directories.next() {
        if directory.follow {
            open = open_names(open, &names)?;
            open = open_one(open.as_fd(), directory)?;
            names.clear();
            length = 0;
            continue;
        }
        names.push(directory);
        length += directory.name.len() + 1;
        let next = directories.peek().map_or(0, |next| next.name.len() + 1);
        if length + next > LONGEST {
            open = open_names(open, &names)?;
            names.clear();
            length = 0;
        }
    }
    open_names(open, &names)
}

/// Opens a directory below an open one. None of the names may be a link.
fn open_names(open: OwnedFd, names: &[&DirectoryPath]) -> io::Result<OwnedFd> {
    if names.is_empty() {
        return Ok(open);
    }
    let all: Vec<&[u8]> = names.iter().map(|path| &*path.name).collect();
    let path = all.join(&b'/');
    match openat2(
        &open,
        &*path,
        flags(false),
        Mode::empty(),
        ResolveFlags::NO_SYMLINKS | ResolveFlags::BENEATH,
    ) {
        // Kernels before 5.6, and some sandboxes, do not have this call.
        Err(Errno::NOSYS | Errno::PERM) => names
            .iter()
            .try_fold(open, |open, path| open_one(open.as_fd(), path)),
        opened => Ok(opened?),
    }
}
