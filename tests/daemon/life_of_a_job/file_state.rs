//! The `status` and `event` in a job file.

use serde_json::json;

use super::{run_to_the_gate, scheduled};
use crate::harness::{Daemon, Host, someday};

#[test]
fn the_state_in_a_file_is_the_state_in_which_its_job_starts() {
    let host = Host::new();
    let said = json!({
        "schedule_date": "2999-01-01T00:00:00", "status": "stop", "event": "", "result": "fail",
        "time_created": 1_000_000_000, "time_started": 1_000_000_100, "time_ended": 1_000_000_200,
    });
    host.put("a", scheduled(said, "true"));
    for (job, key, word) in [
        ("completed", "status", "completed"),
        ("removed", "status", "removed"),
        ("running", "status", "running"),
        ("event-stop", "event", "stop"),
        ("event-remove", "event", "remove"),
        ("event-start", "event", "start"),
    ] {
        host.put(
            job,
            scheduled(
                json!({"schedule_date": "2999-01-01T00:00:00", key: word}),
                "true",
            ),
        );
    }
    let both = json!({"schedule_date": "2999-01-01T00:00:00", "status": "stop", "event": "start"});
    host.put("both", scheduled(both, "true"));
    let _daemon = host.start();
    let schedule = host.schedule("a");
    assert_eq!(host.state("a"), "stop//fail");
    assert_eq!(schedule["time_created"], 1_000_000_000);
    assert_eq!(schedule["time_started"], 1_000_000_100);
    assert_eq!(schedule["time_ended"], 1_000_000_200);
    for (job, state) in [
        ("completed", "stop//"),
        ("removed", "removed//"),
        ("running", "scheduled//"),
        ("event-stop", "stop//"),
        ("event-remove", "removed//"),
        ("event-start", "scheduled//"),
        ("both", "scheduled//"),
    ] {
        assert_eq!(host.state(job), state, "{job}");
    }
}

#[test]
fn an_event_or_status_in_a_file_takes_effect_again_only_when_it_changes() {
    let host = Host::new();
    let daemon = host.start();
    let mut count = 0;
    let mut say = |daemon: &Daemon, key: &str, word: &str| {
        count += 1;
        let mut job = scheduled(
            json!({"schedule_date": "2999-01-01T00:00:00", key: word}),
            "true",
        );
        job["description"] = json!(format!("content {count}"));
        host.put("a", job);
        daemon.says("a", if count == 1 { "loaded" } else { "changed" });
    };
    say(&daemon, "event", "stop");
    assert_eq!(host.state("a"), "stop//");
    host.ask("start", "a");
    say(&daemon, "event", "stop");
    assert_eq!(host.state("a"), "scheduled//", "it says nothing new");
    daemon.stop();
    let daemon = host.start();
    assert_eq!(host.state("a"), "scheduled//", "nor does a restart");
    say(&daemon, "event", "");
    assert_eq!(host.state("a"), "scheduled//");
    say(&daemon, "event", "stop");
    assert_eq!(host.state("a"), "stop//", "now it is new again");
    say(&daemon, "event", "start");
    assert_eq!(host.state("a"), "scheduled//");
    say(&daemon, "event", "remove");
    assert_eq!(host.state("a"), "removed//");
    say(&daemon, "status", "scheduled");
    assert_eq!(host.state("a"), "scheduled//");
    say(&daemon, "status", "stop");
    assert_eq!(host.state("a"), "stop//");
    say(&daemon, "status", "running");
    assert_eq!(
        host.state("a"),
        "stop//",
        "a file cannot say that something runs"
    );
}

#[test]
fn a_file_can_abort_a_run() {
    let host = Host::new();
    let gate = host.gate("gate");
    let mut job = someday(vec![gate.action()]);
    host.put("a", job.clone());
    let daemon = host.start();
    run_to_the_gate(&host, &daemon, "a");
    job["job_schedule"]["event"] = json!("abort");
    host.put("a", job);
    daemon.run_of("a");
    assert_eq!(host.state("a"), "stop//aborted");
}
