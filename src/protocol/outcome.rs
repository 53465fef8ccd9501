//! How an attempt ended, as its agent saw it.

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::Problem;
use crate::keep::guard::Alarm;
use crate::keep::room::Room;
use crate::location::Location;
use crate::units;

/// How an attempt ended, as its agent saw it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    pub verdict: Verdict,
    /// Why it is not a success: one sentence that names the thing, and how to correct it. `None` on success.
    pub reason: Option<String>,
    pub summary: Box<Summary>,
    /// The first of the paths that were not backed up, not restored or kept.
    pub problems: Vec<Problem>,
    /// How many problems there were in all.
    pub problems_total: u64,
    /// What was asked for and does not exist, if it failed for that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing: Option<Missing>,
    /// The password is wrong, or this user has no permission.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub denied: bool,
    /// It failed because a disk or a quota is full.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub no_space: bool,
    /// It failed because its container is damaged.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub damaged: bool,
}

/// What an action was asked to use, and is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Missing {
    /// There is no repository in the container.
    Repository,
    /// No snapshot is the one that is meant, or it does not have the path.
    Snapshot,
    /// No password can be read from the file that should hold it.
    PassFile,
}

/// The verdict on one attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Everything that was asked for is done.
    Success,
    /// A snapshot or a restored tree exists, but something is missing in it. Counts as a failure.
    Partial,
    /// It failed, and may succeed when it is tried again.
    Failed,
    /// It failed, and would fail again in the same way: a wrong password, a path that does not exist.
    FailedForGood,
}

/// A part of the data of a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataRead {
    /// From 1 to `parts`.
    pub part: u32,
    /// 1: all data.
    pub parts: u32,
    pub bytes: u64,
    /// A pack in it is damaged. So it is read again, until the container is repaired.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub damaged: bool,
}

/// What a drill found. What it restored and compared is in the numbers beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DrillResult {
    /// Some of the files were restored, and not all.
    pub sample: bool,
    /// The snapshot is partial.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub partial: bool,
    /// When the backup of the snapshot began.
    pub snapshot_time: DateTime<Utc>,
    pub restore_milliseconds: u64,
    /// Entries with another content than in the snapshot, as the next ones.
    pub content_differs: u64,
    pub metadata_differs: u64,
    /// Entries that were not restored.
    pub missing: u64,
    /// Entries that the snapshot does not have.
    pub surplus: u64,
    /// What could not be read.
    pub not_compared: u64,
    /// Files of this host that have not changed since the backup, and were compared.
    pub source_files: u64,
    /// How many of them have another content.
    pub source_differs: u64,
}

/// A snapshot that looks as if its source were damaged, and that nobody has accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenAlarm {
    pub container: Location,
    /// The full id that it had first: a new tag changes the id.
    pub snapshot: String,
    /// The run that made it. `None`: its tags do not say.
    pub run: Option<u64>,
    pub alarm: Alarm,
}

/// What a removal of snapshots has left in its container.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reclaim {
    /// When it was over.
    pub at: DateTime<Utc>,
    /// The container was pruned. `bytes` is then what could not be freed.
    pub pruned: bool,
    /// How many snapshots were removed whose data is still there.
    pub snapshots: u64,
    /// The bytes that these had added. `None`: it is not known.
    pub bytes: Option<u64>,
    /// The bytes of the container. `None`: nobody has looked.
    #[serde(default)]
    pub size: Option<u64>,
    /// The last prune that it knew of.
    pub known: Option<DateTime<Utc>>,
}

impl Reclaim {
    /// Something may have been removed.
    pub fn uncertain(at: DateTime<Utc>) -> Reclaim {
        Reclaim {
            at,
            pruned: false,
            snapshots: 1,
            bytes: None,
            size: None,
            known: None,
        }
    }

    /// What both have left, one after the other. The second is not a prune.
    pub fn and(self, next: Reclaim) -> Reclaim {
        let sum = |(one, other): (u64, u64)| one.saturating_add(other);
        match self.pruned {
            // What is left after a prune is known to be from then on.
            true => Reclaim {
                bytes: self.bytes.zip(next.bytes).map(sum),
                known: Some(self.at),
                ..next
            },
            false => Reclaim {
                snapshots: self.snapshots.saturating_add(next.snapshots),
                bytes: self.bytes.zip(next.bytes).map(sum),
                known: self.known.max(next.known),
                ..next
            },
        }
    }
}

