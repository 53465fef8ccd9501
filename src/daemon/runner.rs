//! Starts agents, hears them, and ends them. [`AttemptLife`] decides what to do with an agent.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use rustix::process::Pid;
use tokio::io::AsyncRead;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};

use super::agent_handle::AgentHandle;
use super::attempt::{AttemptLife, Deed, TimeLimits};
use super::log_copy::LogCopy;
use super::log_file::{Allowance, LogFile};
use super::orphans;
use super::pipe_lines::PipeLines;
use super::runlog::RunLog;
use super::scheduler::{EndCause, Message, Spawn};
use crate::control::changes_file::{self, AttemptChanges};
use crate::control::layout::Layout;
use crate::control::mark;
use crate::control::progress::ProgressFile;
use crate::control::progress_sink::ProgressSink;
use crate::intake::Trust;
use crate::job::action::{Bandwidth, Cache};
use crate::job::diagnostic::quoted;
use crate::job::prune_budget::PruneBudget;
use crate::kill_point::{self, Point};
use crate::limits::Groups;
use crate::protocol::{AgentLoss, Changes, Heard, Report};
use crate::record::AttemptEnd;
use crate::units;

/// The longest report. An outcome names a thousand paths at most, so a longer line is not a report.
const REPORT_LIMIT: usize = 16 * 1024 * 1024;

/// How long to wait for what an agent that has ended left in its pipes. A process that it left behind may hold them open.
const DRAIN: Duration = Duration::from_secs(1);

/// How many runs are known by what they may still append to log files. Only a run that is older than this many and still
/// tries again would get the whole allowance once more.
const ALLOWANCES: usize = 4096;

/// What all attempts have in common.
#[derive(Clone)]
pub struct Circumstances {
    pub layout: Layout,
    pub progress_sink: Arc<dyn ProgressSink>,
    /// How long an attempt may go without progress, where its job does not say; `None`: without limit.
    pub stall_timeout: Option<Duration>,
    /// The cache of containers away from this host; `None`: there is none.
    pub cache: Option<Cache>,
    /// For how long an action waits for the network; zero: it does not.
    pub network_wait: Duration,
    /// The limits of the settings on the data to and from containers.
    pub bandwidth: Bandwidth,
    /// The zone that the settings name; `None`: the zone of the host.
    pub zone: Option<String>,
    /// When a removal prunes its container, where its action does not say it.
    pub prune_budget: PruneBudget,
    /// Who may choose where a `log_file` is.
    pub trust: Trust,
    /// `None`: agents run without limits.
    pub groups: Option<Groups>,
}

/// Starts agents and tells the loop how they end.
pub struct Runner {
    circumstances: Circumstances,
    inbox: mpsc::UnboundedSender<Message>,
    /// By the number of the run.
    live: HashMap<u64, mpsc::UnboundedSender<Instruction>>,
    /// What the newest runs may still append to log files, by the number of the run.
    allowances: BTreeMap<u64, Allowance>,
}

/// An instruction to a running attempt.
#[derive(Clone, Copy, Debug)]
enum Instruction {
    End(EndCause),
    Kill,
    GiveSlot,
}

impl Runner {
    /// A runner that sends the ends of its attempts to `inbox`.
    pub fn new(circumstances: Circumstances, inbox: mpsc::UnboundedSender<Message>) -> Runner {
        Runner {
            circumstances,
            inbox,
            live: HashMap::new(),
            allowances: BTreeMap::new(),
        }
    }

    /// Starts an attempt. Its end comes as [`Message::Ended`].
    pub fn start(&mut self, mut spawn: Spawn) {
        let state = self.circumstances.layout.state();
        spawn.request.protected = vec![state.to_owned()];
        spawn.request.cache.clone_from(&self.circumstances.cache);
        spawn.request.prune_budget = self.circumstances.prune_budget;
        spawn.request.network_wait = Some(self.circumstances.network_wait);
        spawn
            .request
            .bandwidth
            .clone_from(&self.circumstances.bandwidth);
        if spawn.request.zone.is_none() {
            spawn.request.zone.clone_from(&self.circumstances.zone);
        }
        let (sender, instructions) = mpsc::unbounded_channel();
        let run = spawn.request.run;
        self.live.insert(run, sender);
        let attempt = Attempt {
            circumstances: self.circumstances.clone(),
            allowance: self.allowance(run),
            spawn,
            inbox: self.inbox.clone(),
        };
        tokio::spawn(async move {
            let end = attempt.perform(instructions).await;
            attempt.circumstances.progress_sink.ended(run);
            kill_point::reached(Point::AgentGone);
            // The loop is gone only when the process is about to end.
            let _ = attempt.inbox.send(Message::Ended {
                run,
                action: attempt.spawn.request.action_index,
                attempt: attempt.spawn.request.attempt,
                end,
            });
        });
    }

