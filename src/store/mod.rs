//! The ledger: redb tables of jobs, runs, attempts, events and files. One process writes; any number read.
//!
//! Nothing here knows what the records mean; the tables and their keys are described in `docs/design.md`.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use redb::{
    Builder, ConcurrencyMode, Database, ReadOnlyDatabase, ReadableDatabase, ReadableTable,
    TableDefinition,
};

mod codec;
pub mod memory;
mod read;
pub mod record;

pub use read::Reader;

use crate::kill_point::{Point, pass};
use codec::encode;
use record::{AttemptRecord, Claim, EventRecord, FileRecord, JobRecord, RunRecord};

/// The layout of the tables. A store with another one is refused.
const STORE_FORMAT: u64 = 1;

/// What redb may keep in memory; the whole ledger of a usual host is smaller.
const CACHE_BYTES: usize = 4 * 1024 * 1024;

const META: TableDefinition<&str, &str> = TableDefinition::new("meta");
const JOBS: TableDefinition<&str, &[u8]> = TableDefinition::new("jobs");
const FILES: TableDefinition<&str, &[u8]> = TableDefinition::new("files");
const RUNS: TableDefinition<u64, &[u8]> = TableDefinition::new("runs");
/// (job, run) so that one job's history is one range.
const RUNS_OF_JOB: TableDefinition<(&str, u64), ()> = TableDefinition::new("runs_of_job");
/// Runs that are not over: what a restart has to look at.
const OPEN_RUNS: TableDefinition<u64, ()> = TableDefinition::new("open_runs");
/// (job, due in milliseconds, kind of claim) → run: an occurrence is claimed once.
const OCCURRENCES: TableDefinition<(&str, i64, &str), u64> = TableDefinition::new("occurrences");
/// (run, action, attempt).
const ATTEMPTS: TableDefinition<(u64, u32, u32), &[u8]> = TableDefinition::new("attempts");
const EVENTS: TableDefinition<&str, &[u8]> = TableDefinition::new("events");

/// What can go wrong with the ledger.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
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
        "the ledger {path} has format {found}, this freezerd knows format {STORE_FORMAT}; install the freezerd that wrote it, or a newer one"
    )]
    Format {
        /// The file.
        path: PathBuf,
        /// What it says.
        found: String,
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
        impl From<$kind> for StoreError {
            fn from(error: $kind) -> StoreError {
                StoreError::Transaction { message: error.to_string() }
            }
        }
    )*};
}
transaction_errors!(
    redb::TransactionError,
    redb::TableError,
    redb::StorageError,
    redb::CommitError,
    redb::SetDurabilityError
);

/// One change of the ledger. A list of them is one transaction.
#[derive(Clone, Debug, PartialEq)]
pub enum Write {
    /// Insert or replace.
    Job(JobRecord),
    /// The job's file is gone and so is the job; its runs stay.
    ForgetJob(String),
    /// A new row for an occurrence that has none: fails the whole transaction if it has one.
    Claim(RunRecord),
    /// Replace a row that was claimed.
    Run(RunRecord),
    /// Insert or replace.
    Attempt(AttemptRecord),
    /// Insert.
    Event(EventRecord),
    /// Insert or replace.
    File(FileRecord),
    /// The file is gone.
    ForgetFile(String),
}

/// What the daemon's loop needs of a ledger, so that a simulation can bring one of its own.
pub trait Ledger {
    /// Commits all of the changes, durably, or none.
    fn commit(&mut self, writes: &[Write]) -> Result<(), StoreError>;

    /// The run that an occurrence belongs to, if it has a row.
    fn claimed(&self, claim: &Claim) -> Result<Option<u64>, StoreError>;

    /// Whether an event was dealt with.
    fn answered(&self, event: &str) -> Result<bool, StoreError>;
}

/// The ledger, opened by its one writer.
pub struct Store {
    /// `None` after a transaction failed, until the next one: the file has to be opened anew, since redb does nothing
    /// more with one that it could not write.
    database: Option<Database>,
    path: PathBuf,
    id: String,
}

impl Store {
    /// Opens the ledger, mends it after a crash, or makes a new one.
    pub fn open(path: &Path) -> Result<Store, StoreError> {
        make_private(path)?;
        let database = open_for_writing(path)?;
        let id = initialise(&database, path)?;
        Ok(Store {
            database: Some(database),
            path: path.to_owned(),
            id,
        })
    }

