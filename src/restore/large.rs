//! Files of several pieces, which several threads may write at the same time.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::entry::Entry;
use super::file::{Begun, NewFile, unreadable, write_piece};
use super::hands::{Hands, piece_length, piece_name};
use super::problem::ProblemKind;
use super::restorer::{Failed, Outcome, Restorer};
use crate::repository::blob::PackedBlob;
use crate::repository::error::{Doing, Error, ErrorKind, What};
use crate::storage::id::Id;

/// A file that several threads may write at the same time. Whoever has it gives it back to [`Restorer::leave`]: the last one
/// completes the file.
pub struct Large {
    entry: Entry,
    /// Where each piece begins in the file, and the length of the file at the end.
    starts: Vec<u64>,
    /// Groups of pieces.
    segments: Vec<Range<usize>>,
    /// The first segment that no thread has taken.
    next: AtomicUsize,
    progress: Mutex<Progress>,
}

#[derive(Default)]
struct Progress {
    begun: Option<Begun>,
    /// It is open as long as a thread keeps it. Where pieces are read in the order of the packs, more files are begun at a
    /// time than a process may have open.
    open: Weak<NewFile>,
    /// The first failure. After it, nothing more is written.
    failed: Option<Failed>,
}

/// How much of a file a thread takes at a time.
const SEGMENT: u64 = 32 << 20;
/// How many pieces the storage fetches ahead. A piece has 1.5 MiB on average.
const AHEAD: usize = 8;

impl Large {
    /// A file of which nothing is written.
    ///
    /// # Errors
    /// When no index names one of its pieces; the entry comes back.
    pub fn new(restorer: &Restorer<'_>, entry: Entry) -> Result<Large, Box<(Entry, Failed)>> {
        match lay_out(restorer, &entry) {
            Ok(starts) => Ok(Large {
                segments: segments(&starts),
                entry,
                starts,
                next: AtomicUsize::new(0),
                progress: Mutex::default(),
            }),
            Err(failed) => Err(Box::new((entry, failed))),
        }
    }

