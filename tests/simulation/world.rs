//! The world around the scheduler: a clock that people meddle with, agents, files, and all kinds of trouble.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use freezerd::control::event::{Command, EventFile};
use freezerd::daemon::scheduler::notice::Notice;
use freezerd::daemon::scheduler::{Ending, Message, Order, Policy, Remembered, Scheduler, Spawn};
use freezerd::intake::{self, Catalog, FileState, Stamp};
use freezerd::job::action::Access;
use freezerd::job::{Host, Job};
use freezerd::protocol::{Outcome, Summary, Verdict};
use freezerd::schedule::zone::Zone;
use freezerd::schedule::{CatchUp, Kind};
use freezerd::store::record::{AttemptEnd, RunState, Standing};

use super::jobs::{Dice, ZONES, document};
use super::ledger::{Row, SharedLedger};
use super::shadow::{Shadow, delay};

/// An attempt that goes on.
struct Agent {
    action: u32,
    attempt: u32,
    /// Real time, in milliseconds.
    end: i64,
    job_id: String,
    container: Option<(PathBuf, Access)>,
}

/// How much of what happened.
#[derive(Debug, Default)]
pub struct Tally {
    pub crashes: u64,
    pub stops: u64,
    pub steps_forward: u64,
    pub steps_back: u64,
    pub corrections: u64,
    pub suspends: u64,
    pub file_changes: u64,
    pub events: u64,
    pub zone_changes: u64,
    pub failed_commits: u64,
}

pub struct World {
    pub dice: Dice,
    /// What the clock shows.
    pub now: DateTime<Utc>,
    /// How long the world has been going, in milliseconds, whatever the clock shows.
    pub elapsed: i64,
    next_trouble: i64,
    /// The mean time between two troubles.
    calm: u64,
    zone: Zone,
    slots: usize,
    containers: u64,
    numbers: u64,
    files: BTreeMap<String, Vec<u8>>,
    stamps: u64,
    catalog: Catalog,
    scheduler: Option<Scheduler<SharedLedger>>,
    pub ledger: SharedLedger,
    agents: BTreeMap<u64, Agent>,
    ends: BTreeMap<(i64, u64), ()>,
    /// The jobs as their files have them, or had them when they were last good.
    jobs: HashMap<String, Arc<Job>>,
    shadows: BTreeMap<String, Shadow>,
    /// What the clock had shown to the scheduler before each step back.
    peaks: Vec<DateTime<Utc>>,
    /// What it showed when the scheduler was last heard of.
    last_alive: DateTime<Utc>,
    rows_before_message: u64,
    asked: u64,
    triggered: u64,
    /// When the commits work again.
    repaired_at: Option<i64>,
    pub with_failing_commits: bool,
    pub tally: Tally,
}

