//! When a job is due: pure functions of a schedule, an instant and a zone.
//!
//! [`Schedule::parse`] turns the texts of a job file into a [`Schedule`], or into all their faults. A schedule answers
//! three questions: [what is due next](Schedule::next_after), [what was due between two
//! instants](Schedule::due_between) and [all that is to come](Schedule::occurrences). None of them reads a clock, and
//! none includes the jitter. The scheduler adds [`Schedule::jitter_delay`].

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest, Sha256};

pub mod fault;
pub mod habits;
pub mod interval;
pub mod landing;
pub mod moment;
pub mod parse;
pub(crate) mod vocabulary;
pub mod zone;

mod calendar;
mod clock;
mod days;
mod describe;
mod field;
mod host_zone;
mod refusal;
mod years;
mod zone_files;

use calendar::Calendar;
use fault::{Fault, Field};
use interval::Grid;
use moment::Moment;
use parse::RawSchedule;
use zone::Zone;

/// A job without a schedule is due this long after its creation.
const ONCE_DELAY: TimeDelta = TimeDelta::seconds(2);
/// A continuous job is due again this long after the end of its last run.
const CONTINUOUS_DELAY: TimeDelta = TimeDelta::seconds(1);
/// A date that is longer ago than this when its job is first seen gets no run.
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

/// The part of a schedule that its kind decides.
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

/// The kind of a schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// No schedule: one run soon after the creation of the job.
    None,
    /// One run at one instant.
    Date,
    /// Runs at equal intervals.
    Interval,
    /// One run after the other.
    Continuous,
    /// Runs on the days and at the times of the calendar fields.
    Calendar,
}

/// The policy for runs that were missed while the host or the daemon was down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CatchUp {
    /// One run for all missed ones, as soon as possible.
    Once,
    /// No run.
    Skip,
    /// One run, if the last missed instant is not longer ago than this.
    Within(Duration),
}

/// Instants that were due. One run stands for all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    pub first: DateTime<Utc>,
    /// The `due` instant of the run.
    pub last: DateTime<Utc>,
    /// How many instants there are, with the first and the last.
    pub count: u64,
}

/// Whether a schedule fires again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outlook {
    /// The instant of the next firing.
    Next(DateTime<Utc>),
    /// All its firings are in the past.
    Over,
    /// It never fires: there is no such day, or none between its start and its end.
    Never,
}

impl Schedule {
    /// Reads the texts of a schedule. Without any text, the schedule is one run soon after the creation of the job.
    ///
    /// # Errors
    ///
    /// Every fault of every field, in the order of [`Field::ALL`].
    pub fn parse(raw: &RawSchedule<'_>) -> Result<Schedule, Vec<Fault>> {
        parse::parse(raw)
    }

    /// The kind of the schedule, which decides what its other values mean.
    pub fn kind(&self) -> Kind {
        match self.rule {
            Rule::None => Kind::None,
            Rule::Date(_) => Kind::Date,
            Rule::Interval { .. } => Kind::Interval,
            Rule::Continuous => Kind::Continuous,
            Rule::Calendar(_) => Kind::Calendar,
        }
    }

    /// True if the job has only one run.
    pub fn is_one_shot(&self) -> bool {
        matches!(self.rule, Rule::None | Rule::Date(_))
    }

    /// `schedule_timezone`; `None` if it is not set.
    pub fn zone(&self) -> Option<&Zone> {
        self.zone.as_ref()
    }

    /// The zone in which the schedule is read: its own, else the host's.
    pub fn zone_or<'a>(&'a self, host_zone: &'a Zone) -> &'a Zone {
        self.zone.as_ref().unwrap_or(host_zone)
    }

    /// `schedule_jitter`: the longest delay of a run to spread the load. Zero if it is not set.
    pub fn jitter(&self) -> Duration {
        self.jitter
    }

    /// The delay of a job's runs on a host: whole seconds from 0 to [`Schedule::jitter`]. It is the same at every call
    /// and in every version of the program.
    pub fn jitter_delay(&self, host: &str, job_id: &str) -> Duration {
        let mut hash = Sha256::new();
        hash.update(host.as_bytes());
        // No name has this byte, so two different pairs of names never make the same text.
        hash.update([0]);
        hash.update(job_id.as_bytes());
        let digest = hash.finalize();
        let drawn = digest
            .iter()
            .take(8)
            .fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
        let choices = u128::from(self.jitter.as_secs()) + 1;
        // The upper half of the product is distributed more evenly than a remainder, and is always within the range.
        let seconds = (u128::from(drawn) * choices) >> 64;
        Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
    }

