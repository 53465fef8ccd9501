//! Goes through the trees of a snapshot, entry by entry.
//!
//! Trees come from the world: they may be damaged, they may be nested 60,000 deep, and a few of them may stand for more
//! paths than anybody can visit, where each tree names the next one twice. So nothing here calls itself, [`count`] tells
//! how many paths there are without visiting them, and a walk that would have no end is refused.

use std::collections::HashMap;
use std::ops::ControlFlow;

use super::blob::BlobReader;
use super::blob_name::{BlobKind, BlobName};
use super::error::{Damage, Error};
use super::indexed::Indexed;
use super::node::{Node, NodeKind, NodeProblem};
use super::tree;
use crate::storage::id::Id;

/// Something that a walk comes to.
pub enum Met<'a> {
    /// An entry of a directory. Where it has a problem, it must not be written to a file system, and the walk does not
    /// enter it.
    Entry {
        node: &'a Node,
        problem: Option<NodeProblem>,
    },
    /// All entries of a directory have been visited. `node` is the directory, which was met as an entry before.
    Left { node: &'a Node },
    /// A directory whose tree cannot be read. For the root, it is the end of the walk: also when the tree stands for more
    /// entries than can exist, which a walk may find out late.
    Unreadable { tree: Id, error: Error },
}

/// Whether a walk enters a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Enter,
    /// Also for everything that is not a directory.
    Skip,
}

/// A directory that the walk is in.
struct Level {
    /// `None` at the root.
    directory: Option<Node>,
    entries: std::vec::IntoIter<(Node, Option<NodeProblem>)>,
    /// How long the path was above this directory.
    path_above: usize,
}

/// Visits every entry below a tree, a directory before its entries, in the order of the trees. `visit` gets the path
/// below the root, with slashes between the names; it may end the walk.
///
/// Memory: the entries of one directory for each level of depth.
pub fn walk<B>(
    repository: &Indexed,
    root: Id,
    mut visit: impl FnMut(&[u8], Met<'_>) -> ControlFlow<B, Step>,
) -> Option<B> {
    let mut reader = BlobReader::new();
    let mut text = Vec::new();
    let mut path = Vec::new();
    let mut levels = Vec::new();
    let mut guard = Guard::new(root);
    match entries(repository, &mut reader, &mut text, root) {
        Ok(entries) => levels.push(Level {
            directory: None,
            entries,
            path_above: 0,
        }),
        Err(error) => {
            let met = Met::Unreadable { tree: root, error };
            return visit(&path, met).break_value();
        }
    }
    while let Some(level) = levels.last_mut() {
        let Some((node, problem)) = level.entries.next() else {
            let done = levels.pop()?;
            if let Some(node) = &done.directory
                && let ControlFlow::Break(value) = visit(&path, Met::Left { node })
            {
                return Some(value);
            }
            path.truncate(done.path_above);
            continue;
        };
        let path_above = path.len();
        if !path.is_empty() {
            path.push(b'/');
        }
        path.extend_from_slice(&node.name);
        let met = Met::Entry {
            node: &node,
            problem,
        };
        let step = match visit(&path, met) {
            ControlFlow::Break(value) => return Some(value),
            ControlFlow::Continue(step) => step,
        };
        if let (Step::Enter, None, NodeKind::Directory, Some(tree)) =
            (step, problem, &node.kind, node.subtree)
        {
            if let Err(error) = guard.enter(repository) {
                let met = Met::Unreadable { tree: root, error };
                return visit(b"", met).break_value();
            }
            match entries(repository, &mut reader, &mut text, tree) {
                Ok(entries) => {
                    levels.push(Level {
                        directory: Some(node),
                        entries,
                        path_above,
                    });
                    continue;
                }
                Err(error) => {
                    let met = Met::Unreadable { tree, error };
                    if let ControlFlow::Break(value) = visit(&path, met) {
                        return Some(value);
                    }
                }
            }
        }
        path.truncate(path_above);
    }
    None
}

fn entries(
    repository: &Indexed,
    reader: &mut BlobReader,
    text: &mut Vec<u8>,
    tree: Id,
) -> Result<std::vec::IntoIter<(Node, Option<NodeProblem>)>, Error> {
    repository.read_tree(reader, tree, text)?;
    let mut entries = Vec::new();
    tree::read(tree, text, |node, problem| entries.push((node, problem)))?;
    Ok(entries.into_iter())
}

/// What lies below a tree, counted path by path. The numbers stop at `u64::MAX`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Entries other than directories.
    pub files: u64,
    pub directories: u64,
    /// The sizes of all files, as their nodes have them.
    pub bytes: u64,
    /// How many directories lie inside each other, at most.
    pub depth: u64,
    /// Directories whose tree cannot be read.
    pub unreadable: u64,
}

