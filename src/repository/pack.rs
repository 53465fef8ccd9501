//! The header at the end of a pack: which blobs it holds.
//!
//! `type || length || [raw length] || id` for each blob, encrypted, and behind it the length of all that.

use super::blob::PackedBlob;
use super::blob_name::{BlobKind, BlobName};
use super::crypto::{Cipher, EXTENSION};
use super::error::{Damage, Error};
use crate::storage::id::Id;
use crate::storage::{FileKind, FileName, Storage};

/// An entry of a blob that is not compressed.
const PLAIN_ENTRY: usize = 1 + 4 + 32;
/// An entry of a blob that is compressed.
const COMPRESSED_ENTRY: usize = PLAIN_ENTRY + 4;
/// The length of the header, at the very end.
const LENGTH_FIELD: usize = 4;
/// restic reads no header that is larger.
const LARGEST_HEADER: usize = 16 << 20;
/// How many blobs a pack may hold.
pub const MOST_BLOBS: usize = (LARGEST_HEADER - EXTENSION) / COMPRESSED_ENTRY;
/// What is read first from the end of a pack: the header of most packs.
const FIRST_READ: u64 = 4 * 1024;

/// Reads the header of a pack of this size.
///
/// # Errors
/// When it cannot be read, or does not describe a pack of this size.
pub fn read_header(
    storage: &dyn Storage,
    cipher: &Cipher,
    pack: Id,
    size: u64,
) -> Result<Vec<PackedBlob>, Error> {
    let file = FileName::new(FileKind::Pack, pack);
    let damaged = |damage| Error::file(damage, file);
    let first = size.min(FIRST_READ);
    let mut end = vec![0; first as usize];
    storage.read_range(file, size - first, &mut end)?;
    let length = header_length(&end, size).map_err(damaged)?;
    let wanted = length + LENGTH_FIELD;
    let mut sealed = match end.len().checked_sub(wanted) {
        Some(start) => end[start..start + length].to_vec(),
        None => {
            let mut sealed = vec![0; length];
            storage.read_range(file, size - wanted as u64, &mut sealed)?;
            sealed
        }
    };
    let header = cipher.open(&mut sealed).map_err(damaged)?;
    parse_header(header, size - wanted as u64).map_err(damaged)
}

/// The header of a pack that is in memory.
///
/// # Errors
/// When it does not describe the pack.
pub fn header_of(cipher: &Cipher, content: &[u8]) -> Result<Vec<PackedBlob>, Damage> {
    let length = header_length(content, content.len() as u64)?;
    let blobs = content.len() - length - LENGTH_FIELD;
    let mut sealed = content[blobs..blobs + length].to_vec();
    let header = cipher.open(&mut sealed)?;
    parse_header(header, blobs as u64)
}

/// The length of the encrypted header, from the last bytes of a pack of this size.
fn header_length(end: &[u8], size: u64) -> Result<usize, Damage> {
    let field = end.last_chunk().ok_or(Damage::TooShort)?;
    let length = u32::from_le_bytes(*field) as usize;
    let fits = length as u64 + LENGTH_FIELD as u64 <= size;
    if !(EXTENSION..=LARGEST_HEADER).contains(&length) || !fits {
        return Err(Damage::Header);
    }
    Ok(length)
}

/// Reads the decrypted header of a pack whose blobs take `available` bytes: all of them, no more and no less.
///
/// # Errors
/// When an entry is not known or the lengths do not add up.
pub fn parse_header(mut header: &[u8], available: u64) -> Result<Vec<PackedBlob>, Damage> {
    let mut blobs = Vec::with_capacity(header.len() / PLAIN_ENTRY);
    let mut offset = 0_u32;
    while let Some((&kind, rest)) = header.split_first() {
        let (kind, compressed) = match kind {
            0 => (BlobKind::Data, false),
            1 => (BlobKind::Tree, false),
            2 => (BlobKind::Data, true),
            3 => (BlobKind::Tree, true),
            _ => return Err(Damage::Header),
        };
        let (length, mut rest) = number(rest)?;
        let mut raw_length = 0;
        if compressed {
            (raw_length, rest) = number(rest)?;
        }
        let (id, rest) = rest.split_first_chunk().ok_or(Damage::Header)?;
        if (length as usize) < EXTENSION || compressed && raw_length == 0 {
            return Err(Damage::Header);
        }
        blobs.push(PackedBlob {
            name: BlobName { kind, id: Id(*id) },
            offset,
            length,
            raw_length,
        });
        offset = offset.checked_add(length).ok_or(Damage::Header)?;
        header = rest;
    }
    if u64::from(offset) != available {
        return Err(Damage::Header);
    }
    Ok(blobs)
}

fn number(bytes: &[u8]) -> Result<(u32, &[u8]), Damage> {
    let (number, rest) = bytes.split_first_chunk().ok_or(Damage::Header)?;
    Ok((u32::from_le_bytes(*number), rest))
}

