//! The scenarios during which processes are killed.

use std::fs;
use std::path::PathBuf;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use freezerd::control::event::{Command, EventFile};
use freezerd::control::layout::Layout;
use freezerd::job::JobResult;
use freezerd::ledger::{Ledger, Reader, Write};
use freezerd::record::{AttemptEnd, ClaimKind, RunRecord, RunState, Standing};
use redb::TableDefinition;
use serde_json::{Value, json};

use super::harness::{Host, backup, exec, once, restore, someday};
use super::samples::run_record;
use super::{runs_of, succeeded};

/// What happens on a host, from the start of the daemon until the scenario is complete.
pub struct Scenario {
    pub name: &'static str,
    /// Creates the jobs and what they need. The names of jobs that end by themselves begin with `job`.
    pub prepare: fn(&Host),
    /// What happens while no daemon runs: after the kill, or after the scenario was complete.
    pub between: fn(&Host),
    /// What must have happened when the scenario is complete, beside the runs.
    pub settled: fn(&Host, &Reader) -> bool,
    /// The roles at whose points the test kills.
    pub roles: &'static [&'static str],
    /// Checks what must hold at the end of this scenario.
    pub judge: fn(&Host, &Reader),
}

pub const BACKUP: Scenario = Scenario {
    name: "backup",
    prepare: |host| {
        host.file("source/one", "first");
        host.file("source/two", "second");
        host.put(
            "job",
            due(vec![retried(backup(
                &host.path("source"),
                &host.path("container"),
            ))]),
        );
    },
    between: |_| {},
    settled: |_, _| true,
    roles: &["daemon", "agent"],
    judge: |host, reader| {
        succeeded(reader, "job");
        let whole = whole_snapshots(host, "job");
        assert_eq!(whole.len(), 1, "one whole snapshot: {whole:#?}");
    },
};

pub const RESTORE: Scenario = Scenario {
    name: "restore and removal",
    prepare: |host| {
        let (source, container) = (host.path("source"), host.path("container"));
        host.file("source/one", "old");
        for round in ["older", "newer"] {
            host.put("seed", due(vec![backup(&source, &container)]));
            host.once().exits(0);
            host.delete("seed");
            fs::remove_dir_all(host.path("state")).expect("the state of the preparation");
            host.file("source/two", round);
        }
        let removal = json!({"freezer_action": {
            "action": "admin", "backup_name": "data", "container": container, "remove_older_than": 0.000001,
        }});
        let mut back = restore(&container, &host.path("target"));
        back["freezer_action"]["overwrite"] = json!(true);
        host.put("job", due(vec![retried(back), retried(removal)]));
    },
    between: |_| {},
    settled: |_, _| true,
    roles: &["agent"],
    judge: |host, reader| {
        succeeded(reader, "job");
        assert_eq!(host.read("target/one"), "old");
        assert_eq!(host.read("target/two"), "older");
        let listed = host.json(&["snapshots", "job"]);
        let left = listed["snapshots"].as_array().expect("a list").len();
        assert_eq!(left, 1, "the newest stays: {listed:#}");
    },
};

/// A command that fails at first, and a second action that must see its result.
pub const COMMAND: Scenario = Scenario {
    name: "command and retry",
    prepare: |host| {
        let command = "echo x >> ran; test -e tried || { touch tried; exit 1; }";
        let mut first = retried(exec(command));
        first["max_retries"] = json!(3);
        host.put("job", due(vec![first, retried(exec("echo y >> after"))]));
    },
    between: |_| {},
    settled: |_, _| true,
    roles: &["daemon", "agent"],
    judge: |host, reader| {
        succeeded(reader, "job");
        let begun: usize = runs_of(reader, "job")
            .iter()
            .flat_map(|run| reader.attempts(run.number).expect("attempts"))
            .filter(|attempt| attempt.action == 0)
            .count();
        let ran = host.read("work/ran").lines().count();
        assert!(
            (2..=begun).contains(&ran),
            "{ran} commands ran in {begun} attempts"
        );
    },
};

/// A run that is triggered, and a run that asks for its own abort.
pub const EVENTS: Scenario = Scenario {
    name: "events",
    prepare: |host| {
        host.put("asked", someday(vec![retried(exec("echo x >> asked"))]));
        // Known before it is asked for.
        host.start().stop();
        host.file("state/events/nonsense.json", "{");
        send(host, Command::Trigger, "asked");
        let abort = send(host, Command::Abort, "job");
        fs::rename(&abort, host.path("work/abort.json")).expect("the event put by");
        let leave = format!(
            "mv abort.json '{}' && touch sent; test -e sent && sleep 1000",
            abort.display()
        );
        host.put("job", due(vec![retried(exec(&leave))]));
    },
    between: |_| {},
    settled: |_, _| true,
    roles: &["daemon", "agent"],
    judge: |host, reader| {
        let asked = runs_of(reader, "asked");
        let by_hand = |run: &&RunRecord| run.claim().kind == ClaimKind::Manual;
        assert_eq!(asked.iter().filter(by_hand).count(), 1, "{asked:#?}");
        succeeded(reader, "asked");
        let events = reader.events_of("asked", 10).expect("events");
        assert_eq!(events.len(), 1, "{events:#?}");
        assert!(events[0].accepted, "{events:#?}");
        let events = reader.events_of("job", 10).expect("events");
        assert_eq!(events.len(), 1, "{events:#?}");
        let last = runs_of(reader, "job").pop().expect("a row");
        assert!(
            last.result == Some(JobResult::Aborted),
            "{last:#?}\n{events:#?}"
        );
        assert_eq!(host.read("state/events/nonsense.bad"), "{", "kept");
    },
};

