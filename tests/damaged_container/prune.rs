//! `freezerd prune`.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use freezerd::job::action::Work;
use freezerd::repository::blob_name::{BlobKind, BlobName};
use freezerd::repository::lock::{Timing, acquire};
use freezerd::storage::Storage;
use freezerd::storage::id::Id;
use freezerd::storage::local::Local;
use serde_json::json;

use crate::commands::{files, flip, make_repository, open, pack_file, packs_of, run};
use crate::support::{Place, SmallDisk, noise, succeed};

/// Two snapshots, of which the first was removed, with a file that only it had beside one that both have.
fn with_garbage() -> Place {
    let place = Place::in_memory();
    add_garbage(&place);
    place
}

fn add_garbage(place: &Place) {
    make_repository(place);
    place.write("source/kept", noise(50_000));
    place.write("source/removed", noise(60_000));
    place.back_up();
    let first = files(place, "snapshots").remove(0);
    fs::remove_file(place.path("source/removed")).unwrap();
    place.back_up();
    fs::remove_file(first).unwrap();
}

/// The bytes of all packs.
fn size(place: &Place) -> u64 {
    let packs = files(place, "data").into_iter();
    packs.map(|pack| fs::metadata(pack).unwrap().len()).sum()
}

#[test]
fn a_plan_is_shown_and_then_carried_out() {
    let place = with_garbage();
    let before = files(&place, "data");
    let ran = run(&place, &["prune", "--dry-run"]).exits(0);
    assert!(ran.stderr.contains("to copy: 50"), "{ran:#?}");
    assert!(ran.stdout.contains("Would free 61"), "{ran:#?}");
    assert_eq!(files(&place, "data"), before);
    let planned = run(&place, &["prune", "--dry-run", "--json"])
        .exits(0)
        .json();
    let size_before = size(&place);
    let done = run(&place, &["prune", "--json"]).exits(0).json();
    assert_eq!(planned["plan"], done["plan"]);
    assert!(done["plan"]["bytes_freed"].as_u64() > Some(60_000));
    assert_eq!(done["bytes_freed"], size_before - size(&place));
    assert_ne!(files(&place, "data"), before);
    place.restic(&["check", "--read-data"]);
    let again = run(&place, &["prune", "--json"]).exits(0).json();
    assert_eq!(again["plan"]["bytes_freed"], 0);
}

#[test]
fn a_pack_that_is_found_damaged_while_it_is_copied_stays_and_nothing_counts_as_freed() {
    let place = with_garbage();
    run(&place, &["prune", "--max-unused", "unlimited"]).exits(0);
    let repository = open(&place);
    let mut packs = packs_of(&repository, BlobKind::Data);
    packs.retain(|pack| fs::metadata(pack_file(&place, *pack)).unwrap().len() > 100_000);
    let [pack] = packs[..] else {
        panic!("both files are in one pack: {packs:?}");
    };
    let source = fs::read(place.path("source/kept")).unwrap();
    let kept = BlobName {
        kind: BlobKind::Data,
        id: Id::of(&source),
    };
    let loaded = repository.load_index().unwrap();
    let mut at = None;
    loaded.index.by_pack().for_each(|_, blobs| {
        let found = blobs.iter().find(|blob| blob.name == kept);
        at = at.or(found.map(|blob| blob.offset as usize + 100));
    });
    flip(&pack_file(&place, pack), at.unwrap());
    let before = files(&place, "data");
    for _ in 0..2 {
        let ran = run(&place, &["prune", "--max-unused", "0"]).exits(3);
        assert!(ran.stdout.contains("Freed 0 B"), "{ran:#?}");
        assert!(
            ran.stderr.contains("freezerd repair --read-data"),
            "{ran:#?}"
        );
        let done = run(&place, &["prune", "--max-unused", "0", "--json"])
            .exits(3)
            .json();
        assert_eq!(done["bytes_freed"], 0);
        assert_eq!(done["unreadable_blobs"], 1);
        assert_eq!(done["damaged_packs"], json!([pack.to_string()]));
        assert_eq!(files(&place, "data"), before);
    }
    // The advice helps.
    run(&place, &["repair", "--read-data"]).exits(3);
    place.back_up();
    run(&place, &["prune", "--max-unused", "0"]).exits(0);
    assert!(!pack_file(&place, pack).exists());
    place.restic(&["check", "--read-data"]);
}

#[test]
fn an_empty_directory_gives_a_prune_nothing_to_copy() {
    let place = Place::in_memory();
    make_repository(&place);
    fs::create_dir_all(place.path("source/empty")).unwrap();
    for level in [None, Some(0)] {
        place.write("source/file", format!("{level:?}"));
        let mut backup = place.backup();
        backup.compression_level = level;
        succeed(Work::Backup(backup));
        let plan = run(&place, &["prune", "--dry-run", "--json"])
            .exits(0)
            .json();
        assert_eq!(plan["plan"]["packs_copied"], 0, "{plan:#}");
    }
}

#[test]
fn what_is_copied_and_what_may_stay_is_limited() {
    let place = with_garbage();
    let plan = |words: &[&str]| {
        let words = [&["prune", "--dry-run", "--json"], words].concat();
        run(&place, &words).exits(0).json()["plan"].clone()
    };
    assert_eq!(plan(&["--max-unused", "1GB"])["bytes_copied"], 0);
    assert_eq!(plan(&["--max-unused", "99%"])["bytes_copied"], 0);
    assert_eq!(plan(&["--max-repack", "1000"])["bytes_copied"], 0);
    assert!(plan(&["--max-unused", "0", "--max-repack", "1GB"])["bytes_copied"].as_u64() > Some(0));
    for words in [
        ["--max-unused", "much"],
        ["--max-unused", "100%"],
        ["--max-repack", "x"],
    ] {
        let words = [&["prune"], &words[..]].concat();
        run(&place, &words).exits(64);
    }
}

