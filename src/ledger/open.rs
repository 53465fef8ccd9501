//! Creates and opens the file, for writing or for reading, and recognizes a damaged file.

use std::cell::Cell;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Once;

use chrono::{DateTime, Utc};
use redb::{
    Builder, CompactionError, ConcurrencyMode, Database, ReadOnlyDatabase, ReadableDatabase,
};
use sha2::{Digest, Sha256};

use super::{
    ATTEMPTS, Damage, EVENTS, FILES, JOBS, LEDGER_FORMAT, LedgerError, META, OCCURRENCES,
    OPEN_RUNS, RUNS, RUNS_OF_JOB, Reader,
};
use crate::kill_point::{self, Point};

/// The size of redb's cache. The whole ledger of a usual host is smaller.
const CACHE_BYTES: usize = 4 * 1024 * 1024;

/// A file below this size, in bytes, is not compacted.
const SMALL: u64 = 4 * 1024 * 1024;

/// Opens every table. A write transaction creates the tables that are missing. A read transaction fails when one is
/// missing.
macro_rules! open_all_tables {
    ($transaction:ident) => {
        $transaction.open_table(JOBS)?;
        $transaction.open_table(FILES)?;
        $transaction.open_table(RUNS)?;
        $transaction.open_table(RUNS_OF_JOB)?;
        $transaction.open_table(OPEN_RUNS)?;
        $transaction.open_table(OCCURRENCES)?;
        $transaction.open_table(ATTEMPTS)?;
        $transaction.open_table(EVENTS)?;
    };
}

fn builder() -> Builder {
    let mut builder = Builder::new();
    builder.set_cache_size(CACHE_BYTES);
    builder.set_concurrency_mode(ConcurrencyMode::SingleWriter);
    builder
}

/// Whether the ledger's file exists. Anything that cannot be a ledger, such as a directory or an empty file, is damage:
/// a ledger gets its name only when it is complete, so an empty file was emptied later.
pub(super) fn exists(path: &Path) -> Result<bool, LedgerError> {
    let damaged = |damage| LedgerError::Damaged {
        path: path.to_owned(),
        damage,
    };
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => Err(damaged(Damage::IsDirectory)),
        Ok(metadata) if !metadata.is_file() => Err(damaged(Damage::NotAFile)),
        Ok(metadata) if metadata.len() == 0 => Err(damaged(Damage::Empty)),
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if fs::symlink_metadata(path).is_ok() {
                return Err(damaged(Damage::DeadLink));
            }
            Ok(false)
        }
        Err(error) => Err(file_error(path, error)),
    }
}

/// Turns an error of the file system into an error of the ledger.
pub(super) fn file_error(path: &Path, error: io::Error) -> LedgerError {
    match error.kind() {
        io::ErrorKind::PermissionDenied => LedgerError::Denied {
            path: path.to_owned(),
        },
        _ if super::error::is_full(&error) => LedgerError::Full {
            dir: path.parent().unwrap_or(path).to_owned(),
        },
        _ => LedgerError::Open {
            path: path.to_owned(),
            source: error.into(),
        },
    }
}

/// Creates an empty ledger with a new id.
pub(super) fn create(path: &Path) -> Result<(), LedgerError> {
    build(path, &new_id(), |_| Ok(()))
}

/// Creates a ledger with this id and content. It is written under another name, and gets its own name only when it is
/// complete and on disk. An existing file of that name is replaced.
pub(super) fn build(
    path: &Path,
    id: &str,
    fill: impl FnOnce(&redb::WriteTransaction) -> Result<(), LedgerError>,
) -> Result<(), LedgerError> {
    let hidden = beside(path, "new");
    let fail = |error| file_error(path, error);
    match fs::remove_file(&hidden) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(fail(error)),
        _ => {}
    }
    make_private(&hidden).map_err(fail)?;
    let result = write_whole(&hidden, id, fill);
    if let Err(error) = result {
        let _ = fs::remove_file(&hidden);
        return Err(error.in_file(path));
    }
    kill_point::reached(Point::LedgerWritten);
    fs::rename(&hidden, path).map_err(fail)?;
    sync_parent(path).map_err(fail)?;
    kill_point::reached(Point::LedgerMade);
    Ok(())
}

fn write_whole(
    hidden: &Path,
    id: &str,
    fill: impl FnOnce(&redb::WriteTransaction) -> Result<(), LedgerError>,
) -> Result<(), LedgerError> {
    let database = for_writing(hidden)?;
    let transaction = database.begin_write()?;
    {
        let mut meta = transaction.open_table(META)?;
        meta.insert("format", LEDGER_FORMAT.to_string().as_str())?;
        meta.insert("id", id)?;
    }
    open_all_tables!(transaction);
    fill(&transaction)?;
    transaction.commit()?;
    drop(database);
    File::open(hidden)
        .and_then(|file| file.sync_all())
        .map_err(|error| file_error(hidden, error))
}

/// The ledger's path with a suffix: `ledger.redb.new`.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(suffix);
    PathBuf::from(name)
}

/// Flushes the directory of a file, so that a rename in it survives a power failure.
pub(super) fn sync_parent(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => File::open(parent)?.sync_all(),
        _ => Ok(()),
    }
}

/// Creates the file for its owner alone: the ledger contains job files, which other users must not read.
pub(super) fn make_private(path: &Path) -> io::Result<()> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map(drop)
}

/// Opens the file for writing, without checking its pages.
pub(super) fn for_writing(path: &Path) -> Result<Database, LedgerError> {
    builder()
        .create(path)
        .map_err(|error| LedgerError::at_open(path, error))
}