    fn allowance(&mut self, run: u64) -> Allowance {
        let allowance = self.allowances.entry(run).or_default().clone();
        while self.allowances.len() > ALLOWANCES {
            self.allowances.pop_first();
        }
        allowance
    }

    /// Ends the attempt of a run: asks first, and kills after the grace.
    pub fn end(&self, run: u64, why: EndCause) {
        self.instruct(run, Instruction::End(why));
    }

    /// Tells the agent of a run that it has a slot again.
    pub fn give_slot(&self, run: u64) {
        self.instruct(run, Instruction::GiveSlot);
    }

    fn instruct(&self, run: u64, instruction: Instruction) {
        if let Some(live) = self.live.get(&run) {
            let _ = live.send(instruction);
        }
    }

    /// Kills all agents now.
    pub fn kill_all(&self) {
        for live in self.live.values() {
            let _ = live.send(Instruction::Kill);
        }
    }

    /// The loop has heard the end of the run's attempt.
    pub fn forget(&mut self, run: u64) {
        self.live.remove(&run);
    }
}

/// One attempt, from the start of its agent to its end.
struct Attempt {
    circumstances: Circumstances,
    allowance: Allowance,
    spawn: Spawn,
    inbox: mpsc::UnboundedSender<Message>,
}

impl Attempt {
    async fn perform(&self, mut instructions: mpsc::UnboundedReceiver<Instruction>) -> AttemptEnd {
        let mut life = AttemptLife::new(self.time_limits());
        let groups = self.circumstances.groups.as_ref();
        let started = AgentHandle::start(&self.spawn.request, groups, |error| {
            self.run_without_limits(&error);
        });
        let (mut agent, outputs) = match started {
            Ok(started) => started,
            Err(error) => return life.conclude(Err(AgentLoss::NotStarted(error))),
        };
        let kind = self.spawn.request.action.work.kind().word();
        let log = LogCopy::start(outputs.log, self.log_with_file(), kind);
        let mut hearing = Hearing {
            heard: Heard::default(),
            reports: PipeLines::new(outputs.reports, REPORT_LIMIT, Arc::default()),
            progress: ProgressFile::begin(&self.spawn.request, Utc::now()),
            attempt: self,
        };
        self.circumstances.progress_sink.progress(&hearing.progress);

        // This clock stands still while the host is suspended.
        let began = Instant::now();
        let status = loop {
            let wake_at = life.wake_at().and_then(|at| began.checked_add(at));
            let deed = tokio::select! {
                line = hearing.reports.next(), if hearing.reports.open => {
                    if let Some(line) = line {
                        let report = hearing.line(&line);
                        life.heard(report.as_ref(), began.elapsed());
                    }
                    None
                }
                () = log.written.notified() => {
                    life.wrote(began.elapsed());
                    None
                }
                status = agent.child.wait() => break status,
                Some(instruction) = instructions.recv() => match instruction {
                    Instruction::End(why) => Some(life.end(why, began.elapsed())),
                    Instruction::Kill => Some(Deed::Kill),
                    Instruction::GiveSlot => {
                        agent.give_slot();
                        None
                    }
                },
                () = until(wake_at) => life.tick(began.elapsed()),
            };
            match deed {
                Some(Deed::AskToEnd) => agent.ask_to_end(),
                Some(Deed::Kill) => agent.kill(),
                None => {}
            }
        };

        if life.is_ending() {
            // What the agent started and did not end.
            agent.kill();
        }
        let heard = hearing.drain().await;
        if !heard.has_outcome() {
            // What a lost agent left behind must not work beside the next attempt.
            agent.kill();
        }
        if life.is_ending() || !heard.has_outcome() {
            self.kill_orphans(agent.process_group()).await;
        }
        log.end().await;
        let out_of_memory = agent.leave_group(life.is_ending()).await;
        life.conclude(heard.end(status, out_of_memory))
    }

