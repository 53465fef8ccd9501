//! What was copied, in words and as JSON.

use serde_json::{Value, json};

use super::shown;
use crate::escape::harmless;
use crate::repository::transfer::{Report, Transferred};
use crate::units;

/// What was copied, line by line.
pub fn lines(report: &Report, dry_run: bool) -> Vec<String> {
    let mut lines: Vec<String> = report
        .snapshots
        .iter()
        .map(|(id, it)| {
            let id = shown(*id);
            match it {
                Transferred::New(_) if dry_run => format!("snapshot {id} would be copied"),
                Transferred::New(new) => format!("snapshot {id} copied as {}", shown(*new)),
                Transferred::Before(before) => {
                    format!("snapshot {id} is there already, as {}", shown(*before))
                }
                Transferred::NotWhole(lacks) => harmless(&format!(
                    "snapshot {id} is not copied, because it is not whole: {}; `freezerd verify` says what is lost",
                    lacks
                )),
            }
        })
        .collect();
    let count = |is_it: fn(&Transferred) -> bool| {
        let all = report.snapshots.iter().filter(|(_, it)| is_it(it));
        all.count() as u64
    };
    let new = count(|it| matches!(it, Transferred::New(_)));
    let before = count(|it| matches!(it, Transferred::Before(_)));
    let verb = if dry_run { "to copy" } else { "copied" };
    lines.push(format!(
        "{} {verb} ({}, {}), {before} there already.",
        units::count(new, "snapshot", "snapshots"),
        units::count(report.blobs, "piece", "pieces"),
        units::bytes(report.bytes)
    ));
    lines
}

/// What was copied, as JSON.
pub fn json(report: &Report, dry_run: bool) -> Value {
    let snapshots: Vec<Value> = report
        .snapshots
        .iter()
        .map(|(id, it)| match it {
            Transferred::New(_) if dry_run => json!({"snapshot": id, "result": "would_copy"}),
            Transferred::New(new) => json!({"snapshot": id, "result": "copied", "copy": new}),
            Transferred::Before(before) => {
                json!({"snapshot": id, "result": "there_already", "copy": before})
            }
            Transferred::NotWhole(lacks) => {
                json!({"snapshot": id, "result": "not_whole", "message": lacks.to_string()})
            }
        })
        .collect();
    json!({
        "dry_run": dry_run,
        "snapshots": snapshots,
        "pieces": report.blobs,
        "bytes": report.bytes,
    })
}
