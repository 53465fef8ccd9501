//! The keys of `freezer_action`.

use super::{Key, Shape, Standing, Works};

const ALL: Works = Works::ALL;
const BACKUP: Works = Works::BACKUP;
const RESTORE: Works = Works::RESTORE;
const WITH_CONTAINER: Works = Works::BACKUP
    .and(Works::RESTORE)
    .and(Works::ADMIN)
    .and(Works::INFO)
    .and(Works::CHECK);
const WITH_NAME: Works = Works::BACKUP.and(Works::RESTORE).and(Works::ADMIN);

/// What each kind of work does; the words of `action`.
pub(super) const ACTIONS: &[(&str, &str)] = &[
    ("backup", "a file tree into a container"),
    ("restore", "a snapshot back into a file tree"),
    ("admin", "removes old snapshots"),
    ("info", "lists what a container holds"),
    ("exec", "runs a command"),
    ("check", "verifies a container"),
];

const MODES: &[(&str, &str)] = &[("fs", "files and directories")];
const STORAGES: &[(&str, &str)] = &[("local", "a directory of this host")];

const LEVEL: Shape = Shape::Number {
    least: 0.0,
    most: 1_000_000.0,
    whole: true,
    unit: "levels",
};
const DAYS: Shape = Shape::Number {
    least: 0.0,
    most: 365_000.0,
    whole: false,
    unit: "days",
};

const NOT_YET: &str = "this version backs up file trees only";
const NO_VOLUMES: &str =
    "this version makes no snapshots of volumes: it reads the files as they are";
const LOCAL_ONLY: &str = "this version has `storage: local` only";
const NO_NETWORK: &str = "a local container needs no network";

const fn ignored(name: &'static str, about: &'static str, instead: &'static str) -> Key {
    Key::new(name, Shape::Anything, ALL, about).standing(Standing::NoEffect(instead))
}

const fn unsupported(name: &'static str, about: &'static str, why: &'static str) -> Key {
    Key::new(name, Shape::Anything, ALL, about).standing(Standing::Unsupported(why))
}

