//! Directories by descriptor: opens, lists and removes entries, and never follows a link.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use crate::rustic::error::Error;
use crate::rustic::problem::NotRemoved;

/// How the names of unfinished files begin. The next restore removes those that a killed restore left.
pub const UNFINISHED: &str = ".freezerd-restoring-";

/// Opens the target itself. It may be a link: a job that names one means what it points to.
pub fn open_target(path: &Path) -> Result<OwnedFd, Error> {
    rustix::fs::open(
        path,
        OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC,
        Mode::empty(),
    )
    .map_err(|error| Error::io("use as the target", path, error.into()))
}

/// Opens a directory that is in another one.
pub fn open_directory(parent: impl AsFd, name: &OsStr) -> io::Result<OwnedFd> {
    Ok(rustix::fs::openat(
        parent,
        name,
        OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC,
        Mode::empty(),
    )?)
}

/// Opens a directory below another one, step by step.
pub fn open_below(top: &OwnedFd, path: &Path) -> io::Result<OwnedFd> {
    let mut directory = top.try_clone()?;
    for component in path.components() {
        if let Component::Normal(name) = component {
            directory = open_directory(&directory, name)?;
        }
    }
    Ok(directory)
}

/// The status of the entry with this name. `None`: there is none.
pub fn status(parent: impl AsFd, name: &OsStr) -> io::Result<Option<Stat>> {
    match rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(status) => Ok(Some(status)),
        Err(Errno::NOENT) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The file type in a status.
pub fn kind(status: &Stat) -> FileType {
    FileType::from_raw_mode(status.st_mode)
}

/// The names in a directory.
pub fn names(directory: &OwnedFd) -> io::Result<BTreeSet<OsString>> {
    let mut names = BTreeSet::new();
    for entry in Dir::read_from(directory)? {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if name != b"." && name != b".." {
            names.insert(OsString::from_vec(name.to_vec()));
        }
    }
    Ok(names)
}

/// Whether a name from a snapshot may become a name in a directory. Any program may have made the snapshot, and a name
/// such as `../x` would lead out of the target.
pub fn is_plain(name: &OsStr) -> bool {
    let bytes = name.as_bytes();
    !bytes.is_empty()
        && bytes != b"."
        && bytes != b".."
        && !bytes.contains(&b'/')
        && !bytes.contains(&0)
}

/// Removes the entry with this name and all that it holds, except other file systems and the directory with the
/// protected identity (device and inode). Returns how many entries were removed.
pub fn remove(
    parent: &OwnedFd,
    name: &OsStr,
    protected: Option<(u64, u64)>,
) -> Result<u64, NotRemoved> {
    let refused = |source| NotRemoved::Refused { source };
    let Some(found) = status(parent, name).map_err(refused)? else {
        return Ok(0);
    };
    if kind(&found) != FileType::Directory {
        rustix::fs::unlinkat(parent, name, AtFlags::empty())
            .map_err(|error| refused(error.into()))?;
        return Ok(1);
    }
    if protected == Some((found.st_dev, found.st_ino)) {
        return Err(NotRemoved::Container);
    }
    let above = rustix::fs::fstat(parent).map_err(|error| refused(error.into()))?;
    if above.st_dev != found.st_dev {
        return Err(NotRemoved::MountPoint);
    }
    let directory = open_directory(parent, name).map_err(refused)?;
    let mut removed = 0;
    let mut kept = None;
    for name in names(&directory).map_err(refused)? {
        match remove(&directory, &name, protected) {
            Ok(count) => removed += count,
            Err(reason) => kept = Some(reason),
        }
    }
    if let Some(reason) = kept {
        return Err(reason);
    }
    rustix::fs::unlinkat(parent, name, AtFlags::REMOVEDIR)
        .map_err(|error| refused(error.into()))?;
    Ok(removed + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_lead_elsewhere_are_not_plain() {
        for name in ["", ".", "..", "../x", "/etc", "a/b", "a\0b"] {
            assert!(!is_plain(OsStr::new(name)), "{name:?}");
        }
        for name in ["a", "...", " ", "..a"] {
            assert!(is_plain(OsStr::new(name)), "{name:?}");
        }
    }

    #[test]
    fn a_removal_follows_no_link_and_spares_what_is_protected() {
        use std::os::unix::fs::MetadataExt;
        let outside = tempfile::tempdir().unwrap();
        std::fs::write(outside.path().join("precious"), "x").unwrap();
        let top = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(top.path().join("old/deep")).unwrap();
        std::os::unix::fs::symlink(outside.path(), top.path().join("old/link")).unwrap();
        std::fs::create_dir_all(top.path().join("holder/container")).unwrap();
        std::fs::write(top.path().join("holder/rubbish"), "x").unwrap();
        let container = std::fs::metadata(top.path().join("holder/container")).unwrap();
        let directory = open_target(top.path()).unwrap();
        assert_eq!(remove(&directory, OsStr::new("old"), None).unwrap(), 3);
        assert!(outside.path().join("precious").exists());
        let kept = remove(
            &directory,
            OsStr::new("holder"),
            Some((container.dev(), container.ino())),
        );
        assert!(matches!(kept, Err(NotRemoved::Container)), "{kept:?}");
        assert!(top.path().join("holder/container").exists());
        assert!(!top.path().join("holder/rubbish").exists());
    }
}
