//! `freezerd verify`, and the action `check` with a share.

use std::collections::BTreeSet;

use freezerd::job::action::{Check, Work};
use freezerd::job::share::ReadData;
use freezerd::protocol::{DataRead, Verdict};
use freezerd::repository::blob_name::BlobKind;

use crate::commands::{flip, make_repository, open, pack_file, packs_of, run};
use crate::support::{Place, noise, request, run_request};

/// Ten snapshots, with a pack of data each.
fn with_packs() -> Place {
    let place = Place::in_memory();
    make_repository(&place);
    for number in 0..10 {
        place.write(&format!("source/file{number}"), noise(1000 + number));
        place.back_up();
    }
    place
}

#[test]
fn the_structure_is_checked_and_the_data_as_far_as_is_asked_for() {
    let place = with_packs();
    let ran = run(&place, &["verify"]).exits(0);
    assert!(
        ran.stdout.contains("No damage found: 10 snapshots"),
        "{ran:#?}"
    );
    let packs = open(&place).load_index().unwrap().index.packs().len();
    let read = |share: &str| {
        let ran = run(&place, &["verify", "--json", "--read-data", share]).exits(0);
        let report = ran.json();
        assert_eq!(report["clean"], true);
        report["packs_read"].as_u64().unwrap() as usize
    };
    assert_eq!(read("all"), packs);
    assert_eq!(read("50%"), packs / 2);
    assert_eq!(read("0.001%"), 1);
    assert_eq!(
        (1..=4)
            .map(|part| read(&format!("{part}/4")))
            .sum::<usize>(),
        packs
    );
    assert_eq!(read("1B"), 1);
    assert_eq!(read("1GB"), packs);
    for wrong in ["5", "0%", "5/4", "much"] {
        run(&place, &["verify", "--read-data", wrong]).exits(64);
    }

    let pack = packs_of(&open(&place), BlobKind::Data)[0];
    flip(&pack_file(&place, pack), 10);
    run(&place, &["verify"]).exits(0);
    let ran = run(&place, &["verify", "--read-data"]).exits(1);
    assert!(
        ran.said(&pack.to_string()) && ran.said("freezerd repair"),
        "{ran:#?}"
    );
    assert!(ran.said("lost in snapshot"), "{ran:#?}");
    let report = run(&place, &["verify", "--read-data", "--json"])
        .exits(1)
        .json();
    assert_eq!(report["damaged_packs"][0], pack.to_string());
    assert_eq!(report["losses"][0]["paths"][0]["lost"], "content");
}

#[test]
fn each_part_of_a_rolling_check_reads_its_own_packs_and_all_parts_read_everything() {
    let place = with_packs();
    let packs = packs_of(&open(&place), BlobKind::Data);
    let damaged = packs[3];
    flip(&pack_file(&place, damaged), 10);
    let mut found = BTreeSet::new();
    for part in 1..=4 {
        let mut request = request(Work::Check(Check {
            container: place.container(),
            read_data: ReadData::Rolling { rolling: 4 },
            allow_missing: false,
        }));
        request.check_part = Some(part);
        let ended = run_request(&request);
        let outcome = ended.outcome();
        let Some(DataRead {
            part: read,
            parts,
            bytes,
            damaged,
        }) = outcome.summary.data_read
        else {
            panic!("{ended:#?}");
        };
        assert_eq!((read, parts), (part, 4));
        assert!(ended.said(&format!("part {part} of 4")), "{ended:#?}");
        assert!(bytes > 0 || outcome.verdict == Verdict::Success);
        assert_eq!(damaged, outcome.verdict != Verdict::Success);
        if outcome.verdict == Verdict::FailedForGood {
            found.insert(part);
        }
    }
    assert_eq!(found.len(), 1, "the damaged pack is in one part");
}
