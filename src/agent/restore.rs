//! A restore: which snapshot, then the engine, then an honest word about what is not as in the snapshot.

use std::collections::BTreeMap;
use std::time::Instant;

use super::admin::local;
use super::report::log;
use super::{Context, open, outcome};
use crate::job::action::{Access, Restore};
use crate::kill_point::{self, Point};
use crate::protocol::{Outcome, Summary};
use crate::rustic::{Error, ErrorKind, Filter, RestoreOptions, RestoreReport, Snapshot};
use crate::units;

/// How often a snapshot that has gone is looked for under its new id.
const MOST_TRIES: u32 = 10;

/// Restores one snapshot.
pub fn run(context: &Context, work: &Restore) -> Result<Outcome, Error> {
    let dry_run = context.request.action.dry_run;
    let (_lock, repository) = open(&work.container, Access::Shared, &context.reporter)?;
    let options = RestoreOptions {
        overwrite: work.overwrite,
        dry_run,
    };
    let start = Instant::now();
    let mut tries = 0;
    let (snapshot, report) = loop {
        let snapshot = choose(&repository.snapshots(&Filter::default())?, work)?;
        log(&announcement(&snapshot, work, dry_run));
        if snapshot.partial {
            log("this snapshot is partial: something could not be backed up into it");
        }
        match repository.restore(&snapshot, &work.target, options) {
            // A backup that runs beside this has confirmed it meanwhile, and it has another id.
            Err(error)
                if error.kind() == ErrorKind::NoSuchSnapshot
                    && work.snapshot.is_none()
                    && tries < MOST_TRIES =>
            {
                tries += 1;
            }
            ended => break (snapshot, ended?),
        }
    };
    kill_point::reached(Point::Restored);
    log(&result_line(&report, start, dry_run));
    let summary = Summary {
        snapshot: Some(snapshot.id),
        files: Some(report.written + report.identical),
        bytes: Some(report.bytes),
        ..Summary::default()
    };
    if report.problems.is_empty() {
        return Ok(outcome::success(summary));
    }
    let reason = partial_reason(&report, work);
    Ok(outcome::partial(summary, reason, report.problems))
}

fn announcement(snapshot: &Snapshot, work: &Restore, dry_run: bool) -> String {
    format!(
        "{} snapshot {} ({} of {}, {}) to {}",
        if dry_run {
            "would restore"
        } else {
            "restoring"
        },
        snapshot.short_id(),
        name(&snapshot.label),
        snapshot.host,
        local(snapshot.time),
        work.target.display()
    )
}

/// The snapshot that is asked for: by its id, or the newest of the lineage that is not too late. A snapshot's time
/// counts in whole seconds, as people see it. All snapshots of the container come in, oldest first.
fn choose(all: &[Snapshot], work: &Restore) -> Result<Snapshot, Error> {
    if let Some(beginning) = &work.snapshot {
        let beginning = beginning.to_ascii_lowercase();
        let mut found = all
            .iter()
            .filter(|snapshot| !beginning.is_empty() && snapshot.id.starts_with(&beginning));
        return match (found.next(), found.next()) {
            (Some(snapshot), None) => Ok(snapshot.clone()),
            (None, _) => Err(none(
                work,
                &format!("no snapshot's id begins with {beginning}"),
                all,
            )),
            (Some(one), Some(other)) => Err(Error::new(
                ErrorKind::NoSuchSnapshot,
                format!(
                    "{beginning} is the beginning of several snapshots' ids, {} and {} among them",
                    one.id, other.id
                ),
            )),
        };
    }
    let filter = Filter {
        host: Some(work.lineage.host.clone()),
        label: Some(work.lineage.backup_name.clone()),
        tag: None,
    };
    all.iter()
        .rfind(|snapshot| {
            filter.matches(snapshot)
                && work
                    .not_later_than
                    .is_none_or(|limit| snapshot.time.timestamp() <= limit)
        })
        .cloned()
        .ok_or_else(|| {
            let limit = work
                .not_later_than
                .and_then(|limit| chrono::DateTime::from_timestamp(limit, 0))
                .map_or_else(String::new, |limit| {
                    format!(" from {} or before", local(limit))
                });
            let wanted = format!(
                "there is no snapshot of {} made on {}{limit}",
                work.lineage.backup_name, work.lineage.host
            );
            none(work, &wanted, all)
        })
}

