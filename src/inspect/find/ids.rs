//! Blobs by the beginnings of their ids, or by the pack that they lie in.

use std::collections::HashSet;

use crate::repository::blob_name::{BlobKind, BlobName};
use crate::repository::index::Index;
use crate::storage::id::Id;

/// The first digits of an id, or all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdBeginning(String);

/// The text is empty, too long, or has a character that is not a hexadecimal digit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected the beginning of an id: 1 to 64 hexadecimal digits")]
pub struct NotABeginning;

impl IdBeginning {
    /// Reads the digits, in upper or lower case.
    ///
    /// # Errors
    /// When the text is not the beginning of an id.
    pub fn parse(text: &str) -> Result<IdBeginning, NotABeginning> {
        let is_hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
        match text.len() {
            1..=64 if is_hex => Ok(IdBeginning(text.to_ascii_lowercase())),
            _ => Err(NotABeginning),
        }
    }

    /// Whether the id begins with these digits.
    pub fn begins(&self, id: &Id) -> bool {
        id.hex().starts_with(self.0.as_bytes())
    }
}

/// Which blobs are searched for.
#[derive(Debug)]
pub enum IdQuery {
    /// Pieces of files.
    Blobs(Vec<IdBeginning>),
    /// Directories.
    Trees(Vec<IdBeginning>),
    /// Exactly these.
    Exactly(HashSet<BlobName>),
}

impl IdQuery {
    /// All blobs in the packs whose ids begin like one of these, as the index has them. Empty if there is no such pack.
    pub fn in_packs(index: &Index, packs: &[IdBeginning]) -> IdQuery {
        let mut blobs = HashSet::new();
        for kind in BlobKind::ALL {
            for location in index.blobs(kind) {
                if packs.iter().any(|pack| pack.begins(&location.pack)) {
                    blobs.insert(location.blob.name);
                }
            }
        }
        IdQuery::Exactly(blobs)
    }

    /// Whether the blob is one of them.
    pub fn matches(&self, blob: &BlobName) -> bool {
        let any = |beginnings: &[IdBeginning]| beginnings.iter().any(|it| it.begins(&blob.id));
        match (self, blob.kind) {
            (IdQuery::Blobs(beginnings), BlobKind::Data)
            | (IdQuery::Trees(beginnings), BlobKind::Tree) => any(beginnings),
            (IdQuery::Exactly(blobs), _) => blobs.contains(blob),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_found_by_their_beginnings() {
        let id = Id::of(b"");
        for text in ["e", "E3B", "e3b0c4", &id.to_string()] {
            assert!(IdBeginning::parse(text).unwrap().begins(&id));
        }
        assert!(!IdBeginning::parse("e3b1").unwrap().begins(&id));
        for text in ["", "x", "e3 ", &"a".repeat(65)] {
            assert_eq!(IdBeginning::parse(text), Err(NotABeginning));
        }
    }
}
