//! The reader: its position, its faults, and the dispatch to the kinds of value.

use super::{DEPTH_LIMIT, Document, FAULT_LIMIT, Node, Span, Value};
use crate::job::codes::{self, Code};
use crate::job::diagnostic::Diagnostic;

/// A reader at some position of a file.
pub(super) struct Reader<'a> {
    pub(super) text: &'a str,
    pub(super) bytes: &'a [u8],
    /// The next byte. Between two calls it is the first byte of a character.
    pub(super) at: usize,
    /// The open brackets with their places, the outermost first.
    pub(super) open: Vec<(u8, usize)>,
    pub(super) faults: Vec<Diagnostic>,
    pub(super) structure_lost: bool,
    /// The file ended too early, and that was reported.
    pub(super) end_reported: bool,
    /// The reader stopped before the end.
    gave_up: bool,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str) -> Reader<'a> {
        Reader {
            text,
            bytes: text.as_bytes(),
            at: 0,
            open: Vec::new(),
            faults: Vec::new(),
            structure_lost: false,
            end_reported: false,
            gave_up: false,
        }
    }

    pub(super) fn document(mut self) -> Document {
        if self.text.starts_with('\u{feff}') {
            self.faults.push(
                Diagnostic::warning(
                    codes::BYTE_ORDER_MARK,
                    "the file begins with a byte order mark",
                )
                .at(0..3)
                .help(
                    "freezerd skips it, but other programs may refuse it: save the file as UTF-8 without a byte order mark",
                ),
            );
            self.at = 3;
        }
        self.blanks();
        let root = if self.peek().is_none() {
            if self
                .faults
                .iter()
                .all(|fault| fault.code != codes::NUL_BYTES.name)
            {
                self.nothing();
            }
            None
        } else if self.begins_without_braces() {
            Some(self.members_without_braces())
        } else {
            let root = self.value();
            self.after_the_end(root.span.end);
            Some(root)
        };
        Document {
            root,
            faults: self.faults,
            structure_lost: self.structure_lost || self.gave_up,
        }
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    pub(super) fn peek_at(&self, place: usize) -> Option<u8> {
        self.bytes.get(place).copied()
    }

    /// The character that begins at `at`.
    pub(super) fn character(&self) -> Option<char> {
        self.text.get(self.at..)?.chars().next()
    }

    /// The text of a span. Empty if the span is not within the file.
    pub(super) fn slice(&self, span: Span) -> &'a str {
        self.text.get(span).unwrap_or("")
    }

    /// Steps over one character.
    pub(super) fn step(&mut self) {
        self.at += self.character().map_or(1, char::len_utf8);
    }

    /// The end of the line that `place` is in, without its line end.
    pub(super) fn line_end(&self, place: usize) -> usize {
        let rest = self.bytes.get(place..).unwrap_or(&[]);
        let length = rest
            .iter()
            .position(|byte| *byte == b'\n')
            .unwrap_or(rest.len());
        let end = place + length;
        if length > 0 && self.peek_at(end - 1) == Some(b'\r') {
            end - 1
        } else {
            end
        }
    }

    /// The line that a byte is in, from 1.
    pub(super) fn line_of(&self, place: usize) -> usize {
        1 + self
            .bytes
            .iter()
            .take(place)
            .filter(|byte| **byte == b'\n')
            .count()
    }

    /// Reports a fault. After too many faults, it reports that too and stops the reader.
    pub(super) fn report(&mut self, fault: Diagnostic) {
        if self.gave_up {
            return;
        }
        self.faults.push(fault);
        if self.faults.len() >= FAULT_LIMIT {
            let place = self.at.min(self.bytes.len());
            self.faults.push(
                Diagnostic::error(
                    codes::TOO_MANY_FAULTS,
                    format!("after {FAULT_LIMIT} faults the rest of the file was not read"),
                )
                .at(place..place)
                .help("correct the faults above first; is this a JSON file?"),
            );
            self.give_up();
        }
    }

    /// Reports a fault with a label. An empty `help` is left out.
    pub(super) fn fault(
        &mut self,
        code: &Code,
        span: Span,
        message: impl Into<String>,
        label: impl Into<String>,
        help: impl Into<String>,
    ) {
        let fault = Diagnostic::error(code, message).at(span).label(label);
        let help = help.into();
        self.report(if help.is_empty() {
            fault
        } else {
            fault.help(help)
        });
    }

    /// Stops the reader: it continues as if the file had ended.
    pub(super) fn give_up(&mut self) {
        self.gave_up = true;
        self.end_reported = true;
        self.at = self.bytes.len();
    }

    /// Steps over an opening bracket. If the nesting is too deep, stops the reader and returns false.
    pub(super) fn enter(&mut self, bracket: u8) -> bool {
        if self.open.len() >= DEPTH_LIMIT {
            self.fault(
                codes::TOO_DEEP,
                self.at..self.at + 1,
                format!("brackets are nested deeper than {DEPTH_LIMIT} levels"),
                format!("level {}", DEPTH_LIMIT + 1),
                "a job file needs at most six levels; the rest was not read",
            );
            self.give_up();
            return false;
        }
        self.open.push((bracket, self.at));
        self.at += 1;
        true
    }

    /// Reads a value. The caller knows that the next byte is not a closing bracket, a comma or the end.
    pub(super) fn value(&mut self) -> Node {
        match self.peek() {
            Some(b'{') => self.object(),
            Some(b'[') => self.list(),
            Some(b'"') => {
                let (text, span) = self.string();
                Node {
                    span,
                    value: Value::Text(text),
                }
            }
            Some(b'-' | b'+' | b'.' | b'0'..=b'9') if !self.at_ellipsis() => self.number(),
            Some(_) => self.odd_value(),
            None => Node {
                span: self.at..self.at,
                value: Value::Broken,
            },
        }
    }

    /// Reports text after the document. Only blanks may follow it.
    fn after_the_end(&mut self, end: usize) {
        self.blanks();
        let Some(byte) = self.peek() else { return };
        if self.end_reported {
            return;
        }
        let begin = self.at;
        let line = self.line_of(end.saturating_sub(1));
        self.structure_lost = true;
        match byte {
            b'}' | b']' => self.fault(
                codes::STRAY_BRACKET,
                begin..begin + 1,
                format!("`{}` closes no bracket", char::from(byte)),
                "there is one bracket too many",
                format!("the last bracket was closed in line {line}: remove this one, or an earlier one that is wrong"),
            ),
            b',' => self.fault(
                codes::TEXT_AFTER_END,
                begin..begin + 1,
                "there is text after the end of the document",
                "the document ends before this comma",
                format!("the outermost bracket was closed in line {line}: is there one bracket too many?"),
            ),
            _ => self.fault(
                codes::TEXT_AFTER_END,
                begin..self.line_end(begin).max(begin + 1),
                "there is text after the end of the document",
                "not part of the job",
                format!("the outermost bracket was closed in line {line}; a file contains one job"),
            ),
        }
    }
}
