//! Sets of blobs of an index: one bit for each entry, so that check and prune need no second copy of the ids.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Entry, Index, TABLES, Tables, lower_bound};
use crate::repository::blob::PackedBlob;
use crate::repository::blob_name::{BlobKind, BlobName};
use crate::storage::id::Id;

/// A set of the blobs that an index names. Any number of threads may insert at the same time.
pub struct BlobSet<'a> {
    index: &'a Index,
    bits: Bits,
}

/// A set of copies of blobs: a blob that lies in two packs is two members.
pub struct CopySet<'a> {
    index: &'a Index,
    bits: Bits,
}

/// What [`BlobSet::insert`] knows about a blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inserted {
    /// False when the blob was a member before.
    pub new: bool,
    /// The length of the blob's content in bytes, as the index has it.
    pub length: u64,
}

/// A bit for each entry of an index, which must not change meanwhile.
struct Bits {
    /// For each table, those of [`BlobKind::Data`] first: how many entries all tables before it have.
    starts: Vec<usize>,
    words: Vec<AtomicU64>,
}

impl Bits {
    fn new(index: &Index) -> Bits {
        let mut starts = Vec::with_capacity(index.tables.len() * TABLES);
        let mut count = 0;
        for table in index.tables.iter().flat_map(|tables| &tables.0) {
            starts.push(count);
            count += table.len();
        }
        let words = (0..count.div_ceil(64)).map(|_| AtomicU64::new(0)).collect();
        Bits { starts, words }
    }

    /// The number of an entry.
    fn number(&self, name: BlobName, place: usize) -> usize {
        self.starts[name.kind as usize * TABLES + Tables::place(name.id)] + place
    }

    /// True if the bit was not set before.
    fn set(&self, number: usize) -> bool {
        let bit = 1 << (number % 64);
        self.words[number / 64].fetch_or(bit, Ordering::Relaxed) & bit == 0
    }

    fn get(&self, number: usize) -> bool {
        let bit = 1 << (number % 64);
        self.words[number / 64].load(Ordering::Relaxed) & bit != 0
    }
}

impl Index {
    /// The places of all copies of a blob in its table.
    fn places(&self, name: BlobName) -> (&[Entry], Range<usize>) {
        let table = self.tables[name.kind as usize].of(name.id);
        let start = lower_bound(table, name.id);
        let copies = table[start..]
            .iter()
            .take_while(|entry| entry.id == name.id)
            .count();
        (table, start..start + copies)
    }
}

impl<'a> BlobSet<'a> {
    /// A set without members. It takes one bit for each entry of the index.
    pub fn new(index: &'a Index) -> BlobSet<'a> {
        let bits = Bits::new(index);
        BlobSet { index, bits }
    }

    /// Makes a blob a member; `None` when no index names it.
    pub fn insert(&self, name: BlobName) -> Option<Inserted> {
        let table = self.index.tables[name.kind as usize].of(name.id);
        let place = lower_bound(table, name.id);
        let entry = table.get(place).filter(|entry| entry.id == name.id)?;
        Some(Inserted {
            // The bit of its first copy stands for all of them.
            new: self.bits.set(self.bits.number(name, place)),
            length: entry.packed(name.kind).content_length(),
        })
    }

    /// True if the blob is a member.
    pub fn contains(&self, name: BlobName) -> bool {
        let table = self.index.tables[name.kind as usize].of(name.id);
        let place = lower_bound(table, name.id);
        let known = table.get(place).is_some_and(|entry| entry.id == name.id);
        known && self.bits.get(self.bits.number(name, place))
    }

    /// How many blobs of this kind are members.
    pub fn len(&self, kind: BlobKind) -> usize {
        let tables = &self.index.tables[kind as usize].0;
        let start = self.bits.starts[kind as usize * TABLES];
        let count: usize = tables.iter().map(Vec::len).sum();
        (start..start + count)
            .filter(|number| self.bits.get(*number))
            .count()
    }

    /// True if nothing is a member.
    pub fn is_empty(&self) -> bool {
        let words = &self.bits.words;
        words.iter().all(|word| word.load(Ordering::Relaxed) == 0)
    }
}

impl<'a> CopySet<'a> {
    /// A set without members. It takes one bit for each entry of the index.
    pub fn new(index: &'a Index) -> CopySet<'a> {
        let bits = Bits::new(index);
        CopySet { index, bits }
    }

    /// Makes the copy of a blob in this pack a member. Does nothing where the index does not have it.
    pub fn insert(&self, pack: Id, blob: &PackedBlob) {
        if let Some(number) = self.number(pack, blob) {
            self.bits.set(number);
        }
    }

    /// True if this copy is a member.
    pub fn contains(&self, pack: Id, blob: &PackedBlob) -> bool {
        let number = self.number(pack, blob);
        number.is_some_and(|number| self.bits.get(number))
    }

    /// True if every copy of the blob is a member, and if there is none.
    pub fn contains_all(&self, name: BlobName) -> bool {
        let (_, mut places) = self.index.places(name);
        places.all(|place| self.bits.get(self.bits.number(name, place)))
    }

    /// True if nothing is a member.
    pub fn is_empty(&self) -> bool {
        let words = &self.bits.words;
        words.iter().all(|word| word.load(Ordering::Relaxed) == 0)
    }

    fn number(&self, pack: Id, blob: &PackedBlob) -> Option<usize> {
        let entry = Entry::new(self.index.packs.find(pack)?, blob);
        let (table, places) = self.index.places(blob.name);
        let place = table[places.clone()].binary_search(&entry).ok()?;
        Some(self.bits.number(blob.name, places.start + place))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blob(kind: BlobKind, at: u8, offset: u32) -> PackedBlob {
        PackedBlob {
            name: BlobName {
                kind,
                id: Id::of(&[at]),
            },
            offset,
            length: 40,
            raw_length: u32::from(at),
        }
    }

    #[test]
    fn members_are_told_apart_by_name_and_by_copy() {
        let mut index = Index::empty();
        let (first, second) = (Id([1; 32]), Id([2; 32]));
        let blobs: Vec<PackedBlob> = (0..200)
            .map(|at| blob(BlobKind::ALL[usize::from(at % 2)], at, u32::from(at) * 40))
            .collect();
        index.insert(first, &blobs).unwrap();
        index.insert(second, &blobs[..10]).unwrap();
        let names = BlobSet::new(&index);
        let copies = CopySet::new(&index);
        assert!(names.is_empty() && copies.is_empty());
        for blob in blobs.iter().step_by(3) {
            let length = blob.content_length();
            let inserted = names.insert(blob.name);
            assert_eq!(inserted, Some(Inserted { new: true, length }));
            assert!(!names.insert(blob.name).unwrap().new);
            copies.insert(second, blob);
        }
        for (at, blob) in blobs.iter().enumerate() {
            assert_eq!(names.contains(blob.name), at % 3 == 0);
            assert_eq!(copies.contains(second, blob), at % 3 == 0 && at < 10);
            assert!(!copies.contains(first, blob));
            assert!(!copies.contains_all(blob.name));
        }
        let counts = BlobKind::ALL.map(|kind| names.len(kind));
        assert_eq!(counts, [34, 33]);
        let unknown = blob(BlobKind::Data, 201, 0).name;
        assert_eq!(names.insert(unknown), None);
        assert!(!names.contains(unknown));
        assert!(copies.contains_all(unknown));
        copies.insert(first, &blobs[3]);
        assert!(copies.contains_all(blobs[3].name));
    }
}
