//! Lists the snapshots of a container in the log.

use super::error::ActionError;
use super::report::{local, log};
use super::snapshot::{Filter, Snapshot};
use super::{Context, open, outcome};
use crate::job::action::{Access, Info};
use crate::protocol::{Outcome, Summary};
use crate::units;

/// Lists the snapshots of one container.
pub fn run(context: &Context, work: &Info) -> Result<Outcome, ActionError> {
    let (opened, _lock) = open(context, &work.container, Access::Shared)?;
    let files = opened.snapshot_files(&Filter {
        host: work.host.clone(),
        label: work.backup_name.clone(),
        tag: None,
    })?;
    let snapshots: Vec<Snapshot> = files
        .found
        .into_iter()
        .map(|(snapshot, ..)| snapshot)
        .collect();
    log(&format!(
        "{} in the container {}",
        units::count(snapshots.len() as u64, "snapshot", "snapshots"),
        work.container.location
    ));
    for line in table(&snapshots) {
        log(&line);
    }
    let summary = Summary {
        snapshot: snapshots.last().map(|snapshot| snapshot.id.clone()),
        snapshots: Some(snapshots.len() as u64),
        ..Summary::default()
    };
    for (_, error) in &files.unreadable {
        log(&format!("warning: {error}"));
    }
    Ok(match files.unreadable.first() {
        None => outcome::success(summary),
        Some((_, first)) => outcome::partial_list(summary, first, &files.unreadable),
    })
}

/// A line of headings and one line for each snapshot, in columns.
fn table(snapshots: &[Snapshot]) -> Vec<String> {
    if snapshots.is_empty() {
        return Vec::new();
    }
    let mut rows = vec![
        [
            "snapshot", "time", "host", "name", "level", "files", "size", "paths",
        ]
        .map(String::from),
    ];
    rows.extend(snapshots.iter().map(|snapshot| {
        let summary = snapshot.summary;
        [
            snapshot.short_id().to_owned(),
            local(snapshot.time),
            snapshot.host.clone(),
            snapshot.label.clone(),
            snapshot
                .level
                .map_or_else(|| "-".to_owned(), |level| level.to_string()),
            summary.map_or_else(|| "-".to_owned(), |summary| summary.files.to_string()),
            summary.map_or_else(|| "-".to_owned(), |summary| units::bytes(summary.bytes)),
            snapshot.paths.join(" ") + if snapshot.partial { " (partial)" } else { "" },
        ]
    }));
    let mut widths = [0; 8];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    rows.iter()
        .map(|row| {
            let cells: Vec<String> = row
                .iter()
                .zip(widths)
                .map(|(cell, width)| format!("{cell}{}", " ".repeat(width - cell.chars().count())))
                .collect();
            cells.join("  ").trim_end().to_owned()
        })
        .collect()
}
