//! Removes snapshots, reclaims space, and verifies the repository.
//!
//! Space is reclaimed in two steps, as the engine recommends. A prune first only *marks* data that no snapshot needs
//! any more; a later prune, at least [`KEEP_MARKED`] hours after, deletes the files. In between, a program that does
//! not know our locks (such as `restic` on another host) can still use data that it has just found there. For `restic`,
//! marked files are files that no index names: its check mentions them and does not fail. A nightly prune therefore
//! frees what the prune of the night before marked.

use std::fs;

use rustic_core::jiff::Span;
use rustic_core::repofile::SnapshotId;
use rustic_core::{CheckOptions, CheckResults, PruneOptions};

use super::Repository;
use super::error::Error;

/// How many hours marked data stays. Less than a day, so that for a prune at the same hour each day the marks of the
/// day before are always old enough.
pub const KEEP_MARKED: i64 = 23;

/// What a prune did, or would do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PruneReport {
    /// Bytes in files that were deleted.
    pub bytes_freed: u64,
    /// Bytes that were marked, for a later prune to delete.
    pub bytes_marked: u64,
    /// Bytes of data in use that were written anew, because they were in files that are mostly unused.
    pub bytes_rewritten: u64,
}

/// What a verification found.
#[derive(Clone, Debug, Default)]
pub struct CheckReport {
    /// What is wrong: data is missing or is not what it should be.
    pub errors: Vec<String>,
    /// What is unusual, but loses no data.
    pub warnings: Vec<String>,
    /// How many snapshots were verified.
    pub snapshots: u64,
}

impl Repository {
    /// Removes these snapshots (full ids). Their data stays until a prune. The caller has the container alone.
    ///
    /// # Errors
    /// When one of them cannot be removed.
    pub fn forget(&self, snapshots: &[String]) -> Result<(), Error> {
        let ids = ids(snapshots)?;
        if ids.is_empty() {
            return Ok(());
        }
        self.engine()?
            .delete_snapshots(&ids)
            .map_err(|error| self.failed("remove snapshots", error))
    }

    /// Reclaims the space of data that no snapshot needs. The caller has the container alone.
    ///
    /// # Errors
    /// When something that is needed is missing or cannot be read: then nothing is deleted.
    pub fn prune(&self) -> Result<PruneReport, Error> {
        let engine = self.engine()?;
        let options = options();
        let plan = self.plan(&engine, &options)?;
        let report = report(&plan);
        engine
            .prune(&options, plan)
            .map_err(|error| self.failed("prune", error))?;
        Ok(report)
    }

    /// What a prune would do once these snapshots are gone. Changes nothing.
    ///
    /// # Errors
    /// As [`Repository::prune`].
    pub fn rehearse_prune(&self, without: &[String]) -> Result<PruneReport, Error> {
        let mut options = options();
        options.ignore_snaps = ids(without)?;
        Ok(report(&self.plan(&self.engine()?, &options)?))
    }

    fn plan(
        &self,
        engine: &super::Engine,
        options: &PruneOptions,
    ) -> Result<rustic_core::PrunePlan, Error> {
        // For the engine a directory that it cannot list is empty, and then it would delete data that is needed. So
        // check first that every directory can be listed.
        for name in ["snapshots", "index", "data"] {
            let path = self.directory.join(name);
            let failed = |error| Error::io("list", &path, error);
            for entry in fs::read_dir(&path).map_err(failed)? {
                let entry = entry.map_err(failed)?;
                if name == "data" && entry.file_type().map_err(failed)?.is_dir() {
                    for file in fs::read_dir(entry.path()).map_err(failed)? {
                        file.map_err(failed)?;
                    }
                }
            }
        }
        self.count_snapshots()?;
        engine
            .prune_plan(options)
            .map_err(|error| self.failed("plan a prune", error))
    }

    /// Verifies that everything that a snapshot needs is there; with `read_data`, also that it is what it should be.
    ///
    /// # Errors
    /// When the verification could not be done. What it finds is in the report.
    pub fn check(&self, read_data: bool) -> Result<CheckReport, Error> {
        let snapshots = self.count_snapshots()?;
        let results = self.read_snapshots("check", |engine| {
            engine.check(CheckOptions::default().read_data(read_data))
        })?;
        let mut report = CheckReport {
            snapshots,
            ..CheckReport::default()
        };
        for result in results.0 {
            let text = result
                .1
                .to_string()
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" ");
            // The engine does not export the type of a finding's level, but tells whether a list of findings is fine.
            match CheckResults(vec![result]).is_ok() {
                Ok(()) => report.warnings.push(text),
                Err(_) => report.errors.push(text),
            }
        }
        Ok(report)
    }
}

fn options() -> PruneOptions {
    let mut options = PruneOptions::default();
    options.instant_delete = false;
    options.keep_delete = Span::new().hours(KEEP_MARKED);
    options
}

fn report(plan: &rustic_core::PrunePlan) -> PruneReport {
    let sizes = plan.stats.size_sum();
    PruneReport {
        bytes_freed: plan.stats.size_to_delete.remove,
        bytes_marked: sizes.remove + sizes.repackrm + plan.stats.size_unref,
        bytes_rewritten: sizes.repack - sizes.repackrm.min(sizes.repack),
    }
}

fn ids(snapshots: &[String]) -> Result<Vec<SnapshotId>, Error> {
    snapshots
        .iter()
        .map(|id| {
            id.parse()
                .map_err(|_| Error::NotASnapshotId { text: id.clone() })
        })
        .collect()
}
