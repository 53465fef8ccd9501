//! A host with a freezerd of its own: the real binary in a temporary root.
//!
//! `Host::new().job("nightly", json!({…})).once()` runs what is due; `host.start()` runs the daemon, and its log is
//! waited on instead of time. A [`Gate`] holds a command until the test lets it pass, and [`Host::sleep_through`]
//! moves a stopped daemon's ledger into the past, as if it had been down for that long.

#![allow(dead_code, unused_imports, reason = "each test file uses its own part")]

mod clock;
mod daemon;
mod gate;
mod host;
mod jobs;
mod look;
mod ran;

use std::time::Duration;

pub use clock::Clock;
pub use daemon::{Daemon, LogLine};
pub use gate::Gate;
pub use host::Host;
pub use jobs::{backup, every, exec, now, once, restore, someday};
pub use look::{eventually, is_alive, is_root, tree};
pub use ran::Ran;

/// How long anything may take before a test gives up. Far more than it ever does.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A user that owns nothing on this machine.
pub const NOBODY: u32 = 65534;
