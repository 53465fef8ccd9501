//! What can go wrong with the ledger, and what redb's errors mean.

use std::io;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use super::FORMAT;
use super::LEDGER_FORMAT;

/// What can go wrong with the ledger.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// There is no ledger yet.
    #[error("there is no ledger at {path}; has freezerd run here?")]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// This user may not read it.
    #[error("the ledger {path} belongs to another user: run the command as that user, or as root")]
    Denied {
        /// The file.
        path: PathBuf,
    },
    /// Another process writes it.
    #[error("the ledger {path} is in use by another freezerd")]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// It was not closed and only a writer may mend that.
    #[error("the ledger {path} was not closed properly; the daemon's next start mends it")]
    NeedsRepair {
        /// The file.
        path: PathBuf,
    },
    /// It is from another version.
    #[error(
        "the ledger {path} has format {found}, this freezerd ({version}) knows format {LEDGER_FORMAT}; install the freezerd that wrote it, or a newer one",
        version = env!("CARGO_PKG_VERSION")
    )]
    Format {
        /// The file.
        path: PathBuf,
        /// What it says.
        found: String,
    },
    /// It was written by an older version, and only the daemon may bring it up to date.
    #[error(
        "the ledger {path} has the older format {found}; the daemon's next start brings it to format {LEDGER_FORMAT}"
    )]
    Older {
        /// The file.
        path: PathBuf,
        /// What it says.
        found: u64,
    },
    /// Its bytes are not what was written.
    #[error("the ledger {path} is damaged: {damage}")]
    Damaged {
        path: PathBuf,
        #[source]
        damage: Damage,
    },
    /// The disk has no room for it.
    #[error("there is no space left in {dir}, where the ledger is; make room there")]
    Full {
        /// The directory.
        dir: PathBuf,
    },
    /// It cannot be opened.
    #[error("cannot open the ledger {path}: {}", without_number(source))]
    Open { path: PathBuf, source: Cause },
    /// A transaction failed: nothing of it was kept.
    #[error("cannot use the ledger: {source}")]
    Transaction { source: Cause },
    /// A record could not be written as JSON.
    #[error("cannot encode a record: {source}")]
    Encode { source: serde_json::Error },
    /// A record could not be read.
    #[error("the ledger's table {table} holds a value that cannot be read: {source}")]
    Decode {
        table: &'static str,
        source: Undecodable,
    },
    /// A row was to go although its run goes on.
    #[error("run {run} is not over, and cannot be forgotten")]
    StillOpen {
        /// The run.
        run: u64,
    },
    /// A line is not what its table holds.
    #[error("the record {key} of the table {table} cannot be taken: {message}")]
    Line {
        /// The table.
        table: String,
        /// The record.
        key: String,
        /// Why not.
        message: String,
    },
    /// A second row for one occurrence.
    #[error("{job_id} at {due} ({kind}) already has run {run}")]
    AlreadyClaimed {
        /// The job.
        job_id: String,
        /// The due instant.
        due: DateTime<Utc>,
        /// In which sense.
        kind: &'static str,
        /// The run that has it.
        run: u64,
    },
}

/// The cause of an error that redb or the operating system reports.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// What is wrong with the bytes of a ledger.
#[derive(Debug, thiserror::Error)]
pub enum Damage {
    #[error("it is a directory")]
    IsDirectory,
    #[error("it is not a regular file")]
    NotAFile,
    #[error("it is empty")]
    Empty,
    #[error("it is a link that leads nowhere")]
    DeadLink,
    #[error("it is shorter than it says")]
    TooShort,
    #[error("it has no id")]
    NoId,
    #[error("it does not say its format")]
    NoFormat,
    #[error("its format is {found:?}, which is not a number")]
    FormatNotANumber { found: String },
    /// Every freezerd writes the version that redb writes, so this one is not the ledger's.
    #[error("it claims to be of version {version} of the file format")]
    FileFormat { version: u8 },
    #[error("some of its pages do not fit together; the daemon's next start mends them")]
    PagesDoNotFit,
    #[error("a page of it makes no sense")]
    SenselessPage,
    /// redb's own words.
    #[error("{0}")]
    Corrupted(String),
    /// The first line of a panic of redb's.
    #[error("{0}")]
    Panicked(String),
    /// A table is missing or has other types, or the file is not one of redb's.
    #[error(transparent)]
    NotALedger(Cause),
}

