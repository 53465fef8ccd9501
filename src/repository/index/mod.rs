//! Where each blob lies: the content of all index files, in memory.
//!
//! Ids are hashes, so their first bits spread them evenly over many small sorted tables. An entry takes 48 bytes, and
//! nothing is allocated for a blob by itself. [`Index::memory`] says what all of it takes.

use std::sync::{Mutex, PoisonError};

use hashbrown::HashTable;

use super::blob::PackedBlob;
use super::blob_name::{BlobKind, BlobName};
use super::pack;
use crate::storage::id::Id;

mod by_pack;
pub mod file;
pub mod load;
mod sets;

pub use by_pack::ByPack;
pub use sets::{BlobSet, CopySet, Inserted};

/// How many bits of an id choose its table.
const TABLE_BITS: u32 = 12;
const TABLES: usize = 1 << TABLE_BITS;
/// How many entries one table may hold. An honest repository has 4 billion blobs before one is full.
const MOST_ENTRIES: usize = 1 << (32 - TABLE_BITS);

/// One blob in one pack. Ordered by id first: the copies of a blob are neighbours.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    id: Id,
    /// The place of the pack's id in [`Packs`].
    pack: u32,
    offset: u32,
    length: u32,
    raw_length: u32,
}

/// The entries of one kind of blobs.
struct Tables(Vec<Vec<Entry>>);

/// The ids of all packs, each once.
#[derive(Default)]
struct Packs {
    ids: Vec<Id>,
    /// Places in `ids`, found by the id.
    places: HashTable<u32>,
}

/// All index files hold more than what fits. No honest repository is so large.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the index has too many entries of the same beginning")]
pub struct TooMany;

/// A pack that holds a blob, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlobLocation {
    pub pack: Id,
    pub blob: PackedBlob,
}

/// Takes in packs in any order. An [`Index`] can be asked.
///
/// Until the end, entries lie in large pieces that never grow: tables that grow side by side would leave holes
/// between them, as large as half of the index.
pub struct IndexBuilder {
    packs: Packs,
    /// By [`BlobKind`].
    kinds: [Pieces; 2],
}

/// Entries in the order in which they came.
struct Pieces {
    pieces: Vec<Vec<Entry>>,
    /// How many of them go to each table.
    counts: Vec<u32>,
}

/// Where each blob of a repository is. It takes about 50 bytes of memory for each blob.
pub struct Index {
    /// By [`BlobKind`].
    tables: [Tables; 2],
    packs: Packs,
}

impl IndexBuilder {
    /// A builder without entries.
    pub fn new() -> IndexBuilder {
        IndexBuilder {
            packs: Packs::default(),
            kinds: BlobKind::ALL.map(|_| Pieces {
                pieces: Vec::new(),
                counts: vec![0; TABLES],
            }),
        }
    }

    /// Takes in a pack as an index file has it. What is taken in twice counts once.
    ///
    /// # Errors
    /// When a table is full.
    pub fn add(&mut self, pack: Id, blobs: &[PackedBlob]) -> Result<(), TooMany> {
        let pack = self.packs.place_of(pack);
        for blob in blobs {
            self.kinds[blob.name.kind as usize].push(Entry::new(pack, blob))?;
        }
        Ok(())
    }

    /// Sorts everything, on as many threads as there are processors.
    pub fn finish(mut self) -> Index {
        self.packs.ids.shrink_to_fit();
        Index {
            tables: self.kinds.map(Pieces::into_tables),
            packs: self.packs,
        }
    }
}

impl Pieces {
    fn push(&mut self, entry: Entry) -> Result<(), TooMany> {
        let count = &mut self.counts[Tables::place(entry.id)];
        if *count as usize >= MOST_ENTRIES {
            return Err(TooMany);
        }
        *count += 1;
        match self.pieces.last_mut() {
            Some(piece) if piece.len() < piece.capacity() => piece.push(entry),
            last => {
                // Each is twice the one before, up to 48 MiB: such a piece goes back to the system when it is freed.
                let length = last.map_or(1024, |piece| piece.capacity() * 2);
                let mut piece = Vec::with_capacity(length.min(1 << 20));
                piece.push(entry);
                self.pieces.push(piece);
            }
        }
        Ok(())
    }

