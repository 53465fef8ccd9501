//! Checks that read a share of the data, and checks that read the next part in every run.

use std::path::{Path, PathBuf};

use chrono::TimeDelta;
use freezerd::protocol::{DataRead, Outcome};
use freezerd::record::AttemptEnd;
use serde_json::{Value, json};

use crate::harness::{Host, backup, every, now, someday};

/// A host with a container of many packs: each backup makes two at least.
fn with_packs() -> (Host, PathBuf) {
    let host = Host::new();
    let container = host.path("container");
    let backups = ["a", "b", "c", "d", "e", "f"].map(|name| {
        // Long enough that the packs of data are larger than those of trees.
        let content: String = (0..4000).map(|line| format!("{name}{line}\n")).collect();
        host.file(&format!("source/{name}/file"), &content);
        backup(&host.path(&format!("source/{name}")), &container)
    });
    host.put("save", now(backups.to_vec()));
    host.once().exits(0);
    host.delete("save");
    (host, container)
}

/// An action that checks a container.
fn check(container: &Path, key: &str, value: Value) -> Value {
    json!({"freezer_action": {"action": "check", "container": container, key: value}})
}

/// What the attempt at the only action of a run reported.
fn outcome(host: &Host, run: u64) -> Outcome {
    let attempts = host.attempts(run);
    let [attempt] = attempts.as_slice() else {
        panic!("{attempts:#?}")
    };
    match &attempt.end {
        Some(AttemptEnd::Reported { outcome }) => (**outcome).clone(),
        end => panic!("{end:#?}"),
    }
}

fn part_read(host: &Host, run: u64) -> DataRead {
    outcome(host, run).summary.data_read.expect("a part")
}

/// What `status` says of the data that the job has checked: as JSON, and as lines of text.
fn status(host: &Host, job: &str) -> (Value, String) {
    let status = host.json(&["status"]);
    let jobs = status["jobs"].as_array().expect("a list of jobs");
    let found = jobs.iter().find(|it| it["job_id"] == job).expect("the job");
    let text = host.freezerd(&["status"]).stdout();
    let lines: Vec<&str> = text.lines().filter(|it| it.contains("checked")).collect();
    (found["data_checks"].clone(), lines.join("\n"))
}

/// How many bytes all packs of a container have.
fn all_data(host: &Host, container: &Path) -> u64 {
    host.put(
        "everything",
        now(vec![check(container, "read_data", json!(true))]),
    );
    host.once().exits(0);
    let run = host.history("everything")[0]["run"]
        .as_u64()
        .expect("a run");
    host.delete("everything");
    part_read(host, run).bytes
}

#[test]
fn the_parts_of_a_check_go_on_over_restarts_and_kills_until_all_data_was_read() {
    let (host, container) = with_packs();
    let all = all_data(&host, &container);
    host.put(
        "rolling",
        someday(vec![check(&container, "read_data_parts", json!(3))]),
    );
    let mut read = 0;
    for part in 1..=3 {
        let daemon = host.start();
        let run = host.trigger("rolling");
        let end = daemon.run_of("rolling");
        assert!(end.message.contains("succeeded"), "{}", end.message);
        let this = part_read(&host, run);
        assert_eq!((this.part, this.parts), (part, 3));
        read += this.bytes;
        // What a daemon knew is in the ledger, whether it ended in order or not.
        match part {
            1 => assert!(daemon.stop().success()),
            _ => daemon.kill(),
        }
        let (json, text) = status(&host, "rolling");
        let known = json!({
            "container": container, "parts": 3, "parts_read": part,
            "all_read_since": json[0]["all_read_since"],
        });
        assert_eq!(json, json!([known]));
        assert_eq!(json[0]["all_read_since"].is_string(), part == 3, "{json}");
        let place = container.display();
        let expected = match part {
            3 => format!("rolling has checked all data of {place} since "),
            _ => format!("rolling has checked {part} of 3 parts of the data of {place}"),
        };
        assert!(text.starts_with(&expected), "{text}");
    }
    assert_eq!(read, all, "three runs read every pack, and each only once");

    let since = status(&host, "rolling").0[0]["all_read_since"].clone();
    let daemon = host.start();
    let run = host.trigger("rolling");
    daemon.run_of("rolling");
    assert_eq!(part_read(&host, run).part, 1, "it begins anew");
    assert!(daemon.stop().success());
    let later = status(&host, "rolling").0[0]["all_read_since"].clone();
    assert!(later.as_str() > since.as_str(), "{since} {later}");
}

