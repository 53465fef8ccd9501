//! Writes files.
//!
//! A file gets its name when it is complete: it is written under a temporary name and then renamed, so that its path has
//! the old content or the snapshot's at every moment. There is one exception, because a rename takes as long as writing
//! a small file does: in a directory that a restore has made, a file of one piece is written under its own name. Nobody
//! else can look into that directory before everything in it is restored, and the sticky bit marks the file until its
//! metadata is set. The restore after one that was killed sees the mark, and writes such a file again.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;

use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::Errno;

use super::directory::{self, Identity, UNFINISHED_FILE};
use super::entry::Entry;
use super::hands::Hands;
use super::metadata;
use super::problem::{Difference, ProblemKind};
use super::restorer::{Failed, Outcome, Restorer};
use super::sparse;
use crate::kill_point::{self, Point};
use crate::repository::error::Error as RepositoryError;

/// A file that is not complete.
pub struct NewFile {
    pub file: File,
    /// `None`: it has its own name already.
    temporary: Option<OsString>,
}

/// The repository does not give a piece of a file.
pub fn unreadable(cause: RepositoryError) -> Failed {
    Failed::Problem(ProblemKind::Content, Some(cause.into()))
}

impl NewFile {
    /// Makes an empty file for an entry.
    pub fn create(parent: &OwnedFd, entry: &Entry, own_name: bool) -> Result<NewFile, Failed> {
        let temporary = (!own_name).then(directory::unfinished_name);
        let name = temporary.as_ref().unwrap_or(&entry.name);
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match rustix::fs::openat(parent, name, flags, Mode::from_raw_mode(UNFINISHED_FILE)) {
            Ok(file) => Ok(NewFile {
                file: file.into(),
                temporary,
            }),
            // Another process made it, or the file system takes two names for the same.
            Err(Errno::EXIST) => Err(Failed::problem(ProblemKind::Kept(Difference::Content))),
            Err(error) => Err(Failed::io(ProblemKind::NotMade, error)),
        }
    }

    /// Removes it again.
    pub fn discard(&self, parent: &OwnedFd, entry: &Entry) {
        let name = self.temporary.as_ref().unwrap_or(&entry.name);
        // If this fails too, the next restore removes it.
        let _ = rustix::fs::unlinkat(parent, name, AtFlags::empty());
    }

    /// How it is found again when it is closed. `None`: it has its own name already.
    pub fn begun(&self) -> io::Result<Option<Begun>> {
        let identity = directory::identity(&rustix::fs::fstat(&self.file)?);
        let temporary = self.temporary.clone();
        Ok(temporary.map(|temporary| Begun {
            temporary,
            identity,
        }))
    }
}

/// A file that is not complete, and may be closed.
pub struct Begun {
    temporary: OsString,
    identity: Identity,
}

impl Begun {
    /// Opens it again.
    pub fn open(&self, parent: &OwnedFd) -> io::Result<NewFile> {
        // Another process may have put a FIFO there, which nobody reads.
        let flags =
            OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let file = rustix::fs::openat(parent, &self.temporary, flags, Mode::empty())?;
        if directory::identity(&rustix::fs::fstat(&file)?) != self.identity {
            return Err(io::Error::other("another process has replaced the file"));
        }
        Ok(NewFile {
            file: file.into(),
            temporary: Some(self.temporary.clone()),
        })
    }

    /// Removes it.
    pub fn discard(&self, parent: &OwnedFd) {
        // If this fails too, the next restore removes it.
        let _ = rustix::fs::unlinkat(parent, &self.temporary, AtFlags::empty());
    }
}

/// Writes a piece, except for long runs of zeros. Returns whether the piece ends with one.
pub fn write_piece(file: &File, content: &[u8], offset: u64) -> io::Result<bool> {
    let mut end = 0;
    for range in sparse::parts(content, offset) {
        end = range.end;
        file.write_all_at(&content[range.clone()], offset + range.start as u64)?;
    }
    Ok(end < content.len())
}

