//! Values that tests and benches begin with: a record, an outcome, a host, a scheduler with its jobs. A test changes the
//! fields that it is about: `RunRecord { state: RunState::Skipped, ..run_record(7, "nightly", due) }`.
//!
//! This file is outside of `src/`, so that nothing of it can get into the program. `src/lib.rs` has it as a module in test
//! builds alone, and each test program and bench that needs it has a `#[path]` to it.

#![allow(
    dead_code,
    unused_imports,
    reason = "each test program and bench uses its own part of it"
)]

mod scheduler;
pub mod trees;

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use freezerd::agent::snapshot::Snapshot;
use freezerd::daemon::scheduler::Policy;
use freezerd::intake::{FileState, Stamp};
use freezerd::job::action::{Action, Command, Container, Exec, JobAction, Lineage, Restore, Work};
use freezerd::job::storage::Value;
use freezerd::job::{Host, InitialState, JobResult};
use freezerd::location::Location;
use freezerd::protocol::{DrillResult, Outcome, Summary, Verdict};
use freezerd::record::{
    ActionRecord, AttemptEnd, EventRecord, JobRecord, OutboxRow, OutboxState, Past, RunRecord,
    RunState, Standing, Told, Trigger,
};
use freezerd::schedule::zone::Zone;
use freezerd::tell::message::{Kind, Message};
use freezerd::tell::receiver::Receiver;

pub use scheduler::{loaded, numbered, scheduler};

/// 2026-01-01 00:00 UTC.
pub fn new_year() -> DateTime<Utc> {
    DateTime::from_timestamp(1_767_225_600, 0).expect("an instant")
}

/// So many minutes after [`new_year`].
pub fn minute(minutes: i64) -> DateTime<Utc> {
    new_year() + TimeDelta::minutes(minutes)
}

/// A job that is on its schedule, has had no run, and was first seen at this instant.
pub fn job_record(job_id: &str, created: DateTime<Utc>) -> JobRecord {
    JobRecord {
        job_id: job_id.to_owned(),
        file: Some(format!("{job_id}.json")),
        digest: String::new(),
        document: String::new(),
        standing: Standing::OnSchedule,
        run: None,
        pending: None,
        result: None,
        created,
        started: None,
        ended: None,
        anchor: created,
        handled: created,
        next: None,
        failures: 0,
        reason: None,
        said: InitialState::default(),
        max_age: None,
        first_seen: None,
        told: Told::default(),
        past: Past::default(),
    }
}

/// A run on schedule that started when it was due, took a second and succeeded. It has no actions.
pub fn run_record(number: u64, job_id: &str, due: DateTime<Utc>) -> RunRecord {
    RunRecord {
        number,
        job_id: job_id.to_owned(),
        trigger: Trigger::Schedule,
        due,
        first_due: due,
        covers: 1,
        state: RunState::Ended,
        claimed: due,
        started: Some(due),
        ended: Some(due + TimeDelta::seconds(1)),
        result: Some(JobResult::Success),
        reason: None,
        waits_for: None,
        makes_up_for: None,
        digest: String::new(),
        actions: Vec::new(),
    }
}

/// A drill that found everything as it should be.
pub fn drill_result() -> DrillResult {
    DrillResult {
        sample: false,
        partial: false,
        snapshot_time: minute(0),
        restore_milliseconds: 7,
        content_differs: 0,
        metadata_differs: 0,
        missing: 0,
        surplus: 0,
        not_compared: 0,
        source_files: 0,
        source_differs: 0,
    }
}

/// A backup of which one attempt was begun.
pub fn action_record() -> ActionRecord {
    ActionRecord {
        kind: "backup".to_owned(),
        exit_status: None,
        attempts: 1,
        dry_run: false,
        container: None,
        storage: None,
        partial: false,
        bytes_added: 0,
        problems: 0,
        alarm: None,
        open_alarms: None,
        part_read: None,
        drill: None,
        snapshot: None,
        proved: None,
        room: None,
        reclaim: None,
        no_space: false,
        damaged: false,
    }
}

/// A request of somebody's that was carried out.
pub fn event_record(command: &str, job_id: &str, handled: DateTime<Utc>) -> EventRecord {
    EventRecord {
        id: "1".to_owned(),
        command: command.to_owned(),
        job_id: job_id.to_owned(),
        by: "alice".to_owned(),
        handled,
        accepted: true,
        answer: String::new(),
        run: None,
    }
}

