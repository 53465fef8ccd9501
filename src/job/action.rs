//! What one action of a job does, validated and complete: paths are absolute, names have their defaults.
//!
//! These types go to the agent as JSON, so they are plain data.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::kind::WorkKind;
use super::one_or_more;
use super::prune_budget::PruneWhen;
use super::share::{MaxUnused, ReadData};
use super::storage::Connection;
use crate::keep::Rules;
use crate::keep::guard::Guards;
use crate::location::Location;

pub use super::access::Access;
pub use super::bandwidth::Bandwidth;
pub use super::command::Command;
pub use super::levels::Levels;

/// One entry of `job_actions`: an action, and how often the scheduler tries it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobAction {
    pub action: Action,
    /// Run the action even if an earlier one of the run failed.
    pub mandatory: bool,
    /// The number of attempts after the first one failed.
    pub max_retries: u32,
    /// The pause between two attempts.
    pub retry_wait: Duration,
    /// An attempt that takes longer is ended, and fails.
    pub timeout: Option<Duration>,
    /// An attempt that shows no progress for this time is ended, and fails. Zero: no limit. `None`: the setting of the
    /// daemon.
    pub stall_timeout: Option<Duration>,
}

/// One `freezer_action`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Action {
    pub work: Work,
    /// A file to which the log of the action is appended too.
    pub log_file: Option<PathBuf>,
    /// Run at raised instead of lowered CPU and I/O priority.
    pub max_priority: bool,
    /// Report what would be done, and change nothing.
    pub dry_run: bool,
    /// How fast data goes to and comes from the container.
    #[serde(default, skip_serializing_if = "Bandwidth::is_unset")]
    pub bandwidth: Bandwidth,
}

/// Where what remote containers have is kept on this host, too, and how much room that may take.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cache {
    pub directory: PathBuf,
    /// In bytes.
    pub size: u64,
}

/// The work, one variant for each [`WorkKind`] and with the same word in JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Work {
    /// A file tree into a container.
    Backup(Backup),
    /// A snapshot back into a file tree.
    Restore(Restore),
    /// Removal of old snapshots.
    Admin(Admin),
    /// A list of the snapshots in a container.
    Info(Info),
    Exec(Exec),
    /// Verification of a container.
    Check(Check),
    /// Snapshots of one container into another.
    Copy(Copy),
    /// A restore for trial.
    Drill(Drill),
}

impl Work {
    /// The kind of the work, as in the key `action`.
    pub fn kind(&self) -> WorkKind {
        match self {
            Work::Backup(_) => WorkKind::Backup,
            Work::Restore(_) => WorkKind::Restore,
            Work::Admin(_) => WorkKind::Admin,
            Work::Info(_) => WorkKind::Info,
            Work::Exec(_) => WorkKind::Exec,
            Work::Check(_) => WorkKind::Check,
            Work::Copy(_) => WorkKind::Copy,
            Work::Drill(_) => WorkKind::Drill,
        }
    }

    /// How many of the actions directly before are for other targets of the same backup. Their failures do not count.
    pub fn targets_before(&self) -> usize {
        match self {
            Work::Backup(backup) => backup.copy_from.len(),
            _ => 0,
        }
    }

    /// All containers that the work reads or writes.
    pub fn containers(&self) -> Vec<&Container> {
        let others = match self {
            Work::Copy(copy) => std::slice::from_ref(&copy.from),
            Work::Backup(backup) => &backup.copy_from[..],
            _ => &[],
        };
        let own = self.container().map(|(container, _)| container);
        own.into_iter().chain(others).collect()
    }

    /// The container that the work needs, and how it uses it. Of a copy: the one that it writes to.
    pub fn container(&self) -> Option<(&Container, Access)> {
        let container = match self {
            Work::Backup(backup) => &backup.container,
            Work::Restore(restore) => &restore.container,
            Work::Admin(admin) => &admin.container,
            Work::Info(info) => &info.container,
            Work::Check(check) => &check.container,
            Work::Copy(copy) => &copy.container,
            Work::Drill(drill) => &drill.container,
            Work::Exec(_) => return None,
        };
        let access = match self {
            Work::Backup(backup) if backup.removes() => Access::Exclusive,
            _ => self.kind().access()?,
        };
        Some((container, access))
    }
}

