//! Who hears of the progress of running actions.

use crate::control::layout::Layout;
use crate::control::progress::{self, ProgressFile};

/// A sink of progress.
pub trait Monitor: Send + Sync {
    /// An action is this far; also when it starts.
    fn progress(&self, progress: &ProgressFile);

    /// The attempt is over.
    fn ended(&self, run: u64);
}

/// Keeps the files that `list` and `show` read.
pub struct Files {
    layout: Layout,
}

impl Files {
    /// Writes below this layout's runtime directory.
    pub fn new(layout: &Layout) -> Files {
        Files {
            layout: layout.clone(),
        }
    }
}

impl Monitor for Files {
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
pub struct All(pub Vec<std::sync::Arc<dyn Monitor>>);

impl Monitor for All {
    fn progress(&self, progress: &ProgressFile) {
        self.0.iter().for_each(|monitor| monitor.progress(progress));
    }

    fn ended(&self, run: u64) {
        self.0.iter().for_each(|monitor| monitor.ended(run));
    }
}
