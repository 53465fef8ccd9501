//! Files of several pieces, which several threads may write at the same time.

use std::ops::Range;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::batch::{self, PackPart, Reach};
use super::entry::Entry;
use super::file::{NewFile, unreadable, write_piece};
use super::hands::{Hands, piece_length, piece_name};
use super::problem::ProblemKind;
use super::restorer::{Failed, Outcome, Restorer};
use crate::repository::blob::PackedBlob;
use crate::repository::error::{Doing, Error, ErrorKind, What};
use crate::storage::id::Id;

/// A file that several threads may write at the same time. The last thread that drops it completes the file, so nobody
/// may keep it.
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
    open: Option<(Arc<OwnedFd>, Arc<NewFile>)>,
    /// The first failure. After it, nothing more is written.
    failed: Option<Failed>,
}

/// Pieces of a file that were read together.
struct Together {
    /// The place of the first one in the file.
    first: usize,
    part: PackPart,
    blobs: Vec<PackedBlob>,
}

impl Together {
    /// Where a piece lies, and where it begins in what was read. `None`: it was not read.
    fn blob(&self, piece: usize) -> Option<(&PackedBlob, usize)> {
        let blob = self.blobs.get(piece.checked_sub(self.first)?)?;
        let start = u64::from(blob.offset).checked_sub(self.part.offset)?;
        Some((blob, usize::try_from(start).ok()?))
    }
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
        while let Some(range) = large
            .segments
            .get(large.next.fetch_add(1, Ordering::Relaxed))
        {
            if let Err(failed) = self.write_segment(hands, &large, range.clone()) {
                large.lock().failed.get_or_insert(failed);
            }
        }
        // Whoever ends last completes the file.
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

    fn write_segment(
        &self,
        hands: &mut Hands,
        large: &Large,
        range: Range<usize>,
    ) -> Result<(), Failed> {
        let Some(new) = self.begin_large(large)? else {
            return Ok(());
        };
        let reach = Reach::of(self.repository.repository.storage.traits());
        let mut together: Option<Together> = None;
        for piece in range.clone() {
            if self.is_stopped() {
                return Err(Failed::WithDirectory);
            }
            let (start, end) = (large.starts[piece], large.starts[piece + 1]);
            if let Some(id) = large.entry.content.get(piece + AHEAD) {
                self.repository.will_read(piece_name(*id));
            }
            if together.as_ref().is_none_or(|it| it.blob(piece).is_none()) {
                let pieces = &large.entry.content[..range.end];
                together = self.read_together(hands, pieces, piece, reach);
            }
            let content = match together.as_ref().and_then(|it| it.blob(piece)) {
                Some((blob, start)) => hands.piece_of_range(self.repository, blob, start),
                None => hands.piece(self.repository, large.entry.content[piece]),
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

    /// Reads a piece, and those that lie next to it, at once. `None`: the piece is to be read by itself.
    fn read_together(
        &self,
        hands: &mut Hands,
        pieces: &[Id],
        first: usize,
        reach: Reach,
    ) -> Option<Together> {
        let index = &self.repository.index;
        let (part, blobs) = batch::neighbours(&pieces[first..], index, reach)?;
        hands.read_range(self.repository, part.pack, part.offset, part.length);
        Some(Together { first, part, blobs })
    }

    /// The file, which the first segment makes. `None`: it has failed already.
    fn begin_large(&self, large: &Large) -> Result<Option<Arc<NewFile>>, Failed> {
        let mut progress = large.lock();
        if progress.failed.is_some() {
            return Ok(None);
        }
        if self.is_stopped() {
            return Err(Failed::WithDirectory);
        }
        if let Some((_, new)) = &progress.open {
            return Ok(Some(Arc::clone(new)));
        }
        let parent = self.parent(&large.entry)?;
        let new = Arc::new(NewFile::create(&parent, &large.entry, false)?);
        progress.open = Some((parent, Arc::clone(&new)));
        Ok(Some(new))
    }

    fn complete_large(
        &self,
        entry: &Entry,
        length: u64,
        progress: Progress,
    ) -> Result<Outcome, Failed> {
        let Some((parent, new)) = progress.open else {
            return Err(progress.failed.unwrap_or(Failed::WithDirectory));
        };
        // No thread writes to it any more, so this is the last reference.
        let Some(new) = Arc::into_inner(new) else {
            return Err(Failed::problem(ProblemKind::NotWritten));
        };
        let written = match progress.failed {
            Some(failed) => Err(failed),
            None => new
                .file
                .set_len(length)
                .map(|()| length)
                .map_err(|error| Failed::io(ProblemKind::NotWritten, error)),
        };
        self.complete(&parent, new, entry, written, false)
    }
}
