//! Diagnostics as text for people, and as data for programs.

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use serde::{Deserialize, Serialize};

use super::diagnostic::{Diagnostic, Severity, position};
use super::secret_text;
use crate::escape::is_unshowable;

/// The style in which diagnostics are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// Use the colours of a terminal. Without them the only control characters are line ends.
    pub color: bool,
    /// Draw lines with box characters instead of ASCII.
    pub unicode: bool,
    /// The width of the screen, in columns.
    pub width: usize,
}

impl Look {
    /// The style for a file or a pipe.
    pub const PLAIN: Look = Look {
        color: false,
        unicode: false,
        width: 120,
    };
}

/// How many characters of a long line are drawn before and after the marked part.
const AROUND: usize = 60;

/// The longest marked part that is drawn in full, in characters.
const UNDERLINED: usize = 80;

/// Draws one diagnostic, with a line end after its last line.
///
/// `name` is the name of the file for the reader. `source` is the bytes that the diagnostic is about, or empty where they
/// are gone. The result contains no control character of either.
pub fn render(diagnostic: &Diagnostic, name: &str, source: &[u8], look: Look) -> String {
    // The lines around a fault may hold a secret.
    draw(diagnostic, name, &secret_text::blanked(source), look)
}

/// As [`render`], of a source without secrets.
fn draw(diagnostic: &Diagnostic, name: &str, source: &[u8], look: Look) -> String {
    let renderer = if look.color {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    let decor = if look.unicode {
        DecorStyle::Unicode
    } else {
        DecorStyle::Ascii
    };
    let renderer = renderer
        .term_width(look.width.clamp(40, 1_000))
        .decor_style(decor);
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let message = showable(&diagnostic.message);
    let name = showable(name);
    let label = diagnostic.label.as_deref().map(showable);
    let help = diagnostic.help.as_deref().map(showable);

    let mut group = Group::with_title(
        level
            .primary_title(message.as_str())
            .id(diagnostic.code.as_str()),
    );
    let extract = diagnostic
        .span
        .clone()
        .map(|span| Extract::of(source, span));
    group = match &extract {
        Some(extract) => group.element(
            Snippet::source(extract.text.as_str())
                .path(name.as_str())
                .line_start(extract.first_line)
                .fold(false)
                .annotation(
                    AnnotationKind::Primary
                        .span(extract.marked.clone())
                        .label(label),
                ),
        ),
        None => group.element(Origin::path(name.as_str())),
    };
    if let Some(help) = &help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    let mut drawn = renderer.render(&[group]);
    if let Some(extract) = extract
        && extract.column != extract.drawn_column
    {
        // The renderer knows only the shortened line.
        let seen = format!("{name}:{}:{}", extract.line, extract.drawn_column);
        let meant = format!("{name}:{}:{}", extract.line, extract.column);
        drawn = drawn.replacen(&seen, &meant, 1);
    }
    drawn.push('\n');
    drawn
}

/// Draws all diagnostics of a file, a blank line after each.
pub fn render_all(diagnostics: &[Diagnostic], name: &str, source: &[u8], look: Look) -> String {
    let source = secret_text::blanked(source);
    diagnostics
        .iter()
        .map(|diagnostic| draw(diagnostic, name, &source, look) + "\n")
        .collect()
}

/// A diagnostic as an object of `--json`, with lines and columns instead of bytes. Later versions add fields, and never
/// change the meaning of one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Located {
    /// The name of the file, as the user gave it.
    pub file: String,
    /// Counted from 1; `null`: the file as a whole.
    pub line: Option<usize>,
    /// The column of the first character, counted in characters from 1.
    pub column: Option<usize>,
    /// The line of the first character after the marked part.
    pub end_line: Option<usize>,
    /// The column of the first character after the marked part; equal to `column` where that part is empty.
    pub end_column: Option<usize>,
    /// The stable name of the kind of fault, which `freezerd explain` takes.
    pub code: String,
    pub severity: Severity,
    /// What is wrong.
    pub message: String,
    /// What was expected there.
    pub label: Option<String>,
    /// What to do.
    pub help: Option<String>,
}

