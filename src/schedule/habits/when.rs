//! The points of time of another program, and the fields that mean the same.

use super::super::fault::Field;

/// The points of time of another program: for each unit its text, `None` for every value.
#[derive(Default)]
pub(super) struct When {
    pub year: Option<String>,
    pub month: Option<String>,
    pub day: Option<String>,
    pub weekday: Option<String>,
    pub hour: Option<String>,
    pub minute: Option<String>,
    pub second: Option<String>,
}

impl When {
    /// The fields that have to be written, so that those that are left out mean the same.
    pub fn fields(self) -> Vec<(Field, String)> {
        let whole_minute = matches!(self.second.as_deref(), Some("0"));
        let every = || "*".to_owned();
        let (minute, second) = match whole_minute {
            true => (Some(self.minute.unwrap_or_else(every)), None),
            false => (self.minute, Some(self.second.unwrap_or_else(every))),
        };
        [
            (Field::Year, self.year),
            (Field::Month, self.month),
            (Field::Day, self.day),
            (Field::DayOfWeek, self.weekday),
            (Field::Hour, self.hour),
            (Field::Minute, minute),
            (Field::Second, second),
        ]
        .into_iter()
        .filter_map(|(field, text)| Some((field, text?)))
        .collect()
    }
}
