//! Carries a plan out. Nothing is removed before everything that takes its place is durable, so a prune may be
//! interrupted anywhere.

use std::collections::HashSet;

use crate::repository::blob::PackedBlob;
use crate::repository::blob_name::BlobKind;
use crate::repository::error::{Error, ErrorKind};
use crate::repository::index::{BlobLocation, ByPack};
use crate::repository::indexed::Indexed;
use crate::repository::pack;
use crate::repository::progress::{Observer, Stage};
use crate::repository::rewrite::copy::{
    Copied, OnDamage, Unreadable, Wanted, copy, unreadable_copies,
};
use crate::repository::rewrite::index::NewIndex;
use crate::repository::rewrite::{Confirm, remove};
use crate::storage::FileKind;
use crate::storage::error::ErrorKind as StorageErrorKind;
use crate::storage::id::Id;

use super::census::Census;
use super::plan::{Decision, Plan};

/// So many index files, and twice as many as are needed, are not worth writing anew by themselves.
const FEW_INDEX_FILES: usize = 16;

/// Everything that was read and decided.
pub struct Work<'a> {
    pub indexed: &'a Indexed,
    pub by_pack: &'a ByPack<'a>,
    pub census: &'a Census<'a>,
    pub plan: &'a Plan,
    pub compress_data: bool,
    /// The index files that were read.
    pub index_files: &'a [Id],
    /// Packs that no index names and that are removed.
    pub unindexed: &'a [Id],
    /// Their size in bytes.
    pub unindexed_bytes: u64,
}

/// What was not done as planned.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Blobs in use of which no copy can be read. Their packs stay as they are.
    pub unreadable: Vec<Unreadable>,
    /// There was no space for new packs, so none was copied.
    pub no_space: bool,
    /// What was removed without what was written, in bytes of packs.
    pub freed: u64,
}

