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
    /// How many parts of packs a job has at most. One thread reads them one after the other.
    most_parts: usize,
    /// How many files are put into the order of their packs at a time.
    pub window: usize,
    /// How many pieces of a large file are read at once. A directory of this host is told ahead what will be read.
    most_pieces: usize,
}

impl Reach {
    /// For a directory of this host.
    const NEAR: Reach = Reach {
        longest: 1 << 20,
        widest_gap: 64 << 10,
        most_files: 128,
        most_parts: usize::MAX,
        window: 8192,
        most_pieces: 1,
    };
    /// For a storage away from this host, where each request costs a way there and back.
    const FAR: Reach = Reach {
        longest: 4 << 20,
        widest_gap: 256 << 10,
        most_files: 8192,
        most_parts: 1,
        window: 16 << 10,
        most_pieces: 256,
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
        if job.len() >= reach.most_parts {
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

/// The first pieces of a file that are read at once: where each lies, and the part of the pack that has all of them.
/// `None`: the first piece is read by itself.
pub fn neighbours(
    pieces: &[Id],
    index: &Index,
    reach: Reach,
) -> Option<(PackPart, Vec<PackedBlob>)> {
    let mut part: Option<PackPart> = None;
    let mut blobs = Vec::new();
    for id in pieces.iter().take(reach.most_pieces) {
        let Some(location) = index.lookup(piece_name(*id)).next() else {
            break;
        };
        let length = length_at_once(&location.blob, reach);
        let near = match &mut part {
            None if length > 0 => {
                part = Some(PackPart {
                    pack: location.pack,
                    offset: u64::from(location.blob.offset),
                    length,
                });
                true
            }
            None => false,
            Some(part) => part.takes(&location, reach),
        };
        if !near {
            break;
        }
        blobs.push(location.blob);
    }
    part.filter(|_| blobs.len() > 1).map(|part| (part, blobs))
}

/// A large piece is read by itself: its length is not believed before the pack's is known.
fn length_at_once(blob: &PackedBlob, reach: Reach) -> usize {
    match u64::from(blob.length) <= reach.longest {
        true => blob.length as usize,
        false => 0,
    }
}

impl Run {
    /// Extends the part by a piece, if it is near enough.
    fn takes(&mut self, location: Option<BlobLocation>, reach: Reach) -> bool {
        let (Some(part), Some(location)) = (&mut self.part, location) else {
            return self.part.is_none() && location.is_none();
        };
        part.takes(&location, reach)
    }
}

impl PackPart {
    /// Extends the part by a piece, if it is near enough.
    fn takes(&mut self, location: &BlobLocation, reach: Reach) -> bool {
        let (start, end) = (u64::from(location.blob.offset), location.blob.end());
        let part_end = self.offset + self.length as u64;
        let near = self.pack == location.pack
            && self.length > 0
            && start >= self.offset
            && start <= part_end + reach.widest_gap
            && end - self.offset <= reach.longest;
        if near {
            self.length = self.length.max((end - self.offset) as usize);
        }
        near
    }
}
