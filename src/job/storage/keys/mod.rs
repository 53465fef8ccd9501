//! The keys of a storage: one row for each. The reader, the suggestions, `config show` and the manual page come from it.

use super::StorageKind;

mod connection;
mod login;
mod place;

/// A key of a section `[storage.NAME]`.
#[derive(Clone, Copy, Debug)]
pub struct StorageKey {
    pub name: &'static str,
    /// The kinds of storage that take it.
    pub kinds: &'static [StorageKind],
    /// What the manual calls the value.
    pub value: &'static str,
    /// A sentence or two for the manual.
    pub about: &'static str,
    /// The first version that has the key.
    pub since: &'static str,
}

const fn key(
    name: &'static str,
    kinds: &'static [StorageKind],
    value: &'static str,
    about: &'static str,
) -> StorageKey {
    StorageKey {
        name,
        kinds,
        value,
        about,
        since: "0.1.0",
    }
}

/// The kinds that are a named storage: all but a local directory.
const ALL: &[StorageKind] = &[
    StorageKind::Ftp,
    StorageKind::Ftps,
    StorageKind::Rclone,
    StorageKind::Rest,
    StorageKind::S3,
    StorageKind::Sftp,
    StorageKind::Swift,
];

/// The kinds that speak HTTP, with proxies.
const HTTP: &[StorageKind] = &[StorageKind::Rest, StorageKind::S3, StorageKind::Swift];

/// The kinds that have certificates.
const WITH_TLS: &[StorageKind] = &[
    StorageKind::Ftps,
    StorageKind::Rest,
    StorageKind::S3,
    StorageKind::Swift,
];

/// The kinds whose server is named by its host.
const WITH_HOST: &[StorageKind] = &[StorageKind::Ftp, StorageKind::Ftps, StorageKind::Sftp];

/// The kinds whose server has an address of its own.
const WITH_ENDPOINT: &[StorageKind] = &[StorageKind::Rest, StorageKind::S3];

/// The kinds with regions.
const WITH_REGION: &[StorageKind] = &[StorageKind::S3, StorageKind::Swift];

/// The kinds with a user and a password.
const WITH_PASSWORD: &[StorageKind] = &[
    StorageKind::Ftp,
    StorageKind::Ftps,
    StorageKind::Rest,
    StorageKind::Sftp,
    StorageKind::Swift,
];

const FTPS: &[StorageKind] = &[StorageKind::Ftps];

const RCLONE: &[StorageKind] = &[StorageKind::Rclone];

const S3: &[StorageKind] = &[StorageKind::S3];

const SFTP: &[StorageKind] = &[StorageKind::Sftp];

const SWIFT: &[StorageKind] = &[StorageKind::Swift];

/// Every key, in the order in which they are shown.
pub fn storage_keys() -> impl Iterator<Item = &'static StorageKey> {
    [place::KEYS, login::KEYS, connection::KEYS]
        .into_iter()
        .flatten()
}