impl Work<'_> {
    /// Does all of it.
    ///
    /// # Errors
    /// When the storage fails or the lock is lost.
    pub fn execute(&self, confirm: Confirm<'_>, observer: &dyn Observer) -> Result<Outcome, Error> {
        let repository = &self.indexed.repository;
        let storage = &*repository.storage;
        // First what nothing refers to: it makes room for what follows.
        observer.stage(Stage::RemovePacks, Some(self.unindexed.len() as u64));
        remove(storage, FileKind::Pack, self.unindexed, confirm, observer)?;

        let mut copied = self.rescue(confirm, observer)?;
        let mut no_space = false;
        match self.repack(confirm, observer) {
            Ok(repacked) => copied.append(repacked),
            Err(error) if error.kind == ErrorKind::Storage(StorageErrorKind::NoSpace) => {
                no_space = true;
            }
            Err(error) => return Err(error),
        }
        // What cannot be read in a pack that was to be copied keeps it where it is.
        let damaged: HashSet<Id> = copied.unreadable.iter().map(|it| it.pack).collect();
        let stays = |place: usize| match self.plan.decisions[place] {
            Decision::Keep | Decision::KeepDamaged => true,
            Decision::Repack => no_space || damaged.contains(&self.census.packs[place].pack),
            Decision::Remove | Decision::Drop => false,
        };
        let places = 0..self.census.packs.len();
        let leaves: Vec<usize> = places.filter(|place| !stays(*place)).collect();

        let most_files = self.index_files.len().saturating_sub(FEW_INDEX_FILES);
        let blobs: usize = BlobKind::ALL
            .iter()
            .map(|it| self.indexed.index.len(*it))
            .sum();
        let is_scattered = most_files > 2 * (blobs / 50_000 + 1);
        if !leaves.is_empty() || !copied.packs.is_empty() || is_scattered {
            self.replace_index(&stays, &copied.packs, confirm, observer)?;
        }
        let removed = leaves.into_iter().map(|place| &self.census.packs[place]);
        let (packs, sizes): (Vec<Id>, Vec<u64>) = removed
            .filter_map(|pack| Some((pack.pack, pack.size?)))
            .unzip();
        let written: u64 = copied.packs.iter().map(|(_, blobs)| size(blobs)).sum();
        observer.stage(Stage::RemovePacks, Some(packs.len() as u64));
        remove(storage, FileKind::Pack, &packs, confirm, observer)?;
        Ok(Outcome {
            unreadable: copied.unreadable,
            no_space,
            freed: (self.unindexed_bytes + sizes.iter().sum::<u64>()).saturating_sub(written),
        })
    }

    /// Copies what is needed of the packs that are to be removed.
    fn repack(&self, confirm: Confirm<'_>, observer: &dyn Observer) -> Result<Copied, Error> {
        let places: Vec<usize> = (0..self.census.packs.len())
            .filter(|place| self.plan.decisions[*place] == Decision::Repack)
            .collect();
        observer.stage(Stage::Repack, Some(self.plan.summary.bytes_repacked));
        let wanted = |at: usize| {
            let pack = self.census.packs[places[at]].pack;
            let mut blobs = Vec::new();
            self.by_pack.blobs_of(places[at], &mut blobs);
            blobs.retain(|blob| self.census.needed.contains(pack, blob));
            Wanted { pack, blobs }
        };
        copy(
            self.indexed,
            places.len(),
            &wanted,
            self.compress_data,
            OnDamage::LeaveThePack,
            confirm,
            observer,
        )
    }

    /// Copies blobs whose copy in a pack that stays cannot be read, while other copies are about to be removed. Few blobs
    /// have several copies, so the search costs little.
    fn rescue(&self, confirm: Confirm<'_>, observer: &dyn Observer) -> Result<Copied, Error> {
        let packs = self.census.packs.iter().zip(&self.plan.decisions);
        let kept: HashSet<Id> = packs
            .filter(|(_, decision)| matches!(decision, Decision::Keep | Decision::KeepDamaged))
            .map(|(pack, _)| pack.pack)
            .collect();
        let mut alone = Vec::new();
        for kind in BlobKind::ALL {
            self.indexed.index.for_each_blob(kind, |copies| {
                let stay = copies
                    .iter()
                    .filter(|copy| kept.contains(&copy.pack))
                    .count();
                if stay == copies.len() {
                    return;
                }
                let needed = |copy: &&BlobLocation| {
                    kept.contains(&copy.pack) && self.census.needed.contains(copy.pack, &copy.blob)
                };
                alone.extend(copies.iter().find(needed).copied());
            });
        }
        let wanted: Vec<Wanted> = unreadable_copies(self.indexed, &alone)
            .into_iter()
            .map(|copy| Wanted {
                pack: copy.pack,
                blobs: vec![copy.blob],
            })
            .collect();
        let each = |at: usize| wanted[at].clone();
        let rest = OnDamage::CopyTheRest;
        copy(
            self.indexed,
            wanted.len(),
            &each,
            false,
            rest,
            confirm,
            observer,
        )
    }

    /// Writes an index of everything that stays, and removes the old one.
    fn replace_index(
        &self,
        stays: &dyn Fn(usize) -> bool,
        new_packs: &[(Id, Vec<PackedBlob>)],
        confirm: Confirm<'_>,
        observer: &dyn Observer,
    ) -> Result<(), Error> {
        let repository = &self.indexed.repository;
        observer.stage(Stage::WriteIndex, None);
        let mut index = NewIndex::new(repository, confirm, observer);
        let mut blobs = Vec::new();
        for (place, pack) in self.census.packs.iter().enumerate() {
            if stays(place) {
                self.by_pack.blobs_of(place, &mut blobs);
                index.add(pack.pack, &blobs)?;
            }
        }
        for (pack, blobs) in new_packs {
            index.add(*pack, blobs)?;
        }
        index.finish()?;
        let old = self.index_files;
        observer.stage(Stage::RemoveIndex, Some(old.len() as u64));
        remove(
            &*repository.storage,
            FileKind::Index,
            old,
            confirm,
            observer,
        )
    }
}

/// The size in bytes of a pack with these blobs.
fn size(blobs: &[PackedBlob]) -> u64 {
    let content: u64 = blobs.iter().map(|blob| u64::from(blob.length)).sum();
    content + pack::header_size(blobs) as u64
}
