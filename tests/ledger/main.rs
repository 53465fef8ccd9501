//! The ledger on disk: what it forgets, how it is exported and checked, and what happens when it is damaged.

mod damage;
#[path = "../harness/mod.rs"]
mod harness;
mod history;
mod messages;
mod record_format;
#[path = "../samples/mod.rs"]
mod samples;
mod state;
mod state_directory;
mod unreadable_values;
mod years;
