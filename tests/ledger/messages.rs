//! The messages to receivers in the ledger: exported, imported, and damaged.

use std::fs;

use freezerd::record::OutboxRow;
use redb::TableDefinition;

use crate::harness::{Host, exec, someday};

const OUTBOX: TableDefinition<(u64, &str), &[u8]> = TableDefinition::new("outbox");

/// A host whose ledger has two messages to a receiver that accepts none.
fn host() -> Host {
    let host = Host::new()
        .job("a", someday(vec![exec("false")]))
        .job("b", someday(vec![exec("false")]));
    let receiver = "[notify.admins]\ntype = \"command\"\ncommand = [\"false\"]\n";
    host.file("freezerd.toml", receiver);
    let daemon = host.start();
    for job in ["a", "b"] {
        host.trigger(job);
        daemon.run_of(job);
    }
    daemon.until(|line| line.message.contains("cannot tell admins"));
    assert!(daemon.stop().success());
    assert_eq!(outbox(&host).len(), 2);
    host
}

fn outbox(host: &Host) -> Vec<OutboxRow> {
    host.ledger().outbox().expect("the messages")
}

#[test]
fn messages_are_exported_and_imported_with_their_state() {
    let host = host();
    let export = host.freezerd(&["state", "export"]).exits(0).stdout();
    let rows = export.matches("{\"table\":\"outbox\"").count();
    assert_eq!(rows, 2, "{export}");
    let other = Host::new();
    let lines = other.file("lines", &export);
    let lines = lines.to_str().expect("a plain path");
    other.freezerd(&["state", "import", lines]).exits(0);
    other.freezerd(&["state", "check"]).exits(0);
    assert_eq!(outbox(&other), outbox(&host));
    let again = other.freezerd(&["state", "export"]).exits(0).stdout();
    let records = |export: &str| {
        export
            .lines()
            .skip(1)
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(records(&again), records(&export));
}

#[test]
fn a_message_that_cannot_be_read_goes_alone() {
    let host = host();
    let database = redb::Database::create(host.path("state/ledger.redb")).expect("it is free");
    let transaction = database.begin_write().expect("a transaction");
    transaction
        .open_table(OUTBOX)
        .expect("the table")
        .insert((1, "admins"), &b"\x01half of a message"[..])
        .expect("a value");
    transaction.commit().expect("a commit");
    drop(database);
    let check = host.freezerd(&["state", "check"]).stdout();
    assert!(check.contains("message 1 to admins"), "{check}");
    let daemon = host.start();
    let log = daemon.log();
    assert!(log.contains("message 1 to admins cannot be read"), "{log}");
    assert!(daemon.stop().success());
    let left: Vec<u64> = outbox(&host).iter().map(|row| row.message.id).collect();
    assert_eq!(left, [2]);
    let kept = fs::read_dir(host.path("state")).expect("the directory");
    let kept = kept.flatten().map(|entry| entry.path());
    let mut kept = kept.filter(|path| path.display().to_string().contains("unreadable-"));
    let kept = fs::read_to_string(kept.next().expect("a file")).expect("lines");
    assert!(kept.contains("half of a message"), "{kept}");
    host.freezerd(&["state", "check"]).exits(0);
}

#[test]
fn a_ledger_of_an_older_program_gets_the_table_with_its_first_message() {
    let host = Host::new().job("a", someday(vec![exec("false")]));
    let daemon = host.start();
    daemon.looks(&host);
    assert!(daemon.stop().success());
    let database = redb::Database::create(host.path("state/ledger.redb")).expect("it is free");
    let transaction = database.begin_write().expect("a transaction");
    transaction.delete_table(OUTBOX).expect("no table");
    transaction.commit().expect("a commit");
    drop(database);
    host.freezerd(&["notify"]).exits(0);
    host.freezerd(&["state", "check"]).exits(0);
    let receiver = "[notify.admins]\ntype = \"command\"\ncommand = [\"true\"]\n";
    host.file("freezerd.toml", receiver);
    let daemon = host.start();
    host.trigger("a");
    daemon.run_of("a");
    assert!(daemon.stop().success());
    assert_eq!(outbox(&host).len(), 1);
}
