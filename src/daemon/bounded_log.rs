//! A log file with a limit, which keeps its beginning and its end: the reason of a failure is at the end.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use chrono::{SecondsFormat, Utc};

use crate::control::mark::{self, Mark};

/// The bounds of the log of a run.
pub(super) const RUN_LOG: Bounds = Bounds {
    beginning: 4 * MIB,
    end: 4 * MIB,
    limit: 16 * MIB,
};

const MIB: u64 = 1024 * 1024;

/// The file is measured after this many bytes were appended.
const STEP: u64 = 64 * 1024;

/// What is kept of a log, in bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// Of its first lines.
    pub(super) beginning: u64,
    /// Of its last lines, right after a cut.
    pub(super) end: u64,
    /// A file that has this size is cut.
    pub(super) limit: u64,
}

/// A log file, open for appending. Several may be open for one file, in one thread.
pub(super) struct BoundedLog {
    path: PathBuf,
    file: File,
    bounds: Bounds,
    /// The bytes that were appended since the file was measured.
    unmeasured: u64,
}

impl BoundedLog {
    /// Opens the file, or creates it for its owner alone.
    pub(super) fn open(path: &Path, bounds: Bounds) -> io::Result<BoundedLog> {
        // Without NONBLOCK, opening a FIFO or a device would wait.
        let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOCTTY;
        let file = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .custom_flags(flags.bits() as i32)
            .open(path)?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::other("it is not a regular file"));
        }
        Ok(BoundedLog {
            path: path.to_owned(),
            file,
            bounds,
            unmeasured: 0,
        })
    }

    /// Appends whole lines, and cuts out the middle of the file when it is too long.
    pub(super) fn append(&mut self, lines: &str) -> io::Result<()> {
        self.file.write_all(lines.as_bytes())?;
        self.unmeasured += lines.len() as u64;
        if self.unmeasured >= STEP.min(self.bounds.end) {
            self.unmeasured = 0;
            let length = self.file.metadata()?.len();
            if length >= self.bounds.limit {
                self.cut(length)?;
            }
        }
        Ok(())
    }

    /// Cuts out the middle. The beginning stays in its place, so a crash meanwhile loses no line of it or of the end.
    fn cut(&self, length: u64) -> io::Result<()> {
        // A file that is open for appending can be written only at its end.
        let file = OpenOptions::new().read(true).write(true).open(&self.path)?;
        let mut bytes = vec![0; usize::try_from(length).map_err(io::Error::other)?];
        file.read_exact_at(&mut bytes, 0)?;
        let beginning = usize::try_from(self.bounds.beginning).map_err(io::Error::other)?;
        let end = usize::try_from(self.bounds.end).map_err(io::Error::other)?;
        let (kept, middle, last) = split(&bytes, beginning, end);
        let stamp = Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true);
        let mut text = format!(
            "{stamp} {}: the middle of this log is left out here, because the log is too long\n",
            mark::WRITER
        )
        .into_bytes();
        // The lines that follow belong to the attempt whose mark is cut out.
        text.extend_from_slice(last_mark(middle).unwrap_or_default());
        text.extend_from_slice(last);
        file.write_all_at(&text, kept as u64)?;
        file.set_len((kept + text.len()) as u64)
    }
}

/// Where the beginning ends, the middle, and the end. All of them are whole lines.
fn split(bytes: &[u8], beginning: usize, end: usize) -> (usize, &[u8], &[u8]) {
    let first = bytes.get(..beginning).unwrap_or(bytes);
    let kept = first
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |at| at + 1);
    let from = bytes.len().saturating_sub(end).max(kept);
    let rest = bytes.get(from..).unwrap_or_default();
    let last = match rest.iter().position(|byte| *byte == b'\n') {
        Some(at) if from > kept => from + at + 1,
        _ => from,
    };
    let middle = bytes.get(kept..last).unwrap_or_default();
    (kept, middle, bytes.get(last..).unwrap_or_default())
}

/// The last line with the mark of an attempt, with its line end.
fn last_mark(bytes: &[u8]) -> Option<&[u8]> {
    bytes
        .split_inclusive(|byte| *byte == b'\n')
        .rev()
        .find(|line| {
            // Most lines are of a command. They are told apart without reading them whole.
            let writer = line.split(|byte| *byte == b' ').nth(1);
            writer.is_some_and(|writer| writer.strip_suffix(b":") == Some(mark::WRITER.as_bytes()))
                && std::str::from_utf8(line).is_ok_and(|line| Mark::read(line).is_some())
        })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const SMALL: Bounds = Bounds {
        beginning: 400,
        end: 400,
        limit: 2000,
    };

    fn mark(action: u32) -> String {
        format!("2026-11-24T03:25:00.125Z freezerd: action {action} of 3, attempt 1 of 1: exec\n")
    }

    #[test]
    fn a_long_log_keeps_whole_lines_of_its_beginning_and_its_end() {
        let top = tempfile::tempdir().unwrap();
        let path = top.path().join("1.log");
        let mut log = BoundedLog::open(&path, SMALL).unwrap();
        log.append(&mark(1)).unwrap();
        for number in 0..1000 {
            log.append(&format!("line {number}\n")).unwrap();
            assert!(fs::metadata(&path).unwrap().len() < 2500);
        }
        let text = fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[1], "line 0");
        assert_eq!(lines.last(), Some(&"line 999"));
        assert_eq!(text.matches("is left out here").count(), 1, "{text}");
        for line in lines.iter().filter(|line| line.starts_with("line")) {
            line.trim_start_matches("line ").parse::<u32>().unwrap();
        }
    }

    #[test]
    fn what_follows_the_gap_belongs_to_the_last_attempt_that_began_before() {
        let top = tempfile::tempdir().unwrap();
        let path = top.path().join("1.log");
        let mut log = BoundedLog::open(&path, SMALL).unwrap();
        for action in 1..=3 {
            log.append(&mark(action)).unwrap();
            // The same file may be open twice.
            let mut other = BoundedLog::open(&path, SMALL).unwrap();
            for number in 0..300 {
                let log = if number % 2 == 0 {
                    &mut log
                } else {
                    &mut other
                };
                log.append(&format!("{action}: line {number}\n")).unwrap();
            }
            let text = fs::read_to_string(&path).unwrap();
            let (_, after) = text.split_once("is left out here").unwrap();
            let last = text.lines().filter_map(Mark::read).next_back().unwrap();
            assert_eq!(last.action, action, "{text}");
            assert!(after.ends_with(&format!("{action}: line 299\n")));
        }
    }

    #[test]
    fn a_line_without_end_is_bounded_too() {
        let bytes = vec![b'x'; 1000];
        let (kept, middle, last) = split(&bytes, 400, 400);
        assert_eq!((kept, middle.len(), last.len()), (0, 600, 400));
        assert_eq!(split(b"a\nb\n", 400, 400), (4, &b""[..], &b""[..]));
    }
}
