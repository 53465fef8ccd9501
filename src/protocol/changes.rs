//! What changed from one snapshot of a backup to the next. The text of a path may be any bytes.

use std::fmt;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::units;

/// What changed from one snapshot of a backup to the next. The numbers are of everything; the lists are bounded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Changes {
    /// The new snapshot: its full id.
    pub snapshot: String,
    /// `None`: it is the first one, and everything is new.
    pub since: Option<Since>,
    /// The newest drill that has proved a snapshot of the lineage. `None`: no job had a drill of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_drill: Option<LastDrill>,
    pub new: Amount,
    /// Files with other bytes, links with another target, devices with another number. The bytes are those of now.
    pub changed: Amount,
    /// A file that became a link, for example.
    pub type_changed: Amount,
    /// Other modes, owners, times or attributes, and nothing else.
    pub metadata_changed: Amount,
    pub gone: Amount,
    /// What is missing only because the backup could not read it. It does not count as gone.
    pub unread: Amount,
    /// How many paths could not be read beyond those that were named: what is below them counts as gone.
    pub unread_unnamed: u64,
    /// Directories and entries of the two snapshots that could not be compared.
    pub not_compared: u64,
    /// Those with the most changes first. A change is counted in one of them.
    pub directories: Vec<DirectoryChanges>,
    /// New and changed files, the largest first.
    pub largest: Vec<ChangedFile>,
    /// The largest first. A directory that is gone stands for everything in it.
    pub largest_gone: Vec<GoneEntry>,
}

/// The snapshot that the new one is compared with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Since {
    pub snapshot: String,
    pub time: DateTime<Utc>,
    /// Something was missing in it, and may count as new now.
    pub partial: bool,
}

/// The newest drill that had proved a snapshot of the lineage when the backup ended. All are `None` where none had.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastDrill {
    /// The full id that the snapshot had first.
    pub snapshot: Option<String>,
    /// The end of the drill's run.
    pub at: Option<DateTime<Utc>>,
    /// How long ago that was when the backup ended.
    pub age_seconds: Option<u64>,
}

/// `12 d ago, snapshot 1a2b3c4d`, or that there was none.
impl fmt::Display for LastDrill {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.snapshot, self.age_seconds) {
            (Some(snapshot), Some(age)) => {
                let age = units::duration(Duration::from_secs(age));
                write!(formatter, "{age} ago, snapshot {snapshot:.8}")
            }
            _ => formatter.write_str("none yet"),
        }
    }
}

/// Entries by their types, and the bytes of the files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amount {
    pub files: u64,
    pub directories: u64,
    pub others: u64,
    pub bytes: u64,
}

/// The changes in a directory, and in those below it that have no line of their own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectoryChanges {
    #[serde(flatten)]
    pub path: PathText,
    /// In entries, as the next three.
    pub new: u64,
    /// In content or in type.
    pub changed: u64,
    pub metadata_changed: u64,
    pub gone: u64,
    /// Of the new and changed files.
    pub bytes: u64,
    pub bytes_gone: u64,
}

/// A file with new content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangedFile {
    #[serde(flatten)]
    pub path: PathText,
    pub size: u64,
    /// `None`: the file is new.
    pub size_before: Option<u64>,
}

/// An entry that the new snapshot does not have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GoneEntry {
    #[serde(flatten)]
    pub path: PathText,
    /// As restic calls it: `file`, `dir`, …
    #[serde(rename = "type")]
    pub kind: String,
    /// With all that was in it: 1 for a file.
    pub entries: u64,
    pub bytes: u64,
}

/// A path as text. The bytes of one that is not UTF-8 are kept beside it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathText {
    path: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    path_base64: Option<String>,
}

impl PathText {
    /// The bytes of the path.
    pub fn bytes(&self) -> Vec<u8> {
        let raw = self.path_base64.as_ref();
        let raw = raw.and_then(|text| BASE64.decode(text).ok());
        raw.unwrap_or_else(|| self.path.clone().into_bytes())
    }
}

impl From<&[u8]> for PathText {
    fn from(path: &[u8]) -> PathText {
        let is_text = std::str::from_utf8(path).is_ok();
        PathText {
            path: String::from_utf8_lossy(path).into_owned(),
            path_base64: (!is_text).then(|| BASE64.encode(path)),
        }
    }
}

impl Amount {
    /// How many entries of all types.
    pub fn entries(&self) -> u64 {
        let entries = self.files.saturating_add(self.directories);
        entries.saturating_add(self.others)
    }
}

impl Changes {
    /// Whether the two snapshots have the same entries.
    pub fn is_empty(&self) -> bool {
        let amounts = [
            self.new,
            self.changed,
            self.type_changed,
            self.metadata_changed,
            self.gone,
            self.unread,
        ];
        amounts.iter().all(|it| it.entries() == 0) && self.not_compared == 0
    }
}

/// For people: `3 new (12 MB), 2 changed (1.2 MB), 1 gone (3.0 kB), 4 in metadata only`. `nothing` if nothing changed.
impl fmt::Display for Changes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        let mut add = |amount: &Amount, what: &str, with_bytes: bool| {
            let entries = amount.entries();
            if entries > 0 {
                let bytes = match with_bytes {
                    true => format!(" ({})", units::bytes(amount.bytes)),
                    false => String::new(),
                };
                parts.push(format!("{entries} {what}{bytes}"));
            }
        };
        add(&self.new, "new", true);
        add(&self.changed, "changed", true);
        add(&self.type_changed, "of another type", false);
        add(&self.gone, "gone", true);
        add(&self.unread, "not read", true);
        add(&self.metadata_changed, "in metadata only", false);
        if self.not_compared > 0 {
            parts.push(format!("{} not compared", self.not_compared));
        }
        match parts.is_empty() {
            true => formatter.write_str("nothing"),
            false => formatter.write_str(&parts.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_of_any_bytes_survives_the_way_through_json() {
        for path in [&b"/srv/www"[..], b"/a\xffb\n\x1b[2J", b""] {
            let file = ChangedFile {
                path: path.into(),
                size: u64::MAX,
                size_before: None,
            };
            let text = serde_json::to_string(&file).unwrap();
            let read: ChangedFile = serde_json::from_str(&text).unwrap();
            assert_eq!(read, file);
            assert_eq!(read.path.bytes(), path);
        }
    }

    #[test]
    fn changes_read_as_a_sentence() {
        let amount = |files, bytes| Amount {
            files,
            bytes,
            ..Amount::default()
        };
        let changes = Changes {
            new: amount(3, 12_000_000),
            gone: amount(1, 3000),
            metadata_changed: amount(4, 9),
            ..Changes::default()
        };
        let text = "3 new (12.0 MB), 1 gone (3.0 kB), 4 in metadata only";
        assert_eq!(changes.to_string(), text);
        assert!(!changes.is_empty());
        assert_eq!(Changes::default().to_string(), "nothing");
        assert!(Changes::default().is_empty());
    }
}
