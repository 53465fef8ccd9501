//! The names of blobs.

use std::fmt;

use crate::storage::id::Id;

/// What a blob contains.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BlobKind {
    /// A piece of a file.
    Data,
    /// A directory.
    Tree,
}

impl BlobKind {
    /// Every kind, in the order of their numbers in a pack header.
    pub const ALL: [BlobKind; 2] = [BlobKind::Data, BlobKind::Tree];

    /// As index files name it.
    pub fn name(self) -> &'static str {
        match self {
            BlobKind::Data => "data",
            BlobKind::Tree => "tree",
        }
    }
}

/// The name of a blob: its kind and its id. Both together are unique in a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlobName {
    pub kind: BlobKind,
    /// The SHA-256 of the blob as it was before compression.
    pub id: Id,
}

impl fmt::Display for BlobName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the {} blob {}", self.kind.name(), self.id)
    }
}
