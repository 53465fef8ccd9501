//! The log of a run: one file for each run, and the action's `log_file` beside it.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use chrono::{SecondsFormat, Utc};

use super::log_file::LogFile;
use crate::control::layout::Layout;
use crate::control::mark;

/// How much one run may write, so that a command that prints without end does not fill the disk.
const LIMIT: u64 = 16 * 1024 * 1024;

/// A run's log, open for appending.
pub struct RunLog {
    file: Option<File>,
    /// The action's `log_file`.
    log_file: Option<LogFile>,
    /// The size of the run's own file.
    written: u64,
}

impl RunLog {
    /// Opens the run's log.
    pub fn open(layout: &Layout, run: u64) -> RunLog {
        match append(&layout.run_log(run)) {
            Ok(file) => RunLog {
                written: file.metadata().map_or(0, |meta| meta.len()),
                file: Some(file),
                log_file: None,
            },
            Err(error) => {
                tracing::warn!("cannot write the log of run {run}: {error}");
                RunLog {
                    file: None,
                    log_file: None,
                    written: 0,
                }
            }
        }
    }

    /// Appends to this `log_file`, too, from now on.
    pub(super) fn append_also_to(&mut self, log_file: LogFile) {
        self.log_file = Some(log_file);
    }

    /// Appends a line with the time and its writer.
    pub fn line(&mut self, who: &str, text: &str) {
        let stamp = Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true);
        let line = format!("{stamp} {who}: {text}\n");
        self.own_line(&stamp, &line);
        let Some(log_file) = &mut self.log_file else {
            return;
        };
        if let Err(error) = log_file.append(&line) {
            self.log_file = None;
            let text = format!("cannot append to log_file: {error}; nothing more is appended");
            tracing::warn!("{text}");
            self.own_line(&stamp, &format!("{stamp} {}: {text}\n", mark::WRITER));
        }
    }

    /// Appends a line to the run's own file alone.
    fn own_line(&mut self, stamp: &str, line: &str) {
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
