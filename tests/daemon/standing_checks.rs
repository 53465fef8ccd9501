//! Checks that the settings ask for: jobs without a file.

use std::fs;

use chrono::{TimeDelta, Utc};
use serde_json::{Value, json};

use crate::harness::{Host, backup, eventually, someday};

/// A host whose job `www` backs up to a container, and which checks what no job checks.
fn host() -> Host {
    let host = Host::new().env("FREEZERD_CHECK_EVERY", "week");
    host.file("work/file", "content");
    host.put("www", backs_up(&host));
    host
}

fn backs_up(host: &Host) -> Value {
    someday(vec![backup(&host.path("work"), &host.path("container"))])
}

fn check_action(host: &Host) -> Value {
    json!({"freezer_action": {"action": "check", "container": host.path("container")}})
}

/// The check of the container.
fn check(host: &Host) -> Option<String> {
    let mut jobs = host.jobs();
    jobs.retain(|job| job.starts_with("check-"));
    assert!(jobs.len() <= 1, "{jobs:?}");
    jobs.pop()
}

#[test]
fn a_container_that_no_job_checks_is_checked_each_week_within_the_window() {
    let host = host().env("FREEZERD_CHECK_WINDOW", "02:00-03:30");
    let daemon = host.start();
    let job = check(&host).unwrap();
    let next = host.show(&job)["x-freezerd"]["next"]
        .as_str()
        .unwrap()
        .to_owned();
    let hour = &next[11..16];
    assert!(("02:00".."03:30").contains(&hour), "{next}");
    host.trigger("www");
    daemon.run_of("www");
    host.trigger(&job);
    let ended = daemon.run_of(&job).message;
    assert!(ended.contains("succeeded"), "{ended}");
    let shown = host.show(&job);
    assert!(
        shown["x-freezerd"]["file"]
            .as_str()
            .unwrap()
            .contains("settings"),
        "{shown}"
    );
    let status = host.json(&["status"]);
    let checks = &status["jobs"]
        .as_array()
        .unwrap()
        .iter()
        .find(|it| it["job_id"] == job.as_str())
        .unwrap()["data_checks"];
    assert_eq!(checks[0]["parts"], 12, "{status}");
    assert_eq!(checks[0]["parts_read"], 1, "{status}");
}

#[test]
fn checks_that_were_missed_are_made_up_for_once_also_outside_of_the_window() {
    // It is hours until the window begins.
    let begins = Utc::now() + TimeDelta::hours(12);
    let ends = begins + TimeDelta::hours(1);
    let window = format!("{}-{}", begins.format("%H:%M"), ends.format("%H:%M"));
    let host = host()
        .env("FREEZERD_CHECK_EVERY", "day")
        .env("FREEZERD_CHECK_WINDOW", &window);
    let daemon = host.start();
    let job = check(&host).unwrap();
    assert!(host.history(&job).is_empty());
    assert!(daemon.stop().success());
    host.sleep_through(&job, TimeDelta::days(3));
    let daemon = host.start();
    daemon.run_of(&job);
    let rows = host.history(&job);
    assert_eq!(rows.len(), 1, "{rows:#?}");
    assert_eq!(rows[0]["trigger"], "catch_up");
    assert_eq!(rows[0]["covers"], 3);
    assert_eq!(rows[0]["result"], "success");
}

#[test]
fn before_the_first_backup_there_is_nothing_to_check() {
    let host = host();
    let daemon = host.start();
    let job = check(&host).unwrap();
    host.trigger(&job);
    let ended = daemon.run_of(&job).message;
    assert!(ended.contains("succeeded"), "{ended}");
    let log = host.freezerd(&["log", &job]).exits(0).stdout();
    assert!(log.contains("no repository"), "{log}");
    // What is no repository is not taken for a place without one.
    host.file("container/letter", "mine");
    host.trigger(&job);
    let ended = daemon.run_of(&job).message;
    assert!(ended.contains("failed"), "{ended}");
}

#[test]
fn a_check_of_a_job_takes_its_place_and_it_comes_back() {
    let host = host();
    let daemon = host.start();
    assert!(check(&host).is_some());
    host.put("own", someday(vec![check_action(&host)]));
    daemon.says("own", "loaded");
    eventually("the check of the settings is gone", || {
        check(&host).is_none()
    });
    host.delete("own");
    eventually("the check of the settings is back", || {
        check(&host).is_some()
    });
    host.delete("www");
    eventually("there is nothing to check", || check(&host).is_none());
}

#[test]
fn what_was_read_is_remembered_over_a_restart_and_forgotten_with_the_setting() {
    let host = host();
    let parts_read = || {
        let job = check(&host).unwrap();
        let shown = host.json(&["status"]);
        let jobs = shown["jobs"].as_array().unwrap().clone();
        let job = jobs.into_iter().find(|it| it["job_id"] == job.as_str());
        job.unwrap()["data_checks"][0]["parts_read"].as_u64()
    };
    let daemon = host.start();
    host.trigger("www");
    daemon.run_of("www");
    for read in 1..=2 {
        let job = check(&host).unwrap();
        host.trigger(&job);
        daemon.run_of(&job);
        assert_eq!(parts_read(), Some(read));
    }
    daemon.stop();
    let daemon = host.start();
    assert_eq!(parts_read(), Some(2));
    daemon.stop();
    let host = host.env("FREEZERD_CHECK_EVERY", "never");
    host.start().stop();
    assert_eq!(host.jobs(), ["www"]);
}

