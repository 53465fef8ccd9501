//! A host whose clock a test can set.
//!
//! libfaketime provides the clock. It reads its offset from a file whenever a program asks for the time. Tests set the
//! clock to a later year, because the daemon doubts a clock that is behind the instants in the ledger.

use std::fs;
use std::path::PathBuf;

use chrono::{DateTime, Utc};
use rustix::process::Signal;

use super::{Daemon, Host};

/// A host whose clock a test can set.
pub struct Clock {
    /// The host. Every freezerd on it uses this clock.
    pub host: Host,
    file: PathBuf,
}

fn library() -> Option<PathBuf> {
    let places = fs::read_dir("/usr/lib").ok()?;
    let mut places: Vec<PathBuf> = places
        .filter_map(|entry| Some(entry.ok()?.path().join("faketime/libfaketimeMT.so.1")))
        .collect();
    places.push("/usr/lib/faketime/libfaketimeMT.so.1".into());
    places.into_iter().find(|place| place.exists())
}

impl Clock {
    /// A host whose clock shows this instant. `None`, with a line that says so, if libfaketime is not installed.
    pub fn at(instant: DateTime<Utc>) -> Option<Clock> {
        let Some(library) = library() else {
            println!("SKIPPED: libfaketime is not installed");
            return None;
        };
        let host = Host::new();
        let file = host.path("clock");
        let host = host
            .env("LD_PRELOAD", library.to_str().expect("a plain path"))
            .env(
                "FAKETIME_TIMESTAMP_FILE",
                file.to_str().expect("a plain path"),
            )
            .env("FAKETIME_NO_CACHE", "1")
            // libfaketime must not change timers and file times.
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
            .env("DONT_FAKE_MONOTONIC", "1")
            .env("NO_FAKE_STAT", "1");
        let clock = Clock { host, file };
        clock.set(instant);
        Some(clock)
    }

    /// Sets the clock.
    pub fn set(&self, instant: DateTime<Utc>) {
        let offset = (instant - Utc::now()).num_milliseconds() as f64 / 1000.0;
        let new = self.file.with_extension("new");
        fs::write(&new, format!("{offset:+.3}\n")).expect("the clock's file");
        fs::rename(new, &self.file).expect("the clock's file");
    }

    /// Stops the clock at an instant.
    pub fn stop_at(&self, instant: DateTime<Utc>) {
        let shown = instant.format("%Y-%m-%d %H:%M:%S");
        fs::write(&self.file, format!("{shown}\n")).expect("the clock's file");
    }

    /// Sets the clock of a running daemon, and makes it read the clock. The kernel would wake it for a real clock.
    pub fn step(&self, daemon: &Daemon, instant: DateTime<Utc>) {
        self.set(instant);
        daemon.signal(Signal::HUP);
    }
}
