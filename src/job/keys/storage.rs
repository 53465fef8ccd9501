//! The keys of `freezer_action` that describe a storage in the job itself: one row for each. It has Freezer's word and
//! the key of `[storage.NAME]` that it stands for, whose reader then reads both.

use super::key::{Key, OfStorage, Support};
use super::shape::{Bounds, Shape};
use crate::job::kind::WorkKinds;
use crate::job::storage::StorageKind;

const FTP: &[StorageKind] = &[StorageKind::Ftp, StorageKind::Ftps];
const FTPS: &[StorageKind] = &[StorageKind::Ftps];
const S3: &[StorageKind] = &[StorageKind::S3];
const SFTP: &[StorageKind] = &[StorageKind::Sftp];
const SWIFT: &[StorageKind] = &[StorageKind::Swift];
const S3_AND_SWIFT: &[StorageKind] = &[StorageKind::S3, StorageKind::Swift];
const WITH_TLS: &[StorageKind] = &[StorageKind::Ftps, StorageKind::S3, StorageKind::Swift];
const EVERY: &[StorageKind] = &[
    StorageKind::Ftp,
    StorageKind::Ftps,
    StorageKind::S3,
    StorageKind::Sftp,
    StorageKind::Swift,
];

const PORT: Shape = Shape::Number(Bounds {
    least: 1.0,
    most: 65_535.0,
    whole: true,
    unit: "ports",
});

const CONNECTIONS: Shape = Shape::Number(Bounds {
    least: 1.0,
    most: 64.0,
    whole: true,
    unit: "connections",
});

const ARCHIVE_DAYS: Shape = Shape::Number(Bounds {
    least: 1.0,
    most: 36_500.0,
    whole: true,
    unit: "days",
});

const ARCHIVE_TIERS: &[(&str, &str)] = &[
    ("standard", "within hours"),
    ("bulk", "within two days, for the lowest price"),
    (
        "expedited",
        "within minutes, for the highest price; not from `DEEP_ARCHIVE`",
    ),
];

const fn row(
    name: &'static str,
    shape: Shape,
    storage_key: &'static str,
    kinds: &'static [StorageKind],
    about: &'static str,
) -> Key {
    Key::new(name, shape, WorkKinds::WITH_CONTAINER, about).of_storage(OfStorage {
        key: storage_key,
        kinds,
    })
}

/// A secret in the job file itself, or where it is.
const fn secret(
    name: &'static str,
    storage_key: &'static str,
    kinds: &'static [StorageKind],
    about: &'static str,
) -> Key {
    row(name, Shape::SecretText, storage_key, kinds, about)
}

