//! A running daemon, and its log. Tests wait for lines of the log, not for time.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use chrono::Utc;
use serde_json::{Value, json};

use super::jobs::{exec, someday};
use super::{Host, PATIENCE};

/// One line of the daemon's log.
#[derive(Clone, Debug, Default)]
pub struct LogLine {
    /// The job that the line is about; empty if it is about none.
    pub job: String,
    /// The run that the line is about; 0 if it is about none.
    pub run: u64,
    /// The message.
    pub message: String,
}

impl LogLine {
    fn read(line: &str) -> LogLine {
        let value: Value = serde_json::from_str(line).unwrap_or_else(|_| json!({"message": line}));
        LogLine {
            job: value["job"].as_str().unwrap_or_default().to_owned(),
            run: value["run"].as_u64().unwrap_or_default(),
            message: value["message"].as_str().unwrap_or_default().to_owned(),
        }
    }
}

#[derive(Default)]
struct Heard {
    all: Vec<String>,
    fresh: VecDeque<LogLine>,
    closed: bool,
}

/// A running daemon. It is killed when it is dropped.
pub struct Daemon {
    child: Child,
    heard: Arc<(Mutex<Heard>, Condvar)>,
    done: bool,
}

impl Daemon {
    /// Starts a daemon with this command.
    pub(super) fn start(mut command: Command) -> Daemon {
        let mut child = command
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("freezerd starts");
        let stderr = child.stderr.take().expect("its log");
        let heard = Arc::new((Mutex::new(Heard::default()), Condvar::new()));
        let ears = Arc::clone(&heard);
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                let (heard, bell) = &*ears;
                // After a failed test nobody reads the lines.
                let Ok(mut heard) = heard.lock() else { return };
                heard.all.push(line.clone());
                heard.fresh.push_back(LogLine::read(&line));
                bell.notify_all();
            }
            let (heard, bell) = &*ears;
            if let Ok(mut heard) = heard.lock() {
                heard.closed = true;
            }
            bell.notify_all();
        });
        Daemon {
            child,
            heard,
            done: false,
        }
    }

    /// The daemon's process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for a line of the log, and discards all earlier lines.
    #[track_caller]
    pub fn until(&self, wanted: impl Fn(&LogLine) -> bool) -> LogLine {
        self.listen(|_| true, wanted)
    }

    /// Waits for a line among those that matter. Discards earlier lines that matter, and keeps the others for later
    /// calls.
    #[track_caller]
    pub(super) fn listen(
        &self,
        matters: impl Fn(&LogLine) -> bool,
        wanted: impl Fn(&LogLine) -> bool,
    ) -> LogLine {
        let deadline = Instant::now() + PATIENCE;
        let (heard, bell) = &*self.heard;
        let mut heard = heard.lock().expect("no listener panics");
        loop {
            let fresh = std::mem::take(&mut heard.fresh);
            let mut found = None;
            for line in fresh {
                if found.is_some() || !matters(&line) {
                    heard.fresh.push_back(line);
                } else if wanted(&line) {
                    found = Some(line);
                }
            }
            if let Some(line) = found {
                return line;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(
                !heard.closed && !left.is_zero(),
                "the daemon never said so; it said:\n{}",
                heard.all.join("\n")
            );
            heard = bell
                .wait_timeout(heard, left)
                .expect("no listener panics")
                .0;
        }
    }

    /// Waits for a line about a job that contains a text. Keeps the lines about other jobs for later calls.
    #[track_caller]
    pub fn says(&self, job: &str, text: &str) -> LogLine {
        self.listen(|line| line.job == job, |line| line.message.contains(text))
    }

    /// Waits until a run of the job has ended, and returns the line that says how.
    #[track_caller]
    pub fn run_of(&self, job: &str) -> LogLine {
        self.listen(
            |line| line.job == job,
            |line| {
                line.message.starts_with("run ")
                    && ["succeeded", "failed", "was aborted", "was interrupted"]
                        .iter()
                        .any(|word| line.message.contains(word))
            },
        )
    }

    /// Makes the daemon read the jobs directory again, and waits until it has. Afterwards every effect of the files
    /// that were there has happened.
    #[track_caller]
    pub fn looks(&self, host: &Host) {
        let count = Utc::now().timestamp_nanos_opt().unwrap_or_default();
        let name = format!("zz-look-{count}");
        host.put(&name, someday(vec![exec("true")]));
        self.says(&name, "loaded from");
        host.delete(&name);
        self.says(&name, "gone");
    }

    /// The whole log so far.
    pub fn log(&self) -> String {
        self.heard
            .0
            .lock()
            .expect("no listener panics")
            .all
            .join("\n")
    }

    /// Sends a signal.
    pub fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, signal).expect("the daemon is there");
    }

    /// Stops the daemon as systemd does, and waits for its end.
    pub fn stop(mut self) -> ExitStatus {
        self.signal(rustix::process::Signal::TERM);
        self.done = true;
        wait(&mut self.child)
    }

    /// Whether the daemon has ended, by itself or because another process killed it.
    pub fn has_ended(&mut self) -> bool {
        self.done = self.done || self.child.try_wait().expect("a child").is_some();
        self.done
    }

    /// Waits until the daemon ends by itself.
    pub fn end(mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("a child to wait for") {
                self.done = true;
                return status;
            }
            assert!(Instant::now() < deadline, "the daemon never ended");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Kills the daemon with SIGKILL.
    pub fn kill(mut self) {
        self.signal(rustix::process::Signal::KILL);
        self.done = true;
        wait(&mut self.child);
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if !self.done {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

fn wait(child: &mut Child) -> ExitStatus {
    child.wait().expect("the daemon ends")
}
