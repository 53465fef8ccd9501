//! What a file in the jobs directory turned out to be.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// What became of a file in the jobs directory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FileRecord {
    /// Its name.
    pub file: String,
    /// What it is.
    pub verdict: FileVerdict,
    /// When that was found out.
    pub seen: DateTime<Utc>,
}

/// What a file is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum FileVerdict {
    /// A job that runs here.
    Loaded {
        /// Which.
        job_id: String,
    },
    /// A job of another host.
    Foreign {
        /// Which.
        job_id: String,
        /// Whose.
        client_id: String,
    },
    /// Not a valid job.
    Invalid {
        /// Which job it would be, as far as that can be told.
        job_id: Option<String>,
        /// The faults, drawn for a person.
        report: String,
        /// The first fault in one line.
        summary: String,
    },
}
