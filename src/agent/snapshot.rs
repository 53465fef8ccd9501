//! Snapshots, as the agent decides about them.

use chrono::{DateTime, FixedOffset, TimeDelta, Utc};
use serde::Serialize;

use super::earlier_hosts::Made;
use crate::keep::guard::{Alarm, Counted};
use crate::protocol::ListedSnapshot;
use crate::repository::snapshot::Snapshot as File;
use crate::storage::id::Id;

/// The tag that keeps a backup's level: `level:0`.
const LEVEL_TAG: &str = "level:";
/// The tag of a snapshot that does not hold everything it was meant to.
pub const PARTIAL_TAG: &str = "partial";
/// The tag of a snapshot that looks as if its source were damaged, before the word for how: `guard:shrink`.
const GUARD_TAG: &str = "guard:";
/// The tag of a snapshot that no rule and no age removes.
pub const PINNED_TAG: &str = "pinned";

/// One snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Snapshot {
    /// 64 hexadecimal digits.
    pub id: String,
    /// The id that it had first, if a tag was changed since.
    #[serde(skip)]
    pub original: Option<String>,
    /// When the backup began.
    pub time: DateTime<Utc>,
    /// The offset from UTC in which the time was written: the snapshot is of a day and an hour of this offset.
    #[serde(skip)]
    pub offset_minutes: i16,
    pub host: String,
    /// The backup's name; empty in snapshots that another program made.
    pub label: String,
    /// Sorted.
    pub tags: Vec<String>,
    /// The paths that were backed up.
    pub paths: Vec<String>,
    /// The backup's level; `None` in snapshots that another program made.
    pub level: Option<u32>,
    /// The snapshot that this one was compared with.
    pub parent: Option<String>,
    /// Something could not be backed up, and the snapshot holds the rest.
    pub partial: bool,
    /// `None` in snapshots of programs that do not record it.
    pub summary: Option<SnapshotSummary>,
}

/// What a snapshot holds, and what its backup added.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SnapshotSummary {
    /// Entries that are not directories.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Files that were new against the parent.
    pub files_new: u64,
    /// Files that had changed against the parent.
    pub files_changed: u64,
    /// Bytes that the repository grew by.
    pub bytes_added: u64,
}

impl Snapshot {
    /// The tag that keeps a level.
    pub fn level_tag(level: u32) -> String {
        format!("{LEVEL_TAG}{level}")
    }

    /// The id that it had first.
    pub fn first_id(&self) -> &str {
        self.original.as_deref().unwrap_or(&self.id)
    }

    /// Whether it has a time that has not come yet: the clock was wrong when it was made, or is wrong now. The clocks of
    /// hosts may differ by an hour.
    pub fn is_of_the_future(&self, now: DateTime<Utc>) -> bool {
        self.time > now + TimeDelta::hours(1)
    }

    /// The tag for an alarm.
    pub fn guard_tag(alarm: Alarm) -> String {
        format!("{GUARD_TAG}{}", alarm.word())
    }

    /// The alarm that a tag is for.
    pub fn alarm_of_tag(tag: &str) -> Option<Alarm> {
        let word = tag.strip_prefix(GUARD_TAG)?;
        Alarm::ALL.into_iter().find(|alarm| alarm.word() == word)
    }

    /// The alarm that its backup raised, until somebody accepts it.
    pub fn alarm(&self) -> Option<Alarm> {
        self.tags.iter().find_map(|tag| Snapshot::alarm_of_tag(tag))
    }

    /// What its backup counted, as far as its maker wrote it down.
    pub fn counted(&self) -> Option<Counted> {
        self.summary.map(|summary| Counted {
            files: summary.files,
            bytes: summary.bytes,
            new: summary.files_new,
            changed: summary.files_changed,
        })
    }

    /// Whether somebody decided that it stays.
    pub fn is_pinned(&self) -> bool {
        self.tags.iter().any(|tag| tag == PINNED_TAG)
    }

    /// When the backup began, as the clock of its host showed it.
    pub fn local_time(&self) -> DateTime<FixedOffset> {
        let offset = FixedOffset::east_opt(i32::from(self.offset_minutes) * 60);
        self.time
            .with_timezone(&offset.unwrap_or(const { FixedOffset::east_opt(0).unwrap() }))
    }

    /// Who made it of what, and when.
    pub fn made(&self) -> Made<'_> {
        Made {
            host: &self.host,
            backup_name: &self.label,
            paths: &self.paths,
            time: self.time,
        }
    }

    /// The first eight digits of the id, as people type it.
    pub fn short_id(&self) -> &str {
        self.id.get(..8).unwrap_or(&self.id)
    }

    /// The snapshot that a file of the repository describes.
    pub fn from_file(id: Id, file: &File) -> Self {
        let mut tags = file.tags.clone();
        tags.sort();
        Snapshot {
            id: id.to_string(),
            original: file.original.map(|id| id.to_string()),
            time: DateTime::from_timestamp(file.time.seconds, file.time.nanoseconds)
                .unwrap_or_default(),
            offset_minutes: file.time.offset_minutes,
            host: file.hostname.clone(),
            label: label(file).to_owned(),
            level: tags
                .iter()
                .find_map(|tag| tag.strip_prefix(LEVEL_TAG)?.parse().ok()),
            partial: tags.iter().any(|tag| tag == PARTIAL_TAG),
            tags,
            paths: file.paths.clone(),
            parent: file.parent.map(|id| id.to_string()),
            summary: file.summary.as_ref().map(|summary| SnapshotSummary {
                files: summary.total_files_processed,
                bytes: summary.total_bytes_processed,
                files_new: summary.files_new,
                files_changed: summary.files_changed,
                bytes_added: summary.data_added_packed,
            }),
        }
    }
}

/// As far as rules of retention look at it.
impl From<ListedSnapshot> for Snapshot {
    fn from(listed: ListedSnapshot) -> Snapshot {
        Snapshot {
            id: listed.id,
            original: listed.original,
            time: listed.time,
            offset_minutes: listed.offset_minutes,
            host: listed.host,
            label: listed.backup_name,
            tags: listed.tags,
            paths: listed.paths,
            level: listed.level,
            parent: None,
            partial: listed.partial,
            summary: Some(SnapshotSummary {
                files: listed.files.unwrap_or_default(),
                bytes: listed.bytes.unwrap_or_default(),
                bytes_added: listed.bytes_added.unwrap_or_default(),
                ..SnapshotSummary::default()
            })
            .filter(|_| listed.bytes_added.is_some()),
        }
    }
}

/// The field of a snapshot file that keeps the backup's name. restic does not know it and keeps it.
const LABEL: &str = "label";

fn label(file: &File) -> &str {
    file.other
        .get(LABEL)
        .and_then(serde_json::Value::as_str)
        .unwrap_or_default()
}

/// Writes the backup's name into a snapshot file.
pub fn set_label(file: &mut File, label: &str) {
    file.other.insert(LABEL.to_owned(), label.into());
}

/// Selects snapshots: each field that is given has to match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    pub host: Option<String>,
    /// The backup's name.
    pub label: Option<String>,
    /// One of the tags.
    pub tag: Option<String>,
}

impl Filter {
    /// Whether the snapshot has all that the filter asks for.
    pub fn matches(&self, snapshot: &Snapshot) -> bool {
        self.host.as_ref().is_none_or(|host| *host == snapshot.host)
            && self
                .label
                .as_ref()
                .is_none_or(|label| *label == snapshot.label)
            && self
                .tag
                .as_ref()
                .is_none_or(|tag| snapshot.tags.contains(tag))
    }
}
