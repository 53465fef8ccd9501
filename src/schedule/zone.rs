//! Time zones: the offset of the wall clock from UTC at an instant.
//!
//! Everything is built on one question: what is the offset at this instant? It has exactly one answer. A reading of
//! the wall clock can belong to no instant, to one or to two; `Zone::instant` chooses one.

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, FixedOffset, NaiveDateTime, TimeDelta, Utc};
use jiff::Timestamp;
use jiff::tz::{TimeZone, TimeZoneDatabase};

use super::zone_files;

/// Seconds in which a zone changes its offset at most once. In the zone data of 2026 the closest two changes since
/// 1970 are almost seven days apart.
pub(crate) const SINGLE_CHANGE_SPAN: i64 = 6 * 86_400;

/// A time zone. Cheap to clone. Two zones are equal if they have the same name, source and data. To notice a change of
/// the host's zone or of its zone data, build [`Zone::local`] again and compare.
#[derive(Clone, PartialEq)]
pub struct Zone {
    name: Arc<str>,
    source: Arc<str>,
    assumed: bool,
    data: TimeZone,
}

/// No zone with this name is known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no time zone `{name}`")]
pub struct UnknownZone {
    pub name: String,
    /// A known name that is similar, if there is one. Never for an offset such as `GMT+2`: the zone `Etc/GMT+2` is two
    /// hours behind Greenwich.
    pub suggestion: Option<String>,
}

impl UnknownZone {
    /// For a name that is an offset from Greenwich, as `GMT+2` or `+05:30`, what to write instead.
    pub fn advice_for_offset(&self) -> Option<String> {
        let (ahead, number) = offset(&self.name)?;
        let city = "a city, as `Europe/Berlin`, follows its clocks in summer, too";
        let (sign, direction, most) = match ahead {
            true => ('-', "ahead of", 14),
            false => ('+', "behind", 12),
        };
        Some(match number.parse::<u32>() {
            Ok(hours) if (1..=most).contains(&hours) => format!(
                "`Etc/GMT{sign}{hours}` is {} {direction} Greenwich all year: its sign is the other way round; {city}",
                in_hours(hours)
            ),
            _ => format!("an offset is not a time zone; {city}"),
        })
    }
}

fn in_hours(number: u32) -> String {
    format!("{number} hour{}", if number == 1 { "" } else { "s" })
}

/// For a zone such as `Etc/GMT+2`, whose sign is the other way round: what it is (`2 hours behind`), and the zone of the
/// other direction. `None`: the name is that of another zone.
pub fn inverted(name: &str) -> Option<(String, String)> {
    let rest = name.strip_prefix("Etc/GMT")?;
    let (direction, other, number) = match (rest.strip_prefix('+'), rest.strip_prefix('-')) {
        (Some(number), _) => ("behind", '-', number),
        (_, Some(number)) => ("ahead of", '+', number),
        (None, None) => return None,
    };
    let hours: u32 = number.parse().ok().filter(|hours| *hours > 0)?;
    Some((
        format!("{} {direction}", in_hours(hours)),
        format!("Etc/GMT{other}{hours}"),
    ))
}

/// An offset from Greenwich: whether it is ahead, and what follows the sign. `None`: the text is something else.
fn offset(name: &str) -> Option<(bool, String)> {
    let upper = name.trim().to_ascii_uppercase();
    let rest = ["ETC/GMT", "ETC/UTC", "GMT", "UTC", "Z"]
        .iter()
        .find_map(|prefix| upper.strip_prefix(prefix))
        .unwrap_or(&upper)
        .trim_start();
    let (ahead, number) = match rest.strip_prefix('+') {
        Some(number) => (true, number),
        None => (false, rest.strip_prefix(['-', '\u{2212}'])?),
    };
    let is_number = number.starts_with(|first: char| first.is_ascii_digit())
        && number
            .chars()
            .all(|it| it.is_ascii_digit() || it == ':' || it == '.');
    let whole = number
        .strip_suffix(":00")
        .or_else(|| number.strip_suffix("00").filter(|it| !it.is_empty()))
        .unwrap_or(number);
    is_number.then(|| (ahead, whole.to_owned()))
}

/// One change of a zone's offset, as at the start of daylight saving time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OffsetChange {
    /// The first second with the new offset, Unix time.
    pub at: i64,
    /// The offset before, in seconds east of UTC.
    pub before: i32,
    /// The offset after, in seconds east of UTC.
    pub after: i32,
}

impl Zone {
    /// Coordinated Universal Time, which needs no data.
    pub fn utc() -> Zone {
        Zone::new("UTC", "by definition", TimeZone::UTC)
    }

    /// The zone with an IANA name such as `Europe/Berlin`, in exactly this spelling. The data come from the system's
    /// zone files; if the system does not have the zone, from the data that are built into the program.
    ///
    /// # Errors
    ///
    /// [`UnknownZone`] if neither has the zone, with a suggestion if a known name is similar.
    pub fn named(name: &str) -> Result<Zone, UnknownZone> {
        if matches!(name, "UTC" | "Etc/UTC") {
            return Ok(Zone::new(name, "by definition", TimeZone::UTC));
        }
        match zone_files::read_named(name) {
            Some((path, data)) => Ok(Zone::new(name, path.display().to_string(), data)),
            None => Zone::bundled(name),
        }
    }

    /// The zone with an IANA name from the data that are built into the program. They are the same on every host, and
    /// as old as the program.
    ///
    /// # Errors
    ///
    /// [`UnknownZone`] if no zone has this name.
    pub fn bundled(name: &str) -> Result<Zone, UnknownZone> {
        // The look-up ignores case, the system's files do not. A name must mean the same with and without them.
        let database = TimeZoneDatabase::bundled();
        let known = database.available().any(|known| known.as_str() == name);
        match database.get(name) {
            Ok(data) if known => Ok(Zone::new(name, "built-in zone data", data)),
            _ => Err(UnknownZone {
                name: name.to_owned(),
                suggestion: suggestion(name),
            }),
        }
    }