/// The keys of `freezer_action` and `action_defaults`.
pub const ACTION_KEYS: &[Key] = &[
    Key::new("action", Shape::Words(ACTIONS), ALL, "What is done.").default("\"backup\""),
    Key::new("backup_name", Shape::Text, ALL, "The name that a backup's snapshots are found by, together with the host's.").required(WITH_NAME),
    Key::new("container", Shape::Text, ALL, "Where the snapshots are kept: an absolute path, or a name under the configured container root.")
        .required(WITH_CONTAINER),
    Key::new("storage", Shape::Words(STORAGES), ALL, "What kind of place the container is in.").default("\"local\""),
    Key::new("mode", Shape::Words(MODES), ALL, "What is backed up: `fs`, files and directories.").default("\"fs\""),
    Key::new("hostname", Shape::Text, ALL, "The host that the snapshots belong to. Without it: this host."),
    Key::new("log_file", Shape::Path, ALL, "A file that the action's log is appended to as well."),
    Key::new("max_priority", Shape::Flag, ALL, "Run at raised instead of lowered CPU and I/O priority.")
        .aliases(&["max_cpu_priority"])
        .default("false"),
    Key::new("dry_run", Shape::Flag, ALL, "Say what would be done, and change nothing.").default("false"),
    Key::new(
        "timeout",
        Shape::Number { least: 1.0, most: 315_360_000.0, whole: false, unit: "seconds" },
        ALL,
        "An attempt that takes longer than so many seconds is ended, and has failed. The same key beside \
         `freezer_action` means the same.",
    ),
    Key::new(
        "stall_timeout",
        Shape::Number { least: 0.0, most: 315_360_000.0, whole: false, unit: "seconds" },
        ALL,
        "An attempt that shows no progress for so many seconds is ended, and has failed. Of a command its output counts, \
         of everything else what it reads, writes or begins; waiting for a container does not count against it. 0: \
         never. Without it: as the daemon's `stall_timeout` says. The same key beside `freezer_action` means the same.",
    ),
    Key::new(
        "encrypt_pass_file",
        Shape::Secret,
        ALL,
        "A file whose content, less its last line end, is the container's password. `%d/NAME` is a credential that \
         systemd gives the service (`LoadCredential=NAME:FILE`). Without it the password is empty.",
    ),
    ignored("upload_limit", "A limit of bytes a second.", NO_NETWORK),
    ignored("download_limit", "A limit of bytes a second.", NO_NETWORK),
    ignored("proxy", "A proxy for HTTP.", NO_NETWORK),
    ignored("insecure", "Do not check certificates.", NO_NETWORK),
    Key::new("path_to_backup", Shape::Path, BACKUP, "The file or directory that is backed up.")
        .aliases(&["src_file"])
        .required(BACKUP),
    Key::new("exclude", Shape::Patterns, BACKUP, "A shell pattern of what is left out, or a list of them."),
    Key::new("dereference_symlink", Shape::Links, BACKUP, "Back up what symbolic links point to instead of the links.").default("false"),
    Key::new("no_incremental", Shape::Flag, BACKUP, "Read every byte in each backup: level 0."),
    Key::new("incremental", Shape::Flag, BACKUP, "The opposite of `no_incremental`.").default("true"),
    Key::new("max_level", LEVEL, BACKUP, "After this level comes a level 0 again.").aliases(&["max_backup_level"]),
    Key::new("always_level", LEVEL, BACKUP, "Levels go up to this one and stay there.").aliases(&["always_backup_level"]),
    Key::new("restart_always_level", DAYS, BACKUP, "A level 0 that is older than so many days is followed by a new one.")
        .aliases(&["restart_always_backup"]),
    Key::new("compression", Shape::Compression, BACKUP, "How hard zstd compresses: a level from -7 to 22."),
    Key::new("ignore_unreadable", Shape::Patterns, BACKUP, "Shell patterns of paths that may be unreadable without the backup being partial."),
    Key::new("allow_empty", Shape::Flag, BACKUP, "An empty directory is fine even though the last snapshot had files.").default("false"),
    Key::new("allow_new_container", Shape::Flag, BACKUP, "Begin a new repository even though the one that earlier backups of the job went to is gone.").default("false"),
    Key::new(
        "remove_older_than",
        DAYS,
        BACKUP.and(Works::ADMIN),
        "Remove snapshots of this host and name that are older than so many days. The newest always stays.",
    ),
    Key::new("sync", Shape::Flag, BACKUP, "Flush file system buffers before the backup.")
        .standing(Standing::NoEffect("files are read through the same cache that they were written to")),
    Key::new("consistency_check", Shape::Flag, BACKUP, "Take a checksum of the files before the backup.")
        .standing(Standing::NoEffect("every piece is kept under its SHA-256, which each restore verifies")),
    Key::new("restore_abs_path", Shape::Path, RESTORE, "The directory that the snapshot is restored into.").required(RESTORE),
    Key::new("restore_from_date", Shape::Date, RESTORE, "Restore the newest snapshot that is not later than this."),
    Key::new("restore_from_host", Shape::Text, RESTORE, "The host whose snapshot is restored. Without it: `hostname`, or this host."),
    Key::new("overwrite", Shape::Flag, RESTORE, "Make the target what the snapshot holds. Otherwise files that differ are kept, and the action fails.")
        .default("false"),
    Key::new("consistency_checksum", Shape::Anything, RESTORE, "The checksum that the restored files should have.")
        .standing(Standing::NoEffect("each restored piece is verified against its SHA-256")),
    Key::new("remove_from_date", Shape::Date, Works::ADMIN, "Remove snapshots of this host and name that were made before this moment. The newest always stays."),
    Key::new("command", Shape::Command, Works::EXEC, "A text is run by `/bin/sh -c`; a list is a program and its arguments.").required(Works::EXEC),
    Key::new("read_data", Shape::Flag, Works::CHECK, "Read and verify every byte of the container, not only its structure.").default("false"),
    // What Freezer has and this program has no use for.
    ignored("engine_name", "Freezer's engine.", "snapshots are kept in restic's format").aliases(&["engine"]),
    ignored("max_segment_size", "The size of an uploaded piece.", "pieces are cut by their content").aliases(&["max_seg_size"]),
    ignored("metadata_out", "A file for the backup's metrics.", "every run's numbers are in the ledger: see `freezerd history`"),
    ignored("rsync_block_size", "The block size of the rsync engine.", "pieces are cut by their content"),
    ignored("quiet", "Suppress messages.", "the action's log is kept with its run"),
    ignored("log_level", "How much is logged.", "the action's log is kept with its run"),
    ignored("log_config_append", "A configuration of Python's logging.", "the action's log is kept with its run"),
    ignored("debug", "Log more.", "the action's log is kept with its run"),
    ignored("verbose", "Log more.", "the action's log is kept with its run"),
    ignored("config", "A file with more arguments.", "it is not read: write its keys here"),
    ignored("version", "Print the version.", "a job has no use for it"),
    ignored("temp_resource_prefix", "The beginning of temporary names in OpenStack.", "nothing is made in OpenStack"),
    ignored("project_id", "The OpenStack project to back up.", "nothing of OpenStack is backed up"),
    ignored("windows_volume", "The volume of Windows to back up.", "this program runs on Linux"),
    ignored("shadow", "A shadow copy of Windows.", "this program runs on Linux"),
    ignored("shadow_path", "A shadow copy of Windows.", "this program runs on Linux"),
    ignored("volume", "The volume of Windows to back up.", "this program runs on Linux"),
    // What this version does not have.
    unsupported("snapshot", "Back up from a snapshot of the volume.", NO_VOLUMES),
    unsupported("lvm_auto_snap", "The volume group to find the snapshot's volume in.", NO_VOLUMES),
    unsupported("lvm_srcvol", "The volume to make a snapshot of.", NO_VOLUMES),
    unsupported("lvm_snapname", "The snapshot's name.", NO_VOLUMES),
    unsupported("lvm_snapperm", "The snapshot's permission.", NO_VOLUMES).aliases(&["lvm_snap_perm"]),
    unsupported("lvm_snapsize", "The snapshot's size.", NO_VOLUMES),
    unsupported("lvm_dirmount", "Where the snapshot is mounted.", NO_VOLUMES),
    unsupported("lvm_volgroup", "The snapshot's volume group.", NO_VOLUMES),
    unsupported("mysql_conf", "How to reach a MySQL server.", NOT_YET).aliases(&["mysql_conf_file"]),
    unsupported("storages", "Several storages at once.", LOCAL_ONLY),
    unsupported("access_key", "The access key of S3.", LOCAL_ONLY),
    unsupported("secret_key", "The secret key of S3.", LOCAL_ONLY),
    unsupported("endpoint", "The address of S3.", LOCAL_ONLY),
    unsupported("ssh_key", "The key for SFTP.", LOCAL_ONLY),
    unsupported("ssh_username", "The user of SFTP.", LOCAL_ONLY),
    unsupported("ssh_password", "The password of SFTP.", LOCAL_ONLY),
    unsupported("ssh_host", "The host of SFTP.", LOCAL_ONLY),
    unsupported("ssh_port", "The port of SFTP.", LOCAL_ONLY),
    unsupported("ftp_username", "The user of FTP.", LOCAL_ONLY),
    unsupported("ftp_password", "The password of FTP.", LOCAL_ONLY),
    unsupported("ftp_host", "The host of FTP.", LOCAL_ONLY),
    unsupported("ftp_port", "The port of FTP.", LOCAL_ONLY),
    unsupported("ftp_keyfile", "The key for FTPS.", LOCAL_ONLY),
    unsupported("ftp_certfile", "The certificate for FTPS.", LOCAL_ONLY),
];
