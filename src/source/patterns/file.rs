//! Files of patterns, one a line, as `.gitignore` files are: empty lines and lines that start with `#` do not count.

use std::fmt;
use std::fs::OpenOptions;
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::os;

/// The most bytes that a file of patterns has.
const LIMIT: u64 = 1 << 20;

/// A line that is a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatternLine {
    /// Counted from 1.
    pub number: usize,
    /// Without the line end.
    pub text: String,
}

/// Why a file cannot be read as patterns.
#[derive(Debug)]
pub enum PatternFileFault {
    /// The system cannot open or read it.
    Unreadable(io::Error),
    /// It is a directory, a FIFO or a device.
    NotAFile,
    /// It has more than 1 MiB.
    TooLong,
    /// This line is not UTF-8.
    NotUtf8 { line: usize },
}

impl fmt::Display for PatternFileFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PatternFileFault::Unreadable(cause) => {
                write!(formatter, "cannot be read: {}", os::reason(cause))
            }
            PatternFileFault::NotAFile => formatter.write_str("is not a regular file"),
            PatternFileFault::TooLong => formatter.write_str("has more than 1 MiB"),
            PatternFileFault::NotUtf8 { line } => {
                write!(formatter, "is not UTF-8 text in line {line}")
            }
        }
    }
}

impl std::error::Error for PatternFileFault {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            PatternFileFault::Unreadable(cause) => Some(cause),
            _ => None,
        }
    }
}

/// Reads the patterns of a file. Links to it are followed.
///
/// # Errors
/// When it is not a regular file of UTF-8 text with at most 1 MiB, or cannot be read.
pub fn read(path: &Path) -> Result<Vec<PatternLine>, PatternFileFault> {
    // To open a FIFO must not block.
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(path)
        .map_err(PatternFileFault::Unreadable)?;
    let about = file.metadata().map_err(PatternFileFault::Unreadable)?;
    if !about.is_file() {
        return Err(PatternFileFault::NotAFile);
    }
    let mut content = Vec::new();
    file.take(LIMIT + 1)
        .read_to_end(&mut content)
        .map_err(PatternFileFault::Unreadable)?;
    if content.len() as u64 > LIMIT {
        return Err(PatternFileFault::TooLong);
    }
    lines(&content)
}

/// The lines that are patterns. A byte order mark and the line ends of Windows do not count.
///
/// # Errors
/// When the content is not UTF-8 text.
pub fn lines(content: &[u8]) -> Result<Vec<PatternLine>, PatternFileFault> {
    let text = str::from_utf8(content).map_err(|error| {
        let before = &content[..error.valid_up_to()];
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        PatternFileFault::NotUtf8 { line }
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    Ok(text
        .split('\n')
        .enumerate()
        .map(|(place, line)| (place + 1, line.strip_suffix('\r').unwrap_or(line)))
        .filter(|(_, line)| !line.starts_with('#') && !line.trim_matches(' ').is_empty())
        .map(|(number, line)| PatternLine {
            number,
            text: line.to_owned(),
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_lines(content: &[u8]) -> Vec<(usize, String)> {
        let lines = lines(content).unwrap();
        lines
            .into_iter()
            .map(|line| (line.number, line.text))
            .collect()
    }

    #[test]
    fn each_line_is_a_pattern_except_comments_and_empty_lines() {
        assert_eq!(
            read_lines(b"\xef\xbb\xbf*.log\n\n# a remark\n  \r\n/cache/\r\n\\#x\n!keep \\ "),
            [
                (1, "*.log".to_owned()),
                (5, "/cache/".to_owned()),
                (6, "\\#x".to_owned()),
                (7, "!keep \\ ".to_owned()),
            ]
        );
        assert_eq!(read_lines(b""), []);
    }

    #[test]
    fn a_file_that_is_not_text_is_refused_with_its_line() {
        let fault = lines(b"a\nb\nc\xffd\n").unwrap_err();
        assert_eq!(fault.to_string(), "is not UTF-8 text in line 3");
        let read = |path: &str| read(Path::new(path)).unwrap_err().to_string();
        assert_eq!(read("/dev/zero"), "is not a regular file");
        assert_eq!(read("/"), "is not a regular file");
        assert!(read("/no/such/file").contains("No such file"));
    }
}
