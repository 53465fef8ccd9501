//! The ledger: redb tables of jobs, runs, attempts, events and files. One process writes; any number read.
//!
//! Nothing here knows what the records mean; the tables and their keys are described in `docs/design.md`.

use std::path::{Path, PathBuf};

use redb::{Database, ReadableDatabase, TableDefinition};

pub mod check;
mod codec;
mod damaged_files;
mod error;
pub mod json_lines;
pub mod memory;
mod migrate;
mod open;
mod reader;
mod sweep;
pub mod unreadable;
mod write;

use codec::decode;
pub use damaged_files::{Aside, free_name, set_aside, set_asides};
pub use error::{Damage, LedgerError};
pub use open::{check_pages, open_read_only, quietly};
pub use reader::Reader;
pub use write::Write;

use crate::kill_point::{self, Point};
use crate::record::{Claim, RunRecord};

/// The layout of the tables. An older one is brought up to it; a newer one is refused.
const LEDGER_FORMAT: u64 = 1;

/// The first byte of every value: how the record behind it is encoded. 1 is JSON.
const FORMAT: u8 = 1;

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

/// What the daemon's loop needs of a ledger, so that a simulation can bring one of its own.
pub trait Ledger {
    /// Commits all of the changes, durably, or none.
    fn commit(&mut self, writes: &[Write]) -> Result<(), LedgerError>;

    /// The run that an occurrence belongs to, if it has a row.
    fn claimed(&self, claim: &Claim) -> Result<Option<u64>, LedgerError>;

    /// A row, by its number.
    fn run(&self, number: u64) -> Result<Option<RunRecord>, LedgerError>;

    /// Whether an event was dealt with.
    fn answered(&self, event: &str) -> Result<bool, LedgerError>;
}

/// The ledger, opened by its one writer.
pub struct RedbLedger {
    /// `None` after a transaction failed, until the next one: the file has to be opened anew, since redb does nothing
    /// more with one that it could not write.
    database: Option<Database>,
    path: PathBuf,
    id: String,
}

impl RedbLedger {
    /// Opens the ledger, mends it after a crash, brings an older one up to date, or makes a new one. Every page is
    /// checked: what cannot be trusted is [`LedgerError::Damaged`], and left as it is.
    pub fn open(path: &Path) -> Result<RedbLedger, LedgerError> {
        open::quietly(path, || {
            if !open::look(path)? {
                open::create(path)?;
            }
            let database = migrate::up_to_date(path, open::checked(path)?)?;
            let id = open::identify(&database, path)?;
            Ok(RedbLedger {
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
    pub fn reader(&self) -> Result<Reader, LedgerError> {
        Ok(Reader::new(self.begin_read()?))
    }

    /// Gives what the file holds of free space back to the disk, where that is most of it: the size before and after.
    /// `None`: it was not worth it, or somebody reads the ledger just now.
    pub fn compact(&mut self) -> Result<Option<(u64, u64)>, LedgerError> {
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

    fn begin_read(&self) -> Result<redb::ReadTransaction, LedgerError> {
        match &self.database {
            Some(database) => Ok(database.begin_read()?),
            None => Err(LedgerError::Transaction {
                source: "it has to be opened anew after a failure".into(),
            }),
        }
    }
}

fn transact(database: &Database, writes: &[Write]) -> Result<(), LedgerError> {
    let mut transaction = database.begin_write()?;
    // A crash is then mended by reading a table instead of the whole file.
    transaction.set_quick_repair(true);
    for write in writes {
        write::apply(&transaction, write)?;
    }
    transaction
        .open_table(META)?
        .insert("last_commit", chrono::Utc::now().to_rfc3339().as_str())?;
    kill_point::reached(Point::CommitWritten);
    transaction.commit()?;
    kill_point::reached(Point::CommitDone);
    Ok(())
}

impl Ledger for RedbLedger {
    fn commit(&mut self, writes: &[Write]) -> Result<(), LedgerError> {
        if writes.is_empty() {
            return Ok(());
        }
        kill_point::reached(Point::CommitBegins);
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

    fn claimed(&self, claim: &Claim) -> Result<Option<u64>, LedgerError> {
        open::quietly(&self.path, || {
            let table = self.begin_read()?.open_table(OCCURRENCES)?;
            Ok(table.get(occurrence(claim))?.map(|run| run.value()))
        })
    }

    fn run(&self, number: u64) -> Result<Option<RunRecord>, LedgerError> {
        open::quietly(&self.path, || {
            let table = self.begin_read()?.open_table(RUNS)?;
            let row = table.get(number)?;
            row.map(|bytes| decode("runs", bytes.value())).transpose()
        })
    }

    fn answered(&self, event: &str) -> Result<bool, LedgerError> {
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
