//! Why an action came to nothing.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::advice::prune_advice;
use super::choice::NoChoice;
use super::connection_fault::ConnectionFault;
pub use super::error_kind::ErrorKind;
use super::error_kind::of_engine;
use super::error_sentence::{engine_sentence, restore_sentence};
use super::report::local;
use crate::location::Location;
use crate::os;
use crate::protocol::Verdict;
use crate::repository::error::Error as EngineError;
use crate::repository::prune::error::PruneError;
use crate::restore::error::{Error as RestoreError, ErrorKind as RestoreErrorKind};
use crate::secret::SecretError;
use crate::secret::memory_file::as_given;
use crate::secret::password::PassFileError;
use crate::source::patterns::PatternFault;
use crate::source::patterns::file::PatternFileFault;
use crate::storage::rclone::StartError;
use crate::units;

/// The failure of an action. `Display` is one sentence without a full stop: what happened, to what, and what to do
/// about it. It includes the cause, which `source` has as a value.
#[derive(Debug, thiserror::Error)]
pub enum ActionError {
    /// It was there when the snapshots were listed.
    #[error("the snapshot {id} is gone")]
    SnapshotGone {
        /// The short id.
        id: String,
    },
    #[error(
        "the target {target} is in the container {place}, and a restore must not write there; choose another directory"
    )]
    TargetInContainer { target: PathBuf, place: Location },
    #[error("nothing in the snapshot matches {}; nothing was restored", patterns.join(", "))]
    NothingIncluded { patterns: Vec<String> },
    /// A pattern for what to restore, or what not.
    #[error(
        "the pattern {pattern} of what to {what} cannot be used: {fault}; nothing was restored"
    )]
    RestorePattern {
        /// `include` or `exclude`.
        what: &'static str,
        pattern: String,
        fault: PatternFault,
    },
    /// Deleting what a snapshot does not hold would delete what its backup had left out, too.
    #[error(
        "the snapshot {snapshot} was made by {program} and does not say all that its backup left out, so what it does \
         not hold cannot be deleted; restore it without `delete_extra` (`--delete-extra`)"
    )]
    LeftOutUnknown {
        /// The short id.
        snapshot: String,
        program: String,
    },
    /// A restore that deletes must know the newest snapshot.
    #[error(
        "nobody knows whether {snapshot} is the newest snapshot, because one cannot be read: {source}; nothing was \
         restored or deleted: leave out `delete_extra` (`--delete-extra`), or restore a snapshot by its id"
    )]
    NewestUnknown {
        /// The short id.
        snapshot: String,
        source: Box<EngineError>,
    },
    /// The restore did not begin, or could not go on.
    #[error("{}", restore_sentence(source))]
    Restore { source: Box<RestoreError> },
    /// Found before anything was restored.
    #[error(
        "the scratch directory {directory} has room for {free}, and the drill needs {what}; free some space, {}",
        match by_hand {
            true =>
                "name another directory with --scratch, or restore a sample (--sample-files, --sample-bytes)",
            false =>
                "name another directory with `scratch`, or restore a sample (`sample_files`, `sample_bytes`)",
        }
    )]
    ScratchTooSmall {
        /// Of `freezerd drill`, and not of a job.
        by_hand: bool,
        directory: PathBuf,
        /// `3.2 GB`, or a number of entries.
        what: String,
        /// In the same unit.
        free: String,
    },
    /// Space was not reclaimed, or not all of it.
    #[error(
        "cannot prune the repository in {place}: {source}{}",
        prune_advice(source)
    )]
    Prune {
        place: Location,
        source: Box<PruneError>,
    },
    #[error("there is no repository in {place} yet: the first backup creates it")]
    NoRepository { place: Location },
    #[error(
        "cannot create the container {place}: the directory above it does not exist; mount it or create it"
    )]
    NoParentDirectory { place: Location },
    #[error(
        "{place} is not a repository: something else is there; name the directory of a repository"
    )]
    NotARepository { place: Location },
    /// A repository was to be created.
    #[error(
        "{place} contains something that is not a repository, so nothing was changed there; choose an empty directory as the container"
    )]
    Occupied { place: Location },
    /// Keys and data are there, and the file that makes a repository of them is not.
    #[error(
        "the repository in {place} has lost its file `config`: put the file back from a copy of the container"
    )]
    ConfigMissing { place: Location },
    /// Data is there, and the directory of the snapshots is not: all of the data would count as unused.
    #[error(
        "the repository in {place} has lost its directory `snapshots`, so nobody knows which data is needed: put it back \
         from a copy of the container, or create it if there were no snapshots"
    )]
    SnapshotsMissing { place: Location },
    #[error(
        "the password in {} does not open the repository in {place}",
        as_given(pass_file).display()
    )]
    WrongPassword { place: Location, pass_file: PathBuf },
    #[error(
        "the repository in {place} has a password: name the file that holds it, in a job with the key `encrypt_pass_file`, on \
         the command line with --encrypt-pass-file"
    )]
    PasswordMissing { place: Location },
    /// An operation of ours on the file system failed.
    #[error("cannot {doing} {path}: {}", os::reason(source))]
    Io {
        /// A verb, for "cannot … `path`".
        doing: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    /// The engine failed while it did something to the repository at this place.
    #[error("{}", engine_sentence(doing, place, source))]
    Engine {
        /// A verb with its object, for "cannot …".
        doing: &'static str,
        place: Location,
        source: Box<EngineError>,
    },
    /// The way to the server cannot be prepared.
    #[error("cannot connect to {place}: {source}")]
    Connection {
        place: Location,
        source: ConnectionFault,
    },
    #[error(transparent)]
    PassFile(#[from] PassFileError),
    #[error(transparent)]
    NoChoice(Box<NoChoice>),
    #[error("the source {path} does not exist; nothing was backed up")]
    SourceMissing { path: PathBuf },
    #[error("the source {path} cannot be read: {}", os::reason(source))]
    SourceUnreadable { path: PathBuf, source: io::Error },
    /// What the job leaves out of one source holds another one.
    #[error(
        "the source {path} lies in the source {top}, and is left out there; nothing was backed up. Change what the job \
         leaves out, or back it up in an action of its own"
    )]
    SourceLeftOut { path: PathBuf, top: PathBuf },
    #[error("the file {path} of exclude_from {source}; nothing was backed up")]
    ExcludeFile {
        path: PathBuf,
        source: PatternFileFault,
    },
    /// A disk that is not mounted leaves an empty directory.
    #[error(
        "the source {path} is empty, and the last snapshot ({snapshot}, {}) holds {}: is something not mounted? \
         allow_empty lets it pass",
        local(*time),
        files.map_or_else(|| "files".to_owned(), units::files_and_others)
    )]
    SourceEmptied {
        path: PathBuf,
        /// The short id of the last snapshot.
        snapshot: String,
        time: DateTime<Utc>,
        /// Entries that are not directories. `None`: the snapshot has no counts.
        files: Option<u64>,
    },
    /// A disk that is not mounted leaves nothing where the repository was.
    #[error(
        "the repository in {place} is gone, to which earlier backups went: is its disk not mounted? allow_new_container of a \
         backup begins a new one there"
    )]
    RepositoryGone { place: Location },
    /// A backup would be the first snapshot again, and the next prune would remove the data of all the others.
    #[error(
        "the repository in {place} has no snapshot any more, and earlier backups kept some there: put its files back from a \
         copy of the container, those in `snapshots` first; if the snapshots were removed on purpose, allow_new_container of \
         a backup begins anew there"
    )]
    SnapshotsGone { place: Location },
    /// Creating a repository takes seconds.
    #[error(
        "another process is creating the repository in {place} and does not finish; `fuser -v {place}/keys` shows which: end \
         it, if it hangs"
    )]
    StillCreated { place: Location },
    /// The server was asked for packs that are in its archive, and it brings them back later.
    #[error(
        "after {} (`archive_wait`), {} still in the archive of {place}, of {total} that are needed; the server goes on \
         bringing them back, and the next attempt goes on from there",
        units::duration(*limit),
        units::count(*missing, "pack is", "packs are"),
    )]
    StillArchived {
        place: Location,
        missing: u64,
        total: u64,
        limit: Duration,
    },
    #[error("cannot lock the container {place}: {}", os::reason(source))]
    Lock { place: Location, source: io::Error },
    #[error("the age limit is out of range")]
    AgeOutOfRange,
    #[error("the command is empty")]
    CommandEmpty,
    /// The command could not be run, or its end could not be awaited.
    #[error("{name} {step}: {}", os::reason(source))]
    Command {
        /// `the command`, and its program where that is not a secret.
        name: String,
        /// What did not work, as a predicate: `cannot be started`.
        step: &'static str,
        source: io::Error,
    },
}