#[test]
fn a_job_with_the_id_of_such_a_check_takes_it_over() {
    let host = host();
    let daemon = host.start();
    let id = check(&host).unwrap();
    host.put(
        &id,
        someday(vec![
            json!({"freezer_action": {"action": "exec", "command": "true"}}),
        ]),
    );
    daemon.says(&id, "changed");
    assert_eq!(host.show(&id)["x-freezerd"]["file"], format!("{id}.json"));
    host.delete(&id);
    eventually("the check of the settings is back", || {
        check(&host)
            .is_some_and(|job| host.show(&job)["x-freezerd"]["file"] != format!("{id}.json"))
    });
}

#[test]
fn such_a_check_has_no_file_to_edit() {
    let host = host();
    let _daemon = host.start();
    let id = check(&host).unwrap();
    let refused = host.freezerd(&["edit", &id]).exits(66).stderr();
    assert!(refused.contains("check_every"), "{refused}");
    assert_eq!(fs::read_dir(host.path("jobs.d")).unwrap().count(), 1);
}

/// What `doctor` says of the checks of the container.
fn told(host: &Host) -> (String, String) {
    let found = host
        .freezerd(&["doctor", "--no-containers", "--json"])
        .json();
    let findings = found["findings"].as_array().unwrap();
    let of_checks = |it: &&Value| it["check"] == "check";
    let found: Vec<&Value> = findings.iter().filter(of_checks).collect();
    assert_eq!(found.len(), 1, "{findings:#?}");
    let text = |key: &str| found[0][key].as_str().unwrap().to_owned();
    (text("level"), text("message"))
}

#[test]
fn doctor_says_how_each_container_is_checked_and_what_that_costs() {
    let host = host();
    let daemon = host.start();
    let job = check(&host).unwrap();
    let (level, message) = told(&host);
    assert_eq!(level, "ok");
    assert!(message.contains("has not done so yet"), "{message}");
    host.trigger("www");
    daemon.run_of("www");
    host.trigger(&job);
    daemon.run_of(&job);
    let (level, message) = told(&host);
    assert_eq!(level, "ok");
    for part in [
        "checked it 0",
        "1 of 12 parts of the data were read back so far",
        "B the last time",
        &format!("`freezerd stop {job}`"),
    ] {
        assert!(message.contains(part), "{part}: {message}");
    }
    assert!(daemon.stop().success());
    let host = host.env("FREEZERD_CHECK_EVERY", "never");
    host.start().stop();
    let (level, message) = told(&host);
    assert_eq!(
        (level.as_str(), message.as_str()),
        ("info", "no job checks it")
    );
}

#[test]
fn a_check_that_somebody_stopped_stays_stopped_over_restarts_and_changes() {
    let host = host();
    let daemon = host.start();
    let job = check(&host).unwrap();
    host.ask("stop", &job);
    assert_eq!(host.schedule(&job)["status"], "stop");
    // Another backup to the container, which comes first, and a change of the one that there was.
    let mut first = backs_up(&host);
    first["job_actions"][0]["freezer_action"]["backup_name"] = json!("first");
    host.put("a-first", first);
    daemon.says("a-first", "loaded");
    let mut other = backs_up(&host);
    other["job_actions"][0]["freezer_action"]["exclude"] = json!(["x"]);
    host.put("www", other);
    daemon.says("www", "changed");
    assert_eq!(host.schedule(&job)["status"], "stop");
    assert!(daemon.stop().success());
    let host = host.env("FREEZERD_CHECK_EVERY", "day");
    let daemon = host.start();
    daemon.looks(&host);
    assert_eq!(check(&host).as_ref(), Some(&job));
    assert_eq!(host.schedule(&job)["status"], "stop");
    let (level, message) = told(&host);
    assert_eq!(level, "info");
    assert!(
        message.contains(&format!("somebody stopped {job}")),
        "{message}"
    );
    host.ask("start", &job);
    assert_eq!(host.schedule(&job)["status"], "scheduled");
}

#[test]
fn a_check_of_a_repository_that_is_gone_or_lost_its_snapshots_is_a_failure() {
    let host = host();
    let daemon = host.start();
    let job = check(&host).unwrap();
    host.trigger("www");
    daemon.run_of("www");
    let container = host.path("container");
    let ends = |word: &str| {
        let number = host.trigger(&job);
        daemon.until(|line| {
            line.message.starts_with(&format!("run {number} ")) && line.message.contains(word)
        });
        host.freezerd(&["log", &number.to_string()])
            .exits(0)
            .stdout()
    };
    ends("succeeded");

    let away = host.path("away");
    fs::rename(&container, &away).unwrap();
    let said = ends("failed");
    assert!(said.contains("is gone"), "{said}");
    fs::rename(&away, &container).unwrap();

    let snapshots = container.join("snapshots");
    fs::rename(&snapshots, &away).unwrap();
    fs::create_dir(&snapshots).unwrap();
    let said = ends("failed");
    assert!(said.contains("has no snapshot any more"), "{said}");
    fs::remove_dir(&snapshots).unwrap();
    fs::rename(&away, &snapshots).unwrap();
    ends("succeeded");
}
