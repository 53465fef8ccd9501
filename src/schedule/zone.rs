//! Time zones: how far the wall clock is from UTC at an instant.
//!
//! Everything is built on one question, "what is the offset at this instant?", because that one has exactly one
//! answer. Going from a wall clock's reading to an instant has none, one or two, and is done here on top of it.

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, FixedOffset, NaiveDateTime, TimeDelta, Utc};
use jiff::Timestamp;
use jiff::tz::{TimeZone, TimeZoneDatabase};

use super::zone_files;

/// The widest stretch of seconds in which a zone is taken to change its offset at most once. In the zone data of 2026
/// the closest two changes since 1970 are almost seven days apart.
pub(crate) const SINGLE_CHANGE_SPAN: i64 = 6 * 86_400;

/// A time zone. Cheap to clone. Two are equal if they have the same name, come from the same place and hold the same
/// data, so that a host whose zone or whose zone data were changed can be noticed by building [`Zone::local`] again
/// and comparing.
#[derive(Clone, PartialEq)]
pub struct Zone {
    name: Arc<str>,
    source: Arc<str>,
    assumed: bool,
    data: TimeZone,
}

/// No zone data are known under a name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no time zone `{name}`")]
pub struct UnknownZone {
    /// The name that was asked for.
    pub name: String,
    /// A known name that is much like it.
    pub suggestion: Option<String>,
}

/// One change of a zone's offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    /// The first second with the new offset, Unix time.
    pub at: i64,
    /// The offset up to there, seconds east of UTC.
    pub before: i32,
    /// The offset from there on, seconds east of UTC.
    pub after: i32,
}

impl Zone {
    /// Coordinated Universal Time, which needs no data.
    pub fn utc() -> Zone {
        Zone::new("UTC", "by definition", TimeZone::UTC)
    }

    /// The zone with an IANA name, as `Europe/Berlin`, in exactly that spelling: from the system's zone files, or
    /// from the data that are built into the program where the system has none under that name.
    ///
    /// # Errors
    ///
    /// [`UnknownZone`] if neither has it; with a suggestion where a known name is close.
    pub fn named(name: &str) -> Result<Zone, UnknownZone> {
        if matches!(name, "UTC" | "Etc/UTC") {
            return Ok(Zone::new(name, "by definition", TimeZone::UTC));
        }
        match zone_files::read_named(name) {
            Some((path, data)) => Ok(Zone::new(name, path.display().to_string(), data)),
            None => Zone::bundled(name),
        }
    }

    /// The zone with an IANA name from the data that are built into the program, whatever the system has. They are
    /// the same on every host and as old as the program.
    ///
    /// # Errors
    ///
    /// [`UnknownZone`] if there is none of that name.
    pub fn bundled(name: &str) -> Result<Zone, UnknownZone> {
        // The look-up ignores case; names here do not, so that a name means the same with and without system files.
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

    /// The host's zone: what the environment's `TZ` says, else `/etc/localtime`. Nothing is cached, so calling it
    /// again sees a change. When neither can be read the zone is UTC, [`Zone::is_assumed`] is true and
    /// [`Zone::source`] says why: this is worth a warning.
    pub fn local() -> Zone {
        zone_files::host_zone(
            std::env::var_os("TZ").as_deref(),
            std::path::Path::new("/etc/localtime"),
        )
    }

    /// A zone made of its parts.
    pub(super) fn new(name: &str, source: impl Into<String>, data: TimeZone) -> Zone {
        Zone {
            name: name.into(),
            source: source.into().into(),
            assumed: false,
            data,
        }
    }

    /// The same zone with more to say about where it comes from.
    pub(super) fn with_source(mut self, describe: impl FnOnce(&str) -> String) -> Zone {
        self.source = describe(&self.source).into();
        self
    }

    /// UTC in want of anything better.
    pub(super) fn assumed(reason: String) -> Zone {
        Zone {
            assumed: true,
            ..Zone::new("UTC", reason, TimeZone::UTC)
        }
    }

    /// The name: an IANA name where there is one, else what the host calls it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where the zone comes from, for a log line: a file, the built-in data, or the reason why it was assumed.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// True if the host's zone could not be read and UTC was taken in its place.
    pub fn is_assumed(&self) -> bool {
        self.assumed
    }

    /// The offset from UTC at an instant. Instants outside the years −9999 to 9999 are treated as the nearest inside.
    pub fn offset_at(&self, instant: DateTime<Utc>) -> FixedOffset {
        let seconds = self.offset_seconds(instant.timestamp());
        FixedOffset::east_opt(seconds).unwrap_or(const { FixedOffset::east_opt(0).unwrap() })
    }

    /// An instant as the wall clock shows it. Instants beyond what a local time can be formed of are treated as the
    /// nearest that can.
    pub fn to_local(&self, instant: DateTime<Utc>) -> DateTime<FixedOffset> {
        const MARGIN: TimeDelta = TimeDelta::days(2);
        let instant = instant.clamp(
            DateTime::<Utc>::MIN_UTC + MARGIN,
            DateTime::<Utc>::MAX_UTC - MARGIN,
        );
        instant.with_timezone(&self.offset_at(instant))
    }

    /// The instant at which the wall clock shows `wall`. A time that exists twice is the first of the two; a time
    /// that does not exist is shifted forward by the length of the gap.
    pub fn instant(&self, wall: NaiveDateTime) -> DateTime<Utc> {
        let as_utc = wall.and_utc();
        let offset = self.offset_for_wall(as_utc.timestamp());
        as_utc
            .checked_sub_signed(TimeDelta::seconds(i64::from(offset)))
            .unwrap_or(as_utc)
    }

    /// The offset by which a wall-clock reading, counted in seconds as if it were UTC, becomes an instant.
    fn offset_for_wall(&self, wall: i64) -> i32 {
        // No offset is a whole day, so the change that matters is within a day of the reading taken as UTC.
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

    /// Seconds east of UTC at a Unix time, less than a day either way.
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

    /// The change of offset after `from` and not after `until`, which must be at most [`SINGLE_CHANGE_SPAN`] apart.
    pub(crate) fn change_between(&self, from: i64, until: i64) -> Option<Change> {
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
        Some(Change {
            at: new,
            before,
            after,
        })
    }
}

/// The known name that is most like `name`, if one is much like it: another case, a slip of the keyboard, or a city
/// without its continent.
fn suggestion(name: &str) -> Option<String> {
    const CLOSE_ENOUGH: f64 = 0.8;
    let wanted = name.to_ascii_lowercase().replace(' ', "_");
    // A longer text is no slip of the keyboard, and comparing it would take time for nothing.
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
