//! What can go wrong with the ledger, and what redb's errors mean.

use std::io;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

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
    #[error("the ledger {path} is damaged: {message}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was found.
        message: String,
    },
    /// The disk has no room for it.
    #[error("there is no space left in {dir}, where the ledger is; make room there")]
    Full {
        /// The directory.
        dir: PathBuf,
    },
    /// It cannot be opened.
    #[error("cannot open the ledger {path}: {message}")]
    Open {
        /// The file.
        path: PathBuf,
        /// Why not.
        message: String,
    },
    /// A transaction failed: nothing of it was kept.
    #[error("cannot use the ledger: {message}")]
    Transaction {
        /// Why not.
        message: String,
    },
    /// A record could not be written as JSON.
    #[error("cannot encode a record: {message}")]
    Encode {
        /// Why not.
        message: String,
    },
    /// A record could not be read.
    #[error("the ledger's table {table} holds a value that cannot be read: {message}")]
    Decode {
        /// Where.
        table: &'static str,
        /// Why not.
        message: String,
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
                    message: "it is shorter than it says".to_owned(),
                }
            }
            redb::Error::Corrupted(message) => LedgerError::Damaged {
                path: PathBuf::new(),
                message,
            },
            // A table that every ledger has, or has with other types.
            error @ (redb::Error::TableDoesNotExist(_)
            | redb::Error::TableTypeMismatch { .. }
            | redb::Error::TableIsMultimap(_)) => LedgerError::Damaged {
                path: PathBuf::new(),
                message: error.to_string(),
            },
            error => LedgerError::Transaction {
                message: error.to_string(),
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
                    message: error.to_string(),
                }
            }
            redb::DatabaseError::Storage(error) => match LedgerError::from(error) {
                LedgerError::Transaction { message } => LedgerError::Open {
                    path: path_owned,
                    message,
                },
                other => other.in_file(path),
            },
            // No freezerd ever wrote another one.
            redb::DatabaseError::UpgradeRequired(version) => LedgerError::Damaged {
                path: path_owned,
                message: format!("it claims to be of version {version} of the file format"),
            },
            other => LedgerError::Open {
                path: path_owned,
                message: other.to_string(),
            },
        }
    }

    /// The same error, with the file that it is about.
    pub(super) fn in_file(self, file: &Path) -> LedgerError {
        match self {
            LedgerError::Full { .. } => LedgerError::Full {
                dir: file.parent().unwrap_or(file).to_owned(),
            },
            LedgerError::Damaged { message, .. } => LedgerError::Damaged {
                path: file.to_owned(),
                message,
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
