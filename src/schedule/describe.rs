//! A schedule in words.

use super::{Rule, Schedule};

/// See [`Schedule::describe`].
pub(super) fn describe(schedule: &Schedule) -> String {
    match &schedule.rule {
        Rule::None => "once, when it is first loaded".to_owned(),
        Rule::Date(date) => format!("once, at {date}"),
        Rule::Interval { step } => format!("every {step} seconds"),
        Rule::Continuous => "continuously".to_owned(),
        Rule::Calendar(_) => "by the calendar".to_owned(),
    }
}
