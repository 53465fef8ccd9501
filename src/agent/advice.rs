//! What to do about a failure of the engine, as the end of a sentence.

use super::error_kind::{ErrorKind, of_engine};
use crate::repository::error::{Error as EngineError, What};
use crate::repository::prune::error::{Obstacle, PruneError};
use crate::storage::FileName;

/// What a prune says that could not copy what is still needed.
pub const NO_SPACE: &str = "there was no space to copy what is still needed, so less was freed: free some space there, then \
                            prune again";

/// What a prune says of a directory, a device or a pipe with the name of a pack.
pub fn not_a_file(file: FileName) -> String {
    format!("{file} has the name of a pack, and is not a file: it stays; move it away")
}

/// What makes the prune possible.
pub fn prune_advice(error: &PruneError) -> &'static str {
    let obstacles = match error {
        PruneError::Refused(obstacles) => obstacles,
        PruneError::Failed(error) if is_full(error) => {
            return "; free some space there, then prune again: `freezerd prune --max-repack 0` copies nothing, so it needs room \
                    for a new index only";
        }
        PruneError::MayNotRemove(_) => return "; prune with other credentials, or on another host",
        PruneError::Failed(_) => return "",
    };
    if let [Obstacle::NoSnapshots] = obstacles[..] {
        return "; put the files in `snapshots` back from a copy of the container; if all snapshots were removed on purpose, \
                `restic prune` removes their data";
    }
    let is_of_the_index = |it: &Obstacle| {
        matches!(
            it,
            Obstacle::Index(_)
                | Obstacle::PackMissing {
                    has_trees: false,
                    ..
                }
        )
    };
    match obstacles.iter().all(is_of_the_index) {
        true => "; `freezerd repair` repairs the index",
        false => {
            "; `freezerd repair` repairs what can be repaired, and with `--forget` it removes the snapshots that are damaged"
        }
    }
}

/// What to do about an error of the engine, as the end of a sentence. Empty if the error says it itself.
pub fn advice(error: &EngineError) -> &'static str {
    use crate::repository::error::ErrorKind as Engine;
    match error.kind {
        // Nothing can be opened, so a check would end in the same way.
        Engine::NoKeys => "; put the files in `keys` back from a copy of the container",
        Engine::KeysUnreadable { others: false } => {
            "; put the file back from a copy of the container"
        }
        Engine::KeysUnreadable { others: true } => {
            "; put the file back from a copy of the container, or use the password of another key"
        }
        Engine::Version(_) => "; a newer freezerd may know it",
        _ if error.what == What::File(FileName::CONFIG)
            && of_engine(error.kind) == ErrorKind::Damaged =>
        {
            "; put the file back from a copy of the container"
        }
        _ if of_engine(error.kind) == ErrorKind::Damaged => {
            "; `freezerd verify` says what is lost, and `freezerd repair` repairs what can be repaired"
        }
        _ => space_advice(error),
    }
}

/// What to do about an error that tells that there is no space. Empty for any other.
pub fn space_advice(error: &EngineError) -> &'static str {
    match is_full(error) {
        true => "; free some space there, then try again",
        false => "",
    }
}

fn is_full(error: &EngineError) -> bool {
    of_engine(error.kind) == ErrorKind::NoSpace
}
