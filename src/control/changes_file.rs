//! The file with what the backups of a run have found changed. It lies beside the log of the run and goes with it, and is
//! not in the ledger: that has to be small, because all of it is checked at each start.
//!
//! One line of JSON for each attempt that made a snapshot, in the order in which they ended.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;

use serde::{Deserialize, Serialize};

use super::layout::Layout;
use crate::protocol::Changes;

/// The file does not become larger than about this, however often an action is tried.
const LARGEST: u64 = 16 << 20;

/// What an attempt at a backup has found changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AttemptChanges {
    /// The index of the action, from 0.
    pub action: u32,
    /// The attempt, from 1.
    pub attempt: u32,
    #[serde(flatten)]
    pub changes: Changes,
}

/// Adds what an attempt has found.
///
/// # Errors
/// When it cannot be written, or the file is too large.
pub fn add(layout: &Layout, run: u64, found: &AttemptChanges) -> io::Result<()> {
    // Without NONBLOCK, opening a FIFO would wait.
    let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOCTTY;
    let mut file = OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .custom_flags(flags.bits() as i32)
        .open(layout.run_changes(run))?;
    let about = file.metadata()?;
    if !about.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    if about.len() > LARGEST {
        return Err(io::Error::other("it is too large"));
    }
    // A line that a crash or a full disk has cut must not cost this one, too.
    let mut line = b"\n".to_vec();
    serde_json::to_writer(&mut line, found)?;
    line.push(b'\n');
    file.write_all(&line)
}

/// What the last attempt at each action has found, in the order of the actions. Empty if the run has no such file. A line
/// that cannot be read is left out.
///
/// # Errors
/// When the file cannot be read.
pub fn read(layout: &Layout, run: u64) -> io::Result<Vec<AttemptChanges>> {
    let bytes = match fs::read(layout.run_changes(run)) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let lines = bytes.split(|byte| *byte == b'\n');
    let mut all: Vec<AttemptChanges> = lines
        .filter_map(|line| serde_json::from_slice(line).ok())
        .collect();
    all.reverse();
    // The last attempt comes first now, and the sort keeps it there.
    all.sort_by_key(|it| it.action);
    all.dedup_by_key(|it| it.action);
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_attempt_at_each_action_counts_and_a_line_that_was_cut_costs_itself_alone() {
        let top = tempfile::tempdir().unwrap();
        let layout = Layout::new(top.path(), top.path());
        layout.create().unwrap();
        assert!(read(&layout, 7).unwrap().is_empty());
        let found = |action, attempt| AttemptChanges {
            action,
            attempt,
            changes: Changes::default(),
        };
        for (action, attempt) in [(1, 1), (0, 1), (1, 2)] {
            add(&layout, 7, &found(action, attempt)).unwrap();
        }
        let path = layout.run_changes(7);
        let mut bytes = fs::read(&path).unwrap();
        bytes.extend_from_slice(b"\n{\"action\":0,\"attem");
        fs::write(&path, bytes).unwrap();
        add(&layout, 7, &found(2, 1)).unwrap();
        let expected = [found(0, 1), found(1, 2), found(2, 1)];
        assert_eq!(read(&layout, 7).unwrap(), expected);
    }
}
