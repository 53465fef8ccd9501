//! `freezerd repair`.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use freezerd::job::action::Work;
use freezerd::protocol::Verdict;
use freezerd::repository::blob_name::BlobKind;
use serde_json::Value;

use crate::commands::{
    Ran, files, flip, id, make_repository, open, overwrite, pack_file, packs_of, readable, run,
};
use crate::support::{Place, assert_same_tree, noise, run as run_action, succeed};

/// Two snapshots; the second has a file more, in a pack of its own.
fn made() -> Place {
    let place = Place::in_memory();
    make_repository(&place);
    place.write("source/one", noise(30_000));
    place.write("source/below/two", "two");
    place.back_up();
    place.write("source/below/three", noise(20_000));
    place.back_up();
    place
}

fn repair(place: &Place, words: &[&str]) -> Ran {
    run(place, &[&["repair", "--json"], words].concat())
}

fn everything(place: &Place) -> Vec<(PathBuf, u64)> {
    let kinds = ["data", "index", "snapshots", "keys"];
    let files = kinds.iter().flat_map(|kind| files(place, kind));
    files
        .map(|file| (file.clone(), fs::metadata(file).unwrap().len()))
        .collect()
}

#[test]
fn a_whole_container_is_left_as_it_is() {
    let place = made();
    let before = everything(&place);
    for words in [&[][..], &["--read-data"], &["--snapshots"], &["--forget"]] {
        let done = repair(&place, words).exits(0).json();
        assert_eq!(
            (&done["whole"], &done["index"]["changed"]),
            (&true.into(), &false.into())
        );
        assert_eq!(everything(&place), before);
    }
    let ran = run(&place, &["repair"]).exits(0);
    assert!(ran.stdout.contains("nothing had to be repaired"));
}

#[test]
fn damage_inside_a_pack_is_found_by_reading_and_the_advice_says_so() {
    let place = made();
    let pack = packs_of(&open(&place), BlobKind::Data).remove(0);
    flip(&pack_file(&place, pack), 100);
    let ran = run(&place, &["verify", "--read-data"]).exits(1);
    assert!(
        ran.stderr.contains("`freezerd repair --read-data "),
        "{ran:#?}"
    );
    let checked = run_action(place.check(true));
    let reason = checked.outcome().reason.as_ref().unwrap();
    assert!(reason.contains("`freezerd repair --read-data`"), "{reason}");
    let ran = run(&place, &["repair"]).exits(0);
    assert!(ran.stdout.contains("was not read"), "{ran:#?}");
    let ran = run(&place, &["repair", "--read-data"]).exits(3);
    assert!(ran.stdout.contains("damaged packs: "), "{ran:#?}");
    place.back_up();
    let ran = run(&place, &["repair", "--read-data"]).exits(0);
    assert!(!ran.stdout.contains("was not read"), "{ran:#?}");
}

#[test]
fn a_lost_or_damaged_index_is_made_anew() {
    for lost in [true, false] {
        let place = made();
        let before = readable(&open(&place));
        for file in files(&place, "index") {
            match lost {
                true => fs::remove_file(file).unwrap(),
                false => overwrite(&file, b"{}"),
            }
        }
        assert!(readable(&open(&place)).is_empty());
        let foretold = repair(&place, &["--dry-run"]).exits(0).json();
        assert!(
            readable(&open(&place)).is_empty(),
            "a rehearsal changes nothing"
        );
        let done = repair(&place, &[]).exits(0).json();
        assert_eq!(foretold["index"], done["index"]);
        assert_eq!(readable(&open(&place)), before);
        run(&place, &["verify", "--read-data"]).exits(0);
        place.restic(&["check", "--read-data"]);
    }
}

