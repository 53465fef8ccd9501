//! The packs of the storage, compared with the index and read.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::repository::blob_name::BlobKind;
use crate::repository::error::Error;
use crate::repository::index::{ByPack, CopySet};
use crate::repository::indexed::Indexed;
use crate::repository::pack;
use crate::repository::progress::{Observer, Stage};
use crate::repository::rewrite::{in_parallel, workers};
use crate::storage::id::Id;
use crate::storage::{FileKind, FileName};

use super::collector::Collector;
use super::data::{PackReader, Subject};
use super::report::{Damaged, Note, PackFault};
use super::share::Share;

/// All packs that an index names, and what is known to be wrong with them.
pub struct Packs<'a> {
    indexed: &'a Indexed,
    by_pack: ByPack<'a>,
    /// What the storage has, in bytes.
    sizes: HashMap<Id, u64>,
    /// Copies of blobs that are not there, or not as they must be.
    pub bad: CopySet<'a>,
    faults: BTreeMap<Id, PackFault>,
}

/// What was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amount {
    pub packs: u64,
    pub bytes: u64,
}

impl<'a> Packs<'a> {
    /// Compares the sizes of all packs with the index.
    pub fn compare(
        indexed: &'a Indexed,
        by_pack: ByPack<'a>,
        sizes: HashMap<Id, u64>,
        collector: &Collector,
    ) -> Packs<'a> {
        let mut packs = Packs {
            indexed,
            by_pack,
            sizes,
            bad: CopySet::new(&indexed.index),
            faults: BTreeMap::new(),
        };
        let mut faults = BTreeMap::new();
        packs.by_pack.for_each(|pack, blobs| {
            let [data, trees] = BlobKind::ALL.map(|kind| {
                let mut kinds = blobs.iter().map(|blob| blob.name.kind);
                kinds.any(|of_blob| of_blob == kind)
            });
            if data && trees {
                collector.note(Note::Mixed(pack));
            }
            let content: u64 = blobs.iter().map(|blob| u64::from(blob.length)).sum();
            let expected = content + pack::header_size(blobs) as u64;
            let found = packs.sizes.get(&pack).copied();
            if found == Some(expected) {
                return;
            }
            for blob in blobs {
                if found.is_none_or(|found| blob.end() > found) {
                    packs.bad.insert(pack, blob);
                }
            }
            if found.is_some() || !blobs.is_empty() {
                let fault = PackFault {
                    pack,
                    missing: found.is_none(),
                    size: found.map(|found| (expected, found)),
                    ..PackFault::default()
                };
                faults.insert(pack, fault);
            }
        });
        let mut unindexed: Vec<Id> = packs.sizes.keys().copied().collect();
        unindexed.retain(|pack| !indexed.index.has_pack(*pack));
        unindexed.sort_unstable();
        for pack in unindexed {
            let size = packs.sizes.get(&pack).copied().unwrap_or(0);
            collector.note(Note::Unindexed { pack, size });
        }
        packs.faults = faults;
        packs
    }

    /// Reads the share that is asked for, and every pack of a wrong size, on as many threads as there are processors.
    ///
    /// # Errors
    /// When a pack is out of reach, and when the system gives no random numbers.
    pub fn read(&mut self, share: Share, observer: &dyn Observer) -> Result<Amount, Error> {
        let all = self.indexed.index.packs();
        let sized = |pack: &Id| Some((*pack, *self.sizes.get(pack)?));
        let mut chosen: Vec<(Id, u64)> = all.iter().filter_map(sized).collect();
        share.choose(&mut chosen)?;
        let mut chosen: HashSet<Id> = chosen.into_iter().map(|(pack, _)| pack).collect();
        chosen.extend(
            self.faults
                .values()
                .filter(|it| !it.missing)
                .map(|it| it.pack),
        );
        // The places in the index, with the sizes.
        let places: Vec<(usize, u64)> = all
            .iter()
            .enumerate()
            .filter(|(_, pack)| chosen.contains(pack))
            .filter_map(|(place, pack)| Some((place, *self.sizes.get(pack)?)))
            .collect();
        let total = places.iter().map(|(_, size)| size).sum();
        observer.stage(Stage::ReadPacks, Some(total));
        let read = AtomicU64::new(0);
        let faults = Mutex::new(std::mem::take(&mut self.faults));
        let repository = &self.indexed.repository;
        let start = || {
            let reader = PackReader::new(&*repository.storage, &repository.cipher);
            (reader, Vec::new())
        };
        let threads = workers(&*repository.storage);
        in_parallel(places.len(), threads, start, |state, at| {
            let (reader, blobs) = state;
            let (place, size) = places[at];
            let pack = all[place];
            if let Some((next, size)) = places.get(at + threads) {
                let next = FileName::new(FileKind::Pack, all[*next]);
                repository.storage.will_read(next, 0, *size);
            }
            self.by_pack.blobs_of(place, blobs);
            let mut fault = PackFault {
                pack,
                ..PackFault::default()
            };
            let subject = Subject { pack, size, blobs };
            reader.read(subject, &mut fault, &mut |blob| self.bad.insert(pack, blob))?;
            let mut faults = faults.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(known) = faults.get(&pack) {
                fault.size = known.size;
            }
            if fault.is_any() {
                faults.insert(pack, fault);
            }
            read.fetch_add(size, Ordering::Relaxed);
            observer.advance(size);
            Ok(())
        })?;
        self.faults = faults.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok(Amount {
            packs: places.len() as u64,
            bytes: read.into_inner(),
        })
    }

    /// Hands out what is wrong with the packs.
    pub fn tell(&mut self, collector: &Collector) {
        for (_, fault) in std::mem::take(&mut self.faults) {
            collector.damage(Damaged::Pack(fault));
        }
    }
}
