//! The differences between two snapshots, or between a snapshot and something else that has entries.
//!
//! Both sides are read side by side, directory by directory. Directories with the same tree are skipped, so the work
//! depends on what is different, not on what there is.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::iter::Peekable;
use std::ops::ControlFlow;
use std::vec::IntoIter;

use change::{Change, Difference, compare};
use side::{Side, SideError};

use super::path;
use crate::repository::node::{Node, NodeKind, NodeProblem};

pub mod change;
pub mod live;
pub mod side;

/// Which of the two sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    Before,
    After,
}

/// Something that a comparison comes to. Paths begin with a slash.
pub enum Told<'a> {
    Changed {
        path: &'a [u8],
        change: Change,
        /// The entry: of the second side, unless it was removed.
        node: &'a Node,
        /// The entry of the first side, if both have one.
        before: Option<&'a Node>,
    },
    /// An entry that is not compared.
    Unusable {
        path: &'a [u8],
        which: Which,
        problem: NodeProblem,
    },
    /// A directory, or the content of a file, that cannot be read: it is not compared.
    Unreadable {
        path: &'a [u8],
        which: Which,
        error: SideError,
    },
}

/// Entries by their types, and the bytes of the files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    pub files: u64,
    pub directories: u64,
    pub others: u64,
    /// The sizes of the files, as their nodes have them.
    pub bytes: u64,
}

impl Totals {
    fn add(&mut self, node: &Node) {
        match node.kind {
            NodeKind::File => {
                self.files += 1;
                self.bytes = self.bytes.saturating_add(node.size);
            }
            NodeKind::Directory => self.directories += 1,
            _ => self.others += 1,
        }
    }

    fn plus(self, other: Totals) -> Totals {
        Totals {
            files: self.files + other.files,
            directories: self.directories + other.directories,
            others: self.others + other.others,
            bytes: self.bytes.saturating_add(other.bytes),
        }
    }
}

/// What a comparison counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    pub added: Totals,
    pub removed: Totals,
    /// Entries whose content is different.
    pub content_changed: u64,
    /// The sizes of the files among them, on the second side.
    pub content_changed_bytes: u64,
    pub kind_changed: u64,
    /// Entries of which only the metadata is different.
    pub metadata_changed: u64,
    /// Entries and directories that could not be compared.
    pub not_compared: u64,
}

impl Statistics {
    /// Those of two comparisons together.
    pub fn plus(self, other: Statistics) -> Statistics {
        let bytes = self.content_changed_bytes;
        Statistics {
            added: self.added.plus(other.added),
            removed: self.removed.plus(other.removed),
            content_changed: self.content_changed + other.content_changed,
            content_changed_bytes: bytes.saturating_add(other.content_changed_bytes),
            kind_changed: self.kind_changed + other.kind_changed,
            metadata_changed: self.metadata_changed + other.metadata_changed,
            not_compared: self.not_compared + other.not_compared,
        }
    }
}

/// The entries of a directory of one side.
#[derive(Default)]
struct Listed {
    /// Sorted by name.
    entries: Vec<Node>,
    /// The names of entries that are there, and that nothing else is known of.
    unknown: BTreeSet<Vec<u8>>,
}

impl Listed {
    fn leave_out(&mut self, names: &BTreeSet<Vec<u8>>) {
        if !names.is_empty() {
            self.entries.retain(|node| !names.contains(&node.name));
        }
    }
}

/// A directory that both sides are read in. A side that does not have it has no entries.
struct Level {
    before: Peekable<IntoIter<Node>>,
    after: Peekable<IntoIter<Node>>,
    /// How long the path was above this directory.
    path_above: usize,
}

struct Comparison<'a, F> {
    before: &'a mut dyn Side,
    after: &'a mut dyn Side,
    path: Vec<u8>,
    statistics: Statistics,
    /// A side has no end.
    is_endless: bool,
    each: F,
}

/// Compares two sides, from their roots on. `each` may end the comparison. A side that has no end is told as a root that
/// cannot be read, and ends it too.
///
/// Memory: the entries of one directory of both sides, for each level of depth.
pub fn diff<B, F: FnMut(Told<'_>) -> ControlFlow<B>>(
    before: &mut dyn Side,
    after: &mut dyn Side,
    each: F,
) -> ControlFlow<B, Statistics> {
    let mut comparison = Comparison {
        before,
        after,
        path: Vec::new(),
        statistics: Statistics::default(),
        is_endless: false,
        each,
    };
    let (before, after) = comparison.open(Some(None), Some(None))?;
    let mut levels = vec![Level {
        before,
        after,
        path_above: 0,
    }];
    while let Some(level) = levels.last_mut().filter(|_| !comparison.is_endless) {
        let (one, other) = match next(&mut level.before, &mut level.after) {
            (None, None) => {
                comparison.path.truncate(level.path_above);
                levels.pop();
                continue;
            }
            pair => pair,
        };
        let path_above = comparison.path.len();
        let name = one.as_ref().or(other.as_ref()).map(|node| &node.name);
        path::push(&mut comparison.path, name.map_or(b"", Vec::as_slice));
        match comparison.pair(one.as_ref(), other.as_ref())? {
            Some((before, after)) => levels.push(Level {
                before,
                after,
                path_above,
            }),
            None => comparison.path.truncate(path_above),
        }
    }
    ControlFlow::Continue(comparison.statistics)
}

/// The entry with the smallest name, of each side that has it.
fn next(
    before: &mut Peekable<IntoIter<Node>>,
    after: &mut Peekable<IntoIter<Node>>,
) -> (Option<Node>, Option<Node>) {
    let order = match (before.peek(), after.peek()) {
        (Some(before), Some(after)) => before.name.cmp(&after.name),
        (Some(_), None) => Ordering::Less,
        (None, _) => Ordering::Greater,
    };
    match order {
        Ordering::Less => (before.next(), None),
        Ordering::Equal => (before.next(), after.next()),
        Ordering::Greater => (None, after.next()),
    }
}

