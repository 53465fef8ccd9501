//! The agents, and how they end.

use freezerd::daemon::scheduler::{Message, Spawn};
use freezerd::job::action::Access;
use freezerd::location::Location;
use freezerd::protocol::{Outcome, Verdict};
use freezerd::record::{AttemptEnd, RunState};

use super::World;
use crate::samples::outcome;

/// A running attempt.
pub(super) struct Agent {
    pub(super) action: u32,
    pub(super) attempt: u32,
    /// The end of the attempt in elapsed time, in milliseconds.
    pub(super) end: i64,
    pub(super) job_id: String,
    pub(super) container: Option<(Location, Access)>,
}

impl World {
    pub(super) fn spawn(&mut self, spawn: &Spawn) {
        let request = &spawn.request;
        let (run, action) = (request.run, request.action_index);
        let container = request
            .action
            .work
            .container()
            .map(|(container, access)| (container.location.clone(), access));
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
                    "run {run} is not alone on {ours}"
                );
            }
        }
        assert!(self.agents.len() < self.slots, "more agents than slots");
        let row = self.ledger.0.borrow().open[&run].clone();
        assert!(
            matches!(row.state, RunState::Running { .. }),
            "a run is a row that says so before it is a process"
        );
        // Most attempts are short. Some take half a day.
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
        if self.dice.once_in(300) && !self.post.calm {
            // More trouble soon, while this attempt may still run.
            let soon = self.elapsed + 1 + self.dice.roll(2 * seconds * 1000 + 1) as i64;
            self.next_trouble = self.next_trouble.min(soon);
        }
        self.ends.insert((end, run), ());
        self.agents.insert(run, agent);
    }

    pub(super) fn agent_ends(&mut self) {
        let ((_, run), ()) = self.ends.pop_first().expect("one ends");
        let agent = self.agents.remove(&run).expect("its agent");
        let mut end = match self.dice.roll(40) {
            0..=5 => reported(Verdict::Failed),
            6 => reported(Verdict::Partial),
            7 => AttemptEnd::TimedOut,
            9 => AttemptEnd::Stalled { seconds: 600.0 },
            8 => AttemptEnd::Crashed {
                reason: "gone".into(),
            },
            _ => reported(Verdict::Success),
        };
        self.containers_hold.note_end(run, &agent, &mut end);
        self.tell(ended(run, &agent, end), false, false);
        // After a failed attempt, a run must wait for the interval before the next one.
        let books = self.ledger.0.borrow();
        if let Some(row) = books.open.get(&run)
            && let RunState::Waiting { until, .. } = row.state
        {
            assert!(until > self.last_alive, "run {run} does not wait");
        }
    }
}

pub(super) fn ended(run: u64, agent: &Agent, end: AttemptEnd) -> Message {
    Message::Ended {
        run,
        action: agent.action,
        attempt: agent.attempt,
        end,
    }
}

fn reported(verdict: Verdict) -> AttemptEnd {
    AttemptEnd::Reported {
        outcome: Box::new(Outcome {
            reason: (verdict != Verdict::Success).then(|| "bad luck".to_owned()),
            ..outcome(verdict)
        }),
    }
}
