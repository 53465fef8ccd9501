//! Bytes and blobs in order, with blobs read ahead on several threads.
//!
//! One thread says what comes next, some threads read blobs, and the caller's thread writes. How many bytes of blobs are
//! in memory is limited, so a slow output slows the reading down.

use std::io::Write;
use std::sync::mpsc::{self, Receiver, Sender, SyncSender};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::DumpError;
use crate::repository::blob::BlobReader;
use crate::repository::blob_name::BlobName;
use crate::repository::error::{Doing, Error, ErrorKind, What};
use crate::repository::indexed::Indexed;

/// How many bytes of blobs are read ahead.
const READ_AHEAD: u64 = 32 << 20;
/// How many pieces may wait to be written.
const QUEUE: usize = 256;
/// A storage far away has more requests at a time, but their content has to be decoded here.
const MOST_READERS: usize = 8;

/// One piece of the output, in order.
enum Piece {
    /// The path that the pieces after this one belong to, for messages.
    Path(Vec<u8>),
    Bytes(Vec<u8>),
    Blob {
        /// As it was reserved in the budget.
        size: u64,
        content: Receiver<Result<Vec<u8>, Error>>,
    },
}

/// A blob to be read, and where its content goes.
struct Wanted {
    blob: BlobName,
    content: SyncSender<Result<Vec<u8>, Error>>,
}

/// The end of the thread that hands over pieces, before it has handed over all.
pub(super) struct Stopped(
    /// `None`: the output has ended, which knows the reason.
    Option<DumpError>,
);

impl Stopped {
    /// The dump fails with this error, after what was handed over before it.
    pub(super) fn failed(error: DumpError) -> Stopped {
        Stopped(Some(error))
    }
}

/// Takes the pieces of the output, in order.
pub(super) struct Pieces<'a> {
    order: SyncSender<Piece>,
    wanted: Sender<Wanted>,
    budget: &'a Budget,
}

impl Pieces<'_> {
    /// The pieces that follow belong to this path.
    pub(super) fn path(&self, path: &[u8]) -> Result<(), Stopped> {
        self.send(Piece::Path(path.to_vec()))
    }

    /// These bytes come next.
    pub(super) fn bytes(&self, bytes: Vec<u8>) -> Result<(), Stopped> {
        self.send(Piece::Bytes(bytes))
    }

    /// The content of this blob, which has this size, comes next.
    pub(super) fn blob(&self, blob: BlobName, size: u64) -> Result<(), Stopped> {
        if !self.budget.reserve(size) {
            return Err(Stopped(None));
        }
        let (content, receiver) = mpsc::sync_channel(1);
        self.send(Piece::Blob {
            size,
            content: receiver,
        })?;
        self.wanted
            .send(Wanted { blob, content })
            .map_err(|_| Stopped(None))
    }

    fn send(&self, piece: Piece) -> Result<(), Stopped> {
        self.order.send(piece).map_err(|_| Stopped(None))
    }
}

/// How many bytes of blobs are in memory, or soon will be.
struct Budget {
    state: Mutex<(u64, bool)>,
    changed: Condvar,
}

impl Budget {
    /// Waits until there is room. A blob that is larger than all of it waits until it is alone. `false`: the output has
    /// ended.
    fn reserve(&self, size: u64) -> bool {
        let mut state = self.state();
        while !state.1 && state.0 > 0 && state.0.saturating_add(size) > READ_AHEAD {
            let waited = self.changed.wait(state);
            state = waited.unwrap_or_else(PoisonError::into_inner);
        }
        state.0 = state.0.saturating_add(size);
        !state.1
    }

    fn release(&self, size: u64) {
        let mut state = self.state();
        state.0 = state.0.saturating_sub(size);
        self.changed.notify_all();
    }

    /// Nobody waits from now on.
    fn close(&self) {
        self.state().1 = true;
        self.changed.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, (u64, bool)> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes what `produce` hands over. Returns how many bytes that were.
///
/// # Errors
/// The first error in the order of the output.
pub(super) fn write(
    repository: &Indexed,
    out: &mut dyn Write,
    produce: impl FnOnce(&Pieces) -> Result<(), Stopped> + Send,
) -> Result<u64, DumpError> {
    let (order, pieces) = mpsc::sync_channel(QUEUE);
    let (wanted, requests) = mpsc::channel();
    let requests = Mutex::new(requests);
    let budget = Budget {
        state: Mutex::new((0, false)),
        changed: Condvar::new(),
    };
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let parallel = repository.repository.storage.traits().parallel;
    let readers = parallel.max(processors).clamp(1, MOST_READERS);
    std::thread::scope(|scope| {
        // Dropped at the end of this closure, before the scope waits for the threads.
        let closing = Closing(&budget);
        for _ in 0..readers {
            std::thread::Builder::new()
                .name("read".into())
                .spawn_scoped(scope, || read(repository, &requests))
                .map_err(DumpError::Thread)?;
        }
        let budget = &budget;
        let producer = std::thread::Builder::new()
            .name("walk".into())
            .spawn_scoped(scope, move || {
                produce(&Pieces {
                    order,
                    wanted,
                    budget,
                })
            })
            .map_err(DumpError::Thread)?;
        let written = write_pieces(&pieces, out, budget);
        drop(pieces);
        drop(closing);
        let produced = match producer.join() {
            Ok(produced) => produced,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        let written = written?;
        match produced {
            Ok(()) | Err(Stopped(None)) => Ok(written),
            Err(Stopped(Some(error))) => Err(error),
        }
    })
}

/// Closes a budget, also when the writing fails or panics.
struct Closing<'a>(&'a Budget);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// Reads blobs until no more can come.
fn read(repository: &Indexed, requests: &Mutex<Receiver<Wanted>>) {
    let mut reader = BlobReader::new();
    loop {
        let next = {
            let requests = requests.lock().unwrap_or_else(PoisonError::into_inner);
            requests.recv()
        };
        let Ok(Wanted { blob, content }) = next else {
            return;
        };
        let mut bytes = Vec::new();
        let read = repository.read(&mut reader, blob, &mut bytes);
        // Nobody takes it when the output has ended.
        let _ = content.send(read.map(|()| bytes));
    }
}

fn write_pieces(
    pieces: &Receiver<Piece>,
    out: &mut dyn Write,
    budget: &Budget,
) -> Result<u64, DumpError> {
    let mut written = 0_u64;
    let mut path = Vec::new();
    let mut put = |bytes: &[u8]| {
        written = written.saturating_add(bytes.len() as u64);
        out.write_all(bytes).map_err(DumpError::Output)
    };
    for piece in pieces {
        match piece {
            Piece::Path(next) => path = next,
            Piece::Bytes(bytes) => put(&bytes)?,
            Piece::Blob { size, content } => {
                // A reader that is gone has sent nothing.
                let content = content.recv().unwrap_or_else(|_| {
                    Err(Error::new(
                        ErrorKind::Missing,
                        Doing::Read,
                        What::Repository,
                    ))
                });
                match content {
                    Ok(bytes) => put(&bytes)?,
                    Err(error) => return Err(DumpError::Unreadable { path, error }),
                }
                budget.release(size);
            }
        }
    }
    out.flush().map_err(DumpError::Output)?;
    Ok(written)
}
