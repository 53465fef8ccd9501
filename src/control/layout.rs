//! Where everything is in the state and runtime directories.

use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// A directory of the installation cannot be created.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot create {path}: {source}; name another place with --state-dir, or create it for this user"
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
    /// Names the paths; creates nothing.
    pub fn new(state_dir: &Path, runtime_dir: &Path) -> Layout {
        Layout {
            state: state_dir.to_owned(),
            runtime: runtime_dir.to_owned(),
        }
    }

    /// Creates the directories that are missing, for their owner alone.
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

    /// The state directory itself.
    pub fn state(&self) -> &Path {
        &self.state
    }

    /// The ledger.
    pub fn ledger(&self) -> PathBuf {
        self.state.join("ledger.redb")
    }

    /// The file that a running daemon holds locked.
    pub fn lock(&self) -> PathBuf {
        self.state.join("daemon.lock")
    }

    /// Where event files are dropped.
    pub fn events(&self) -> PathBuf {
        self.state.join("events")
    }

    /// One file a run.
    pub fn logs(&self) -> PathBuf {
        self.state.join("logs")
    }

    /// A run's log.
    pub fn run_log(&self, run: u64) -> PathBuf {
        self.logs().join(format!("{run}.log"))
    }

    /// The runs that have a log.
    pub fn logged_runs(&self) -> Vec<u64> {
        std::fs::read_dir(self.logs())
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| {
                let name = entry.file_name();
                name.to_str()?.strip_suffix(".log")?.parse().ok()
            })
            // No row ever had a larger one.
            .filter(|run| *run < 1 << 53)
            .collect()
    }

    /// One file a running run.
    pub fn progress_dir(&self) -> PathBuf {
        self.runtime.join("progress")
    }

    /// A running run's progress.
    pub fn progress(&self, run: u64) -> PathBuf {
        self.progress_dir().join(format!("{run}.json"))
    }
}
