//! What the main loop looks for itself: changed files, new events, another time zone, a lost state directory.

use std::time::Duration;

use super::inputs::Inputs;
use super::main_loop::Daemon;
use super::scheduler::Message;
use super::{Critical, event_files};
use crate::schedule::zone::Zone;

/// The pause between two scans of a jobs directory that cannot be read: the kernel does not tell when it is back.
const UNTIL_READABLE: Duration = Duration::from_secs(1);

impl Daemon<'_> {
    /// The regular check of everything that may have changed without a hint.
    pub(super) fn rescan(&mut self, inputs: &mut Inputs) -> Result<(), Critical> {
        inputs.events_watch.renew();
        self.read_files(inputs)?;
        self.read_events()?;
        if self.settings.timezone.is_none() {
            let zone = Zone::local();
            if zone != self.zone {
                tracing::warn!(
                    "the host's time zone is {} now ({}); it was {}",
                    zone.name(),
                    zone.source(),
                    self.zone.name()
                );
                self.zone = zone.clone();
                self.handle(Message::Zone(zone))?;
            }
        }
        Ok(())
    }

    /// Scans the jobs directory, and gives its changes to the scheduler.
    pub(super) fn read_files(&mut self, inputs: &mut Inputs) -> Result<(), Critical> {
        if self.stopping {
            return Ok(());
        }
        // Another directory may have the name now. It is watched before it is scanned, so that no change is missed.
        inputs.jobs_watch.renew();
        let scan = self.jobs_dir.rescan();
        if scan.unsettled {
            inputs.jobs_changed();
        }
        if scan.unreadable {
            inputs.read_jobs_after(UNTIL_READABLE);
        }
        if scan.changes.is_empty() {
            return Ok(());
        }
        self.handle(Message::Files(scan.changes))
    }

    /// Gives waiting events to the scheduler. True if more may wait.
    pub(super) fn read_events(&mut self) -> Result<bool, Critical> {
        let (events, more) = event_files::waiting(&self.layout, &mut self.complaints);
        for event in events {
            self.handle(Message::Asked(event))?;
        }
        Ok(more)
    }

    /// One look answers all hints that have come so far.
    pub(super) fn events_changed(&mut self, inputs: &mut Inputs) -> Result<(), Critical> {
        while inputs.event_hints.try_recv().is_ok() {}
        if self.read_events()? {
            inputs.hint_events();
        }
        Ok(())
    }

    /// Looks for what no message tells: whether the state directory is the daemon's own, and what changed in
    /// directories that cannot be watched.
    pub(super) fn look_after(&mut self, inputs: &mut Inputs) -> Result<(), Critical> {
        self.guard.check()?;
        self.guard.prove()?;
        self.guard.mend()?;
        if inputs.events_watch.renew() || !inputs.events_watch.is_active() {
            self.read_events()?;
        }
        if !inputs.jobs_watch.is_active() {
            inputs.jobs_changed();
        }
        Ok(())
    }
}
