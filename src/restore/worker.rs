//! What the threads of a restore do: they take jobs from the walk until there are no more.

use std::ops::Range;
use std::os::fd::OwnedFd;
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, PoisonError};

use super::batch::Run;
use super::entry::Entry;
use super::file::{NewFile, unreadable, write_piece};
use super::hands::{Hands, piece_length, piece_name};
use super::problem::ProblemKind;
use super::restorer::{Failed, Outcome, Restorer};
use crate::repository::error::{Doing, Error, ErrorKind, What};

/// A part of the work.
pub enum Job {
    /// Files of at most one piece, where there is nothing of their names.
    Batch(Vec<Run>),
    /// Some pieces of a file, where there is nothing of its name.
    Segment(Arc<Large>, Range<usize>),
    /// A file where something exists.
    Whole(Entry),
}

/// A file that several threads may write at the same time.
pub struct Large {
    entry: Entry,
    /// Where each piece begins in the file, and the length of the file at the end.
    starts: Vec<u64>,
    progress: Mutex<Progress>,
}

#[derive(Default)]
struct Progress {
    open: Option<(Arc<OwnedFd>, Arc<NewFile>)>,
    /// The first failure. After it, nothing more is written.
    failed: Option<Failed>,
}

/// How much of a file a thread takes at a time.
const SEGMENT: u64 = 32 << 20;

/// Where each piece of a file begins, and the length of the file at the end.
pub fn lay_out(restorer: &Restorer<'_>, entry: &Entry) -> Result<Vec<u64>, Failed> {
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

/// The segments of a file, as jobs.
pub fn segments(entry: Entry, starts: Vec<u64>) -> Vec<Job> {
    let mut ranges = Vec::new();
    let mut first = 0;
    for end in 1..starts.len() {
        if starts[end] - starts[first] >= SEGMENT || end + 1 == starts.len() {
            ranges.push(first..end);
            first = end;
        }
    }
    let large = Arc::new(Large {
        entry,
        starts,
        progress: Mutex::default(),
    });
    let jobs = ranges
        .into_iter()
        .map(|range| Job::Segment(Arc::clone(&large), range));
    jobs.collect()
}

impl Restorer<'_> {
    /// The loop of a thread.
    pub fn work(&self, jobs: &Mutex<Receiver<Job>>) {
        let mut hands = Hands::new();
        loop {
            let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let Ok(job) = job else {
                return;
            };
            match job {
                Job::Segment(large, range) => self.segment(&mut hands, large, range),
                // The restore has failed: what is left is not touched.
                _ if self.is_stopped() => {}
                Job::Batch(runs) => self.batch(&mut hands, runs),
                Job::Whole(entry) => {
                    let result = self.whole(&mut hands, &entry);
                    self.settle(&mut hands, entry, result);
                }
            }
        }
    }

    fn batch(&self, hands: &mut Hands, runs: Vec<Run>) {
        for run in runs {
            if let Some(part) = &run.part {
                hands.read_range(self.repository, part.pack, part.offset, part.length);
            }
            for (entry, blob) in run.files {
                if self.is_stopped() {
                    return;
                }
                let read = match (&run.part, blob, entry.content.first()) {
                    (Some(part), Some(blob), _) => {
                        let start = u64::from(blob.offset).saturating_sub(part.offset);
                        hands.piece_of_range(self.repository, &blob, start as usize)
                    }
                    (_, _, Some(id)) => hands.piece(self.repository, *id),
                    (_, _, None) => Ok(&[][..]),
                };
                let result = read
                    .map_err(unreadable)
                    .and_then(|content| self.small(&entry, content));
                self.settle(hands, entry, result);
            }
        }
    }

    fn segment(&self, hands: &mut Hands, large: Arc<Large>, range: Range<usize>) {
        if let Err(failed) = self.write_segment(hands, &large, range) {
            large.lock().failed.get_or_insert(failed);
        }
        // Whoever has the last segment completes the file.
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
        for piece in range {
            if self.is_stopped() {
                return Err(Failed::WithDirectory);
            }
            let (start, end) = (large.starts[piece], large.starts[piece + 1]);
            let content = hands
                .piece(self.repository, large.entry.content[piece])
                .map_err(unreadable)?;
            if content.len() as u64 != end - start {
                // The index has another length for another copy of it.
                return Err(Failed::problem(ProblemKind::Content));
            }
            write_piece(&new.file, content, start)
                .map_err(|error| Failed::io(ProblemKind::NotWritten, error))?;
        }
        Ok(())
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

impl Large {
    fn lock(&self) -> std::sync::MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
