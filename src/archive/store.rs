//! Brings blobs into a repository: each new one once, in packs, with an index of them.
//!
//! Any number of workers save blobs at the same time. A worker compresses and encrypts a blob itself and adds it to the
//! open pack of its kind. Full packs go to the writers, which are threads of their own, because they wait for the disk.
//! While all writers are busy the workers wait: each writer has one pack in memory, and each kind has one. Every pack is
//! durable before an index names it.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::adopt::Adopted;
use crate::kill_point::{self, Point};
use crate::repository::blob::PackedBlob;
use crate::repository::blob_name::{BlobKind, BlobName};
use crate::repository::error::Error;
use crate::repository::index::Index;
use crate::repository::index::file::IndexWriter;
use crate::repository::open::Repository;
use crate::repository::packer::{DEFAULT_TARGET, Encoder, Packer};
use crate::storage::id::Id;

/// The new blobs are in so many sets, chosen by the id, that workers seldom meet.
const SETS: usize = 64;

/// A worker keeps so much memory for the next blob. Few chunks are longer.
const KEPT: usize = 4 << 20;

/// The work cannot go on: another thread failed, and [`Store::finish`] says why.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stopped;

/// What was added to the repository.
#[derive(Debug, Default)]
pub(super) struct Added {
    pub data_blobs: u64,
    pub tree_blobs: u64,
    /// In bytes, before compression.
    pub raw: u64,
    /// In bytes, as stored, without the headers of packs.
    pub stored: u64,
    /// The packs of trees.
    pub trees: Vec<(Id, Vec<PackedBlob>)>,
}

pub(super) struct Store<'a> {
    repository: &'a Repository,
    index: &'a Index,
    /// Packs of the index that are missing or damaged: what they hold is stored again.
    distrusted: Mutex<HashSet<Id>>,
    any_distrusted: AtomicBool,
    fresh: [[Mutex<HashSet<Id>>; SETS]; 2],
    /// By [`BlobKind`].
    open: [Mutex<Packer>; 2],
    /// Buffers of packs that were written.
    spare: Mutex<Vec<Vec<u8>>>,
    writers: Mutex<Option<SyncSender<Packer>>>,
    written: Mutex<IndexWriter>,
    /// The packs of trees that were written.
    trees: Mutex<Vec<(Id, Vec<PackedBlob>)>>,
    confirm: &'a (dyn Fn() -> Result<(), Error> + Sync),
    failure: Mutex<Option<Error>>,
    stopped: AtomicBool,
    counts: [AtomicU64; 4],
}

/// What each worker needs to save blobs.
pub(super) struct Saver {
    encoder: Encoder,
    bytes: Vec<u8>,
}

impl Saver {
    /// The level is that of zstd; 0 means no compression.
    pub fn new(level: i32) -> Saver {
        Saver {
            encoder: Encoder::new(level),
            bytes: Vec::new(),
        }
    }
}

impl<'a> Store<'a> {
    /// A store, and what its writers take packs from. `confirm` is asked before an index is written. The adopted packs
    /// are durable, and no index names them yet.
    pub fn new(
        repository: &'a Repository,
        index: &'a Index,
        distrusted: HashSet<Id>,
        adopted: &[Adopted],
        confirm: &'a (dyn Fn() -> Result<(), Error> + Sync),
    ) -> (Store<'a>, Mutex<Receiver<Packer>>) {
        let (sender, receiver) = sync_channel(0);
        let mut written = IndexWriter::new();
        for (pack, blobs) in adopted {
            written.add(*pack, blobs);
        }
        let store = Store {
            repository,
            index,
            any_distrusted: AtomicBool::new(!distrusted.is_empty()),
            distrusted: Mutex::new(distrusted),
            fresh: std::array::from_fn(|_| std::array::from_fn(|_| Mutex::default())),
            open: std::array::from_fn(|_| Mutex::new(Packer::new(DEFAULT_TARGET))),
            spare: Mutex::default(),
            writers: Mutex::new(Some(sender)),
            written: Mutex::new(written),
            trees: Mutex::default(),
            confirm,
            failure: Mutex::new(None),
            stopped: AtomicBool::new(false),
            counts: Default::default(),
        };
        (store, Mutex::new(receiver))
    }

    /// Writes packs until there are no more. This is what a writer's thread does.
    pub fn write_packs(&self, packs: &Mutex<Receiver<Packer>>) {
        loop {
            let next = lock(packs).recv();
            let Ok(pack) = next else {
                return;
            };
            // After a failure the packs are taken and dropped, so that nobody waits for ever.
            if !self.is_stopped()
                && let Err(error) = self.write_pack(pack)
            {
                self.fail(error);
            }
        }
    }

    fn write_pack(&self, mut packer: Packer) -> Result<(), Error> {
        let storage = &*self.repository.storage;
        let Some(pack) = packer.finish(&self.repository.cipher)? else {
            return Ok(());
        };
        pack.write(storage)?;
        storage.sync()?;
        kill_point::reached(Point::PackWritten);
        let mut written = lock(&self.written);
        written.add(pack.id, &pack.blobs);
        let kind = pack.blobs.first().map(|blob| blob.name.kind);
        if kind == Some(BlobKind::Tree) {
            lock(&self.trees).push((pack.id, pack.blobs));
        }
        lock(&self.spare).push(pack.content);
        // What a backup has stored so far is of use to the next one, if this one is interrupted.
        match written.is_full() {
            true => self.write_index(&mut written),
            false => Ok(()),
        }
    }

