//! The content of one file: read, cut into chunks, saved. A file that changes meanwhile is noticed.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use super::chunker::{Chunker, MIN_LENGTH};
use super::shared_chunks::{ChunkTask, SharedChunks};
use super::store::{Saver, Stopped, Store};
use crate::repository::blob_name::BlobKind;
use crate::source::problem::{ReadStep, SourceFault};
use crate::source::tree::stat::Stat;
use crate::storage::id::Id;

/// What is read at a time.
const STEP: usize = 1 << 20;

/// How long the buffer is. Only a chunk that is longer makes it grow, for as long as it is read: one in 30.
const BUFFER: usize = 4 << 20;

/// How often a file is read when it changes meanwhile.
const TRIES: usize = 3;

/// A larger file is not read again.
const LARGEST_AGAIN: u64 = 64 << 20;

/// What was read of a file.
#[derive(Debug, Default)]
pub(super) struct Content {
    pub ids: Vec<Id>,
    lengths: Vec<u32>,
    /// In bytes.
    pub size: u64,
    /// The bytes that were new to the repository, as stored.
    pub stored: u64,
}

/// A file as it was read.
pub(super) struct ReadFile {
    pub content: Content,
    /// From before the content was read: a change during the reading shows in the next backup.
    pub stat: Stat,
    /// Why the content is not what the file held at one time.
    pub fault: Option<SourceFault>,
}

/// Reads files. One for each worker.
pub(super) struct FileReader {
    buffer: Vec<u8>,
    /// The id of the shortest chunk of zeros, once there was one.
    zeros: Option<Id>,
}

/// What the content of a file is saved with.
pub(super) struct Saving<'a> {
    pub store: &'a Store<'a>,
    pub saver: &'a mut Saver,
    pub chunker: &'a Chunker,
    /// Makes a task and gives it to a worker that waits for one. `false`: all are busy, and no task was made.
    pub offer: &'a dyn Fn(&dyn Fn() -> ChunkTask) -> bool,
    /// Gets the bytes as they are read.
    pub advance: &'a dyn Fn(u64),
}

/// What the metadata before and after the reading say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Stable,
    /// It was written to, and became no shorter. If what was read is still its beginning, then it only grew.
    Written,
    Shorter,
}

/// Compares the metadata from before and after the reading of `read` bytes.
fn verdict(before: &Stat, after: &Stat, read: u64) -> Verdict {
    // What a file says of its size need not be true, as in /proc, /sys and some FUSE file systems. It was read to its
    // end, and nobody wrote to it.
    if after.size == before.size && (after.mtime == before.mtime || after.size == 0) {
        return Verdict::Stable;
    }
    if read < before.size || after.size < before.size {
        return Verdict::Shorter;
    }
    Verdict::Written
}

impl FileReader {
    /// A reader with an empty buffer.
    pub fn new() -> FileReader {
        FileReader {
            buffer: Vec::new(),
            zeros: None,
        }
    }

    /// Reads an open file to its end and saves its content.
    ///
    /// # Errors
    /// The outer one when the backup cannot go on, the inner one when the file cannot be read.
    pub fn read(
        &mut self,
        saving: &mut Saving<'_>,
        file: &File,
        mut stat: Stat,
    ) -> Result<Result<ReadFile, SourceFault>, Stopped> {
        let mut tries = 0;
        loop {
            tries += 1;
            let content = match self.read_once(saving, file, &stat)? {
                Ok(content) => content,
                Err(cause) => return Ok(Err(SourceFault::io(ReadStep::Read, cause))),
            };
            let after = match Stat::of_open(file) {
                Ok(after) => after,
                Err(cause) => return Ok(Err(SourceFault::io(ReadStep::Examine, cause))),
            };
            let fault = match verdict(&stat, &after, content.size) {
                Verdict::Stable => None,
                Verdict::Written => match self.still_begins_with(file, &content) {
                    Ok(true) => None,
                    Ok(false) => Some(SourceFault::ChangedWhileRead),
                    Err(cause) => return Ok(Err(SourceFault::io(ReadStep::Read, cause))),
                },
                Verdict::Shorter => Some(SourceFault::BecameShorter),
            };
            let again = fault.is_some() && tries < TRIES && after.size <= LARGEST_AGAIN;
            if !again {
                return Ok(Ok(ReadFile {
                    content,
                    stat,
                    fault,
                }));
            }
            stat = after;
        }
    }

