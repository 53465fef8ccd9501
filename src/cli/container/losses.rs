//! What snapshots have lost, as lines of text and as JSON.

use serde_json::{Map, Value, json};

use super::output::put_path;
use crate::escape::shown;
use crate::inspect::choice::short;
use crate::repository::check::lost::{Loss, LossKind, LostPath};
use crate::units;

/// The most paths of one snapshot that are lines of text.
const MOST_LINES: usize = 100;

/// One line for each lost path, and one for what is left out.
pub fn lines(losses: &[Loss]) -> Vec<String> {
    let mut lines = Vec::new();
    for loss in losses {
        let id = short(loss.snapshot);
        for lost in loss.paths.iter().take(MOST_LINES) {
            let path = shown(&lost.path);
            lines.push(format!("lost in snapshot {id}: {} /{path}", what(lost)));
        }
        let rest = loss.paths.len().saturating_sub(MOST_LINES);
        match (loss.more, rest) {
            (false, 0) => {}
            (false, rest) => {
                let more = units::count(rest as u64, "more path", "more paths");
                lines.push(format!("lost in snapshot {id}: {more}"));
            }
            (true, _) => lines.push(format!("lost in snapshot {id}: further paths")),
        }
    }
    lines
}

fn what(lost: &LostPath) -> &'static str {
    match lost.kind {
        LossKind::Directory => "what is in the directory",
        LossKind::Content => "the content, or a part of it, of",
        LossKind::Entry(_) => "the entry",
    }
}

/// A list with an object for each snapshot. `more` is true if there are further paths.
pub fn json(losses: &[Loss]) -> Value {
    let of_snapshot = |loss: &Loss| {
        let paths: Vec<Value> = loss.paths.iter().map(path).collect();
        json!({"snapshot": loss.snapshot, "paths": paths, "more": loss.more})
    };
    losses.iter().map(of_snapshot).collect()
}

fn path(lost: &LostPath) -> Value {
    let mut object = Map::new();
    let mut path = b"/".to_vec();
    path.extend_from_slice(&lost.path);
    put_path(&mut object, "path", &path);
    let kind = match lost.kind {
        LossKind::Directory => "directory",
        LossKind::Content => "content",
        LossKind::Entry(_) => "entry",
    };
    object.insert("lost".into(), kind.into());
    Value::Object(object)
}
