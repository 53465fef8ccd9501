//! The file system as a side of a comparison.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::side::{Faults, Side, SideError};
use crate::inspect::path::Entries;
use crate::repository::blob_name::{BlobKind, BlobName};
use crate::repository::error::{Doing, Error, ErrorKind, What};
use crate::repository::indexed::Indexed;
use crate::repository::node::{Node, NodeKind};
use crate::repository::snapshot::Snapshot;
use crate::source::patterns::Patterns;
use crate::source::problem::{ReadStep, SourceFault};
use crate::source::tree::directory::Lister;
use crate::source::tree::entry::Entry;
use crate::source::tree::node::{Names, node, node_without_content};
use crate::source::tree::path::{DirectoryPath, OpenDirectory};
use crate::source::tree::selection::Selection;
use crate::source::tree::stat::EntryKind;
use crate::source::tree::{attributes, file, path_of};
use crate::storage::id::Id;

/// How much of a file is read at a time.
const PIECE: usize = 256 << 10;

/// A directory of this host. Nothing is written, and no link is followed below the top.
pub struct LiveSide<'a> {
    /// For the lengths of the blobs with which files are compared.
    repository: &'a Indexed,
    top: PathBuf,
    /// What a backup leaves out, by patterns of paths below the top.
    left_out: Patterns,
    lister: Lister,
    names: Names,
    /// The directories that the comparison is in, the top first.
    open: Vec<Level>,
}

/// A directory of the file system.
struct Level {
    /// Below the top, as the comparison has it; empty for the top.
    path: Vec<u8>,
    directory: OpenDirectory,
    /// Sorted by name.
    entries: Vec<Entry>,
}

impl<'a> LiveSide<'a> {
    /// A directory. What the snapshot says that its backup left out is not told as added, if its patterns are about this
    /// directory.
    pub fn new(repository: &'a Indexed, top: PathBuf, snapshot: &Snapshot) -> LiveSide<'a> {
        let is_source = snapshot.paths.iter().any(|path| Path::new(path) == top);
        let left_out = match is_source {
            true => Patterns::new(&top, &snapshot.excludes).0,
            false => Patterns::default(),
        };
        LiveSide {
            repository,
            top,
            left_out,
            lister: Lister::new(),
            names: Names::default(),
            open: Vec::new(),
        }
    }

    /// Opens the directory at a path, whose parent was asked for before.
    fn directory(&mut self, path: &[u8]) -> Result<OpenDirectory, SideError> {
        let failed = |cause| SourceFault::io(ReadStep::Open, cause);
        if path.is_empty() {
            self.open.clear();
            let top = DirectoryPath::top(&self.top, None);
            return Ok(OpenDirectory::open(&top, None).map_err(failed)?);
        }
        let (level, name) = self.parent(path)?;
        let Some(entry) = level.entry(name) else {
            return Err(SourceFault::Vanished.into());
        };
        let child: Arc<DirectoryPath> = level.directory.path.child(entry);
        Ok(OpenDirectory::open(&child, Some(&level.directory)).map_err(failed)?)
    }

    /// The directory that a path lies in, and the name in it. Directories that the comparison has left are closed.
    fn parent<'p>(&mut self, path: &'p [u8]) -> Result<(&Level, &'p [u8]), SideError> {
        let slash = path.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
        let (above, name) = path.split_at(slash);
        while self.open.last().is_some_and(|level| level.path != above) {
            self.open.pop();
        }
        match self.open.last() {
            Some(level) => Ok((level, name.strip_prefix(b"/").unwrap_or(name))),
            None => Err(SourceFault::Vanished.into()),
        }
    }
}

impl Level {
    fn entry(&self, name: &[u8]) -> Option<&Entry> {
        let found = self
            .entries
            .binary_search_by(|entry| (*entry.name).cmp(name));
        found.ok().map(|place| &self.entries[place])
    }
}

