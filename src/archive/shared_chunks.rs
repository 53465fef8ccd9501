//! Chunks of one file that other workers save, so that one large file keeps all of them busy.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::store::{Saver, Stopped, Store};
use crate::repository::blob_name::BlobKind;
use crate::storage::id::Id;

/// A chunk as it was saved.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct SavedChunk {
    /// Which chunk of the file it is.
    pub place: usize,
    pub id: Id,
    /// The bytes that were new to the repository, as stored.
    pub stored: u64,
}

/// The chunks of a file that other workers have.
#[derive(Default)]
pub(super) struct SharedChunks {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    saved: Vec<SavedChunk>,
    /// How many are not saved yet.
    left: usize,
    /// One of them will never be saved.
    lost: bool,
}

/// A chunk for another worker.
pub(super) struct ChunkTask {
    chunk: Vec<u8>,
    place: usize,
    file: Arc<SharedChunks>,
    done: bool,
}

impl SharedChunks {
    /// A task to save a copy of this chunk.
    pub fn task(self: &Arc<Self>, place: usize, chunk: &[u8]) -> ChunkTask {
        self.state().left += 1;
        ChunkTask {
            chunk: chunk.to_vec(),
            place,
            file: Arc::clone(self),
            done: false,
        }
    }

    /// Waits until all of them are saved.
    ///
    /// # Errors
    /// When the work has ended and one of them is not saved.
    pub fn wait(&self) -> Result<Vec<SavedChunk>, Stopped> {
        let mut state = self.state();
        while state.left > 0 {
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        match state.lost {
            true => Err(Stopped),
            false => Ok(std::mem::take(&mut state.saved)),
        }
    }

    fn end(&self, saved: Option<SavedChunk>) {
        let mut state = self.state();
        state.left = state.left.saturating_sub(1);
        match saved {
            Some(saved) => state.saved.push(saved),
            None => state.lost = true,
        }
        self.changed.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ChunkTask {
    /// Saves the chunk.
    ///
    /// # Errors
    /// When the work has ended because of a failure.
    pub fn save(mut self, store: &Store<'_>, saver: &mut Saver) -> Result<(), Stopped> {
        let (id, stored) = store.save(saver, BlobKind::Data, &self.chunk)?;
        self.done = true;
        let place = self.place;
        self.file.end(Some(SavedChunk { place, id, stored }));
        Ok(())
    }
}

impl Drop for ChunkTask {
    fn drop(&mut self) {
        if !self.done {
            self.file.end(None);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_that_is_dropped_ends_the_wait_with_a_failure() {
        let file = Arc::new(SharedChunks::default());
        let task = file.task(0, b"a");
        std::thread::scope(|scope| {
            scope.spawn(move || drop(task));
            assert!(file.wait().is_err());
        });
    }

    #[test]
    fn without_tasks_there_is_nothing_to_wait_for() {
        assert_eq!(SharedChunks::default().wait().unwrap(), []);
    }
}