    /// A zone whose data were read. `source` says where from.
    pub(super) fn new(name: &str, source: impl Into<String>, data: TimeZone) -> Zone {
        Zone {
            name: name.into(),
            source: source.into().into(),
            assumed: false,
            data,
        }
    }

    /// The same zone with another source, made from the present one.
    pub(super) fn with_source(mut self, describe: impl FnOnce(&str) -> String) -> Zone {
        self.source = describe(&self.source).into();
        self
    }

    /// UTC, because the host's zone cannot be read. `reason` becomes the source.
    pub(super) fn assumed(reason: String) -> Zone {
        Zone {
            assumed: true,
            ..Zone::new("UTC", reason, TimeZone::UTC)
        }
    }

    /// The IANA name if the zone has one, else the host's name for it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where the zone comes from, for a log line: a file, the built-in data, or the reason why UTC is assumed.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// True if the host's zone could not be read, so that UTC is assumed.
    pub fn is_assumed(&self) -> bool {
        self.assumed
    }

    /// The offset from UTC at an instant. An instant outside the years −9999 to 9999 counts as the nearest one inside.
    pub fn offset_at(&self, instant: DateTime<Utc>) -> FixedOffset {
        let seconds = self.offset_seconds(instant.timestamp());
        FixedOffset::east_opt(seconds).unwrap_or(const { FixedOffset::east_opt(0).unwrap() })
    }

    /// An instant as the wall clock shows it. An instant that has no local time counts as the nearest one that has.
    pub fn to_local(&self, instant: DateTime<Utc>) -> DateTime<FixedOffset> {
        const MARGIN: TimeDelta = TimeDelta::days(2);
        let instant = instant.clamp(
            DateTime::<Utc>::MIN_UTC + MARGIN,
            DateTime::<Utc>::MAX_UTC - MARGIN,
        );
        instant.with_timezone(&self.offset_at(instant))
    }

    /// The instant at which the wall clock shows `wall`. If the clock shows this time twice, it is the first of the two
    /// instants. If the clock skips this time, the instant is later by the length of the gap.
    pub fn instant(&self, wall: NaiveDateTime) -> DateTime<Utc> {
        let as_utc = wall.and_utc();
        let offset = self.offset_for_wall(as_utc.timestamp());
        as_utc
            .checked_sub_signed(TimeDelta::seconds(i64::from(offset)))
            .unwrap_or(as_utc)
    }

    /// The offset by which a wall-clock reading, counted in seconds as if it were UTC, becomes an instant.
    fn offset_for_wall(&self, wall: i64) -> i32 {
        // An offset is less than a day, so a change that matters is less than a day from the reading taken as UTC.
        match self.change_between(
            wall.saturating_sub(86_400 + 1),
            wall.saturating_add(86_400 + 1),
        ) {
            None => self.offset_seconds(wall),
            Some(change) => {
                let new_only_from = change.at + i64::from(change.before.max(change.after));
                if wall < new_only_from {
                    change.before
                } else {
                    change.after
                }
            }
        }
    }

    /// Seconds east of UTC at a Unix time: more than minus a day, less than a day.
    pub(crate) fn offset_seconds(&self, unix: i64) -> i32 {
        let timestamp = Timestamp::from_second(unix).unwrap_or(if unix < 0 {
            Timestamp::MIN
        } else {
            Timestamp::MAX
        });
        self.data
            .to_offset(timestamp)
            .seconds()
            .clamp(-86_399, 86_399)
    }

    /// The change of offset after `from` and not after `until`. The two must be at most [`SINGLE_CHANGE_SPAN`] apart.
    pub(crate) fn change_between(&self, from: i64, until: i64) -> Option<OffsetChange> {
        let before = self.offset_seconds(from);
        let after = self.offset_seconds(until);
        if before == after {
            return None;
        }
        let (mut old, mut new) = (from, until);
        while new - old > 1 {
            let middle = old + (new - old) / 2;
            if self.offset_seconds(middle) == before {
                old = middle;
            } else {
                new = middle;
            }
        }
        Some(OffsetChange {
            at: new,
            before,
            after,
        })
    }
}

/// The known name that is most similar to `name`: in another case, with a typing error, or a city without its
/// continent. `None` if no known name is similar enough.
fn suggestion(name: &str) -> Option<String> {
    if offset(name).is_some() {
        return None;
    }
    const CLOSE_ENOUGH: f64 = 0.8;
    let wanted = name.to_ascii_lowercase().replace(' ', "_");
    // A longer text is not a typing error, and the comparison would take long.
    if wanted.len() > 64 {
        return None;
    }
    let mut best: Option<(f64, String)> = None;
    for known in TimeZoneDatabase::bundled().available() {
        let lower = known.as_str().to_ascii_lowercase();
        let city = lower.rsplit('/').next().unwrap_or(&lower);
        let likeness = strsim::normalized_damerau_levenshtein(&wanted, &lower)
            .max(strsim::normalized_damerau_levenshtein(&wanted, city) - 0.01);
        if likeness >= CLOSE_ENOUGH && best.as_ref().is_none_or(|(most, _)| likeness > *most) {
            best = Some((likeness, known.as_str().to_owned()));
        }
    }
    best.map(|(_, known)| known)
}

impl fmt::Debug for Zone {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Zone({} from {})", self.name, self.source)
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.name)
    }
}
