//! `freezerd stats`.

use std::fs;

use crate::support::repositories;

#[test]
fn the_figures_are_those_of_restic() {
    for repository in repositories() {
        repository.file("text", "some text ".repeat(5000));
        repository.file("dir/same", "some text ".repeat(5000));
        repository.file("dir/big", vec![5; 5_000_000]);
        fs::hard_link(repository.source("text"), repository.source("dir/link")).unwrap();
        repository.backup();
        repository.file("dir/more", "more");
        let second = repository.backup();
        for words in [&[][..], &["latest"]] {
            let mut ours = vec!["stats", "--json"];
            if !words.is_empty() {
                ours.extend(["--snapshot", "latest"]);
            }
            let ours = repository.freezerd(&ours).exits(0).json();
            let theirs = |mode: &str| {
                let mut arguments = vec!["stats", "--mode", mode];
                arguments.extend(words);
                repository.restic_json(&arguments)
            };
            let sum = |name: &str| -> u64 {
                let snapshots = ours["snapshots"].as_array().unwrap();
                snapshots.iter().map(|it| it[name].as_u64().unwrap()).sum()
            };
            let size = theirs("restore-size");
            // restic's two versions count a hard link in several snapshots in different ways.
            if words.is_empty() {
                assert!(sum("restore_size") >= size["total_size"].as_u64().unwrap());
            } else {
                assert_eq!(size["total_size"], sum("restore_size"));
            }
            let entries = sum("files") + sum("directories") + sum("others");
            assert_eq!(size["total_file_count"], entries);
            let raw = theirs("raw-data");
            let data = &ours["data"];
            assert_eq!(raw["total_size"], data["stored_size"]);
            let blobs = data["data_blobs"].as_u64().unwrap() + data["tree_blobs"].as_u64().unwrap();
            assert_eq!(raw["total_blob_count"], blobs);
        }
        let text = repository.freezerd(&["stats"]).exits(0).stdout();
        assert!(
            text.contains(&second[..8]) && text.contains("2 snapshots: "),
            "{text}"
        );
        let none = repository
            .freezerd(&["stats", "--host", "other"])
            .exits(0)
            .stdout();
        assert_eq!(none, "No snapshots.\n");
    }
}

#[test]
fn what_a_snapshot_added_is_what_no_earlier_one_needs() {
    for repository in repositories() {
        repository.file("a", vec![1; 100_000]);
        repository.backup();
        repository.backup();
        repository.file("b", "new");
        repository.backup();
        let all = repository.freezerd(&["stats", "--json"]).exits(0).json();
        let new = |at: usize| all["snapshots"][at]["new"]["data_blobs"].as_u64().unwrap();
        assert_eq!((new(0), new(1), new(2)), (1, 0, 1));
    }
}
