//! Controls the real agent over its pipes, as the daemon does.

#![allow(
    dead_code,
    unused_imports,
    reason = "each test program uses its own part"
)]

mod disk;
mod tree;
mod unprivileged;
mod works;

pub use disk::SmallDisk;
pub use tree::{Entry, assert_same_tree, tree};
pub use unprivileged::{back_up_partially, copy_program, run_as_nobody};
pub use works::{lineage, shell, words};

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::samples;
use freezerd::job::action::{Admin, Age, Backup, Check, Container, Info, Levels, Restore, Work};
use freezerd::job::share::ReadData;
use freezerd::location::Location;
use freezerd::protocol::{Outcome, Report, Request, RunTag, Task, Verdict};

/// Longer than anything here takes. A test that hangs fails after this time.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A temporary place with a source, a container and a target.
pub struct Place {
    pub directory: tempfile::TempDir,
}

impl Place {
    pub fn new() -> Self {
        Place::at(tempfile::tempdir().unwrap())
    }

    /// A place in memory, if there is one: a sync of a disk that others use may take a long time.
    pub fn in_memory() -> Self {
        let directory = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
        Place::at(directory.unwrap())
    }

    fn at(directory: tempfile::TempDir) -> Self {
        let place = Place { directory };
        // Some tests need another user, who must be able to enter.
        fs::set_permissions(place.path(""), fs::Permissions::from_mode(0o755)).unwrap();
        fs::create_dir(place.path("source")).unwrap();
        fs::write(place.path("pass"), "correct horse\n").unwrap();
        fs::set_permissions(place.path("pass"), fs::Permissions::from_mode(0o600)).unwrap();
        place
    }

    pub fn path(&self, name: &str) -> PathBuf {
        if name.is_empty() {
            self.directory.path().to_path_buf()
        } else {
            self.directory.path().join(name)
        }
    }

    /// Writes a file, and creates the directories above it.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    pub fn container(&self) -> Container {
        Container {
            connection: Default::default(),
            name: self.path("container").to_str().unwrap().to_owned(),
            location: Location::Local(self.path("container")),
            pass_file: Some(self.path("pass")),
        }
    }

    pub fn backup(&self) -> Backup {
        Backup {
            copy_from: Vec::new(),
            container: self.container(),
            lineage: lineage(),
            paths: vec![self.path("source")],
            nested_paths: Vec::new(),
            exclude: Vec::new(),
            exclude_from: Vec::new(),
            exclude_if_present: Vec::new(),
            exclude_caches: false,
            exclude_larger_than: None,
            one_file_system: false,
            dereference_symlink: false,
            levels: Levels::default(),
            compression_level: None,
            ignore_unreadable: Vec::new(),
            allow_empty: false,
            allow_new_container: false,
            remove_older_than: None,
            keep: Default::default(),
            prune: None,
            guards: Default::default(),
        }
    }

    pub fn restore(&self) -> Restore {
        Restore {
            container: self.container(),
            lineage: lineage(),
            target: self.path("target"),
            ..samples::restore("/t")
        }
    }

    pub fn admin(&self, remove: Age) -> Work {
        Work::Admin(Admin {
            container: self.container(),
            lineage: lineage(),
            paths: Vec::new(),
            remove: Some(remove),
            keep: Default::default(),
            prune: None,
            max_unused: None,
            max_repack: None,
        })
    }

    pub fn info(&self) -> Work {
        Work::Info(Info {
            container: self.container(),
            backup_name: None,
            host: None,
        })
    }

    pub fn check(&self, read_data: bool) -> Work {
        Work::Check(Check {
            container: self.container(),
            read_data: ReadData::All(read_data),
            allow_missing: false,
        })
    }

    /// Backs up the source, and expects success.
    pub fn back_up(&self) -> Outcome {
        succeed(Work::Backup(self.backup()))
    }

    /// Runs `restic` on the container. `None`, with a line that says so, if restic is not installed.
    pub fn restic(&self, arguments: &[&str]) -> Option<String> {
        let ran = Command::new("restic")
            .args(["--no-cache", "--repo"])
            .arg(self.path("container"))
            .arg("--password-file")
            .arg(self.path("pass"))
            .args(arguments)
            .output();
        let output = match ran {
            Ok(output) => output,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                eprintln!(
                    "SKIPPED: what restic says of the repository, because restic is not installed"
                );
                return None;
            }
            Err(error) => panic!("restic: {error}"),
        };
        let text = String::from_utf8_lossy(&output.stdout).into_owned()
            + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "restic {arguments:?}: {text}");
        Some(text)
    }
}

