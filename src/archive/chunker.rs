//! Content-defined chunking: cuts a file into the same chunks as restic does for the same repository, so that both
//! programs share the data that either of them stored.
//!
//! The method is restic's (`github.com/restic/chunker`): a Rabin fingerprint of the last 64 bytes, modulo the
//! irreducible polynomial of the repository's config. A chunk ends where the low 20 bits of the fingerprint are zero,
//! but not below [`MIN_LENGTH`], and at [`MAX_LENGTH`] at the latest.
//!
//! restic starts each fingerprint anew, 64 bytes before the shortest length. When the first cut is possible, the
//! fingerprint therefore depends on the last 64 bytes alone. This makes the search stateless: it can start at any
//! position, and several positions can be searched at the same time.

/// The length of the shortest chunk, in bytes. Only the last chunk of a file may be shorter.
pub const MIN_LENGTH: usize = 512 << 10;

/// The length of the longest chunk, in bytes.
pub const MAX_LENGTH: usize = 8 << 20;

/// The fingerprint covers this many bytes.
const WINDOW: usize = 64;

/// A chunk ends where these bits of the fingerprint are zero: every MiB on average.
const CUT_MASK: u64 = (1 << 20) - 1;

/// How many fingerprints are computed side by side. One fingerprint is a chain of dependent table look-ups; several
/// chains keep the processor busy. Measured with [`find_cut`](Chunker::find_cut) on random data: see `benches/chunker.rs`.
const LANES: usize = 4;

/// The part of the data that one lane searches at a time, in bytes.
const STRIDE: usize = 16 << 10;

/// Finds the chunks of files for one polynomial.
pub struct Chunker {
    /// What a byte that leaves the window contributes to the fingerprint.
    leaving: [u64; 256],
    /// By the eight highest bits of a fingerprint: what removes them and reduces the rest.
    reduce: [u64; 256],
    /// How far a fingerprint is shifted to get its eight highest bits.
    shift: u32,
}

impl Chunker {
    /// A chunker for the polynomial of a repository's config.
    ///
    /// Returns `None` if the degree of the polynomial is not between 16 and 53, the degree that restic uses: then the
    /// config is damaged, or forged.
    pub fn new(polynomial: u64) -> Option<Chunker> {
        let degree = polynomial.checked_ilog2()?;
        if !(16..=53).contains(&degree) {
            return None;
        }
        let mut leaving = [0; 256];
        let mut reduce = [0; 256];
        for byte in 0..=255_u8 {
            let mut fingerprint = append(0, byte, polynomial);
            for _ in 1..WINDOW {
                fingerprint = append(fingerprint, 0, polynomial);
            }
            leaving[usize::from(byte)] = fingerprint;
            let high = u64::from(byte) << degree;
            reduce[usize::from(byte)] = remainder(high, polynomial) | high;
        }
        Some(Chunker {
            leaving,
            reduce,
            shift: degree - 8,
        })
    }

    /// Where the chunk ends that starts at the first byte of `data`: its length in bytes.
    ///
    /// `searched` is how much of `data` an earlier call has searched already, 0 for a new chunk. Returns `None` if
    /// the chunk goes on beyond `data`, and never when `data` has [`MAX_LENGTH`] bytes or more.
    pub fn find_cut(&self, data: &[u8], searched: usize) -> Option<usize> {
        let end = data.len().min(MAX_LENGTH);
        // A cut after the byte `next` makes a chunk of `next + 1` bytes.
        let mut next = searched.max(MIN_LENGTH).saturating_sub(1);
        while next + LANES * STRIDE <= end {
            if let Some(cut) = self.search_lanes(data, next) {
                return Some(cut);
            }
            next += LANES * STRIDE;
        }
        if next < end
            && let Some(cut) = self.search(data, next, end)
        {
            return Some(cut);
        }
        (data.len() >= MAX_LENGTH).then_some(MAX_LENGTH)
    }

    /// Searches `LANES` neighbouring strides from `first` on side by side.
    fn search_lanes(&self, data: &[u8], first: usize) -> Option<usize> {
        let mut fingerprints = [0; LANES];
        for (lane, fingerprint) in fingerprints.iter_mut().enumerate() {
            *fingerprint = self.fingerprint_before(data, first + lane * STRIDE);
        }
        let window = &data[first - WINDOW..first + LANES * STRIDE];
        // The first cut that is found may lie in a later lane than one that is found afterwards.
        let mut cuts = [usize::MAX; LANES];
        for step in 0..STRIDE {
            let mut hit = false;
            for (lane, fingerprint) in fingerprints.iter_mut().enumerate() {
                let at = lane * STRIDE + step;
                *fingerprint = self.roll(*fingerprint, window[at], window[at + WINDOW]);
                hit |= *fingerprint & CUT_MASK == 0;
            }
            if hit {
                for (lane, fingerprint) in fingerprints.iter().enumerate() {
                    if fingerprint & CUT_MASK == 0 && cuts[lane] == usize::MAX {
                        cuts[lane] = first + lane * STRIDE + step + 1;
                    }
                }
                if cuts[0] != usize::MAX {
                    break;
                }
            }
        }
        cuts.into_iter().find(|cut| *cut != usize::MAX)
    }

    /// Searches the positions from `first` up to `end` one after the other.
    fn search(&self, data: &[u8], first: usize, end: usize) -> Option<usize> {
        let mut fingerprint = self.fingerprint_before(data, first);
        for at in first..end {
            fingerprint = self.roll(fingerprint, data[at - WINDOW], data[at]);
            if fingerprint & CUT_MASK == 0 {
                return Some(at + 1);
            }
        }
        None
    }

