//! Reads packs whole: the content has the hash that is the pack's name, the header describes what the index says, and
//! each blob is what its name says.

use sha2::{Digest, Sha256};

use crate::repository::blob::{BlobReader, PackedBlob};
use crate::repository::crypto::Cipher;
use crate::repository::error::{Damage, Error};
use crate::repository::pack;
use crate::repository::ranges::{READ_TOGETHER, together};
use crate::storage::id::Id;
use crate::storage::{FileKind, FileName, Storage};

use super::report::{HeaderFault, PackFault};

/// The most blobs that are named for one pack.
const MOST_BLOBS: usize = 100;

/// Reads packs with the buffers of one thread.
pub struct PackReader<'a> {
    storage: &'a dyn Storage,
    cipher: &'a Cipher,
    reader: BlobReader,
    range: Vec<u8>,
    content: Vec<u8>,
}

/// What is to be read.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    pub pack: Id,
    /// In bytes, as the storage lists it.
    pub size: u64,
    /// As the index has them, in the order in which they lie in the pack.
    pub blobs: &'a [PackedBlob],
}

impl<'a> PackReader<'a> {
    /// A reader whose buffers grow to the largest blob, and to 4 MiB at least.
    pub fn new(storage: &'a dyn Storage, cipher: &'a Cipher) -> PackReader<'a> {
        PackReader {
            storage,
            cipher,
            reader: BlobReader::new(),
            range: Vec::new(),
            content: Vec::new(),
        }
    }

    /// Reads a pack and notes in `fault` what is wrong with it. Calls `bad` for every blob of the index that this pack
    /// does not have as it must be.
    ///
    /// # Errors
    /// When the pack is out of reach: then nothing is known of it.
    pub fn read(
        &mut self,
        subject: Subject<'_>,
        fault: &mut PackFault,
        bad: &mut dyn FnMut(&PackedBlob),
    ) -> Result<(), Error> {
        let Subject { pack, size, blobs } = subject;
        fault.header = match pack::read_header(self.storage, self.cipher, pack, size) {
            Ok(header) if header == blobs => None,
            Ok(_) => Some(HeaderFault::Differs),
            Err(error) => Some(HeaderFault::Unreadable(reached(error)?)),
        };
        let mut note = |fault: &mut PackFault, blob: &PackedBlob, error| {
            fault.bad_blobs += 1;
            if fault.blobs.len() < MOST_BLOBS {
                fault.blobs.push((blob.name, error));
            }
            bad(blob);
        };
        let mut hash = Sha256::new();
        let mut hashed = 0;
        for group in together(blobs) {
            let (Some(first), Some(last)) = (group.first(), group.last()) else {
                continue;
            };
            let (start, end) = (u64::from(first.offset), last.end());
            if start < hashed || end > size {
                // Damage in the index, or a pack that was cut off.
                for blob in group {
                    if let Err(error) = self.read_one(pack, size, blob) {
                        note(fault, blob, reached(error)?);
                    }
                }
                continue;
            }
            let read = self
                .hash(pack, hashed, start, &mut hash)
                .and_then(|()| self.fill(pack, start, end));
            hashed = end;
            match read {
                Ok(()) => {
                    hash.update(&self.range);
                    for blob in group {
                        let at = (u64::from(blob.offset) - start) as usize;
                        let Some(sealed) = self.range.get_mut(at..at + blob.length as usize) else {
                            continue;
                        };
                        let content = &mut self.content;
                        if let Err(error) = self.reader.decode(self.cipher, blob, sealed, content) {
                            note(fault, blob, error);
                        }
                    }
                }
                Err(error) => {
                    fault.unreadable.get_or_insert(reached(error)?);
                    for blob in group {
                        if let Err(error) = self.read_one(pack, size, blob) {
                            note(fault, blob, reached(error)?);
                        }
                    }
                }
            }
        }
        if let Err(error) = self.hash(pack, hashed, size, &mut hash) {
            fault.unreadable.get_or_insert(reached(error)?);
        }
        let id: [u8; 32] = hash.finalize().into();
        fault.content = fault.unreadable.is_none() && id != pack.0;
        Ok(())
    }

    /// Reads a part of the pack into the buffer.
    fn fill(&mut self, pack: Id, start: u64, end: u64) -> Result<(), Error> {
        let file = FileName::new(FileKind::Pack, pack);
        self.range.resize((end - start) as usize, 0);
        self.storage.read_range(file, start, &mut self.range)?;
        Ok(())
    }

    /// Hashes a part in which no blob lies: the header, for example.
    fn hash(&mut self, pack: Id, start: u64, end: u64, hash: &mut Sha256) -> Result<(), Error> {
        let mut at = start;
        while at < end {
            let next = end.min(at + READ_TOGETHER);
            self.fill(pack, at, next)?;
            hash.update(&self.range);
            at = next;
        }
        Ok(())
    }

    fn read_one(&mut self, pack: Id, size: u64, blob: &PackedBlob) -> Result<(), Error> {
        if blob.end() > size {
            return Err(Error::blob(Damage::TooShort, blob.name));
        }
        let content = &mut self.content;
        self.reader
            .read(self.storage, self.cipher, pack, blob, content)
    }
}

/// The error, if it says something about the file.
fn reached(error: Error) -> Result<Error, Error> {
    match error.is_out_of_reach() {
        true => Err(error),
        false => Ok(error),
    }
}