impl Restorer<'_> {
    /// Writes a file of at most one piece. There was nothing of its name.
    pub fn small(&self, entry: &Entry, content: &[u8]) -> Result<Outcome, Failed> {
        let (origin, _) = self.directories.origin(entry.directory);
        let parent = self.parent(entry)?;
        let new = NewFile::create(&parent, entry, origin.is_ours())?;
        let written = write_piece(&new.file, content, 0)
            .and_then(|ends_with_hole| match ends_with_hole {
                true => new.file.set_len(content.len() as u64),
                false => Ok(()),
            })
            .map_err(|error| Failed::io(ProblemKind::NotWritten, error));
        self.complete(
            &parent,
            &new,
            entry,
            written.map(|()| content.len() as u64),
            false,
        )
    }

    /// Writes a file from its first piece to its last.
    pub fn write(
        &self,
        hands: &mut Hands,
        parent: &OwnedFd,
        entry: &Entry,
        replace: bool,
    ) -> Result<Outcome, Failed> {
        let (origin, _) = self.directories.origin(entry.directory);
        let own_name = !replace && origin.is_ours() && entry.content.len() < 2;
        let new = NewFile::create(parent, entry, own_name)?;
        let written = self.fill(hands, &new.file, entry);
        self.complete(parent, &new, entry, written, replace)
    }

    fn fill(&self, hands: &mut Hands, file: &File, entry: &Entry) -> Result<u64, Failed> {
        let failed = |error| Failed::io(ProblemKind::NotWritten, error);
        let mut length = 0_u64;
        for id in &entry.content {
            let piece = hands.piece(self.repository, *id).map_err(unreadable)?;
            write_piece(file, piece, length).map_err(failed)?;
            length = length.saturating_add(piece.len() as u64);
        }
        file.set_len(length).map_err(failed)?;
        Ok(length)
    }

    /// Sets the metadata of a file of this length and gives it its name; or removes it when it could not be written.
    pub fn complete(
        &self,
        parent: &OwnedFd,
        new: &NewFile,
        entry: &Entry,
        written: Result<u64, Failed>,
        replace: bool,
    ) -> Result<Outcome, Failed> {
        let length = match written {
            Ok(length) => length,
            Err(failed) => {
                new.discard(parent, entry);
                return Err(failed);
            }
        };
        let path = || self.directories.path(entry.directory, &entry.name);
        let (origin, default_acl) = self.directories.origin(entry.directory);
        // Where there may be a default list, a new file may have got one.
        let clean = default_acl || !origin.is_ours();
        let missing = metadata::set(&new.file, &entry.metadata, &self.owners, clean);
        if let Some(temporary) = &new.temporary {
            kill_point::reached(Point::EntryWritten);
            match directory::rename(parent, temporary, &entry.name, replace) {
                Ok(true) => {}
                Ok(false) => {
                    new.discard(parent, entry);
                    return Err(Failed::problem(ProblemKind::Kept(Difference::Content)));
                }
                Err(error) => {
                    new.discard(parent, entry);
                    return Err(Failed::io(ProblemKind::NotWritten, error));
                }
            }
        }
        kill_point::reached(Point::EntryNamed);
        self.note_missing(path, missing);
        if length != entry.size {
            self.problem(path(), ProblemKind::Size, None);
        }
        Ok(Outcome::Written(length))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_opened_again_is_the_one_that_was_begun_or_none() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("begun");
        let other = directory.path().join("other");
        std::fs::write(&path, "").unwrap();
        std::fs::write(&other, "as it was").unwrap();
        let parent = OwnedFd::from(File::open(directory.path()).unwrap());
        let new = NewFile {
            file: File::options().write(true).open(&path).unwrap(),
            temporary: Some("begun".into()),
        };
        let begun = new.begun().unwrap().unwrap();
        let again = begun.open(&parent).unwrap();
        again.file.write_all_at(b"content", 0).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"content");
        let fifo = |path: &std::path::Path| {
            let kind = rustix::fs::FileType::Fifo;
            rustix::fs::mknodat(&parent, path, kind, Mode::RUSR | Mode::WUSR, 0).unwrap();
        };
        let replace: [&dyn Fn(&std::path::Path); 3] = [
            &|path| std::fs::hard_link(&other, path).unwrap(),
            &|path| std::os::unix::fs::symlink(&other, path).unwrap(),
            &fifo,
        ];
        for replace in replace {
            std::fs::remove_file(&path).unwrap();
            replace(&path);
            assert!(begun.open(&parent).is_err());
        }
        std::fs::remove_file(&path).unwrap();
        assert!(begun.open(&parent).is_err());
    }
}
