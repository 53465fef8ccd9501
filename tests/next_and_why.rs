//! `freezerd next` and `freezerd why`, on the real binary.

mod harness;

use chrono::TimeDelta;
use harness::{Host, every, exec, someday};
use serde_json::{Value, json};

fn daily(hour: &str) -> Value {
    json!({"job_actions": [exec("true")], "job_schedule": {"schedule_hour": hour, "schedule_minute": "30"}})
}

fn file(host: &Host, document: &Value) -> String {
    let path = host.file("job.json", &document.to_string());
    path.to_str().expect("a plain path").to_owned()
}

const BERLIN: &str = "--timezone=Europe/Berlin";

#[test]
fn next_of_a_file_needs_only_the_file() {
    let host = Host::new();
    let path = file(&host, &daily("2"));
    let now = "2026-03-28T12:00";
    let answer = host.json(&["next", "--job", &path, "--now", now, BERLIN, "--count", "3"]);
    assert_eq!(
        answer["occurrences"],
        json!([
            "2026-03-29T03:30:00+02:00",
            "2026-03-30T02:30:00+02:00",
            "2026-03-31T02:30:00+02:00"
        ])
    );
    assert_eq!(
        answer["firings"][0]["notes"],
        json!(["moved: 02:30 does not exist in Europe/Berlin that day"])
    );
    assert_eq!(answer["firings"][1]["notes"], json!([]));
}

#[test]
fn a_table_by_day_shows_offsets_zone_and_the_change_of_the_clock() {
    let host = Host::new();
    let path = file(&host, &daily("2"));
    let ran = host
        .freezerd(&[
            "next",
            "--job",
            &path,
            "--now",
            "2026-03-27T12:00",
            "--for",
            "3d",
            BERLIN,
        ])
        .exits(0);
    assert_eq!(
        ran.stdout(),
        "\
job: every day at 02:30 (Europe/Berlin)

Sat 2026-03-28
  02:30:00  +01:00 Europe/Berlin

Sun 2026-03-29
  ── clocks go forward by 1 h at 02:00 (+01:00 → +02:00)
  03:30:00  +02:00 Europe/Berlin  moved: 02:30 does not exist in Europe/Berlin that day

Mon 2026-03-30
  02:30:00  +02:00 Europe/Berlin
"
    );
}

#[test]
fn next_of_an_invalid_file_reports_its_faults() {
    let host = Host::new();
    let path = file(&host, &daily("25"));
    let ran = host.freezerd(&["next", "--job", &path, "--json"]).exits(65);
    assert_eq!(ran.json()["diagnostics"][0]["severity"], "error");
}

#[test]
fn wrong_spans_and_instants_are_refused() {
    let host = Host::new();
    let path = file(&host, &daily("2"));
    for wrong in [["--for", "soon"], ["--for", "0d"], ["--now", "tomorrow"]] {
        host.freezerd(&["next", "--job", &path, wrong[0], wrong[1]])
            .exits(64);
    }
}

#[test]
fn extreme_instants_are_accepted() {
    let host = Host::new();
    let path = file(
        &host,
        &json!({"job_actions": [exec("true")], "job_schedule": {"schedule_hour": "2", "schedule_jitter": "900 weeks"}}),
    );
    for now in [
        "0000-01-01T00:00:00Z",
        "1969-12-31",
        "9999-12-31T23:59:59Z",
        "2026-01-01",
    ] {
        for span in ["7d", "52000w"] {
            host.freezerd(&[
                "next", "--job", &path, "--now", now, "--for", span, "--count", "3",
            ])
            .exits(0);
        }
    }
}

#[test]
fn the_plan_of_a_week_has_durations_and_waits() {
    let host = Host::new().flag("--concurrent-jobs=1");
    let slow = |hour: &str| json!({"job_actions": [exec("sleep 1.2")], "job_schedule": {"schedule_hour": hour}});
    let host = host
        .job("first", slow("3"))
        .job("second", slow("3"))
        .job("lonely", slow("9"));
    let daemon = host.start();
    for job in ["first", "second", "lonely"] {
        host.trigger(job);
        daemon.run_of(job);
    }
    daemon.stop();
    let answer = host.json(&["next", "--for", "24h"]);
    let runs = answer["plan"]["runs"].as_array().expect("runs");
    assert_eq!(runs.len(), 3, "{answer:#}");
    let of = |job: &str| {
        runs.iter()
            .find(|run| run["job_id"] == job)
            .expect("its run")
    };
    let waits: Vec<bool> = ["first", "second"]
        .iter()
        .map(|job| of(job)["waits"].is_object())
        .collect();
    assert!(
        waits[0] != waits[1],
        "one of the two waits for the only slot: {answer:#}"
    );
    let seconds = runs
        .iter()
        .filter_map(|run| run["waits"]["seconds"].as_i64())
        .max();
    assert!(
        seconds.is_some_and(|seconds| (1..5).contains(&seconds)),
        "{answer:#}"
    );
    assert!(of("lonely")["waits"].is_null() && of("lonely")["from_past_runs"] == true);
    let shown = host.freezerd(&["next", "--for", "24h"]).exits(0).stdout();
    assert!(shown.contains("for a free slot"), "{shown}");
}

