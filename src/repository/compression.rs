//! zstd, with contexts that are used again, and with bounds on what it may yield.

use std::io::{Cursor, Read};

use zstd::{bulk, zstd_safe};

use super::error::Damage;

/// What is worth trying to compress by its head alone.
const SAMPLE: usize = 16 * 1024;

/// The most bytes that so many compressed bytes may become.
///
/// The largest chunk has 8 MiB. Trees and index files may be much larger, but half of them is random ids, so a larger
/// ratio than this is not one of them: it is made to cost memory.
pub fn limit(compressed: usize) -> usize {
    const LEAST: usize = 64 << 20;
    const RATIO: usize = 64;
    compressed.saturating_mul(RATIO).max(LEAST)
}

/// A context for one thread.
pub struct Compressor {
    /// `None` for a level of 0: nothing is compressed.
    context: Option<bulk::Compressor<'static>>,
    quick: Option<bulk::Compressor<'static>>,
    sample: Vec<u8>,
}

impl Compressor {
    /// The levels are those of zstd; 0 means no compression.
    pub fn new(level: i32) -> Compressor {
        let context = |level| bulk::Compressor::new(level).ok();
        Compressor {
            context: (level != 0).then(|| context(level)).flatten(),
            quick: (level != 0).then(|| context(1)).flatten(),
            sample: Vec::new(),
        }
    }

    /// Appends the compressed form of `raw`. `false`, and nothing appended, when compression does not pay.
    pub fn compress(&mut self, raw: &[u8], out: &mut Vec<u8>) -> bool {
        if raw.is_empty() || !self.pays(raw) {
            return false;
        }
        self.compress_up_to(raw.len().saturating_sub(1), raw, out)
    }

    /// Appends the compressed form of `raw`, even if that is longer. `false` with a level of 0.
    pub fn compress_always(&mut self, raw: &[u8], out: &mut Vec<u8>) -> bool {
        self.compress_up_to(usize::MAX, raw, out)
    }

    /// Nothing is appended where it would be more than `most` bytes.
    fn compress_up_to(&mut self, most: usize, raw: &[u8], out: &mut Vec<u8>) -> bool {
        let Some(context) = &mut self.context else {
            return false;
        };
        let start = out.len();
        // Room for the worst case: what is not used is not touched.
        out.reserve(zstd_safe::compress_bound(raw.len()));
        let mut tail = Cursor::new(&mut *out);
        tail.set_position(start as u64);
        match context.compress_to_buffer(raw, &mut tail) {
            Ok(length) if length <= most => true,
            _ => {
                out.truncate(start);
                false
            }
        }
    }

    /// Large blobs of media files and archives do not get smaller. Two samples tell, in a twentieth of the time.
    fn pays(&mut self, raw: &[u8]) -> bool {
        if raw.len() < 8 * SAMPLE {
            return true;
        }
        let Some(quick) = &mut self.quick else {
            return false;
        };
        let middle = raw.len() / 2;
        [&raw[..SAMPLE], &raw[middle..middle + SAMPLE]]
            .into_iter()
            .any(|sample| {
                self.sample.clear();
                self.sample.reserve(zstd_safe::compress_bound(SAMPLE));
                match quick.compress_to_buffer(sample, &mut self.sample) {
                    Ok(length) => length < SAMPLE - SAMPLE / 32,
                    Err(_) => true,
                }
            })
    }
}

/// A context for one thread.
pub struct Decompressor {
    context: Option<bulk::Decompressor<'static>>,
}

impl Decompressor {
    /// A decompressor whose zstd context is reused for every blob.
    pub fn new() -> Decompressor {
        Decompressor {
            context: bulk::Decompressor::new().ok(),
        }
    }

    /// Replaces `out` by what `compressed` holds, which must be `length` bytes. The caller has compared `length` with
    /// [`limit`].
    ///
    /// # Errors
    /// When it is not of that length, or not zstd's.
    pub fn decompress(
        &mut self,
        compressed: &[u8],
        length: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), Damage> {
        out.clear();
        // What is not filled is not touched, so a length that is a lie costs nothing.
        out.reserve_exact(length);
        let context = self.context.as_mut().ok_or(Damage::Compression)?;
        match context.decompress_to_buffer(compressed, out) {
            Ok(found) if found == length => Ok(()),
            _ => Err(Damage::Compression),
        }
    }

