//! What changed since the snapshot before: told in the log, and reported.
//!
//! A backup that continues the snapshot before has both in memory, and counts in `passing`. Else the two trees are
//! compared when the new snapshot is there: a backup of level 0 has no parent, and one that an earlier attempt had
//! finished does nothing. Directories that did not change are not read.

mod directories;
mod passing;
mod tally;

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::os::unix::ffi::OsStrExt;

use chrono::{DateTime, Utc};

use crate::agent::Context;
use crate::agent::lineage::{earlier, shares_path};
use crate::agent::report::log;
use crate::agent::repository::Found;
use crate::agent::snapshot::Snapshot;
use crate::archive::report::{Problems, Report as BackupReport};
use crate::escape::shown;
use crate::inspect::diff::side::{Nothing, Side, SideError, SnapshotSide};
use crate::inspect::diff::{Told, diff};
use crate::job::action::Backup;
use crate::protocol::{Changes, Drilled, LastDrill, Report, Since};
use crate::repository::error::Error;
use crate::repository::indexed::{Indexed, Loading};
use crate::source::problem::SourceFault;
use crate::storage::id::Id;
use crate::units;
pub(super) use passing::Passing;
use tally::Tally;

/// How many directories and entries the log names. `freezerd changes` shows more.
const IN_LOG: usize = 5;

/// Paths that a backup could not read.
#[derive(Default)]
pub(super) struct Unread {
    named: BTreeSet<Vec<u8>>,
    /// How many there are beyond those.
    unnamed: u64,
}

impl Unread {
    /// Those of a backup.
    pub fn of(report: &BackupReport) -> Unread {
        let mut unread = Unread::default();
        for problems in [&report.problems, &report.ignored] {
            unread.add(problems);
        }
        unread
    }

    fn add(&mut self, problems: &Problems) {
        self.unnamed += problems.total.saturating_sub(problems.first.len() as u64);
        for problem in &problems.first {
            // Of the others, something is in the snapshot, or nothing is left.
            if let SourceFault::Unreadable { .. } | SourceFault::ChangedType = problem.fault {
                let path = problem.path.as_os_str().as_bytes();
                self.named.insert(path.to_vec());
            }
        }
    }
}

/// What a backup knows of what it did.
#[derive(Default)]
pub(super) struct Done<'a> {
    pub unread: Unread,
    /// The parent, and what changed since then, if that was counted.
    pub counted: Option<(Option<Id>, Passing<'a>)>,
}

/// As [`tell`], for a snapshot that an earlier attempt or run had finished.
pub(super) fn tell_finished(
    context: &Context,
    work: &Backup,
    index: Loading,
    lineage: &[Found],
    new: &Found,
) {
    match index.finish() {
        Ok(indexed) => tell(context, work, &indexed, lineage, new, Done::default()),
        Err(error) => not_known(&error),
    }
}

/// The snapshot is there, so this is not a failure.
fn not_known(error: &Error) {
    log(&format!(
        "warning: what changed since the snapshot before is not known: {error}"
    ));
}

/// Says in the log what changed since the newest snapshot before the new one, and reports it.
pub(super) fn tell(
    context: &Context,
    work: &Backup,
    indexed: &Indexed,
    lineage: &[Found],
    (new, _, file): &Found,
    done: Done<'_>,
) {
    let before = before(context, work, lineage, new);
    let unread = done.unread;
    let before_id = before.map(|(_, id, _)| *id);
    let counted = match done.counted {
        Some((parent, passing)) if parent == before_id => passing.finish(indexed, &unread.named),
        _ => Ok(None),
    };
    let compared = match counted {
        Ok(Some(changes)) => Ok(changes),
        Ok(None) => {
            let moved = || context.reporter.advance(0, 0);
            let before_tree = before.map(|(_, _, file)| file.tree);
            compare(indexed, before_tree, file.tree, unread.named, &moved)
        }
        Err(error) => Err(error),
    };
    let compared = match compared {
        Ok(compared) => compared,
        Err(error) => return not_known(&error),
    };
    let changes = Changes {
        snapshot: new.id.clone(),
        since: before.map(|(snapshot, ..)| Since {
            snapshot: snapshot.id.clone(),
            time: snapshot.time,
            partial: snapshot.partial,
        }),
        last_drill: last_drill(context, work, lineage, Utc::now()),
        unread_unnamed: unread.unnamed,
        ..compared
    };
    page(&changes, context.request.run)
        .iter()
        .for_each(|line| log(line));
    context.reporter.send(&Report::Changes(Box::new(changes)));
}

