//! A file that exists, opened to be compared.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::AsFd;

use rustix::fs::{FileType, Mode, OFlags};
use rustix::io::Errno;

use super::{directory, metadata};

/// An open file. If its mode kept this user out, it has another one until this is dropped.
pub struct Readable {
    pub file: File,
    mode_before: Option<u32>,
}

impl Readable {
    /// Opens a file. With `may_unlock`, a file of this user may get a mode that lets the user in: a first restore may have
    /// set one that does not.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open(parent: impl AsFd, name: &OsStr, may_unlock: bool) -> io::Result<Readable> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let opened = rustix::fs::openat(&parent, name, flags, Mode::empty());
        let (file, mode_before) = match opened {
            Err(Errno::ACCESS) if may_unlock => {
                let (file, mode) =
                    directory::open_own(&parent, name, FileType::RegularFile, 0o600)?;
                (file, Some(mode))
            }
            opened => (opened?, None),
        };
        Ok(Readable {
            file: File::from(file),
            mode_before,
        })
    }

    /// The mode that the file has or gets now is the one that it keeps.
    pub fn keep_mode(&mut self) {
        self.mode_before = None;
    }
}

impl Drop for Readable {
    fn drop(&mut self) {
        if let Some(mode) = self.mode_before {
            let _ = metadata::set_mode(&self.file, mode);
        }
    }
}
