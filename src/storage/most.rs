//! How much a server may list. What it lists is in memory, so that a list without an end would fill it.

#[cfg(any(feature = "s3", feature = "swift"))]
use std::time::SystemTime;

#[cfg(any(feature = "s3", feature = "swift"))]
use super::id::Id;
use super::{FileKind, Listed, Listing, Stray, StrayKind};

/// The most packs. So many packs of 16 MiB are 256 TiB.
const PACKS: usize = 1 << 24;

/// The most files of another kind. One snapshot every five minutes makes so many in ten years.
const OTHERS: usize = 1 << 20;

/// The most entries of one directory. So many packs are 256 times as many in all of their directories.
#[cfg(any(feature = "ftp", feature = "sftp"))]
pub(super) const IN_DIRECTORY: usize = OTHERS;

/// The most strays of which a listing tells.
pub(super) const STRAYS: usize = 10_000;

/// The longest name of an object, in bytes. S3 and Swift allow 1024.
#[cfg(any(feature = "s3", feature = "swift"))]
const NAME: usize = 4096;

/// The most files of a kind, together with all else that lies where they do.
pub(super) fn entries(kind: FileKind) -> usize {
    match kind {
        FileKind::Pack => PACKS,
        FileKind::Config
        | FileKind::Key
        | FileKind::Lock
        | FileKind::Snapshot
        | FileKind::Index => OTHERS,
    }
}

/// Adds a stray to a listing that does not have too many of them.
pub(super) fn add_stray(listing: &mut Listing, stray: Stray) {
    // A file of this name is listed, too, and this says that it is none.
    let is_listed = stray.kind == StrayKind::NotAFile;
    if is_listed || listing.strays.len() < STRAYS {
        listing.strays.push(stray);
    }
}

/// The list of a server has more entries than one of a repository can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooMany;

/// A listing that grows by one entry after the other, and not without end.
#[derive(Debug)]
pub(super) struct Growing {
    kind: FileKind,
    listing: Listing,
    /// So many entries may still come.
    left: usize,
}

impl Growing {
    /// Without entries.
    pub fn new(kind: FileKind) -> Growing {
        Growing {
            kind,
            listing: Listing::default(),
            left: entries(kind),
        }
    }

    /// A listing that may have no more entries than this.
    #[cfg(test)]
    pub fn up_to(left: usize, kind: FileKind) -> Growing {
        Growing {
            left,
            ..Growing::new(kind)
        }
    }

    /// Counts an entry, whatever it is.
    pub fn count(&mut self) -> Result<(), TooMany> {
        self.left = self.left.checked_sub(1).ok_or(TooMany)?;
        Ok(())
    }

    /// Adds a file.
    pub fn file(&mut self, file: Listed) -> Result<(), TooMany> {
        self.count()?;
        self.listing.files.push(file);
        Ok(())
    }

    /// Adds what is not a file. The name is that below the directory of the kind.
    pub fn stray(&mut self, name: &str, kind: StrayKind) -> Result<(), TooMany> {
        self.count()?;
        let directory = self.kind.directory().unwrap_or_default();
        let path = format!("{directory}/{name}");
        add_stray(&mut self.listing, Stray { path, kind });
        Ok(())
    }

    /// Adds an object of a store that has no directories. The name is that below the prefix of the kind.
    #[cfg(any(feature = "s3", feature = "swift"))]
    pub fn object(
        &mut self,
        name: &str,
        size: u64,
        modified: Option<SystemTime>,
    ) -> Result<(), TooMany> {
        if name.len() > NAME {
            return Err(TooMany);
        }
        let is_pack = self.kind == FileKind::Pack;
        let (directory, id) = match name.split_once('/') {
            Some((directory, id)) if is_pack => (Some(directory), id),
            _ => (None, name),
        };
        match Id::parse(id) {
            Ok(parsed) if !is_pack || directory == id.get(..2) => self.file(Listed {
                id: parsed,
                size,
                modified,
            }),
            Ok(_) => self.stray(name, StrayKind::Misplaced),
            Err(_) => self.stray(name, StrayKind::NotAnId),
        }
    }

    /// So many entries may still come.
    pub fn left(&self) -> usize {
        self.left
    }

    /// Whether no more may come.
    pub fn is_full(&self) -> bool {
        self.left == 0
    }

    /// What was added.
    pub fn listing(self) -> Listing {
        self.listing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_strays_the_first_ones_are_told_and_what_is_not_a_file_always() {
        let mut growing = Growing::new(FileKind::Key);
        for number in 0..2 * STRAYS {
            growing
                .stray(&number.to_string(), StrayKind::NotAnId)
                .unwrap();
        }
        growing.stray("device", StrayKind::NotAFile).unwrap();
        let listing = growing.listing();
        assert_eq!(listing.strays.len(), STRAYS + 1);
        assert_eq!(listing.strays[0].path, "keys/0");
    }

    #[test]
    fn a_list_has_an_end_whatever_is_in_it() {
        let mut growing = Growing::up_to(3, FileKind::Lock);
        let file = Listed {
            id: Default::default(),
            size: 1,
            modified: None,
        };
        growing.file(file).unwrap();
        growing.stray("x", StrayKind::NotAnId).unwrap();
        growing.count().unwrap();
        assert!(growing.is_full());
        assert_eq!(growing.count(), Err(TooMany));
        assert_eq!(growing.file(file), Err(TooMany));
        assert_eq!(growing.stray("x", StrayKind::NotAnId), Err(TooMany));
        assert_eq!(growing.listing().files, [file]);
    }

    #[test]
    #[cfg(any(feature = "s3", feature = "swift"))]
    fn no_object_has_a_name_without_end() {
        let mut growing = Growing::new(FileKind::Pack);
        assert_eq!(growing.object(&"x".repeat(NAME), 1, None), Ok(()));
        let longer = "x".repeat(NAME + 1);
        assert_eq!(growing.object(&longer, 1, None), Err(TooMany));
    }
}
