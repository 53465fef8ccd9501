//! The ledger: redb tables of jobs, runs, attempts, events and files. One process writes; any number read.
//!
//! Nothing here knows what the records mean; the tables and their keys are described in `docs/design.md`.

use std::path::{Path, PathBuf};

use redb::{Database, ReadableDatabase, TableDefinition};

mod apply;
pub mod check;
mod codec;
mod error;
pub mod lines;
pub mod memory;
mod migrate;
mod old;
mod open;
mod read;
pub mod record;
mod set_aside;
pub mod values;

use codec::decode;
pub use error::StoreError;
pub use open::{check_pages, open_read_only, quietly};
pub use read::Reader;
pub use set_aside::{Aside, free_name, set_aside, set_asides};
use values::Key;

use crate::kill_point::{Point, pass};
use record::{AttemptRecord, Claim, EventRecord, FileRecord, JobRecord, RunRecord};

/// The layout of the tables. An older one is brought up to it; a newer one is refused.
const STORE_FORMAT: u64 = 1;

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
/// By id, which begins with the time.
const EVENTS: TableDefinition<&str, &[u8]> = TableDefinition::new("events");

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
    /// The row of a run that is over goes, with its attempts and its place in the job's history. What it stood for
    /// stays claimed.
    ForgetRun {
        /// The job.
        job_id: String,
        /// The run.
        number: u64,
    },
    /// What stood for an occurrence is forgotten: it could be claimed again.
    ForgetClaim(Claim),
    /// An event that was answered is forgotten.
    ForgetEvent(String),
    /// A value that cannot be read goes, and what hangs on it.
    Discard(Key),
}

/// What the daemon's loop needs of a ledger, so that a simulation can bring one of its own.
pub trait Ledger {
    /// Commits all of the changes, durably, or none.
    fn commit(&mut self, writes: &[Write]) -> Result<(), StoreError>;

    /// The run that an occurrence belongs to, if it has a row.
    fn claimed(&self, claim: &Claim) -> Result<Option<u64>, StoreError>;

    /// A row, by its number.
    fn run(&self, number: u64) -> Result<Option<RunRecord>, StoreError>;

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
    /// Opens the ledger, mends it after a crash, brings an older one up to date, or makes a new one. Every page is
    /// checked: what cannot be trusted is [`StoreError::Damaged`], and left as it is.
    pub fn open(path: &Path) -> Result<Store, StoreError> {
        open::quietly(path, || {
            if !open::look(path)? {
                open::create(path)?;
            }
            let database = migrate::up_to_date(path, open::checked(path)?)?;
            let id = open::identify(&database, path)?;
            Ok(Store {
                database: Some(database),
                path: path.to_owned(),
                id,
            })
        })
    }

    /// Names this ledger among all that ever were: eight hexadecimal digits.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A view for reading.
    pub fn reader(&self) -> Result<Reader, StoreError> {
        Ok(Reader::new(self.begin_read()?))
    }

    /// Gives what the file holds of free space back to the disk, where that is most of it: the size before and after.
    /// `None`: it was not worth it, or somebody reads the ledger just now.
    pub fn compact(&mut self) -> Result<Option<(u64, u64)>, StoreError> {
        let path = self.path.clone();
        let Some(mut database) = self.database.take() else {
            return Ok(None);
        };
        let result = open::quietly(&path, || open::compact(&mut database, &path));
        if result.is_ok() {
            self.database = Some(database);
        }
        result
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

fn transact(database: &Database, writes: &[Write]) -> Result<(), StoreError> {
    let mut transaction = database.begin_write()?;
    // A crash is then mended by reading a table instead of the whole file.
    transaction.set_quick_repair(true);
    for write in writes {
        apply::apply(&transaction, write)?;
    }
    transaction
        .open_table(META)?
        .insert("last_commit", chrono::Utc::now().to_rfc3339().as_str())?;
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
        let database = self.database.take();
        self.database = Some(open::quietly(&self.path, || {
            let database = match database {
                Some(database) => database,
                None => open::for_writing(&self.path)?,
            };
            transact(&database, writes)?;
            Ok(database)
        })?);
        Ok(())
    }

    fn claimed(&self, claim: &Claim) -> Result<Option<u64>, StoreError> {
        open::quietly(&self.path, || {
            let table = self.begin_read()?.open_table(OCCURRENCES)?;
            Ok(table.get(occurrence(claim))?.map(|run| run.value()))
        })
    }

    fn run(&self, number: u64) -> Result<Option<RunRecord>, StoreError> {
        open::quietly(&self.path, || {
            let table = self.begin_read()?.open_table(RUNS)?;
            let row = table.get(number)?;
            row.map(|bytes| decode("runs", bytes.value())).transpose()
        })
    }

    fn answered(&self, event: &str) -> Result<bool, StoreError> {
        open::quietly(&self.path, || {
            let table = self.begin_read()?.open_table(EVENTS)?;
            Ok(table.get(event)?.is_some())
        })
    }
}

/// An occurrence's key.
fn occurrence(claim: &Claim) -> (&str, i64, &str) {
    (
        claim.job_id.as_str(),
        claim.due.timestamp_millis(),
        claim.kind.key(),
    )
}
