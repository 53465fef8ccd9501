//! When a job is due: pure functions of a schedule, an instant and a zone.
//!
//! [`Schedule::parse`] turns a job file's texts into a [`Schedule`], or into every fault they have. A schedule then
//! answers three questions: [what comes next](Schedule::next_after), [what came due meanwhile](Schedule::due_between)
//! and [what will come](Schedule::occurrences). None of them reads a clock. All work on nominal instants, to which
//! [`Schedule::jitter_delay`] is added by whoever starts the run.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest, Sha256};

pub mod fault;
pub mod interval;
pub mod landing;
pub mod moment;
pub mod parse;
pub mod zone;

mod calendar;
mod clock;
mod days;
mod describe;
mod field;
mod host_zone;
mod refusal;
mod vocabulary;
mod years;
mod zone_files;

use calendar::Calendar;
use fault::{Fault, Field};
use interval::Grid;
use moment::Moment;
use parse::RawSchedule;
use zone::Zone;

/// How long after it was created a job without a schedule is due.
const ONCE_DELAY: TimeDelta = TimeDelta::seconds(2);
/// How long after its last run a continuous job is due again.
const CONTINUOUS_DELAY: TimeDelta = TimeDelta::seconds(1);
/// A date that is further past than this when its job is first seen is not made up for.
const DATE_GRACE: TimeDelta = TimeDelta::hours(1);

/// When a job is due.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    rule: Rule,
    start: Option<Moment>,
    end: Option<Moment>,
    zone: Option<Zone>,
    jitter: Duration,
    catch_up: CatchUp,
}

/// The part of a schedule that says when.
#[derive(Clone, Debug, PartialEq)]
enum Rule {
    None,
    Date(Moment),
    /// Seconds, at least 1.
    Interval {
        step: u64,
    },
    Continuous,
    Calendar(Arc<Calendar>),
}

/// The kinds of schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// No schedule: one run, soon after the job was created.
    None,
    /// One run at one moment.
    Date,
    /// Runs at equal distances.
    Interval,
    /// One run after the other.
    Continuous,
    /// Runs on days and at times that the calendar fields name.
    Calendar,
}

/// What is done about runs that were missed while the host or the daemon was down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CatchUp {
    /// One run for all that were missed, as soon as possible.
    Once,
    /// None.
    Skip,
    /// One run, if the newest missed one is not older than this.
    Within(Duration),
}

/// Instants that came due: several collapse into one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// The earliest.
    pub first: DateTime<Utc>,
    /// The latest: the one that a run stands for.
    pub last: DateTime<Utc>,
    /// How many in all, exactly.
    pub count: u64,
}

/// What a schedule still has to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outlook {
    /// It fires next at this instant.
    Next(DateTime<Utc>),
    /// It has fired, or would have, and does not fire any more.
    Over,
    /// It never fires at all: there is no such day, or none between its start and its end.
    Never,
}

impl Schedule {
    /// Reads the texts of a schedule. No text at all is a schedule too: one run, soon after the job was created.
    ///
    /// # Errors
    ///
    /// Every fault of every field, in the order of [`Field::ALL`].
    pub fn parse(raw: &RawSchedule<'_>) -> Result<Schedule, Vec<Fault>> {
        parse::parse(raw)
    }

    /// Which kind it is.
    pub fn kind(&self) -> Kind {
        match self.rule {
            Rule::None => Kind::None,
            Rule::Date(_) => Kind::Date,
            Rule::Interval { .. } => Kind::Interval,
            Rule::Continuous => Kind::Continuous,
            Rule::Calendar(_) => Kind::Calendar,
        }
    }

    /// True if the job is over after one run.
    pub fn is_one_shot(&self) -> bool {
        matches!(self.rule, Rule::None | Rule::Date(_))
    }

    /// The schedule's own zone, `schedule_timezone`.
    pub fn zone(&self) -> Option<&Zone> {
        self.zone.as_ref()
    }

    /// The zone that counts: the schedule's own, else the host's.
    pub fn zone_or<'a>(&'a self, host_zone: &'a Zone) -> &'a Zone {
        self.zone.as_ref().unwrap_or(host_zone)
    }

    /// The most that a run may be delayed to spread the load, `schedule_jitter`.
    pub fn jitter(&self) -> Duration {
        self.jitter
    }