#[test]
fn each_run_reads_the_next_part_and_a_part_with_damage_is_read_again() {
    let (host, container) = with_packs();
    let parts = check(&container, "read_data_parts", json!(2));
    host.put("rolling", every("1 hours", vec![parts]));
    host.once();
    let due = |host: &Host| {
        // Not a whole hour: an instant that was due once is never due again.
        host.sleep_through("rolling", TimeDelta::minutes(61));
        let code = host.once().code();
        let row = host.history("rolling")[0].clone();
        (code, row["run"].as_u64().expect("a run"))
    };
    let parts_read = |host: &Host| {
        let known = &status(host, "rolling").0[0]["parts_read"];
        known.as_u64().unwrap_or(0)
    };
    // A damaged directory is found by every check. The largest pack has content of files.
    let packs = walk(&host.path("container/data"));
    let size = |pack: &PathBuf| std::fs::metadata(pack).expect("a pack").len();
    let pack = packs.into_iter().max_by_key(size).expect("a pack");
    let part = part_of(&pack);
    let whole = std::fs::read(&pack).expect("a pack");
    let mut damaged = whole.clone();
    damaged[0] ^= 1;
    overwrite(&pack, &damaged);
    for before in 1..part {
        let (code, run) = due(&host);
        assert_eq!((code, part_read(&host, run).part), (0, before));
    }
    // A run that succeeded over the other part would hide the damage.
    for _ in 0..2 {
        let (code, run) = due(&host);
        assert_eq!((code, part_read(&host, run).part), (1, part));
        let reason = outcome(&host, run).reason.expect("a reason");
        assert!(reason.contains("is damaged"), "{reason}");
        assert_eq!(parts_read(&host), u64::from(part) - 1);
    }
    overwrite(&pack, &whole);
    let (code, run) = due(&host);
    assert_eq!((code, part_read(&host, run).part), (0, part));
    assert_eq!(parts_read(&host), u64::from(part));
}

/// The part, of two, that reads a pack: the first byte of its name decides.
fn part_of(pack: &Path) -> u32 {
    let name = pack.file_name().expect("a name").to_string_lossy();
    u32::from_str_radix(&name[..2], 16).expect("an id") % 2 + 1
}

#[test]
fn a_share_at_random_is_read_and_counts_as_no_part() {
    let (host, container) = with_packs();
    let share = check(&container, "read_data", json!("5%"));
    host.put("share", now(vec![share]));
    host.once().exits(0);
    let run = host.history("share")[0]["run"].as_u64().expect("a run");
    assert_eq!(outcome(&host, run).summary.data_read, None);
    let log = host.freezerd(&["log", &run.to_string()]).exits(0).stdout();
    assert!(log.contains("reading 5% of the data"), "{log}");
    assert!(log.contains(" of data read"), "{log}");
    assert!(
        !log.contains("verified, 0 B of data read"),
        "one pack at least: {log}"
    );
    assert_eq!(status(&host, "share"), (json!([]), String::new()));
}

/// All files below a directory.
fn walk(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut left = vec![directory.to_owned()];
    while let Some(directory) = left.pop() {
        for entry in std::fs::read_dir(directory).expect("a directory") {
            let path = entry.expect("an entry").path();
            match path.is_dir() {
                true => left.push(path),
                false => found.push(path),
            }
        }
    }
    found
}

/// Writes a file of a repository anew, which is read-only.
fn overwrite(path: &Path, content: &[u8]) {
    std::fs::remove_file(path).expect("a file");
    std::fs::write(path, content).expect("a file");
}
