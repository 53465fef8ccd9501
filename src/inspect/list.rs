//! The entries of a snapshot, one after the other.

use std::ops::ControlFlow;

use super::path::{self, PathError, Target};
use crate::repository::error::Error;
use crate::repository::indexed::Indexed;
use crate::repository::node::{Node, NodeKind, NodeProblem};
use crate::repository::walk::{Met, Step, walk};
use crate::storage::id::Id;

/// Something that a list comes to. Paths begin with a slash.
pub enum Listed<'a> {
    /// Where an entry has a problem, what lies below it is not listed.
    Entry {
        path: &'a [u8],
        node: &'a Node,
        problem: Option<NodeProblem>,
    },
    /// A directory whose entries cannot be read. It was listed as an entry before, except for the root.
    Unreadable {
        path: &'a [u8],
        tree: Id,
        error: Error,
    },
}

/// Lists what is at a path: the entries of a directory, or the entry itself if it is something else. With `recursive`,
/// all that lies below a directory. `each` may end the list.
///
/// Memory: the entries of one directory for each level of depth.
///
/// # Errors
/// When the path does not lead to an entry.
pub fn list<B>(
    repository: &Indexed,
    root: Id,
    path: &[u8],
    recursive: bool,
    mut each: impl FnMut(Listed<'_>) -> ControlFlow<B>,
) -> Result<Option<B>, PathError> {
    let mut above = Vec::new();
    for name in path::names(path) {
        path::push(&mut above, name);
    }
    let tree = match path::find(repository, root, path)? {
        Target::Root(tree) => tree,
        Target::Entry(node) => match (&node.kind, node.subtree) {
            (NodeKind::Directory, Some(tree)) => tree,
            _ => {
                let listed = Listed::Entry {
                    path: &above,
                    node: &node,
                    problem: None,
                };
                return Ok(each(listed).break_value());
            }
        },
    };
    let length = above.len();
    let mut whole = above;
    let step = if recursive { Step::Enter } else { Step::Skip };
    let ended = walk(repository, tree, |below, met| {
        whole.truncate(length);
        if !below.is_empty() || length == 0 {
            path::push(&mut whole, below);
        }
        let listed = match met {
            Met::Entry { node, problem } => Listed::Entry {
                path: &whole,
                node,
                problem,
            },
            Met::Left { .. } => return ControlFlow::Continue(step),
            Met::Unreadable { tree, error } => Listed::Unreadable {
                path: &whole,
                tree,
                error,
            },
        };
        match each(listed) {
            ControlFlow::Continue(()) => ControlFlow::Continue(step),
            ControlFlow::Break(value) => ControlFlow::Break(value),
        }
    });
    Ok(ended)
}
