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
const ALL: &[StorageKind] = &[StorageKind::Rest, StorageKind::S3, StorageKind::Sftp];

/// The kinds that speak HTTP, with TLS and proxies.
const HTTP: &[StorageKind] = &[StorageKind::Rest, StorageKind::S3];

/// The kinds with a user and a password.
const WITH_PASSWORD: &[StorageKind] = &[StorageKind::Rest, StorageKind::Sftp];

const S3: &[StorageKind] = &[StorageKind::S3];

const SFTP: &[StorageKind] = &[StorageKind::Sftp];

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

/// The secret that belongs to an access key of S3.
pub const SECRET_KEY: SecretKeys = SecretKeys {
    name: "secret_key",
    file: "secret_key_file",
    command: "secret_key_command",
    variable: "secret_key_env",
};

/// The token that belongs to keys of S3 that end soon.
pub const SESSION_TOKEN: SecretKeys = SecretKeys {
    name: "session_token",
    file: "session_token_file",
    command: "session_token_command",
    variable: "session_token_env",
};

/// The passphrase of a secret key of SSH.
pub const KEY_PASSWORD: SecretKeys = SecretKeys {
    name: "key_password",
    file: "key_password_file",
    command: "key_password_command",
    variable: "key_password_env",
};

/// Every secret.
pub static SECRETS: [SecretKeys; 4] = [PASSWORD, SECRET_KEY, SESSION_TOKEN, KEY_PASSWORD];

/// Every key, in the order in which they are shown.
pub static STORAGE_KEYS: [StorageKey; 32] = [
    key(
        "kind",
        ALL,
        "word",
        "The kind of the storage. `rest` is a server that speaks restic's REST protocol, such as `rest-server`, or \
         `rclone serve restic`. `s3` is Amazon S3, or a server that speaks its protocol. `sftp` \
         is a server that speaks SFTP, the file transfer of SSH. Required.",
    ),
    key(
        "endpoint",
        HTTP,
        "URL",
        "The address of the server. For `rest`, of the directory that the containers are in, for example \
         `https://backup.example:8000/web1`. For `s3`, without a path; default: Amazon's. It contains no user and no \
         password.",
    ),
    key(
        "bucket",
        S3,
        "text",
        "The bucket. A container is then a prefix in it. Without this key, a container is `BUCKET/PREFIX`. A backup \
         makes a bucket that does not exist.",
    ),
    key(
        "region",
        S3,
        "word",
        "The region of the bucket. Default: the one that the environment names (`AWS_REGION`), or `us-east-1`, or the \
         one that the server names.",
    ),
    key(
        "access_key",
        S3,
        "word",
        "The id of the key, which is not secret. Without it, `profile` and `credentials_file`, the environment \
         (`AWS_ACCESS_KEY_ID` and others), a web identity, `~/.aws/credentials`, and the role of the container or of \
         the machine are tried, in this order.",
    ),
    key(
        "secret_key_file",
        S3,
        "path",
        "A file that holds the secret key of the access key. It is read as `password_file` is.",
    ),
    key(
        "secret_key_command",
        S3,
        "text, or list of words",
        "A command that prints the secret key. It is run as `password_command` is.",
    ),
    key(
        "secret_key_env",
        S3,
        "name",
        "The variable of the environment of the service that holds the secret key.",
    ),
    key(
        "session_token_file",
        S3,
        "path",
        "A file that holds the session token of keys that end soon. When the server says that they have ended, the \
         secret key and the token are read again.",
    ),
    key(
        "session_token_command",
        S3,
        "text, or list of words",
        "A command that prints the session token.",
    ),
    key(
        "session_token_env",
        S3,
        "name",
        "The variable of the environment of the service that holds the session token.",
    ),
    key(
        "profile",
        S3,
        "text",
        "The section of the file with credentials. Default: `default`.",
    ),
    key(
        "credentials_file",
        S3,
        "path",
        "A file with credentials, in the format of `~/.aws/credentials`, which is the default.",
    ),
    key(
        "path_style",
        S3,
        "true or false",
        "Name the bucket in the path, and not in the name of the host. Default: `true` with an `endpoint`, `false` with \
         Amazon.",
    ),
    key(
        "storage_class",
        S3,
        "word",
        "The storage class of packs that hold the content of files, for example `STANDARD_IA`. All other files, which \
         are small and read often, get the class of the bucket. Default: that of the bucket.",
    ),
    key(
        "host",
        SFTP,
        "text",
        "The name or the address of the server, for example `backup.example`. Required.",
    ),
    key(
        "port",
        SFTP,
        "number",
        "The port of the server. Default: 22.",
    ),
    key(
        "username",
        WITH_PASSWORD,
        "text",
        "The user at the server. `sftp` needs one.",
    ),
    key(
        "directory",
        SFTP,
        "path",
        "The directory on the server that the containers are in. One without a slash in front begins in the directory in \
         which the login begins. Default: that directory.",
    ),
    key(
        "password_file",
        WITH_PASSWORD,
        "path",
        "A file that holds the password of the user. White space at its ends is not a part of the password. `%d/NAME` is \
         a credential that systemd gives to the service (`LoadCredential=NAME:FILE`).",
    ),
    key(
        "password_command",
        WITH_PASSWORD,
        "text, or list of words",
        "A command that prints the password. `/bin/sh -c` runs a text. It runs once for each action, and has a minute.",
    ),
    key(
        "password_env",
        WITH_PASSWORD,
        "name",
        "The variable of the environment of the service that holds the password.",
    ),
    key(
        "key_file",
        SFTP,
        "path",
        "The secret key of SSH to log in with. `%d/NAME` is a credential that systemd gives to the service. Default: \
         `id_ed25519`, `id_ecdsa` and `id_rsa` in `~/.ssh`, if the storage has no password and no `ssh_agent`.",
    ),
    key(
        "key_password_file",
        SFTP,
        "path",
        "A file that holds the passphrase of the secret key, as `password_file` does.",
    ),
    key(
        "key_password_command",
        SFTP,
        "text, or list of words",
        "A command that prints the passphrase of the secret key, as `password_command` does.",
    ),
    key(
        "key_password_env",
        SFTP,
        "name",
        "The variable of the environment of the service that holds the passphrase of the secret key.",
    ),
    key(
        "ssh_agent",
        SFTP,
        "true or false",
        "Log in with the keys of the SSH agent whose socket is in `SSH_AUTH_SOCK`, in the environment of the service. \
         Default: `false`.",
    ),
    key(
        "known_hosts",
        SFTP,
        "path",
        "A file with the keys by which servers are known, as `ssh` has it. A server that is not in it is refused. Default: \
         `~/.ssh/known_hosts` and `/etc/ssh/ssh_known_hosts`.",
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
