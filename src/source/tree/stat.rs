//! What the file system says about an entry.

use std::io;
use std::os::fd::AsFd;

use rustix::fs::{AtFlags, Stat as RawStat, fstat, statat};

use crate::repository::node::NodeKind;
use crate::repository::time::Time;

/// The metadata of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat {
    /// The type and the permissions, as `stat(2)` has them.
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    /// The device that holds the entry.
    pub device: u64,
    pub inode: u64,
    /// The device that a device node stands for.
    pub node_device: u64,
    pub size: u64,
    /// How many 512-byte blocks the content takes. Fewer than the size needs: the file has holes.
    pub blocks: u64,
    pub links: u64,
    pub mtime: Time,
    pub ctime: Time,
}

/// The kinds of entries, told apart by what a backup does with them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    File,
    Directory,
    Symlink,
    /// A device, a FIFO or a socket: it has no content.
    Special,
}

impl Stat {
    /// Of an entry of an open directory. A link is described itself, or followed.
    ///
    /// # Errors
    /// Those of `fstatat(2)`.
    pub fn of_entry(directory: impl AsFd, name: &[u8], follow: bool) -> io::Result<Stat> {
        let flags = match follow {
            true => AtFlags::empty(),
            false => AtFlags::SYMLINK_NOFOLLOW,
        };
        Ok(statat(directory, name, flags)?.into())
    }

    /// Of a directory about which nothing is known.
    pub fn of_nothing() -> Stat {
        Stat {
            mode: libc::S_IFDIR | 0o700,
            uid: 0,
            gid: 0,
            device: 0,
            inode: 0,
            node_device: 0,
            size: 0,
            blocks: 0,
            links: 0,
            mtime: Time::utc(0, 0),
            ctime: Time::utc(0, 0),
        }
    }

    /// Of something that is open.
    ///
    /// # Errors
    /// Those of `fstat(2)`.
    pub fn of_open(file: impl AsFd) -> io::Result<Stat> {
        Ok(fstat(file)?.into())
    }

    /// The kind that decides how the entry is backed up.
    pub fn kind(&self) -> EntryKind {
        match self.mode & libc::S_IFMT {
            libc::S_IFREG => EntryKind::File,
            libc::S_IFDIR => EntryKind::Directory,
            libc::S_IFLNK => EntryKind::Symlink,
            _ => EntryKind::Special,
        }
    }

    /// The kind as a tree names it.
    pub fn node_kind(&self) -> NodeKind {
        match self.mode & libc::S_IFMT {
            libc::S_IFREG => NodeKind::File,
            libc::S_IFDIR => NodeKind::Directory,
            libc::S_IFLNK => NodeKind::Symlink,
            libc::S_IFBLK => NodeKind::BlockDevice,
            libc::S_IFCHR => NodeKind::CharacterDevice,
            libc::S_IFIFO => NodeKind::Fifo,
            _ => NodeKind::Socket,
        }
    }

    /// The device and the inode: what identifies the entry while it exists.
    pub fn identity(&self) -> (u64, u64) {
        (self.device, self.inode)
    }
}

impl From<RawStat> for Stat {
    // Some fields have another type on other processors.
    #[allow(clippy::unnecessary_cast)]
    fn from(raw: RawStat) -> Stat {
        Stat {
            mode: raw.st_mode,
            uid: raw.st_uid,
            gid: raw.st_gid,
            device: raw.st_dev,
            inode: raw.st_ino,
            node_device: raw.st_rdev,
            size: u64::try_from(raw.st_size).unwrap_or(0),
            blocks: u64::try_from(raw.st_blocks).unwrap_or(0),
            links: raw.st_nlink as u64,
            mtime: time(raw.st_mtime, raw.st_mtime_nsec as u64),
            ctime: time(raw.st_ctime, raw.st_ctime_nsec as u64),
        }
    }
}

fn time(seconds: i64, nanoseconds: u64) -> Time {
    // Below 10^9, also before 1970.
    Time::utc(seconds, nanoseconds as u32)
}
