//! Drills of jobs: what is known of them afterwards, and what they prove.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::drill::{damage, data_pack, host, is_running, left};
use crate::harness::{Host, backup, now};

/// A job whose drill is due now.
fn job(host: &Host, more: Value) -> Value {
    let mut keys = json!({
        "action": "drill", "backup_name": "data", "container": host.path("container"),
        "scratch": host.path("scratch"),
    });
    for (key, value) in more.as_object().unwrap() {
        keys[key] = value.clone();
    }
    now(vec![json!({"freezer_action": keys})])
}

fn status(host: &Host) -> Value {
    let status = host.json(&["status"]);
    let jobs = status["jobs"].as_array().unwrap();
    let job = jobs.iter().find(|it| it["job_id"] == "try").unwrap();
    job["last_drill"].clone()
}

/// The ids of the snapshots in the container, oldest first.
fn held(host: &Host) -> Vec<String> {
    let listed = host.json(&["snapshots", "save"]);
    let mut snapshots = listed["snapshots"].as_array().unwrap().clone();
    snapshots.sort_by_key(|it| it["time"].as_str().unwrap().to_owned());
    let ids = snapshots.iter().map(|it| it["id"].as_str().unwrap());
    ids.map(str::to_owned).collect()
}

#[test]
fn the_newest_snapshot_that_a_drill_of_a_job_has_restored_is_not_removed() {
    let host = host();
    let save = |content: &str, more: Value| {
        host.file("source/0", content);
        let mut save = backup(&host.path("source"), &host.path("container"));
        for (key, value) in more.as_object().unwrap() {
            save["freezer_action"][key] = value.clone();
        }
        let mut job = now(vec![save]);
        // Another content is another job: it runs again.
        job["description"] = json!(content);
        host.put("save", job);
        host.once().exits(0);
    };
    let try_it = |content: &str| {
        let mut job = job(&host, json!({}));
        job["description"] = json!(content);
        host.put("try", job);
        host.once().exits(0);
    };
    try_it("first");
    save("second", json!({}));
    try_it("second");
    save("third", json!({}));
    save("fourth", json!({}));
    let before = held(&host);
    assert_eq!(before.len(), 4);
    let forget = ["forget", "save", "--keep-last", "1", "--dry-run"];
    let planned = host.json(&forget);
    let snapshots = planned["removals"][0]["snapshots"].as_array().unwrap();
    let kept = |place: usize| &snapshots[place]["kept_by"];
    assert_eq!(kept(1), &json!(["proved"]), "{planned:#}");
    assert_eq!(kept(0), &json!([]), "an older one that was proved, too");
    save("fifth", json!({"keep_last": 1}));
    let after = held(&host);
    assert_eq!((after.len(), &after[0]), (2, &before[1]));
    let log = host.freezerd(&["log", "save"]).exits(0).stdout();
    let kept = "a drill has restored it, and no later drill has proved as much";
    assert!(log.contains(kept), "{log}");
    // A new tag gives it another id.
    host.freezerd(&["pin", &after[0]]).exits(0);
    let pinned = held(&host);
    assert_ne!(pinned[0], after[0]);
    host.freezerd(&["unpin", &pinned[0]]).exits(0);
    host.freezerd(&["forget", "save", "--keep-last", "1", "--yes"])
        .exits(0);
    assert_eq!(held(&host).len(), 2);
}

