//! Why an agent cannot prepare the way to a server.

use std::io;
use std::path::PathBuf;

use super::secret::SecretError;
use crate::os;
use crate::storage::http::OptionsError;

/// Why the way to a server cannot be prepared.
#[derive(Debug, thiserror::Error)]
pub enum ConnectionFault {
    #[error(transparent)]
    Secret(#[from] SecretError),
    #[error("the certificates in {path} cannot be read: {}", os::reason(source))]
    Certificates { path: PathBuf, source: io::Error },
    #[error("{}", options_sentence(*_0))]
    Options(OptionsError),
    /// The program was built without this kind of storage.
    #[error("this build of freezerd has no storages of the kind {0:?}")]
    #[cfg_attr(feature = "s3", allow(dead_code, reason = "this build has all kinds"))]
    NotInThisBuild(&'static str),
}

fn options_sentence(error: OptionsError) -> String {
    let key = match error {
        OptionsError::Certificates => "ca_file",
        OptionsError::User => "username",
        OptionsError::Proxy => "proxy",
    };
    format!("`{key}` of the storage: {error}")
}
