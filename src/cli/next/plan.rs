//! The plan of a span of time: which run starts when, with the durations of past runs and the slots and containers.
//!
//! Pure. It plays the firings through on a clock that jumps from one event to the next. The daemon's own queue decides
//! which run may start.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

use chrono::{DateTime, TimeDelta, Utc};

use crate::lifecycle::queue::{Need, Queue, Waits};

/// One action of a job, as the plan sees it.
#[derive(Clone, Debug)]
pub struct Step {
    /// `None`: the action needs no container.
    pub need: Option<Need>,
    /// The expected duration.
    pub lasts: TimeDelta,
}

/// A job, as the plan sees it.
#[derive(Clone, Debug)]
pub struct Course {
    /// In the order in which the actions run.
    pub steps: Vec<Step>,
}

/// A plan of a span of time.
pub struct Plan {
    pub until: DateTime<Utc>,
    /// How many actions may run at a time.
    pub slots: usize,
    pub entries: Vec<Entry>,
    /// For each job, whether it has past runs to estimate from.
    pub known: Vec<bool>,
}

/// What becomes of a firing.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The job's index.
    pub job: usize,
    /// When it fires.
    pub at: DateTime<Utc>,
    /// Its start and its end. `None`: it is skipped.
    pub runs: Option<(DateTime<Utc>, DateTime<Utc>)>,
    /// The longest wait of the run. `None`: it does not wait.
    pub wait: Option<Wait>,
    /// The indices of the jobs that run when it starts.
    pub beside: Vec<usize>,
}

/// How long a run waits, and for what.
#[derive(Clone, Debug, PartialEq)]
pub struct Wait {
    pub lasts: TimeDelta,
    /// The container's name and the index of the job that holds it. `None`: the run waits for a slot.
    pub container: Option<(String, usize)>,
}

/// A run that has fired and not ended.
struct Run {
    step: usize,
    joined: DateTime<Utc>,
    /// What the queue first reported: the container that the run waits for and the job that holds it, or a slot.
    reported: Option<Option<(String, usize)>>,
    started: Option<DateTime<Utc>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    /// Ends come first: a run that ends in the same second does not block another.
    StepEnds(usize),
    Fires(usize),
}

/// Plays the firings through. Each firing is an instant and a job's index.
pub fn play(courses: &[Course], firings: &[(DateTime<Utc>, usize)], slots: usize) -> Vec<Entry> {
    let mut player = Player {
        courses,
        queue: Queue::new(slots),
        entries: firings
            .iter()
            .map(|(at, job)| Entry {
                job: *job,
                at: *at,
                runs: None,
                wait: None,
                beside: Vec::new(),
            })
            .collect(),
        runs: firings.iter().map(|_| None).collect(),
        busy: vec![None; courses.len()],
        running: BTreeSet::new(),
        events: BinaryHeap::new(),
    };
    for (index, entry) in player.entries.iter().enumerate() {
        player.events.push(Reverse((entry.at, Event::Fires(index))));
    }
    while let Some(Reverse((now, event))) = player.events.pop() {
        match event {
            Event::Fires(index) => player.fire(index, now),
            Event::StepEnds(index) => player.end_step(index, now),
        }
        let next = player.events.peek();
        if next.is_none_or(|Reverse((at, _))| *at > now) {
            player.start(now);
        }
    }
    player.entries
}

struct Player<'a> {
    courses: &'a [Course],
    queue: Queue,
    entries: Vec<Entry>,
    runs: Vec<Option<Run>>,
    /// The entry that each job is busy with.
    busy: Vec<Option<usize>>,
    running: BTreeSet<usize>,
    events: BinaryHeap<Reverse<(DateTime<Utc>, Event)>>,
}

impl Player<'_> {
    fn fire(&mut self, index: usize, now: DateTime<Utc>) {
        let job = self.entries[index].job;
        if self.busy[job].is_some() {
            return;
        }
        self.busy[job] = Some(index);
        self.runs[index] = Some(Run {
            step: 0,
            joined: now,
            reported: None,
            started: None,
        });
        self.join(index, now);
    }

    fn join(&mut self, index: usize, now: DateTime<Utc>) {
        let (job, due) = (self.entries[index].job, self.entries[index].at);
        let Some(run) = &mut self.runs[index] else {
            return;
        };
        match self.courses[job].steps.get(run.step) {
            Some(step) => {
                run.joined = now;
                run.reported = None;
                self.queue.join(index as u64, due, step.need.clone());
            }
            None => {
                let started = run.started.unwrap_or(now);
                self.entries[index].runs = Some((started, now));
                self.busy[job] = None;
            }
        }
    }

    fn end_step(&mut self, index: usize, now: DateTime<Utc>) {
        self.queue.leave(index as u64);
        self.running.remove(&index);
        if let Some(run) = &mut self.runs[index] {
            run.step += 1;
        }
        self.join(index, now);
    }

    fn start(&mut self, now: DateTime<Utc>) {
        while let Some(index) = self.queue.start_next() {
            let index = index as usize;
            let job = self.entries[index].job;
            let beside: Vec<usize> = self
                .running
                .iter()
                .map(|other| self.entries[*other].job)
                .collect();
            let entry = &mut self.entries[index];
            let Some(run) = &mut self.runs[index] else {
                continue;
            };
            let waited = now - run.joined;
            let longest = entry
                .wait
                .as_ref()
                .map_or(TimeDelta::zero(), |wait| wait.lasts);
            if waited > longest {
                entry.wait = Some(Wait {
                    lasts: waited,
                    container: run.reported.take().flatten(),
                });
            }
            if run.started.is_none() {
                run.started = Some(now);
                entry.beside = beside;
            }
            let lasts = self.courses[job].steps[run.step].lasts;
            let end = now.checked_add_signed(lasts).unwrap_or(now);
            entry.runs = Some((run.started.unwrap_or(now), end));
            self.running.insert(index);
            self.events.push(Reverse((end, Event::StepEnds(index))));
        }
        for (index, waits) in self.queue.news() {
            let index = index as usize;
            let waits = match waits {
                Waits::Container { name, holder, .. } => {
                    Some((name, self.entries[holder as usize].job))
                }
                Waits::Slot(_) => None,
            };
            if let Some(run) = &mut self.runs[index] {
                run.reported.get_or_insert(waits);
            }
        }
    }
}

