//! Compares what happened with what should have happened.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use freezerd::record::{RunState, Standing};
use freezerd::schedule::zone::Zone;
use freezerd::schedule::{CatchUp, Kind};

use super::super::ledger::{Reckoned, Row};
use super::super::shadow::{Shadow, delay};
use super::World;

impl World {
    /// The host has moved to another zone.
    pub(super) fn move_shadows(
        &mut self,
        zone: &Zone,
        now: Option<DateTime<Utc>>,
        last: DateTime<Utc>,
        rows_before: u64,
    ) {
        let mut shadows = std::mem::take(&mut self.shadows);
        for (job_id, shadow) in &mut shadows {
            let reach = self.reach(shadow, last);
            let rows = self.rows(job_id);
            shadow.move_to(zone, now, reach, &rows, rows_before, self.peaks.len());
        }
        self.shadows = shadows;
    }

    fn rows(&self, job_id: &str) -> Vec<Row> {
        let books = self.ledger.0.borrow();
        books.due_rows.get(job_id).cloned().unwrap_or_default()
    }

    /// The clock was set back. For some jobs a new stretch begins.
    pub(super) fn heed_step_back(&mut self, last: DateTime<Utc>) {
        let rows_before = self.ledger.0.borrow().last_run;
        let mut shadows = std::mem::take(&mut self.shadows);
        for (job_id, shadow) in &mut shadows {
            let reach = self.reach(shadow, last);
            let rows = self.rows(job_id);
            let peaks = self.peaks.len();
            let corrected = shadow.heed_step_back(self.now, reach, &rows, rows_before, peaks);
            self.tally.corrections += u64::from(corrected);
        }
        self.shadows = shadows;
    }

    /// Updates the shadows after a commit, and checks what was written.
    pub(super) fn follow(&mut self, at_boot: bool) {
        let touched = std::mem::take(&mut self.ledger.0.borrow_mut().touched);
        for job_id in touched {
            self.follow_job(&job_id, at_boot);
        }
        let cut = std::mem::take(&mut self.ledger.0.borrow_mut().cut);
        for cut in cut {
            let made_up = self.ledger.0.borrow().made_up.contains(&cut.run);
            let excused = cut.before.as_ref().is_none_or(|job| {
                job.pending.is_some()
                    || job.file.is_none()
                    || job.run.is_none_or(|run| run.aborting)
            }) || !self.ledger.0.borrow().jobs.contains_key(&cut.job_id)
                || self.jobs[&cut.job_id].schedule.catch_up() != CatchUp::Once;
            assert!(
                made_up || excused,
                "run {} of {} was cut off and is not made up for",
                cut.run,
                cut.job_id
            );
        }
    }

