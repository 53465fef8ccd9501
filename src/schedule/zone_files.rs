//! Finding a zone's data on this host: by name among the system's zone files, and for the host itself.

use std::ffi::OsStr;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;

use super::zone::Zone;

/// Where systems keep their zone files.
const DIRECTORIES: [&str; 4] = [
    "/usr/share/zoneinfo",
    "/usr/lib/zoneinfo",
    "/usr/share/lib/zoneinfo",
    "/etc/zoneinfo",
];

/// The largest known zone file has some 4 KiB.
const LARGEST_FILE: u64 = 256 * 1024;

/// The system's data under an IANA name, and the file they are from.
pub(super) fn read_named(name: &str) -> Option<(PathBuf, TimeZone)> {
    if !is_zone_name(name) {
        return None;
    }
    DIRECTORIES.iter().find_map(|directory| {
        let path = Path::new(directory).join(name);
        let data = read(&path, name)?;
        Some((path, data))
    })
}

/// Whether a text can be a zone's name, and not a way out of the directory.
fn is_zone_name(name: &str) -> bool {
    let plain = |part: &str| {
        !part.is_empty()
            && part
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '+'))
    };
    // Files under `right/` count leap seconds, which Unix time does not.
    name.len() <= 255 && name.split('/').all(plain) && !name.starts_with("right/")
}

/// A zone file's data, under a name of the caller's choice.
fn read(path: &Path, name: &str) -> Option<TimeZone> {
    // Opening a FIFO would wait for a writer.
    if !fs::metadata(path).ok()?.is_file() {
        return None;
    }
    let mut bytes = Vec::new();
    fs::File::open(path)
        .ok()?
        .take(LARGEST_FILE)
        .read_to_end(&mut bytes)
        .ok()?;
    TimeZone::tzif(name, &bytes).ok()
}

/// The host's zone, given what its environment has as `TZ` and the path of its zone file.
pub(super) fn host_zone(variable: Option<&OsStr>, localtime: &Path) -> Zone {
    match variable {
        Some(value) => variable_zone(value),
        None => localtime_zone(localtime),
    }
}

/// What `TZ` means: nothing (UTC, as everywhere on Unix), a name, a path, or a rule in POSIX's notation.
fn variable_zone(value: &OsStr) -> Zone {
    let Some(text) = value.to_str() else {
        return Zone::assumed("the variable TZ is not UTF-8, so UTC is assumed".to_owned());
    };
    let setting = text.strip_prefix(':').unwrap_or(text);
    if setting.is_empty() {
        return Zone::new("UTC", "TZ is empty, which means UTC", TimeZone::UTC);
    }
    if setting.starts_with('/') {
        let path = Path::new(setting);
        let name = name_in_path(path).unwrap_or(setting);
        return match read(path, name) {
            Some(data) => Zone::new(name, format!("TZ={text}"), data),
            None => Zone::assumed(format!(
                "TZ={text} names no readable zone file, so UTC is assumed"
            )),
        };
    }
    if let Ok(zone) = Zone::named(setting) {
        return zone.with_source(|source| format!("TZ={text}, {source}"));
    }
    match TimeZone::posix(setting) {
        Ok(data) => Zone::new(setting, format!("TZ={text}, a rule"), data),
        Err(_) => Zone::assumed(format!(
            "TZ={text} is neither a known zone nor a rule, so UTC is assumed"
        )),
    }
}

/// What the host's zone file says. Its name is the one that the link points to.
fn localtime_zone(path: &Path) -> Zone {
    let shown = path.display();
    let target = fs::canonicalize(path).ok();
    let name = fs::read_link(path)
        .ok()
        .as_deref()
        .and_then(name_in_path)
        .or_else(|| target.as_deref().and_then(name_in_path))
        .map(str::to_owned);
    if let Some(data) = read(path, name.as_deref().unwrap_or("local")) {
        return match &name {
            Some(name) => Zone::new(name, shown.to_string(), data),
            None => Zone::new("local", shown.to_string(), data),
        };
    }
    // The link is there, but not what it points to: a host without zone files.
    match name.as_deref().map(Zone::named) {
        Some(Ok(zone)) => zone.with_source(|source| format!("{shown}, {source}")),
        _ => Zone::assumed(format!(
            "{shown} is not a readable zone file, so UTC is assumed"
        )),
    }
}

