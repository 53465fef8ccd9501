//! History has its own retention: what is old goes, and what people ask for stays.

use std::fs;

use chrono::{DateTime, TimeDelta, Utc};
use freezerd::control::layout::Layout;
use freezerd::job::JobResult;
use freezerd::ledger::{Ledger, Write};
use freezerd::record::{AttemptEnd, AttemptRecord, Claim, EventRecord, RunRecord, RunState};

use crate::harness::{Host, eventually, every, exec, someday};
use crate::samples::{event_record, run_record};

/// A row that is over, of a run that was due then.
fn row(number: u64, job_id: &str, due: DateTime<Utc>, result: JobResult) -> RunRecord {
    RunRecord {
        result: Some(result),
        ..run_record(number, job_id, due)
    }
}

/// With no daemon running: puts rows into the ledger, each with an attempt, a log and a report of changes.
fn write(host: &Host, rows: Vec<RunRecord>) {
    let mut store = host.free_ledger();
    let mut writes = Vec::new();
    for row in rows {
        for file in ["log", "changes"] {
            let path = host.path(&format!("state/logs/{}.{file}", row.number));
            fs::write(path, "something\n").expect("a log");
        }
        writes.push(Write::Attempt(AttemptRecord {
            run: row.number,
            action: 0,
            attempt: 1,
            started: row.due,
            ended: row.ended,
            end: Some(AttemptEnd::Aborted),
        }));
        writes.push(Write::Claim(row));
    }
    store.commit(&writes).expect("a commit");
}

fn days_ago(days: i64) -> DateTime<Utc> {
    Utc::now() - TimeDelta::days(days)
}

fn numbers(host: &Host, job: &str) -> Vec<u64> {
    let runs = host.history(job).into_iter();
    runs.map(|run| run["run"].as_u64().expect("a number"))
        .rev()
        .collect()
}

fn logs(host: &Host) -> Vec<u64> {
    let layout = Layout::new(&host.path("state"), &host.path("state/runtime"));
    let mut runs = layout.logged_runs();
    runs.sort_unstable();
    runs
}

/// A host whose ledger knows the job, which has no runs.
fn host() -> Host {
    let host = Host::new().job("nightly", someday(vec![exec("true")]));
    host.once().exits(0);
    host
}

#[test]
fn a_row_that_is_too_old_goes_with_its_attempts_and_its_log() {
    let host = host();
    write(
        &host,
        vec![
            row(1, "nightly", days_ago(500), JobResult::Success),
            row(2, "nightly", days_ago(300), JobResult::Success),
            row(3, "nightly", days_ago(1), JobResult::Success),
        ],
    );
    host.once().exits(0);
    assert_eq!(numbers(&host, "nightly"), [2, 3]);
    assert_eq!(host.attempts(1), []);
    assert_eq!(host.attempts(2).len(), 1);
    assert_eq!(logs(&host), [2, 3]);
    let host = host.flag("--history-age").flag("100 days");
    host.once().exits(0);
    assert_eq!(numbers(&host, "nightly"), [3]);
    assert_eq!(logs(&host), [3]);
}

#[test]
fn of_each_job_so_many_rows_are_kept() {
    let host = host()
        .job("other", someday(vec![exec("true")]))
        .flag("--history-runs=3");
    let of = |number, job| row(number, job, days_ago(2), JobResult::Success);
    write(
        &host,
        (1..=8)
            .map(|number| {
                let job = if number <= 6 { "nightly" } else { "other" };
                let mut row = of(number, job);
                row.due += TimeDelta::seconds(number as i64);
                row
            })
            .collect(),
    );
    host.once().exits(0);
    assert_eq!(numbers(&host, "nightly"), [4, 5, 6]);
    assert_eq!(numbers(&host, "other"), [7, 8]);
    assert_eq!(logs(&host), [4, 5, 6, 7, 8]);
}

