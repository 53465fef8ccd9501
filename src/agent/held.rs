//! What a container holds, for the messages that say what there is instead of what was asked for.

use std::collections::BTreeMap;
use std::fmt;

use chrono::{DateTime, Utc};

use super::lineage;
use super::report::local;
use super::snapshot::Snapshot;
use crate::units;

/// The snapshots of one host, one backup name and paths in common that a container holds.
#[derive(Debug)]
pub struct Held {
    /// Empty in snapshots that another program made.
    label: String,
    host: String,
    paths: Vec<String>,
    count: u64,
    first: DateTime<Utc>,
    last: DateTime<Utc>,
}

impl fmt::Display for Held {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} of {}{} ({}, {}",
            shown_label(&self.label),
            self.host,
            match self.paths.as_slice() {
                [] => String::new(),
                paths => format!(", {}", paths.join(", ")),
            },
            units::count(self.count, "snapshot", "snapshots"),
            local(self.first)
        )?;
        if self.count > 1 {
            write!(formatter, " to {}", local(self.last))?;
        }
        formatter.write_str(")")
    }
}

/// All of them in one sentence; `nothing` where there are none.
pub fn list(held: &[Held]) -> String {
    if held.is_empty() {
        return "nothing".to_owned();
    }
    let texts: Vec<String> = held.iter().map(Held::to_string).collect();
    texts.join("; ")
}

/// Groups snapshots (oldest first) by name, host and lineage.
pub fn held<'a>(all: impl Iterator<Item = &'a Snapshot>) -> Vec<Held> {
    // Sorted by what is shown.
    let mut names: BTreeMap<(&str, &str), Vec<&Snapshot>> = BTreeMap::new();
    for snapshot in all {
        let name = (shown_label(&snapshot.label), snapshot.host.as_str());
        names.entry(name).or_default().push(snapshot);
    }
    let groups = names.values().flat_map(|of_name| lineage::groups(of_name));
    groups.filter_map(|group| Held::of(&group)).collect()
}

impl Held {
    fn of(group: &[&Snapshot]) -> Option<Held> {
        let (first, last) = (group.first()?, group.last()?);
        Some(Held {
            label: first.label.clone(),
            host: first.host.clone(),
            paths: lineage::paths_of_all(group),
            count: group.len() as u64,
            first: first.time,
            last: last.time,
        })
    }
}

/// A snapshot that another program made has no backup name.
pub fn shown_label(label: &str) -> &str {
    if label.is_empty() {
        "an unnamed backup"
    } else {
        label
    }
}
