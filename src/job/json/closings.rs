//! Closing brackets: those that close nothing, and those that are missing.

use super::reader::Reader;
use crate::job::codes;
use crate::job::diagnostic::Diagnostic;

impl Reader<'_> {
    pub(super) fn stray_bracket(&mut self, byte: u8) {
        self.structure_lost = true;
        let place = self.at;
        self.at += 1;
        let expected = match self.open.last() {
            Some((bracket, opened)) => {
                let closing = closing_of(*bracket);
                format!(
                    "expected `{closing}` for the bracket in line {}",
                    self.line_of(*opened)
                )
            }
            None => "no bracket is open".to_owned(),
        };
        self.fault(
            codes::STRAY_BRACKET,
            place..place + 1,
            format!("`{}` closes no bracket", char::from(byte)),
            expected,
            "",
        );
    }

    pub(super) fn missing_closing(&mut self, missing: char, found: char) {
        self.structure_lost = true;
        let opened = self.open.last().map_or(0, |(_, place)| *place);
        let line = self.line_of(opened);
        self.fault(
            codes::MISSING_CLOSING,
            self.at..self.at + 1,
            format!("`{missing}` is missing before this `{found}`"),
            format!("expected `{missing}` first"),
            format!(
                "it would close the `{}` in line {line}",
                if missing == '}' { '{' } else { '[' }
            ),
        );
    }

    /// Reports that the file ends while brackets are open.
    pub(super) fn file_ends(&mut self) {
        if self.end_reported {
            return;
        }
        self.structure_lost = true;
        self.end_reported = true;
        let closing: String = self
            .open
            .iter()
            .rev()
            .map(|(bracket, _)| closing_of(*bracket))
            .collect();
        let (what, opened) = match self.open.last() {
            Some((b'[', place)) => ("list", *place),
            Some((_, place)) => ("object", *place),
            None => ("object", 0),
        };
        let end = self
            .text
            .trim_end_matches([' ', '\t', '\r', '\n', '\0'])
            .len();
        let line = self.line_of(opened);
        self.report(
            Diagnostic::error(
                codes::UNEXPECTED_END,
                format!("the file ends inside the {what} that begins in line {line}"),
            )
            .at(end..end)
            .label(format!("expected `{closing}`"))
            .help("if more than a bracket is missing, the file was cut off: is another program still writing it?"),
        );
    }
}

fn closing_of(bracket: u8) -> char {
    if bracket == b'[' { ']' } else { '}' }
}
