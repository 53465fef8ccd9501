//! What a receiver that is always there is told, and what it should be told, computed only from the rows.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use freezerd::job::JobResult;
use freezerd::record::{ActionRecord, ExitStatus, OutboxRow, RunRecord, RunState};
use freezerd::tell::message::Kind;

/// The name of the receiver that is always there.
pub const STEADY: &str = "steady";

/// The name of the receiver that is away now and then.
pub const FLAKY: &str = "flaky";

/// What the receiver that is always there was told, and what it should have been told.
#[derive(Default)]
pub struct Notices {
    /// By job.
    told: HashMap<String, Vec<Kind>>,
    expected: HashMap<String, Vec<Kind>>,
    /// What is wrong with each job, as the receiver knows it.
    states: HashMap<String, State>,
    /// The snapshots whose alarms somebody has accepted.
    pub accepted: BTreeSet<String>,
    /// How many alarms were told.
    pub alarms: u64,
}

/// What is wrong with a job.
#[derive(Clone, Debug, Default)]
struct State {
    of_run: Option<Kind>,
    overdue: bool,
    /// Something was told that has an end.
    was_told: bool,
    /// The snapshots with alarms that its last backups have seen, by action.
    alarms: BTreeMap<usize, BTreeSet<String>>,
    /// Those that were told.
    told: BTreeSet<String>,
}

impl Notices {
    /// The job is new to the ledger.
    pub fn forget(&mut self, job_id: &str) {
        self.states.remove(job_id);
    }

    /// The file says another `max_age`: that the job is overdue is told anew.
    pub fn max_age_changed(&mut self, job_id: &str) {
        if let Some(state) = self.states.get_mut(job_id) {
            state.overdue = false;
        }
    }

    /// A message was written.
    pub fn heard(&mut self, row: &OutboxRow) {
        let job_id = row.message.job.clone().expect("it is about a job");
        if row.receiver != STEADY {
            return;
        }
        if row.message.kind == Kind::Overdue {
            let state = self.states.entry(job_id).or_default();
            assert!(!state.overdue, "it was told before");
            state.overdue = true;
            state.was_told = true;
            return;
        }
        self.told.entry(job_id).or_default().push(row.message.kind);
    }

    /// The row of a run was closed. `made_up`: another run makes up for it.
    pub fn run_over(&mut self, row: &RunRecord, made_up: bool) {
        let state = self.states.entry(row.job_id.clone()).or_default();
        if !row.actions.is_empty() {
            state.alarms.retain(|action, _| *action < row.actions.len());
        }
        for (action, record) in row.actions.iter().enumerate() {
            if let Some(seen) = &record.open_alarms {
                let seen = seen.iter().map(|alarm| alarm.snapshot.clone());
                state.alarms.insert(action, seen.collect());
            }
        }
        let failure = match (row.state, row.result) {
            (_, Some(JobResult::Aborted)) | (RunState::Skipped, _) => return,
            (RunState::Interrupted, _) if made_up => return,
            (RunState::Ended, Some(JobResult::Success)) => None,
            (RunState::Ended, _) => Some(failure(row)),
            _ => Some(Kind::Failed),
        };
        let waiting: BTreeSet<String> = state.alarms.values().flatten().cloned().collect();
        let waiting: BTreeSet<String> = waiting.difference(&self.accepted).cloned().collect();
        let own = row.actions.iter().any(|action| action.alarm.is_some());
        let is_alarmed = own || !waiting.is_subset(&state.told);
        let expected = self.expected.entry(row.job_id.clone()).or_default();
        self.alarms += u64::from(is_alarmed);
        let nothing_left = waiting.is_empty();
        state.told = waiting;
        state.overdue &= failure.is_some();
        state.was_told |= failure.is_some() || is_alarmed;
        match (failure, is_alarmed) {
            (None | Some(Kind::Partial), true) => {
                state.of_run = Some(Kind::Guard);
                expected.push(Kind::Guard);
            }
            (Some(kind), _) => {
                if state.of_run.replace(kind) != Some(kind) {
                    expected.push(kind);
                }
                expected.extend(is_alarmed.then_some(Kind::Guard));
            }
            (None, false) if !nothing_left => state.of_run = Some(Kind::Guard),
            (None, false) => {
                state.of_run = None;
                expected.extend(std::mem::take(&mut state.was_told).then_some(Kind::Recovered));
            }
        }
    }

    /// Everything that was told, and nothing else, should have been told.
    pub fn judge(&self) {
        for (job_id, expected) in &self.expected {
            let told = self.told.get(job_id).map_or(&[][..], Vec::as_slice);
            assert_eq!(told, expected, "{job_id}");
        }
        for job_id in self.told.keys() {
            assert!(self.expected.contains_key(job_id), "{job_id}");
        }
    }
}

/// How a run that failed has failed.
fn failure(row: &RunRecord) -> Kind {
    let is_failed = |action: &&ActionRecord| action.exit_status == Some(ExitStatus::Fail);
    let failed: Vec<&ActionRecord> = row.actions.iter().filter(is_failed).collect();
    let all = |test: &dyn Fn(&ActionRecord) -> bool| {
        !failed.is_empty() && failed.iter().all(|action| test(action))
    };
    if all(&|it| it.partial) {
        Kind::Partial
    } else if all(&|it| it.kind == "check") {
        Kind::Check
    } else {
        Kind::Failed
    }
}
