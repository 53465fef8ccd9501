//! From the bytes of a job file to a valid [`Job`], or to diagnostics that say what is wrong.
//!
//! This room does not read the file system or the clock. It takes the bytes and what there is to know about the host,
//! and returns a value.

use crate::schedule::Schedule;
use crate::schedule::zone::Zone;

mod about;
mod access;
pub mod action;
mod apart;
mod bandwidth;
pub mod check_policy;
pub mod codes;
pub mod command;
mod container;
mod decode;
pub mod diagnostic;
mod effective;
mod encoding;
mod entry;
mod explain;
mod identity;
mod inline;
pub mod json;
pub mod keys;
pub mod kind;
mod levels;
mod lint;
mod notify;
mod one_or_more;
mod parse;
pub mod patterns;
mod pipeline;
pub mod prune_budget;
pub mod rate_limit;
pub mod render;
pub mod schema;
pub mod secret;
pub mod secret_text;
pub mod share;
mod shell_text;
mod shell_words;
mod sources;
mod state;
pub mod storage;
mod target;
mod timing;
pub mod unknown_key;
mod values;
mod which_storage;
pub mod window;
mod words;
mod work;

use action::JobAction;
use diagnostic::Diagnostic;

pub use about::several;
pub use effective::{EffectiveValue, ValueOrigin, effective_values};
pub use encoding::SIZE_LIMIT;
pub use explain::explain;
pub use identity::derived as derived_id;
pub use notify::Notify;
pub use parse::{ACTION_LIMIT, parse};
pub use state::{Event, InitialState, JobResult, Status};

/// A valid job.
#[derive(Clone, Debug)]
pub struct Job {
    /// Matches `[A-Za-z0-9_-]+`.
    pub id: String,
    /// The only host that runs this job; `None`: every host.
    pub client_id: Option<String>,
    /// A line for the reader; may be empty.
    pub description: String,
    /// In the order in which they run.
    pub actions: Vec<JobAction>,
    pub schedule: Schedule,
    pub initial: InitialState,
    /// How old the last success may become.
    pub max_age: Option<std::time::Duration>,
    pub notify: Notify,
    /// The document as the file has it, without the object around `job`, with the keys in the order of the file.
    pub document: serde_json::Value,
}

/// What the host adds to a job file: defaults and limits.
#[derive(Clone, Debug)]
pub struct Host {
    /// The working directory of the daemon, in which relative paths start.
    pub working_dir: std::path::PathBuf,
    /// The directory of the job files. A secret that a job file holds is read there.
    pub jobs_dir: std::path::PathBuf,
    /// The directory of the containers that are given by name.
    pub container_root: std::path::PathBuf,
    /// The name that snapshots get, unless the job names another host.
    pub host_name: String,
    /// The zone of dates that do not name one.
    pub zone: Zone,
    /// Whether jobs with an `exec` action are refused.
    pub disable_exec: bool,
    /// The storages that a job can name.
    pub storages: storage::Storages,
}

/// The result of parsing a file.
#[derive(Clone, Debug)]
pub struct Parsed {
    /// `None` exactly when there is an error among the diagnostics.
    pub job: Option<Job>,
    /// The id of the job as far as it is known, even if the file has errors.
    pub job_id: Option<String>,
    /// Errors and warnings, in the order of the file.
    pub diagnostics: Vec<Diagnostic>,
    /// Where the parts of the job are in the file, for diagnostics about several files together.
    pub spans: Spans,
}

/// Where the parts of a job are in its file, in bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spans {
    /// The value of `job_id`; `None` where the file has none.
    pub job_id: Option<std::ops::Range<usize>>,
    /// The first key of the schedule; `None` where there is no schedule.
    pub schedule: Option<std::ops::Range<usize>>,
    /// For each action: the value of `backup_name`, else the first byte of the action.
    pub actions: Vec<std::ops::Range<usize>>,
}
