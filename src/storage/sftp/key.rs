//! The secret key of a user.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use russh::keys::PrivateKey;

/// A secret key, and the file that it is from.
#[derive(Clone)]
pub struct Key {
    pub(super) path: PathBuf,
    pub(super) key: Arc<PrivateKey>,
}

/// Why a file has no key that can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error("it is not a secret key of SSH, or of a kind that is not supported")]
    NotAKey,
    #[error("it is protected by a passphrase")]
    Protected,
    #[error("the passphrase does not open it")]
    Passphrase,
}

impl Key {
    /// Reads a key in the format of OpenSSH, of PuTTY, or in PEM. `path` is for messages only.
    ///
    /// # Errors
    /// When the text is not a key, or the passphrase does not open it.
    pub fn read(path: PathBuf, text: &str, passphrase: Option<&str>) -> Result<Key, KeyError> {
        let key = russh::keys::decode_secret_key(text, passphrase).map_err(|error| {
            match (error, passphrase) {
                (russh::keys::Error::KeyIsEncrypted, None) => KeyError::Protected,
                (russh::keys::Error::KeyIsEncrypted, Some(_)) => KeyError::Passphrase,
                (russh::keys::Error::SshKey(russh::keys::ssh_key::Error::Crypto), Some(_)) => {
                    KeyError::Passphrase
                }
                _ => KeyError::NotAKey,
            }
        })?;
        match key.is_encrypted() {
            true => Err(KeyError::Protected),
            false => Ok(Key {
                path,
                key: Arc::new(key),
            }),
        }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Key").field(&self.path).finish()
    }
}
