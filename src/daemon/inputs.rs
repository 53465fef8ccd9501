//! What the main loop waits for, beside signals and timers.

use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::Instant;

use super::clock::ClockSteps;
use super::directory_watch::DirectoryWatch;
use super::scheduler::Message;
use crate::config::Settings;
use crate::control::layout::Layout;

/// The jobs directory is read when it has been quiet for this long …
const QUIET: Duration = Duration::from_millis(100);
/// … or this long after its first change.
const QUIET_LIMIT: Duration = Duration::from_millis(700);

/// The sources of the loop's input.
pub(super) struct Inputs {
    /// The ends of attempts.
    pub(super) messages: UnboundedReceiver<Message>,
    /// The jobs directory may have changed.
    pub(super) jobs_hints: UnboundedReceiver<()>,
    /// There may be a new event file.
    pub(super) event_hints: UnboundedReceiver<()>,
    event_hinter: UnboundedSender<()>,
    pub(super) jobs_watch: DirectoryWatch,
    pub(super) events_watch: DirectoryWatch,
    /// When a changed jobs directory is read, and when at the latest.
    pub(super) settle: Option<(Instant, Instant)>,
    pub(super) clock_steps: ClockSteps,
}

impl Inputs {
    /// Begins to watch. `messages` brings the ends of attempts.
    pub(super) fn new(
        settings: &Settings,
        layout: &Layout,
        messages: UnboundedReceiver<Message>,
    ) -> Inputs {
        let (hint_jobs, jobs_hints) = unbounded_channel();
        let (hint_events, event_hints) = unbounded_channel();
        Inputs {
            messages,
            jobs_hints,
            event_hints,
            event_hinter: hint_events.clone(),
            jobs_watch: DirectoryWatch::new(&settings.jobs_dir, hint_jobs),
            events_watch: DirectoryWatch::new(&layout.events(), hint_events),
            settle: None,
            clock_steps: ClockSteps::listen(),
        }
    }

    /// Has the events read again, after what waits already.
    pub(super) fn hint_events(&self) {
        let _ = self.event_hinter.send(());
    }

    /// The jobs directory changed: it is read once it is quiet.
    pub(super) fn jobs_changed(&mut self) {
        let now = Instant::now();
        let latest = self.settle.map_or(now + QUIET_LIMIT, |(_, latest)| latest);
        self.settle = Some(((now + QUIET).min(latest), latest));
    }

    /// The jobs directory is read again after this pause, unless that is due already.
    pub(super) fn read_jobs_after(&mut self, pause: Duration) {
        let at = Instant::now() + pause;
        self.settle.get_or_insert((at, at));
    }
}
