//! Snapshot files: what was backed up, when, and the tree that holds it.

use serde::{Deserialize, Serialize};

use super::crypto::Cipher;
use super::error::{Damage, Error};
use super::time::Time;
use super::unpacked;
use crate::storage::id::Id;
use crate::storage::{FileKind, FileName, Listed, Storage};

type Other = serde_json::Map<String, serde_json::Value>;

/// All fields that restic has, in its order, and those of other programs behind them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    pub time: Time,
    /// The snapshot that this one was compared with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Id>,
    pub tree: Id,
    /// Absolute paths. Bytes that are not UTF-8 are lost here; the tree has them.
    #[serde(default, deserialize_with = "or_empty")]
    pub paths: Vec<String>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub hostname: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub username: String,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub uid: u32,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub gid: u32,
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "or_empty"
    )]
    pub excludes: Vec<String>,
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "or_empty"
    )]
    pub tags: Vec<String>,
    /// The first snapshot of which this one is a copy with other tags.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub original: Option<Id>,
    /// Such as `restic 0.18.0`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub program_version: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<BackupSummary>,
    #[serde(flatten)]
    pub other: Other,
}

/// What the backup counted. restic has written it since version 0.17.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupSummary {
    pub backup_start: Time,
    pub backup_end: Time,
    #[serde(default)]
    pub files_new: u64,
    #[serde(default)]
    pub files_changed: u64,
    #[serde(default)]
    pub files_unmodified: u64,
    #[serde(default)]
    pub dirs_new: u64,
    #[serde(default)]
    pub dirs_changed: u64,
    #[serde(default)]
    pub dirs_unmodified: u64,
    #[serde(default)]
    pub data_blobs: i64,
    #[serde(default)]
    pub tree_blobs: i64,
    /// In bytes, before compression.
    #[serde(default)]
    pub data_added: u64,
    /// In bytes, as stored.
    #[serde(default)]
    pub data_added_packed: u64,
    #[serde(default)]
    pub total_files_processed: u64,
    #[serde(default)]
    pub total_bytes_processed: u64,
    #[serde(flatten)]
    pub other: Other,
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// Go writes `null` for an empty list.
fn or_empty<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

impl Snapshot {
    /// A snapshot of this tree and nothing else.
    pub fn new(time: Time, tree: Id, paths: Vec<String>) -> Snapshot {
        Snapshot {
            time,
            parent: None,
            tree,
            paths,
            hostname: String::new(),
            username: String::new(),
            uid: 0,
            gid: 0,
            excludes: Vec::new(),
            tags: Vec::new(),
            original: None,
            program_version: String::new(),
            summary: None,
            other: Other::new(),
        }
    }

    /// Reads the document.
    ///
    /// # Errors
    /// When it is not a snapshot.
    pub fn parse(document: &[u8]) -> Result<Snapshot, serde_json::Error> {
        serde_json::from_slice(document)
    }

    /// Reads a snapshot file.
    ///
    /// # Errors
    /// When it cannot be read, or is not what it must be.
    pub fn read(storage: &dyn Storage, cipher: &Cipher, id: Id) -> Result<Snapshot, Error> {
        let name = FileName::new(FileKind::Snapshot, id);
        let document = unpacked::read(storage, cipher, name)?;
        Snapshot::of_file(&document, name)
    }

    fn of_file(document: &[u8], name: FileName) -> Result<Snapshot, Error> {
        Snapshot::parse(document).map_err(|cause| Error::file(Damage::Json, name).with(cause))
    }

    /// Writes a snapshot file. All that the tree needs is durable before: the storage was synced after the index. The
    /// snapshot is durable when this returns.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, storage: &dyn Storage, cipher: &Cipher) -> Result<Id, Error> {
        let document = serde_json::to_vec(self).map_err(|cause| {
            Error::damaged(Damage::Json, super::error::What::Repository).with(cause)
        })?;
        let id = unpacked::write(storage, cipher, FileKind::Snapshot, &document)?;
        storage.sync()?;
        Ok(id)
    }
}

/// Snapshots by their ids. One that cannot be read is there with its error: it is not absent.
pub type Snapshots = Vec<(Id, Result<Snapshot, Error>)>;

/// All snapshots of a repository.
///
/// # Errors
/// When they cannot be listed.
pub fn read_all(storage: &dyn Storage, cipher: &Cipher) -> Result<Snapshots, Error> {
    let files = storage.list(FileKind::Snapshot)?.files;
    Ok(read_files(storage, cipher, &files))
}

/// The snapshots of these files.
pub fn read_files(storage: &dyn Storage, cipher: &Cipher, files: &[Listed]) -> Snapshots {
    let mut files: Vec<&Listed> = files.iter().collect();
    files.sort_by_key(|file| file.id);
    let read = |file: &Listed| {
        let document = unpacked::read_listed(storage, cipher, FileKind::Snapshot, file)?;
        Snapshot::of_file(&document, FileName::new(FileKind::Snapshot, file.id))
    };
    let read = files.into_iter().map(|file| (file.id, read(file)));
    read.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_of_old_and_new_programs_come_back_byte_for_byte() {
        let id = "b26e315b0988ddcd1cee64c351d13a100fedbc9fdbb144a67d1b765ab280b4dc";
        for text in [
            format!(
                r#"{{"time":"2015-01-02T18:10:50.895208559+01:00","tree":"{id}","paths":["/tmp/testdata"],"hostname":"kasimir","username":"fd0","uid":1000,"gid":100,"tags":["NL"]}}"#
            ),
            format!(
                r#"{{"time":"2025-01-02T18:10:50Z","parent":"{id}","tree":"{id}","paths":[],"excludes":["*.o"],"original":"{id}","program_version":"restic 0.18.0","summary":{{"backup_start":"2025-01-02T18:10:50Z","backup_end":"2025-01-02T18:10:51Z","files_new":1,"files_changed":2,"files_unmodified":3,"dirs_new":4,"dirs_changed":5,"dirs_unmodified":6,"data_blobs":7,"tree_blobs":8,"data_added":9,"data_added_packed":10,"total_files_processed":11,"total_bytes_processed":12,"command":"x"}},"label":"of rustic","delete":"NotSet"}}"#
            ),
        ] {
            let snapshot = Snapshot::parse(text.as_bytes()).unwrap();
            assert_eq!(serde_json::to_string(&snapshot).unwrap(), text);
        }
        let text =
            format!(r#"{{"time":"2015-01-02T18:10:50Z","tree":"{id}","paths":null,"tags":null}}"#);
        assert!(Snapshot::parse(text.as_bytes()).unwrap().paths.is_empty());
    }

    #[test]
    fn what_has_no_tree_is_not_a_snapshot() {
        for text in [
            "",
            "[]",
            "{}",
            r#"{"time":"2015-01-02T18:10:50Z","tree":null,"paths":[]}"#,
        ] {
            assert!(Snapshot::parse(text.as_bytes()).is_err());
        }
    }
}