/// What an action did, in numbers. A number that does not apply is absent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Summary {
    /// The snapshot that was made, restored, or newest in a list: its full id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<String>,
    /// A backup's level.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<u32>,
    /// Files and other entries seen, or restored: all that are not directories.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub files: Option<u64>,
    /// How many of the entries are new against the parent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub files_new: Option<u64>,
    /// How many of the entries have changed against the parent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub files_changed: Option<u64>,
    /// Bytes seen, or restored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// Bytes that the container grew by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes_added: Option<u64>,
    /// Entries that a restore deleted because the snapshot does not hold them, with all that was in them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entries_deleted: Option<u64>,
    /// Entries that a dry run of a restore would have deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entries_to_delete: Option<u64>,
    /// Restored files that were read again and are as in the snapshot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub files_verified: Option<u64>,
    /// Snapshots that were copied to another container.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snapshots_copied: Option<u64>,
    /// The new snapshot looks as if the source were damaged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alarm: Option<Alarm>,
    /// The snapshots of a backup's lineage with an alarm that nobody has accepted, the newest first. `None`: the action did
    /// not look.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open_alarms: Option<Vec<OpenAlarm>>,
    /// The room on the disk of the container after a backup, if it is on this host and enough is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub room: Option<Room>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snapshots_removed: Option<u64>,
    /// Snapshots that are there, after removal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snapshots: Option<u64>,
    /// What a check has read of the data: one part of so many, or all of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_read: Option<DataRead>,
    /// What a drill found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drill: Option<DrillResult>,
    /// The snapshot that a drill has proved, by the full id that it had first: it was restored, and is as it should be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proved: Option<String>,
    /// What a removal has left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reclaim: Option<Reclaim>,
    /// A command's exit code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// The signal that ended a command.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signal: Option<i32>,
}

/// For people: `12 files and other entries, 3.4 MB; 2 new, 1 changed; snapshot 84b9adec (level 0)`. Empty where no number applies.
impl fmt::Display for Summary {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = Vec::new();
        if let Some(files) = self.files {
            // A sample has nothing but files.
            let files = match self.drill {
                Some(drill) if drill.sample => units::count(files, "file", "files"),
                _ => units::files_and_others(files),
            };
            let bytes = self
                .bytes
                .map_or_else(String::new, |bytes| format!(", {}", units::bytes(bytes)));
            line.push(files + &bytes);
        }
        if let (Some(new), Some(changed)) = (self.files_new, self.files_changed) {
            line.push(format!("{new} new, {changed} changed"));
        }
        if let Some(added) = self.bytes_added {
            line.push(format!("{} added", units::bytes(added)));
        }
        let entries = |count| units::count(count, "entry", "entries");
        if let Some(deleted) = self.entries_deleted.filter(|count| *count > 0) {
            line.push(format!("{} deleted", entries(deleted)));
        }
        if let Some(surplus) = self.entries_to_delete.filter(|count| *count > 0) {
            line.push(format!("{} to delete", entries(surplus)));
        }
        if let Some(verified) = self.files_verified {
            line.push(format!(
                "{} verified",
                units::count(verified, "file", "files")
            ));
        }
        let snapshots = |count| units::count(count, "snapshot", "snapshots");
        if let Some(copied) = self.snapshots_copied {
            line.push(format!("{} copied", snapshots(copied)));
        }
        if let Some(removed) = self.snapshots_removed {
            line.push(format!("{} removed", snapshots(removed)));
        }
        if let Some(there) = self.snapshots {
            line.push(format!("{} there", snapshots(there)));
        }
        if let Some(DataRead {
            part, parts, bytes, ..
        }) = self.data_read
        {
            let which = match parts {
                1 => String::new(),
                parts => format!(" (part {part} of {parts})"),
            };
            line.push(format!("{} read{which}", units::bytes(bytes)));
        }
        if let Some(drill) = self.drill {
            let took = Duration::from_millis(drill.restore_milliseconds);
            let bytes = self.bytes.unwrap_or(0);
            line.push(format!("restored in {}", units::effort(bytes, took)));
            let of_host = units::count(drill.source_files, "file", "files");
            line.push(format!("{of_host} compared with this host"));
        }
        if let Some(id) = &self.snapshot {
            let id: String = id.chars().take(8).collect();
            let level = self
                .level
                .map_or_else(String::new, |level| format!(" (level {level})"));
            line.push(format!("snapshot {id}{level}"));
        }
        if let Some(alarm) = self.alarm {
            line.push(format!("alarm: {}", alarm.word()));
        }
        if let Some(code) = self.exit_code {
            line.push(format!("exit code {code}"));
        }
        formatter.write_str(&line.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_reads_as_a_line() {
        let backup = Summary {
            snapshot: Some("84b9adec00112233".to_owned()),
            level: Some(0),
            files: Some(12),
            files_new: Some(2),
            files_changed: Some(1),
            bytes: Some(3_400_000),
            bytes_added: Some(999),
            ..Summary::default()
        };
        assert_eq!(
            backup.to_string(),
            "12 files and other entries, 3.4 MB; 2 new, 1 changed; 999 B added; snapshot 84b9adec (level 0)"
        );
        let prune = Summary {
            snapshots_removed: Some(1),
            snapshots: Some(3),
            ..Summary::default()
        };
        assert_eq!(prune.to_string(), "1 snapshot removed; 3 snapshots there");
        assert_eq!(Summary::default().to_string(), "");
    }
}
