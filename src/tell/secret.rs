//! The secrets of a receiver, and the keys that say where each is.

use std::fmt;
use std::path::Path;

use zeroize::Zeroizing;

use crate::job::secret::credential;
use crate::job::storage::SecretSource;
use crate::secret::{self, SecretError};

/// The keys of one secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecretKeys {
    /// Holds the secret itself.
    pub name: &'static str,
    /// Names a file that holds it.
    pub file: &'static str,
    /// Is a command that prints it.
    pub command: &'static str,
    /// Names a variable of the environment that holds it.
    pub variable: &'static str,
}

impl SecretKeys {
    /// Whether this is one of the keys.
    pub fn has(&self, key: &str) -> bool {
        [self.name, self.file, self.command, self.variable].contains(&key)
    }
}

/// The address of a receiver, which lets whoever knows it send messages.
pub const URL: SecretKeys = SecretKeys {
    name: "url",
    file: "url_file",
    command: "url_command",
    variable: "url_env",
};

/// The token by which the server knows who sends.
pub const TOKEN: SecretKeys = SecretKeys {
    name: "token",
    file: "token_file",
    command: "token_command",
    variable: "token_env",
};

/// The password of the user at the mail server.
pub const PASSWORD: SecretKeys = SecretKeys {
    name: "password",
    file: "password_file",
    command: "password_command",
    variable: "password_env",
};

/// Every secret.
pub const ALL: [SecretKeys; 3] = [URL, TOKEN, PASSWORD];

/// A secret, or where it is.
#[derive(Clone, PartialEq, Eq)]
pub enum Secret {
    /// `freezerd.toml` holds it, against all advice.
    Written(Zeroizing<String>),
    /// It is read whenever a message is sent.
    Kept(SecretSource),
}

impl Secret {
    /// Reads it. `tell` gets warnings about its file.
    ///
    /// # Errors
    /// When it cannot be had.
    pub fn read(&self, tell: &dyn Fn(&str)) -> Result<Zeroizing<String>, SecretError> {
        match self {
            Secret::Written(text) => Ok(text.clone()),
            Secret::Kept(source) => secret::read(source, tell),
        }
    }

    /// Whether a command prints it.
    pub fn is_printed(&self) -> bool {
        matches!(self, Secret::Kept(SecretSource::Command(_)))
    }

    /// The file that holds it; `None`: another place does, or a credential of the service.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Secret::Kept(SecretSource::File(path))
                if path.to_str().and_then(credential).is_none() =>
            {
                Some(path)
            }
            Secret::Kept(_) | Secret::Written(_) => None,
        }
    }

    /// Whether `freezerd.toml` holds it.
    pub fn is_written(&self) -> bool {
        matches!(self, Secret::Written(_))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Secret::Written(_) => f.write_str("Secret::Written(…)"),
            // A command may hold one, too.
            Secret::Kept(_) => f.write_str("Secret::Kept(…)"),
        }
    }
}
