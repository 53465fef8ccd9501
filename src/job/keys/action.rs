//! The keys of `freezer_action`.

use super::drill::DRILL_KEYS;
use super::joined;
use super::keep::{KEEP_KEYS, REMOVAL_KEYS, REMOVAL_RULES};
use super::key::{Key, Support};
use super::shape::{Bounds, Shape};
use super::storage::STORAGE_KEYS;
use crate::job::kind::{WorkKind, WorkKinds};

const ALL: WorkKinds = WorkKinds::ALL;
const WITH_CONTAINER: WorkKinds = WorkKinds::WITH_CONTAINER;
const WITH_SNAPSHOTS: WorkKinds = WorkKinds::WITH_SNAPSHOTS;
const BACKUP: WorkKinds = WorkKinds::of(&[WorkKind::Backup]);
const BACKUP_AND_ADMIN: WorkKinds = BACKUP.with(WorkKind::Admin);
const RESTORE: WorkKinds = WorkKinds::of(&[WorkKind::Restore]);
const ADMIN: WorkKinds = WorkKinds::of(&[WorkKind::Admin]);
const COPY: WorkKinds = WorkKinds::of(&[WorkKind::Copy]);
const BACKUP_AND_COPY: WorkKinds = BACKUP.with(WorkKind::Copy);
const WITH_PATHS: WorkKinds = BACKUP_AND_ADMIN
    .with(WorkKind::Restore)
    .with(WorkKind::Copy)
    .with(WorkKind::Drill);
const EXEC: WorkKinds = WorkKinds::of(&[WorkKind::Exec]);
const EXEC_AND_DRILL: WorkKinds = EXEC.with(WorkKind::Drill);
const CHECK: WorkKinds = WorkKinds::of(&[WorkKind::Check]);

const ADMIN_RULES: &[&str] = &REMOVAL_RULES;

/// Keys of which an action of this kind needs one; empty: no such choice.
pub const fn one_of(kind: WorkKind) -> &'static [&'static str] {
    match kind {
        WorkKind::Admin => ADMIN_RULES,
        WorkKind::Backup
        | WorkKind::Restore
        | WorkKind::Info
        | WorkKind::Exec
        | WorkKind::Check
        | WorkKind::Copy
        | WorkKind::Drill => &[],
    }
}

const LEVEL: Shape = Shape::Number(Bounds {
    least: 0.0,
    most: 1_000_000.0,
    whole: true,
    unit: "levels",
});

const NOT_YET: &str = "this version backs up file trees only";
const NO_VOLUMES: &str =
    "this version does not make snapshots of volumes: it reads the files as they are";
const NO_SUCH_STORAGE: &str =
    "this version has no such storage; `freezerd.toml` can define others, which `storage` names";

const NO_CLIENT_CERTIFICATE: &str =
    "this version logs in with a password, and shows the server no certificate of its own";

const fn ignored(name: &'static str, about: &'static str, instead: &'static str) -> Key {
    Key::new(name, Shape::Anything, ALL, about).support(Support::NoEffect(instead))
}

const fn unsupported(name: &'static str, about: &'static str, why: &'static str) -> Key {
    Key::new(name, Shape::Anything, ALL, about).support(Support::Unsupported(why))
}

/// The keys of `freezer_action` and `action_defaults`.
pub const ACTION_KEYS: &[Key] = &ALL_KEYS;

static ALL_KEYS: [Key; OWN_KEYS.len()
    + KEEP_KEYS.len()
    + REMOVAL_KEYS.len()
    + DRILL_KEYS.len()
    + STORAGE_KEYS.len()] = joined(&[OWN_KEYS, &KEEP_KEYS, REMOVAL_KEYS, DRILL_KEYS, STORAGE_KEYS]);

