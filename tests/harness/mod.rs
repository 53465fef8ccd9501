//! A host with its own freezerd: the real binary in a temporary root directory.
//!
//! `Host::new().job("nightly", json!({…})).once()` runs what is due. `host.start()` starts the daemon; tests wait for
//! lines of its log, not for time. A command waits at a [`Gate`] until the test lets it pass. [`Host::sleep_through`]
//! moves the ledger of a stopped daemon into the past, as if the daemon had been down for that long.

#![allow(dead_code, unused_imports, reason = "each test file uses its own part")]

mod clock;
mod daemon;
mod gate;
mod hold;
mod host;
mod jobs;
mod look;
mod ran;

use std::time::Duration;

pub use clock::Clock;
pub use daemon::{Daemon, LogLine};
pub use gate::Gate;
pub use hold::hold;
pub use host::Host;
pub use jobs::{backup, every, exec, now, once, restore, someday};
pub use look::{eventually, is_alive, is_root, tree};
pub use ran::Ran;

/// How long a test waits for anything before it fails. Everything takes far less time.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The id of a user who owns no files.
pub const NOBODY: u32 = 65534;