/// The snapshot before the new one in its lineage. What an earlier attempt of the same run has left is a part of the
/// same backup.
fn before<'a>(
    context: &Context,
    work: &Backup,
    lineage: &'a [Found],
    new: &Snapshot,
) -> Option<&'a Found> {
    let request = &context.request;
    let own = request.run_tag.snapshot_tag(request.action_index);
    let others: Vec<Snapshot> = lineage
        .iter()
        .map(|(snapshot, ..)| snapshot)
        .filter(|it| it.id != new.id && it.time <= new.time && !it.tags.contains(&own))
        .cloned()
        .collect();
    let newest = earlier(&work.paths, &others).pop()?;
    lineage
        .iter()
        .find(|(snapshot, ..)| snapshot.id == newest.id)
}

/// The newest drill that has proved one of these snapshots. `None`: no job has a drill of the lineage.
fn last_drill(
    context: &Context,
    work: &Backup,
    of_name: &[Found],
    now: DateTime<Utc>,
) -> Option<LastDrill> {
    let drilled = context.request.drilled.as_ref()?;
    let is_here = |it: &&Drilled| {
        let mut snapshots = of_name.iter().map(|(snapshot, ..)| snapshot);
        snapshots.any(|held| held.first_id() == it.snapshot && shares_path(&work.paths, held))
    };
    let newest = drilled.iter().filter(is_here).max_by_key(|it| it.at);
    Some(newest.map_or_else(LastDrill::default, |it| LastDrill {
        snapshot: Some(it.snapshot.clone()),
        at: Some(it.at),
        age_seconds: Some((now - it.at).num_seconds().max(0) as u64),
    }))
}

/// Compares two trees. The lists and numbers of the result are filled in.
///
/// # Errors
/// When the way to the repository fails. What is damaged in it is counted.
fn compare(
    indexed: &Indexed,
    before: Option<Id>,
    after: Id,
    unread: BTreeSet<Vec<u8>>,
    moved: &dyn Fn(),
) -> Result<Changes, Error> {
    if before == Some(after) {
        return Ok(Changes::default());
    }
    let mut one: Box<dyn Side> = match before {
        Some(tree) => Box::new(SnapshotSide::new(indexed, tree)),
        None => Box::new(Nothing),
    };
    let mut tally = Tally::default();
    tally.could_not_read(unread);
    let mut other = SnapshotSide::new(indexed, after);
    let ended = diff(&mut *one, &mut other, |told| {
        moved();
        tally.add(&reachable(told)?);
        ControlFlow::Continue(())
    });
    match ended {
        ControlFlow::Continue(_) => Ok(tally.finish()),
        ControlFlow::Break(error) => Err(error),
    }
}

/// Ends a comparison when the way to the repository fails. What is damaged in it is counted.
fn reachable(told: Told<'_>) -> ControlFlow<Error, Told<'_>> {
    match told {
        Told::Unreadable {
            error: SideError::Repository(error),
            ..
        } if error.is_out_of_reach() => ControlFlow::Break(error),
        told => ControlFlow::Continue(told),
    }
}

/// The lines of the log.
fn page(changes: &Changes, run: u64) -> Vec<String> {
    let mut lines = vec![match &changes.since {
        Some(since) => {
            let id: String = since.snapshot.chars().take(8).collect();
            format!("changed since snapshot {id}: {changes}")
        }
        None => format!("this is the first snapshot: {changes}"),
    }];
    // The times of a directory change with what is in it, which is told already.
    let rows = changes.directories.iter();
    let rows = rows.filter(|row| row.new + row.changed + row.gone > 0);
    for row in rows.take(IN_LOG) {
        let counts = [
            (row.new, "new"),
            (row.changed, "changed"),
            (row.gone, "gone"),
            (row.metadata_changed, "in metadata only"),
        ];
        let counts = counts.iter().filter(|(count, _)| *count > 0);
        let counts: Vec<String> = counts
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        let bytes = row.bytes.saturating_add(row.bytes_gone);
        lines.push(format!(
            "  {}: {}, {}",
            shown(&row.path.bytes()),
            counts.join(", "),
            units::bytes(bytes)
        ));
    }
    for file in changes.largest.iter().take(IN_LOG) {
        let was = match file.size_before {
            Some(before) => format!("changed, {} before", units::bytes(before)),
            None => "new".to_owned(),
        };
        let path = shown(&file.path.bytes());
        lines.push(format!("  {path}: {} ({was})", units::bytes(file.size)));
    }
    for entry in changes.largest_gone.iter().take(IN_LOG) {
        let path = shown(&entry.path.bytes());
        let count = match entry.entries {
            1 => String::new(),
            count => format!(", {}", units::count(count, "entry", "entries")),
        };
        let bytes = units::bytes(entry.bytes);
        lines.push(format!("  {path}: gone ({bytes}{count})"));
    }
    let more = lines.len() > 1;
    if let Some(drill) = &changes.last_drill {
        lines.push(format!("last good drill: {drill}"));
    }
    if more && run > 0 {
        lines.push(format!("  `freezerd changes {run}` shows more"));
    }
    lines
}