type BothEntries = (Peekable<IntoIter<Node>>, Peekable<IntoIter<Node>>);

impl<B, F: FnMut(Told<'_>) -> ControlFlow<B>> Comparison<'_, F> {
    /// Compares one entry, and opens the directories below it that are to be compared.
    fn pair(
        &mut self,
        before: Option<&Node>,
        after: Option<&Node>,
    ) -> ControlFlow<B, Option<BothEntries>> {
        match (before, after) {
            (Some(before), Some(after)) => self.both(before, after)?,
            (Some(before), None) => {
                self.statistics.removed.add(before);
                self.tell(Change::Removed, before, None)?;
            }
            (None, Some(after)) => {
                if self.after.leaves_out(&self.path, after) {
                    return ControlFlow::Continue(None);
                }
                self.statistics.added.add(after);
                self.tell(Change::Added, after, None)?;
            }
            (None, None) => {}
        }
        let directory = |node: &Node| node.kind == NodeKind::Directory;
        let (before, after) = (
            before.filter(|node| directory(node)),
            after.filter(|node| directory(node)),
        );
        let same = matches!((before, after), (Some(before), Some(after))
            if before.subtree.is_some() && before.subtree == after.subtree);
        if same || before.is_none() && after.is_none() {
            return ControlFlow::Continue(None);
        }
        let both = self.open(before.map(Some), after.map(Some))?;
        ControlFlow::Continue(Some(both))
    }

    /// The entries of a directory of each side that has it, the root or another one, that can be compared: where one side
    /// cannot be read, nobody knows what the other one has more or less.
    fn open(
        &mut self,
        before: Option<Option<&Node>>,
        after: Option<Option<&Node>>,
    ) -> ControlFlow<B, BothEntries> {
        let before = match before {
            Some(directory) => self.entries(Which::Before, directory)?,
            None => Some(Listed::default()),
        };
        let after = match after {
            Some(directory) => self.entries(Which::After, directory)?,
            None => Some(Listed::default()),
        };
        let (mut before, mut after) = match (before, after) {
            (Some(before), Some(after)) => (before, after),
            _ => Default::default(),
        };
        before.leave_out(&after.unknown);
        after.leave_out(&before.unknown);
        let entries = |listed: Listed| listed.entries.into_iter().peekable();
        ControlFlow::Continue((entries(before), entries(after)))
    }

    fn both(&mut self, before: &Node, after: &Node) -> ControlFlow<B> {
        let are_files = before.kind == NodeKind::File && after.kind == NodeKind::File;
        let contents_differ = if are_files {
            match self.after.contents_differ(&self.path, after, before) {
                Ok(differ) => differ,
                Err(error) => {
                    let path = self.path.clone();
                    self.unreadable(&path, Which::After, error)?;
                    false
                }
            }
        } else {
            false
        };
        let difference = compare(before, after, contents_differ);
        self.count(difference, after);
        match difference.is_none() {
            true => ControlFlow::Continue(()),
            false => self.tell(Change::Modified(difference), after, Some(before)),
        }
    }

    fn unreadable(&mut self, path: &[u8], which: Which, error: SideError) -> ControlFlow<B> {
        self.statistics.not_compared += 1;
        (self.each)(Told::Unreadable { path, which, error })
    }

    fn count(&mut self, difference: Difference, after: &Node) {
        let statistics = &mut self.statistics;
        if difference.kind {
            statistics.kind_changed += 1;
        } else if difference.content {
            statistics.content_changed += 1;
            if after.kind == NodeKind::File {
                let bytes = &mut statistics.content_changed_bytes;
                *bytes = bytes.saturating_add(after.size);
            }
        } else if difference.metadata {
            statistics.metadata_changed += 1;
        }
    }

    fn tell(&mut self, change: Change, node: &Node, before: Option<&Node>) -> ControlFlow<B> {
        (self.each)(Told::Changed {
            path: &self.path,
            change,
            node,
            before,
        })
    }

    /// The usable entries of a directory. Others are told, and left out. `None`: it cannot be read, which is told, too.
    fn entries(
        &mut self,
        which: Which,
        directory: Option<&Node>,
    ) -> ControlFlow<B, Option<Listed>> {
        if self.is_endless {
            return ControlFlow::Continue(None);
        }
        let side = match which {
            Which::Before => &mut *self.before,
            Which::After => &mut *self.after,
        };
        let mut faults = Vec::new();
        let entries = match side.entries(&self.path, directory, &mut faults) {
            Ok(entries) => entries,
            Err(error) => {
                self.is_endless |= error.is_endless();
                let path = match directory {
                    Some(_) if !error.is_endless() => self.path.clone(),
                    _ => b"/".to_vec(),
                };
                self.unreadable(&path, which, error)?;
                return ControlFlow::Continue(None);
            }
        };
        let mut listed = Listed::default();
        for (name, error) in faults {
            let mut path = self.path.clone();
            path::push(&mut path, &name);
            self.unreadable(&path, which, error)?;
            listed.unknown.insert(name);
        }
        for (node, problem) in entries {
            let Some(problem) = problem else {
                listed.entries.push(node);
                continue;
            };
            self.statistics.not_compared += 1;
            let mut path = self.path.clone();
            path::push(&mut path, &node.name);
            (self.each)(Told::Unusable {
                path: &path,
                which,
                problem,
            })?;
            listed.unknown.insert(node.name);
        }
        listed
            .entries
            .sort_by(|one, other| one.name.cmp(&other.name));
        ControlFlow::Continue(Some(listed))
    }
}
