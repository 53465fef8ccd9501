//! The files in `metrics_dir`: when the daemon writes them, and who can read them.

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::Path;

use serde_json::Value;

use super::{metrics, of, shown, with_metrics};
use crate::harness::{Host, eventually, exec, once, someday};

/// A status without the parts that depend on when it was made.
fn lasting(mut status: Value) -> Value {
    status["at"].take();
    status["daemon"].take();
    for job in status["jobs"].as_array_mut().expect("jobs") {
        job["overdue_seconds"].take();
    }
    status
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
fn the_files_exist_from_the_start_follow_the_ledger_and_say_at_the_end_that_no_daemon_runs() {
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
    // It is written after the metrics.
    eventually("the run's success in the status", || {
        shown(&host)["jobs"][0]["last_run"]["result"] == "success"
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
fn everybody_can_read_the_files_whatever_the_umask_is() {
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
fn a_metrics_dir_that_cannot_be_written_causes_one_warning_and_nothing_else() {
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
    let log = |daemon: &crate::harness::Daemon| daemon.log().matches("metrics_dir").count();
    fs::create_dir(host.path("missing")).expect("a directory");
    host.trigger("later");
    daemon.until(|line| line.message.contains("shows the state again"));
    assert_eq!(log(&daemon), 1, "{}", daemon.log());
    assert!(dir.join("status.json").exists());
    assert!(daemon.stop().success());
}

#[test]
fn a_link_at_the_temporary_name_is_not_followed() {
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
fn the_lock_file_contains_the_version_and_a_second_daemon_still_names_the_process() {
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
fn every_metric_is_in_the_documentation() {
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
