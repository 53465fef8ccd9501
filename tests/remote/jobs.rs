//! All that works on a local container works on a server.

use std::path::Path;

use chrono::{DateTime, Datelike, TimeDelta, Utc};
use serde_json::json;

use crate::harness::{Host, eventually, now};
use crate::rest_server::Server;
use crate::restic_support::{PASSWORD, restics};
use crate::site::{
    CONTAINER, action, assert_clean_for_restic, files, for_restic, host, restored, saved,
};

/// Runs a job with these actions, and returns the log.
#[track_caller]
fn run(host: &Host, name: &str, actions: Vec<serde_json::Value>) -> String {
    host.put(name, now(actions));
    host.once().exits(0);
    host.freezerd(&["log", name]).exits(0).stdout()
}

#[test]
fn backup_restore_check_and_removal_work_on_a_server_and_restic_reads_it() {
    let Some(server) = Server::start() else {
        return;
    };
    let host = host(&server.address(""), "");
    let log = run(&host, "first", vec![saved(&host)]);
    assert!(log.contains("created a repository in rest:http://127.0.0.1:"));
    assert_clean_for_restic(&for_restic(&server), 1);

    host.file("source/letter", "Dear reader, once more");
    let actions = vec![
        saved(&host),
        restored(&host),
        action(&host, json!({"action": "check", "read_data": true})),
        action(&host, json!({"action": "info"})),
    ];
    let log = run(&host, "second", actions);
    assert!(log.contains("2 snapshots in the container rest:"), "{log}");
    assert_eq!(files(&host.path("source")), files(&host.path("target")));
    assert_clean_for_restic(&for_restic(&server), 2);
    let of = |job: &str, what: &str| {
        let status = host.json(&["status"]);
        let mut jobs = status["jobs"].as_array().unwrap().iter();
        let job = jobs.find(|it| it["job_id"] == job).unwrap();
        job[what][0].clone()
    };
    assert_eq!(of("second", "data_checks")["storage"], "offsite");

    let removal = json!({"action": "admin", "backup_name": "data", "remove_older_than": 1e-9});
    run(&host, "third", vec![action(&host, removal)]);
    assert_clean_for_restic(&for_restic(&server), 1);
    assert_eq!(of("third", "prunes")["storage"], "offsite");
    let left: Vec<_> = std::fs::read_dir(server.files("hosts/web 1/locks"))
        .unwrap()
        .collect();
    assert!(left.is_empty(), "{left:?}");
    // No password is a part of the name of a container.
    let shown = host
        .freezerd(&["show", "first", "--json"])
        .exits(0)
        .stdout();
    assert!(shown.contains("offsite"), "{shown}");
}

#[test]
fn freezerd_restores_what_restic_backed_up_to_the_server() {
    let Some(server) = Server::start() else {
        return;
    };
    let host = host(&server.address(""), "");
    let name = for_restic(&server);
    let repository = Path::new(&name);
    let Some(restic) = restics().pop() else {
        return;
    };
    restic.run(repository, &["init"]);
    let source = host.path("source");
    restic.run(
        repository,
        &["backup", "--host", "other", source.to_str().unwrap()],
    );
    let listed = host.json(&in_storage(&host, &["snapshots"]));
    let id = listed["snapshots"][0]["id"].as_str().unwrap().to_owned();
    let target = host.path("target");
    let to = ["--to", target.to_str().unwrap(), "--snapshot", &id];
    host.freezerd(&in_storage(&host, &[&["restore"], &to[..]].concat()))
        .exits(0);
    assert_eq!(files(&source), files(&target));
    // And a backup beside it uses what is there.
    run(&host, "save", vec![saved(&host)]);
    assert_clean_for_restic(&name, 2);
}

