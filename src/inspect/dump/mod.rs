//! The content of a snapshot as a stream of bytes: one file, or a directory as a tar archive.
//!
//! Every blob is compared with its id before any of it is written. The first one that cannot be read ends the dump, so
//! that nobody takes what was written for the whole.

use std::fmt;
use std::io::{self, Write};

use stream::{Pieces, Stopped};

use super::path::{PathError, Target};
use crate::escape::shown;
use crate::repository::blob_name::{BlobKind, BlobName};
use crate::repository::error::Error;
use crate::repository::indexed::Indexed;
use crate::repository::node::Node;
use crate::repository::walk;
use crate::storage::id::Id;

mod acl;
mod header;
mod stream;
mod tar;

pub use tar::{Archived, Omission, OmissionKind, archive};

/// Why a dump ended early. What was written before is not the whole.
#[derive(Debug)]
pub enum DumpError {
    /// The path does not lead to an entry.
    Path(PathError),
    /// A piece of a file, or a directory, cannot be read.
    Unreadable { path: Vec<u8>, error: Error },
    /// The blobs of a file are longer or shorter than its size.
    WrongSize {
        path: Vec<u8>,
        /// As the node has it.
        expected: u64,
        found: u64,
    },
    /// The output cannot be written.
    Output(io::Error),
    /// A thread cannot be started.
    Thread(io::Error),
}

impl fmt::Display for DumpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DumpError::Path(error) => fmt::Display::fmt(error, f),
            DumpError::Unreadable { path, error } => {
                write!(f, "{}: {error}", shown(path))
            }
            DumpError::WrongSize {
                path,
                expected,
                found,
            } => write!(
                f,
                "{}: its size is {expected} bytes, but its pieces have {found}",
                shown(path)
            ),
            DumpError::Output(error) => {
                write!(f, "cannot write the output: {}", crate::os::reason(error))
            }
            DumpError::Thread(error) => {
                write!(f, "cannot start a thread: {}", crate::os::reason(error))
            }
        }
    }
}

impl std::error::Error for DumpError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            DumpError::Path(error) => Some(error),
            DumpError::Unreadable { error, .. } => Some(error),
            DumpError::WrongSize { .. } => None,
            DumpError::Output(error) | DumpError::Thread(error) => Some(error),
        }
    }
}

/// Refuses what stands for more entries than can exist, before any of it is written. Reads each directory once.
///
/// # Errors
/// `Unreadable`.
pub fn refuse_endless(repository: &Indexed, path: &[u8], target: &Target) -> Result<(), DumpError> {
    let tree = match target {
        Target::Root(tree) => Some(*tree),
        Target::Entry(node) => node.subtree,
    };
    let unreadable = |error| DumpError::Unreadable {
        path: path.to_vec(),
        error,
    };
    tree.map_or(Ok(()), |tree| walk::refuse_endless(repository, tree))
        .map_err(unreadable)
}

/// Writes the content of a file. `path` is for messages. Returns how many bytes that were.
///
/// # Errors
/// When a piece cannot be read, when the pieces do not have the size of the file, and when `out` fails.
pub fn file(
    repository: &Indexed,
    path: &[u8],
    node: &Node,
    out: &mut dyn Write,
) -> Result<u64, DumpError> {
    stream::write(repository, out, |pieces| {
        pieces.path(path)?;
        content(repository, path, node, pieces)
    })
}

/// Hands over the pieces of a file. Its size is compared before: in an archive it stands in front of the content.
fn content(repository: &Indexed, path: &[u8], node: &Node, pieces: &Pieces) -> Result<(), Stopped> {
    let ids = node.content.as_deref().unwrap_or_default();
    let mut sizes = Vec::with_capacity(ids.len());
    let mut found = 0_u64;
    for id in ids {
        let size = content_size(repository, *id).ok_or_else(|| {
            Stopped::failed(DumpError::Unreadable {
                path: path.to_vec(),
                error: missing(*id),
            })
        })?;
        found = found.saturating_add(size);
        sizes.push(size);
    }
    if found != node.size {
        return Err(Stopped::failed(DumpError::WrongSize {
            path: path.to_vec(),
            expected: node.size,
            found,
        }));
    }
    for (id, size) in ids.iter().zip(sizes) {
        pieces.blob(data_blob(*id), size)?;
    }
    Ok(())
}

fn content_size(repository: &Indexed, id: Id) -> Option<u64> {
    let mut copies = repository.index.lookup(data_blob(id));
    copies.next().map(|location| location.blob.content_length())
}

fn data_blob(id: Id) -> BlobName {
    BlobName {
        kind: BlobKind::Data,
        id,
    }
}

fn missing(id: Id) -> Error {
    use crate::repository::error::{Doing, ErrorKind, What};
    Error::new(ErrorKind::Missing, Doing::Read, What::Blob(data_blob(id)))
}
