//! A command is killed: while it sends an event, and during an import.

use std::fs;

use freezerd::kill_point::Point;
use freezerd::ledger::open_read_only;

use crate::harness::{Host, exec, now, someday};
use crate::scenarios::*;

#[test]
fn an_event_whose_sender_is_killed_takes_effect_once_or_not_at_all() {
    for (point, expected) in [(Point::EventWritten, 0), (Point::EventSent, 1)] {
        let host = Host::new();
        host.put("a", someday(vec![exec("true")]));
        let daemon = host.start();
        let mut command = host.command(&["trigger", "a"]);
        command
            .env("FREEZERD_KILL_TRACE", host.path("trace"))
            .env("FREEZERD_KILL_AT", format!("{}:1:daemon", point.name()));
        let ended = command.status().expect("freezerd runs");
        assert!(ended.code().is_none(), "it was to be killed");
        daemon.looks(&host);
        crate::harness::eventually("the event was heard", || {
            host.history("a").len() == expected
        });
        // A temporary file that a killed sender left does no harm, and is removed later.
        daemon.stop();
        for left in fs::read_dir(host.path("state/events")).expect("events") {
            let left = fs::File::open(left.expect("an entry").path()).expect("an event");
            let then = std::time::SystemTime::now() - std::time::Duration::from_secs(3600);
            left.set_modified(then).expect("its time");
        }
        host.start().stop();
        assert_eq!(host.history("a").len(), expected);
        let left = fs::read_dir(host.path("state/events"))
            .expect("events")
            .count();
        assert_eq!(left, 0, "left behind by {}", point.name());
    }
}

#[test]
fn an_import_that_is_killed_leaves_the_old_ledger_or_the_new_one_and_can_be_repeated() {
    let with = |job: &str| {
        let host = Host::new().job(job, now(vec![exec("true")]));
        host.once().exits(0);
        host
    };
    let exported = |host: &Host| {
        let ran = host.freezerd(&["state", "export"]).exits(0);
        let lines = ran.stdout();
        // The first line contains the time.
        let (_, records) = lines.split_once('\n').expect("lines");
        records.to_owned()
    };
    let source = with("new");
    let wanted = exported(&source);
    let state = source.freezerd(&["state", "export"]).exits(0).stdout();
    for point in [
        Point::LedgerWritten,
        Point::LedgerMade,
        Point::OldLogsKept,
        Point::OldLedgerKept,
        Point::Imported,
    ] {
        let host = with("old");
        let before = exported(&host);
        let file = host.file("state.jsonl", &state);
        let file = file.to_str().expect("a path");
        let mut command = host.command(&["state", "import", "--replace", file]);
        command
            .env("FREEZERD_KILL_TRACE", host.path("trace"))
            .env("FREEZERD_KILL_AT", format!("{}:1:daemon", point.name()));
        let ended = command.status().expect("freezerd runs");
        assert!(ended.code().is_none(), "to be killed at {point:?}");
        let now = exported(&host);
        let expected = [&before, &wanted][usize::from(point == Point::Imported)];
        assert_eq!(&now, expected, "killed at {point:?}");
        host.freezerd(&["state", "import", "--replace", file])
            .exits(0);
        assert_eq!(exported(&host), wanted, "{point:?}");
        let kept = beside(&host, "ledger.redb.replaced-");
        let old = kept.iter().any(|path| {
            let reader = open_read_only(path).expect("a whole ledger");
            reader.job("old").expect("readable").is_some()
        });
        assert!(old, "the old one is kept: {kept:?}");
        host.start().stop();
    }
}
