//! What the scheduler does when the clock is set back, or the host's time zone changes.

use chrono::{DateTime, TimeDelta, Utc};

use super::Scheduler;
use super::notice::Notice;
use crate::ledger::Ledger;
use crate::lifecycle::job as life;
use crate::schedule::zone::Zone;

/// A step back by less than this is ignored: no due instant is that exact.
const NOTABLE: TimeDelta = TimeDelta::seconds(2);

/// What the scheduler remembers of the clock.
#[derive(Default)]
pub(super) struct ClockReadings {
    /// The last reading.
    latest: Option<DateTime<Utc>>,
    /// The jobs whose schedule goes on from now because the clock was set back a long way: how many, and the latest
    /// instant that one of them had handled.
    corrected: Option<(u64, DateTime<Utc>)>,
}

impl ClockReadings {
    /// Takes a reading; true when it is notably earlier than the last one.
    fn stepped_back(&mut self, now: DateTime<Utc>) -> bool {
        self.latest
            .replace(now)
            .is_some_and(|latest| latest.signed_duration_since(now) > NOTABLE)
    }

    /// Counts a job whose schedule goes on from now. One step back of the clock corrects many at once.
    pub(super) fn note_correction(&mut self, handled: DateTime<Utc>) {
        let (jobs, latest) = self.corrected.unwrap_or((0, handled));
        self.corrected = Some((jobs + 1, latest.max(handled)));
    }
}

impl<L: Ledger> Scheduler<L> {
    /// After a step back of the clock, checks every job, not only those that are due.
    pub(super) fn note_clock(&mut self, now: DateTime<Utc>) {
        if self.clock.stepped_back(now) && self.first_scan.is_none() {
            self.recheck_every_job(now);
        }
    }

    /// Brings every job in line with the clock, whatever it shows.
    pub(super) fn recheck_every_job(&mut self, now: DateTime<Utc>) {
        self.shorten_retries(now);
        self.hurry_messages(now);
        if self.is_stopping() {
            return;
        }
        for job_id in self.jobs.ids() {
            self.tick_job(&job_id, now);
        }
    }

    /// The host's wall clock shows the time of another zone.
    pub(super) fn zone_changed(&mut self, zone: Zone, now: DateTime<Utc>) {
        let old_zone = std::mem::replace(&mut self.policy.zone, zone);
        for job_id in self.jobs.ids() {
            self.advance(&job_id, now, |record, clockwork| {
                life::zone_changed(record, &old_zone, clockwork, now)
            });
        }
    }

    /// Gives one warning for all corrected jobs.
    pub(super) fn report_corrections(&mut self, now: DateTime<Utc>) {
        if let Some((jobs, latest)) = self.clock.corrected.take() {
            self.batch.notice(Notice::Warning(format!(
                "the clock was set back to {} from after {}: {} on from now",
                now.format("%F %T UTC"),
                latest.format("%F %T UTC"),
                if jobs == 1 {
                    "the schedule of 1 job goes".to_owned()
                } else {
                    format!("the schedules of {jobs} jobs go")
                }
            )));
        }
    }
}
