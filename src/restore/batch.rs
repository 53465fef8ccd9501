//! Groups the pieces of files, so that neighbours in a pack are read at once.

use std::ops::Range;
use std::sync::Arc;

use super::entry::Entry;
use super::large::Large;
use crate::repository::blob::PackedBlob;
use crate::repository::index::BlobLocation;
use crate::storage::Traits;
use crate::storage::id::Id;

/// What a piece is read for.
pub enum Use {
    /// A file that has no other piece, or none at all.
    Small(Box<Entry>),
    /// These pieces of a large file, which are all the same.
    Large(Arc<Large>, Range<usize>),
}

/// A part of a pack, and what the pieces in it are read for.
pub struct Run {
    /// `None`: the files are empty, or no index names their pieces.
    pub part: Option<PackPart>,
    /// In the order of the pack. The blob is where the piece lies.
    pub pieces: Vec<(Use, Option<PackedBlob>)>,
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
    /// How many pieces a job has at most. A job may have more of one that several files share: it is read once.
    most_pieces: usize,
    /// How many parts of packs a job has at most. One thread reads them one after the other.
    most_parts: usize,
    /// How many pieces wait until they are put into the order of their packs.
    pub window: usize,
    /// How many quarters of these still wait afterwards: those in the packs that the walk has come to last. More of the same
    /// packs may follow.
    kept_quarters: usize,
    /// The pieces of large files are read in the order of the packs, too. Else one thread reads a file from its beginning to
    /// its end, and a directory of this host is told ahead what it will read.
    pub large_by_pack: bool,
}

impl Reach {
    /// For a directory of this host.
    const NEAR: Reach = Reach {
        longest: 1 << 20,
        widest_gap: 64 << 10,
        most_pieces: 128,
        most_parts: usize::MAX,
        window: 8192,
        kept_quarters: 0,
        large_by_pack: false,
    };
    /// For a storage away from this host, where each request costs a way there and back.
    const FAR: Reach = Reach {
        longest: 4 << 20,
        widest_gap: 256 << 10,
        most_pieces: 8192,
        most_parts: 1,
        window: 128 << 10,
        kept_quarters: 3,
        large_by_pack: true,
    };

    /// What suits a storage. `window`: how many pieces wait; 0: as many as suits it.
    pub fn of(traits: Traits, window: usize) -> Reach {
        let reach = match traits.remote {
            true => Reach::FAR,
            false => Reach::NEAR,
        };
        match window {
            0 => reach,
            window => Reach { window, ..reach },
        }
    }

    /// How many pieces wait at most, after some were read.
    pub fn kept(&self) -> usize {
        self.window / 4 * self.kept_quarters
    }
}

/// A piece, where it lies, and what it is read for.
pub type Wanted = (Option<BlobLocation>, Use);

/// Groups pieces in the order of the packs.
pub fn group(mut wanted: Vec<Wanted>, reach: Reach) -> Vec<Vec<Run>> {
    wanted.sort_by_key(|(location, _)| {
        location.map(|location| (location.pack, location.blob.offset, location.blob.name))
    });
    let mut jobs = Vec::new();
    let mut job: Vec<Run> = Vec::new();
    let mut count = 0;
    let mut last = None;
    for (location, user) in wanted {
        let again = reach.large_by_pack && location.is_some() && location == last;
        last = location;
        if count >= reach.most_pieces && !again {
            jobs.push(std::mem::take(&mut job));
            count = 0;
        }
        count += 1;
        let blob = location.map(|location| location.blob);
        if let Some(run) = job.last_mut()
            && (again || run.takes(location, reach))
        {
            run.pieces.push((user, blob));
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
            pieces: vec![(user, blob)],
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
