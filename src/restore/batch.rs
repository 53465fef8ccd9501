//! Groups the small files of a part of the tree, so that neighbours in a pack are read at once.

use super::entry::Entry;
use crate::repository::blob::PackedBlob;
use crate::repository::index::{BlobLocation, Index};
use crate::storage::Traits;
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

/// How much is read at once, and done by one thread.
#[derive(Clone, Copy, Debug)]
pub struct Reach {
    /// How much of a pack is read at once, in bytes.
    longest: u64,
    /// What is read between two pieces although nobody needs it, in bytes.
    widest_gap: u64,
    /// How many files a job has at most.
    most_files: usize,
    /// After so many bytes of parts of packs a job gets no other part.
    most_bytes: u64,
    /// How many files are put into the order of their packs at a time.
    pub window: usize,
}

impl Reach {
    /// For a directory of this host.
    const NEAR: Reach = Reach {
        longest: 1 << 20,
        widest_gap: 64 << 10,
        most_files: 128,
        most_bytes: u64::MAX,
        window: 8192,
    };
    /// For a storage away from this host, where each request costs a way there and back.
    const FAR: Reach = Reach {
        longest: 4 << 20,
        widest_gap: 256 << 10,
        most_files: 8192,
        most_bytes: 2 << 20,
        window: 16 << 10,
    };

    /// What suits a storage.
    pub fn of(traits: Traits) -> Reach {
        match traits.remote {
            true => Reach::FAR,
            false => Reach::NEAR,
        }
    }
}

/// Groups files of at most one piece, in the order of the packs.
pub fn group(files: Vec<Entry>, index: &Index, reach: Reach) -> Vec<Vec<Run>> {
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
        if count >= reach.most_files {
            jobs.push(std::mem::take(&mut job));
            count = 0;
        }
        count += 1;
        let blob = location.map(|location| location.blob);
        if let Some(run) = job.last_mut()
            && run.takes(location, reach)
        {
            run.files.push((entry, blob));
            continue;
        }
        if job.iter().map(Run::bytes).sum::<u64>() >= reach.most_bytes {
            jobs.push(std::mem::take(&mut job));
            count = 1;
        }
        job.push(Run {
            part: location.map(|location| PackPart {
                pack: location.pack,
                offset: u64::from(location.blob.offset),
                length: length_at_once(&location.blob, reach),
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
fn length_at_once(blob: &PackedBlob, reach: Reach) -> usize {
    match u64::from(blob.length) <= reach.longest {
        true => blob.length as usize,
        false => 0,
    }
}

impl Run {
    /// What is read for it.
    fn bytes(&self) -> u64 {
        self.part.map_or(0, |part| part.length as u64)
    }

    /// Extends the part by a piece, if it is near enough.
    fn takes(&mut self, location: Option<BlobLocation>, reach: Reach) -> bool {
        let (Some(part), Some(location)) = (&mut self.part, location) else {
            return self.part.is_none() && location.is_none();
        };
        let (start, end) = (u64::from(location.blob.offset), location.blob.end());
        let part_end = part.offset + part.length as u64;
        let near = part.pack == location.pack
            && part.length > 0
            && start >= part.offset
            && start <= part_end + reach.widest_gap
            && end - part.offset <= reach.longest;
        if near {
            part.length = part.length.max((end - part.offset) as usize);
        }
        near
    }
}
