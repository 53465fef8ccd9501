//! What monitoring sees: `freezerd status`, and the files in `metrics_dir`.

mod harness;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use chrono::{TimeDelta, Utc};
use harness::{Host, backup, eventually, exec, now, once, someday};
use rustix::process::Signal;
use serde_json::{Value, json};

/// Every sample, by its name and labels as they are written. Panics at whatever Prometheus would refuse.
fn samples(text: &str) -> BTreeMap<String, f64> {
    let name = regex_lite::Regex::new(r"^[a-z][a-z0-9_]*$").expect("a pattern");
    let sample = regex_lite::Regex::new(
        r#"^([a-z][a-z0-9_]*)(\{[a-z_]+="(?:[^"\\\n]|\\[\\"n])*"(?:,[a-z_]+="(?:[^"\\\n]|\\[\\"n])*")*\})? (\S+)$"#,
    )
    .expect("a pattern");
    assert!(text.ends_with('\n'), "the last line has an end");
    let mut families = BTreeSet::new();
    let mut helped = String::new();
    let mut family = (String::new(), String::new());
    let mut found = BTreeMap::new();
    for line in text.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (metric, words) = help.split_once(' ').expect("a help text");
            assert!(name.is_match(metric) && !words.is_empty(), "{line}");
            assert!(families.insert(metric.to_owned()), "twice: {metric}");
            metric.clone_into(&mut helped);
        } else if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (metric, kind) = kind.split_once(' ').expect("a type");
            assert_eq!(metric, helped, "the type follows the help");
            assert!(matches!(kind, "gauge" | "counter"), "{line}");
            assert_eq!(kind == "counter", metric.ends_with("_total"), "{line}");
            family = (metric.to_owned(), kind.to_owned());
        } else {
            let parts = sample.captures(line).unwrap_or_else(|| panic!("{line:?}"));
            assert_eq!(&parts[1], family.0, "a sample stands under its type");
            let value: f64 = parts[3].parse().expect("a number");
            let series = line.rsplit_once(' ').expect("a value").0.to_owned();
            assert!(found.insert(series, value).is_none(), "twice: {line}");
        }
    }
    found
}

fn metrics(host: &Host) -> BTreeMap<String, f64> {
    samples(&host.read("metrics/freezerd.prom"))
}

fn of(samples: &BTreeMap<String, f64>, series: &str) -> f64 {
    *samples
        .get(series)
        .unwrap_or_else(|| panic!("no {series} in {samples:#?}"))
}

fn shown(host: &Host) -> Value {
    serde_json::from_str(&host.read("metrics/status.json")).expect("JSON")
}

fn with_metrics() -> Host {
    let host = Host::new();
    let dir = host.path("metrics");
    host.env("FREEZERD_METRICS_DIR", dir.to_str().expect("a plain path"))
}

/// What is the same at whatever moment a status was made.
fn lasting(mut status: Value) -> Value {
    status["at"].take();
    status["daemon"].take();
    for job in status["jobs"].as_array_mut().expect("jobs") {
        job["overdue_seconds"].take();
    }
    status
}

fn job<'a>(status: &'a Value, job_id: &str) -> &'a Value {
    status["jobs"]
        .as_array()
        .expect("jobs")
        .iter()
        .find(|job| job["job_id"] == job_id)
        .unwrap_or_else(|| panic!("no {job_id} in {status:#}"))
}

#[test]
fn without_a_metrics_dir_nothing_is_written() {
    let host = Host::new().job("a", once(vec![exec("true")]));
    host.once().exits(0);
    assert!(!host.path("metrics").exists());
    assert_eq!(
        host.json(&["config", "show"])["settings"]["metrics_dir"]["value"],
        ""
    );
}

