//! An action that a command performs directly: in an agent, without the daemon.

use std::time::Duration;

use chrono::Utc;

use super::exit::{Exit, Failure};
use super::screen::Screen;
use crate::config::Settings;
use crate::control::progress::ProgressFile;
use crate::control::progress_sink::ProgressSink;
use crate::job::action::{Action, Bandwidth, Work};
use crate::job::prune_budget::Waste;
use crate::protocol::{AgentLoss, Outcome, Request, RunTag, agent_process};

/// What an agent is asked to do for a command.
pub fn request(settings: &Settings, work: Work, dry_run: bool, bandwidth: Bandwidth) -> Request {
    Request {
        job_id: "by-hand".to_owned(),
        run: 0,
        run_tag: RunTag::by_hand(),
        earlier: Vec::new(),
        expects_repository: true,
        newest: Vec::new(),
        proved: Vec::new(),
        drilled: None,
        prune_budget: settings.prune_budget(),
        waste: Waste::default(),
        protected: vec![settings.state_dir.clone()],
        cache: settings.cache(),
        network_wait: None,
        bandwidth: settings.bandwidth(),
        zone: settings.zone_name(),
        clock_in_doubt: false,
        action_index: 0,
        check_part: None,
        attempt: 1,
        action: Action {
            work,
            log_file: None,
            max_priority: true,
            dry_run,
            bandwidth,
        },
        result_so_far: "success".to_owned(),
        grace: Duration::from_secs(5),
    }
}

/// Starts an agent for the request, and shows its progress. `what` is how the progress calls it.
pub fn perform(request: Request, what: &str) -> Result<Outcome, Failure> {
    let screen = Screen::new();
    let mut progress = ProgressFile {
        job_id: what.to_owned(),
        kind: String::new(),
        ..ProgressFile::begin(&request, Utc::now())
    };
    let ended = agent_process::perform(request, |report| {
        if progress.hear(&report, Utc::now()) {
            screen.progress(&progress);
        }
    });
    screen.ended(progress.run);
    ended.map_err(|loss| {
        let exit = match loss {
            AgentLoss::NotStarted(_) => Exit::Internal,
            _ => Exit::RunFailed,
        };
        Failure::new(exit, loss.to_string())
    })
}

/// The exit code for the outcome of an agent.
pub fn exit_of(outcome: &Outcome) -> Exit {
    use crate::protocol::{Missing, Verdict};
    match outcome.verdict {
        Verdict::Success => Exit::Success,
        Verdict::Partial => Exit::RunPartial,
        Verdict::Failed | Verdict::FailedForGood => match outcome.missing {
            Some(Missing::Repository | Missing::Snapshot | Missing::PassFile) => Exit::NotFound,
            None if outcome.denied => Exit::NotPermitted,
            None => Exit::RunFailed,
        },
    }
}
