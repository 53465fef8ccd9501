//! What lies in the directory of one kind of files. A directory that cannot be listed is an error, never an empty one.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::SystemTime;

use super::super::error::{ErrorKind, shown};
use super::super::id::Id;
use super::super::most;
use super::super::names;
use super::super::{FileKind, Listed, Listing, Stray, StrayKind};
use super::directory::entries;
use super::entry::{Entry, EntryType};
use super::failure::Failure;
use super::session::Session;
use super::{Ftp, read};

/// What an interrupted write left.
pub(super) struct Temporary {
    /// Inside the repository.
    pub path: String,
    /// If the list told it.
    pub modified: Option<SystemTime>,
}

/// A listing, with the ages of temporary files.
#[derive(Default)]
pub(super) struct Found {
    pub listing: Listing,
    pub temporaries: Vec<Temporary>,
}

impl Found {
    fn add(&mut self, other: Found) {
        self.listing.files.extend(other.listing.files);
        for stray in other.listing.strays {
            most::add_stray(&mut self.listing, stray);
        }
        self.temporaries.extend(other.temporaries);
    }

    fn stray(&mut self, directory: &str, entry: &Entry, kind: StrayKind) {
        let path = inside(directory, &shown(&entry.name));
        if kind == StrayKind::Temporary && self.temporaries.len() < most::STRAYS {
            self.temporaries.push(Temporary {
                path: path.clone(),
                modified: entry.modified,
            });
        }
        most::add_stray(&mut self.listing, Stray { path, kind });
    }
}

/// A path inside the repository.
fn inside(directory: &str, name: &str) -> String {
    match directory {
        "" => name.to_owned(),
        directory => format!("{directory}/{name}"),
    }
}

/// All files of a kind.
pub(super) fn list(ftp: &Ftp, kind: FileKind) -> Result<Found, Failure> {
    match kind.directory() {
        None => ftp.run(kind, list_config),
        Some(directory) if kind != FileKind::Pack => {
            ftp.run(kind, |session| list_directory(session, directory, None))
        }
        Some(directory) => {
            let (found, directories) =
                ftp.run(kind, |session| pack_directories(session, directory))?;
            list_packs(ftp, found, &directories)
        }
    }
}

/// The config file, and what interrupted writes of it left beside it.
fn list_config(session: &mut Session) -> Result<Found, Failure> {
    let mut found = Found::default();
    for entry in present(session, "")? {
        if entry.name == b"config" {
            examine(session, "", entry, Id::default(), &mut found)?;
        } else if names::is_temporary(&entry.name) {
            found.stray("", &entry, StrayKind::Temporary);
        }
    }
    Ok(found)
}

/// The entries of a directory. One that does not exist has none.
fn present(session: &mut Session, directory: &str) -> Result<Vec<Entry>, Failure> {
    match entries(session, directory) {
        Err(failure) if failure.kind == ErrorKind::NotFound => Ok(Vec::new()),
        result => result,
    }
}

/// The files of a directory. In one of packs, all names begin with `first`.
fn list_directory(
    session: &mut Session,
    directory: &str,
    first: Option<u8>,
) -> Result<Found, Failure> {
    let mut found = Found::default();
    for entry in present(session, directory)? {
        match Id::parse_bytes(&entry.name) {
            Ok(id) if first.is_none_or(|first| first == id.0[0]) => {
                examine(session, directory, entry, id, &mut found)?;
            }
            Ok(_) => found.stray(directory, &entry, StrayKind::Misplaced),
            Err(_) => found.stray(directory, &entry, without_id(&entry)),
        }
    }
    Ok(found)
}

fn without_id(entry: &Entry) -> StrayKind {
    match names::is_temporary(&entry.name) {
        true => StrayKind::Temporary,
        false => StrayKind::NotAnId,
    }
}

/// A file, a link or something else that has the name of a file.
fn examine(
    session: &mut Session,
    directory: &str,
    entry: Entry,
    id: Id,
    found: &mut Found,
) -> Result<(), Failure> {
    let size = match (entry.is, entry.size) {
        (EntryType::File, Some(size)) => size,
        (EntryType::Directory | EntryType::Other, _) => {
            found.stray(directory, &entry, StrayKind::NotAFile);
            0
        }
        (EntryType::File | EntryType::Link | EntryType::Unknown, _) => {
            if entry.is == EntryType::Link {
                found.stray(directory, &entry, StrayKind::Link);
            }
            let name = String::from_utf8_lossy(&entry.name);
            match read::size(session, &inside(directory, &name)) {
                Ok(size) => size,
                Err(failure) if session.is_broken() => return Err(failure),
                // Removed since the directory was read, as locks are.
                Err(failure) if failure.kind == ErrorKind::NotFound => return Ok(()),
                Err(failure) if failure.kind == ErrorKind::NotAFile => {
                    found.stray(directory, &entry, StrayKind::NotAFile);
                    0
                }
                // It is not absent: who reads it learns that it cannot be read.
                Err(_) if entry.is == EntryType::Link => 0,
                Err(failure) => return Err(failure),
            }
        }
    };
    found.listing.files.push(Listed {
        id,
        size,
        modified: entry.modified,
    });
    Ok(())
}

/// The directories that hold packs, with the value of their names, among what lies in `data`.
fn pack_directories(
    session: &mut Session,
    data: &str,
) -> Result<(Found, Vec<(String, u8)>), Failure> {
    let mut found = Found::default();
    let mut directories = Vec::new();
    let mut seen = [false; 256];
    for entry in present(session, data)? {
        let Some(first) = names::first_byte(&entry.name) else {
            let kind = match Id::parse_bytes(&entry.name) {
                // A pack beside the directories, as an old layout had it, is not read.
                Ok(_) => StrayKind::Misplaced,
                Err(_) => without_id(&entry),
            };
            found.stray(data, &entry, kind);
            continue;
        };
        let path = inside(data, &format!("{first:02x}"));
        // Two of one name would not be two directories.
        if std::mem::replace(&mut seen[usize::from(first)], true) {
            continue;
        }
        match entry.is {
            EntryType::Directory | EntryType::Unknown => directories.push((path, first)),
            EntryType::Link => {
                found.stray(data, &entry, StrayKind::Link);
                directories.push((path, first));
            }
            EntryType::File | EntryType::Other => found.stray(data, &entry, StrayKind::NotAFile),
        }
    }
    Ok((found, directories))
}

/// Reads the directories of packs. Several connections share the work.
fn list_packs(ftp: &Ftp, mut found: Found, directories: &[(String, u8)]) -> Result<Found, Failure> {
    let (next, count) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let parts = ftp.together(directories.len(), || {
        ftp.run(FileKind::Pack, |session| {
            let mut part = Found::default();
            while let Some((path, first)) = directories.get(next.fetch_add(1, Ordering::Relaxed)) {
                let found = list_directory(session, path, Some(*first))?;
                let files = found.listing.files.len();
                if count.fetch_add(files, Ordering::Relaxed) + files > most::entries(FileKind::Pack)
                {
                    return Err(Failure::answer("the server lists too many files"));
                }
                part.add(found);
            }
            Ok(part)
        })
    })?;
    for part in parts {
        found.add(part);
    }
    Ok(found)
}
