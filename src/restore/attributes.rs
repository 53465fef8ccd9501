//! Extended attributes, which access control lists are, too: set and compared.

use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::XattrFlags;
use rustix::io::{Errno, Result};

use super::owners::Owners;
use super::problem::{Missing, Part};
use crate::repository::node::Attribute;

/// Kinds of attributes that an entry loses when the snapshot does not have them.
const OURS: [&[u8]; 2] = [b"user.", b"system.posix_acl_"];

/// The entry whose attributes are meant.
pub enum Bearer<'a> {
    /// An open file or directory.
    Open(BorrowedFd<'a>),
    /// What cannot be opened: a link, a device, a FIFO, a socket. The path leads through the descriptor of its directory,
    /// because Linux has no call with a descriptor and a name before version 6.13.
    Named(PathBuf),
}

impl<'a> Bearer<'a> {
    /// An entry of a directory by its name.
    pub fn named(parent: BorrowedFd<'_>, name: &OsStr) -> Bearer<'a> {
        Bearer::Named(by_descriptor(parent).join(name))
    }

    /// Sets what the snapshot has. `clean`: the entry may have attributes already, and loses those that the snapshot
    /// does not have.
    pub fn set(&self, wanted: &[Attribute], owners: &Owners, clean: bool, missing: &mut Missing) {
        if clean {
            for name in surplus(&self.names().unwrap_or_default(), wanted) {
                if let Err(error) = self.remove(name) {
                    let name = String::from_utf8_lossy(name).into_owned();
                    missing.push((Part::NoAttribute(name), error.into()));
                }
            }
        }
        for attribute in wanted {
            let value = attribute.value.as_deref().unwrap_or_default();
            let name = attribute.name.as_str();
            if let Err(error) = self.set_one(name, value)
                && !is_beyond_us(name, Some(error), owners)
            {
                missing.push((Part::Attribute(name.to_owned()), error.into()));
            }
        }
    }

    /// Whether they differ from what the snapshot has.
    ///
    /// # Errors
    /// When they cannot be listed.
    pub fn differ(&self, wanted: &[Attribute], owners: &Owners) -> io::Result<bool> {
        let present = self.names()?;
        if surplus(&present, wanted).next().is_some() {
            return Ok(true);
        }
        let is_same = |attribute: &Attribute| {
            let name = attribute.name.as_str();
            let value = attribute.value.as_deref().unwrap_or_default();
            self.value(name).is_ok_and(|found| found == value) || is_beyond_us(name, None, owners)
        };
        Ok(!wanted.iter().all(is_same))
    }

    /// All names, each with a zero byte behind it. A file system without attributes has none.
    fn names(&self) -> io::Result<Vec<u8>> {
        let names = grow(|buffer| match self {
            Bearer::Open(file) => rustix::fs::flistxattr(file, buffer),
            Bearer::Named(path) => rustix::fs::llistxattr(path, buffer),
        });
        match names {
            Err(Errno::OPNOTSUPP) => Ok(Vec::new()),
            other => Ok(other?),
        }
    }

    fn value(&self, name: &str) -> Result<Vec<u8>> {
        grow(|buffer| match self {
            Bearer::Open(file) => rustix::fs::fgetxattr(file, name, buffer),
            Bearer::Named(path) => rustix::fs::lgetxattr(path, name, buffer),
        })
    }

    fn set_one(&self, name: &str, value: &[u8]) -> Result<()> {
        match self {
            Bearer::Open(file) => rustix::fs::fsetxattr(file, name, value, XattrFlags::empty()),
            Bearer::Named(path) => rustix::fs::lsetxattr(path, name, value, XattrFlags::empty()),
        }
    }

    fn remove(&self, name: &[u8]) -> Result<()> {
        let name = OsStr::from_bytes(name);
        match self {
            Bearer::Open(file) => rustix::fs::fremovexattr(file, name),
            Bearer::Named(path) => rustix::fs::lremovexattr(path, name),
        }
    }
}

/// True if new entries of this directory get an access control list from it.
pub fn has_default_acl(directory: impl AsFd) -> bool {
    let mut buffer = [0; 0];
    let name = "system.posix_acl_default";
    rustix::fs::fgetxattr(directory, name, &mut buffer[..]).is_ok()
}

/// A path to what the descriptor is open on, even when its name has changed.
pub fn by_descriptor(descriptor: impl AsFd) -> PathBuf {
    Path::new("/proc/self/fd").join(descriptor.as_fd().as_raw_fd().to_string())
}

fn surplus<'a>(present: &'a [u8], wanted: &'a [Attribute]) -> impl Iterator<Item = &'a [u8]> {
    present.split(|byte| *byte == 0).filter(|name| {
        OURS.iter().any(|beginning| name.starts_with(beginning))
            && !wanted
                .iter()
                .any(|attribute| attribute.name.as_bytes() == *name)
    })
}

/// Whether it is not a fault of the restore that an attribute is not set: labels of a security module follow the rules
/// of their host, and only root may set attributes of the kernel.
fn is_beyond_us(name: &str, error: Option<Errno>, owners: &Owners) -> bool {
    name == "security.selinux"
        || (!owners.may_change()
            && error.is_none_or(|error| error == Errno::PERM)
            && (name.starts_with("security.") || name.starts_with("trusted.")))
}

/// Calls with larger and larger buffers until the answer fits.
fn grow(mut call: impl FnMut(&mut [u8]) -> Result<usize>) -> Result<Vec<u8>> {
    let mut buffer = vec![0; 256];
    loop {
        match call(&mut buffer) {
            Ok(length) => {
                buffer.truncate(length);
                return Ok(buffer);
            }
            Err(Errno::RANGE) if buffer.len() < 1 << 20 => buffer.resize(buffer.len() * 4, 0),
            Err(error) => return Err(error),
        }
    }
}
