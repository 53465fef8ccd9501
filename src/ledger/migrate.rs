//! Converts a ledger of an older format to the current format, step by step.
//!
//! A step is a function from one format to the next. All steps run in one transaction, so a crash in the middle leaves
//! the ledger unchanged. A copy of the old ledger, `ledger.redb.format-1`, stays beside the new one.

use std::fs::{self, File};
use std::path::Path;

use redb::{Database, ReadableDatabase, WriteTransaction};

use super::open::{beside, checked, file_error, make_private, sync_parent};
use super::{Damage, LEDGER_FORMAT, LedgerError, META};

/// Converts the tables from one format to the next.
type Step = fn(&WriteTransaction) -> Result<(), LedgerError>;

/// The steps, each with the format that it starts from. Format 1 is the first format that was released.
const STEPS: &[(u64, Step)] = &[];

/// Converts the database to the current format, if it has an older one.
pub(super) fn up_to_date(path: &Path, database: Database) -> Result<Database, LedgerError> {
    climb(path, database, STEPS, LEDGER_FORMAT)
}

fn climb(
    path: &Path,
    database: Database,
    steps: &[(u64, Step)],
    top: u64,
) -> Result<Database, LedgerError> {
    let found = format_of(&database, path)?;
    if found == top {
        return Ok(database);
    }
    let way: Vec<Step> = (found..top)
        .map_while(|format| steps.iter().find(|(from, _)| *from == format))
        .map(|(_, step)| *step)
        .collect();
    if found > top || way.len() as u64 != top - found {
        return Err(LedgerError::Format {
            path: path.to_owned(),
            found: found.to_string(),
        });
    }
    // Close the file before it is copied: a copy of an open file may be incomplete.
    drop(database);
    keep_copy(path, found)?;
    let database = checked(path)?;
    let transaction = database.begin_write()?;
    for step in way {
        step(&transaction)?;
    }
    transaction
        .open_table(META)?
        .insert("format", top.to_string().as_str())?;
    transaction.commit()?;
    Ok(database)
}

fn format_of(database: &Database, path: &Path) -> Result<u64, LedgerError> {
    let transaction = database.begin_read()?;
    let meta = transaction.open_table(META)?;
    let found = meta.get("format")?.map(|value| value.value().to_owned());
    let damaged = |damage| LedgerError::Damaged {
        path: path.to_owned(),
        damage,
    };
    match found {
        Some(found) => found
            .parse()
            .map_err(|_| damaged(Damage::FormatNotANumber { found })),
        None => Err(damaged(Damage::NoFormat)),
    }
}

fn keep_copy(path: &Path, format: u64) -> Result<(), LedgerError> {
    let fail = |error| file_error(path, error);
    let hidden = beside(path, "copy");
    let copy = beside(path, &format!("format-{format}"));
    make_private(&hidden).map_err(fail)?;
    fs::copy(path, &hidden).map_err(fail)?;
    File::open(&hidden)
        .and_then(|file| file.sync_all())
        .map_err(fail)?;
    fs::rename(&hidden, &copy).map_err(fail)?;
    sync_parent(&copy).map_err(fail)
}

#[cfg(test)]
mod tests {
    use redb::ReadableTable;

    use super::*;
    use crate::ledger::{JOBS, Ledger, RedbLedger, Write};
    use crate::samples::run_record;

    /// Steps for the tests only, from format 1 to format 3. Each step leaves a mark in `meta`.
    const LADDER: &[(u64, Step)] = &[(1, to_two), (2, to_three)];

    fn to_two(transaction: &WriteTransaction) -> Result<(), LedgerError> {
        transaction.open_table(META)?.insert("step", "two")?;
        Ok(())
    }

    fn to_three(transaction: &WriteTransaction) -> Result<(), LedgerError> {
        let mut meta = transaction.open_table(META)?;
        let before = meta.get("step")?.map(|value| value.value().to_owned());
        meta.insert(
            "step",
            format!("{} three", before.unwrap_or_default()).as_str(),
        )?;
        Ok(())
    }

    fn fails(transaction: &WriteTransaction) -> Result<(), LedgerError> {
        // The step fails after it has changed something.
        transaction.delete_table(JOBS)?;
        Err(LedgerError::Transaction {
            source: "the power went".into(),
        })
    }

    /// A ledger with one row, in the current format.
    fn ledger() -> (tempfile::TempDir, std::path::PathBuf) {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("ledger.redb");
        let mut store = RedbLedger::open(&path).expect("a ledger");
        let row = run_record(1, "job", chrono::DateTime::UNIX_EPOCH);
        store.commit(&[Write::Claim(row)]).expect("a commit");
        (dir, path)
    }

    fn meta(database: &Database, key: &str) -> Option<String> {
        let transaction = database.begin_read().expect("a view");
        let meta = transaction.open_table(META).expect("the table");
        let value = meta.get(key).expect("a look");
        value.map(|value| value.value().to_owned())
    }

    #[test]
    fn an_older_ledger_climbs_step_by_step_and_a_copy_of_it_stays() {
        let (_dir, path) = ledger();
        let database = climb(&path, checked(&path).expect("it opens"), LADDER, 3);
        let database = database.expect("it climbs");
        assert_eq!(meta(&database, "format").as_deref(), Some("3"));
        assert_eq!(meta(&database, "step").as_deref(), Some("two three"));
        drop(database);
        let copy = RedbLedger::open(&beside(&path, "format-1")).expect("it is a ledger as it was");
        let rows = copy.reader().expect("a view").history(None, 9);
        assert_eq!(rows.expect("the rows").len(), 1);
        // This version does not support format 3.
        let Err(LedgerError::Format { found, .. }) = RedbLedger::open(&path) else {
            panic!("it is too new");
        };
        assert_eq!(found, "3");
    }

    #[test]
    fn a_step_that_fails_leaves_the_ledger_as_it_was() {
        let (_dir, path) = ledger();
        let ladder: &[(u64, Step)] = &[(1, to_two), (2, fails)];
        assert!(climb(&path, checked(&path).expect("it opens"), ladder, 3).is_err());
        let store = RedbLedger::open(&path).expect("it is as it was");
        assert_eq!(store.reader().expect("a view").last_run().expect("it"), 1);
        drop(store);
        // The next try succeeds, and replaces the copy that the first try made.
        let database = climb(&path, checked(&path).expect("it opens"), LADDER, 3);
        assert_eq!(
            meta(&database.expect("it climbs"), "format").as_deref(),
            Some("3")
        );
    }

    #[test]
    fn a_format_that_no_step_starts_from_is_refused() {
        let (_dir, path) = ledger();
        let ladder: &[(u64, Step)] = &[(2, to_three)];
        let climbed = climb(&path, checked(&path).expect("it opens"), ladder, 3);
        assert!(matches!(climbed, Err(LedgerError::Format { .. })));
        assert!(!beside(&path, "format-1").exists());
    }
}