    fn follow_job(&mut self, job_id: &str, at_boot: bool) {
        let record = self.ledger.0.borrow().jobs.get(job_id).cloned();
        let rows = self.rows(job_id);
        let rows_before = self.ledger.0.borrow().last_run;
        let last_heard = if at_boot { self.last_alive } else { self.now };
        let Some(record) = record else {
            if let Some(mut shadow) = self.shadows.remove(job_id) {
                let reach = self.reach(&shadow, last_heard);
                shadow.close(reach, &rows);
            }
            return;
        };
        let job = Arc::clone(&self.jobs[job_id]);
        let known = self
            .shadows
            .remove(job_id)
            .filter(|shadow| shadow.created == record.created);
        let first_seen = known.is_none();
        let mut shadow = known.unwrap_or_else(|| Shadow::new(Arc::clone(&job), record.created));
        let on_schedule = record.standing == Standing::OnSchedule;
        let rescheduled = shadow.job.schedule != job.schedule;
        shadow.job = Arc::clone(&job);
        let mut over = None;
        if shadow.stretch.is_some() && (rescheduled || !on_schedule) {
            let finished = record.standing == Standing::Finished && !rescheduled;
            let reach = self.reach(&shadow, if finished { self.now } else { last_heard });
            assert!(
                !finished || !shadow.has_more(reach),
                "{job_id} is finished although more is to come: {}",
                job.document
            );
            over = shadow.end(reach).map(|stretch| (stretch, reach));
        }
        let continuous = job.schedule.kind() == Kind::Continuous;
        // A date has just passed and does not run. The job was on its schedule for no time.
        let over_at_once = record.standing == Standing::Finished && (rescheduled || first_seen);
        if (on_schedule || over_at_once) && shadow.stretch.is_none() && !continuous {
            shadow.open(self.now, &self.zone, rows_before, self.peaks.len());
        }
        // One message may have written rows of both the old and the new stretch.
        let mut boundary = rows_before;
        if let Some(stretch) = &shadow.stretch {
            let new = rows
                .iter()
                .rev()
                .take_while(|row| row.number > self.rows_before_message && stretch.owns(row));
            if let Some(row) = new.last() {
                boundary = row.number - 1;
            }
        }
        if let Some(stretch) = &mut shadow.stretch
            && stretch.rows_before == rows_before
        {
            stretch.rows_before = boundary;
        }
        if let Some((stretch, reach)) = over {
            let end = rows.partition_point(|row| row.number <= boundary);
            stretch.judge(reach, &rows[..end]);
        }
        if !on_schedule {
            shadow.close(self.now, &rows);
        }
        if continuous && on_schedule && record.run.is_none() {
            let longest = TimeDelta::seconds(3601) + delay(&job);
            assert!(
                record.next.is_some_and(|next| next <= self.now + longest),
                "{job_id} is continuous and does not go on"
            );
        }
        if let Some(run) = record.run {
            assert!(
                self.ledger.0.borrow().open.contains_key(&run.number),
                "{job_id} is busy with a run that is over"
            );
        }
        self.shadows.insert(job_id.to_owned(), shadow);
    }

    /// The end: checks every current stretch, and that every run that shows as running runs.
    pub fn judge(&mut self) {
        self.ledger.0.borrow_mut().broken = false;
        self.repaired_at = None;
        self.tick();
        self.deliver_the_rest();
        for (job_id, mut shadow) in std::mem::take(&mut self.shadows) {
            let reach = self.reach(&shadow, self.now);
            let rows = self.rows(&job_id);
            shadow.close(reach, &rows);
        }
        let books = self.ledger.0.borrow();
        for (job_id, record) in &books.jobs {
            let continuous = self.jobs[job_id].schedule.kind() == Kind::Continuous;
            if continuous && record.standing == Standing::OnSchedule && record.run.is_none() {
                let next = record.next.expect("it has a next run");
                assert!(
                    next <= self.now + TimeDelta::seconds(3601),
                    "{job_id} rests"
                );
            }
            assert!(
                !continuous || record.standing != Standing::Finished,
                "{job_id} is continuous and finished"
            );
        }
        let mut owing = 0;
        for (job_id, record) in &books.jobs {
            let reckoned = &books.reckoned[job_id];
            let rows = record.past.rows;
            let told = Reckoned {
                success: rows.success,
                interrupted: rows.interrupted,
                skipped: rows.skipped,
                others: rows.partial + rows.fail + rows.aborted,
                last_success: record.past.last_success,
                owed_since: record.past.owed_since,
            };
            assert_eq!(&told, reckoned, "{job_id} does not remember its past");
            owing += u64::from(record.past.owed_since.is_some());
        }
        println!("{owing} of {} jobs owe a success", books.jobs.len());
        for (number, run) in &books.open {
            if matches!(run.state, RunState::Running { .. }) {
                assert!(
                    self.agents.contains_key(number),
                    "run {number} shows as running, and nothing runs"
                );
            }
        }
        assert_eq!(
            books.manual, self.triggered,
            "each accepted trigger is one row"
        );
    }
}
