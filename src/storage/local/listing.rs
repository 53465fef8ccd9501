//! What lies in the directory of one kind of files. A directory that cannot be listed is an error, never an empty one.

use std::fs::{self, DirEntry};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::super::error::{Doing, Error};
use super::super::id::Id;
use super::super::names;
use super::super::{FileKind, Listed, Listing, Stray, StrayKind};
use super::Local;

pub(super) fn list(local: &Local, kind: FileKind) -> Result<Listing, Error> {
    let mut listing = Listing::default();
    match kind.directory() {
        None => list_config(local, &mut listing)?,
        Some(name) => {
            let directory = local.root.join(name);
            note_link(local, &directory, &mut listing)?;
            for entry in entries(local, &directory)? {
                if kind == FileKind::Pack {
                    pack_directory(local, &entry, &mut listing)?;
                } else {
                    file(local, &entry, None, &mut listing)?;
                }
            }
        }
    }
    Ok(listing)
}

/// The config file, and what interrupted writes of it left beside it.
fn list_config(local: &Local, listing: &mut Listing) -> Result<(), Error> {
    for entry in entries(local, &local.root)? {
        let name = entry.file_name();
        if name == "config" {
            examine(local, &entry, Id::default(), listing)?;
        } else if names::is_temporary(name.as_bytes()) {
            stray(local, &entry.path(), StrayKind::Temporary, listing);
        }
    }
    Ok(())
}

/// One of the 256 directories that hold packs.
fn pack_directory(local: &Local, entry: &DirEntry, listing: &mut Listing) -> Result<(), Error> {
    let name = entry.file_name();
    let path = entry.path();
    let Some(first) = names::first_byte(name.as_bytes()) else {
        let kind = match names::is_temporary(name.as_bytes()) {
            true => StrayKind::Temporary,
            // A pack beside the directories, as an old layout had it, is not read.
            false if Id::parse_bytes(name.as_bytes()).is_ok() => StrayKind::Misplaced,
            false => StrayKind::NotAnId,
        };
        stray(local, &path, kind, listing);
        return Ok(());
    };
    note_link(local, &path, listing)?;
    match fs::metadata(&path) {
        Ok(about) if about.is_dir() => {}
        Ok(_) => {
            stray(local, &path, StrayKind::NotAFile, listing);
            return Ok(());
        }
        Err(cause) => return Err(local.failed(Doing::List, &path, cause)),
    }
    for entry in entries(local, &path)? {
        file(local, &entry, Some(first), listing)?;
    }
    Ok(())
}

fn file(
    local: &Local,
    entry: &DirEntry,
    first: Option<u8>,
    listing: &mut Listing,
) -> Result<(), Error> {
    let name = entry.file_name();
    match Id::parse_bytes(name.as_bytes()) {
        Ok(id) if first.is_none_or(|first| first == id.0[0]) => {
            examine(local, entry, id, listing)?;
        }
        Ok(_) => stray(local, &entry.path(), StrayKind::Misplaced, listing),
        Err(_) if names::is_temporary(name.as_bytes()) => {
            stray(local, &entry.path(), StrayKind::Temporary, listing);
        }
        Err(_) => stray(local, &entry.path(), StrayKind::NotAnId, listing),
    }
    Ok(())
}

/// What has the name of a file: a file, a link, or something else.
fn examine(local: &Local, entry: &DirEntry, id: Id, listing: &mut Listing) -> Result<(), Error> {
    let path = entry.path();
    let mut about = match entry.metadata() {
        Ok(about) => about,
        // Removed since the directory was read, as locks are.
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(cause) => return Err(local.failed(Doing::List, &path, cause)),
    };
    if about.file_type().is_symlink() {
        stray(local, &path, StrayKind::Link, listing);
        match fs::metadata(&path) {
            Ok(target) => about = target,
            // It is not absent: who reads it learns that it cannot be read.
            Err(_) => {
                listing.files.push(Listed {
                    id,
                    size: 0,
                    modified: None,
                });
                return Ok(());
            }
        }
    }
    if !about.is_file() {
        stray(local, &path, StrayKind::NotAFile, listing);
    }
    listing.files.push(Listed {
        id,
        size: about.len(),
        modified: about.modified().ok(),
    });
    Ok(())
}

fn note_link(local: &Local, path: &Path, listing: &mut Listing) -> Result<(), Error> {
    match fs::symlink_metadata(path) {
        Ok(about) if about.file_type().is_symlink() => {
            stray(local, path, StrayKind::Link, listing);
            Ok(())
        }
        Ok(_) => Ok(()),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(cause) => Err(local.failed(Doing::List, path, cause)),
    }
}

fn stray(local: &Local, path: &Path, kind: StrayKind, listing: &mut Listing) {
    listing.strays.push(Stray {
        path: local.inside(path),
        kind,
    });
}

/// All entries of a directory, or an error. Only a directory that does not exist has none.
fn entries(local: &Local, directory: &Path) -> Result<Vec<DirEntry>, Error> {
    let failed = |cause| local.failed(Doing::List, directory, cause);
    match fs::read_dir(directory) {
        Ok(entries) => entries.collect::<io::Result<Vec<_>>>().map_err(failed),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => {
            // A link to nowhere is not a directory that does not exist.
            match fs::symlink_metadata(directory) {
                Ok(_) => Err(failed(cause)),
                Err(_) => Ok(Vec::new()),
            }
        }
        Err(cause) => Err(failed(cause)),
    }
}