    /// The fingerprint of the 64 bytes before a position.
    fn fingerprint_before(&self, data: &[u8], at: usize) -> u64 {
        data[at - WINDOW..at]
            .iter()
            .fold(0, |fingerprint, byte| self.append(fingerprint, *byte))
    }

    #[inline(always)]
    fn append(&self, fingerprint: u64, byte: u8) -> u64 {
        // Below degree 53 the eight highest bits are all there is above the shift.
        let high = (fingerprint >> self.shift) as u8;
        ((fingerprint << 8) | u64::from(byte)) ^ self.reduce[usize::from(high)]
    }

    #[inline(always)]
    fn roll(&self, fingerprint: u64, leaving: u8, entering: u8) -> u64 {
        self.append(fingerprint ^ self.leaving[usize::from(leaving)], entering)
    }
}

/// The fingerprint with one byte more, reduced bit by bit: for the tables alone.
fn append(fingerprint: u64, byte: u8, polynomial: u64) -> u64 {
    remainder((fingerprint << 8) | u64::from(byte), polynomial)
}

/// The remainder of a division of polynomials over GF(2).
fn remainder(mut value: u64, polynomial: u64) -> u64 {
    let degree = polynomial.ilog2();
    while let Some(highest) = value.checked_ilog2() {
        if highest < degree {
            break;
        }
        value ^= polynomial << (highest - degree);
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The polynomial in the tests of restic's chunker.
    const POLYNOMIAL: u64 = 0x003D_A335_8B4D_C173;

    /// The cuts as restic finds them: a window of 64 bytes that starts with a 1, moved over the data byte by byte.
    fn cuts_byte_by_byte(polynomial: u64, data: &[u8]) -> Vec<usize> {
        let chunker = Chunker::new(polynomial).unwrap();
        let mut cuts = Vec::new();
        let mut start = 0;
        while start < data.len() {
            let mut window = [0_u8; WINDOW];
            window[0] = 1;
            let mut place = 1;
            let mut fingerprint = append(0, 1, polynomial);
            let mut length = MIN_LENGTH - WINDOW;
            let cut = loop {
                let Some(byte) = data.get(start + length) else {
                    break data.len();
                };
                fingerprint ^= chunker.leaving[usize::from(window[place])];
                window[place] = *byte;
                place = (place + 1) % WINDOW;
                fingerprint = append(fingerprint, *byte, polynomial);
                length += 1;
                if length >= MIN_LENGTH && (fingerprint & CUT_MASK == 0 || length >= MAX_LENGTH) {
                    break start + length;
                }
            };
            cuts.push(cut);
            start = cut;
        }
        cuts
    }

    fn cuts(polynomial: u64, data: &[u8]) -> Vec<usize> {
        let chunker = Chunker::new(polynomial).unwrap();
        let mut cuts = Vec::new();
        let mut start = 0;
        while start < data.len() {
            start += chunker
                .find_cut(&data[start..], 0)
                .unwrap_or(data.len() - start);
            cuts.push(start);
        }
        cuts
    }

    fn random(seed: u64, length: usize) -> Vec<u8> {
        let mut data = vec![0; length];
        fastrand::Rng::with_seed(seed).fill(&mut data);
        data
    }

    #[test]
    fn the_cuts_are_those_of_a_window_moved_byte_by_byte() {
        for (seed, length) in [(1, 9 << 20), (2, (3 << 20) + 17), (3, MIN_LENGTH), (4, 100)] {
            let data = random(seed, length);
            assert_eq!(
                cuts(POLYNOMIAL, &data),
                cuts_byte_by_byte(POLYNOMIAL, &data),
                "{length} bytes"
            );
        }
        let repetitive: Vec<u8> = random(5, 3000).repeat(2000);
        assert_eq!(
            cuts(POLYNOMIAL, &repetitive),
            cuts_byte_by_byte(POLYNOMIAL, &repetitive)
        );
    }

    #[test]
    fn data_without_a_cut_is_cut_at_the_longest_length() {
        // The fingerprint of ones is not zero in its low bits, and stays the same.
        let ones = vec![1; 2 * MAX_LENGTH + 5];
        assert_eq!(
            cuts(POLYNOMIAL, &ones),
            [MAX_LENGTH, 2 * MAX_LENGTH, 2 * MAX_LENGTH + 5]
        );
        // That of zeros is zero: each chunk is the shortest.
        let zeros = vec![0; 2 * MIN_LENGTH + 5];
        assert_eq!(
            cuts(POLYNOMIAL, &zeros),
            [MIN_LENGTH, 2 * MIN_LENGTH, 2 * MIN_LENGTH + 5]
        );
    }

    #[test]
    fn a_chunk_that_arrives_in_pieces_has_the_same_end() {
        let data = random(6, 6 << 20);
        let chunker = Chunker::new(POLYNOMIAL).unwrap();
        let whole = chunker.find_cut(&data, 0).unwrap();
        for piece in [1 << 14, 70_001, 1 << 20] {
            let mut there = 0;
            let found = loop {
                let searched = there;
                there = (there + piece).min(data.len());
                if let Some(cut) = chunker.find_cut(&data[..there], searched) {
                    break cut;
                }
            };
            assert_eq!(found, whole, "in pieces of {piece} bytes");
        }
    }

    #[test]
    fn a_polynomial_of_another_degree_is_refused() {
        for polynomial in [0, 1, 0xff, 1 << 54, u64::MAX] {
            assert!(Chunker::new(polynomial).is_none(), "{polynomial:#x}");
        }
    }
}
