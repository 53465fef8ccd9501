//! Index files: their JSON document, read as it comes and written as it grows.

use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::repository::blob::PackedBlob;
use crate::repository::blob_name::{BlobKind, BlobName};
use crate::repository::crypto::Cipher;
use crate::repository::error::Error;
use crate::repository::unpacked;
use crate::storage::id::Id;
use crate::storage::{FileKind, Storage};

/// At so many blobs restic closes an index file: below 8 MiB.
const MOST_BLOBS: usize = 50_000;

/// Reads an index document and calls `each` for every pack in it. Returns the index files that this one replaces: old
/// versions of restic wrote such a list, new ones delete the files and do not read it.
///
/// # Errors
/// When it is not an index document.
pub fn parse(
    document: &[u8],
    mut each: impl FnMut(Id, &[PackedBlob]),
) -> Result<Vec<Id>, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(document);
    let seed = IndexSeed {
        each: &mut each,
        blobs: Vec::new(),
    };
    let supersedes = seed.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(supersedes)
}

struct IndexSeed<'a, F> {
    each: &'a mut F,
    blobs: Vec<PackedBlob>,
}

impl<'de, F: FnMut(Id, &[PackedBlob])> DeserializeSeed<'de> for IndexSeed<'_, F> {
    type Value = Vec<Id>;

    fn deserialize<D: serde::Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> Result<Vec<Id>, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, F: FnMut(Id, &[PackedBlob])> Visitor<'de> for IndexSeed<'_, F> {
    type Value = Vec<Id>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an index")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Vec<Id>, A::Error> {
        let mut supersedes = Vec::new();
        let mut seen = false;
        while let Some(name) = map.next_key::<String>()? {
            match name.as_str() {
                "packs" => {
                    seen = true;
                    map.next_value_seed(PacksSeed(&mut self))?;
                }
                "supersedes" => {
                    supersedes = map.next_value::<Option<Vec<Id>>>()?.unwrap_or_default();
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        match seen {
            true => Ok(supersedes),
            false => Err(A::Error::missing_field("packs")),
        }
    }
}

struct PacksSeed<'a, 'b, F>(&'a mut IndexSeed<'b, F>);

impl<'de, F: FnMut(Id, &[PackedBlob])> DeserializeSeed<'de> for PacksSeed<'_, '_, F> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, F: FnMut(Id, &[PackedBlob])> Visitor<'de> for PacksSeed<'_, '_, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of packs")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut packs: A) -> Result<(), A::Error> {
        while packs.next_element_seed(PackSeed(self.0))?.is_some() {}
        Ok(())
    }
}

struct PackSeed<'a, 'b, F>(&'a mut IndexSeed<'b, F>);

impl<'de, F: FnMut(Id, &[PackedBlob])> DeserializeSeed<'de> for PackSeed<'_, '_, F> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, F: FnMut(Id, &[PackedBlob])> Visitor<'de> for PackSeed<'_, '_, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a pack")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut pack = None;
        self.0.blobs.clear();
        while let Some(name) = map.next_key::<PackField>()? {
            match name {
                PackField::Id => pack = Some(map.next_value()?),
                PackField::Blobs => map.next_value_seed(BlobsSeed(&mut self.0.blobs))?,
                PackField::Other => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        let pack = pack.ok_or_else(|| A::Error::missing_field("id"))?;
        (self.0.each)(pack, &self.0.blobs);
        Ok(())
    }
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "lowercase")]
enum PackField {
    Id,
    Blobs,
    #[serde(other)]
    Other,
}

/// Reads a list of blobs into a vector that is used again.
struct BlobsSeed<'a>(&'a mut Vec<PackedBlob>);

impl<'de> DeserializeSeed<'de> for BlobsSeed<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for BlobsSeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of blobs")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut blobs: A) -> Result<(), A::Error> {
        while let Some(blob) = blobs.next_element::<BlobEntry>()? {
            self.0.push(PackedBlob {
                name: BlobName {
                    kind: match blob.kind {
                        KindWord::Data => BlobKind::Data,
                        KindWord::Tree => BlobKind::Tree,
                    },
                    id: blob.id,
                },
                offset: blob.offset,
                length: blob.length,
                raw_length: blob.uncompressed_length,
            });
        }
        Ok(())
    }
}

#[derive(Deserialize)]
struct BlobEntry {
    id: Id,
    #[serde(rename = "type")]
    kind: KindWord,
    offset: u32,
    length: u32,
    #[serde(default)]
    uncompressed_length: u32,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum KindWord {
    Data,
    Tree,
}

/// Writes packs into index files of bounded size.
pub struct IndexWriter {
    text: Vec<u8>,
    blobs: usize,
    packs: usize,
}

impl IndexWriter {
    /// A writer without entries.
    pub fn new() -> IndexWriter {
        IndexWriter {
            text: Vec::new(),
            blobs: 0,
            packs: 0,
        }
    }

    /// Adds a pack, which must be durable when the index is written.
    pub fn add(&mut self, pack: Id, blobs: &[PackedBlob]) {
        let text = &mut self.text;
        text.extend_from_slice(match self.packs {
            0 => b"{\"packs\":[{\"id\":\"",
            _ => b",{\"id\":\"",
        });
        text.extend_from_slice(&pack.hex());
        text.extend_from_slice(b"\",\"blobs\":[");
        for (at, blob) in blobs.iter().enumerate() {
            text.extend_from_slice(if at > 0 {
                b",{\"id\":\""
            } else {
                b"{\"id\":\""
            });
            text.extend_from_slice(&blob.name.id.hex());
            let rest = format!(
                "\",\"type\":\"{}\",\"offset\":{},\"length\":{}",
                blob.name.kind.name(),
                blob.offset,
                blob.length
            );
            text.extend_from_slice(rest.as_bytes());
            if blob.raw_length != 0 {
                let raw = format!(",\"uncompressed_length\":{}", blob.raw_length);
                text.extend_from_slice(raw.as_bytes());
            }
            text.push(b'}');
        }
        text.extend_from_slice(b"]}");
        self.packs += 1;
        self.blobs += blobs.len();
    }

    /// Whether the file is to be written before another pack is added.
    pub fn is_full(&self) -> bool {
        self.blobs >= MOST_BLOBS
    }

    /// The document of what was added since the last one; `None` when that is nothing.
    pub fn take(&mut self) -> Option<Vec<u8>> {
        if self.packs == 0 {
            return None;
        }
        let mut document = std::mem::take(self).text;
        document.extend_from_slice(b"]}\n");
        Some(document)
    }

    /// Writes the file. The packs in it must be durable before: the storage was synced after the last of them.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&mut self, storage: &dyn Storage, cipher: &Cipher) -> Result<Option<Id>, Error> {
        match self.take() {
            None => Ok(None),
            Some(document) => {
                unpacked::write(storage, cipher, FileKind::Index, &document).map(Some)
            }
        }
    }
}

impl Default for IndexWriter {
    fn default() -> IndexWriter {
        IndexWriter::new()
    }
}
