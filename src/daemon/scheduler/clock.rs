//! What the scheduler makes of a clock that does not just go on: set back, set right, moved to another zone.

use chrono::{DateTime, TimeDelta, Utc};

use super::Scheduler;
use super::notice::Notice;
use crate::ledger::Ledger;
use crate::lifecycle::job as life;
use crate::schedule::zone::Zone;

/// Readings that go back by less than this are left alone: no due instant is that exact.
const NOTABLE: TimeDelta = TimeDelta::seconds(2);

impl<L: Ledger> Scheduler<L> {
    /// After a step back of the clock every job is looked at again, not only those whose time has come.
    pub(super) fn heed_clock(&mut self, now: DateTime<Utc>) {
        let stepped_back = self
            .latest
            .replace(now)
            .is_some_and(|latest| latest.signed_duration_since(now) > NOTABLE);
        if stepped_back && self.settled {
            self.look_at_every_job(now);
        }
    }

    /// Brings every job in line with a clock that may be anywhere.
    pub(super) fn look_at_every_job(&mut self, now: DateTime<Utc>) {
        self.shorten_retries(now);
        if self.stopping {
            return;
        }
        let all: Vec<String> = self.jobs.keys().cloned().collect();
        for job_id in all {
            self.tick_job(&job_id, now);
        }
    }

    /// The host's wall clock shows the time of another zone.
    pub(super) fn zone_changed(&mut self, zone: Zone, now: DateTime<Utc>) {
        let old_zone = std::mem::replace(&mut self.policy.zone, zone);
        let all: Vec<String> = self.jobs.keys().cloned().collect();
        for job_id in all {
            let Some(entry) = self.jobs.get(&job_id) else {
                continue;
            };
            let Some(job) = entry.job.clone() else {
                continue;
            };
            let clockwork = self.clockwork(&job, entry.delay);
            let step = life::zone_changed(entry.record.clone(), &old_zone, clockwork, now);
            self.apply(step, now);
        }
    }

    /// A job's schedule goes on from now; many do at once.
    pub(super) fn note_correction(&mut self, handled: DateTime<Utc>) {
        let (jobs, latest) = self.corrected.unwrap_or((0, handled));
        self.corrected = Some((jobs + 1, latest.max(handled)));
    }

    /// One warning for all of them.
    pub(super) fn report_corrections(&mut self, now: DateTime<Utc>) {
        if let Some((jobs, latest)) = self.corrected.take() {
            self.tell(Notice::Warning(format!(
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