/// No file system has so many entries.
pub const MOST_ENTRIES: u64 = 1 << 32;

impl Count {
    /// Whether there are more entries than so many.
    pub fn exceeds(&self, most: u64) -> bool {
        self.files.saturating_add(self.directories) > most
    }

    fn add(&mut self, other: Count) {
        self.files = self.files.saturating_add(other.files);
        self.directories = self.directories.saturating_add(other.directories);
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.depth = self.depth.max(other.depth.saturating_add(1));
        self.unreadable = self.unreadable.saturating_add(other.unreadable);
    }
}

/// Counts what lies below a tree. Each tree is read once, however often it is named. Where the text of a tree breaks
/// off, the entries before the break count, since a restore makes them.
///
/// Memory: about 100 bytes for each different tree.
pub fn count(repository: &Indexed, root: Id) -> Count {
    struct Open {
        tree: Id,
        count: Count,
        subtrees: std::vec::IntoIter<Id>,
    }
    let mut reader = BlobReader::new();
    let mut text = Vec::new();
    let mut known: HashMap<Id, Count> = HashMap::new();
    let mut open_tree = |tree: Id| {
        let mut count = Count::default();
        let mut subtrees = Vec::new();
        let read = repository
            .read_tree(&mut reader, tree, &mut text)
            .and_then(|()| {
                tree::read(tree, &text, |node, problem| match node.subtree {
                    _ if problem.is_some() => {}
                    Some(subtree) if node.kind == NodeKind::Directory => {
                        count.directories += 1;
                        subtrees.push(subtree);
                    }
                    _ => {
                        count.files += 1;
                        count.bytes = count.bytes.saturating_add(node.size);
                    }
                })
            });
        if read.is_err() {
            count.unreadable += 1;
        }
        Open {
            tree,
            count,
            subtrees: subtrees.into_iter(),
        }
    };
    let mut levels = vec![open_tree(root)];
    loop {
        let Some(level) = levels.last_mut() else {
            return Count::default();
        };
        match level.subtrees.next() {
            Some(tree) => match known.get(&tree) {
                Some(count) => level.count.add(*count),
                // No tree can lie inside itself: its id would be part of what its id is the hash of.
                None => levels.push(open_tree(tree)),
            },
            None => {
                let Some(done) = levels.pop() else {
                    return Count::default();
                };
                known.insert(done.tree, done.count);
                match levels.last_mut() {
                    Some(above) => above.count.add(done.count),
                    None => return done.count,
                }
            }
        }
    }
}

/// Refuses a tree that stands for more entries than can exist. Reads each tree below it once.
///
/// # Errors
/// `Endless`.
pub fn refuse_endless(repository: &Indexed, root: Id) -> Result<(), Error> {
    let name = BlobName {
        kind: BlobKind::Tree,
        id: root,
    };
    match count(repository, root).exceeds(MOST_ENTRIES) {
        true => Err(Error::blob(Damage::Endless, name)),
        false => Ok(()),
    }
}

