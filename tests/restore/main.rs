//! The restore engine: what comes out of a snapshot, and what happens to what exists, is damaged or is hostile.

#[path = "../restic_support/mod.rs"]
#[allow(dead_code)] // Each test program uses a part of it.
mod restic_support;

mod attributes;
mod damage;
mod delete;
mod dry_run;
mod existing;
mod far;
mod hostile;
mod killed;
mod made;
mod once;
mod random;
mod restic;
mod selection;
mod support;
