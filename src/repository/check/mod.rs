//! Checks a repository: everything that its snapshots need is there, and as much of the data as is asked for is read.

use std::collections::HashMap;

use super::config::Config;
use super::error::Error;
use super::index::BlobSet;
use super::indexed::Indexed;
use super::lock::found_locks;
use super::open::Repository;
use super::progress::{Observer, Stage};
use super::snapshot::read_all;
use super::unlisted::add_unlisted;
use super::{key, reachable};
use crate::storage::FileKind;
use crate::storage::id::Id;

use collector::Collector;
use packs::Packs;
use report::{Damaged, Note, Report};
use share::Share;

mod collector;
pub mod data;
pub mod lost;
mod packs;
pub mod report;
pub mod share;

/// Checks everything but the data, and reads the share of the packs that is asked for. Packs of a wrong size are read
/// in any case.
///
/// The caller has a shared lock at least. Memory: the index, some bytes for each blob, and a limited number of findings.
///
/// # Errors
/// When the files cannot be listed, so that nothing can be said. Everything else is a finding.
pub fn check(
    repository: &Repository,
    share: Share,
    observer: &dyn Observer,
) -> Result<Report, Error> {
    let storage = &*repository.storage;
    let collector = Collector::default();
    check_config_and_keys(repository, &collector)?;

    // A backup beside this check writes packs, then the index, then the snapshot. Read in the opposite order, everything
    // that a snapshot needs is seen.
    observer.stage(Stage::ReadSnapshots, None);
    let snapshots = snapshots(repository, &collector, observer)?;
    observer.stage(Stage::LoadIndex, None);
    let mut indexed = Indexed::load(repository.clone())?;
    for problem in indexed.problems.drain(..) {
        collector.damage(Damaged::File(problem));
    }
    let listing = storage.list(FileKind::Pack)?;
    let mut sizes: HashMap<Id, u64> = listing.files.iter().map(|it| (it.id, it.size)).collect();
    sizes.extend(listing.not_files().into_iter().map(|id| (id, 0)));
    let by_pack = indexed.index.by_pack();
    for pack in add_unlisted(storage, &by_pack, &mut sizes)? {
        collector.note(Note::Unlisted(pack));
    }
    let mut report = Report {
        snapshots: snapshots.len() as u64,
        packs: sizes.len() as u64,
        locks: found_locks(storage, &repository.cipher)?,
        ..Report::default()
    };
    let mut packs = Packs::compare(&indexed, by_pack, sizes, &collector);
    for kind in FileKind::ALL {
        for stray in storage.list(kind)?.strays {
            collector.note(Note::Stray(stray));
        }
    }

    observer.stage(Stage::ReadTrees, None);
    let used = BlobSet::new(&indexed.index);
    let roots = snapshots.iter().map(|(_, tree)| *tree);
    report.trees = reachable::mark(&indexed, roots, &used, observer, &|trouble| {
        collector.trouble(trouble);
    });
    drop(used);

    let amount = packs.read(share, observer)?;
    report.packs_read = amount.packs;
    report.bytes_read = amount.bytes;
    packs.tell(&collector);
    let bad = &packs.bad;
    collector.finish(&mut report, |tree| {
        indexed.index.contains(tree) && bad.contains_all(tree)
    });
    if let Some(error) = report.take_out_of_reach() {
        return Err(error);
    }
    let may_lose = |damaged: &Damaged| !matches!(damaged, Damaged::File(_));
    if report.damage.iter().any(may_lose) {
        report.losses = lost::find(&indexed, &snapshots, bad, observer);
    }
    Ok(report)
}

fn check_config_and_keys(repository: &Repository, collector: &Collector) -> Result<(), Error> {
    let storage = &*repository.storage;
    let damaged = |error| collector.damage(Damaged::File(error));
    if let Err(error) = Config::read(storage, &repository.cipher) {
        damaged(error);
    }
    for (_, key) in key::list(storage)? {
        if let Err(error) = key {
            damaged(error);
        }
    }
    Ok(())
}

/// The snapshots that can be read, with their trees.
fn snapshots(
    repository: &Repository,
    collector: &Collector,
    observer: &dyn Observer,
) -> Result<Vec<(Id, Id)>, Error> {
    let mut readable = Vec::new();
    for (id, snapshot) in read_all(&*repository.storage, &repository.cipher)? {
        match snapshot {
            Ok(snapshot) => readable.push((id, snapshot.tree)),
            Err(error) => collector.damage(Damaged::File(error)),
        }
        observer.advance(1);
    }
    Ok(readable)
}
