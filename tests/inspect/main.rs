//! `ls`, `find`, `diff`, `dump`, `stats`, `key` and `unlock`, with both versions of restic as the judges.

mod damage;
mod diff;
mod dump;
mod find;
#[path = "../harness/mod.rs"]
mod harness;
mod hostile;
mod keys;
mod locks;
mod ls;
mod not_compared;
mod prompt;
#[path = "../restic_support/mod.rs"]
mod restic_support;
#[path = "../samples/mod.rs"]
mod samples;
mod stats;
mod support;