    fn write_index(&self, written: &mut IndexWriter) -> Result<(), Error> {
        (self.confirm)()?;
        let file = written.write(&*self.repository.storage, &self.repository.cipher)?;
        if file.is_some() {
            kill_point::reached(Point::IndexWritten);
        }
        Ok(())
    }

    /// Whether the repository has the blob, in a pack that can be relied on, or will have it.
    pub fn has(&self, name: BlobName) -> bool {
        let in_index = match self.any_distrusted.load(Ordering::Relaxed) {
            false => self.index.contains(name),
            true => {
                let distrusted = lock(&self.distrusted);
                self.index
                    .lookup(name)
                    .any(|location| !distrusted.contains(&location.pack))
            }
        };
        in_index || lock(self.fresh_set(name)).contains(&name.id)
    }

    /// Does not rely on a pack any more: a blob in it could not be read.
    pub fn distrust(&self, pack: Id) {
        lock(&self.distrusted).insert(pack);
        self.any_distrusted.store(true, Ordering::Relaxed);
    }

    /// Saves a blob, if the repository does not have it. Returns its id, and how many bytes that took.
    ///
    /// # Errors
    /// When the work has ended because of a failure.
    pub fn save(
        &self,
        saver: &mut Saver,
        kind: BlobKind,
        raw: &[u8],
    ) -> Result<(Id, u64), Stopped> {
        let name = BlobName {
            kind,
            id: Id::of(raw),
        };
        if self.has(name) || !lock(self.fresh_set(name)).insert(name.id) {
            return Ok((name.id, 0));
        }
        let cipher = &self.repository.cipher;
        saver.bytes.clear();
        let encoded = saver
            .encoder
            .encode(cipher, name, raw, &mut saver.bytes)
            .map_err(|error| self.fail(error))?;
        let mut open = lock(&self.open[kind as usize]);
        if self.is_stopped() {
            return Err(Stopped);
        }
        open.add(&encoded, &saver.bytes);
        if saver.bytes.capacity() > KEPT {
            saver.bytes = Vec::new();
        }
        if open.is_full() {
            let full = std::mem::replace(&mut *open, Packer::new(DEFAULT_TARGET));
            // The others wait, too, so that no more packs come to be than can be written.
            self.hand_over(full)?;
            // The writer that took the pack has given back the buffer of its last one.
            if let Some(buffer) = lock(&self.spare).pop() {
                open.reuse(buffer);
            }
        }
        drop(open);
        let blobs = match kind {
            BlobKind::Data => 0,
            BlobKind::Tree => 1,
        };
        let stored = u64::from(encoded.length);
        for (count, more) in [(blobs, 1), (2, raw.len() as u64), (3, stored)] {
            self.counts[count].fetch_add(more, Ordering::Relaxed);
        }
        Ok((name.id, stored))
    }

    fn fresh_set(&self, name: BlobName) -> &Mutex<HashSet<Id>> {
        &self.fresh[name.kind as usize][usize::from(name.id.0[0]) % SETS]
    }

    /// There are no writers: the workers write their packs themselves.
    pub fn write_at_once(&self) {
        lock(&self.writers).take();
    }

    /// Waits until a writer takes the pack.
    fn hand_over(&self, pack: Packer) -> Result<(), Stopped> {
        let writers = lock(&self.writers).clone();
        match writers {
            None => self.write_pack(pack).map_err(|error| self.fail(error)),
            Some(writers) => writers.send(pack).map_err(|_| Stopped),
        }
    }

    /// Ends the work of all threads. The first failure counts.
    pub fn fail(&self, error: Error) -> Stopped {
        lock(&self.failure).get_or_insert(error);
        self.stopped.store(true, Ordering::SeqCst);
        Stopped
    }

    /// Whether a thread failed.
    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::SeqCst)
    }

    /// Hands the last packs over. Afterwards the writers end.
    pub fn flush(&self) {
        for open in &self.open {
            let pack = std::mem::replace(&mut *lock(open), Packer::new(DEFAULT_TARGET));
            if self.hand_over(pack).is_err() {
                break;
            }
        }
        lock(&self.writers).take();
    }

    /// Writes what is left of the index, after the writers have ended. Everything that was saved is durable then.
    ///
    /// # Errors
    /// The first failure of any thread.
    pub fn finish(&self) -> Result<Added, Error> {
        if let Some(error) = lock(&self.failure).take() {
            return Err(error);
        }
        self.write_index(&mut lock(&self.written))?;
        self.repository.storage.sync()?;
        let [data_blobs, tree_blobs, raw, stored] =
            [0, 1, 2, 3].map(|count: usize| self.counts[count].load(Ordering::Relaxed));
        Ok(Added {
            data_blobs,
            tree_blobs,
            raw,
            stored,
            trees: std::mem::take(&mut *lock(&self.trees)),
        })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
