//! What earlier runs of a job have kept in a container must still be there.

use super::Context;
use super::error::ActionError;
use super::repository::Opened;
use crate::location::Location;
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