/// A command on the container of the storage.
fn in_storage<'a>(host: &Host, words: &[&'a str]) -> Vec<&'a str> {
    let pass: &'static str = Box::leak(host.path("pass").display().to_string().into_boxed_str());
    let mut all = words.to_vec();
    all.extend(["--storage", "offsite", "--container", CONTAINER]);
    all.extend(["--encrypt-pass-file", pass]);
    all
}

#[test]
fn the_commands_that_look_inside_take_a_job_or_a_storage() {
    let Some(server) = Server::start() else {
        return;
    };
    let host = host(&server.address(""), "");
    run(&host, "save", vec![saved(&host)]);
    for words in [vec!["snapshots", "save"], in_storage(&host, &["snapshots"])] {
        let listed = host.json(&words);
        assert_eq!(listed["snapshots"].as_array().unwrap().len(), 1);
    }
    let listed = host.freezerd(&["ls", "save"]).exits(0).stdout();
    assert!(listed.contains("source"), "{listed}");
    let letter = host.path("source/letter").display().to_string();
    let dumped = host.freezerd(&["dump", "save", &letter]);
    assert_eq!(dumped.exits(0).stdout(), "Dear reader");
    host.freezerd(&["stats", "save"]).exits(0);
    host.freezerd(&["unlock", "save"]).exits(0);
    let keys = host.json(&["key", "list", "save"]);
    assert!(
        keys.to_string().contains("testhost") || keys.to_string().contains("id"),
        "{keys}"
    );
    let ran = host.freezerd(&["snapshots", "--storage", "nowhere", "--container", "x"]);
    assert!(ran.stderr().contains("there is no such storage"));
    let ran = host.freezerd(&["snapshots", "--storage", "offsite", "--container", "/srv"]);
    assert!(ran.stderr().contains("a container has a name"));
}

/// Content that takes a second at 400K.
fn write_noise(host: &Host) {
    let mut random = fastrand::Rng::with_seed(1);
    let noise: Vec<u8> = std::iter::repeat_with(|| random.u8(..))
        .take(400_000)
        .collect();
    std::fs::write(host.path("source/noise"), noise).unwrap();
}

/// Runs a job with this action, which a limit of 400K slows down. Returns the log.
#[track_caller]
fn run_slowly(host: &Host, action: serde_json::Value) -> String {
    let started = std::time::Instant::now();
    let log = run(host, "slow", vec![action]);
    let took = started.elapsed();
    assert!(took >= std::time::Duration::from_millis(850), "{took:?}");
    log
}

#[test]
fn the_limits_of_a_job_hold_on_the_line() {
    let Some(server) = Server::start() else {
        return;
    };
    let host = host(&server.address(""), "");
    write_noise(&host);
    let mut limited = saved(&host);
    limited["freezer_action"]["upload_limit"] = json!("400K");
    run_slowly(&host, limited);
}

#[test]
fn the_progress_tells_what_went_over_the_line_and_how_fast() {
    let Some(server) = Server::start() else {
        return;
    };
    let host = host(&server.address(""), "");
    write_noise(&host);
    let mut slow = saved(&host);
    slow["freezer_action"]["upload_limit"] = json!("50K");
    host.put("slow", now(vec![slow]));
    let _daemon = host.start();
    let progress = || host.show("slow")["x-freezerd"]["progress"].clone();
    eventually("a part is sent", || {
        let traffic = &progress()["traffic"];
        traffic["sent"].as_u64() > Some(60_000) && traffic["sent_per_second"].as_u64() > Some(0)
    });
    let now = progress();
    let sent = now["traffic"]["sent"].as_u64().unwrap();
    assert!(sent < now["bytes_done"].as_u64().unwrap(), "{now:#}");
    let shown = host.freezerd(&["list"]).exits(0).stdout();
    assert!(shown.contains(" kB sent ("), "{shown}");
}

#[test]
fn the_limits_of_a_storage_hold_on_the_line() {
    let Some(server) = Server::start() else {
        return;
    };
    let windows = "upload_limit = [\"mon-fri 400K\", \"sat,sun 400K\"]";
    let host = host(&server.address(""), windows);
    write_noise(&host);
    let log = run_slowly(&host, saved(&host));
    assert!(log.contains("the limit of the storage"), "{log}");
}

