//! The engine's progress bars, turned into calls of an [`Observer`].

use std::fmt;
use std::sync::Arc;

use rustic_core::{Progress, ProgressBars, ProgressType, RusticProgress};

use super::engine_text;
use super::observer::Observer;

/// Makes a bar for each phase of the engine's work.
pub(super) struct Bars(Arc<dyn Observer>);

impl Bars {
    /// Bars that tell this observer.
    pub fn new(observer: Arc<dyn Observer>) -> Self {
        Bars(observer)
    }
}

impl fmt::Debug for Bars {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Bars")
    }
}

impl ProgressBars for Bars {
    fn progress(&self, kind: ProgressType, title: &str) -> Progress {
        let Some(phase) = engine_text::phase(title) else {
            return Progress::hidden();
        };
        self.0.phase(phase);
        Progress::new(Bar {
            observer: Arc::clone(&self.0),
            bytes: matches!(kind, ProgressType::Bytes),
        })
    }
}

/// One phase of work.
struct Bar {
    observer: Arc<dyn Observer>,
    /// It counts bytes. Other counts (trees, index files) do not help a reader.
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
            self.observer.total(None, Some(length));
        }
    }

    fn set_title(&self, _: &str) {}

    fn inc(&self, step: u64) {
        if self.bytes {
            self.observer.advance(0, step);
        } else {
            self.observer.pulse();
        }
    }

    fn finish(&self) {}
}