    /// As [`Decompressor::decompress`], where the length is not known: up to [`limit`].
    ///
    /// # Errors
    /// When it is more, or not zstd's.
    pub fn decompress_unknown(
        &mut self,
        compressed: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), Damage> {
        let most = limit(compressed.len());
        match zstd_safe::get_frame_content_size(compressed) {
            Ok(Some(length)) => match usize::try_from(length) {
                Ok(length) if length <= most => self.decompress(compressed, length, out),
                _ => Err(Damage::Compression),
            },
            // Written as a stream.
            Ok(None) => {
                out.clear();
                let decoder = zstd::stream::read::Decoder::new(compressed)
                    .map_err(|_| Damage::Compression)?;
                let read = decoder.take(most as u64 + 1).read_to_end(out);
                match read {
                    Ok(length) if length <= most => Ok(()),
                    _ => Err(Damage::Compression),
                }
            }
            Err(_) => Err(Damage::Compression),
        }
    }
}

impl Default for Decompressor {
    fn default() -> Decompressor {
        Decompressor::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_compressed_is_appended_and_comes_back() {
        let raw = b"again and again and again and again and again ".repeat(99);
        let mut compressor = Compressor::new(3);
        let mut out = b"before".to_vec();
        assert!(compressor.compress(&raw, &mut out));
        assert_eq!(&out[..6], b"before");
        assert!(out.len() < 200);
        let mut back = b"something else".to_vec();
        let mut decompressor = Decompressor::new();
        decompressor
            .decompress(&out[6..], raw.len(), &mut back)
            .unwrap();
        assert_eq!(back, raw);
        back.clear();
        decompressor
            .decompress_unknown(&out[6..], &mut back)
            .unwrap();
        assert_eq!(back, raw);
        for wrong in [0, raw.len() - 1, raw.len() + 1, 1 << 25] {
            let result = decompressor.decompress(&out[6..], wrong, &mut back);
            assert_eq!(result, Err(Damage::Compression));
        }
    }

    #[test]
    fn what_does_not_get_smaller_is_left_alone() {
        let mut compressor = Compressor::new(3);
        let mut random = vec![0; 1 << 20];
        crate::repository::crypto::fill_random(&mut random).unwrap();
        let mut out = b"before".to_vec();
        assert!(!compressor.compress(&random, &mut out));
        assert!(!compressor.compress(&random[..100], &mut out));
        assert!(!compressor.compress(b"", &mut out));
        assert!(!Compressor::new(0).compress(&[0; 9999], &mut out));
        assert_eq!(out, b"before");
        // One half is enough to compress it.
        random[..1 << 19].fill(0);
        assert!(compressor.compress(&random, &mut out));
    }

    #[test]
    fn a_bomb_is_refused_before_it_costs_memory() {
        let bomb = zstd::bulk::compress(&vec![0; 80 << 20], 3).unwrap();
        assert!(bomb.len() < 100_000);
        let mut out = Vec::new();
        let mut decompressor = Decompressor::new();
        let result = decompressor.decompress_unknown(&bomb, &mut out);
        assert_eq!(result, Err(Damage::Compression));
        assert_eq!(out.capacity(), 0);
        // As a stream, its length is not announced.
        let bomb = zstd::stream::encode_all(std::io::repeat(0).take(80 << 20), 3).unwrap();
        let result = decompressor.decompress_unknown(&bomb, &mut out);
        assert_eq!(result, Err(Damage::Compression));
    }

    #[test]
    fn no_mutated_bytes_make_it_panic() {
        let mut random = [0; 2];
        let good = zstd::bulk::compress(&b"some text, some text, some text".repeat(9), 3).unwrap();
        let mut out = Vec::new();
        let mut decompressor = Decompressor::new();
        for _ in 0..2000 {
            crate::repository::crypto::fill_random(&mut random).unwrap();
            let mut bad = good.clone();
            let at = usize::from(random[0]) % bad.len();
            bad[at] = random[1];
            let _ = decompressor.decompress_unknown(&bad, &mut out);
        }
    }
}
