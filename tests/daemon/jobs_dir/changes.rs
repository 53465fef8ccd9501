//! Files that are added, changed, renamed and deleted.

use std::fs;
use std::time::{Duration, Instant};

use serde_json::json;

use super::{described, description, file_of};
use crate::harness::{Host, eventually, exec, now, someday};

#[test]
fn adding_changing_and_deleting_a_file_takes_effect_within_a_second() {
    let host = Host::new();
    let daemon = host.start();
    // A single try may be slow because the machine is busy with something else.
    let in_time = (0..5).any(|_| {
        let mut longest = Duration::ZERO;
        let mut time = |act: &dyn Fn(), says: &str| {
            let start = Instant::now();
            act();
            daemon.says("a", says);
            longest = longest.max(start.elapsed());
        };
        time(&|| host.put("a", described("old")), "loaded");
        time(&|| host.put("a", described("new")), "changed");
        time(&|| host.delete("a"), "gone");
        longest < Duration::from_secs(1)
    });
    assert!(in_time);
}

#[test]
fn a_changed_file_changes_its_job() {
    let host = Host::new().job("a", described("old"));
    let daemon = host.start();
    host.put("a", described("new"));
    daemon.says("a", "changed from a.json");
    assert_eq!(description(&host, "a"), "new");
}

#[test]
fn the_job_of_a_deleted_file_is_gone_and_its_history_stays() {
    let host = Host::new();
    let daemon = host.start();
    host.put("a", now(vec![exec("true")]));
    daemon.run_of("a");
    host.delete("a");
    daemon.says("a", "gone");
    host.freezerd(&["show", "a"]).exits(66);
    assert_eq!(host.history("a").len(), 1);
}

#[test]
fn a_renamed_file_with_the_same_job_id_keeps_its_state() {
    let mut job = described("the same");
    job["job_id"] = json!("kept");
    let host = Host::new().job("before", job);
    let daemon = host.start();
    host.trigger("kept");
    daemon.run_of("kept");
    host.ask("stop", "kept");
    let before = host.schedule("kept");
    fs::rename(
        host.path("jobs.d/before.json"),
        host.path("jobs.d/after.json"),
    )
    .unwrap();
    eventually("the new name", || file_of(&host, "kept") == "after.json");
    assert_eq!(host.schedule("kept"), before);
    assert!(!daemon.log().contains("kept: gone"));
    assert_eq!(host.jobs(), ["kept"]);
}

#[test]
fn a_file_whose_job_id_changes_is_another_job() {
    let named = |id: &str| {
        let mut job = described("x");
        job["job_id"] = json!(id);
        job
    };
    let host = Host::new().job("file", named("one"));
    let daemon = host.start();
    host.put("file", named("two"));
    daemon.says("one", "gone");
    daemon.says("two", "loaded");
    assert_eq!(host.jobs(), ["two"]);
}

#[test]
fn after_a_file_is_deleted_a_run_of_its_job_finishes_and_then_the_job_is_gone() {
    let host = Host::new();
    let gate = host.gate("gate");
    let host = host.job("a", someday(vec![gate.action(), exec("true")]));
    let daemon = host.start();
    let run = host.trigger("a");
    daemon.says("a", "exec");
    host.delete("a");
    daemon.looks(&host);
    assert_eq!(host.state("a"), "running//");
    gate.pass();
    let end = daemon.run_of("a");
    assert!(end.message.contains("succeeded"), "{}", end.message);
    daemon.says("a", "gone");
    assert!(host.jobs().is_empty());
    assert_eq!(host.run(run)["result"], "success");
}

#[test]
fn a_file_that_comes_back_before_the_run_has_ended_keeps_its_job() {
    let host = Host::new();
    let gate = host.gate("gate");
    let job = someday(vec![gate.action()]);
    let host = host.job("a", job.clone());
    let daemon = host.start();
    host.trigger("a");
    daemon.says("a", "exec");
    host.delete("a");
    daemon.looks(&host);
    host.put("a", job);
    daemon.looks(&host);
    gate.pass();
    daemon.run_of("a");
    daemon.looks(&host);
    assert_eq!(host.state("a"), "scheduled//success");
}

#[test]
fn a_run_continues_with_its_old_content_when_its_file_changes() {
    let host = Host::new();
    let gate = host.gate("gate");
    let mark = |word: &str| {
        exec(&format!(
            "echo {word} >> '{}'",
            host.path("marks").display()
        ))
    };
    host.put("a", someday(vec![gate.action(), mark("old")]));
    let daemon = host.start();
    host.trigger("a");
    daemon.says("a", "exec");
    host.put("a", someday(vec![mark("new")]));
    daemon.says("a", "changed");
    gate.pass();
    daemon.run_of("a");
    assert_eq!(host.read("marks"), "old\n");
    host.trigger("a");
    daemon.run_of("a");
    assert_eq!(host.read("marks"), "old\nnew\n");
}
