//! Names and sentences for a terminal. Names in a repository can be any bytes, also those that send commands to it.

use std::fmt::Write;

/// A name or a path as one line of harmless text. Backslashes are doubled; control characters, characters that change
/// the direction of the text, and bytes that are not UTF-8 become escapes: `\n`, `\x1b`, `\u{202e}`, `\xff`.
pub fn shown(name: &[u8]) -> String {
    let mut text = String::with_capacity(name.len());
    for chunk in name.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '\\' => text.push_str("\\\\"),
                character => push(&mut text, character),
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    text
}

/// A sentence that may contain names: as [`shown`], but backslashes stay as they are.
pub fn harmless(sentence: &str) -> String {
    let mut text = String::with_capacity(sentence.len());
    for character in sentence.chars() {
        push(&mut text, character);
    }
    text
}

/// A message of several lines: as [`harmless`], but its line ends stay.
pub fn harmless_lines(message: &str) -> String {
    let lines: Vec<String> = message.split('\n').map(harmless).collect();
    lines.join("\n")
}

fn push(text: &mut String, character: char) {
    match character {
        '\n' => text.push_str("\\n"),
        '\t' => text.push_str("\\t"),
        '\r' => text.push_str("\\r"),
        '\0'..='\x1f' | '\x7f' => {
            let _ = write!(text, "\\x{:02x}", character as u32);
        }
        // Marks of direction, separators of lines, and characters without width.
        '\u{80}'..='\u{9f}'
        | '\u{61c}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}' => {
            let _ = write!(text, "\\u{{{:x}}}", character as u32);
        }
        character => text.push(character),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
