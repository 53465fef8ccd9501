//! One value that cannot be read takes nothing else with it: it is kept in a file of its own, and everybody is told.

use std::fs;
use std::path::PathBuf;

use redb::TableDefinition;
use serde_json::{Value, json};

use crate::harness::{Host, eventually, every, exec, now, once, someday};

const JOBS: TableDefinition<&str, &[u8]> = TableDefinition::new("jobs");

const RUNS: TableDefinition<u64, &[u8]> = TableDefinition::new("runs");

const NOISE: &[u8] = b"\x01{\"job_id\": \"half of";

/// With no daemon running: does something to the tables.
fn meddle(host: &Host, meddle: impl FnOnce(&redb::WriteTransaction)) {
    let database =
        redb::Database::create(host.path("state/ledger.redb")).expect("a ledger that is free");
    let transaction = database.begin_write().expect("a transaction");
    meddle(&transaction);
    transaction.commit().expect("a commit");
}

fn spoil_run(host: &Host, number: u64) {
    meddle(host, |transaction| {
        let mut runs = transaction.open_table(RUNS).expect("the table");
        runs.insert(number, NOISE).expect("a value");
    });
}

/// The files with values that were put aside.
fn kept(host: &Host) -> Vec<PathBuf> {
    fs::read_dir(host.path("state"))
        .expect("the state directory")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.display().to_string().contains("redb.unreadable-"))
        .collect()
}

fn lines(host: &Host) -> Vec<Value> {
    let kept = kept(host);
    assert_eq!(kept.len(), 1, "{kept:?}");
    let text = fs::read_to_string(&kept[0]).expect("the file");
    text.lines()
        .map(|line| serde_json::from_str(line).expect("a line of JSON"))
        .collect()
}

#[test]
fn a_job_whose_record_cannot_be_read_is_loaded_anew_and_not_run_again() {
    let host = Host::new()
        .job("once", once(vec![exec("echo x >> ran")]))
        .job("other", now(vec![exec("true")]));
    host.once().exits(0);
    let other = host.show("other");
    meddle(&host, |transaction| {
        let mut jobs = transaction.open_table(JOBS).expect("the table");
        jobs.insert("once", NOISE).expect("a value");
    });
    // Without a daemon, the others are shown, and that one is missing is said.
    assert_eq!(host.jobs(), ["other"]);
    let said = host.freezerd(&["list"]).exits(0);
    assert!(said.stderr().contains("1 value"), "{}", said.stderr());
    assert!(
        host.freezerd(&["show", "once"])
            .exits(70)
            .stderr()
            .contains("cannot be read")
    );
    host.freezerd(&["state", "export"]).exits(70);

    let daemon = host.start();
    let log = daemon.log();
    assert!(log.contains("the job once cannot be read"), "{log}");
    let lines = lines(&host);
    assert_eq!(lines[0]["of"], "the job once");
    assert_eq!(
        lines[0]["text"],
        String::from_utf8_lossy(NOISE).into_owned()
    );
    assert_eq!(host.jobs(), ["once", "other"]);
    assert_eq!(host.state("once"), "stop//");
    let mut after = host.show("other");
    after["x-freezerd"]["daemon"] = json!(false);
    after["x-freezerd"]["notes"] = json!([]);
    assert_eq!(after, other, "nothing happened to the other");
    assert_eq!(
        host.json(&["list"])["notes"].as_array().map(Vec::len),
        Some(1)
    );
    assert_eq!(daemon.stop().code(), Some(0));
    assert_eq!(host.once().exits(0).json()["runs"], json!([]));
    assert_eq!(host.read("work/ran"), "x\n");
    host.freezerd(&["state", "check"]).exits(0);
    fs::remove_file(&kept(&host)[0]).expect("it is there");
    assert_eq!(host.json(&["list"])["notes"], json!([]));
}

#[test]
fn a_row_that_cannot_be_read_goes_alone() {
    let host = Host::new().job("job", someday(vec![exec("true")]));
    let daemon = host.start();
    for _ in 0..3 {
        host.trigger("job");
        daemon.says("job", "succeeded");
    }
    assert_eq!(daemon.stop().code(), Some(0));
    spoil_run(&host, 2);
    let numbers = || -> Vec<u64> {
        let runs = host.history("job").into_iter();
        runs.map(|run| run["run"].as_u64().expect("a number"))
            .collect()
    };
    assert_eq!(numbers(), [3, 1]);
    assert!(
        host.freezerd(&["history"])
            .exits(0)
            .stderr()
            .contains("1 value of the ledger cannot be read")
    );
    let daemon = host.start();
    eventually("it is kept aside", || !kept(&host).is_empty());
    assert_eq!(lines(&host)[0]["of"], "run 2");
    eventually("and gone", || {
        host.freezerd(&["state", "check"]).code() == 0
    });
    assert_eq!(numbers(), [3, 1]);
    assert_eq!(host.trigger("job"), 4);
    daemon.says("job", "succeeded");
    assert_eq!(daemon.stop().code(), Some(0));
}

#[test]
fn a_run_that_was_going_on_and_cannot_be_read_is_made_up_for() {
    let host = Host::new();
    let gate = host.gate("gate");
    host.put(
        "slow",
        json!({
            "job_actions": [gate.action()],
            "job_schedule": {"schedule_date": chrono::Utc::now().to_rfc3339()},
        }),
    );
    host.put("other", every("1 days", vec![exec("true")]));
    let daemon = host.start();
    daemon.says("slow", "exec");
    daemon.kill();
    let run = host.schedule("slow");
    assert_eq!(run["status"], "running");
    // Its row is opened and repaired first, as after every kill.
    spoil_run(&host, 1);
    gate.pass();
    gate.pass();
    let daemon = host.start();
    daemon.says("slow", "succeeded");
    let rows = host.history("slow");
    assert_eq!(rows.len(), 2, "{rows:#?}");
    assert_eq!(rows[0]["makes_up_for"], 1);
    assert_eq!(rows[1]["state"], "interrupted");
    assert_eq!(host.state("slow"), "stop//success");
    assert_eq!(host.state("other"), "scheduled//");
    assert_eq!(daemon.stop().code(), Some(0));
    host.freezerd(&["state", "check"]).exits(0);
}
