//! A date in a job file: an instant, or a time of the wall clock that needs a zone to become one.

use std::fmt;
use std::ops::Range;

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, TimeZone, Utc};

use super::days::days_in_month;
use super::fault::{Flaw, shorten};
use super::zone::Zone;

/// A date and time as a file gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Without an offset: a time of the wall clock.
    Wall(NaiveDateTime),
    /// With an offset, or `Z`.
    Instant(DateTime<FixedOffset>),
}

impl Moment {
    /// Reads an ISO 8601 date: `2026-03-01`, which is midnight of that day, or `2026-03-01T14:30`. Seconds, fractions of
    /// a second, and `Z` or an offset such as `+02:00` are optional. A blank may stand for the `T`.
    ///
    /// # Errors
    ///
    /// A [`Flaw`] with its place in `text`.
    pub fn parse(text: &str) -> Result<Moment, Flaw> {
        let start = text.len() - text.trim_start().len();
        Reader {
            text: text.trim(),
            start,
            place: 0,
        }
        .moment()
    }

    /// The instant of this date. `zone` applies to a time of the wall clock, see [`Zone::instant`].
    pub fn instant(&self, zone: &Zone) -> DateTime<Utc> {
        match self {
            Moment::Wall(wall) => zone.instant(*wall),
            Moment::Instant(instant) => instant.to_utc(),
        }
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Moment::Wall(wall) => write!(formatter, "{}", wall.format("%Y-%m-%d %H:%M:%S%.f")),
            Moment::Instant(instant) => {
                write!(formatter, "{}", instant.format("%Y-%m-%d %H:%M:%S%.f %:z"))
            }
        }
    }
}

/// Reads a text from left to right.
struct Reader<'a> {
    text: &'a str,
    /// The byte of the value at which `text` begins. The flaws' places are bytes of the value.
    start: usize,
    place: usize,
}