pub fn request(work: Work) -> Request {
    Request {
        job_id: "nightly-job".to_owned(),
        run: 7,
        check_part: None,
        newest: Vec::new(),
        proved: Vec::new(),
        drilled: None,
        prune_budget: Default::default(),
        waste: Default::default(),
        cache: None,
        run_tag: RunTag::new("ledger", 7),
        earlier: Vec::new(),
        expects_repository: false,
        protected: Vec::new(),
        network_wait: None,
        bandwidth: Default::default(),
        zone: None,
        clock_in_doubt: false,
        action_index: 0,
        attempt: 1,
        action: samples::action(work),
        result_so_far: "success".to_owned(),
        grace: Duration::from_secs(20),
    }
}

/// A running agent.
pub struct Agent {
    pub child: Child,
    pub stdin: Option<ChildStdin>,
    pub reports: Receiver<Report>,
    pub lines: Receiver<String>,
    readers: Vec<JoinHandle<()>>,
}

/// An agent that has ended.
#[derive(Debug)]
pub struct Ended {
    pub status: ExitStatus,
    pub reports: Vec<Report>,
    pub log: Vec<String>,
}

impl Ended {
    /// The outcome, which must be the last report and the only one.
    pub fn outcome(&self) -> &Outcome {
        assert_eq!(self.status.code(), Some(0), "{self:#?}");
        match self.reports.last() {
            Some(Report::Outcome(outcome)) => outcome,
            other => panic!("no outcome: {other:?} {self:#?}"),
        }
    }

    pub fn said(&self, text: &str) -> bool {
        self.log.iter().any(|line| line.contains(text))
    }
}

impl Agent {
    pub fn start(request: &Request) -> Self {
        let program = env!("CARGO_BIN_EXE_freezerd");
        Self::start_with(Command::new(program).arg("agent"), request)
    }

    /// Starts an agent as the daemon does: in its own process group, with three pipes and the request as one line.
    pub fn start_with(command: &mut Command, request: &Request) -> Self {
        let mut child = command
            .env("FREEZERD_KEY_COST", "1024")
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let mut line = serde_json::to_string(&Task::Perform(Box::new(request.clone()))).unwrap();
        line.push('\n');
        stdin.write_all(line.as_bytes()).unwrap();
        let (send_report, reports) = channel();
        let stdout = child.stdout.take().unwrap();
        let reports_reader = std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines() {
                let line = line.unwrap();
                let report =
                    serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
                let _ = send_report.send(report);
            }
        });
        let (send_line, lines) = channel();
        let stderr = child.stderr.take().unwrap();
        let lines_reader = std::thread::spawn(move || {
            let mut reader = BufReader::new(stderr);
            let mut line = Vec::new();
            while reader.read_until(b'\n', &mut line).unwrap() > 0 {
                let _ = send_line.send(String::from_utf8_lossy(&line).trim_end().to_owned());
                line.clear();
            }
        });
        Agent {
            child,
            stdin: Some(stdin),
            reports,
            lines,
            readers: vec![reports_reader, lines_reader],
        }
    }

    /// Waits for a log line that contains this text.
    pub fn wait_for_line(&self, text: &str) -> String {
        loop {
            let line = self
                .lines
                .recv_timeout(PATIENCE)
                .unwrap_or_else(|error| panic!("no line “{text}”: {error}"));
            if line.contains(text) {
                return line;
            }
        }
    }

    /// Waits until the agent and all processes that hold its outputs have ended.
    pub fn end(mut self) -> Ended {
        for reader in self.readers.drain(..) {
            reader.join().unwrap();
        }
        let status = self.child.wait().unwrap();
        Ended {
            status,
            reports: self.reports.try_iter().collect(),
            log: self.lines.try_iter().collect(),
        }
    }
}

/// Runs one action to its end.
pub fn run(work: Work) -> Ended {
    run_request(&request(work))
}

pub fn run_request(request: &Request) -> Ended {
    Agent::start(request).end()
}

pub fn run_dry(work: Work) -> Ended {
    let mut request = request(work);
    request.action.dry_run = true;
    run_request(&request)
}

/// Runs one action, and expects success.
#[track_caller]
pub fn succeed(work: Work) -> Outcome {
    let ended = run(work);
    let outcome = ended.outcome().clone();
    assert_eq!(outcome.verdict, Verdict::Success, "{ended:#?}");
    assert_eq!(
        (&outcome.reason, outcome.problems_total),
        (&None, 0),
        "{ended:#?}"
    );
    outcome
}

/// Runs one action, and expects that it fails with this verdict and a reason that contains each of these texts.
#[track_caller]
pub fn fail(work: Work, verdict: Verdict, texts: &[&str]) -> Ended {
    let ended = run(work);
    expect_failure(&ended, verdict, texts);
    ended
}

#[track_caller]
pub fn expect_failure(ended: &Ended, verdict: Verdict, texts: &[&str]) {
    let outcome = ended.outcome();
    assert_eq!(outcome.verdict, verdict, "{ended:#?}");
    let reason = outcome.reason.as_deref().unwrap_or_default();
    for text in texts {
        assert!(
            reason.contains(text),
            "“{text}” is not in the reason: {reason}"
        );
    }
}

pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Bytes that cannot be compressed.
pub fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}