/// A job whose content changes, and a job that misses an occurrence while its source changes. The finished backup of an
/// earlier run must not replace the new one.
pub const CHANGES: Scenario = Scenario {
    name: "changes while nothing runs",
    prepare: |host| {
        host.file("source/one", "first");
        host.file("other/one", "other");
        let mut missed = named(host, "source", "missed");
        let end = Utc::now() + TimeDelta::minutes(30);
        missed["job_schedule"] = json!({
            "schedule_interval": "1 hour",
            "schedule_end_date": end.to_rfc3339_opts(SecondsFormat::Secs, true),
        });
        host.put("job-missed", missed);
        // Known before it is asked for.
        host.start().stop();
        send(host, Command::Trigger, "job-missed");
        host.put("job-changed", named(host, "source", "changed"));
    },
    between: |host| {
        host.file("source/two", "second");
        host.edit_job("job-missed", |record| {
            record.standing = Standing::OnSchedule;
            record.anchor = Utc::now() - TimeDelta::hours(1);
            record.handled = record.anchor;
        });
        let mut changed: Value =
            serde_json::from_str(&host.read("jobs.d/job-changed.json")).expect("a job");
        changed["job_actions"][0]["freezer_action"]["path_to_backup"] = json!(host.path("other"));
        host.put("job-changed", changed);
    },
    settled: |_, _| true,
    roles: &["agent"],
    judge: |host, reader| {
        let record = reader.job("job-missed").expect("readable").expect("it");
        assert_eq!(record.result, Some(JobResult::Success), "{record:#?}");
        let newest = whole_snapshots(host, "job-missed").pop().expect("one");
        assert_eq!(newest["files"], 2, "what is new is in it: {newest:#}");
        succeeded(reader, "job-changed");
        let record = reader.job("job-changed").expect("readable").expect("it");
        let snapshots = whole_snapshots(host, "job-changed");
        for run in runs_of(reader, "job-changed") {
            let Some(made) = snapshot_of(reader, &run) else {
                continue;
            };
            let found = snapshots
                .iter()
                .find(|snapshot| snapshot["id"] == json!(made));
            let found = found.unwrap_or_else(|| panic!("{made} is gone: {snapshots:#?}"));
            let path = if run.digest == record.digest {
                "other"
            } else {
                "source"
            };
            let paths = json!([host.path(path)]);
            assert_eq!(found["paths"], paths, "{run:#?}");
        }
    },
};

/// Old rows and their logs, which the daemon removes.
pub const FORGETTING: Scenario = Scenario {
    name: "forgetting",
    prepare: |host| {
        host.put("old", someday(vec![exec("true")]));
        let daemon = host.start();
        for _ in 0..4 {
            let run = host.trigger("old");
            daemon.until(|line| line.run == run && line.message.contains("succeeded"));
        }
        daemon.stop();
        host.file("freezerd.toml", "history_runs = 1\n");
        host.put("job", due(vec![retried(exec("true"))]));
    },
    between: |_| {},
    settled: |host, reader| {
        let logs = fs::read_dir(host.path("state/logs")).map_or(0, |logs| logs.count());
        let rows = reader
            .history(None, usize::MAX)
            .map_or(0, |rows| rows.len());
        runs_of(reader, "old").len() == 1 && logs == rows
    },
    roles: &["daemon"],
    judge: |_, reader| succeeded(reader, "job"),
};

/// A ledger file that is not a database any more. It had recorded that a job has run.
pub const DAMAGE: Scenario = Scenario {
    name: "damage",
    prepare: |host| {
        host.put("held", due(vec![exec("echo x >> ran")]));
        host.once().exits(0);
        host.file("state/ledger.redb", "noise");
    },
    between: |_| {},
    settled: |_, _| true,
    roles: &["daemon"],
    judge: |host, reader| {
        let held = reader.job("held").expect("readable").expect("the job");
        assert_eq!(held.standing, Standing::Stopped, "{held:#?}");
        assert_eq!(host.read("work/ran"), "x\n", "it ran once");
        let [aside] = &beside(host, "ledger.redb.damaged-")[..] else {
            panic!("the damaged one is kept, once");
        };
        assert_eq!(fs::read(aside).expect("it"), b"noise");
    },
};