/// There is none such; what there is.
fn none(work: &Restore, wanted: &str, all: &[Snapshot]) -> Error {
    let mut lineages: BTreeMap<(&str, &str), Vec<&Snapshot>> = BTreeMap::new();
    for snapshot in all {
        lineages
            .entry((name(&snapshot.label), &snapshot.host))
            .or_default()
            .push(snapshot);
    }
    let list: Vec<String> = lineages
        .iter()
        .map(|((label, host), snapshots)| {
            let times = match snapshots.as_slice() {
                [only] => local(only.time),
                [first, .., last] => format!("{} to {}", local(first.time), local(last.time)),
                [] => String::new(),
            };
            format!(
                "{label} of {host} ({}, {times})",
                units::count(snapshots.len() as u64, "snapshot", "snapshots")
            )
        })
        .collect();
    let there = if list.is_empty() {
        "nothing".to_owned()
    } else {
        list.join("; ")
    };
    Error::new(
        ErrorKind::NoSuchSnapshot,
        format!(
            "{wanted} in the container {}; it holds {there}",
            work.container.location
        ),
    )
}

/// A snapshot that another program made has no backup name.
fn name(label: &str) -> &str {
    if label.is_empty() {
        "an unnamed backup"
    } else {
        label
    }
}

fn result_line(report: &RestoreReport, start: Instant, dry_run: bool) -> String {
    let amount = format!(
        "{}, {}",
        units::count(report.written, "file", "files"),
        units::bytes(report.bytes)
    );
    let rest = format!(
        "{} there already, {} removed",
        report.identical,
        units::count(report.removed, "entry", "entries")
    );
    if dry_run {
        format!("would write {amount}; {rest}")
    } else {
        format!(
            "wrote {amount} in {}; {rest}",
            units::effort(report.bytes, start.elapsed())
        )
    }
}

fn partial_reason(report: &RestoreReport, work: &Restore) -> String {
    let first = report.problems.first.first();
    let kept = report
        .problems
        .first
        .iter()
        .any(|problem| problem.reason.ends_with("; kept"));
    format!(
        "{} not as in the snapshot{}{}",
        units::count(report.problems.total, "path is", "paths are"),
        first.map_or_else(String::new, |problem| format!(
            ", the first being {} ({})",
            problem.path, problem.reason
        )),
        if kept && !work.overwrite {
            "; overwrite replaces what differs"
        } else {
            ""
        }
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::action::{Container, Lineage};
    use crate::samples;

    fn snapshot(id: &str, host: &str, seconds: i64, nanoseconds: u32) -> Snapshot {
        let time = chrono::DateTime::from_timestamp(seconds, nanoseconds).unwrap();
        Snapshot {
            host: host.to_owned(),
            label: "nightly".to_owned(),
            ..samples::snapshot(id, time)
        }
    }

    fn wanted(id: Option<&str>, not_later_than: Option<i64>) -> Restore {
        Restore {
            container: Container {
                name: "c".to_owned(),
                location: crate::location::Location::Local("/c".into()),
                pass_file: None,
            },
            lineage: Lineage {
                host: "one".to_owned(),
                backup_name: "nightly".to_owned(),
            },
            target: "/t".into(),
            not_later_than,
            snapshot: id.map(str::to_owned),
            overwrite: false,
        }
    }

    #[test]
    fn the_snapshot_is_chosen_by_id_or_by_time() {
        let all = [
            snapshot("aa11", "one", 100, 0),
            snapshot("aa22", "two", 150, 0),
            snapshot("bb33", "one", 200, 999_999_999),
        ];
        for (id, limit, expected) in [
            (None, None, Ok("bb33")),
            (None, Some(200), Ok("bb33")),
            (None, Some(199), Ok("aa11")),
            (None, Some(100), Ok("aa11")),
            (None, Some(99), Err("it holds nightly of one (2 snapshots,")),
            (Some("b"), None, Ok("bb33")),
            (Some("AA2"), None, Ok("aa22")),
            (Some("aa"), None, Err("several snapshots")),
            (Some(""), None, Err("no snapshot's id begins with")),
            (Some("cc"), None, Err("nightly of two (1 snapshot,")),
        ] {
            match (choose(&all, &wanted(id, limit)), expected) {
                (Ok(chosen), Ok(expected)) => assert_eq!(chosen.id, expected),
                (Err(error), Err(text)) => assert!(error.to_string().contains(text), "{error}"),
                (result, _) => panic!("{id:?} {limit:?}: {result:?}"),
            }
        }
        let error = choose(&[], &wanted(None, None)).unwrap_err();
        assert!(error.to_string().ends_with("it holds nothing"), "{error}");
    }
}
