//! What the daemon says of a job file that was just written.

use std::time::{Duration, Instant};

use crate::cli::ledger_view;
use crate::config::Settings;
use crate::record::FileVerdict;

/// How long the daemon has to read a new file.
const PATIENCE: Duration = Duration::from_secs(5);

/// The pause between two reads of the ledger.
const PAUSE: Duration = Duration::from_millis(20);

/// What the daemon says.
pub enum Verdict {
    /// No daemon runs.
    NoDaemon,
    Loaded,
    /// It does not load the file. The faults are drawn for people.
    Invalid(String),
    /// It has not read the file: perhaps it watches another directory.
    NotRead,
}

/// Waits until the daemon has read the file of this name.
pub fn verdict(settings: &Settings, name: &str) -> Verdict {
    let asked = Instant::now();
    while asked.elapsed() < PATIENCE {
        let Ok(ledger) = ledger_view::open(settings) else {
            return Verdict::NoDaemon;
        };
        if !ledger.daemon {
            return Verdict::NoDaemon;
        }
        let files = ledger.reader.files().unwrap_or_default();
        match files
            .into_iter()
            .find(|it| it.file == name)
            .map(|it| it.verdict)
        {
            None => {}
            Some(FileVerdict::Invalid { report, .. }) => return Verdict::Invalid(report),
            Some(FileVerdict::Loaded { .. } | FileVerdict::Foreign { .. }) => {
                return Verdict::Loaded;
            }
        }
        drop(ledger);
        std::thread::sleep(PAUSE);
    }
    Verdict::NotRead
}
