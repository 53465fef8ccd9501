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

/// A container on a disk of its own. `None`: this host mounts none.
fn on_a_small_disk(place: &Place) -> Option<(SmallDisk, Container)> {
    let disk = SmallDisk::mount(&place.path("disk"), "16m")?;
    let container = Container {
        location: Location::Local(disk.0.join("container")),
        ..place.container()
    };
    Some((disk, container))
}

#[test]
fn where_little_space_is_left_on_the_disk_each_removal_prunes() {
    let place = Place::new();
    let Some((disk, container)) = on_a_small_disk(&place) else {
        return;
    };
    place.write("source/file", noise(100_000));
    let request = request_for(&place, container);
    let later = "the next prune comes when 99.9 % of the container may be waste, or with the first run after ";
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

#[test]
fn what_a_prune_had_no_space_to_free_is_known_to_be_waste() {
    const FILE: usize = 400_000;
    let place = Place::new();
    let Some((disk, container)) = on_a_small_disk(&place) else {
        return;
    };
    let write = |files: std::ops::Range<u8>, round: u8| {
        for file in files {
            let all_different = noise(FILE).into_iter().map(|byte| byte ^ (file + round));
            place.write(
                &format!("source/{file}"),
                all_different.collect::<Vec<u8>>(),
            );
        }
    };
    write(0..10, 0);
    let request = request_for(&place, container);
    run_request(&request).outcome();
    // The next backup fits, and then there is no space to copy the two files that are still needed.
    write(2..10, 100);
    let disk_free = rustix::fs::statvfs(&disk.0).expect("a disk");
    let free = (disk_free.f_bavail * disk_free.f_frsize) as usize;
    let filler = disk.0.join("others");
    fs::write(&filler, vec![1; free - 8 * FILE - 500_000]).unwrap();
    let ended = run_request(&request);
    assert!(ended.said("are free on its disk"), "{ended:#?}");
    assert!(ended.said("there was no space to copy"), "{ended:#?}");
    let reclaim = ended.outcome().summary.reclaim.expect("what is left");
    assert!(reclaim.pruned, "{reclaim:?}");
    let (bytes, size) = (reclaim.bytes.unwrap(), reclaim.size.unwrap());
    assert!(bytes as usize >= 8 * FILE, "{reclaim:?}");
    assert!(size as usize >= 18 * FILE && bytes < size, "{reclaim:?}");

    // With space again, the next removal frees it.
    fs::remove_file(filler).unwrap();
    let again = Request {
        prune_budget: PruneBudget::default(),
        waste: Waste {
            pruned: Some(reclaim.at),
            snapshots: 0,
            bytes: reclaim.bytes,
            size: reclaim.size,
        },
        ..request
    };
    write(0..1, 200);
    let ended = run_request(&again);
    assert!(ended.said("(`prune_waste`)"), "{ended:#?}");
    let reclaim = ended.outcome().summary.reclaim.expect("what is left");
    assert_eq!((reclaim.pruned, reclaim.bytes), (true, Some(0)));
}
