//! Directories by descriptor: opens and lists them, and never follows a link.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, RenameFlags, Stat};
use rustix::io::Errno;

use super::attributes::by_descriptor;

/// How the names of unfinished files begin. The next restore removes those that a killed restore left.
pub const UNFINISHED: &str = ".freezerd-restoring-";

/// The mode of a directory while it is being filled, and of a file that is written under its own name. Only the owner
/// can look into it, and the sticky bit marks it: the next restore sees that a killed restore left it.
pub const UNFINISHED_DIRECTORY: u32 = 0o1700;
/// As [`UNFINISHED_DIRECTORY`], for files.
pub const UNFINISHED_FILE: u32 = 0o1600;

/// A device and an inode.
pub type Identity = (u64, u64);

/// What identifies an entry, whatever its name is.
pub fn identity(found: &Stat) -> Identity {
    (found.st_dev, found.st_ino)
}

/// The file type in a status.
pub fn kind(found: &Stat) -> FileType {
    FileType::from_raw_mode(found.st_mode)
}

/// Whether a restore by this user left the directory unfinished. The restore may have changed the owner already.
pub fn is_unfinished_directory(found: &Stat, owner: Option<u32>) -> bool {
    // A new directory takes the setgid bit from the one that it is in.
    found.st_mode & 0o5777 == UNFINISHED_DIRECTORY && is_of(found, owner)
}

/// As [`is_unfinished_directory`], for a file in such a directory. An access control list may have changed the other
/// bits of the mode already.
pub fn is_unfinished_file(found: &Stat, owner: u32) -> bool {
    kind(found) == FileType::RegularFile && found.st_mode & 0o1000 != 0 && is_of(found, Some(owner))
}

fn is_of(found: &Stat, owner: Option<u32>) -> bool {
    found.st_uid == rustix::process::geteuid().as_raw() || Some(found.st_uid) == owner
}

/// Opens a directory that is in another one.
pub fn open(parent: impl AsFd, name: &OsStr) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(rustix::fs::openat(parent, name, flags, Mode::empty())?)
}

/// Opens a file or directory of this user whose mode keeps the user out: its mode gets these bits first. Returns the
/// mode that it had, too.
pub fn open_own(
    parent: impl AsFd,
    name: &OsStr,
    wanted: FileType,
    bits: u32,
) -> io::Result<(OwnedFd, u32)> {
    // A descriptor that only refers to the entry: by its name, another process could have a link changed.
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let entry = rustix::fs::openat(parent, name, flags, Mode::empty())?;
    let found = rustix::fs::fstat(&entry)?;
    if kind(&found) != wanted || !is_own(&found) {
        return Err(Errno::ACCESS.into());
    }
    let mode = found.st_mode & 0o7777;
    let path = by_descriptor(&entry);
    rustix::fs::chmod(&path, Mode::from_raw_mode(mode | bits))?;
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    match rustix::fs::open(&path, flags, Mode::empty()) {
        Ok(opened) => Ok((opened, mode)),
        Err(error) => {
            let _ = rustix::fs::chmod(&path, Mode::from_raw_mode(mode));
            Err(error.into())
        }
    }
}

/// Gives this user the bits of an open directory, if it is the user's and lacks them. Returns the mode that it had.
pub fn unlock(directory: impl AsFd, found: &Stat, bits: u32) -> Option<u32> {
    let mode = found.st_mode & 0o7777;
    if mode & bits == bits || !is_own(found) {
        return None;
    }
    let changed = rustix::fs::fchmod(directory, Mode::from_raw_mode(mode | bits));
    changed.ok().map(|()| mode)
}

/// Whether the mode decides what this user may do with it, and this user decides about the mode.
fn is_own(found: &Stat) -> bool {
    let user = rustix::process::geteuid();
    !user.is_root() && found.st_uid == user.as_raw()
}

/// Opens a directory and asks whether it is the one that it was before.
pub fn open_known(parent: impl AsFd, name: &OsStr, known: Identity) -> io::Result<OwnedFd> {
    let directory = open(parent, name)?;
    if identity(&rustix::fs::fstat(&directory)?) != known {
        return Err(io::Error::other(
            "another process has replaced the directory",
        ));
    }
    Ok(directory)
}

/// The status of the entry with this name. `None`: there is none.
pub fn status(parent: impl AsFd, name: &OsStr) -> io::Result<Option<Stat>> {
    match rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(found) => Ok(Some(found)),
        Err(Errno::NOENT) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The names in a directory.
pub fn names(directory: impl AsFd) -> io::Result<HashSet<OsString>> {
    let mut names = HashSet::new();
    for entry in Dir::read_from(directory)? {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if name != b"." && name != b".." {
            names.insert(OsString::from_vec(name.to_vec()));
        }
    }
    Ok(names)
}

/// A name for an unfinished entry, which no other entry of this process has.
pub fn unfinished_name() -> OsString {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("{UNFINISHED}{}-{number}", std::process::id()).into()
}

/// Gives a finished entry its name. `Ok(false)`: there is something of that name, and it is not to be replaced.
pub fn rename(parent: impl AsFd, from: &OsStr, to: &OsStr, replace: bool) -> io::Result<bool> {
    let parent = parent.as_fd();
    if replace {
        rustix::fs::renameat(parent, from, parent, to)?;
        return Ok(true);
    }
    match rustix::fs::renameat_with(parent, from, parent, to, RenameFlags::NOREPLACE) {
        Ok(()) => Ok(true),
        Err(Errno::EXIST) => Ok(false),
        // Some file systems cannot do that: then another process may create the name between the two calls.
        Err(Errno::INVAL | Errno::NOSYS) => match status(parent, to)? {
            Some(_) => Ok(false),
            None => {
                rustix::fs::renameat(parent, from, parent, to)?;
                Ok(true)
            }
        },
        Err(error) => Err(error.into()),
    }
}
