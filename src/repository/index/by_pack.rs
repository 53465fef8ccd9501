//! The blobs of an index in the order of their packs, for those who go through packs: check and prune.

use super::{Index, TABLE_BITS};
use crate::repository::blob::PackedBlob;
use crate::repository::blob_name::BlobKind;
use crate::storage::id::Id;

/// An order over the entries of an index: 4 bytes for each, and 8 for each pack.
pub struct ByPack<'a> {
    index: &'a Index,
    /// By [`BlobKind`].
    kinds: [Order; 2],
}

struct Order {
    /// For each pack the end of its part of `entries`; the next one begins there.
    ends: Vec<u32>,
    /// The table in the upper bits, the place in it in the lower ones.
    entries: Vec<u32>,
}

/// The bits of a place in a table.
const PLACE_BITS: u32 = 32 - TABLE_BITS;

impl<'a> ByPack<'a> {
    pub(super) fn new(index: &'a Index) -> ByPack<'a> {
        ByPack {
            index,
            kinds: BlobKind::ALL.map(|kind| Order::new(index, kind)),
        }
    }

    /// Calls `each` for every pack with its blobs, in the order in which they lie in it. The packs come in the order of
    /// [`Index::packs`].
    pub fn for_each(&self, mut each: impl FnMut(Id, &[PackedBlob])) {
        let mut blobs = Vec::new();
        for (place, pack) in self.index.packs.ids.iter().enumerate() {
            self.blobs_of(place, &mut blobs);
            each(*pack, &blobs);
        }
    }

    /// Replaces `blobs` by those of one pack, in the order in which they lie in it. `place` is the pack's place in
    /// [`Index::packs`]; a place behind the last has no blobs.
    pub fn blobs_of(&self, place: usize, blobs: &mut Vec<PackedBlob>) {
        blobs.clear();
        for (kind, order) in BlobKind::ALL.into_iter().zip(&self.kinds) {
            let tables = &self.index.tables[kind as usize].0;
            for entry in order.of(place) {
                let table = &tables[(entry >> PLACE_BITS) as usize];
                let entry = &table[(entry & ((1 << PLACE_BITS) - 1)) as usize];
                blobs.push(entry.packed(kind));
            }
        }
        blobs.sort_unstable_by_key(|blob| (blob.offset, *blob));
    }
}

impl Order {
    /// Counting sort: how many entries each pack has, where its part begins, and then each entry to its part.
    fn new(index: &Index, kind: BlobKind) -> Order {
        let tables = &index.tables[kind as usize].0;
        let mut ends = vec![0_u32; index.packs.ids.len()];
        for entry in tables.iter().flatten() {
            ends[entry.pack as usize] += 1;
        }
        let mut begin = 0;
        for end in &mut ends {
            let count = *end;
            *end = begin;
            begin += count;
        }
        let mut entries = vec![0; begin as usize];
        for (table, of_table) in tables.iter().enumerate() {
            for (place, entry) in of_table.iter().enumerate() {
                // After the last entry of a pack, its begin has become its end.
                let next = &mut ends[entry.pack as usize];
                entries[*next as usize] = (table as u32) << PLACE_BITS | place as u32;
                *next += 1;
            }
        }
        Order { ends, entries }
    }

    fn of(&self, pack: usize) -> &[u32] {
        let begin = match pack.checked_sub(1) {
            None => 0,
            Some(before) => self.ends.get(before).map_or(0, |end| *end as usize),
        };
        let end = self.ends.get(pack).map_or(begin, |end| *end as usize);
        &self.entries[begin..end]
    }
}