    fn read_once(
        &mut self,
        saving: &mut Saving<'_>,
        file: &File,
        stat: &Stat,
    ) -> Result<io::Result<Content>, Stopped> {
        let mut content = Content::default();
        let shared = Arc::new(SharedChunks::default());
        let expected = usize::try_from(stat.size).unwrap_or(usize::MAX);
        // One byte more than the size, so that the end is seen.
        let first = expected.saturating_add(1).clamp(4096, STEP);
        let (mut start, mut end, mut searched) = (0, 0, 0);
        let mut offset = 0;
        loop {
            let wanted = if offset == 0 { first } else { STEP };
            if start > 0 && end + wanted > BUFFER {
                self.buffer.copy_within(start..end, 0);
                (start, end) = (0, end - start);
            }
            if self.buffer.len() < end + wanted {
                self.buffer.resize(end + wanted, 0);
            }
            let count = match read_at(file, &mut self.buffer[end..end + wanted], offset) {
                Ok(count) => count,
                Err(cause) => return Ok(Err(cause)),
            };
            end += count;
            offset += count as u64;
            if count > 0 {
                (saving.advance)(count as u64);
            }
            // Below the shortest chunk there is nothing to search.
            while end - start >= MIN_LENGTH
                && let Some(length) = saving.chunker.find_cut(&self.buffer[start..end], searched)
            {
                let chunk = &self.buffer[start..start + length];
                content.add(saving, &shared, &mut self.zeros, chunk)?;
                start += length;
                searched = 0;
            }
            searched = end - start;
            if self.buffer.len() > BUFFER && searched + STEP <= BUFFER {
                self.buffer.copy_within(start..end, 0);
                (start, end) = (0, searched);
                self.buffer.truncate(BUFFER);
                self.buffer.shrink_to_fit();
            }
            if count == 0 {
                break;
            }
        }
        if end > start {
            let (id, stored) =
                saving
                    .store
                    .save(saving.saver, BlobKind::Data, &self.buffer[start..end])?;
            content.push(id, end - start, stored);
        }
        for saved in shared.wait()? {
            content.ids[saved.place] = saved.id;
            content.stored += saved.stored;
        }
        Ok(Ok(content))
    }

    /// Whether the file still has, at its beginning, what was read.
    fn still_begins_with(&mut self, file: &File, content: &Content) -> io::Result<bool> {
        let mut offset = 0;
        for (id, length) in content.ids.iter().zip(&content.lengths) {
            let length = *length as usize;
            if self.buffer.len() < length {
                self.buffer.resize(length, 0);
            }
            let buffer = &mut self.buffer[..length];
            match file.read_exact_at(buffer, offset) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(false),
                Err(error) => return Err(error),
            }
            if Id::of(buffer) != *id {
                return Ok(false);
            }
            offset += length as u64;
        }
        Ok(true)
    }
}

/// Fills the buffer as far as the file goes.
fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    loop {
        match file.read_at(buffer, offset) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            read => return read,
        }
    }
}

impl Content {
    /// Saves a chunk that is followed by another, or leaves that to a worker that has nothing else to do.
    fn add(
        &mut self,
        saving: &mut Saving<'_>,
        shared: &Arc<SharedChunks>,
        zeros: &mut Option<Id>,
        chunk: &[u8],
    ) -> Result<(), Stopped> {
        // A file with holes has many of these. To look for zeros takes a tenth of the time that a hash takes.
        let is_zeros = chunk.len() == MIN_LENGTH && is_zero(chunk);
        if is_zeros && let Some(id) = *zeros {
            self.push(id, chunk.len(), 0);
            return Ok(());
        }
        let place = self.ids.len();
        if !is_zeros && (saving.offer)(&|| shared.task(place, chunk)) {
            // The id comes at the end of the file.
            self.push(Id::default(), chunk.len(), 0);
            return Ok(());
        }
        let (id, stored) = saving.store.save(saving.saver, BlobKind::Data, chunk)?;
        if is_zeros {
            *zeros = Some(id);
        }
        self.push(id, chunk.len(), stored);
        Ok(())
    }

    fn push(&mut self, id: Id, length: usize, stored: u64) {
        self.ids.push(id);
        // At most `chunker::MAX_LENGTH`.
        self.lengths.push(length as u32);
        self.size += length as u64;
        self.stored += stored;
    }
}

fn is_zero(bytes: &[u8]) -> bool {
    let (words, rest) = bytes.as_chunks::<64>();
    words.iter().all(|word| *word == [0; 64]) && rest.iter().all(|byte| *byte == 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repository::time::Time;

    #[test]
    fn metadata_before_and_after_tell_what_happened() {
        let stat = |size: u64, seconds: i64| Stat {
            size,
            mtime: Time::utc(seconds, 0),
            ..Stat::of_nothing()
        };
        for (before, after, read, expected) in [
            (stat(5, 1), stat(5, 1), 5, Verdict::Stable),
            // A file of /sys has 4096 bytes, it says.
            (stat(4096, 1), stat(4096, 1), 2, Verdict::Stable),
            (stat(0, 1), stat(0, 2), 9, Verdict::Stable),
            (stat(5, 1), stat(5, 2), 5, Verdict::Written),
            (stat(5, 1), stat(9, 2), 9, Verdict::Written),
            (stat(5, 1), stat(9, 1), 5, Verdict::Written),
            (stat(5, 1), stat(3, 2), 5, Verdict::Shorter),
            (stat(5, 1), stat(9, 2), 3, Verdict::Shorter),
        ] {
            assert_eq!(verdict(&before, &after, read), expected, "{before:?}");
        }
    }
}
