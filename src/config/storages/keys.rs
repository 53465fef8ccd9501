//! The keys of a storage: one row for each. The reader, the suggestions, `config show` and the manual page come from it.

use std::path::Path;

use crate::job::storage::{Connection, NamedStorage, SecretSource, StoragePlace};

/// A key of a section `[storage.NAME]`.
#[derive(Clone, Copy, Debug)]
pub struct StorageKey {
    pub name: &'static str,
    /// What the manual calls the value.
    pub value: &'static str,
    /// A sentence or two for the manual.
    pub about: &'static str,
}

const fn key(name: &'static str, value: &'static str, about: &'static str) -> StorageKey {
    StorageKey { name, value, about }
}

/// Every key, in the order in which they are shown.
pub static STORAGE_KEYS: [StorageKey; 10] = [
    key(
        "kind",
        "word",
        "The kind of the storage. This version has `rest`: a server that speaks restic's REST protocol, such as \
         `rest-server`, or `rclone serve restic`. Required.",
    ),
    key(
        "endpoint",
        "URL",
        "The address of the directory that the containers are in, for example `https://backup.example:8000/web1`. It \
         contains no user and no password. Required.",
    ),
    key("username", "text", "The user at the server."),
    key(
        "password_file",
        "path",
        "A file that holds the password of the user. White space at its ends is not a part of the password. `%d/NAME` is \
         a credential that systemd gives to the service (`LoadCredential=NAME:FILE`).",
    ),
    key(
        "password_command",
        "text, or list of words",
        "A command that prints the password. `/bin/sh -c` runs a text. It runs once for each action, and has a minute.",
    ),
    key(
        "password_env",
        "name",
        "The variable of the environment of the service that holds the password.",
    ),
    key(
        "ca_file",
        "path",
        "A file with the certificates that are trusted, in PEM format. Default: those that the system trusts.",
    ),
    key(
        "insecure",
        "true or false",
        "Do not check the certificate of the server. Whoever is on the way can then read the password. Default: \
         `false`.",
    ),
    key(
        "proxy",
        "URL",
        "The proxy for HTTP, without a user. Default: the one that the environment names (`HTTPS_PROXY`, `HTTP_PROXY`, \
         `NO_PROXY`).",
    ),
    key(
        "connections",
        "number",
        "How many packs a backup sends at the same time, from 1 to 64. Default: 5.",
    ),
];

/// The keys of a storage with their values, in the order of the table. None of them is a secret: of a password, they say
/// where it is.
pub fn shown(storage: &NamedStorage) -> Vec<(&'static str, String)> {
    let Connection {
        username,
        password,
        ca_file,
        insecure,
        proxy,
        connections,
    } = &storage.connection;
    let StoragePlace::Rest(endpoint) = &storage.place;
    let path = |path: &Path| path.display().to_string();
    STORAGE_KEYS
        .iter()
        .filter_map(|key| {
            let value = match key.name {
                "kind" => Some(storage.place.kind().word().to_owned()),
                "endpoint" => Some(endpoint.to_string()),
                "username" => username.clone(),
                "password_file" => match password {
                    Some(SecretSource::File(file)) => Some(path(file)),
                    _ => None,
                },
                // The words of a command may hold a secret.
                "password_command" => match password {
                    Some(SecretSource::Command(_)) => Some("(a command)".to_owned()),
                    _ => None,
                },
                "password_env" => match password {
                    Some(SecretSource::Environment(name)) => Some(name.clone()),
                    _ => None,
                },
                "ca_file" => ca_file.as_deref().map(path),
                "insecure" => insecure.then(|| "true".to_owned()),
                "proxy" => proxy.as_ref().map(ToString::to_string),
                "connections" => connections.map(|number| number.to_string()),
                _ => None,
            };
            Some((key.name, value?))
        })
        .collect()
}
