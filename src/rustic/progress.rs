//! The engine's progress bars, turned into calls of a [`Monitor`].

use std::fmt;
use std::sync::Arc;

use rustic_core::{Progress, ProgressBars, ProgressType, RusticProgress};

use super::monitor::Monitor;

/// Makes a bar for each stretch of the engine's work.
pub(super) struct Bars(Arc<dyn Monitor>);

impl Bars {
    pub fn new(monitor: Arc<dyn Monitor>) -> Self {
        Bars(monitor)
    }
}

/// What the engine calls work on the list of snapshots: a moment at the end of everything else, whose numbers would
/// hide those that matter.
const PASSING: [&str; 3] = ["getting", "saving snapshots", "removing snapshots"];

impl fmt::Debug for Bars {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Bars")
    }
}

impl ProgressBars for Bars {
    fn progress(&self, kind: ProgressType, prefix: &str) -> Progress {
        let phase = prefix.trim_end_matches('.');
        // Bars without a name are the engine's own housekeeping.
        if phase.is_empty() || PASSING.iter().any(|passing| phase.starts_with(passing)) {
            return Progress::hidden();
        }
        self.0.phase(phase);
        Progress::new(Bar {
            monitor: Arc::clone(&self.0),
            bytes: matches!(kind, ProgressType::Bytes),
        })
    }
}

/// One stretch of work.
struct Bar {
    monitor: Arc<dyn Monitor>,
    /// It counts bytes; other counters (trees, index files) are of no use to a reader.
    bytes: bool,
}

impl fmt::Debug for Bar {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Bar")
    }
}

impl RusticProgress for Bar {
    fn is_hidden(&self) -> bool {
        false
    }

    fn set_length(&self, length: u64) {
        if self.bytes {
            self.monitor.total(None, Some(length));
        }
    }

    fn set_title(&self, _: &str) {}

    fn inc(&self, step: u64) {
        if self.bytes {
            self.monitor.advance(0, step);
        } else {
            self.monitor.pulse();
        }
    }

    fn finish(&self) {}
}
