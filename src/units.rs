//! Numbers as text for people. Sizes are decimal (1 kB = 1000 B), as on the labels of disks and in `df -H`.

use std::time::Duration;

/// A size: `0 B`, `999 B`, `1.0 kB`, `412 kB`, `13.4 GB`. One decimal below 100, none above.
pub fn bytes(count: u64) -> String {
    const UNITS: [&str; 6] = ["kB", "MB", "GB", "TB", "PB", "EB"];
    if count < 1000 {
        return format!("{count} B");
    }
    let mut value = count as f64 / 1000.0;
    let mut unit = 0;
    // From 999.5 on, rounding would print 1000.
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    if value < 99.95 {
        format!("{value:.1} {}", UNITS[unit])
    } else {
        format!("{value:.0} {}", UNITS[unit])
    }
}

/// So many bytes, of so many in all if that is known: `1.2 MB of 40 MB`.
pub fn part_of(count: u64, all: Option<u64>) -> String {
    let all = all.map_or_else(String::new, |all| format!(" of {}", bytes(all)));
    bytes(count) + &all
}

/// A size of memory, in powers of 1024: `512 MiB`, `1.5 GiB`.
pub fn memory(count: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let mut value = count as f64;
    let mut name = "B";
    for unit in UNITS {
        if value < 1024.0 {
            break;
        }
        value /= 1024.0;
        name = unit;
    }
    format!("{} {name}", (value * 10.0).round() / 10.0)
}

/// Reads a size: `2 GiB`, `1.5GB`, `512 MiB`, `1073741824`. `2G` is 2 GiB, as in systemd. `None`: this is not a size.
pub fn parse_bytes(text: &str) -> Option<u64> {
    let text = text.trim();
    let end = text
        .find(|character: char| !character.is_ascii_digit() && character != '.')
        .unwrap_or(text.len());
    let number: f64 = text[..end].parse().ok()?;
    let (base, exponent): (f64, i32) = match text[end..].trim().to_ascii_lowercase().as_str() {
        "" | "b" => (1.0, 0),
        "kb" => (1000.0, 1),
        "mb" => (1000.0, 2),
        "gb" => (1000.0, 3),
        "tb" => (1000.0, 4),
        "k" | "kib" => (1024.0, 1),
        "m" | "mib" => (1024.0, 2),
        "g" | "gib" => (1024.0, 3),
        "t" | "tib" => (1024.0, 4),
        _ => return None,
    };
    let bytes = number * base.powi(exponent);
    // Below 2^53 every whole number is exact.
    (bytes < 9e15).then_some(bytes as u64)
}

/// A span of time: `0.0 s`, `1.9 s`, `42 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`. A second part of zero is left out.
pub fn duration(span: Duration) -> String {
    let seconds = span.as_secs_f64();
    if seconds < 9.95 {
        return format!("{seconds:.1} s");
    }
    let seconds = seconds.round() as u64;
    let (large, small) = match seconds {
        0..60 => return format!("{seconds} s"),
        60..3600 => ((seconds / 60, "min"), (seconds % 60, "s")),
        3600..86400 => ((seconds / 3600, "h"), (seconds % 3600 / 60, "min")),
        _ => ((seconds / 86400, "d"), (seconds % 86400 / 3600, "h")),
    };
    if small.0 == 0 {
        format!("{} {}", large.0, large.1)
    } else {
        format!("{} {} {} {}", large.0, large.1, small.0, small.1)
    }
}

/// A speed: `12.3 MB/s`. A span of zero counts as a millisecond.
pub fn rate(count: u64, span: Duration) -> String {
    let seconds = span.as_secs_f64().max(0.001);
    format!("{}/s", bytes((count as f64 / seconds) as u64))
}

/// The duration of some work, with its speed if it took at least a second: `0.2 s`, `42 s (12.3 MB/s)`.
pub fn effort(count: u64, span: Duration) -> String {
    if span < Duration::from_secs(1) {
        duration(span)
    } else {
        format!("{} ({})", duration(span), rate(count, span))
    }
}

/// A number with its noun: `1 file`, `2 files`.
pub fn count(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// A number of entries that are not directories: `1 file or other entry`, `2 files and other entries`. Restic's `files` are
/// such entries: links and devices are among them.
pub fn files_and_others(number: u64) -> String {
    count(number, "file or other entry", "files and other entries")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_two_or_three_digits() {
        for (size, text) in [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "1.0 kB"),
            (1049, "1.0 kB"),
            (99_949, "99.9 kB"),
            (99_950, "100 kB"),
            (412_300, "412 kB"),
            (999_499, "999 kB"),
            (999_500, "1.0 MB"),
            (1_300_000_000, "1.3 GB"),
            (u64::MAX, "18.4 EB"),
        ] {
            assert_eq!(bytes(size), text, "{size}");
        }
    }

    #[test]
    fn spans_have_at_most_two_units() {
        for (milliseconds, text) in [
            (0, "0.0 s"),
            (1_900, "1.9 s"),
            (9_949, "9.9 s"),
            (9_950, "10 s"),
            (59_499, "59 s"),
            (59_500, "1 min"),
            (200_000, "3 min 20 s"),
            (7_500_000, "2 h 5 min"),
            (86_400_000, "1 d"),
            (273_600_000, "3 d 4 h"),
        ] {
            assert_eq!(
                duration(Duration::from_millis(milliseconds)),
                text,
                "{milliseconds}"
            );
        }
    }

    #[test]
    fn sizes_of_memory_are_read_and_written_in_powers_of_1024() {
        for (text, size) in [
            ("2 GiB", 2 << 30),
            ("2G", 2 << 30),
            ("1.5gib", 3 << 29),
            ("512MiB", 512 << 20),
            ("1 GB", 1_000_000_000),
            ("1073741824", 1 << 30),
            ("0", 0),
        ] {
            assert_eq!(parse_bytes(text), Some(size), "{text}");
        }
        for text in ["", "GiB", "2 GiG", "-1", "1e3", "1.2.3 MB", "9999999 TiB"] {
            assert_eq!(parse_bytes(text), None, "{text}");
        }
        assert_eq!(memory(2 << 30), "2 GiB");
        assert_eq!(memory(3 << 29), "1.5 GiB");
        assert_eq!(memory(64 << 20), "64 MiB");
        assert_eq!(memory(1_000_000_000), "953.7 MiB");
    }

    #[test]
    fn one_of_something_is_not_several() {
        assert_eq!(count(1, "file", "files"), "1 file");
        assert_eq!(count(0, "file", "files"), "0 files");
        assert_eq!(files_and_others(1), "1 file or other entry");
        assert_eq!(files_and_others(2), "2 files and other entries");
    }

    #[test]
    fn speeds_are_bytes_per_second() {
        assert_eq!(rate(24_600_000, Duration::from_secs(2)), "12.3 MB/s");
        assert_eq!(rate(5, Duration::ZERO), "5.0 kB/s");
    }
}
