//! All index files of a repository into one index.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use super::{Index, IndexBuilder, file};
use crate::repository::blob::PackedBlob;
use crate::repository::crypto::Cipher;
use crate::repository::error::{Damage, Error, ErrorKind};
use crate::repository::unpacked;
use crate::storage::id::Id;
use crate::storage::{FileKind, FileName, Listed, Storage};

/// The index, and the index files that could not be read: their blobs are missing from it.
pub struct Loaded {
    pub index: Index,
    /// The index files that were read.
    pub files: Vec<Id>,
    pub problems: Vec<Error>,
}

/// Index files that are read one after the other, or several at a time.
#[derive(Default)]
pub struct Reading {
    builder: IndexBuilder,
    files: Vec<Id>,
    problems: Vec<Error>,
}

/// One index file, decoded.
struct Decoded {
    packs: Vec<(Id, usize)>,
    /// Those of the first pack, of the second, and so on.
    blobs: Vec<PackedBlob>,
}

/// Reads all index files, several at a time.
///
/// # Errors
/// When they cannot be listed, and when one of them is out of reach. A file that cannot be read otherwise is a problem of
/// the result.
pub fn load(storage: &dyn Storage, cipher: &Cipher) -> Result<Loaded, Error> {
    load_files(storage, cipher, &storage.list(FileKind::Index)?.files)
}

/// Reads these index files, several at a time.
///
/// # Errors
/// As [`load`].
pub fn load_files(
    storage: &dyn Storage,
    cipher: &Cipher,
    files: &[Listed],
) -> Result<Loaded, Error> {
    let mut reading = Reading::default();
    reading.read(storage, cipher, files);
    reading.finish()
}

impl Reading {
    /// Reads these index files, several at a time.
    pub fn read(&mut self, storage: &dyn Storage, cipher: &Cipher, files: &[Listed]) {
        let next = AtomicUsize::new(0);
        let state = Mutex::new(self);
        let work = || {
            loop {
                let Some(listed) = files.get(next.fetch_add(1, Ordering::Relaxed)) else {
                    return;
                };
                let name = FileName::new(FileKind::Index, listed.id);
                let decoded = decode(storage, cipher, listed);
                let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
                match decoded.and_then(|decoded| add(&mut state.builder, name, &decoded)) {
                    Ok(()) => state.files.push(listed.id),
                    Err(problem) => state.problems.push(problem),
                }
            }
        };
        let threads = storage.traits().parallel.clamp(1, files.len().max(1));
        std::thread::scope(|scope| {
            for _ in 1..threads {
                // Without it, the others do more.
                let _ = std::thread::Builder::new().spawn_scoped(scope, work);
            }
            work();
        });
    }

    /// Whether all files could be read.
    pub fn is_whole(&self) -> bool {
        self.problems.is_empty()
    }

    /// The index of what was read.
    ///
    /// # Errors
    /// When one of the files is out of reach.
    pub fn finish(mut self) -> Result<Loaded, Error> {
        if let Some(at) = self.problems.iter().position(Error::is_out_of_reach) {
            return Err(self.problems.swap_remove(at));
        }
        Ok(Loaded {
            index: self.builder.finish(),
            files: self.files,
            problems: self.problems,
        })
    }
}

fn decode(storage: &dyn Storage, cipher: &Cipher, listed: &Listed) -> Result<Decoded, Error> {
    let name = FileName::new(FileKind::Index, listed.id);
    let document = unpacked::read_listed(storage, cipher, FileKind::Index, listed)?;
    let mut decoded = Decoded {
        packs: Vec::new(),
        blobs: Vec::new(),
    };
    file::parse(&document, |pack, blobs| {
        decoded.packs.push((pack, blobs.len()));
        decoded.blobs.extend_from_slice(blobs);
    })
    .map_err(|cause| Error::file(Damage::Json, name).with(cause))?;
    Ok(decoded)
}

fn add(builder: &mut IndexBuilder, name: FileName, decoded: &Decoded) -> Result<(), Error> {
    let mut rest = decoded.blobs.as_slice();
    for (pack, count) in &decoded.packs {
        let (blobs, after) = rest.split_at(*count);
        rest = after;
        builder.add(*pack, blobs).map_err(|cause| {
            Error {
                kind: ErrorKind::TooLarge,
                ..Error::file(Damage::Value, name)
            }
            .with(cause)
        })?;
    }
    Ok(())
}
