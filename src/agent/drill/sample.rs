//! Which files of a snapshot a drill restores: chosen at random, and the same ones for the same seed.

use std::collections::{BTreeSet, BinaryHeap};

use crate::storage::id::Id;

/// So many files are chosen at most, where only their bytes are limited.
const MOST_FILES: usize = 100_000;

/// Chooses among files that come in any order. Memory: the chosen ones.
pub(super) struct Sampler {
    seed: String,
    most_files: usize,
    most_bytes: Option<u64>,
    /// Those whose hashes are the smallest so far. A file's hash has nothing to do with its name, its size or its place.
    chosen: BinaryHeap<(Id, Vec<u8>, u64)>,
    /// The smallest file with content, in case that no other fits.
    smallest: Option<(u64, Vec<u8>)>,
}

/// The files that were chosen.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Sample {
    pub paths: BTreeSet<Vec<u8>>,
    pub bytes: u64,
    /// All files with content that could be chosen were larger than the limit, so the smallest one was.
    pub is_over: bool,
}

impl Sampler {
    /// Another seed chooses other files.
    pub fn new(seed: &str, most_files: Option<u64>, most_bytes: Option<u64>) -> Sampler {
        let most = most_files.and_then(|most| usize::try_from(most).ok());
        Sampler {
            seed: seed.to_owned(),
            most_files: most.unwrap_or(MOST_FILES),
            most_bytes,
            chosen: BinaryHeap::new(),
            smallest: None,
        }
    }

    /// There is such a file.
    pub fn offer(&mut self, path: &[u8], size: u64) {
        if size > 0
            && self
                .smallest
                .as_ref()
                .is_none_or(|(least, _)| size < *least)
        {
            self.smallest = Some((size, path.to_vec()));
        }
        let hash = Id::of(&[self.seed.as_bytes(), b"\0", path].concat());
        if self.chosen.len() < self.most_files {
            self.chosen.push((hash, path.to_vec(), size));
        } else if self.chosen.peek().is_some_and(|(last, ..)| hash < *last) {
            self.chosen.pop();
            self.chosen.push((hash, path.to_vec(), size));
        }
    }

    /// The choice among all that were offered. It has content, if one of them has.
    pub fn finish(self) -> Sample {
        let mut sample = Sample::default();
        for (_, path, size) in self.chosen.into_sorted_vec() {
            let bytes = sample.bytes.saturating_add(size);
            if self.most_bytes.is_none_or(|most| bytes <= most) {
                sample.bytes = bytes;
                sample.paths.insert(path);
            }
        }
        if sample.bytes == 0
            && let Some((size, path)) = self.smallest
        {
            // An empty file shows nothing, and makes room for one with content.
            if sample.paths.len() >= self.most_files {
                sample.paths.pop_last();
            }
            sample.is_over = self.most_bytes.is_some_and(|most| size > most);
            sample.bytes = size;
            sample.paths.insert(path);
        }
        sample
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(seed: &str, files: Option<u64>, bytes: Option<u64>) -> Sample {
        let mut sampler = Sampler::new(seed, files, bytes);
        for number in 0..1000_u64 {
            sampler.offer(format!("/dir/{number}").as_bytes(), number % 10);
        }
        sampler.finish()
    }

    #[test]
    fn the_same_seed_chooses_the_same_files_and_another_one_others() {
        let one = sample("7", Some(20), None);
        assert_eq!(one.paths.len(), 20);
        assert_eq!(one, sample("7", Some(20), None));
        let other = sample("8", Some(20), None);
        assert!(one.paths.intersection(&other.paths).count() < 10);
    }

    #[test]
    fn the_choice_keeps_to_both_limits_and_passes_over_what_does_not_fit() {
        let by_bytes = sample("7", None, Some(100));
        assert!(by_bytes.bytes <= 100 && by_bytes.paths.len() > 20);
        let both = sample("7", Some(3), Some(1_000));
        assert_eq!(both.paths.len(), 3);
        let mut sampler = Sampler::new("x", None, Some(10));
        sampler.offer(b"/large", 1_000_000);
        sampler.offer(b"/small", 10);
        assert_eq!(sampler.finish().paths, BTreeSet::from([b"/small".to_vec()]));
    }

    #[test]
    fn a_sample_has_content_if_a_file_has() {
        let mut sampler = Sampler::new("x", None, Some(1));
        sampler.offer(b"/large", 1_000_000);
        sampler.offer(b"/less", 1_000);
        let sample = sampler.finish();
        assert_eq!(sample.paths, BTreeSet::from([b"/less".to_vec()]));
        assert!(sample.is_over && sample.bytes == 1_000);
        let mut sampler = Sampler::new("x", Some(1), None);
        for number in 0..100 {
            sampler.offer(format!("/{number}").as_bytes(), 0);
        }
        sampler.offer(b"/content", 7);
        let sample = sampler.finish();
        assert_eq!(sample.paths, BTreeSet::from([b"/content".to_vec()]));
        assert!(!sample.is_over);
    }

    #[test]
    fn all_files_are_chosen_equally_often() {
        let mut first_half = 0;
        for seed in 0..200 {
            let sample = sample(&seed.to_string(), Some(10), None);
            let is_first = |path: &&Vec<u8>| path.len() < b"/dir/500".len() || path[5] < b'5';
            first_half += sample.paths.iter().filter(is_first).count();
        }
        // 2000 choices, of which half are expected to be there.
        assert!((850..1150).contains(&first_half), "{first_half}");
    }

    #[test]
    fn nothing_offered_is_nothing_chosen() {
        assert_eq!(
            Sampler::new("", Some(5), Some(5)).finish(),
            Sample::default()
        );
    }
}
