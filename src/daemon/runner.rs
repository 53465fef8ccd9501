//! The daemon's hand that starts agents, listens to them, and ends them.

use std::collections::HashMap;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chrono::Utc;
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tokio::io::{AsyncRead, AsyncWriteExt};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::conclusion::{Heard, conclude};
use super::limits::{self, Group, Groups};
use super::lines::Lines;
use super::orphans;
use super::runlog::RunLog;
use super::scheduler::{Ending, Message, Spawn};
use crate::control::layout::Layout;
use crate::control::progress::ProgressFile;
use crate::control::progress_sink::ProgressSink;
use crate::kill_point::{self, Point};
use crate::protocol::Report;
use crate::record::AttemptEnd;
use crate::units;

/// A longer log line is cut in pieces.
const LOG_LINE_LIMIT: usize = 16 * 1024;

/// A longer report is none of ours: an outcome names a thousand paths at most.
const REPORT_LIMIT: usize = 16 * 1024 * 1024;

/// How long the output of a dead agent is waited for: a process that it left behind may hold the pipe open.
const DRAIN: Duration = Duration::from_secs(1);

/// A daemon that wakes up so late was away itself (a disk that did not answer, a debugger): it has not listened, and
/// takes nobody's silence for a stall.
const INATTENTION: Duration = Duration::from_secs(1);

/// What a child gets beyond the grace time, for its own clean-up, before it is killed.
const KILL_MARGIN: Duration = Duration::from_secs(2);

/// What every attempt has in common.
#[derive(Clone)]
pub struct Circumstances {
    /// Where everything lies.
    pub layout: Layout,
    /// Who hears of progress.
    pub progress_sink: Arc<dyn ProgressSink>,
    /// How long an attempt may show no progress, where its job does not say; `None`: for ever.
    pub stall_timeout: Option<Duration>,
    /// Where agents are limited; `None`: they are not.
    pub groups: Option<Groups>,
}

/// Starts agents and tells the loop how they end.
pub struct Runner {
    circumstances: Circumstances,
    inbox: mpsc::UnboundedSender<Message>,
    live: HashMap<u64, mpsc::UnboundedSender<Instruction>>,
}

/// What a running attempt is told.
#[derive(Clone, Copy, Debug)]
enum Instruction {
    End(Ending),
    Kill,
}

impl Runner {
    /// A runner whose attempts report to `inbox`.
    pub fn new(circumstances: Circumstances, inbox: mpsc::UnboundedSender<Message>) -> Runner {
        Runner {
            circumstances,
            inbox,
            live: HashMap::new(),
        }
    }

    /// Starts an attempt; its end comes as [`Message::Ended`].
    pub fn start(&mut self, spawn: Spawn) {
        let (sender, orders) = mpsc::unbounded_channel();
        let run = spawn.request.run;
        self.live.insert(run, sender);
        let attempt = Attempt {
            circumstances: self.circumstances.clone(),
            spawn,
        };
        let inbox = self.inbox.clone();
        tokio::spawn(async move {
            let request = attempt.spawn.request.clone();
            let progress_sink = Arc::clone(&attempt.circumstances.progress_sink);
            let end = attempt.perform(orders).await;
            progress_sink.ended(run);
            kill_point::reached(Point::AgentGone);
            // The loop is gone only when the process is about to be.
            let _ = inbox.send(Message::Ended {
                run,
                action: request.action_index,
                attempt: request.attempt,
                end,
            });
        });
    }

    /// Ends a run's attempt: politely first, by force after its grace time.
    pub fn end(&self, run: u64, why: Ending) {
        if let Some(live) = self.live.get(&run) {
            let _ = live.send(Instruction::End(why));
        }
    }

    /// Kills every agent now.
    pub fn kill_all(&self) {
        for live in self.live.values() {
            let _ = live.send(Instruction::Kill);
        }
    }

    /// An attempt's end was heard.
    pub fn forget(&mut self, run: u64) {
        self.live.remove(&run);
    }
}

/// The pipe to an agent, which gets its request by it.
type Lifeline = JoinHandle<ChildStdin>;

/// One attempt, from the start of its agent to its end.
struct Attempt {
    circumstances: Circumstances,
    spawn: Spawn,
}

