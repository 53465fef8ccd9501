//! Whether the next backups fit on the disk of a container on this host: the administrator is told before it is full.

use crate::agent::lineage::has_same_paths;
use crate::agent::report::log;
use crate::agent::snapshot::Snapshot;
use crate::job::action::Backup;
use crate::keep::room::{Room, usually_adds};
use crate::protocol::Outcome;
use crate::units;

/// The bytes that a backup usually adds. `None`: too little is known. `of_name` are the snapshots of its host and name, the
/// oldest first.
pub(super) fn growth<'a>(
    work: &Backup,
    of_name: impl Iterator<Item = &'a Snapshot>,
) -> Option<u64> {
    let alike = of_name.filter(|it| has_same_paths(&work.paths, it));
    let added: Vec<u64> = alike
        .filter_map(|it| Some(it.summary?.bytes_added))
        .collect();
    usually_adds(&added)
}

/// Adds to the outcome of a backup the room that is left, if it is known, and warns where that is little.
pub(super) fn noted(work: &Backup, growth: Option<u64>, mut outcome: Outcome) -> Outcome {
    let container = work.container.location.local();
    let room = growth.zip(container).and_then(|(adds, container)| {
        let about = rustix::fs::statvfs(container).ok()?;
        // A file system that does not say its size does not say what is free, either.
        let free = about.f_bavail.saturating_mul(about.f_frsize);
        (about.f_blocks > 0).then_some(Room { free, adds })
    });
    if let Some(room) = room.filter(Room::is_little) {
        log(&format!(
            "warning: {} is free on the disk of {}, and a backup usually adds {}: {} if nothing is removed. Make room, or \
             let old snapshots be removed",
            units::bytes(room.free),
            work.container.location,
            units::bytes(room.adds),
            fits(&room)
        ));
    }
    outcome.summary.room = room;
    outcome
}

/// How many more backups fit, as a clause.
fn fits(room: &Room) -> String {
    match room.fits() {
        0 => "not one more fits".to_owned(),
        fits => units::count(fits, "more backup fits", "more backups fit"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_backup_fits_and_two_fit() {
        let words = |free| fits(&Room { free, adds: 10 });
        assert_eq!(words(9), "not one more fits");
        assert_eq!(words(10), "1 more backup fits");
        assert_eq!(words(29), "2 more backups fit");
    }
}
