//! Copies blobs from packs to new packs. A blob is verified before it is copied: damage is never carried on.

use std::sync::{Mutex, PoisonError};

use super::{Confirm, in_parallel, workers};
use crate::kill_point::{self, Point};
use crate::repository::blob::{BlobReader, PackedBlob};
use crate::repository::blob_name::{BlobKind, BlobName};
use crate::repository::error::{Error, ErrorKind};
use crate::repository::index::BlobLocation;
use crate::repository::indexed::Indexed;
use crate::repository::open::Repository;
use crate::repository::packer::{DEFAULT_TARGET, Encoded, Encoder, FullPack, Packer};
use crate::repository::progress::Observer;
use crate::repository::ranges::{READ_TOGETHER, together};
use crate::storage::error::ErrorKind as StorageErrorKind;
use crate::storage::id::Id;
use crate::storage::{FileKind, FileName};

/// The blobs of one pack that are to be copied.
#[derive(Clone, Debug)]
pub struct Wanted {
    pub pack: Id,
    /// In the order in which they lie in the pack.
    pub blobs: Vec<PackedBlob>,
}

/// A blob of which no copy can be read.
#[derive(Debug)]
pub struct Unreadable {
    pub pack: Id,
    pub blob: BlobName,
    /// About the copy in this pack, where its bytes could be read.
    pub error: Error,
}

/// What becomes of the other blobs of a pack when one of them cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnDamage {
    /// They are copied: this saves what can be saved.
    CopyTheRest,
    /// None of them is copied, because the pack stays: copies would only take space.
    LeaveThePack,
}

/// What was copied.
#[derive(Debug, Default)]
pub struct Copied {
    /// The new packs: durable, and in no index yet.
    pub packs: Vec<(Id, Vec<PackedBlob>)>,
    pub unreadable: Vec<Unreadable>,
}

impl Copied {
    /// Takes in what another call copied.
    pub fn append(&mut self, mut other: Copied) {
        self.packs.append(&mut other.packs);
        self.unreadable.append(&mut other.unreadable);
    }
}

struct Copier<'a> {
    repository: &'a Indexed,
    /// Where the new packs go.
    to: &'a Repository,
    /// Whether they go to the same repository, so that what is encrypted can stay as it is.
    within: bool,
    confirm: Confirm<'a>,
    /// By [`BlobKind`]: trees and data go to different packs.
    packers: [Mutex<Packer>; 2],
    copied: Mutex<Copied>,
    /// Whether data that is not compressed is compressed. Trees always are.
    compress_data: bool,
    on_damage: OnDamage,
}

/// The buffers of one thread.
struct Buffers {
    reader: BlobReader,
    encoder: Encoder,
    range: Vec<u8>,
    sealed: Vec<u8>,
    content: Vec<u8>,
    waiting: Waiting,
}

/// The blobs of a pack that are ready, while it is not yet known whether all of them can be read.
#[derive(Default)]
struct Waiting {
    blobs: Vec<Encoded>,
    bytes: Vec<u8>,
}

/// Copies the blobs of `count` packs; `wanted` says which those of each are. Progress counts the bytes of blobs.
///
/// # Errors
/// When a new pack cannot be written, a pack is out of reach, or the lock is lost. A blob that cannot be read otherwise is
/// in the result.
pub fn copy(
    repository: &Indexed,
    count: usize,
    wanted: &(dyn Fn(usize) -> Wanted + Sync),
    compress_data: bool,
    on_damage: OnDamage,
    confirm: Confirm<'_>,
    observer: &dyn Observer,
) -> Result<Copied, Error> {
    let copier = Copier {
        within: true,
        compress_data,
        on_damage,
        ..Copier::new(repository, &repository.repository, confirm)
    };
    run(copier, count, wanted, observer)
}

/// As [`copy`], into another repository: everything is compressed and encrypted for that one.
///
/// # Errors
/// As [`copy`].
pub fn copy_to(
    repository: &Indexed,
    to: &Repository,
    wanted: &[Wanted],
    confirm: Confirm<'_>,
    observer: &dyn Observer,
) -> Result<Copied, Error> {
    let copier = Copier::new(repository, to, confirm);
    let of = |at: usize| wanted[at].clone();
    run(copier, wanted.len(), &of, observer)
}

fn run(
    copier: Copier<'_>,
    count: usize,
    wanted: &(dyn Fn(usize) -> Wanted + Sync),
    observer: &dyn Observer,
) -> Result<Copied, Error> {
    match copier.run(count, wanted, observer) {
        Err(error) if copier.within && is_full(&error) => {
            // No index names the copies, and they take the space that a new index needs.
            copier.remove_copies();
            Err(error)
        }
        done => done,
    }?;
    let copied = copier.copied.into_inner();
    Ok(copied.unwrap_or_else(PoisonError::into_inner))
}

