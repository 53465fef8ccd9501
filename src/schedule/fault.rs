//! What is wrong with a schedule's texts, as data: a code, a range of bytes, a message, a label and a help line.

use std::fmt;
use std::ops::Range;

/// A key of a job file that belongs to the schedule.
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
    /// All fields, in the order in which their faults are reported.
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

    /// The calendar fields, from the largest unit to the smallest. The order decides the defaults of absent fields.
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

    /// The key in a job file.
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

/// A fault of one text before it is known which key the text belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// A stable name of the kind of flaw, as `out-of-range`.
    pub code: &'static str,
    /// The bytes of the text that are wrong, on character boundaries. `None`: the whole text.
    pub range: Option<Range<usize>>,
    pub message: String,
    /// What was expected there, short enough for the line with the caret.
    pub label: Option<String>,
    /// How to correct it.
    pub help: Option<String>,
}

impl Flaw {
    /// A flaw of the whole text, without label and help.
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

    /// Adds what was expected.
    pub(crate) fn label(mut self, label: impl Into<String>) -> Flaw {
        self.label = Some(label.into());
        self
    }

    /// Adds what was expected, unless the flaw has a label.
    pub(crate) fn label_if_none(mut self, label: String) -> Flaw {
        self.label.get_or_insert(label);
        self
    }

    /// Adds how to correct it.
    pub(crate) fn help(mut self, help: impl Into<String>) -> Flaw {
        self.help = Some(help.into());
        self
    }

    /// The fault of `field` that this flaw is.
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

/// One fault of a schedule: a flaw and its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub field: Field,
    /// A stable name of the kind of fault, as `out-of-range`.
    pub code: &'static str,
    /// The bytes of the field's text that are wrong, on character boundaries. `None`: the whole value.
    pub range: Option<Range<usize>>,
    pub message: String,
    /// What was expected there, short enough for the line with the caret.
    pub label: Option<String>,
    /// How to correct it.
    pub help: Option<String>,
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.field, self.message)
    }
}

impl std::error::Error for Fault {}

/// A text for a message: its first 40 characters, with `…` if it has more.
pub(super) fn shorten(text: &str) -> String {
    match text.char_indices().nth(40) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