impl World {
    pub fn new(seed: u64, jobs: u64, calm_minutes: u64) -> World {
        let mut dice = Dice::new(seed);
        // Shortly before a change of summer time.
        let now = "2026-03-20T11:17:05Z".parse().expect("an instant");
        let containers = 1 + jobs / 5;
        let files = (0..jobs)
            .map(|number| {
                let document = document(&mut dice, number, "2026", containers);
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
            containers,
            numbers: jobs,
            files,
            stamps: 0,
            scheduler: None,
            ledger: SharedLedger::default(),
            agents: BTreeMap::new(),
            ends: BTreeMap::new(),
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

    /// Real time passes, and the clock with it.
    fn pass(&mut self, milliseconds: i64) {
        self.elapsed += milliseconds;
        self.now += TimeDelta::milliseconds(milliseconds);
    }

    fn step_back(&mut self, by: TimeDelta) {
        // What the scheduler has seen of it: what it has not seen is still to come.
        self.peaks.push(self.last_alive);
        self.now -= by;
        self.tally.steps_back += 1;
    }

    /// The most that the clock showed since a stretch began, up to when the scheduler was last heard of.
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
        let remembered = Remembered {
            jobs: books.jobs.values().cloned().collect(),
            files: books.files.values().cloned().collect(),
            open_runs: books.open.values().cloned().collect(),
            attempts: books.open_attempts(),
            last_run: books.last_run,
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
            slots: self.slots,
            zone: self.zone.clone(),
            client_id: "host".into(),
            ledger_id: "00000000".into(),
            grace: std::time::Duration::from_secs(30),
            only_until: None,
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
        FileState::Content {
            stamp: Stamp {
                device: 1,
                inode: self.stamps,
                size: bytes.len() as u64,
                modified: 0,
                changed: 0,
            },
            bytes: Arc::from(bytes),
            warnings: Vec::new(),
        }
    }

    fn look(&mut self, states: Vec<(String, FileState)>, at_boot: bool) {
        let changes = self.catalog.update(states);
        for change in &changes {
            if let intake::Change::Loaded { job, .. } = change {
                self.jobs.insert(job.id.clone(), Arc::clone(job));
            }
        }
        self.tell(Message::Files(changes), at_boot, false);
    }

    /// The scheduler hears something; a crash may come before its orders are carried out.
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
                    Ending::Abort => AttemptEnd::Aborted,
                    Ending::Shutdown => AttemptEnd::Interrupted,
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
            Order::Answered { .. } => {}
        }
    }

    fn spawn(&mut self, spawn: &Spawn) {
        let request = &spawn.request;
        let (run, action) = (request.run, request.action_index);
        let container = request
            .action
            .work
            .container()
            .map(|(container, access)| (container.path.clone(), access));
        for (other, agent) in &self.agents {
            assert_ne!(*other, run, "run {run} has an agent already");
            assert_ne!(
                agent.job_id, request.job_id,
                "{}: runs {other} and {run} at the same time",
                request.job_id
            );
            if let (Some((ours, access)), Some((theirs, other))) = (&container, &agent.container) {
                assert!(
                    ours != theirs || (*access == Access::Shared && *other == Access::Shared),
                    "run {run} is not alone on {}",
                    ours.display()
                );
            }
        }
        assert!(self.agents.len() < self.slots, "more agents than slots");
        let row = self.ledger.0.borrow().open[&run].clone();
        assert!(
            matches!(row.state, RunState::Running { .. }),
            "a run is a row that says so before it is a process"
        );
        // Most are short, some take half a day.
        let seconds = if self.dice.once_in(100) {
            self.dice.roll(12 * 3600)
        } else {
            self.dice.roll(300)
        };
        let end = self.elapsed + 1000 + seconds as i64 * 1000;
        let agent = Agent {
            action,
            attempt: request.attempt,
            end,
            job_id: request.job_id.clone(),
            container,
        };
        if self.dice.once_in(300) {
            // Trouble likes company.
            let soon = self.elapsed + 1 + self.dice.roll(2 * seconds * 1000 + 1) as i64;
            self.next_trouble = self.next_trouble.min(soon);
        }
        self.ends.insert((end, run), ());
        self.agents.insert(run, agent);
    }

    // What happens.

    /// Time passes to the next thing that happens.
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
        let next = wake.min(end).min(self.next_trouble);
        self.pass((next - self.elapsed).max(0));
        if next == self.next_trouble {
            self.next_trouble = self.elapsed + 1 + self.dice.roll(2 * self.calm) as i64;
            self.trouble();
        } else if next == end {
            self.agent_ends();
        } else {
            self.tick();
        }
    }

    fn tick(&mut self) {
        self.tell(Message::Tick, false, false);
    }

    fn agent_ends(&mut self) {
        let ((_, run), ()) = self.ends.pop_first().expect("one ends");
        let agent = self.agents.remove(&run).expect("its agent");
        let end = match self.dice.roll(40) {
            0..=5 => reported(Verdict::Failed),
            6 => reported(Verdict::Partial),
            7 => AttemptEnd::TimedOut,
            8 => AttemptEnd::Crashed {
                reason: "gone".into(),
            },
            _ => reported(Verdict::Success),
        };
        self.tell(ended(run, &agent, end), false, false);
        // What a failed attempt is to wait for, it waits for.
        let books = self.ledger.0.borrow();
        if let Some(row) = books.open.get(&run)
            && let RunState::Waiting { until, .. } = row.state
        {
            assert!(until > self.last_alive, "run {run} does not wait");
        }
    }

