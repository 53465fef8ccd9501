//! What is remembered of a file in the jobs directory.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// What is remembered of a file in the jobs directory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FileRecord {
    pub file: String,
    pub verdict: FileVerdict,
    /// When the file was read.
    pub seen: DateTime<Utc>,
}

/// What a file in the jobs directory contains.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum FileVerdict {
    /// A job that runs on this host.
    Loaded { job_id: String },
    /// A job of another host.
    Foreign { job_id: String, client_id: String },
    /// It is not a valid job.
    Invalid {
        /// The id of the job, if the file contains one that can be read.
        job_id: Option<String>,
        /// All faults, drawn for people with the lines of the file.
        report: String,
        /// The first fault, in one line.
        summary: String,
    },
}
