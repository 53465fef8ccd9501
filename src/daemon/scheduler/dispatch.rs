//! From the queue to an agent: which run starts, and what the others wait for.

use chrono::{DateTime, TimeDelta, Utc};

use super::notice::Notice;
use super::{Order, Phase, Scheduler, Spawn};
use crate::job::action::{Access, Bandwidth, JobAction, Work};
use crate::job::prune_budget::{PruneBudget, Waste};
use crate::job::share::ReadData;
use crate::ledger::Ledger;
use crate::lifecycle::job as life;
use crate::lifecycle::queue::NEAR;
use crate::lifecycle::run;
use crate::protocol::{Drilled, Earlier, Request, RunTag, Stored};
use crate::record::{AttemptRecord, ContainerWaste, JobRecord, RunRecord, RunState};

impl<L: Ledger> Scheduler<L> {
    /// Puts a run where its state belongs: into the queue, or among the runs that wait for their retry.
    pub(super) fn enqueue(&mut self, number: u64) {
        let Some(active) = self.runs.get(&number) else {
            return;
        };
        match active.record.state {
            RunState::Queued { action, .. } => {
                let need = active.need(action);
                self.queue.join(number, active.record.due, need);
            }
            RunState::Waiting { until, .. } => {
                self.retries.insert((until, number));
            }
            RunState::Running { .. }
            | RunState::Ended
            | RunState::Skipped
            | RunState::Interrupted => {}
        }
    }

    /// Takes a run out of the queue or from the runs that wait for their retry.
    pub(super) fn dequeue(&mut self, number: u64) {
        self.queue.leave(number);
        if let Some(RunState::Waiting { until, .. }) =
            self.runs.get(&number).map(|active| active.record.state)
        {
            self.retries.remove(&(until, number));
        }
    }

    /// Moves the retries that are due into the queue.
    pub(super) fn wake_retries(&mut self, now: DateTime<Utc>) {
        while let Some(&(until, number)) = self.retries.first()
            && until <= now
        {
            self.retries.pop_first();
            if let Some(active) = self.runs.get_mut(&number)
                && let RunState::Waiting {
                    action, attempt, ..
                } = active.record.state
            {
                active.record.state = RunState::Queued { action, attempt };
                self.batch.run(active.record.clone());
                self.enqueue(number);
            }
        }
    }

    /// After the clock was set back, no run waits longer for its retry than the job says.
    pub(super) fn shorten_retries(&mut self, now: DateTime<Utc>) {
        for (until, number) in std::mem::take(&mut self.retries) {
            let Some(active) = self.runs.get_mut(&number) else {
                continue;
            };
            if let RunState::Waiting {
                action, attempt, ..
            } = active.record.state
            {
                let wait = active
                    .job
                    .actions
                    .get(action as usize)
                    .and_then(|action| TimeDelta::from_std(action.retry_wait).ok())
                    .unwrap_or(TimeDelta::MAX);
                let latest = now
                    .checked_add_signed(wait)
                    .unwrap_or(DateTime::<Utc>::MAX_UTC);
                if until > latest {
                    active.record.state = RunState::Waiting {
                        action,
                        attempt,
                        until: latest,
                    };
                    self.batch.run(active.record.clone());
                }
                self.enqueue(number);
            }
        }
    }

    /// Starts the runs that may start, and writes down what the others wait for.
    pub(super) fn dispatch(&mut self, now: DateTime<Utc>) {
        // These are at work already, so they go on while nothing new starts.
        while let Some(run) = self.queue.give_slot() {
            self.batch.order(Order::SlotGiven { run });
        }
        if self.phase != Phase::Serving {
            return;
        }
        while let Some(number) = self.queue.start_next() {
            self.start_attempt(number, now);
        }
        let mut told = 0;
        let mut untold = 0;
        for (number, waits) in self.queue.news() {
            let reason = waits.to_string();
            let Some(active) = self.runs.get_mut(&number) else {
                continue;
            };
            if active.record.waits_for.as_ref() == Some(&reason) {
                continue;
            }
            active.record.waits_for = Some(reason.clone());
            self.batch.run(active.record.clone());
            if told == NEAR {
                untold += 1;
                continue;
            }
            told += 1;
            self.batch.notice(Notice::RunWaits {
                job_id: active.record.job_id.clone(),
                run: number,
                reason,
            });
        }
        if untold > 0 {
            self.batch.notice(Notice::MoreWait { runs: untold });
        }
    }

