//! The text of `freezerd explain` for a code.

use super::codes::{Code, Example};

/// What the code means, why it matters, and an example before and after the correction.
pub fn explain(code: &Code) -> String {
    let mut text = format!(
        "{}\n{}\n\n{}\n\n",
        code.name,
        "=".repeat(code.name.len()),
        code.title
    );
    text.push_str(&wrapped(code.story, 78));
    text.push_str("\n\n");
    let (before, after) = match code.example {
        Example::File(before, after) => (before.to_owned(), after.to_owned()),
        Example::Action(before, after) => (
            member("freezer_action", before),
            member("freezer_action", after),
        ),
        Example::Schedule(before, after) => (
            member("job_schedule", before),
            member("job_schedule", after),
        ),
        Example::Words(before, after) => (before.to_owned(), after.to_owned()),
    };
    text.push_str("Before:\n\n");
    text.push_str(&indented(&before));
    text.push_str("\n\nAfter:\n\n");
    text.push_str(&indented(&after));
    text.push('\n');
    text
}

fn member(key: &str, value: &str) -> String {
    format!(
        "\"{key}\": {}",
        value
            .replace(", \"", ",\n  \"")
            .replacen('{', "{\n  ", 1)
            .replace('}', "\n}")
    )
}

/// Indents an example, and makes characters that control a terminal visible.
fn indented(text: &str) -> String {
    let show = |character: char| match character {
        '\n' => character,
        _ if crate::escape::is_unshowable(character) || character == '\u{a0}' => '\u{2423}',
        _ => character,
    };
    let lines: Vec<String> = text
        .lines()
        .map(|line| format!("    {}", line.chars().map(show).collect::<String>()))
        .collect();
    if lines.is_empty() {
        "    (nothing)".to_owned()
    } else {
        lines.join("\n")
    }
}

fn wrapped(text: &str, width: usize) -> String {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines.join("\n")
}
