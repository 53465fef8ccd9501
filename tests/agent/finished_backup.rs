//! The agent finds a backup that an interrupted run had finished, and does not repeat it.

use chrono::{DateTime, Utc};
use freezerd::job::action::{Backup, Work};
use freezerd::protocol::{Earlier, Outcome, Verdict};
use freezerd::rustic::Snapshot;

use crate::support::*;

/// Makes a backup in a run with this tag. An earlier run may have done its work already.
fn back_up_as(work: Backup, run_tag: &str, earlier: Option<Earlier>) -> Outcome {
    let mut request = request(Work::Backup(work));
    request.run_tag = run_tag.to_owned();
    request.earlier = earlier.into_iter().collect();
    run_request(&request).outcome().clone()
}

fn snapshots(place: &Place) -> Vec<Snapshot> {
    freezerd::agent::list_snapshots(&place.container(), &Default::default()).unwrap()
}

fn earlier(run_tag: &str, not_before: DateTime<Utc>) -> Option<Earlier> {
    Some(Earlier {
        run_tag: run_tag.to_owned(),
        not_before,
    })
}

#[test]
fn a_backup_that_an_interrupted_run_had_finished_is_found_and_not_repeated() {
    let place = Place::new();
    place.write("source/file", "x");
    let start = Utc::now();
    let first = back_up_as(place.backup(), "ledger-7", None);
    let again = back_up_as(place.backup(), "ledger-8", earlier("ledger-7", start));
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
    let first = back_up_as(place.backup(), "ledger-7", None);
    let changed = |change: fn(&mut Backup, &Place)| {
        let mut work = place.backup();
        change(&mut work, &place);
        work
    };
    let begun = snapshots(&place)[0].time;
    let later = begun + chrono::TimeDelta::milliseconds(1);
    let cases = [
        ("another run", place.backup(), earlier("ledger-1", start)),
        (
            "another path",
            changed(|work, place| work.path = place.path("other")),
            earlier("ledger-7", start),
        ),
        (
            "another name",
            changed(|work, _| work.lineage.backup_name = "else".to_owned()),
            earlier("ledger-7", start),
        ),
        (
            "another host",
            changed(|work, _| work.lineage.host = "else".to_owned()),
            earlier("ledger-7", start),
        ),
        ("too old", place.backup(), earlier("ledger-7", later)),
    ];
    for (index, (what, work, earlier)) in cases.into_iter().enumerate() {
        let path = work.path.display().to_string();
        let made = back_up_as(work, &format!("ledger-{}", index + 10), earlier);
        assert_eq!(made.verdict, Verdict::Success, "{what}");
        assert_ne!(made.summary.snapshot, first.summary.snapshot, "{what}");
        let made = snapshots(&place)
            .into_iter()
            .find(|snapshot| Some(&snapshot.id) == made.summary.snapshot.as_ref())
            .unwrap_or_else(|| panic!("{what}: no such snapshot"));
        assert_eq!(made.paths, [path], "{what}");
    }
    let exactly = back_up_as(place.backup(), "ledger-20", earlier("ledger-7", begun));
    assert_eq!(exactly.summary.snapshot, first.summary.snapshot);
}