/// Ends a way through the directories of a snapshot that has no end. It costs nothing where no tree is met twice.
pub struct Guard {
    root: Id,
    entered: usize,
    is_counted: bool,
}

impl Guard {
    /// For a way that begins at this tree.
    pub fn new(root: Id) -> Guard {
        Guard {
            root,
            entered: 0,
            is_counted: false,
        }
    }

    /// Another directory is entered.
    ///
    /// # Errors
    /// As [`refuse_endless`], once more directories were entered than the repository has trees.
    pub fn enter(&mut self, repository: &Indexed) -> Result<(), Error> {
        self.entered += 1;
        if self.is_counted || self.entered <= repository.index.len(BlobKind::Tree) {
            return Ok(());
        }
        self.is_counted = true;
        refuse_endless(repository, self.root)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::trees::{Trees, directory, file};

    /// What a walk comes to, in words.
    fn walked(repository: &Indexed, root: Id) -> Vec<String> {
        let mut lines = Vec::new();
        let ended: Option<()> = walk(repository, root, |path, met| {
            let path = String::from_utf8_lossy(path).into_owned();
            lines.push(match met {
                Met::Entry { problem, .. } => match problem {
                    None => path,
                    Some(problem) => format!("{path}: {problem:?}"),
                },
                Met::Left { .. } => format!("{path} left"),
                Met::Unreadable { .. } => format!("{path} unreadable"),
            });
            ControlFlow::Continue(Step::Enter)
        });
        assert!(ended.is_none());
        lines
    }

    #[test]
    fn every_entry_is_visited_in_order_and_a_missing_tree_costs_itself_alone() {
        let mut trees = Trees::new();
        let inner = trees.tree(&[
            file("x", 5, &[]),
            Node::new("y", NodeKind::Other("new".into())),
        ]);
        let root = trees.tree(&[
            directory("a", inner),
            directory("b", Id::of(b"missing")),
            file("c", 7, &[]),
            directory("d", inner),
        ]);
        let repository = trees.finish();
        let lines = walked(&repository, root);
        let expected = "a, a/x, a/y: Kind, a left, b, b unreadable, c, d, d/x, d/y: Kind, d left";
        assert_eq!(lines.join(", "), expected);
        assert_eq!(walked(&repository, Id::of(b"none")), [" unreadable"]);
        let count = count(&repository, root);
        assert_eq!((count.files, count.directories, count.bytes), (3, 3, 17));
        assert_eq!((count.depth, count.unreadable), (1, 1));
    }

    #[test]
    fn a_walk_ends_where_it_is_told_to() {
        let mut trees = Trees::new();
        let root = trees.tree(&[file("a", 1, &[]), file("b", 1, &[])]);
        let repository = trees.finish();
        let ended = walk(&repository, root, |path, _| {
            ControlFlow::Break(path.to_vec())
        });
        assert_eq!(ended.unwrap(), b"a");
    }

    #[test]
    fn trees_that_double_are_counted_and_refused_and_deep_ones_are_walked() {
        let mut trees = Trees::new();
        let mut tree = trees.tree(&[file("x", 1, &[])]);
        for _ in 0..100 {
            tree = trees.tree(&[directory("a", tree), directory("b", tree)]);
        }
        let doubling = tree;
        for _ in 0..20_000 {
            tree = trees.tree(&[directory("d", tree)]);
        }
        let mut deep = trees.tree(&[]);
        for _ in 0..20_000 {
            deep = trees.tree(&[directory("d", deep)]);
        }
        let repository = trees.finish();
        assert_eq!(count(&repository, doubling).files, u64::MAX);
        assert!(refuse_endless(&repository, doubling).is_err());
        let lines = walked(&repository, doubling);
        assert_eq!(lines.last().unwrap(), " unreadable");
        assert_eq!(count(&repository, tree).depth, 20_100);
        assert_eq!(walked(&repository, deep).len(), 40_000);
    }
}