impl Reader<'_> {
    fn moment(mut self) -> Result<Moment, Flaw> {
        let year = self.number(4)?;
        self.sign("-")?;
        let month = self.part(1, 12, "month")?;
        self.sign("-")?;
        let day_place = self.place;
        let day = self.part(1, 31, "day")?;
        let year = i32::try_from(year).map_err(|_| self.shape())?;
        let Some(date) = NaiveDate::from_ymd_opt(year, month, day) else {
            let length = days_in_month(year, month);
            let first = NaiveDate::from_ymd_opt(year, month, 1).unwrap_or_default();
            return Err(Flaw::new(
                "no-such-day",
                format!("{} has {length} days", first.format("%B %Y")),
            )
            .at(self.range(day_place))
            .label(format!("1 to {length}")));
        };
        if self.rest().is_empty() {
            return Ok(Moment::Wall(date.and_time(NaiveTime::MIN)));
        }
        if self.eat("T").is_none() && self.eat(" ").is_none() {
            return Err(self.shape());
        }
        let hour_place = self.place;
        let hour = self.part(0, 24, "hour")?;
        if hour == 24 {
            return Err(Flaw::new("out-of-range", "24 is not between 0 and 23")
                .at(self.range(hour_place))
                .label("an hour, 00 to 23")
                .help("write 00:00 of the next day"));
        }
        self.sign(":")?;
        let minute = self.part(0, 59, "minute")?;
        let mut second = 0;
        let mut nanosecond = 0;
        if self.eat(":").is_some() {
            second = self.part(0, 59, "second")?;
            if self.eat(".").is_some() {
                nanosecond = self.fraction()?;
            }
        }
        let time = NaiveTime::from_hms_nano_opt(hour, minute, second, nanosecond)
            .ok_or_else(|| self.shape())?;
        let wall = date.and_time(time);
        let offset = self.offset()?;
        if !self.rest().is_empty() {
            let flaw = Flaw::new(
                "trailing-text",
                format!(
                    "`{}` after the date means nothing",
                    shorten(self.rest().trim())
                ),
            )
            .at(self.start + self.place..self.start + self.text.len())
            .label("unexpected");
            return Err(match self.rest().trim() {
                "UTC" | "GMT" | "z" => flaw.help("write `Z` right after the time for UTC"),
                _ => flaw
                    .help("a zone belongs in schedule_timezone; an offset has the form `+02:00`"),
            });
        }
        let Some(offset) = offset else {
            return Ok(Moment::Wall(wall));
        };
        // `None` only near the first and the last instant that can be represented.
        offset
            .from_local_datetime(&wall)
            .single()
            .map(Moment::Instant)
            .ok_or_else(|| self.shape())
    }

    /// Reads the digits of a fraction of a second, as nanoseconds.
    fn fraction(&mut self) -> Result<u32, Flaw> {
        let digits = self.rest().bytes().take_while(u8::is_ascii_digit).count();
        let (fraction, _) = self.rest().split_at(digits);
        if digits == 0 || digits > 9 {
            let place = self.place;
            self.place += digits;
            return Err(
                Flaw::new("not-a-date", "a fraction of a second has 1 to 9 digits")
                    .at(self.range(place))
                    .label("1 to 9 digits"),
            );
        }
        let value = format!("{fraction:0<9}")
            .parse()
            .map_err(|_| self.shape())?;
        self.place += digits;
        Ok(value)
    }

    /// Reads `Z`, an offset, or nothing.
    fn offset(&mut self) -> Result<Option<FixedOffset>, Flaw> {
        if self.eat("Z").is_some() {
            return Ok(FixedOffset::east_opt(0));
        }
        let place = self.place;
        let sign = match (self.eat("+"), self.eat("-")) {
            (Some(()), None) => 1,
            (None, Some(())) => -1,
            _ => return Ok(None),
        };
        let whole = self.start + place..self.start + self.text.len();
        let digits = self.rest();
        if matches!(digits.len(), 2 | 4) && digits.bytes().all(|byte| byte.is_ascii_digit()) {
            let corrected = format!(
                "{}{}:{}",
                &self.text[place..=place],
                &digits[..2],
                if digits.len() == 4 {
                    &digits[2..]
                } else {
                    "00"
                }
            );
            return Err(Flaw::new(
                "bad-offset",
                "an offset has hours and minutes with a colon between",
            )
            .at(whole)
            .help(format!("write `{corrected}`")));
        }
        let hours = self.part(0, 23, "offset's hour")?;
        self.sign(":")?;
        let minutes = self.part(0, 59, "offset's minute")?;
        let seconds = i32::try_from(hours * 3600 + minutes * 60).map_err(|_| self.shape())?;
        Ok(FixedOffset::east_opt(sign * seconds))
    }

    /// Reads a number of two digits and checks its limits.
    fn part(&mut self, lowest: u32, highest: u32, name: &str) -> Result<u32, Flaw> {
        let place = self.place;
        let value = self.number(2)?;
        if (lowest..=highest).contains(&value) {
            return Ok(value);
        }
        Err(Flaw::new(
            "out-of-range",
            format!("{value} is not between {lowest} and {highest}"),
        )
        .at(self.range(place))
        .label(format!("the {name}, {lowest:02} to {highest:02}")))
    }

    /// Reads a number with exactly this many digits.
    fn number(&mut self, digits: usize) -> Result<u32, Flaw> {
        let found = self.rest().bytes().take_while(u8::is_ascii_digit).count();
        let value = self.rest().get(..digits).filter(|_| found == digits);
        let value = value
            .and_then(|value| value.parse().ok())
            .ok_or_else(|| self.shape())?;
        self.place += digits;
        Ok(value)
    }

    /// Reads a sign that must be there.
    fn sign(&mut self, sign: &str) -> Result<(), Flaw> {
        self.eat(sign).ok_or_else(|| self.shape())
    }

    fn eat(&mut self, sign: &str) -> Option<()> {
        self.rest().strip_prefix(sign)?;
        self.place += sign.len();
        Some(())
    }

    fn rest(&self) -> &str {
        self.text.get(self.place..).unwrap_or("")
    }

    /// The bytes from `place` to the present place, at least one character. At the end of the text it is the last
    /// character.
    fn range(&self, place: usize) -> Range<usize> {
        let rest = self.text.get(place..).unwrap_or("");
        match rest.chars().next() {
            Some(first) => {
                let end = self.place.max(place + first.len_utf8());
                self.start + place..self.start + end
            }
            None => {
                let last = self.text.chars().next_back().map_or(0, char::len_utf8);
                self.start + self.text.len() - last..self.start + self.text.len()
            }
        }
    }

    /// The flaw of a text that does not continue as a date.
    fn shape(&self) -> Flaw {
        let flaw = Flaw::new(
            "not-a-date",
            format!("`{}` is not an ISO 8601 date", shorten(self.text)),
        )
        .label("as `2026-03-01T14:30:00`, with `Z` or an offset if it is not local time");
        if self.place == 0 {
            return if !self.text.is_empty() && self.text.bytes().all(|byte| byte.is_ascii_digit()) {
                flaw.at(self.start..self.start + self.text.len())
                    .help("Unix time is not accepted here: write the date and the time")
            } else {
                flaw.at(self.start..self.start + self.text.len())
            };
        }
        let flaw = flaw.at(self.range(self.place));
        if self.place <= 10 {
            flaw.help("write year, month and day with 4, 2 and 2 digits and `-` between, then `T` and the time")
        } else {
            flaw.help("write hour, minute and second with two digits each and `:` between")
        }
    }
}
