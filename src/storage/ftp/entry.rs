//! One entry of a directory, in the forms in which servers tell it. Pure.

use std::time::SystemTime;

use chrono::NaiveDateTime;

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EntryType {
    File,
    Directory,
    Link,
    /// A device or a pipe.
    Other,
    /// The server does not say it.
    Unknown,
}

/// An entry of a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub name: Vec<u8>,
    pub is: EntryType,
    /// In bytes, of a file.
    pub size: Option<u64>,
    pub modified: Option<SystemTime>,
}

/// What a line of a list says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    Entry(Entry),
    /// The directory itself, or the one above it.
    Dots,
    /// Nothing of interest.
    Nothing,
}

/// A line of MLSD: `type=file;size=7;modify=20261127031500; NAME`. `None` if it is not one.
pub(super) fn of_machine_line(line: &[u8]) -> Option<Line> {
    if line.is_empty() {
        return Some(Line::Nothing);
    }
    let space = line.iter().position(|byte| *byte == b' ')?;
    let facts = std::str::from_utf8(&line[..space]).ok()?;
    let name = &line[space + 1..];
    let mut entry = Entry {
        name: name.to_vec(),
        is: EntryType::Unknown,
        size: None,
        modified: None,
    };
    for fact in facts.split_terminator(';') {
        let (key, value) = fact.split_once('=')?;
        if key.eq_ignore_ascii_case("type") {
            let value = value.to_ascii_lowercase();
            entry.is = match value.as_str() {
                "file" => EntryType::File,
                "dir" => EntryType::Directory,
                "cdir" | "pdir" => return Some(Line::Dots),
                _ if value.starts_with("os.unix=slink") || value.starts_with("os.unix=symlink") => {
                    EntryType::Link
                }
                _ => EntryType::Other,
            };
        } else if key.eq_ignore_ascii_case("size") {
            entry.size = Some(value.parse().ok()?);
        } else if key.eq_ignore_ascii_case("modify") {
            entry.modified = time(value);
        }
    }
    Some(named(entry))
}

fn named(entry: Entry) -> Line {
    match entry.name.as_slice() {
        b"." | b".." => Line::Dots,
        _ => Line::Entry(entry),
    }
}

/// A time as FTP has it, in UTC: `20261127031500`, perhaps with a fraction.
pub(super) fn time(text: &str) -> Option<SystemTime> {
    let whole = text.split('.').next()?;
    if whole.len() != 14 {
        return None;
    }
    let time = NaiveDateTime::parse_from_str(whole, "%Y%m%d%H%M%S").ok()?;
    Some(time.and_utc().into())
}

/// A line of LIST, as `ls -l` or as DOS has it. `None` if it is neither.
pub(super) fn of_list_line(line: &[u8]) -> Option<Line> {
    let trimmed = line.trim_ascii_end();
    if trimmed.is_empty() || trimmed.starts_with(b"total ") {
        return Some(Line::Nothing);
    }
    of_unix_line(line).or_else(|| of_dos_line(line))
}

/// The words of a line, each with the position at which it ends.
fn words(line: &[u8]) -> Vec<(&[u8], usize)> {
    let mut words = Vec::new();
    let mut start = None;
    for (at, byte) in line.iter().enumerate() {
        match (byte == &b' ' || byte == &b'\t', start) {
            (false, None) => start = Some(at),
            (true, Some(from)) => {
                words.push((&line[from..at], at));
                start = None;
            }
            _ => {}
        }
    }
    if let Some(from) = start {
        words.push((&line[from..], line.len()));
    }
    words
}

/// `-rw------- 1 web1 web1 7 Nov 27 03:15 NAME`. The owner and the group may have blanks. The time is that of the zone of
/// the server, which nobody knows, and so it is left out.
fn of_unix_line(line: &[u8]) -> Option<Line> {
    let is = match line.first()? {
        b'-' => EntryType::File,
        b'd' => EntryType::Directory,
        b'l' => EntryType::Link,
        b'b' | b'c' | b'p' | b's' => EntryType::Other,
        _ => return None,
    };
    let words = words(line);
    if words.first()?.0.len() < 10 {
        return None;
    }
    let size_at = |at: usize| number(words.get(at)?.0);
    let (size, end) = (3..words.len()).find_map(|at| {
        let size = size_at(at - 1);
        let word = |next: usize| words.get(at + next).map(|(word, _)| *word);
        let is_device = is == EntryType::Other;
        if is_month(word(0)?) && is_day(word(1)?) && is_time_or_year(word(2)?) {
            (size.is_some() || is_device).then_some((size, words[at + 2].1))
        } else if is_date(word(0)?) && is_time_or_year(word(1)?) {
            (size.is_some() || is_device).then_some((size, words[at + 1].1))
        } else {
            None
        }
    })?;
    let mut name = line.get(end + 1..).filter(|name| !name.is_empty())?;
    if is == EntryType::Link {
        let arrow = name.windows(4).position(|part| part == b" -> ");
        name = &name[..arrow.unwrap_or(name.len())];
    }
    Some(named(Entry {
        name: name.to_vec(),
        is,
        size: size.filter(|_| is == EntryType::File),
        modified: None,
    }))
}

