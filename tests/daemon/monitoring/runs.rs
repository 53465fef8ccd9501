//! What the metrics say about runs: how they ended, and what is owed.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use chrono::{TimeDelta, Utc};
use rustix::process::Signal;
use serde_json::{Value, json};

use super::{metrics, of, samples, shown, with_metrics};
use crate::harness::{Host, backup, eventually, exec, now, once, someday};

fn job<'a>(status: &'a Value, job_id: &str) -> &'a Value {
    status["jobs"]
        .as_array()
        .expect("jobs")
        .iter()
        .find(|job| job["job_id"] == job_id)
        .unwrap_or_else(|| panic!("no {job_id} in {status:#}"))
}

#[test]
fn each_ending_of_a_run_is_counted_apart_and_only_a_success_counts_as_one() {
    let host = with_metrics()
        .job("good", now(vec![exec("true")]))
        .job("bad", now(vec![exec("false")]))
        .job(
            "cut",
            now(vec![
                exec("exit 0"),
                json!({"freezer_action": {"action": "exec", "command": "sleep 600"}}),
            ]),
        );
    let daemon = host.start();
    daemon.run_of("good");
    daemon.run_of("bad");
    eventually("the long action", || {
        host.json(&["history", "cut"])["runs"][0]["actions"][1]["attempts"] == 1
    });
    host.ask("abort", "cut");
    daemon.run_of("cut");
    assert!(daemon.stop().success());

    let metrics = metrics(&host);
    for (job, success, result) in [
        ("good", 1.0, "success"),
        ("bad", 0.0, "fail"),
        ("cut", 0.0, "aborted"),
    ] {
        assert_eq!(
            of(
                &metrics,
                &format!("freezerd_job_last_run_success{{job_id=\"{job}\"}}")
            ),
            success
        );
        assert_eq!(
            of(
                &metrics,
                &format!("freezerd_job_last_run_result{{job_id=\"{job}\",result=\"{result}\"}}")
            ),
            1.0
        );
        for other in [
            "success",
            "partial",
            "fail",
            "aborted",
            "interrupted",
            "skipped",
        ] {
            assert_eq!(
                of(
                    &metrics,
                    &format!("freezerd_job_runs_total{{job_id=\"{job}\",result=\"{other}\"}}")
                ),
                f64::from(u8::from(other == result)),
                "{job} {other}"
            );
        }
        let at = of(
            &metrics,
            &format!("freezerd_job_last_success_timestamp_seconds{{job_id=\"{job}\"}}"),
        );
        assert_eq!(at > 0.0, success == 1.0, "{job}");
    }
    assert_eq!(
        of(&metrics, "freezerd_job_overdue_seconds{job_id=\"good\"}"),
        0.0
    );
    assert!(of(&metrics, "freezerd_job_overdue_seconds{job_id=\"bad\"}") > 0.0);
    assert_eq!(
        of(&metrics, "freezerd_job_overdue_seconds{job_id=\"cut\"}"),
        0.0,
        "somebody took it off its schedule"
    );
    assert_eq!(of(&metrics, "freezerd_jobs_failing"), 2.0);
}

#[test]
fn a_partial_backup_is_not_a_success_and_what_it_missed_is_counted() {
    let Some(host) = Host::unprivileged() else {
        return;
    };
    let dir = host.path("work/metrics");
    let host = host.env("FREEZERD_METRICS_DIR", dir.to_str().expect("a plain path"));
    host.file("data/readable", "some content that is new");
    let secret = host.file("data/secret", "nobody may read this");
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o000)).expect("its mode");
    let container = host.path("work/container");
    host.put("www", once(vec![backup(&host.path("data"), &container)]));
    host.once().exits(3);
    let status = host.json(&["status"]);
    let job = job(&status, "www");
    assert_eq!(job["last_run"]["result"], "partial", "{status:#}");
    assert_eq!(job["last_run"]["files_failed"], 1);
    assert!(job["last_run"]["bytes_added"].as_u64() > Some(0));
    assert_eq!(job["last_success"], Value::Null);
    assert!(job["owed_since"].is_string());
    let metrics = samples(&host.read("work/metrics/freezerd.prom"));
    assert_eq!(
        of(
            &metrics,
            "freezerd_job_last_run_failed_files{job_id=\"www\"}"
        ),
        1.0
    );
    assert_eq!(
        of(&metrics, "freezerd_job_last_run_success{job_id=\"www\"}"),
        0.0
    );
}

#[test]
fn an_interrupted_run_stays_owed_until_a_catch_up_succeeds() {
    let host = with_metrics();
    let gate = host.gate("gate");
    host.put("long", now(vec![gate.action()]));
    let daemon = host.start();
    // The files follow the ledger a moment later.
    eventually("metrics that say that the job runs", || {
        host.path("metrics/freezerd.prom").exists()
            && metrics(&host).get("freezerd_job_running{job_id=\"long\"}") == Some(&1.0)
    });
    daemon.kill();
    let metrics_of_the_dead = metrics(&host);
    assert_eq!(
        of(&metrics_of_the_dead, "freezerd_up"),
        1.0,
        "nobody was there to say so"
    );

    let daemon = host.start();
    eventually("the second run", || {
        job(&host.json(&["status"]), "long")["last_run"]["result"] == "interrupted"
    });
    let status = host.json(&["status"]);
    assert_eq!(job(&status, "long")["last_success"], Value::Null);
    assert!(job(&status, "long")["overdue_seconds"].as_f64() > Some(0.0));
    gate.pass();
    daemon.run_of("long");
    daemon.run_of("long");
    assert!(daemon.stop().success());
    let metrics = metrics(&host);
    assert_eq!(
        of(&metrics, "freezerd_job_overdue_seconds{job_id=\"long\"}"),
        0.0
    );
    assert!(
        of(
            &metrics,
            "freezerd_job_last_success_timestamp_seconds{job_id=\"long\"}"
        ) > 0.0
    );
    assert_eq!(
        of(
            &metrics,
            "freezerd_job_runs_total{job_id=\"long\",result=\"interrupted\"}"
        ),
        1.0
    );
    assert_eq!(
        of(
            &metrics,
            "freezerd_job_runs_total{job_id=\"long\",result=\"success\"}"
        ),
        1.0
    );
}