/// What each action can say of its storage.
#[rustfmt::skip]
pub(super) const STORAGE_KEYS: &[Key] = &[
    row("access_key", Shape::Text, "access_key", S3, "The id of the key, for `\"storage\": \"s3\"`. Without it, the environment of the service and other sources are tried, as for a storage of `freezerd.toml`.").example("\"AKIA5EXAMPLE\""),
    secret("secret_key", "secret_key", S3, "The secret key, for `\"storage\": \"s3\"`. Everybody who can read the job file can read it: better name a file with `secret_key_file`.").example("\"kX7…\""),
    row("secret_key_file", Shape::Secret, "secret_key_file", S3, "A file that holds the secret key. `%d/NAME` is a credential of the service.").example("\"/etc/freezerd/s3\""),
    row("secret_key_command", Shape::Command, "secret_key_command", S3, "A command that prints the secret key.").example("\"pass show s3\""),
    row("secret_key_env", Shape::Text, "secret_key_env", S3, "The variable of the environment of the service that holds the secret key.").example("\"S3_SECRET\""),
    row("session_token_file", Shape::Secret, "session_token_file", S3, "A file that holds the session token of keys that end soon.").example("\"/run/s3-token\""),
    row("profile", Shape::Text, "profile", S3, "The section of the file with credentials.").example("\"backup\""),
    row("credentials_file", Shape::Path, "credentials_file", S3, "A file with credentials, in the format of `~/.aws/credentials`.").example("\"/etc/freezerd/credentials\""),
    row("endpoint", Shape::Text, "endpoint", S3, "The address of the server, for `\"storage\": \"s3\"`, without a path. The container is then `BUCKET/PREFIX`. Default: Amazon's.").example("\"https://s3.example:9000\""),
    row("region", Shape::Text, "region", S3_AND_SWIFT, "The region of the container, for `\"storage\": \"s3\"` and `\"swift\"`.").example("\"eu-central-1\""),
    row("path_style", Shape::Flag, "path_style", S3, "Name the bucket in the path, and not in the name of the host.").example("true"),
    row("storage_class", Shape::Text, "storage_class", S3, "The storage class of packs that hold the content of files.").example("\"STANDARD_IA\""),
    row("archive_tier", Shape::Words(ARCHIVE_TIERS), "archive_tier", S3, "Set: a restore asks the server for packs in an archive (`GLACIER`, `DEEP_ARCHIVE`), and waits for them. The word says how fast they come. Default: they cannot be read.").example("\"standard\""),
    row("archive_days", ARCHIVE_DAYS, "archive_days", S3, "With `archive_tier`: for how many days the server keeps what it has brought back. Default: 7.").example("3"),
    row("archive_wait", Shape::Duration, "archive_wait", S3, "With `archive_tier`: how long an action waits for packs from an archive. Default: 2 days.").example("\"12 hours\""),
    row("ssh_host", Shape::Text, "host", SFTP, "The server, for `\"storage\": \"ssh\"`. The container is then a directory on it.").example("\"backup.example\""),
    row("ssh_port", PORT, "port", SFTP, "The port of the server. Default: 22.").example("2222"),
    row("ssh_username", Shape::Text, "username", SFTP, "The user at the server.").example("\"web1\""),
    row("ssh_key", Shape::Secret, "key_file", SFTP, "The secret key of SSH to log in with. Default, without a password: those in `~/.ssh`.").example("\"/root/.ssh/id_ed25519\""),
    row("ssh_key_password_file", Shape::Secret, "key_password_file", SFTP, "A file that holds the passphrase of the secret key.").example("\"/etc/freezerd/passphrase\""),
    secret("ssh_password", "password", SFTP, "The password at the server. Everybody who can read the job file can read it: better name a file with `ssh_password_file`.").example("\"kX7…\""),
    row("ssh_password_file", Shape::Secret, "password_file", SFTP, "A file that holds the password at the server.").example("\"/etc/freezerd/ssh\""),
    row("ssh_password_command", Shape::Command, "password_command", SFTP, "A command that prints the password.").example("\"pass show ssh\""),
    row("ssh_password_env", Shape::Text, "password_env", SFTP, "The variable of the environment of the service that holds the password.").example("\"SSH_PASSWORD\""),
    row("known_hosts", Shape::Path, "known_hosts", SFTP, "A file with the keys by which servers are known. A server that is not in it is refused.").example("\"/etc/freezerd/known_hosts\""),
    row("ftp_host", Shape::Text, "host", FTP, "The server, for `\"storage\": \"ftp\"` and `\"ftps\"`. The container is then a directory on it.").example("\"backup.example\""),
    row("ftp_port", PORT, "port", FTP, "The port of the server. Default: 21, and 990 with `implicit_tls`.").example("2121"),
    row("ftp_username", Shape::Text, "username", FTP, "The user at the server.").example("\"web1\""),
    secret("ftp_password", "password", FTP, "The password at the server. Everybody who can read the job file can read it: better name a file with `ftp_password_file`.").example("\"kX7…\""),
    row("ftp_password_file", Shape::Secret, "password_file", FTP, "A file that holds the password at the server.").example("\"/etc/freezerd/ftp\""),
    row("ftp_password_command", Shape::Command, "password_command", FTP, "A command that prints the password.").example("\"pass show ftp\""),
    row("ftp_password_env", Shape::Text, "password_env", FTP, "The variable of the environment of the service that holds the password.").example("\"FTP_PASSWORD\""),
    row("implicit_tls", Shape::Flag, "implicit_tls", FTPS, "The server is one on which TLS begins with the connection.").example("true"),
    Key::new("os_identity_api_version", Shape::Anything, WorkKinds::WITH_CONTAINER, "The version of Keystone. Swift is always asked through version 3.")
        .aliases(&["os_auth_ver"])
        .example("3")
        .support(Support::Kept),
    row("ca_file", Shape::Path, "ca_file", WITH_TLS, "A file with the certificates that are trusted, in PEM format.").example("\"/etc/ssl/own-ca.pem\""),
    row("insecure", Shape::Flag, "insecure", WITH_TLS, "Do not check the certificate of the server.").example("true").of_all_work(),
    row("proxy", Shape::Text, "proxy", S3_AND_SWIFT, "The address of a proxy for HTTP.").example("\"http://proxy.example:3128\"").of_all_work(),
    row("connections", CONNECTIONS, "connections", EVERY, "How many requests the server gets at the same time. A server that wants fewer gets fewer for a while. Default: 5.").example("3"),
    row("osrc", Shape::Secret, "osrc", SWIFT, "A file with the variables of the cloud, for `\"storage\": \"swift\"`, such as `export OS_AUTH_URL=https://cloud.example:5000/v3`. No shell reads it. Default: the environment of the service.").example("\"/etc/freezer/openrc\""),
    row("interface", Shape::Text, "interface", SWIFT, "Which address of the object store is used: `public`, `internal` or `admin`.").example("\"internal\""),
];
