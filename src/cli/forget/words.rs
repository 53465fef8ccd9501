//! What becomes of snapshots, for people and as JSON.

use chrono::SecondsFormat;
use serde_json::{Value, json};

use super::plan::Planned;
use crate::agent::retention::{Fate, Stay};
use crate::cli::logging;
use crate::cli::table::{Look, Table};
use crate::config::Settings;
use crate::keep::decide::Reason;
use crate::protocol::Outcome;
use crate::units;

/// `3 snapshots`.
pub fn snapshots(count: u64) -> String {
    units::count(count, "snapshot", "snapshots")
}

/// Prints a table for each removal.
pub fn show(settings: &Settings, planned: &[Planned]) {
    let zone = settings.zone();
    for planned in planned {
        println!("{}", planned.removal.heading());
        let mut table = Table::new(&["SNAPSHOT", "TIME", "", "KEPT BY", "PATHS"]);
        for (snapshot, fate) in &planned.fates {
            let look = match fate.is_empty() {
                true => Look::Warning,
                false => Look::Plain,
            };
            table.row_that_looks(
                look,
                vec![
                    snapshot.short_id().to_owned(),
                    logging::moment(Some(snapshot.time), &zone),
                    if snapshot.partial { "partial" } else { "" }.to_owned(),
                    why(fate),
                    snapshot.paths.join(", "),
                ],
            );
        }
        table.print();
        println!(
            "{} of {} to be removed",
            planned.gone(),
            snapshots(planned.fates.len() as u64)
        );
        println!();
    }
}

/// Why it stays, or that it goes.
fn why(fate: &Fate) -> String {
    if fate.is_empty() {
        return "– removed".to_owned();
    }
    let texts: Vec<String> = fate.iter().map(text).collect();
    texts.join(", ")
}

fn text(stay: &Stay) -> String {
    match stay {
        Stay::Alarm => "an alarm".to_owned(),
        Stay::Pinned => "pinned".to_owned(),
        Stay::Young => "its age".to_owned(),
        Stay::Rule(Reason::Oldest(_)) => format!("{} (oldest)", key(stay)),
        Stay::Rule(_) => key(stay),
        Stay::Future => "its time has not come".to_owned(),
        Stay::Proved => "proved by a drill".to_owned(),
        Stay::Newest(path) if path.is_empty() => "newest".to_owned(),
        Stay::Newest(path) => format!("newest of {path}"),
        Stay::Elsewhere => "has other paths".to_owned(),
    }
}

/// The word for the reason in JSON.
fn key(stay: &Stay) -> String {
    match stay {
        Stay::Alarm => "alarm".to_owned(),
        Stay::Pinned => "pinned".to_owned(),
        Stay::Young => "age".to_owned(),
        Stay::Rule(reason) => reason.key(),
        Stay::Future => "future".to_owned(),
        Stay::Proved => "proved".to_owned(),
        Stay::Newest(_) => "newest".to_owned(),
        Stay::Elsewhere => "other_paths".to_owned(),
    }
}

/// A removal as JSON. `outcome` is there once it was carried out.
pub fn document(planned: &Planned, outcome: Option<&Outcome>) -> Value {
    let admin = &planned.removal.admin;
    let each = planned.fates.iter().map(|(snapshot, fate)| {
        json!({
            "id": snapshot.id,
            "time": snapshot.time.to_rfc3339_opts(SecondsFormat::Secs, true),
            "paths": snapshot.paths,
            "tags": snapshot.tags,
            "partial": snapshot.partial,
            "remove": fate.is_empty(),
            "kept_by": fate.iter().map(key).collect::<Vec<_>>(),
        })
    });
    json!({
        "action": planned.removal.action,
        "backup_name": admin.lineage.backup_name,
        "host": admin.lineage.host,
        "container": admin.container.location,
        "snapshots": each.collect::<Vec<_>>(),
        "outcome": outcome,
    })
}