#[test]
fn a_lock_is_waited_for_and_named() {
    let place = with_garbage();
    let repository = open(&place);
    let storage: Arc<dyn Storage> = Arc::new(Local::new(place.path("container")));
    let timing = Timing::default();
    let held = acquire(
        &storage,
        &repository.cipher,
        false,
        Duration::ZERO,
        timing,
        |_| true,
    );
    let mut child = Command::new(env!("CARGO_BIN_EXE_freezerd"))
        .args(["prune", "--container"])
        .arg(place.path("container"))
        .arg("--encrypt-pass-file")
        .arg(place.path("pass"))
        .env("FREEZERD_STATE_DIR", place.path("state"))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let line = lines.next().unwrap().unwrap();
    assert!(line.contains("waiting: "), "{line}");
    assert!(line.contains(&std::process::id().to_string()), "{line}");
    drop(held);
    assert!(lines.any(|line| line.unwrap().contains("to copy")));
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_directory_with_the_name_of_a_pack_is_named_and_the_rest_is_pruned() {
    let place = with_garbage();
    let name = format!("data/ab/{}", "ab".repeat(32));
    let directory = place.path("container").join(&name);
    fs::create_dir_all(directory.join("mine")).unwrap();
    let named = format!("{name} has the name of a pack, and is not a file");
    let verified = run(&place, &["verify"]).exits(0);
    assert!(
        verified.said(&format!("note: {name}")) && verified.said("move it away"),
        "{verified:#?}"
    );
    let repaired = run(&place, &["repair"]).exits(0);
    assert!(repaired.said("it is not a regular file"), "{repaired:#?}");
    let done = run(&place, &["prune"]).exits(3);
    assert!(done.said(&named) && done.said("Freed 61"), "{done:#?}");
    let again = run(&place, &["prune", "--json"]).exits(3);
    assert_eq!(again.json()["plan"]["packs_not_indexed"], 0);
    assert_eq!(again.json()["not_files"][0], *name);
    assert!(directory.join("mine").exists());
    fs::remove_dir_all(directory).unwrap();
    run(&place, &["prune"]).exits(0);
    place.restic(&["check", "--read-data"]);
}

#[test]
fn a_directory_in_the_place_of_a_pack_that_is_needed_is_named_and_stays() {
    let place = with_garbage();
    let pack = packs_of(&open(&place), BlobKind::Data).remove(0);
    let file = pack_file(&place, pack);
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    let done = run(&place, &["prune"]).exits(3);
    let named = format!("{pack} has the name of a pack, and is not a file");
    assert!(
        done.said(&format!("the pack {pack} is damaged, and stays")) && done.said(&named),
        "{done:#?}"
    );
    let verified = run(&place, &["verify"]).exits(1);
    assert!(verified.said("move it away"), "{verified:#?}");
    let repaired = run(&place, &["repair", "--forget"]).exits(0);
    assert!(repaired.said(&pack.to_string()), "{repaired:#?}");
    // Nothing needs it any more.
    let done = run(&place, &["prune"]).exits(3);
    assert!(done.said(&named) && file.is_dir(), "{done:#?}");
}

/// Leaves this many bytes on a disk. `None`, if no disk can be mounted.
fn on_a_disk_with(room: u64) -> Option<(Place, SmallDisk)> {
    let place = Place::new();
    let disk = SmallDisk::mount(&place.path("container"), "1m")?;
    add_garbage(&place);
    let mut filler = fs::File::create(disk.0.join("locks/filler-tmp")).unwrap();
    let mut size = 0;
    while filler.write_all(&[1; 4096]).is_ok() {
        size += 4096;
    }
    filler.set_len(size - room).unwrap();
    Some((place, disk))
}

#[test]
fn a_prune_on_a_full_disk_says_what_to_do() {
    let Some((place, _disk)) = on_a_disk_with(32 * 1024) else {
        return;
    };
    let before = files(&place, "data");
    let done = run(&place, &["prune"]).exits(3);
    assert!(
        done.said("free some space there, then prune again"),
        "{done:#?}"
    );
    let left = files(&place, "data");
    assert!(left.iter().all(|pack| before.contains(pack)), "{left:?}");
    run(&place, &["prune", "--max-repack", "0"]).exits(0);
    run(&place, &["verify", "--read-data"]).exits(0);
}

#[test]
fn a_prune_that_has_no_room_for_an_index_or_for_a_lock_says_what_to_do() {
    let Some((place, _disk)) = on_a_disk_with(4096) else {
        return;
    };
    let done = run(&place, &["prune", "--max-repack", "0"]).exits(75);
    assert!(
        done.said("cannot write index/") && done.said("free some space there, then prune again"),
        "{done:#?}"
    );
    run(&place, &["verify", "--read-data"]).exits(0);
    fs::write(place.path("container/locks/more-tmp"), [1; 4096]).unwrap();
    for command in ["prune", "repair"] {
        let done = run(&place, &[command]).exits(75);
        assert!(
            done.said("cannot write locks/") && done.said("free some space there, then try again"),
            "{done:#?}"
        );
    }
}
