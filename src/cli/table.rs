//! Tables with aligned columns.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, IsTerminal};

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::output;
use crate::escape::harmless;

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

/// The most characters for which all other rows get blanks. A longer cell moves the rest of its own row only: a host in a
/// damaged repository may have a name of a million letters.
const WIDEST: usize = 200;

/// How a row looks, and its cells.
type Row = (Look, Vec<String>);

/// Rows under a heading. Each column is as wide as its widest cell.
pub struct Table {
    rows: Vec<Row>,
    /// The first column has ids of jobs, whose middle may be left out where there is no room.
    has_job_ids: bool,
}

/// How wide the ids of jobs may be where there is no room for whole rows. The first width for which there is room counts.
const ID_WIDTHS: [usize; 3] = [32, 24, 16];

/// What a cell has of which nothing is known.
const NOTHING: &str = "–";

/// What stands for the middle of an id.
pub const LEFT_OUT: char = '…';

impl Table {
    /// Makes a table without rows.
    pub fn new(heading: &[&str]) -> Table {
        Table {
            rows: vec![(
                Look::Plain,
                heading.iter().map(|cell| (*cell).to_owned()).collect(),
            )],
            has_job_ids: false,
        }
    }

    /// Makes a table whose first column has ids of jobs.
    pub fn of_jobs(heading: &[&str]) -> Table {
        Table {
            has_job_ids: true,
            ..Table::new(heading)
        }
    }

    /// Adds a row. A cell stays one harmless line, whatever it names.
    pub fn row(&mut self, cells: Vec<String>) {
        self.row_that_looks(Look::Plain, cells);
    }

    /// The same, for a row that may need a look.
    pub fn row_that_looks(&mut self, look: Look, cells: Vec<String>) {
        let cells = cells.into_iter().map(|cell| harmless(&cell)).collect();
        self.rows.push((look, cells));
    }

    /// Whether the table has no rows below its heading.
    pub fn is_empty(&self) -> bool {
        self.rows.len() == 1
    }

    /// Prints the heading and the rows to standard output.
    pub fn print(&self) {
        for (colour, line) in self.shown(Terminal::of_output()) {
            match colour {
                Some(colour) => output::coloured_line(colour, &line, "\x1b[0m"),
                None => println!("{line}"),
            }
        }
    }

    /// The heading and the rows for a terminal, with their colours: cut where it ends. Without a terminal, as they are.
    fn shown(
        &self,
        terminal: Option<Terminal>,
    ) -> impl Iterator<Item = (Option<&'static str>, String)> {
        let looks = self.rows.iter().map(|(look, _)| *look);
        let rows = match terminal {
            Some(terminal) if self.has_job_ids => fitting(&self.rows, terminal.width),
            _ => self.rows.clone(),
        };
        lines(rows).zip(looks).map(move |(line, look)| {
            let Some(terminal) = terminal else {
                return (None, line);
            };
            let colour = look.colour().filter(|_| terminal.colour);
            (colour, cut(&line, terminal.width))
        })
    }

    /// The heading and the rows, each as one line without a line end.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        lines(self.rows.clone())
    }
}

fn lines(rows: Vec<Row>) -> impl Iterator<Item = String> {
    let columns = rows.iter().map(|(_, row)| row.len()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns)
        .map(|column| {
            rows.iter()
                .filter_map(|(_, row)| row.get(column))
                .map(|cell| cell.width().min(WIDEST))
                .max()
                .unwrap_or(0)
        })
        .collect();
    rows.into_iter().map(move |(_, row)| {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            line.push_str(cell);
            line.push_str(&" ".repeat(width.saturating_sub(cell.width()) + 2));
        }
        line.truncate(line.trim_end().len());
        line
    })
}

/// The rows as they fit in so many columns, as far as that can be: with shorter ids of jobs, and then also without the
/// columns in which there is nothing. What is below an empty heading may be cut.
fn fitting(rows: &[Row], width: usize) -> Vec<Row> {
    let fits = |rows: &Vec<Row>| {
        let mut narrowed = rows.clone();
        let heading = rows.first().map_or(&[][..], |(_, heading)| heading);
        if heading.last().is_some_and(String::is_empty) {
            narrowed.iter_mut().for_each(|(_, row)| {
                row.pop();
            });
        }
        lines(narrowed).all(|line| line.width() <= width)
    };
    let shorter = || ID_WIDTHS.map(|width| with_short_ids(rows, width));
    let fewer = || shorter().map(without_empty_columns);
    let mut all = std::iter::once(rows.to_vec())
        .chain(shorter())
        .chain(fewer());
    all.find(fits).unwrap_or_else(|| with_short_ids(rows, 16))
}

/// The rows with shorter ids of jobs. Ids that would look the same stay whole.
fn with_short_ids(rows: &[Row], width: usize) -> Vec<Row> {
    let mut ids: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    let ids_below = rows.iter().skip(1).filter_map(|(_, row)| row.first());
    for id in ids_below {
        ids.entry(short_id(id, width)).or_default().insert(id);
    }
    let mut shorter = rows.to_vec();
    for id in shorter.iter_mut().filter_map(|(_, row)| row.first_mut()) {
        let short = short_id(id, width);
        if ids.get(&short).is_some_and(|same| same.len() == 1) {
            *id = short;
        }
    }
    shorter
}

