//! Files that are invalid, not trusted, or of another host.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use serde_json::json;

use super::{described, description, file_of};
use crate::harness::{Host, NOBODY, eventually, exec, is_root, now};

fn why_invalid(host: &Host, job: &str) -> String {
    host.show(job)["x-freezerd"]["invalid"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

#[test]
fn the_last_good_version_of_an_invalid_file_stays_scheduled_until_the_file_is_corrected() {
    let host = Host::new().job("a", described("good"));
    let daemon = host.start();
    let next = host.show("a")["x-freezerd"]["next"].clone();
    host.put_text("a.json", "{\"job_actions\": 7}");
    daemon.says("a", "goes on with its last good content");
    assert_eq!(host.state("a"), "scheduled//");
    assert_eq!(description(&host, "a"), "good");
    assert_eq!(host.show("a")["x-freezerd"]["next"], next);
    assert!(
        why_invalid(&host, "a").contains("job_actions"),
        "the reason is shown"
    );
    assert_eq!(host.not_loaded("a.json").unwrap()["state"], "invalid");
    host.trigger("a");
    assert!(
        daemon.run_of("a").message.contains("succeeded"),
        "it runs what it had"
    );
    host.put("a", described("corrected"));
    daemon.says("a", "changed from a.json");
    assert_eq!(description(&host, "a"), "corrected");
    assert_eq!(why_invalid(&host, "a"), "");
    assert_eq!(host.not_loaded("a.json"), None);
}

#[test]
fn a_bad_file_that_gets_its_old_content_back_is_no_longer_invalid() {
    let host = Host::new().job("a", described("good"));
    let daemon = host.start();
    host.put_text("a.json", "{");
    daemon.says("a", "goes on with its last good content");
    host.put("a", described("good"));
    eventually("the file is fine", || host.not_loaded("a.json").is_none());
    assert_eq!(host.state("a"), "scheduled//");
    assert_eq!(why_invalid(&host, "a"), "");
}

#[test]
fn the_last_good_version_stays_scheduled_over_a_restart() {
    let host = Host::new().job("a", described("good"));
    let daemon = host.start();
    host.put_text("a.json", "{");
    daemon.says("a", "goes on with its last good content");
    daemon.stop();
    let daemon = host.start();
    assert_eq!(host.state("a"), "scheduled//");
    assert_eq!(description(&host, "a"), "good");
    assert_eq!(host.not_loaded("a.json").unwrap()["state"], "invalid");
    host.trigger("a");
    assert!(daemon.run_of("a").message.contains("succeeded"));
}

#[test]
fn a_file_that_became_invalid_while_no_daemon_ran_keeps_its_job() {
    let host = Host::new().job("a", described("good"));
    host.start().stop();
    host.put_text("a.json", "");
    let daemon = host.start();
    assert_eq!(host.state("a"), "scheduled//");
    assert_eq!(host.not_loaded("a.json").unwrap()["state"], "invalid");
    host.delete("a");
    daemon.says("a", "gone");
    assert_eq!(host.not_loaded("a.json"), None);
}

#[test]
fn the_job_of_a_file_that_was_deleted_while_no_daemon_ran_is_gone() {
    let host = Host::new()
        .job("a", described("a"))
        .job("b", described("b"));
    host.start().stop();
    host.delete("a");
    let _daemon = host.start();
    assert_eq!(host.jobs(), ["b"]);
}

#[test]
fn bad_input_of_any_kind_is_reported_for_that_file_only() {
    let host = Host::new().job("good", described("good"));
    for (name, content) in [
        ("empty.json", ""),
        (
            "half.json",
            "{\"job_actions\": [{\"freezer_action\": {\"act",
        ),
        ("list.json", "[1, 2]"),
        (
            "types.json",
            "{\"job_actions\": {\"a\": 1}, \"job_schedule\": [], \"job_id\": {}}",
        ),
        ("unknown.json", "{\"job_actions\": [], \"job_shedule\": {}}"),
        ("deep.json", &"[".repeat(100_000)),
        ("zero.json", "\0\0\0"),
    ] {
        host.put_text(name, content);
    }
    fs::write(host.path("jobs.d/binary.json"), [0xff, 0xfe, 0x00, 0xd8]).unwrap();
    fs::write(host.path("jobs.d/large.json"), vec![b' '; 1024 * 1024 + 1]).unwrap();
    fs::create_dir(host.path("jobs.d/dir.json")).unwrap();
    symlink(host.path("jobs.d/good.json"), host.path("jobs.d/link.json")).unwrap();
    let _fifo = host.gate("jobs.d/fifo.json");
    let _socket = std::os::unix::net::UnixListener::bind(host.path("jobs.d/socket.json")).unwrap();
    let daemon = host.start();
    assert_eq!(host.jobs(), ["good"]);
    let list = host.json(&["list"]);
    let found: Vec<(&str, &str)> = list["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| {
            (
                file["file"].as_str().unwrap(),
                file["state"].as_str().unwrap(),
            )
        })
        .collect();
    let bad = [
        "binary.json",
        "deep.json",
        "dir.json",
        "empty.json",
        "fifo.json",
        "half.json",
        "large.json",
        "link.json",
        "list.json",
        "socket.json",
        "types.json",
        "unknown.json",
        "zero.json",
    ];
    assert_eq!(found, bad.map(|file| (file, "invalid")));
    for file in list["files"].as_array().unwrap() {
        assert!(!file["summary"].as_str().unwrap().is_empty());
        assert!(
            file["report"]
                .as_str()
                .unwrap()
                .contains(file["file"].as_str().unwrap()),
            "{file:#}"
        );
    }
    host.trigger("good");
    assert!(daemon.run_of("good").message.contains("succeeded"));
}

#[test]
fn a_file_that_the_daemon_cannot_read_is_invalid_and_the_message_says_what_to_do() {
    let Some(host) = Host::unprivileged() else {
        return;
    };
    host.put("good", described("good"));
    host.put("secret", described("secret"));
    let path = host.path("jobs.d/secret.json");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    let daemon = host.start();
    assert_eq!(host.jobs(), ["good"]);
    let entry = host.not_loaded("secret.json").unwrap();
    assert!(
        entry["report"].as_str().unwrap().contains("chmod"),
        "{entry:#}"
    );
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    daemon.says("secret", "loaded");
}

#[test]
fn a_file_that_others_can_write_to_is_refused_with_the_chmod_that_corrects_it() {
    let host = Host::new().job("a", described("good"));
    let daemon = host.start();
    let path = host.path("jobs.d/a.json");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
    daemon.says("a", "goes on with its last good content");
    assert!(
        why_invalid(&host, "a").contains("chmod"),
        "{}",
        why_invalid(&host, "a")
    );
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    eventually("the file is fine", || host.not_loaded("a.json").is_none());
}

#[test]
fn a_file_of_a_user_who_is_not_trusted_is_refused_unless_trusted_owners_names_the_user() {
    if !is_root() {
        println!("SKIPPED: only root can give a file to another user");
        return;
    }
    let host = Host::new().job("a", described("theirs"));
    std::os::unix::fs::chown(host.path("jobs.d/a.json"), Some(NOBODY), None).unwrap();
    let daemon = host.start();
    assert!(host.jobs().is_empty());
    let entry = host.not_loaded("a.json").unwrap();
    assert!(
        entry["report"].as_str().unwrap().contains("chown root"),
        "{entry:#}"
    );
    daemon.stop();
    let host = host.env("FREEZERD_TRUSTED_OWNERS", &NOBODY.to_string());
    let _daemon = host.start();
    assert_eq!(host.jobs(), ["a"]);
}

#[test]
fn of_two_files_with_one_job_id_the_first_keeps_it_and_the_other_is_invalid_naming_the_first() {
    let named = |description: &str| {
        let mut job = described(description);
        job["job_id"] = json!("same");
        job
    };
    let host = Host::new().job("z-first", named("first"));
    let daemon = host.start();
    host.put("a-second", named("second"));
    daemon.until(|line| line.message.contains("a-second.json is not a valid job"));
    assert_eq!(file_of(&host, "same"), "z-first.json");
    let entry = host.not_loaded("a-second.json").unwrap();
    assert!(
        entry["summary"].as_str().unwrap().contains("z-first.json"),
        "{entry:#}"
    );
    daemon.stop();
    let daemon = host.start();
    assert_eq!(
        file_of(&host, "same"),
        "z-first.json",
        "it keeps it over a restart"
    );
    host.delete("z-first");
    daemon.says("same", "changed from a-second.json");
    assert_eq!(
        description(&host, "same"),
        "second",
        "and the other takes over when it lets go"
    );
    assert_eq!(host.not_loaded("a-second.json"), None);
}

#[test]
fn a_job_of_another_client_is_listed_as_foreign_and_not_run() {
    let host = Host::new();
    let daemon = host.start();
    let mut job = now(vec![exec(&format!(
        "touch '{}'",
        host.path("ran").display()
    ))]);
    job["client_id"] = json!("otherhost");
    host.put("theirs", job.clone());
    daemon.says("theirs", "is a job of otherhost");
    assert!(host.jobs().is_empty());
    let entry = host.not_loaded("theirs.json").unwrap();
    assert_eq!(
        (&entry["state"], &entry["client_id"]),
        (&json!("foreign"), &json!("otherhost"))
    );
    let said = host.freezerd(&["trigger", "theirs"]).exits(66).stderr();
    assert!(said.contains("a job of the host otherhost"), "{said}");
    job["client_id"] = json!("testhost");
    host.put("theirs", job);
    daemon.run_of("theirs");
    assert!(host.path("ran").exists(), "a job of this client is run");
}