#[test]
fn skipped_occurrences_are_counted_and_owed_and_the_counts_survive_a_restart() {
    let host = with_metrics().job(
        "hourly",
        json!({"job_actions": [exec("true")],
               "job_schedule": {"schedule_interval": "1 hours", "schedule_catch_up": "skip"}}),
    );
    host.once().exits(0);
    host.sleep_through("hourly", TimeDelta::minutes(150));
    host.once().exits(0);
    let status = host.json(&["status"]);
    let hourly = job(&status, "hourly");
    assert_eq!(hourly["runs_total"]["skipped"], 1, "{status:#}");
    let owed: chrono::DateTime<Utc> = hourly["owed_since"]
        .as_str()
        .expect("an instant")
        .parse()
        .expect("an instant");
    assert!(Utc::now() - owed > TimeDelta::minutes(85), "{status:#}");
    host.once().exits(0);
    let again = host.json(&["status"]);
    assert_eq!(job(&again, "hourly")["runs_total"], hourly["runs_total"]);
}

#[test]
fn without_a_daemon_jobs_that_should_have_run_are_overdue() {
    let host = Host::new().job(
        "daily",
        json!({"job_actions": [exec("true")], "job_schedule": {"schedule_interval": "1 days"}}),
    );
    host.once().exits(0);
    let status = host.json(&["status"]);
    assert_eq!(job(&status, "daily")["overdue_seconds"], 0.0);
    host.sleep_through("daily", TimeDelta::hours(30));
    let status = host.json(&["status"]);
    let overdue = job(&status, "daily")["overdue_seconds"]
        .as_f64()
        .expect("a number");
    assert!((21_000.0..25_000.0).contains(&overdue), "{overdue}");
    assert_eq!(status["summary"]["overdue"], 1);
    let said = host.freezerd(&["status"]).exits(0).stdout();
    assert!(
        said.contains("No daemon is running") && said.contains("1 overdue"),
        "{said}"
    );
}

#[test]
fn a_removed_job_has_no_metrics_and_invalid_files_are_counted() {
    let host = with_metrics()
        .job("stays", someday(vec![exec("true")]))
        .job("goes", someday(vec![exec("true")]));
    let daemon = host.start();
    eventually("both jobs", || host.path("metrics/status.json").exists());
    assert!(host.read("metrics/freezerd.prom").contains("\"goes\""));
    host.delete("goes");
    host.put_text("bad.json", "{");
    eventually("one job, one bad file", || {
        let text = host.read("metrics/freezerd.prom");
        !text.contains("\"goes\"") && text.contains("freezerd_files_invalid 1")
    });
    // It is written after the metrics.
    eventually("the bad file in the status", || {
        !shown(&host)["files"][0].is_null()
    });
    let status = shown(&host);
    assert_eq!(status["files"][0]["file"], "bad.json");
    assert_eq!(status["files"][0]["state"], "invalid");
    assert!(daemon.stop().success());
}

#[test]
fn a_ledger_from_before_the_past_was_recorded_can_still_be_read() {
    let host = Host::new().job(
        "daily",
        json!({"job_actions": [exec("true")], "job_schedule": {"schedule_interval": "1 days"}}),
    );
    host.once().exits(0);
    let mut record = serde_json::to_value(
        host.ledger()
            .job("daily")
            .expect("a ledger")
            .expect("the job"),
    )
    .expect("JSON");
    record
        .as_object_mut()
        .expect("an object")
        .remove("past")
        .expect("it is there now");
    let old: freezerd::record::JobRecord = serde_json::from_value(record).expect("an old record");
    host.edit_job("daily", |record| *record = old);
    let status = host.json(&["status"]);
    assert_eq!(job(&status, "daily")["last_run"], Value::Null);
    assert_eq!(job(&status, "daily")["runs_total"]["success"], 0);
    let text = host.freezerd(&["status", "--prometheus"]).exits(0).stdout();
    assert_eq!(
        of(
            &samples(&text),
            "freezerd_job_last_success_timestamp_seconds{job_id=\"daily\"}"
        ),
        0.0
    );
}

#[test]
fn a_job_that_was_stopped_and_started_again_owes_nothing() {
    let host = Host::new().job(
        "bad",
        json!({"job_actions": [exec("false")], "job_schedule": {"schedule_interval": "1 days"}}),
    );
    let daemon = host.start();
    host.ask("stop", "bad");
    host.ask("start", "bad");
    assert!(daemon.stop().success());
    host.sleep_through("bad", TimeDelta::hours(30));
    let daemon = host.start();
    daemon.run_of("bad");
    assert!(job(&host.json(&["status"]), "bad")["owed_since"].is_string());
    host.ask("stop", "bad");
    assert_eq!(
        job(&host.json(&["status"]), "bad")["owed_since"],
        Value::Null
    );
    host.ask("start", "bad");
    assert_eq!(
        job(&host.json(&["status"]), "bad")["owed_since"],
        Value::Null
    );
    daemon.signal(Signal::TERM);
}
