//! A storm: the daemon and its agents are killed and stopped at random times, again and again, while jobs change and
//! runs are triggered. At the end each due instant has one row, and each successful run has made its backup.
//!
//! `tests/kill_points/` kills once at every kill point. Here kills, changes and missed occurrences combine at random.
//! The checks must pass every time, so a failure is always a fault of the program. For a longer storm:
//!
//! FREEZERD_STORM=SEED:SECONDS cargo test --test storm -- --nocapture

mod harness;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use fastrand::Rng;
use freezerd::agent::list_snapshots;
use freezerd::agent::snapshot::{Filter, Snapshot};
use freezerd::intake::Digest;
use freezerd::job::JobResult;
use freezerd::job::action::Container;
use freezerd::location::Location;
use freezerd::protocol::{Summary, Verdict};
use freezerd::record::{AttemptEnd, AttemptRecord, ClaimKind, RunRecord, RunState};
use harness::{Daemon, Host, backup, every, exec};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

/// The jobs, and the seconds between two occurrences. The jobs with a backup change what they back up.
const JOBS: [(&str, i64); 3] = [("often", 2), ("calendar", 5), ("command", 3)];

struct Storm {
    host: Host,
    random: Rng,
    /// The source of each version of a job, by the digest of its document.
    sources: BTreeMap<String, &'static str>,
}

impl Storm {
    fn new(seed: u64) -> Storm {
        let host = Host::new();
        host.file("here/file", "here");
        host.file("there/file", "there");
        let mut storm = Storm {
            host,
            random: Rng::with_seed(seed),
            sources: BTreeMap::new(),
        };
        storm.put("often", "here");
        storm.put("calendar", "here");
        storm
            .host
            .put("command", every("3 seconds", vec![exec("sleep 0.3")]));
        storm
            .host
            .put("continuous", every("continuous", vec![exec("true")]));
        storm
    }

    /// Writes a job that backs up this directory, with a further action before or after the backup.
    fn put(&mut self, job: &str, source: &'static str) {
        let host = &self.host;
        let mut save = backup(&host.path(source), &host.path(&format!("container-{job}")));
        save["max_retries"] = json!(2);
        save["max_retries_interval"] = json!(1);
        let document = if job == "often" {
            every("2 seconds", vec![save, exec("sleep 0.4")])
        } else {
            json!({
                "job_actions": [exec("sleep 0.1"), save, exec("sleep 1")],
                "job_schedule": {"schedule_second": "*/5"},
            })
        };
        host.put(job, document);
        let content = host.read(&format!("jobs.d/{job}.json"));
        let digest = Digest::of(content.as_bytes()).to_string();
        self.sources.insert(digest, source);
    }

    /// Makes one random thing happen. Returns the daemon that runs afterwards.
    fn strike(&mut self, daemon: Daemon) -> Daemon {
        let job = ["often", "calendar"][self.random.usize(..2)];
        let source = ["here", "there"][self.random.usize(..2)];
        match self.random.u32(..100) {
            0..30 => daemon.kill(),
            30..45 => {
                kill_all(&agents(&daemon));
                return daemon;
            }
            45..55 => {
                let agents = agents(&daemon);
                daemon.kill();
                kill_all(&agents);
            }
            55..65 => drop(daemon.stop()),
            65..75 => {
                daemon.kill();
                self.put(job, source);
            }
            75..85 => {
                self.put(job, source);
                return daemon;
            }
            _ => {
                // The request may be refused, so the answer does not matter.
                let asked = self.host.command(&["trigger", job]).output();
                asked.expect("freezerd runs");
                return daemon;
            }
        }
        // This sleep is not a wait for anything: occurrences are missed while no daemon runs.
        let away = [0, 0, 100, 1_000, 3_000, 6_000][self.random.usize(..6)];
        std::thread::sleep(Duration::from_millis(away));
        self.host.launch()
    }

    fn rage(&mut self, time: Duration) {
        let end = Instant::now() + time;
        let mut daemon = self.host.launch();
        while Instant::now() < end {
            // Nor is this one: a strike must come at a random time.
            let quiet = [100, 500, 1_000, 1_500, 2_500, 4_000][self.random.usize(..6)];
            std::thread::sleep(Duration::from_millis(quiet));
            daemon = self.strike(daemon);
        }
        // Now the daemon catches up for everything that is owed, without further strikes.
        daemon.kill();
        let daemon = self.host.start();
        for (job, _) in JOBS {
            while !daemon.run_of(job).message.contains("succeeded") {}
        }
        daemon.stop();
    }
}

/// The agents of a daemon, which are its only children.
fn agents(daemon: &Daemon) -> Vec<Pid> {
    let tasks = format!("/proc/{}/task", daemon.id());
    let Ok(tasks) = fs::read_dir(tasks) else {
        return Vec::new();
    };
    tasks
        .flatten()
        .filter_map(|task| fs::read_to_string(task.path().join("children")).ok())
        .flat_map(|children| {
            let pids = children.split_whitespace().map(str::to_owned);
            pids.collect::<Vec<_>>()
        })
        .filter_map(|pid| Pid::from_raw(pid.parse().ok()?))
        .collect()
}

fn kill_all(agents: &[Pid]) {
    for agent in agents {
        // The agent may have ended meanwhile.
        let _ = kill_process(*agent, Signal::KILL);
    }
}

// ---------------------------------------------------------------- checks

