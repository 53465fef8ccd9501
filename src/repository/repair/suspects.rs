//! The packs that a repair looks at more closely: those that no index names, that the index describes wrongly, and that a
//! list does not name.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use super::index::Headers;
use crate::repository::blob::PackedBlob;
use crate::repository::error::Error;
use crate::repository::index::ByPack;
use crate::repository::pack;
use crate::repository::rewrite::{in_parallel, workers};
use crate::storage::error::ErrorKind;
use crate::storage::id::Id;
use crate::storage::{FileKind, FileName, Storage};

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

/// Asks by name for each pack of the index that has no size yet, and adds the sizes of those that are there, in bytes.
/// Nothing is forgotten on the word of a list alone: a server may list too little.
///
/// # Errors
/// When the storage does not say whether one of them is there.
pub(super) fn add_unlisted(
    storage: &dyn Storage,
    by_pack: &ByPack<'_>,
    sizes: &mut HashMap<Id, u64>,
) -> Result<(), Error> {
    let mut missing = Vec::new();
    by_pack.for_each(|pack, _| {
        if !sizes.contains_key(&pack) {
            missing.push(pack);
        }
    });
    let there = Mutex::new(Vec::new());
    let ask = |(): &mut (), at: usize| {
        let pack: Id = missing[at];
        match storage.size(FileName::new(FileKind::Pack, pack)) {
            Ok(size) => {
                let mut there = there.lock().unwrap_or_else(PoisonError::into_inner);
                there.push((pack, size));
                Ok(())
            }
            Err(error) if matches!(error.kind, ErrorKind::NotFound | ErrorKind::NotAFile) => Ok(()),
            Err(error) => Err(error.into()),
        }
    };
    in_parallel(missing.len(), workers(storage), || (), ask)?;
    sizes.extend(there.into_inner().unwrap_or_else(PoisonError::into_inner));
    Ok(())
}