#[test]
fn the_limits_of_the_settings_hold_on_the_line_unless_the_action_lifts_them() {
    let Some(server) = Server::start() else {
        return;
    };
    let windows = "mon-fri 400K, sat,sun 400K";
    let host = host(&server.address(""), "").env("FREEZERD_UPLOAD_LIMIT", windows);
    write_noise(&host);
    let log = run_slowly(&host, saved(&host));
    assert!(log.contains("the limit of the settings"), "{log}");
    let mut free = saved(&host);
    free["freezer_action"]["upload_limit"] = json!("off");
    let log = run(&host, "free", vec![free]);
    assert!(!log.contains("the limit of"), "{log}");
}

#[test]
fn the_windows_of_the_settings_are_in_the_zone_of_the_job_or_else_in_that_of_the_settings() {
    let Some(server) = Server::start() else {
        return;
    };
    // One zone is a day before the other: each day has a rate of its own.
    const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let windows = DAYS.iter().zip(1..);
    let windows: Vec<String> = windows
        .map(|(day, rate)| format!("{day} {rate}M"))
        .collect();
    let host = host(&server.address(""), "")
        .env("FREEZERD_UPLOAD_LIMIT", &windows.join(", "))
        .env("FREEZERD_TIMEZONE", "Etc/GMT+12");
    let told_at = |hours: i64, at: DateTime<Utc>| {
        let day = (at + TimeDelta::hours(hours)).weekday();
        format!(
            "at most {} MiB/s to the container now",
            day.number_from_monday()
        )
    };
    let mut named = now(vec![saved(&host)]);
    named["job_schedule"]["schedule_timezone"] = json!("Etc/GMT-12");
    for (name, job, hours) in [
        ("named", named, 12),
        ("plain", now(vec![saved(&host)]), -12),
    ] {
        let before = Utc::now();
        host.put(name, job);
        host.once().exits(0);
        let log = host.freezerd(&["log", name]).exits(0).stdout();
        // Midnight may come meanwhile.
        let told = [before, Utc::now()].map(|at| told_at(hours, at));
        assert!(
            told.iter().any(|told| log.contains(told)),
            "{told:?}: {log}"
        );
    }
}

/// A restic that ends with the test.
struct Reader(std::process::Child);

impl Drop for Reader {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn restic_and_a_job_lock_each_other_out() {
    let Some(server) = Server::start() else {
        return;
    };
    let host = host(&server.address(""), "");
    run(&host, "save", vec![saved(&host)]);
    let Some(restic) = restics().pop() else {
        return;
    };
    let name = for_restic(&server);
    // A prune of freezerd waits while restic reads.
    let mut reader = Reader(
        restic
            .command(Path::new(&name), PASSWORD)
            .args(["backup", "--stdin", "--host", "other"])
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap(),
    );
    let locks = server.files("hosts/web 1/locks");
    crate::harness::eventually("restic locks", || {
        std::fs::read_dir(&locks).unwrap().count() == 1
    });
    let removal = json!({"action": "admin", "backup_name": "data", "remove_older_than": 1e-9});
    let daemon = host.start();
    host.put("clean", now(vec![action(&host, removal)]));
    crate::harness::eventually("freezerd waits", || {
        let shown = host.freezerd(&["show", "clean", "--json"]);
        shown.code() == 0 && !shown.json()["x-freezerd"]["progress"]["waiting"].is_null()
    });
    {
        use std::io::Write;
        let mut stdin = reader.0.stdin.take().unwrap();
        stdin.write_all(b"what restic saves").unwrap();
    }
    assert!(reader.0.wait().unwrap().success());
    let end = daemon.run_of("clean");
    assert!(end.message.contains("succeeded"), "{}", end.message);
    assert_clean_for_restic(&name, 2);
}
