//! Collects blobs until they fill a pack.

use super::blob::PackedBlob;
use super::blob_name::{BlobKind, BlobName};
use super::compression::Compressor;
use super::crypto::{Cipher, EXTENSION, IV_LENGTH};
use super::error::{Doing, Error, ErrorKind, What};
use super::pack;
use crate::storage::id::Id;
use crate::storage::{FileKind, FileName, Storage};

/// The size at which restic closes a pack.
pub const DEFAULT_TARGET: usize = 16 << 20;

/// restic makes no larger packs either. Together with [`LARGEST_BLOB`] it keeps every offset below 4 GiB.
const LARGEST_TARGET: usize = 128 << 20;

/// The tree of a directory with a million files has some hundred MiB.
const LARGEST_BLOB: usize = 2 << 30;

/// A chunk of the largest size, encrypted, and the pack's header take less.
const LARGEST_CHUNK: usize = 9 << 20;

/// The level of zstd for trees where data is not compressed.
const TREE_LEVEL: i32 = 3;

/// A blob that is compressed and encrypted, ready for a pack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Encoded {
    pub name: BlobName,
    /// Before compression; 0 when it is not compressed.
    pub raw_length: u32,
    /// As it takes place in a pack.
    pub length: u32,
}

/// Compresses and encrypts blobs: one for each thread.
pub struct Encoder {
    compressor: Compressor,
    /// For trees where data is not compressed.
    trees: Option<Compressor>,
}

impl Encoder {
    /// The levels are those of zstd; with 0, data is not compressed.
    pub fn new(level: i32) -> Encoder {
        Encoder {
            compressor: Compressor::new(level),
            trees: (level == 0).then(|| Compressor::new(TREE_LEVEL)),
        }
    }

    /// Appends the blob, compressed and encrypted, to `out`. As in restic, a tree is always compressed, even if that makes
    /// it longer: a prune copies packs with trees that are not.
    ///
    /// # Errors
    /// `TooLarge` above 2 GiB; `NoRandom`.
    pub fn encode(
        &mut self,
        cipher: &Cipher,
        name: BlobName,
        raw: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<Encoded, Error> {
        if raw.len() > LARGEST_BLOB {
            let what = What::Blob(name);
            return Err(Error::new(ErrorKind::TooLarge, Doing::Write, what));
        }
        let start = out.len();
        out.resize(start + IV_LENGTH, 0);
        let compressed = match (name.kind, &mut self.trees) {
            (BlobKind::Data, _) => self.compressor.compress(raw, out),
            (BlobKind::Tree, Some(trees)) => trees.compress_always(raw, out),
            (BlobKind::Tree, None) => self.compressor.compress_always(raw, out),
        };
        if !compressed {
            out.reserve(raw.len() + EXTENSION);
            out.extend_from_slice(raw);
        }
        cipher.seal(out, start)?;
        Ok(Encoded {
            name,
            raw_length: if compressed { raw.len() as u32 } else { 0 },
            length: (out.len() - start) as u32,
        })
    }
}

/// A pack that is being filled. Trees and data go to different packs.
pub struct Packer {
    target: usize,
    content: Vec<u8>,
    blobs: Vec<PackedBlob>,
}

/// A pack that is complete, and not yet written.
#[derive(Debug)]
pub struct FullPack {
    pub id: Id,
    pub content: Vec<u8>,
    pub blobs: Vec<PackedBlob>,
}

impl Packer {
    /// A packer that closes a pack when it has `target` bytes or more.
    pub fn new(target: usize) -> Packer {
        Packer {
            target: target.min(LARGEST_TARGET),
            content: Vec::new(),
            blobs: Vec::new(),
        }
    }

    /// Uses the buffer of a pack that was written for the next one.
    pub fn reuse(&mut self, mut content: Vec<u8>) {
        if self.content.is_empty() {
            content.clear();
            self.content = content;
        }
    }

    /// True if no blob waits to be written.
    pub fn is_empty(&self) -> bool {
        self.blobs.is_empty()
    }

    /// Whether the pack is to be finished before another blob is added.
    pub fn is_full(&self) -> bool {
        self.content.len() >= self.target || self.blobs.len() >= pack::MOST_BLOBS
    }

