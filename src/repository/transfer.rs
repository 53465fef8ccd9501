//! Copies snapshots from one repository to another, without their sources. Only what the other one lacks is read.
//!
//! The snapshots are copied one after the other, and each is whole when it appears. A transfer that is interrupted is
//! finished by the next one, which uses what is there.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use super::blob_name::BlobName;
use super::error::Error;
use super::index::BlobSet;
use super::indexed::Indexed;
use super::progress::{Observer, Stage};
use super::reachable::{self, Trouble};
use super::rewrite::Confirm;
use super::rewrite::copy::{Copied, Wanted, copy_to};
use super::rewrite::index::NewIndex;
use super::snapshot::{Snapshot, read_all};
use crate::kill_point::{self, Point};
use crate::storage::id::Id;

/// How many packs are read before the index of what was copied is written. An interruption costs no more.
const BATCH: usize = 256;

/// What became of a snapshot.
#[derive(Debug)]
pub enum Transferred {
    /// It has this id in the other repository.
    New(Id),
    /// It was copied before, and has this id there.
    Before(Id),
    /// It is not whole here, so it was not copied.
    NotWhole(NotWhole),
}

/// What a snapshot that is not whole lacks.
#[derive(Debug)]
pub enum NotWhole {
    Entry(Box<Trouble>),
    Piece(BlobName),
}

impl fmt::Display for NotWhole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotWhole::Piece(blob) => write!(f, "{blob} cannot be read"),
            NotWhole::Entry(trouble) => match &**trouble {
                Trouble::Tree { error, .. } => error.fmt(f),
                Trouble::Blob { blob, .. } => write!(f, "{blob} is missing"),
                Trouble::Node {
                    tree,
                    name,
                    problem,
                } => f.write_str(&problem.sentence(*tree, name)),
                Trouble::Size { tree, name, .. } => {
                    let name = String::from_utf8_lossy(name);
                    write!(f, "the file {name:?} of the tree {tree} has another size")
                }
            },
        }
    }
}

/// What a transfer did.
#[derive(Debug, Default)]
pub struct Report {
    /// By the ids in the repository that was read.
    pub snapshots: Vec<(Id, Transferred)>,
    /// How many blobs were copied, or would be.
    pub blobs: u64,
    /// The packs of the repository that was read which have them.
    pub packs: BTreeSet<Id>,
    /// Their size in the packs that were read, in bytes.
    pub bytes: u64,
}

/// The other repository.
pub struct Destination<'a> {
    pub indexed: &'a Indexed,
    /// Whether the lock there still holds.
    pub confirm: Confirm<'a>,
}

/// Copies these snapshots. With `dry_run`, says what would be copied and writes nothing.
///
/// # Errors
/// When a snapshot of the other repository cannot be listed, when it cannot be written, when one of the two is out of
/// reach, or when a lock is lost. What was copied until then stays.
pub fn transfer(
    from: &Indexed,
    to: &Destination<'_>,
    snapshots: &[(Id, Snapshot)],
    dry_run: bool,
    observer: &dyn Observer,
) -> Result<Report, Error> {
    let target = &to.indexed.repository;
    target.writable()?;
    let known: Vec<(Id, Snapshot)> = read_all(&*target.storage, &target.cipher)?
        .into_iter()
        .filter_map(|(id, snapshot)| Some((id, snapshot.ok()?)))
        .collect();
    let mut report = Report::default();
    let sent = BlobSet::new(&from.index);
    let mut lost = Vec::new();
    for (id, snapshot) in snapshots {
        let copy = copy_of(*id, snapshot);
        if let Some((before, _)) = known.iter().find(|(_, known)| is_copy(known, &copy)) {
            report.snapshots.push((*id, Transferred::Before(*before)));
            continue;
        }
        let needed = match needed(from, snapshot.tree, observer)? {
            Ok(needed) => needed,
            Err(trouble) => {
                let lacks = NotWhole::Entry(Box::new(trouble));
                report.snapshots.push((*id, Transferred::NotWhole(lacks)));
                continue;
            }
        };
        let missing = missing(from, to.indexed, &needed, &sent);
        report
            .packs
            .extend(missing.iter().map(|wanted| wanted.pack));
        for blob in missing.iter().flat_map(|wanted| &wanted.blobs) {
            report.blobs += 1;
            report.bytes += u64::from(blob.length);
        }
        if dry_run {
            report.snapshots.push((*id, Transferred::New(*id)));
            continue;
        }
        lost.extend(send(from, to, &missing, observer)?);
        // An earlier snapshot may have lost a piece that this one needs, too.
        if let Some(piece) = lost.iter().find(|piece| needed.contains(**piece)) {
            let lacks = NotWhole::Piece(*piece);
            report.snapshots.push((*id, Transferred::NotWhole(lacks)));
            continue;
        }
        (to.confirm)()?;
        kill_point::reached(Point::SnapshotBegins);
        let new = copy.write(&*target.storage, &target.cipher)?;
        report.snapshots.push((*id, Transferred::New(new)));
    }
    Ok(report)
}

