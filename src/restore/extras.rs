//! Removes what the snapshot does not hold, at the end of a restore.

use std::ffi::OsString;
use std::sync::PoisonError;

use super::directories::DirectoryId;
use super::problem::ProblemKind;
use super::remove::{self, Guard};
use super::report::{ChangeKind, Report, add};
use super::restorer::Restorer;

impl Restorer<'_> {
    /// Notes an entry that the snapshot does not hold.
    pub fn add_extra(&self, directory: DirectoryId, name: OsString) {
        self.directories.hold(directory);
        let mut extras = self.extras.lock().unwrap_or_else(PoisonError::into_inner);
        extras.push((directory, name));
    }

    /// Removes what was noted, if everything that the snapshot holds was restored.
    pub fn remove_extras(&self) {
        let mut extras =
            std::mem::take(&mut *self.extras.lock().unwrap_or_else(PoisonError::into_inner));
        extras.sort_by(|a, b| a.1.cmp(&b.1));
        let may_remove = !self.problems.has_loss();
        if !may_remove && !extras.is_empty() {
            self.problem(Default::default(), ProblemKind::ExtrasKept, None);
        }
        for (directory, name) in extras {
            if may_remove {
                self.remove_extra(directory, &name);
            }
            self.release(directory);
        }
    }

    fn remove_extra(&self, directory: DirectoryId, name: &OsString) {
        let path = self.directories.path(directory, name);
        let guard = Guard {
            protected: self.protected,
            keep: self.keep,
        };
        let removed = match self.directories.open(directory) {
            Ok(parent) => remove::remove(&parent, name, &path, &guard, !self.acts()),
            Err(error) => Err(error.into()),
        };
        match removed {
            Ok(removed) if removed.entries == 0 => {}
            Ok(removed) => {
                add(&self.tally.removed, removed.entries);
                self.change(directory, name, ChangeKind::Remove);
                let first = self.removed_first.lock();
                let mut first = first.unwrap_or_else(PoisonError::into_inner);
                if first.len() < Report::KEPT {
                    first.push(path);
                }
            }
            Err(error) => {
                let kind = ProblemKind::NotRemoved(error.stays);
                self.problem(path, kind, error.cause.map(Into::into));
            }
        }
    }
}
