//! Who may start now: slots, and containers that only one pruner may hold. First due, first served.
//!
//! Each container has a line of its own, and whoever is at the head of a line either may start or keeps the whole line
//! waiting. So only heads are ever looked at: joining, starting and ending cost the same however many wait.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;

use chrono::{DateTime, Utc};

use crate::job::action::Access;
use crate::location::Location;

/// How many of those that wait for a container are told each time that its holder changes. Who stands further back
/// is told so, which stays true until it has moved up.
pub const NEAR: usize = 16;

/// What an attempt needs beside a slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// The container, as the job calls it.
    pub name: String,
    /// Where it is: the same place is the same container.
    pub location: Location,
    /// How it is needed.
    pub access: Access,
}

/// What a waiting run waits for. Its text is what people are told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Waits {
    /// A slot: so many attempts run at a time.
    Slot(usize),
    /// A container.
    Container {
        /// Its name.
        name: String,
        /// The run that has it, or has it next.
        holder: u64,
        /// The run is far back in the line.
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

/// A place in the order: the due instant, and the run's number.
type Turn = (DateTime<Utc>, u64);

/// Runs whose next attempt waits, and those that have one running.
#[derive(Debug, Default)]
pub struct Queue {
    slots: usize,
    waiting: HashMap<u64, Waiter>,
    running: BTreeMap<u64, Option<Location>>,
    lines: HashMap<Option<Location>, Line>,
    /// Heads of lines that only a slot keeps from starting.
    ready: BTreeSet<Turn>,
    /// Lines whose waiters may have something else to wait for now.
    stirred: BTreeSet<Location>,
    /// Those that joined and have not been told what they wait for.
    newcomers: BTreeSet<Turn>,
}

#[derive(Debug)]
struct Waiter {
    turn: Turn,
    need: Option<Need>,
}

/// Those that need one container; or none, which is a line too.
#[derive(Debug, Default)]
struct Line {
    waiting: BTreeMap<Turn, Access>,
    /// Those of them that need it alone.
    alone: BTreeSet<Turn>,
    running: BTreeMap<u64, Access>,
    /// The head, while it stands among the ready.
    ready: Option<Turn>,
}

impl Line {
    /// The first of the running that keeps such a one from starting.
    fn holder(&self, wanted: Access) -> Option<u64> {
        self.running
            .iter()
            .find(|(_, access)| exclude(**access, wanted))
            .map(|(run, _)| *run)
    }

    /// The first in front of it that it must not overtake.
    fn ahead(&self, turn: Turn, wanted: Access) -> Option<u64> {
        let first = match wanted {
            Access::Exclusive => self.waiting.first_key_value().map(|(turn, _)| *turn),
            Access::Shared => self.alone.first().copied(),
        };
        first.filter(|first| *first < turn).map(|(_, run)| run)
    }
}

/// Two that cannot have one container at the same time.
fn exclude(one: Access, other: Access) -> bool {
    one == Access::Exclusive || other == Access::Exclusive
}

impl Queue {
    /// An empty queue for so many attempts at a time.
    pub fn new(slots: usize) -> Queue {
        Queue {
            slots,
            ..Queue::default()
        }
    }

    /// A run's next attempt wants to start. The earlier its due instant, the earlier its turn.
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
            // Without a container nobody is in anybody's way.
            let line = self.lines.entry(None).or_default();
            line.waiting.insert(turn, Access::Shared);
        }
        self.waiting.insert(run, Waiter { turn, need });
        self.newcomers.insert(turn);
        self.refresh(location);
    }

    /// The next run that may start now: it has its slot and its container from here on.
    pub fn start_next(&mut self) -> Option<u64> {
        if self.running.len() >= self.slots {
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

    /// A run's attempt ended, or the run does not want to start any more.
    pub fn leave(&mut self, run: u64) {
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

    /// How many attempts run.
    pub fn running(&self) -> usize {
        self.running.len()
    }

    /// The waiting runs that have something new to be told, with what they wait for, in the order of their turns.
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

    /// What a waiting run waits for.
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

    /// Who is at the head of the line now, and may it start?
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
mod tests {
    use super::*;

    fn on(location: &str, access: Access) -> Option<Need> {
        Some(Need {
            name: location.to_owned(),
            location: Location::Local(location.into()),
            access,
        })
    }

    fn due(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).expect("a small number")
    }

    /// Runs that are due in the order of their numbers.
    fn queue(slots: usize, runs: impl IntoIterator<Item = (u64, Option<Need>)>) -> Queue {
        let mut queue = Queue::new(slots);
        for (run, need) in runs {
            queue.join(run, due(run as i64), need);
        }
        queue
    }

    fn tell(queue: &mut Queue) -> Vec<(u64, String)> {
        let news = queue.news().into_iter();
        news.map(|(run, waits)| (run, waits.to_string())).collect()
    }

    fn started(queue: &mut Queue) -> Vec<u64> {
        std::iter::from_fn(|| queue.start_next()).collect()
    }

    #[test]
    fn the_first_due_get_the_slots() {
        let mut queue = Queue::new(2);
        for (run, at) in [(1, 30), (2, 20), (3, 10)] {
            queue.join(run, due(at), on(&format!("/{run}"), Access::Shared));
        }
        assert_eq!(started(&mut queue), [3, 2]);
        queue.leave(3);
        assert_eq!(started(&mut queue), [1]);
    }

    #[test]
    fn of_those_due_at_once_the_first_claimed_goes_first() {
        let mut queue = Queue::new(1);
        for run in [7, 5, 6] {
            queue.join(run, due(0), None);
        }
        assert_eq!(started(&mut queue), [5]);
    }

    #[test]
    fn readers_and_writers_share_a_container() {
        let shared = || on("/a", Access::Shared);
        assert_eq!(
            started(&mut queue(2, [(1, shared()), (2, shared())])),
            [1, 2]
        );
    }

    #[test]
    fn pruning_has_its_container_alone_and_says_who_holds_it() {
        let mut queue = queue(8, [(1, on("/a", Access::Shared))]);
        assert_eq!(started(&mut queue), [1]);
        queue.join(2, due(2), on("/a", Access::Exclusive));
        queue.join(3, due(3), on("/b", Access::Exclusive));
        assert_eq!(started(&mut queue), [3]);
        assert_eq!(
            tell(&mut queue),
            [(2, "waiting for container /a, held by run 1".to_owned())]
        );
        queue.leave(1);
        assert_eq!(started(&mut queue), [2]);
    }

    #[test]
    fn nobody_overtakes_a_pruner_on_its_container() {
        let mut queue = queue(8, [(1, on("/a", Access::Shared))]);
        assert_eq!(started(&mut queue), [1]);
        queue.join(2, due(2), on("/a", Access::Exclusive));
        queue.join(3, due(3), on("/a", Access::Shared));
        assert_eq!(started(&mut queue), Vec::<u64>::new());
        let told = tell(&mut queue);
        assert_eq!(told[0].1, "waiting for container /a, held by run 1");
        assert_eq!(told[1].1, "waiting for container /a, held by run 2");
    }

    #[test]
    fn who_waits_is_told_of_each_new_holder() {
        let alone = || on("/a", Access::Exclusive);
        let mut queue = queue(8, [(1, alone()), (2, alone()), (3, alone())]);
        assert_eq!(started(&mut queue), [1]);
        assert_eq!(queue.news().len(), 2);
        queue.leave(1);
        assert_eq!(started(&mut queue), [2]);
        assert_eq!(
            tell(&mut queue),
            [(3, "waiting for container /a, held by run 2".to_owned())]
        );
        assert_eq!(queue.news(), []);
    }

    #[test]
    fn commands_need_a_slot_only() {
        let runs = || [(1, on("/a", Access::Exclusive)), (2, None)];
        assert_eq!(started(&mut queue(2, runs())), [1, 2]);
        let mut one = queue(1, runs());
        assert_eq!(started(&mut one), [1]);
        assert_eq!(
            one.reason(2).map(|waits| waits.to_string()).as_deref(),
            Some("waiting for a free slot (1 action at a time)")
        );
    }

    #[test]
    fn far_back_in_a_long_line_the_reason_stays_true_and_is_told_anew_on_coming_near() {
        let runs = (1..=100).map(|run| (run, on("/a", Access::Exclusive)));
        let mut queue = queue(4, runs);
        assert_eq!(started(&mut queue), [1]);
        let told = tell(&mut queue);
        assert_eq!(told.len(), 99);
        let far = "waiting for container /a, behind more than 16 other runs";
        assert_eq!(told.iter().filter(|(_, reason)| reason == far).count(), 83);
        for run in 1..60 {
            queue.leave(run);
            assert_eq!(started(&mut queue), [run + 1]);
            let told = tell(&mut queue);
            assert!(told.len() <= NEAR, "{} were told", told.len());
            assert!(told.iter().all(|(_, reason)| reason != far));
        }
    }

    #[test]
    fn who_withdraws_is_forgotten_and_lets_the_next_one_pass() {
        let alone = || on("/a", Access::Exclusive);
        let mut queue = queue(1, [(1, alone()), (2, alone())]);
        queue.leave(1);
        assert_eq!(queue.reason(1), None);
        assert_eq!(started(&mut queue), [2]);
        queue.leave(2);
        assert_eq!((queue.running(), queue.start_next()), (0, None));
        assert!(
            queue.lines.is_empty(),
            "a line that nobody stands in is gone"
        );
    }

    /// The rules once more, as plainly as they can be said: walk through all that wait, in order, and let nobody
    /// start who is in the way of somebody ahead.
    fn walk(waiting: &[(Turn, Option<Need>)], running: &[Option<Need>], slots: usize) -> Vec<u64> {
        let mut ahead: Vec<&Option<Need>> = running.iter().collect();
        let mut free = slots.saturating_sub(running.len());
        let mut started = Vec::new();
        for ((_, run), need) in waiting {
            let blocked = ahead.iter().any(|other| match (other, need) {
                (Some(other), Some(need)) => {
                    other.location == need.location && exclude(other.access, need.access)
                }
                _ => false,
            });
            if !blocked && free > 0 {
                free -= 1;
                started.push(*run);
            }
            ahead.push(need);
        }
        started
    }

    #[test]
    fn lines_give_the_same_answer_as_a_walk_through_everybody() {
        let mut state = 7_u64;
        let mut roll = |below: u64| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 33) % below
        };
        for _ in 0..200 {
            let slots = 1 + roll(5) as usize;
            let mut queue = Queue::new(slots);
            let mut waiting: BTreeMap<Turn, Option<Need>> = BTreeMap::new();
            let mut running: BTreeMap<u64, Option<Need>> = BTreeMap::new();
            for run in 0..60 {
                let access = if roll(3) == 0 {
                    Access::Exclusive
                } else {
                    Access::Shared
                };
                let need = match roll(4) {
                    0 => None,
                    number => on(&format!("/{number}"), access),
                };
                let at = due(roll(20) as i64);
                queue.join(run, at, need.clone());
                waiting.insert((at, run), need);
                if roll(2) == 0
                    && let Some(run) = running.keys().next().copied()
                {
                    queue.leave(run);
                    running.remove(&run);
                }
                let list: Vec<_> = waiting.clone().into_iter().collect();
                let holders: Vec<_> = running.values().cloned().collect();
                let expected = walk(&list, &holders, slots);
                assert_eq!(started(&mut queue), expected);
                for run in expected {
                    let turn = *waiting
                        .keys()
                        .find(|turn| turn.1 == run)
                        .expect("it waited");
                    running.insert(run, waiting.remove(&turn).expect("it waited"));
                }
            }
        }
    }
}
