//! The daemon's hand that starts agents, listens to them, and ends them.

use std::collections::HashMap;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};

use super::monitor::Monitor;
use super::runlog::RunLog;
use super::scheduler::{Ending, Message, Spawn};
use crate::control::layout::Layout;
use crate::control::progress::ProgressFile;
use crate::kill_point::{Point, pass};
use crate::protocol::{Outcome, Report, Verdict};
use crate::store::record::AttemptEnd;

/// A longer log line is cut in pieces.
const LOG_LINE_LIMIT: usize = 16 * 1024;

/// A longer report is none of ours: an outcome names a thousand paths at most.
const REPORT_LIMIT: usize = 16 * 1024 * 1024;

/// How long the output of a dead agent is waited for: a process that it left behind may hold the pipe open.
const DRAIN: Duration = Duration::from_secs(1);

/// What a child gets beyond the grace time, for its own clean-up, before it is killed.
const KILL_MARGIN: Duration = Duration::from_secs(2);

/// Starts agents and tells the loop how they end.
pub struct Runner {
    layout: Layout,
    monitor: Arc<dyn Monitor>,
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
    pub fn new(
        layout: &Layout,
        monitor: Arc<dyn Monitor>,
        inbox: mpsc::UnboundedSender<Message>,
    ) -> Runner {
        Runner {
            layout: layout.clone(),
            monitor,
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
            layout: self.layout.clone(),
            monitor: Arc::clone(&self.monitor),
            spawn,
        };
        let inbox = self.inbox.clone();
        tokio::spawn(async move {
            let request = attempt.spawn.request.clone();
            let monitor = Arc::clone(&attempt.monitor);
            let end = attempt.perform(orders).await;
            monitor.ended(run);
            pass(Point::AgentGone);
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

/// One attempt, from the start of its agent to its end.
struct Attempt {
    layout: Layout,
    monitor: Arc<dyn Monitor>,
    spawn: Spawn,
}

/// What the agent said so far.
#[derive(Default)]
struct Heard {
    outcome: Option<Outcome>,
    panic: Option<String>,
}

impl Attempt {
    async fn perform(self, mut orders: mpsc::UnboundedReceiver<Instruction>) -> AttemptEnd {
        let mut child = match self.launch().await {
            Ok(child) => child,
            Err(error) => {
                return AttemptEnd::Crashed {
                    reason: format!("cannot start the agent: {error}"),
                };
            }
        };
        // Held until the agent has ended: the end of this pipe tells it that its daemon is gone. (Waiting for a
        // child would close a pipe that is still the child's own.)
        let _lifeline = child.stdin.take();
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
        let log = tokio::spawn(copy_log(
            stderr,
            RunLog::open(
                &self.layout,
                self.spawn.request.run,
                self.spawn.request.action.log_file.as_deref(),
            ),
            self.spawn.request.action.work.name(),
        ));
        let mut progress = self.first_progress();
        self.monitor.progress(&progress);

        let mut heard = Heard::default();
        let mut reports = Lines::new(stdout, REPORT_LIMIT);
        let mut cause = None;
        let far = Instant::now() + Duration::from_secs(365 * 24 * 3600);
        let overdue = self
            .spawn
            .timeout
            .and_then(|limit| Instant::now().checked_add(limit))
            .unwrap_or(far);
        let mut kill_at = far;
        let status = loop {
            tokio::select! {
                line = reports.next(), if reports.open => {
                    if let Some(line) = line {
                        self.hear(&line, &mut heard, &mut progress);
                    }
                }
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
                    Instruction::Kill => kill(group),
                },
                () = sleep_until(overdue), if cause.is_none() => {
                    cause = Some(AttemptEnd::TimedOut);
                    ask_to_end(group);
                    kill_at = Instant::now() + self.spawn.request.grace + KILL_MARGIN;
                }
                () = sleep_until(kill_at) => {
                    kill(group);
                    kill_at = far;
                }
            }
        };
        if cause.is_some() {
            // Whatever the agent started and did not end.
            kill(group);
        }
        let _ = timeout(DRAIN, async {
            while let Some(line) = reports.next().await {
                self.hear(&line, &mut heard, &mut progress);
            }
        })
        .await;
        if heard.outcome.is_none() {
            // Nor does an agent that broke leave anything that works on beside the next attempt.
            kill(group);
        }
        let _ = timeout(DRAIN, log).await;
        conclude(heard, cause, status)
    }

    async fn launch(&self) -> std::io::Result<Child> {
        pass(Point::SpawnBegins);
        // The running program itself, also when a newer one has taken its place on disk.
        let mut child = Command::new("/proc/self/exe")
            .arg0("freezerd")
            .arg("agent")
            .env("FREEZERD_RUN_TAG", &self.spawn.request.run_tag)
            .env_remove("NOTIFY_SOCKET")
            .env_remove("WATCHDOG_USEC")
            .env_remove("WATCHDOG_PID")
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        pass(Point::Spawned);
        let mut request = serde_json::to_vec(&self.spawn.request)?;
        request.push(b'\n');
        if let Some(stdin) = child.stdin.as_mut() {
            // An agent that is gone already says so by its end.
            let _ = stdin.write_all(&request).await;
        }
        pass(Point::RequestSent);
        Ok(child)
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
                self.monitor.progress(progress);
            }
            Ok(Report::Waiting { reason }) => {
                progress.waiting = Some(reason);
                progress.updated = Utc::now();
                self.monitor.progress(progress);
            }
            Ok(Report::Panicked { message }) => heard.panic = Some(message),
            Ok(Report::Outcome(outcome)) => {
                heard.outcome = Some(outcome);
                pass(Point::OutcomeHeard);
            }
            Err(error) => tracing::warn!(
                run = self.spawn.request.run,
                "the agent sent a line that is no report: {error}"
            ),
        }
    }
}

/// What the attempt's end is called. Only an agent that said so itself has succeeded.
fn conclude(
    heard: Heard,
    cause: Option<AttemptEnd>,
    status: std::io::Result<ExitStatus>,
) -> AttemptEnd {
    match (heard.outcome, cause) {
        // Whoever ends everything at once, as a service manager may, ends the command too: that is no failure of
        // its own.
        (Some(outcome), Some(cause)) if outcome.verdict == Verdict::Failed => return cause,
        (Some(outcome), _) => return AttemptEnd::Reported { outcome },
        (None, Some(cause)) => return cause,
        (None, None) => {}
    }
    let reason = match (heard.panic, status) {
        (Some(message), _) => message,
        (None, Ok(status)) => match (status.code(), status.signal()) {
            (Some(code), _) => format!("the agent ended with exit code {code} and without a result"),
            (None, Some(9)) => {
                "the agent was killed (signal 9), perhaps because memory ran out; see the kernel's log".to_owned()
            }
            (None, Some(signal)) => format!("the agent was ended by signal {signal}"),
            (None, None) => "the agent ended without a result".to_owned(),
        },
        (None, Err(error)) => format!("the agent was lost: {error}"),
    };
    AttemptEnd::Crashed { reason }
}

/// Tells the agent alone, which leads the group: it tells its command. Told by the daemon, a command could be gone
/// before the agent knows why, and its end would look like a failure of its own.
fn ask_to_end(agent: Pid) {
    // An agent that is gone needs no signal.
    let _ = kill_process(agent, Signal::TERM);
    pass(Point::EndAsked);
}

fn kill(group: Pid) {
    let _ = kill_process_group(group, Signal::KILL);
}

async fn copy_log(stderr: impl AsyncRead + Unpin, mut log: RunLog, who: &'static str) {
    let mut lines = Lines::new(stderr, LOG_LINE_LIMIT);
    while let Some(line) = lines.next().await {
        log.line(who, &line);
    }
}

/// Lines of a bounded length, whatever comes.
struct Lines<R> {
    reader: BufReader<R>,
    partial: Vec<u8>,
    limit: usize,
    open: bool,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    fn new(reader: R, limit: usize) -> Lines<R> {
        Lines {
            reader: BufReader::new(reader),
            partial: Vec::new(),
            limit,
            open: true,
        }
    }

    /// The next line without its end; `None` at the end. Safe to drop in the middle: nothing read is lost.
    async fn next(&mut self) -> Option<String> {
        while self.open {
            let Ok(buffer) = self.reader.fill_buf().await else {
                self.open = false;
                break;
            };
            if buffer.is_empty() {
                self.open = false;
                break;
            }
            let newline = buffer.iter().position(|byte| *byte == b'\n');
            let room = self.limit.saturating_sub(self.partial.len());
            let (take, whole) = match newline {
                Some(at) if at < room => (at, true),
                _ if buffer.len() >= room => (room, false),
                _ => (buffer.len(), false),
            };
            self.partial.extend_from_slice(&buffer[..take]);
            self.reader.consume(take + usize::from(whole));
            if whole || self.partial.len() >= self.limit {
                return Some(self.take());
            }
        }
        (!self.partial.is_empty()).then(|| self.take())
    }

    fn take(&mut self) -> String {
        let bytes = std::mem::take(&mut self.partial);
        String::from_utf8_lossy(&bytes)
            .trim_end_matches('\r')
            .to_owned()
    }
}
