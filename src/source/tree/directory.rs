//! Lists a directory: which entries it has, what they are, and which of them are backed up.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::AsFd;

use rustix::fs::{FileType, RawDir};

use super::entry::{Entry, Listing};
use super::file;
use super::path::OpenDirectory;
use super::selection::{Marker, Selection};
use super::stat::{EntryKind, Stat};
use super::{attributes, path_of};
use crate::source::problem::{ReadStep, SourceFault};

/// What the kernel fills with names at a time.
const NAMES: usize = 32 << 10;

/// Lists directories. Keeps its buffers.
pub struct Lister {
    names: Vec<MaybeUninit<u8>>,
}

impl Default for Lister {
    fn default() -> Lister {
        Lister::new()
    }
}

impl Lister {
    /// A lister with an empty buffer.
    pub fn new() -> Lister {
        Lister {
            names: vec![MaybeUninit::uninit(); NAMES],
        }
    }

    /// Lists a directory. `device` is that of the top. What is wrong with single entries goes to `faults`, with their
    /// names; what is wrong with the directory's own attributes has no name.
    ///
    /// # Errors
    /// When the directory cannot be read to its end.
    pub fn list(
        &mut self,
        directory: &OpenDirectory,
        selection: &Selection,
        device: u64,
        faults: &mut Vec<(Option<Box<[u8]>>, SourceFault)>,
    ) -> io::Result<Listing> {
        let stat = Stat::of_open(directory)?;
        let mut own_faults = Vec::new();
        let attributes = attributes::of_open(directory, &mut own_faults);
        faults.extend(own_faults.into_iter().map(|fault| (None, fault)));
        let mut names = self.names(directory)?;
        if let Some(marker) = present_marker(directory, selection, &names) {
            names.retain(|(name, _)| **name == *marker.name);
        }
        names.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        // No file system should list a name twice, and a tree cannot have it twice.
        names.dedup_by(|(one, _), (other, _)| one == other);
        let below = match selection.exclude.is_empty() {
            true => Vec::new(),
            false => directory.path.below_top(),
        };
        let mut entries = Vec::with_capacity(names.len());
        for (name, kind) in names {
            match examine(directory, &below, name, kind, selection, device) {
                Ok(entry) => entries.extend(entry),
                Err((name, fault)) => faults.push((Some(name), fault)),
            }
        }
        Ok(Listing {
            stat,
            attributes,
            entries,
        })
    }

    fn names(&mut self, directory: &OpenDirectory) -> io::Result<Vec<(Box<[u8]>, FileType)>> {
        let mut names = Vec::new();
        let mut raw = RawDir::new(directory.as_fd(), &mut self.names);
        while let Some(entry) = raw.next() {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if name != b"." && name != b".." {
                names.push((name.into(), entry.file_type()));
            }
        }
        Ok(names)
    }
}

/// The first marker that lies in the directory.
fn present_marker<'a>(
    directory: &OpenDirectory,
    selection: &'a Selection,
    names: &[(Box<[u8]>, FileType)],
) -> Option<&'a Marker> {
    selection.exclude_if_present.iter().find(|marker| {
        names.iter().any(|(name, _)| **name == *marker.name)
            && (marker.header.is_empty() || file::begins_with(directory, marker))
    })
}

/// `None` when the entry is left out.
fn examine(
    directory: &OpenDirectory,
    below: &[u8],
    name: Box<[u8]>,
    kind: FileType,
    selection: &Selection,
    device: u64,
) -> Result<Option<Entry>, (Box<[u8]>, SourceFault)> {
    let excluded = |is_directory| {
        !selection.exclude.is_empty()
            && selection
                .exclude
                .leaves_out_entry(path_of(below, &name).as_path(), is_directory)
    };
    // Most excluded entries need no system call.
    let known = match kind {
        FileType::Unknown => None,
        FileType::Symlink if selection.follow_links => None,
        kind => Some(kind == FileType::Directory),
    };
    if known.is_some_and(excluded) {
        return Ok(None);
    }
    let stat = match Stat::of_entry(directory, &name, false) {
        Ok(stat) => stat,
        Err(cause) => return Err((name, SourceFault::io(ReadStep::Examine, cause))),
    };
    let mut entry = Entry {
        stat,
        closed: false,
        followed: false,
        name: Box::default(),
    };
    if selection.follow_links && stat.kind() == EntryKind::Symlink {
        // A link that leads nowhere, or to a directory that it lies in, is backed up as a link.
        if let Ok(target) = Stat::of_entry(directory, &name, true)
            && !(target.kind() == EntryKind::Directory && directory.path.lies_in(target.identity()))
        {
            entry.stat = target;
            entry.followed = true;
        }
    }
    let is_directory = entry.stat.kind() == EntryKind::Directory;
    let too_large = entry.stat.kind() == EntryKind::File
        && selection
            .larger_than
            .is_some_and(|most| entry.stat.size > most);
    if too_large
        || selection.left_out.contains(&entry.stat.identity())
        || (known.is_none() && excluded(is_directory))
    {
        return Ok(None);
    }
    if selection.one_file_system && entry.stat.device != device {
        if !is_directory {
            return Ok(None);
        }
        entry.closed = true;
    }
    entry.name = name;
    Ok(Some(entry))
}
