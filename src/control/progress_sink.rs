//! Who hears of the progress of running actions.

use super::layout::Layout;
use super::progress::{self, ProgressFile};

/// A sink of progress.
pub trait ProgressSink: Send + Sync {
    /// An action is this far; also when it starts.
    fn progress(&self, progress: &ProgressFile);

    /// The attempt is over.
    fn ended(&self, run: u64);
}

/// Keeps the files that `list` and `show` read.
pub struct ProgressFiles {
    layout: Layout,
}

impl ProgressFiles {
    /// Writes below this layout's runtime directory.
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

/// Tells several.
pub struct AllSinks(pub Vec<std::sync::Arc<dyn ProgressSink>>);

impl ProgressSink for AllSinks {
    fn progress(&self, progress: &ProgressFile) {
        self.0.iter().for_each(|sink| sink.progress(progress));
    }

    fn ended(&self, run: u64) {
        self.0.iter().for_each(|sink| sink.ended(run));
    }
}
