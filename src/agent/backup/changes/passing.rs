//! Counts what changed while the backup goes, directory by directory: what the parent snapshot has is in memory then, and
//! so is what the new one gets. To read both again takes longer than a small backup.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::os::unix::ffi::OsStrExt;
use std::sync::{Mutex, PoisonError};

use super::reachable;
use super::tally::Tally;
use crate::agent::report::Reporter;
use crate::archive::{BackupObserver, DirectoryDone};
use crate::inspect::diff::change::{Change, compare, contents_differ};
use crate::inspect::diff::side::{Nothing, SnapshotSide};
use crate::inspect::diff::{Told, diff};
use crate::inspect::path;
use crate::protocol::Changes;
use crate::repository::error::Error;
use crate::repository::indexed::Indexed;
use crate::repository::node::{Node, NodeKind};

/// So many entries that are gone are kept until the backup ends.
const MOST_GONE: usize = 1000;

/// What changed so far. It also passes on to the reporter how the backup goes.
pub(in crate::agent::backup) struct Passing<'a> {
    reporter: &'a Reporter,
    /// `None`: it is easier to compare the two trees afterwards.
    counted: Mutex<Option<Counted>>,
}

#[derive(Default)]
struct Counted {
    tally: Tally,
    /// Only at the end it is known which of them could not be read.
    gone: Vec<Gone>,
}

/// An entry of the parent snapshot that the new one does not have.
struct Gone {
    path: Vec<u8>,
    node: Node,
    /// It was a directory, and something else has its name now.
    is_replaced: bool,
}

impl<'a> Passing<'a> {
    /// Nothing yet.
    pub fn new(reporter: &'a Reporter) -> Passing<'a> {
        Passing {
            reporter,
            counted: Mutex::new(Some(Counted::default())),
        }
    }

    /// What changed since the parent snapshot, if that is known without a comparison. The backup could not read these paths.
    ///
    /// # Errors
    /// When the way to the repository fails.
    pub(super) fn finish(
        self,
        indexed: &Indexed,
        unread: &BTreeSet<Vec<u8>>,
    ) -> Result<Option<Changes>, Error> {
        let counted = self.counted.into_inner();
        let Some(counted) = counted.unwrap_or_else(PoisonError::into_inner) else {
            return Ok(None);
        };
        let Counted {
            mut tally,
            mut gone,
        } = counted;
        tally.could_not_read(unread.clone());
        gone.sort_by(|one, other| one.path.cmp(&other.path));
        let moved = || self.reporter.advance(0, 0);
        for gone in &gone {
            if !gone.is_replaced {
                tally.add(&Told::Changed {
                    path: &gone.path,
                    change: Change::Removed,
                    node: &gone.node,
                    before: None,
                });
            }
            add_below(&mut tally, indexed, gone, &moved)?;
        }
        Ok(Some(tally.finish()))
    }
}

/// What was below an entry is gone, too.
fn add_below(
    tally: &mut Tally,
    indexed: &Indexed,
    gone: &Gone,
    moved: &dyn Fn(),
) -> Result<(), Error> {
    let (NodeKind::Directory, Some(tree)) = (&gone.node.kind, gone.node.subtree) else {
        return Ok(());
    };
    let mut before = SnapshotSide::new(indexed, tree);
    let ended = diff(&mut before, &mut Nothing, |told| {
        moved();
        match reachable(told)? {
            Told::Changed { path, node, .. } => tally.add(&Told::Changed {
                path: &[&gone.path, path].concat(),
                change: Change::Removed,
                node,
                before: None,
            }),
            told => tally.add(&told),
        }
        ControlFlow::Continue(())
    });
    match ended {
        ControlFlow::Continue(_) => Ok(()),
        ControlFlow::Break(error) => Err(error),
    }
}

impl BackupObserver for Passing<'_> {
    fn total(&self, files: u64, bytes: u64) {
        self.reporter.total(Some(files), Some(bytes));
    }

    fn advance(&self, files: u64, bytes: u64) {
        self.reporter.advance(files, bytes);
    }

    fn directory(&self, done: &DirectoryDone<'_>, after: &mut dyn Iterator<Item = &Node>) {
        let directory = done.path.to_path();
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        let is_simple = match (&mut *counted, done.before) {
            (Some(counted), Some(before)) => {
                counted.add(directory.as_os_str().as_bytes(), before, after);
                counted.gone.len() <= MOST_GONE
            }
            _ => false,
        };
        if !is_simple {
            *counted = None;
        }
    }
}

impl Counted {
    fn add(&mut self, directory: &[u8], before: &[Node], after: &mut dyn Iterator<Item = &Node>) {
        let mut path = Vec::new();
        for name in path::names(directory) {
            path::push(&mut path, name);
        }
        let length = path.len();
        let mut before = before.iter().peekable();
        let mut after = after.peekable();
        loop {
            let order = match (before.peek(), after.peek()) {
                (Some(before), Some(after)) => before.name.cmp(&after.name),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (None, None) => return,
            };
            let one = before.next_if(|_| order.is_le());
            let other = after.next_if(|_| order.is_ge());
            path.truncate(length);
            if let Some(node) = one.or(other) {
                path::push(&mut path, &node.name);
            }
            self.pair(&path, one, other);
        }
    }

    fn pair(&mut self, path: &[u8], before: Option<&Node>, after: Option<&Node>) {
        let (change, node) = match (before, after) {
            (Some(before), Some(after)) if std::ptr::eq(before, after) => return,
            (Some(before), Some(after)) => {
                let difference = compare(before, after, contents_differ(before, after));
                if difference.is_none() {
                    return;
                }
                if difference.kind && before.kind == NodeKind::Directory {
                    self.gone(path, before, true);
                }
                (Change::Modified(difference), after)
            }
            (Some(before), None) => return self.gone(path, before, false),
            (None, Some(after)) => (Change::Added, after),
            (None, None) => return,
        };
        self.tally.add(&Told::Changed {
            path,
            change,
            node,
            before,
        });
    }

    fn gone(&mut self, path: &[u8], node: &Node, is_replaced: bool) {
        // There are too many, and they are given up.
        if self.gone.len() > MOST_GONE {
            return;
        }
        self.gone.push(Gone {
            path: path.to_vec(),
            node: node.clone(),
            is_replaced,
        });
    }
}
