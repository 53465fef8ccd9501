//! What the containers hold: the snapshots of which a guard says that their source looks damaged.

use std::collections::BTreeMap;

use freezerd::control::event::{Command, EventFile};
use freezerd::daemon::scheduler::Message;
use freezerd::job::action::Access;
use freezerd::keep::guard::Alarm;
use freezerd::location::Location;
use freezerd::protocol::{OpenAlarm, Verdict};
use freezerd::record::AttemptEnd;

use super::{Agent, World};
use crate::jobs::Dice;

/// One backup in so many looks damaged.
const DAMAGED: u64 = 25;

/// The alarms that nobody has accepted, of each action of each job in its container.
pub struct Containers {
    dice: Dice,
    open: BTreeMap<(String, u32, Location), Vec<OpenAlarm>>,
    snapshots: u64,
}

impl Containers {
    pub fn new(seed: u64) -> Containers {
        Containers {
            dice: Dice::new(seed.wrapping_add(1)),
            open: BTreeMap::new(),
            snapshots: 0,
        }
    }

    /// An attempt ends. A backup that made a snapshot says which alarms its container has.
    pub fn note_end(&mut self, run: u64, agent: &Agent, end: &mut AttemptEnd) {
        let AttemptEnd::Reported { outcome } = end else {
            return;
        };
        let (Some(location), Verdict::Success | Verdict::Partial) =
            (agent.backs_up_to(), outcome.verdict)
        else {
            return;
        };
        let key = (agent.job_id.clone(), agent.action, location.clone());
        let is_damaged = self.dice.once_in(DAMAGED);
        if is_damaged {
            self.add(run, &key);
        }
        outcome.summary.alarm = is_damaged.then_some(Alarm::Shrink);
        outcome.summary.open_alarms = Some(self.open.get(&key).cloned().unwrap_or_default());
    }

    /// An agent is cut off. Its snapshot may be there already, and nobody has heard of it. Whether it has an alarm.
    pub fn cut_off(&mut self, run: u64, agent: &Agent) -> bool {
        let Some(location) = agent.backs_up_to().filter(|_| self.dice.once_in(4)) else {
            return false;
        };
        let key = (agent.job_id.clone(), agent.action, location.clone());
        self.add(run, &key);
        true
    }

    fn add(&mut self, run: u64, key: &(String, u32, Location)) {
        self.snapshots += 1;
        let alarm = OpenAlarm {
            container: key.2.clone(),
            snapshot: format!("snapshot {}", self.snapshots),
            run: Some(run),
            alarm: Alarm::Shrink,
        };
        self.open.entry(key.clone()).or_default().push(alarm);
    }

    /// Somebody accepts what one backup has raised. Returns the job and the alarms.
    fn accept(&mut self) -> Option<(String, Vec<OpenAlarm>)> {
        let keys: Vec<_> = self.open.keys().cloned().collect();
        if keys.is_empty() {
            return None;
        }
        let key = self.dice.pick(&keys);
        Some((key.0.clone(), self.open.remove(key)?))
    }
}

impl Agent {
    /// The container that it adds a snapshot to.
    fn backs_up_to(&self) -> Option<&Location> {
        let shared = |it: &&(Location, Access)| it.1 == Access::Shared;
        self.container.as_ref().filter(shared).map(|it| &it.0)
    }
}

impl World {
    /// Somebody accepts alarms, and leaves word.
    pub(super) fn accept_alarms(&mut self) {
        let Some((job_id, alarms)) = self.containers_hold.accept() else {
            return;
        };
        self.tally.accepted += 1;
        self.asked += 1;
        let snapshots = alarms.iter().map(|alarm| alarm.snapshot.clone());
        let mut books = self.ledger.0.borrow_mut();
        if books.jobs.contains_key(&job_id) {
            books.notices.accepted.extend(snapshots);
        }
        drop(books);
        let event = EventFile {
            id: format!("event{}", self.asked),
            command: Command::Accept,
            job_id,
            receivers: Vec::new(),
            alarms,
            by: "somebody".into(),
            at: self.now,
        };
        self.tell(Message::Asked(event), false, false);
    }
}