/// The median of some durations; `None` if there are none.
pub fn median(mut durations: Vec<TimeDelta>) -> Option<TimeDelta> {
    durations.sort_unstable();
    durations.get(durations.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::action::Access;
    use crate::location::Location;

    fn at(minutes: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(minutes * 60, 0).expect("a small number")
    }

    fn course(steps: &[(Option<(&str, Access)>, i64)]) -> Course {
        let step = |(need, minutes): &(Option<(&str, Access)>, i64)| Step {
            need: need.map(|(name, access)| Need {
                name: name.to_owned(),
                location: Location::Local(name.into()),
                access,
            }),
            lasts: TimeDelta::minutes(*minutes),
        };
        Course {
            steps: steps.iter().map(step).collect(),
        }
    }

    fn minutes(entry: &Entry) -> Option<(i64, i64)> {
        let (start, end) = entry.runs?;
        Some((start.timestamp() / 60, end.timestamp() / 60))
    }

    #[test]
    fn runs_that_do_not_overlap_neither_wait_nor_skip() {
        let courses = [course(&[(None, 10)])];
        let plan = play(&courses, &[(at(0), 0), (at(60), 0)], 1);
        assert_eq!(
            plan.iter().map(minutes).collect::<Vec<_>>(),
            [Some((0, 10)), Some((60, 70))]
        );
        assert!(
            plan.iter()
                .all(|entry| entry.wait.is_none() && entry.beside.is_empty())
        );
    }

    #[test]
    fn runs_that_overlap_name_each_other_while_there_are_slots() {
        let courses = [course(&[(None, 30)]), course(&[(None, 30)])];
        let plan = play(&courses, &[(at(0), 0), (at(10), 1)], 2);
        assert_eq!(plan[1].beside, [0]);
        assert_eq!(plan[1].wait, None);
    }

    #[test]
    fn a_run_without_a_free_slot_waits_for_one() {
        let courses = [course(&[(None, 30)]), course(&[(None, 30)])];
        let plan = play(&courses, &[(at(0), 0), (at(10), 1)], 1);
        assert_eq!(minutes(&plan[1]), Some((30, 60)));
        let wait = plan[1].wait.as_ref().expect("it waits");
        assert_eq!(
            (wait.lasts, &wait.container),
            (TimeDelta::minutes(20), &None)
        );
    }

    #[test]
    fn a_prune_waits_for_its_container_and_names_the_holder() {
        let courses = [
            course(&[(Some(("main", Access::Shared)), 45)]),
            course(&[(Some(("main", Access::Exclusive)), 5)]),
        ];
        let plan = play(&courses, &[(at(0), 0), (at(10), 1)], 4);
        assert_eq!(minutes(&plan[1]), Some((45, 50)));
        let wait = plan[1].wait.as_ref().expect("it waits");
        assert_eq!(wait.lasts, TimeDelta::minutes(35));
        assert_eq!(wait.container, Some(("main".to_owned(), 0)));
    }

    #[test]
    fn the_second_action_waits_too_and_the_run_is_longer() {
        let courses = [
            course(&[(Some(("main", Access::Shared)), 60)]),
            course(&[(None, 10), (Some(("main", Access::Exclusive)), 10)]),
        ];
        let plan = play(&courses, &[(at(0), 0), (at(0), 1)], 4);
        assert_eq!(minutes(&plan[1]), Some((0, 70)));
        assert_eq!(
            plan[1].wait.as_ref().map(|wait| wait.lasts),
            Some(TimeDelta::minutes(50))
        );
    }

    #[test]
    fn a_firing_during_the_jobs_own_run_is_skipped() {
        let courses = [course(&[(None, 90)])];
        let plan = play(&courses, &[(at(0), 0), (at(60), 0), (at(120), 0)], 4);
        assert_eq!(
            plan.iter().map(minutes).collect::<Vec<_>>(),
            [Some((0, 90)), None, Some((120, 210))]
        );
    }

    #[test]
    fn a_run_that_ends_in_the_same_second_does_not_block() {
        let courses = [course(&[(None, 60)])];
        let plan = play(&courses, &[(at(0), 0), (at(60), 0)], 1);
        assert_eq!(minutes(&plan[1]), Some((60, 120)));
        assert_eq!(plan[1].wait, None);
    }

    #[test]
    fn a_job_without_actions_takes_no_time() {
        let plan = play(&[course(&[])], &[(at(0), 0), (at(1), 0)], 1);
        assert_eq!(
            plan.iter().map(minutes).collect::<Vec<_>>(),
            [Some((0, 0)), Some((1, 1))]
        );
    }

    #[test]
    fn the_median_is_the_middle() {
        let of =
            |minutes: &[i64]| median(minutes.iter().map(|it| TimeDelta::minutes(*it)).collect());
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[5]), Some(TimeDelta::minutes(5)));
        assert_eq!(of(&[90, 1, 5]), Some(TimeDelta::minutes(5)));
    }
}
