//! Sets owners, extended attributes, modes and times, and compares them.

use std::ffi::OsStr;
use std::io;
use std::os::fd::AsFd;

use rustix::fs::{AtFlags, Gid, Mode, OFlags, Stat, Timespec, Timestamps, Uid};

use super::attributes::{Bearer, by_descriptor};
use super::owners::Owners;
use super::problem::{Difference, Missing, Part};
use crate::repository::cut_time;
use crate::repository::node::{Attribute, Node, NodeKind, UNSET};
use crate::repository::time::Time;

/// What is set on an entry besides its content.
pub struct Metadata {
    /// The lower twelve bits, as `chmod` takes them.
    pub mode: u32,
    /// Ids of this host.
    pub uid: u32,
    pub gid: u32,
    pub mtime: Time,
    pub atime: Time,
    pub attributes: Vec<Attribute>,
}

/// Go's bits for setuid, setgid and sticky, and the kernel's.
const SPECIAL_BITS: [(u32, u32); 3] = [(1 << 23, 0o4000), (1 << 22, 0o2000), (1 << 20, 0o1000)];

/// The permissions in a mode as Go writes it.
pub fn permissions(go_mode: u32) -> u32 {
    SPECIAL_BITS
        .iter()
        .filter(|(go, _)| go_mode & go != 0)
        .fold(go_mode & 0o777, |mode, (_, unix)| mode | unix)
}

impl Metadata {
    /// That of a node. Takes its attributes out.
    pub fn of(node: &mut Node, owners: &Owners) -> Metadata {
        let uid = owners.user(&node.user, node.uid);
        let gid = owners.group(&node.group, node.gid);
        let mode = permissions(node.mode);
        Metadata {
            mode: match node.kind {
                NodeKind::Directory => mode,
                _ => owners.permitted(mode, uid, gid),
            },
            uid,
            gid,
            mtime: node.mtime,
            atime: node.atime,
            attributes: std::mem::take(&mut node.attributes),
        }
    }
}

/// Sets everything on an open file or directory. `clean`: it may have attributes already.
///
/// The order matters. A change of the owner clears set-id bits and capabilities. An attribute cannot be set any more
/// when the mode forbids to write. The mode comes last: with it, the mark of an unfinished entry is gone.
pub fn set(file: impl AsFd, wanted: &Metadata, owners: &Owners, clean: bool) -> Missing {
    let file = file.as_fd();
    let mut missing = Missing::new();
    if owners.may_change() {
        let (user, group) = ids(wanted);
        if let Err(error) = rustix::fs::fchown(file, user, group) {
            missing.push((Part::Owner, error.into()));
        }
    }
    Bearer::Open(file).set(&wanted.attributes, owners, clean, &mut missing);
    if let Some(times) = times(wanted) {
        let set = rustix::fs::futimens(file, &times).map_err(io::Error::from);
        let set = set.and_then(|()| match is_unusual(wanted.mtime) {
            true => Ok(rustix::fs::fstat(file).map(|found| is_time(&found, wanted))?),
            false => Ok(true),
        });
        note_times(set, &mut missing);
    }
    if let Err(error) = rustix::fs::fchmod(file, Mode::from_raw_mode(wanted.mode)) {
        missing.push((Part::Mode, error.into()));
    }
    missing
}

/// Sets the mode alone.
pub fn set_mode(file: impl AsFd, mode: u32) -> Missing {
    match rustix::fs::fchmod(file, Mode::from_raw_mode(mode)) {
        Ok(()) => Missing::new(),
        Err(error) => vec![(Part::Mode, error.into())],
    }
}

/// As [`set`], on an entry that cannot be opened: a link, a device, a FIFO, a socket.
pub fn set_unopened(
    parent: impl AsFd,
    name: &OsStr,
    is_link: bool,
    wanted: &Metadata,
    owners: &Owners,
    clean: bool,
) -> Missing {
    let parent = parent.as_fd();
    let mut missing = Missing::new();
    if owners.may_change() {
        let (user, group) = ids(wanted);
        let flags = AtFlags::SYMLINK_NOFOLLOW;
        if let Err(error) = rustix::fs::chownat(parent, name, user, group, flags) {
            missing.push((Part::Owner, error.into()));
        }
    }
    Bearer::named(parent, name).set(&wanted.attributes, owners, clean, &mut missing);
    if !is_link {
        // A descriptor that only refers to the entry: to change the mode by name could follow a link.
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let changed = rustix::fs::openat(parent, name, flags, Mode::empty()).and_then(|entry| {
            rustix::fs::chmod(by_descriptor(&entry), Mode::from_raw_mode(wanted.mode))
        });
        if let Err(error) = changed {
            missing.push((Part::Mode, error.into()));
        }
    }
    if let Some(times) = times(wanted) {
        let flags = AtFlags::SYMLINK_NOFOLLOW;
        let set = rustix::fs::utimensat(parent, name, &times, flags).map_err(io::Error::from);
        let set = set.and_then(|()| match is_unusual(wanted.mtime) {
            true => {
                Ok(rustix::fs::statat(parent, name, flags).map(|found| is_time(&found, wanted))?)
            }
            false => Ok(true),
        });
        note_times(set, &mut missing);
    }
    missing
}

