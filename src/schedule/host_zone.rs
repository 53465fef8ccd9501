//! The host's zone: what `TZ` says, else `/etc/localtime`.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use jiff::tz::TimeZone;

use super::zone::Zone;
use super::zone_files::{name_in_path, read};

impl Zone {
    /// The host's zone: what the environment's `TZ` says, else `/etc/localtime`. Nothing is cached, so a later call
    /// notices a change. When neither can be read, the zone is UTC, [`Zone::is_assumed`] is true and
    /// [`Zone::source`] gives the reason. The caller should warn of this.
    pub fn local() -> Zone {
        host_zone(
            std::env::var_os("TZ").as_deref(),
            Path::new("/etc/localtime"),
        )
    }
}

/// The host's zone, from the value of `TZ` and the path of the host's zone file.
fn host_zone(variable: Option<&OsStr>, localtime: &Path) -> Zone {
    match variable {
        Some(value) => variable_zone(value),
        None => localtime_zone(localtime),
    }
}

/// The zone that `TZ` names: an empty value (UTC, as everywhere on Unix), a name, a path, or a rule in POSIX notation.
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
                "TZ={text} is not a readable zone file, so UTC is assumed"
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

/// The zone of the host's zone file. The link's target has its name.
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
    // A host without zone files: the link exists, its target does not.
    match name.as_deref().map(Zone::named) {
        Some(Ok(zone)) => zone.with_source(|source| format!("{shown}, {source}")),
        _ => Zone::assumed(format!(
            "{shown} is not a readable zone file, so UTC is assumed"
        )),
    }
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
    fn a_zone_that_is_assumed_gives_the_reason() {
        for setting in ["Europe/Berln", "/nonexistent/zone", "/dev/null", "12345"] {
            let zone = host_zone(Some(OsStr::new(setting)), nowhere());
            assert!(zone.is_assumed(), "{setting}: {zone:?}");
            assert!(zone.source().contains(setting), "{zone:?}");
        }
        let zone = host_zone(None, nowhere());
        assert!(zone.is_assumed() && zone.source().contains("/nonexistent/localtime"));
    }

    #[test]
    fn the_link_has_the_name_even_without_zone_files() {
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
}
