//! Groups the small files of a part of the tree, so that neighbours in a pack are read at once.

use super::entry::Entry;
use crate::repository::blob::PackedBlob;
use crate::repository::index::{BlobLocation, Index};
use crate::storage::id::Id;

use super::hands::piece_name;

/// A part of a pack, and the files whose only piece lies in it.
pub struct Run {
    /// `None`: the files are empty, or no index names their pieces.
    pub part: Option<PackPart>,
    /// In the order of the pack. The blob is where the piece lies.
    pub files: Vec<(Entry, Option<PackedBlob>)>,
}

/// A part of a pack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PackPart {
    pub pack: Id,
    pub offset: u64,
    /// In bytes. 0: each piece is read by itself.
    pub length: usize,
}

/// How much of a pack is read at once.
const LONGEST: u64 = 1 << 20;
/// What is read between two pieces although nobody needs it.
const WIDEST_GAP: u64 = 64 << 10;
/// How many files a job has at most.
const MOST_FILES: usize = 128;

/// Groups files of at most one piece, in the order of the packs.
pub fn group(files: Vec<Entry>, index: &Index) -> Vec<Vec<Run>> {
    let mut located: Vec<(Option<BlobLocation>, Entry)> = files
        .into_iter()
        .map(|entry| {
            let id = entry.content.first();
            let location = id.and_then(|id| index.lookup(piece_name(*id)).next());
            (location, entry)
        })
        .collect();
    located.sort_by_key(|(location, _)| {
        location.map(|location| (location.pack, location.blob.offset, location.blob.name))
    });
    let mut jobs = Vec::new();
    let mut job: Vec<Run> = Vec::new();
    let mut count = 0;
    for (location, entry) in located {
        if count >= MOST_FILES {
            jobs.push(std::mem::take(&mut job));
            count = 0;
        }
        count += 1;
        let blob = location.map(|location| location.blob);
        if let Some(run) = job.last_mut()
            && run.takes(location)
        {
            run.files.push((entry, blob));
            continue;
        }
        job.push(Run {
            part: location.map(|location| PackPart {
                pack: location.pack,
                offset: u64::from(location.blob.offset),
                length: length_at_once(&location.blob),
            }),
            files: vec![(entry, blob)],
        });
    }
    if !job.is_empty() {
        jobs.push(job);
    }
    jobs
}

/// A large piece is read by itself: its length is not believed before the pack's is known.
fn length_at_once(blob: &PackedBlob) -> usize {
    match u64::from(blob.length) <= LONGEST {
        true => blob.length as usize,
        false => 0,
    }
}

impl Run {
    /// Extends the part by a piece, if it is near enough.
    fn takes(&mut self, location: Option<BlobLocation>) -> bool {
        let (Some(part), Some(location)) = (&mut self.part, location) else {
            return self.part.is_none() && location.is_none();
        };
        let (start, end) = (u64::from(location.blob.offset), location.blob.end());
        let part_end = part.offset + part.length as u64;
        let near = part.pack == location.pack
            && part.length > 0
            && start >= part.offset
            && start <= part_end + WIDEST_GAP
            && end - part.offset <= LONGEST;
        if near {
            part.length = part.length.max((end - part.offset) as usize);
        }
        near
    }
}