/// The zone's name in the path of a zone file: what follows the last directory called `zoneinfo`.
fn name_in_path(path: &Path) -> Option<&str> {
    let (_, name) = path.to_str()?.rsplit_once("zoneinfo/")?;
    is_zone_name(name).then_some(name)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use chrono::{DateTime, Utc};

    use super::*;

    fn summer() -> DateTime<Utc> {
        DateTime::from_timestamp(1_782_000_000, 0).expect("a valid instant")
    }

    fn hours_east(zone: &Zone) -> i32 {
        zone.offset_at(summer()).local_minus_utc() / 3600
    }

    fn nowhere() -> &'static Path {
        Path::new("/nonexistent/localtime")
    }

    #[test]
    fn the_variable_names_a_zone_a_file_or_a_rule() {
        let name = host_zone(Some(OsStr::new("Europe/Berlin")), nowhere());
        assert_eq!((name.name(), hours_east(&name)), ("Europe/Berlin", 2));
        let colon = host_zone(Some(OsStr::new(":Asia/Tokyo")), nowhere());
        assert_eq!((colon.name(), hours_east(&colon)), ("Asia/Tokyo", 9));
        let rule = host_zone(Some(OsStr::new("XYZ-3")), nowhere());
        assert_eq!((rule.name(), hours_east(&rule)), ("XYZ-3", 3));
        let empty = host_zone(Some(OsStr::new("")), nowhere());
        assert_eq!((empty.name(), empty.is_assumed()), ("UTC", false));
    }

    #[test]
    fn utc_is_never_assumed_without_a_word() {
        for setting in ["Europe/Berln", "/nonexistent/zone", "/dev/null", "12345"] {
            let zone = host_zone(Some(OsStr::new(setting)), nowhere());
            assert!(zone.is_assumed(), "{setting}: {zone:?}");
            assert!(zone.source().contains(setting), "{zone:?}");
        }
        let zone = host_zone(None, nowhere());
        assert!(zone.is_assumed() && zone.source().contains("/nonexistent/localtime"));
    }

    #[test]
    fn the_link_tells_the_name_even_without_zone_files() {
        let directory = tempfile::tempdir().expect("a directory for the test");
        let link = directory.path().join("localtime");
        symlink("/nonexistent/zoneinfo/America/New_York", &link).expect("a link");
        let zone = host_zone(None, &link);
        assert_eq!((zone.name(), hours_east(&zone)), ("America/New_York", -4));
        assert!(!zone.is_assumed());
    }

    #[test]
    fn a_change_of_the_hosts_zone_shows_in_a_comparison() {
        let directory = tempfile::tempdir().expect("a directory for the test");
        let link = directory.path().join("localtime");
        symlink("/nonexistent/zoneinfo/America/New_York", &link).expect("a link");
        let first = host_zone(None, &link);
        assert_eq!(first, host_zone(None, &link));
        fs::remove_file(&link).expect("the link goes");
        symlink("/nonexistent/zoneinfo/America/Toronto", &link).expect("another link");
        assert_ne!(first, host_zone(None, &link));
    }

    #[test]
    fn a_name_cannot_leave_the_zone_directory() {
        for name in [
            "../../etc/passwd",
            "/etc/passwd",
            "",
            "Europe//Berlin",
            "Europe/",
            "right/Europe/Berlin",
            "a b",
            ".",
        ] {
            assert!(read_named(name).is_none(), "{name}");
        }
    }
}
