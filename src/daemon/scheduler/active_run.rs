//! A run that is not over, as the scheduler holds it.

use std::sync::Arc;

use crate::job::Job;
use crate::lifecycle::queue::Need;
use crate::record::{AttemptRecord, RunRecord, RunState};

/// A run that is not over.
pub(super) struct ActiveRun {
    pub record: RunRecord,
    /// The job as it was when the run was claimed.
    pub job: Arc<Job>,
    /// The row of the current attempt, while its agent runs.
    pub attempt: Option<AttemptRecord>,
    /// How many times somebody has aborted it. After the first time, mandatory actions still run.
    pub aborts: u32,
}

impl ActiveRun {
    /// A run without an agent.
    pub(super) fn new(record: RunRecord, job: Arc<Job>) -> ActiveRun {
        ActiveRun {
            record,
            job,
            attempt: None,
            aborts: 0,
        }
    }

    /// The attempt that waits for its turn: the action's index, and the attempt from 1.
    pub(super) fn queued(&self) -> Option<(u32, u32)> {
        match self.record.state {
            RunState::Queued { action, attempt } => Some((action, attempt)),
            _ => None,
        }
    }

    /// What an action of the run needs beside a slot.
    pub(super) fn need(&self, action: u32) -> Option<Need> {
        let action = self.job.actions.get(action as usize)?;
        let (container, access) = action.action.work.container()?;
        Some(Need {
            name: container.name.clone(),
            location: container.location.clone(),
            access,
        })
    }
}