impl From<NoChoice> for ActionError {
    fn from(source: NoChoice) -> ActionError {
        ActionError::NoChoice(Box::new(source))
    }
}

impl ActionError {
    /// A file-system operation on a path failed: `cannot {doing} {path}: …`.
    pub(super) fn io(doing: &'static str, path: &Path, source: io::Error) -> Self {
        ActionError::Io {
            doing,
            path: path.to_owned(),
            source,
        }
    }

    /// What follows from the failure.
    pub fn kind(&self) -> ErrorKind {
        match self {
            ActionError::SnapshotGone { .. } => ErrorKind::NoSuchSnapshot,
            ActionError::Restore { source } => match source.kind {
                RestoreErrorKind::NoSpace => ErrorKind::NoSpace,
                RestoreErrorKind::ReadOnly | RestoreErrorKind::Denied => ErrorKind::Denied,
                RestoreErrorKind::Io => ErrorKind::Io,
                RestoreErrorKind::Repository(kind) => of_engine(kind),
                RestoreErrorKind::TooMany => ErrorKind::Damaged,
                RestoreErrorKind::NotInSnapshot => ErrorKind::NoSuchSnapshot,
                RestoreErrorKind::NotADirectory
                | RestoreErrorKind::Protected
                | RestoreErrorKind::Delete(_) => ErrorKind::BadOption,
            },
            ActionError::Prune { source, .. } => match &**source {
                PruneError::Refused(_) => ErrorKind::Damaged,
                PruneError::Failed(error) | PruneError::MayNotRemove(error) => {
                    of_engine(error.kind)
                }
            },
            ActionError::ScratchTooSmall { .. } => ErrorKind::NoSpace,
            ActionError::NoRepository { .. } | ActionError::NoParentDirectory { .. } => {
                ErrorKind::NoRepository
            }
            ActionError::NotARepository { .. } | ActionError::Occupied { .. } => {
                ErrorKind::NotARepository
            }
            ActionError::ConfigMissing { .. } | ActionError::SnapshotsMissing { .. } => {
                ErrorKind::Damaged
            }
            ActionError::WrongPassword { .. } | ActionError::PasswordMissing { .. } => {
                ErrorKind::WrongPassword
            }
            ActionError::Io { source, .. } => source.into(),
            ActionError::Engine { source, .. } => of_engine(source.kind),
            ActionError::Connection { source, .. } => match source {
                // A command may need something that is not there yet.
                ConnectionFault::Secret {
                    source: SecretError::Command(_),
                    ..
                } => ErrorKind::Io,
                ConnectionFault::NoThread(_) => ErrorKind::Io,
                #[cfg(feature = "sftp")]
                ConnectionFault::Key { .. } => ErrorKind::BadOption,
                #[cfg(feature = "swift")]
                ConnectionFault::Openrc(_) => ErrorKind::BadOption,
                ConnectionFault::Rclone(StartError::Refused { .. }) => ErrorKind::Denied,
                ConnectionFault::Secret { .. }
                | ConnectionFault::Certificates { .. }
                | ConnectionFault::Options(_)
                | ConnectionFault::NotSaid { .. }
                | ConnectionFault::Variable { .. }
                | ConnectionFault::NotInThisBuild(_)
                | ConnectionFault::KeyCredential(_)
                | ConnectionFault::KeyFile { .. }
                | ConnectionFault::Rclone(_)
                | ConnectionFault::NoSshAgent
                | ConnectionFault::NoLogin
                | ConnectionFault::KnownHosts { .. } => ErrorKind::BadOption,
            },
            ActionError::PassFile(_)
            | ActionError::SourceMissing { .. }
            | ActionError::SourceLeftOut { .. }
            | ActionError::ExcludeFile { .. }
            | ActionError::SourceEmptied { .. }
            | ActionError::AgeOutOfRange
            | ActionError::TargetInContainer { .. }
            | ActionError::RestorePattern { .. }
            | ActionError::LeftOutUnknown { .. }
            | ActionError::CommandEmpty => ErrorKind::BadOption,
            ActionError::NoChoice(reason) if matches!(**reason, NoChoice::Unreadable { .. }) => {
                ErrorKind::Damaged
            }
            ActionError::NoChoice(_) | ActionError::NothingIncluded { .. } => {
                ErrorKind::NoSuchSnapshot
            }
            ActionError::NewestUnknown { .. } | ActionError::SnapshotsGone { .. } => {
                ErrorKind::Damaged
            }
            ActionError::SourceUnreadable { .. } => ErrorKind::Denied,
            ActionError::RepositoryGone { .. } => ErrorKind::NoRepository,
            ActionError::StillArchived { .. } => ErrorKind::Archived,
            ActionError::StillCreated { .. } => ErrorKind::Busy,
            ActionError::Lock { source, .. } => match source.kind() {
                io::ErrorKind::PermissionDenied | io::ErrorKind::NotADirectory => ErrorKind::Denied,
                _ => ErrorKind::Io,
            },
            ActionError::Command { source, .. } => match source.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied => ErrorKind::BadOption,
                _ if source.raw_os_error() == Some(libc::ENOEXEC) => ErrorKind::BadOption,
                _ => ErrorKind::Io,
            },
        }
    }

    /// Whether it is worth another attempt.
    pub fn verdict(&self) -> Verdict {
        if self.kind().is_permanent() {
            Verdict::FailedForGood
        } else {
            Verdict::Failed
        }
    }
}
