//! Why an agent cannot prepare the way to a server.

use std::io;
#[cfg(feature = "sftp")]
use std::path::Path;
use std::path::PathBuf;

#[cfg(feature = "swift")]
use super::reach::openrc::OpenrcFault;
use crate::location::AddressError;
use crate::os;
use crate::secret::SecretError;
use crate::storage::http::OptionsError;
use crate::storage::rclone::StartError;
#[cfg(feature = "sftp")]
use crate::storage::sftp::KeyError;

/// Why the way to a server cannot be prepared.
#[derive(Debug, thiserror::Error)]
pub enum ConnectionFault {
    #[error("`{key}` of the storage: {source}")]
    Secret {
        /// The key without `_file` or the like.
        key: &'static str,
        source: SecretError,
    },
    #[error("the certificates in {path} cannot be read: {}", os::reason(source))]
    Certificates { path: PathBuf, source: io::Error },
    #[error("{}", options_sentence(*_0))]
    Options(OptionsError),
    /// Neither the storage nor the environment says what is needed.
    #[error(
        "neither `{key}` of the storage nor {variable} of the environment, or of the file that `osrc` names, is set"
    )]
    #[cfg_attr(not(feature = "swift"), allow(dead_code, reason = "nothing needs it"))]
    NotSaid {
        key: &'static str,
        variable: &'static str,
    },
    /// An address in the environment cannot be used.
    #[error("{variable} of the environment: {source}")]
    #[cfg_attr(not(feature = "swift"), allow(dead_code, reason = "nothing needs it"))]
    Variable {
        variable: &'static str,
        source: AddressError,
    },
    /// The program was built without this kind of storage.
    #[error("this build of freezerd has no storages of the kind {0:?}")]
    #[cfg_attr(
        all(feature = "ftp", feature = "s3", feature = "sftp", feature = "swift"),
        allow(dead_code, reason = "this build has all kinds")
    )]
    NotInThisBuild(&'static str),
    #[error("`key_file` of the storage: {0}")]
    KeyCredential(String),
    #[error(
        "`key_file` of the storage: the secret key {path} cannot be read: {}",
        os::reason(source)
    )]
    KeyFile { path: PathBuf, source: io::Error },
    #[cfg(feature = "sftp")]
    #[error("{}", key_sentence(path, *source))]
    Key { path: PathBuf, source: KeyError },
    #[error("`ssh_agent` of the storage: the service has no `SSH_AUTH_SOCK` in its environment")]
    NoSshAgent,
    #[error(
        "the storage has nothing to log in with: name a secret key with `key_file`, or a password with `password_file`"
    )]
    NoLogin,
    #[error(
        "`known_hosts` of the storage: {path} cannot be read: {}",
        os::reason(source)
    )]
    KnownHosts { path: PathBuf, source: io::Error },
    #[cfg(feature = "swift")]
    #[error(transparent)]
    Openrc(#[from] OpenrcFault),
    #[error(transparent)]
    Rclone(StartError),
    #[error("the system gives no thread: {}", os::reason(_0))]
    NoThread(#[source] io::Error),
}

#[cfg(feature = "sftp")]
fn key_sentence(path: &Path, error: KeyError) -> String {
    let file = path.display();
    match error {
        KeyError::NotAKey => format!("`key_file` of the storage: {file} cannot be used: {error}"),
        KeyError::Protected => format!(
            "`key_file` of the storage: {file} cannot be used: {error}; name the passphrase with `key_password_file`"
        ),
        KeyError::Passphrase => {
            format!("`key_password_file` of the storage, or its like: {error}, the key {file}")
        }
    }
}

fn options_sentence(error: OptionsError) -> String {
    let key = match error {
        OptionsError::Certificates => "ca_file",
        OptionsError::User => "username",
        OptionsError::Proxy => "proxy",
    };
    format!("`{key}` of the storage: {error}")
}
