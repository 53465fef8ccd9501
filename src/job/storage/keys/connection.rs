//! How a storage is reached.

use super::{ALL, HTTP, RCLONE, StorageKey, WITH_TLS, key};

pub(super) const KEYS: &[StorageKey] = &[
    key(
        "program",
        RCLONE,
        "text",
        "The program rclone: a path, or a name that is looked up in `PATH`. Default: `rclone`.",
    ),
    key(
        "config_file",
        RCLONE,
        "path",
        "The file of rclone's configuration. Default: the one that rclone looks for, `~/.config/rclone/rclone.conf`. \
         systemd does not tell the service a home directory, so name the file there.",
    ),
    key(
        "config_password_file",
        RCLONE,
        "path",
        "A file that holds the password of an encrypted configuration. It is read as `password_file` is.",
    ),
    key(
        "config_password_command",
        RCLONE,
        "text, or list of words",
        "A command that prints the password of the configuration. It is run as `password_command` is.",
    ),
    key(
        "config_password_env",
        RCLONE,
        "name",
        "The variable of the environment of the service that holds the password of the configuration.",
    ),
    key(
        "arguments",
        RCLONE,
        "list of words",
        "Further options of `rclone serve restic`, for example `[\"--fast-list\"]`. Everybody on this host can see them: \
         write no secret here. Options can also be in the environment of the service (`RCLONE_FAST_LIST=true`).",
    ),
    key(
        "ca_file",
        WITH_TLS,
        "path",
        "A file with the certificates that are trusted, in PEM format. Default: those that the system trusts.",
    ),
    key(
        "insecure",
        WITH_TLS,
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
        "How many requests the server gets at the same time, from 1 to 64. Those about lock files are not counted. A server \
         that wants fewer gets fewer for a while. Default: 5.",
    ),
    key(
        "timeout",
        ALL,
        "number",
        "A connection on which nothing moves for so many seconds is given up, from 1 to 86400. A large file on a slow line \
         has no time limit. Default: 300 for `rclone` and `rest`, 120 for the others.",
    ),
    key(
        "network_wait",
        ALL,
        "duration, or `off`",
        "How long an action waits for the server if it cannot be reached when the action begins, for example `30 minutes`. \
         Without effect on `rclone`, which tries by itself. Default: the setting `network_wait`.",
    ),
    key(
        "retry_for",
        ALL,
        "duration",
        "For how long a request that fails is tried again once the server has answered, for example `1 hour`, if its fault \
         may pass: the connection breaks, or the server is busy. Default: 15 minutes.",
    ),
    key(
        "upload_limit",
        ALL,
        "rate, or list of windows",
        "The most bytes a second that an action writes to the storage, as the key `upload_limit` of a job, for example \
         `[\"mon-fri 08:00-18:00 2M\", \"20M\"]`. `off`: no limit. An action that says it itself has its own limit. Default: the \
         setting `upload_limit`.",
    ),
    key(
        "download_limit",
        ALL,
        "rate, or list of windows",
        "The most bytes a second that an action reads from the storage, as `upload_limit`. Default: the setting \
         `download_limit`.",
    ),
];
