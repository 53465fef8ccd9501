//! Texts: their quotes, their escapes and their ends.

use super::reader::Reader;
use super::{Span, Text};
use crate::job::codes;
use crate::job::diagnostic::{name_of_character, shown};

impl Reader<'_> {
    /// Reads the text whose opening quote is here.
    pub(super) fn string(&mut self) -> (Text, Span) {
        let start = self.at;
        let mut content = String::new();
        let mut plain = true;
        let mut control_reported = false;
        self.at += 1;
        loop {
            let run = self.at;
            while self
                .peek()
                .is_some_and(|byte| byte >= 0x20 && byte != b'"' && byte != b'\\')
            {
                self.at += 1;
            }
            content.push_str(self.slice(run..self.at));
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return (Text { content, plain }, start..self.at);
                }
                Some(b'\\') => {
                    plain = false;
                    self.escape(&mut content);
                }
                None | Some(b'\n') => return self.unterminated(start, content),
                Some(b'\r') if matches!(self.peek_at(self.at + 1), None | Some(b'\n')) => {
                    return self.unterminated(start, content);
                }
                Some(byte) => {
                    if !control_reported {
                        control_reported = true;
                        let name = name_of_character(char::from(byte));
                        let escape = match byte {
                            b'\t' => "\\t".to_owned(),
                            b'\r' => "\\r".to_owned(),
                            _ => format!("\\u{byte:04x}"),
                        };
                        self.fault(
                            codes::CONTROL_CHARACTER,
                            self.at..self.at + 1,
                            format!("{name} must be escaped in a text"),
                            "control character",
                            format!("write `{escape}`, or remove it"),
                        );
                    }
                    content.push(char::from(byte));
                    self.at += 1;
                }
            }
        }
    }

    /// Reads a text without a closing quote on its line.
    fn unterminated(&mut self, start: usize, content: String) -> (Text, Span) {
        self.structure_lost = true;
        if self.peek().is_none() {
            let line = self.line_of(start);
            if !self.end_reported {
                self.end_reported = true;
                self.fault(
                    codes::UNEXPECTED_END,
                    start..self.at,
                    format!("the file ends inside the text that begins in line {line}"),
                    "expected `\"` at its end",
                    "the file was cut off, or the quote is missing",
                );
            }
            return (
                Text {
                    content,
                    plain: false,
                },
                start..self.at,
            );
        }
        let line_end = self.at;
        // If the next line does not begin like a member, it is taken as the rest of the text.
        let mut place = line_end;
        for _ in 0..20 {
            let Some(line_begin) = self
                .bytes
                .iter()
                .skip(place)
                .position(|byte| *byte == b'\n')
            else {
                break;
            };
            let begin = place + line_begin + 1;
            let line = self.slice(begin..self.line_end(begin));
            let first = line.trim_start().chars().next();
            if matches!(first, None | Some('"' | '{' | '}' | '[' | ']')) {
                break;
            }
            if let Some(quote) = line.find('"') {
                self.fault(
                    codes::LINE_BREAK_IN_TEXT,
                    start..line_end,
                    "a text continues on the next line",
                    "the text begins here",
                    "write `\\n` for a line break inside a text",
                );
                self.at = begin + quote + 1;
                return (
                    Text {
                        content,
                        plain: false,
                    },
                    start..self.at,
                );
            }
            place = begin;
        }
        // `"abc,`: the comma separates parts, it does not belong to the text.
        let written = self.slice(start..line_end).trim_end();
        let end = match written.strip_suffix(',') {
            Some(shorter) if shorter.len() > 1 => start + shorter.len(),
            _ => start + written.len(),
        };
        let end = end.max(start + 1);
        self.at = end;
        self.fault(
            codes::UNTERMINATED_TEXT,
            start..end,
            "the closing quote of this text is missing",
            "expected `\"` at its end",
            "",
        );
        (
            Text {
                content,
                plain: false,
            },
            start..end,
        )
    }

    /// Reads one escape. The next byte is its backslash.
    fn escape(&mut self, content: &mut String) {
        let start = self.at;
        self.at += 1;
        let simple = match self.peek() {
            Some(b'"') => Some('"'),
            Some(b'\\') => Some('\\'),
            Some(b'/') => Some('/'),
            Some(b'b') => Some('\u{8}'),
            Some(b'f') => Some('\u{c}'),
            Some(b'n') => Some('\n'),
            Some(b'r') => Some('\r'),
            Some(b't') => Some('\t'),
            _ => None,
        };
        if let Some(character) = simple {
            self.at += 1;
            content.push(character);
            return;
        }
        if self.peek() == Some(b'u') {
            if let Some(unit) = self.four_digits(self.at + 1) {
                self.at += 5;
                if let Some(character) = char::from_u32(unit) {
                    content.push(character);
                    return;
                }
                // The first half of a surrogate pair. The second half must follow.
                if unit < 0xdc00
                    && self.slice(self.at..self.at + 2) == "\\u"
                    && let Some(low @ 0xdc00..=0xdfff) = self.four_digits(self.at + 2)
                    && let Some(character) =
                        char::from_u32(0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00))
                {
                    self.at += 6;
                    content.push(character);
                    return;
                }
                self.fault(
                    codes::BAD_ESCAPE,
                    start..self.at,
                    "half of a surrogate pair is not a character",
                    "no such character",
                    "write the character itself: the file is UTF-8",
                );
            } else {
                self.at += 1;
                self.fault(
                    codes::BAD_ESCAPE,
                    start..self.at,
                    "`\\u` must be followed by four hexadecimal digits",
                    "incomplete escape",
                    "write the character itself, or `\\\\` for a backslash",
                );
            }
            content.push('\u{fffd}');
            return;
        }
        match self.character() {
            None | Some('\n' | '\r') => {
                // The caller reports the missing quote.
                content.push('\\');
            }
            Some(character) => {
                self.step();
                self.fault(
                    codes::BAD_ESCAPE,
                    start..self.at,
                    format!("JSON has no escape `\\{}`", shown(character)),
                    "unknown escape",
                    "write `\\\\` for a backslash",
                );
                content.push(character);
            }
        }
    }

    fn four_digits(&self, start: usize) -> Option<u32> {
        let digits = self.bytes.get(start..start + 4)?;
        let mut unit = 0;
        for digit in digits {
            unit = unit * 16 + char::from(*digit).to_digit(16)?;
        }
        Some(unit)
    }
}
