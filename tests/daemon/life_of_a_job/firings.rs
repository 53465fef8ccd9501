//! When a job runs, and what its state shows before, during and after a run.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::{Value, json};

use super::{exit_statuses, gated, instant, next, run_to_the_gate, scheduled};
use crate::harness::{Host, eventually, every, exec, now, once};

fn rfc3339(instant: DateTime<Utc>) -> String {
    instant.to_rfc3339_opts(SecondsFormat::Millis, true)
}

#[test]
fn a_finished_one_shot_shows_stop_with_its_result() {
    let host = Host::new();
    let daemon = host.start();
    host.put("good", now(vec![exec("true")]));
    host.put("bad", now(vec![exec("true"), exec("false")]));
    daemon.run_of("good");
    daemon.run_of("bad");
    assert_eq!(host.state("good"), "stop//success");
    assert_eq!(host.state("bad"), "stop//fail");
    assert_eq!(exit_statuses(&host.show("bad")), ["success", "fail"]);
    assert_eq!(next(&host, "good"), Value::Null);
}

#[test]
fn while_a_job_runs_time_started_is_set_and_time_ended_is_0() {
    let host = Host::new();
    let before = Utc::now().timestamp();
    let gate = gated(&host, "a");
    let daemon = host.start();
    let schedule = host.schedule("a");
    assert_eq!(
        (&schedule["time_started"], &schedule["time_ended"]),
        (&json!(0), &json!(0))
    );
    assert!(schedule["time_created"].as_i64().unwrap() >= before);
    run_to_the_gate(&host, &daemon, "a");
    let schedule = host.schedule("a");
    assert_eq!(schedule["status"], "running");
    assert!(schedule["time_started"].as_i64().unwrap() >= before);
    assert_eq!(schedule["time_ended"], 0);
    gate.pass();
    daemon.run_of("a");
    let schedule = host.schedule("a");
    assert!(schedule["time_ended"].as_i64() >= schedule["time_started"].as_i64());
    run_to_the_gate(&host, &daemon, "a");
    assert_eq!(
        host.schedule("a")["time_ended"],
        0,
        "the second run's end is not the first one's"
    );
}

#[test]
fn a_repeating_job_is_scheduled_again_after_its_run_and_shows_its_result() {
    let host = Host::new();
    let daemon = host.start();
    host.put("a", every("1 second", vec![exec("true")]));
    daemon.run_of("a");
    daemon.run_of("a");
    let schedule = host.schedule("a");
    assert!(["scheduled", "running"].contains(&schedule["status"].as_str().unwrap()));
    assert_eq!(schedule["result"], "success");
}

#[test]
fn a_schedule_that_is_over_leaves_the_job_stopped_with_its_last_result() {
    let host = Host::new();
    let daemon = host.start();
    let end = rfc3339(Utc::now() + TimeDelta::seconds(2));
    host.put(
        "a",
        scheduled(
            json!({"schedule_interval": "1 second", "schedule_end_date": end}),
            "true",
        ),
    );
    daemon.run_of("a");
    eventually("its end", || host.state("a") == "stop//success");
    assert!(instant(&host.history("a")[0]["due"]) <= end.parse::<DateTime<Utc>>().unwrap());
}

#[test]
fn a_date_runs_once_at_that_moment() {
    let host = Host::new();
    let daemon = host.start();
    let date = Utc::now() + TimeDelta::seconds(1);
    host.put(
        "a",
        scheduled(json!({"schedule_date": rfc3339(date)}), "true"),
    );
    daemon.run_of("a");
    let rows = host.history("a");
    assert_eq!(rows.len(), 1);
    assert_eq!(
        instant(&rows[0]["due"]),
        date.to_rfc3339_opts(SecondsFormat::Millis, true)
            .parse::<DateTime<Utc>>()
            .unwrap()
    );
    assert!(instant(&rows[0]["started"]) >= instant(&rows[0]["due"]));
}

#[test]
fn a_job_without_a_schedule_runs_once_two_seconds_after_it_is_loaded_and_not_again_at_restart() {
    let host = Host::new();
    let daemon = host.start();
    host.put("a", once(vec![exec("true")]));
    daemon.run_of("a");
    let (row, created) = (
        host.history("a")[0].clone(),
        host.schedule("a")["time_created"].clone(),
    );
    let waited = instant(&row["started"]).timestamp() - created.as_i64().unwrap();
    assert!(
        (2..=3).contains(&waited) || waited == 1,
        "it waited {waited} s"
    );
    daemon.stop();
    let daemon = host.start();
    assert_eq!(host.state("a"), "stop//success");
    daemon.looks(&host);
    assert_eq!(host.history("a").len(), 1);
}

#[test]
fn a_date_more_than_an_hour_ago_when_first_seen_does_not_run_and_the_log_says_so() {
    let host = Host::new();
    let date = rfc3339(Utc::now() - TimeDelta::minutes(61));
    host.put("a", scheduled(json!({"schedule_date": date}), "true"));
    let daemon = host.start();
    daemon.looks(&host);
    assert_eq!(host.state("a"), "stop//");
    let reason = host.show("a")["x-freezerd"]["reason"].clone();
    assert!(
        reason
            .as_str()
            .unwrap()
            .contains("passed by more than an hour"),
        "{reason}"
    );
    assert!(host.history("a").is_empty());
}

