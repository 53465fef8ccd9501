//! From an older layout of the tables to the one of today, step by step.
//!
//! A step is a function from one format to the next. All that are needed run in one transaction, so a crash in the
//! middle leaves the ledger as it was; and a copy of it, `ledger.redb.format-1`, stays beside the new one.

use std::fs::{self, File};
use std::path::Path;

use redb::{Database, ReadableDatabase, WriteTransaction};

use super::open::{beside, checked, file_error, make_private, sync_parent};
use super::{META, STORE_FORMAT, StoreError};

/// Brings the tables from one format to the next.
type Step = fn(&WriteTransaction) -> Result<(), StoreError>;

/// The steps, each with the format that it starts from. Format 1 is the first that was ever released.
const STEPS: &[(u64, Step)] = &[];

/// The database in today's format.
pub(super) fn up_to_date(path: &Path, database: Database) -> Result<Database, StoreError> {
    climb(path, database, STEPS, STORE_FORMAT)
}

fn climb(
    path: &Path,
    database: Database,
    steps: &[(u64, Step)],
    top: u64,
) -> Result<Database, StoreError> {
    let found = format_of(&database, path)?;
    if found == top {
        return Ok(database);
    }
    let way: Vec<Step> = (found..top)
        .map_while(|format| steps.iter().find(|(from, _)| *from == format))
        .map(|(_, step)| *step)
        .collect();
    if found > top || way.len() as u64 != top - found {
        return Err(StoreError::Format {
            path: path.to_owned(),
            found: found.to_string(),
        });
    }
    // Copied while nobody has it open, so that the copy is whole.
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

fn format_of(database: &Database, path: &Path) -> Result<u64, StoreError> {
    let transaction = database.begin_read()?;
    let meta = transaction.open_table(META)?;
    let found = meta.get("format")?.map(|value| value.value().to_owned());
    let damaged = |message: String| StoreError::Damaged {
        path: path.to_owned(),
        message,
    };
    match found {
        Some(text) => text
            .parse()
            .map_err(|_| damaged(format!("its format is {text:?}, which is no number"))),
        None => Err(damaged("it does not say its format".to_owned())),
    }
}

fn keep_copy(path: &Path, format: u64) -> Result<(), StoreError> {
    let fail = |error: std::io::Error| file_error(path, &error);
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
