//! Removal of snapshots by rules: `keep_…` in jobs, `freezerd forget`, `pin` and `unpin`.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use crate::harness::{Host, backup, now, someday};
use crate::restic_support::{PASSWORD, init, restics};

/// A host with a source and a password.
fn host() -> Host {
    let host = Host::new();
    let pass = host.file("pass", PASSWORD);
    fs::set_permissions(&pass, fs::Permissions::from_mode(0o600)).unwrap();
    host.file("source/file", "content");
    host
}

/// The job `save`, with more keys in its backup.
fn put(host: &Host, more: Value) {
    let mut save = backup(&host.path("source"), &host.path("container"));
    save["freezer_action"]["encrypt_pass_file"] = json!(host.path("pass"));
    for (key, value) in more.as_object().unwrap() {
        save["freezer_action"][key] = value.clone();
    }
    host.put("save", now(vec![save]));
}

/// Runs what is due, on a host that knows of no earlier runs.
fn run_anew(host: &Host) {
    if host.path("state").exists() {
        fs::remove_dir_all(host.path("state")).unwrap();
    }
    host.once().exits(0);
}

/// The ids of the snapshots in the container, oldest first.
fn held(host: &Host) -> Vec<String> {
    let container = host.path("container");
    let pass = host.path("pass");
    let listed = host.json(&[
        "snapshots",
        "--container",
        container.to_str().unwrap(),
        "--encrypt-pass-file",
        pass.to_str().unwrap(),
    ]);
    ids(listed["snapshots"].as_array().unwrap().iter())
}

fn ids<'a>(snapshots: impl Iterator<Item = &'a Value>) -> Vec<String> {
    let id = |it: &Value| it["id"].as_str().unwrap().to_owned();
    snapshots.map(id).collect()
}

/// The ids of the snapshots that the only removal of the answer would remove.
fn to_go(answer: &Value) -> BTreeSet<String> {
    let removals = answer["removals"].as_array().unwrap();
    assert_eq!(removals.len(), 1, "{answer:#}");
    let snapshots = removals[0]["snapshots"].as_array().unwrap().iter();
    ids(snapshots.filter(|it| it["remove"] == true))
        .into_iter()
        .collect()
}

#[test]
fn a_backup_with_rules_removes_what_they_do_not_keep() {
    let host = host();
    for keep in [json!({"keep_last": 2}), json!({"keep": {"last": 2}})] {
        put(&host, keep);
        for _ in 0..4 {
            run_anew(&host);
        }
        assert_eq!(held(&host).len(), 2);
    }
    let log = host.freezerd(&["log", "save"]).exits(0).stdout();
    assert!(log.contains("the rules keep 2 snapshots"), "{log}");
    // What is younger than the age stays as well.
    put(&host, json!({"keep_last": 1, "remove_older_than": 30}));
    run_anew(&host);
    assert_eq!(held(&host).len(), 3);
}

#[test]
fn an_admin_action_removes_by_rules_and_needs_one_at_least() {
    let host = host();
    put(&host, json!({}));
    for _ in 0..3 {
        run_anew(&host);
    }
    let mut admin = backup(&host.path("source"), &host.path("container"));
    admin["freezer_action"] = json!({
        "action": "admin",
        "backup_name": admin["freezer_action"]["backup_name"],
        "container": host.path("container"),
        "encrypt_pass_file": host.path("pass"),
    });
    host.put("save", now(vec![admin.clone()]));
    let refused = host.freezerd(&["check"]).exits(65);
    let said = refused.stdout() + &refused.stderr();
    assert!(said.contains("keep_daily"), "{said}");
    admin["freezer_action"]["keep_daily"] = json!(7);
    host.put("save", now(vec![admin]));
    // Midnight may have come in between: then two days have a snapshot.
    run_anew(&host);
    let left = held(&host).len();
    assert!((1..=2).contains(&left), "{left}");
}

