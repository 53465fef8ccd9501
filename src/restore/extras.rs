//! Removes what the snapshot does not hold, at the end of a restore.

use std::ffi::{OsStr, OsString};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::PoisonError;

use super::directories::DirectoryId;
use super::problem::{ProblemKind, Stays};
use super::remove::{self, Guard, Keep, NotRemoved};
use super::report::{Change, ChangeKind, Report, add};
use super::restorer::{Failed, Restorer};

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
        // So a dry run and the restore name the same ones where there are many.
        extras.sort_by_cached_key(|(directory, name)| self.directories.path(*directory, name));
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
            not_empty: false,
        };
        let removed = match self.directories.open(directory) {
            Ok(parent) => remove::remove(&parent, name, &path, &guard, !self.acts()),
            Err(error) => Err(error.into()),
        };
        let failed = match removed {
            Ok(removed) => {
                self.count_removed(removed.entries, removed.gone);
                removed.failed
            }
            Err(error) => Some(error),
        };
        if let Some(error) = failed {
            let kind = ProblemKind::NotRemoved(error.stays);
            self.problem(path, kind, error.cause.map(Into::into));
        }
    }

    /// Counts and names what is gone, or would be.
    fn count_removed(&self, entries: u64, gone: Vec<PathBuf>) {
        add(&self.tally.removed, entries);
        let first = self.removed_first.lock();
        let mut first = first.unwrap_or_else(PoisonError::into_inner);
        let room = Report::KEPT.saturating_sub(first.len());
        first.extend(gone.iter().take(room).cloned());
        drop(first);
        if self.observer.wants_changes() {
            let kind = ChangeKind::Remove;
            for path in gone {
                self.observer.change(Change { path, kind });
            }
        }
    }

    /// Removes what is in the way of an entry of the snapshot. What is in a directory goes only where what the snapshot
    /// does not hold is deleted, and not where something in it is to stay.
    pub fn clear_way(
        &self,
        parent: &OwnedFd,
        directory: DirectoryId,
        name: &OsStr,
    ) -> Result<(), Failed> {
        let path = self.directories.path(directory, name);
        let inside = |below: &Path, is_directory: bool| {
            below != path && self.keep.is_some_and(|keep| keep(below, is_directory))
        };
        let guard = Guard {
            protected: self.protected,
            keep: self.keep.is_some().then_some(&inside as &Keep<'_>),
            not_empty: self.keep.is_none(),
        };
        let not_replaced = |error: NotRemoved| {
            let kind = ProblemKind::NotReplaced(error.stays);
            Failed::Problem(kind, error.cause.map(Into::into))
        };
        let found = remove::remove(parent, name, &path, &guard, true).map_err(not_replaced)?;
        if found.kept {
            return Err(Failed::problem(ProblemKind::NotReplaced(Stays::Spared)));
        }
        let removed = match self.acts() {
            true => remove::remove(parent, name, &path, &guard, false).map_err(not_replaced)?,
            false => found,
        };
        if let Some(error) = removed.failed {
            self.count_removed(removed.entries, removed.gone);
            return Err(not_replaced(error));
        }
        // The entry itself is replaced.
        self.count_removed(removed.entries.saturating_sub(1), removed.inside);
        Ok(())
    }
}
