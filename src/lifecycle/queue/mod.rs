//! Which run may start its next attempt now. The run that is due first goes first, as far as there are free slots, and
//! an action that removes snapshots has its container to itself.
//!
//! Each container has a line of its own. Either the head of a line may start, or the whole line waits. So the queue only
//! looks at heads: to join, to start and to leave cost the same however many runs wait.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;

use chrono::{DateTime, Utc};

use crate::job::action::Access;
use crate::location::Location;

/// How many runs at the front of a line get a new reason each time that another run gets the container. A run further
/// back has a reason that stays true until it comes near.
pub const NEAR: usize = 16;

/// So many attempts at most are without their slot while others have it. Each is a process: hundreds of jobs with containers on
/// a server that is down must not all be processes.
pub const MOST_WITHOUT_SLOT: usize = 32;

/// The container that an attempt needs, beside a slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// The name that the job uses for the container.
    pub name: String,
    /// Two needs with the same location are for the same container, whatever their names.
    pub location: Location,
    pub access: Access,
}

/// What a run waits for. The text is for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Waits {
    /// A slot, of this many.
    Slot(usize),
    Container {
        name: String,
        /// The run that has it, or will have it before this one.
        holder: u64,
        /// More than [`NEAR`] runs are ahead in the line.
        far: bool,
    },
}

impl fmt::Display for Waits {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Waits::Slot(slots) => write!(
                formatter,
                "waiting for a free slot ({slots} action{} at a time)",
                if *slots == 1 { "" } else { "s" }
            ),
            Waits::Container {
                name, far: true, ..
            } => write!(
                formatter,
                "waiting for container {name}, behind more than {NEAR} other runs"
            ),
            Waits::Container { name, holder, .. } => {
                write!(
                    formatter,
                    "waiting for container {name}, held by run {holder}"
                )
            }
        }
    }
}

/// The order in which runs start: by their due instant, then by their number.
type Turn = (DateTime<Utc>, u64);

/// The runs whose next attempt waits, and the runs that have an attempt running.
#[derive(Debug, Default)]
pub struct Queue {
    slots: usize,
    waiting: HashMap<u64, Waiter>,
    running: BTreeMap<u64, Option<Location>>,
    /// The running attempts that have given their slot back.
    without_slot: BTreeSet<u64>,
    /// The running attempts that wait for the answer that they have a slot.
    wants_slot: BTreeSet<u64>,
    lines: HashMap<Option<Location>, Line>,
    /// The heads of lines that wait for nothing but a slot.
    ready: BTreeSet<Turn>,
    /// The lines in which runs may wait for something else now.
    stirred: BTreeSet<Location>,
    /// The runs that joined since the last [`Queue::news`].
    newcomers: BTreeSet<Turn>,
}

#[derive(Debug)]
struct Waiter {
    turn: Turn,
    need: Option<Need>,
}

/// The runs that need the same container. The runs that need none are a line too.
#[derive(Debug, Default)]
struct Line {
    waiting: BTreeMap<Turn, Access>,
    /// The waiting runs that need the container to themselves.
    alone: BTreeSet<Turn>,
    running: BTreeMap<u64, Access>,
    /// The head, while it is in [`Queue::ready`].
    ready: Option<Turn>,
}

impl Line {
    /// The first running run that excludes this access.
    fn holder(&self, wanted: Access) -> Option<u64> {
        self.running
            .iter()
            .find(|(_, access)| exclude(**access, wanted))
            .map(|(run, _)| *run)
    }

    /// The first waiting run that this one must not overtake.
    fn ahead(&self, turn: Turn, wanted: Access) -> Option<u64> {
        let first = match wanted {
            Access::Exclusive => self.waiting.first_key_value().map(|(turn, _)| *turn),
            Access::Shared => self.alone.first().copied(),
        };
        first.filter(|first| *first < turn).map(|(_, run)| run)
    }
}

/// Whether the two cannot use one container at the same time.
fn exclude(one: Access, other: Access) -> bool {
    one == Access::Exclusive || other == Access::Exclusive
}

impl Queue {
    /// An empty queue. At most `slots` attempts run at a time.
    pub fn new(slots: usize) -> Queue {
        Queue {
            slots,
            ..Queue::default()
        }
    }

    /// Adds a run whose next attempt is to start.
    pub fn join(&mut self, run: u64, due: DateTime<Utc>, need: Option<Need>) {
        let turn = (due, run);
        let location = need.as_ref().map(|need| need.location.clone());
        if let Some(need) = &need {
            let line = self.lines.entry(location.clone()).or_default();
            line.waiting.insert(turn, need.access);
            if need.access == Access::Exclusive {
                line.alone.insert(turn);
            }
        } else {
            // Runs without a container do not exclude each other.
            let line = self.lines.entry(None).or_default();
            line.waiting.insert(turn, Access::Shared);
        }
        self.waiting.insert(run, Waiter { turn, need });
        self.newcomers.insert(turn);
        self.refresh(location);
    }

