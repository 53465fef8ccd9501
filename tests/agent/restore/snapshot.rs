//! Which snapshot a restore takes, and how it reads it from the repository.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use freezerd::agent::list_snapshots;
use freezerd::job::action::{Lineage, Restore, Work};
use freezerd::protocol::Verdict;

use super::{overwriting, problems};
use crate::support::*;

#[test]
fn damage_in_the_repository_is_named_and_the_rest_is_restored() {
    let place = Place::new();
    let noise = noise(4_000_000);
    place.write("source/first", noise);
    place.back_up();
    let packs = |place: &Place| -> Vec<PathBuf> {
        tree(&place.path("container/data"))
            .into_iter()
            .map(|entry| place.path("container/data").join(entry.path))
            .filter(|path| path.is_file())
            .collect()
    };
    let before = packs(&place);
    place.write("source/second", "intact");
    place.back_up();
    assert!(packs(&place).len() > before.len());
    let largest = before
        .iter()
        .max_by_key(|path| fs::metadata(path).unwrap().len())
        .unwrap();
    let mut content = fs::read(largest).unwrap();
    let middle = content.len() / 2;
    content[middle] ^= 1;
    fs::set_permissions(largest, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(largest, content).unwrap();

    let ended = fail(
        Work::Restore(place.restore()),
        Verdict::Partial,
        &["1 path is not as in the snapshot", "first"],
    );
    assert_eq!(problems(&ended), [place.path("target/first")]);
    assert!(
        !place.path("target/first").exists(),
        "half a file is worse than none"
    );
    assert_eq!(fs::read(place.path("target/second")).unwrap(), b"intact");
    fail(
        place.check(true),
        Verdict::FailedForGood,
        &["is damaged", "1 fault"],
    );
    succeed(place.check(false));
    fs::remove_file(largest).unwrap();
    fail(place.check(false), Verdict::FailedForGood, &["is damaged"]);
    let ended = fail(
        Work::Restore(Restore {
            target: place.path("again"),
            ..place.restore()
        }),
        Verdict::Partial,
        &[],
    );
    assert_eq!(problems(&ended), [place.path("again/first")]);
}

#[test]
fn a_restore_of_the_newest_snapshot_is_no_success_while_one_cannot_be_read() {
    let place = Place::new();
    place.write("source/file", "old");
    place.back_up();
    let old: Vec<_> = files(&place.path("container/snapshots"));
    place.write("source/file", "new content");
    place.back_up();
    let new = files(&place.path("container/snapshots"))
        .into_iter()
        .find(|path| !old.contains(path))
        .unwrap();
    fs::set_permissions(&new, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(&new, "damaged").unwrap();
    place.write("target/surplus", "x");
    // To delete what an older snapshot does not have could take what is only in the newer one.
    let deleting = Restore {
        overwrite: true,
        delete_extra: true,
        ..place.restore()
    };
    fail(
        Work::Restore(deleting),
        Verdict::FailedForGood,
        &["the newest snapshot", "nothing was restored or deleted"],
    );
    assert!(place.path("target/surplus").exists());
    let ended = fail(
        Work::Restore(place.restore()),
        Verdict::Partial,
        &["newer snapshot", "freezerd repair"],
    );
    assert_eq!(fs::read(place.path("target/file")).unwrap(), b"old");
    assert_eq!(ended.outcome().problems.len(), 1);
    // Whoever names the snapshot gets it.
    let id = old[0].file_name().unwrap().to_str().unwrap();
    succeed(Work::Restore(Restore {
        snapshot: Some(id.to_owned()),
        ..place.restore()
    }));
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn the_newest_snapshot_that_is_not_later_is_restored() {
    let place = Place::new();
    let mut times = Vec::new();
    for content in ["first", "second"] {
        place.write("source/file", content);
        place.back_up();
        let made = list_snapshots(&place.container(), &Default::default())
            .unwrap()
            .pop()
            .unwrap();
        times.push(made.time.timestamp());
        // The next backup must be in a later second.
        while chrono::Utc::now().timestamp() <= made.time.timestamp() {
            std::thread::yield_now();
        }
    }
    for (limit, content) in [
        (Some(times[0]), "first"),
        (Some(times[1]), "second"),
        (None, "second"),
    ] {
        let restore = Restore {
            not_later_than: limit,
            overwrite: true,
            ..place.restore()
        };
        succeed(Work::Restore(restore));
        assert_eq!(
            fs::read_to_string(place.path("target/file")).unwrap(),
            content
        );
    }
    let restore = Restore {
        not_later_than: Some(times[0] - 1),
        ..place.restore()
    };
    fail(
        Work::Restore(restore),
        Verdict::FailedForGood,
        &[
            "there is no snapshot of nightly made on web-1 from",
            "or before",
            "it holds nightly of web-1, ",
            "(2 snapshots,",
        ],
    );
}

#[test]
fn if_a_snapshot_does_not_exist_the_error_names_those_that_do() {
    let place = Place::new();
    place.write("source/file", "x");
    fail(
        Work::Restore(place.restore()),
        Verdict::FailedForGood,
        &["there is no repository in", "first backup creates"],
    );
    assert!(!place.path("container").exists());
    place.back_up();
    let lineage = Lineage {
        host: "web-2".to_owned(),
        backup_name: "nightly".to_owned(),
    };
    fail(
        Work::Restore(Restore {
            lineage,
            ..place.restore()
        }),
        Verdict::FailedForGood,
        &[
            "no snapshot of nightly made on web-2",
            "nightly of web-1, ",
            "(1 snapshot,",
        ],
    );
    let by_id = |id: &str| {
        Work::Restore(Restore {
            snapshot: Some(id.to_owned()),
            ..place.restore()
        })
    };
    fail(
        by_id("zz"),
        Verdict::FailedForGood,
        &["no snapshot's id begins with zz"],
    );
    assert!(!place.path("target").exists());
    let id = list_snapshots(&place.container(), &Default::default()).unwrap()[0]
        .id
        .clone();
    succeed(by_id(&id[..4].to_uppercase()));
}

#[test]
fn lists_checks_and_restores_beside_backups_do_not_fail() {
    let place = Place::new();
    place.write("source/file", "x");
    place.back_up();
    let busy = AtomicBool::new(true);
    std::thread::scope(|threads| {
        threads.spawn(|| {
            for round in 0..12 {
                place.write("source/file", round.to_string());
                place.back_up();
            }
            busy.store(false, Ordering::Relaxed);
        });
        threads.spawn(|| {
            while busy.load(Ordering::Relaxed) {
                list_snapshots(&place.container(), &Default::default()).expect("a list");
                succeed(place.check(false));
            }
        });
        while busy.load(Ordering::Relaxed) {
            succeed(overwriting(&place));
        }
    });
}

#[test]
fn a_container_on_a_full_disk_is_restored_from() {
    let place = Place::new();
    let Some(disk) = SmallDisk::mount(&place.path("container"), "1m") else {
        return;
    };
    place.write("source/file", "content");
    place.back_up();
    let filler = fs::File::create(disk.0.join("filler")).unwrap();
    while (&filler).write_all(&[1; 4096]).is_ok() {}
    let ended = run(Work::Restore(place.restore()));
    assert_eq!(ended.outcome().verdict, Verdict::Success, "{ended:#?}");
    assert!(ended.said("no lock was taken"), "{ended:#?}");
    let without_lock = fail(Work::Backup(place.backup()), Verdict::Failed, &["No space"]);
    assert!(!without_lock.said("no lock was taken"), "{without_lock:#?}");
    assert_eq!(fs::read(place.path("target/file")).unwrap(), b"content");
}

#[test]
fn a_snapshot_that_cannot_be_read_is_not_said_to_be_absent() {
    let place = Place::new();
    place.write("source/file", "content");
    place.back_up();
    let damaged = files(&place.path("container/snapshots")).remove(0);
    fs::set_permissions(&damaged, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(&damaged, "damaged").unwrap();
    let newest = Work::Restore(place.restore());
    let texts = ["it holds nothing, and 1 snapshot that cannot be read"];
    fail(newest, Verdict::FailedForGood, &texts);
    let id = damaged.file_name().unwrap().to_str().unwrap()[..8].to_owned();
    let texts = [
        &format!("the snapshot {id} cannot be read"),
        "freezerd verify",
    ];
    let by_id = Work::Restore(Restore {
        snapshot: Some(id.clone()),
        ..place.restore()
    });
    fail(by_id, Verdict::FailedForGood, &texts);
}
