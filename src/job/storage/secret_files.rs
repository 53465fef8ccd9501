//! The files in which a storage has its secrets.

use std::path::Path;

use super::secret_keys::{
    APPLICATION_CREDENTIAL, CONFIG_PASSWORD, KEY_PASSWORD, PASSWORD, SECRET_KEY, SESSION_TOKEN,
};
use super::{Connection, SecretSource};
use crate::job::secret;

/// A file that holds a secret of a storage.
#[derive(Clone, Copy, Debug)]
pub struct SecretFile<'c> {
    /// The key that names it.
    pub key: &'static str,
    pub path: &'c Path,
    /// The secret that is the whole file; `None`: the file has a form of its own, as a key of SSH.
    pub secret: Option<&'c SecretSource>,
}

impl Connection {
    /// The files that hold its secrets. A credential of the service is not among them: only the service has it.
    pub fn secret_files(&self) -> Vec<SecretFile<'_>> {
        let (rclone, s3) = (self.rclone.as_deref(), self.s3.as_deref());
        let (sftp, swift) = (self.sftp.as_ref(), self.swift.as_deref());
        let secrets = [
            (PASSWORD, self.password.as_ref()),
            (
                CONFIG_PASSWORD,
                rclone.and_then(|it| it.config_password.as_ref()),
            ),
            (SECRET_KEY, s3.and_then(|it| it.secret_key.as_ref())),
            (SESSION_TOKEN, s3.and_then(|it| it.session_token.as_ref())),
            (KEY_PASSWORD, sftp.and_then(|it| it.key_password.as_ref())),
            (
                APPLICATION_CREDENTIAL,
                swift.and_then(|it| it.credential_secret.as_ref()),
            ),
        ];
        let secrets = secrets.into_iter().filter_map(|(keys, source)| {
            let SecretSource::File(path) = source? else {
                return None;
            };
            Some(SecretFile {
                key: keys.file,
                path,
                secret: source,
            })
        });
        let others = [
            (
                "credentials_file",
                s3.and_then(|it| it.credentials_file.as_deref()),
            ),
            ("key_file", sftp.and_then(|it| it.key_file.as_deref())),
            ("osrc", swift.and_then(|it| it.osrc.as_deref())),
        ];
        let others = others.into_iter().filter_map(|(key, path)| {
            Some(SecretFile {
                key,
                path: path?,
                secret: None,
            })
        });
        let is_credential = |path: &Path| path.to_str().and_then(secret::credential).is_some();
        secrets
            .chain(others)
            .filter(|file| !is_credential(file.path))
            .collect()
    }
}