/// Those that do not describe a storage.
const OWN_KEYS: &[Key] = &[
    Key::new("action", Shape::Words(&WorkKind::WORDS), ALL, "The kind of work.")
    .example("\"backup\"").default("\"backup\""),
    Key::new("backup_name", Shape::BackupName, ALL, "The name of the backup, which identifies its snapshots together with the name of the host.").required(WITH_SNAPSHOTS, "\"home\""),
    Key::new("container", Shape::Container, ALL, "Where the snapshots are kept: an absolute path, or a name under the configured container root. In a storage of `freezerd.toml`: a name, which may have slashes.")
        .required(WITH_CONTAINER, "\"/srv/backups\""),
    Key::new("storage", Shape::Storage, ALL, "The storage that the container is in: `local`, the name of a storage of `freezerd.toml`, or `s3`, `swift`, `sftp` (`ssh`), `ftp` or `ftps`, which other keys then describe.")
    .example("\"local\"").default("\"local\""),
    Key::new("mode", Shape::Mode, ALL, "What is backed up: `fs`, files and directories.")
    .example("\"fs\"").default("\"fs\""),
    Key::new("hostname", Shape::HostName, ALL, "The host that the snapshots belong to. Default: this host.")
    .example("\"web1\"").host_by_default(),
    Key::new("log_file", Shape::Path, ALL, "A file to which the log of the action is appended too.")
    .example("\"/var/log/freezerd/home.log\""),
    Key::new("max_priority", Shape::Flag, ALL, "Run at raised instead of lowered CPU and I/O priority.")
    .example("true")
        .aliases(&["max_cpu_priority"])
        .default("false"),
    Key::new("dry_run", Shape::Flag, ALL, "Report what would be done, and change nothing.")
    .example("true").default("false"),
    Key::new(
        "timeout",
        Shape::Number(Bounds { least: 1.0, most: 315_360_000.0, whole: false, unit: "seconds" }),
        ALL,
        "An attempt that takes more than this number of seconds is ended, and fails. The same key beside \
         `freezer_action` has the same meaning.",
    )
    .example("7200"),
    Key::new(
        "stall_timeout",
        Shape::Number(Bounds { least: 0.0, most: 315_360_000.0, whole: false, unit: "seconds" }),
        ALL,
        "An attempt that shows no progress for this number of seconds is ended, and fails. The progress of a command is \
         its output. The progress of other actions is what they read, write or begin. The time in which an action waits \
         for a container does not count. 0: no limit. Default: the `stall_timeout` of the daemon. The same key beside \
         `freezer_action` has the same meaning.",
    )
    .example("1800"),
    Key::new(
        "encrypt_pass_file",
        Shape::Secret,
        ALL,
        "A file that holds the password of the container, and no pipe: each attempt reads it again. The line end at its end is \
         not a part of the password. \
         `%d/NAME` is a credential that systemd gives to the service (`LoadCredential=NAME:FILE`). Default: the empty \
         password.",
    )
    .example("\"/etc/freezerd/password\""),
    Key::new(
        "upload_limit",
        Shape::Rate,
        ALL,
        "The most bytes a second that the action writes to its container: a number, or a text such as `500K` or `10M`. `M` \
         and `MiB` are powers of 1024, `MB` is a power of 1000. 0, -1 and `off`: no limit. Or a list of windows, see LIMITS. \
         Default: the `upload_limit` of the storage, else of the settings.",
    )
    .example("[\"mon-fri 08:00-18:00 2M\", \"20M\"]"),
    Key::new(
        "download_limit",
        Shape::Rate,
        ALL,
        "The most bytes a second that the action reads from its container, as in `upload_limit`. Default: the \
         `download_limit` of the storage, else of the settings.",
    )
    .example("\"50M\""),
    Key::new(
        "path_to_backup",
        Shape::Paths,
        WITH_PATHS,
        "The file or directory to back up, or a list of them. They become one snapshot. In a restore, in an action \
         `admin`, in a copy and in a drill, it chooses the snapshots of this path.",
    )
    .aliases(&["src_file"])
    .required(BACKUP, "\"/home\""),
    Key::new("exclude", Shape::Patterns, BACKUP, "What to leave out: a pattern, or a list of patterns, as in `.gitignore` files. See PATTERNS.")
    .example("[\"*.tmp\", \"cache/\"]"),
    Key::new(
        "exclude_from",
        Shape::Paths,
        BACKUP,
        "A file with patterns for what to leave out, one in each line, or a list of files. Empty lines and lines that \
         begin with `#` do not count. The patterns come after those of `exclude`. Each backup reads the file; if the \
         file cannot be read, the backup fails before it writes anything.",
    )
    .example("\"/etc/freezerd/excludes\""),
    Key::new(
        "exclude_if_present",
        Shape::Markers,
        BACKUP,
        "Leave out what is in a directory that has a file of this name, except for this file. With `NAME:HEADER`, the \
         file must begin with HEADER.",
    )
    .example("\".nobackup\""),
    Key::new(
        "exclude_caches",
        Shape::Flag,
        BACKUP,
        "Leave out what is in a directory that has a file `CACHEDIR.TAG` as the Cache Directory Tagging Specification \
         describes it, except for this file.",
    )
    .example("true")
    .default("false"),
    Key::new(
        "exclude_larger_than",
        Shape::Size,
        BACKUP,
        "Leave out files with more bytes: a number, or a text such as `100M` or `1.5 GiB`. `M` and `MiB` are powers of \
         1024, `MB` is a power of 1000.",
    )
    .example("\"4 GiB\""),
    Key::new(
        "one_file_system",
        Shape::Flag,
        BACKUP,
        "Stay on the file systems that the sources are on. A directory where another one is mounted is backed up as an \
         empty directory. The file systems of the kernel, such as `/proc` and `/sys`, are never entered, unless a source \
         is one of them.",
    )
    .example("true")
    .default("false"),
    Key::new(
        "dereference_symlink",
        Shape::Links,
        BACKUP,
        "Back up what symbolic links lead to instead of the links. `soft` and `all` are the same as `true`, `none` is \
         the same as `false`. `hard` has no effect: hard links are always backed up as hard links. A link that leads \
         nowhere, or to a directory that it lies in, is backed up as a link.",
    )
    .example("true")
    .default("false"),
    Key::new("no_incremental", Shape::Flag, BACKUP, "Read every byte in each backup: level 0.")
    .example("true"),
    Key::new("incremental", Shape::Flag, BACKUP, "The opposite of `no_incremental`.")
    .example("false").default("true"),
    Key::new("max_level", LEVEL, BACKUP, "The highest level. The backup after it has level 0.")
    .example("6").aliases(&["max_backup_level"]),
    Key::new("always_level", LEVEL, BACKUP, "The level at which backups stay once they reach it.")
    .example("3").aliases(&["always_backup_level"]),
    Key::new("restart_always_level", Shape::Number(Bounds::DAYS), BACKUP, "The number of days after which a level 0 is followed by a new one.")
    .example("30")
        .aliases(&["restart_always_backup"]),
    Key::new("compression", Shape::Compression, BACKUP, "How hard zstd compresses: a level from -7 to 22.")
    .example("10"),
    Key::new("ignore_unreadable", Shape::Patterns, BACKUP, "Patterns for paths that may be unreadable. A backup without them is still complete. See PATTERNS.")
    .example("\"lost+found/\""),
    Key::new("allow_empty", Shape::Flag, BACKUP, "Accept an empty directory even if the last snapshot had files.")
    .example("true").default("false"),
    Key::new("allow_new_container", Shape::Flag, BACKUP_AND_COPY, "Begin anew even if the repository that holds earlier backups or copies of the job is gone, or has no snapshot any more.")
    .example("true").default("false"),
    Key::new(
        "remove_older_than",
        Shape::Age,
        BACKUP_AND_ADMIN,
        "Remove snapshots with this host and name that are older than this number of days, more than 0, and that no `keep_…` key \
         keeps. Of each path, the newest snapshot and the newest whole one always stay. After a backup: only snapshots that \
         have one of its paths.",
    )
    .example("90"),
    Key::new("sync", Shape::Flag, BACKUP, "Flush file system buffers before the backup.")
        .support(Support::NoEffect("a backup reads files through the cache that they were written to")),
    Key::new("consistency_check", Shape::Flag, BACKUP, "Compute a checksum of the files before the backup.")
        .support(Support::NoEffect("every piece is stored under its SHA-256, which each restore verifies")),
    Key::new("restore_abs_path", Shape::Path, RESTORE, "The directory to restore the snapshot into.").required(RESTORE, "\"/srv/restored\""),
    Key::new("restore_from_date", Shape::Date, RESTORE, "Restore the newest snapshot that is not later than this moment.")
    .example("\"2026-11-01T00:00:00\""),
    Key::new("restore_from_host", Shape::HostName, RESTORE, "The host whose snapshot is restored. Default: `hostname`, or this host.")
    .example("\"web1\""),
    Key::new(
        "restore_from_path",
        Shape::Path,
        RESTORE,
        "Restore only this file or directory of the snapshot: the path that was backed up. A file gets its own name in \
         the target. What is in a directory goes directly into the target.",
    )
    .example("\"/home/ada\""),
    Key::new(
        "restore_include",
        Shape::Patterns,
        RESTORE,
        "Restore only what matches: a pattern, or a list of patterns, as in `.gitignore` files. A directory that \
         matches is restored with what is in it. A pattern that matches nothing makes the restore fail. See PATTERNS.",
    )
    .example("[\"*.odt\", \"/letters/\"]"),
    Key::new(
        "restore_exclude",
        Shape::Patterns,
        RESTORE,
        "Do not restore what matches: a pattern, or a list of patterns. See PATTERNS.",
    )
    .example("\"*.tmp\""),
    Key::new(
        "overwrite",
        Shape::Flag,
        RESTORE,
        "Replace files that differ from the snapshot. Otherwise they are kept, and the action fails. Files that are not \
         in the snapshot stay, unless `delete_extra` is set.",
    )
    .example("true")
    .default("false"),
    Key::new(
        "delete_extra",
        Shape::Flag,
        RESTORE,
        "Delete what the snapshot does not hold. What the backup left out stays. Nothing is deleted if the snapshot is \
         partial, if something could not be restored, or if the target is `/` or has the container, the state \
         directory or a mount point in it.",
    )
    .example("true")
    .default("false"),
    Key::new(
        "numeric_owner",
        Shape::Flag,
        RESTORE,
        "Restore owners by the numbers in the snapshot. Otherwise a user or group whose name exists on this host gets \
         the number that it has here.",
    )
    .example("true")
    .default("false"),
    Key::new("verify", Shape::Flag, RESTORE, "Read every restored file again and compare it with the snapshot.")
    .example("true").default("false"),
    Key::new("consistency_checksum", Shape::Anything, RESTORE, "The checksum that the restored files should have.")
        .support(Support::NoEffect("each piece is compared with its SHA-256 before it is written; `verify` also reads the restored files again")),
    Key::new("remove_from_date", Shape::Date, ADMIN, "Remove snapshots with this host and name that were made before this moment, and that no `keep_…` key keeps. Of each path, the newest snapshot and the newest whole one always stay.")
    .example("\"2026-01-01T00:00:00\""),
    Key::new(
        "command",
        Shape::Command,
        EXEC_AND_DRILL,
        "A text that `/bin/sh -c` runs, or a list of a program and its arguments. In a drill, it runs on the restored files: its \
         working directory has their full paths (`srv/www/index.html`), and is also in `FREEZERD_DRILL_DIRECTORY`, the id of the \
         snapshot is in `FREEZERD_DRILL_SNAPSHOT`. Another exit code than 0 makes the drill fail. What \
         it leaves running is told to end, and killed after `stop_grace`.",
    )
    .required(EXEC, "\"/usr/local/bin/prepare\""),
    Key::new(
        "max_unused",
        Shape::MaxUnused,
        ADMIN,
        "How much may stay in the container that no snapshot needs: a share such as `5%`, a size, or `unlimited`. To free \
         more, more data is copied.",
    )
    .example("\"10%\"")
    .default("\"5%\""),
    Key::new("max_repack", Shape::Size, ADMIN, "The most data that is copied in one run to free space, such as `20 GB`. Default: no limit.")
    .example("\"20 GB\""),
    Key::new(
        "read_data",
        Shape::ReadData,
        CHECK,
        "How much of the data is read and verified, beside the structure: `true` for all of it, or a share: `5%` or `20 GB` \
         are chosen at random, `2/10` is the second of ten parts.",
    )
    .example("\"5%\"")
    .default("false"),
    Key::new(
        "read_data_parts",
        Shape::Number(Bounds { least: 1.0, most: 1000.0, whole: true, unit: "parts" }),
        CHECK,
        "Each run reads and verifies one of so many parts of the data: the one that was read longest ago. After that many \
         runs, all data was read.",
    )
    .example("30"),
    Key::new("allow_missing", Shape::Flag, CHECK, "Succeed if there is no repository yet: the container is empty or does not exist. If earlier backups of the host went there, it is a failure all the same.")
    .example("true").default("false"),
    Key::new(
        "targets",
        Shape::Targets,
        BACKUP,
        "Further containers: a list of objects with the keys `storage`, `container`, `encrypt_pass_file`, \
         `remove_older_than` and `keep`. Each is an action of its own in the run, with its own attempts. The new snapshot is copied \
         from a container that has it; without one, the source is read again. If one fails, the others go on.",
    )
    .example("[{\"container\": \"/mnt/second-disk/www\", \"encrypt_pass_file\": \"/etc/freezerd/second-disk\"}]"),
    Key::new(
        "to_container",
        Shape::Container,
        COPY,
        "The container that the snapshots are copied to, as in `container`. It gets a repository if it has none.",
    )
    .required(COPY, "\"/mnt/usb/backups\""),
    Key::new("to_storage", Shape::Storage, COPY, "The storage that `to_container` is in.")
    .example("\"local\"").default("\"local\""),
    Key::new(
        "to_encrypt_pass_file",
        Shape::Secret,
        COPY,
        "A file that holds the password of `to_container`, as in `encrypt_pass_file`. Default: the empty password.",
    )
    .example("\"/etc/freezerd/offsite-password\""),
    // Keys of Freezer that this program does not need.
    ignored("engine_name", "Freezer's engine.", "snapshots are kept in restic's format").aliases(&["engine"]),
    ignored("max_segment_size", "The size of an uploaded piece.", "freezerd cuts files where their content says").aliases(&["max_seg_size"]),
    ignored("metadata_out", "A file for the backup's metrics.", "the numbers of every run are in the ledger: see `freezerd history`"),
    ignored("rsync_block_size", "The block size of the rsync engine.", "freezerd cuts files where their content says"),
    ignored("quiet", "Suppress messages.", "the log of the action is kept with its run"),
    ignored("log_level", "How much is logged.", "the log of the action is kept with its run"),
    ignored("log_config_append", "A configuration for the logging of Python.", "the log of the action is kept with its run"),
    ignored("debug", "Log more.", "the log of the action is kept with its run"),
    ignored("verbose", "Log more.", "the log of the action is kept with its run"),
    ignored("config", "A file with more arguments.", "freezerd does not read it: write its keys here"),
    ignored("version", "Print the version.", "a job does not need it"),
    ignored("temp_resource_prefix", "A prefix for temporary names in OpenStack.", "freezerd creates nothing in OpenStack"),
    ignored("project_id", "The OpenStack project to back up.", "freezerd backs up nothing of OpenStack"),
    ignored("windows_volume", "The volume of Windows to back up.", "this program runs on Linux"),
    ignored("shadow", "A shadow copy of Windows.", "this program runs on Linux"),
    ignored("shadow_path", "A shadow copy of Windows.", "this program runs on Linux"),
    ignored("volume", "The volume of Windows to back up.", "this program runs on Linux"),
    // Keys of Freezer for what this version does not have.
    unsupported("snapshot", "Back up from a snapshot of the volume.", NO_VOLUMES),
    unsupported("lvm_auto_snap", "The volume group that holds the volume of the snapshot.", NO_VOLUMES),
    unsupported("lvm_srcvol", "The volume to make a snapshot of.", NO_VOLUMES),
    unsupported("lvm_snapname", "The name of the snapshot.", NO_VOLUMES),
    unsupported("lvm_snapperm", "The permission of the snapshot.", NO_VOLUMES).aliases(&["lvm_snap_perm"]),
    unsupported("lvm_snapsize", "The size of the snapshot.", NO_VOLUMES),
    unsupported("lvm_dirmount", "The directory to mount the snapshot on.", NO_VOLUMES),
    unsupported("lvm_volgroup", "The volume group of the snapshot.", NO_VOLUMES),
    unsupported("mysql_conf", "How to reach a MySQL server.", NOT_YET).aliases(&["mysql_conf_file"]),
    unsupported("storages", "Several storages at once.", NO_SUCH_STORAGE),
    unsupported("ftp_keyfile", "The secret key of the client, for FTPS.", NO_CLIENT_CERTIFICATE),
    unsupported("ftp_certfile", "The certificate of the client, for FTPS.", NO_CLIENT_CERTIFICATE),
];
