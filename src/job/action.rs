//! What one action of a job asks for, validated and resolved: paths are absolute, names have their defaults.
//!
//! These types cross the pipe to the agent as JSON, so they are plain data.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::location::Location;

/// One entry of `job_actions`: an action and how hard the scheduler tries.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobAction {
    /// What is to be done.
    pub action: Action,
    /// Runs even though an earlier action of the run failed.
    pub mandatory: bool,
    /// Further attempts after the first one failed.
    pub max_retries: u32,
    /// The wait between two attempts.
    pub retry_wait: Duration,
    /// An attempt that takes longer is ended and fails.
    pub timeout: Option<Duration>,
    /// An attempt that shows no progress for so long is ended and fails; zero: never; `None`: as the daemon's
    /// settings say.
    pub stall_timeout: Option<Duration>,
}

/// One `freezer_action`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Action {
    /// The work itself.
    pub work: Work,
    /// The action's log is appended to this file as well.
    pub log_file: Option<PathBuf>,
    /// Run at raised instead of lowered CPU and I/O priority.
    pub max_priority: bool,
    /// Say what would be done, and change nothing.
    pub dry_run: bool,
}

/// The kinds of work, named as in the job file's `action` key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Work {
    /// A file tree into a container.
    Backup(Backup),
    /// A snapshot back into a file tree.
    Restore(Restore),
    /// Removal of old snapshots.
    Admin(Admin),
    /// A list of what a container holds.
    Info(Info),
    /// A command.
    Exec(Exec),
    /// Verification of a container.
    Check(Check),
}

impl Work {
    /// The word the job file uses for this kind.
    pub fn name(&self) -> &'static str {
        match self {
            Work::Backup(_) => "backup",
            Work::Restore(_) => "restore",
            Work::Admin(_) => "admin",
            Work::Info(_) => "info",
            Work::Exec(_) => "exec",
            Work::Check(_) => "check",
        }
    }

    /// The container this work needs, and whether it must have it alone.
    pub fn container(&self) -> Option<(&Container, Access)> {
        match self {
            Work::Backup(backup) if backup.remove_older_than.is_some() => {
                Some((&backup.container, Access::Exclusive))
            }
            Work::Backup(backup) => Some((&backup.container, Access::Shared)),
            Work::Restore(restore) => Some((&restore.container, Access::Shared)),
            Work::Admin(admin) => Some((&admin.container, Access::Exclusive)),
            Work::Info(info) => Some((&info.container, Access::Shared)),
            Work::Check(check) => Some((&check.container, Access::Shared)),
            Work::Exec(_) => None,
        }
    }
}

/// How an action shares its container with others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Access {
    /// Beside other readers and writers of snapshots.
    Shared,
    /// Alone: forgetting and pruning.
    Exclusive,
}

/// One repository in restic's format, and the file that holds its password.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Container {
    /// As written in the job file: a name below the container root, or an absolute path.
    pub name: String,
    /// Where the repository is. In JSON the key is `path`, as in requests of earlier versions.
    #[serde(rename = "path")]
    pub location: Location,
    /// The file that holds the password, which is its content without the last line end. `None` for the empty password.
    pub pass_file: Option<PathBuf>,
}

/// Whose snapshots: a backup name, and the host they were made on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lineage {
    /// The host recorded in the snapshot.
    pub host: String,
    /// The backup's name, recorded as the snapshot's label.
    pub backup_name: String,
}

/// A backup of one file tree.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Backup {
    /// Where the snapshot goes.
    pub container: Container,
    /// What the snapshot is found by.
    pub lineage: Lineage,
    /// The file or directory to back up, absolute.
    pub path: PathBuf,
    /// Shell patterns of what to leave out, as Freezer's `exclude`.
    pub exclude: Vec<String>,
    /// Follow symbolic links.
    pub dereference_symlink: bool,
    /// How the next level is chosen.
    pub levels: Levels,
    /// zstd level, −7 to 22; `None`: the repository's default.
    pub compression_level: Option<i32>,
    /// Shell patterns of paths whose loss does not make the backup partial.
    pub ignore_unreadable: Vec<String>,
    /// An empty source is fine even where the last snapshot had files.
    pub allow_empty: bool,
    /// A new repository may begin where the one that earlier backups went to is gone.
    pub allow_new_container: bool,
    /// After the backup, remove this lineage's snapshots older than so many days.
    pub remove_older_than: Option<f64>,
}

/// The inputs of Freezer's level rule.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Levels {
    /// Every backup reads everything: level 0.
    pub no_incremental: bool,
    /// After this level comes 0 again.
    pub max_level: Option<u32>,
    /// At this level the parent stays the snapshot one level below.
    pub always_level: Option<u32>,
    /// A level 0 older than so many days is followed by a new one.
    pub restart_always_level: Option<f64>,
}

/// A restore of one snapshot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Restore {
    /// Where the snapshot is.
    pub container: Container,
    /// Whose snapshot; the host is `restore_from_host` where that is given.
    pub lineage: Lineage,
    /// The directory that becomes what the snapshot holds, absolute.
    pub target: PathBuf,
    /// The newest snapshot not later than this, Unix seconds; `None`: the newest.
    pub not_later_than: Option<i64>,
    /// One snapshot by its id (or its beginning), instead of the newest. Not a key of the job file: the
    /// `restore` command's.
    #[serde(default)]
    pub snapshot: Option<String>,
    /// Replace files that differ. Otherwise they are kept, listed, and the action fails.
    pub overwrite: bool,
}

/// Removal of one lineage's old snapshots.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Admin {
    /// Where they are.
    pub container: Container,
    /// Whose they are.
    pub lineage: Lineage,
    /// What counts as old.
    pub remove: Age,
}

/// A limit of age.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Age {
    /// Older than so many days, fractions allowed.
    Days(f64),
    /// Made before this instant, Unix seconds.
    Before(i64),
}

/// A list of a container's snapshots.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Info {
    /// The container.
    pub container: Container,
    /// Only this backup name.
    pub backup_name: Option<String>,
    /// Only this host.
    pub host: Option<String>,
}

/// A command to run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Exec {
    /// The command.
    pub command: Command,
}

/// The two ways a command is given.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Command {
    /// Run by `/bin/sh -c`.
    Shell(String),
    /// Run directly, the program first.
    Words(Vec<String>),
}

/// A verification of a container.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// The container.
    pub container: Container,
    /// Read every pack's data too, not only the structure.
    pub read_data: bool,
}