/// A diagnostic as data for `--json`.
pub fn locate(diagnostic: &Diagnostic, name: &str, source: &[u8]) -> Located {
    let begin = diagnostic
        .span
        .as_ref()
        .map(|span| position(source, span.start));
    let end = diagnostic
        .span
        .as_ref()
        .map(|span| position(source, span.end));
    Located {
        file: name.to_owned(),
        line: begin.map(|(line, _)| line),
        column: begin.map(|(_, column)| column),
        end_line: end.map(|(line, _)| line),
        end_column: end.map(|(_, column)| column),
        code: diagnostic.code.clone(),
        severity: diagnostic.severity,
        message: diagnostic.message.clone(),
        label: diagnostic.label.clone(),
        help: diagnostic.help.clone(),
    }
}

/// A text without characters that control a terminal.
fn showable(text: &str) -> String {
    text.chars().map(show).collect()
}

fn show(character: char) -> char {
    match character {
        '\t' => ' ',
        // Unicode has pictures of control characters, in the same order.
        '\0'..='\u{1f}' => char::from_u32(0x2400 + u32::from(character)).unwrap_or('\u{fffd}'),
        '\u{7f}' => '\u{2421}',
        _ if is_unshowable(character) => '\u{fffd}',
        _ => character,
    }
}

/// The lines around a marked part, shortened, and the marked part within them.
struct Extract {
    /// The line and the column in the file, counted from 1.
    line: usize,
    column: usize,
    /// The column in `text`.
    drawn_column: usize,
    /// The number of the first line of `text`.
    first_line: usize,
    text: String,
    marked: std::ops::Range<usize>,
}

impl Extract {
    fn of(source: &[u8], span: std::ops::Range<usize>) -> Extract {
        let start = span.start.min(source.len());
        let end = span.end.clamp(start, source.len());
        let (line, column) = position(source, start);
        let line_begin = begin_of_line(source, start);
        let line_end = end_of_line(source, start);
        let mut text = String::new();
        let mut first_line = line;
        // The fault often begins on the line above. A long line would only distract.
        if line_begin > 0 {
            let above = begin_of_line(source, line_begin - 1)..line_begin - 1;
            let above = String::from_utf8_lossy(source.get(above).unwrap_or(&[]))
                .trim_end()
                .to_owned();
            if !above.trim().is_empty() && above.chars().count() <= 2 * AROUND {
                text.push_str(&showable(&above));
                text.push('\n');
                first_line = line - 1;
            }
        }
        let piece = |range: std::ops::Range<usize>| {
            String::from_utf8_lossy(source.get(range).unwrap_or(&[])).into_owned()
        };
        let before = piece(line_begin..start.min(line_end));
        let marked = piece(start.min(line_end)..end.min(line_end));
        let after = piece(end.min(line_end)..line_end);

        let skipped = before.chars().count().saturating_sub(AROUND);
        if skipped > 0 && !marked_fits(&before, &marked, &after) {
            text.push('…');
            text.extend(before.chars().skip(skipped).map(show));
        } else {
            text.push_str(&showable(&before));
        }
        let begin = text.len();
        let drawn_column = 1 + text
            .rsplit('\n')
            .next()
            .map_or(0, |line| line.chars().count());
        let marked_length = marked.chars().count();
        text.extend(marked.chars().take(UNDERLINED).map(show));
        if marked_length > UNDERLINED {
            text.push('…');
        }
        let finish = text.len();
        let after = after.trim_end_matches('\r');
        if marked_length <= UNDERLINED {
            text.extend(after.chars().take(AROUND).map(show));
            if after.chars().count() > AROUND {
                text.push('…');
            }
        }
        Extract {
            line,
            column,
            drawn_column,
            first_line,
            text,
            marked: begin..finish,
        }
    }
}

/// Whether the whole line is short enough to be drawn in full.
fn marked_fits(before: &str, marked: &str, after: &str) -> bool {
    before.len() + marked.len() + after.len() <= 2 * AROUND
}

fn begin_of_line(source: &[u8], place: usize) -> usize {
    let before = source.get(..place.min(source.len())).unwrap_or(&[]);
    before
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |at| at + 1)
}

fn end_of_line(source: &[u8], place: usize) -> usize {
    let after = source.get(place..).unwrap_or(&[]);
    place
        + after
            .iter()
            .position(|byte| *byte == b'\n')
            .unwrap_or(after.len())
}