/// The snapshot as it will be in the other repository.
fn copy_of(id: Id, snapshot: &Snapshot) -> Snapshot {
    Snapshot {
        original: Some(snapshot.original.unwrap_or(id)),
        parent: None,
        ..snapshot.clone()
    }
}

/// Whether a snapshot there is this copy. `restic copy` names the original in the same way.
fn is_copy(known: &Snapshot, copy: &Snapshot) -> bool {
    known.original == copy.original
        && known.tree == copy.tree
        && known.time == copy.time
        && known.hostname == copy.hostname
        && known.paths == copy.paths
}

/// All blobs that a tree needs; or why the tree is not whole.
fn needed<'a>(
    from: &'a Indexed,
    tree: Id,
    observer: &dyn Observer,
) -> Result<Result<BlobSet<'a>, Trouble>, Error> {
    observer.stage(Stage::ReadTrees, None);
    let used = BlobSet::new(&from.index);
    let first = Mutex::new(None);
    reachable::mark(from, [tree], &used, observer, &|trouble| {
        // A file of another size than its pieces is restored as they are.
        if !matches!(trouble, Trouble::Size { .. }) {
            let mut first = first.lock().unwrap_or_else(PoisonError::into_inner);
            first.get_or_insert(trouble);
        }
    });
    match first.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(Trouble::Tree { error, .. }) if error.is_out_of_reach() => Err(error),
        Some(trouble) => Ok(Err(trouble)),
        None => Ok(Ok(used)),
    }
}

/// What the other repository lacks, pack by pack. It is put into `sent`, and what is there already is left out.
fn missing(from: &Indexed, to: &Indexed, needed: &BlobSet<'_>, sent: &BlobSet<'_>) -> Vec<Wanted> {
    let mut missing = Vec::new();
    from.index.by_pack().for_each(|pack, blobs| {
        let is_missing = |name: BlobName| {
            // Several packs may have it; the first one is read.
            needed.contains(name)
                && !to.index.contains(name)
                && sent.insert(name).is_some_and(|it| it.new)
        };
        let mut blobs = blobs.to_vec();
        blobs.retain(|blob| is_missing(blob.name));
        if !blobs.is_empty() {
            missing.push(Wanted { pack, blobs });
        }
    });
    missing
}

/// Copies blobs. Returns those that cannot be read.
fn send(
    from: &Indexed,
    to: &Destination<'_>,
    missing: &[Wanted],
    observer: &dyn Observer,
) -> Result<Vec<BlobName>, Error> {
    let target = &to.indexed.repository;
    let blobs = missing.iter().flat_map(|wanted| &wanted.blobs);
    let total = blobs.map(|blob| u64::from(blob.length)).sum();
    observer.stage(Stage::Repack, Some(total));
    let mut lost = Vec::new();
    for batch in missing.chunks(BATCH) {
        let Copied { packs, unreadable } = copy_to(from, target, batch, to.confirm, observer)?;
        if !packs.is_empty() {
            let mut index = NewIndex::new(target, to.confirm, observer);
            for (pack, blobs) in &packs {
                index.add(*pack, blobs)?;
            }
            index.finish()?;
        }
        lost.extend(unreadable.into_iter().map(|piece| piece.blob));
    }
    Ok(lost)
}
