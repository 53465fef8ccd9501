//! How much of each pack is needed. Pure: from the index, the blobs in use and the sizes of the packs.

use std::collections::HashMap;

use crate::repository::blob_name::BlobKind;
use crate::repository::index::{BlobSet, ByPack, CopySet, Index};
use crate::repository::pack;
use crate::storage::id::Id;

/// What a pack contains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contents {
    /// Pieces of files, or nothing.
    Data,
    Trees,
    /// Both, as old versions of restic wrote them.
    Mixed,
}

/// How much of a pack is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PackUse {
    pub pack: Id,
    /// In bytes, as the storage lists it; `None` when the storage does not have it.
    pub size: Option<u64>,
    /// In bytes, as the index describes it.
    pub described: u64,
    pub used_blobs: u64,
    /// As they lie in the pack.
    pub used_bytes: u64,
    /// Blobs that nothing needs, and copies of blobs that are kept elsewhere.
    pub unused_blobs: u64,
    pub unused_bytes: u64,
    pub contents: Contents,
    /// Whether it has trees that are not compressed.
    pub plain_trees: bool,
    /// Whether it has data that is not compressed.
    pub plain_data: bool,
    /// Whether it may have blobs that are needed and that no index names: then it stays.
    pub may_have_missing: bool,
}

impl PackUse {
    /// True if the pack is there, with the size that it must have.
    pub fn is_whole(&self) -> bool {
        self.size == Some(self.described)
    }
}

/// How much of every pack is needed, and which copies of blobs are.
pub struct Census<'a> {
    /// In the order of [`Index::packs`].
    pub packs: Vec<PackUse>,
    /// One copy of each blob in use.
    pub needed: CopySet<'a>,
    /// The bytes of further copies of blobs in use.
    pub duplicate_bytes: u64,
}

/// Counts. Of a blob with several copies, the one is needed that lies in the best pack: a whole one before a damaged
/// one, and one that is needed anyway before one that may be removed.
pub fn census<'a>(
    index: &'a Index,
    by_pack: &ByPack<'_>,
    used: &BlobSet<'_>,
    sizes: &HashMap<Id, u64>,
) -> Census<'a> {
    let mut packs = Vec::with_capacity(index.packs().len());
    let mut places = HashMap::with_capacity(index.packs().len());
    by_pack.for_each(|pack, blobs| {
        let mut counted = PackUse {
            pack,
            size: sizes.get(&pack).copied(),
            described: pack::header_size(blobs) as u64,
            used_blobs: 0,
            used_bytes: 0,
            unused_blobs: 0,
            unused_bytes: 0,
            contents: Contents::Data,
            plain_trees: false,
            plain_data: false,
            may_have_missing: false,
        };
        let mut kinds = [false; 2];
        for blob in blobs {
            counted.described += u64::from(blob.length);
            kinds[blob.name.kind as usize] = true;
            let plain = blob.raw_length == 0;
            counted.plain_trees |= plain && blob.name.kind == BlobKind::Tree;
            counted.plain_data |= plain && blob.name.kind == BlobKind::Data;
            // For now, every copy of a blob in use counts.
            match used.contains(blob.name) {
                true => counted.used_blobs += 1,
                false => counted.unused_blobs += 1,
            }
        }
        counted.contents = match kinds {
            [_, false] => Contents::Data,
            [false, true] => Contents::Trees,
            [true, true] => Contents::Mixed,
        };
        places.insert(pack, packs.len());
        packs.push(counted);
    });

    let needed = CopySet::new(index);
    let mut duplicate_bytes = 0;
    let rank = |pack: &PackUse| {
        let has_only_used = pack.unused_blobs == 0;
        (
            pack.is_whole(),
            pack.size.is_some(),
            has_only_used,
            pack.used_blobs,
        )
    };
    for kind in BlobKind::ALL {
        index.for_each_blob(kind, |copies| {
            if !copies
                .first()
                .is_some_and(|first| used.contains(first.blob.name))
            {
                return;
            }
            let best = copies.iter().max_by_key(|copy| {
                let place = places.get(&copy.pack).copied().unwrap_or_default();
                (packs.get(place).map(rank), std::cmp::Reverse(place))
            });
            if let Some(best) = best {
                needed.insert(best.pack, &best.blob);
                let all: u64 = copies.iter().map(|copy| u64::from(copy.blob.length)).sum();
                duplicate_bytes += all - u64::from(best.blob.length);
            }
        });
    }

    let mut place = 0;
    by_pack.for_each(|pack, blobs| {
        let counted = &mut packs[place];
        place += 1;
        (counted.used_blobs, counted.unused_blobs) = (0, 0);
        for blob in blobs {
            let length = u64::from(blob.length);
            if needed.contains(pack, blob) {
                counted.used_blobs += 1;
                counted.used_bytes += length;
            } else {
                counted.unused_blobs += 1;
                counted.unused_bytes += length;
            }
        }
    });
    Census {
        packs,
        needed,
        duplicate_bytes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repository::blob::PackedBlob;
    use crate::repository::blob_name::BlobName;

    fn blob(kind: BlobKind, at: u8, offset: u32) -> PackedBlob {
        PackedBlob {
            name: BlobName {
                kind,
                id: Id([at; 32]),
            },
            offset,
            length: 100,
            raw_length: 50,
        }
    }

    #[test]
    fn one_copy_of_each_blob_in_use_is_needed_in_the_pack_that_stays_anyway() {
        let data = |at, offset| blob(BlobKind::Data, at, offset);
        let [first, second, cut, gone] = [1, 2, 3, 4].map(|at| Id([at; 32]));
        let mut index = Index::empty();
        // The blob 1 is in all packs, 2 is in use, 3 is not.
        index.insert(gone, &[data(1, 0)]).unwrap();
        index.insert(cut, &[data(1, 0), data(2, 100)]).unwrap();
        index.insert(first, &[data(1, 0), data(3, 100)]).unwrap();
        index
            .insert(second, &[data(1, 0), data(1, 100), data(4, 200)])
            .unwrap();
        let tree = blob(BlobKind::Tree, 1, 300);
        index.insert(second, &[tree]).unwrap();
        let used = BlobSet::new(&index);
        for name in [data(1, 0).name, data(2, 0).name, data(4, 0).name, tree.name] {
            used.insert(name).unwrap();
        }
        let header = |blobs: u64| 36 + 41 * blobs;
        let sizes = HashMap::from([
            (first, 200 + header(2)),
            (second, 400 + header(4)),
            (cut, 150),
        ]);
        let census = census(&index, &index.by_pack(), &used, &sizes);
        let counts: Vec<_> = census
            .packs
            .iter()
            .map(|it| (it.pack, it.used_bytes, it.unused_bytes, it.is_whole()))
            .collect();
        let expected = [
            (gone, 0, 100, false),
            (cut, 100, 100, false),
            (first, 0, 200, true),
            (second, 300, 100, true),
        ];
        assert_eq!(counts, expected);
        assert_eq!(census.packs[3].contents, Contents::Mixed);
        assert_eq!(census.duplicate_bytes, 400);
    }
}