/// Opens the file for writing and checks every page.
pub(super) fn checked(path: &Path) -> Result<Database, LedgerError> {
    // Open it without redb first: this error says more than the one of redb.
    if let Err(error) = OpenOptions::new().read(true).write(true).open(path) {
        return Err(file_error(path, error));
    }
    let mut builder = builder();
    builder.set_check_integrity_on_open(true);
    builder
        .create(path)
        .map_err(|error| LedgerError::at_open(path, error))
}

/// Returns the ledger's id. Fails when the id or a table is missing, or when a table has other types.
pub(super) fn identify(database: &Database, path: &Path) -> Result<String, LedgerError> {
    let read = || -> Result<Option<String>, LedgerError> {
        let transaction = database.begin_read()?;
        open_all_tables!(transaction);
        let meta = transaction.open_table(META)?;
        Ok(meta.get("id")?.map(|id| id.value().to_owned()))
    };
    match read() {
        Ok(Some(id)) => Ok(id),
        Ok(None) => Err(LedgerError::Damaged {
            path: path.to_owned(),
            damage: Damage::NoId,
        }),
        Err(error) => Err(error.in_file(path)),
    }
}

/// Makes an id of eight hexadecimal digits, which is very likely unique.
fn new_id() -> String {
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

/// Opens the ledger for reading. A writer may have it open at the same time.
pub fn open_read_only(path: &Path) -> Result<Reader, LedgerError> {
    quietly(path, || {
        if !exists(path)? {
            return Err(LedgerError::Missing {
                path: path.to_owned(),
            });
        }
        File::open(path).map_err(|error| file_error(path, error))?;
        let database: ReadOnlyDatabase = builder()
            .open_read_only(path)
            .map_err(|error| LedgerError::at_open(path, error))?;
        let transaction = database.begin_read()?;
        let reader = Reader::holding(transaction, database);
        reader.check_format(path)?;
        Ok(reader)
    })
}

/// Checks every page of a ledger that no process writes to now. Works on a copy in memory, so that the file is not changed,
/// even when it needs a repair.
pub fn check_pages(path: &Path) -> Result<(), LedgerError> {
    let copy = File::open(path).and_then(|file| Copy::of(&file));
    check_copy(path, copy.map_err(|error| file_error(path, error))?).map(drop)
}

/// A copy of a ledger's file in memory.
pub struct Copy(redb::backends::InMemoryBackend);

impl Copy {
    /// Copies the file, whatever its position.
    pub fn of(file: &File) -> io::Result<Copy> {
        let memory = redb::backends::InMemoryBackend::new();
        let length = file.metadata()?.len();
        redb::StorageBackend::set_len(&memory, length)?;
        let mut buffer = vec![0; 1 << 16];
        let mut at = 0;
        while at < length {
            let most = buffer.len().min((length - at) as usize);
            let read = file.read_at(&mut buffer[..most], at)?;
            if read == 0 {
                break;
            }
            redb::StorageBackend::write(&memory, at, &buffer[..read])?;
            at += read as u64;
        }
        Ok(Copy(memory))
    }
}

/// Checks every page of a copy of the ledger at this path. Returns the instant in its last commit, if there is one.
pub fn check_copy(path: &Path, Copy(memory): Copy) -> Result<Option<DateTime<Utc>>, LedgerError> {
    quietly(path, || {
        let mut database = Builder::new()
            .set_cache_size(CACHE_BYTES)
            .create_with_backend(memory)
            .map_err(|error| LedgerError::at_open(path, error))?;
        match database.check_integrity() {
            Ok(true) => Reader::new(database.begin_read()?).last_commit(),
            Ok(false) => Err(LedgerError::Damaged {
                path: path.to_owned(),
                damage: Damage::PagesDoNotFit,
            }),
            Err(error) => Err(LedgerError::at_open(path, error)),
        }
    })
}

/// Compacts the file when more than half of it is free.
pub(super) fn compact(
    database: &mut Database,
    path: &Path,
) -> Result<Option<(u64, u64)>, LedgerError> {
    let size = || {
        fs::metadata(path)
            .map(|metadata| metadata.len())
            .map_err(|error| file_error(path, error))
    };
    let before = size()?;
    if before < SMALL {
        return Ok(None);
    }
    let transaction = database.begin_write()?;
    let stats = transaction.stats()?;
    transaction.abort()?;
    if stats.allocated_pages() * stats.page_size() as u64 > before / 2 {
        return Ok(None);
    }
    kill_point::reached(Point::CompactionBegins);
    match database.compact() {
        Ok(_) => {
            kill_point::reached(Point::Compacted);
            Ok(Some((before, size()?)))
        }
        Err(CompactionError::TransactionInProgress) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

thread_local! {
    /// Whether [`quietly`] catches the panics of this thread. They are then not printed.
    static CAUGHT: Cell<bool> = const { Cell::new(false) };
}

/// Runs `work` and turns a panic into [`LedgerError::Damaged`]. redb trusts the file, and may panic when its bytes were
/// changed by something else.
pub fn quietly<T>(
    path: &Path,
    work: impl FnOnce() -> Result<T, LedgerError>,
) -> Result<T, LedgerError> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let tell = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !CAUGHT.get() {
                tell(info);
            }
        }));
    });
    let before = CAUGHT.replace(true);
    let result = catch_unwind(AssertUnwindSafe(work));
    CAUGHT.set(before);
    match result {
        Ok(result) => result.map_err(|error| error.in_file(path)),
        Err(payload) => {
            let text = payload
                .downcast_ref::<String>()
                .map(String::as_str)
                .or_else(|| payload.downcast_ref::<&str>().copied())
                .unwrap_or("no reason given");
            Err(LedgerError::Damaged {
                path: path.to_owned(),
                damage: Damage::Panicked(text.lines().next().unwrap_or_default().to_owned()),
            })
        }
    }
}
