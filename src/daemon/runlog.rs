//! The log of a run: one file for each run, and the action's `log_file` beside it.

use chrono::{SecondsFormat, Utc};

use super::bounded_log::{BoundedLog, RUN_LOG};
use super::log_file::LogFile;
use crate::control::layout::Layout;
use crate::control::mark;
use crate::escape::harmless_log_line;

/// A run's log, open for appending.
pub struct RunLog {
    file: Option<BoundedLog>,
    /// The action's `log_file`.
    log_file: Option<LogFile>,
}

impl RunLog {
    /// Opens the run's log. When that is impossible, the journal says so.
    pub fn open(layout: &Layout, run: u64) -> RunLog {
        let file = BoundedLog::open(&layout.run_log(run), RUN_LOG)
            .inspect_err(|error| tracing::warn!("cannot write the log of run {run}: {error}"));
        RunLog {
            file: file.ok(),
            log_file: None,
        }
    }

    /// Appends to this `log_file`, too, from now on.
    pub(super) fn append_also_to(&mut self, log_file: LogFile) {
        self.log_file = Some(log_file);
    }

    /// Appends a line with the time and its writer. What the text has for a terminal is escaped, so that it can be read
    /// anywhere.
    pub fn line(&mut self, who: &str, text: &str) {
        let stamp = Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true);
        let text = harmless_log_line(text);
        let line = format!("{stamp} {who}: {text}\n");
        self.own_line(&line);
        let Some(log_file) = &mut self.log_file else {
            return;
        };
        if let Err(text) = log_file.append(&line) {
            self.log_file = None;
            tracing::warn!("{text}");
            self.own_line(&format!("{stamp} {}: {text}\n", mark::WRITER));
        }
    }

    /// Appends a line to the run's own file alone.
    fn own_line(&mut self, line: &str) {
        if let Some(file) = &mut self.file {
            // On a full disk, the journal says what is wrong; the run goes on.
            let _ = file.append(line);
        }
    }
}
