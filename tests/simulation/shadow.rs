//! What a job should have done, computed independently of the scheduler from what happened to the job. The time is
//! split into stretches, in which the job was on one schedule in one zone. Every instant that became due in a stretch
//! must have a row.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use freezerd::job::Job;
use freezerd::schedule::Kind;
use freezerd::schedule::zone::Zone;

use super::ledger::Row;

const TICK: TimeDelta = TimeDelta::milliseconds(1);
const CORRECTED: TimeDelta = TimeDelta::hours(3);

/// What is expected of one job.
pub struct Shadow {
    pub job: Arc<Job>,
    pub created: DateTime<Utc>,
    /// The current stretch. `None` while the job is not on its schedule.
    pub stretch: Option<Stretch>,
    /// Every instant up to this one was handled.
    handled: DateTime<Utc>,
}

/// A stretch of time in which the job was on its schedule.
pub struct Stretch {
    job: Arc<Job>,
    zone: Zone,
    delay: TimeDelta,
    anchor: DateTime<Utc>,
    after: DateTime<Utc>,
    /// Rows with a higher number belong to this stretch.
    pub rows_before: u64,
    /// The length of the world's list of backward clock steps when the stretch began.
    pub peaks_before: usize,
    /// The stretch began while freezerd was down, and the scheduler has not read the clock in it yet.
    pub unseen: bool,
}

pub fn delay(job: &Job) -> TimeDelta {
    TimeDelta::from_std(job.schedule.jitter_delay("host", &job.id)).expect("a short jitter")
}

impl Shadow {
    pub fn new(job: Arc<Job>, created: DateTime<Utc>) -> Shadow {
        Shadow {
            job,
            created,
            stretch: None,
            handled: DateTime::<Utc>::MIN_UTC,
        }
    }

    /// The job begins to be on its schedule at `now`.
    pub fn open(&mut self, now: DateTime<Utc>, zone: &Zone, rows_before: u64, peaks_before: usize) {
        let delay = delay(&self.job);
        let begin = now - delay - TICK;
        let mut after = if self.handled > begin + CORRECTED {
            begin
        } else {
            self.handled.max(begin)
        };
        let schedule = &self.job.schedule;
        let anchor = match schedule.kind() {
            Kind::None | Kind::Continuous => now,
            _ => self.created,
        };
        if schedule.kind() == Kind::Date
            && let Some(date) = schedule.next_after(DateTime::<Utc>::MIN_UTC, anchor, zone)
            && date <= now
        {
            after = if now - date <= TimeDelta::hours(1) {
                date - TICK
            } else {
                after.max(date)
            };
        }
        self.stretch = Some(Stretch {
            job: Arc::clone(&self.job),
            zone: zone.clone(),
            delay,
            anchor,
            after,
            rows_before,
            peaks_before,
            unseen: false,
        });
    }

    /// The last due instant that the clock has reached, or what was handled before.
    fn handled_by(&self, reach: DateTime<Utc>) -> DateTime<Utc> {
        match &self.stretch {
            None => self.handled,
            Some(stretch) => stretch
                .job
                .schedule
                .due_between(
                    stretch.after,
                    reach - stretch.delay,
                    stretch.anchor,
                    &stretch.zone,
                )
                .map_or(stretch.after, |due| due.last),
        }
    }

    /// The job leaves its schedule or gets another one, when the clock had reached `reach` in this stretch. Checks that
    /// every instant that had become due has its row.
    pub fn close(&mut self, reach: DateTime<Utc>, rows: &[Row]) {
        if let Some(stretch) = self.end(reach) {
            stretch.judge(reach, rows);
        }
    }

    /// The same without the check. Returns the stretch, to be checked later.
    pub fn end(&mut self, reach: DateTime<Utc>) -> Option<Stretch> {
        let unseen = self.stretch.as_ref().filter(|stretch| stretch.unseen);
        if let Some(stretch) = unseen {
            self.handled = stretch.after;
            self.stretch = None;
            return None;
        }
        self.handled = self.handled_by(reach);
        self.stretch.take()
    }

    /// Whether the schedule has another occurrence in this stretch.
    pub fn has_more(&self, reach: DateTime<Utc>) -> bool {
        let handled = self.handled_by(reach);
        self.stretch.as_ref().is_some_and(|stretch| {
            stretch
                .job
                .schedule
                .next_after(handled, stretch.anchor, &stretch.zone)
                .is_some()
        })
    }

