//! The paths of all files in the state and runtime directories.

use std::collections::BTreeSet;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// A directory cannot be created.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot create {path}: {source}; choose another directory with --state-dir, or create this one for this user"
)]
pub struct CannotCreate {
    pub path: PathBuf,
    pub source: io::Error,
}

/// The paths of one installation.
#[derive(Clone, Debug)]
pub struct Layout {
    state: PathBuf,
    runtime: PathBuf,
}

impl Layout {
    /// The paths below these two directories. Does not create anything.
    pub fn new(state_dir: &Path, runtime_dir: &Path) -> Layout {
        Layout {
            state: state_dir.to_owned(),
            runtime: runtime_dir.to_owned(),
        }
    }

    /// Creates the missing directories. Only their owner can enter them.
    pub fn create(&self) -> Result<(), CannotCreate> {
        for dir in [
            self.state.clone(),
            self.events(),
            self.logs(),
            self.runtime.clone(),
            self.progress_dir(),
        ] {
            std::fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(&dir)
                .map_err(|source| CannotCreate { path: dir, source })?;
        }
        Ok(())
    }

    /// The state directory, as it was named.
    pub fn state(&self) -> &Path {
        &self.state
    }

    /// `ledger.redb` in the state directory.
    pub fn ledger(&self) -> PathBuf {
        self.state.join("ledger.redb")
    }

    /// The file that a running daemon keeps locked.
    pub fn lock(&self) -> PathBuf {
        self.state.join("daemon.lock")
    }

    /// The directory of the event files.
    pub fn events(&self) -> PathBuf {
        self.state.join("events")
    }

    /// The directory of the logs, with one file for each run.
    pub fn logs(&self) -> PathBuf {
        self.state.join("logs")
    }

    /// The log of a run: `logs/<run>.log` in the state directory.
    pub fn run_log(&self, run: u64) -> PathBuf {
        self.logs().join(format!("{run}.log"))
    }

    /// What the backups of a run have found changed: `logs/<run>.changes` in the state directory.
    pub fn run_changes(&self, run: u64) -> PathBuf {
        self.logs().join(format!("{run}.changes"))
    }

    /// The numbers of the runs that have a log or another file beside it, in no order.
    pub fn logged_runs(&self) -> Vec<u64> {
        let runs: BTreeSet<u64> = std::fs::read_dir(self.logs())
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| {
                let name = entry.file_name();
                let name = name.to_str()?;
                let of_log = name.strip_suffix(".log");
                let run = of_log.or_else(|| name.strip_suffix(".changes"))?;
                run.parse().ok()
            })
            // The number of a run is always smaller.
            .filter(|run| *run < 1 << 53)
            .collect();
        runs.into_iter().collect()
    }

    /// The directory of the progress files, with one file for each run at work.
    pub fn progress_dir(&self) -> PathBuf {
        self.runtime.join("progress")
    }

    /// The progress file of a run: `progress/<run>.json` in the runtime directory.
    pub fn progress(&self, run: u64) -> PathBuf {
        self.progress_dir().join(format!("{run}.json"))
    }
}
