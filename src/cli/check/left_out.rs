//! `freezerd check --left-out`: what the backups of the checked files would leave out.

use std::os::unix::ffi::OsStrExt;

use serde_json::{Value, json};

use crate::agent::{ActionError, LeftOutList, LeftOutPath, LeftOutReason, left_out};
use crate::escape::shown;
use crate::intake::{CheckedContent, CheckedFile};
use crate::job::action::{Backup, Work};
use crate::job::several;
use crate::units;

/// How many paths are listed for each backup.
const MOST: usize = 1000;

/// What one backup of a file would leave out.
pub(super) struct Listed {
    file: String,
    sources: String,
    list: Result<LeftOutList, ActionError>,
}

impl Listed {
    /// False if the list is not complete, because something could not be read.
    pub(super) fn is_complete(&self) -> bool {
        self.list
            .as_ref()
            .is_ok_and(|list| list.unreadable_total == 0)
    }
}

/// Lists what the backups of a file would leave out. Nothing if the file is not a valid job of this host.
pub(super) fn of_file(file: &CheckedFile) -> Vec<Listed> {
    let CheckedContent::Job(job) = &file.content else {
        return Vec::new();
    };
    let backups = job
        .actions
        .iter()
        .filter_map(|entry| match &entry.action.work {
            Work::Backup(backup) => Some(backup),
            _ => None,
        });
    backups
        .map(|backup: &Backup| Listed {
            file: file.path.display().to_string(),
            sources: several(&backup.paths),
            // The diagnostics of the file name the patterns that are not used.
            list: left_out(backup, MOST, &|_| ()),
        })
        .collect()
}

/// The list as lines.
pub(super) fn print(listed: &Listed) {
    let head = format!("{}: the backup of {}", listed.file, listed.sources);
    let list = match &listed.list {
        Ok(list) => list,
        Err(error) => return println!("{} would fail: {error}", head),
    };
    if list.total == 0 {
        println!("{} leaves nothing out", head);
    } else {
        println!(
            "{} leaves out {}:",
            head,
            units::count(list.total, "path", "paths")
        );
    }
    for LeftOutPath { path, reason } in &list.first {
        let path = shown(path.as_os_str().as_bytes());
        println!("  {path}  ({})", words(reason));
    }
    more(list.first.len(), list.total);
    for (path, fault) in &list.unreadable {
        println!("  {}: {fault}", shown(path.as_os_str().as_bytes()));
    }
    more(list.unreadable.len(), list.unreadable_total);
}

fn more(printed: usize, total: u64) {
    let more = total.saturating_sub(printed as u64);
    if more > 0 {
        println!("  … and {more} more");
    }
}

fn words(reason: &LeftOutReason) -> String {
    match reason {
        LeftOutReason::Pattern(pattern) => format!("pattern {pattern}"),
        LeftOutReason::Marker(marker) => format!("all but the marker {marker}"),
        LeftOutReason::TooLarge(bytes) => format!("too large: {}", units::bytes(*bytes)),
        LeftOutReason::OtherFileSystem => "on another file system".to_owned(),
        LeftOutReason::Container => "the container itself".to_owned(),
    }
}

/// The list as JSON.
pub(super) fn to_json(listed: &Listed) -> Value {
    let mut object = json!({ "file": listed.file, "sources": listed.sources });
    let more = match &listed.list {
        Err(error) => json!({ "error": error.to_string() }),
        Ok(list) => {
            let paths: Vec<Value> = list.first.iter().map(path_to_json).collect();
            let unreadable: Vec<Value> = list
                .unreadable
                .iter()
                .map(|(path, fault)| {
                    json!({ "path": path.to_string_lossy(), "reason": fault.to_string() })
                })
                .collect();
            json!({
                "total": list.total,
                "paths": paths,
                "unreadable_total": list.unreadable_total,
                "unreadable": unreadable,
            })
        }
    };
    if let (Value::Object(object), Value::Object(more)) = (&mut object, more) {
        object.extend(more);
    }
    object
}

fn path_to_json(left_out: &LeftOutPath) -> Value {
    let path = left_out.path.to_string_lossy();
    match &left_out.reason {
        LeftOutReason::Pattern(text) => {
            json!({ "path": path, "reason": "pattern", "pattern": text })
        }
        LeftOutReason::Marker(text) => json!({ "path": path, "reason": "marker", "marker": text }),
        LeftOutReason::TooLarge(bytes) => {
            json!({ "path": path, "reason": "too_large", "bytes": bytes })
        }
        LeftOutReason::OtherFileSystem => json!({ "path": path, "reason": "other_file_system" }),
        LeftOutReason::Container => json!({ "path": path, "reason": "container" }),
    }
}
