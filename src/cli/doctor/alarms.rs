//! Snapshots that look as if their source were damaged, and that nobody has accepted.

use super::earlier_names::Own;
use super::finding::{Finding, Level};
use crate::agent::guard::{accept_command, what};
use crate::agent::snapshot::Snapshot;
use crate::keep::guard::Alarm;
use crate::location::Location;
use crate::protocol::ListedSnapshot;

/// Such a snapshot of a job.
#[derive(Clone, Debug)]
pub struct Alarmed {
    job: String,
    snapshot: ListedSnapshot,
    alarm: Alarm,
}

/// Looks for them among the snapshots of a container.
pub fn find(backups: &[Own], listed: &[ListedSnapshot]) -> Vec<Alarmed> {
    let found = listed.iter().filter_map(|snapshot| {
        let mut tags = snapshot.tags.iter();
        let alarm = tags.find_map(|tag| Snapshot::alarm_of_tag(tag))?;
        let own = backups.iter().find(|own| {
            own.lineage.host == snapshot.host && own.lineage.backup_name == snapshot.backup_name
        })?;
        Some(Alarmed {
            job: own.job.clone(),
            snapshot: snapshot.clone(),
            alarm,
        })
    });
    found.collect()
}

/// Names them.
pub fn findings(place: &Location, alarmed: &[Alarmed]) -> Vec<Finding> {
    let finding = |it: &Alarmed| {
        let message = format!(
            "the snapshot {:.8} of {} looks as if its source were damaged: {}. No snapshot of its lineage is removed",
            it.snapshot.id,
            it.job,
            what(it.alarm)
        );
        Finding::new("container", Level::Warning, place, message).help(format!(
            "look at the source; if all is well, {} lets removal go on",
            accept_command(&it.snapshot.tags)
        ))
    };
    alarmed.iter().map(finding).collect()
}
