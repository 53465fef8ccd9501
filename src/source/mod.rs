//! What can be backed up.

pub mod patterns;
