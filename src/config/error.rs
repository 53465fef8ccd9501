//! Why there is no working configuration.

use std::path::PathBuf;

use super::chosen::{Chosen, Origin};

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("cannot read the configuration {path}: {source}")]
    Read {
        path: PathBuf,
        source: std::io::Error,
    },
    /// The command line or the environment names the file. Without a name, a missing file is not an error.
    #[error(
        "the configuration file {path} does not exist; without --config, freezerd uses its default settings"
    )]
    Missing { path: PathBuf },
    /// The file is not TOML.
    #[error("{path}:{line}: {message}")]
    Syntax {
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What the reader of TOML says.
        message: String,
    },
    #[error("{path}:{line}: there is no setting {key:?}{hint}")]
    UnknownKey {
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        key: String,
        /// `; did you mean …?`, or how to list the settings.
        hint: String,
    },
    /// A section such as `[storage.NAME]` cannot be used. No value is repeated that may be a secret.
    #[error("{path}:{line}: the {what} {name}: {message}")]
    Section {
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What the section defines.
        what: &'static str,
        name: String,
        message: String,
    },
    #[error("{key} = {value:?} ({origin}): {message}")]
    Value {
        key: &'static str,
        value: String,
        origin: Origin,
        /// What the setting expects.
        message: String,
    },
}

impl ConfigError {
    /// Refuses a value; `expected` is a sentence without a full stop.
    pub(super) fn refuse(chosen: &Chosen, expected: impl Into<String>) -> ConfigError {
        ConfigError::Value {
            key: chosen.setting.name,
            value: chosen.text.clone(),
            origin: chosen.origin.clone(),
            message: expected.into(),
        }
    }
}