/// `11-27-26  03:15AM       <DIR>          NAME`.
fn of_dos_line(line: &[u8]) -> Option<Line> {
    let words = words(line);
    let date = words.first()?.0;
    let is_date = date.len() >= 8
        && date
            .iter()
            .all(|byte| byte.is_ascii_digit() || b"-/".contains(byte));
    if !is_date || !words.get(1)?.0.contains(&b':') {
        return None;
    }
    let (kind, end) = *words.get(2)?;
    let rest = line.get(end..)?;
    let name = rest.trim_ascii_start();
    if name.is_empty() {
        return None;
    }
    let (is, size) = match kind {
        b"<DIR>" => (EntryType::Directory, None),
        kind if kind.starts_with(b"<") => (EntryType::Link, None),
        size => (EntryType::File, Some(number(size)?)),
    };
    Some(named(Entry {
        name: name.to_vec(),
        is,
        size,
        modified: None,
    }))
}

fn number(word: &[u8]) -> Option<u64> {
    if !word.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(word).ok()?.parse().ok()
}

fn is_month(word: &[u8]) -> bool {
    const MONTHS: [&str; 12] = [
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    ];
    MONTHS
        .iter()
        .any(|month| word.eq_ignore_ascii_case(month.as_bytes()))
}

fn is_day(word: &[u8]) -> bool {
    number(word).is_some_and(|day| (1..=31).contains(&day))
}

fn is_time_or_year(word: &[u8]) -> bool {
    !word.is_empty()
        && word
            .iter()
            .all(|byte| byte.is_ascii_digit() || b":.".contains(byte))
}

fn is_date(word: &[u8]) -> bool {
    word.len() == 10
        && word.iter().enumerate().all(|(at, byte)| match at {
            4 | 7 => *byte == b'-',
            _ => byte.is_ascii_digit(),
        })
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    fn found(line: Option<Line>) -> (String, EntryType, Option<u64>) {
        match line {
            Some(Line::Entry(entry)) => {
                (String::from_utf8(entry.name).unwrap(), entry.is, entry.size)
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn lines_of_many_servers_are_understood() {
        use EntryType::{Directory, File, Link, Other};
        for (line, name, is, size) in [
            (
                "-rw-------    1 1001     1001            7 Nov 27 03:15 abc",
                "abc",
                File,
                Some(7),
            ),
            (
                "-rw-r--r--   1 web1     domain users  1234567890123 Jan  1  2024 a b  c",
                "a b  c",
                File,
                Some(1_234_567_890_123),
            ),
            (
                "drwx------ 2 u g 4096 Feb 29 00:00 00",
                "00",
                Directory,
                None,
            ),
            (
                "lrwxrwxrwx 1 u g 7 Nov 27 03:15 x -> y -> z",
                "x",
                Link,
                None,
            ),
            (
                "crw-rw-rw- 1 u g 1, 3 Nov 27 03:15 null",
                "null",
                Other,
                None,
            ),
            (
                "-rw-r--r--+ 1 u g 5 2026-11-27 03:15 iso",
                "iso",
                File,
                Some(5),
            ),
            (
                "-rw-r--r-- 1 u g 5 Nov 27 03:15  blank",
                " blank",
                File,
                Some(5),
            ),
            (
                "11-27-26  03:15AM       <DIR>          data",
                "data",
                Directory,
                None,
            ),
            (
                "11-27-2026  03:15PM            1234 a b",
                "a b",
                File,
                Some(1234),
            ),
        ] {
            let expected = (name.to_owned(), is, size);
            assert_eq!(found(of_list_line(line.as_bytes())), expected, "{line}");
        }
        let dots = of_list_line(b"drwx------ 2 u g 4096 Feb 29 00:00 .");
        assert_eq!(dots, Some(Line::Dots));
        assert_eq!(of_list_line(b"total 12"), Some(Line::Nothing));
        for line in [
            &b"hello"[..],
            b"-rw------- 1 u g x Nov 27 03:15 a",
            b"-rw------- 1 u g 5 Nov 27 03:15",
            b"-rw------- 1 u g 5 Nov 27 03:15 ",
            b"+i8388621.48594,m825718503,r,s280,\tdjb.html",
            b"\xff\xff",
        ] {
            assert_eq!(of_list_line(line), None);
        }
    }

    #[test]
    fn lines_for_machines_are_understood() {
        let Some(Line::Entry(entry)) =
            of_machine_line(b"Type=file;Size=7;Modify=19700101000100.5;UNIX.mode=0600; a b")
        else {
            panic!()
        };
        assert_eq!((entry.name.as_slice(), entry.size), (&b"a b"[..], Some(7)));
        assert_eq!(entry.is, EntryType::File);
        assert_eq!(entry.modified, Some(UNIX_EPOCH + Duration::from_secs(60)));
        let is = |line: &str| found(of_machine_line(line.as_bytes())).1;
        assert_eq!(is("type=dir; x"), EntryType::Directory);
        assert_eq!(is("type=OS.unix=slink:/etc; x"), EntryType::Link);
        assert_eq!(is("type=OS.unix=chr-1/3; x"), EntryType::Other);
        assert_eq!(is("size=1; x"), EntryType::Unknown);
        assert_eq!(of_machine_line(b"type=cdir; /srv"), Some(Line::Dots));
        assert_eq!(of_machine_line(b""), Some(Line::Nothing));
        for line in [
            &b"x"[..],
            b"type=file;size=-1; x",
            b"typefile; x",
            b"\xff=1; x",
        ] {
            assert_eq!(of_machine_line(line), None);
        }
    }
}