#[test]
fn a_drill_of_a_job_is_in_its_run_and_in_the_status() {
    let host = host();
    host.put(
        "try",
        job(
            &host,
            json!({"sample_files": 5, "command": ["test", "-d", "."]}),
        ),
    );
    host.once().exits(0);
    let run = host.history("try")[0].clone();
    let action = &run["actions"][0];
    assert_eq!(
        (&action["kind"], &action["exit_status"]),
        (&json!("drill"), &json!("success"))
    );
    assert_eq!(action["drill"]["sample"], true, "{action:#}");
    let shown = host.freezerd(&["show", "try"]).exits(0).stdout();
    assert!(shown.contains("restored in"), "{shown}");
    assert!(shown.contains("Last drill   succeeded at"), "{shown}");
    let last = status(&host);
    assert_eq!(
        (&last["success"], &last["run"]),
        (&json!(true), &run["run"])
    );
    assert_eq!(last["last_success"], last["ended"]);
    let text = host.freezerd(&["status"]).exits(0).stdout();
    assert!(
        text.contains("the last drill of try succeeded at"),
        "{text}"
    );

    damage(&data_pack(&host), 40);
    host.put("try", job(&host, json!({})));
    host.once().exits(1);
    let after = status(&host);
    assert_eq!(after["success"], false);
    assert_eq!(after["last_success"], last["last_success"]);
    let list = host.json(&["list"]);
    let jobs = list["jobs"].as_array().unwrap();
    let listed = jobs.iter().find(|it| it["job_id"] == "try").unwrap();
    assert_eq!(listed["last_drill"], after);
    let metrics = host.freezerd(&["status", "--prometheus"]).exits(0).stdout();
    for line in [
        "freezerd_job_last_drill_success{job_id=\"try\"} 0",
        "freezerd_job_last_good_drill_timestamp_seconds{job_id=\"try\"} ",
        "freezerd_job_last_drill_restore_seconds{job_id=\"try\"} ",
    ] {
        assert!(metrics.contains(line), "{line} is not in\n{metrics}");
    }
    let text = host.freezerd(&["status"]).exits(0).stdout();
    assert!(text.contains("the last good one was at"), "{text}");
    assert_eq!(left(&host), [] as [PathBuf; 0]);
}

#[test]
fn the_report_of_a_backup_says_how_old_the_last_good_drill_is_where_a_job_has_one() {
    let host = host();
    let save = |content: &str| {
        host.file("source/0", content);
        let mut job = now(vec![backup(&host.path("source"), &host.path("container"))]);
        // Another content is another job: it runs again.
        job["description"] = json!(content);
        host.put("save", job);
        host.once().exits(0);
        let report = host.json(&["changes", "save"])["changes"][0].clone();
        let shown = host.freezerd(&["changes", "save"]).exits(0).stdout();
        let log = host.freezerd(&["log", "save"]).exits(0).stdout();
        (report["last_drill"].clone(), shown, log)
    };
    let (drill, shown, log) = save("no job has a drill");
    assert!(drill.is_null(), "{drill}");
    assert!(!shown.contains("Last drill"), "{shown}");
    assert!(!log.contains("last good drill"), "{log}");

    // It finds no snapshot of another name.
    let mut other = job(&host, json!({"backup_name": "other"}));
    other["job_schedule"] = json!({"schedule_date": "2099-01-01T00:00:00"});
    host.put("other", other);
    assert!(save("a job has a drill of another backup").0.is_null());

    let mut drill_later = job(&host, json!({}));
    drill_later["job_schedule"] = json!({"schedule_date": "2099-01-01T00:00:00"});
    host.put("try", drill_later);
    let (drill, shown, log) = save("a job has a drill, which did not run");
    assert!(drill.is_object() && drill["at"].is_null(), "{drill}");
    assert!(shown.contains("Last drill:  none yet"), "{shown}");
    assert!(log.contains("last good drill: none yet"), "{log}");

    let proved = held(&host).pop().unwrap();
    host.put("try", job(&host, json!({})));
    host.once().exits(0);
    let (drill, shown, log) = save("the drill was a success");
    assert_eq!(drill["snapshot"], proved, "{drill}");
    assert_eq!(drill["at"], status(&host)["ended"]);
    assert!(drill["age_seconds"].is_u64(), "{drill}");
    let words = format!(" ago, snapshot {}", &proved[..8]);
    assert!(shown.contains(&words), "{shown}");
    assert!(
        log.contains("last good drill: ") && log.contains(&words),
        "{log}"
    );
}

