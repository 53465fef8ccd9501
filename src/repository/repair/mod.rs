//! Makes the best of a damaged repository.

pub mod index;
