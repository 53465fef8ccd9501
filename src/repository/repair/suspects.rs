//! The packs that a repair looks at more closely: those that no index names, and that the index describes wrongly.

use std::collections::{HashMap, HashSet};

use crate::repository::blob::PackedBlob;
use crate::repository::index::ByPack;
use crate::repository::pack;
use crate::storage::id::Id;

/// Which headers are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Headers {
    /// Those of packs that no index names, or that have another size than the index says.
    WhereNeeded,
    /// Those of all packs.
    All,
    /// As [`Headers::WhereNeeded`]; and packs that no index names are read whole, so that damage in them is found.
    WholePacks,
}

/// Packs that need a closer look.
pub(super) struct Suspects {
    /// Their sizes are in bytes.
    pub packs: Vec<(Id, u64)>,
    /// What the index says of those that it names.
    pub described: HashMap<Id, Vec<PackedBlob>>,
    /// Packs that the index names and the storage does not have.
    pub missing: Vec<Id>,
}

/// Compares the index with the packs that are there, whose sizes in bytes are given.
pub(super) fn suspects(
    by_pack: &ByPack<'_>,
    sizes: &HashMap<Id, u64>,
    damaged: &HashSet<Id>,
    headers: Headers,
) -> Suspects {
    let mut suspects = Suspects {
        packs: Vec::new(),
        described: HashMap::new(),
        missing: Vec::new(),
    };
    let mut unknown: HashMap<Id, u64> = sizes.clone();
    by_pack.for_each(|pack, blobs| {
        let Some(size) = unknown.remove(&pack) else {
            suspects.missing.push(pack);
            return;
        };
        let content: u64 = blobs.iter().map(|blob| u64::from(blob.length)).sum();
        let is_right = content + pack::header_size(blobs) as u64 == size;
        if !is_right || headers == Headers::All || damaged.contains(&pack) {
            suspects.packs.push((pack, size));
            suspects.described.insert(pack, blobs.to_vec());
        }
    });
    suspects.packs.extend(unknown);
    suspects.packs.sort_unstable();
    suspects
}
