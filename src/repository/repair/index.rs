//! Makes the index agree with the packs: from the packs' headers where the index is lost or wrong, and without what is
//! damaged, so that the next backup that meets a lost blob stores it again.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use super::rehearse::{self, foresee};
pub use super::suspects::Headers;
use super::suspects::suspects;
use crate::repository::blob::PackedBlob;
use crate::repository::check::data::{PackReader, Subject};
use crate::repository::check::lost::{self, Loss};
use crate::repository::check::report::PackFault;
use crate::repository::error::{Doing, Error, ErrorKind, What};
use crate::repository::index::{ByPack, CopySet};
use crate::repository::indexed::Indexed;
use crate::repository::open::Repository;
use crate::repository::pack;
use crate::repository::progress::{Observer, Stage};
use crate::repository::rewrite::copy::{Copied, OnDamage, Unreadable, Wanted, copy};
use crate::repository::rewrite::index::NewIndex;
use crate::repository::rewrite::{Confirm, in_parallel, remove, workers};
use crate::repository::snapshot::read_all;
use crate::repository::unlisted::add_unlisted;
use crate::storage::FileKind;
use crate::storage::id::Id;

/// What a repair did.
#[derive(Debug, Default)]
pub struct Repaired {
    /// Packs that no index named, and now one does.
    pub added: Vec<Id>,
    /// Packs that the index described wrongly.
    pub corrected: Vec<Id>,
    /// Packs that the storage does not have: the index forgot them.
    pub forgotten: Vec<Id>,
    /// Damaged packs that the index forgot. What can be read of them was copied to new packs. They lie there until a
    /// prune removes them.
    pub salvaged: Vec<Id>,
    /// How many blobs were copied, or would be.
    pub blobs_copied: u64,
    /// Packs that no index named, and whose header cannot be read. They were left as they are.
    pub unreadable: Vec<(Id, Error)>,
    /// Blobs of damaged packs of which no copy can be read.
    pub lost: Vec<Unreadable>,
    /// Index files that could not be read. They were replaced.
    pub index_problems: Vec<Error>,
    /// False when nothing had to be changed.
    pub changed: bool,
    /// What the snapshots have lost, now and before. Empty when nothing was changed and nothing new was found.
    pub losses: Vec<Loss>,
}

/// What the new index says of the packs.
#[derive(Default)]
struct Draft {
    /// Packs whose header replaces what the index says.
    from_header: BTreeMap<Id, Vec<PackedBlob>>,
    /// Packs of which good blobs are copied.
    salvage: Vec<Wanted>,
}

/// Repairs the index. `damaged` are packs in which a check found damage: what can be read of them is copied, and the
/// index forgets the rest. No pack is removed. It may be interrupted at any time: the next one finishes the work.
///
/// The caller has the exclusive lock, and `confirm` says whether it still holds.
///
/// # Errors
/// When the storage fails or the lock is lost; `NothingReadable` when the index would forget all packs that it names. What is
/// damaged is in the result.
pub fn repair(
    repository: &Repository,
    headers: Headers,
    damaged: &[Id],
    confirm: Confirm<'_>,
    observer: &dyn Observer,
) -> Result<Repaired, Error> {
    repository.writable()?;
    run(repository, headers, damaged, Some(confirm), observer)
}

/// Says what a repair would do. Changes nothing. The caller has a shared lock at least.
///
/// # Errors
/// When the storage fails; `NothingReadable` as of [`repair`].
pub fn rehearse(
    repository: &Repository,
    headers: Headers,
    damaged: &[Id],
    observer: &dyn Observer,
) -> Result<Repaired, Error> {
    run(repository, headers, damaged, None, observer)
}

