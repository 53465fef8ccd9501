//! Instants as Go writes them into JSON: RFC 3339 with up to nine digits and the offset of a time zone.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// An instant and the offset in which it is written. The offset is kept: the id of a tree depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Time {
    /// Since 1970, negative before it.
    pub seconds: i64,
    /// Below 10^9.
    pub nanoseconds: u32,
    /// East of UTC.
    pub offset_minutes: i16,
}

/// The text is not a time of the years 0 to 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a time as RFC 3339 has it")]
pub struct NotATime;

/// The text of a [`Time`] is at most this long.
const LONGEST: usize = 35;

impl Time {
    /// A time in UTC, from seconds since 1970 and the nanoseconds after them.
    pub const fn utc(seconds: i64, nanoseconds: u32) -> Time {
        Time {
            seconds,
            nanoseconds,
            offset_minutes: 0,
        }
    }

    /// Now, in UTC.
    pub fn now() -> Time {
        SystemTime::now().into()
    }

    /// Seconds from this instant to the other one; negative when the other one is earlier.
    pub fn seconds_until(self, other: Time) -> i64 {
        other.seconds.saturating_sub(self.seconds)
    }

    /// Whether the format has a text for this time: in UTC, its year is one of 0 to 9999.
    pub fn is_in_range(self) -> bool {
        self.in_range() == self
    }

    /// Years outside of 0 to 9999 have no text. restic moves them to the nearest of these years, and so do we.
    fn in_range(self) -> Time {
        let offset = i64::from(self.offset_minutes) * 60;
        let (days, of_day) = split(self.seconds.saturating_add(offset));
        let (year, month, day) = date(days);
        let moved = year.clamp(0, 9999);
        if moved == year {
            return self;
        }
        Time {
            seconds: days_of(moved, month, day) * 86_400 + of_day - offset,
            ..self
        }
    }

    /// Parses what Go accepts.
    ///
    /// # Errors
    /// When it is something else.
    pub fn parse(text: &str) -> Result<Time, NotATime> {
        parse(text.as_bytes()).ok_or(NotATime)
    }

    /// Appends the text, as Go's `RFC3339Nano` has it: no zeros at the end of the fraction, `Z` for UTC.
    pub fn write(self, out: &mut Vec<u8>) {
        let time = self.in_range();
        let offset = i64::from(time.offset_minutes) * 60;
        let (days, of_day) = split(time.seconds.saturating_add(offset));
        let (year, month, day) = date(days);
        // All of them are in range, so none is truncated.
        digits(out, year as u32, 4);
        out.push(b'-');
        digits(out, month, 2);
        out.push(b'-');
        digits(out, day, 2);
        out.push(b'T');
        let of_day = of_day as u32;
        digits(out, of_day / 3600, 2);
        out.push(b':');
        digits(out, of_day / 60 % 60, 2);
        out.push(b':');
        digits(out, of_day % 60, 2);
        if time.nanoseconds != 0 {
            out.push(b'.');
            digits(out, time.nanoseconds, 9);
            while out.last() == Some(&b'0') {
                out.pop();
            }
        }
        match time.offset_minutes {
            0 => out.push(b'Z'),
            minutes => {
                out.push(if minutes < 0 { b'-' } else { b'+' });
                let minutes = u32::from(minutes.unsigned_abs());
                digits(out, minutes / 60, 2);
                out.push(b':');
                digits(out, minutes % 60, 2);
            }
        }
    }
}

fn digits(out: &mut Vec<u8>, mut number: u32, count: usize) {
    let start = out.len();
    out.resize(start + count, b'0');
    for digit in out[start..].iter_mut().rev() {
        *digit += (number % 10) as u8;
        number /= 10;
    }
}

/// Days since 1970 and seconds of that day.
fn split(seconds: i64) -> (i64, i64) {
    (seconds.div_euclid(86_400), seconds.rem_euclid(86_400))
}

/// The date of a day in the proleptic Gregorian calendar, counted in eras of 400 years that begin in March.
fn date(days: i64) -> (i64, u32, u32) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let march_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 {
        march_month + 3
    } else {
        march_month - 9
    };
    let year = year + era * 400 + i64::from(month <= 2);
    (year, month as u32, day as u32)
}

