//! Packs that an index names and a list does not. No pack counts as lost on the word of a list alone: a server may list too
//! little.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::error::Error;
use super::index::ByPack;
use super::rewrite::{in_parallel, workers};
use crate::storage::error::ErrorKind;
use crate::storage::id::Id;
use crate::storage::{FileKind, FileName, Storage};

/// Asks by name for each pack of the index that has no size yet, and adds the sizes of those that are there, in bytes.
/// Returns these packs.
///
/// # Errors
/// When the storage does not say whether one of them is there.
pub fn add_unlisted(
    storage: &dyn Storage,
    by_pack: &ByPack<'_>,
    sizes: &mut HashMap<Id, u64>,
) -> Result<Vec<Id>, Error> {
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
    let mut there = there.into_inner().unwrap_or_else(PoisonError::into_inner);
    there.sort_unstable();
    sizes.extend(there.iter().copied());
    Ok(there.into_iter().map(|(pack, _)| pack).collect())
}
