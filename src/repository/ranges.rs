//! Which blobs of a pack are read with one request.

use super::blob::PackedBlob;

/// Blobs that lie side by side are read together, up to about so many bytes.
pub const READ_TOGETHER: u64 = 4 << 20;
/// A gap between two blobs that is read along, because another request would cost more.
const SMALL_GAP: u64 = 16 << 10;

/// Splits the blobs of a pack, which are in the order of their offsets, into groups. The blobs of a group do not overlap.
pub fn together(blobs: &[PackedBlob]) -> impl Iterator<Item = &[PackedBlob]> {
    let mut start = None;
    blobs.chunk_by(move |before, next| {
        let first = *start.get_or_insert(u64::from(before.offset));
        let next_start = u64::from(next.offset);
        let near = next_start >= before.end() && next_start - before.end() <= SMALL_GAP;
        let together = near && next.end() - first <= READ_TOGETHER;
        if !together {
            start = None;
        }
        together
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repository::blob_name::{BlobKind, BlobName};
    use crate::storage::id::Id;

    fn blob(offset: u32, length: u32) -> PackedBlob {
        PackedBlob {
            name: BlobName {
                kind: BlobKind::Data,
                id: Id::of(&offset.to_le_bytes()),
            },
            offset,
            length,
            raw_length: 0,
        }
    }

    #[test]
    fn near_blobs_are_read_together_up_to_a_limit() {
        let (small, large) = (100, 3 << 20);
        let gap = SMALL_GAP as u32;
        let blobs = [
            blob(0, small),
            blob(small + gap, small),
            blob(2 * small + 2 * gap + 1, small),
            blob(1 << 20, large),
            blob((1 << 20) + large, large),
            blob((1 << 20) + 2 * large, small),
            // One that overlaps is read by itself.
            blob((1 << 20) + 2 * large, small),
        ];
        let lengths: Vec<usize> = together(&blobs).map(<[_]>::len).collect();
        assert_eq!(lengths, [2, 1, 1, 2, 1]);
        assert_eq!(together(&[]).count(), 0);
    }
}
