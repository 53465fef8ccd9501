//! What was found where one kind of files lies.

use std::collections::BTreeSet;
use std::time::SystemTime;

use super::id::Id;

/// A file that a listing found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listed {
    pub id: Id,
    /// In bytes.
    pub size: u64,
    /// When the file was written; `None` when the storage does not know.
    pub modified: Option<SystemTime>,
}

/// What lies in a repository's directory and is not an ordinary file of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stray {
    /// The path inside the repository.
    pub path: String,
    pub kind: StrayKind,
}

/// Why a directory entry is not a file of the repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum StrayKind {
    /// The name is not an id.
    NotAnId,
    /// A pack in the directory of other packs: it cannot be read there.
    Misplaced,
    /// What an interrupted write left behind.
    Temporary,
    /// A symbolic link. A link whose name is an id is listed as a file, too, because restic reads it as one.
    Link,
    /// The name is an id, and this is a directory, a device or a pipe.
    NotAFile,
}

/// Everything that was found where one kind of files lies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// In no order.
    pub files: Vec<Listed>,
    pub strays: Vec<Stray>,
}

impl Listing {
    /// The same listing without the files that a server has named more than once. Some do so while others write. Of such a
    /// file, what came last counts.
    #[must_use]
    pub(super) fn each_file_once(mut self) -> Listing {
        self.files.sort_by_key(|file| file.id);
        self.files.dedup_by(|later, kept| {
            let is_same = later.id == kept.id;
            if is_same {
                *kept = *later;
            }
            is_same
        });
        self
    }

    /// What is listed as a file of the repository, and is a directory, a device or a pipe: it holds nothing, and cannot be
    /// removed as a file.
    pub fn not_files(&self) -> BTreeSet<Id> {
        let odd = self
            .strays
            .iter()
            .filter(|stray| stray.kind == StrayKind::NotAFile);
        odd.filter_map(|stray| Id::parse(stray.path.rsplit('/').next()?).ok())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_named_more_than_once_is_one_file_and_the_last_name_counts() {
        let file = |id: u8, size| Listed {
            id: Id([id; 32]),
            size,
            modified: None,
        };
        let listing = Listing {
            files: vec![file(2, 5), file(1, 7), file(2, 5), file(1, 8)],
            strays: Vec::new(),
        };
        assert_eq!(listing.each_file_once().files, [file(1, 8), file(2, 5)]);
        assert_eq!(Listing::default().each_file_once(), Listing::default());
    }
}
