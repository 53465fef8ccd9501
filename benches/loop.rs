//! What the daemon's loop costs. A wake-up must not cost more because more jobs exist or more runs wait.
//!
//! ```text
//! cargo bench --bench loop
//! ```
//!
//! `forgetful` measures the scheduler alone, with a ledger that keeps nothing. `on_disk` uses the real ledger, whose
//! commits wait for the disk.

#[path = "../tests/samples/mod.rs"]
mod samples;

use chrono::TimeDelta;
use divan::Bencher;
use freezerd::daemon::scheduler::{Message, Order, Scheduler};
use freezerd::ledger::{Ledger, LedgerError, RedbLedger, Write};
use freezerd::protocol::Verdict;
use freezerd::record::{Claim, OutboxRow, RunRecord};
use serde_json::{Value, json};

use samples::{new_year, numbered, reported};

const JOBS: [u64; 3] = [1_000, 10_000, 100_000];

fn main() {
    divan::main();
}

/// A ledger that keeps nothing.
struct Forgetful;

impl Ledger for Forgetful {
    fn commit(&mut self, writes: &[Write]) -> Result<(), LedgerError> {
        divan::black_box(writes);
        Ok(())
    }

    fn claimed(&self, _: &Claim) -> Result<Option<u64>, LedgerError> {
        Ok(None)
    }

    fn run(&self, _: u64) -> Result<Option<RunRecord>, LedgerError> {
        Ok(None)
    }

    fn answered(&self, _: &str) -> Result<bool, LedgerError> {
        Ok(false)
    }

    fn given_up(&self) -> Result<Vec<OutboxRow>, LedgerError> {
        Ok(Vec::new())
    }
}

/// A scheduler that has just loaded these jobs.
fn scheduler<L: Ledger>(ledger: L, documents: impl Iterator<Item = Value>) -> Scheduler<L> {
    let (scheduler, orders) = samples::scheduler(ledger, 4, numbered(documents), new_year());
    assert!(!orders.is_empty());
    scheduler
}

/// Jobs that are due in turn, one each second.
fn one_each_second(jobs: u64) -> impl Iterator<Item = Value> {
    (0..jobs).map(move |number| {
        let first = new_year() + TimeDelta::seconds(60 + number as i64);
        json!({
            "job_actions": [{"freezer_action": {"action": "exec", "command": "true"}}],
            "job_schedule": {
                "schedule_interval": format!("{jobs} seconds"),
                "schedule_start_date": first.format("%FT%TZ").to_string(),
            },
        })
    })
}

/// Jobs that are all due at 01:00. Every tenth job prunes the one container that half of the others write to.
fn all_at_once(jobs: u64) -> impl Iterator<Item = Value> {
    (0..jobs).map(|number| {
        let action = match number % 10 {
            0 => json!({"action": "admin", "backup_name": "data", "container": "/c/all", "remove_older_than": 30}),
            1..=5 => json!({"action": "backup", "backup_name": "data", "container": "/c/all", "path_to_backup": "/data"}),
            _ => json!({"action": "exec", "command": "true"}),
        };
        json!({
            "job_actions": [{"freezer_action": action}],
            "job_schedule": {"schedule_hour": "1"},
        })
    })
}

/// The numbers of the runs that the orders start.
fn started(orders: Vec<Order>) -> Vec<u64> {
    orders
        .into_iter()
        .filter_map(|order| match order {
            Order::Spawn(spawn) => Some(spawn.request.run),
            _ => None,
        })
        .collect()
}

fn ended(run: u64) -> Message {
    Message::Ended {
        run,
        action: 0,
        attempt: 1,
        end: reported(Verdict::Success),
    }
}

/// Wakes for one job that is due, starts it, and receives its end.
fn one_run<L: Ledger>(scheduler: &mut Scheduler<L>) {
    let now = scheduler.next_wake().expect("a job is due");
    let runs = started(scheduler.handle(Message::Tick, now).expect("it works"));
    assert_eq!(runs.len(), 1, "one job is due");
    let soon = now + TimeDelta::milliseconds(300);
    let orders = scheduler.handle(ended(runs[0]), soon).expect("it works");
    divan::black_box(orders);
}

#[divan::bench(args = JOBS)]
fn one_wake_up_and_one_run_forgetful(bencher: Bencher, jobs: u64) {
    let mut scheduler = scheduler(Forgetful, one_each_second(jobs));
    bencher.bench_local(|| one_run(&mut scheduler));
}

#[divan::bench(args = JOBS, sample_count = 50, sample_size = 4)]
fn one_wake_up_and_one_run_on_disk(bencher: Bencher, jobs: u64) {
    let dir = tempfile::tempdir().expect("a directory");
    let store = RedbLedger::open(&dir.path().join("ledger.redb")).expect("a ledger");
    let mut scheduler = scheduler(store, one_each_second(jobs));
    bencher.bench_local(|| one_run(&mut scheduler));
}

#[divan::bench(args = JOBS)]
fn a_wake_up_with_nothing_due(bencher: Bencher, jobs: u64) {
    let mut scheduler = scheduler(Forgetful, one_each_second(jobs));
    bencher.bench_local(|| {
        scheduler
            .handle(Message::Tick, new_year())
            .expect("it works")
    });
}

/// The instant at which all jobs are due: the scheduler claims a row for each, and works out what each waits for.
#[divan::bench(args = [1_000, 10_000], sample_count = 10)]
fn all_due_at_once_forgetful(bencher: Bencher, jobs: u64) {
    let now = new_year() + TimeDelta::hours(1);
    bencher
        .with_inputs(|| scheduler(Forgetful, all_at_once(jobs)))
        .bench_local_refs(|scheduler| scheduler.handle(Message::Tick, now).expect("it works"));
}

#[divan::bench(args = [1_000, 10_000], sample_count = 3)]
fn all_due_at_once_on_disk(bencher: Bencher, jobs: u64) {
    let now = new_year() + TimeDelta::hours(1);
    bencher
        .with_inputs(|| {
            let dir = tempfile::tempdir().expect("a directory");
            let store = RedbLedger::open(&dir.path().join("ledger.redb")).expect("a ledger");
            (scheduler(store, all_at_once(jobs)), dir)
        })
        .bench_local_refs(|(scheduler, _)| scheduler.handle(Message::Tick, now).expect("it works"));
}

/// From that instant until the last run has ended. Divide by the number of jobs for the cost of one end and one start.
#[divan::bench(args = [1_000, 10_000], sample_count = 5)]
fn all_due_at_once_until_the_last_has_ended_forgetful(bencher: Bencher, jobs: u64) {
    bencher
        .with_inputs(|| scheduler(Forgetful, all_at_once(jobs)))
        .bench_local_refs(|scheduler| {
            let mut now = new_year() + TimeDelta::hours(1);
            let mut running = started(scheduler.handle(Message::Tick, now).expect("it works"));
            let mut count = 0;
            while let Some(run) = running.pop() {
                count += 1;
                now += TimeDelta::seconds(1);
                running.extend(started(
                    scheduler.handle(ended(run), now).expect("it works"),
                ));
            }
            assert_eq!(count, jobs);
        });
}
