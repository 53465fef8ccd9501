//! What a prune could not do, or found damaged, in words.

use super::advice;
use crate::repository::prune::Pruned;
use crate::units;

/// How many packs, or blobs, are named.
const MOST_NAMED: usize = 100;

/// One sentence for each thing that a person must know, with what to do about it.
pub fn prune_warnings(pruned: &Pruned) -> Vec<String> {
    let count = |list: usize, one, many| units::count(list as u64, one, many);
    let mut warnings = Vec::new();
    for unreadable in pruned.unreadable.iter().take(MOST_NAMED) {
        warnings.push(format!("{} cannot be read", unreadable.blob));
    }
    for pack in pruned.damaged.iter().take(MOST_NAMED) {
        warnings.push(format!("the pack {pack} is damaged, and stays"));
    }
    if !pruned.damaged.is_empty() {
        let repair = match pruned.unreadable.is_empty() {
            true => "freezerd repair",
            // Without reading, such a pack looks whole.
            false => "freezerd repair --read-data",
        };
        warnings.push(format!(
            "{} damaged; `{repair}` saves what can be read, and the next backup stores again what its files still have",
            count(pruned.damaged.len(), "pack is", "packs are")
        ));
    }
    for file in pruned.not_files.iter().take(MOST_NAMED) {
        warnings.push(advice::not_a_file(*file));
    }
    if !pruned.missing.is_empty() {
        warnings.push(format!(
            "{} that files need are missing from the container; `freezerd verify` says which files are lost",
            count(pruned.missing.len(), "piece", "pieces")
        ));
    }
    if pruned.no_space {
        warnings.push(advice::NO_SPACE.to_owned());
    }
    warnings
}
