//! Tables with aligned columns.

use std::io::{self, IsTerminal};

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// How much a row needs a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    Plain,
    /// Something is late, or stands still.
    Warning,
    /// Something failed.
    Alarm,
}

impl Look {
    /// The sequence that begins the colour on a terminal.
    fn colour(self) -> Option<&'static str> {
        match self {
            Look::Plain => None,
            Look::Warning => Some("\x1b[33m"),
            Look::Alarm => Some("\x1b[31m"),
        }
    }
}

/// The terminal at standard output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terminal {
    /// In characters.
    pub width: usize,
    pub colour: bool,
}

impl Terminal {
    /// `None`: standard output is not a terminal.
    pub fn of_output() -> Option<Terminal> {
        if !io::stdout().is_terminal() {
            return None;
        }
        let size = rustix::termios::tcgetwinsize(io::stdout());
        let width = size.map_or(0, |size| usize::from(size.ws_col));
        Some(Terminal {
            width: if width == 0 { 80 } else { width },
            colour: std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
        })
    }
}

/// Rows under a heading. Each column is as wide as its widest cell.
pub struct Table {
    rows: Vec<(Look, Vec<String>)>,
}

impl Table {
    /// Makes a table without rows.
    pub fn new(heading: &[&str]) -> Table {
        Table {
            rows: vec![(
                Look::Plain,
                heading.iter().map(|cell| (*cell).to_owned()).collect(),
            )],
        }
    }

    /// Adds a row. Control characters become `?`, so that a name cannot send commands to the terminal.
    pub fn row(&mut self, cells: Vec<String>) {
        self.row_that_looks(Look::Plain, cells);
    }

    /// The same, for a row that may need a look.
    pub fn row_that_looks(&mut self, look: Look, cells: Vec<String>) {
        let cells = cells.into_iter().map(|cell| printable(&cell)).collect();
        self.rows.push((look, cells));
    }

    /// Whether the table has no rows below its heading.
    pub fn is_empty(&self) -> bool {
        self.rows.len() == 1
    }

    /// Prints the heading and the rows to standard output.
    pub fn print(&self) {
        for line in self.shown(Terminal::of_output()) {
            println!("{line}");
        }
    }

    /// The heading and the rows for a terminal: cut where it ends, and coloured. Without a terminal, as they are.
    fn shown(&self, terminal: Option<Terminal>) -> Vec<String> {
        let looks = self.rows.iter().map(|(look, _)| *look);
        let line = |(line, look): (String, Look)| {
            let Some(terminal) = terminal else {
                return line;
            };
            let line = cut(&line, terminal.width);
            match look.colour().filter(|_| terminal.colour) {
                Some(colour) => format!("{colour}{line}\x1b[0m"),
                None => line,
            }
        };
        self.lines().zip(looks).map(line).collect()
    }

    /// The heading and the rows, each as one line without a line end.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        let columns = self
            .rows
            .iter()
            .map(|(_, row)| row.len())
            .max()
            .unwrap_or(0);
        let widths: Vec<usize> = (0..columns)
            .map(|column| {
                self.rows
                    .iter()
                    .filter_map(|(_, row)| row.get(column))
                    .map(|cell| cell.width())
                    .max()
                    .unwrap_or(0)
            })
            .collect();
        self.rows.iter().map(move |(_, row)| {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(&widths) {
                line.push_str(cell);
                line.push_str(&" ".repeat(width.saturating_sub(cell.width()) + 2));
            }
            line.truncate(line.trim_end().len());
            line
        })
    }
}

/// The beginning of a line that fits in so many columns. A line that is cut ends in `…`.
fn cut(line: &str, width: usize) -> String {
    if line.width() <= width {
        return line.to_owned();
    }
    let mut kept = String::new();
    let mut columns = 0;
    for character in line.chars() {
        columns += character.width().unwrap_or(0);
        if columns >= width {
            break;
        }
        kept.push(character);
    }
    kept.push('…');
    kept
}

/// The text with `?` in place of each control character.
pub fn printable(text: &str) -> String {
    text.chars()
        .map(|character| {
            if character.is_control() {
                '?'
            } else {
                character
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(&["JOB", "WHY"]);
        table.row(vec!["etc".to_owned(), "–".to_owned()]);
        table.row_that_looks(
            Look::Alarm,
            vec!["shop".to_owned(), "the disk 文件 is full".to_owned()],
        );
        table
    }

    #[test]
    fn without_a_terminal_a_row_is_whole_and_has_no_colour() {
        assert_eq!(
            table().shown(None),
            ["JOB   WHY", "etc   –", "shop  the disk 文件 is full"]
        );
    }

    #[test]
    fn on_a_terminal_a_row_fits_and_one_that_failed_is_red() {
        let terminal = |colour| Terminal { width: 18, colour };
        let plain = table().shown(Some(terminal(false)));
        assert_eq!(plain[2], "shop  the disk 文…");
        assert!(plain.iter().all(|line| line.width() <= 18));
        let coloured = table().shown(Some(terminal(true)));
        assert_eq!(coloured[1], "etc   –");
        assert_eq!(coloured[2], "\x1b[31mshop  the disk 文…\x1b[0m");
    }
}
