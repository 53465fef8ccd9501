//! A path in a snapshot: from the root of its tree to one entry.

use std::fmt;

use crate::escape::shown;
use crate::repository::blob::BlobReader;
use crate::repository::error::Error;
use crate::repository::indexed::Indexed;
use crate::repository::node::{Node, NodeKind, NodeProblem};
use crate::repository::tree;
use crate::storage::id::Id;

/// The entries of a directory, each with what is wrong with it.
pub type Entries = Vec<(Node, Option<NodeProblem>)>;

/// What a path leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// The root of the snapshot, which has no node: its tree.
    Root(Id),
    Entry(Box<Node>),
}

/// Why a path does not lead to an entry.
#[derive(Debug)]
pub enum PathError {
    /// `path` is the first part that is not there.
    NotFound { path: Vec<u8> },
    /// The path goes on below something that is not a directory.
    NotADirectory { path: Vec<u8> },
    /// The entry is there, and must not be used.
    Unusable { path: Vec<u8>, problem: NodeProblem },
    /// A directory on the way cannot be read.
    Unreadable { path: Vec<u8>, error: Error },
}

impl fmt::Display for PathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (PathError::NotFound { path }
        | PathError::NotADirectory { path }
        | PathError::Unusable { path, .. }
        | PathError::Unreadable { path, .. }) = self;
        write!(f, "{}", shown(path))?;
        match self {
            PathError::NotFound { .. } => f.write_str(" is not in the snapshot"),
            PathError::NotADirectory { .. } => f.write_str(" is not a directory in the snapshot"),
            PathError::Unusable { problem, .. } => write!(f, ": {problem}"),
            PathError::Unreadable { error, .. } => write!(f, ": {error}"),
        }
    }
}

impl std::error::Error for PathError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            PathError::Unreadable { error, .. } => Some(error),
            _ => None,
        }
    }
}

/// The names in a path, without empty ones and `.`.
pub fn names(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.split(|byte| *byte == b'/')
        .filter(|name| !matches!(*name, b"" | b"."))
}

/// Appends a slash and the name.
pub fn push(path: &mut Vec<u8>, name: &[u8]) {
    if path.last() != Some(&b'/') {
        path.push(b'/');
    }
    path.extend_from_slice(name);
}

/// The entries of one directory, in the order of its tree.
///
/// # Errors
/// When the tree cannot be read.
pub fn entries(
    repository: &Indexed,
    reader: &mut BlobReader,
    text: &mut Vec<u8>,
    tree: Id,
) -> Result<Entries, Error> {
    repository.read_tree(reader, tree, text)?;
    let mut entries = Vec::new();
    tree::read(tree, text, |node, problem| entries.push((node, problem)))?;
    Ok(entries)
}

/// Follows a path from the root. It may begin with a slash or not. Links are not followed.
///
/// # Errors
/// When the path does not lead to an entry.
pub fn find(repository: &Indexed, root: Id, path: &[u8]) -> Result<Target, PathError> {
    let mut reader = BlobReader::new();
    let mut text = Vec::new();
    let mut at = Vec::new();
    let mut target = Target::Root(root);
    for name in names(path) {
        let tree = match &target {
            Target::Root(tree) => *tree,
            Target::Entry(node) => match (&node.kind, node.subtree) {
                (NodeKind::Directory, Some(tree)) => tree,
                _ => return Err(PathError::NotADirectory { path: at }),
            },
        };
        let entries = entries(repository, &mut reader, &mut text, tree);
        let entries = match entries {
            Ok(entries) => entries,
            Err(error) => {
                let path = if at.is_empty() { b"/".to_vec() } else { at };
                return Err(PathError::Unreadable { path, error });
            }
        };
        push(&mut at, name);
        let found = entries.into_iter().find(|(node, _)| node.name == name);
        target = match found {
            None => return Err(PathError::NotFound { path: at }),
            Some((_, Some(problem))) => return Err(PathError::Unusable { path: at, problem }),
            Some((node, None)) => Target::Entry(Box::new(node)),
        };
    }
    Ok(target)
}
