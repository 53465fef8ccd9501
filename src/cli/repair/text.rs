//! What a repair found and did, line by line.

use crate::agent::inspect::repair::{Request, Result};
use crate::cli::container::losses;
use crate::escape::harmless;
use crate::inspect::choice::short;
use crate::repository::check::report::Damaged;
use crate::repository::error::What;
use crate::repository::repair::index::Repaired;
use crate::repository::repair::snapshots::Rewritten;
use crate::storage::FileKind;
use crate::storage::id::Id;
use crate::units;

/// The most findings that are lines of text.
const MOST_LINES: usize = 1000;

/// What was found, what was done, what is lost, and a summary at the end.
pub fn lines(done: &Result, request: &Request) -> Vec<String> {
    let damage = done.report.damage.iter().take(MOST_LINES);
    let mut lines: Vec<String> = damage
        .map(|damage| harmless(&format!("damaged: {damage}")))
        .collect();
    lines.extend(of_index(&done.index, request.dry_run));
    lines.extend(losses::lines(&done.losses));
    for loss in &done.losses {
        let id = short(loss.snapshot);
        match done.rewritten(loss.snapshot) {
            Some(Rewritten::New(new)) => lines.push(format!(
                "snapshot {id}: what is left of it is in the new snapshot {}",
                short(new)
            )),
            Some(Rewritten::Before(new)) => lines.push(format!(
                "snapshot {id}: what is left of it is in snapshot {}, which an earlier repair wrote",
                short(new)
            )),
            Some(Rewritten::Nothing) => lines.push(format!("snapshot {id}: nothing is left of it")),
            Some(Rewritten::Same) => lines.push(format!(
                "snapshot {id}: it stays as it is, because nothing can be left out"
            )),
            None => {}
        }
    }
    for id in done.snapshots.iter().flat_map(|it| &it.removed) {
        lines.push(format!("removed snapshot {}", short(*id)));
    }
    lines.push(summary(done, request));
    lines
}

fn of_index(index: &Repaired, dry_run: bool) -> Vec<String> {
    let mut parts = Vec::new();
    let mut part = |packs: usize, which: &str, done: &str| {
        if packs > 0 {
            let one = format!("{which} pack");
            let many = format!("{which} packs");
            parts.push(format!(
                "{} {done}",
                units::count(packs as u64, &one, &many)
            ));
        }
    };
    part(index.added.len(), "unindexed", "added");
    part(index.corrected.len(), "wrongly described", "described anew");
    part(index.forgotten.len(), "missing", "forgotten");
    part(index.salvaged.len(), "damaged", "replaced");
    let files = index.index_problems.len() as u64;
    if files > 0 {
        let files = units::count(files, "damaged index file", "damaged index files");
        parts.push(format!("{files} replaced"));
    }
    let mut lines = Vec::new();
    if index.changed {
        let verb = if dry_run {
            "would be repaired"
        } else {
            "repaired"
        };
        lines.push(format!("index {verb}: {}", parts.join(", ")));
    }
    if !index.salvaged.is_empty() {
        let saved = units::count(index.blobs_copied, "piece", "pieces");
        let lost = units::count(index.lost.len() as u64, "piece is", "pieces are");
        let verb = if dry_run { "can be copied" } else { "copied" };
        lines.push(format!(
            "damaged packs: {saved} {verb} to new packs, {lost} lost"
        ));
    }
    for (pack, error) in index.unreadable.iter().take(MOST_LINES) {
        lines.push(harmless(&format!(
            "the pack {pack} is in no index and cannot be read, and stays as it is: {error}"
        )));
    }
    lines
}

fn summary(done: &Result, request: &Request) -> String {
    let (hurt, unreadable) = done.left();
    if done.report.is_clean() && !done.index.changed {
        return match request.read_data {
            true => "No damage found; nothing had to be repaired.",
            false => {
                "No damage found, and nothing had to be repaired. The content of the packs was not read: that takes --read-data."
            }
        }
        .to_owned();
    }
    let is_left = match request.dry_run {
        true => "would be left",
        false => "is left",
    };
    let mut parts = Vec::new();
    if hurt > 0 {
        let count = units::count(hurt, "snapshot has", "snapshots have");
        parts.push(format!("{count} lost something"));
    }
    if unreadable > 0 {
        let count = units::count(unreadable, "snapshot file", "snapshot files");
        parts.push(format!("{count} cannot be read"));
    }
    let others = done.beyond_repair().count() as u64;
    if others > 0 {
        let count = units::count(others, "file", "files");
        parts.push(format!("{count} cannot be repaired: put a copy back"));
    }
    match parts.is_empty() {
        true => format!("No damage {is_left}."),
        false => format!("{}.", parts.join("; ")),
    }
}

/// What the user can do about what is still lost. `place` is the container as the command line has it.
pub fn advice(done: &Result, request: &Request, place: &str) -> String {
    if request.dry_run {
        return "this was a rehearsal: nothing was changed".to_owned();
    }
    let (hurt, unreadable) = done.left();
    // With --forget, these stay.
    let removable = match request.forget {
        true => 0,
        false => hurt.saturating_sub(same(done)) + unreadable,
    };
    let mut steps = Vec::new();
    if hurt > 0 && !request.snapshots {
        steps.push(format!(
            "run the backups now: they store again what the files on their hosts still have. What is lost then can be left \
             out with `freezerd repair {place} --snapshots`"
        ));
    }
    if removable > 0 {
        steps.push(format!(
            "`freezerd repair {place} --forget` removes the snapshots that are damaged, and puts what is left of them into \
             new ones"
        ));
    }
    if done.beyond_repair().next().is_some() {
        steps.push("put a copy of the files back that cannot be repaired".to_owned());
    }
    for key in damaged_keys(done) {
        steps.push(format!(
            "without a copy, `freezerd key remove {place} --key {key:.8}` removes the damaged key"
        ));
    }
    match steps.is_empty() {
        true => "what is left of the damage cannot be repaired".to_owned(),
        false => steps.join(". "),
    }
}

fn damaged_keys(done: &Result) -> impl Iterator<Item = Id> {
    done.beyond_repair().filter_map(|damaged| match damaged {
        Damaged::File(error) => match error.what {
            What::File(file) if file.kind == FileKind::Key => Some(file.id),
            _ => None,
        },
        _ => None,
    })
}

/// How many snapshots stay as they are, because nothing can be left out.
fn same(done: &Result) -> u64 {
    let rewritten = done.snapshots.iter().flat_map(|it| &it.rewritten);
    let same = rewritten.filter(|(_, rewritten)| *rewritten == Rewritten::Same);
    same.count() as u64
}