    fn time_limits(&self) -> TimeLimits {
        TimeLimits {
            timeout: self.spawn.timeout,
            stall_timeout: self
                .spawn
                .stall_timeout
                .or(self.circumstances.stall_timeout)
                .filter(|limit| !limit.is_zero()),
            grace: self.spawn.request.grace,
        }
    }

    /// The log of the run.
    fn log(&self) -> RunLog {
        RunLog::open(&self.circumstances.layout, self.spawn.request.run)
    }

    /// The log of the run, with the action's `log_file`. When that cannot be opened, the run's log and the journal say so.
    fn log_with_file(&self) -> RunLog {
        let mut log = self.log();
        let run = self.spawn.request.run;
        let Some(path) = &self.spawn.request.action.log_file else {
            return log;
        };
        match LogFile::open(path, run, &self.circumstances.trust, self.allowance.clone()) {
            Ok(file) => log.append_also_to(file),
            Err(error) => {
                let path = quoted(&path.to_string_lossy());
                let text = format!("nothing is appended to the log_file {path}: {error}");
                tracing::warn!(run, "{text}");
                log.line(mark::WRITER, &text);
            }
        }
        log
    }

    /// Keeps what the backup has found changed. A failure costs the report, and not the backup.
    fn keep_changes(&self, changes: &Changes) {
        let request = &self.spawn.request;
        let found = AttemptChanges {
            action: request.action_index,
            attempt: request.attempt,
            changes: changes.clone(),
        };
        let layout = &self.circumstances.layout;
        if let Err(error) = changes_file::add(layout, request.run, &found) {
            let path = layout.run_changes(request.run);
            let text = format!(
                "the report of changes cannot be written to {}: {error}",
                path.display()
            );
            tracing::warn!(run = request.run, "{text}");
            self.log().line(mark::WRITER, &text);
        }
    }

    fn run_without_limits(&self, error: &std::io::Error) {
        let text = format!("this attempt runs without limits: {error}");
        tracing::warn!(run = self.spawn.request.run, "{text}");
        self.log().line(mark::WRITER, &text);
    }

    /// Kills what has left the process group, and had no control group that would have kept it together.
    async fn kill_orphans(&self, killed_group: Pid) {
        let request = &self.spawn.request;
        let actions = [(request.run_tag.clone(), request.action_index)];
        let kill = move || orphans::kill(&actions, Some(killed_group));
        let killed = tokio::task::spawn_blocking(kill).await;
        if let Ok(killed @ 1..) = killed {
            let processes = units::count(killed as u64, "process", "processes");
            let text = format!("killed {processes} that had left the action's process group");
            self.log().line(mark::WRITER, &text);
        }
    }
}

/// What an agent says of its work.
struct Hearing<'a, R> {
    heard: Heard,
    reports: PipeLines<R>,
    progress: ProgressFile,
    attempt: &'a Attempt,
}

impl<R: AsyncRead + Unpin> Hearing<'_, R> {
    /// Takes note of a line, and shows the progress. `None` where the line is not a report.
    fn line(&mut self, line: &str) -> Option<Report> {
        let report = match self.heard.line(line) {
            Ok(report) => report,
            Err(error) => {
                tracing::warn!(
                    run = self.attempt.spawn.request.run,
                    "the agent sent a line that is not a report: {error}"
                );
                return None;
            }
        };
        if self.progress.hear(&report, Utc::now()) {
            let sink = &self.attempt.circumstances.progress_sink;
            sink.progress(&self.progress);
        }
        let run = self.attempt.spawn.request.run;
        let inbox = &self.attempt.inbox;
        let _ = match &report {
            Report::SlotReturned => inbox.send(Message::SlotReturned { run }),
            Report::SlotWanted => inbox.send(Message::SlotWanted { run }),
            Report::Changes(changes) => {
                self.attempt.keep_changes(changes);
                Ok(())
            }
            _ => Ok(()),
        };
        if matches!(report, Report::Outcome(_)) {
            kill_point::reached(Point::OutcomeHeard);
        }
        Some(report)
    }

    /// Hears what is left in the pipe of an agent that has ended.
    async fn drain(mut self) -> Heard {
        let _ = timeout(DRAIN, async {
            while let Some(line) = self.reports.next().await {
                self.line(&line);
            }
        })
        .await;
        self.heard
    }
}

/// Sleeps until then; `None`: for ever.
async fn until(wake_at: Option<Instant>) {
    match wake_at {
        Some(wake_at) => sleep_until(wake_at).await,
        None => std::future::pending().await,
    }
}