    fn trouble(&mut self) {
        if self.with_failing_commits && self.dice.once_in(3) {
            self.ledger.0.borrow_mut().broken = true;
            self.repaired_at = Some(self.elapsed + 1 + self.dice.roll(600_000) as i64);
            return;
        }
        // Orders and files while nothing can be written are another story, told without this one.
        let writable = !self.ledger.0.borrow().broken;
        match self.dice.roll(30) {
            0..=2 => {
                self.tally.suspends += 1;
                let longest = *self.dice.pick(&[10, 60, 600, 3 * 24 * 60]);
                let minutes = self.dice.roll(longest) as i64;
                self.pass(minutes * 60_000);
                self.tick();
            }
            3 => {
                self.tally.steps_forward += 1;
                self.now += TimeDelta::seconds(1 + self.dice.roll(4 * 3600) as i64);
                self.tick();
            }
            4 => {
                self.tally.steps_forward += 1;
                self.now += TimeDelta::hours(self.dice.roll(10 * 24) as i64);
                self.tick();
            }
            5..=6 if writable => {
                let by = TimeDelta::seconds(3 + self.dice.roll(3 * 3600) as i64);
                self.step_back(by);
                self.tick();
            }
            7 if writable => {
                let by = TimeDelta::minutes(181 + self.dice.roll(10 * 24 * 60) as i64);
                self.step_back(by);
                self.tick();
            }
            8..=10 => self.crash(),
            11..=12 if writable => self.restart(),
            13..=19 if writable => {
                self.tally.file_changes += 1;
                let changed = self.change_files();
                let states = self.states_of(changed);
                self.look(states, false);
            }
            20..=27 if writable => self.ask(),
            28 if writable => self.move_host(false),
            _ => self.tick(),
        }
    }

    /// Everything is lost but the ledger, the files and the clock, and even the clock may be wrong afterwards.
    fn crash(&mut self) {
        self.tally.crashes += 1;
        if self.dice.once_in(2) {
            // In the worst moment: committed, and not carried out.
            self.tell(Message::Tick, false, true);
        }
        self.down();
    }

    /// The daemon is stopped in good order, and comes back.
    fn restart(&mut self) {
        self.tally.stops += 1;
        self.tell(Message::Shutdown, false, false);
        assert!(self.agents.is_empty(), "every agent was told to end");
        assert_eq!(self.scheduler.as_ref().map(Scheduler::running), Some(0));
        self.down();
    }

    fn down(&mut self) {
        self.scheduler = None;
        self.agents.clear();
        self.ends.clear();
        self.ledger.0.borrow_mut().broken = false;
        self.repaired_at = None;
        let longest = *self.dice.pick(&[60, 60, 3600, 2 * 24 * 3600]);
        let seconds = self.dice.roll(longest) as i64;
        self.pass(seconds * 1000);
        match self.dice.roll(6) {
            0 => self.now += TimeDelta::minutes(self.dice.roll(600) as i64),
            1 => {
                let by = TimeDelta::minutes(self.dice.roll(2 * 24 * 60) as i64);
                self.step_back(by);
            }
            _ => {}
        }
        if self.dice.once_in(3) {
            self.change_files();
        }
        if self.dice.once_in(6) {
            self.move_host(true);
        }
        self.boot();
    }

    fn states_of(&mut self, changed: Vec<String>) -> Vec<(String, FileState)> {
        changed
            .into_iter()
            .map(|file| {
                let state = match self.files.get(&file).cloned() {
                    Some(bytes) => self.content(bytes),
                    None => FileState::Gone,
                };
                (file, state)
            })
            .collect()
    }

    /// Somebody edits a few files: another schedule, other actions, nonsense, gone, back again.
    fn change_files(&mut self) -> Vec<String> {
        let mut changed = Vec::new();
        for _ in 0..=self.dice.roll(3) {
            let number = self.dice.roll(self.numbers);
            let file = format!("job{number}.json");
            let year = self.now.format("%Y").to_string();
            match self.dice.roll(6) {
                0 => drop(self.files.remove(&file)),
                1 => drop(self.files.insert(file.clone(), b"{ \"job_id\": ".to_vec())),
                2 => {
                    if let Some(job) = self.jobs.get(&format!("job{number}")) {
                        let mut same_schedule = job.document.clone();
                        same_schedule["description"] = serde_json::json!(self.stamps.to_string());
                        let bytes = same_schedule.to_string().into_bytes();
                        self.files.insert(file.clone(), bytes);
                    }
                }
                _ => {
                    let document = document(&mut self.dice, number, &year, self.containers);
                    self.files
                        .insert(file.clone(), document.to_string().into_bytes());
                }
            }
            changed.push(file);
        }
        changed
    }

