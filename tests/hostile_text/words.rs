//! The command line, the environment, the configuration, and event files.

use std::fs;

use serde_json::json;

use crate::harness::{Host, eventually, exec, someday};
use crate::judge::{HOSTILE, judge, judge_every_command};

#[test]
fn words_of_the_command_line_are_harmless_in_errors() {
    let host = Host::new();
    for words in [
        &[HOSTILE][..],
        &["list", HOSTILE],
        &["list", &format!("--{HOSTILE}")],
        &["run", "--jobs-dir", HOSTILE, "--once"],
        &["run", "--log-level", HOSTILE],
        &["check", HOSTILE],
        &["show", HOSTILE],
        &["why", HOSTILE],
        &["explain", HOSTILE],
        &["trigger", HOSTILE],
        &["restore", HOSTILE, "--to", HOSTILE],
        &["snapshots", "--container", HOSTILE],
        &["ls", "--container", HOSTILE, HOSTILE],
        &["find", "--container", HOSTILE, HOSTILE],
        &["storage", "test", HOSTILE],
        &["state", "import", HOSTILE],
        &["new", HOSTILE],
        &["edit", HOSTILE],
        &["list", "--config", HOSTILE],
        &["list", "--state-dir", HOSTILE],
        &["status", "--metrics-dir", HOSTILE],
        &["copy", HOSTILE, "--to", HOSTILE],
        &["key", "list", "--container", HOSTILE],
        &["cache", "clear", HOSTILE],
    ] {
        judge(&words.join(" "), &host.freezerd(words));
        let with_json = [words, &["--json"]].concat();
        judge(&with_json.join(" "), &host.freezerd(&with_json));
    }
}

#[test]
fn settings_and_storages_with_hostile_names_and_values_are_harmless() {
    let quoted = serde_json::to_string(HOSTILE)
        .unwrap()
        .replace('\u{7f}', "\\u007f");
    for text in [
        format!("{quoted} = 1\n"),
        format!("memory_limit = {quoted}\n"),
        format!("jobs_dir = {quoted}\n"),
        format!("[storage.{quoted}]\nurl = {quoted}\n"),
        format!("[storage.a]\n{quoted} = {quoted}\n"),
        format!("[storage.a]\nkind = {quoted}\n"),
        format!("[storage.a]\nkind = \"local\"\npath = {quoted}\n"),
        HOSTILE.to_owned(),
    ] {
        let host = Host::new();
        host.file("freezerd.toml", &text);
        for words in [["config", "show"], ["storage", "list"], ["check", "--json"]] {
            judge(&format!("{text:?} {words:?}"), &host.freezerd(&words));
        }
    }
    for (name, value) in [
        ("FREEZERD_MEMORY_LIMIT", HOSTILE),
        ("FREEZERD_CLIENT_ID", HOSTILE),
        ("TZ", HOSTILE),
    ] {
        let host = Host::new()
            .env(name, value)
            .job("j", someday(vec![exec("true")]));
        judge(name, &host.freezerd(&["run", "--once"]));
        for words in [["config", "show"], ["doctor", "--json"], ["next", "j"]] {
            judge(&format!("{name} {words:?}"), &host.freezerd(&words));
        }
    }
}

#[test]
fn event_files_with_hostile_names_and_contents_are_harmless_in_log_and_commands() {
    let host = Host::new().job("j", someday(vec![exec("true")]));
    let daemon = host.start();
    let events = host.path("state/events");
    fs::write(events.join("a\x1b[31m\nforged.json"), HOSTILE).unwrap();
    let event = json!({"command": "trigger", "job_id": HOSTILE, "by": HOSTILE, "id": HOSTILE});
    fs::write(events.join("b.json"), event.to_string()).unwrap();
    fs::write(
        events.join("c.json"),
        json!({"command": HOSTILE}).to_string(),
    )
    .unwrap();
    eventually("all are set aside", || {
        let names = fs::read_dir(&events).unwrap();
        !names
            .flatten()
            .any(|it| it.file_name().to_string_lossy().ends_with(".json"))
    });
    host.trigger("j");
    daemon.run_of("j");
    crate::judge::assert_harmless("the daemon's log", daemon.log().as_bytes());
    drop(daemon);
    judge_every_command(&host);
}