#[test]
fn the_plan_shows_which_job_holds_the_container() {
    let host = Host::new();
    let container = host.path("container");
    let source = host.file("data/file", "x");
    let source = source.parent().expect("a directory");
    let mut backup = harness::backup(source, &container);
    backup["freezer_action"]["remove_older_than"] = json!(30);
    let pruner = json!({"job_actions": [backup], "job_schedule": {"schedule_hour": "3"}});
    let host = host.job("a", pruner.clone()).job("b", pruner);
    let daemon = host.start();
    for job in ["a", "b"] {
        host.trigger(job);
        daemon.run_of(job);
    }
    daemon.stop();
    let answer = host.json(&["next", "--for", "1d"]);
    let runs = answer["plan"]["runs"].as_array().expect("runs");
    let wait = runs
        .iter()
        .find(|run| run["waits"].is_object())
        .expect("one of them waits");
    assert_eq!(wait["waits"]["container"], json!(container.to_str()));
    assert!(wait["waits"]["held_by"] == "a" || wait["waits"]["held_by"] == "b");
}

fn why(host: &Host, job: &str) -> (String, Value) {
    let shown = host.freezerd(&["why", job]).exits(0).stdout();
    (shown, host.json(&["why", job]))
}

#[test]
fn why_reports_a_triggered_run_and_that_no_daemon_runs() {
    let host = Host::new().job("a", every("1 hour", vec![exec("true")]));
    let daemon = host.start();
    let run = host.trigger("a");
    daemon.run_of("a");
    let (shown, told) = why(&host, "a");
    assert!(
        shown.starts_with("a is on its schedule (every hour, UTC)."),
        "{shown}"
    );
    assert!(
        shown.contains(&format!("Run {run}, requested by ")),
        "{shown}"
    );
    assert!(shown.contains("succeeded after"), "{shown}");
    assert!(shown.contains("It is due next on "), "{shown}");
    assert_eq!(told["runs"][0]["run"], run);
    assert_eq!(told["daemon"], true);
    daemon.stop();
    let (shown, _) = why(&host, "a");
    assert!(shown.contains("freezerd is not running now"), "{shown}");
}

#[test]
fn why_reports_an_owed_run_and_later_the_catch_up_run() {
    let host = Host::new().job("a", every("1 hour", vec![exec("true")]));
    host.start().stop();
    host.sleep_through("a", TimeDelta::minutes(200));
    let (shown, _) = why(&host, "a");
    assert!(shown.contains("3 due times from "), "{shown}");
    assert!(
        shown.contains("freezerd starts one run for them"),
        "{shown}"
    );
    let next = host.json(&["next", "a"]);
    assert_eq!(next["owed"]["count"], 3);
    let daemon = host.start();
    daemon.run_of("a");
    let (shown, _) = why(&host, "a");
    assert!(shown.contains("for 3 due times from "), "{shown}");
    assert!(
        shown.contains("had been missed, was caught up on"),
        "{shown}"
    );
}

#[test]
fn why_names_the_user_who_stopped_the_job() {
    let host = Host::new().job("a", every("1 hour", vec![exec("true")]));
    let _daemon = host.start();
    host.freezerd(&["stop", "a"]).exits(0);
    let (shown, told) = why(&host, "a");
    assert!(
        shown.starts_with("a is stopped: stopped by hand."),
        "{shown}"
    );
    assert!(shown.contains(" requested that (stop) on "), "{shown}");
    assert_eq!(told["status"], "stop");
    assert_eq!(told["events"][0]["command"], "stop");
}

