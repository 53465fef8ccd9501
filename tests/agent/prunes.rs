//! A removal after a backup prunes when that is needed.

use std::fs;

use chrono::Utc;
use freezerd::job::action::{Backup, Container, Work};
use freezerd::job::prune_budget::{PruneBudget, Waste};
use freezerd::location::Location;
use freezerd::protocol::Request;

use crate::support::*;

/// A backup that keeps one snapshot, in a container that was just pruned, and that may nearly be all waste.
fn request_for(place: &Place, container: Container) -> Request {
    let backup = Backup {
        container,
        remove_older_than: Some(0.0),
        ..place.backup()
    };
    Request {
        prune_budget: PruneBudget {
            waste_percent: 99.9,
            ..PruneBudget::default()
        },
        waste: Waste {
            pruned: Some(Utc::now()),
            ..Waste::default()
        },
        ..request(Work::Backup(backup))
    }
}

#[test]
fn where_little_space_is_left_on_the_disk_each_removal_prunes() {
    let place = Place::new();
    let Some(disk) = SmallDisk::mount(&place.path("disk"), "16m") else {
        return;
    };
    let container = Container {
        location: Location::Local(disk.0.join("container")),
        ..place.container()
    };
    place.write("source/file", noise(100_000));
    let request = request_for(&place, container);
    let later = "the next prune comes when 99.9 % of the container may be waste, and on ";
    let little = "are free on its disk";
    run_request(&request).outcome();
    place.write("source/file", noise(200_000));
    let ended = run_request(&request);
    assert_eq!(ended.outcome().summary.snapshots_removed, Some(1));
    assert!(ended.said(later) && !ended.said(little), "{ended:#?}");
    let reclaim = ended.outcome().summary.reclaim.expect("what is left");
    assert!(!reclaim.pruned && reclaim.snapshots == 1, "{reclaim:?}");
    assert!(
        reclaim.bytes > Some(0) && reclaim.size > reclaim.bytes,
        "{reclaim:?}"
    );
    fs::write(
        disk.0.join("others"),
        vec![1; 15 * 1024 * 1024 + 512 * 1024],
    )
    .unwrap();
    let ended = run_request(&request);
    assert!(ended.said(little), "{ended:#?}");
    let reclaim = ended.outcome().summary.reclaim.expect("what is left");
    assert!(reclaim.pruned, "{reclaim:?}");
}
