//! Backups by the engine: what they put into a repository, judged by `restic` and by reading everything back.

#[path = "../odd_tree/mod.rs"]
mod odd_tree;
#[path = "../restic_support/mod.rs"]
mod restic_support;

mod changing;
mod damage;
mod interrupted;
mod random;
mod rustic;
mod same_trees;
mod selected;
mod support;
