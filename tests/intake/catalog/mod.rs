//! Which file is which job, decided without a file system.

mod changes;
mod restart;

use std::collections::BTreeMap;
use std::sync::Arc;

use freezerd::intake::{Catalog, FileChange, FileState, Stamp};

use crate::support::host;

fn catalog() -> Catalog {
    Catalog::new(host(), "db1", BTreeMap::new())
}

fn stamp(number: u64) -> Stamp {
    Stamp {
        device: 1,
        inode: number,
        size: number,
        modified: i128::from(number),
        changed: i128::from(number),
    }
}

/// A job of that id whose command tells it from others.
fn content(id: &str, command: &str) -> String {
    let id = if id.is_empty() {
        String::new()
    } else {
        format!("\"job_id\": \"{id}\", ")
    };
    format!(
        "{{{id}\"job_actions\": [{{\"freezer_action\": {{\"action\": \"exec\", \"command\": \"{command}\"}}}}]}}"
    )
}

fn file(name: &str, text: &str) -> (String, FileState) {
    let bytes: Arc<[u8]> = Arc::from(text.as_bytes());
    (
        name.to_owned(),
        FileState::Content {
            stamp: stamp(text.len() as u64),
            bytes,
            warnings: Vec::new(),
        },
    )
}

fn gone(name: &str) -> (String, FileState) {
    (name.to_owned(), FileState::Gone)
}

/// The changes as lines: `loaded FILE JOB COMMAND`, `invalid FILE JOB kept CODES`, …
fn lines(changes: &[FileChange]) -> Vec<String> {
    changes
        .iter()
        .map(|change| match change {
            FileChange::Loaded {
                file, job, bytes, ..
            } => {
                let text = String::from_utf8_lossy(bytes);
                let command = text
                    .split("\"command\": \"")
                    .nth(1)
                    .and_then(|it| it.split('"').next())
                    .unwrap_or("");
                format!("loaded {file} {} {command}", job.id)
            }
            FileChange::Invalid {
                file,
                job_id,
                kept,
                diagnostics,
                ..
            } => {
                let codes: Vec<&str> = diagnostics
                    .iter()
                    .filter(|it| it.is_error())
                    .map(|it| it.code.as_str())
                    .collect();
                format!(
                    "invalid {file} {} kept={} {}",
                    job_id.as_deref().unwrap_or("?"),
                    kept.as_deref().unwrap_or("-"),
                    codes.join(",")
                )
            }
            FileChange::Foreign {
                file,
                job_id,
                client_id,
                ..
            } => format!("foreign {file} {job_id} {client_id}"),
            FileChange::Gone { job_id, file } => format!("gone {job_id} {file}"),
            FileChange::FileGone { file } => format!("file-gone {file}"),
        })
        .collect()
}

#[track_caller]
fn expect(catalog: &mut Catalog, changes: Vec<(String, FileState)>, expected: &[&str]) {
    assert_eq!(lines(&catalog.update(changes)), expected);
}
