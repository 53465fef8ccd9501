//! Damaged ledgers that were renamed. The file itself is the record of the damage: as long as it exists, the commands
//! mention it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use chrono::{DateTime, NaiveDateTime, Utc};

use super::LedgerError;
use super::open::{beside, file_error, sync_parent};
use crate::kill_point::{self, Point};

/// Stands between the ledger's name and the time.
const WORD: &str = "damaged-";

/// The format of the time in the name. The time is UTC.
const TIME: &str = "%Y-%m-%dT%H%M%SZ";

/// A damaged ledger that was renamed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aside {
    /// Its new name.
    pub path: PathBuf,
    /// When it was renamed. The history before this instant is only in this file.
    pub at: DateTime<Utc>,
}

/// Renames a damaged ledger to a name with the time: `ledger.redb.damaged-2026-11-24T031107Z`.
pub fn set_aside(path: &Path, now: DateTime<Utc>) -> Result<Aside, LedgerError> {
    let fail = |error: io::Error| file_error(path, error);
    let name = format!("{WORD}{}", now.format(TIME));
    let free = free_name(path, &name);
    fs::rename(path, &free).map_err(fail)?;
    sync_parent(path).map_err(fail)?;
    kill_point::reached(Point::LedgerSetAside);
    Ok(Aside {
        path: free,
        at: now,
    })
}

/// Returns an unused name in the same directory: `ledger.redb.damaged-…`, or else `ledger.redb.damaged-…-2`. So a file
/// that was renamed within the same second is not overwritten.
pub fn free_name(path: &Path, suffix: &str) -> PathBuf {
    let taken = |path: &PathBuf| fs::symlink_metadata(path).is_ok();
    (1_u32..)
        .map(|nth| match nth {
            1 => beside(path, suffix),
            nth => beside(path, &format!("{suffix}-{nth}")),
        })
        .find(|path| !taken(path))
        // Four billion names are never all taken.
        .unwrap_or_else(|| beside(path, suffix))
}

/// The damaged files of this ledger, the oldest first.
pub fn set_asides(path: &Path) -> Vec<Aside> {
    let (Some(dir), Some(name)) = (path.parent(), path.file_name()) else {
        return Vec::new();
    };
    let prefix = format!("{}.{WORD}", name.to_string_lossy());
    let mut found: Vec<Aside> = fs::read_dir(dir)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name();
            let time = name.to_str()?.strip_prefix(&prefix)?;
            // `2026-11-24T031107Z`, or with a number: `2026-11-24T031107Z-2`.
            let time = time.get(..TIME_LENGTH)?;
            let at = NaiveDateTime::parse_from_str(time, TIME).ok()?.and_utc();
            Some(Aside {
                path: entry.path(),
                at,
            })
        })
        .collect();
    found.sort_by(|one, other| (one.at, &one.path).cmp(&(other.at, &other.path)));
    found
}

const TIME_LENGTH: usize = "2026-11-24T031107Z".len();