    /// Names this ledger among all that ever were: eight hexadecimal digits.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// A view for reading.
    pub fn reader(&self) -> Result<Reader, StoreError> {
        Ok(Reader::new(self.begin_read()?))
    }

    fn begin_read(&self) -> Result<redb::ReadTransaction, StoreError> {
        match &self.database {
            Some(database) => Ok(database.begin_read()?),
            None => Err(StoreError::Transaction {
                message: "it has to be opened anew after a failure".to_owned(),
            }),
        }
    }
}

fn open_for_writing(path: &Path) -> Result<Database, StoreError> {
    let mut builder = Builder::new();
    builder.set_cache_size(CACHE_BYTES);
    builder.set_concurrency_mode(ConcurrencyMode::SingleWriter);
    builder
        .create(path)
        .map_err(|error| open_error(path, &error))
}

fn transact(database: &Database, writes: &[Write]) -> Result<(), StoreError> {
    let mut transaction = database.begin_write()?;
    // A crash is then mended by reading a table instead of the whole file.
    transaction.set_quick_repair(true);
    for write in writes {
        apply(&transaction, write)?;
    }
    transaction
        .open_table(META)?
        .insert("last_commit", Utc::now().to_rfc3339().as_str())?;
    pass(Point::CommitWritten);
    transaction.commit()?;
    pass(Point::CommitDone);
    Ok(())
}

impl Ledger for Store {
    fn commit(&mut self, writes: &[Write]) -> Result<(), StoreError> {
        if writes.is_empty() {
            return Ok(());
        }
        pass(Point::CommitBegins);
        let database = match self.database.take() {
            Some(database) => database,
            None => open_for_writing(&self.path)?,
        };
        transact(&database, writes)?;
        self.database = Some(database);
        Ok(())
    }

    fn claimed(&self, claim: &Claim) -> Result<Option<u64>, StoreError> {
        let table = self.begin_read()?.open_table(OCCURRENCES)?;
        let key = (
            claim.job_id.as_str(),
            claim.due.timestamp_millis(),
            claim.kind.key(),
        );
        Ok(table.get(key)?.map(|run| run.value()))
    }

    fn answered(&self, event: &str) -> Result<bool, StoreError> {
        let table = self.begin_read()?.open_table(EVENTS)?;
        Ok(table.get(event)?.is_some())
    }
}

fn apply(transaction: &redb::WriteTransaction, write: &Write) -> Result<(), StoreError> {
    match write {
        Write::Job(record) => {
            let bytes = encode(record)?;
            transaction
                .open_table(JOBS)?
                .insert(record.job_id.as_str(), bytes.as_slice())?;
        }
        Write::ForgetJob(job_id) => {
            transaction.open_table(JOBS)?.remove(job_id.as_str())?;
        }
        Write::Claim(record) => {
            let claim = record.claim();
            let key = (
                claim.job_id.as_str(),
                claim.due.timestamp_millis(),
                claim.kind.key(),
            );
            let mut occurrences = transaction.open_table(OCCURRENCES)?;
            let other = occurrences.get(key)?.map(|run| run.value());
            // The same run again: a commit that seemed to fail was kept all the same.
            if let Some(run) = other.filter(|run| *run != record.number) {
                return Err(StoreError::AlreadyClaimed {
                    job_id: record.job_id.clone(),
                    due: record.due,
                    kind: claim.kind.key(),
                    run,
                });
            }
            occurrences.insert(key, record.number)?;
            transaction
                .open_table(RUNS_OF_JOB)?
                .insert((record.job_id.as_str(), record.number), ())?;
            transaction
                .open_table(META)?
                .insert("last_run", record.number.to_string().as_str())?;
            put_run(transaction, record)?;
        }
        Write::Run(record) => put_run(transaction, record)?,
        Write::Attempt(record) => {
            let bytes = encode(record)?;
            transaction.open_table(ATTEMPTS)?.insert(
                (record.run, record.action, record.attempt),
                bytes.as_slice(),
            )?;
        }
        Write::Event(record) => {
            let bytes = encode(record)?;
            transaction
                .open_table(EVENTS)?
                .insert(record.id.as_str(), bytes.as_slice())?;
        }
        Write::File(record) => {
            let bytes = encode(record)?;
            transaction
                .open_table(FILES)?
                .insert(record.file.as_str(), bytes.as_slice())?;
        }
        Write::ForgetFile(file) => {
            transaction.open_table(FILES)?.remove(file.as_str())?;
        }
    }
    Ok(())
}

