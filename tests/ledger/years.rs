//! A ledger over a year: it stays bounded, and what was run is not run again.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Instant;

use chrono::{DateTime, TimeDelta, Utc};
use freezerd::control::layout::Layout;
use freezerd::daemon::scheduler::{Message, Order, Scheduler};
use freezerd::daemon::upkeep::Upkeep;
use freezerd::ledger::RedbLedger;
use freezerd::lifecycle::retention::HistoryLimits;
use freezerd::protocol::Verdict;
use serde_json::{Value, json};

use crate::samples::{new_year, numbered, reported, scheduler};

// A year on a virtual clock, with the real scheduler and the real ledger.

struct Year {
    scheduler: Scheduler<RedbLedger>,
    upkeep: Upkeep,
    now: DateTime<Utc>,
    sweep: DateTime<Utc>,
    running: BTreeMap<DateTime<Utc>, u64>,
    ended: u64,
    /// How long each run takes.
    length: TimeDelta,
}

impl Year {
    fn new(state: &Path, limits: HistoryLimits, length: TimeDelta, documents: &[Value]) -> Year {
        let layout = Layout::new(state, &state.join("runtime"));
        layout.create().expect("the directories");
        let store = RedbLedger::open(&layout.ledger()).expect("a ledger");
        let files = numbered(documents.iter().cloned());
        let (scheduler, orders) = scheduler(store, 4, files, new_year());
        let mut year = Year {
            scheduler,
            upkeep: Upkeep::new(limits, &layout, None, new_year()),
            now: new_year(),
            sweep: new_year(),
            running: BTreeMap::new(),
            ended: 0,
            length,
        };
        year.carry_out(orders);
        year
    }

    fn pass(&mut self, message: Message) {
        let orders = self.scheduler.handle(message, self.now).expect("it works");
        self.carry_out(orders);
    }

    fn carry_out(&mut self, orders: Vec<Order>) {
        for order in orders {
            if let Order::Spawn(spawn) = order {
                // A little more for each, so that no two end at once.
                let mut end = self.now + self.length;
                while self.running.contains_key(&end) {
                    end += TimeDelta::milliseconds(1);
                }
                self.running.insert(end, spawn.request.run);
            }
        }
    }

    /// On to the next thing that happens.
    fn step(&mut self) {
        let end = self.running.keys().next().copied();
        let wake = self.scheduler.next_wake();
        let next = [end, wake].into_iter().flatten().min();
        let next = next.expect("continuous jobs always go on");
        if self.sweep <= next {
            self.now = self.now.max(self.sweep);
            while self
                .upkeep
                .step(&mut self.scheduler, self.now)
                .expect("it works")
            {}
            self.sweep += TimeDelta::hours(1);
            return;
        }
        self.now = self.now.max(next);
        if end == Some(next) {
            let run = self.running.remove(&next).expect("it was just there");
            self.ended += 1;
            self.pass(Message::Ended {
                run,
                action: 0,
                attempt: 1,
                end: reported(Verdict::Success),
            });
        } else {
            self.pass(Message::Tick);
        }
    }
}

#[test]
fn a_clock_that_is_set_back_finds_what_was_run_also_where_its_row_is_forgotten() {
    let dir = tempfile::tempdir().expect("a directory");
    let limits = HistoryLimits {
        age: TimeDelta::days(400),
        runs: 1,
    };
    let hourly = json!({
        "job_actions": [{"freezer_action": {"action": "exec", "command": "true"}}],
        "job_schedule": {"schedule_minute": "0"},
    });
    let mut year = Year::new(dir.path(), limits, TimeDelta::minutes(5), &[hourly]);
    let until = |year: &mut Year, days: i64| {
        while year.now < new_year() + TimeDelta::days(days) {
            year.step();
        }
    };
    until(&mut year, 5);
    assert!(year.ended >= 5 * 24, "{} runs", year.ended);
    let reader = year.scheduler.ledger().reader().expect("a view");
    let rows = reader.count_runs("job0", u64::MAX).expect("a number");
    assert!(rows <= 2, "{rows} rows");
    drop(reader);
    // Whatever runs just now ends first, so that nothing is on its way.
    while !year.running.is_empty() {
        year.step();
    }
    let ran = year.ended;

    year.now -= TimeDelta::days(3);
    year.pass(Message::Tick);
    until(&mut year, 5);
    assert_eq!(year.ended, ran, "nothing that was run is run again");
    until(&mut year, 6);
    assert!(year.ended >= ran + 23, "and then it goes on");
}

/// Four continuous jobs, one run after the other. `FREEZERD_LEDGER_DAYS=365` is a year with the default limits and runs
/// of a quarter of an hour, and takes minutes; without it everything is smaller.
#[test]
fn the_ledger_stays_bounded_however_long_continuous_jobs_run() {
    let given = std::env::var("FREEZERD_LEDGER_DAYS").ok();
    let days: i64 = given
        .as_ref()
        .map_or(1, |days| days.parse().expect("a number"));
    let limits = HistoryLimits {
        age: TimeDelta::days(400),
        runs: if given.is_some() { 10_000 } else { 100 },
    };
    let dir = tempfile::tempdir().expect("a directory");
    let job = json!({
        "job_actions": [{"freezer_action": {"action": "exec", "command": "true"}}],
        "job_schedule": {"schedule_interval": "continuous"},
    });
    let length = TimeDelta::minutes(if given.is_some() { 15 } else { 5 });
    let mut year = Year::new(dir.path(), limits, length, &vec![job; 4]);
    let ledger = dir.path().join("ledger.redb");
    let size = || fs::metadata(&ledger).expect("the ledger").len();
    let began = Instant::now();
    let tenths: Vec<DateTime<Utc>> = (1..=10)
        .map(|tenth| new_year() + TimeDelta::days(days) * tenth / 10)
        .collect();
    let mut sizes = Vec::new();
    for until in tenths {
        while year.now < until {
            year.step();
        }
        println!(
            "{until}: {} runs, {} bytes, {:?}",
            year.ended,
            size(),
            began.elapsed()
        );
        sizes.push(size());
    }
    assert!(year.ended as i64 > days * 350, "{} runs", year.ended);
    let reader = year.scheduler.ledger().reader().expect("a view");
    for job in ["job0", "job1", "job2", "job3"] {
        let rows = reader.count_runs(job, u64::MAX).expect("a number");
        // Those of the hour since the last sweep come on top.
        let most = limits.runs + 16;
        assert!(rows <= most, "{job} has {rows} rows");
        assert!(
            rows >= limits.runs.min(year.ended / 5),
            "{job} has only {rows} rows"
        );
    }
    // Once the limits are reached, it does not grow any more, beyond what an hour brings.
    let (middle, last) = (sizes[5], sizes[9]);
    if given.is_none() {
        assert!(last <= middle + middle / 2, "{sizes:?}");
    }
    // What was forgotten is not claimed for longer than a week.
    let old = year.now - TimeDelta::days(8);
    let bare = reader.bare_claims(None, old, usize::MAX).expect("a look");
    assert_eq!(bare.claims, []);
}
