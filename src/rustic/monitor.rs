//! How a repository tells what it is doing. It never prints: whoever calls it decides where the words go.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Who listens. Called from several threads at once.
pub trait Monitor: Send + Sync {
    /// A new stretch of work begins, one word or two: `backing up`. Counts start again at nought.
    fn phase(&self, phase: &str);

    /// What there is to do in this phase, as far as it is known.
    fn total(&self, files: Option<u64>, bytes: Option<u64>);

    /// So much more is done.
    fn advance(&self, files: u64, bytes: u64);

    /// Something was done that no count says: the work goes on.
    fn pulse(&self);

    /// A sentence for the log.
    fn log(&self, line: &str);
}

/// Listens to nothing.
#[derive(Clone, Copy, Debug)]
pub struct Silent;

impl Monitor for Silent {
    fn phase(&self, _: &str) {}
    fn total(&self, _: Option<u64>, _: Option<u64>) {}
    fn advance(&self, _: u64, _: u64) {}
    fn pulse(&self) {}
    fn log(&self, _: &str) {}
}

/// One path, and what was wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The path, with bytes that are not UTF-8 replaced.
    pub path: String,
    /// What was wrong.
    pub reason: String,
}

/// All problems of one piece of work: the first thousand in full, all of them counted.
#[derive(Clone, Debug, Default)]
pub struct Problems {
    /// The first ones.
    pub first: Vec<Problem>,
    /// How many there were.
    pub total: u64,
}

impl Problems {
    /// So many are kept in full.
    pub const KEPT: usize = 1000;

    /// Whether there was none.
    pub fn is_empty(&self) -> bool {
        self.total == 0
    }

    fn add(&mut self, path: &Path, reason: String) -> bool {
        self.total += 1;
        let keep = self.first.len() < Self::KEPT;
        if keep {
            self.first.push(Problem {
                path: path.to_string_lossy().into_owned(),
                reason,
            });
        }
        keep
    }
}

/// Problems as several threads find them.
#[derive(Debug, Default)]
pub(super) struct ProblemList(Mutex<Problems>);

impl ProblemList {
    /// Adds one, and logs it as long as it is among those that are kept.
    pub fn add(&self, path: &Path, reason: impl Into<String>, monitor: &dyn Monitor) {
        let reason = reason.into();
        let line = format!("{}: {reason}", path.display());
        if self.lock().add(path, reason) {
            monitor.log(&line);
        }
    }

    /// All that were found.
    pub fn take(&self) -> Problems {
        std::mem::take(&mut *self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Problems> {
        // A thread that panicked while adding left at worst a count without its path.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