fn without_empty_columns(mut rows: Vec<Row>) -> Vec<Row> {
    let columns = rows.first().map_or(0, |(_, heading)| heading.len());
    for column in (0..columns).rev() {
        let mut cells = rows.iter().skip(1).filter_map(|(_, row)| row.get(column));
        if cells.all(|cell| cell == NOTHING) {
            for (_, row) in &mut rows {
                if column < row.len() {
                    row.remove(column);
                }
            }
        }
    }
    rows
}

/// An id without its middle, if it is longer: `check-var-l…rs-main-c73a`. [`is_short_for`] knows it again.
fn short_id(id: &str, width: usize) -> String {
    if id.len() <= width || !id.is_ascii() {
        return id.to_owned();
    }
    let (head, tail) = (width / 2 - 1, width / 2);
    format!("{}{LEFT_OUT}{}", &id[..head], &id[id.len() - tail..])
}

/// Whether a text is this id without its middle.
pub fn is_short_for(text: &str, id: &str) -> bool {
    text.split_once(LEFT_OUT).is_some_and(|(head, tail)| {
        id.len() >= head.len() + tail.len() && id.starts_with(head) && id.ends_with(tail)
    })
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
        let plain = |line: &'static str| (None, line.to_owned());
        let expected = ["JOB   WHY", "etc   –", "shop  the disk 文件 is full"].map(plain);
        assert_eq!(table().shown(None).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn on_a_terminal_a_row_fits_and_one_that_failed_is_red() {
        let terminal = |colour| Terminal { width: 18, colour };
        let shown = |colour| table().shown(Some(terminal(colour))).collect::<Vec<_>>();
        let cut = "shop  the disk 文…".to_owned();
        assert_eq!(shown(false)[2], (None, cut.clone()));
        assert!(shown(false).iter().all(|(_, line)| line.width() <= 18));
        assert_eq!(shown(true)[1], (None, "etc   –".to_owned()));
        assert_eq!(shown(true)[2], (Some("\x1b[31m"), cut));
    }

    #[test]
    fn where_there_is_no_room_a_long_id_has_no_middle_unless_it_would_be_ambiguous() {
        let ids = [
            "check-var-lib-freezerd-containers-main-c73a",
            "check-var-lib-freezerd-containers-home-1111",
            "check-var-lib-fast-disk-containers-home-1111",
            "etc",
        ];
        let mut table = Table::of_jobs(&["JOB", "STATUS"]);
        for id in ids {
            table.row(vec![id.to_owned(), "scheduled".to_owned()]);
        }
        let shown = |width| {
            let terminal = Terminal {
                width,
                colour: false,
            };
            let lines = table.shown(Some(terminal)).skip(1);
            let id = |line: String| line.split(' ').next().unwrap_or_default().to_owned();
            lines.map(|(_, line)| id(line)).collect::<Vec<_>>()
        };
        assert_eq!(shown(80), ids);
        assert_eq!(shown(50), ["check-v…ain-c73a", ids[1], ids[2], ids[3]]);
        assert!(is_short_for("check-v…ain-c73a", ids[0]));
        assert!(!is_short_for("check-v…ain-c73a", ids[1]));
        assert!(!is_short_for("aba…ba", "aba"));
    }

    #[test]
    fn where_there_is_no_room_columns_without_anything_are_left_out() {
        let mut table = Table::of_jobs(&["JOB", "OVERDUE", "ADDED", ""]);
        let id = "check-var-lib-freezerd-containers-main-c73a";
        let cells = [
            id,
            "–",
            "12 MiB",
            "a remark that may be cut where it does not fit",
        ];
        table.row(cells.map(str::to_owned).to_vec());
        let shown = |width| {
            let terminal = Terminal {
                width,
                colour: false,
            };
            table
                .shown(Some(terminal))
                .map(|(_, line)| line)
                .collect::<Vec<_>>()
        };
        let heads = |width| shown(width).swap_remove(0);
        assert_eq!(heads(60), format!("JOB{}  OVERDUE  ADDED", " ".repeat(40)));
        assert_eq!(heads(36), format!("JOB{}  OVERDUE  ADDED", " ".repeat(13)));
        assert_eq!(heads(27), format!("JOB{}  ADDED", " ".repeat(13)));
        assert!(shown(27)[1].starts_with("check-v…ain-c73a  12 MiB  …"));
    }

    #[test]
    fn a_cell_without_end_does_not_make_every_row_as_long() {
        let mut table = table();
        table.row(vec!["x".repeat(100_000), "\x1b[2J\n".to_owned()]);
        let lines: Vec<String> = table.lines().collect();
        assert_eq!(lines[1].width(), WIDEST + 3);
        assert!(
            lines[3].ends_with("x  \\x1b[2J\\n"),
            "{}",
            &lines[3][99_990..]
        );
    }
}
