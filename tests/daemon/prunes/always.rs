//! A backup that prunes in each run, and has no rules that remove snapshots.

use std::process::Command;

use serde_json::json;

use super::HOUR;
use super::hourly::Hourly;

#[test]
fn a_backup_without_rules_that_always_prunes_frees_what_other_programs_have_left() {
    let keys = json!({"keep_last": null, "prune": "always"});
    let Some(mut hourly) = Hourly::new(&keys, &[]) else {
        return;
    };
    for _ in 0..2 {
        let log = hourly.run(HOUR);
        assert!(
            log.contains("pruned ") && log.contains("; freed 0 B"),
            "{log}"
        );
    }
    assert_eq!(hourly.snapshots(), 2, "it removes none");
    assert!(hourly.why().1.contains("each run prunes it"));
    let refused = hourly.host().freezerd(&["forget", "www", "--dry-run"]);
    let said = refused.exits(66).stderr();
    assert!(said.contains("removes no snapshots there"), "{said}");

    // Half of the source is in no later snapshot.
    std::fs::remove_file(hourly.host().path("source/base")).expect("it was there");
    hourly.run(HOUR);
    let forgotten = Command::new("restic")
        .args(["--no-cache", "forget", "--keep-last", "1", "--repo"])
        .arg(hourly.host().path("container"))
        .arg("--password-file")
        .arg(hourly.host().path("pass"))
        .output();
    let Ok(forgotten) = forgotten else {
        println!("SKIPPED: restic");
        return;
    };
    assert!(forgotten.status.success(), "{forgotten:?}");
    assert_eq!(hourly.snapshots(), 1);
    let before = hourly.size();
    let log = hourly.run(HOUR);
    assert!(!log.contains("; freed 0 B"), "{log}");
    assert!(hourly.size() < before / 2, "{} of {before}", hourly.size());
    assert_eq!(hourly.snapshots(), 2);
    hourly.check();
}
