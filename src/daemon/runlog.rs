//! The log of a run: one file for each run, and the action's `log_file` beside it.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use chrono::{SecondsFormat, Utc};

use crate::control::layout::Layout;

/// How much one run may write, so that a command that prints without end does not fill the disk.
const LIMIT: u64 = 16 * 1024 * 1024;

/// A run's log, open for appending.
pub struct RunLog {
    file: Option<File>,
    /// The action's `log_file`.
    also: Option<File>,
    /// The size of the run's own file.
    written: u64,
}

impl RunLog {
    /// Opens the run's log, and the action's `log_file` if it has one. When `log_file` cannot be opened, the run's log
    /// says so.
    pub fn open(layout: &Layout, run: u64, log_file: Option<&Path>) -> RunLog {
        let own = append(&layout.run_log(run));
        let also = log_file.map(append);
        let mut log = RunLog {
            written: own
                .as_ref()
                .ok()
                .and_then(|file| file.metadata().ok())
                .map_or(0, |meta| meta.len()),
            file: None,
            also: None,
        };
        match own {
            Ok(file) => log.file = Some(file),
            Err(error) => tracing::warn!("cannot write the log of run {run}: {error}"),
        }
        match also {
            Some(Ok(file)) => log.also = Some(file),
            Some(Err(error)) => {
                let path = log_file
                    .map(|path| path.display().to_string())
                    .unwrap_or_default();
                tracing::warn!(run, "cannot append to log_file {path}: {error}");
                log.line(
                    "freezerd",
                    &format!("cannot append to log_file {path}: {error}"),
                );
            }
            None => {}
        }
        log
    }

    /// Appends a line with the time and its writer.
    pub fn line(&mut self, who: &str, text: &str) {
        let stamp = Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true);
        let line = format!("{stamp} {who}: {text}\n");
        if let Some(file) = &mut self.also {
            let _ = file.write_all(line.as_bytes());
        }
        let Some(file) = &mut self.file else { return };
        if self.written >= LIMIT {
            return;
        }
        self.written += line.len() as u64;
        let _ = file.write_all(line.as_bytes());
        if self.written >= LIMIT {
            let _ = writeln!(
                file,
                "{stamp} freezerd: the log of this run ends here: it reached {LIMIT} bytes"
            );
        }
    }
}

fn append(path: &Path) -> io::Result<File> {
    // Without NONBLOCK, opening a FIFO or a device would wait.
    let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOCTTY;
    let file = OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .custom_flags(flags.bits() as i32)
        .open(path)?;
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(io::Error::other("it is not a regular file"))
    }
}
