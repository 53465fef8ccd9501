//! Why a prune did not do what it was asked to.

use std::fmt;

use crate::repository::error::Error;
use crate::storage::id::Id;

/// A prune that did not begin, or that ended early.
#[derive(Debug)]
pub enum PruneError {
    /// Nothing was changed: what is needed is not certain. There is one obstacle at least, and a limited number.
    Refused(Vec<Obstacle>),
    /// Nothing was changed: the credentials take no removals, and copies would only fill the storage.
    MayNotRemove(Error),
    /// The storage failed, or the lock is lost. Nothing that is needed was removed; another prune finishes the work.
    Failed(Error),
}

/// Something that must be read before anything may be removed.
#[derive(Debug)]
pub enum Obstacle {
    /// There is data, no snapshot at all, and no directory of them either as far as is known: all of the data would count
    /// as unused.
    NoSnapshots,
    /// A snapshot file that cannot be read. Removing the snapshot lets the prune go on.
    Snapshot(Error),
    /// An index file that cannot be read. A repair of the index replaces it.
    Index(Error),
    /// A tree that cannot be read, or that no index names: what it needs is not known.
    Tree { tree: Id, error: Error },
    /// The index names a pack that is needed and that the storage does not have. A repair of the index forgets it. Where
    /// it has trees, the snapshots that need them stay damaged.
    PackMissing { pack: Id, has_trees: bool },
}

impl From<Error> for PruneError {
    fn from(error: Error) -> PruneError {
        PruneError::Failed(error)
    }
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Obstacle::NoSnapshots => f.write_str("there is data, and no snapshot"),
            Obstacle::Snapshot(error) | Obstacle::Index(error) | Obstacle::Tree { error, .. } => {
                write!(f, "{error}")
            }
            Obstacle::PackMissing { pack, .. } => write!(f, "the pack {pack} is missing"),
        }
    }
}

impl fmt::Display for PruneError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PruneError::Failed(error) => write!(f, "{error}"),
            PruneError::MayNotRemove(error) => {
                write!(
                    f,
                    "nothing was changed, because no pack may be removed: {error}"
                )
            }
            PruneError::Refused(obstacles) => {
                f.write_str(
                    "nothing was removed, because not everything that is needed can be read",
                )?;
                let mut separator = ": ";
                for obstacle in obstacles.iter().take(3) {
                    write!(f, "{separator}{obstacle}")?;
                    separator = "; ";
                }
                match obstacles.len().saturating_sub(3) {
                    0 => Ok(()),
                    more => write!(f, "; and {more} more"),
                }
            }
        }
    }
}

impl std::error::Error for PruneError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            PruneError::Failed(error) | PruneError::MayNotRemove(error) => Some(error),
            PruneError::Refused(_) => None,
        }
    }
}
