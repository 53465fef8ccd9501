//! What one thread of a restore keeps between two files: buffers, and the piece that it read last.

use crate::repository::blob::{BlobReader, PackedBlob};
use crate::repository::blob_name::{BlobKind, BlobName};
use crate::repository::error::Error;
use crate::repository::indexed::Indexed;
use crate::storage::id::Id;
use crate::storage::{FileKind, FileName};

/// The buffers of one thread.
pub struct Hands {
    reader: BlobReader,
    /// The piece that was read last.
    content: Vec<u8>,
    /// Which piece that is; `None` when it could not be read.
    held: Option<Id>,
    /// A part of a pack.
    range: Vec<u8>,
    /// For whatever is read from the target.
    pub scratch: Vec<u8>,
}

impl Hands {
    /// With empty buffers, which grow to the largest piece.
    pub fn new() -> Hands {
        Hands {
            reader: BlobReader::new(),
            content: Vec::new(),
            held: None,
            range: Vec::new(),
            scratch: Vec::new(),
        }
    }

    /// Reads a piece of a file, from any pack that has it whole. The piece that was read last is not read again: a file
    /// of zeros has one piece many times.
    ///
    /// # Errors
    /// As [`Indexed::read`].
    pub fn piece(&mut self, repository: &Indexed, id: Id) -> Result<&[u8], Error> {
        if self.held != Some(id) {
            self.held = None;
            repository.read(&mut self.reader, piece_name(id), &mut self.content)?;
            self.held = Some(id);
        }
        Ok(&self.content)
    }

    /// Reads a part of a pack at once. Where that fails, or the part is empty, [`Hands::piece_of_range`] reads each piece
    /// by itself.
    pub fn read_range(&mut self, repository: &Indexed, pack: Id, offset: u64, length: usize) {
        self.range.resize(length, 0);
        if length == 0 {
            return;
        }
        let file = FileName::new(FileKind::Pack, pack);
        let storage = &*repository.repository.storage;
        if storage.read_range(file, offset, &mut self.range).is_err() {
            self.range.clear();
        }
    }

    /// As [`Hands::piece`], for a piece that lies at `start` of the part that was read.
    ///
    /// # Errors
    /// As there.
    pub fn piece_of_range(
        &mut self,
        repository: &Indexed,
        blob: &PackedBlob,
        start: usize,
    ) -> Result<&[u8], Error> {
        let id = blob.name.id;
        if self.held != Some(id) {
            self.held = None;
            let end = start.saturating_add(blob.length as usize);
            if let Some(sealed) = self.range.get_mut(start..end) {
                let cipher = &repository.repository.cipher;
                let decoded = self.reader.decode(cipher, blob, sealed, &mut self.content);
                if decoded.is_ok() {
                    self.held = Some(id);
                }
            }
        }
        self.piece(repository, id)
    }
}

/// The name of a piece of a file.
pub fn piece_name(id: Id) -> BlobName {
    BlobName {
        kind: BlobKind::Data,
        id,
    }
}

/// The length of a piece, as the index has it. `None`: no index names it.
pub fn piece_length(repository: &Indexed, id: Id) -> Option<u64> {
    let location = repository.index.lookup(piece_name(id)).next()?;
    Some(location.blob.content_length())
}
