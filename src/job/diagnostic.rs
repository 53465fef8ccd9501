//! One fault of a job file as data: what, where, and the mend.

use std::ops::Range;

use serde::{Deserialize, Serialize};

/// How much it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The job loads; something is likely not as meant.
    Warning,
    /// The job does not load.
    Error,
}

/// One fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostic {
    /// A stable name of the kind of fault, as `unknown-key`.
    pub code: String,
    /// Error or warning.
    pub severity: Severity,
    /// What is wrong, without the place.
    pub message: String,
    /// The place in the file, bytes; `None`: the file as a whole.
    pub span: Option<Range<usize>>,
    /// What stands beside the caret: what was expected.
    pub label: Option<String>,
    /// The mend.
    pub help: Option<String>,
}