#[test]
fn the_newest_row_the_last_success_and_what_was_made_up_for_stay() {
    let host = host().flag("--history-runs=1");
    let mut rows = vec![
        row(1, "nightly", days_ago(900), JobResult::Success),
        row(2, "nightly", days_ago(800), JobResult::Success),
        row(3, "nightly", days_ago(700), JobResult::Fail),
        row(4, "nightly", days_ago(600), JobResult::Fail),
        row(5, "nightly", days_ago(600), JobResult::Fail),
    ];
    rows[3].state = RunState::Interrupted;
    rows[4].makes_up_for = Some(4);
    write(&host, rows);
    host.once().exits(0);
    // 5 is the newest, and makes up for 4; 2 is the last success.
    assert_eq!(numbers(&host, "nightly"), [2, 4, 5]);
    write(
        &host,
        vec![row(6, "nightly", days_ago(1), JobResult::Success)],
    );
    host.once().exits(0);
    assert_eq!(numbers(&host, "nightly"), [6]);
}

#[test]
fn a_run_that_goes_on_is_never_forgotten() {
    let host = Host::new().flag("--history-runs=1");
    let gate = host.gate("gate");
    host.put("slow", every("1 days", vec![gate.action()]));
    let daemon = host.start();
    let slow = host.trigger("slow");
    for number in 0..3 {
        host.put(&format!("quick{number}"), someday(vec![exec("true")]));
        daemon.says(&format!("quick{number}"), "loaded");
        host.trigger(&format!("quick{number}"));
    }
    drop(daemon);
    // Killed in the middle: the next start sweeps with the run still open or just closed.
    let daemon = host.start();
    gate.pass();
    gate.pass();
    daemon.says("slow", "succeeded");
    let rows = host.history("slow");
    assert!(rows.iter().any(|row| row["run"] == slow), "{rows:#?}");
    assert_eq!(daemon.stop().code(), Some(0));
}

#[test]
fn rows_of_a_job_that_is_gone_age_out() {
    let host = host();
    write(
        &host,
        vec![
            row(1, "gone", days_ago(500), JobResult::Success),
            row(2, "going", days_ago(300), JobResult::Success),
            row(3, "nightly", days_ago(1), JobResult::Success),
        ],
    );
    host.once().exits(0);
    assert_eq!(
        host.freezerd(&["history", "gone"]).code(),
        66,
        "nothing is known of it"
    );
    assert_eq!(numbers(&host, "going"), [2]);
}

#[test]
fn what_a_forgotten_row_stood_for_stays_claimed_for_a_week() {
    let host = host().flag("--history-runs=1");
    let recent = days_ago(5);
    let rows = vec![
        row(1, "nightly", days_ago(9), JobResult::Success),
        row(2, "nightly", recent, JobResult::Success),
        row(3, "nightly", days_ago(1), JobResult::Success),
    ];
    let claims: Vec<Claim> = rows.iter().map(RunRecord::claim).collect();
    write(&host, rows);
    host.once().exits(0);
    assert_eq!(numbers(&host, "nightly"), [3]);
    let claimed = || -> Vec<Option<u64>> {
        let ledger = host.ledger();
        let of = |claim| ledger.claimed_by(claim).expect("an answer");
        claims.iter().map(of).collect()
    };
    assert_eq!(claimed(), [None, Some(2), Some(3)]);
    // Three days later it goes, too.
    let mut store = host.free_ledger();
    let older = Claim {
        due: days_ago(8),
        ..claims[1].clone()
    };
    let mut moved = row(4, "nightly", older.due, JobResult::Success);
    moved.claimed = older.due;
    store
        .commit(&[
            Write::Claim(moved),
            Write::ForgetRun {
                job_id: "nightly".into(),
                number: 4,
            },
        ])
        .expect("a commit");
    drop(store);
    assert_eq!(
        host.ledger().claimed_by(&older).expect("an answer"),
        Some(4)
    );
    host.once().exits(0);
    assert_eq!(host.ledger().claimed_by(&older).expect("an answer"), None);
    assert_eq!(claimed(), [None, Some(2), Some(3)]);
}

