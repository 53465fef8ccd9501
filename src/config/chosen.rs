//! The text that was chosen for a setting, and where it came from.

use std::fmt;
use std::path::PathBuf;

use serde::Serialize;

use super::setting::Setting;

/// The text that won for one setting.
#[derive(Clone, Debug)]
pub struct Chosen {
    pub setting: &'static Setting,
    pub text: String,
    pub origin: Origin,
}

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "from", rename_all = "snake_case")]
pub enum Origin {
    Flag {
        /// With its dashes.
        flag: String,
    },
    Environment {
        variable: String,
    },
    /// `freezerd.toml`.
    File {
        path: PathBuf,
        /// Counted from 1.
        line: usize,
    },
    /// A variable that systemd sets, for example `STATE_DIRECTORY`.
    ServiceManager {
        variable: String,
    },
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Flag { flag } => write!(f, "flag {flag}"),
            Origin::Environment { variable } => write!(f, "environment {variable}"),
            Origin::File { path, line } => write!(f, "{}:{line}", path.display()),
            Origin::ServiceManager { variable } => write!(f, "systemd {variable}"),
            Origin::Default => write!(f, "default"),
        }
    }
}
