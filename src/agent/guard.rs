//! The alarms of a backup: a new snapshot that looks as if its source were damaged.

use super::left_out_rules::LeftOutRules;
use super::lineage::{has_same_paths, shares_path};
use super::report::log;
use super::repository::Found;
use super::snapshot::Snapshot;
use crate::job::action::Backup;
use crate::keep::guard::{Alarm, Counted, Guards, alarm};
use crate::protocol::OpenAlarm;
use crate::repository::snapshot::BackupSummary;

/// Compares what a backup has counted with the snapshots before it: those of the same paths, with the same rules for what
/// is left out (`exclude` has all patterns). Others have other files for a reason. `compared`: the backup has a parent, so
/// that it knows what changed.
pub fn watch(
    work: &Backup,
    exclude: &[String],
    of_name: &[Found],
    compared: bool,
    summary: &BackupSummary,
) -> Option<Alarm> {
    let is_alike = |(snapshot, _, file): &&Found| {
        !snapshot.partial
            && has_same_paths(&work.paths, snapshot)
            && file.excludes == exclude
            && LeftOutRules::of(file).is_some_and(|it| it.are_those_of(work))
    };
    let alike: Vec<&Found> = of_name.iter().filter(is_alike).collect();
    let counted_of = |id: &str| {
        let found = alike.iter().find(|(snapshot, ..)| snapshot.id == id);
        found.and_then(|(snapshot, ..)| snapshot.counted())
    };
    let before: Vec<(Counted, Option<Counted>)> = alike
        .iter()
        .filter_map(|(snapshot, ..)| {
            let parent = snapshot.parent.as_deref().and_then(counted_of);
            Some((snapshot.counted()?, parent))
        })
        .collect();
    let new = Counted {
        files: summary.total_files_processed,
        bytes: summary.total_bytes_processed,
        new: summary.files_new,
        changed: summary.files_changed,
    };
    let churn = work.guards.churn.filter(|_| compared);
    let guards = Guards {
        churn,
        ..work.guards
    };
    alarm(new, &before, &guards)
}

/// How many snapshots with an alarm are reported.
const MOST: usize = 10;

/// The snapshots of the backup's lineage with an alarm that nobody has accepted, the newest first. `of_name` are those of its
/// host and name, the oldest first.
pub fn open_alarms<'a>(
    work: &Backup,
    of_name: impl DoubleEndedIterator<Item = &'a Snapshot>,
) -> Vec<OpenAlarm> {
    let found = of_name.rev().filter_map(|snapshot| {
        let alarm = snapshot.alarm()?;
        shares_path(&work.paths, snapshot).then(|| OpenAlarm {
            container: work.container.location.clone(),
            snapshot: snapshot.first_id().to_owned(),
            run: run_of(&snapshot.tags),
            alarm,
        })
    });
    found.take(MOST).collect()
}

/// Tells of an alarm that the backup has raised.
pub fn tell(snapshot: &Snapshot) {
    if let Some(alarm) = snapshot.alarm() {
        log(&format!(
            "warning: the source looks damaged ({}). This snapshot is kept and marked, and no snapshot of its lineage is removed \
             from now on. Look at the source; `freezerd diff` shows what is different. If all is well, {} lets removal go on",
            what(alarm),
            accept_command(&snapshot.tags)
        ));
    }
}

/// What looks wrong, for a sentence.
pub fn what(alarm: Alarm) -> &'static str {
    match alarm {
        Alarm::Shrink => "much of what the last snapshot has is gone",
        Alarm::Churn => "far more files than usual are changed or replaced",
    }
}

/// The number of the run that made a snapshot, from its tags.
pub fn run_of(tags: &[String]) -> Option<u64> {
    tags.iter().find_map(|tag| {
        let (run, _) = tag.strip_prefix("run:")?.rsplit_once('/')?;
        run.rsplit_once('-')?.1.parse().ok()
    })
}

/// The command that accepts a snapshot with these tags.
pub fn accept_command(tags: &[String]) -> String {
    match run_of(tags) {
        Some(run) => format!("`freezerd accept {run}`"),
        None => "`freezerd accept` with the number of its run".to_owned(),
    }
}
