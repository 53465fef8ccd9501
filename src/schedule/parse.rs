//! Reading the texts of a schedule: into a [`Schedule`], or into all their faults.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;

use super::calendar::Calendar;
use super::clock::Clock;
use super::days::{ALL_WEEKDAYS, ALL_WEEKS, Days, MonthDays};
use super::fault::{Fault, Field, Flaw, shorten};
use super::field::{self, Item};
use super::interval::{parse_duration, parse_step};
use super::moment::Moment;
use super::vocabulary::limits;
use super::years::Years;
use super::zone::Zone;
use super::{CatchUp, Rule, Schedule};

/// The texts of a schedule, one for each key. An absent key is `None`. A text of blanks counts as absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RawSchedule<'a> {
    /// `schedule_date`
    pub date: Option<&'a str>,
    /// `schedule_interval`
    pub interval: Option<&'a str>,
    /// `schedule_start_date`
    pub start_date: Option<&'a str>,
    /// `schedule_end_date`
    pub end_date: Option<&'a str>,
    /// `schedule_year`
    pub year: Option<&'a str>,
    /// `schedule_month`
    pub month: Option<&'a str>,
    /// `schedule_day`
    pub day: Option<&'a str>,
    /// `schedule_week`
    pub week: Option<&'a str>,
    /// `schedule_day_of_week`
    pub day_of_week: Option<&'a str>,
    /// `schedule_hour`
    pub hour: Option<&'a str>,
    /// `schedule_minute`
    pub minute: Option<&'a str>,
    /// `schedule_second`
    pub second: Option<&'a str>,
    /// `schedule_timezone`
    pub timezone: Option<&'a str>,
    /// `schedule_jitter`
    pub jitter: Option<&'a str>,
    /// `schedule_catch_up`
    pub catch_up: Option<&'a str>,
}

impl<'a> RawSchedule<'a> {
    /// The slot of a field's text, to set it.
    pub fn slot(&mut self, field: Field) -> &mut Option<&'a str> {
        match field {
            Field::Date => &mut self.date,
            Field::Interval => &mut self.interval,
            Field::StartDate => &mut self.start_date,
            Field::EndDate => &mut self.end_date,
            Field::Year => &mut self.year,
            Field::Month => &mut self.month,
            Field::Day => &mut self.day,
            Field::Week => &mut self.week,
            Field::DayOfWeek => &mut self.day_of_week,
            Field::Hour => &mut self.hour,
            Field::Minute => &mut self.minute,
            Field::Second => &mut self.second,
            Field::Timezone => &mut self.timezone,
            Field::Jitter => &mut self.jitter,
            Field::CatchUp => &mut self.catch_up,
        }
    }

    /// A field's text; `None` if it is absent or blank.
    pub fn get(mut self, field: Field) -> Option<&'a str> {
        self.slot(field).filter(|text| !text.trim().is_empty())
    }
}

/// Reads all texts and collects their faults.
struct Parser<'a> {
    raw: RawSchedule<'a>,
    faults: Vec<Fault>,
}

/// See [`Schedule::parse`].
pub(super) fn parse(raw: &RawSchedule<'_>) -> Result<Schedule, Vec<Fault>> {
    let mut parser = Parser {
        raw: *raw,
        faults: Vec::new(),
    };
    let schedule = parser.schedule();
    match schedule {
        Some(schedule) if parser.faults.is_empty() => Ok(schedule),
        _ => {
            parser.faults.sort_by_key(|fault| fault.field);
            Err(parser.faults)
        }
    }
}