    /// Writes that the attempt runs, and orders its agent.
    fn start_attempt(&mut self, number: u64, now: DateTime<Utc>) {
        let Some(active) = self.runs.get_mut(&number) else {
            return;
        };
        let Some((action, attempt)) = active.queued() else {
            return;
        };
        let Some(job_action) = active.job.actions.get(action as usize).cloned() else {
            return;
        };
        let first = active.record.started.is_none();
        let notify = active.job.notify.clone();
        active.record.state = RunState::Running { action, attempt };
        active.record.waits_for = None;
        active.record.started.get_or_insert(now);
        if let Some(row) = active.record.actions.get_mut(action as usize) {
            row.attempts = attempt;
        }
        let row = AttemptRecord {
            run: number,
            action,
            attempt,
            started: now,
            ended: None,
            end: None,
        };
        active.attempt = Some(row.clone());
        let record = active.record.clone();
        self.batch.run(record.clone());
        self.batch.attempt(row);
        let job_id = record.job_id.clone();
        if first {
            self.update(&job_id, |job| life::run_started(job, now));
            self.tell_of_start(&record, &notify, now);
            self.batch.notice(Notice::RunStarted {
                job_id: job_id.clone(),
                run: number,
                trigger: record.trigger,
                due: record.due,
                covers: record.covers,
            });
        }
        self.batch.notice(Notice::AttemptStarted {
            job_id,
            run: number,
            kind: job_action.action.work.kind().word().to_owned(),
            about: job_action.action.work.about(),
            action: action + 1,
            actions: record.actions.len() as u32,
            attempt,
            attempts: job_action.max_retries.saturating_add(1),
        });
        let request = self.request(&record, &job_action, (action, attempt), now);
        self.batch.order(Order::Spawn(Box::new(Spawn {
            request,
            timeout: job_action.timeout,
            stall_timeout: job_action.stall_timeout,
        })));
    }

    /// Whether earlier runs of the job have kept snapshots in the action's container.
    fn expects_repository(&self, record: &RunRecord, action: &JobAction) -> bool {
        let Some((container, _)) = action.action.work.container() else {
            return false;
        };
        let holds = |job: &JobRecord| job.past.containers.contains(&container.location);
        match action.action.work {
            // A check is about the snapshots of all jobs.
            Work::Check(_) => self.jobs.iter().any(|(_, entry)| holds(&entry.record)),
            _ => {
                let own = self.jobs.get(&record.job_id);
                own.is_some_and(|entry| holds(&entry.record))
            }
        }
    }

    /// What the backups of the job have stored last in the container of a backup.
    fn newest(&self, record: &RunRecord, action: &JobAction) -> Vec<Stored> {
        let Work::Backup(backup) = &action.action.work else {
            return Vec::new();
        };
        let own = self.jobs.get(&record.job_id).into_iter();
        let newest = own.flat_map(|entry| &entry.record.past.newest);
        let here = newest.filter(|it| it.container == backup.container.location);
        here.map(|it| Stored {
            snapshot: it.snapshot.clone(),
            at: it.at,
        })
        .collect()
    }

    /// The snapshots that drills of any job have proved, where the action removes some.
    fn proved(&self, action: &JobAction) -> Vec<String> {
        let container = match &action.action.work {
            Work::Admin(admin) => &admin.container,
            Work::Backup(backup) if backup.removes() => &backup.container,
            _ => return Vec::new(),
        };
        let jobs = self.jobs.iter().map(|(_, entry)| entry);
        let proofs = jobs.flat_map(|entry| &entry.record.past.proofs);
        proofs
            .filter(|proof| proof.container == container.location)
            .map(|proof| proof.snapshot.clone())
            .collect()
    }

