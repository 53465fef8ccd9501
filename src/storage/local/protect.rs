//! The rights on a repository's files: their owner's alone.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::super::error::{Doing, Error};
use super::super::{FileKind, Storage};
use super::Local;

/// The rights of a group and of all others.
const OTHERS: u32 = 0o077;

pub(super) fn protect(local: &Local) -> Result<Vec<PathBuf>, Error> {
    let mut changed = Vec::new();
    tighten(local, &local.root, &mut changed)?;
    for kind in FileKind::ALL {
        match kind.directory() {
            None => tighten(local, &local.root.join("config"), &mut changed)?,
            Some(name) => tighten(local, &local.root.join(name), &mut changed)?,
        }
    }
    for first in 0..=255 {
        let directory = local.root.join("data").join(format!("{first:02x}"));
        tighten(local, &directory, &mut changed)?;
    }
    for key in local.list(FileKind::Key)?.files {
        let file = super::FileName::new(FileKind::Key, key.id);
        tighten(local, &local.path(file), &mut changed)?;
    }
    Ok(changed)
}

fn tighten(local: &Local, path: &Path, changed: &mut Vec<PathBuf>) -> Result<(), Error> {
    let tightened = fs::symlink_metadata(path).and_then(|about| {
        let mode = about.permissions().mode();
        // The rights of a link are its target's; a link that others made is reported by the listing.
        if about.file_type().is_symlink() || mode & OTHERS == 0 {
            return Ok(false);
        }
        fs::set_permissions(path, Permissions::from_mode(mode & 0o700)).map(|()| true)
    });
    match tightened {
        Ok(true) => changed.push(path.to_owned()),
        Ok(false) => {}
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => {}
        Err(cause) => return Err(local.failed(Doing::Protect, path, cause)),
    }
    Ok(())
}
