//! Texts as Go writes them: `strconv.Quote` for the names of files, `encoding/json` for JSON. The ids of trees depend
//! on every byte.

use super::printable::is_printable;

const HEX: &[u8; 16] = b"0123456789abcdef";

/// The name has an escape that Go does not know, or a character that must be escaped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a name is not quoted as Go quotes it")]
pub struct BadQuoting;

/// Appends the text as a JSON string, in quotation marks. Bytes that are not UTF-8 become U+FFFD, as in Go.
pub(super) fn write_json(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b'"');
    for chunk in text.utf8_chunks() {
        write_json_text(out, chunk.valid().as_bytes());
        // Go replaces every byte for itself.
        for _ in chunk.invalid() {
            out.extend_from_slice(b"\\ufffd");
        }
    }
    out.push(b'"');
}

fn write_json_text(out: &mut Vec<u8>, text: &[u8]) {
    let mut copied = 0;
    for (at, byte) in text.iter().enumerate() {
        let escape: &[u8] = match byte {
            b'"' => b"\\\"",
            b'\\' => b"\\\\",
            b'\n' => b"\\n",
            b'\r' => b"\\r",
            b'\t' => b"\\t",
            0x08 => b"\\b",
            0x0c => b"\\f",
            // So that JSON can stand in HTML.
            0..=0x1f | b'<' | b'>' | b'&' => &[
                b'\\',
                b'u',
                b'0',
                b'0',
                HEX[usize::from(byte >> 4)],
                HEX[usize::from(byte & 15)],
            ],
            // U+2028 and U+2029 end a line in JavaScript.
            0xa8 | 0xa9 if text[..at].ends_with(b"\xe2\x80") => {
                out.extend_from_slice(&text[copied..at - 2]);
                out.extend_from_slice(if *byte == 0xa8 {
                    b"\\u2028"
                } else {
                    b"\\u2029"
                });
                copied = at + 1;
                continue;
            }
            _ => continue,
        };
        out.extend_from_slice(&text[copied..at]);
        out.extend_from_slice(escape);
        copied = at + 1;
    }
    out.extend_from_slice(&text[copied..]);
}

/// Appends the name as a JSON string of what `strconv.Quote` makes of it.
pub(super) fn write_name(out: &mut Vec<u8>, name: &[u8]) {
    let plain = |byte: &u8| matches!(byte, 0x20..=0x7e) && !b"\"\\<>&".contains(byte);
    if name.iter().all(plain) {
        out.push(b'"');
        out.extend_from_slice(name);
        out.push(b'"');
        return;
    }
    let mut quoted = Vec::with_capacity(name.len() * 2);
    quote(name, &mut quoted);
    write_json(out, &quoted);
}

/// Appends what `strconv.Quote` makes of the name, without the quotation marks.
fn quote(name: &[u8], out: &mut Vec<u8>) {
    let mut buffer = [0; 4];
    for chunk in name.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '"' | '\\' => out.extend_from_slice(&[b'\\', character as u8]),
                '\x07' => out.extend_from_slice(b"\\a"),
                '\x08' => out.extend_from_slice(b"\\b"),
                '\x0c' => out.extend_from_slice(b"\\f"),
                '\n' => out.extend_from_slice(b"\\n"),
                '\r' => out.extend_from_slice(b"\\r"),
                '\t' => out.extend_from_slice(b"\\t"),
                '\x0b' => out.extend_from_slice(b"\\v"),
                _ if is_printable(character) => {
                    out.extend_from_slice(character.encode_utf8(&mut buffer).as_bytes());
                }
                _ => {
                    let code = character as u32;
                    let (letter, digits) = match code {
                        0..0x20 | 0x7f => (b'x', 2),
                        0..0x1_0000 => (b'u', 4),
                        _ => (b'U', 8),
                    };
                    escape(out, letter, digits, code);
                }
            }
        }
        for byte in chunk.invalid() {
            escape(out, b'x', 2, u32::from(*byte));
        }
    }
}

fn escape(out: &mut Vec<u8>, letter: u8, digits: u32, code: u32) {
    out.extend_from_slice(&[b'\\', letter]);
    for place in (0..digits).rev() {
        out.push(HEX[(code >> (4 * place) & 15) as usize]);
    }
}

/// Takes back what `strconv.Quote` did.
///
/// # Errors
/// Where Go's `strconv.Unquote` has one.
pub(super) fn unquote(quoted: &str) -> Result<Vec<u8>, BadQuoting> {
    let bytes = quoted.as_bytes();
    let mut name = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'"' | b'\n' => return Err(BadQuoting),
            b'\\' => rest = unescape(rest, &mut name).ok_or(BadQuoting)?,
            _ => name.push(byte),
        }
    }
    Ok(name)
}