#[test]
fn a_sample_proves_less_than_all_files_and_restores_at_least_one() {
    let host = host();
    let run = |name: &str, content: &str, mut job: Value| {
        job["description"] = json!(content);
        host.put(name, job);
        host.once().exits(0);
    };
    let save = |content: &str| {
        host.file("source/0", content);
        let save = backup(&host.path("source"), &host.path("container"));
        run("save", content, now(vec![save]));
    };
    run("try", "all", job(&host, json!({})));
    save("second");
    // Every file is larger.
    run("try", "sample", job(&host, json!({"sample_bytes": 1})));
    let drill = &status(&host)["found"];
    assert_eq!(drill["sample"], true, "{drill:#}");
    let log = host.freezerd(&["log", "try"]).exits(0).stdout();
    assert!(log.contains("a sample of 1 file"), "{log}");
    save("third");
    let planned = host.json(&["forget", "save", "--keep-last", "1", "--dry-run"]);
    let snapshots = planned["removals"][0]["snapshots"].as_array().unwrap();
    for place in [0, 1] {
        assert_eq!(
            snapshots[place]["kept_by"],
            json!(["proved"]),
            "{planned:#}"
        );
    }
    // What a drill of all files has proved later takes the place of both.
    run("try", "all again", job(&host, json!({})));
    save("fourth");
    let planned = host.json(&["forget", "save", "--keep-last", "1", "--dry-run"]);
    let snapshots = planned["removals"][0]["snapshots"].as_array().unwrap();
    let kept: Vec<&Value> = snapshots.iter().map(|it| &it["kept_by"]).collect();
    assert_eq!(
        kept[..3],
        [&json!([]), &json!([]), &json!(["proved"])],
        "{planned:#}"
    );
}

#[test]
fn a_drill_does_not_pass_over_a_snapshot_that_cannot_be_read() {
    let host = host();
    host.file("source/0", "second");
    let mut save = now(vec![backup(&host.path("source"), &host.path("container"))]);
    save["description"] = json!("again");
    host.put("save", save);
    host.once().exits(0);
    let newest = held(&host).pop().unwrap();
    let older = held(&host).remove(0);
    let file = host.path("container/snapshots").join(newest);
    let content = std::fs::read(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    std::fs::write(&file, &content[..40]).unwrap();
    host.put("try", job(&host, json!({})));
    host.once();
    let last = status(&host);
    assert_eq!(
        (&last["success"], &last["last_success"]),
        (&json!(false), &Value::Null)
    );
    let why = host.freezerd(&["log", "try"]).exits(0).stdout();
    assert!(why.contains("cannot be read"), "{why}");
    // One that is named does not depend on it.
    let scratch = host.path("scratch");
    let by_hand = ["drill", "save", "--scratch", scratch.to_str().unwrap()];
    host.freezerd(&[&by_hand[..], &["--snapshot", &older]].concat())
        .exits(0);
    host.freezerd(&by_hand).exits(1);
}

#[test]
fn what_a_command_leaves_running_and_does_not_end_is_killed() {
    let host = host().env("FREEZERD_STOP_GRACE", "1 seconds");
    let gate = host.gate("gate");
    let pid = host.path("pid");
    // A daemon as others start it: of a session of its own, and with children.
    let daemon = format!(
        "trap '' TERM; echo $$ > '{}.new'; mv '{0}.new' '{0}'; {{ {}; }}; true",
        pid.display(),
        gate.wait()
    );
    let command = format!(
        "setsid /bin/sh -c \"$DAEMON\" & until test -e '{}'; do sleep 0.01; done",
        pid.display()
    );
    let host = host.env("DAEMON", &daemon);
    host.put("try", job(&host, json!({"command": command})));
    host.once().exits(0);
    assert!(!is_running(std::fs::read_to_string(pid).unwrap().trim()));
    let log = host.freezerd(&["log", "try"]).exits(0).stdout();
    for words in ["has left 1 process running", "killing 1 process that did"] {
        assert!(log.contains(words), "{log}");
    }
    assert_eq!(left(&host), [] as [PathBuf; 0]);
}
