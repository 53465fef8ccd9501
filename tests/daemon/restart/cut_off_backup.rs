//! A backup that was finished when its run was interrupted.

use std::fs;

use chrono::{TimeDelta, Utc};
use serde_json::{Value, json};

use crate::harness::{Host, backup, every, someday};

#[test]
fn a_backup_that_was_finished_when_its_run_was_interrupted_is_found_and_not_repeated() {
    let host = Host::new();
    let gate = host.gate("gate");
    let source = host.file("source/file", "content");
    let container = host.path("container");
    host.put(
        "a",
        someday(vec![
            backup(source.parent().unwrap(), &container),
            gate.action(),
        ]),
    );
    let daemon = host.start();
    host.trigger("a");
    daemon.says("a", "exec");
    daemon.kill();
    let daemon = host.start();
    gate.pass();
    daemon.says("a", "succeeded");
    let snapshots = host.json(&["snapshots", "a"]);
    assert_eq!(snapshots["snapshots"].as_array().unwrap().len(), 1);
}

/// Finishes a backup, and kills the daemon during the next action of the run. No daemon runs afterwards. Returns the
/// run and the id of the snapshot.
fn cut_off_after_its_backup(host: &Host, job: Value) -> (u64, Value) {
    host.put("a", job);
    let daemon = host.start();
    let run = host.trigger("a");
    daemon.says("a", "exec");
    let made = snapshot_of(host, run)["id"].clone();
    daemon.kill();
    (run, made)
}

/// The snapshot that the run's first action names, as the container lists it.
fn snapshot_of(host: &Host, run: u64) -> Value {
    let attempts = host.attempts(run);
    let last = attempts.iter().rfind(|attempt| attempt.action == 0);
    let end = json!(last.expect("an attempt").end);
    let id = &end["outcome"]["summary"]["snapshot"];
    let container = host.path("container");
    let listed = host.json(&["snapshots", "--container", container.to_str().unwrap()]);
    let all = listed["snapshots"].as_array().unwrap();
    let found = all.iter().find(|snapshot| snapshot["id"] == *id);
    found
        .unwrap_or_else(|| panic!("{end:#} is not in {listed:#}"))
        .clone()
}

#[test]
fn if_a_job_changed_since_its_run_was_interrupted_its_new_content_is_backed_up() {
    type Change = fn(&Host, &mut Value);
    let changes: [(&str, Change); 4] = [
        ("path and name", |host, backup| {
            backup["path_to_backup"] = json!(host.path("other"));
            backup["backup_name"] = json!("other");
        }),
        ("path", |host, backup| {
            backup["path_to_backup"] = json!(host.path("other"));
        }),
        ("name", |_, backup| backup["backup_name"] = json!("other")),
        ("exclude", |_, backup| backup["exclude"] = json!("*.tmp")),
    ];
    for (what, change) in changes {
        let host = Host::new();
        let gate = host.gate("gate");
        host.file("source/file", "content");
        host.file("source/file.tmp", "more");
        host.file("other/file", "other content");
        let mut job = someday(vec![
            backup(&host.path("source"), &host.path("container")),
            gate.action(),
        ]);
        let (run, before) = cut_off_after_its_backup(&host, job.clone());
        let action = &mut job["job_actions"][0]["freezer_action"];
        change(&host, action);
        let wanted = action.clone();
        host.put("a", job);
        let daemon = host.start();
        gate.pass();
        let again = daemon.says("a", "succeeded").run;
        assert_eq!(host.run(again)["makes_up_for"], run, "{what}");
        let made = snapshot_of(&host, again);
        assert_ne!(made["id"], before, "{what}");
        assert_eq!(made["paths"], json!([wanted["path_to_backup"]]), "{what}");
        assert_eq!(made["backup_name"], wanted["backup_name"], "{what}");
        let files = if what == "name" { 2 } else { 1 };
        assert_eq!(made["files"], files, "{what}");
    }
}

#[test]
fn the_catch_up_for_an_interrupted_run_makes_a_new_backup_if_an_occurrence_became_due_since() {
    let host = Host::new();
    let gate = host.gate("gate");
    host.file("source/file", "content");
    let actions = vec![
        backup(&host.path("source"), &host.path("container")),
        gate.action(),
    ];
    let (run, before) = cut_off_after_its_backup(&host, every("1 hour", actions));
    host.edit_job("a", |record| {
        record.anchor = Utc::now() - TimeDelta::hours(1);
        record.handled = record.anchor;
    });
    host.file("source/second", "what is new");
    let daemon = host.start();
    gate.pass();
    let again = daemon.says("a", "succeeded").run;
    let rows = host.history("a");
    let of = |key: &str| rows.iter().map(|row| row[key].clone()).collect::<Vec<_>>();
    assert_eq!(of("state"), ["skipped", "ended", "interrupted"]);
    assert_eq!(host.run(again)["makes_up_for"], run);
    let made = snapshot_of(&host, again);
    assert_ne!(made["id"], before);
    assert_eq!(made["files"], 2);
}

#[test]
fn after_an_older_state_is_restored_a_run_does_not_find_the_backup_of_another_run_with_its_number()
{
    let host = Host::new();
    host.file("source/file", "content");
    let mut action = backup(&host.path("source"), &host.path("container"));
    action["max_retries"] = json!(1);
    action["max_retries_interval"] = json!(1);
    host.put("a", someday(vec![action]));
    let daemon = host.start();
    daemon.stop();
    let state = host.freezerd(&["state", "export"]).exits(0).stdout();
    let state = host.file("state.jsonl", &state);
    let daemon = host.start();
    let run = host.trigger("a");
    daemon.says("a", "succeeded");
    daemon.stop();
    let before = snapshot_of(&host, run)["id"].clone();
    let import = ["state", "import", "--replace", state.to_str().unwrap()];
    host.freezerd(&import).exits(0);
    // As on a host that has only the exported state.
    fs::remove_dir_all(host.path("state/logs")).unwrap();
    host.file("source/second", "what is new");
    // The first attempt is lost. The second attempt looks for a backup that the first had finished.
    let mut command = host.command(&["run", "--log-format", "json"]);
    command
        .env("FREEZERD_KILL_TRACE", host.path("trace"))
        .env("FREEZERD_KILL_AT", "RequestRead:1:agent");
    let daemon = host.launch_command(command);
    daemon.until(|line| line.message.starts_with("ready"));
    assert_eq!(host.trigger("a"), run, "the number comes again");
    daemon.says("a", "succeeded");
    assert_eq!(host.attempts(run).len(), 2);
    let made = snapshot_of(&host, run);
    assert_ne!(made["id"], before);
    assert_eq!(made["files"], 2);
}