    fn ask(&mut self) {
        self.tally.events += 1;
        self.asked += 1;
        let command = *self.dice.pick(&[
            Command::Start,
            Command::Start,
            Command::Start,
            Command::Trigger,
            Command::Trigger,
            Command::Stop,
            Command::Abort,
            Command::Remove,
        ]);
        // One that runs is the more interesting one.
        let running: Vec<&Agent> = self.agents.values().collect();
        let job_id = if !running.is_empty() && self.dice.once_in(2) {
            self.dice.pick(&running).job_id.clone()
        } else {
            format!("job{}", self.dice.roll(self.numbers))
        };
        let event = EventFile {
            id: format!("event{}", self.asked),
            command,
            job_id,
            by: "somebody".into(),
            at: self.now,
        };
        self.tell(Message::Asked(event.clone()), false, false);
        if self.dice.once_in(4) {
            // Its file outlived its answer.
            self.tell(Message::Asked(event), false, false);
        }
    }

    fn move_host(&mut self, while_down: bool) {
        let zone = Zone::named(self.dice.pick::<&str>(&ZONES)).expect("a zone");
        if zone == self.zone {
            return;
        }
        self.tally.zone_changes += 1;
        if while_down {
            self.zone = zone.clone();
            let rows_before = self.ledger.0.borrow().last_run;
            self.move_shadows(&zone, None, self.last_alive, rows_before);
        } else {
            // What has come due by the old zone has its rows first.
            self.tick();
            self.zone = zone.clone();
            let rows_before = self.ledger.0.borrow().last_run;
            self.move_shadows(&zone, Some(self.now), self.now, rows_before);
            self.tell(Message::Zone(zone), false, false);
        }
    }

    // What should have happened.

    fn move_shadows(
        &mut self,
        zone: &Zone,
        now: Option<DateTime<Utc>>,
        last: DateTime<Utc>,
        rows_before: u64,
    ) {
        let mut shadows = std::mem::take(&mut self.shadows);
        for (job_id, shadow) in &mut shadows {
            let reach = self.reach(shadow, last);
            let rows = self.rows(job_id);
            shadow.move_to(zone, now, reach, &rows, rows_before, self.peaks.len());
        }
        self.shadows = shadows;
    }

    fn rows(&self, job_id: &str) -> Vec<Row> {
        let books = self.ledger.0.borrow();
        books.due_rows.get(job_id).cloned().unwrap_or_default()
    }

    fn heed_step_back(&mut self, last: DateTime<Utc>) {
        let rows_before = self.ledger.0.borrow().last_run;
        let mut shadows = std::mem::take(&mut self.shadows);
        for (job_id, shadow) in &mut shadows {
            let reach = self.reach(shadow, last);
            let rows = self.rows(job_id);
            let peaks = self.peaks.len();
            let corrected = shadow.heed_step_back(self.now, reach, &rows, rows_before, peaks);
            self.tally.corrections += u64::from(corrected);
        }
        self.shadows = shadows;
    }

    /// Follows what was just committed.
    fn follow(&mut self, at_boot: bool) {
        let touched = std::mem::take(&mut self.ledger.0.borrow_mut().touched);
        for job_id in touched {
            self.follow_job(&job_id, at_boot);
        }
        let cut = std::mem::take(&mut self.ledger.0.borrow_mut().cut);
        for cut in cut {
            let made_up = self.ledger.0.borrow().made_up.contains(&cut.run);
            let excused = cut.before.as_ref().is_none_or(|job| {
                job.pending.is_some()
                    || job.file.is_none()
                    || job.run.is_none_or(|run| run.aborting)
            }) || !self.ledger.0.borrow().jobs.contains_key(&cut.job_id)
                || self.jobs[&cut.job_id].schedule.catch_up() != CatchUp::Once;
            assert!(
                made_up || excused,
                "run {} of {} was cut off and is not made up for",
                cut.run,
                cut.job_id
            );
        }
    }

