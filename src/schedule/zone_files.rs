//! The system's zone files: finding one by its zone's name, and reading it.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;

/// The directories in which systems keep their zone files.
const DIRECTORIES: [&str; 4] = [
    "/usr/share/zoneinfo",
    "/usr/lib/zoneinfo",
    "/usr/share/lib/zoneinfo",
    "/etc/zoneinfo",
];

/// Bytes that are read of a zone file. The largest known one has about 4 KiB.
const LARGEST_FILE: u64 = 256 * 1024;

/// The system's data of the zone with an IANA name, and their file. `None` if no directory has a readable one.
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

/// Whether a text can be a zone's name. It must not lead out of the directory.
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

/// Reads a zone file. The caller chooses the name of the zone.
pub(super) fn read(path: &Path, name: &str) -> Option<TimeZone> {
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

/// The zone's name in the path of a zone file: the part after the last directory `zoneinfo`.
pub(super) fn name_in_path(path: &Path) -> Option<&str> {
    let (_, name) = path.to_str()?.rsplit_once("zoneinfo/")?;
    is_zone_name(name).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

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
