//! The scheduler on a virtual clock, with a ledger in memory: months of many jobs, with outages, crashes, suspends,
//! clock steps and long runs. Afterwards every due instant must have exactly one row.
//!
//! Deterministic from its seed, which is printed. `FREEZERD_SIMULATION=SEED:JOBS:DAYS cargo test --test simulation`
//! runs another, or a longer one.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use freezerd::daemon::scheduler::{Ending, Message, Order, Policy, Remembered, Scheduler};
use freezerd::intake::{Catalog, Change, FileState, Stamp};
use freezerd::job::{Host, Job};
use freezerd::protocol::{Outcome, Summary, Verdict};
use freezerd::schedule::Kind;
use freezerd::schedule::zone::Zone;
use freezerd::store::memory::MemoryLedger;
use freezerd::store::record::{AttemptEnd, RunRecord, RunState, Trigger};
use serde_json::{Value, json};

/// A small generator, so that a seed means the same everywhere.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) % below
    }

    fn once_in(&mut self, times: u64) -> bool {
        self.roll(times) == 0
    }
}

/// The world around the scheduler.
struct World {
    dice: Dice,
    now: DateTime<Utc>,
    documents: Vec<(String, Vec<u8>)>,
    scheduler: Scheduler<MemoryLedger>,
    /// When which attempt ends: (run, action, attempt) by the instant.
    agents: BTreeMap<(DateTime<Utc>, u64), (u32, u32)>,
    crashes: u64,
    steps_back: u64,
}

fn zone() -> Zone {
    Zone::named("Europe/Berlin").expect("a zone")
}

fn policy() -> Policy {
    Policy {
        slots: 4,
        zone: zone(),
        client_id: "host".into(),
        ledger_id: "00000000".into(),
        grace: std::time::Duration::from_secs(30),
        only_until: None,
    }
}

fn read(documents: &[(String, Vec<u8>)]) -> Vec<Change> {
    let host = Host {
        working_dir: "/".into(),
        container_root: "/containers".into(),
        host_name: "host".into(),
        zone: zone(),
        disable_exec: false,
    };
    let mut catalog = Catalog::new(host, "host", BTreeMap::new());
    let states = documents
        .iter()
        .enumerate()
        .map(|(index, (file, bytes))| {
            let stamp = Stamp {
                device: 1,
                inode: index as u64,
                size: bytes.len() as u64,
                modified: 0,
                changed: 0,
            };
            let content = FileState::Content {
                bytes: Arc::from(bytes.as_slice()),
                stamp,
                warnings: Vec::new(),
            };
            (file.clone(), content)
        })
        .collect();
    catalog.update(states)
}

fn job(dice: &mut Dice, number: u64) -> Value {
    let schedule = match dice.roll(8) {
        0 => json!({"schedule_interval": format!("{} hours", 1 + dice.roll(48))}),
        1 => json!({"schedule_interval": format!("{} minutes", 30 + dice.roll(600))}),
        2 => json!({"schedule_hour": "*/6", "schedule_minute": dice.roll(60).to_string()}),
        3 => json!({"schedule_day_of_week": "mon-fri", "schedule_hour": dice.roll(24).to_string()}),
        4 => json!({"schedule_day": "1,last", "schedule_hour": "2", "schedule_minute": "30"}),
        5 => json!({"schedule_hour": dice.roll(4).to_string(), "schedule_jitter": "20 minutes"}),
        6 => {
            json!({"schedule_hour": "2", "schedule_minute": "30", "schedule_timezone": "America/New_York"})
        }
        _ => json!({"schedule_minute": dice.roll(60).to_string(), "schedule_hour": "8-18"}),
    };
    let mut schedule = schedule;
    match dice.roll(5) {
        0 => schedule["schedule_catch_up"] = json!("skip"),
        1 => schedule["schedule_catch_up"] = json!("3 hours"),
        _ => {}
    }
    json!({
        "job_id": format!("job{number}"),
        "job_actions": [
            {"freezer_action": {"action": "exec", "command": "true"}, "max_retries": dice.roll(3), "max_retries_interval": 300},
        ],
        "job_schedule": schedule,
    })
}

