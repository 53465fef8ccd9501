//! `freezerd next`: the coming occurrences, and the plan.

use serde_json::{Value, json};

use crate::harness::{Host, every, exec, someday};

/// The occurrences that `next --job` prints for this schedule.
fn occurrences(schedule: Value, arguments: &[&str]) -> Vec<String> {
    let host = Host::new();
    let file = host.file(
        "job.json",
        &json!({"job": {"job_actions": [exec("true")], "job_schedule": schedule}}).to_string(),
    );
    let mut all = vec!["next", "--job", file.to_str().unwrap(), "--json"];
    all.extend(arguments);
    let answer = host.freezerd(&all).exits(0).json();
    assert!(!host.path("state").exists(), "it needs no ledger");
    serde_json::from_value(answer["occurrences"].clone()).unwrap()
}

#[test]
fn next_prints_the_occurrences_of_a_file_without_a_daemon_or_a_ledger() {
    let nightly =
        json!({"schedule_day": "mon, wed, fri", "schedule_hour": "03", "schedule_minute": "25"});
    let arguments = [
        "--now",
        "2026-03-28T12:00:00",
        "--timezone",
        "Europe/Berlin",
        "--count",
        "2",
    ];
    assert_eq!(
        occurrences(nightly, &arguments),
        ["2026-03-30T03:25:00+02:00", "2026-04-01T03:25:00+02:00"]
    );
}

#[test]
fn next_prints_fewer_occurrences_or_none_when_a_schedule_ends() {
    let hourly = json!({"schedule_interval": "1 hour", "schedule_start_date": "2026-01-01T00:00:00Z",
        "schedule_end_date": "2026-01-01T02:00:00Z"});
    let from = |now: &str| {
        let arguments = ["--now", now, "--timezone", "UTC", "--count", "9"];
        occurrences(hourly.clone(), &arguments)
    };
    assert_eq!(
        from("2026-01-01T00:30:00Z"),
        ["2026-01-01T01:00:00+00:00", "2026-01-01T02:00:00+00:00"]
    );
    assert_eq!(from("2026-01-02T00:00:00Z"), [""; 0]);
}

#[test]
fn next_prefers_the_zone_of_the_job_to_that_of_the_flag() {
    let daily = json!({"schedule_hour": "12", "schedule_timezone": "Asia/Tokyo"});
    let arguments = [
        "--now",
        "2026-01-01T00:00:00Z",
        "--timezone",
        "Europe/Berlin",
        "--count",
        "1",
    ];
    assert_eq!(
        occurrences(daily, &arguments),
        ["2026-01-01T12:00:00+09:00"]
    );
}

#[test]
fn next_of_an_invalid_file_exits_65_with_its_diagnostics() {
    let host = Host::new();
    let text = "{\"job_actions\": [],\n \"job_schedule\": {\"schedule_hour\": \"25\"}}";
    let file = host.file("job.json", text);
    let ran = host
        .freezerd(&["next", "--json", "--job", file.to_str().unwrap()])
        .exits(65);
    let diagnostics = ran.json()["diagnostics"].as_array().unwrap().clone();
    let error = diagnostics
        .iter()
        .find(|fault| fault["severity"] == "error")
        .unwrap();
    assert_eq!(
        (&error["line"], &error["column"]),
        (&json!(2), &json!(37)),
        "{error:#}"
    );
    for key in ["message", "code", "file"] {
        assert!(!error[key].as_str().unwrap().is_empty(), "{error:#}");
    }
    let said = host
        .freezerd(&["next", "--job", file.to_str().unwrap()])
        .exits(65)
        .stderr();
    assert!(said.contains("job.json:2:") && said.contains('^'), "{said}");
}

#[test]
fn next_of_a_known_job_continues_after_what_was_handled() {
    let host = Host::new()
        .job("a", every("6 hours", vec![exec("true")]))
        .job("b", someday(vec![exec("true")]));
    let _daemon = host.start();
    let next: chrono::DateTime<chrono::Utc> = host.show("a")["x-freezerd"]["next"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    let told = host.json(&["next", "a", "--count", "3"])["occurrences"].clone();
    let told: Vec<chrono::DateTime<chrono::Utc>> = serde_json::from_value(told).unwrap();
    assert_eq!(
        told,
        [0, 6, 12].map(|hours| next + chrono::TimeDelta::hours(hours))
    );
    let all = host.json(&["next"])["jobs"].clone();
    let jobs: Vec<&str> = all
        .as_array()
        .unwrap()
        .iter()
        .map(|job| job["job_id"].as_str().unwrap())
        .collect();
    assert_eq!(jobs, ["a", "b"], "the soonest first");
    host.ask("stop", "a");
    assert_eq!(host.json(&["next", "a"])["occurrences"], json!([]));
}

fn daily(hour: &str) -> Value {
    json!({"job_actions": [exec("true")], "job_schedule": {"schedule_hour": hour, "schedule_minute": "30"}})
}

fn file(host: &Host, document: &Value) -> String {
    let path = host.file("job.json", &document.to_string());
    path.to_str().expect("a plain path").to_owned()
}

const BERLIN: &str = "--timezone=Europe/Berlin";

#[test]
fn next_prints_the_coming_occurrences_of_a_file() {
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
fn a_table_by_day_shows_the_zone_the_offsets_and_the_change_of_the_clock() {
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
fn next_of_an_invalid_file_prints_its_faults() {
    let host = Host::new();
    let path = file(&host, &daily("25"));
    let ran = host.freezerd(&["next", "--job", &path, "--json"]).exits(65);
    assert_eq!(ran.json()["diagnostics"][0]["severity"], "error");
}

#[test]
fn invalid_durations_and_instants_are_refused() {
    let host = Host::new();
    let path = file(&host, &daily("2"));
    for wrong in [["--for", "soon"], ["--for", "0d"], ["--now", "tomorrow"]] {
        host.freezerd(&["next", "--job", &path, wrong[0], wrong[1]])
            .exits(64);
    }
}

#[test]
fn any_instant_in_the_future_is_accepted() {
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
fn the_plan_of_a_week_shows_how_long_runs_take_and_which_jobs_wait() {
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
    let mut backup = crate::harness::backup(source, &container);
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

/// Every schedule in the documentation for users: the blocks of JSON, and the fields in the table.
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