#[test]
fn the_files_are_there_at_start_follow_the_ledger_and_say_at_the_end_that_no_daemon_runs() {
    let host = with_metrics().job("later", someday(vec![exec("true")]));
    let daemon = host.start();
    eventually("the files at start", || {
        host.path("metrics/status.json").exists()
    });
    assert_eq!(of(&metrics(&host), "freezerd_up"), 1.0);
    assert_eq!(shown(&host)["daemon"]["pid"], daemon.id());

    host.trigger("later");
    daemon.run_of("later");
    eventually("the run's success", || {
        metrics(&host).get("freezerd_job_last_run_success{job_id=\"later\"}") == Some(&1.0)
    });
    let status = host.json(&["status"]);
    assert_eq!(status["daemon"]["pid"], daemon.id());
    assert_eq!(status["daemon"]["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(lasting(shown(&host)), lasting(status), "one document");

    assert!(daemon.stop().success());
    assert_eq!(of(&metrics(&host), "freezerd_up"), 0.0);
    assert_eq!(shown(&host)["daemon"], Value::Null);
    let status = host.json(&["status"]);
    assert_eq!(status["daemon"], Value::Null);
    assert_eq!(lasting(shown(&host)), lasting(status));
    for file in ["freezerd.prom", "status.json"] {
        let mode = fs::metadata(host.path("metrics").join(file))
            .expect(file)
            .mode();
        assert_eq!(mode & 0o7777, 0o644, "{file}");
    }
    assert_eq!(
        fs::read_dir(host.path("metrics"))
            .expect("a directory")
            .count(),
        2,
        "nothing is left beside them"
    );
}

#[test]
fn anybody_may_read_the_files_whatever_the_umask() {
    let host = with_metrics().job("a", once(vec![exec("true")]));
    let mut command = std::process::Command::new("sh");
    let run = host.command(&["run", "--once"]);
    command.args(["-c", "umask 077; exec \"$@\"", "sh"]);
    command.arg(run.get_program()).args(run.get_args());
    command.env_clear().envs(
        run.get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    assert!(command.output().expect("a shell").status.success());
    let mode = |path: &str| fs::metadata(host.path(path)).expect(path).mode() & 0o777;
    assert_eq!(mode("metrics/freezerd.prom"), 0o644);
    assert_eq!(mode("state/ledger.redb"), 0o600);
}

#[test]
fn each_ending_of_a_run_is_told_apart_and_only_a_success_is_one() {
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
fn a_partial_backup_is_no_success_and_what_it_missed_is_counted() {
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
fn an_interrupted_run_stays_owed_until_it_is_made_up_for() {
    let host = with_metrics();
    let gate = host.gate("gate");
    host.put("long", now(vec![gate.action()]));
    let daemon = host.start();
    eventually("the run", || host.state("long") == "running//");
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
fn what_was_skipped_is_counted_and_owed_and_counts_outlive_the_daemon() {
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
fn without_a_daemon_what_should_have_run_meanwhile_is_overdue() {
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
fn a_job_that_is_gone_leaves_no_series_behind_and_invalid_files_are_counted() {
    let host = with_metrics()
        .job("stays", someday(vec![exec("true")]))
        .job("goes", someday(vec![exec("true")]));
    let daemon = host.start();
    eventually("both jobs", || host.path("metrics/freezerd.prom").exists());
    assert!(host.read("metrics/freezerd.prom").contains("\"goes\""));
    host.delete("goes");
    host.put_text("bad.json", "{");
    eventually("one job, one bad file", || {
        let text = host.read("metrics/freezerd.prom");
        !text.contains("\"goes\"") && text.contains("freezerd_files_invalid 1")
    });
    let status = shown(&host);
    assert_eq!(status["files"][0]["file"], "bad.json");
    assert_eq!(status["files"][0]["state"], "invalid");
    assert!(daemon.stop().success());
}

#[test]
fn a_metrics_dir_that_cannot_be_written_is_one_warning_and_no_harm() {
    let host = Host::new();
    let dir = host.path("missing/metrics");
    let host = host
        .env("FREEZERD_METRICS_DIR", dir.to_str().expect("a plain path"))
        .job("later", someday(vec![exec("true")]));
    let daemon = host.start();
    let line = daemon.until(|line| line.message.contains("metrics_dir"));
    assert!(line.message.contains("No such file"), "{line:?}");
    for _ in 0..2 {
        host.trigger("later");
        assert!(daemon.run_of("later").message.contains("succeeded"));
    }
    let log = |daemon: &harness::Daemon| daemon.log().matches("metrics_dir").count();
    fs::create_dir(host.path("missing")).expect("a directory");
    host.trigger("later");
    daemon.until(|line| line.message.contains("shows the state again"));
    assert_eq!(log(&daemon), 1, "{}", daemon.log());
    assert!(dir.join("status.json").exists());
    assert!(daemon.stop().success());
}

#[test]
fn a_link_that_waits_under_the_hidden_name_is_not_followed() {
    let host = with_metrics().job("a", once(vec![exec("true")]));
    fs::create_dir(host.path("metrics")).expect("a directory");
    let victim = host.file("victim", "mine");
    for name in [".freezerd.prom.tmp", ".status.json.tmp"] {
        symlink(&victim, host.path("metrics").join(name)).expect("a link");
    }
    host.once().exits(0);
    assert_eq!(host.read("victim"), "mine");
    assert!(!metrics(&host).is_empty());
}

#[test]
fn a_ledger_from_before_there_was_a_past_still_reads() {
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
fn a_job_that_was_stopped_and_starts_again_begins_without_debts() {
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

#[test]
fn the_lock_tells_the_version_and_nobody_is_told_of_two_daemons_in_another_way() {
    let host = Host::new();
    let daemon = host.start();
    let lock = host.read("state/daemon.lock");
    let mut lines = lock.lines();
    assert_eq!(lines.next(), Some(daemon.id().to_string().as_str()));
    assert_eq!(lines.next(), Some(env!("CARGO_PKG_VERSION")));
    let second = host.freezerd(&["run"]).exits(75).stderr();
    assert!(
        second.contains(&format!("(process {})", daemon.id())),
        "{second}"
    );
}

#[test]
fn no_metric_has_a_name_that_the_documentation_does_not_know() {
    let host = with_metrics().job("a", once(vec![exec("true")]));
    host.once().exits(0);
    let documented = fs::read_to_string(Path::new("docs/monitoring.md")).expect("the page");
    for line in host.read("metrics/freezerd.prom").lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let name = rest.split(' ').next().expect("a name");
            assert!(documented.contains(&format!("`{name}")), "{name}");
        }
    }
}