fn put_run(transaction: &redb::WriteTransaction, record: &RunRecord) -> Result<(), StoreError> {
    let bytes = encode(record)?;
    transaction
        .open_table(RUNS)?
        .insert(record.number, bytes.as_slice())?;
    let mut open = transaction.open_table(OPEN_RUNS)?;
    if record.state.is_over() {
        open.remove(record.number)?;
    } else {
        open.insert(record.number, ())?;
    }
    Ok(())
}

/// Makes the tables of a new ledger, checks the format of an old one, and returns the ledger's id.
fn initialise(database: &Database, path: &Path) -> Result<String, StoreError> {
    let transaction = database.begin_write()?;
    let id = {
        let mut meta = transaction.open_table(META)?;
        let found = meta.get("format")?.map(|value| value.value().to_owned());
        match found {
            Some(found) if found == STORE_FORMAT.to_string() => {}
            Some(found) => {
                return Err(StoreError::Format {
                    path: path.to_owned(),
                    found,
                });
            }
            None => {
                meta.insert("format", STORE_FORMAT.to_string().as_str())?;
            }
        }
        let known = meta.get("id")?.map(|value| value.value().to_owned());
        match known {
            Some(id) => id,
            None => {
                let id = new_id();
                meta.insert("id", id.as_str())?;
                id
            }
        }
    };
    transaction.open_table(JOBS)?;
    transaction.open_table(FILES)?;
    transaction.open_table(RUNS)?;
    transaction.open_table(RUNS_OF_JOB)?;
    transaction.open_table(OPEN_RUNS)?;
    transaction.open_table(OCCURRENCES)?;
    transaction.open_table(ATTEMPTS)?;
    transaction.open_table(EVENTS)?;
    transaction.commit()?;
    Ok(id)
}

/// A ledger holds job files, and those are nobody else's business, whoever may enter its directory.
fn make_private(path: &Path) -> Result<(), StoreError> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map(drop)
        .map_err(|error| StoreError::Open {
            path: path.to_owned(),
            message: error.to_string(),
        })
}

/// Eight hexadecimal digits that no other ledger is likely to have.
fn new_id() -> String {
    use sha2::{Digest, Sha256};
    let mut hash = Sha256::new();
    hash.update(gethostname::gethostname().as_encoded_bytes());
    hash.update(
        Utc::now()
            .timestamp_nanos_opt()
            .unwrap_or_default()
            .to_le_bytes(),
    );
    hash.update(std::process::id().to_le_bytes());
    hash.finalize()
        .iter()
        .take(4)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Opens the ledger beside its writer, or without one.
pub fn open_read_only(path: &Path) -> Result<Reader, StoreError> {
    match std::fs::File::open(path) {
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(StoreError::Missing {
                path: path.to_owned(),
            });
        }
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
            return Err(StoreError::Denied {
                path: path.to_owned(),
            });
        }
        // Whatever else is wrong with it, the database says better.
        Err(_) => {}
    }
    let mut builder = Builder::new();
    builder.set_cache_size(CACHE_BYTES);
    builder.set_concurrency_mode(ConcurrencyMode::SingleWriter);
    let database: ReadOnlyDatabase = builder
        .open_read_only(path)
        .map_err(|error| open_error(path, &error))?;
    let transaction = database.begin_read()?;
    let reader = Reader::holding(transaction, database);
    reader.check_format(path)?;
    Ok(reader)
}

fn open_error(path: &Path, error: &redb::DatabaseError) -> StoreError {
    let path = path.to_owned();
    match error {
        redb::DatabaseError::DatabaseAlreadyOpen => StoreError::InUse { path },
        redb::DatabaseError::RepairAborted => StoreError::NeedsRepair { path },
        other => StoreError::Open {
            path,
            message: other.to_string(),
        },
    }
}
