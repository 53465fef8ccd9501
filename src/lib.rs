//! freezerd: a backup scheduler for a single server.
//!
//! The rooms, from the top down; each imports only rooms below it (the agent stands beside the daemon, not under
//! it). `docs/design.md` tells the whole story.

pub mod intake;
pub mod job;
pub mod protocol;
pub mod schedule;
