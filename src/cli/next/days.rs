//! The table of firings, by day, with the changes of the clock between them.

use chrono::{DateTime, NaiveDate, Utc};
use unicode_width::UnicodeWidthStr;

use super::clock_changes::{clock_changes, time_of_day};
use super::upcoming::{Firing, Upcoming};
use crate::escape::harmless;
use crate::schedule::zone::Zone;

/// Rows of firings, which are printed under their days.
pub struct Days<'a> {
    zone: &'a Zone,
    pub rows: Vec<Row>,
}

/// One firing, or one change of the clock, which has no cells.
pub struct Row {
    pub at: DateTime<Utc>,
    cells: Vec<String>,
    notes: Vec<String>,
}

impl Days<'_> {
    /// A table without rows. `zone` decides which day an instant is on.
    pub fn new(zone: &Zone) -> Days<'_> {
        Days {
            zone,
            rows: Vec::new(),
        }
    }

    /// Adds a row. The notes stand at its end.
    pub fn row(&mut self, at: DateTime<Utc>, cells: Vec<String>, notes: Vec<String>) {
        self.rows.push(Row { at, cells, notes });
    }

    /// Prints the rows and the changes of the clock from `now` to `end`, by time.
    pub fn print(mut self, now: DateTime<Utc>, end: Option<DateTime<Utc>>) {
        for (at, words) in clock_changes(self.zone, now, end.unwrap_or(now)) {
            self.row(at, Vec::new(), vec![words]);
        }
        // A change of the clock comes before a firing in the same second.
        self.rows.sort_by_key(|row| (row.at, !row.cells.is_empty()));
        let columns = self
            .rows
            .iter()
            .map(|row| row.cells.len())
            .max()
            .unwrap_or(0);
        let widths: Vec<usize> = (0..columns)
            .map(|column| {
                let cells = self.rows.iter().filter_map(|row| row.cells.get(column));
                cells.map(|cell| cell.width()).max().unwrap_or(0)
            })
            .collect();
        let mut day: Option<NaiveDate> = None;
        for row in &self.rows {
            let local = self.zone.to_local(row.at);
            if day != Some(local.date_naive()) {
                day = Some(local.date_naive());
                println!();
                println!("{}", local.format("%a %F"));
            }
            let notes = harmless(&row.notes.join("; "));
            if row.cells.is_empty() {
                println!("  ── {notes}");
                continue;
            }
            let mut line = format!("  {}", local.format("%T"));
            for (cell, width) in row.cells.iter().zip(&widths) {
                let cell = harmless(cell);
                let gap = width.saturating_sub(cell.width());
                line.push_str(&format!("  {cell}{}", " ".repeat(gap)));
            }
            println!("{}", format!("{line}  {notes}").trim_end());
        }
    }
}

/// The first cells of a row in a table of several jobs.
pub fn cells(at: DateTime<Utc>, zone: &Zone, job_id: &str) -> Vec<String> {
    vec![offset_and_zone(at, zone), job_id.to_owned()]
}

/// An instant's offset and zone: `+02:00 Europe/Berlin`.
pub fn offset_and_zone(at: DateTime<Utc>, zone: &Zone) -> String {
    format!("{} {}", zone.offset_at(at), zone.name())
}

/// The time of a firing in its job's zone, if that is not `zone`.
pub fn time_in_other_zone(job: &Upcoming, firing: &Firing, zone: &Zone) -> Option<String> {
    (job.zone.name() != zone.name()).then(|| {
        let there = job.zone.to_local(firing.at);
        format!(
            "{} {} in {}",
            there.format("%a"),
            time_of_day(there.naive_local()),
            job.zone.name()
        )
    })
}