    /// The clock was set back to `now`. If that is by more than three hours, a new stretch begins.
    pub fn heed_step_back(
        &mut self,
        now: DateTime<Utc>,
        reach: DateTime<Utc>,
        rows: &[Row],
        rows_before: u64,
        peaks_before: usize,
    ) -> bool {
        let Some(stretch) = &self.stretch else {
            return false;
        };
        let (delay, anchor, zone) = (stretch.delay, stretch.anchor, stretch.zone.clone());
        if self.handled_by(reach) <= now - delay + CORRECTED {
            return false;
        }
        self.close(reach, rows);
        self.stretch = Some(Stretch {
            job: Arc::clone(&self.job),
            zone,
            delay,
            anchor: anchor.min(now),
            after: now - delay - TICK,
            rows_before,
            peaks_before,
            unseen: false,
        });
        true
    }

    /// The host is in another zone from `now` on. `None` means that the zone changed while freezerd was down.
    pub fn move_to(
        &mut self,
        zone: &Zone,
        now: Option<DateTime<Utc>>,
        reach: DateTime<Utc>,
        rows: &[Row],
        rows_before: u64,
        peaks_before: usize,
    ) {
        let Some(stretch) = &self.stretch else { return };
        if stretch.job.schedule.zone().is_some() {
            return;
        }
        let (delay, anchor, kind) = (stretch.delay, stretch.anchor, stretch.job.schedule.kind());
        let long_ago = DateTime::<Utc>::MIN_UTC;
        let date = |zone: &Zone| self.job.schedule.next_after(long_ago, anchor, zone);
        let (was, is) = (date(&stretch.zone), date(zone));
        self.close(reach, rows);
        let after = match (now, kind) {
            (Some(now), Kind::Calendar | Kind::Interval) => self.handled.max(now - delay - TICK),
            (Some(_), Kind::Date) => match (was, is) {
                (Some(was), Some(is)) if was <= self.handled => self.handled.max(is),
                (_, Some(is)) => self.handled.min(is - TICK),
                _ => self.handled,
            },
            _ => self.handled,
        };
        self.stretch = Some(Stretch {
            job: Arc::clone(&self.job),
            zone: zone.clone(),
            delay,
            anchor,
            after,
            rows_before,
            peaks_before,
            unseen: now.is_none(),
        });
    }
}

impl Stretch {
    /// Whether a row that was written when this stretch began can belong to it.
    pub fn owns(&self, row: &Row) -> bool {
        row.last > self.after
            && (self.job.schedule.kind() != Kind::Date || row.last == self.after + TICK)
    }

    pub fn judge(&self, reach: DateTime<Utc>, rows: &[Row]) {
        let job_id = &self.job.id;
        let begin = rows.partition_point(|row| row.number <= self.rows_before);
        let (earlier, rows) = rows.split_at(begin);
        for row in rows {
            assert!(
                row.claimed >= row.last + self.delay,
                "{job_id}: run {} is early",
                row.number
            );
        }
        let mut rows = rows.iter();
        let mut row = rows.next();
        let mut inside = 0;
        let mut after = self.after;
        while let Some(due) = self.job.schedule.next_after(after, self.anchor, &self.zone) {
            if due + self.delay > reach {
                break;
            }
            after = due;
            match row {
                Some(current) if current.first <= due && due <= current.last => {
                    inside += 1;
                    if due == current.last {
                        assert_eq!(
                            inside, current.covers,
                            "{job_id}: run {} says how many instants it stands for",
                            current.number
                        );
                        inside = 0;
                        row = rows.next();
                    }
                }
                // The clock was at this instant before. The row from then is valid.
                _ if earlier
                    .iter()
                    .rev()
                    .any(|row| row.first <= due && due <= row.last) => {}
                _ => panic!(
                    "{job_id}: nothing stands for {due}, in a stretch after {} up to {reach}; the next row is {row:?}, \
                     the document {}",
                    self.after, self.job.document,
                ),
            }
        }
        assert!(
            row.is_none(),
            "{job_id}: {row:?} stands for an instant that was not due after {} up to {reach}, document {}",
            self.after,
            self.job.document,
        );
    }
}
