//! The time from the rename of a file until its job is scheduled, with the real daemon: `cargo bench --bench pickup`.
//!
//! Renames a thousand job files into the jobs directory, one after the other. For each it measures how long the daemon
//! takes to log that the job is loaded. The daemon logs this after the commit.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const FILES: usize = 1_000;

fn main() {
    let root = tempfile::tempdir().expect("a temporary directory");
    let jobs = root.path().join("jobs.d");
    fs::create_dir(&jobs).expect("the jobs directory");
    let mut daemon = Command::new(env!("CARGO_BIN_EXE_freezerd"))
        .args(["run", "--log-format", "json", "--jobs-dir"])
        .arg(&jobs)
        .arg("--state-dir")
        .arg(root.path().join("state"))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("freezerd starts");
    let mut lines = BufReader::new(daemon.stderr.take().expect("its log")).lines();
    let mut until = |text: &str| {
        lines
            .by_ref()
            .map(|line| line.expect("its log is text"))
            .find(|line| line.contains(text))
            .expect("the daemon lives")
    };
    until("\"ready");
    let mut took = Vec::with_capacity(FILES);
    for number in 0..FILES {
        let name = format!("job{number}.json");
        let hidden = jobs.join(format!(".{name}"));
        let document = format!(
            r#"{{"job_actions": [{{"freezer_action": {{"action": "exec", "command": "true"}}}}],
                "job_schedule": {{"schedule_hour": "3", "schedule_minute": "{}"}}}}"#,
            number % 60
        );
        fs::write(&hidden, document).expect("a job file");
        let start = Instant::now();
        fs::rename(&hidden, jobs.join(&name)).expect("its name");
        until(&format!("loaded from {name}"));
        took.push(start.elapsed());
    }
    let _ = daemon.kill();
    let _ = daemon.wait();
    took.sort();
    let milliseconds = |duration: Duration| duration.as_secs_f64() * 1e3;
    println!(
        "rename to scheduled, {FILES} files: median {:.0} ms, 99th of 100 {:.0} ms, worst {:.0} ms",
        milliseconds(took[FILES / 2]),
        milliseconds(took[FILES * 99 / 100]),
        milliseconds(took[FILES - 1])
    );
}
