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
const ALL: &[StorageKind] = &[
    StorageKind::Rest,
    StorageKind::S3,
    StorageKind::Sftp,
    StorageKind::Swift,
];

/// The kinds that speak HTTP, with TLS and proxies.
const HTTP: &[StorageKind] = &[StorageKind::Rest, StorageKind::S3, StorageKind::Swift];

/// The kinds whose server has an address of its own.
const WITH_ENDPOINT: &[StorageKind] = &[StorageKind::Rest, StorageKind::S3];

/// The kinds with regions.
const WITH_REGION: &[StorageKind] = &[StorageKind::S3, StorageKind::Swift];

/// The kinds with a user and a password.
const WITH_PASSWORD: &[StorageKind] = &[StorageKind::Rest, StorageKind::Sftp, StorageKind::Swift];

const S3: &[StorageKind] = &[StorageKind::S3];

const SFTP: &[StorageKind] = &[StorageKind::Sftp];

const SWIFT: &[StorageKind] = &[StorageKind::Swift];

/// Every key, in the order in which they are shown.
pub static STORAGE_KEYS: [StorageKey; 46] = [
    key(
        "kind",
        ALL,
        "word",
        "The kind of the storage. `rest` is a server that speaks restic's REST protocol, such as `rest-server`, or \
         `rclone serve restic`. `s3` is Amazon S3, or a server that speaks its protocol. `sftp` is a server that speaks \
         SFTP, the file transfer of SSH. `swift` is OpenStack Swift, with Keystone. Required.",
    ),
    key(
        "endpoint",
        WITH_ENDPOINT,
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
        WITH_REGION,
        "word",
        "The region of the containers. Default: for `s3`, the one that the environment names (`AWS_REGION`), or \
         `us-east-1`, or the one that the server names; for `swift`, `OS_REGION_NAME`, or the only region that has an \
         object store.",
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
        "auth_url",
        SWIFT,
        "URL",
        "The address of Keystone, version 3, for example `https://cloud.example:5000/v3`. Default: `OS_AUTH_URL` of the \
         environment of the service.",
    ),
    key(
        "project_name",
        SWIFT,
        "text",
        "The project that the containers belong to. Default: the one that the environment names (`OS_PROJECT_NAME`), or \
         that of the user. With an application credential, it is an error if the credential is for another project.",
    ),
    key(
        "project_id",
        SWIFT,
        "text",
        "The id of the project, in place of its name.",
    ),
    key(
        "project_domain_name",
        SWIFT,
        "text",
        "The domain of the project. Default: the one that the environment names (`OS_PROJECT_DOMAIN_NAME`), or that of \
         the user.",
    ),
    key(
        "project_domain_id",
        SWIFT,
        "text",
        "The id of the domain of the project, in place of its name.",
    ),
    key(
        "trust_id",
        SWIFT,
        "text",
        "The trust that gives the user rights of another user in a project, in place of a project.",
    ),
    key(
        "interface",
        SWIFT,
        "word",
        "Which address of the object store is used: `public`, `internal` or `admin`. Default: `OS_INTERFACE` of the \
         environment, or `public`.",
    ),
    key(
        "username",
        WITH_PASSWORD,
        "text",
        "The user at the server. `sftp` needs one. Default for `swift`: `OS_USERNAME` of the environment.",
    ),
    key(
        "directory",
        SFTP,
        "path",
        "The directory on the server that the containers are in. One without a slash in front begins in the directory in \
         which the login begins. Default: that directory.",
    ),
    key(
        "user_domain_name",
        SWIFT,
        "text",
        "The domain of the user. Default: the one that the environment names (`OS_USER_DOMAIN_NAME`), or the one with \
         the id `default`.",
    ),
    key(
        "user_domain_id",
        SWIFT,
        "text",
        "The id of the domain of the user, in place of its name.",
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
        "application_credential_id",
        SWIFT,
        "text",
        "The id of an application credential, in place of a user and a password. Default, if the storage names no user: \
         `OS_APPLICATION_CREDENTIAL_ID` of the environment.",
    ),
    key(
        "application_credential_name",
        SWIFT,
        "text",
        "The name of an application credential of `username`, in place of its id.",
    ),
    key(
        "application_credential_secret_file",
        SWIFT,
        "path",
        "A file that holds the secret of the application credential. It is read as `password_file` is.",
    ),
    key(
        "application_credential_secret_command",
        SWIFT,
        "text, or list of words",
        "A command that prints the secret. It is run as `password_command` is.",
    ),
    key(
        "application_credential_secret_env",
        SWIFT,
        "name",
        "The variable of the environment of the service that holds the secret.",
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
