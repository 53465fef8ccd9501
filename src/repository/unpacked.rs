//! Files that hold one document each: index, snapshot and lock files. `IV || ciphertext || MAC` around a byte that
//! tells the encoding and the JSON text, compressed.

use super::compression::{Compressor, Decompressor};
use super::crypto::{Cipher, EXTENSION, IV_LENGTH};
use super::error::{Damage, Error};
use crate::storage::id::Id;
use crate::storage::{FileKind, FileName, Listed, Storage};

/// Before a document that is compressed with zstd.
const COMPRESSED: u8 = 2;

/// The most bytes of a file of this kind, whatever a server lists.
fn largest(kind: FileKind) -> u64 {
    match kind {
        // restic's have 8 MiB at most, those of other programs may have more.
        FileKind::Index => 512 << 20,
        // The paths of a snapshot may be many.
        FileKind::Snapshot | FileKind::Pack => 128 << 20,
        FileKind::Lock | FileKind::Config | FileKind::Key => 1 << 20,
    }
}

/// Reads a file, compares it with its id, and returns its document.
///
/// # Errors
/// When it cannot be read, or is not what it must be.
pub fn read(storage: &dyn Storage, cipher: &Cipher, file: FileName) -> Result<Vec<u8>, Error> {
    let mut content = storage.read(file, largest(file.kind))?;
    decode(cipher, file, &mut content)
}

/// As [`read`], of a file that a list has. One that is larger than the list says is damaged, and is not read to its end.
///
/// # Errors
/// As [`read`].
pub fn read_listed(
    storage: &dyn Storage,
    cipher: &Cipher,
    kind: FileKind,
    listed: &Listed,
) -> Result<Vec<u8>, Error> {
    let file = FileName::new(kind, listed.id);
    let mut content = storage.read(file, largest(kind).min(listed.size))?;
    decode(cipher, file, &mut content)
}

/// As [`read`], from the file's content, which is overwritten.
///
/// # Errors
/// When it is not what it must be.
pub fn decode(cipher: &Cipher, file: FileName, content: &mut [u8]) -> Result<Vec<u8>, Error> {
    if content.len() < EXTENSION {
        return Err(Error::file(Damage::TooShort, file));
    }
    if Id::of(content) != file.id {
        return Err(Error::file(Damage::Hash, file));
    }
    let plain = cipher
        .open(content)
        .map_err(|damage| Error::file(damage, file))?;
    match plain.first() {
        // Version 1 of the format, and some old files of version 2.
        Some(b'{' | b'[') => Ok(plain.to_vec()),
        Some(&COMPRESSED) => {
            let mut document = Vec::new();
            Decompressor::new()
                .decompress_unknown(&plain[1..], &mut document)
                .map_err(|damage| Error::file(damage, file))?;
            Ok(document)
        }
        _ => Err(Error::file(Damage::Encoding, file)),
    }
}

/// Writes a document, compressed, as a new file of this kind. Durable after the storage's next sync.
///
/// # Errors
/// When it cannot be written.
pub fn write(
    storage: &dyn Storage,
    cipher: &Cipher,
    kind: FileKind,
    document: &[u8],
) -> Result<Id, Error> {
    let content = encode(cipher, document)?;
    let file = FileName::new(kind, Id::of(&content));
    storage.write(file, &content)?;
    Ok(file.id)
}

/// The content of a file with this document.
///
/// # Errors
/// When the system gives no random numbers.
pub fn encode(cipher: &Cipher, document: &[u8]) -> Result<Vec<u8>, Error> {
    let mut content = Vec::with_capacity(document.len() / 2 + EXTENSION);
    content.resize(IV_LENGTH, 0);
    content.push(COMPRESSED);
    if !Compressor::new(3).compress(document, &mut content) {
        content.truncate(IV_LENGTH);
        content.extend_from_slice(document);
    }
    cipher.seal(&mut content, 0)?;
    Ok(content)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repository::crypto::SecretKeys;
    use crate::repository::error::ErrorKind;
    use crate::storage::memory::Memory;

    #[test]
    fn documents_come_back_and_damage_is_named() {
        let memory = Memory::new();
        let cipher = Cipher::new(&SecretKeys::random().unwrap());
        for document in [
            &b"{}"[..],
            &br#"{"a":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}"#.repeat(9),
        ] {
            let id = write(&memory, &cipher, FileKind::Snapshot, document).unwrap();
            let file = FileName::new(FileKind::Snapshot, id);
            assert_eq!(read(&memory, &cipher, file).unwrap(), document);
            let content = memory.read(file, 9999).unwrap();
            memory.damage(file, content[..content.len() - 1].to_vec());
            let error = read(&memory, &cipher, file).unwrap_err();
            assert_eq!(error.kind, ErrorKind::Damaged(Damage::Hash));
            memory.damage(file, Vec::new());
            let error = read(&memory, &cipher, file).unwrap_err();
            assert_eq!(error.kind, ErrorKind::Damaged(Damage::TooShort));
        }
    }

    #[test]
    fn no_more_is_read_than_the_list_says() {
        let memory = Memory::new();
        let cipher = Cipher::new(&SecretKeys::random().unwrap());
        let kind = FileKind::Index;
        write(&memory, &cipher, kind, b"{}").unwrap();
        let mut listed = memory.list(kind).unwrap().files[0];
        assert_eq!(read_listed(&memory, &cipher, kind, &listed).unwrap(), b"{}");
        listed.size -= 1;
        let error = read_listed(&memory, &cipher, kind, &listed).unwrap_err();
        let too_large = ErrorKind::Storage(crate::storage::error::ErrorKind::TooLarge);
        assert_eq!(error.kind, too_large);
    }

    #[test]
    fn another_encoding_or_another_key_is_damage_of_its_own_kind() {
        let cipher = Cipher::new(&SecretKeys::random().unwrap());
        let kind_of = |text: &[u8], cipher: &Cipher, other: &Cipher| {
            let mut content = cipher.seal_copy(text).unwrap();
            let file = FileName::new(FileKind::Index, Id::of(&content));
            decode(other, file, &mut content).unwrap_err().kind
        };
        let other = Cipher::new(&SecretKeys::random().unwrap());
        for (text, damage) in [
            (&b"\x03abc"[..], Damage::Encoding),
            (b"", Damage::Encoding),
            (b"\x02abc", Damage::Compression),
        ] {
            assert_eq!(kind_of(text, &cipher, &cipher), ErrorKind::Damaged(damage));
        }
        let kind = kind_of(b"{}", &cipher, &other);
        assert_eq!(kind, ErrorKind::Damaged(Damage::Authentication));
    }
}
