//! A directory in the file system, laid out as restic lays it out.
//!
//! Every file and directory is made for its owner alone (0600, 0700), whatever the umask is.

use std::fs::{self, File};
use std::io::{self, Read};
use std::num::NonZeroU64;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rustix::fs::Advice;

use super::error::{Doing, Error, ErrorKind, Place};
use super::id::Id;
use super::{Durability, FileKind, FileName, Listing, Storage, StrayKind, Traits};

mod direct;
mod listing;
mod protect;
mod write;

use write::Through;

/// A repository in a local directory.
#[derive(Clone, Debug)]
pub struct Local {
    root: PathBuf,
}

impl Local {
    /// Touches nothing: the directory need not exist.
    pub fn new(root: impl Into<PathBuf>) -> Local {
        Local { root: root.into() }
    }

    /// The directory that holds the repository.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Takes every right of other users away from the repository's directories, its config and its keys. Returns the
    /// paths whose rights were changed. Other files need nothing: nobody else can reach them.
    ///
    /// # Errors
    /// When the rights of a path cannot be read or changed, because it belongs to another user for example.
    pub fn protect(&self) -> Result<Vec<PathBuf>, Error> {
        protect::protect(self)
    }

    fn path(&self, file: FileName) -> PathBuf {
        match file.kind.directory() {
            None => self.root.join("config"),
            Some(directory) => {
                let mut path = self.root.join(directory);
                if file.kind == FileKind::Pack {
                    path.push(format!("{:02x}", file.id.0[0]));
                }
                path.push(file.id.to_string());
                path
            }
        }
    }

    /// The path as it is shown in errors and listings: inside the repository.
    fn inside(&self, path: &Path) -> String {
        path.strip_prefix(&self.root)
            .unwrap_or(path)
            .to_string_lossy()
            .into_owned()
    }

    fn failed(&self, doing: Doing, path: &Path, cause: io::Error) -> Error {
        Error::io(doing, Place::Path(self.inside(path)), cause)
    }

    /// Opens a regular file. A pipe in its place must not block, so it is opened without waiting for a writer.
    fn open(&self, doing: Doing, file: FileName) -> Result<(File, u64), Error> {
        use std::os::unix::fs::OpenOptionsExt;
        let failed = |cause| Error::io(doing, Place::File(file), cause);
        let opened = fs::OpenOptions::new()
            .read(true)
            .custom_flags(libc::O_NONBLOCK)
            .open(self.path(file))
            .map_err(failed)?;
        let about = opened.metadata().map_err(failed)?;
        if !about.is_file() {
            return Err(Error::new(ErrorKind::NotAFile, doing, file));
        }
        Ok((opened, about.len()))
    }
}

impl Storage for Local {
    fn create_layout(&self) -> Result<(), Error> {
        write::create_layout(self)
    }

    fn list(&self, kind: FileKind) -> Result<Listing, Error> {
        listing::list(self, kind)
    }

    fn has_directory(&self, kind: FileKind) -> Result<Option<bool>, Error> {
        let Some(name) = kind.directory() else {
            return Ok(None);
        };
        let directory = self.root.join(name);
        // It may be a link to a disk that is not mounted.
        match fs::metadata(&directory) {
            Ok(_) => Ok(Some(true)),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(Some(false)),
            Err(cause) => Err(self.failed(Doing::List, &directory, cause)),
        }
    }

    fn size(&self, file: FileName) -> Result<u64, Error> {
        let about = fs::metadata(self.path(file))
            .map_err(|cause| Error::io(Doing::Size, Place::File(file), cause))?;
        if !about.is_file() {
            return Err(Error::new(ErrorKind::NotAFile, Doing::Size, file));
        }
        Ok(about.len())
    }

    fn read_range(&self, file: FileName, offset: u64, buffer: &mut [u8]) -> Result<(), Error> {
        let (opened, _) = self.open(Doing::Read, file)?;
        opened
            .read_exact_at(buffer, offset)
            .map_err(|cause| Error::io(Doing::Read, Place::File(file), cause))
    }

    fn read(&self, file: FileName, limit: u64) -> Result<Vec<u8>, Error> {
        let (opened, size) = self.open(Doing::Read, file)?;
        if size > limit {
            return Err(Error::new(ErrorKind::TooLarge, Doing::Read, file));
        }
        // A file that grows while it is read ends at its limit.
        let mut content = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
        opened
            .take(limit.saturating_add(1))
            .read_to_end(&mut content)
            .map_err(|cause| Error::io(Doing::Read, Place::File(file), cause))?;
        if content.len() as u64 > limit {
            return Err(Error::new(ErrorKind::TooLarge, Doing::Read, file));
        }
        Ok(content)
    }

    fn write(&self, file: FileName, content: &[u8]) -> Result<Durability, Error> {
        write::write(self, file, content, Through::PageCache)?;
        Ok(Durability::Durable)
    }

    fn write_data(&self, pack: Id, content: &[u8]) -> Result<Durability, Error> {
        let file = FileName::new(FileKind::Pack, pack);
        write::write(self, file, content, Through::Nothing)?;
        Ok(Durability::Durable)
    }

    fn will_read(&self, file: FileName, offset: u64, length: u64) {
        // Only a hint: the read itself says what is wrong.
        if let (Ok((opened, _)), Some(length)) =
            (self.open(Doing::Read, file), NonZeroU64::new(length))
        {
            let _ = rustix::fs::fadvise(&opened, offset, Some(length), Advice::WillNeed);
        }
    }

    fn remove(&self, file: FileName) -> Result<(), Error> {
        let path = self.path(file);
        fs::remove_file(&path)
            .map_err(|cause| Error::io(Doing::Remove, Place::File(file), cause))?;
        write::sync_parent(self, &path)
    }

    fn sync(&self) -> Result<(), Error> {
        // Every call synced what it did.
        Ok(())
    }

    fn sweep(&self, age: Duration) -> Result<usize, Error> {
        let Some(before) = SystemTime::now().checked_sub(age) else {
            return Ok(0);
        };
        let mut removed = 0;
        for kind in FileKind::ALL {
            for stray in self.list(kind)?.strays {
                if stray.kind != StrayKind::Temporary {
                    continue;
                }
                let path = self.root.join(&stray.path);
                let swept = fs::symlink_metadata(&path)
                    .and_then(|about| about.modified())
                    .and_then(|modified| {
                        if modified > before {
                            return Ok(0);
                        }
                        fs::remove_file(&path).map(|()| 1)
                    });
                match swept {
                    Ok(count) => removed += count,
                    // Another process was quicker, or its write has ended.
                    Err(cause) if cause.kind() == io::ErrorKind::NotFound => {}
                    Err(cause) => return Err(self.failed(Doing::Sweep, &path, cause)),
                }
            }
        }
        Ok(removed)
    }

    fn traits(&self) -> Traits {
        Traits {
            parallel: 2,
            remote: false,
            listing_lags: false,
            connects_quickly: true,
        }
    }
}