/// What an agent reports: a verdict, and nothing else.
pub fn outcome(verdict: Verdict) -> Outcome {
    Outcome {
        verdict,
        reason: None,
        summary: Box::default(),
        problems: Vec::new(),
        problems_total: 0,
        missing: None,
        denied: false,
        no_space: false,
        damaged: false,
    }
}

/// The end of an attempt whose agent reported this verdict.
pub fn reported(verdict: Verdict) -> AttemptEnd {
    AttemptEnd::Reported {
        outcome: Box::new(outcome(verdict)),
    }
}

/// A snapshot without a level that another host made of nothing.
pub fn snapshot(id: &str, time: DateTime<Utc>) -> Snapshot {
    Snapshot {
        id: id.to_owned(),
        original: None,
        time,
        offset_minutes: 0,
        host: "host".to_owned(),
        label: "name".to_owned(),
        tags: Vec::new(),
        paths: Vec::new(),
        level: None,
        parent: None,
        partial: false,
        summary: None,
    }
}

/// A host that reads schedules in this zone.
pub fn host(zone: Zone) -> Host {
    Host {
        working_dir: "/var/lib/freezerd".into(),
        jobs_dir: "/etc/freezerd/jobs.d".into(),
        container_root: "/srv/containers".into(),
        host_name: "db1".to_owned(),
        zone,
        disable_exec: false,
        storages: Default::default(),
    }
}

/// An action without any of the keys that every kind of action has.
pub fn action(work: Work) -> Action {
    Action {
        work,
        log_file: None,
        max_priority: false,
        dry_run: false,
        bandwidth: Default::default(),
    }
}

/// A command that is tried once.
pub fn command() -> JobAction {
    JobAction {
        action: action(Work::Exec(Exec {
            command: Command::Shell("true".to_owned()),
        })),
        mandatory: false,
        max_retries: 0,
        retry_wait: Duration::from_secs(60),
        timeout: None,
        stall_timeout: None,
    }
}

/// A file in the jobs directory that was read. The number tells it from others.
pub fn content(number: u64, bytes: Arc<[u8]>) -> FileState {
    let stamp = Stamp {
        device: 1,
        inode: number,
        size: bytes.len() as u64,
        modified: i128::from(number),
        changed: i128::from(number),
    };
    FileState::Content {
        bytes,
        stamp,
        warnings: Vec::new(),
    }
}

/// How a scheduler in UTC with so many slots behaves.
pub fn policy(slots: usize) -> Policy {
    Policy {
        slots,
        zone: Zone::utc(),
        client_id: "host".to_owned(),
        ledger_id: "00000000".to_owned(),
        grace: Duration::from_secs(30),
        only_until: None,
        receivers: Arc::from([]),
    }
}

/// A receiver that a command reaches, with further keys.
pub fn receiver(name: &str, keys: &[(&str, Value)]) -> Receiver {
    let command = [
        ("type", Value::Text("command".to_owned())),
        ("command", Value::Words(vec!["true".to_owned()])),
    ];
    let keys = command.iter().chain(keys);
    let keys = keys.map(|(key, value)| ((*key).to_owned(), value.clone()));
    Receiver::read(name, keys.collect()).expect("a receiver")
}

/// A message to a receiver, about the failure of a job, made at [`new_year`].
pub fn outbox_row(id: u64, receiver: &str, state: OutboxState) -> OutboxRow {
    OutboxRow {
        message: Message {
            id,
            at: new_year().fixed_offset(),
            host: "host".to_owned(),
            job: Some("job".to_owned()),
            run: Some(id.to_string()),
            kind: Kind::Failed,
            subject: format!("message {id}"),
            text: String::new(),
            log: None,
        },
        receiver: receiver.to_owned(),
        made: new_year(),
        state,
    }
}

/// A restore of the newest snapshot of `nightly` of `one`, without any option.
pub fn restore(target: &str) -> Restore {
    Restore {
        container: Container {
            connection: Default::default(),
            name: "c".to_owned(),
            location: Location::Local("/c".into()),
            pass_file: None,
        },
        lineage: Lineage {
            host: "one".to_owned(),
            backup_name: "nightly".to_owned(),
        },
        paths: Vec::new(),
        target: target.into(),
        not_later_than: None,
        snapshot: None,
        part: None,
        include: Vec::new(),
        exclude: Vec::new(),
        overwrite: false,
        delete_extra: false,
        numeric_owner: false,
        verify: false,
    }
}
