//! Makes the best of a damaged repository.

pub mod index;
mod rehearse;
pub mod snapshots;
mod suspects;
