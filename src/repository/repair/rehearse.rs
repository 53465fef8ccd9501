//! What the snapshots would have lost after a repair of the index, without writing anything.

use std::collections::HashMap;

use crate::repository::check::data::{PackReader, Subject};
use crate::repository::check::lost;
use crate::repository::check::report::PackFault;
use crate::repository::error::{Doing, Error, ErrorKind, What};
use crate::repository::index::{ByPack, CopySet, Index};
use crate::repository::indexed::Indexed;
use crate::repository::progress::{Observer, Stage};
use crate::repository::rewrite::copy::Unreadable;
use crate::storage::id::Id;

use super::index::{Draft, Repaired, trees};

/// Makes the index that a repair would write, in memory, with the damaged packs where they are. Reads these packs, and
/// puts what would be lost into `repaired`.
pub fn foresee(
    indexed: &Indexed,
    by_pack: &ByPack<'_>,
    draft: &Draft,
    sizes: &HashMap<Id, u64>,
    repaired: &mut Repaired,
    observer: &dyn Observer,
) -> Result<(), Error> {
    let repository = &indexed.repository;
    let too_many = |_| Error::new(ErrorKind::TooLarge, Doing::Read, What::Repository);
    let replaced = draft.replaced(repaired);
    let mut index = Index::empty();
    let mut inserted = Ok(());
    by_pack.for_each(|pack, blobs| {
        if inserted.is_ok() && !replaced.contains(&pack) {
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
        .filter_map(|it| sizes.get(&it.pack))
        .sum();
    observer.stage(Stage::ReadPacks, Some(total));
    let mut reader = PackReader::new(&*repository.storage, &repository.cipher);
    let mut faults = Vec::new();
    for wanted in &draft.salvage {
        let mut fault = PackFault {
            pack: wanted.pack,
            ..PackFault::default()
        };
        let size = sizes.get(&wanted.pack).copied().unwrap_or(0);
        let subject = Subject {
            pack: wanted.pack,
            size,
            blobs: &wanted.blobs,
        };
        reader.read(subject, &mut fault, &mut |blob| {
            bad.insert(wanted.pack, blob)
        });
        repaired.blobs_copied += (wanted.blobs.len() as u64).saturating_sub(fault.bad_blobs);
        faults.push(fault);
        observer.advance(size);
    }
    for PackFault { pack, blobs, .. } in faults {
        let lost = blobs
            .into_iter()
            .filter(|(blob, _)| bad.contains_all(*blob));
        let lost = lost.map(|(blob, error)| Unreadable { pack, blob, error });
        repaired.lost.extend(lost);
    }
    repaired.losses = lost::find(&now, &trees(repository)?, &bad, observer);
    Ok(())
}
