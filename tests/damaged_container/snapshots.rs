//! A snapshot file that cannot be read.

use std::fs;

use freezerd::job::action::{Age, Work};
use freezerd::protocol::Verdict;
use serde_json::Value;

use crate::commands::{files, flip, id, make_repository, run};
use crate::support::{Place, fail, noise, run as run_action};

/// Three snapshots, of which one is damaged. Returns its id.
fn damaged() -> (Place, String) {
    let place = Place::in_memory();
    make_repository(&place);
    let mut known = Vec::new();
    let mut hurt = String::new();
    for number in 0..3 {
        place.write(&format!("source/file{number}"), noise(1000 + number));
        place.back_up();
        let mut new = files(&place, "snapshots");
        new.retain(|file| !known.contains(file));
        if number == 1 {
            hurt = id(&new[0]);
        }
        known.append(&mut new);
    }
    flip(&place.path("container/snapshots").join(&hurt), 30);
    (place, hurt)
}

#[test]
fn every_command_that_chooses_among_snapshots_names_it_and_exits_with_3() {
    let (place, hurt) = damaged();
    let ran = run(&place, &["snapshots", "--json"]).exits(3);
    let listed = ran.json();
    assert_eq!(listed["snapshots"].as_array().unwrap().len(), 2);
    assert_eq!(listed["damaged"][0]["id"], hurt.as_str());
    assert!(
        ran.said(&format!("warning: cannot read snapshots/{hurt}")),
        "{ran:#?}"
    );

    for words in [
        &["ls"][..],
        &["find", "*"],
        &["diff"],
        &["dump", "/"],
        &["stats"],
    ] {
        let ran = run(&place, words).exits(3);
        assert!(ran.stderr.contains(&hurt), "{ran:#?}");
        assert!(ran.stderr.contains("freezerd repair"), "{ran:#?}");
        assert!(!ran.stdout.is_empty(), "{words:?}");
    }
    for words in [
        &["ls", "--json"][..],
        &["find", "*", "--json"],
        &["diff", "--json"],
    ] {
        let ran = run(&place, words).exits(3);
        let mut lines = ran
            .stdout
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap());
        let problem = lines.next_back().unwrap();
        assert_eq!(problem["problem"]["file"], format!("snapshots/{hurt}"));
    }
    let stats = run(&place, &["stats", "--json"]).exits(3).json();
    assert_eq!(stats["damaged"][0]["file"], format!("snapshots/{hurt}"));

    // Who names the snapshot is not concerned by another one.
    let whole = listed["snapshots"][0]["id"].as_str().unwrap();
    run(&place, &["ls", "--snapshot", whole]).exits(0);
    let ran = run(&place, &["ls", "--snapshot", &hurt]).exits(1);
    assert!(ran.stderr.contains(&hurt));
}

#[test]
fn a_list_in_a_job_is_partial_and_names_it() {
    let (place, hurt) = damaged();
    let ended = run_action(place.info());
    let outcome = ended.outcome();
    assert_eq!(outcome.verdict, Verdict::Partial);
    assert_eq!(outcome.problems[0].path, format!("snapshots/{hurt}"));
    assert_eq!(outcome.summary.snapshots, Some(2));
}

#[test]
fn nothing_is_removed_beside_it_until_a_repair_has_removed_it() {
    let (place, hurt) = damaged();
    let all = || files(&place, "snapshots").len() + files(&place, "data").len();
    let before = all();
    let texts = [
        "nothing was removed",
        hurt.as_str(),
        "freezerd repair",
        "--forget",
    ];
    fail(place.admin(Age::Days(0.0)), Verdict::FailedForGood, &texts);
    let ran = run(&place, &["prune"]).exits(1);
    assert!(ran.said(&hurt) && ran.said("freezerd repair"), "{ran:#?}");
    assert_eq!(all(), before);

    let ran = run(&place, &["repair"]).exits(3);
    assert!(ran.said(&hurt) && ran.said("--forget"), "{ran:#?}");
    assert_eq!(all(), before);
    let ran = run(&place, &["repair", "--forget", "--json"]).exits(0);
    assert_eq!(ran.json()["snapshots_removed"][0], hurt.as_str());
    let ended = run_action(place.admin(Age::Days(0.0)));
    assert_eq!(ended.outcome().verdict, Verdict::Success);
    assert_eq!(files(&place, "snapshots").len(), 1);
    assert_eq!(
        run_action(Work::Restore(place.restore())).outcome().verdict,
        Verdict::Success
    );
    assert_eq!(fs::read(place.path("target/file2")).unwrap(), noise(1002));
}
