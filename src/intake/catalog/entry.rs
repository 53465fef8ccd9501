//! What the catalog knows of one file.

use std::sync::Arc;

use crate::intake::stamp::{Digest, Stamp};
use crate::job::diagnostic::Diagnostic;
use crate::job::{Job, Spans};

/// One file of the jobs directory.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) stamp: Option<Stamp>,
    pub(super) latest: Latest,
    /// The version that is in force: the latest one, or the last good one before the file turned bad. This file owns
    /// its job id.
    pub(super) in_force: Option<Version>,
    /// The batch in which the file first claimed the id that it claims now.
    pub(super) since: u64,
}

/// A version of a file that is a job of this host.
#[derive(Clone, Debug)]
pub(super) struct Version {
    pub(super) job: Arc<Job>,
    pub(super) digest: Digest,
    pub(super) bytes: Arc<[u8]>,
    pub(super) warnings: Vec<Diagnostic>,
    pub(super) spans: Spans,
}

/// The newest content of a file.
#[derive(Debug)]
pub(super) enum Latest {
    /// A job, which is in force.
    InForce,
    /// A job that is not in force, because another file owns its id. `reported` is the owner that was last reported.
    Waiting {
        version: Version,
        reported: Option<String>,
    },
    /// Not a job of this host.
    NoJob,
}

/// What a batch brought for one file, kept until the end of the batch.
pub(super) enum News {
    Job,
    Bad {
        job_id: Option<String>,
        diagnostics: Vec<Diagnostic>,
        bytes: Arc<[u8]>,
    },
    Foreign {
        job_id: String,
        client_id: String,
        warnings: Vec<Diagnostic>,
        bytes: Arc<[u8]>,
    },
    Gone,
}

/// What a file's bytes are: a job of this host, or news of something else.
pub(super) enum Content {
    Job(Version),
    Other(News),
}