    /// What drills of any job have proved in the container of a backup, if one of them is of its lineage.
    fn drilled(&self, action: &JobAction) -> Option<Vec<Drilled>> {
        let Work::Backup(backup) = &action.action.work else {
            return None;
        };
        let place = &backup.container.location;
        let is_of_lineage = |it: &JobAction| match &it.action.work {
            Work::Drill(drill) => {
                drill.container.location == *place && drill.lineage == backup.lineage
            }
            _ => false,
        };
        let mut jobs = self.jobs.iter().filter_map(|(_, it)| it.job.as_ref());
        if !jobs.any(|job| job.actions.iter().any(is_of_lineage)) {
            return None;
        }
        let proofs = self.jobs.iter();
        let proofs = proofs.flat_map(|(_, entry)| &entry.record.past.proofs);
        let here = proofs.filter(|proof| proof.container == *place);
        let drilled = here.map(|proof| Drilled {
            snapshot: proof.snapshot.clone(),
            at: proof.at,
        });
        Some(drilled.collect())
    }

    /// What all jobs know of the waste in the container of an action that removes snapshots.
    fn waste(&self, action: &JobAction, now: DateTime<Utc>) -> Waste {
        let Some((container, Access::Exclusive)) = action.action.work.container() else {
            return Waste::default();
        };
        let jobs = self.jobs.iter().map(|(_, entry)| entry);
        let noted = jobs.flat_map(|entry| &entry.record.past.waste);
        // Runs that are not over have left something, too.
        let open = self.runs.values().flat_map(|run| &run.record.actions);
        let open: Vec<ContainerWaste> = open.filter_map(ContainerWaste::of_action).collect();
        ContainerWaste::together(noted.chain(&open), &container.location, now)
    }

    /// The part of the data that a rolling check reads: the one that was read longest ago.
    fn check_part(&self, record: &RunRecord, action: &JobAction) -> Option<u32> {
        let Work::Check(check) = &action.action.work else {
            return None;
        };
        let ReadData::Rolling { rolling } = check.read_data else {
            return None;
        };
        let container = &check.container.location;
        let past = self
            .jobs
            .get(&record.job_id)
            .map(|entry| &entry.record.past);
        let known = past.and_then(|past| {
            past.data_checks
                .iter()
                .find(|it| it.container == *container)
        });
        Some(known.map_or(1, |known| known.next(rolling)))
    }

    /// Where the action may have been done already: in an earlier attempt of this run, or in the interrupted run that
    /// this one makes up for, unless the job's content has changed since.
    ///
    /// What was done before the last due instant does not count. That instant was skipped because of this run, so this
    /// run has to back up what is there then.
    fn earlier(&self, record: &RunRecord, attempt: u32) -> Vec<Earlier> {
        let handled = self
            .jobs
            .get(&record.job_id)
            .map_or(record.due, |entry| entry.record.handled);
        let own = (attempt > 1).then(|| record.clone());
        // A row that cannot be read counts as none.
        let interrupted = record
            .makes_up_for
            .and_then(|number| self.ledger.run(number).ok().flatten())
            .filter(|interrupted| interrupted.digest == record.digest);
        own.into_iter()
            .chain(interrupted)
            .filter_map(|run| {
                Some(Earlier {
                    run_tag: self.run_tag(run.number),
                    not_before: run.started?.max(handled),
                })
            })
            .collect()
    }

    /// The zone that the job of a run names.
    fn zone_name(&self, record: &RunRecord) -> Option<String> {
        let zone = self.runs.get(&record.number)?.job.schedule.zone()?;
        Some(zone.name().to_owned())
    }

    fn run_tag(&self, run: u64) -> RunTag {
        RunTag::new(&self.policy.ledger_id, run)
    }

    fn request(
        &self,
        record: &RunRecord,
        action: &JobAction,
        (index, attempt): (u32, u32),
        now: DateTime<Utc>,
    ) -> Request {
        Request {
            job_id: record.job_id.clone(),
            run: record.number,
            run_tag: self.run_tag(record.number),
            earlier: self.earlier(record, attempt),
            expects_repository: self.expects_repository(record, action),
            newest: self.newest(record, action),
            proved: self.proved(action),
            drilled: self.drilled(action),
            waste: self.waste(action, now),
            // Known to whoever starts the agent.
            prune_budget: PruneBudget::default(),
            protected: Vec::new(),
            cache: None,
            network_wait: None,
            bandwidth: Bandwidth::default(),
            zone: self.zone_name(record),
            clock_in_doubt: false,
            action_index: index,
            check_part: self.check_part(record, action),
            attempt,
            action: action.action.clone(),
            result_so_far: run::result_so_far(&record.actions).to_owned(),
            grace: self.policy.grace,
        }
    }
}