#[test]
fn what_is_lost_is_named_a_snapshot_without_it_is_written_and_a_backup_brings_it_back() {
    for missing in [true, false] {
        let place = made();
        let all = readable(&open(&place));
        // The pack that both snapshots need.
        let size = |pack: &PathBuf| fs::metadata(pack).unwrap().len();
        let packs = packs_of(&open(&place), BlobKind::Data).into_iter();
        let pack = packs
            .map(|pack| pack_file(&place, pack))
            .max_by_key(size)
            .unwrap();
        match missing {
            true => fs::remove_file(&pack).unwrap(),
            false => flip(&pack, 100),
        }
        let left = readable(&open(&place));
        let lost = all.len() - left.len();
        assert!(lost >= 2);

        let foretold = repair(&place, &["--read-data", "--dry-run"])
            .exits(3)
            .json();
        let done = repair(&place, &["--read-data"]).exits(3).json();
        assert_eq!(foretold["index"], done["index"]);
        assert_eq!(foretold["losses"], done["losses"]);
        let losses = done["losses"].as_array().unwrap();
        let paths = losses
            .iter()
            .flat_map(|loss| loss["paths"].as_array().unwrap());
        assert_eq!(paths.count(), lost);
        assert_eq!(readable(&open(&place)), left, "what is good stays");

        // A new snapshot beside each, once.
        let done = repair(&place, &["--snapshots"]).exits(3).json();
        let written: Vec<&Value> = done["snapshots"].as_array().unwrap().iter().collect();
        assert!(written.len() == 2 && written.iter().all(|it| it["result"] == "written"));
        assert_eq!(files(&place, "snapshots").len(), 4);
        let again = repair(&place, &["--snapshots"]).exits(3).json();
        assert_eq!(again["snapshots"][0]["result"], "written_before");
        assert_eq!(files(&place, "snapshots").len(), 4);
        let listed = run(&place, &["snapshots", "--json"]).exits(0).json();
        let listed = listed["snapshots"].as_array().unwrap();
        let new = listed.iter().filter(|it| it["partial"] == true);
        assert_eq!(new.count(), 2);
        for it in written {
            place.restic(&["ls", it["new"].as_str().unwrap()]);
        }

        // The files of this host are whole: a backup stores again what is lost.
        place.back_up();
        run(&place, &["verify", "--read-data"]).exits(0);
        let mut healed = readable(&open(&place));
        healed.retain(|key, _| all.contains_key(key));
        assert_eq!(healed, all);
        place.restic(&["check", "--read-data"]);
    }
}

#[test]
fn with_forget_only_what_is_whole_stays() {
    let place = made();
    for pack in packs_of(&open(&place), BlobKind::Data) {
        flip(&pack_file(&place, pack), 100);
    }
    let unreadable = files(&place, "snapshots").remove(0);
    flip(&unreadable, 30);
    let before = readable(&open(&place));
    let done = repair(&place, &["--read-data", "--forget"]).exits(0).json();
    assert_eq!(done["whole"], true);
    assert_eq!(done["snapshots_unreadable"][0], id(&unreadable));
    let removed = done["snapshots_removed"].as_array().unwrap();
    assert_eq!(removed.len(), 2, "{done:#}");
    assert_eq!(readable(&open(&place)), before, "what is good stays");
    run(&place, &["verify", "--read-data"]).exits(0);
    run(&place, &["prune"]).exits(0);
    place.restic(&["check", "--read-data"]);
    let ended = run_action(Work::Restore(place.restore()));
    assert_eq!(ended.outcome().verdict, Verdict::Success);
}

#[test]
fn a_directory_whose_list_is_lost_becomes_empty_and_nothing_is_left_of_a_lost_root() {
    let place = made();
    let trees = packs_of(&open(&place), BlobKind::Tree);
    for pack in &trees {
        fs::remove_file(pack_file(&place, *pack)).unwrap();
    }
    let done = repair(&place, &["--snapshots"]).exits(3).json();
    assert_eq!(done["snapshots"][0]["result"], "nothing_left");
    assert_eq!(done["losses"][0]["paths"][0]["path"], "/");
    // The new snapshot is whole. Of the first one nothing comes back, nor of the second one if a directory above the source
    // has changed since, as other tests may change it.
    let new = place.back_up().summary.snapshot.unwrap();
    let report = run(&place, &["verify", "--json"]).exits(1).json();
    let losses = report["losses"].as_array().unwrap();
    assert!((1..=2).contains(&losses.len()), "{report:#}");
    assert!(losses.iter().all(|loss| loss["snapshot"] != new.as_str()));
    let done = repair(&place, &["--forget"]).exits(0).json();
    let removed = done["snapshots_removed"].as_array().unwrap();
    assert_eq!(removed.len(), losses.len());
    run(&place, &["verify", "--read-data"]).exits(0);
    succeed(Work::Restore(place.restore()));
    assert_same_tree(&place.path("source"), &place.path("target"));
}

/// The commands in a text that look into the container or repair it.
fn advised(said: &str) -> Vec<Vec<String>> {
    let parts = said.split('`').skip(1).step_by(2);
    let words = parts.map(|command| command.split_whitespace().map(str::to_owned).collect());
    let mut commands: Vec<Vec<String>> = words.collect();
    commands.retain(|words| words.len() > 2 && !words.contains(&"--dry-run".to_owned()));
    commands
}

