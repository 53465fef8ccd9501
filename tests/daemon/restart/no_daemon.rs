//! Commands and events while no daemon runs, and a second daemon beside the first.

use std::fs;
use std::path::Path;

use chrono::Utc;
use serde_json::json;

use crate::harness::{Host, eventually, exec, now, someday};

#[test]
fn an_event_that_a_killed_daemon_did_not_handle_is_handled_once_by_the_next_one() {
    let host = Host::new().job("a", someday(vec![exec("true")]));
    host.start().stop();
    let event =
        json!({"id": "123-4", "command": "trigger", "job_id": "a", "by": "test", "at": Utc::now()});
    let leave = || fs::write(host.path("state/events/123-4.json"), event.to_string()).unwrap();
    leave();
    let daemon = host.start();
    daemon.run_of("a");
    eventually("it is cleared away", || {
        !host.path("state/events/123-4.json").exists()
    });
    leave();
    eventually("and so is one that was answered", || {
        !host.path("state/events/123-4.json").exists()
    });
    daemon.looks(&host);
    assert_eq!(host.history("a").len(), 1);
    fs::write(host.path("state/events/junk.json"), "{").unwrap();
    daemon.until(|line| line.message.contains("junk.json` is not an event"));
    eventually("it is set aside", || {
        host.path("state/events/junk.bad").exists()
    });
}

#[test]
fn a_second_daemon_on_the_same_state_directory_names_the_first() {
    let host = Host::new();
    let daemon = host.start();
    for arguments in [&["run"][..], &["run", "--once"]] {
        let said = host.freezerd(arguments).exits(75).stderr();
        assert!(said.contains(&format!("process {}", daemon.id())), "{said}");
        assert!(said.contains("--state-dir"), "{said}");
    }
    assert_eq!(
        host.json(&["list"])["daemon"],
        true,
        "the first one is none the worse"
    );
}

#[test]
fn without_a_daemon_commands_that_need_it_fail_at_once_and_those_that_read_answer() {
    let host = Host::new().job("a", now(vec![exec("true")]));
    host.once().exits(0);
    for command in ["start", "stop", "abort", "remove", "trigger"] {
        let said = host.freezerd(&[command, "a"]).exits(69).stderr();
        assert!(said.contains("freezerd run"), "{said}");
    }
    assert!(
        fs::read_dir(host.path("state/events"))
            .unwrap()
            .next()
            .is_none(),
        "nothing is left for later"
    );
    assert_eq!(host.state("a"), "stop//success");
    assert_eq!(host.history("a").len(), 1);
    host.freezerd(&["log", "a"]).exits(0);
    host.freezerd(&["next", "a"]).exits(0);
}

#[test]
fn commands_say_so_when_nothing_has_run_yet() {
    let host = Host::new();
    for arguments in [
        &["list"][..],
        &["history"],
        &["show", "a"],
        &["log", "1"],
        &["next"],
        &["trigger", "a"],
    ] {
        let said = host.freezerd(arguments).exits(66).stderr();
        assert!(said.contains("has not run"), "{said}");
    }
    assert!(
        !Path::new(&host.path("state")).exists(),
        "and they leave nothing behind"
    );
}