/// Why the bytes of a value are not a record.
#[derive(Debug, thiserror::Error)]
pub enum Undecodable {
    #[error("a value is empty")]
    Empty,
    #[error("a value has format {found}; this freezerd reads format {FORMAT}")]
    Format { found: u8 },
    #[error(transparent)]
    Json(#[from] serde_json::Error),
}

/// A cause in words. Errors of the operating system are shown without their numbers.
fn without_number(cause: &Cause) -> String {
    match cause.downcast_ref() {
        Some(error) => crate::os::reason(error),
        None => cause.to_string(),
    }
}

macro_rules! transaction_errors {
    ($($kind:ty),*) => {$(
        impl From<$kind> for LedgerError {
            fn from(error: $kind) -> LedgerError {
                LedgerError::of(error.into())
            }
        }
    )*};
}
transaction_errors!(
    redb::TransactionError,
    redb::TableError,
    redb::StorageError,
    redb::CommitError,
    redb::CompactionError,
    redb::SetDurabilityError
);

impl LedgerError {
    /// What an error in the middle of a transaction means. Which file it was about is told by [`LedgerError::in_file`].
    fn of(error: redb::Error) -> LedgerError {
        match error {
            redb::Error::Io(error) if is_full(&error) => LedgerError::Full {
                dir: PathBuf::new(),
            },
            redb::Error::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                LedgerError::Damaged {
                    path: PathBuf::new(),
                    damage: Damage::TooShort,
                }
            }
            redb::Error::Corrupted(words) => LedgerError::Damaged {
                path: PathBuf::new(),
                damage: Damage::Corrupted(words),
            },
            // A table that every ledger has, or has with other types.
            error @ (redb::Error::TableDoesNotExist(_)
            | redb::Error::TableTypeMismatch { .. }
            | redb::Error::TableIsMultimap(_)) => LedgerError::Damaged {
                path: PathBuf::new(),
                damage: Damage::NotALedger(error.into()),
            },
            error => LedgerError::Transaction {
                source: error.into(),
            },
        }
    }

    /// What an error at opening the file means.
    pub(super) fn at_open(path: &Path, error: redb::DatabaseError) -> LedgerError {
        let path_owned = path.to_owned();
        match error {
            redb::DatabaseError::DatabaseAlreadyOpen => LedgerError::InUse { path: path_owned },
            redb::DatabaseError::RepairAborted => LedgerError::NeedsRepair { path: path_owned },
            redb::DatabaseError::Storage(redb::StorageError::Io(error))
                if error.kind() == io::ErrorKind::InvalidData =>
            {
                LedgerError::Damaged {
                    path: path_owned,
                    damage: Damage::NotALedger(error.into()),
                }
            }
            redb::DatabaseError::Storage(error) => match LedgerError::from(error) {
                LedgerError::Transaction { source } => LedgerError::Open {
                    path: path_owned,
                    source,
                },
                other => other.in_file(path),
            },
            redb::DatabaseError::UpgradeRequired(version) => LedgerError::Damaged {
                path: path_owned,
                damage: Damage::FileFormat { version },
            },
            other => LedgerError::Open {
                path: path_owned,
                source: other.into(),
            },
        }
    }

    /// The same error, with the file that it is about.
    pub(super) fn in_file(self, file: &Path) -> LedgerError {
        match self {
            LedgerError::Full { .. } => LedgerError::Full {
                dir: file.parent().unwrap_or(file).to_owned(),
            },
            LedgerError::Damaged { damage, .. } => LedgerError::Damaged {
                path: file.to_owned(),
                damage,
            },
            other => other,
        }
    }
}

/// No room on the disk, or none left for this user.
pub(super) fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}