#[test]
fn a_date_less_than_an_hour_ago_when_first_seen_runs_as_a_catch_up() {
    let host = Host::new();
    let daemon = host.start();
    let date = rfc3339(Utc::now() - TimeDelta::minutes(55));
    host.put("a", scheduled(json!({"schedule_date": date}), "true"));
    daemon.run_of("a");
    let row = &host.history("a")[0];
    assert_eq!(row["trigger"], "catch_up");
    assert_eq!(instant(&row["due"]), date.parse::<DateTime<Utc>>().unwrap());
}

#[test]
fn the_same_occurrence_never_runs_twice_however_its_file_is_edited() {
    let host = Host::new();
    let daemon = host.start();
    let date = Utc::now() - TimeDelta::minutes(5);
    let mut job = scheduled(json!({"schedule_date": rfc3339(date)}), "true");
    host.put("a", job.clone());
    daemon.run_of("a");
    job["description"] = json!("another word");
    host.put("a", job.clone());
    daemon.says("a", "changed");
    // The same instant, written in another way.
    job["job_schedule"]["schedule_date"] = json!(rfc3339(date).replace('Z', "+00:00"));
    host.put("a", job.clone());
    daemon.says("a", "changed");
    daemon.looks(&host);
    assert_eq!(host.history("a").len(), 1);
    assert_eq!(host.state("a"), "stop//success");
    host.delete("a");
    daemon.says("a", "gone");
    host.put("a", job);
    daemon.says("a", "loaded");
    daemon.looks(&host);
    assert_eq!(
        host.history("a").len(),
        1,
        "not even when the file was away"
    );
    assert_eq!(host.schedule("a")["status"], "stop");
}

#[test]
fn jitter_delays_every_firing_by_the_same_time_on_one_host() {
    let host = Host::new();
    let date = "2999-01-01T00:00:00Z";
    host.put(
        "a",
        scheduled(
            json!({"schedule_date": date, "schedule_jitter": "1 hour"}),
            "true",
        ),
    );
    let daemon = host.start();
    let first = next(&host, "a");
    let delay = instant(&first) - date.parse::<DateTime<Utc>>().unwrap();
    assert!(
        delay >= TimeDelta::zero() && delay <= TimeDelta::hours(1),
        "{delay}"
    );
    daemon.stop();
    let daemon = host.start();
    assert_eq!(next(&host, "a"), first);
    daemon.stop();
    let host = host.env("FREEZERD_CLIENT_ID", "another");
    let _daemon = host.start();
    assert_ne!(next(&host, "a"), first, "and by another on another host");
}

#[test]
fn an_occurrence_that_becomes_due_while_the_job_runs_is_skipped_and_its_row_names_that_run() {
    let host = Host::new();
    let gate = host.gate("gate");
    let daemon = host.start();
    host.put("a", every("1 second", vec![gate.action()]));
    let run = daemon.says("a", "started").run;
    let skipped = daemon.says("a", "is skipped").run;
    let row = host.run(skipped);
    assert_eq!(row["state"], "skipped");
    assert_eq!(row["reason"], format!("run {run} was still going on"));
    assert!(instant(&row["due"]) > instant(&host.run(run)["due"]));
    assert_eq!(host.run(run)["state"], "running");
    gate.pass();
    daemon.run_of("a");
    let after = daemon.says("a", "started").run;
    assert!(
        after > skipped,
        "it goes on with the next firing, and does not make up for the skipped one"
    );
    let dues: Vec<DateTime<Utc>> = host
        .history("a")
        .iter()
        .map(|row| instant(&row["due"]))
        .collect();
    for pair in dues.windows(2) {
        assert!(pair[0] > pair[1], "each firing has one row: {dues:?}");
    }
}

#[test]
fn a_continuous_job_starts_again_one_second_after_its_last_run_ended() {
    let host = Host::new();
    let daemon = host.start();
    host.put("a", every("continuous", vec![exec("true")]));
    daemon.run_of("a");
    daemon.run_of("a");
    let rows = host.history("a");
    for pair in rows.windows(2).filter(|pair| !pair[0]["started"].is_null()) {
        let pause = instant(&pair[0]["due"]) - instant(&pair[1]["ended"]);
        assert_eq!(pause, TimeDelta::seconds(1));
    }
}

#[test]
fn a_continuous_job_waits_longer_and_longer_while_it_fails() {
    let host = Host::new();
    let daemon = host.start();
    host.put("a", every("continuous", vec![exec("false")]));
    let pause = |host: &Host| instant(&next(host, "a")) - instant(&host.history("a")[0]["ended"]);
    daemon.run_of("a");
    assert_eq!(pause(&host), TimeDelta::seconds(1));
    daemon.run_of("a");
    assert_eq!(pause(&host), TimeDelta::seconds(2));
}