    fn follow_job(&mut self, job_id: &str, at_boot: bool) {
        let record = self.ledger.0.borrow().jobs.get(job_id).cloned();
        let rows = self.rows(job_id);
        let rows_before = self.ledger.0.borrow().last_run;
        let last_heard = if at_boot { self.last_alive } else { self.now };
        let Some(record) = record else {
            if let Some(mut shadow) = self.shadows.remove(job_id) {
                let reach = self.reach(&shadow, last_heard);
                shadow.close(reach, &rows);
            }
            return;
        };
        let job = Arc::clone(&self.jobs[job_id]);
        let known = self
            .shadows
            .remove(job_id)
            .filter(|shadow| shadow.created == record.created);
        let first_seen = known.is_none();
        let mut shadow = known.unwrap_or_else(|| Shadow::new(Arc::clone(&job), record.created));
        let on_schedule = record.standing == Standing::OnSchedule;
        let rescheduled = shadow.job.schedule != job.schedule;
        shadow.job = Arc::clone(&job);
        let mut over = None;
        if shadow.stretch.is_some() && (rescheduled || !on_schedule) {
            let finished = record.standing == Standing::Finished && !rescheduled;
            let reach = self.reach(&shadow, if finished { self.now } else { last_heard });
            assert!(
                !finished || !shadow.has_more(reach),
                "{job_id} is finished although more is to come: {}",
                job.document
            );
            over = shadow.end(reach).map(|stretch| (stretch, reach));
        }
        let continuous = job.schedule.kind() == Kind::Continuous;
        // A date that has just passed, and is not run for: it was on its schedule for no time at all.
        let over_at_once = record.standing == Standing::Finished && (rescheduled || first_seen);
        if (on_schedule || over_at_once) && shadow.stretch.is_none() && !continuous {
            shadow.open(self.now, &self.zone, rows_before, self.peaks.len());
        }
        // One message may have made rows of the old stretch and of the new one.
        let mut boundary = rows_before;
        if let Some(stretch) = &shadow.stretch {
            let new = rows
                .iter()
                .rev()
                .take_while(|row| row.number > self.rows_before_message && stretch.owns(row));
            if let Some(row) = new.last() {
                boundary = row.number - 1;
            }
        }
        if let Some(stretch) = &mut shadow.stretch
            && stretch.rows_before == rows_before
        {
            stretch.rows_before = boundary;
        }
        if let Some((stretch, reach)) = over {
            let end = rows.partition_point(|row| row.number <= boundary);
            stretch.judge(reach, &rows[..end]);
        }
        if !on_schedule {
            shadow.close(self.now, &rows);
        }
        if continuous && on_schedule && record.run.is_none() {
            let longest = TimeDelta::seconds(3601) + delay(&job);
            assert!(
                record.next.is_some_and(|next| next <= self.now + longest),
                "{job_id} is continuous and does not go on"
            );
        }
        if let Some(run) = record.run {
            assert!(
                self.ledger.0.borrow().open.contains_key(&run.number),
                "{job_id} is busy with a run that is over"
            );
        }
        self.shadows.insert(job_id.to_owned(), shadow);
    }

    /// The end: every stretch that goes on is judged, and everything that shows as running runs.
    pub fn judge(&mut self) {
        self.ledger.0.borrow_mut().broken = false;
        self.tick();
        for (job_id, mut shadow) in std::mem::take(&mut self.shadows) {
            let reach = self.reach(&shadow, self.now);
            let rows = self.rows(&job_id);
            shadow.close(reach, &rows);
        }
        let books = self.ledger.0.borrow();
        for (number, run) in &books.open {
            if matches!(run.state, RunState::Running { .. }) {
                assert!(
                    self.agents.contains_key(number),
                    "run {number} shows as running, and nothing runs"
                );
            }
        }
        assert_eq!(
            books.manual, self.triggered,
            "each accepted trigger is one row"
        );
    }
}

fn catalog(zone: &Zone, remembered: BTreeMap<String, intake::Remembered>) -> Catalog {
    let host = Host {
        working_dir: "/".into(),
        container_root: "/containers".into(),
        host_name: "host".into(),
        zone: zone.clone(),
        disable_exec: false,
    };
    Catalog::new(host, "host", remembered)
}

fn ended(run: u64, agent: &Agent, end: AttemptEnd) -> Message {
    Message::Ended {
        run,
        action: agent.action,
        attempt: agent.attempt,
        end,
    }
}

fn reported(verdict: Verdict) -> AttemptEnd {
    AttemptEnd::Reported {
        outcome: Outcome {
            verdict,
            reason: (verdict != Verdict::Success).then(|| "bad luck".to_owned()),
            summary: Summary::default(),
            problems: Vec::new(),
            problems_total: 0,
        },
    }
}
