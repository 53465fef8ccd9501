//! Removal of snapshots, reclaiming of space, verification.
//!
//! Space is reclaimed in two steps, as the engine recommends: data that no snapshot needs any more is first only
//! *marked*, and the files are deleted by a later prune, at least [`KEEP_MARKED`] hours after. Until then a program
//! that knows nothing of our locks (`restic` itself, on another host say) cannot lose data that it has just counted
//! on. To `restic`, marked files look like files that no index names, which its check mentions and forgives. A
//! nightly prune so frees in one night what was marked in the night before.

use std::fs;
use std::time::{Duration, SystemTime};

use rustic_core::jiff::Span;
use rustic_core::repofile::SnapshotId;
use rustic_core::{CheckOptions, CheckResults, PruneOptions};

use super::error::Error;
use super::{Filter, Repository, Snapshot};

/// For so many hours data that was marked stays. Less than a day, so that a prune at the same hour each day always
/// finds the marks of the day before old enough.
pub const KEEP_MARKED: i64 = 23;

/// The age at which restic takes one of its locks for forgotten.
const FORGOTTEN: Duration = Duration::from_secs(30 * 60);

/// What a prune did, or would do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PruneReport {
    /// Bytes in files that were deleted.
    pub bytes_freed: u64,
    /// Bytes that were marked, for a later prune to delete.
    pub bytes_marked: u64,
    /// Bytes of data in use that were written anew, to get it out of files that are mostly unused.
    pub bytes_rewritten: u64,
}

/// What a verification found.
#[derive(Clone, Debug, Default)]
pub struct CheckReport {
    /// What is wrong: data is missing or is not what it should be.
    pub errors: Vec<String>,
    /// What is odd and loses nothing.
    pub warnings: Vec<String>,
    /// How many snapshots were verified.
    pub snapshots: u64,
}

impl Repository {
    /// Removes these snapshots (full ids). Their data stays until a prune. The caller has the container alone.
    ///
    /// # Errors
    /// When one of them cannot be removed.
    pub fn forget(&self, snapshots: &[Snapshot]) -> Result<(), Error> {
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

    /// Whether `restic` itself is at work on the repository, as its own lock files tell: it writes them anew every
    /// five minutes and takes those of half an hour ago for forgotten. The removal of data beside it could make its
    /// snapshots unreadable.
    ///
    /// # Errors
    /// When somebody is.
    pub fn refuse_beside_restic(&self) -> Result<(), Error> {
        let recent = |entry: &fs::DirEntry| {
            let modified = entry.metadata().and_then(|metadata| metadata.modified());
            modified.is_ok_and(|modified| {
                modified.elapsed().is_ok_and(|age| age < FORGOTTEN) || modified > SystemTime::now()
            })
        };
        let locks = self.directory.join("locks");
        match fs::read_dir(&locks)
            .into_iter()
            .flatten()
            .flatten()
            .find(recent)
        {
            Some(lock) => Err(Error::ResticAtWork {
                place: self.container.location.clone(),
                lock: lock.path(),
            }),
            None => Ok(()),
        }
    }

    /// What a prune would do once these snapshots are gone. Changes nothing.
    ///
    /// # Errors
    /// As [`Repository::prune`].
    pub fn rehearse_prune(&self, without: &[Snapshot]) -> Result<PruneReport, Error> {
        let mut options = options();
        options.ignore_snaps = ids(without)?;
        Ok(report(&self.plan(&self.engine()?, &options)?))
    }

    fn plan(
        &self,
        engine: &super::Engine,
        options: &PruneOptions,
    ) -> Result<rustic_core::PrunePlan, Error> {
        // The engine takes a directory that it cannot list for an empty one, and data that no snapshot seems to need
        // for rubbish. So see for ourselves that everything can be listed.
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
        self.snapshots(&Filter::default())?;
        engine
            .prune_plan(options)
            .map_err(|error| self.failed("plan a prune", error))
    }

    /// Verifies that everything that a snapshot needs is there; with `read_data`, also that it is what it should be.
    ///
    /// # Errors
    /// When the verification itself could not be done; what it finds is in the report.
    pub fn check(&self, read_data: bool) -> Result<CheckReport, Error> {
        let snapshots = self.snapshots(&Filter::default())?.len() as u64;
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
            // The engine's type for the level has no name outside of it: a result of its own tells.
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

fn ids(snapshots: &[Snapshot]) -> Result<Vec<SnapshotId>, Error> {
    snapshots
        .iter()
        .map(|snapshot| {
            snapshot.id.parse().map_err(|_| Error::NotASnapshotId {
                text: snapshot.id.clone(),
            })
        })
        .collect()
}