    /// The pieces, one after the other; equal ones that follow each other are taken together, because they are read once.
    pub fn distinct(&self) -> impl Iterator<Item = (Id, Range<usize>)> + '_ {
        let mut next = 0;
        self.entry
            .content
            .chunk_by(|a, b| a == b)
            .map(move |equal| {
                let first = next;
                next += equal.len();
                (equal[0], first..next)
            })
    }

    /// Lets the storage fetch the first pieces.
    pub fn fetch_ahead(&self, restorer: &Restorer<'_>) {
        for id in self.entry.content.iter().take(AHEAD) {
            restorer.repository.will_read(piece_name(*id));
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where each piece of a file begins, and the length of the file at the end.
fn lay_out(restorer: &Restorer<'_>, entry: &Entry) -> Result<Vec<u64>, Failed> {
    let mut starts = Vec::with_capacity(entry.content.len() + 1);
    let mut length = 0_u64;
    starts.push(length);
    for id in &entry.content {
        let piece = piece_length(restorer.repository, *id).ok_or_else(|| {
            let what = What::Blob(piece_name(*id));
            unreadable(Error::new(ErrorKind::Missing, Doing::Read, what))
        })?;
        length = length
            .checked_add(piece)
            .ok_or_else(|| Failed::problem(ProblemKind::Content))?;
        starts.push(length);
    }
    Ok(starts)
}

/// Which pieces a thread takes at a time.
fn segments(starts: &[u64]) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    let mut first = 0;
    for end in 1..starts.len() {
        if starts[end] - starts[first] >= SEGMENT || end + 1 == starts.len() {
            ranges.push(first..end);
            first = end;
        }
    }
    ranges
}

impl Restorer<'_> {
    /// Writes the segments of a file that no other thread has taken.
    pub fn large(&self, hands: &mut Hands, large: Arc<Large>) {
        let mut open = None;
        while let Some(pieces) = large
            .segments
            .get(large.next.fetch_add(1, Ordering::Relaxed))
        {
            self.write_pieces(hands, &large, pieces.clone(), None, &mut open);
        }
        self.leave(hands, large);
    }

    /// A thread has written its part of a file. The last one completes the file.
    pub fn leave(&self, hands: &mut Hands, large: Arc<Large>) {
        if let Some(large) = Arc::into_inner(large) {
            let progress = large
                .progress
                .into_inner()
                .unwrap_or_else(PoisonError::into_inner);
            let length = large.starts.last().copied().unwrap_or(0);
            let result = self.complete_large(&large.entry, length, progress);
            self.settle(hands, large.entry, result);
        }
    }

    /// Writes pieces of a file. `read`: they all have this content, which was read already, with others. `open` keeps the
    /// file open.
    pub fn write_pieces(
        &self,
        hands: &mut Hands,
        large: &Large,
        pieces: Range<usize>,
        read: Option<(PackedBlob, usize)>,
        open: &mut Option<Arc<NewFile>>,
    ) {
        if let Err(failed) = self.try_pieces(hands, large, pieces, read, open) {
            large.lock().failed.get_or_insert(failed);
        }
    }

    fn try_pieces(
        &self,
        hands: &mut Hands,
        large: &Large,
        pieces: Range<usize>,
        read: Option<(PackedBlob, usize)>,
        open: &mut Option<Arc<NewFile>>,
    ) -> Result<(), Failed> {
        let Some(new) = self.begin_large(large)? else {
            return Ok(());
        };
        let new = &*open.insert(new);
        for piece in pieces {
            if self.is_stopped() {
                return Err(Failed::WithDirectory);
            }
            let (start, end) = (large.starts[piece], large.starts[piece + 1]);
            let content = match read {
                Some((blob, start)) => hands.piece_of_range(self.repository, &blob, start),
                None => {
                    if let Some(id) = large.entry.content.get(piece + AHEAD) {
                        self.repository.will_read(piece_name(*id));
                    }
                    hands.piece(self.repository, large.entry.content[piece])
                }
            };
            let content = content.map_err(unreadable)?;
            if content.len() as u64 != end - start {
                // The index has another length for another copy of it.
                return Err(Failed::problem(ProblemKind::Content));
            }
            write_piece(&new.file, content, start)
                .map_err(|error| Failed::io(ProblemKind::NotWritten, error))?;
        }
        Ok(())
    }

    /// The file, which the first pieces make. `None`: it has failed already.
    fn begin_large(&self, large: &Large) -> Result<Option<Arc<NewFile>>, Failed> {
        let mut progress = large.lock();
        if progress.failed.is_some() {
            return Ok(None);
        }
        if self.is_stopped() {
            return Err(Failed::WithDirectory);
        }
        if let Some(new) = progress.open.upgrade() {
            return Ok(Some(new));
        }
        let not_written = |error| Failed::io(ProblemKind::NotWritten, error);
        let parent = self.parent(&large.entry)?;
        let new = match &progress.begun {
            Some(begun) => begun.open(&parent).map_err(not_written)?,
            None => {
                let new = NewFile::create(&parent, &large.entry, false)?;
                let begun = new.begun();
                progress.begun = begun
                    .inspect_err(|_| new.discard(&parent, &large.entry))
                    .map_err(not_written)?;
                new
            }
        };
        let new = Arc::new(new);
        progress.open = Arc::downgrade(&new);
        Ok(Some(new))
    }

    fn complete_large(
        &self,
        entry: &Entry,
        length: u64,
        progress: Progress,
    ) -> Result<Outcome, Failed> {
        let Some(begun) = progress.begun else {
            return Err(progress.failed.unwrap_or(Failed::WithDirectory));
        };
        let parent = self.parent(entry)?;
        let opened = match (progress.failed, progress.open.upgrade()) {
            (Some(failed), _) => Err(failed),
            (None, Some(new)) => Ok(new),
            (None, None) => begun
                .open(&parent)
                .map(Arc::new)
                .map_err(|error| Failed::io(ProblemKind::NotWritten, error)),
        };
        let new = opened.inspect_err(|_| begun.discard(&parent))?;
        let written = new
            .file
            .set_len(length)
            .map(|()| length)
            .map_err(|error| Failed::io(ProblemKind::NotWritten, error));
        self.complete(&parent, &new, entry, written, false)
    }
}