/// A ledger with much unused space, and with an unreadable record of a job that has run.
pub const MENDING: Scenario = Scenario {
    name: "mending",
    prepare: |host| {
        host.put("job", once(vec![exec("echo x >> ran")]));
        host.once().exits(0);
        let ledger = redb::Database::create(host.path("state/ledger.redb")).expect("it is free");
        change(&ledger, |changes| {
            let mut jobs = changes.open_table(JOBS).expect("the table");
            jobs.insert("job", &b"\x01{\"job_id\": \"half of"[..])
                .expect("a value");
        });
        drop(ledger);
        forget_much(host);
    },
    between: |_| {},
    settled: |_, _| true,
    roles: &["daemon"],
    judge: |host, reader| {
        let held = reader.job("job").expect("readable").expect("the job");
        assert_eq!(held.standing, Standing::Stopped, "{held:#?}");
        assert_eq!(host.read("work/ran"), "x\n", "it ran once");
        let kept = beside(host, "ledger.redb.unreadable-");
        let kept = kept
            .iter()
            .map(|path| fs::read_to_string(path).expect("lines"));
        assert!(kept.collect::<String>().contains("half of"), "kept");
        let size = fs::metadata(host.path("state/ledger.redb"))
            .expect("it")
            .len();
        assert!(size < 4 << 20, "{size} bytes");
    },
};

const JOBS: TableDefinition<&str, &[u8]> = TableDefinition::new("jobs");

fn change(ledger: &redb::Database, change: impl FnOnce(&redb::WriteTransaction)) {
    let transaction = ledger.begin_write().expect("a transaction");
    change(&transaction);
    transaction.commit().expect("a commit");
}

/// Adds and removes rows, which leaves unused space in the ledger's file.
fn forget_much(host: &Host) {
    let mut store = host.free_ledger();
    let rows = (1_000..9_000).map(|number| {
        let due = DateTime::UNIX_EPOCH + TimeDelta::seconds(number);
        RunRecord {
            state: RunState::Skipped,
            started: None,
            ended: Some(due),
            result: None,
            reason: Some("x".repeat(800)),
            ..run_record(number.unsigned_abs(), "gone", due)
        }
    });
    let rows: Vec<RunRecord> = rows.collect();
    let forget = |row: &RunRecord| {
        let (job_id, number) = (row.job_id.clone(), row.number);
        [
            Write::ForgetClaim(row.claim()),
            Write::ForgetRun { job_id, number },
        ]
    };
    let gone: Vec<Write> = rows.iter().flat_map(forget).collect();
    let made: Vec<Write> = rows.into_iter().map(Write::Claim).collect();
    for writes in [made, gone] {
        store.commit(&writes).expect("a commit");
    }
}

/// The files of the state directory whose names begin with this text.
pub fn beside(host: &Host, prefix: &str) -> Vec<PathBuf> {
    fs::read_dir(host.path("state"))
        .expect("the state directory")
        .map(|entry| entry.expect("an entry"))
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix))
        .map(|entry| entry.path())
        .collect()
}

/// A job that has been due for half a minute, at a whole second.
pub fn due(actions: Vec<Value>) -> Value {
    let date = Utc::now() - TimeDelta::seconds(30);
    json!({
        "job_actions": actions,
        "job_schedule": {"schedule_date": date.to_rfc3339_opts(SecondsFormat::Secs, true)},
    })
}

/// A job that is due now and backs up a directory under a name, with further actions after it.
fn named(host: &Host, directory: &str, name: &str) -> Value {
    let mut action = backup(
        &host.path(directory),
        &host.path(&format!("{name}-container")),
    );
    action["freezer_action"]["backup_name"] = json!(name);
    due(vec![retried(action), retried(exec("true"))])
}

/// The complete snapshots of a job, oldest first.
fn whole_snapshots(host: &Host, job: &str) -> Vec<Value> {
    let listed = host.json(&["snapshots", job]);
    let mut snapshots = listed["snapshots"].as_array().expect("a list").clone();
    snapshots.retain(|snapshot| snapshot["partial"] != json!(true));
    snapshots
}

/// The snapshot that the first action of a run made.
fn snapshot_of(reader: &Reader, run: &RunRecord) -> Option<String> {
    let attempts = reader.attempts(run.number).expect("the attempts");
    attempts.into_iter().find_map(|attempt| match attempt.end {
        Some(AttemptEnd::Reported { outcome }) if attempt.action == 0 => outcome.summary.snapshot,
        _ => None,
    })
}

/// An action that is repeated when its agent is lost.
fn retried(mut action: Value) -> Value {
    action["max_retries"] = json!(2);
    action["max_retries_interval"] = json!(1);
    action
}

fn layout(host: &Host) -> Layout {
    let state = host.path("state");
    Layout::new(&state, &state.join("runtime"))
}

fn send(host: &Host, command: Command, job: &str) -> PathBuf {
    EventFile::new(command, job)
        .send(&layout(host))
        .expect("an event")
}