/// One repository in restic's format, and the file that holds its password.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Container {
    /// As written in the job file: a name below the container root, or an absolute path.
    pub name: String,
    /// Where the repository is. In JSON the key is `path`, as in requests of earlier versions.
    #[serde(rename = "path")]
    pub location: Location,
    /// The file that holds the password. `None` for the empty password.
    pub pass_file: Option<PathBuf>,
    /// How a server is reached. Empty for a local container.
    #[serde(default, skip_serializing_if = "Connection::is_empty")]
    pub connection: Connection,
}

/// What identifies the snapshots of one backup, together with the paths that it backs up: two backups may share a
/// name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lineage {
    /// The host that the snapshots name.
    pub host: String,
    /// The name of the backup, which is the label of its snapshots.
    pub backup_name: String,
}

impl Lineage {
    /// Whose snapshots they are, behind the word "snapshots" in a sentence: `of www of web1`.
    pub fn whose(&self) -> String {
        match self.backup_name.as_str() {
            "" => format!("without a backup name of {}", self.host),
            name => format!("of {name} of {}", self.host),
        }
    }
}

/// A backup of one or several file trees, as one snapshot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Backup {
    pub container: Container,
    /// The containers of the actions directly before, if they and this one are the targets of one backup. If one of them
    /// has the snapshot of the run, it is copied.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub copy_from: Vec<Container>,
    pub lineage: Lineage,
    /// The files and directories to back up: absolute, without `..`, sorted by their bytes, none in another one. In
    /// JSON the key is `path`, and one path stands there alone, as in requests of earlier versions.
    #[serde(rename = "path", with = "one_or_more")]
    pub paths: Vec<PathBuf>,
    /// Sources that lie in one of `paths`. They are backed up with it, and must exist too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nested_paths: Vec<PathBuf>,
    /// Patterns for what to leave out, as in `.gitignore` files.
    pub exclude: Vec<String>,
    /// Files with more such patterns, absolute.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclude_from: Vec<PathBuf>,
    /// Leaves out what lies beside one of these files: `NAME` or `NAME:HEADER`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclude_if_present: Vec<String>,
    /// Leaves out what lies beside a file `CACHEDIR.TAG` that is one.
    #[serde(default, skip_serializing_if = "is_false")]
    pub exclude_caches: bool,
    /// Leaves out files with more bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exclude_larger_than: Option<u64>,
    /// Stays on the file systems of the sources.
    #[serde(default, skip_serializing_if = "is_false")]
    pub one_file_system: bool,
    /// Follow symbolic links.
    pub dereference_symlink: bool,
    pub levels: Levels,
    /// The level for zstd, −7 to 22. `None`: the default of the repository.
    pub compression_level: Option<i32>,
    /// Patterns for paths that may be unreadable. A backup without them is not partial.
    pub ignore_unreadable: Vec<String>,
    /// Accept an empty source even if the last snapshot had files.
    pub allow_empty: bool,
    /// Begin anew even if the repository that holds earlier backups is gone, or has no snapshot any more.
    pub allow_new_container: bool,
    /// After the backup, remove snapshots of the same lineage that are older than this number of days.
    pub remove_older_than: Option<f64>,
    /// After the backup, remove snapshots of the same lineage that no rule keeps. With `remove_older_than`: that are also
    /// older. Empty: no rules.
    #[serde(default, skip_serializing_if = "Rules::is_empty")]
    pub keep: Rules,
    /// When the container is pruned. Without rules that remove snapshots, only [`PruneWhen::Always`] prunes. `None`: when it is
    /// needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prune: Option<PruneWhen>,
    /// When the new snapshot looks as if the source were damaged.
    #[serde(default, skip_serializing_if = "Guards::are_usual")]
    pub guards: Guards,
}

impl Backup {
    /// Whether the backup also removes something: old snapshots, or the data that no snapshot needs.
    pub fn removes(&self) -> bool {
        self.removes_snapshots() || self.prune == Some(PruneWhen::Always)
    }

    /// Whether the backup also removes old snapshots.
    pub fn removes_snapshots(&self) -> bool {
        self.remove_older_than.is_some() || !self.keep.is_empty()
    }
}

fn is_false(flag: &bool) -> bool {
    !flag
}