fn note_times(set: io::Result<bool>, missing: &mut Missing) {
    match set {
        Ok(true) => {}
        Ok(false) => {
            let reason = "the file system cannot keep this time";
            let error = io::Error::new(io::ErrorKind::InvalidInput, reason);
            missing.push((Part::Times, error));
        }
        Err(error) => missing.push((Part::Times, error)),
    }
}

/// What differs first between what exists and the snapshot: the owner, the mode, the modification time, the extended
/// attributes. `None`: nothing. A link has no mode of its own.
///
/// # Errors
/// When the attributes cannot be listed.
pub fn difference(
    bearer: &Bearer<'_>,
    found: &Stat,
    is_link: bool,
    wanted: &Metadata,
    owners: &Owners,
) -> io::Result<Option<Difference>> {
    match owner_or_mode(found, wanted, owners) {
        Some(Difference::Mode) if is_link => {}
        None => {}
        other => return Ok(other),
    }
    if wanted.mtime != UNSET && !is_time(found, wanted) {
        return Ok(Some(Difference::Times));
    }
    attributes_differ(bearer, wanted, owners)
}

/// As [`difference`], without the time: a restore into a directory changes it.
///
/// # Errors
/// When the attributes cannot be listed.
pub fn directory_difference(
    directory: impl AsFd,
    found: &Stat,
    wanted: &Metadata,
    owners: &Owners,
) -> io::Result<Option<Difference>> {
    match owner_or_mode(found, wanted, owners) {
        None => attributes_differ(&Bearer::Open(directory.as_fd()), wanted, owners),
        other => Ok(other),
    }
}

fn attributes_differ(
    bearer: &Bearer<'_>,
    wanted: &Metadata,
    owners: &Owners,
) -> io::Result<Option<Difference>> {
    let differ = bearer.differ(&wanted.attributes, owners)?;
    Ok(differ.then_some(Difference::Attributes))
}

/// Whether the owner or the mode differs.
fn owner_or_mode(found: &Stat, wanted: &Metadata, owners: &Owners) -> Option<Difference> {
    let other = |found: u32, wanted: u32| wanted != u32::MAX && found != wanted;
    if owners.may_change() && (other(found.st_uid, wanted.uid) || other(found.st_gid, wanted.gid)) {
        return Some(Difference::Owner);
    }
    let of_same_owner = found.st_uid == wanted.uid && found.st_gid == wanted.gid;
    let kept = match owners.may_change() || !of_same_owner {
        true => 0,
        // Where the owner is right, setuid and setgid may be, too: see `Owners::permitted`.
        false => found.st_mode & 0o6000,
    };
    (found.st_mode & 0o7777 != wanted.mode && found.st_mode & 0o7777 != wanted.mode | kept)
        .then_some(Difference::Mode)
}

/// The highest number means "do not change".
fn ids(wanted: &Metadata) -> (Option<Uid>, Option<Gid>) {
    let real = |id: u32| (id != u32::MAX).then_some(id);
    (
        real(wanted.uid).map(Uid::from_raw),
        real(wanted.gid).map(Gid::from_raw),
    )
}

fn times(wanted: &Metadata) -> Option<Timestamps> {
    if wanted.mtime == UNSET {
        return None;
    }
    let accessed = match wanted.atime {
        UNSET => wanted.mtime,
        atime => atime,
    };
    let spec = |time: Time| Timespec {
        tv_sec: time.seconds,
        tv_nsec: i64::from(time.nanoseconds),
    };
    Some(Timestamps {
        last_access: spec(accessed),
        last_modification: spec(wanted.mtime),
    })
}

/// Not every file system can keep these: the kernel takes the nearest that it can, and says nothing.
fn is_unusual(time: Time) -> bool {
    !(0..i64::from(i32::MAX)).contains(&time.seconds)
}

/// Whether the entry has the modification time that is wanted, or what its file system makes of it.
fn is_time(found: &Stat, wanted: &Metadata) -> bool {
    let is_exact = found.st_mtime == wanted.mtime.seconds
        && found.st_mtime_nsec == u64::from(wanted.mtime.nanoseconds);
    is_exact || is_cut(found, wanted)
}

/// Whether the file system of the entry keeps times more coarsely, and has cut this one.
pub fn is_cut(found: &Stat, wanted: &Metadata) -> bool {
    // Below 10^9.
    let time = |seconds, nanoseconds: u64| Time::utc(seconds, nanoseconds as u32);
    let kept = time(found.st_mtime, found.st_mtime_nsec);
    let changed = time(found.st_ctime, found.st_ctime_nsec);
    wanted.mtime != UNSET && cut_time::is_cut(wanted.mtime, kept, changed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_bits_are_moved_and_the_type_is_dropped() {
        assert_eq!(permissions(0x8000_01ed), 0o755);
        assert_eq!(permissions(0o644 | 1 << 23), 0o4644);
        assert_eq!(permissions(0o644 | 1 << 22), 0o2644);
        assert_eq!(permissions(0o777 | 1 << 20 | 1 << 31), 0o1777);
        assert_eq!(permissions(0), 0);
    }
}
