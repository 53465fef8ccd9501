//! Packs that an interrupted backup left: complete, and named by no index. The next backup uses what is in them.

use std::collections::HashMap;

use crate::repository::blob::PackedBlob;
use crate::repository::indexed::Indexed;
use crate::repository::pack;
use crate::storage::id::Id;
use crate::storage::{FileKind, FileName};

/// So many packs are read, at most: more than one backup leaves.
const MOST_PACKS: usize = 256;

/// A larger pack is not one of ours.
const LARGEST: u64 = 160 << 20;

/// A pack that was found, with what is in it.
pub(super) type Adopted = (Id, Vec<PackedBlob>);

/// Takes the packs that no index names into the index in memory, if they hold a blob that no other pack has. Whoever
/// writes an index of them makes them part of the repository.
///
/// A pack is believed when its content matches its id. It may belong to a backup that runs now: then two indexes name
/// it, which does no harm. One that cannot be read or does not match is left alone.
pub(super) fn adopt(repository: &mut Indexed, sizes: &HashMap<Id, u64>) -> Vec<Adopted> {
    let orphans: Vec<(Id, u64)> = sizes
        .iter()
        .filter(|(id, size)| **size <= LARGEST && !repository.index.has_pack(**id))
        .map(|(id, size)| (*id, *size))
        .take(MOST_PACKS)
        .collect();
    let mut adopted = Vec::new();
    for (id, size) in orphans {
        let file = FileName::new(FileKind::Pack, id);
        let Ok(content) = repository.repository.storage.read(file, size) else {
            continue;
        };
        if Id::of(&content) != id {
            continue;
        }
        let Ok(blobs) = pack::header_of(&repository.repository.cipher, &content) else {
            continue;
        };
        let is_useful = blobs
            .iter()
            .any(|blob| !repository.index.contains(blob.name));
        if is_useful && repository.index.insert(id, &blobs).is_ok() {
            adopted.push((id, blobs));
        }
    }
    adopted
}