impl Attempt {
    async fn perform(self, mut orders: mpsc::UnboundedReceiver<Instruction>) -> AttemptEnd {
        // The lifeline is held until the agent has ended: the end of that pipe tells it that its daemon is gone. (Waiting
        // for a child would close a pipe that is still the child's own.)
        let (mut child, _lifeline, limited) = match self.launch() {
            Ok(launched) => launched,
            Err(error) => {
                return AttemptEnd::Crashed {
                    reason: format!("cannot start the agent: {error}"),
                };
            }
        };
        let group = child
            .id()
            .and_then(|id| i32::try_from(id).ok())
            .and_then(Pid::from_raw);
        let (Some(stdout), Some(stderr), Some(group)) =
            (child.stdout.take(), child.stderr.take(), group)
        else {
            return AttemptEnd::Crashed {
                reason: "the agent was gone at once".to_owned(),
            };
        };
        // Of a command the output is the progress, whole lines or not.
        let output = Arc::new(Notify::new());
        let over = Arc::new(AtomicBool::new(false));
        let log = tokio::spawn(copy_log(
            Lines::new(stderr, LOG_LINE_LIMIT, Arc::clone(&output)),
            self.log(),
            self.spawn.request.action.work.name(),
            Arc::clone(&over),
        ));
        let mut progress = self.first_progress();
        self.circumstances.progress_sink.progress(&progress);

        let mut heard = Heard::default();
        let mut reports = Lines::new(stdout, REPORT_LIMIT, Arc::default());
        let mut cause = None;
        let far = Instant::now() + Duration::from_secs(365 * 24 * 3600);
        let overdue = self
            .spawn
            .timeout
            .and_then(|limit| Instant::now().checked_add(limit))
            .unwrap_or(far);
        // This clock stands still while the host is suspended.
        let stall = self.stall_timeout();
        let mut moved = Instant::now();
        let mut kill_at = far;
        let status = loop {
            let stalled = stall
                .and_then(|limit| moved.checked_add(limit))
                .unwrap_or(far);
            tokio::select! {
                line = reports.next(), if reports.open => {
                    if let Some(line) = line {
                        // An agent reports when something has moved, and at no other time.
                        moved = Instant::now();
                        self.hear(&line, &mut heard, &mut progress);
                    }
                }
                () = output.notified(), if stall.is_some() => moved = Instant::now(),
                status = child.wait() => break status,
                Some(order) = orders.recv() => match order {
                    Instruction::End(why) => {
                        cause.get_or_insert(match why {
                            Ending::Abort => AttemptEnd::Aborted,
                            Ending::Shutdown => AttemptEnd::Interrupted,
                        });
                        ask_to_end(group);
                        kill_at = kill_at.min(Instant::now() + self.spawn.request.grace + KILL_MARGIN);
                    }
                    Instruction::Kill => kill(group, limited.as_ref()),
                },
                () = sleep_until(overdue), if cause.is_none() => {
                    cause = Some(AttemptEnd::TimedOut);
                    ask_to_end(group);
                    kill_at = Instant::now() + self.spawn.request.grace + KILL_MARGIN;
                }
                () = sleep_until(stalled), if cause.is_none() && progress.waiting.is_none() => {
                    if stalled.elapsed() > INATTENTION {
                        moved = Instant::now();
                        continue;
                    }
                    let seconds = stall.unwrap_or_default().as_secs_f64();
                    cause = Some(AttemptEnd::Stalled { seconds });
                    ask_to_end(group);
                    kill_at = Instant::now() + self.spawn.request.grace + KILL_MARGIN;
                }
                () = sleep_until(kill_at) => {
                    kill(group, limited.as_ref());
                    kill_at = far;
                }
            }
        };
        if cause.is_some() {
            // Whatever the agent started and did not end.
            kill(group, limited.as_ref());
        }
        let _ = timeout(DRAIN, async {
            while let Some(line) = reports.next().await {
                self.hear(&line, &mut heard, &mut progress);
            }
        })
        .await;
        if heard.outcome.is_none() {
            // Nor does an agent that broke leave anything that works on beside the next attempt.
            kill(group, limited.as_ref());
        }
        if cause.is_some() || heard.outcome.is_none() {
            self.kill_orphans().await;
        }
        let _ = timeout(DRAIN, log).await;
        over.store(true, Ordering::Relaxed);
        let out_of_memory = limited.as_ref().and_then(Group::out_of_memory);
        if let Some(limited) = limited {
            let _ = timeout(DRAIN, async {
                // What was killed needs a moment to be gone. What a command left behind on purpose keeps its group.
                while !limited.remove() && (cause.is_some() || out_of_memory.is_some()) {
                    sleep(limits::PAUSE).await;
                }
            })
            .await;
        }
        conclude(heard, cause, status, out_of_memory)
    }

    fn log(&self) -> RunLog {
        RunLog::open(
            &self.circumstances.layout,
            self.spawn.request.run,
            self.spawn.request.action.log_file.as_deref(),
        )
    }

    /// As the job says, or else the settings.
    fn stall_timeout(&self) -> Option<Duration> {
        self.spawn
            .stall_timeout
            .or(self.circumstances.stall_timeout)
            .filter(|limit| !limit.is_zero())
    }

