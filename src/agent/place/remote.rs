//! What a storage away from this host holds at a place.

use super::content::Content;
use crate::storage::error::{Error, ErrorKind};
use crate::storage::id::Id;
use crate::storage::{FileKind, FileName, Storage, Stray, StrayKind};

/// What is at the place of this storage.
pub(super) fn content(storage: &dyn Storage) -> Result<Content, Error> {
    match storage.size(FileName::CONFIG) {
        Ok(_) => return Ok(Content::Repository),
        Err(error) if error.kind == ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let keys = storage.list(FileKind::Key)?;
    let has_key = !keys.files.is_empty();
    for kind in [
        FileKind::Snapshot,
        FileKind::Index,
        FileKind::Pack,
        FileKind::Lock,
    ] {
        let listing = storage.list(kind)?;
        let is_empty = listing.files.is_empty() && listing.strays.is_empty();
        match (is_empty, has_key) {
            (true, _) => {}
            (false, true) => return Ok(Content::WithoutConfig),
            (false, false) => return Ok(Content::Other),
        }
    }
    // A creation that was cut short may have left half a key.
    let is_half = |stray: &Stray| stray.kind == StrayKind::Temporary;
    Ok(match (has_key, keys.strays.iter().all(is_half)) {
        (false, true) => Content::Nothing,
        (true, true) => Content::Unfinished,
        (_, false) => Content::Other,
    })
}

/// The keys at this place.
pub(super) fn keys(storage: &dyn Storage) -> Result<Vec<Id>, Error> {
    let files = storage.list(FileKind::Key)?.files;
    Ok(files.into_iter().map(|file| file.id).collect())
}

/// Removes these keys.
pub(super) fn clear_keys(storage: &dyn Storage, keys: &[Id]) -> Result<(), Error> {
    for key in keys {
        match storage.remove(FileName::new(FileKind::Key, *key)) {
            Err(error) if error.kind != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::memory::{Memory, Request};

    fn with(files: &[FileKind]) -> Memory {
        let memory = Memory::new();
        for kind in files {
            let file = FileName::new(*kind, Id::of(b"x"));
            memory.write(file, b"x").unwrap();
        }
        memory
    }

    #[test]
    fn only_a_config_makes_a_repository_and_only_keys_a_creation() {
        use FileKind::{Config, Index, Key, Lock, Pack, Snapshot};
        for (files, expected) in [
            (&[][..], Content::Nothing),
            (&[Config, Key, Pack], Content::Repository),
            (&[Key], Content::Unfinished),
            (&[Key, Pack], Content::WithoutConfig),
            (&[Snapshot], Content::Other),
            (&[Index], Content::Other),
            (&[Lock], Content::Other),
        ] {
            assert_eq!(content(&with(files)).unwrap(), expected, "{files:?}");
        }
    }

    #[test]
    fn a_failure_is_not_taken_for_an_empty_place() {
        for request in [Request::Size, Request::List] {
            let memory = with(&[]);
            memory.fail(request, 0, ErrorKind::Unreachable);
            assert_eq!(content(&memory).unwrap_err().kind, ErrorKind::Unreachable);
        }
    }

    #[test]
    fn the_keys_of_a_creation_that_was_cut_short_go() {
        let memory = with(&[FileKind::Key]);
        clear_keys(&memory, &keys(&memory).unwrap()).unwrap();
        assert_eq!(content(&memory).unwrap(), Content::Nothing);
    }

    #[test]
    fn the_key_of_a_host_that_has_begun_to_create_since_stays() {
        let memory = with(&[FileKind::Key]);
        let known = keys(&memory).unwrap();
        let file = FileName::new(FileKind::Key, Id::of(b"y"));
        memory.write(file, b"y").unwrap();
        clear_keys(&memory, &known).unwrap();
        assert_eq!(keys(&memory).unwrap(), [file.id]);
    }
}
