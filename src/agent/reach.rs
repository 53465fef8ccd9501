//! How an action reaches the files of its container: within its limits.

use std::sync::Arc;

use super::report::{Reporter, log};
use crate::job::action::Bandwidth;
use crate::storage::Storage;
use crate::storage::limit::{Limited, Limits, Pace};
use crate::units;

/// The way to a container. The default has no limits.
#[derive(Clone, Debug, Default)]
pub struct Reach {
    pace: Option<Arc<Pace>>,
}

impl Reach {
    /// The way with these limits, which the log names. What passes counts as progress.
    pub fn new(bandwidth: Bandwidth, reporter: &Arc<Reporter>) -> Reach {
        if bandwidth.is_unlimited() {
            return Reach::default();
        }
        log(&said(bandwidth));
        let reporter = Arc::clone(reporter);
        let limits = Limits {
            upload: bandwidth.upload,
            download: bandwidth.download,
        };
        // It is alive, and nothing more is done yet.
        let pace = Pace::new(limits, move || reporter.advance(0, 0));
        Reach {
            pace: Some(Arc::new(pace)),
        }
    }

    /// The storage as the action uses it.
    pub fn storage(&self, storage: Arc<dyn Storage>) -> Arc<dyn Storage> {
        match &self.pace {
            Some(pace) => Arc::new(Limited::new(storage, Arc::clone(pace))),
            None => storage,
        }
    }
}

fn said(bandwidth: Bandwidth) -> String {
    let limits = [(bandwidth.upload, "to"), (bandwidth.download, "from")];
    let limits = limits.into_iter().filter_map(|(limit, way)| {
        let rate = units::memory(limit?.get());
        Some(format!("at most {rate}/s {way} the container"))
    });
    limits.collect::<Vec<_>>().join(", ")
}
