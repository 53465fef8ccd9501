//! The errors of the ledger, and how redb's errors become them.

use std::io;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use super::FORMAT;
use super::LEDGER_FORMAT;

/// An error of the ledger. `path` is the ledger's file; `message` says what is wrong, in words.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The file does not exist.
    #[error("there is no ledger at {path}; has freezerd run here?")]
    Missing { path: PathBuf },
    /// This user may not read or write the file.
    #[error("the ledger {path} belongs to another user: run the command as that user, or as root")]
    Denied { path: PathBuf },
    /// Another process has the ledger open for writing.
    #[error("the ledger {path} is in use by another freezerd")]
    InUse { path: PathBuf },
    /// The ledger was not closed properly. Only a writer can repair it.
    #[error("the ledger {path} was not closed properly; the daemon repairs it at its next start")]
    NeedsRepair { path: PathBuf },
    /// The ledger has a format that this version does not support.
    #[error(
        "the ledger {path} has format {found}, but this freezerd ({version}) supports format {LEDGER_FORMAT}; install the freezerd that wrote it, or a newer one",
        version = env!("CARGO_PKG_VERSION")
    )]
    Format {
        path: PathBuf,
        /// The format that the ledger names. Empty when it names none.
        found: String,
    },
    /// An older version wrote the ledger. Only the daemon may convert it.
    #[error(
        "the ledger {path} has the older format {found}; the daemon converts it to format {LEDGER_FORMAT} at its next start"
    )]
    Older {
        path: PathBuf,
        /// The format that the ledger names.
        found: u64,
    },
    /// The file does not hold what freezerd wrote.
    #[error("the ledger {path} is damaged: {damage}")]
    Damaged {
        path: PathBuf,
        #[source]
        damage: Damage,
    },
    /// The disk or the user's quota is full.
    #[error("there is no space left in {dir}, the directory of the ledger; free some space there")]
    Full {
        /// The directory of the ledger.
        dir: PathBuf,
    },
    /// The file cannot be opened, for any other reason.
    #[error("cannot open the ledger {path}: {}", without_number(source))]
    Open { path: PathBuf, source: Cause },
    /// A transaction failed. None of its changes were kept.
    #[error("cannot use the ledger: {source}")]
    Transaction { source: Cause },
    /// A record cannot be written as JSON.
    #[error("cannot encode a record: {source}")]
    Encode { source: serde_json::Error },
    /// A value is not a record of its table.
    #[error("the ledger's table {table} holds a value that cannot be read: {source}")]
    Decode {
        table: &'static str,
        source: Undecodable,
    },
    /// A row cannot be removed while its run is open.
    #[error("run {run} is not over and cannot be removed")]
    StillOpen { run: u64 },
    /// A line of an export is not a valid record of its table.
    #[error("the record {key} of the table {table} is invalid: {message}")]
    Line {
        table: String,
        /// The record's key, as JSON.
        key: String,
        message: String,
    },
    /// The occurrence already has a row of another run.
    #[error("{job_id} at {due} ({kind}) already has run {run}")]
    AlreadyClaimed {
        job_id: String,
        due: DateTime<Utc>,
        /// The kind of the claim, as in the table's key: `due`, `manual`, `make_up`.
        kind: &'static str,
        /// The run that has claimed the occurrence.
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
    #[error("some of its pages do not fit together; the daemon's next start repairs them")]
    PagesDoNotFit,
    #[error("one of its pages is invalid")]
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
    /// The meaning of an error inside a transaction. It does not name the file yet: [`LedgerError::in_file`] adds it.
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
            // Every ledger has all tables, with these types.
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

    /// The meaning of an error that occurred while the file was opened.
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

    /// Adds the file to an error that does not name it yet.
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

/// Whether the disk or the user's quota is full.
pub(super) fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}
