//! `freezerd state check`.

use std::fs;

use chrono::Utc;
use freezerd::ledger::{Ledger, Write};

use super::{host, ledger};
use crate::harness::Host;

/// Findings of the check: table and message of each.
fn findings(host: &Host, code: i32) -> Vec<(String, String)> {
    let ran = host.freezerd(&["state", "check", "--json"]).exits(code);
    let report = ran.json();
    let findings = report["findings"].as_array().expect("findings");
    findings
        .iter()
        .map(|finding| {
            assert!(!finding["fix"].as_str().expect("a fix").is_empty());
            let word = |key: &str| finding[key].as_str().expect("a word").to_owned();
            (word("table"), word("message"))
        })
        .collect()
}

#[test]
fn a_sound_ledger_has_no_findings_beside_a_daemon_or_without() {
    let host = host();
    assert_eq!(findings(&host, 0), []);
    let ran = host.freezerd(&["state", "check"]).exits(0);
    assert!(ran.stdout().contains("The ledger is consistent"));
    let before = fs::read(ledger(&host)).expect("it");
    assert_eq!(host.json(&["state", "check"])["pages_checked"], true);
    assert!(fs::read(ledger(&host)).expect("it") == before);
    let daemon = host.start();
    assert_eq!(host.json(&["state", "check"])["pages_checked"], false);
    assert_eq!(findings(&host, 0), []);
    assert_eq!(daemon.stop().code(), Some(0));
}

#[test]
fn the_check_finds_what_does_not_hold() {
    type Meddle = fn(&redb::WriteTransaction);
    const RUNS: redb::TableDefinition<u64, &[u8]> = redb::TableDefinition::new("runs");
    const JOBS: redb::TableDefinition<&str, &[u8]> = redb::TableDefinition::new("jobs");
    const OPEN: redb::TableDefinition<u64, ()> = redb::TableDefinition::new("open_runs");
    const LIST: redb::TableDefinition<(&str, u64), ()> = redb::TableDefinition::new("runs_of_job");
    const CLAIMS: redb::TableDefinition<(&str, i64, &str), u64> =
        redb::TableDefinition::new("occurrences");
    let cases: Vec<(&str, &str, Meddle)> = vec![
        ("runs", "missing from the history", |transaction| {
            let mut table = transaction.open_table(LIST).expect("a table");
            table.retain(|_, _| false).expect("all go");
        }),
        ("open_runs", "the run is over", |transaction| {
            let mut table = transaction.open_table(OPEN).expect("a table");
            table.insert(1, ()).expect("a row");
        }),
        ("runs", "its occurrence does not name it", |transaction| {
            let mut table = transaction.open_table(CLAIMS).expect("a table");
            table.retain(|_, _| false).expect("all go");
        }),
        ("occurrences", "the newest run is 3", |transaction| {
            let mut table = transaction.open_table(CLAIMS).expect("a table");
            table.insert(("good", 5, "due"), 99).expect("a row");
        }),
        ("attempts", "has no row", |transaction| {
            let mut table = transaction.open_table(RUNS).expect("a table");
            table.remove(2).expect("it goes");
        }),
        ("jobs", "cannot be read", |transaction| {
            let mut table = transaction.open_table(JOBS).expect("a table");
            table.insert("good", &b"\x01{\"job"[..]).expect("a row");
        }),
        ("runs", "cannot be read", |transaction| {
            let mut table = transaction.open_table(RUNS).expect("a table");
            table.insert(1, &b"\x07{}"[..]).expect("a row");
        }),
    ];
    let first = host();
    let whole = fs::read(ledger(&first)).expect("the ledger");
    for (table, word, meddle) in cases {
        fs::write(ledger(&first), &whole).expect("the ledger");
        let database = redb::Database::create(ledger(&first)).expect("the ledger");
        let transaction = database.begin_write().expect("a transaction");
        meddle(&transaction);
        transaction.commit().expect("a commit");
        drop(database);
        let found = findings(&first, 65);
        assert!(
            found
                .iter()
                .any(|(at, message)| at == table && message.contains(word)),
            "{table}: {word} is not among {found:?}"
        );
    }
}

#[test]
fn a_job_that_is_busy_with_a_run_that_is_over_is_found_and_let_go() {
    let host = host();
    let mut store = host.free_ledger();
    let reader = store.reader().expect("a view");
    let mut job = reader.job("good").expect("a view").expect("the job");
    drop(reader);
    job.run = Some(freezerd::record::OpenRun {
        number: 1,
        started: true,
        aborting: false,
        since: None,
    });
    job.created = Utc::now();
    store
        .commit(&[Write::Job(Box::new(job))])
        .expect("a commit");
    drop(store);
    let found = findings(&host, 65);
    assert!(found[0].1.contains("open run is run 1"), "{found:?}");
    // It would wait for the end of that run for ever: the next start lets it go.
    let daemon = host.start();
    assert!(daemon.log().contains("it is let go"));
    host.trigger("good");
    daemon.says("good", "succeeded");
    assert_eq!(daemon.stop().code(), Some(0));
    assert_eq!(findings(&host, 0), []);
}

#[test]
fn a_log_without_a_row_is_worth_a_word() {
    let host = host();
    host.file("state/logs/77.log", "left behind\n");
    let found = findings(&host, 0);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].1.contains("run 77 has no row"), "{found:?}");
}
