//! A directory whose tree is being put together: one slot for each entry. When the last slot is filled, the tree is
//! complete, and fills a slot of the directory above.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::repository::node::Node;
use crate::repository::tree::TreeBuilder;
use crate::source::tree::path::DirectoryPath;
use crate::storage::id::Id;

/// What the parent snapshot has for a directory.
#[derive(Debug, Default)]
pub(super) struct Previous {
    /// The id of its tree; `None` when there is none, or when it cannot be read.
    pub tree: Option<Id>,
    /// There is a tree, and it cannot be read.
    pub is_damaged: bool,
    /// Sorted by their names.
    pub nodes: Vec<Node>,
}

impl Previous {
    /// What cannot be read.
    pub fn damaged() -> Previous {
        Previous {
            is_damaged: true,
            ..Previous::default()
        }
    }
}

/// What is known of an entry.
#[derive(Debug)]
pub(super) enum Slot {
    /// A worker has it.
    Waiting,
    /// It is not in the snapshot.
    Gone,
    /// It is the node at this place of [`Previous::nodes`].
    Same(usize),
    New(Box<Node>),
}

/// The place of a directory in the one above.
#[derive(Debug)]
pub(super) struct Above {
    pub assembly: Arc<Assembly>,
    pub slot: usize,
    /// The place of the directory's node in [`Previous::nodes`] of the directory above.
    pub previous: Option<usize>,
}

/// A directory whose tree is being put together.
#[derive(Debug)]
pub(super) struct Assembly {
    pub path: Arc<DirectoryPath>,
    pub previous: Previous,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    slots: Vec<Slot>,
    waiting: usize,
    /// `None` for the root of the snapshot.
    above: Option<Above>,
    /// The directory's own node, without its tree. The root has none.
    node: Option<Box<Node>>,
}

/// A directory of which every entry is known.
pub(super) struct Complete {
    pub node: Option<Box<Node>>,
    pub above: Option<Above>,
    slots: Vec<Slot>,
}

impl Assembly {
    /// A directory with these slots.
    pub fn new(
        path: Arc<DirectoryPath>,
        node: Option<Box<Node>>,
        above: Option<Above>,
        previous: Previous,
        slots: Vec<Slot>,
    ) -> Assembly {
        let waiting = slots
            .iter()
            .filter(|slot| matches!(slot, Slot::Waiting))
            .count();
        Assembly {
            path,
            previous,
            state: Mutex::new(State {
                slots,
                waiting,
                above,
                node,
            }),
        }
    }

    /// Fills slots that were waiting. Returns the directory if nothing is missing any more; it is handed out once.
    pub fn fill(&self, filled: impl IntoIterator<Item = (usize, Slot)>) -> Option<Complete> {
        let mut state = self.state();
        for (place, slot) in filled {
            state.slots[place] = slot;
            state.waiting -= 1;
        }
        if state.waiting > 0 {
            return None;
        }
        Some(Complete {
            node: state.node.take(),
            above: state.above.take(),
            slots: std::mem::take(&mut state.slots),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// When the work is given up, directories are dropped from the deepest one on, without calling itself for each.
impl Drop for Assembly {
    fn drop(&mut self) {
        let mut above = self.state().above.take();
        while let Some(assembly) = above.and_then(|above| Arc::into_inner(above.assembly)) {
            above = assembly.state().above.take();
        }
    }
}

impl Complete {
    /// The tree's id, if the parent snapshot has the same tree: the same nodes, and no others.
    pub fn same_tree(&self, previous: &Previous) -> Option<Id> {
        let same = self.slots.len() == previous.nodes.len()
            && self
                .slots
                .iter()
                .enumerate()
                .all(|(place, slot)| matches!(slot, Slot::Same(of) if *of == place));
        previous.tree.filter(|_| same)
    }

    /// The entries, in the order of their names.
    pub fn nodes<'a>(&'a self, previous: &'a Previous) -> impl Iterator<Item = &'a Node> {
        self.slots.iter().filter_map(|slot| match slot {
            Slot::Waiting | Slot::Gone => None,
            Slot::Same(place) => Some(&previous.nodes[*place]),
            Slot::New(node) => Some(&**node),
        })
    }

    /// The text of the tree. `None` if the entries are not in order.
    pub fn text(&self, previous: &Previous) -> Option<Vec<u8>> {
        let mut tree = TreeBuilder::new();
        for node in self.nodes(previous) {
            tree.add(node).ok()?;
        }
        Some(tree.finish())
    }
}
