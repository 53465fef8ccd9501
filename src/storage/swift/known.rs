//! What a storage did itself, for servers whose lists and copies lag behind.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use super::super::{FileKind, FileName, Listing};

/// How many files are remembered at most. All are forgotten then; nothing depends on it but the patience with a server
/// that lags.
const MOST: usize = 1 << 17;

/// The files that this storage wrote, removed or missed.
#[derive(Default)]
pub(super) struct Known(Mutex<Files>);

#[derive(Default)]
struct Files {
    written: HashSet<FileName>,
    removed: HashSet<FileName>,
    missing: HashSet<FileName>,
}

impl Known {
    fn with<T>(&self, change: impl FnOnce(&mut Files) -> T) -> T {
        let mut files = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if files.written.len() + files.removed.len() + files.missing.len() > MOST {
            *files = Files::default();
        }
        change(&mut files)
    }

    /// The file was written, or is there.
    pub fn is_there(&self, file: FileName) {
        self.with(|files| {
            files.written.insert(file);
            files.removed.remove(&file);
            files.missing.remove(&file);
        });
    }

    /// This storage has removed the file.
    pub fn is_removed(&self, file: FileName) {
        self.with(|files| {
            files.written.remove(&file);
            files.removed.insert(file);
        });
    }

    /// The file is not there, however long one waits.
    pub fn is_missing(&self, file: FileName) {
        self.with(|files| {
            files.written.remove(&file);
            files.missing.insert(file);
        });
    }

    /// Whether it is known that the file is not there.
    pub fn misses(&self, file: FileName) -> bool {
        self.with(|files| files.missing.contains(&file) || files.removed.contains(&file))
    }

    /// The files that were written and are not in this listing of their kind, and those that were removed and are in
    /// it. Each of them has to be asked for.
    pub fn differences(&self, kind: FileKind, listing: &Listing) -> Vec<FileName> {
        self.with(|files| {
            let of_kind = |file: &&FileName| file.kind == kind;
            let mut unlisted: HashSet<FileName> =
                files.written.iter().filter(of_kind).copied().collect();
            let mut different = Vec::new();
            for listed in &listing.files {
                let file = FileName::new(kind, listed.id);
                unlisted.remove(&file);
                if files.removed.contains(&file) {
                    different.push(file);
                }
            }
            different.extend(unlisted);
            different
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::Listed;
    use super::super::super::id::Id;
    use super::*;

    fn file(content: &[u8]) -> FileName {
        FileName::new(FileKind::Pack, Id::of(content))
    }

    #[test]
    fn what_a_listing_does_not_have_yet_and_what_it_still_has_is_asked_for() {
        let known = Known::default();
        known.is_there(file(b"new"));
        known.is_there(file(b"old"));
        known.is_there(file(b"gone"));
        known.is_removed(file(b"gone"));
        let listing = Listing {
            files: [&b"old"[..], b"gone", b"other"]
                .into_iter()
                .map(|content| Listed {
                    id: Id::of(content),
                    size: 1,
                    modified: None,
                })
                .collect(),
            strays: Vec::new(),
        };
        let different = known.differences(FileKind::Pack, &listing);
        assert_eq!(different, [file(b"gone"), file(b"new")]);
        assert_eq!(known.differences(FileKind::Index, &Listing::default()), []);
    }

    #[test]
    fn a_file_that_is_written_again_is_not_missed_any_more() {
        let known = Known::default();
        assert!(!known.misses(file(b"x")));
        known.is_missing(file(b"x"));
        assert!(known.misses(file(b"x")));
        known.is_there(file(b"x"));
        assert!(!known.misses(file(b"x")));
        known.is_removed(file(b"x"));
        assert!(known.misses(file(b"x")));
    }

    #[test]
    fn it_does_not_grow_for_ever() {
        let known = Known::default();
        for number in 0..MOST + 2 {
            known.is_there(file(&number.to_le_bytes()));
        }
        assert!(known.with(|files| files.written.len()) < MOST);
    }
}
