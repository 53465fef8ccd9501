//! A running daemon, and its log, which is waited on instead of time.

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
    /// The job it is about.
    pub job: String,
    /// The run it is about.
    pub run: u64,
    /// What it says.
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

/// A running daemon; killed when it is dropped.
pub struct Daemon {
    child: Child,
    heard: Arc<(Mutex<Heard>, Condvar)>,
    done: bool,
}

impl Daemon {
    /// Starts a command that is a daemon.
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
                // A test that failed holds on to nothing any more.
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

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for a line of the log that was not waited for yet; earlier lines are done with.
    #[track_caller]
    pub fn until(&self, wanted: impl Fn(&LogLine) -> bool) -> LogLine {
        self.listen(|_| true, wanted)
    }

    /// Waits for a line among those that matter; earlier ones that matter are done with, the others are left for
    /// those who wait for them.
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

    /// Waits for a line about a job that contains a text. Lines about other jobs are left alone.
    #[track_caller]
    pub fn says(&self, job: &str, text: &str) -> LogLine {
        self.listen(|line| line.job == job, |line| line.message.contains(text))
    }

    /// Waits until a run of the job has ended, and returns how, in the log's words.
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

    /// Makes the daemon look at everything anew, and waits until it has: whatever was to follow from what is in the
    /// jobs directory has followed.
    #[track_caller]
    pub fn looks(&self, host: &Host) {
        let count = Utc::now().timestamp_nanos_opt().unwrap_or_default();
        let name = format!("zz-look-{count}");
        host.put(&name, someday(vec![exec("true")]));
        self.says(&name, "loaded from");
        host.delete(&name);
        self.says(&name, "gone");
    }

    /// Everything that it said so far.
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

    /// Stops it as systemd does, and waits for its end.
    pub fn stop(mut self) -> ExitStatus {
        self.signal(rustix::process::Signal::TERM);
        self.done = true;
        wait(&mut self.child)
    }

    /// Whether it has ended by itself, or was killed from elsewhere.
    pub fn has_ended(&mut self) -> bool {
        self.done = self.done || self.child.try_wait().expect("a child").is_some();
        self.done
    }

    /// Waits for an end that it comes to by itself.
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

    /// Kills it without a warning.
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
