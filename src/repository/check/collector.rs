//! Takes in findings from several threads: each once, and no more than memory has room for.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::repository::blob_name::{BlobKind, BlobName};
use crate::repository::reachable::Trouble;

use super::report::{Damaged, Note, Report};

/// The most findings of a kind that are kept.
const MOST: usize = 10_000;

/// The findings so far. A tree or a blob that many places need is told once.
#[derive(Default)]
pub struct Collector {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    damage: Vec<Damaged>,
    notes: Vec<Note>,
    /// Blobs that were told: many files may need the same one.
    told: HashSet<BlobName>,
    left_out: u64,
}

impl Collector {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in something that is damaged or missing.
    pub fn damage(&self, damaged: Damaged) {
        self.state().damage(damaged);
    }

    /// Takes in something that costs nothing.
    pub fn note(&self, note: Note) {
        self.state().note(note);
    }

    /// Takes in what the search through all trees met.
    pub fn trouble(&self, trouble: Trouble) {
        let mut state = self.state();
        match trouble {
            Trouble::Tree { tree, error } => {
                let kind = BlobKind::Tree;
                if state.is_new(BlobName { kind, id: tree }) {
                    state.damage(Damaged::Tree { tree, error });
                }
            }
            Trouble::Blob { blob, .. } => {
                if state.is_new(blob) {
                    state.damage(Damaged::Blob(blob));
                }
            }
            Trouble::Node {
                tree,
                name,
                problem,
            } => state.damage(Damaged::Node {
                tree,
                name,
                problem,
            }),
            Trouble::Size {
                tree,
                name,
                size,
                content,
            } => state.note(Note::Size {
                tree,
                name,
                size,
                content,
            }),
        }
    }

    /// Puts the findings into a report, without trees for which `explained` says that a damaged pack is to blame.
    pub fn finish(self, report: &mut Report, explained: impl Fn(BlobName) -> bool) {
        let state = self.state.into_inner();
        let state = state.unwrap_or_else(PoisonError::into_inner);
        let kind = BlobKind::Tree;
        report.damage = state.damage;
        report.damage.retain(|damaged| match damaged {
            Damaged::Tree { tree, .. } => !explained(BlobName { kind, id: *tree }),
            _ => true,
        });
        report.notes = state.notes;
        report.left_out = state.left_out;
    }
}

impl State {
    fn damage(&mut self, damaged: Damaged) {
        match self.damage.len() < MOST {
            true => self.damage.push(damaged),
            false => self.left_out += 1,
        }
    }

    fn note(&mut self, note: Note) {
        match self.notes.len() < MOST {
            true => self.notes.push(note),
            false => self.left_out += 1,
        }
    }

    fn is_new(&mut self, blob: BlobName) -> bool {
        if self.told.len() < MOST {
            return self.told.insert(blob);
        }
        let new = !self.told.contains(&blob);
        self.left_out += u64::from(new);
        false
    }
}
