//! What is wrong with a schedule's texts, as data that can be drawn under the text.

use std::fmt;
use std::ops::Range;

/// A key of a job's schedule that this room reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    /// `schedule_date`
    Date,
    /// `schedule_interval`
    Interval,
    /// `schedule_start_date`
    StartDate,
    /// `schedule_end_date`
    EndDate,
    /// `schedule_year`
    Year,
    /// `schedule_month`
    Month,
    /// `schedule_day`
    Day,
    /// `schedule_week`
    Week,
    /// `schedule_day_of_week`
    DayOfWeek,
    /// `schedule_hour`
    Hour,
    /// `schedule_minute`
    Minute,
    /// `schedule_second`
    Second,
    /// `schedule_timezone`
    Timezone,
    /// `schedule_jitter`
    Jitter,
    /// `schedule_catch_up`
    CatchUp,
}

impl Field {
    /// All of them, in the order in which their faults are reported.
    pub const ALL: [Field; 15] = [
        Field::Date,
        Field::Interval,
        Field::StartDate,
        Field::EndDate,
        Field::Year,
        Field::Month,
        Field::Day,
        Field::Week,
        Field::DayOfWeek,
        Field::Hour,
        Field::Minute,
        Field::Second,
        Field::Timezone,
        Field::Jitter,
        Field::CatchUp,
    ];

    /// The fields of a calendar, from the largest unit to the smallest. The order decides the defaults.
    pub const CALENDAR: [Field; 8] = [
        Field::Year,
        Field::Month,
        Field::Day,
        Field::Week,
        Field::DayOfWeek,
        Field::Hour,
        Field::Minute,
        Field::Second,
    ];

    /// The key as it stands in a job file.
    pub const fn key(self) -> &'static str {
        match self {
            Field::Date => "schedule_date",
            Field::Interval => "schedule_interval",
            Field::StartDate => "schedule_start_date",
            Field::EndDate => "schedule_end_date",
            Field::Year => "schedule_year",
            Field::Month => "schedule_month",
            Field::Day => "schedule_day",
            Field::Week => "schedule_week",
            Field::DayOfWeek => "schedule_day_of_week",
            Field::Hour => "schedule_hour",
            Field::Minute => "schedule_minute",
            Field::Second => "schedule_second",
            Field::Timezone => "schedule_timezone",
            Field::Jitter => "schedule_jitter",
            Field::CatchUp => "schedule_catch_up",
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.key())
    }
}

/// What is wrong with one text, whichever key it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// A stable name of the kind of flaw, as `out-of-range`.
    pub code: &'static str,
    /// The place inside the text, bytes on character boundaries; `None`: the text as a whole.
    pub range: Option<Range<usize>>,
    /// What is wrong.
    pub message: String,
    /// What was expected there, short enough to stand beside a caret.
    pub label: Option<String>,
    /// The mend.
    pub help: Option<String>,
}

impl Flaw {
    /// A flaw of a text as a whole, with no more to say than that.
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Flaw {
        Flaw {
            code,
            range: None,
            message: message.into(),
            label: None,
            help: None,
        }
    }

    /// Narrows the flaw to a part of the text.
    pub(crate) fn at(mut self, range: Range<usize>) -> Flaw {
        self.range = Some(range);
        self
    }

    /// Says what was expected.
    pub(crate) fn label(mut self, label: impl Into<String>) -> Flaw {
        self.label = Some(label.into());
        self
    }

    /// Says how to mend it.
    pub(crate) fn help(mut self, help: impl Into<String>) -> Flaw {
        self.help = Some(help.into());
        self
    }

    /// The same flaw, found in the value of `field`.
    pub fn of(self, field: Field) -> Fault {
        Fault {
            field,
            code: self.code,
            range: self.range,
            message: self.message,
            label: self.label,
            help: self.help,
        }
    }
}

impl fmt::Display for Flaw {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for Flaw {}

/// One fault of a schedule: a flaw and the key it was found under.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The key whose value is at fault.
    pub field: Field,
    /// A stable name of the kind of fault, as `out-of-range`.
    pub code: &'static str,
    /// The place inside the field's text, bytes on character boundaries; `None`: the value as a whole.
    pub range: Option<Range<usize>>,
    /// What is wrong.
    pub message: String,
    /// What was expected there, short enough to stand beside a caret.
    pub label: Option<String>,
    /// The mend.
    pub help: Option<String>,
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.field, self.message)
    }
}

impl std::error::Error for Fault {}

/// A text short enough to be repeated in a message.
pub(super) fn shorten(text: &str) -> String {
    match text.char_indices().nth(40) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
