//! Snapshots with other tags.

use crate::agent::inspect::{Session, SessionError};
use crate::protocol::ListedSnapshot;
use crate::repository::replace::{Replaced, replace};
use crate::repository::snapshot::Snapshot;
use crate::storage::id::Id;

/// Writes the snapshots anew, with what `retag` makes of their tags. Returns the new id of each; `None`: its tags stay as
/// they are.
///
/// # Errors
/// When the repository cannot be written, or the lock is lost.
pub fn retagged(
    session: &Session,
    snapshots: &[ListedSnapshot],
    retag: &dyn Fn(&mut Vec<String>),
) -> Result<Vec<Option<Id>>, SessionError> {
    let change = |id: Id, old: &Snapshot| {
        let id = id.to_string();
        snapshots.iter().find(|it| it.id == id)?;
        let mut new = old.clone();
        retag(&mut new.tags);
        (new.tags != old.tags).then_some(new)
    };
    let replaced = replace(&session.repository, &change, &|| session.confirm())?;
    let new_id = |old: &ListedSnapshot| {
        replaced.iter().find_map(|(id, became)| match became {
            Replaced::New(new) | Replaced::Before(new) if id.to_string() == old.id => Some(*new),
            _ => None,
        })
    };
    Ok(snapshots.iter().map(new_id).collect())
}
