//! How a changed file is noticed: by its stamp without reading it, by its digest after reading it.

use std::fmt;

use rustix::fs::Stat;
use sha2::{Digest as _, Sha256};

/// A file's identity, size and times. Two equal stamps mean that the file was not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Stamp {
    pub device: u64,
    pub inode: u64,
    /// In bytes.
    pub size: u64,
    /// The last change of the content, in nanoseconds since 1970.
    pub modified: i128,
    /// The last change of the inode, in nanoseconds since 1970. A change of owner or mode counts.
    pub changed: i128,
}

impl Stamp {
    /// Of a content that is not in a file.
    pub fn of_no_file(size: usize) -> Stamp {
        Stamp {
            device: 0,
            inode: 0,
            size: size as u64,
            modified: 0,
            changed: 0,
        }
    }

    // The fields' types differ between platforms.
    #[allow(clippy::unnecessary_cast)]
    pub(super) fn of(stat: &Stat) -> Stamp {
        let nanoseconds =
            |seconds: i64, rest: i64| i128::from(seconds) * 1_000_000_000 + i128::from(rest);
        Stamp {
            device: stat.st_dev,
            inode: stat.st_ino,
            size: u64::try_from(stat.st_size).unwrap_or(0),
            modified: nanoseconds(stat.st_mtime as i64, stat.st_mtime_nsec as i64),
            changed: nanoseconds(stat.st_ctime as i64, stat.st_ctime_nsec as i64),
        }
    }
}

/// The SHA-256 of a file's content.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest([u8; 32]);

impl Digest {
    /// Hashes a file's content.
    pub fn of(bytes: &[u8]) -> Digest {
        Digest(Sha256::digest(bytes).into())
    }

    /// The hash itself, not in hexadecimal.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Digest({self})")
    }
}