#[test]
fn why_says_what_a_run_waits_for() {
    let host = Host::new().flag("--concurrent-jobs=1");
    let gate = host.gate("gate");
    let host = host
        .job("long", someday(vec![exec(&gate.wait())]))
        .job("short", someday(vec![exec("true")]));
    let daemon = host.start();
    host.trigger("long");
    daemon.says("long", "exec");
    host.trigger("short");
    daemon.says("short", "waiting for a free slot");
    let (shown, _) = why(&host, "short");
    assert!(
        shown.contains("has not started: it is waiting for a free slot (1 action at a time)."),
        "{shown}"
    );
    let (shown, _) = why(&host, "long");
    assert!(
        shown.contains("long is running") && shown.contains("is at its exec"),
        "{shown}"
    );
    gate.pass();
    daemon.run_of("short");
}

#[test]
fn why_reports_retries_failures_and_past_dates() {
    let host = Host::new();
    let mut failing = exec("exit 3");
    failing["max_retries"] = json!(1);
    failing["max_retries_interval"] = json!(3600);
    let host = host
        .job("retries", someday(vec![failing]))
        .job("fails", someday(vec![exec("exit 3")]))
        .job(
            "late",
            json!({"job_actions": [exec("true")], "job_schedule": {"schedule_date": "2020-01-01"}}),
        );
    let daemon = host.start();
    host.trigger("retries");
    daemon.says("retries", "tried again at");
    host.trigger("fails");
    daemon.run_of("fails");
    let (shown, _) = why(&host, "retries");
    assert!(
        shown.contains("attempt 1 of its exec failed, and attempt 2 starts at"),
        "{shown}"
    );
    let (shown, _) = why(&host, "fails");
    assert!(
        shown.contains("failed after") && shown.contains("exit code 3"),
        "{shown}"
    );
    let (shown, _) = why(&host, "late");
    assert!(
        shown.contains("late is finished: its date 2020-01-01"),
        "{shown}"
    );
}

#[test]
fn why_reports_invalid_and_foreign_files_and_unknown_jobs() {
    let mut foreign = someday(vec![exec("true")]);
    foreign["client_id"] = json!("elsewhere");
    let host = Host::new()
        .job("foreign", foreign)
        .job("good", someday(vec![exec("true")]));
    host.put_text("bad.json", "{\"job_id\": \"bad\", \"nonsense\": 1}");
    let daemon = host.start();
    host.put_text("good.json", "{\"job_id\": \"good\", \"nonsense\": 1}");
    daemon.says("good", "is not a valid job");
    let (shown, _) = why(&host, "foreign");
    assert!(
        shown.contains("a job of elsewhere, and this host is testhost"),
        "{shown}"
    );
    let (shown, _) = why(&host, "good");
    assert!(shown.contains("good.json is invalid since"), "{shown}");
    assert!(
        shown.contains("The last good content stays in force"),
        "{shown}"
    );
    host.freezerd(&["why", "god"]).exits(66);
    let (shown, _) = why(&host, "bad");
    assert!(
        shown.starts_with("bad never ran from bad.json, which is invalid"),
        "{shown}"
    );
}

/// Every schedule that the documentation for users shows: blocks of JSON, and the fields in its table.
fn documented() -> Vec<Value> {
    let text = std::fs::read_to_string("docs/schedules.md").expect("the documentation");
    let blocks = text
        .split("```json\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .map(str::to_owned);
    let rows = text
        .lines()
        .filter(|line| line.starts_with("| ") && line.contains("`\""))
        .filter_map(|line| line.split('`').nth(1))
        .filter(|fields| fields.contains("\": \""))
        .map(|fields| format!("{{{fields}}}"));
    blocks
        .chain(rows)
        .map(|text| {
            let fields: serde_json::Map<String, Value> =
                serde_json::from_str(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
            fields
                .into_iter()
                .map(|(key, value)| {
                    let key = key.trim_start_matches("schedule_").to_owned();
                    (format!("schedule_{key}"), value)
                })
                .collect::<serde_json::Map<_, _>>()
                .into()
        })
        .collect()
}

#[test]
fn every_schedule_in_the_documentation_fires() {
    let host = Host::new();
    let documented = documented();
    assert!(documented.len() > 8, "{documented:#?}");
    for schedule in documented {
        let path = file(
            &host,
            &json!({"job_actions": [exec("true")], "job_schedule": schedule}),
        );
        let answer = host.json(&["next", "--job", &path, "--now", "2026-11-24T00:00"]);
        let firings = answer["occurrences"].as_array();
        assert!(
            firings.is_some_and(|firings| !firings.is_empty()),
            "{schedule}: {answer}"
        );
    }
}
