//! What the catalog is told at its start, and what it tells.

use std::sync::Arc;

use super::stamp::Digest;
use crate::job::Job;
use crate::job::diagnostic::Diagnostic;

/// What was known of a job before the daemon was started.
#[derive(Clone, Debug)]
pub struct Remembered {
    /// The file that owned the job's id: it does so again, whatever other files claim the id now.
    pub file: String,
    /// The file's last good content: it holds while the file is bad.
    pub content: Option<Arc<[u8]>>,
}

/// What became of a file or of a job.
#[derive(Clone, Debug)]
pub enum Change {
    /// The job is to be as this file has it: it is new, or its content is.
    Loaded {
        /// The file that owns the job's id.
        file: String,
        /// The job.
        job: Arc<Job>,
        /// The digest of the content.
        digest: Digest,
        /// The content.
        bytes: Arc<[u8]>,
        /// What there is to say about it.
        warnings: Vec<Diagnostic>,
    },
    /// The file is not good for a job.
    Invalid {
        /// The file.
        file: String,
        /// The id of the job that it would be, as far as that can be told.
        job_id: Option<String>,
        /// The job whose last good version stays in force although its file is bad now.
        kept: Option<String>,
        /// Why; at least one error.
        diagnostics: Vec<Diagnostic>,
        /// What the diagnostics point into; empty where the file was not read.
        bytes: Arc<[u8]>,
    },
    /// The file is a job of another host.
    Foreign {
        /// The file.
        file: String,
        /// The job's id.
        job_id: String,
        /// The host whose job it is.
        client_id: String,
        /// What there is to say about it.
        warnings: Vec<Diagnostic>,
        /// The content.
        bytes: Arc<[u8]>,
    },
    /// No file here has this job any more.
    Gone {
        /// The job's id.
        job_id: String,
        /// The file that had it last.
        file: String,
    },
    /// The file is not there any more.
    FileGone {
        /// The file.
        file: String,
    },
}
