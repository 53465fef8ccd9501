//! Kills the daemon, its agent, or both with SIGKILL, at every commit and before and after every external effect.
//!
//! The test runs a scenario once to its end, and records every point that is passed. Then, for each point, it runs the
//! same scenario on a new host, kills the processes at that point, and starts a second daemon. At the end, the ledger
//! has one row for each occurrence, and no open row. An interrupted run was made up for once. A finished backup was not
//! repeated. Every request took effect once. The other jobs were not affected.
//!
//! `FREEZERD_KILL_ONLY=Spawned` runs the cases of one point.

mod command_line;
mod everywhere;
#[path = "../harness/mod.rs"]
mod harness;
#[path = "../samples/mod.rs"]
mod samples;
mod scenarios;
mod telling;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use freezerd::job::JobResult;
use freezerd::kill_point::Point;
use freezerd::ledger::{Reader, open_read_only};
use freezerd::protocol::Verdict;
use freezerd::record::{AttemptEnd, ClaimKind, RunRecord, RunState, Standing};
use serde_json::json;

use crate::harness::{Daemon, Host, PATIENCE, exec, someday};
use crate::scenarios::*;

/// The number of cases that run at the same time. A case spends most of its time waiting.
const AT_A_TIME: usize = 8;

/// A point that was passed: by which process, and how often that process had passed it.
#[derive(Clone, Debug, PartialEq)]
struct Passed {
    role: String,
    point: String,
    count: usize,
    /// Whether both a daemon and an agent ran.
    beside: bool,
}

/// One kill.
#[derive(Clone, Debug)]
struct Case {
    point: String,
    count: usize,
    whom: &'static str,
}

/// A new host that is ready for the scenario, with two jobs that have nothing to do with it.
fn stage(scenario: &Scenario) -> Host {
    let host = Host::new();
    (scenario.prepare)(&host);
    host.put("far", someday(vec![exec("false")]));
    let mut halted = someday(vec![exec("false")]);
    halted["job_schedule"]["event"] = json!("stop");
    host.put("halted", halted);
    host
}

fn launch(host: &Host, trace: &str, at: Option<&Case>) -> Daemon {
    let mut command = host.command(&["run", "--log-format", "json", "--log-level", "debug"]);
    command.env("FREEZERD_METRICS_DIR", host.path("metrics"));
    command.env("FREEZERD_KILL_TRACE", host.path(trace));
    if let Some(case) = at {
        let at = format!("{}:{}:{}", case.point, case.count, case.whom);
        command.env("FREEZERD_KILL_AT", at);
    }
    host.launch_command(command)
}

/// Whether the scenario is complete: no request waits, no run is open, and the jobs are as the scenario wants them.
fn is_at_rest(scenario: &Scenario, host: &Host) -> bool {
    let waiting = fs::read_dir(host.path("state/events")).is_ok_and(|mut events| {
        events.any(|event| {
            let name = event.expect("an entry").file_name();
            let name = name.as_encoded_bytes();
            !name.starts_with(b".") && !name.ends_with(b".bad")
        })
    });
    // Right after a kill the ledger may be unreadable until the daemon has repaired it.
    let Ok(reader) = open_read_only(&host.path("state/ledger.redb")) else {
        return false;
    };
    let (Ok(jobs), Ok(open)) = (reader.jobs(), reader.open_runs()) else {
        return false;
    };
    let expected = fs::read_dir(host.path("jobs.d")).expect("jobs").count();
    let resting = |job: &freezerd::record::JobRecord| {
        job.run.is_none()
            && (!job.job_id.starts_with("job") || job.standing != Standing::OnSchedule)
    };
    !waiting
        && open.is_empty()
        && jobs.len() == expected
        && jobs.iter().all(resting)
        && (scenario.settled)(host, &reader)
}

