//! The world around the scheduler: a clock that people change, agents, files, and all kinds of trouble.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use freezerd::daemon::scheduler::notice::Notice;
use freezerd::daemon::scheduler::{EndCause, Message, Order, Policy, Scheduler, StoredState};
use freezerd::intake::{self, Catalog, FileState};
use freezerd::job::Job;
use freezerd::record::AttemptEnd;
use freezerd::schedule::zone::Zone;

mod agents;
mod containers;
mod judge;
mod post;
mod tally;
mod trouble;

use agents::{Agent, ended};
use containers::Containers;
use post::Post;
pub use tally::Tally;

use super::jobs::{Dice, Mix, document};
use super::ledger::SharedLedger;
use super::shadow::Shadow;
use crate::samples::{content, host, policy};

/// The clock, the daemon, its agents, and what the test expects of them.
pub struct World {
    pub dice: Dice,
    /// The time that the clock shows.
    pub now: DateTime<Utc>,
    /// The elapsed time in milliseconds. Clock steps do not change it.
    pub elapsed: i64,
    next_trouble: i64,
    /// The mean time between two troubles, in milliseconds.
    calm: u64,
    zone: Zone,
    slots: usize,
    mix: Mix,
    containers: u64,
    numbers: u64,
    files: BTreeMap<String, Vec<u8>>,
    stamps: u64,
    catalog: Catalog,
    scheduler: Option<Scheduler<SharedLedger>>,
    pub ledger: SharedLedger,
    agents: BTreeMap<u64, Agent>,
    ends: BTreeMap<(i64, u64), ()>,
    post: Post,
    containers_hold: Containers,
    /// The jobs as in their files, or as in the last good version of an invalid file.
    jobs: HashMap<String, Arc<Job>>,
    shadows: BTreeMap<String, Shadow>,
    /// The latest time that the scheduler had seen before each backward clock step.
    peaks: Vec<DateTime<Utc>>,
    /// The time that the clock showed when the scheduler last handled a message.
    last_alive: DateTime<Utc>,
    rows_before_message: u64,
    asked: u64,
    triggered: u64,
    /// The elapsed time at which commits work again, in milliseconds.
    repaired_at: Option<i64>,
    pub with_failing_commits: bool,
    pub tally: Tally,
}

impl World {
    pub fn new(seed: u64, mix: Mix, jobs: u64, calm_minutes: u64) -> World {
        let mut dice = Dice::new(seed);
        // Shortly before daylight saving time begins.
        let now = "2026-03-20T11:17:05Z".parse().expect("an instant");
        let containers = 1 + jobs / 5;
        let files = (0..jobs)
            .map(|number| {
                let document = document(&mut dice, mix, number, "2026", containers);
                (
                    format!("job{number}.json"),
                    document.to_string().into_bytes(),
                )
            })
            .collect();
        let zone = Zone::named("Europe/Berlin").expect("a zone");
        let mut world = World {
            dice,
            now,
            elapsed: 0,
            next_trouble: 0,
            calm: calm_minutes * 60_000,
            catalog: catalog(&zone, BTreeMap::new()),
            zone,
            slots: 4 + jobs as usize / 20,
            mix,
            containers,
            numbers: jobs,
            files,
            stamps: 0,
            scheduler: None,
            ledger: SharedLedger::default(),
            agents: BTreeMap::new(),
            ends: BTreeMap::new(),
            post: Post::new(seed, jobs),
            containers_hold: Containers::new(seed),
            jobs: HashMap::new(),
            shadows: BTreeMap::new(),
            peaks: Vec::new(),
            last_alive: now,
            rows_before_message: 0,
            asked: 0,
            triggered: 0,
            repaired_at: None,
            with_failing_commits: false,
            tally: Tally::default(),
        };
        world.boot();
        world
    }

    // The clock.

    /// Advances the elapsed time and the clock.
    fn pass(&mut self, milliseconds: i64) {
        self.elapsed += milliseconds;
        self.now += TimeDelta::milliseconds(milliseconds);
    }

    fn step_back(&mut self, by: TimeDelta) {
        // Only what the scheduler has seen counts. It has yet to handle the rest.
        self.peaks.push(self.last_alive);
        self.now -= by;
        self.tally.steps_back += 1;
    }

    /// The latest time that the scheduler has seen on the clock since a stretch began.
    fn reach(&self, shadow: &Shadow, last: DateTime<Utc>) -> DateTime<Utc> {
        let since = shadow
            .stretch
            .as_ref()
            .map_or(self.peaks.len(), |stretch| stretch.peaks_before);
        self.peaks[since..]
            .iter()
            .copied()
            .fold(last, DateTime::max)
    }

    // The daemon.