    /// Moves the entries to tables of the right size, and frees each piece when it is empty.
    fn into_tables(self) -> Tables {
        let sizes = self.counts.iter().map(|count| *count as usize);
        let mut tables: Vec<Vec<Entry>> = sizes.map(Vec::with_capacity).collect();
        for piece in self.pieces {
            for entry in piece {
                tables[Tables::place(entry.id)].push(entry);
            }
        }
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let shares = Mutex::new(tables.chunks_mut(TABLES / 64));
        let work = || {
            loop {
                let share = shares.lock().unwrap_or_else(PoisonError::into_inner).next();
                let Some(share) = share else {
                    return;
                };
                for table in share {
                    table.sort_unstable();
                    table.dedup();
                    table.shrink_to_fit();
                }
            }
        };
        std::thread::scope(|scope| {
            for _ in 1..threads {
                // Without it, the others do more.
                let _ = std::thread::Builder::new().spawn_scoped(scope, work);
            }
            work();
        });
        Tables(tables)
    }
}

impl Default for IndexBuilder {
    fn default() -> IndexBuilder {
        IndexBuilder::new()
    }
}

impl Index {
    /// The index of an empty repository.
    pub fn empty() -> Index {
        IndexBuilder::new().finish()
    }

    /// All packs that hold this blob.
    pub fn lookup(&self, name: BlobName) -> impl Iterator<Item = BlobLocation> + '_ {
        let table = self.tables[name.kind as usize].of(name.id);
        table[lower_bound(table, name.id)..]
            .iter()
            .take_while(move |entry| entry.id == name.id)
            .map(move |entry| self.location(name.kind, entry))
    }

    /// True if a pack has the blob.
    pub fn contains(&self, name: BlobName) -> bool {
        let table = self.tables[name.kind as usize].of(name.id);
        table
            .binary_search_by(|entry| entry.id.cmp(&name.id))
            .is_ok()
    }

    /// Takes in a pack that was written just now.
    ///
    /// # Errors
    /// When a table is full.
    pub fn insert(&mut self, pack: Id, blobs: &[PackedBlob]) -> Result<(), TooMany> {
        let pack = self.packs.place_of(pack);
        for blob in blobs {
            let table = self.tables[blob.name.kind as usize].of_mut(blob.name.id);
            let entry = Entry::new(pack, blob);
            if let Err(place) = table.binary_search(&entry) {
                grow(table)?;
                table.insert(place, entry);
            }
        }
        Ok(())
    }

    /// How many entries there are of this kind; a blob in two packs counts twice.
    pub fn len(&self, kind: BlobKind) -> usize {
        self.tables[kind as usize].0.iter().map(Vec::len).sum()
    }

    /// True if no blob is known.
    pub fn is_empty(&self) -> bool {
        BlobKind::ALL.iter().all(|kind| self.len(*kind) == 0)
    }

    /// The bytes of all blobs as they lie in the packs.
    pub fn bytes(&self) -> u64 {
        let entries = self.tables.iter().flat_map(|tables| &tables.0).flatten();
        entries.map(|entry| u64::from(entry.length)).sum()
    }

    /// All packs that an index file names, also those without blobs.
    pub fn packs(&self) -> &[Id] {
        &self.packs.ids
    }

    /// True if an index file names the pack.
    pub fn has_pack(&self, pack: Id) -> bool {
        self.packs.find(pack).is_some()
    }

    /// Every pack with the size that it must have, in bytes.
    pub fn pack_sizes(&self) -> Vec<(Id, u64)> {
        let empty = pack::header_size(&[]) as u64;
        let mut sizes: Vec<(Id, u64)> = self.packs.ids.iter().map(|id| (*id, empty)).collect();
        for entry in self.tables.iter().flat_map(|tables| &tables.0).flatten() {
            let in_header = pack::entry_size(entry.raw_length) as u64;
            sizes[entry.pack as usize].1 += u64::from(entry.length) + in_header;
        }
        sizes
    }

    /// All blobs, in the order of their ids; a blob in two packs comes twice.
    pub fn blobs(&self, kind: BlobKind) -> impl Iterator<Item = BlobLocation> + '_ {
        let tables = &self.tables[kind as usize].0;
        tables
            .iter()
            .flatten()
            .map(move |entry| self.location(kind, entry))
    }

    /// Calls `each` for every blob of this kind, with all its copies.
    pub fn for_each_blob(&self, kind: BlobKind, mut each: impl FnMut(&[BlobLocation])) {
        let mut copies: Vec<BlobLocation> = Vec::new();
        for table in &self.tables[kind as usize].0 {
            for entries in table.chunk_by(|a, b| a.id == b.id) {
                copies.clear();
                copies.extend(entries.iter().map(|entry| self.location(kind, entry)));
                each(&copies);
            }
        }
    }

    /// An order of the blobs by their packs, which takes 4 bytes a blob as long as it lives.
    pub fn by_pack(&self) -> ByPack<'_> {
        ByPack::new(self)
    }

    /// The bytes that all of it takes on the heap.
    pub fn memory(&self) -> usize {
        let entries: usize = self
            .tables
            .iter()
            .flat_map(|tables| &tables.0)
            .map(|table| table.capacity() * size_of::<Entry>() + size_of::<Vec<Entry>>())
            .sum();
        let packs = self.packs.ids.capacity() * size_of::<Id>();
        entries + packs + self.packs.places.allocation_size()
    }

    fn location(&self, kind: BlobKind, entry: &Entry) -> BlobLocation {
        BlobLocation {
            pack: self.packs.ids[entry.pack as usize],
            blob: entry.packed(kind),
        }
    }
}