/// Reads one escape behind its backslash; returns what follows it.
fn unescape<'a>(text: &'a [u8], name: &mut Vec<u8>) -> Option<&'a [u8]> {
    let (&letter, rest) = text.split_first()?;
    let (digits, radix) = match letter {
        b'x' => (2, 16),
        b'u' => (4, 16),
        b'U' => (8, 16),
        b'0'..=b'7' => (3, 8),
        _ => {
            name.push(match letter {
                b'a' => 0x07,
                b'b' => 0x08,
                b'f' => 0x0c,
                b'n' => b'\n',
                b'r' => b'\r',
                b't' => b'\t',
                b'v' => 0x0b,
                b'\\' | b'"' => letter,
                _ => return None,
            });
            return Some(rest);
        }
    };
    // The first octal digit is the letter itself.
    let number = if radix == 8 { text } else { rest };
    let (number, rest) = number.split_at_checked(digits)?;
    let mut code = 0_u32;
    for digit in number {
        code = code * radix + char::from(*digit).to_digit(radix)?;
    }
    match letter {
        b'u' | b'U' => {
            let character = char::from_u32(code)?;
            name.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        }
        _ => name.push(u8::try_from(code).ok()?),
    }
    Some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(bytes: &[u8]) -> String {
        let mut out = Vec::new();
        write_name(&mut out, bytes);
        String::from_utf8(out).unwrap()
    }

    fn json(bytes: &[u8]) -> String {
        let mut out = Vec::new();
        write_json(&mut out, bytes);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn names_are_quoted_as_go_quotes_them() {
        // What Go 1.24 prints for json.Marshal of strconv.Quote without its quotation marks.
        assert_eq!(name(b"plain.txt"), r#""plain.txt""#);
        assert_eq!(name("höhe".as_bytes()), "\"höhe\"");
        assert_eq!(name(b"a\"b\\c"), r#""a\\\"b\\\\c""#);
        assert_eq!(name(b"a\nb\x01\x7f"), r#""a\\nb\\x01\\x7f""#);
        assert_eq!(name(b"\xff\xfe.txt"), r#""\\xff\\xfe.txt""#);
        assert_eq!(name(b"a<b>&c"), r#""a\u003cb\u003e\u0026c""#);
        assert_eq!(
            name("\u{a0}\u{2028}\u{feff}".as_bytes()),
            r#""\\u00a0\\u2028\\ufeff""#
        );
        assert_eq!(
            name("\u{10ffff}\u{1f600}".as_bytes()),
            "\"\\\\U0010ffff\u{1f600}\""
        );
        // A character that is cut off.
        assert_eq!(name(b"\xe2\x82"), r#""\\xe2\\x82""#);
    }

    #[test]
    fn json_is_escaped_as_go_escapes_it() {
        assert_eq!(
            json("a\u{2028}\u{2029}<\u{7f}".as_bytes()),
            "\"a\\u2028\\u2029\\u003c\u{7f}\""
        );
        assert_eq!(
            json(b"\x00\x08\x0c\n\r\t\x1f"),
            r#""\u0000\b\f\n\r\t\u001f""#
        );
        assert_eq!(json(b"\xff\xfe"), r#""\ufffd\ufffd""#);
        assert_eq!(json("\u{fffd}\u{e8}".as_bytes()), "\"\u{fffd}\u{e8}\"");
    }

    #[test]
    fn every_name_comes_back() {
        for seed in 0..2000_u32 {
            let bytes: Vec<u8> = (0..seed % 40)
                .map(|at| (seed.wrapping_mul(2_654_435_761).rotate_left(at) >> (at % 7)) as u8)
                .collect();
            let text: String = serde_json::from_str(&name(&bytes)).unwrap();
            assert_eq!(unquote(&text).unwrap(), bytes);
        }
    }

    #[test]
    fn what_go_does_not_unquote_is_refused() {
        assert_eq!(unquote(r"\101\x41\u0041\U00000041").unwrap(), b"AAAA");
        for bad in [
            "\\",
            "\"",
            "\n",
            r"\q",
            r"\'",
            r"\x4",
            r"\xg0",
            r"\u12",
            r"\ud800",
            r"\U00110000",
            r"\400",
            r"\8",
        ] {
            assert_eq!(unquote(bad), Err(BadQuoting), "{bad}");
        }
    }
}