impl World {
    fn new(seed: u64, jobs: u64) -> World {
        let mut dice = Dice(seed | 1);
        // Shortly before a change of summer time.
        let now = "2026-03-20T11:17:05Z".parse().expect("an instant");
        let documents: Vec<(String, Vec<u8>)> = (0..jobs)
            .map(|number| {
                (
                    format!("job{number}.json"),
                    job(&mut dice, number).to_string().into_bytes(),
                )
            })
            .collect();
        let mut world = World {
            dice,
            now,
            scheduler: Scheduler::new(MemoryLedger::default(), policy(), Remembered::default()),
            agents: BTreeMap::new(),
            crashes: 0,
            steps_back: 0,
            documents,
        };
        world.tell(Message::Files(read(&world.documents)));
        world
    }

    fn tell(&mut self, message: Message) {
        let orders = self
            .scheduler
            .handle(message, self.now)
            .expect("a ledger in memory always works");
        for order in orders {
            match order {
                Order::Spawn(spawn) => {
                    // Most runs are short, some take half a day.
                    let seconds = if self.dice.once_in(20) {
                        self.dice.roll(12 * 3600)
                    } else {
                        self.dice.roll(300)
                    };
                    let end = self.now + TimeDelta::seconds(1 + seconds as i64);
                    let request = &spawn.request;
                    self.agents
                        .insert((end, request.run), (request.action_index, request.attempt));
                }
                Order::End { run, why } => {
                    assert_eq!(why, Ending::Shutdown, "nobody aborts here");
                    let key = *self
                        .agents
                        .keys()
                        .find(|(_, number)| *number == run)
                        .expect("it has an agent");
                    let (action, attempt) = self.agents.remove(&key).expect("it has an agent");
                    self.tell(Message::Ended {
                        run,
                        action,
                        attempt,
                        end: AttemptEnd::Interrupted,
                    });
                }
                Order::Answered { .. } | Order::Tell(_) => {}
            }
        }
    }

    /// Time passes to the next thing that happens.
    fn pass(&mut self) {
        let wake = self
            .scheduler
            .next_wake()
            .unwrap_or(self.now + TimeDelta::days(1));
        let end = self.agents.first_key_value().map(|((at, _), _)| *at);
        let next = end.map_or(wake, |end| end.min(wake)).max(self.now);
        self.now = next;
        match self.dice.roll(4000) {
            // A suspend, or a clock set forward: nothing is heard for a while.
            0..=3 => self.now += TimeDelta::minutes(self.dice.roll(3 * 24 * 60) as i64),
            // A clock set back a little.
            4..=5 => {
                self.now -= TimeDelta::seconds(self.dice.roll(3600) as i64);
                self.steps_back += 1;
            }
            6..=9 => return self.crash(),
            10..=12 => return self.restart(),
            _ => {}
        }
        if end == Some(next)
            && let Some(((_, run), (action, attempt))) = self.agents.pop_first()
        {
            let verdict = if self.dice.once_in(6) {
                Verdict::Failed
            } else {
                Verdict::Success
            };
            let outcome = Outcome {
                verdict,
                reason: (verdict != Verdict::Success).then(|| "bad luck".to_owned()),
                summary: Summary::default(),
                problems: Vec::new(),
                problems_total: 0,
            };
            let end = AttemptEnd::Reported { outcome };
            self.tell(Message::Ended {
                run,
                action,
                attempt,
                end,
            });
        } else {
            self.tell(Message::Tick);
        }
    }

    /// Everything is lost but the ledger.
    fn crash(&mut self) {
        self.crashes += 1;
        self.agents.clear();
        self.now += TimeDelta::seconds(self.dice.roll(2 * 24 * 3600) as i64);
        let ledger = self.scheduler.ledger().clone();
        let open_runs: Vec<RunRecord> = ledger
            .runs
            .values()
            .filter(|run| !run.state.is_over())
            .cloned()
            .collect();
        let remembered = Remembered {
            jobs: ledger.jobs.values().cloned().collect(),
            files: ledger.files.values().cloned().collect(),
            attempts: ledger
                .attempts
                .values()
                .filter(|attempt| open_runs.iter().any(|run| run.number == attempt.run))
                .cloned()
                .collect(),
            open_runs,
            last_run: ledger.runs.keys().next_back().copied().unwrap_or(0),
        };
        self.scheduler = Scheduler::new(ledger, policy(), remembered);
        self.tell(Message::Files(read(&self.documents)));
    }

    /// The daemon is stopped in good order, and comes back.
    fn restart(&mut self) {
        self.tell(Message::Shutdown);
        assert!(self.agents.is_empty(), "every agent was told to end");
        assert_eq!(self.scheduler.running(), 0);
        self.crash();
    }
}