/// The other way round.
fn days_of(year: i64, month: u32, day: u32) -> i64 {
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let march_month = (i64::from(month) + 9) % 12;
    let of_year = (153 * march_month + 2) / 5 + i64::from(day) - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

fn parse(text: &[u8]) -> Option<Time> {
    let number = |from: usize, count: usize| -> Option<u32> {
        let digits = text.get(from..from + count)?;
        digits.iter().try_fold(0, |number, digit| {
            digit
                .is_ascii_digit()
                .then(|| number * 10 + u32::from(digit - b'0'))
        })
    };
    let is = |at: usize, character: u8| text.get(at) == Some(&character);
    let (year, month, day) = (number(0, 4)?, number(5, 2)?, number(8, 2)?);
    let (hour, minute, second) = (number(11, 2)?, number(14, 2)?, number(17, 2)?);
    let separated = is(4, b'-') && is(7, b'-') && is(10, b'T') && is(13, b':') && is(16, b':');
    let possible = (1..=12).contains(&month) && hour < 24 && minute < 60 && second < 60;
    if !separated || !possible {
        return None;
    }
    let days = days_of(i64::from(year), month, day);
    // The 30th of February is the 1st or 2nd of March when it is counted.
    if date(days) != (i64::from(year), month, day) {
        return None;
    }
    let mut at = 19;
    let mut nanoseconds = 0;
    if is(at, b'.') {
        let fraction = text[at + 1..]
            .iter()
            .take_while(|digit| digit.is_ascii_digit());
        let count = fraction.count();
        if count == 0 {
            return None;
        }
        // What is finer than a nanosecond is cut off, as Go does.
        for place in 0..9 {
            let digit = if place < count {
                number(at + 1 + place, 1)?
            } else {
                0
            };
            nanoseconds = nanoseconds * 10 + digit;
        }
        at += 1 + count;
    }
    let offset_minutes = match text.get(at)? {
        b'Z' if text.len() == at + 1 => 0,
        sign @ (b'+' | b'-') if text.len() == at + 6 && is(at + 3, b':') => {
            let (hours, minutes) = (number(at + 1, 2)?, number(at + 4, 2)?);
            if hours > 23 || minutes > 59 {
                return None;
            }
            let offset = (hours * 60 + minutes) as i16;
            if *sign == b'-' { -offset } else { offset }
        }
        _ => return None,
    };
    let of_day = i64::from(hour * 3600 + minute * 60 + second);
    Some(Time {
        seconds: days * 86_400 + of_day - i64::from(offset_minutes) * 60,
        nanoseconds,
        offset_minutes,
    })
}

impl From<SystemTime> for Time {
    fn from(time: SystemTime) -> Time {
        match time.duration_since(UNIX_EPOCH) {
            Ok(since) => Time::utc(
                i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
                since.subsec_nanos(),
            ),
            Err(before) => {
                let before = before.duration();
                let seconds = i64::try_from(before.as_secs()).unwrap_or(i64::MAX);
                match before.subsec_nanos() {
                    0 => Time::utc(-seconds, 0),
                    nanoseconds => Time::utc(-seconds - 1, 1_000_000_000 - nanoseconds),
                }
            }
        }
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = Vec::with_capacity(LONGEST);
        self.write(&mut text);
        f.write_str(std::str::from_utf8(&text).unwrap_or_default())
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Time, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Time;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a time")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Time, E> {
                Time::parse(text).map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_they_were_read() {
        for text in [
            "2014-12-22T14:47:59.912418701+01:00",
            "2014-12-06T17:50:23.34513538+01:00",
            "1970-01-01T00:00:00Z",
            "0001-01-01T00:00:00Z",
            "0000-01-01T00:00:00Z",
            "9999-12-31T23:59:59.999999999-23:59",
            "1969-12-31T23:59:59.9Z",
            "2024-02-29T12:00:00-03:30",
            "2262-04-11T23:47:16.854775808Z",
        ] {
            assert_eq!(Time::parse(text).unwrap().to_string(), text);
            assert!(text.len() <= LONGEST);
        }
        assert_eq!(Time::parse("1970-01-01T01:00:00+01:00").unwrap().seconds, 0);
        assert_eq!(
            Time::parse("1970-01-01T00:00:00+00:00")
                .unwrap()
                .to_string(),
            "1970-01-01T00:00:00Z"
        );
    }

    #[test]
    fn every_day_has_its_date() {
        for days in (-719_528..2_932_896).step_by(13) {
            let (year, month, day) = date(days);
            assert_eq!(days_of(year, month, day), days);
        }
        assert_eq!(date(-719_528), (0, 1, 1));
        assert_eq!(date(2_932_896), (9999, 12, 31));
    }

    #[test]
    fn years_without_a_text_become_the_nearest_that_has_one() {
        assert_eq!(Time::utc(i64::MAX / 2, 5).to_string()[..5], *"9999-");
        assert_eq!(Time::utc(-100_000_000_000, 0).to_string()[..5], *"0000-");
        assert_eq!(
            Time::utc(253_402_300_800, 0).to_string(),
            "9999-01-01T00:00:00Z"
        );
        for seconds in [i64::MIN, i64::MAX] {
            for offset_minutes in [-1439, 0, 1439] {
                let time = Time {
                    seconds,
                    nanoseconds: 1,
                    offset_minutes,
                };
                assert!(time.to_string().len() <= LONGEST);
            }
        }
    }

    #[test]
    fn what_is_not_a_time_is_refused() {
        for text in [
            "",
            "2014",
            "2014-12-22",
            "2014-02-30T00:00:00Z",
            "2014-13-01T00:00:00Z",
            "2014-01-01T24:00:00Z",
            "2014-01-01T00:00:00",
            "2014-01-01T00:00:00.Z",
            "2014-01-01T00:00:00+1:00",
            "2014-01-01T00:00:00Zx",
            "2014-01-01 00:00:00Z",
            "2014-01-01T00:00:00+24:00",
            "-014-01-01T00:00:00Z",
            "2014-01-01T00:00:60Z",
        ] {
            assert_eq!(Time::parse(text), Err(NotATime), "{text}");
        }
    }

    #[test]
    fn instants_before_1970_are_converted() {
        let time = UNIX_EPOCH - std::time::Duration::from_millis(1500);
        assert_eq!(Time::from(time), Time::utc(-2, 500_000_000));
    }
}
