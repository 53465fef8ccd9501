//! What the catalog gets at its start, and the changes that it reports.

use std::sync::Arc;

use super::stamp::Digest;
use crate::job::Job;
use crate::job::diagnostic::Diagnostic;

/// What an earlier process knew of a job.
#[derive(Clone, Debug)]
pub struct Remembered {
    /// The file that owned the job's id. It owns the id again, even if other files claim it now.
    pub file: String,
    /// The file's last good content, which stays in force while the file is bad. `None`: it is not known.
    pub content: Option<Arc<[u8]>>,
}

/// A change of a job file or of a job.
#[derive(Clone, Debug)]
pub enum FileChange {
    /// The file is a job of this host: a new one, or one with new content.
    Loaded {
        /// The file that owns the job's id.
        file: String,
        job: Arc<Job>,
        /// Of `bytes`.
        digest: Digest,
        bytes: Arc<[u8]>,
        warnings: Vec<Diagnostic>,
    },
    /// The file cannot be a job.
    Invalid {
        file: String,
        /// The id that the file claims. `None` if it cannot be read.
        job_id: Option<String>,
        /// The job whose last good version stays in force. `None` if this file owns no job.
        kept: Option<String>,
        /// At least one of them is an error.
        diagnostics: Vec<Diagnostic>,
        /// The content that the diagnostics point into. Empty if the file was not read.
        bytes: Arc<[u8]>,
    },
    /// The file is a job of another host.
    Foreign {
        file: String,
        job_id: String,
        /// The client id of the other host.
        client_id: String,
        warnings: Vec<Diagnostic>,
        bytes: Arc<[u8]>,
    },
    /// No file has this job any more.
    Gone {
        job_id: String,
        /// The job's last file.
        file: String,
    },
    /// The file does not exist any more.
    FileGone { file: String },
}