/// A place with a copy of the container.
fn copy(place: &Place) -> Place {
    let other = Place::in_memory();
    for name in ["container", "pass"] {
        let copied = Command::new("cp")
            .args(["-a", "-T"])
            .args([place.path(name), other.path(name)])
            .status();
        assert!(copied.unwrap().success());
    }
    other
}

/// Follows all advice, from command to command.
fn follow(place: &Place, words: &[&str], before: &[String]) {
    let ran = run(place, words);
    let line = words.join(" ");
    assert!(!before.contains(&line), "{before:?} leads to {line} again");
    let before = [before, &[line]].concat();
    for command in advised(&ran.stderr) {
        // Each command has the container in it, so that it can be run as it is.
        let own = command.iter().position(|word| word == "--container");
        let own = own.unwrap_or_else(|| panic!("{command:?}"));
        assert_eq!(command[own + 1], place.path("container").to_string_lossy());
        assert_eq!(command[own + 2], "--encrypt-pass-file");
        assert_eq!(command[own + 3], place.path("pass").to_string_lossy());
        let words = command[1..own].iter().chain(&command[own + 4..]);
        let words: Vec<&str> = words.map(String::as_str).collect();
        follow(&copy(place), &words, &before);
    }
}

#[test]
fn no_advice_leads_in_a_circle() {
    let lost_data = || {
        let place = made();
        for pack in packs_of(&open(&place), BlobKind::Data) {
            flip(&pack_file(&place, pack), 100);
        }
        place
    };
    let lost_snapshot = || {
        let place = made();
        flip(&files(&place, "snapshots").remove(0), 30);
        place
    };
    let lost_key = || {
        let place = made();
        let keys = freezerd::repository::crypto::SecretKeys::random().unwrap();
        let repository = open(&place);
        let cost = freezerd::repository::key::cost::Cost::LEAST;
        let key = freezerd::repository::key::add(&*repository.storage, &keys, b"x", cost);
        let file = place.path(&format!("container/keys/{}", key.unwrap()));
        overwrite(&file, b"{}");
        place
    };
    let lost_trees = || {
        let place = made();
        for pack in packs_of(&open(&place), BlobKind::Tree) {
            fs::remove_file(pack_file(&place, pack)).unwrap();
        }
        place
    };
    for damaged in [lost_data(), lost_snapshot(), lost_key(), lost_trees()] {
        for words in [&["verify", "--read-data"][..], &["repair", "--read-data"]] {
            follow(&copy(&damaged), words, &[]);
        }
    }
    let said = run(&lost_key(), &["repair"]).exits(3).stderr;
    assert!(
        said.contains("put a copy of the files back that cannot be repaired"),
        "{said}"
    );
    let said = run(&lost_data(), &["repair", "--read-data", "--snapshots"])
        .exits(3)
        .stderr;
    assert!(said.contains("--forget` removes"), "{said}");
}

#[test]
fn a_repair_that_can_read_nothing_changes_nothing() {
    let all_damaged = || {
        let place = made();
        for kind in [BlobKind::Data, BlobKind::Tree] {
            for pack in packs_of(&open(&place), kind) {
                let file = pack_file(&place, pack);
                let length = fs::metadata(&file).unwrap().len();
                overwrite(&file, &vec![0; usize::try_from(length).unwrap()]);
            }
        }
        place
    };
    let all_gone = || {
        let place = made();
        fs::rename(place.path("container/data"), place.path("data")).unwrap();
        fs::create_dir(place.path("container/data")).unwrap();
        place
    };
    for (place, words) in [
        (all_damaged(), &["--read-data"][..]),
        (all_gone(), &[]),
        (all_gone(), &["--snapshots", "--forget"]),
    ] {
        let before = everything(&place);
        for dry_run in [&["--dry-run"][..], &[]] {
            let said = repair(&place, &[words, dry_run].concat()).exits(1).stderr;
            let says = "packs that its index names can be read";
            assert!(said.contains(says), "{said}");
            assert!(everything(&place) == before, "{said}");
        }
    }
    let place = all_gone();
    repair(&place, &[]).exits(1);
    fs::remove_dir(place.path("container/data")).unwrap();
    fs::rename(place.path("data"), place.path("container/data")).unwrap();
    run(&place, &["verify", "--read-data"]).exits(0);
}
