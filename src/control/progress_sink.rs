//! The receivers of the progress of running actions.

use super::layout::Layout;
use super::progress::{self, ProgressFile};

/// Receives the progress of running actions.
pub trait ProgressSink: Send + Sync {
    /// Called when an action starts, and when its progress changes.
    fn progress(&self, progress: &ProgressFile);

    /// Called when the attempt of a run is over.
    fn ended(&self, run: u64);
}

/// Writes the progress files that `list` and `show` read.
pub struct ProgressFiles {
    layout: Layout,
}

impl ProgressFiles {
    /// Writes into the runtime directory of this layout.
    pub fn new(layout: &Layout) -> ProgressFiles {
        ProgressFiles {
            layout: layout.clone(),
        }
    }
}

impl ProgressSink for ProgressFiles {
    fn progress(&self, progress: &ProgressFile) {
        if let Err(error) = progress.write(&self.layout) {
            tracing::debug!("cannot write the progress of run {}: {error}", progress.run);
        }
    }

    fn ended(&self, run: u64) {
        progress::clear(&self.layout, run);
    }
}

/// Passes everything on to several sinks.
pub struct AllSinks(pub Vec<std::sync::Arc<dyn ProgressSink>>);

impl ProgressSink for AllSinks {
    fn progress(&self, progress: &ProgressFile) {
        self.0.iter().for_each(|sink| sink.progress(progress));
    }

    fn ended(&self, run: u64) {
        self.0.iter().for_each(|sink| sink.ended(run));
    }
}
