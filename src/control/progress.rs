//! Progress files: the progress of a running action, for the commands that show it.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::layout::Layout;
use crate::kill_point::{self, Point};
use crate::protocol::{Progress, Report, Request};

/// The content of a progress file: the progress of one run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProgressFile {
    /// The number of the run.
    pub run: u64,
    pub job_id: String,
    /// The index of the action, from 0.
    pub action: u32,
    /// The kind of the action: `backup`, `restore`, …
    pub kind: String,
    /// The attempt, from 1.
    pub attempt: u32,
    /// When the attempt started.
    pub started: DateTime<Utc>,
    /// When the content last changed.
    pub updated: DateTime<Utc>,
    /// What the action waits for, in words. `None` while it works.
    pub waiting: Option<String>,
    /// The agent's last report.
    pub progress: Progress,
}

impl ProgressFile {
    /// The progress of an attempt that starts at this instant.
    pub fn begin(request: &Request, now: DateTime<Utc>) -> ProgressFile {
        ProgressFile {
            run: request.run,
            job_id: request.job_id.clone(),
            action: request.action_index,
            kind: request.action.work.kind().word().to_owned(),
            attempt: request.attempt,
            started: now,
            updated: now,
            waiting: None,
            progress: Progress::default(),
        }
    }

    /// Takes over a report of the agent. Returns whether anything changed.
    pub fn hear(&mut self, report: &Report, now: DateTime<Utc>) -> bool {
        match report {
            Report::Progress(progress) => {
                self.progress = progress.clone();
                self.waiting = None;
            }
            Report::Waiting { reason } | Report::Retrying { reason } => {
                self.waiting = Some(reason.clone());
            }
            Report::SlotReturned
            | Report::SlotWanted
            | Report::Changes(_)
            | Report::Panicked { .. }
            | Report::Outcome(_)
            | Report::Snapshot(_)
            | Report::UnreadableSnapshot(_)
            | Report::ListEnd(_) => return false,
        }
        self.updated = now;
        true
    }

    /// Bytes per second since the attempt started. `None` while it is too early to tell.
    pub fn rate(&self) -> Option<f64> {
        let seconds = (self.updated - self.started).as_seconds_f64();
        (seconds > 0.2 && self.progress.bytes_done > 0)
            .then(|| self.progress.bytes_done as f64 / seconds)
    }

    /// The time left, at the rate so far. `None` when the total or the rate is unknown, and when all is read and the rest of
    /// the work is not counted.
    pub fn time_left(&self) -> Option<Duration> {
        let rest = self
            .progress
            .bytes_total?
            .checked_sub(self.progress.bytes_done)
            .filter(|rest| *rest > 0)?;
        Duration::try_from_secs_f64(rest as f64 / self.rate()?).ok()
    }

    /// Replaces the progress file of the run. Does not flush it to disk: nobody needs it after a crash.
    pub fn write(&self, layout: &Layout) -> io::Result<()> {
        let path = layout.progress(self.run);
        let hidden = layout.progress_dir().join(format!(".{}.tmp", self.run));
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&hidden)?;
        file.write_all(&serde_json::to_vec(self)?)?;
        kill_point::reached(Point::ProgressWritten);
        fs::rename(hidden, path)?;
        kill_point::reached(Point::ProgressShown);
        Ok(())
    }
}

/// The progress of a run. `None` when it has no progress file, or one that cannot be read.
pub fn read(layout: &Layout, run: u64) -> Option<ProgressFile> {
    serde_json::from_slice(&fs::read(layout.progress(run)).ok()?).ok()
}

/// Removes the progress file of a run that is over.
pub fn clear(layout: &Layout, run: u64) {
    let _ = fs::remove_file(layout.progress(run));
    kill_point::reached(Point::ProgressCleared);
}

/// Removes the progress files that an earlier daemon left behind.
pub fn clear_all(layout: &Layout) {
    for entry in fs::read_dir(layout.progress_dir())
        .into_iter()
        .flatten()
        .flatten()
    {
        let _ = fs::remove_file(entry.path());
    }
}
