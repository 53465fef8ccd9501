//! The cost of runs, with the real daemon and its agents: `cargo bench --bench runs`. It measures:
//!
//! - how many runs of `true` the daemon completes each second with two slots and with eight, and how much processor
//!   time the daemon and its agents use for them;
//! - the time from SIGKILL until ten thousand jobs are scheduled again;
//! - the daemon's memory over many runs: a thousand by default, `FREEZERD_BENCH_RUNS=100000` for more.

use std::fs;
use std::io::{BufRead, BufReader, Lines};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::{Duration, Instant};

use chrono::{SecondsFormat, TimeDelta, Utc};
use freezerd::ledger::open_read_only;
use serde_json::{Value, json};

const RUNS: usize = 1_000;
const JOBS: usize = 10_000;
const RESTARTS: usize = 5;

fn main() {
    for slots in [2, 8] {
        throughput(slots);
    }
    recovery();
    memory();
}

/// A daemon with its own root directory.
struct Daemon {
    child: Child,
    log: Lines<BufReader<ChildStderr>>,
}

impl Daemon {
    fn start(root: &Path, slots: usize) -> Daemon {
        let mut child = Command::new(env!("CARGO_BIN_EXE_freezerd"))
            .args(["run", "--log-format", "json", "--jobs-dir"])
            .arg(root.join("jobs.d"))
            .arg("--state-dir")
            .arg(root.join("state"))
            .args(["--concurrent-jobs", &slots.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("freezerd starts");
        let log = BufReader::new(child.stderr.take().expect("its log")).lines();
        Daemon { child, log }
    }

    /// Reads the log up to and including the `count`th line that contains a text.
    fn until(&mut self, text: &str, count: usize) {
        let lines = self.log.by_ref().map(|line| line.expect("text"));
        let seen = lines.filter(|line| line.contains(text)).take(count).count();
        assert_eq!(seen, count, "the daemon ended");
    }

    /// The user and system time of the daemon, and then of its agents that have ended.
    fn processor_time(&self) -> [Duration; 4] {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).expect("stat");
        let (_, rest) = stat.rsplit_once(") ").expect("a name");
        let ticks: Vec<u64> = rest
            .split(' ')
            .skip(11)
            .take(4)
            .map(|word| word.parse().expect("ticks"))
            .collect();
        // A tick is 10 ms on every Linux that freezerd runs on.
        std::array::from_fn(|index| Duration::from_millis(ticks[index] * 10))
    }

    fn resident_kib(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("it");
        let line = status.lines().find(|line| line.starts_with("VmRSS:"));
        let number = line.and_then(|line| line.split_whitespace().nth(1));
        number.and_then(|word| word.parse().ok()).expect("a size")
    }

    fn end(mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A root directory with this many jobs.
fn root(jobs: usize, document: impl Fn(usize) -> Value) -> (tempfile::TempDir, PathBuf) {
    let root = tempfile::tempdir().expect("a temporary directory");
    let path = root.path().to_owned();
    fs::create_dir(path.join("jobs.d")).expect("the jobs directory");
    for number in 0..jobs {
        let file = path.join(format!("jobs.d/job{number}.json"));
        fs::write(file, document(number).to_string()).expect("a job file");
    }
    (root, path)
}

fn job(schedule: Value) -> Value {
    json!({
        "job_actions": [{"freezer_action": {"action": "exec", "command": ["/bin/true"]}}],
        "job_schedule": schedule,
    })
}

fn throughput(slots: usize) {
    let due = (Utc::now() + TimeDelta::seconds(5)).to_rfc3339_opts(SecondsFormat::Secs, true);
    let (_root, path) = root(RUNS, |_| job(json!({"schedule_date": due})));
    let mut daemon = Daemon::start(&path, slots);
    daemon.until("\"ready", 1);
    let before = daemon.processor_time();
    daemon.until("succeeded", RUNS);
    let after = daemon.processor_time();
    let used: Vec<f64> = (0..4)
        .map(|index| (after[index] - before[index]).as_secs_f64() * 1e3 / RUNS as f64)
        .collect();
    let ledger = open_read_only(&path.join("state/ledger.redb")).expect("the ledger");
    let rows = ledger.history(None, usize::MAX).expect("the rows");
    let first = rows.iter().filter_map(|row| row.started).min();
    let last = rows.iter().filter_map(|row| row.ended).max();
    let took = (last.expect("an end") - first.expect("a start")).as_seconds_f64();
    println!(
        "{slots} slots: {:.0} runs a second ({RUNS} in {took:.1} s); a run takes {:.1} ms of the daemon's processor \
         time (user {:.1}, system {:.1}) and {:.1} ms of its agent's and command's",
        RUNS as f64 / took,
        used[0] + used[1],
        used[0],
        used[1],
        used[2] + used[3],
    );
    daemon.end();
}

fn recovery() {
    let (_root, path) = root(JOBS, |number| {
        job(json!({"schedule_hour": "3", "schedule_minute": (number % 60).to_string()}))
    });
    let mut daemon = Daemon::start(&path, 2);
    daemon.until("\"ready", 1);
    let mut took = Vec::new();
    for _ in 0..RESTARTS {
        let killed = Instant::now();
        daemon.end();
        daemon = Daemon::start(&path, 2);
        daemon.until("\"ready", 1);
        took.push(killed.elapsed());
    }
    took.sort();
    println!(
        "{JOBS} jobs: scheduled again {:.0} ms after SIGKILL (median of {RESTARTS}; {:.0} to {:.0} ms); {} KiB resident",
        took[RESTARTS / 2].as_secs_f64() * 1e3,
        took[0].as_secs_f64() * 1e3,
        took[RESTARTS - 1].as_secs_f64() * 1e3,
        daemon.resident_kib(),
    );
    daemon.end();
}

fn memory() {
    let runs = std::env::var("FREEZERD_BENCH_RUNS")
        .ok()
        .and_then(|number| number.parse().ok())
        .unwrap_or(1_000);
    let (_root, path) = root(400, |_| job(json!({"schedule_interval": "continuous"})));
    let mut daemon = Daemon::start(&path, 8);
    daemon.until("\"ready", 1);
    println!(
        "400 continuous jobs: {} KiB resident at the start",
        daemon.resident_kib()
    );
    let step = runs / 10;
    for part in 1..=10 {
        daemon.until("succeeded", step);
        let size = |name: &str| fs::metadata(path.join(name)).map_or(0, |file| file.len() / 1024);
        println!(
            "after {} runs: {} KiB resident, ledger {} KiB",
            part * step,
            daemon.resident_kib(),
            size("state/ledger.redb")
        );
    }
    daemon.end();
}