/// A restore of one snapshot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Restore {
    pub container: Container,
    /// The host is `restore_from_host` where that is given.
    pub lineage: Lineage,
    /// Which of the paths that were backed up under this name are meant, as in [`Backup::paths`]. Empty: the name
    /// stands for one lineage.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<PathBuf>,
    /// The directory to restore into, absolute.
    pub target: PathBuf,
    /// Restore the newest snapshot that is not later than this, in Unix seconds. `None`: the newest of all.
    pub not_later_than: Option<i64>,
    /// The id of the snapshot, or the beginning of the id, instead of the newest. Only the command `restore` sets it.
    #[serde(default)]
    pub snapshot: Option<String>,
    /// Restore only this file, or what is in this directory: the path that was backed up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<PathBuf>,
    /// Patterns for what to restore, as in `.gitignore` files. Empty: everything.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub include: Vec<String>,
    /// Patterns for what not to restore.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclude: Vec<String>,
    /// Replace files that differ. Otherwise they are kept and listed, and the action fails.
    pub overwrite: bool,
    /// Delete what the snapshot does not hold, except for what its backup had left out.
    #[serde(default, skip_serializing_if = "is_false")]
    pub delete_extra: bool,
    /// Restore owners by their numbers. Otherwise a name that exists on this host decides.
    #[serde(default, skip_serializing_if = "is_false")]
    pub numeric_owner: bool,
    /// Read every restored file again and compare it with the snapshot.
    #[serde(default, skip_serializing_if = "is_false")]
    pub verify: bool,
}

/// Removal of the old snapshots of one lineage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Admin {
    pub container: Container,
    pub lineage: Lineage,
    /// Only snapshots that have one of these paths. Empty: all snapshots of the name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<PathBuf>,
    /// The age at which a snapshot is removed. `None`: at any age, if no rule keeps it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remove: Option<Age>,
    /// Snapshots that a rule keeps stay. Empty: no rules. Then there is an age.
    #[serde(default, skip_serializing_if = "Rules::is_empty")]
    pub keep: Rules,
    /// When the container is pruned. `None`: in each run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prune: Option<PruneWhen>,
    /// How much may stay in the container that nothing needs. `None`: as usual.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_unused: Option<MaxUnused>,
    /// The most bytes of packs that are copied in one run. `None`: no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_repack: Option<u64>,
}

/// The age at which a snapshot is removed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Age {
    /// Older than this number of days, which may have a fraction.
    Days(f64),
    /// Made before this instant, in Unix seconds.
    Before(i64),
}

/// A list of the snapshots in a container.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Info {
    pub container: Container,
    /// Only snapshots with this backup name.
    pub backup_name: Option<String>,
    /// Only snapshots of this host.
    pub host: Option<String>,
}

/// A copy of the snapshots of one container into another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Copy {
    /// The container that is read.
    pub from: Container,
    /// The container that is written.
    pub container: Container,
    /// Only snapshots with this backup name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup_name: Option<String>,
    /// Only snapshots of this host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Only snapshots that have one of these paths. Empty: of any paths.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<PathBuf>,
    /// Begin anew even if the repository that holds earlier copies is gone, or has no snapshot any more.
    #[serde(default, skip_serializing_if = "is_false")]
    pub allow_new_container: bool,
}

/// A command to run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Exec {
    pub command: Command,
}

/// A verification of a container.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Check {
    pub container: Container,
    /// How much of the data is read, beside the structure.
    pub read_data: ReadData,
    /// Succeed if there is no repository yet.
    #[serde(default)]
    pub allow_missing: bool,
}

/// A restore for trial: into scratch space, compared, and removed again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Drill {
    pub container: Container,
    pub lineage: Lineage,
    /// As in [`Restore::paths`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<PathBuf>,
    /// As in [`Restore::snapshot`]. Only the command `drill` sets it.
    #[serde(default)]
    pub snapshot: Option<String>,
    /// The directory in which a directory for the drill is made. `None`: `TMPDIR`, or else `/var/tmp`.
    #[serde(default)]
    pub scratch: Option<PathBuf>,
    /// How many files are restored, chosen at random.
    #[serde(default)]
    pub sample_files: Option<u64>,
    /// How many bytes of files. With neither of the two, everything is restored.
    #[serde(default)]
    pub sample_bytes: Option<u64>,
    /// Compare also with the files of this host that have not changed since the backup.
    pub compare_source: bool,
    /// Runs on the restored files, and decides with its exit code.
    #[serde(default)]
    pub command: Option<Command>,
}
