//! What the loop listens to.

use std::time::Duration;

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::Instant;

use super::clock::Steps;
use super::scheduler::Message;
use super::watch::Watch;

/// A directory that changes is read when it has been quiet for this long …
const QUIET: Duration = Duration::from_millis(100);
/// … or has not been for this long.
const IMPATIENCE: Duration = Duration::from_millis(700);

/// What the loop listens to, beside signals.
pub(super) struct Ears {
    pub(super) inbox: UnboundedReceiver<Message>,
    pub(super) jobs_hints: UnboundedReceiver<()>,
    pub(super) event_hints: UnboundedReceiver<()>,
    pub(super) jobs_watch: Watch,
    pub(super) events_watch: Watch,
    /// The jobs directory changed: when it is looked at, and when at the latest.
    pub(super) settle: Option<(Instant, Instant)>,
    pub(super) steps: Steps,
}

impl Ears {
    pub(super) fn jobs_changed(&mut self) {
        let now = Instant::now();
        let latest = self.settle.map_or(now + IMPATIENCE, |(_, latest)| latest);
        self.settle = Some(((now + QUIET).min(latest), latest));
    }

    pub(super) fn look_after(&mut self, pause: Duration) {
        let at = Instant::now() + pause;
        self.settle.get_or_insert((at, at));
    }
}