/// Waits until the scenario is complete (true) or the daemon has ended (false).
fn settle(scenario: &Scenario, host: &Host, daemon: &mut Daemon) -> bool {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if daemon.has_ended() {
            return false;
        }
        if is_at_rest(scenario, host) {
            return true;
        }
        assert!(
            Instant::now() < deadline,
            "never at rest; the daemon said:\n{}",
            daemon.log()
        );
        std::thread::sleep(std::time::Duration::from_millis(30));
    }
}

/// Runs the scenario without a kill, and returns the points that were passed.
fn rehearse(scenario: &Scenario) -> Vec<Passed> {
    passed(&play(scenario, None), "trace")
}

fn passed(host: &Host, trace: &str) -> Vec<Passed> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let mut agents = 0_usize;
    let mut found = Vec::new();
    for line in host.read(trace).lines() {
        let mut words = line.split(' ');
        let role = words.next().expect("a role").to_owned();
        let point = words.next().expect("a point").to_owned();
        let count = counts.entry(point.clone()).or_default();
        *count += 1;
        match point.as_str() {
            "Spawned" => agents += 1,
            "AgentGone" => agents = agents.saturating_sub(1),
            _ => {}
        }
        found.push(Passed {
            beside: role == "agent" || agents > 0,
            count: *count,
            role,
            point,
        });
    }
    found
}

fn cases(scenario: &Scenario, passed: &[Passed]) -> Vec<Case> {
    let only = std::env::var("FREEZERD_KILL_ONLY").ok();
    let mut cases = Vec::new();
    for passed in passed {
        if !scenario.roles.contains(&passed.role.as_str())
            || !is_ours(&passed.point)
            || only.as_ref().is_some_and(|only| *only != passed.point)
        {
            continue;
        }
        let whoms: &[&str] = match (passed.role.as_str(), passed.beside) {
            ("daemon", false) => &["daemon"],
            _ => &["daemon", "agent", "both"],
        };
        cases.extend(whoms.iter().map(|whom| Case {
            point: passed.point.clone(),
            count: passed.count,
            whom,
        }));
    }
    cases
}

/// The points of the engine have their own tests, which need no daemon.
fn is_ours(point: &str) -> bool {
    Point::OTHERS.iter().any(|ours| ours.name() == point)
}

/// Runs the scenario with one kill, and checks the result. Returns whether the kill happened, because timing varies.
fn run(scenario: &Scenario, case: &Case) -> bool {
    passed(&play(scenario, Some(case)), "trace")
        .iter()
        .any(|passed| passed.point == case.point && passed.count == case.count)
}

/// Runs a daemon, which is killed if there is a case, and then a second one. Then checks the result.
fn play(scenario: &Scenario, case: Option<&Case>) -> Host {
    let host = stage(scenario);
    let mut daemon = launch(&host, "trace", case);
    let lived = settle(scenario, &host, &mut daemon);
    assert!(lived || case.is_some(), "{}", daemon.log());
    if lived {
        daemon.stop();
    }
    (scenario.between)(&host);
    // Even if the first daemon was not killed: the second must find nothing to do.
    let mut again = launch(&host, "trace-of-the-second", None);
    assert!(
        settle(scenario, &host, &mut again),
        "the second daemon ended:\n{}",
        again.log()
    );
    again.stop();
    judge(scenario, &host);
    host
}

