//! Lists a directory: which entries it has, what they are, and which of them are backed up.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::AsFd;

use rustix::fs::{FileType, RawDir};

use super::entry::{Entry, Listing};
use super::file;
use super::path::OpenDirectory;
use super::selection::{LeftOut, Marker, Selection};
use super::stat::{EntryKind, Stat};
use super::{attributes, path_of};
use crate::source::patterns::Decision;
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
        self.list_and_tell(directory, selection, device, faults, &mut |_, _| ())
    }

    /// Lists a directory as [`Lister::list`] does, and tells the name of each entry that is left out, and why. The name
    /// is empty where a marker leaves out all other entries.
    ///
    /// # Errors
    /// When the directory cannot be read to its end.
    pub fn list_and_tell(
        &mut self,
        directory: &OpenDirectory,
        selection: &Selection,
        device: u64,
        faults: &mut Vec<(Option<Box<[u8]>>, SourceFault)>,
        left_out: &mut dyn FnMut(&[u8], LeftOut<'_>),
    ) -> io::Result<Listing> {
        let stat = Stat::of_open(directory)?;
        let mut own_faults = Vec::new();
        let attributes = attributes::of_open(directory, &mut own_faults);
        faults.extend(own_faults.into_iter().map(|fault| (None, fault)));
        let mut names = self.names(directory)?;
        if let Some(marker) = present_marker(directory, selection, &names) {
            names.retain(|(name, _)| **name == *marker.name);
            left_out(b"", LeftOut::Marker(marker));
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
                Ok(Examined::Kept(entry)) => {
                    if entry.closed {
                        left_out(&entry.name, LeftOut::OtherFileSystem);
                    }
                    entries.push(entry);
                }
                Ok(Examined::LeftOut(name, why)) => left_out(&name, why),
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

/// What becomes of an entry.
enum Examined<'a> {
    Kept(Entry),
    LeftOut(Box<[u8]>, LeftOut<'a>),
}

fn examine<'a>(
    directory: &OpenDirectory,
    below: &[u8],
    name: Box<[u8]>,
    kind: FileType,
    selection: &'a Selection,
    device: u64,
) -> Result<Examined<'a>, (Box<[u8]>, SourceFault)> {
    let excluded = |name: &[u8], is_directory| {
        if selection.exclude.is_empty() {
            return None;
        }
        let path = path_of(below, name);
        match selection.exclude.decision(&path, is_directory) {
            Decision::LeftOut(pattern) => Some(LeftOut::Pattern(pattern.text())),
            Decision::NoMatch | Decision::Kept(_) => None,
        }
    };
    // Most excluded entries need no system call.
    let known = match kind {
        FileType::Unknown => None,
        FileType::Symlink if selection.follow_links => None,
        kind => Some(kind == FileType::Directory),
    };
    if let Some(why) = known.and_then(|is_directory| excluded(&name, is_directory)) {
        return Ok(Examined::LeftOut(name, why));
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
    let size = entry.stat.size;
    let is_file = entry.stat.kind() == EntryKind::File;
    let is_elsewhere = entry.stat.device != device
        && (selection.one_file_system || selection.closed_devices.contains(&entry.stat.device))
        && !selection.other_devices.contains(&entry.stat.device);
    let why = if is_file && selection.larger_than.is_some_and(|most| size > most) {
        Some(LeftOut::TooLarge(size))
    } else if selection.left_out.contains(&entry.stat.identity()) {
        Some(LeftOut::Itself)
    } else if let Some(why) = known
        .is_none()
        .then(|| excluded(&name, is_directory))
        .flatten()
    {
        Some(why)
    } else {
        (is_elsewhere && !is_directory).then_some(LeftOut::OtherFileSystem)
    };
    if let Some(why) = why {
        return Ok(Examined::LeftOut(name, why));
    }
    entry.closed = is_elsewhere;
    entry.name = name;
    Ok(Examined::Kept(entry))
}