impl Parser<'_> {
    fn schedule(&mut self) -> Option<Schedule> {
        self.check_one_kind();
        let zone = self.read(Field::Timezone, read_zone);
        let date = self.read(Field::Date, Moment::parse);
        let interval = self.read(Field::Interval, read_interval);
        let calendar = self.calendar();
        let start = self.read(Field::StartDate, Moment::parse);
        let end = self.read(Field::EndDate, Moment::parse);
        self.check_bounds(start, end, zone.as_ref());
        let jitter = self
            .read(Field::Jitter, parse_duration)
            .unwrap_or(Duration::ZERO);
        let catch_up = self
            .read(Field::CatchUp, read_catch_up)
            .unwrap_or(CatchUp::Once);
        let rule = if let Some(date) = date {
            Rule::Date(date)
        } else if let Some(interval) = interval {
            interval
        } else if let Some(calendar) = calendar {
            Rule::Calendar(Arc::new(calendar))
        } else if self.faults.is_empty() {
            Rule::None
        } else {
            return None;
        };
        Some(Schedule {
            rule,
            start,
            end,
            zone,
            jitter,
            catch_up,
        })
    }

    /// Reads one field; `None` if it is absent or has a fault.
    fn read<T>(&mut self, field: Field, read: impl FnOnce(&str) -> Result<T, Flaw>) -> Option<T> {
        match read(self.raw.get(field)?) {
            Ok(value) => Some(value),
            Err(flaw) => {
                self.faults.push(flaw.of(field));
                None
            }
        }
    }

    /// Refuses more than one of date, interval and calendar.
    fn check_one_kind(&mut self) {
        let given = |field: &Field| self.raw.get(*field).is_some();
        let kinds: Vec<Field> = [Field::Date, Field::Interval]
            .into_iter()
            .filter(given)
            .chain(Field::CALENDAR.into_iter().find(given))
            .collect();
        let (names, count) = match kinds[..] {
            [first, second] => (format!("{first} and {second}"), "two"),
            [first, second, third] => (format!("{first}, {second} and {third}"), "three"),
            _ => return,
        };
        let flaw = Flaw::new("several-kinds", format!("{names} make {count} kinds of schedule, and a job has one"))
            .label("another kind of schedule")
            .help("keep schedule_date for one run, or schedule_interval for runs at equal distances, or the calendar fields");
        self.faults
            .extend(kinds.last().map(|field| flaw.of(*field)));
    }

    /// Refuses an end before the start. The host's zone is unknown here, so some cases pass.
    fn check_bounds(&mut self, start: Option<Moment>, end: Option<Moment>, zone: Option<&Zone>) {
        // The largest difference between two zones of the world.
        const WIDEST: TimeDelta = TimeDelta::hours(26);
        let (Some(start), Some(end)) = (start, end) else {
            return;
        };
        let backward = match (start, end, zone) {
            (Moment::Wall(start), Moment::Wall(end), _) => end < start,
            (Moment::Instant(start), Moment::Instant(end), _) => end < start,
            (start, end, Some(zone)) => end.instant(zone) < start.instant(zone),
            (start, end, None) => {
                let utc = Zone::utc();
                end.instant(&utc).signed_duration_since(start.instant(&utc)) < -WIDEST
            }
        };
        if backward {
            self.faults.push(
                Flaw::new("end-before-start", "the end comes before the start")
                    .label(format!("not before {start}"))
                    .help("exchange the two dates, or remove one")
                    .of(Field::EndDate),
            );
        }
    }

    /// Reads the calendar fields. `None`: there are none, or they have faults. A missing field before the last given one
    /// means every value. A missing field after it means its first value, but week and day of week mean every value.
    fn calendar(&mut self) -> Option<Calendar> {
        let given = Field::CALENDAR.map(|field| self.raw.get(field));
        let last = given.iter().rposition(Option::is_some)?;
        let mut lists: [Option<Vec<Item>>; 8] = Default::default();
        let mut sound = true;
        for ((field, text), list) in Field::CALENDAR.into_iter().zip(given).zip(&mut lists) {
            match text.map(|text| field::parse(field, text)) {
                Some(Ok(items)) => *list = Some(items),
                Some(Err(flaws)) => {
                    sound = false;
                    self.faults
                        .extend(flaws.into_iter().map(|flaw| flaw.of(field)));
                }
                None => {}
            }
        }
        if !sound {
            return None;
        }
        let place = |field: Field| Field::CALENDAR.iter().position(|other| *other == field);
        let [year, month, day, week, day_of_week, hour, minute, second] = lists;
        let numbers = |field: Field, items: Option<Vec<Item>>| {
            let (lowest, highest) = limits(field);
            match items {
                Some(items) => field::set(&items),
                None if place(field) > Some(last) => 1 << lowest,
                None => (lowest..=highest).fold(0, |set, value| set | 1 << value),
            }
        };
        let clock = Clock::new(
            numbers(Field::Hour, hour),
            numbers(Field::Minute, minute),
            numbers(Field::Second, second),
        );
        let days = Days {
            years: year.map_or_else(Years::every, |items| Years(field::spans(&items).collect())),
            months: numbers(Field::Month, month),
            month_days: match day {
                Some(items) => field::month_days(&items),
                None if place(Field::Day) > Some(last) => MonthDays::first(),
                None => MonthDays::every(),
            },
            weeks: week.map_or(ALL_WEEKS, |items| field::set(&items)),
            weekdays: day_of_week.map_or(ALL_WEEKDAYS, |items| field::set(&items)),
        };
        match clock {
            Ok(clock) => Some(Calendar {
                days,
                clock,
                texts: given.map(|text| text.map(|text| text.trim().to_owned())),
            }),
            Err(error) => {
                let flaw = Flaw::new(
                    "unusable-time",
                    format!("the times of day cannot be used: {error}"),
                );
                self.faults.push(flaw.of(Field::Hour));
                None
            }
        }
    }
}

fn read_zone(text: &str) -> Result<Zone, Flaw> {
    Zone::named(text.trim()).map_err(|unknown| {
        let message = format!("there is no time zone `{}`", shorten(&unknown.name));
        let flaw = Flaw::new("unknown-zone", message).label("an IANA name, as `Europe/Berlin`");
        match (&unknown.suggestion, unknown.advice_for_offset()) {
            (Some(name), _) => flaw.help(format!("did you mean `{name}`?")),
            (None, Some(advice)) => flaw.help(advice),
            (None, None) => flaw,
        }
    })
}

fn read_interval(text: &str) -> Result<Rule, Flaw> {
    if text == "continuous" {
        return Ok(Rule::Continuous);
    }
    parse_step(text).map(|step| Rule::Interval { step })
}

fn read_catch_up(text: &str) -> Result<CatchUp, Flaw> {
    match text {
        "once" => return Ok(CatchUp::Once),
        "skip" => return Ok(CatchUp::Skip),
        _ => {}
    }
    if !text.bytes().any(|byte| byte.is_ascii_digit()) {
        let flaw = Flaw::new("unknown-policy", "this is not a catch-up policy")
            .label("`once`, `skip` or a span of time, as `6 hours`");
        let word = text.trim().to_ascii_lowercase();
        return Err(match word.as_str() {
            "once" | "skip" => flaw.help(format!("write `{word}`")),
            "never" | "none" | "no" | "false" => flaw.help("write `skip`"),
            "always" | "yes" | "true" | "all" => {
                flaw.help("write `once`: one run makes up for all missed ones")
            }
            _ => flaw,
        });
    }
    match parse_duration(text)? {
        Duration::ZERO => {
            Err(Flaw::new("zero-span", "a missed run is always later than 0").help("write `skip`"))
        }
        limit => Ok(CatchUp::Within(limit)),
    }
}
