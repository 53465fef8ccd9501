//! The agent finds a backup that an interrupted run had finished, and does not repeat it.

use chrono::{DateTime, Utc};
use freezerd::agent::snapshot::Snapshot;
use freezerd::job::action::{Backup, Work};
use freezerd::protocol::{Earlier, Outcome, RunTag, Verdict};

use crate::support::*;

/// Makes a backup in a run. An earlier run may have done its work already.
fn back_up_as(work: Backup, run: u64, earlier: Option<Earlier>) -> Outcome {
    let mut request = request(Work::Backup(work));
    request.run_tag = RunTag::new("ledger", run);
    request.earlier = earlier.into_iter().collect();
    run_request(&request).outcome().clone()
}

fn snapshots(place: &Place) -> Vec<Snapshot> {
    freezerd::agent::list_snapshots(&place.container(), &Default::default()).unwrap()
}

fn earlier(run: u64, not_before: DateTime<Utc>) -> Option<Earlier> {
    Some(Earlier {
        run_tag: RunTag::new("ledger", run),
        not_before,
    })
}

#[test]
fn a_backup_that_an_interrupted_run_had_finished_is_found_and_not_repeated() {
    let place = Place::new();
    place.write("source/file", "x");
    let start = Utc::now();
    let first = back_up_as(place.backup(), 7, None);
    let again = back_up_as(place.backup(), 8, earlier(7, start));
    assert_eq!(again.verdict, Verdict::Success);
    assert_eq!(again.summary, first.summary);
    assert_eq!(snapshots(&place).len(), 1);
}

#[test]
fn a_snapshot_of_something_else_or_from_too_long_ago_does_not_replace_a_backup() {
    let place = Place::new();
    place.write("source/file", "x");
    place.write("other/file", "y");
    let start = Utc::now();
    let first = back_up_as(place.backup(), 7, None);
    let changed = |change: fn(&mut Backup, &Place)| {
        let mut work = place.backup();
        change(&mut work, &place);
        work
    };
    let begun = snapshots(&place)[0].time;
    let later = begun + chrono::TimeDelta::milliseconds(1);
    let cases = [
        ("another run", place.backup(), earlier(1, start)),
        (
            "another path",
            changed(|work, place| work.paths = vec![place.path("other")]),
            earlier(7, start),
        ),
        (
            "another name",
            changed(|work, _| work.lineage.backup_name = "else".to_owned()),
            earlier(7, start),
        ),
        (
            "another host",
            changed(|work, _| work.lineage.host = "else".to_owned()),
            earlier(7, start),
        ),
        ("too old", place.backup(), earlier(7, later)),
    ];
    for (run, (what, work, earlier)) in (10..).zip(cases) {
        let path = work.paths[0].display().to_string();
        let made = back_up_as(work, run, earlier);
        assert_eq!(made.verdict, Verdict::Success, "{what}");
        assert_ne!(made.summary.snapshot, first.summary.snapshot, "{what}");
        let made = snapshots(&place)
            .into_iter()
            .find(|snapshot| Some(&snapshot.id) == made.summary.snapshot.as_ref())
            .unwrap_or_else(|| panic!("{what}: no such snapshot"));
        assert_eq!(made.paths, [path], "{what}");
    }
    let exactly = back_up_as(place.backup(), 20, earlier(7, begun));
    assert_eq!(exactly.summary.snapshot, first.summary.snapshot);
}