    /// Puts the agent under its limits.
    fn limit(&self, agent: &Child) -> Option<Group> {
        let groups = self.circumstances.groups.as_ref()?;
        let id = agent.id().and_then(|id| i32::try_from(id).ok());
        match groups.place(self.spawn.request.run, id.and_then(Pid::from_raw)?) {
            Ok(group) => Some(group),
            Err(error) => {
                let text = format!("this attempt runs without limits: {error}");
                tracing::warn!(run = self.spawn.request.run, "{text}");
                self.log().line("freezerd", &text);
                None
            }
        }
    }

    fn launch(&self) -> std::io::Result<(Child, Option<Lifeline>, Option<Group>)> {
        let mut request = serde_json::to_vec(&self.spawn.request)?;
        request.push(b'\n');
        kill_point::reached(Point::SpawnBegins);
        // The running program itself, also when a newer one has taken its place on disk.
        let mut child = Command::new("/proc/self/exe")
            .arg0("freezerd")
            .arg("agent")
            .envs(orphans::environment(
                &self.spawn.request.run_tag,
                self.spawn.request.action_index,
            ))
            .env_remove("NOTIFY_SOCKET")
            .env_remove("WATCHDOG_USEC")
            .env_remove("WATCHDOG_PID")
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        kill_point::reached(Point::Spawned);
        // An agent does nothing before it has its request.
        let limited = self.limit(&child);
        // A request that is larger than the pipe waits for its reader, and an agent that hangs must not be waited for
        // where it could neither be aborted nor time out.
        let lifeline = child.stdin.take().map(|mut stdin| {
            tokio::spawn(async move {
                // An agent that is gone already says so by its end.
                let _ = stdin.write_all(&request).await;
                kill_point::reached(Point::RequestSent);
                stdin
            })
        });
        Ok((child, lifeline, limited))
    }

    /// What has left the process group, and had no limits that would have kept it together.
    async fn kill_orphans(&self) {
        let request = &self.spawn.request;
        let actions = [(request.run_tag.clone(), request.action_index)];
        let killed = tokio::task::spawn_blocking(move || orphans::kill(&actions)).await;
        if let Ok(killed @ 1..) = killed {
            let processes = units::count(killed as u64, "process", "processes");
            let text = format!("killed {processes} that had left the action's process group");
            self.log().line("freezerd", &text);
        }
    }

    fn first_progress(&self) -> ProgressFile {
        let request = &self.spawn.request;
        let now = Utc::now();
        ProgressFile {
            run: request.run,
            job_id: request.job_id.clone(),
            action: request.action_index,
            kind: request.action.work.name().to_owned(),
            attempt: request.attempt,
            started: now,
            updated: now,
            waiting: None,
            progress: crate::protocol::Progress::default(),
        }
    }

    fn hear(&self, line: &str, heard: &mut Heard, progress: &mut ProgressFile) {
        match serde_json::from_str(line) {
            Ok(Report::Progress(now)) => {
                progress.progress = now;
                progress.waiting = None;
                progress.updated = Utc::now();
                self.circumstances.progress_sink.progress(progress);
            }
            Ok(Report::Waiting { reason }) => {
                progress.waiting = Some(reason);
                progress.updated = Utc::now();
                self.circumstances.progress_sink.progress(progress);
            }
            Ok(Report::Panicked { message }) => heard.panic = Some(message),
            Ok(Report::Outcome(outcome)) => {
                heard.outcome = Some(outcome);
                kill_point::reached(Point::OutcomeHeard);
            }
            Err(error) => tracing::warn!(
                run = self.spawn.request.run,
                "the agent sent a line that is no report: {error}"
            ),
        }
    }
}

/// Tells the agent alone, which leads the group: it tells its command. Told by the daemon, a command could be gone
/// before the agent knows why, and its end would look like a failure of its own.
fn ask_to_end(agent: Pid) {
    // An agent that is gone needs no signal.
    let _ = kill_process(agent, Signal::TERM);
    kill_point::reached(Point::EndAsked);
}

fn kill(agent: Pid, limited: Option<&Group>) {
    let _ = kill_process_group(agent, Signal::KILL);
    if let Some(limited) = limited {
        // And what has left the process group.
        limited.kill();
    }
}

/// What a command left behind writes on when its attempt is `over`: that is no part of the next one.
async fn copy_log<R: AsyncRead + Unpin>(
    mut lines: Lines<R>,
    mut log: RunLog,
    who: &'static str,
    over: Arc<AtomicBool>,
) {
    let after = format!("{who}, left behind");
    while let Some(line) = lines.next().await {
        let over = over.load(Ordering::Relaxed);
        log.line(if over { &after } else { who }, &line);
        kill_point::reached(Point::OutputLogged);
    }
}