fn is_full(error: &Error) -> bool {
    error.kind == ErrorKind::Storage(StorageErrorKind::NoSpace)
}

impl Buffers {
    fn new() -> Buffers {
        Buffers {
            reader: BlobReader::new(),
            encoder: Encoder::new(3),
            range: Vec::new(),
            sealed: Vec::new(),
            content: Vec::new(),
            waiting: Waiting::default(),
        }
    }
}

impl<'a> Copier<'a> {
    /// Copies everything.
    fn run(
        &self,
        count: usize,
        wanted: &(dyn Fn(usize) -> Wanted + Sync),
        observer: &dyn Observer,
    ) -> Result<(), Error> {
        let from = &*self.repository.repository.storage;
        let threads = workers(from).max(workers(&*self.to.storage));
        in_parallel(count, threads, Buffers::new, |buffers, place| {
            let wanted = wanted(place);
            let file = FileName::new(FileKind::Pack, wanted.pack);
            for blobs in together(&wanted.blobs) {
                if let (Some(first), Some(last)) = (blobs.first(), blobs.last()) {
                    let start = u64::from(first.offset);
                    from.will_read(file, start, last.end().saturating_sub(start));
                }
            }
            let mut damaged = false;
            for blobs in together(&wanted.blobs) {
                damaged |= !self.copy(buffers, wanted.pack, blobs)?;
                observer.advance(blobs.iter().map(|blob| u64::from(blob.length)).sum());
            }
            self.settle(buffers, damaged)
        })?;
        for packer in &self.packers {
            let last = lock(packer).finish(&self.to.cipher)?;
            if let Some(pack) = last {
                self.write(pack)?;
            }
        }
        Ok(self.to.storage.sync()?)
    }

    /// Removes what was written until now. What cannot be removed is left for the next prune.
    fn remove_copies(&self) {
        for (pack, _) in lock(&self.copied).packs.drain(..) {
            if (self.confirm)().is_err() {
                return;
            }
            let _ = self.to.storage.remove(FileName::new(FileKind::Pack, pack));
        }
    }

