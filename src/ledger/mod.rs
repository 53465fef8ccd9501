//! The ledger: a redb database with tables of jobs, runs, attempts, events, files and messages. One process writes it. Any number
//! of processes can read it.
//!
//! This module does not know what the records mean. `docs/design.md` describes the tables and their keys.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
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
pub use open::{Copy, check_copy, check_pages, open_read_only, quietly};
pub use reader::Reader;
pub use write::Write;

use crate::kill_point::{self, Point};
use crate::record::{Claim, OutboxRow, RunRecord};

/// The format: the number of the tables' layout. An older ledger is converted. A newer one is refused.
const LEDGER_FORMAT: u64 = 1;

/// The first byte of every value: how the record behind it is encoded. 1 is JSON.
const FORMAT: u8 = 1;

const META: TableDefinition<&str, &str> = TableDefinition::new("meta");
const JOBS: TableDefinition<&str, &[u8]> = TableDefinition::new("jobs");
const FILES: TableDefinition<&str, &[u8]> = TableDefinition::new("files");
const RUNS: TableDefinition<u64, &[u8]> = TableDefinition::new("runs");
/// The key is (job id, run number), so that the history of a job is one range.
const RUNS_OF_JOB: TableDefinition<(&str, u64), ()> = TableDefinition::new("runs_of_job");
/// The runs that are not over. A restart reads only these.
const OPEN_RUNS: TableDefinition<u64, ()> = TableDefinition::new("open_runs");
/// (job id, due instant in milliseconds, kind of claim) → run number. Each occurrence is claimed once.
const OCCURRENCES: TableDefinition<(&str, i64, &str), u64> = TableDefinition::new("occurrences");
/// The key is (run number, action, attempt).
const ATTEMPTS: TableDefinition<(u64, u32, u32), &[u8]> = TableDefinition::new("attempts");
/// The key is the event's id, which begins with the time.
const EVENTS: TableDefinition<&str, &[u8]> = TableDefinition::new("events");
/// (number of the message, name of the receiver). A ledger of an older program does not have it: the first message makes it.
const OUTBOX: TableDefinition<(u64, &str), &[u8]> = TableDefinition::new("outbox");

/// The part of the ledger that the daemon's loop uses. A simulation can provide another implementation.
pub trait Ledger {
    /// Commits all changes to disk, or none of them.
    fn commit(&mut self, writes: &[Write]) -> Result<(), LedgerError>;

    /// The number of the run that has claimed an occurrence. `None`: the occurrence is not claimed.
    fn claimed(&self, claim: &Claim) -> Result<Option<u64>, LedgerError>;

    /// The row with this number.
    fn run(&self, number: u64) -> Result<Option<RunRecord>, LedgerError>;

    /// Whether the ledger holds the answer to an event.
    fn answered(&self, event: &str) -> Result<bool, LedgerError>;

    /// The messages that were given up, the oldest first.
    fn given_up(&self) -> Result<Vec<OutboxRow>, LedgerError>;
}

/// The ledger, open for writing.
pub struct RedbLedger {
    /// `None` after a failed transaction. The next transaction opens the file again, because redb refuses to use a
    /// database after a write error.
    database: Option<Database>,
    path: PathBuf,
    id: String,
    /// `None` before the first commit of this process, and after one that failed, because it may have been kept.
    last_commit: Option<DateTime<Utc>>,
}

impl RedbLedger {
    /// Opens the ledger. Repairs it after a crash, converts it from an older format, or creates it when there is none.
    /// Checks every page.
    ///
    /// # Errors
    /// [`LedgerError::Damaged`] when the content cannot be trusted. The file is then left as it is.
    pub fn open(path: &Path) -> Result<RedbLedger, LedgerError> {
        open::quietly(path, || {
            if !open::exists(path)? {
                open::create(path)?;
            }
            let database = migrate::up_to_date(path, open::checked(path)?)?;
            let id = open::identify(&database, path)?;
            Ok(RedbLedger {
                database: Some(database),
                path: path.to_owned(),
                id,
                last_commit: None,
            })
        })
    }

    /// Eight hexadecimal digits that tell this ledger from all others.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The instant that this process wrote with its last commit. `None` if it is not certain which commit was the last.
    pub fn last_commit(&self) -> Option<DateTime<Utc>> {
        self.last_commit
    }

    /// The ledger's file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A consistent view of the current content.
    pub fn reader(&self) -> Result<Reader, LedgerError> {
        Ok(Reader::new(self.begin_read()?))
    }

    /// Compacts the file when more than half of it is free. Returns its size in bytes before and after. `None`: the
    /// file was not compacted, because little of it is free or because another process is reading it.
    pub fn compact(&mut self) -> Result<Option<(u64, u64)>, LedgerError> {
        let path = self.path.clone();
        let Some(mut database) = self.database.take() else {
            return Ok(None);
        };
        open::quietly(&path, || {
            let sizes = open::compact(&mut database, &path)?;
            self.database = Some(database);
            Ok(sizes)
        })
    }

    fn begin_read(&self) -> Result<redb::ReadTransaction, LedgerError> {
        match &self.database {
            Some(database) => Ok(database.begin_read()?),
            None => Err(LedgerError::Transaction {
                source: "it must be opened again after a failed transaction".into(),
            }),
        }
    }
}

impl Drop for RedbLedger {
    /// redb reads the file when it closes it, and may panic where another program has written to it.
    fn drop(&mut self) {
        let database = self.database.take();
        // What is wrong with the file was said when it was noticed, or is said at the next start.
        let _ = open::quietly(&self.path, || {
            drop(database);
            Ok(())
        });
    }
}

fn transact(database: &Database, writes: &[Write], now: DateTime<Utc>) -> Result<(), LedgerError> {
    let mut transaction = database.begin_write()?;
    // The repair after a crash then reads one table instead of the whole file.
    transaction.set_quick_repair(true);
    for write in writes {
        write::apply(&transaction, write)?;
    }
    transaction
        .open_table(META)?
        .insert("last_commit", now.to_rfc3339().as_str())?;
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
        self.last_commit = None;
        let now = Utc::now();
        self.database = Some(open::quietly(&self.path, || {
            let database = match database {
                Some(database) => database,
                None => open::for_writing(&self.path)?,
            };
            transact(&database, writes, now)?;
            Ok(database)
        })?);
        self.last_commit = Some(now);
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

    fn given_up(&self) -> Result<Vec<OutboxRow>, LedgerError> {
        open::quietly(&self.path, || {
            let mut rows = self.reader()?.outbox()?;
            rows.retain(OutboxRow::is_given_up);
            Ok(rows)
        })
    }
}

/// The key of a claim in the table `occurrences`.
fn occurrence(claim: &Claim) -> (&str, i64, &str) {
    (
        claim.job_id.as_str(),
        claim.due.timestamp_millis(),
        claim.kind.key(),
    )
}
