//! Further targets of a backup: where the new snapshot comes from.

use std::fs;
use std::path::Path;
use std::time::Duration;

use freezerd::job::action::{Container, Work};
use freezerd::location::Location;
use freezerd::protocol::{Outcome, Report, Verdict};

use crate::support::*;

/// A container of this name in the place.
fn container(place: &Place, name: &str) -> Container {
    Container {
        name: name.to_owned(),
        location: Location::Local(place.path(name)),
        ..place.container()
    }
}

/// The backup to the last of these targets, in a run whose earlier actions were for the others. Returns what it reported,
/// too.
fn back_up_to(place: &Place, targets: &[Container]) -> (Outcome, Vec<Report>) {
    let (last, before) = targets.split_last().unwrap();
    let mut work = place.backup();
    work.container = last.clone();
    work.copy_from = before.to_vec();
    let mut request = request(Work::Backup(work));
    request.action_index = u32::try_from(before.len()).unwrap();
    request.network_wait = Some(Duration::from_secs(3600));
    let ended = run_request(&request);
    (ended.outcome().clone(), ended.reports)
}

#[test]
fn a_target_that_has_only_a_copy_is_copied_from_when_the_first_one_is_gone() {
    let place = Place::new();
    place.write("source/file", "x");
    let targets = ["first", "second", "third"].map(|name| container(&place, name));
    back_up_to(&place, &targets[..1]);
    let (second, _) = back_up_to(&place, &targets[..2]);
    assert_eq!(second.summary.snapshots_copied, Some(1));
    fs::remove_dir_all(place.path("first")).unwrap();
    let (third, _) = back_up_to(&place, &targets);
    assert_eq!(third.verdict, Verdict::Success);
    assert_eq!(third.summary.snapshots_copied, Some(1));
}

#[test]
fn a_target_that_cannot_be_reached_is_not_waited_for_to_copy_from_it() {
    let place = Place::new();
    place.write("source/file", "x");
    // Nothing listens there.
    let closed = Container {
        location: "rest:http://127.0.0.1:1/".parse().unwrap(),
        ..place.container()
    };
    let (outcome, reports) = back_up_to(&place, &[closed, container(&place, "second")]);
    assert_eq!(outcome.verdict, Verdict::Success);
    assert_eq!(outcome.summary.snapshots_copied, None);
    assert!(Path::new(&place.path("second/snapshots")).is_dir());
    let gave_slot_back = reports
        .iter()
        .any(|report| matches!(report, Report::SlotReturned));
    assert!(!gave_slot_back, "{reports:#?}");
}
