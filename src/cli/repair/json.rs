//! What a repair found and did, as JSON.

use serde_json::{Value, json};

use crate::agent::inspect::repair::{Request, Result};
use crate::cli::container::losses;
use crate::repository::repair::snapshots::Rewritten;
use crate::storage::id::Id;

/// The whole document.
pub fn of(done: &Result, request: &Request) -> Value {
    let index = &done.index;
    let damage: Vec<String> = done.report.damage.iter().map(ToString::to_string).collect();
    let unreadable: Vec<Id> = index.unreadable.iter().map(|(pack, _)| *pack).collect();
    let lost: Vec<Id> = index.lost.iter().map(|it| it.blob.id).collect();
    let removed = done.snapshots.as_ref().map(|it| it.removed.clone());
    json!({
        "dry_run": request.dry_run,
        "read_data": request.read_data,
        "whole": done.is_whole(),
        "damage": damage,
        "index": {
            "changed": index.changed,
            "files_unreadable": index.index_problems.len(),
            "packs_added": index.added,
            "packs_corrected": index.corrected,
            "packs_forgotten": index.forgotten,
            "packs_salvaged": index.salvaged,
            "packs_unreadable": unreadable,
            "blobs_copied": index.blobs_copied,
            "blobs_lost": lost,
        },
        "losses": losses::json(&done.losses),
        "snapshots_unreadable": done.unreadable_snapshots(),
        "snapshots": done.snapshots.as_ref().map(|it| {
            it.rewritten.iter().map(|(id, rewritten)| snapshot(*id, *rewritten)).collect::<Vec<_>>()
        }),
        "snapshots_removed": removed,
    })
}

fn snapshot(id: Id, rewritten: Rewritten) -> Value {
    let (result, new) = match rewritten {
        Rewritten::New(new) => ("written", Some(new)),
        Rewritten::Before(new) => ("written_before", Some(new)),
        Rewritten::Nothing => ("nothing_left", None),
        Rewritten::Same => ("unchanged", None),
    };
    json!({"snapshot": id, "result": result, "new": new})
}
