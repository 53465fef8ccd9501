//! Text between values: blanks, comments, dots and unreadable text.

use super::reader::Reader;
use crate::job::codes;
use crate::job::diagnostic::{Diagnostic, name_of_character};

impl Reader<'_> {
    /// Steps over blanks. Comments, no-break spaces and the like are not blanks in JSON: they are reported and skipped.
    pub(super) fn blanks(&mut self) {
        while let Some(byte) = self.peek() {
            match byte {
                b' ' | b'\t' | b'\n' | b'\r' => self.at += 1,
                b'/' if matches!(self.peek_at(self.at + 1), Some(b'/' | b'*')) => self.comment(),
                b'#' => self.comment(),
                0 => self.nul_bytes(),
                0x0b | 0x0c | 0xc2 | 0xe2 | 0xe3 | 0xef => {
                    let Some(character) = self.character() else {
                        return;
                    };
                    let blank = character.is_whitespace()
                        || matches!(
                            character,
                            '\u{feff}' | '\u{200b}' | '\u{200c}' | '\u{200d}' | '\u{2060}'
                        );
                    if !blank {
                        return;
                    }
                    let start = self.at;
                    self.step();
                    self.fault(
                        codes::ODD_BLANK,
                        start..self.at,
                        format!("{} is not a blank in JSON", name_of_character(character)),
                        "replace this with a plain space",
                        "such a character often comes from text that was copied from a web page",
                    );
                }
                _ => return,
            }
        }
    }

    fn comment(&mut self) {
        let start = self.at;
        if self.peek_at(start + 1) == Some(b'*') {
            let rest = self.slice(start + 2..self.bytes.len());
            self.at = match rest.find("*/") {
                Some(length) => start + 2 + length + 2,
                None => self.bytes.len(),
            };
        } else {
            self.at = self.line_end(start);
        }
        let end = self.line_end(start).min(self.at);
        self.fault(
            codes::COMMENT,
            start..end,
            "JSON has no comments",
            "remove this",
            "put the remark in `\"description\"`, or in a key that begins with `x-` or `_`: such keys are ignored",
        );
    }

    fn nul_bytes(&mut self) {
        let start = self.at;
        while self.peek() == Some(0) {
            self.at += 1;
        }
        let count = self.at - start;
        let whole = self.bytes.iter().all(|byte| *byte == 0);
        let message = if whole {
            format!("the file consists of {count} NUL bytes")
        } else if count == 1 {
            "there is a NUL byte in the file".to_owned()
        } else {
            format!("there are {count} NUL bytes in the file")
        };
        self.fault(
            codes::NUL_BYTES,
            start..start + 1,
            message,
            "NUL",
            "a crash while the file was written can leave such bytes, and UTF-16 has them too: write the file again, as UTF-8",
        );
    }

    /// Reports that the file has only blanks.
    pub(super) fn nothing(&mut self) {
        let message = if self.bytes.is_empty() {
            "the file is empty"
        } else {
            "the file has only blanks"
        };
        self.report(
            Diagnostic::error(codes::EMPTY_FILE, message)
                .at(0..0)
                .help("a job begins with `{` and has at least `\"job_actions\"`"),
        );
    }

    pub(super) fn at_ellipsis(&self) -> bool {
        let rest = self.slice(self.at..self.bytes.len());
        rest.starts_with("..") || rest.starts_with('…')
    }

    /// Reports dots and steps over them. False if there are none.
    pub(super) fn ellipsis(&mut self) -> bool {
        if !self.at_ellipsis() {
            return false;
        }
        let start = self.at;
        while matches!(self.character(), Some('.' | '…')) {
            self.step();
        }
        self.fault(
            codes::ELLIPSIS,
            start..self.at,
            "there are dots instead of a value or a member",
            "write what belongs here, or remove the dots",
            "in documentation they mean that something is left out; in a file they have no meaning",
        );
        true
    }

    /// Steps to the next place where a part may begin: a comma, a bracket, a quote or the next line.
    pub(super) fn skip_unreadable(&mut self) {
        let start = self.at;
        while let Some(byte) = self.peek() {
            if matches!(byte, b',' | b'{' | b'}' | b'[' | b']' | b'"' | b'\n') && self.at > start {
                break;
            }
            self.step();
        }
        while self.at > start + 1 && matches!(self.peek_at(self.at - 1), Some(b' ' | b'\t' | b'\r'))
        {
            self.at -= 1;
        }
    }
}
