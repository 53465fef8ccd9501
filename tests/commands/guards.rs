//! Guards of a backup: a source that looks damaged raises an alarm, and nothing is removed until somebody accepts it.

use std::fs;

use serde_json::{Value, json};

use crate::harness::{Daemon, Host, backup, now, someday};

/// A host with a source of 60 files.
fn host() -> Host {
    let host = Host::new();
    for number in 0..60 {
        host.file(&format!("source/{number}"), &format!("content {number}"));
    }
    host
}

/// The job `save`, with more keys in its backup, runs.
fn run(host: &Host, more: Value) {
    let mut save = backup(&host.path("source"), &host.path("container"));
    for (key, value) in more.as_object().unwrap() {
        save["freezer_action"][key] = value.clone();
    }
    let mut job = now(vec![save]);
    // Another content is another job: it runs again.
    job["description"] = json!(format!("{}", held(host).len()));
    host.put("save", job);
    host.once().exits(0);
}

fn held(host: &Host) -> Vec<Value> {
    if !host.path("container").exists() {
        return Vec::new();
    }
    let container = host.path("container");
    let listed = host.json(&["snapshots", "--container", container.to_str().unwrap()]);
    listed["snapshots"].as_array().unwrap().clone()
}

fn delete_files(host: &Host, count: usize) {
    for number in 0..count {
        fs::remove_file(host.path(&format!("source/{number}"))).unwrap();
    }
}

fn log(host: &Host) -> String {
    host.freezerd(&["log", "save"]).exits(0).stdout()
}

fn findings(host: &Host) -> String {
    let found = host.json(&["doctor"]);
    found["findings"].to_string()
}

#[test]
fn a_source_that_lost_most_of_its_files_raises_an_alarm_and_nothing_is_removed_until_it_is_accepted()
 {
    let host = host();
    let keep_one = json!({"keep_last": 1});
    run(&host, keep_one.clone());
    delete_files(&host, 40);
    run(&host, keep_one.clone());
    // Both are there, and the log, the run and doctor say why.
    assert_eq!(held(&host).len(), 2);
    assert!(
        log(&host).contains("the source looks damaged"),
        "{}",
        log(&host)
    );
    let last = &host.history("save")[0];
    let number = last["run"].as_u64().or(last["number"].as_u64()).unwrap();
    let command = format!("freezerd accept {number}");
    assert!(log(&host).contains(&command), "{}", log(&host));
    assert!(findings(&host).contains(&command), "{}", findings(&host));
    assert_eq!(host.run(number)["actions"][0]["alarm"], "shrink");
    let list = host.freezerd(&["snapshots", "save"]).exits(0).stdout();
    assert!(list.contains("alarm"), "{list}");
    shows_the_alarm(&host, number);
    // A later backup finds nothing wrong with itself, and removes nothing.
    run(&host, keep_one.clone());
    assert_eq!(held(&host).len(), 3);
    shows_the_alarm(&host, number);
    assert!(
        log(&host).contains("no snapshot of its lineage is removed"),
        "{}",
        log(&host)
    );
    let dry = host.json(&["forget", "save", "--dry-run"]);
    let kept = &dry["removals"][0]["snapshots"][0]["kept_by"];
    assert!(kept.to_string().contains("alarm"), "{dry:#}");

    let accepted = host.json(&["accept", &number.to_string()]);
    assert_eq!(accepted["snapshots"].as_array().unwrap().len(), 1);
    assert!(!findings(&host).contains(&command));
    let again = host.freezerd(&["accept", &number.to_string()]).exits(0);
    assert!(
        again.stderr().contains("accepted before"),
        "{}",
        again.stderr()
    );
    run(&host, keep_one);
    assert_eq!(held(&host).len(), 1);
    shows_no_alarm(&host);
    host.freezerd(&["accept", "4711"]).exits(66);
}

/// `list`, `status` and the metrics say that the alarm of the run was not accepted.
#[track_caller]
fn shows_the_alarm(host: &Host, run: u64) {
    let listed = host.json(&["list"])["jobs"][0]["alarms"].clone();
    assert_eq!(listed[0]["run"], run, "{listed}");
    assert_eq!(listed[0]["alarm"], "shrink");
    assert_eq!(listed.as_array().unwrap().len(), 1);
    let status = host.json(&["status"]);
    assert_eq!(status["jobs"][0]["alarms"], listed);
    assert_eq!(status["summary"]["alarmed"], 1);
    let command = format!("`freezerd accept {run}`");
    for name in ["list", "status"] {
        let text = host.freezerd(&[name]).exits(0).stdout();
        assert!(text.contains(&command), "{text}");
    }
    let metrics = host.freezerd(&["status", "--prometheus"]).stdout();
    for line in [
        "freezerd_jobs_alarmed 1",
        "freezerd_job_alarms{job_id=\"save\"} 1",
    ] {
        assert!(metrics.lines().any(|it| it == line), "{line}\n{metrics}");
    }
}