    /// Adds an encoded blob.
    pub fn add(&mut self, blob: &Encoded, bytes: &[u8]) {
        // Room for a last blob that is a chunk of the largest size, so that the buffer does not grow by copying. What is
        // not used is not touched.
        if self.content.capacity() == 0 {
            self.content.reserve(self.target + LARGEST_CHUNK);
        }
        self.blobs.push(PackedBlob {
            name: blob.name,
            // Below `LARGEST_TARGET`.
            offset: self.content.len() as u32,
            length: blob.length,
            raw_length: blob.raw_length,
        });
        self.content.extend_from_slice(bytes);
    }

    /// Appends the header and hands the pack out; the packer is empty again. `None` when there was nothing in it.
    ///
    /// # Errors
    /// When the system gives no random numbers.
    pub fn finish(&mut self, cipher: &Cipher) -> Result<Option<FullPack>, Error> {
        if self.blobs.is_empty() {
            return Ok(None);
        }
        pack::append_header(cipher, &self.blobs, &mut self.content)?;
        Ok(Some(FullPack {
            id: Id::of(&self.content),
            content: std::mem::take(&mut self.content),
            blobs: std::mem::take(&mut self.blobs),
        }))
    }
}

impl FullPack {
    /// Writes the pack. Durable after the storage's next sync; before, no index may name it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, storage: &dyn Storage) -> Result<(), Error> {
        let is_data = |blob: &PackedBlob| blob.name.kind == BlobKind::Data;
        match self.blobs.iter().all(is_data) {
            true => storage.write_data(self.id, &self.content)?,
            false => storage.write(FileName::new(FileKind::Pack, self.id), &self.content)?,
        };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repository::blob::BlobReader;
    use crate::repository::crypto::SecretKeys;
    use crate::repository::error::{Damage, ErrorKind};
    use crate::storage::memory::Memory;

    #[test]
    fn blobs_are_packed_written_and_read_back() {
        let cipher = Cipher::new(&SecretKeys::random().unwrap());
        let memory = Memory::new();
        let mut encoder = Encoder::new(3);
        let mut packer = Packer::new(10_000);
        let mut random = vec![0; 3000];
        crate::repository::crypto::fill_random(&mut random).unwrap();
        let contents = [Vec::new(), b"text ".repeat(100), random, vec![1]];
        assert!(packer.finish(&cipher).unwrap().is_none());
        let mut packs = Vec::new();
        for round in 0..4_u8 {
            for content in &contents {
                let mut content = content.clone();
                content.push(round);
                let name = BlobName {
                    kind: BlobKind::Data,
                    id: Id::of(&content),
                };
                let mut bytes = Vec::new();
                let encoded = encoder.encode(&cipher, name, &content, &mut bytes).unwrap();
                packer.add(&encoded, &bytes);
                if packer.is_full() {
                    packs.extend(packer.finish(&cipher).unwrap());
                }
            }
        }
        packs.extend(packer.finish(&cipher).unwrap());
        assert_eq!(packs.len(), 2);
        let mut reader = BlobReader::new();
        let mut content = Vec::new();
        for pack in &packs {
            assert_eq!(pack.id, Id::of(&pack.content));
            pack.write(&memory).unwrap();
            assert_eq!(pack::header_of(&cipher, &pack.content).unwrap(), pack.blobs);
            for blob in &pack.blobs {
                reader
                    .read(&memory, &cipher, pack.id, blob, &mut content)
                    .unwrap();
                assert_eq!(Id::of(&content), blob.name.id);
                assert_eq!(content.len() as u64, blob.content_length());
                // The index may be wrong, too.
                let other = PackedBlob {
                    name: BlobName {
                        id: Id::of(b"other"),
                        ..blob.name
                    },
                    ..*blob
                };
                let error = reader
                    .read(&memory, &cipher, pack.id, &other, &mut content)
                    .unwrap_err();
                assert_eq!(error.kind, ErrorKind::Damaged(Damage::Hash));
                let long = PackedBlob {
                    length: u32::MAX,
                    ..*blob
                };
                assert!(
                    reader
                        .read(&memory, &cipher, pack.id, &long, &mut content)
                        .is_err()
                );
                let bomb = PackedBlob {
                    raw_length: u32::MAX,
                    ..*blob
                };
                let error = reader
                    .read(&memory, &cipher, pack.id, &bomb, &mut content)
                    .unwrap_err();
                assert_eq!(error.kind, ErrorKind::TooLarge);
            }
        }
    }
}
