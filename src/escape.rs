//! Text from the world, made harmless: names of files, output of commands, what repositories and servers say. It can be
//! any bytes, also those that command a terminal, begin a new line, or change the direction of the text.
//!
//! All outputs of the program pass through here: `cli/output.rs`, the logs, and the agent's reports.

use std::borrow::Cow;
use std::fmt::Write;

/// A name or a path as one line of harmless text. Backslashes are doubled; characters that a terminal would obey or not
/// show, and bytes that are not UTF-8, become escapes: `\n`, `\x1b`, `\u{202e}`, `\xff`.
pub fn shown(name: &[u8]) -> String {
    let mut text = String::with_capacity(name.len());
    for chunk in name.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '\\' => text.push_str("\\\\"),
                character if is_unshowable(character) => push(&mut text, character),
                character => text.push(character),
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    text
}

/// A sentence that may contain names, as one line: as [`shown`], but backslashes stay as they are.
pub fn harmless(sentence: &str) -> String {
    replaced(sentence, is_unshowable, push).into_owned()
}

/// A message of several lines: as [`harmless`], but its line ends stay.
pub fn harmless_lines(message: &str) -> Cow<'_, str> {
    let unshowable = |character| character != '\n' && is_unshowable(character);
    replaced(message, unshowable, push)
}

/// A line that a program wrote, for a log: as [`harmless`], but its tabs stay.
pub fn harmless_log_line(line: &str) -> Cow<'_, str> {
    let unshowable = |character| character != '\t' && is_unshowable(character);
    replaced(line, unshowable, push)
}

/// A JSON document that says the same and is harmless: escapes as JSON has them stand for the characters in its texts
/// that a terminal would obey or not show. JSON itself requires that for only some of them.
pub fn harmless_json(document: &str) -> Cow<'_, str> {
    // Outside of texts, JSON has no characters but these that are not printable.
    let unshowable =
        |character| !matches!(character, '\n' | '\t' | '\r') && is_unshowable(character);
    replaced(document, unshowable, |text, character| {
        for unit in character.encode_utf16(&mut [0; 2]) {
            let _ = write!(text, "\\u{unit:04x}");
        }
    })
}

/// Whether a terminal would obey a character instead of showing it, or would show nothing: control characters, marks of
/// direction, separators of lines, and characters without width.
pub fn is_unshowable(character: char) -> bool {
    match character {
        ' '..='~' => false,
        '\u{ad}'
        | '\u{61c}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}' => true,
        _ => character.is_control(),
    }
}

fn replaced(
    text: &str,
    unshowable: impl Fn(char) -> bool,
    push: impl Fn(&mut String, char),
) -> Cow<'_, str> {
    // Nearly all text ends here. Logs can be long, so this looks at bytes.
    let is_plain = |byte: u8| matches!(byte, b' '..=b'~');
    let Some(first) = text.bytes().position(|byte| !is_plain(byte)) else {
        return Cow::Borrowed(text);
    };
    // What is before is ASCII, so this is the begin of a character.
    let Some(first) = text
        .get(first..)
        .and_then(|rest| rest.find(&unshowable))
        .map(|at| first + at)
    else {
        return Cow::Borrowed(text);
    };
    let (fine, rest) = text.split_at(first);
    let mut out = String::with_capacity(text.len() + 16);
    out.push_str(fine);
    for character in rest.chars() {
        match unshowable(character) {
            true => push(&mut out, character),
            false => out.push(character),
        }
    }
    Cow::Owned(out)
}

fn push(text: &mut String, character: char) {
    match character {
        '\n' => text.push_str("\\n"),
        '\t' => text.push_str("\\t"),
        '\r' => text.push_str("\\r"),
        '\0'..='\x1f' | '\x7f' => {
            let _ = write!(text, "\\x{:02x}", character as u32);
        }
        character => {
            let _ = write!(text, "\\u{{{:x}}}", character as u32);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: &str =
        "a\n99:99\r\t\x1b[2J\x07\x7f\u{9b}31m\u{202e}\u{2028}\u{ad}\u{feff}\u{e0041}ü文";

    #[test]
    fn no_name_sends_commands_to_the_terminal() {
        for (name, text) in [
            (&b"/etc/passwd"[..], "/etc/passwd"),
            (b"a\nb\x1b[2J", "a\\nb\\x1b[2J"),
            (b"\xff\\n", "\\xff\\\\n"),
            (
                "gr\u{fc}n\u{202e}\u{9b}".as_bytes(),
                "gr\u{fc}n\\u{202e}\\u{9b}",
            ),
        ] {
            assert_eq!(shown(name), text);
        }
    }

    #[test]
    fn a_sentence_stays_on_its_line_and_lines_and_tabs_stay_where_they_are_wanted() {
        let showable = |text: &str| !text.chars().any(is_unshowable);
        assert!(showable(&harmless(HOSTILE)), "{}", harmless(HOSTILE));
        assert!(harmless(HOSTILE).ends_with("ü文"));
        let lines = harmless_lines(HOSTILE);
        assert!(lines.starts_with("a\n99:99\\r\\t\\x1b[2J"), "{lines}");
        assert!(lines.lines().all(showable));
        let line = harmless_log_line("a\tb\x1b[31m\r50 %");
        assert_eq!(line, "a\tb\\x1b[31m\\r50 %");
    }

    #[test]
    fn what_is_harmless_stays_as_it_is() {
        for text in ["", "grün 文件 👍", "C:\\n", "`a` → b…"] {
            assert_eq!(harmless(text), text);
            assert!(matches!(harmless_lines(text), Cow::Borrowed(_)));
        }
        let once = harmless(HOSTILE);
        assert_eq!(harmless(&once), once);
    }

    #[test]
    fn json_says_the_same_and_is_harmless() {
        let value = serde_json::json!({ HOSTILE: [HOSTILE, {"b": HOSTILE}] });
        for document in [format!("{value}"), format!("{value:#}")] {
            let harmless = harmless_json(&document);
            assert_eq!(
                serde_json::from_str::<serde_json::Value>(&harmless).unwrap(),
                value
            );
            assert!(
                harmless
                    .lines()
                    .all(|line| !line.chars().any(is_unshowable))
            );
        }
    }
}