impl Entry {
    fn new(pack: u32, blob: &PackedBlob) -> Entry {
        Entry {
            id: blob.name.id,
            pack,
            offset: blob.offset,
            length: blob.length,
            raw_length: blob.raw_length,
        }
    }

    fn packed(&self, kind: BlobKind) -> PackedBlob {
        PackedBlob {
            name: BlobName { kind, id: self.id },
            offset: self.offset,
            length: self.length,
            raw_length: self.raw_length,
        }
    }
}

impl Tables {
    fn of(&self, id: Id) -> &[Entry] {
        &self.0[Tables::place(id)]
    }

    fn of_mut(&mut self, id: Id) -> &mut Vec<Entry> {
        &mut self.0[Tables::place(id)]
    }

    fn place(id: Id) -> usize {
        usize::from(u16::from_be_bytes([id.0[0], id.0[1]]) >> (16 - TABLE_BITS))
    }
}

/// Makes room for one more, without the half that a vector keeps free by itself.
fn grow(table: &mut Vec<Entry>) -> Result<(), TooMany> {
    if table.len() >= MOST_ENTRIES {
        return Err(TooMany);
    }
    if table.len() == table.capacity() {
        table.reserve_exact((table.len() / 8).max(4));
    }
    Ok(())
}

impl Packs {
    fn find(&self, id: Id) -> Option<u32> {
        let found = self
            .places
            .find(hash(&id), |place| self.ids[*place as usize] == id);
        found.copied()
    }

    /// The place of this id, which is new or known.
    fn place_of(&mut self, id: Id) -> u32 {
        if let Some(place) = self.find(id) {
            return place;
        }
        // Fewer packs than blobs, of which there are fewer than 2^32.
        let place = self.ids.len() as u32;
        self.ids.push(id);
        let ids = &self.ids;
        self.places
            .insert_unique(hash(&id), place, |place| hash(&ids[*place as usize]));
        place
    }
}

/// The place of the first entry with this id, or of the first one behind it.
fn lower_bound(table: &[Entry], id: Id) -> usize {
    // The first bytes decide nearly always, and a number is compared faster than an id.
    let first = |id: &Id| u64::from_be_bytes(id.0[..8].try_into().unwrap_or_default());
    let start = table.partition_point(|entry| first(&entry.id) < first(&id));
    match table.get(start) {
        Some(entry) if entry.id < id => {
            start + table[start..].partition_point(|entry| entry.id < id)
        }
        _ => start,
    }
}

/// An id is a hash already.
fn hash(id: &Id) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = id.0;
    u64::from_ne_bytes([a, b, c, d, e, f, g, h])
}

#[cfg(test)]
mod tests;
