//! What separates the parts of an object or a list: commas, missing ones and text that is neither.

use super::reader::Reader;
use crate::job::codes;

/// What precedes the next part of an object or a list.
#[derive(Clone, Copy)]
pub(super) enum Preceding {
    Opening,
    /// The byte of the comma.
    Comma(usize),
    /// The byte at which the part ended.
    Part(usize),
    /// Text that was reported and skipped.
    Unreadable,
}

impl Reader<'_> {
    /// Reports what is between two parts instead of a comma. True: the comma is missing, and the next part begins here.
    /// False: there was unexpected text, which was skipped.
    pub(super) fn between_parts(&mut self, end: usize, in_object: bool) -> bool {
        let begins_part = match self.peek() {
            Some(b'"' | b'\'') => true,
            Some(b'{' | b'[' | b'0'..=b'9' | b'-') => !in_object,
            _ if in_object => self.word_before_colon(),
            _ => self.at_literal(),
        };
        if begins_part {
            let what = if in_object { "members" } else { "values" };
            self.fault(
                codes::MISSING_COMMA,
                end..end,
                format!("the comma between two {what} is missing"),
                "expected `,` here",
                "",
            );
            return true;
        }
        let start = self.at;
        if matches!(self.peek(), Some(b'{' | b'[')) {
            self.value();
        } else {
            self.skip_unreadable();
        }
        let span = start..self.at.max(start + 1).min(self.bytes.len().max(start));
        let closing = if in_object { '}' } else { ']' };
        self.fault(
            codes::UNEXPECTED_TEXT,
            span,
            "unexpected text",
            format!("expected `,` or `{closing}`"),
            "a value ends at its closing quote or bracket; words belong inside the quotes",
        );
        false
    }

    /// Steps over a comma, and reports one that is too many.
    pub(super) fn comma(&mut self, before: Preceding) -> Preceding {
        let comma = self.at;
        self.at += 1;
        match before {
            Preceding::Part(_) | Preceding::Unreadable => return Preceding::Comma(comma),
            Preceding::Opening => self.fault(
                codes::EXTRA_COMMA,
                comma..comma + 1,
                "there is nothing before this comma",
                "remove this comma",
                "",
            ),
            Preceding::Comma(_) => self.fault(
                codes::EXTRA_COMMA,
                comma..comma + 1,
                "there is nothing between two commas",
                "remove this comma",
                "",
            ),
        }
        before
    }

    /// After `...`, a comma that would be one too many is skipped: the dots count as a part.
    pub(super) fn comma_after_ellipsis(&mut self, before: Preceding) {
        self.blanks();
        if self.peek() == Some(b',')
            && !matches!(before, Preceding::Part(_) | Preceding::Unreadable)
        {
            self.at += 1;
        }
    }

    pub(super) fn trailing_comma(&mut self, before: Preceding, closing: char) {
        if let Preceding::Comma(comma) = before {
            self.fault(
                codes::TRAILING_COMMA,
                comma..comma + 1,
                format!("there is a comma before the closing `{closing}`"),
                "remove this comma",
                "JSON has a comma between two members, and none after the last",
            );
        }
    }

    /// The byte after the last part, without the blanks after it.
    pub(super) fn end_of_part(&self) -> usize {
        let read = self.slice(0..self.at);
        read.trim_end_matches([' ', '\t', '\r', '\n']).len()
    }
}
