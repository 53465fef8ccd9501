//! A file's content, from the repository's blobs.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU64, Ordering};

use rustic_core::BlobId;
use rustic_core::repofile::{BlobType, Node};
use rustix::fs::{AtFlags, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

use super::Indexed;
use super::directory::UNFINISHED;
use crate::rustic::error::Error;
use crate::rustic::observer::Observer;
use crate::rustic::problem::PathFault;

/// Why one file could not be written.
#[derive(Debug)]
pub enum Failure {
    /// The operating system refused.
    Io(io::Error),
    /// The repository does not give its content.
    Content(Error),
    /// Something was created under its name in the meantime.
    Exists,
}

impl Failure {
    /// What is wrong with the file.
    ///
    /// # Errors
    /// The cause, where the next file would fail too.
    pub fn fault(self) -> Result<PathFault, io::Error> {
        match self {
            Failure::Io(source) => match source.kind() {
                io::ErrorKind::StorageFull
                | io::ErrorKind::ReadOnlyFilesystem
                | io::ErrorKind::QuotaExceeded => Err(source),
                _ => Ok(PathFault::NotWritten { source }),
            },
            Failure::Content(source) => Ok(PathFault::ContentUnreadable {
                source: source.into(),
            }),
            Failure::Exists => Ok(PathFault::Differs),
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Failure::Io(error)
    }
}

impl From<Errno> for Failure {
    fn from(error: Errno) -> Self {
        Failure::Io(error.into())
    }
}

/// Whether an open file holds exactly the node's content. Reads only the file: the id of a blob is the hash of its
/// content.
pub fn is_identical(engine: &Indexed, node: &Node, file: &mut File) -> io::Result<bool> {
    for id in node.content.iter().flatten() {
        let Ok(entry) = engine.get_index_entry(id) else {
            return Ok(false);
        };
        if !id.blob_matches_reader(entry.location.data_length().into(), file) {
            return Ok(false);
        }
    }
    Ok(file.read(&mut [0])? == 0)
}

/// Writes the node's content into a new file, and then renames that to its name. Before the rename, `finish` gets the
/// file to set its metadata. `replace`: what has the name is replaced.
pub fn write(
    engine: &Indexed,
    parent: &OwnedFd,
    name: &OsStr,
    node: &Node,
    replace: bool,
    observer: &dyn Observer,
    finish: impl FnOnce(&OwnedFd),
) -> Result<u64, Failure> {
    let unfinished = unfinished_name();
    let file = rustix::fs::openat(
        parent,
        &unfinished,
        OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC,
        Mode::RUSR | Mode::WUSR,
    )?;
    let mut file = File::from(file);
    let result = fill(engine, node, &mut file, observer).and_then(|length| {
        let file = OwnedFd::from(file);
        finish(&file);
        put(parent, &unfinished, name, replace)?;
        Ok(length)
    });
    if result.is_err() {
        // If this fails too, the next restore removes it.
        let _ = rustix::fs::unlinkat(parent, &unfinished, AtFlags::empty());
    }
    result
}

fn fill(
    engine: &Indexed,
    node: &Node,
    file: &mut File,
    observer: &dyn Observer,
) -> Result<u64, Failure> {
    let mut length = 0;
    for id in node.content.iter().flatten() {
        let blob = engine
            .get_blob_cached(&BlobId::from(*id), BlobType::Data)
            .map_err(|error| {
                Failure::Content(Error::engine("read data", super::place(engine), error))
            })?;
        if !id.blob_matches_reader(blob.len() as u64, &mut &blob[..]) {
            return Err(Failure::Content(Error::WrongData { id: id.to_string() }));
        }
        if blob.len() >= 4096 && blob.iter().all(|byte| *byte == 0) {
            // Zeros become a hole, which they most likely were.
            file.seek(SeekFrom::Current(blob.len() as i64))?;
        } else {
            file.write_all(&blob)?;
        }
        length += blob.len() as u64;
        observer.advance(0, blob.len() as u64);
    }
    file.set_len(length)?;
    Ok(length)
}

/// Renames a finished entry to its name.
pub fn put(parent: &OwnedFd, from: &OsStr, to: &OsStr, replace: bool) -> Result<(), Failure> {
    if replace {
        return Ok(rustix::fs::renameat(parent, from, parent, to)?);
    }
    match rustix::fs::renameat_with(parent, from, parent, to, RenameFlags::NOREPLACE) {
        Ok(()) => Ok(()),
        Err(Errno::EXIST) => Err(Failure::Exists),
        // Some file systems cannot do that: then another process may create the name between the two calls.
        Err(Errno::INVAL | Errno::NOSYS) => match super::directory::status(parent, to)? {
            Some(_) => Err(Failure::Exists),
            None => Ok(rustix::fs::renameat(parent, from, parent, to)?),
        },
        Err(error) => Err(error.into()),
    }
}

/// A name for an unfinished entry, which no other entry of this process has.
pub fn unfinished_name() -> OsString {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("{UNFINISHED}{}-{number}", std::process::id()).into()
}