/// Runs the cases, several at a time, and returns the points at which a kill happened.
fn exhaust(
    scenario: &Scenario,
    cases: &[Case],
    run: impl Fn(&Case) -> bool + Sync,
) -> BTreeSet<String> {
    let next = AtomicUsize::new(0);
    let reached = Mutex::new(BTreeSet::new());
    let failed = Mutex::new(Vec::new());
    std::thread::scope(|threads| {
        for _ in 0..AT_A_TIME {
            threads.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let came = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run(case)));
                    match came {
                        Ok(true) => {
                            let mut reached = reached.lock().expect("no panic under it");
                            reached.insert(case.point.clone());
                        }
                        Ok(false) => {}
                        Err(_) => failed.lock().expect("no panic under it").push(case.clone()),
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().expect("no panic under it");
    assert!(
        failed.is_empty(),
        "{}: {} of {} kills went wrong: {failed:#?}",
        scenario.name,
        failed.len(),
        cases.len()
    );
    println!("{}: {} kills", scenario.name, cases.len());
    reached.into_inner().expect("no panic under it")
}

/// Checks what must hold on every host after the scenario is complete.
fn judge(scenario: &Scenario, host: &Host) {
    let reader = host.ledger();
    let runs = reader.history(None, usize::MAX).expect("the rows");
    let mut claims = BTreeSet::new();
    for run in &runs {
        assert!(claims.insert(run.claim()), "two rows for {:?}", run.claim());
        assert!(run.state.is_over(), "left open: {run:#?}");
        let made_up: Vec<&RunRecord> = runs
            .iter()
            .filter(|other| other.makes_up_for == Some(run.number))
            .collect();
        let owed = run.state == RunState::Interrupted
            && run.makes_up_for.is_none()
            && scenario.name != EVENTS.name;
        if owed {
            assert_eq!(made_up.len(), 1, "made up for once: {run:#?}\n{made_up:#?}");
        } else if run.state != RunState::Interrupted {
            assert!(made_up.is_empty(), "nothing to make up for: {run:#?}");
        }
        for attempt in reader.attempts(run.number).expect("the attempts") {
            assert!(
                attempt.end.is_some() && attempt.ended.is_some(),
                "an attempt without an end: {attempt:#?}"
            );
        }
        if run.result == Some(JobResult::Success) {
            confirm(&reader, run);
        }
    }
    for job in reader.jobs().expect("the jobs") {
        match job.job_id.as_str() {
            "far" => assert_eq!(job.standing, Standing::OnSchedule),
            "halted" => assert_eq!(job.standing, Standing::Stopped),
            other => {
                let due =
                    |run: &&RunRecord| run.job_id == other && run.claim().kind == ClaimKind::Due;
                let expected = usize::from(other.starts_with("job"));
                assert_eq!(runs.iter().filter(due).count(), expected, "{runs:#?}");
                continue;
            }
        }
        let none = runs_of(&reader, &job.job_id);
        assert!(none.is_empty(), "a bystander ran: {none:#?}");
    }
    crate::harness::eventually("nothing of it runs any more", || leftovers(host).is_empty());
    (scenario.judge)(host, &reader);
}

/// Checks that in a successful run the last attempt of every action succeeded, as its agent reported.
fn confirm(reader: &Reader, run: &RunRecord) {
    let attempts = reader.attempts(run.number).expect("the attempts");
    for index in 0..run.actions.len() {
        let last = attempts
            .iter()
            .rfind(|attempt| attempt.action as usize == index);
        let said = last.and_then(|attempt| match &attempt.end {
            Some(AttemptEnd::Reported { outcome }) => Some(outcome.verdict),
            _ => None,
        });
        assert_eq!(said, Some(Verdict::Success), "{run:#?}\n{attempts:#?}");
    }
}

fn runs_of(reader: &Reader, job: &str) -> Vec<RunRecord> {
    let mut runs = reader.history(Some(job), usize::MAX).expect("the rows");
    runs.reverse();
    runs
}

#[track_caller]
fn succeeded(reader: &Reader, job: &str) {
    let runs = runs_of(reader, job);
    let last = runs.last().expect("a row");
    assert_eq!(last.result, Some(JobResult::Success), "{runs:#?}");
    let record = reader.job(job).expect("readable").expect("the job");
    assert_eq!(record.result, Some(JobResult::Success));
}

/// Processes of this host's runs. Their commands have a working directory on this host.
fn leftovers(host: &Host) -> Vec<String> {
    let work = host.path("work");
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").expect("/proc").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if fs::read_link(entry.path().join("cwd")).is_ok_and(|cwd| cwd == work)
            && crate::harness::is_alive(&name)
        {
            found.push(name);
        }
    }
    found
}