/// What the contract says must never happen.
fn judge(world: &World) {
    let ledger = world.scheduler.ledger();
    let jobs: BTreeMap<String, Arc<Job>> = read(&world.documents)
        .into_iter()
        .filter_map(|change| match change {
            Change::Loaded { job, .. } => Some((job.id.clone(), job)),
            _ => None,
        })
        .collect();
    for (job_id, job) in &jobs {
        let record = &ledger.jobs[job_id];
        let mut rows: Vec<&RunRecord> = ledger
            .runs
            .values()
            .filter(|run| run.job_id == *job_id && run.makes_up_for.is_none())
            .collect();
        rows.sort_by_key(|run| run.due);
        let mut covered = rows
            .iter()
            .map(|run| (run.first_due, run.due, run.covers, run.number));
        let mut range = covered.next();
        let mut inside = 0;
        let mut after = record.created - TimeDelta::milliseconds(1);
        while let Some(due) = job.schedule.next_after(after, record.anchor, &zone()) {
            if due > record.handled {
                break;
            }
            after = due;
            let Some((first, last, covers, number)) = range else {
                panic!("{job_id}: nothing stands for {due}");
            };
            assert!(
                first <= due && due <= last,
                "{job_id}: {due} is in no row; the next row {number} stands for {first} to {last}"
            );
            inside += 1;
            if due == last {
                assert_eq!(
                    inside, covers,
                    "{job_id}: run {number} says how many instants it stands for"
                );
                inside = 0;
                range = covered.next();
            }
        }
        assert_eq!(
            range, None,
            "{job_id}: a row stands for an instant that never was due"
        );
        let delay =
            TimeDelta::from_std(job.schedule.jitter_delay("host", job_id)).expect("a short jitter");
        for run in rows {
            assert!(
                run.claimed >= run.due + delay,
                "{job_id}: run {} is early",
                run.number
            );
        }
        assert_ne!(job.schedule.kind(), Kind::None);
    }
    let open: Vec<u64> = ledger
        .runs
        .values()
        .filter(|run| !run.state.is_over())
        .map(|run| run.number)
        .collect();
    for run in ledger.runs.values() {
        match run.state {
            RunState::Running { .. } => assert!(
                world.agents.keys().any(|(_, number)| *number == run.number),
                "run {} shows as running, and nothing runs",
                run.number
            ),
            RunState::Skipped => assert!(
                run.reason.is_some(),
                "run {} says why it was skipped",
                run.number
            ),
            RunState::Interrupted if run.makes_up_for.is_none() => {
                let made_up = ledger
                    .runs
                    .values()
                    .filter(|other| other.makes_up_for == Some(run.number))
                    .count();
                let job = &jobs[&run.job_id];
                let gives_up = job.schedule.catch_up() != freezerd::schedule::CatchUp::Once;
                assert!(
                    made_up == 1 || (made_up == 0 && gives_up),
                    "run {} is caught up {made_up} times",
                    run.number
                );
            }
            _ => {}
        }
        if run.makes_up_for.is_some() {
            assert_eq!(run.trigger, Trigger::CatchUp);
        }
    }
    for record in ledger.jobs.values() {
        if let Some(run) = record.run {
            assert!(
                open.contains(&run.number),
                "{} is busy with a run that is over",
                record.job_id
            );
        }
    }
}

#[test]
fn every_due_instant_has_exactly_one_row_whatever_happens() {
    let wanted = std::env::var("FREEZERD_SIMULATION").unwrap_or_else(|_| "20261123:150:45".into());
    let numbers: Vec<u64> = wanted
        .split(':')
        .map(|number| number.parse().expect("SEED:JOBS:DAYS"))
        .collect();
    let [seed, jobs, days] = numbers[..] else {
        panic!("FREEZERD_SIMULATION is SEED:JOBS:DAYS");
    };
    println!("simulation {seed}:{jobs}:{days}");
    let mut world = World::new(seed, jobs);
    let end = world.now + TimeDelta::days(days as i64);
    while world.now < end {
        world.pass();
    }
    judge(&world);
    let runs = world.scheduler.ledger().runs.len();
    println!(
        "{runs} rows, {} crashes and restarts, {} steps back",
        world.crashes, world.steps_back
    );
    assert!(
        runs as u64 > jobs,
        "a simulation in which nothing runs proves nothing"
    );
    assert!(
        world.crashes > 0 && world.steps_back > 0,
        "a simulation without trouble proves little"
    );
}
