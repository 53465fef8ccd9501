//! What goes wrong, and what people do.

use chrono::TimeDelta;
use freezerd::control::event::{Command, EventFile};
use freezerd::daemon::scheduler::{Message, Scheduler};
use freezerd::intake::FileState;
use freezerd::schedule::zone::Zone;

use super::super::jobs::{ZONES, document};
use super::{Agent, World};

impl World {
    /// Makes a random trouble happen.
    pub(super) fn trouble(&mut self) {
        if self.with_failing_commits && self.dice.once_in(3) {
            self.ledger.0.borrow_mut().broken = true;
            self.repaired_at = Some(self.elapsed + 1 + self.dice.roll(600_000) as i64);
            return;
        }
        // Requests and changes of files while the ledger cannot be written are not tested here.
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
            20..=26 if writable => self.ask(),
            27 if writable => self.accept_alarms(),
            28 if writable => self.move_host(false),
            _ => self.tick(),
        }
    }

    /// Only the ledger, the files and the clock survive, and the clock may be wrong afterwards.
    fn crash(&mut self) {
        self.tally.crashes += 1;
        if self.dice.once_in(2) {
            // The worst moment: after the commit, and before the orders are carried out.
            self.tell(Message::Tick, false, true);
        }
        self.down();
    }

    /// Stops the daemon properly, and starts it again.
    fn restart(&mut self) {
        self.tally.stops += 1;
        self.tell(Message::Shutdown, false, false);
        assert!(self.agents.is_empty(), "every agent was told to end");
        assert_eq!(self.scheduler.as_ref().map(Scheduler::running), Some(0));
        self.down();
    }

    fn down(&mut self) {
        self.scheduler = None;
        for (run, agent) in std::mem::take(&mut self.agents) {
            let is_alarmed = self.containers_hold.cut_off(run, &agent);
            self.tally.cut_alarms += u64::from(is_alarmed);
        }
        self.ends.clear();
        self.post.lose();
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

    /// Changes a few files: another schedule, other actions, invalid content, deleted, created again.
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
                    let document =
                        document(&mut self.dice, self.mix, number, &year, self.containers);
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
        // A job that runs is a better choice than one that does not.
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
            receivers: Vec::new(),
            alarms: Vec::new(),
            by: "somebody".into(),
            at: self.now,
        };
        self.tell(Message::Asked(event.clone()), false, false);
        if self.dice.once_in(4) {
            // The file of the event was still there after the answer.
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
            // First, what became due in the old zone gets its rows.
            self.tick();
            self.zone = zone.clone();
            let rows_before = self.ledger.0.borrow().last_run;
            self.move_shadows(&zone, Some(self.now), self.now, rows_before);
            self.tell(Message::Zone(zone), false, false);
        }
    }
}
