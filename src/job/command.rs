//! A command that a job or a storage names.

use serde::{Deserialize, Serialize};

/// A command, in one of its two forms.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Command {
    /// `/bin/sh -c` runs the text.
    Shell(String),
    /// A program and its arguments.
    Words(Vec<String>),
}