/// Finds out what is to be done, and does it where there is a `confirm`.
fn run(
    repository: &Repository,
    headers: Headers,
    damaged: &[Id],
    confirm: Option<Confirm<'_>>,
    observer: &dyn Observer,
) -> Result<Repaired, Error> {
    let storage = &*repository.storage;
    observer.stage(Stage::LoadIndex, None);
    let old_files = storage.list(FileKind::Index)?;
    let not_files = old_files.not_files();
    let mut old_files: Vec<Id> = old_files.files.iter().map(|file| file.id).collect();
    old_files.retain(|id| !not_files.contains(id));
    let mut indexed = Indexed::load(repository.clone())?;
    let mut repaired = Repaired {
        index_problems: std::mem::take(&mut indexed.problems),
        ..Repaired::default()
    };
    let reads_whole = headers == Headers::WholePacks || !indexed.index.is_empty();
    let listing = storage.list(FileKind::Pack)?;
    let mut sizes: HashMap<Id, u64> = listing.files.iter().map(|it| (it.id, it.size)).collect();
    sizes.extend(listing.not_files().into_iter().map(|id| (id, 0)));
    let damaged: HashSet<Id> = damaged.iter().copied().collect();
    let by_pack = indexed.index.by_pack();
    add_unlisted(storage, &by_pack, &mut sizes)?;

    let mut draft = Draft::default();
    let suspects = suspects(&by_pack, &sizes, &damaged, headers);
    let found = read_headers(&indexed, &suspects.packs, reads_whole, observer)?;
    draft.take_in(
        found,
        &indexed,
        &suspects.described,
        &damaged,
        &mut repaired,
    );
    repaired.forgotten = suspects.missing;

    let mut salvaged = repaired.salvaged.iter();
    let is_wrong = !repaired.index_problems.is_empty()
        || !repaired.forgotten.is_empty()
        || !draft.from_header.is_empty()
        || salvaged.any(|pack| indexed.index.has_pack(*pack));
    let Some(confirm) = confirm else {
        let foreseen = foresee(
            &indexed,
            &by_pack,
            &rehearse::Draft {
                replaced: draft.replaced(&repaired),
                from_header: &draft.from_header,
                salvage: &draft.salvage,
                sizes: &sizes,
                snapshots: &trees(repository)?,
            },
            observer,
        )?;
        repaired.blobs_copied = foreseen.blobs_copied;
        draft.refuse_to_forget_all(&by_pack, &repaired)?;
        repaired.lost = foreseen.lost;
        repaired.losses = foreseen.losses;
        repaired.changed = is_wrong || repaired.blobs_copied > 0;
        return Ok(repaired);
    };

    observer.stage(Stage::Repack, None);
    let wanted = |at: usize| draft.salvage[at].clone();
    let count = draft.salvage.len();
    let rest = OnDamage::CopyTheRest;
    let copied = copy(&indexed, count, &wanted, false, rest, confirm, observer)?;
    repaired.blobs_copied = copied
        .packs
        .iter()
        .map(|(_, blobs)| blobs.len() as u64)
        .sum();
    draft.refuse_to_forget_all(&by_pack, &repaired)?;
    repaired.changed = is_wrong || !copied.packs.is_empty();
    if repaired.changed {
        replace_index(
            repository, &by_pack, &draft, &repaired, &copied, confirm, observer,
        )?;
        observer.stage(Stage::RemoveIndex, Some(old_files.len() as u64));
        remove(storage, FileKind::Index, &old_files, confirm, observer)?;
    }
    drop(by_pack);
    repaired.lost = copied.unreadable;
    if repaired.changed || repaired.may_lose() {
        let now = Indexed::load(repository.clone())?;
        repaired.lost.retain(|lost| !now.index.contains(lost.blob));
        let none = CopySet::new(&now.index);
        repaired.losses = lost::find(&now, &trees(repository)?, &none, observer);
    }
    Ok(repaired)
}

/// The snapshots that can be read, with their trees.
fn trees(repository: &Repository) -> Result<Vec<(Id, Id)>, Error> {
    let all = read_all(&*repository.storage, &repository.cipher)?.into_iter();
    Ok(all
        .filter_map(|(id, snapshot)| Some((id, snapshot.ok()?.tree)))
        .collect())
}

impl Repaired {
    /// Whether something may be lost that was not known before.
    fn may_lose(&self) -> bool {
        !(self.lost.is_empty()
            && self.forgotten.is_empty()
            && self.index_problems.is_empty()
            && self.unreadable.is_empty())
    }
}

/// What was read of a pack.
struct Found {
    pack: Id,
    header: Result<Vec<PackedBlob>, Error>,
    /// Whether anything in it is damaged; not known when only the header was read.
    is_damaged: bool,
}

/// Reads the headers. Packs that no index names are read whole, unless there is no index at all: what is damaged in them, an
/// earlier repair may have taken out of the index.
fn read_headers(
    indexed: &Indexed,
    packs: &[(Id, u64)],
    reads_whole: bool,
    observer: &dyn Observer,
) -> Result<Vec<Found>, Error> {
    observer.stage(Stage::ReadHeaders, Some(packs.len() as u64));
    let repository = &indexed.repository;
    let (storage, cipher) = (&*repository.storage, &*repository.cipher);
    let found = Mutex::new(Vec::with_capacity(packs.len()));
    let start = || PackReader::new(storage, cipher);
    let threads = workers(storage);
    in_parallel(packs.len(), threads, start, |reader, at| {
        let (pack, size) = packs[at];
        let header = match pack::read_header(storage, cipher, pack, size) {
            Err(error) if error.is_out_of_reach() => return Err(error),
            header => header,
        };
        let mut is_damaged = false;
        if let Ok(blobs) = &header
            && reads_whole
            && !indexed.index.has_pack(pack)
        {
            let mut fault = PackFault::default();
            let subject = Subject { pack, size, blobs };
            reader.read(subject, &mut fault, &mut |_| {})?;
            is_damaged = fault.is_any();
        }
        let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
        found.push(Found {
            pack,
            header,
            is_damaged,
        });
        observer.advance(1);
        Ok(())
    })?;
    let mut found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    found.sort_unstable_by_key(|it| it.pack);
    Ok(found)
}