    /// The time between two firings of an interval schedule; `None` for other kinds.
    pub fn interval(&self) -> Option<Duration> {
        match self.rule {
            Rule::Interval { step } => Some(Duration::from_secs(step)),
            _ => None,
        }
    }

    /// `schedule_catch_up`: the policy for missed runs.
    pub fn catch_up(&self) -> CatchUp {
        self.catch_up
    }

    /// The schedule in words, as `every day at 03:25`.
    pub fn describe(&self) -> String {
        describe::describe(self)
    }

    /// The given fields that have no effect for this kind of schedule: start and end of a single run.
    pub fn idle_fields(&self) -> Vec<Field> {
        let bounds = [(Field::StartDate, self.start), (Field::EndDate, self.end)];
        bounds
            .into_iter()
            .filter(|(_, bound)| self.is_one_shot() && bound.is_some())
            .map(|(field, _)| field)
            .collect()
    }

    /// The first firing strictly after `after`. `None`: there is none up to the end of the year 9999.
    ///
    /// `anchor` is the instant of the job's creation: a job without a schedule is due two seconds after it, and an
    /// interval without a start date counts from it. For a continuous schedule, `anchor` is the end of the last run, or
    /// the job's creation before the first run. The job is due one second after it. `host_zone` applies unless the
    /// schedule has its own zone.
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

    /// The firings after `after` and not after `until`. `None`: there are none. `anchor` and `host_zone` are those of
    /// [`Schedule::next_after`]. The work does not grow with the number of firings, and hardly with the length of time.
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

    /// The firings, from `now` on, of a job that is first seen at `now`. The runs of a continuous job count as taking no
    /// time. A date up to one hour ago is included, an older one is not: see [`Schedule::is_too_late`]. `anchor` is the
    /// job's creation, which is `now` for a new job.
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

    /// True for a date more than one hour before `now`: a job that is first seen at `now` does not run for it.
    pub fn is_too_late(&self, now: DateTime<Utc>, host_zone: &Zone) -> bool {
        match self.rule {
            Rule::Date(date) => {
                now.signed_duration_since(date.instant(self.zone_or(host_zone))) > DATE_GRACE
            }
            _ => false,
        }
    }

    /// Whether the schedule fires from `now` on, and if not, whether it fired earlier. A schedule that
    /// [never](Outlook::Never) fires deserves a diagnostic. The answer is quick for every schedule.
    pub fn outlook(&self, now: DateTime<Utc>, anchor: DateTime<Utc>, host_zone: &Zone) -> Outlook {
        // The anchor of this kind moves with each run. An old one means that a run is due now.
        let anchor = match self.kind() {
            Kind::Continuous => anchor.max(now),
            _ => anchor,
        };
        if let Some(next) = self.next_after(just_before(now), anchor, host_zone) {
            return Outlook::Next(next);
        }
        let zone = self.zone_or(host_zone);
        let ever = match (self.kind(), self.start) {
            // The anchor moves with each run, so it says nothing about earlier firings.
            (Kind::Continuous, Some(start)) => start.instant(zone) <= self.last_possible(zone),
            (Kind::Continuous, None) => true,
            _ => self
                .next_after(DateTime::<Utc>::MIN_UTC, anchor, host_zone)
                .is_some(),
        };
        if ever { Outlook::Over } else { Outlook::Never }
    }

    /// The only instant of a schedule that has one at a time; `None` for intervals and calendars.
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

    /// The grid of an interval. It starts at the start date, else one step after the job's creation.
    fn grid(&self, step: u64, anchor: DateTime<Utc>, zone: &Zone) -> Grid {
        match self.start {
            Some(start) => Grid::new(interval::nanoseconds(start.instant(zone)), step),
            None => {
                let grid = Grid::new(interval::nanoseconds(anchor), step);
                Grid::new(grid.at(1), step)
            }
        }
    }

    /// The last instant at which a firing is possible. An end date applies to schedules that repeat.
    fn last_possible(&self, zone: &Zone) -> DateTime<Utc> {
        let horizon =
            DateTime::from_timestamp(253_402_300_799, 0).unwrap_or(DateTime::<Utc>::MAX_UTC);
        match self.end {
            Some(end) if !self.is_one_shot() => end.instant(zone).min(horizon),
            _ => horizon,
        }
    }
}

/// The occurrences of a schedule in ascending order, see [`Schedule::occurrences`].
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

/// The instant one nanosecond earlier.
fn just_before(instant: DateTime<Utc>) -> DateTime<Utc> {
    instant
        .checked_sub_signed(TimeDelta::nanoseconds(1))
        .unwrap_or(instant)
}
