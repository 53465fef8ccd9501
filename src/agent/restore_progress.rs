//! What a restore tells while it runs.

use std::path::Path;

use super::outcome;
use super::report::{Reporter, escaped, log};
use crate::restore::report::{Change, ChangeKind, Phase};
use crate::restore::{self, problem::Problem};

/// Tells the daemon and the log what the restore does.
pub(super) struct Progress<'a> {
    pub reporter: &'a Reporter,
    pub target: &'a Path,
    pub dry_run: bool,
    pub deletes: bool,
}

impl restore::report::RestoreObserver for Progress<'_> {
    fn phase(&self, phase: Phase) {
        self.reporter.phase(match phase {
            Phase::Counting => "scanning",
            Phase::Restoring => "restoring",
            Phase::Verifying => "verifying",
            // The end of the restore. Its counts stay.
            Phase::Removing | Phase::Syncing => return,
        });
    }

    fn total(&self, files: u64, bytes: u64) {
        self.reporter.total(Some(files), Some(bytes));
    }

    fn advance(&self, files: u64, bytes: u64) {
        self.reporter.advance(files, bytes);
    }

    fn problem(&self, problem: &Problem) {
        log(&format!(
            "{}: {}",
            escaped(&self.target.join(&problem.path)),
            outcome::restore_reason(problem)
        ));
    }

    fn wants_changes(&self) -> bool {
        self.dry_run || self.deletes
    }

    fn change(&self, change: Change) {
        let path = escaped(&change.path);
        let verb = match change.kind {
            ChangeKind::Remove if !self.dry_run => return log(&format!("deleted {path}")),
            _ if !self.dry_run => return,
            ChangeKind::Create => "create",
            ChangeKind::Replace => "replace",
            ChangeKind::Update => "set the metadata of",
            ChangeKind::Remove => "delete",
        };
        log(&format!("would {verb} {path}"));
    }
}