#[test]
fn answers_to_events_are_forgotten_after_a_month() {
    let host = host();
    let mut store = host.free_ledger();
    let event = |id: &str, days| {
        Write::Event(EventRecord {
            id: id.into(),
            ..event_record("stop", "nightly", days_ago(days))
        })
    };
    store
        .commit(&[event("1-1", 40), event("2-1", 31), event("3-1", 29)])
        .expect("a commit");
    drop(store);
    host.once().exits(0);
    let known = |id| host.ledger().event(id).expect("an answer").is_some();
    assert_eq!(
        [known("1-1"), known("2-1"), known("3-1")],
        [false, false, true]
    );
}

#[test]
fn logs_without_a_row_are_swept() {
    let host = host();
    write(
        &host,
        vec![row(7, "nightly", days_ago(1), JobResult::Success)],
    );
    for name in ["3.log", "9.log", "notes.log"] {
        host.file(&format!("state/logs/{name}"), "left behind\n");
    }
    host.once().exits(0);
    // 9 is a number that no row had yet: whose log that is nobody knows.
    assert_eq!(logs(&host), [7, 9]);
    assert!(host.path("state/logs/notes.log").exists());
}

#[test]
fn a_daemon_that_stays_forgets_too() {
    let host = host().flag("--history-runs=2");
    let rows = (1..=2_000)
        .map(|number| {
            let due = days_ago(3) + TimeDelta::seconds(number);
            row(number as u64, "nightly", due, JobResult::Success)
        })
        .collect();
    write(&host, rows);
    let daemon = host.start();
    eventually("the rows are forgotten", || {
        numbers(&host, "nightly") == [1_999, 2_000]
    });
    eventually("and their logs", || logs(&host) == [1_999, 2_000]);
    assert_eq!(host.trigger("nightly"), 2_001, "no number is used again");
    assert_eq!(daemon.stop().code(), Some(0));
}

#[test]
fn a_daemon_that_is_killed_while_it_forgets_leaves_nothing_that_the_next_does_not_find() {
    let host = host().flag("--history-runs=2");
    let rows = (1..=4_000)
        .map(|number| {
            let due = days_ago(3) + TimeDelta::seconds(number);
            row(number as u64, "nightly", due, JobResult::Success)
        })
        .collect();
    write(&host, rows);
    // `None` while a daemon that is just starting repairs what the last one left.
    let count = || {
        let reader = freezerd::ledger::open_read_only(&host.path("state/ledger.redb")).ok()?;
        reader.count_runs("nightly", u64::MAX).ok()
    };
    let mut left = 4_000;
    while left > 2 {
        let daemon = host.launch();
        eventually("it has begun", || count().is_some_and(|count| count < left));
        daemon.kill();
        // Killed in the middle of a commit, the file is repaired by whoever opens it first. A log without a row is all
        // that may be wrong.
        host.freezerd(&["list"]).exits(0);
        host.freezerd(&["state", "check"]).exits(0);
        left = count().expect("it was repaired");
    }
    host.once().exits(0);
    assert_eq!(logs(&host), [3_999, 4_000]);
    host.freezerd(&["state", "check"]).exits(0);
}

#[test]
fn a_file_that_is_mostly_free_is_made_small_at_the_start() {
    let host = host().flag("--history-runs=10");
    let rows = (1..=9_000)
        .map(|number| {
            let due = days_ago(3) + TimeDelta::seconds(number);
            row(number as u64, "nightly", due, JobResult::Success)
        })
        .collect();
    write(&host, rows);
    let size = || fs::metadata(host.path("state/ledger.redb")).map_or(0, |ledger| ledger.len());
    let before = size();
    for _ in 0..2 {
        host.once().exits(0);
    }
    assert_eq!(numbers(&host, "nightly").len(), 10);
    assert!(size() < before / 2, "{before} bytes, then {}", size());
    host.freezerd(&["state", "check"]).exits(0);
}

#[test]
fn a_clock_that_jumped_ahead_takes_no_history_with_it() {
    let host = host();
    write(
        &host,
        vec![
            row(1, "nightly", days_ago(1000), JobResult::Fail),
            // All that is known ends 500 days ago: by this clock even the newest rows are too old.
            row(2, "nightly", days_ago(501), JobResult::Fail),
            row(3, "nightly", days_ago(500), JobResult::Fail),
        ],
    );
    host.once().exits(0);
    assert_eq!(numbers(&host, "nightly"), [1, 2, 3]);
}