    /// How long the runs of a job are delayed on a host: whole seconds from 0 to [`Schedule::jitter`], the same at
    /// every call and in every version of the program.
    pub fn jitter_delay(&self, host: &str, job_id: &str) -> Duration {
        let mut hash = Sha256::new();
        hash.update(host.as_bytes());
        // Neither name holds this byte, so that two pairs of names never run together into one text.
        hash.update([0]);
        hash.update(job_id.as_bytes());
        let digest = hash.finalize();
        let drawn = digest
            .iter()
            .take(8)
            .fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
        let choices = u128::from(self.jitter.as_secs()) + 1;
        // Scaling by the upper half of a product is fairer than a remainder, and cannot leave the range.
        let seconds = (u128::from(drawn) * choices) >> 64;
        Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
    }

    /// The distance between two firings of an interval schedule.
    pub fn interval(&self) -> Option<Duration> {
        match self.rule {
            Rule::Interval { step } => Some(Duration::from_secs(step)),
            _ => None,
        }
    }

    /// What is done about missed runs, `schedule_catch_up`.
    pub fn catch_up(&self) -> CatchUp {
        self.catch_up
    }

    /// The schedule in words, as `every day at 03:25`.
    pub fn describe(&self) -> String {
        describe::describe(self)
    }

    /// Fields that are given although they mean nothing for this kind of schedule: start and end, of a single run.
    pub fn idle_fields(&self) -> Vec<Field> {
        let bounds = [(Field::StartDate, self.start), (Field::EndDate, self.end)];
        bounds
            .into_iter()
            .filter(|(_, bound)| self.is_one_shot() && bound.is_some())
            .map(|(field, _)| field)
            .collect()
    }

    /// The first firing strictly after `after`, up to the end of the year 9999. `None`: there is none.
    ///
    /// `anchor` is the moment at which the job was created: a job without a schedule is due two seconds after it, an
    /// interval without a start date counts from it. For a continuous schedule `anchor` is the end of the last run
    /// (before the first one, the job's creation), and the job is due one second after it. `host_zone` tells what the
    /// wall clock means, unless the schedule has a zone of its own.
    pub fn next_after(
        &self,
        after: DateTime<Utc>,
        anchor: DateTime<Utc>,
        host_zone: &Zone,
    ) -> Option<DateTime<Utc>> {
        let zone = self.zone_or(host_zone);
        let found = match &self.rule {
            Rule::None | Rule::Date(_) | Rule::Continuous => {
                self.single(anchor, zone).filter(|instant| *instant > after)
            }
            Rule::Interval { step } => {
                let grid = self.grid(*step, anchor, zone);
                interval::instant(grid.at(grid.index_after(interval::nanoseconds(after))))
            }
            Rule::Calendar(calendar) => {
                let after = match self.start {
                    Some(start) => after.max(just_before(start.instant(zone))),
                    None => after,
                };
                calendar
                    .next_after(after.timestamp(), zone)
                    .and_then(|seconds| DateTime::from_timestamp(seconds, 0))
            }
        };
        found.filter(|instant| *instant <= self.last_possible(zone))
    }

    /// The firings after `after` and not after `until`; `None` if there are none. `anchor` and `host_zone` are those
    /// of [`Schedule::next_after`]. The work hardly grows with the length of time, and not with the number of firings.
    pub fn due_between(
        &self,
        after: DateTime<Utc>,
        until: DateTime<Utc>,
        anchor: DateTime<Utc>,
        host_zone: &Zone,
    ) -> Option<Due> {
        let first = self
            .next_after(after, anchor, host_zone)
            .filter(|first| *first <= until)?;
        let zone = self.zone_or(host_zone);
        let until = until.min(self.last_possible(zone));
        let (last, count) = match &self.rule {
            Rule::None | Rule::Date(_) | Rule::Continuous => (first, 1),
            Rule::Interval { step } => {
                let grid = self.grid(*step, anchor, zone);
                let first_index = grid.index_after(interval::nanoseconds(after));
                let last_index = grid.index_after(interval::nanoseconds(until)) - 1;
                let count = u64::try_from(last_index - first_index + 1).unwrap_or(u64::MAX);
                (interval::instant(grid.at(last_index))?, count)
            }
            Rule::Calendar(calendar) => {
                let first = first.timestamp();
                let last = calendar.last_until(first, until.timestamp(), zone);
                let count = calendar.count(first, last, zone);
                (DateTime::from_timestamp(last, 0)?, count)
            }
        };
        Some(Due { first, last, count })
    }

