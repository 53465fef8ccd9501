//! The keys of a storage: one row for each. The reader, the suggestions, `config show` and the manual page come from it.

use super::StorageKind;

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
    }
}

/// The kinds that are a named storage: all but a local directory.
const ALL: &[StorageKind] = &[StorageKind::Rest];

/// The kinds that speak HTTP, with TLS and proxies.
const HTTP: &[StorageKind] = &[StorageKind::Rest];

/// The keys of one secret: it is in a file, printed by a command, or in the environment.
#[derive(Clone, Copy, Debug)]
pub struct SecretKeys {
    /// The name of the secret itself. It is no key: no secret is written into a file that others can read.
    pub name: &'static str,
    pub file: &'static str,
    pub command: &'static str,
    pub variable: &'static str,
}

/// The password of the user at the server.
pub const PASSWORD: SecretKeys = SecretKeys {
    name: "password",
    file: "password_file",
    command: "password_command",
    variable: "password_env",
};

/// Every secret.
pub static SECRETS: [SecretKeys; 1] = [PASSWORD];

/// Every key, in the order in which they are shown.
pub static STORAGE_KEYS: [StorageKey; 10] = [
    key(
        "kind",
        ALL,
        "word",
        "The kind of the storage. This version has `rest`: a server that speaks restic's REST protocol, such as \
         `rest-server`, or `rclone serve restic`. Required.",
    ),
    key(
        "endpoint",
        HTTP,
        "URL",
        "The address of the directory that the containers are in, for example `https://backup.example:8000/web1`. It \
         contains no user and no password. Required.",
    ),
    key("username", HTTP, "text", "The user at the server."),
    key(
        "password_file",
        HTTP,
        "path",
        "A file that holds the password of the user. White space at its ends is not a part of the password. `%d/NAME` is \
         a credential that systemd gives to the service (`LoadCredential=NAME:FILE`).",
    ),
    key(
        "password_command",
        HTTP,
        "text, or list of words",
        "A command that prints the password. `/bin/sh -c` runs a text. It runs once for each action, and has a minute.",
    ),
    key(
        "password_env",
        HTTP,
        "name",
        "The variable of the environment of the service that holds the password.",
    ),
    key(
        "ca_file",
        HTTP,
        "path",
        "A file with the certificates that are trusted, in PEM format. Default: those that the system trusts.",
    ),
    key(
        "insecure",
        HTTP,
        "true or false",
        "Do not check the certificate of the server. Whoever is on the way can then read the password. Default: \
         `false`.",
    ),
    key(
        "proxy",
        HTTP,
        "URL",
        "The proxy for HTTP, without a user. Default: the one that the environment names (`HTTPS_PROXY`, `HTTP_PROXY`, \
         `NO_PROXY`).",
    ),
    key(
        "connections",
        ALL,
        "number",
        "How many packs a backup sends at the same time, from 1 to 64. Default: 5.",
    ),
];