impl Draft {
    fn take_in(
        &mut self,
        found: Vec<Found>,
        indexed: &Indexed,
        described: &HashMap<Id, Vec<PackedBlob>>,
        damaged: &HashSet<Id>,
        repaired: &mut Repaired,
    ) {
        for Found {
            pack,
            header,
            is_damaged,
        } in found
        {
            let known = described.get(&pack);
            match (header, known) {
                (header, _) if damaged.contains(&pack) => {
                    let mut blobs = known.cloned().unwrap_or_default();
                    blobs.extend(header.into_iter().flatten());
                    self.salvage(pack, blobs, repaired);
                }
                (Ok(blobs), None) if is_damaged => {
                    let is_new = |blob: &PackedBlob| !indexed.index.contains(blob.name);
                    let blobs: Vec<PackedBlob> = blobs.into_iter().filter(is_new).collect();
                    if !blobs.is_empty() {
                        self.salvage(pack, blobs, repaired);
                    }
                }
                (Ok(blobs), None) => {
                    repaired.added.push(pack);
                    self.from_header.insert(pack, blobs);
                }
                (Ok(blobs), Some(known)) if blobs == *known => {}
                (Ok(blobs), Some(_)) => {
                    repaired.corrected.push(pack);
                    self.from_header.insert(pack, blobs);
                }
                (Err(_), Some(known)) => self.salvage(pack, known.clone(), repaired),
                (Err(error), None) => repaired.unreadable.push((pack, error)),
            }
        }
    }

    /// Packs of which the old index does not count any more.
    fn replaced(&self, repaired: &Repaired) -> HashSet<Id> {
        let mut replaced: HashSet<Id> = self.from_header.keys().copied().collect();
        replaced.extend(&repaired.salvaged);
        replaced.extend(&repaired.forgotten);
        replaced
    }

    /// A repair that has read nothing has found out nothing. A storage that gives wrong answers must not cost the index.
    fn refuse_to_forget_all(&self, by_pack: &ByPack<'_>, repaired: &Repaired) -> Result<(), Error> {
        let left_out = self.replaced(repaired);
        let (mut named, mut left) = (0, 0);
        by_pack.for_each(|pack, _| {
            named += 1;
            left += u64::from(!left_out.contains(&pack));
        });
        let has_read = repaired.blobs_copied > 0 || !self.from_header.is_empty();
        match named > 0 && left == 0 && !has_read {
            true => Err(Error::new(
                ErrorKind::NothingReadable(named),
                Doing::Read,
                What::Repository,
            )),
            false => Ok(()),
        }
    }

    fn salvage(&mut self, pack: Id, mut blobs: Vec<PackedBlob>, repaired: &mut Repaired) {
        blobs.sort_unstable_by_key(|blob| (blob.offset, *blob));
        blobs.dedup();
        repaired.salvaged.push(pack);
        self.salvage.push(Wanted { pack, blobs });
    }
}

/// Writes an index of what the old one says rightly, of what headers say, and of the new packs.
fn replace_index(
    repository: &Repository,
    by_pack: &ByPack<'_>,
    draft: &Draft,
    repaired: &Repaired,
    copied: &Copied,
    confirm: Confirm<'_>,
    observer: &dyn Observer,
) -> Result<(), Error> {
    observer.stage(Stage::WriteIndex, None);
    let left_out = draft.replaced(repaired);
    let mut index = NewIndex::new(repository, confirm, observer);
    let mut added = Ok(());
    by_pack.for_each(|pack, blobs| {
        if added.is_ok() && !left_out.contains(&pack) {
            added = index.add(pack, blobs);
        }
    });
    added?;
    let new_packs = copied.packs.iter().map(|(pack, blobs)| (pack, blobs));
    for (pack, blobs) in draft.from_header.iter().chain(new_packs) {
        index.add(*pack, blobs)?;
    }
    index.finish()?;
    Ok(())
}