/// Appends the header of a pack with these blobs, which lie in `pack` in this order.
///
/// # Errors
/// When the system gives no random numbers.
pub fn append_header(
    cipher: &Cipher,
    blobs: &[PackedBlob],
    pack: &mut Vec<u8>,
) -> Result<(), Error> {
    let start = pack.len();
    pack.reserve(header_size(blobs));
    pack.resize(start + super::crypto::IV_LENGTH, 0);
    for blob in blobs {
        let kind = match (blob.name.kind, blob.raw_length) {
            (BlobKind::Data, 0) => 0,
            (BlobKind::Tree, 0) => 1,
            (BlobKind::Data, _) => 2,
            (BlobKind::Tree, _) => 3,
        };
        pack.push(kind);
        pack.extend_from_slice(&blob.length.to_le_bytes());
        if blob.raw_length != 0 {
            pack.extend_from_slice(&blob.raw_length.to_le_bytes());
        }
        pack.extend_from_slice(&blob.name.id.0);
    }
    cipher.seal(pack, start)?;
    // At most `MOST_BLOBS` entries: far below 4 GiB.
    let length = (pack.len() - start) as u32;
    pack.extend_from_slice(&length.to_le_bytes());
    Ok(())
}

/// How many bytes of a pack its header takes.
pub fn header_size(blobs: &[PackedBlob]) -> usize {
    let entries = blobs.iter().map(|blob| entry_size(blob.raw_length));
    entries.sum::<usize>() + EXTENSION + LENGTH_FIELD
}

/// How many bytes a blob takes in the header. `raw_length` is 0 where it is not compressed.
pub fn entry_size(raw_length: u32) -> usize {
    match raw_length {
        0 => PLAIN_ENTRY,
        _ => COMPRESSED_ENTRY,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repository::crypto::{SecretKeys, fill_random};
    use crate::storage::memory::Memory;

    fn blob(at: u8, offset: u32, raw_length: u32) -> PackedBlob {
        PackedBlob {
            name: BlobName {
                kind: BlobKind::ALL[usize::from(at % 2)],
                id: Id([at; 32]),
            },
            offset,
            length: 40,
            raw_length,
        }
    }

    fn blobs(count: u8) -> Vec<PackedBlob> {
        (0..count)
            .map(|at| blob(at, u32::from(at) * 40, u32::from(at % 3) * 100))
            .collect()
    }

    #[test]
    fn headers_of_any_number_of_blobs_come_back() {
        let cipher = Cipher::new(&SecretKeys::random().unwrap());
        let memory = Memory::new();
        for count in [0, 1, 2, 99, 200] {
            let blobs = blobs(count);
            let mut pack = vec![7; 40 * usize::from(count)];
            append_header(&cipher, &blobs, &mut pack).unwrap();
            assert_eq!(pack.len(), 40 * usize::from(count) + header_size(&blobs));
            assert_eq!(header_of(&cipher, &pack).unwrap(), blobs);
            let id = Id::of(&pack);
            memory
                .write(FileName::new(FileKind::Pack, id), &pack)
                .unwrap();
            let read = read_header(&memory, &cipher, id, pack.len() as u64).unwrap();
            assert_eq!(read, blobs);
        }
    }

    #[test]
    fn lengths_that_do_not_add_up_are_damage() {
        let good = {
            let mut header = vec![0];
            header.extend_from_slice(&40_u32.to_le_bytes());
            header.extend_from_slice(&[9; 32]);
            header
        };
        assert_eq!(parse_header(&good, 40).unwrap().len(), 1);
        assert_eq!(parse_header(&good, 41), Err(Damage::Header));
        assert_eq!(parse_header(&good[..36], 40), Err(Damage::Header));
        let mut huge = good.clone();
        huge[1..5].fill(0xff);
        let twice = [huge.clone(), huge.clone()].concat();
        assert_eq!(
            parse_header(&twice, 2 * u64::from(u32::MAX)),
            Err(Damage::Header)
        );
        let mut unknown = good.clone();
        unknown[0] = 4;
        assert_eq!(parse_header(&unknown, 40), Err(Damage::Header));
        let mut short = good;
        short[1] = 31;
        assert_eq!(parse_header(&short, 31), Err(Damage::Header));
    }

    #[test]
    fn no_bytes_make_it_panic() {
        let cipher = Cipher::new(&SecretKeys::random().unwrap());
        let mut pack = vec![7; 400];
        append_header(&cipher, &blobs(10), &mut pack).unwrap();
        for _ in 0..3000 {
            let mut random = [0; 256];
            fill_random(&mut random).unwrap();
            random[0] %= 5;
            let _ = parse_header(&random[..usize::from(random[199])], 40);
            let mut changed = pack.clone();
            let at = usize::from(random[1]) % 8 + pack.len() - 8;
            changed[at] ^= random[2] | 1;
            assert!(header_of(&cipher, &changed).is_err());
            changed.truncate(usize::from(random[3]));
            assert!(header_of(&cipher, &changed).is_err());
        }
    }
}
