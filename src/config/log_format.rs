//! The ways in which log lines are written.

use serde::Serialize;

/// How the daemon writes its log to standard error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// The journal under systemd, plain lines otherwise.
    Auto,
    /// One plain line for each event.
    Human,
    /// One JSON object for each event.
    Json,
    /// The native protocol of the journal.
    Journal,
}
