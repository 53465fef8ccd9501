//! Blobs in packs: pieces of files and trees. Many blobs share a pack.

use super::blob_name::{BlobKind, BlobName};
use super::compression::{Decompressor, limit};
use super::crypto::{Cipher, EXTENSION};
use super::error::{Damage, Error, ErrorKind};
use crate::storage::id::Id;
use crate::storage::{FileKind, FileName, Storage};

/// A blob in a pack, as the pack's header and the index have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PackedBlob {
    pub name: BlobName,
    /// Where it begins in the pack.
    pub offset: u32,
    /// How many bytes it takes there, encrypted.
    pub length: u32,
    /// Its length before compression; 0 when it is not compressed.
    pub raw_length: u32,
}

impl PackedBlob {
    /// The length of the blob's content.
    pub fn content_length(&self) -> u64 {
        match self.raw_length {
            0 => u64::from(self.length).saturating_sub(EXTENSION as u64),
            raw => u64::from(raw),
        }
    }

    /// Where it ends in the pack.
    pub fn end(&self) -> u64 {
        u64::from(self.offset) + u64::from(self.length)
    }
}

/// Decrypts and decompresses blobs; keeps its buffers.
pub struct BlobReader {
    decompressor: Decompressor,
    sealed: Vec<u8>,
}

impl BlobReader {
    /// A reader with empty buffers. They grow to the size of the largest blob that it reads.
    pub fn new() -> BlobReader {
        BlobReader {
            decompressor: Decompressor::new(),
            sealed: Vec::new(),
        }
    }

    /// Reads one blob from its pack into `content`, which is cleared first. The content is compared with the id.
    ///
    /// # Errors
    /// When it cannot be read, or is not what it must be.
    pub fn read(
        &mut self,
        storage: &dyn Storage,
        cipher: &Cipher,
        pack: Id,
        blob: &PackedBlob,
        content: &mut Vec<u8>,
    ) -> Result<(), Error> {
        let file = FileName::new(FileKind::Pack, pack);
        // The length comes from an index. A pack that is shorter must not cost its memory.
        if u64::from(blob.length) > 1 << 20 && storage.size(file)? < blob.end() {
            return Err(Error::blob(Damage::TooShort, blob.name));
        }
        let mut sealed = std::mem::take(&mut self.sealed);
        sealed.resize(blob.length as usize, 0);
        let offset = u64::from(blob.offset);
        let read = match blob.name.kind {
            BlobKind::Tree => storage.read_trees(pack, offset, &mut sealed),
            BlobKind::Data => storage.read_range(file, offset, &mut sealed),
        };
        let read = read
            .map_err(Error::from)
            .and_then(|()| self.decode(cipher, blob, &mut sealed, content));
        self.sealed = sealed;
        read
    }

    /// Decrypts a blob that was read already; `sealed` is overwritten.
    ///
    /// # Errors
    /// When it is not what it must be.
    pub fn decode(
        &mut self,
        cipher: &Cipher,
        blob: &PackedBlob,
        sealed: &mut [u8],
        content: &mut Vec<u8>,
    ) -> Result<(), Error> {
        content.clear();
        let plain = cipher
            .open(sealed)
            .map_err(|damage| Error::blob(damage, blob.name))?;
        match blob.raw_length {
            0 => content.extend_from_slice(plain),
            raw if raw as usize > limit(plain.len()) => {
                return Err(Error {
                    kind: ErrorKind::TooLarge,
                    ..Error::blob(Damage::Compression, blob.name)
                });
            }
            raw => self
                .decompressor
                .decompress(plain, raw as usize, content)
                .map_err(|damage| Error::blob(damage, blob.name))?,
        }
        if Id::of(content) != blob.name.id {
            return Err(Error::blob(Damage::Hash, blob.name));
        }
        Ok(())
    }
}

impl Default for BlobReader {
    fn default() -> BlobReader {
        BlobReader::new()
    }
}
