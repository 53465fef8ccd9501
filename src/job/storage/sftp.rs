//! Reads a storage on a server that speaks SFTP.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::fields::{Fault, Fields, fault, general, missing};
use super::secret_keys::{KEY_PASSWORD, PASSWORD};
use super::{Connection, SecretSource, StoragePlace};
use crate::location::{AddressError, SftpPlace};

/// How to log in to a server of SSH, and how to know it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct SftpConnection {
    /// A secret key. `%d/NAME` is a credential of the service. `None`: those in `~/.ssh`, if there is nothing else to log
    /// in with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_file: Option<PathBuf>,
    /// The passphrase of the secret key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_password: Option<SecretSource>,
    /// Use the keys of the SSH agent.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub ssh_agent: bool,
    /// The file of the keys by which servers are known; `None`: those that `ssh` has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub known_hosts: Option<PathBuf>,
}

pub(super) fn read(fields: &Fields) -> Result<(StoragePlace, Connection), Fault> {
    let Some(host) = fields.text("host")? else {
        return missing("host", "backup.example");
    };
    let Some(user) = fields.text("username")? else {
        return general("the key `username` is missing: it is the user at the server");
    };
    let port = fields
        .number("port", u32::from(u16::MAX))?
        .and_then(|port| u16::try_from(port.get()).ok());
    let directory = fields.text("directory")?.unwrap_or_default();
    let place = match SftpPlace::new(&user, &host, port, &directory) {
        Ok(place) => place,
        Err(AddressError::Host) => {
            return fault(
                "host",
                "`host` takes the name or the address of a server, and nothing else",
            );
        }
        Err(AddressError::Tilde) => {
            return fault("directory", format!("`directory`: {}", AddressError::Tilde));
        }
        Err(AddressError::User) => return fault("username", "`username` takes the name of a user"),
        Err(_) => {
            return fault(
                "directory",
                "`directory` takes a path without empty parts, `.` and `..`",
            );
        }
    };
    let sftp = SftpConnection {
        key_file: fields.file_or_credential("key_file")?,
        key_password: fields.secret(KEY_PASSWORD)?,
        ssh_agent: fields.switch("ssh_agent")?,
        known_hosts: fields.path("known_hosts")?,
    };
    let connection = Connection {
        password: fields.secret(PASSWORD)?,
        connections: fields.number("connections", 64)?,
        timeout: fields.timeout()?,
        sftp: Some(sftp).filter(|sftp| *sftp != SftpConnection::default()),
        ..Connection::default()
    };
    Ok((StoragePlace::Sftp(place), connection))
}