    /// What a job that is first seen at `now` will do, firing by firing, from `now` on. A continuous job counts as one
    /// whose runs take no time. A date that is past by less than an hour is still to come; one that is further past
    /// is not, see [`Schedule::is_too_late`]. `anchor` is the job's creation, which for a new job is `now`.
    pub fn occurrences<'a>(
        &'a self,
        now: DateTime<Utc>,
        anchor: DateTime<Utc>,
        host_zone: &'a Zone,
    ) -> Occurrences<'a> {
        let from = match self.rule {
            Rule::Date(_) => now.checked_sub_signed(DATE_GRACE).unwrap_or(now),
            _ => now,
        };
        Occurrences {
            schedule: self,
            zone: self.zone_or(host_zone),
            anchor,
            after: just_before(from),
        }
    }

    /// True for a date that is past by more than an hour: a job that is first seen at `now` does not run for it.
    pub fn is_too_late(&self, now: DateTime<Utc>, host_zone: &Zone) -> bool {
        match self.rule {
            Rule::Date(date) => {
                now.signed_duration_since(date.instant(self.zone_or(host_zone))) > DATE_GRACE
            }
            _ => false,
        }
    }

    /// Whether the schedule has anything to come from `now` on, and if not, whether it ever had. A schedule that
    /// [never](Outlook::Never) fires is worth a diagnostic. Answers at once, whatever the schedule.
    pub fn outlook(&self, now: DateTime<Utc>, anchor: DateTime<Utc>, host_zone: &Zone) -> Outlook {
        if let Some(next) = self.next_after(just_before(now), anchor, host_zone) {
            return Outlook::Next(next);
        }
        let zone = self.zone_or(host_zone);
        let ever = match (self.kind(), self.start) {
            // Its anchor has moved on with its runs.
            (Kind::Continuous, Some(start)) => start.instant(zone) <= self.last_possible(zone),
            (Kind::Continuous, None) => true,
            _ => self
                .next_after(DateTime::<Utc>::MIN_UTC, anchor, host_zone)
                .is_some(),
        };
        if ever { Outlook::Over } else { Outlook::Never }
    }

    /// The instant of a schedule that has one at a time.
    fn single(&self, anchor: DateTime<Utc>, zone: &Zone) -> Option<DateTime<Utc>> {
        match &self.rule {
            Rule::None => anchor.checked_add_signed(ONCE_DELAY),
            Rule::Date(date) => Some(date.instant(zone)),
            Rule::Continuous => {
                let due = anchor.checked_add_signed(CONTINUOUS_DELAY)?;
                Some(self.start.map_or(due, |start| due.max(start.instant(zone))))
            }
            Rule::Interval { .. } | Rule::Calendar(_) => None,
        }
    }

    /// The grid of an interval: from its start date, else from the first step after the job's creation.
    fn grid(&self, step: u64, anchor: DateTime<Utc>, zone: &Zone) -> Grid {
        match self.start {
            Some(start) => Grid::new(interval::nanoseconds(start.instant(zone)), step),
            None => {
                let grid = Grid::new(interval::nanoseconds(anchor), step);
                Grid::new(grid.at(1), step)
            }
        }
    }

    /// No firing comes after this instant. An end date binds schedules that repeat.
    fn last_possible(&self, zone: &Zone) -> DateTime<Utc> {
        let horizon =
            DateTime::from_timestamp(253_402_300_799, 0).unwrap_or(DateTime::<Utc>::MAX_UTC);
        match self.end {
            Some(end) if !self.is_one_shot() => end.instant(zone).min(horizon),
            _ => horizon,
        }
    }
}

/// The instants of a schedule, ascending. See [`Schedule::occurrences`].
#[derive(Clone, Debug)]
pub struct Occurrences<'a> {
    schedule: &'a Schedule,
    zone: &'a Zone,
    anchor: DateTime<Utc>,
    after: DateTime<Utc>,
}

impl Iterator for Occurrences<'_> {
    type Item = DateTime<Utc>;

    fn next(&mut self) -> Option<DateTime<Utc>> {
        let next = match self.schedule.rule {
            Rule::Continuous => {
                let step = CONTINUOUS_DELAY.num_seconds().unsigned_abs();
                let grid = self.schedule.grid(step, self.anchor, self.zone);
                let index = grid.index_after(interval::nanoseconds(self.after));
                interval::instant(grid.at(index))
                    .filter(|next| *next <= self.schedule.last_possible(self.zone))?
            }
            _ => self
                .schedule
                .next_after(self.after, self.anchor, self.zone)?,
        };
        self.after = next;
        Some(next)
    }
}

/// The last instant before this one.
fn just_before(instant: DateTime<Utc>) -> DateTime<Utc> {
    instant
        .checked_sub_signed(TimeDelta::nanoseconds(1))
        .unwrap_or(instant)
}