    fn boot(&mut self) {
        let books = self.ledger.0.borrow();
        let remembered = StoredState {
            jobs: books.jobs.values().cloned().collect(),
            files: books.files.values().cloned().collect(),
            open_runs: books.open.values().cloned().collect(),
            attempts: books.open_attempts(),
            outbox: books.outbox.values().cloned().collect(),
            last_message: books.last_message,
            last_run: books.last_run,
            ..StoredState::default()
        };
        let known = books
            .jobs
            .values()
            .filter_map(|job| {
                let content = Some(Arc::from(job.document.as_bytes()));
                let file = job.file.clone()?;
                Some((job.job_id.clone(), intake::Remembered { file, content }))
            })
            .collect();
        drop(books);
        self.catalog = catalog(&self.zone, known);
        let policy = Policy {
            zone: self.zone.clone(),
            receivers: Arc::from(Post::receivers()),
            ..policy(self.slots)
        };
        self.scheduler = Some(Scheduler::new(self.ledger.clone(), policy, remembered));
        let states: Vec<_> = self.files.clone().into_iter().collect();
        let states = states
            .into_iter()
            .map(|(file, bytes)| (file, self.content(bytes)))
            .collect();
        self.look(states, true);
    }

    fn content(&mut self, bytes: Vec<u8>) -> FileState {
        self.stamps += 1;
        content(self.stamps, bytes.into())
    }

    fn look(&mut self, states: Vec<(String, FileState)>, at_boot: bool) {
        let changes = self.catalog.update(states);
        for change in &changes {
            if let intake::FileChange::Loaded { job, .. } = change {
                self.jobs.insert(job.id.clone(), Arc::clone(job));
            }
        }
        self.tell(Message::Files(changes), at_boot, false);
    }

    /// Sends the scheduler a message. With a crash, its orders are not carried out.
    fn tell(&mut self, message: Message, at_boot: bool, lose_orders: bool) {
        let mut scheduler = self.scheduler.take().expect("it is up");
        let stepped_back = self.now < self.last_alive;
        if stepped_back && !at_boot {
            self.heed_step_back(self.last_alive);
        }
        self.rows_before_message = self.ledger.0.borrow().last_run;
        let told = scheduler.handle(message, self.now);
        self.scheduler = Some(scheduler);
        let Ok(orders) = told else {
            self.tally.failed_commits += 1;
            return;
        };
        self.follow(at_boot);
        self.last_alive = self.now;
        if at_boot {
            for shadow in self.shadows.values_mut() {
                if let Some(stretch) = &mut shadow.stretch {
                    stretch.unseen = false;
                }
            }
            self.heed_step_back(self.now);
        }
        if lose_orders {
            return;
        }
        for order in orders {
            self.carry_out(order);
        }
    }

    fn carry_out(&mut self, order: Order) {
        match order {
            Order::Spawn(spawn) => self.spawn(&spawn),
            Order::End { run, why } => {
                let agent = self.agents.remove(&run).expect("it has an agent");
                self.ends.remove(&(agent.end, run));
                let end = match why {
                    EndCause::Abort => AttemptEnd::Aborted,
                    EndCause::Shutdown => AttemptEnd::Interrupted,
                };
                self.tell(ended(run, &agent, end), false, false);
            }
            Order::Tell(notice) => {
                if let Notice::Asked {
                    command, accepted, ..
                } = *notice
                {
                    self.triggered += u64::from(accepted && command == "trigger");
                }
            }
            Order::Send(delivery) => self.send(*delivery),
            Order::Answered { .. } | Order::SlotGiven { .. } => {}
        }
    }

    // What happens.

    /// Advances the time to the next thing that happens.
    pub fn live(&mut self) {
        let wake = self.scheduler.as_ref().expect("it is up").next_wake();
        let until_wake = wake.map_or(86_400_000, |wake| {
            (wake - self.now).num_milliseconds().max(0)
        });
        let wake = self.elapsed.saturating_add(until_wake);
        let end = self
            .ends
            .first_key_value()
            .map_or(i64::MAX, |((end, _), ())| *end);
        if self.repaired_at.is_some_and(|at| at <= self.elapsed) {
            self.repaired_at = None;
            self.ledger.0.borrow_mut().broken = false;
        }
        let arrival = self.post.next();
        let next = wake.min(end).min(arrival).min(self.next_trouble);
        self.pass((next - self.elapsed).max(0));
        if next == self.next_trouble {
            self.next_trouble = self.elapsed + 1 + self.dice.roll(2 * self.calm) as i64;
            self.trouble();
        } else if next == end {
            self.agent_ends();
        } else if next == arrival {
            self.arrive();
        } else {
            self.tick();
        }
    }

    fn tick(&mut self) {
        self.tell(Message::Tick, false, false);
    }
}

fn catalog(zone: &Zone, remembered: BTreeMap<String, intake::Remembered>) -> Catalog {
    Catalog::new(host(zone.clone()), "host", remembered)
}