#[track_caller]
fn shows_no_alarm(host: &Host) {
    assert_eq!(host.json(&["list"])["jobs"][0]["alarms"], json!([]));
    let status = host.json(&["status"]);
    assert_eq!(status["summary"]["alarmed"], 0, "{status:#}");
}

/// A running daemon with a job `save` whose last run raised an alarm, and the number of this run.
fn alarmed(host: &Host) -> (Daemon, u64) {
    let save = backup(&host.path("source"), &host.path("container"));
    host.put("save", someday(vec![save]));
    let daemon = host.start();
    host.trigger("save");
    daemon.run_of("save");
    delete_files(host, 40);
    let run = host.trigger("save");
    daemon.run_of("save");
    (daemon, run)
}

#[test]
fn a_daemon_knows_at_once_that_an_alarm_was_accepted() {
    let host = host();
    let (daemon, run) = alarmed(&host);
    shows_the_alarm(&host, run);
    // A new tag changes the id of the snapshot.
    let pinned = host.json(&["snapshots", "save"])["snapshots"][1]["id"].clone();
    host.freezerd(&["pin", pinned.as_str().unwrap(), "--job", "save"])
        .exits(0);
    host.freezerd(&["accept", &run.to_string()]).exits(0);
    shows_no_alarm(&host);
    host.trigger("save");
    daemon.run_of("save");
    shows_no_alarm(&host);
    assert!(daemon.stop().success());
}

#[test]
fn an_alarm_whose_snapshot_was_removed_by_hand_goes_with_the_next_backup_or_when_it_is_accepted() {
    let host = host();
    let (daemon, run) = alarmed(&host);
    let snapshot = host.json(&["snapshots", "save"])["snapshots"][1]["id"].clone();
    let container = host.path("container");
    let snapshot = container.join("snapshots").join(snapshot.as_str().unwrap());
    fs::remove_file(snapshot).unwrap();
    shows_the_alarm(&host, run);
    host.freezerd(&["accept", &run.to_string()]).exits(0);
    shows_no_alarm(&host);
    assert!(daemon.stop().success());
}

#[test]
fn a_source_that_lost_less_and_one_without_a_guard_raise_none() {
    let host = host();
    run(&host, json!({}));
    delete_files(&host, 25);
    run(&host, json!({}));
    assert!(!log(&host).contains("damaged"), "{}", log(&host));
    for number in 0..60 {
        host.file(&format!("source/{number}"), &format!("content {number}"));
    }
    run(&host, json!({}));
    delete_files(&host, 40);
    run(&host, json!({"shrink_guard": false}));
    assert!(!log(&host).contains("damaged"), "{}", log(&host));
}

#[test]
fn files_that_a_new_pattern_leaves_out_raise_no_alarm() {
    let host = host();
    run(&host, json!({}));
    run(&host, json!({"exclude": "[0-5]*"}));
    assert!(!log(&host).contains("damaged"), "{}", log(&host));
}

#[test]
fn a_source_whose_files_change_far_more_than_before_raises_an_alarm() {
    let host = host();
    let guard = json!({"churn_guard": "30%"});
    for round in 0..5 {
        host.file("source/0", &format!("round {round}"));
        run(&host, guard.clone());
        assert!(!log(&host).contains("damaged"), "{}", log(&host));
    }
    for number in 0..60 {
        host.file(&format!("source/{number}"), &format!("encrypted {number}"));
    }
    run(&host, guard);
    assert!(
        log(&host).contains("far more files than usual"),
        "{}",
        log(&host)
    );
}

#[test]
fn one_answer_accepts_the_alarms_of_a_run_in_all_its_containers() {
    let host = host();
    let targets = json!({"targets": [{"container": host.path("second")}]});
    run(&host, targets.clone());
    delete_files(&host, 40);
    run(&host, targets);
    let last = &host.history("save")[0];
    let number = last["run"].as_u64().or(last["number"].as_u64()).unwrap();
    let accepted = host.json(&["accept", &number.to_string()]);
    assert_eq!(
        accepted["snapshots"].as_array().unwrap().len(),
        2,
        "{accepted}"
    );
    let again = host.json(&["accept", &number.to_string()]);
    assert_eq!(again["snapshots"], json!([]));
    assert!(!findings(&host).contains("raised an alarm"));
}
