//! What the snapshots would have lost after a repair of the index, without writing anything.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::repository::blob::PackedBlob;
use crate::repository::check::data::{PackReader, Subject};
use crate::repository::check::lost::{self, Loss};
use crate::repository::check::report::PackFault;
use crate::repository::error::{Doing, Error, ErrorKind, What};
use crate::repository::index::{ByPack, CopySet, Index};
use crate::repository::indexed::Indexed;
use crate::repository::progress::{Observer, Stage};
use crate::repository::rewrite::copy::{Unreadable, Wanted};
use crate::storage::id::Id;

/// What is known of the packs before the repair.
pub struct Draft<'a> {
    /// Packs of which the old index does not count any more.
    pub replaced: HashSet<Id>,
    /// Packs whose header replaces what the index says.
    pub from_header: &'a BTreeMap<Id, Vec<PackedBlob>>,
    /// Packs of which good blobs are copied.
    pub salvage: &'a [Wanted],
    /// What the storage has, in bytes.
    pub sizes: &'a HashMap<Id, u64>,
    /// The snapshots, with their trees.
    pub snapshots: &'a [(Id, Id)],
}

/// What a repair would come to.
pub struct Foreseen {
    /// How many blobs would be copied.
    pub blobs_copied: u64,
    pub lost: Vec<Unreadable>,
    pub losses: Vec<Loss>,
}

/// Makes the index that a repair would write, in memory, with the damaged packs where they are, and reads these packs.
///
/// # Errors
/// When an index table is full, and when a pack is out of reach.
pub fn foresee(
    indexed: &Indexed,
    by_pack: &ByPack<'_>,
    draft: &Draft<'_>,
    observer: &dyn Observer,
) -> Result<Foreseen, Error> {
    let repository = &indexed.repository;
    let too_many = |_| Error::new(ErrorKind::TooLarge, Doing::Read, What::Repository);
    let mut index = Index::empty();
    let mut inserted = Ok(());
    by_pack.for_each(|pack, blobs| {
        if inserted.is_ok() && !draft.replaced.contains(&pack) {
            inserted = index.insert(pack, blobs);
        }
    });
    inserted.map_err(too_many)?;
    let from_header = draft.from_header.iter().map(|(pack, blobs)| (*pack, blobs));
    let salvage = draft.salvage.iter().map(|it| (it.pack, &it.blobs));
    for (pack, blobs) in from_header.chain(salvage) {
        index.insert(pack, blobs).map_err(too_many)?;
    }
    let now = Indexed {
        repository: repository.clone(),
        index,
        problems: Vec::new(),
    };

    let bad = CopySet::new(&now.index);
    let total = draft
        .salvage
        .iter()
        .filter_map(|it| draft.sizes.get(&it.pack))
        .sum();
    observer.stage(Stage::ReadPacks, Some(total));
    let mut reader = PackReader::new(&*repository.storage, &repository.cipher);
    let mut faults = Vec::new();
    let mut blobs_copied = 0;
    for wanted in draft.salvage {
        let mut fault = PackFault {
            pack: wanted.pack,
            ..PackFault::default()
        };
        let size = draft.sizes.get(&wanted.pack).copied().unwrap_or(0);
        let subject = Subject {
            pack: wanted.pack,
            size,
            blobs: &wanted.blobs,
        };
        reader.read(subject, &mut fault, &mut |blob| {
            bad.insert(wanted.pack, blob)
        })?;
        blobs_copied += (wanted.blobs.len() as u64).saturating_sub(fault.bad_blobs);
        faults.push(fault);
        observer.advance(size);
    }
    let mut lost = Vec::new();
    for PackFault { pack, blobs, .. } in faults {
        let of_pack = blobs
            .into_iter()
            .filter(|(blob, _)| bad.contains_all(*blob))
            .map(|(blob, error)| Unreadable { pack, blob, error });
        lost.extend(of_pack);
    }
    Ok(Foreseen {
        blobs_copied,
        lost,
        losses: lost::find(&now, draft.snapshots, &bad, observer),
    })
}