impl Side for LiveSide<'_> {
    fn entries(
        &mut self,
        path: &[u8],
        _: Option<&Node>,
        faults: &mut Faults,
    ) -> Result<Entries, SideError> {
        let directory = self.directory(path)?;
        let mut source_faults = Vec::new();
        let listing = self
            .lister
            .list(&directory, &Selection::default(), 0, &mut source_faults)
            .map_err(|cause| SourceFault::io(ReadStep::List, cause))?;
        for (name, fault) in source_faults {
            faults.push((name.map(Vec::from).unwrap_or_default(), fault.into()));
        }
        let mut entries = Vec::with_capacity(listing.entries.len());
        for entry in &listing.entries {
            match describe(&directory, entry, &mut self.names) {
                Ok(node) => entries.push((node, None)),
                Err(fault) => faults.push((entry.name.to_vec(), fault.into())),
            }
        }
        self.open.push(Level {
            path: path.to_vec(),
            directory,
            entries: listing.entries,
        });
        Ok(entries)
    }

    /// As a backup decides: a file with the same size, times and inode was not changed. Any other one is read, and its
    /// pieces are compared with the ids of the blobs.
    fn contents_differ(
        &mut self,
        path: &[u8],
        own: &Node,
        other: &Node,
    ) -> Result<bool, SideError> {
        if own.size != other.size {
            return Ok(true);
        }
        let looks_unchanged =
            (own.mtime, own.ctime, own.inode) == (other.mtime, other.ctime, other.inode);
        if looks_unchanged {
            return Ok(false);
        }
        let repository = self.repository;
        let (level, name) = self.parent(path)?;
        let opened = file::open(&level.directory, name, false)
            .map_err(|cause| SourceFault::io(ReadStep::Open, cause))?;
        match opened {
            Some((file, _)) => differs(repository, file, other),
            None => Err(SourceFault::ChangedType.into()),
        }
    }

    fn leaves_out(&self, path: &[u8], node: &Node) -> bool {
        let below = path.strip_prefix(b"/").unwrap_or(path);
        let is_directory = node.kind == NodeKind::Directory;
        let path = path_of(b"", below);
        self.left_out.leave_out(Path::new(&path), is_directory)
    }
}

/// The node of an entry. Its extended attributes are read, its content is not.
fn describe(
    directory: &OpenDirectory,
    entry: &Entry,
    names: &mut Names,
) -> Result<Node, SourceFault> {
    // Times out of range and attributes that cannot be read are problems of a backup.
    let mut ignored = Vec::new();
    match entry.stat.kind() {
        EntryKind::File | EntryKind::Directory => {
            let mut node = node(&entry.name, &entry.stat, names, &mut ignored);
            node.attributes = attributes::of_entry(directory, &entry.name, &mut ignored);
            Ok(node)
        }
        EntryKind::Symlink | EntryKind::Special => {
            node_without_content(directory, &entry.name, &entry.stat, names, &mut ignored)
        }
    }
}

/// Whether a file has other bytes than the node says.
fn differs(repository: &Indexed, mut file: File, node: &Node) -> Result<bool, SideError> {
    let failed = |cause| SideError::from(SourceFault::io(ReadStep::Read, cause));
    let mut buffer = vec![0; PIECE];
    for id in node.content.iter().flatten() {
        let mut left = length_of(repository, *id)?;
        let mut hash = Sha256::new();
        while left > 0 {
            let piece = &mut buffer[..usize::try_from(left).unwrap_or(PIECE).min(PIECE)];
            match read(&mut file, piece).map_err(failed)? {
                0 => return Ok(true),
                length => {
                    hash.update(&piece[..length]);
                    left -= length as u64;
                }
            }
        }
        if Id(hash.finalize().into()) != *id {
            return Ok(true);
        }
    }
    Ok(read(&mut file, &mut buffer[..1]).map_err(failed)? > 0)
}

/// Reads, and tries again after a signal.
fn read(file: &mut File, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match file.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            read => return read,
        }
    }
}

fn length_of(repository: &Indexed, id: Id) -> Result<u64, Error> {
    let kind = BlobKind::Data;
    let name = BlobName { kind, id };
    match repository.index.lookup(name).next() {
        Some(location) => Ok(location.blob.content_length()),
        None => Err(Error::new(
            ErrorKind::Missing,
            Doing::Read,
            What::Blob(name),
        )),
    }
}
