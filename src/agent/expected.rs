//! What earlier runs of a job have kept in a container must still be there.

use std::collections::HashSet;

use super::Context;
use super::error::ActionError;
use super::report::{local, log};
use super::repository::Opened;
use super::snapshot::Filter;
use crate::location::Location;
use crate::protocol::Stored;
use crate::storage::Listing;

/// Refuses to begin a new repository where earlier runs had one: a disk that is not mounted leaves nothing there, a new
/// repository would be on the wrong disk, and its success would hide that all earlier backups are out of reach.
///
/// # Errors
/// `RepositoryGone`.
pub fn refuse_vacant(
    context: &Context,
    place: &Location,
    allow_new: bool,
) -> Result<(), ActionError> {
    if !context.request.expects_repository || allow_new {
        return Ok(());
    }
    Err(ActionError::RepositoryGone {
        place: place.clone(),
    })
}

/// Refuses a repository without any snapshot where earlier runs had some: the next prune would take the data of all of them
/// for unused. A repository without the directory of its snapshots is refused when it is opened, but many servers have no
/// directories.
///
/// # Errors
/// `SnapshotsGone`.
pub fn refuse_without_snapshots(
    context: &Context,
    opened: &Opened,
    snapshots: &Listing,
    allow_new: bool,
) -> Result<(), ActionError> {
    let are_there = *snapshots != Listing::default();
    if are_there || !context.request.expects_repository || allow_new {
        return Ok(());
    }
    Err(ActionError::SnapshotsGone {
        place: opened.container.location.clone(),
    })
}

/// Warns where a backup is not in the container any more, and nothing newer is either. An older copy of the repository may
/// have taken its place, or another repository with the same password. What retention removes has something newer beside it.
/// A snapshot with new tags has another id, and says which one it had first.
pub fn tell_missing(context: &Context, opened: &Opened, listed: &Listing) {
    let ids: HashSet<String> = listed.files.iter().map(|it| it.id.to_string()).collect();
    let newest = context.request.newest.iter();
    let missing: Vec<&Stored> = newest.filter(|it| !ids.contains(&it.snapshot)).collect();
    if missing.is_empty() {
        return;
    }
    let all = opened.snapshots_of(&Filter::default(), &listed.files).found;
    let is_there = |stored: &Stored| {
        let mut snapshots = all.iter().map(|(snapshot, ..)| snapshot);
        snapshots.any(|it| it.first_id() == stored.snapshot || it.time >= stored.at)
    };
    for stored in missing.into_iter().filter(|it| !is_there(it)) {
        let id = stored.snapshot.get(..8).unwrap_or(&stored.snapshot);
        log(&format!(
            "warning: snapshot {id}, which this job stored last ({}), is not in the container any more, and no newer one is; if \
             nobody removed it, an older copy of the container or another one is in its place",
            local(stored.at)
        ));
    }
}
