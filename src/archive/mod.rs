//! From a source to one snapshot in a repository.

pub mod chunker;