    /// Takes the next run that may start now out of the line. It has its slot and its container from here on.
    pub fn start_next(&mut self) -> Option<u64> {
        if !self.has_free_slot() {
            return None;
        }
        let (_, run) = *self.ready.first()?;
        let waiter = self.leave_line(run)?;
        let location = waiter.need.as_ref().map(|need| need.location.clone());
        let access = waiter
            .need
            .as_ref()
            .map_or(Access::Shared, |need| need.access);
        if let Some(line) = self.lines.get_mut(&location) {
            line.running.insert(run, access);
        }
        self.running.insert(run, location.clone());
        self.refresh(location);
        Some(run)
    }

    /// Takes back the slot of a running attempt that only waits. It keeps its container.
    pub fn return_slot(&mut self, run: u64) {
        if self.running.contains_key(&run) {
            self.without_slot.insert(run);
        }
    }

    /// A running attempt needs a slot again, to go on.
    pub fn want_slot(&mut self, run: u64) {
        if self.running.contains_key(&run) {
            self.wants_slot.insert(run);
        }
    }

    /// The next running attempt that can go on: it has a slot from here on. Ask this before [`Queue::start_next`], so that
    /// an attempt that has begun goes before those that have not.
    pub fn give_slot(&mut self) -> Option<u64> {
        let without = self.without_slot.len().saturating_sub(1);
        let has_room = self.taken(without) <= self.slots;
        let mut wants = self.wants_slot.iter();
        let run = *wants.find(|run| has_room || !self.without_slot.contains(*run))?;
        self.wants_slot.remove(&run);
        self.without_slot.remove(&run);
        Some(run)
    }

    fn has_free_slot(&self) -> bool {
        self.taken(self.without_slot.len()) < self.slots
    }

    /// How many slots are taken when so many attempts are without one.
    fn taken(&self, without: usize) -> usize {
        self.running.len() - without.min(MOST_WITHOUT_SLOT)
    }

    /// Removes a run: its attempt ended, or it is not to start any more.
    pub fn leave(&mut self, run: u64) {
        self.without_slot.remove(&run);
        self.wants_slot.remove(&run);
        if let Some(waiter) = self.leave_line(run) {
            self.refresh(waiter.need.map(|need| need.location));
        }
        if let Some(location) = self.running.remove(&run) {
            if let Some(line) = self.lines.get_mut(&location) {
                line.running.remove(&run);
            }
            self.refresh(location);
        }
    }

    /// The number of attempts that run, with a slot or without.
    pub fn running(&self) -> usize {
        self.running.len()
    }

    /// The waiting runs that have a new reason to wait, with the reason, in the order in which they start.
    pub fn news(&mut self) -> Vec<(u64, Waits)> {
        let mut turns = std::mem::take(&mut self.newcomers);
        for location in std::mem::take(&mut self.stirred) {
            if let Some(line) = self.lines.get(&Some(location)) {
                turns.extend(line.waiting.keys().take(NEAR).copied());
            }
        }
        turns
            .into_iter()
            .filter_map(|(_, run)| Some((run, self.reason(run)?)))
            .collect()
    }

    /// What this run waits for. `None` if it is not waiting.
    pub fn reason(&self, run: u64) -> Option<Waits> {
        let waiter = self.waiting.get(&run)?;
        let Some(need) = &waiter.need else {
            return Some(Waits::Slot(self.slots));
        };
        let line = self.lines.get(&Some(need.location.clone()))?;
        let holder = line
            .holder(need.access)
            .or_else(|| line.ahead(waiter.turn, need.access));
        let Some(holder) = holder else {
            return Some(Waits::Slot(self.slots));
        };
        let mut near = line.waiting.keys().take(NEAR);
        Some(Waits::Container {
            name: need.name.clone(),
            holder,
            far: near.all(|turn| *turn != waiter.turn),
        })
    }

    fn leave_line(&mut self, run: u64) -> Option<Waiter> {
        let waiter = self.waiting.remove(&run)?;
        self.newcomers.remove(&waiter.turn);
        let location = waiter.need.as_ref().map(|need| need.location.clone());
        if let Some(line) = self.lines.get_mut(&location) {
            line.waiting.remove(&waiter.turn);
            line.alone.remove(&waiter.turn);
        }
        Some(waiter)
    }

    /// Finds the head of the line again, and whether it may start.
    fn refresh(&mut self, location: Option<Location>) {
        let Some(line) = self.lines.get_mut(&location) else {
            return;
        };
        let head = line
            .waiting
            .first_key_value()
            .filter(|(_, access)| line.holder(**access).is_none())
            .map(|(turn, _)| *turn);
        if line.ready != head {
            if let Some(old) = line.ready {
                self.ready.remove(&old);
            }
            if let Some(new) = head {
                self.ready.insert(new);
            }
            line.ready = head;
        }
        if line.waiting.is_empty() && line.running.is_empty() {
            self.lines.remove(&location);
        } else if let Some(location) = location {
            self.stirred.insert(location);
        }
    }
}

#[cfg(test)]
mod tests;