/// The complete snapshots of a job, by their ids.
fn whole_snapshots(host: &Host, job: &str) -> BTreeMap<String, Snapshot> {
    let path = host.path(&format!("container-{job}"));
    let container = Container {
        connection: Default::default(),
        name: path.display().to_string(),
        location: Location::Local(path),
        pass_file: None,
    };
    list_snapshots(&container, &Filter::default())
        .expect("a list")
        .into_iter()
        .filter(|snapshot| !snapshot.partial)
        .map(|snapshot| (snapshot.id.clone(), snapshot))
        .collect()
}

/// Checks that each due instant of the job, from the first to the last, is in exactly one row.
fn no_instant_is_lost(rows: &[RunRecord], job: &str, seconds: i64) {
    let step = TimeDelta::seconds(seconds);
    let mut due: Vec<&RunRecord> = rows
        .iter()
        .filter(|row| row.job_id == job && row.claim().kind == ClaimKind::Due)
        .collect();
    due.sort_by_key(|row| row.due);
    for row in &due {
        let covers = (row.due - row.first_due).num_seconds() / seconds + 1;
        assert_eq!(row.covers, covers.unsigned_abs(), "{row:#?}");
    }
    for pair in due.windows(2) {
        assert_eq!(pair[1].first_due - pair[0].due, step, "{pair:#?}");
    }
}

/// Whether a later occurrence was skipped because of this run, or because of a run that it makes up for.
fn skipped_for(rows: &[RunRecord], run: &RunRecord) -> bool {
    let mut in_the_way = Vec::new();
    let mut number = Some(run.number);
    while let Some(one) = number {
        in_the_way.push(format!("run {one} "));
        let row = rows.iter().find(|row| row.number == one);
        number = row.and_then(|row| row.makes_up_for);
    }
    rows.iter().any(|other| {
        let reason = other.reason.as_deref().unwrap_or_default();
        other.state == RunState::Skipped
            && other.due > run.due
            && in_the_way.iter().any(|words| reason.starts_with(words))
    })
}

/// The summary of an action's last attempt, if that succeeded.
fn success(attempts: &[AttemptRecord], action: usize) -> Option<&Summary> {
    let last = attempts
        .iter()
        .rfind(|attempt| attempt.action as usize == action)?;
    match &last.end {
        Some(AttemptEnd::Reported { outcome }) if outcome.verdict == Verdict::Success => {
            Some(&outcome.summary)
        }
        _ => None,
    }
}

#[test]
fn in_a_storm_of_kills_and_changes_no_instant_is_lost_and_no_success_is_false() {
    let wanted = std::env::var("FREEZERD_STORM").unwrap_or_else(|_| "20261125:25".to_owned());
    let (seed, seconds) = wanted.split_once(':').expect("SEED:SECONDS");
    let seconds = Duration::from_secs(seconds.parse().expect("seconds"));
    let mut storm = Storm::new(seed.parse().expect("a seed"));
    storm.rage(seconds);

    let host = &storm.host;
    let reader = host.ledger();
    let rows = reader.history(None, usize::MAX).expect("the rows");
    let mut claims = BTreeSet::new();
    let mut made_up = BTreeSet::new();
    for row in &rows {
        assert!(claims.insert(row.claim()), "a second row: {row:#?}");
        let second = row.makes_up_for.is_some_and(|run| !made_up.insert(run));
        assert!(!second, "made up for a second time: {row:#?}");
        let running = matches!(row.state, RunState::Running { .. });
        assert!(!running, "nothing runs: {row:#?}");
    }
    for row in &rows {
        if row.state != RunState::Interrupted {
            continue;
        }
        // A catch-up is not repeated, unless an occurrence was skipped because of it or of the first run.
        let owed = row.makes_up_for.is_none() || skipped_for(&rows, row);
        assert_eq!(made_up.contains(&row.number), owed, "made up for: {row:#?}");
    }
    for (job, step) in JOBS {
        no_instant_is_lost(&rows, job, step);
    }

    let (mut backups, mut relied_on) = (0, 0);
    for job in ["often", "calendar"] {
        let snapshots = whole_snapshots(host, job);
        let of_job = |row: &&RunRecord| row.job_id == job;
        for row in rows.iter().filter(of_job) {
            if row.result != Some(JobResult::Success) {
                continue;
            }
            let attempts = reader.attempts(row.number).expect("the attempts");
            for (index, action) in row.actions.iter().enumerate() {
                let Some(summary) = success(&attempts, index) else {
                    panic!("no agent said so: {row:#?}\n{attempts:#?}");
                };
                if action.kind != "backup" {
                    continue;
                }
                let id = summary.snapshot.as_deref().expect("a snapshot");
                let made = snapshots
                    .get(id)
                    .unwrap_or_else(|| panic!("{id} is not there: {row:#?}"));
                let source = host.path(storm.sources[&row.digest]);
                assert_eq!(made.paths, [source.display().to_string()], "{row:#?}");
                assert!(made.time >= row.due, "{} is too old: {row:#?}", made.time);
                let first = attempts
                    .iter()
                    .find(|attempt| attempt.action as usize == index);
                let started = first.expect("an attempt").started;
                // No occurrence that became due in between may have been skipped because of this run.
                let skipped = rows.iter().filter(of_job).find(|other| {
                    other.claim().kind == ClaimKind::Due
                        && made.time < other.due
                        && other.due <= started
                });
                assert!(skipped.is_none(), "{}: {row:#?}\n{skipped:#?}", made.time);
                backups += 1;
                relied_on += usize::from(made.time < started);
            }
        }
    }
    println!(
        "{} rows, {} runs made up for, {backups} backups, {relied_on} of them from an earlier attempt or run",
        rows.len(),
        made_up.len()
    );
}
