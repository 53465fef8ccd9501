//! freezerd: a backup scheduler for a single server.
//!
//! `docs/design.md` describes the modules ("rooms") and which of them each may import.

// `tests/samples` names this crate `freezerd`. With this line, the unit tests can use it as a module too.
#[cfg(test)]
extern crate self as freezerd;

#[cfg(test)]
#[path = "../tests/samples/mod.rs"]
mod samples;

pub mod agent;
pub mod archive;
pub mod cli;
pub mod config;
pub mod control;
pub mod daemon;
pub mod escape;
pub mod inspect;
pub mod intake;
pub mod job;
pub mod keep;
pub mod kill_point;
pub mod ledger;
pub mod lifecycle;
pub mod limits;
pub mod location;
pub mod os;
pub mod protocol;
pub mod record;
pub mod repository;
pub mod restore;
pub mod schedule;
pub mod secret;
pub mod source;
pub mod status;
pub mod storage;
pub mod tell;
pub mod units;
