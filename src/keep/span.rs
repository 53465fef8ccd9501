//! A span of the calendar, such as `1y6m`: how far back from the newest snapshot a rule goes.

use std::fmt;

use chrono::{DateTime, Datelike, FixedOffset, NaiveDate, TimeDelta};
use serde::{Deserialize, Serialize};

/// Years, months, days and hours. At least one of them is not 0. In JSON it is the text that [`Span::parse`] reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Span {
    pub years: u32,
    pub months: u32,
    pub days: u32,
    pub hours: u32,
}

/// The text is not a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a span such as `2y`, `1y6m` or `36h`: y, m, d and h are years, months, days and hours"
)]
pub struct NotASpan;

impl Span {
    /// Reads a text such as `1y6m7d2h`. Each unit is there once at most, in any order, as in restic.
    ///
    /// # Errors
    /// When it is something else, or nothing but zeros.
    pub fn parse(text: &str) -> Result<Span, NotASpan> {
        let mut span = Span::default();
        let mut seen = [false; 4];
        let mut rest = text.trim();
        while !rest.is_empty() {
            let end = rest.find(|it: char| !it.is_ascii_digit());
            let (number, unit) = rest.split_at(end.ok_or(NotASpan)?);
            let number = number.parse().map_err(|_| NotASpan)?;
            let (place, at) = match unit.chars().next() {
                Some('y') => (&mut span.years, 0),
                Some('m') => (&mut span.months, 1),
                Some('d') => (&mut span.days, 2),
                Some('h') => (&mut span.hours, 3),
                _ => return Err(NotASpan),
            };
            if std::mem::replace(&mut seen[at], true) {
                return Err(NotASpan);
            }
            *place = number;
            rest = &unit[1..];
        }
        match span == Span::default() {
            true => Err(NotASpan),
            false => Ok(span),
        }
    }

    /// The instant that lies this far before another one, on the calendar of its offset. A day that its month does not
    /// have is one of the next month, as in Go: a month before the 31st of March is the 3rd of March, or the 2nd. Times
    /// before the calendar are its first one.
    pub fn before(self, instant: DateTime<FixedOffset>) -> DateTime<FixedOffset> {
        self.moved(instant, -1)
            .unwrap_or(DateTime::<chrono::Utc>::MIN_UTC.fixed_offset())
    }

    /// The instant that lies this far after another one. Times after the calendar are its last one.
    pub fn after(self, instant: DateTime<FixedOffset>) -> DateTime<FixedOffset> {
        self.moved(instant, 1)
            .unwrap_or(DateTime::<chrono::Utc>::MAX_UTC.fixed_offset())
    }

    /// `sign` is 1 for later, and -1 for earlier.
    fn moved(self, instant: DateTime<FixedOffset>, sign: i64) -> Option<DateTime<FixedOffset>> {
        let local = instant.naive_local();
        let months = i64::from(local.year()) * 12 + i64::from(local.month0());
        let months = months + sign * (i64::from(self.years) * 12 + i64::from(self.months));
        let year = i32::try_from(months.div_euclid(12)).ok()?;
        let month = u32::try_from(months.rem_euclid(12)).ok()? + 1;
        let days = i64::from(local.day0()) + sign * i64::from(self.days);
        let date = NaiveDate::from_ymd_opt(year, month, 1)?
            .checked_add_signed(TimeDelta::try_days(days)?)?;
        let hours = TimeDelta::try_hours(sign * i64::from(self.hours))?;
        let local = date.and_time(local.time()).checked_add_signed(hours)?;
        local.and_local_timezone(*instant.offset()).single()
    }
}

impl TryFrom<String> for Span {
    type Error = NotASpan;

    fn try_from(text: String) -> Result<Span, NotASpan> {
        Span::parse(&text)
    }
}

impl From<Span> for String {
    fn from(span: Span) -> String {
        span.to_string()
    }
}

/// As [`Span::parse`] reads it.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            (self.years, 'y'),
            (self.months, 'm'),
            (self.days, 'd'),
            (self.hours, 'h'),
        ];
        for (number, unit) in parts.into_iter().filter(|(number, _)| *number > 0) {
            write!(f, "{number}{unit}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_read_in_any_order_and_written_in_one() {
        for (text, written) in [
            ("2y", "2y"),
            ("1y6m7d2h", "1y6m7d2h"),
            ("7d1y", "1y7d"),
            (" 36h ", "36h"),
            ("0y1d", "1d"),
        ] {
            assert_eq!(Span::parse(text).unwrap().to_string(), written);
        }
        for text in [
            "",
            "0d",
            "1",
            "y",
            "1w",
            "1d2d",
            "-1d",
            "1d x",
            "99999999999y",
            "1.5d",
            "1ü",
        ] {
            assert_eq!(Span::parse(text), Err(NotASpan), "{text:?}");
        }
    }

    #[test]
    fn it_goes_back_on_the_calendar_of_the_offset() {
        for (span, from, to) in [
            (
                "1m",
                "2026-03-31T12:00:00+02:00",
                "2026-03-03T12:00:00+02:00",
            ),
            ("1m", "2024-03-31T12:00:00Z", "2024-03-02T12:00:00Z"),
            ("1y", "2024-02-29T00:00:00Z", "2023-03-01T00:00:00Z"),
            ("1y1m1d1h", "2026-01-01T00:30:00Z", "2024-11-29T23:30:00Z"),
            ("14m", "2026-01-15T00:00:00Z", "2024-11-15T00:00:00Z"),
            (
                "1d",
                "2026-03-29T12:00:00+02:00",
                "2026-03-28T12:00:00+02:00",
            ),
        ] {
            let at = |text| DateTime::parse_from_rfc3339(text).unwrap();
            assert_eq!(
                Span::parse(span).unwrap().before(at(from)),
                at(to),
                "{span} {from}"
            );
        }
        let now = DateTime::parse_from_rfc3339("2026-01-01T00:00:00Z").unwrap();
        let later = DateTime::parse_from_rfc3339("2028-02-02T01:00:00Z").unwrap();
        assert_eq!(Span::parse("2y1m1d1h").unwrap().after(now), later);
        assert!(Span::parse("4000000000y").unwrap().after(now) > later);
        assert!(Span::parse("4000000000y").unwrap().before(now) < now);
        assert!(Span::parse("4000000000d").unwrap().before(now) < now);
    }
}
