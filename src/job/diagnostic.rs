//! One fault of a job file as data: what is wrong, where, and what to do.

use std::fmt::Write as _;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::codes::Code;
use crate::escape::is_unshowable;

/// Whether a diagnostic makes the file invalid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The job loads, but something is probably not what the user meant.
    Warning,
    /// The job does not load.
    Error,
}

/// One fault of a job file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostic {
    /// The stable name of the kind of fault, for example `unknown-key`.
    pub code: String,
    pub severity: Severity,
    /// What is wrong, without the position.
    pub message: String,
    /// The position in the file, in bytes; `None`: the file as a whole.
    pub span: Option<Range<usize>>,
    /// A few words beside the caret, for example what was expected.
    pub label: Option<String>,
    /// What to do.
    pub help: Option<String>,
}

impl Diagnostic {
    /// An error about the file as a whole.
    pub fn error(code: &Code, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(code, Severity::Error, message.into())
    }

    /// A warning about the file as a whole.
    pub fn warning(code: &Code, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(code, Severity::Warning, message.into())
    }

    fn new(code: &Code, severity: Severity, message: String) -> Diagnostic {
        Diagnostic {
            code: code.name.to_owned(),
            severity,
            message,
            span: None,
            label: None,
            help: None,
        }
    }

    /// The same diagnostic at a position.
    pub fn at(mut self, span: Range<usize>) -> Diagnostic {
        self.span = Some(span);
        self
    }

    /// The same diagnostic with words beside the caret.
    pub fn label(mut self, label: impl Into<String>) -> Diagnostic {
        self.label = Some(label.into());
        self
    }

    /// The same diagnostic with what to do.
    pub fn help(mut self, help: impl Into<String>) -> Diagnostic {
        self.help = Some(help.into());
        self
    }

    /// True if the file is invalid because of it.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// The longest part of a file that a message repeats, in characters.
const QUOTED_LIMIT: usize = 60;

/// A part of a file for a message: in backticks, short, and without characters that control a terminal.
pub fn quoted(text: &str) -> String {
    let mut quoted = String::from("`");
    for (count, character) in text.chars().enumerate() {
        if count == QUOTED_LIMIT {
            quoted.push('…');
            break;
        }
        quoted.push_str(&shown(character));
    }
    quoted.push('`');
    quoted
}

/// A character for a message, escaped where it is invisible or moves other text.
pub fn shown(character: char) -> String {
    if is_unshowable(character) {
        format!("\\u{{{:x}}}", u32::from(character))
    } else {
        character.to_string()
    }
}

/// What a sentence calls a character.
pub fn name_of_character(character: char) -> String {
    let mut name = match character {
        '\0' => "a NUL byte".to_owned(),
        '\t' => "a tab".to_owned(),
        '\r' => "a carriage return".to_owned(),
        '\u{1b}' => "an escape character".to_owned(),
        '\u{a0}' => "a no-break space".to_owned(),
        '\u{feff}' => "a byte order mark".to_owned(),
        _ if is_unshowable(character) => "an invisible character".to_owned(),
        _ if character.is_whitespace() => "a blank".to_owned(),
        _ => return format!("`{character}`"),
    };
    // Writing to a String cannot fail.
    let _ = write!(name, " (U+{:04X})", u32::from(character));
    name
}

/// The line and the column of a byte, both counted from 1. The column is counted in characters.
pub fn position(text: &[u8], byte: usize) -> (usize, usize) {
    let before = text.get(..byte.min(text.len())).unwrap_or(text);
    let line_begin = before
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |place| place + 1);
    let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
    let in_line = before.get(line_begin..).unwrap_or(&[]);
    // A byte that continues a UTF-8 character does not begin a column.
    let column = 1 + in_line
        .iter()
        .filter(|byte| (**byte & 0xc0) != 0x80)
        .count();
    (line, column)
}
