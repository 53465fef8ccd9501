//! The sides of a comparison: a snapshot, or something else that has entries.

use std::fmt;

use super::change::contents_differ;
use crate::inspect::path::{self, Entries};
use crate::repository::blob::BlobReader;
use crate::repository::error::{Damage, Error, ErrorKind};
use crate::repository::indexed::Indexed;
use crate::repository::node::Node;
use crate::repository::walk::Guard;
use crate::source::problem::SourceFault;
use crate::storage::id::Id;

/// Entries that a side cannot describe, by their names. The empty name is the directory itself.
pub type Faults = Vec<(Vec<u8>, SideError)>;

/// One of the two things that are compared.
pub trait Side {
    /// The entries of a directory, in any order. `directory` is the entry itself; `None` is the root. A directory is asked
    /// for after the one that it lies in, and before the next entry there.
    ///
    /// # Errors
    /// When the directory cannot be read. Endless: when the side stands for more entries than can exist.
    fn entries(
        &mut self,
        path: &[u8],
        directory: Option<&Node>,
        faults: &mut Faults,
    ) -> Result<Entries, SideError>;

    /// Whether the bytes of a file of this side are others than those of `other`, a file of the other side at the same
    /// path.
    ///
    /// # Errors
    /// When this cannot be found out.
    fn contents_differ(&mut self, path: &[u8], own: &Node, other: &Node)
    -> Result<bool, SideError>;

    /// Whether an entry that only this side has is of no interest.
    fn leaves_out(&self, path: &[u8], node: &Node) -> bool;
}

/// Why a side could not be read.
#[derive(Debug)]
pub enum SideError {
    Repository(Error),
    Source(SourceFault),
}

impl SideError {
    /// Whether the side has no end, so that nothing more is read of it.
    pub fn is_endless(&self) -> bool {
        let endless = ErrorKind::Damaged(Damage::Endless);
        matches!(self, SideError::Repository(error) if error.kind == endless)
    }
}

impl From<Error> for SideError {
    fn from(error: Error) -> SideError {
        SideError::Repository(error)
    }
}

impl From<SourceFault> for SideError {
    fn from(fault: SourceFault) -> SideError {
        SideError::Source(fault)
    }
}

impl fmt::Display for SideError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SideError::Repository(error) => fmt::Display::fmt(error, f),
            SideError::Source(fault) => fmt::Display::fmt(fault, f),
        }
    }
}

impl std::error::Error for SideError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            SideError::Repository(error) => Some(error),
            SideError::Source(_) => None,
        }
    }
}

/// One entry of the top directory of a side, with all that lies below it.
pub struct Only<'a> {
    pub side: Box<dyn Side + 'a>,
    pub name: Vec<u8>,
}

impl Side for Only<'_> {
    fn entries(
        &mut self,
        path: &[u8],
        directory: Option<&Node>,
        faults: &mut Faults,
    ) -> Result<Entries, SideError> {
        let mut entries = self.side.entries(path, directory, faults)?;
        if directory.is_none() {
            entries.retain(|(node, _)| node.name == self.name);
            faults.retain(|(name, _)| *name == self.name);
        }
        Ok(entries)
    }

    fn contents_differ(
        &mut self,
        path: &[u8],
        own: &Node,
        other: &Node,
    ) -> Result<bool, SideError> {
        self.side.contents_differ(path, own, other)
    }

    fn leaves_out(&self, path: &[u8], node: &Node) -> bool {
        self.side.leaves_out(path, node)
    }
}

/// A side without entries: what is compared with it is all added.
pub struct Nothing;

impl Side for Nothing {
    fn entries(
        &mut self,
        _: &[u8],
        _: Option<&Node>,
        _: &mut Faults,
    ) -> Result<Entries, SideError> {
        Ok(Vec::new())
    }

    fn contents_differ(&mut self, _: &[u8], _: &Node, _: &Node) -> Result<bool, SideError> {
        Ok(true)
    }

    fn leaves_out(&self, _: &[u8], _: &Node) -> bool {
        false
    }
}

/// A snapshot, or a directory in it.
pub struct SnapshotSide<'a> {
    repository: &'a Indexed,
    root: Id,
    guard: Guard,
    reader: BlobReader,
    text: Vec<u8>,
}

impl<'a> SnapshotSide<'a> {
    /// What lies below this tree.
    pub fn new(repository: &'a Indexed, root: Id) -> SnapshotSide<'a> {
        SnapshotSide {
            repository,
            root,
            guard: Guard::new(root),
            reader: BlobReader::new(),
            text: Vec::new(),
        }
    }
}

impl Side for SnapshotSide<'_> {
    fn entries(
        &mut self,
        _: &[u8],
        directory: Option<&Node>,
        _: &mut Faults,
    ) -> Result<Entries, SideError> {
        let tree = match directory {
            None => self.root,
            // Without a tree, a directory has a problem, and nobody asks for its entries.
            Some(node) => match node.subtree {
                Some(tree) => tree,
                None => return Ok(Vec::new()),
            },
        };
        self.guard.enter(self.repository)?;
        let (reader, text) = (&mut self.reader, &mut self.text);
        Ok(path::entries(self.repository, reader, text, tree)?)
    }

    fn contents_differ(&mut self, _: &[u8], own: &Node, other: &Node) -> Result<bool, SideError> {
        Ok(contents_differ(own, other))
    }

    fn leaves_out(&self, _: &[u8], _: &Node) -> bool {
        false
    }
}
