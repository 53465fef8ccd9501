//! Finds the runs of zeros that become holes.

/// Holes begin and end at multiples of this.
const BLOCK: usize = 4096;
/// A shorter run is written: many small holes cost more than they save.
const SHORTEST: usize = 8 * BLOCK;

/// The parts of a content that have to be written: all but long runs of zeros. `offset` is where the content begins in
/// the file. The ranges are of the content.
pub fn parts(content: &[u8], offset: u64) -> impl Iterator<Item = std::ops::Range<usize>> + '_ {
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = after_hole(content, offset, at);
        if start >= content.len() {
            return None;
        }
        let mut end = block_end(content.len(), offset, start);
        while end < content.len() && after_hole(content, offset, end) == end {
            end = block_end(content.len(), offset, end);
        }
        at = end;
        Some(start..end)
    })
}

/// The end of the hole that begins at this place; the place itself where none begins.
fn after_hole(content: &[u8], offset: u64, start: usize) -> usize {
    let mut end = start;
    while end < content.len() {
        let next = block_end(content.len(), offset, end);
        if !is_zero(&content[end..next]) {
            break;
        }
        end = next;
    }
    // A run that reaches the end of the content may go on in the next piece of the file.
    if end - start >= SHORTEST || (start == 0 && end == content.len() && end >= BLOCK) {
        end
    } else {
        start
    }
}

/// The end of the block that this place lies in.
fn block_end(length: usize, offset: u64, at: usize) -> usize {
    let in_block = ((offset % BLOCK as u64) as usize + at) % BLOCK;
    (at + BLOCK - in_block).min(length)
}

fn is_zero(block: &[u8]) -> bool {
    // Most blocks that are not zero say so at once.
    if block.first() != Some(&0) || block.last() != Some(&0) {
        return false;
    }
    let (words, rest) = block.as_chunks::<8>();
    words.iter().all(|word| *word == [0; 8]) && rest.iter().all(|byte| *byte == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(content: &[u8], offset: u64) -> Vec<std::ops::Range<usize>> {
        parts(content, offset).collect()
    }

    /// The bounds of all parts.
    fn bounds(content: &[u8]) -> Vec<(usize, usize)> {
        let parts = parts(content, 0);
        parts.map(|range| (range.start, range.end)).collect()
    }

    #[test]
    fn long_runs_of_zeros_are_left_out_and_nothing_else() {
        assert!(bounds(&[]).is_empty());
        assert_eq!(bounds(&[0; 100]), [(0, 100)]);
        assert!(bounds(&vec![0; 1 << 20]).is_empty());
        assert_eq!(bounds(&vec![7; 100_000]), [(0, 100_000)]);
        let mut content = vec![1; 200_000];
        content[4096..4096 + SHORTEST].fill(0);
        let after = 4096 + SHORTEST;
        assert_eq!(bounds(&content), [(0, 4096), (after, 200_000)]);
        content[4096 + SHORTEST - 1] = 1;
        assert_eq!(bounds(&content), [(0, 200_000)]);
    }

    #[test]
    fn what_is_written_over_zeros_gives_the_content_for_every_offset() {
        let mut random = fastrand::Rng::with_seed(3);
        for _ in 0..200 {
            let mut content = vec![0; random.usize(0..300_000)];
            for _ in 0..random.usize(0..6) {
                if content.is_empty() {
                    break;
                }
                let at = random.usize(0..content.len());
                let end = content.len().min(at + random.usize(0..9000));
                content[at..end].fill(random.u8(..));
            }
            let offset = random.u64(0..10_000);
            let mut copy = vec![0; content.len()];
            let mut last = 0;
            for range in found(&content, offset) {
                assert!(range.start >= last && range.end > range.start);
                copy[range.clone()].copy_from_slice(&content[range.clone()]);
                last = range.end;
            }
            assert!(copy == content);
        }
    }
}
