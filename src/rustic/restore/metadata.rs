//! Sets owners, modes, extended attributes and times of what was restored.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rustic_core::repofile::Node;
use rustix::fs::{AtFlags, Gid, Mode, OFlags, Timespec, Timestamps, Uid, XattrFlags};

use crate::os;
use crate::rustic::node::{grow, permissions_from_format};
use crate::rustic::problem::{MetadataPart, PathFault};

/// Turns recorded owners into ids of this host: by name where the name exists here, as `tar` does, else by number.
pub struct Owners {
    /// Only root may change the owner of a file.
    may_change: bool,
    users: Mutex<HashMap<String, Option<u32>>>,
    groups: Mutex<HashMap<String, Option<u32>>>,
}

impl Owners {
    /// Without any name looked up yet.
    pub fn new() -> Self {
        Owners {
            may_change: rustix::process::geteuid().is_root(),
            users: Mutex::default(),
            groups: Mutex::default(),
        }
    }

    /// Whether owners can be restored at all.
    pub fn may_change(&self) -> bool {
        self.may_change
    }

    fn of(&self, node: &Node) -> (Option<Uid>, Option<Gid>) {
        let meta = &node.meta;
        let user = known(&self.users, meta.user.as_deref(), os::user_id).or(meta.uid);
        let group = known(&self.groups, meta.group.as_deref(), os::group_id).or(meta.gid);
        // The highest number means "do not change".
        (
            user.filter(|id| *id != u32::MAX).map(Uid::from_raw),
            group.filter(|id| *id != u32::MAX).map(Gid::from_raw),
        )
    }
}

fn known(
    cache: &Mutex<HashMap<String, Option<u32>>>,
    name: Option<&str>,
    look_up: fn(&str) -> Option<u32>,
) -> Option<u32> {
    let name = name.filter(|name| !name.is_empty())?;
    let mut cache = cache.lock().unwrap_or_else(PoisonError::into_inner);
    *cache
        .entry(name.to_owned())
        .or_insert_with(|| look_up(name))
}

/// Sets a node's metadata on an open file or directory. Returns what could not be set.
///
/// The order matters: a change of the owner clears set-id bits and capabilities.
pub fn apply(file: &OwnedFd, node: &Node, owners: &Owners) -> Vec<PathFault> {
    let mut missing = Vec::new();
    let mut note = |part: MetadataPart, source: io::Error| {
        missing.push(PathFault::MetadataNotSet { part, source });
    };
    if owners.may_change() {
        let (user, group) = owners.of(node);
        if let Err(error) = rustix::fs::fchown(file, user, group) {
            note(MetadataPart::Owner, error.into());
        }
    }
    if let Some(mode) = node.meta.mode {
        let mode = Mode::from_raw_mode(permissions_from_format(mode));
        if let Err(error) = rustix::fs::fchmod(file, mode) {
            note(MetadataPart::Mode, error.into());
        }
    }
    let existing = grow(|buffer| rustix::fs::flistxattr(file, buffer)).unwrap_or_default();
    for name in existing.split(|byte| *byte == 0) {
        let unwanted = (name.starts_with(b"user.") || name.starts_with(b"system.posix_acl_"))
            && !node
                .meta
                .extended_attributes
                .iter()
                .any(|wanted| wanted.name.as_bytes() == name);
        if unwanted && let Err(error) = rustix::fs::fremovexattr(file, OsStr::from_bytes(name)) {
            note(
                MetadataPart::NoAttribute(String::from_utf8_lossy(name).into_owned()),
                error.into(),
            );
        }
    }
    for attribute in &node.meta.extended_attributes {
        let value = attribute.value.as_deref().unwrap_or_default();
        if let Err(error) =
            rustix::fs::fsetxattr(file, attribute.name.as_str(), value, XattrFlags::empty())
            && !is_beyond_us(&attribute.name, error, owners)
        {
            note(
                MetadataPart::Attribute(attribute.name.clone()),
                error.into(),
            );
        }
    }
    if let Some(times) = times(node)
        && let Err(error) = rustix::fs::futimens(file, &times)
    {
        note(MetadataPart::Times, error.into());
    }
    missing
}

/// Sets a node's metadata on an entry that cannot be opened: a link, a device, a FIFO, a socket.
pub fn apply_unopened(
    parent: &OwnedFd,
    name: &OsStr,
    node: &Node,
    owners: &Owners,
) -> Vec<PathFault> {
    let mut missing = Vec::new();
    let mut note = |part: MetadataPart, source: io::Error| {
        missing.push(PathFault::MetadataNotSet { part, source });
    };
    if owners.may_change() {
        let (user, group) = owners.of(node);
        if let Err(error) =
            rustix::fs::chownat(parent, name, user, group, AtFlags::SYMLINK_NOFOLLOW)
        {
            note(MetadataPart::Owner, error.into());
        }
    }
    if let Some(mode) = node.meta.mode
        && !node.is_symlink()
    {
        // A descriptor that only refers to the entry: to change the mode by name could follow a link.
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let changed = rustix::fs::openat(parent, name, flags, Mode::empty()).and_then(|entry| {
            rustix::fs::chmod(
                by_descriptor(&entry),
                Mode::from_raw_mode(permissions_from_format(mode)),
            )
        });
        if let Err(error) = changed {
            note(MetadataPart::Mode, error.into());
        }
    }
    for attribute in &node.meta.extended_attributes {
        let value = attribute.value.as_deref().unwrap_or_default();
        let path = by_descriptor(parent).join(name);
        if let Err(error) =
            rustix::fs::lsetxattr(path, attribute.name.as_str(), value, XattrFlags::empty())
            && !is_beyond_us(&attribute.name, error, owners)
        {
            note(
                MetadataPart::Attribute(attribute.name.clone()),
                error.into(),
            );
        }
    }
    if let Some(times) = times(node)
        && let Err(error) = rustix::fs::utimensat(parent, name, &times, AtFlags::SYMLINK_NOFOLLOW)
    {
        note(MetadataPart::Times, error.into());
    }
    missing
}

/// A path to what the descriptor is open on, even when its name has changed.
fn by_descriptor(descriptor: impl AsFd) -> PathBuf {
    Path::new("/proc/self/fd").join(descriptor.as_fd().as_raw_fd().to_string())
}

/// Whether a refusal to set this attribute is not a fault of the restore: labels of a security module follow the rules of
/// the host that they come from, and only root can set attributes of the kernel.
fn is_beyond_us(name: &str, error: rustix::io::Errno, owners: &Owners) -> bool {
    name == "security.selinux"
        || (!owners.may_change()
            && error == rustix::io::Errno::PERM
            && (name.starts_with("security.") || name.starts_with("trusted.")))
}

fn times(node: &Node) -> Option<Timestamps> {
    let modified = node.meta.mtime?;
    let accessed = node.meta.atime.unwrap_or(modified);
    let spec = |time: rustic_core::jiff::Timestamp| {
        // Before 1970 the fraction of the engine's timestamp is negative; that of a timespec never is.
        let nanoseconds = time.as_nanosecond();
        Timespec {
            tv_sec: nanoseconds.div_euclid(1_000_000_000) as i64,
            tv_nsec: nanoseconds.rem_euclid(1_000_000_000) as i64,
        }
    };
    Some(Timestamps {
        last_access: spec(accessed),
        last_modification: spec(modified),
    })
}
