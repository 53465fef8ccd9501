//! Where a storage is.

use super::{ALL, FTPS, RCLONE, S3, SWIFT, StorageKey, WITH_ENDPOINT, WITH_HOST, WITH_REGION, key};

pub(super) const KEYS: &[StorageKey] = &[
    key(
        "kind",
        ALL,
        "word",
        "The kind of the storage. `ftp` is a server that speaks FTP, and `ftps` one that speaks FTP with TLS. `rclone` is a remote of the program rclone. `rest` is a server that speaks restic's REST protocol, such as `rest-server`, or \
         `rclone serve restic`. `s3` is Amazon S3, or a server that speaks its protocol. `sftp` is a server that speaks \
         SFTP, the file transfer of SSH. `swift` is OpenStack Swift, with Keystone. Required.",
    ),
    key(
        "endpoint",
        WITH_ENDPOINT,
        "URL",
        "The address of the server. For `rest`, of the directory that the containers are in, for example \
         `https://backup.example:8000/web1`, or `http+unix:///run/rest.sock:/web1` for a server at a socket of this host. For `s3`, without a path; default: Amazon's. It contains no user and no \
         password.",
    ),
    key(
        "remote",
        RCLONE,
        "NAME:PATH",
        "The remote of rclone, and the directory in it that the containers are in, for example `drive:backups`. Required. \
         A remote is defined in rclone's configuration (`rclone config`); parameters are not written here.",
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
        "archive_tier",
        S3,
        "word",
        "Set: a restore, a drill or a copy asks the server for the packs that it needs and that are in an archive (`GLACIER`, \
         `DEEP_ARCHIVE`), and waits for them. The word says how fast they come, and at what price: `standard`, `bulk` or \
         `expedited`. Default: nothing is asked for, and packs in an archive cannot be read.",
    ),
    key(
        "archive_days",
        S3,
        "number",
        "With `archive_tier`: for how many days the server keeps what it has brought back. Default: 7.",
    ),
    key(
        "archive_wait",
        S3,
        "duration",
        "With `archive_tier`: how long an action waits for packs from an archive, for example `12 hours`. Default: \
         2 days.",
    ),
    key(
        "retain_days",
        S3,
        "number",
        "For a bucket with object lock: for how many days it keeps the files of the container that are in use. When half \
         of this time is over, a backup renews it. Default: it is not renewed, and each file can be removed when the \
         time is over that the bucket gave it.",
    ),
    key(
        "host",
        WITH_HOST,
        "text",
        "The name or the address of the server, for example `backup.example`. Required.",
    ),
    key(
        "port",
        WITH_HOST,
        "number",
        "The port of the server. Default: 22 for `sftp`, 21 for `ftp` and `ftps`, 990 with `implicit_tls`.",
    ),
    key(
        "implicit_tls",
        FTPS,
        "true or false",
        "TLS begins with the connection, as some old servers want it on port 990. Default: `false`: the server is asked \
         for TLS before the login, on the usual port.",
    ),
    key(
        "directory",
        WITH_HOST,
        "path",
        "The directory on the server that the containers are in. One without a slash in front begins in the directory in \
         which the login begins. Default: that directory.",
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
];