    /// One that copies all that it can to another repository.
    fn new(repository: &'a Indexed, to: &'a Repository, confirm: Confirm<'a>) -> Copier<'a> {
        Copier {
            repository,
            to,
            within: false,
            confirm,
            packers: BlobKind::ALL.map(|_| Mutex::new(Packer::new(DEFAULT_TARGET))),
            copied: Mutex::default(),
            compress_data: true,
            on_damage: OnDamage::CopyTheRest,
        }
    }

    /// Copies blobs that lie side by side in a pack. False if one of them cannot be read.
    fn copy(&self, buffers: &mut Buffers, pack: Id, blobs: &[PackedBlob]) -> Result<bool, Error> {
        let (Some(first), Some(last)) = (blobs.first(), blobs.last()) else {
            return Ok(true);
        };
        let start = u64::from(first.offset);
        let length = last.end() - start;
        let mut range = std::mem::take(&mut buffers.range);
        range.clear();
        let is_read = self.read(pack, start, length, &mut range);
        let mut all = true;
        for blob in blobs {
            let at = (u64::from(blob.offset) - start) as usize;
            let sealed = is_read
                .then(|| range.get(at..at + blob.length as usize))
                .flatten();
            all &= self.copy_one(buffers, pack, blob, sealed)?;
        }
        buffers.range = range;
        Ok(all)
    }

    /// Adds the blobs of a pack that waited, unless it is damaged and stays.
    fn settle(&self, buffers: &mut Buffers, damaged: bool) -> Result<(), Error> {
        let Waiting { blobs, bytes } = &mut buffers.waiting;
        let mut rest = bytes.as_slice();
        for encoded in blobs.iter().filter(|_| !damaged) {
            let (content, others) = rest.split_at(encoded.length as usize);
            self.put(encoded, content)?;
            rest = others;
        }
        blobs.clear();
        bytes.clear();
        Ok(())
    }

    /// False when the range cannot be read as a whole: then each blob is read by itself.
    fn read(&self, pack: Id, start: u64, length: u64, range: &mut Vec<u8>) -> bool {
        let storage = &*self.repository.repository.storage;
        let file = FileName::new(FileKind::Pack, pack);
        // The length comes from an index. A pack that is shorter must not cost its memory.
        let is_large = length > 2 * READ_TOGETHER;
        if is_large && !storage.size(file).is_ok_and(|size| start + length <= size) {
            return false;
        }
        range.resize(length as usize, 0);
        storage.read_range(file, start, range).is_ok()
    }

    /// Verifies a blob and adds it to a new pack. False if it cannot be read. `sealed` is `None` when its bytes could not
    /// be read.
    fn copy_one(
        &self,
        buffers: &mut Buffers,
        pack: Id,
        blob: &PackedBlob,
        sealed: Option<&[u8]>,
    ) -> Result<bool, Error> {
        let cipher = &self.repository.repository.cipher;
        let must_compress =
            blob.raw_length == 0 && (blob.name.kind == BlobKind::Tree || self.compress_data);
        let mut damage = None;
        if let Some(bytes) = sealed {
            buffers.sealed.clear();
            buffers.sealed.extend_from_slice(bytes);
            let (sealed, content) = (&mut buffers.sealed, &mut buffers.content);
            match buffers.reader.decode(cipher, blob, sealed, content) {
                Ok(()) if must_compress || !self.within => {
                    self.encode(buffers, blob.name)?;
                    return Ok(true);
                }
                Ok(()) => {
                    let encoded = Encoded {
                        name: blob.name,
                        raw_length: blob.raw_length,
                        length: blob.length,
                    };
                    self.add(&mut buffers.waiting, &encoded, bytes)?;
                    return Ok(true);
                }
                Err(error) => damage = Some(error),
            }
        }
        // Another pack may have a copy that is good.
        let read = self
            .repository
            .read(&mut buffers.reader, blob.name, &mut buffers.content);
        match read {
            Ok(()) => self.encode(buffers, blob.name).map(|()| true),
            Err(error) if error.is_out_of_reach() => Err(error),
            Err(error) => {
                let blob = blob.name;
                let error = damage.unwrap_or(error);
                let unreadable = Unreadable { pack, blob, error };
                lock(&self.copied).unreadable.push(unreadable);
                Ok(false)
            }
        }
    }

    /// Compresses and encrypts the content that was read.
    fn encode(&self, buffers: &mut Buffers, name: BlobName) -> Result<(), Error> {
        let cipher = &self.to.cipher;
        buffers.sealed.clear();
        let (content, sealed) = (&buffers.content, &mut buffers.sealed);
        let encoded = buffers.encoder.encode(cipher, name, content, sealed)?;
        self.add(&mut buffers.waiting, &encoded, &buffers.sealed)
    }

    /// Puts a blob into a new pack, or lets it wait for the rest of its pack.
    fn add(&self, waiting: &mut Waiting, encoded: &Encoded, bytes: &[u8]) -> Result<(), Error> {
        match self.on_damage {
            OnDamage::CopyTheRest => self.put(encoded, bytes),
            OnDamage::LeaveThePack => {
                waiting.blobs.push(*encoded);
                waiting.bytes.extend_from_slice(bytes);
                Ok(())
            }
        }
    }

    fn put(&self, encoded: &Encoded, bytes: &[u8]) -> Result<(), Error> {
        let mut packer = lock(&self.packers[encoded.name.kind as usize]);
        packer.add(encoded, bytes);
        if !packer.is_full() {
            return Ok(());
        }
        let full = packer.finish(&self.to.cipher)?;
        drop(packer);
        if let Some(full) = full {
            let content = self.write(full)?;
            lock(&self.packers[encoded.name.kind as usize]).reuse(content);
        }
        Ok(())
    }

    /// Writes a pack. Returns its buffer, which can be used again.
    fn write(&self, pack: FullPack) -> Result<Vec<u8>, Error> {
        (self.confirm)()?;
        pack.write(&*self.to.storage)?;
        kill_point::reached(Point::PackCopied);
        lock(&self.copied).packs.push((pack.id, pack.blobs));
        Ok(pack.content)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Those of these copies that cannot be read, or are not what they must be.
pub fn unreadable_copies(repository: &Indexed, copies: &[BlobLocation]) -> Vec<BlobLocation> {
    let found = Mutex::new(Vec::new());
    let start = || (BlobReader::new(), Vec::new());
    let threads = workers(&*repository.repository.storage);
    // Nothing here ends the work early.
    let _ = in_parallel(copies.len(), threads, start, |state, at| {
        let (reader, content) = state;
        let BlobLocation { pack, blob } = &copies[at];
        let opened = &repository.repository;
        if reader
            .read(&*opened.storage, &opened.cipher, *pack, blob, content)
            .is_err()
        {
            lock(&found).push(copies[at]);
        }
        Ok(())
    });
    found.into_inner().unwrap_or_else(PoisonError::into_inner)
}