#[test]
fn forget_shows_what_it_removes_and_removes_it_after_a_yes() {
    let host = host();
    put(&host, json!({}));
    for _ in 0..4 {
        run_anew(&host);
    }
    let before = held(&host);
    let rules = ["forget", "save", "--keep-last", "2"];
    let with = |more: &[&'static str]| -> Vec<&str> { [&rules[..], more].concat() };

    let dry = host.json(&with(&["--dry-run"]));
    assert_eq!(to_go(&dry), before[..2].iter().cloned().collect());
    let kept = &dry["removals"][0]["snapshots"][3]["kept_by"];
    assert_eq!(*kept, json!(["keep_last"]));
    let shown = host.freezerd(&with(&["--dry-run"])).exits(0).stdout();
    assert!(
        shown.contains("Would remove 2 snapshots. Nothing was changed."),
        "{shown}"
    );
    assert!(shown.contains("keep_last"), "{shown}");

    let refused = host.freezerd(&rules).exits(64);
    assert!(refused.stderr().contains("--yes"), "{}", refused.stderr());
    assert_eq!(held(&host), before);

    let shown = host.freezerd(&with(&["--yes"])).exits(0).stdout();
    assert!(shown.contains("Removed 2 snapshots."), "{shown}");
    assert_eq!(held(&host), before[2..]);
    let shown = host.freezerd(&with(&["--yes"])).exits(0).stdout();
    assert!(shown.contains("There is nothing to remove."), "{shown}");
}

#[test]
fn forget_has_the_rules_of_the_job_and_says_where_there_are_none() {
    let host = host();
    put(&host, json!({}));
    for _ in 0..3 {
        run_anew(&host);
    }
    let refused = host.freezerd(&["forget", "save", "--dry-run"]).exits(66);
    assert!(
        refused.stderr().contains("--keep-daily"),
        "{}",
        refused.stderr()
    );
    let container = host.path("container");
    let of_container = [
        "forget",
        "--dry-run",
        "--container",
        container.to_str().unwrap(),
    ];
    let refused = host.freezerd(&of_container).exits(64);
    assert!(
        refused.stderr().contains("--keep-daily"),
        "{}",
        refused.stderr()
    );

    // A rule that keeps nothing is none, and the rules of the job do not take its place.
    let refused = host.freezerd(&["forget", "save", "--keep-last", "0"]);
    let said = refused.exits(64).stderr();
    assert!(said.contains("with 0 keeps nothing"), "{said}");

    put(&host, json!({"keep_last": 5}));
    run_anew(&host);
    put(&host, json!({"keep_last": 3}));
    let daemon = host.start();
    daemon.run_of("save");
    drop(daemon);
    let dry = host.json(&["forget", "save", "--dry-run"]);
    assert_eq!(dry["removals"][0]["action"], 1);
    assert!(to_go(&dry).is_empty(), "{dry:#}");
}

#[test]
fn a_pinned_snapshot_stays_until_it_is_unpinned() {
    let host = host();
    put(&host, json!({"keep_last": 1}));
    run_anew(&host);
    let first = held(&host)[0].clone();
    let pinned = host.json(&["pin", &first[..8]]);
    let new = pinned["snapshots"][0]["new_id"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(held(&host), std::slice::from_ref(&new));
    let again = host.freezerd(&["pin", &new[..8]]).exits(0).stdout();
    assert!(again.contains("pinned already"), "{again}");
    for restic in restics() {
        let shown = restic.run(&host.path("container"), &["snapshots", "--tag", "pinned"]);
        assert!(shown.contains(&new[..8]), "{shown}");
    }
    run_anew(&host);
    run_anew(&host);
    let now_held = held(&host);
    assert_eq!((now_held.len(), &now_held[0]), (2, &new));
    let list = host.freezerd(&["snapshots", "save"]).exits(0).stdout();
    assert!(list.contains("pinned"), "{list}");

    let unpinned = host.json(&["unpin", &new[..8], "--job", "save"]);
    assert_eq!(unpinned["snapshots"][0]["pinned"], false);
    run_anew(&host);
    assert_eq!(held(&host).len(), 1);
    // A job that has made no backup yet does not hide that the id is wrong.
    let mut later = backup(&host.path("source"), &host.path("none-yet"));
    later["freezer_action"]["encrypt_pass_file"] = json!(host.path("pass"));
    host.put("later", someday(vec![later]));
    host.once();
    let refused = host.freezerd(&["pin", "0123456789ab"]).exits(66);
    assert!(
        refused.stderr().contains("0123456789ab"),
        "{}",
        refused.stderr()
    );
}

#[test]
fn the_day_of_a_snapshot_is_one_of_the_zone_of_its_job() {
    let host = host();
    let mut save = backup(&host.path("source"), &host.path("container"));
    save["freezer_action"]["encrypt_pass_file"] = json!(host.path("pass"));
    let mut job = now(vec![save]);
    job["job_schedule"]["schedule_timezone"] = json!("Asia/Kathmandu");
    host.put("save", job);
    host.once().exits(0);
    for restic in restics() {
        let listed = restic.run(&host.path("container"), &["snapshots", "--json"]);
        let listed: Value = serde_json::from_str(&listed).unwrap();
        let time = listed[0]["time"].as_str().unwrap();
        assert!(time.ends_with("+05:45"), "{time}");
    }
}

#[test]
fn retention_shows_what_the_rules_will_keep() {
    let host = host();
    let mut save = backup(&host.path("source"), &host.path("container"));
    save["freezer_action"]["keep_daily"] = json!(7);
    save["freezer_action"]["keep_monthly"] = json!(3);
    let nightly = |hour: &str| {
        json!({
            "job_actions": [save],
            "job_schedule": {"schedule_hour": hour, "schedule_timezone": "UTC"},
        })
    };
    host.put("save", nightly("3"));
    host.put("once", now(vec![save.clone()]));
    let daemon = host.start();
    daemon.run_of("once");
    drop(daemon);
    let seen = host.json(&["retention", "save", "--for", "2y"]);
    let states = seen["forecasts"][0]["states"].as_array().unwrap();
    let last = states.last().unwrap();
    // A day may have a snapshot that is that of its month, too.
    let kept = last["snapshots"].as_u64().unwrap();
    assert!((8..=10).contains(&kept), "{last:#}");
    let runs = last["runs"].as_u64().unwrap();
    assert!((729..=732).contains(&runs), "{runs}");
    assert!(last["bytes_least"].as_u64() <= last["bytes_most"].as_u64());

    let shown = host.freezerd(&["retention", "save", "--for", "2y", "--keep-last", "5"]);
    let shown = shown.exits(0).stdout();
    let end: Vec<&str> = shown
        .lines()
        .filter(|line| line.starts_with("in 2y"))
        .collect();
    assert_eq!(end[0].split_whitespace().nth(3), Some("5"), "{shown}");
    assert!(shown.contains("##"), "{shown}");
    let refused = host
        .freezerd(&["retention", "once", "--for", "2y"])
        .exits(66);
    assert!(
        refused.stderr().contains("will not run again"),
        "{}",
        refused.stderr()
    );
}

#[test]
fn the_space_in_a_forecast_is_what_the_snapshots_take_though_the_first_one_is_gone() {
    let host = host();
    let mut save = backup(&host.path("source"), &host.path("container"));
    save["freezer_action"]["keep_last"] = json!(1);
    let large: Vec<u8> = (0..300_000_u32)
        .flat_map(|number| (number.wrapping_mul(0x9e37_79b9) ^ (number >> 3)).to_be_bytes())
        .collect();
    std::fs::write(host.path("source/large"), large).unwrap();
    let nightly = json!({"schedule_hour": "3", "schedule_timezone": "UTC"});
    host.put(
        "save",
        json!({"job_actions": [save], "job_schedule": nightly}),
    );
    let daemon = host.start();
    for text in ["one", "two"] {
        std::fs::write(host.path("source/small"), text).unwrap();
        host.freezerd(&["trigger", "save", "--wait"]).exits(0);
    }
    drop(daemon);
    let seen = host.json(&["retention", "save", "--for", "7d"]);
    let states = seen["forecasts"][0]["states"].as_array().unwrap();
    assert_eq!(states[0]["snapshots"], 1, "the first one is gone");
    let stored = host.json(&["stats", "save"])["data"]["stored_size"].as_u64();
    assert!(stored > Some(100_000), "{stored:?}");
    for bytes in ["bytes_least", "bytes_most"] {
        assert_eq!(states[0][bytes].as_u64(), stored, "{states:#?}");
        assert!(states[1][bytes].as_u64() >= stored, "{states:#?}");
    }
}

#[test]
fn forget_keeps_what_restic_forget_keeps() {
    let host = host();
    let container = host.path("container");
    init(&container);
    let times = [
        "2024-02-29 23:30:00",
        "2024-12-31 12:00:00",
        "2025-01-01 00:30:00",
        "2025-06-30 23:59:59",
        "2025-10-26 02:30:00",
        "2025-10-26 12:00:00",
        "2025-11-02 23:00:00",
        "2025-11-03 01:00:00",
        "2025-11-03 01:30:00",
        "2025-11-04 01:30:00",
    ];
    let restics = restics();
    let Some(newest) = restics.last() else {
        return;
    };
    for time in times {
        let source = host.path("source");
        let source = source.to_str().unwrap();
        let made = newest
            .command(&container, PASSWORD)
            .env("TZ", "Europe/Berlin")
            .args(["backup", "--quiet", "--host", "web", "--time", time, source])
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");
    }
    let pass = host.path("pass");
    for rules in [
        &["--keep-last", "3"][..],
        &["--keep-daily", "4"],
        &["--keep-hourly", "2", "--keep-weekly", "3"],
        &["--keep-monthly", "unlimited"],
        &["--keep-yearly", "9"],
        &["--keep-within", "10d"],
        &["--keep-within-monthly", "1y", "--keep-last", "1"],
    ] {
        let own = [
            "forget",
            "--dry-run",
            "--container",
            container.to_str().unwrap(),
            "--encrypt-pass-file",
            pass.to_str().unwrap(),
        ];
        let own = host.json(&[&own[..], rules].concat());
        let judged = ["forget", "--dry-run", "--json"];
        let judged = newest.run(&container, &[&judged[..], rules].concat());
        let judged: Value = serde_json::from_str(judged.lines().next().unwrap()).unwrap();
        let removed = judged[0]["remove"].as_array().unwrap().iter();
        let removed: BTreeSet<String> = ids(removed).into_iter().collect();
        assert_eq!(to_go(&own), removed, "{rules:?}");
    }
}
