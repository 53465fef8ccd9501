//! The agent's two outputs: reports for the daemon on standard output, lines for people on standard error.

use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, Local, Utc};

use super::traffic::{Counter, Meter};
use crate::archive;
use crate::escape::{harmless, shown};
use crate::protocol::{Progress, Report};
use crate::storage::limit::Direction;

/// Progress is sent no more often than this.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(250);

/// Writes reports and log lines.
pub struct Reporter {
    files: AtomicU64,
    bytes: AtomicU64,
    traffic: Counter,
    state: Mutex<State>,
}

struct State {
    phase: String,
    files_total: Option<u64>,
    bytes_total: Option<u64>,
    meter: Meter,
    sent: Option<Instant>,
}

impl Reporter {
    /// A reporter that has sent nothing yet.
    pub fn new() -> Self {
        Reporter {
            files: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            traffic: Counter::default(),
            state: Mutex::new(State {
                phase: String::new(),
                files_total: None,
                bytes_total: None,
                meter: Meter::default(),
                sent: None,
            }),
        }
    }

    /// Sends a report. An error is ignored: `termination` notices a daemon that is gone.
    pub fn send(&self, report: &Report) {
        // Plain data with string keys always serialises.
        let Ok(mut line) = serde_json::to_string(report) else {
            return;
        };
        line.push('\n');
        let mut stdout = io::stdout().lock();
        let _ = stdout
            .write_all(line.as_bytes())
            .and_then(|()| stdout.flush());
    }

    /// Sends the progress once more, as it stands at the end of the work.
    pub fn send_last_progress(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.sent.take().is_some() {
            self.send_progress(&mut state);
        }
    }

    /// Says in the log and to the daemon what the agent waits for from now on.
    pub fn waits(&self, reason: &str) {
        let reason = harmless(reason);
        log(&format!("waiting: {reason}"));
        self.send(&Report::Waiting { reason });
    }

    /// Says in the log and to the daemon what failed and is tried again. The next progress ends it.
    pub fn tries_again(&self, reason: &str) {
        let reason = harmless(reason);
        log(&format!("warning: {reason}"));
        // The next byte that passes is reported at once.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.sent = None;
        self.send(&Report::Retrying { reason });
    }

    /// Ends a [`Report::Waiting`]: sends the progress as it stands.
    pub fn goes_on(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.sent = None;
        self.send_progress(&mut state);
    }

    fn update(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut state);
        self.send_progress(&mut state);
    }

    fn send_progress(&self, state: &mut State) {
        let now = Instant::now();
        if state
            .sent
            .is_some_and(|sent| now.duration_since(sent) < PROGRESS_INTERVAL)
        {
            return;
        }
        state.sent = Some(now);
        let traffic = state.meter.at(now, self.traffic.so_far());
        self.send(&Report::Progress(Progress {
            phase: state.phase.clone(),
            files_done: self.files.load(Ordering::Relaxed),
            files_total: state.files_total,
            bytes_done: self.bytes.load(Ordering::Relaxed),
            bytes_total: state.bytes_total,
            traffic,
        }));
    }
}

impl Reporter {
    /// A new phase of the work begins, named by one word or two: `backing up`. Counts start again at zero.
    pub fn phase(&self, phase: &str) {
        self.update(|state| {
            if state.phase != phase {
                state.phase = phase.to_owned();
                state.files_total = None;
                state.bytes_total = None;
                self.files.store(0, Ordering::Relaxed);
                self.bytes.store(0, Ordering::Relaxed);
            }
        });
    }

    /// What there is to do in this phase, as far as it is known.
    pub fn total(&self, files: Option<u64>, bytes: Option<u64>) {
        self.update(|state| {
            state.files_total = files.or(state.files_total);
            state.bytes_total = bytes.or(state.bytes_total);
        });
    }

    /// This much more is done. Called from several threads at once.
    pub fn advance(&self, files: u64, bytes: u64) {
        self.files.fetch_add(files, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.send_progress_soon();
    }

    /// This much went over the line to a server or from it. Called from several threads at once.
    pub fn moved(&self, direction: Direction, bytes: u64) {
        self.traffic.count(direction, bytes);
        self.send_progress_soon();
    }

    fn send_progress_soon(&self) {
        // Another thread that has the state sends the report.
        if let Ok(mut state) = self.state.try_lock() {
            self.send_progress(&mut state);
        }
    }
}

impl archive::BackupObserver for Reporter {
    fn total(&self, files: u64, bytes: u64) {
        Reporter::total(self, Some(files), Some(bytes));
    }

    fn advance(&self, files: u64, bytes: u64) {
        Reporter::advance(self, files, bytes);
    }
}

/// A path in a sentence: one line, without characters that a terminal obeys.
pub fn escaped(path: &Path) -> String {
    shown(path.as_os_str().as_bytes())
}

/// An instant as a person on this host reads it.
pub fn local(instant: DateTime<Utc>) -> String {
    instant
        .with_timezone(&Local)
        .format("%Y-%m-%d %H:%M:%S %z")
        .to_string()
}

/// Writes one line to the log. File names may hold line ends and terminal codes: these are escaped.
pub fn log(line: &str) {
    let mut text = harmless(line);
    text.push('\n');
    let _ = io::stderr().lock().write_all(text.as_bytes());
}
