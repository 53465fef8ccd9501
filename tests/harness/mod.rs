//! A host with a freezerd of its own: the real binary in a temporary root.
//!
//! `Host::new().job("nightly", json!({…})).once()` runs what is due; `host.start()` runs the daemon, and its log is
//! waited on instead of time. A [`Gate`] holds a command until the test lets it pass, and [`Host::sleep_through`]
//! moves a stopped daemon's ledger into the past, as if it had been down for that long.

#![allow(dead_code, reason = "each test file uses its own part")]

use std::collections::{BTreeMap, VecDeque};
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write as _};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use chrono::{SecondsFormat, TimeDelta, Utc};
use freezerd::ledger::{Ledger, Reader, RedbLedger, Write};
use freezerd::record::{AttemptRecord, JobRecord};
use serde_json::{Value, json};
use tempfile::TempDir;

/// How long anything may take before a test gives up. Far more than it ever does.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A temporary root with a jobs directory and a state directory.
pub struct Host {
    root: TempDir,
    environment: Vec<(String, String)>,
    flags: Vec<String>,
    /// The user that freezerd runs as; `None`: this one.
    user: Option<u32>,
}

/// Who owns nothing on this machine.
pub const NOBODY: u32 = 65534;

impl Default for Host {
    fn default() -> Host {
        Host::new()
    }
}

impl Host {
    /// An empty host in UTC.
    pub fn new() -> Host {
        let root = tempfile::Builder::new()
            .prefix("freezerd-test-")
            .tempdir()
            .expect("a temporary directory");
        fs::set_permissions(root.path(), fs::Permissions::from_mode(0o755)).expect("its mode");
        let host = Host {
            root,
            environment: vec![("TZ".into(), "UTC".into())],
            flags: Vec::new(),
            user: None,
        };
        host.file("freezerd.toml", "");
        for dir in ["jobs.d", "work"] {
            fs::create_dir(host.path(dir)).expect("a directory in the root");
            fs::set_permissions(host.path(dir), fs::Permissions::from_mode(0o755))
                .expect("its mode");
        }
        host
    }

    /// A host whose freezerd may not read what is not its own. `None`, and a word about it, where that cannot be.
    pub fn unprivileged() -> Option<Host> {
        let mut host = Host::new();
        if !is_root() {
            return Some(host);
        }
        host.user = Some(NOBODY);
        for dir in ["", "jobs.d", "work"] {
            std::os::unix::fs::chown(host.path(dir), Some(NOBODY), Some(NOBODY))
                .expect("its owner");
        }
        match host.command(&["--version"]).output() {
            Ok(output) if output.status.success() => Some(host),
            _ => {
                println!(
                    "SKIPPED: another user cannot run {}",
                    env!("CARGO_BIN_EXE_freezerd")
                );
                None
            }
        }
    }

    /// A freezerd command of this host that another user runs. `None`, and a word about it, where that cannot be.
    pub fn command_of_a_stranger(&self, arguments: &[&str]) -> Option<Ran> {
        if !is_root() {
            println!("SKIPPED: only root can run freezerd as another user");
            return None;
        }
        let mut command = self.command(arguments);
        command.uid(NOBODY).gid(NOBODY);
        match command.output() {
            Ok(output) => Some(Ran {
                arguments: arguments.join(" "),
                output,
            }),
            Err(error) => {
                println!(
                    "SKIPPED: another user cannot run {}: {error}",
                    env!("CARGO_BIN_EXE_freezerd")
                );
                None
            }
        }
    }

    /// Sets an environment variable for every freezerd of this host.
    pub fn env(mut self, name: &str, value: &str) -> Host {
        self.environment.retain(|(known, _)| known != name);
        self.environment.push((name.into(), value.into()));
        self
    }

    /// Adds a flag to every freezerd of this host.
    pub fn flag(mut self, flag: &str) -> Host {
        self.flags.push(flag.into());
        self
    }

    /// Adds a job file `NAME.json`.
    pub fn job(self, name: &str, document: Value) -> Host {
        self.put(name, document);
        self
    }

    /// A place in the root.
    pub fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// Writes a job file as an editor does: under another name first.
    pub fn put(&self, name: &str, document: Value) {
        self.put_text(&format!("{name}.json"), &format!("{document:#}"));
    }

    /// The same with any name and content.
    pub fn put_text(&self, file: &str, content: &str) {
        let hidden = self.path(&format!("jobs.d/.{file}.new"));
        fs::write(&hidden, content).expect("a job file");
        fs::set_permissions(&hidden, fs::Permissions::from_mode(0o644)).expect("its mode");
        fs::rename(&hidden, self.path(&format!("jobs.d/{file}"))).expect("its name");
    }

    /// Deletes a job file.
    pub fn delete(&self, name: &str) {
        fs::remove_file(self.path(&format!("jobs.d/{name}.json"))).expect("the job file");
    }

    /// Writes a file in the root, with the directories above it.
    pub fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("its directories");
        fs::write(&path, content).expect("a file");
        path
    }

    /// A file's content.
    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// A freezerd command of this host, ready to run.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_freezerd"));
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.path("work"))
            .env("FREEZERD_JOBS_DIR", self.path("jobs.d"))
            .env("FREEZERD_STATE_DIR", self.path("state"))
            .env("FREEZERD_CLIENT_ID", "testhost")
            // Not that of the machine.
            .env("FREEZERD_CONFIG", self.path("freezerd.toml"))
            .env("FREEZERD_STOP_GRACE", "5 seconds")
            .current_dir(self.path("work"))
            .stdin(Stdio::null());
        for (name, value) in &self.environment {
            command.env(name, value);
        }
        if let Some(user) = self.user {
            command.uid(user).gid(user);
        }
        command.args(arguments).args(&self.flags);
        command
    }

    /// Runs a command to its end.
    pub fn freezerd(&self, arguments: &[&str]) -> Ran {
        let output = self.command(arguments).output().expect("freezerd runs");
        Ran {
            arguments: arguments.join(" "),
            output,
        }
    }

    /// Runs a command with `--json` and returns what it printed.
    pub fn json(&self, arguments: &[&str]) -> Value {
        let mut arguments = arguments.to_vec();
        arguments.push("--json");
        self.freezerd(&arguments).json()
    }

    /// Runs what is due, once.
    pub fn once(&self) -> Ran {
        self.freezerd(&["run", "--once", "--json"])
    }

    /// Starts the daemon and waits until it is ready.
    pub fn start(&self) -> Daemon {
        let daemon = self.launch();
        // What it says of jobs before that is left for those who wait for it.
        daemon.listen(
            |line| line.job.is_empty(),
            |line| line.message.starts_with("ready"),
        );
        daemon
    }

    /// Starts the daemon and waits for nothing.
    pub fn launch(&self) -> Daemon {
        self.launch_command(self.command(&["run", "--log-format", "json", "--log-level", "debug"]))
    }

    /// Starts the daemon with a command of the test's own.
    pub fn launch_command(&self, mut command: Command) -> Daemon {
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

    /// A job as `freezerd show --json` has it.
    #[track_caller]
    pub fn show(&self, job: &str) -> Value {
        let ran = self.freezerd(&["show", job, "--json"]).exits(0);
        ran.json()
    }

    /// The live `job_schedule` of a job.
    #[track_caller]
    pub fn schedule(&self, job: &str) -> Value {
        self.show(job)["job_schedule"].clone()
    }

    /// The job's status, event and result, as in `running//success`.
    #[track_caller]
    pub fn state(&self, job: &str) -> String {
        let schedule = self.schedule(job);
        let word = |key: &str| schedule[key].as_str().expect("a word").to_owned();
        format!("{}/{}/{}", word("status"), word("event"), word("result"))
    }

    /// The ids of the jobs that are known, in order.
    #[track_caller]
    pub fn jobs(&self) -> Vec<String> {
        let list = self.json(&["list"]);
        let jobs = list["jobs"].as_array().expect("a list of jobs");
        jobs.iter()
            .map(|job| job["job_id"].as_str().expect("an id").to_owned())
            .collect()
    }

    /// What `freezerd list` has of a file that is not loaded.
    #[track_caller]
    pub fn not_loaded(&self, file: &str) -> Option<Value> {
        let list = self.json(&["list"]);
        let files = list["files"].as_array().expect("a list of files");
        files.iter().find(|entry| entry["file"] == file).cloned()
    }

    /// The rows of a job, the newest first.
    #[track_caller]
    pub fn history(&self, job: &str) -> Vec<Value> {
        self.json(&["history", job, "--limit", "1000"])["runs"]
            .as_array()
            .expect("a list of runs")
            .clone()
    }

    /// One row of the ledger.
    #[track_caller]
    pub fn run(&self, number: u64) -> Value {
        let all = self.json(&["history", "--limit", "100000"]);
        let rows = all["runs"].as_array().expect("a list of runs");
        rows.iter()
            .find(|row| row["run"] == number)
            .unwrap_or_else(|| panic!("no run {number} in {all:#}"))
            .clone()
    }

    /// Asks the daemon for an extra run, and returns its number.
    #[track_caller]
    pub fn trigger(&self, job: &str) -> u64 {
        let ran = self.freezerd(&["trigger", job, "--json"]).exits(0);
        ran.json()["run"].as_u64().expect("the run's number")
    }

    /// Asks the daemon for something that it is to do, and returns its answer.
    #[track_caller]
    pub fn ask(&self, command: &str, job: &str) -> String {
        let ran = self.freezerd(&[command, job, "--json"]).exits(0);
        ran.json()["answer"].as_str().expect("an answer").to_owned()
    }

    /// A gate at a place in the root.
    pub fn gate(&self, name: &str) -> Gate {
        Gate::new(self.path(name))
    }

    /// The ledger, to look at.
    pub fn ledger(&self) -> Reader {
        freezerd::ledger::open_read_only(&self.path("state/ledger.redb")).expect("a ledger")
    }

    /// The attempts of a run, in order.
    pub fn attempts(&self, run: u64) -> Vec<AttemptRecord> {
        self.ledger().attempts(run).expect("the attempts")
    }

    /// With no daemon running: everything that the ledger says of the job's schedule is that much longer ago.
    #[track_caller]
    pub fn sleep_through(&self, job: &str, time: TimeDelta) {
        self.edit_job(job, |record| {
            record.created -= time;
            record.anchor -= time;
            record.handled -= time;
            for instant in [&mut record.started, &mut record.ended, &mut record.next] {
                *instant = instant.map(|instant| instant - time);
            }
        });
    }

    /// With no daemon running: changes what the ledger says of a job.
    #[track_caller]
    pub fn edit_job(&self, job: &str, change: impl FnOnce(&mut JobRecord)) {
        let mut store =
            RedbLedger::open(&self.path("state/ledger.redb")).expect("a ledger that is free");
        let jobs = store
            .reader()
            .and_then(|reader| reader.jobs())
            .expect("the jobs");
        let mut record = jobs
            .into_iter()
            .find(|record| record.job_id == job)
            .expect("the job");
        change(&mut record);
        store.commit(&[Write::Job(record)]).expect("a commit");
    }
}

/// Holds commands back. Each [`Gate::pass`] lets one of them go on; until then it waits, using nothing.
pub struct Gate {
    path: PathBuf,
    /// Open for both reading and writing, so that nobody waits for anybody in opening.
    fifo: File,
}

impl Gate {
    fn new(path: PathBuf) -> Gate {
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &path,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::from_raw_mode(0o666),
            0,
        )
        .expect("a FIFO");
        let fifo = File::options()
            .read(true)
            .write(true)
            .open(&path)
            .expect("the FIFO");
        Gate { path, fifo }
    }

    /// A shell command that waits at the gate and succeeds.
    pub fn wait(&self) -> String {
        format!("read -r _ < '{}'", self.path.display())
    }

    /// An action that waits at the gate and succeeds.
    pub fn action(&self) -> Value {
        exec(&self.wait())
    }

    /// Lets one command pass, also one that has not come yet.
    pub fn pass(&self) {
        (&self.fifo).write_all(b"\n").expect("room in the FIFO");
    }
}

/// A command that ended.
pub struct Ran {
    arguments: String,
    /// What it printed, and its exit code.
    pub output: Output,
}

impl Ran {
    /// Its exit code.
    pub fn code(&self) -> i32 {
        self.output.status.code().unwrap_or(-1)
    }

    /// What it printed.
    pub fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.output.stdout).into_owned()
    }

    /// What it said beside that.
    pub fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.output.stderr).into_owned()
    }

    /// Fails the test unless the exit code is this one.
    #[track_caller]
    pub fn exits(self, code: i32) -> Ran {
        assert_eq!(
            self.code(),
            code,
            "freezerd {}\n--- stdout\n{}\n--- stderr\n{}",
            self.arguments,
            self.stdout(),
            self.stderr()
        );
        self
    }

    /// What it printed, as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.output.stdout).unwrap_or_else(|error| {
            panic!(
                "freezerd {}: {error}\n--- stdout\n{}\n--- stderr\n{}",
                self.arguments,
                self.stdout(),
                self.stderr()
            )
        })
    }
}

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
    fn listen(
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

/// Waits until something holds that no event tells, looking again and again.
#[track_caller]
pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "never: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// What is in a directory, each path with its kind and mode, owner, time and content.
pub fn tree(top: &Path) -> BTreeMap<PathBuf, (u32, u32, i64, i64, Vec<u8>)> {
    let mut found = BTreeMap::new();
    let mut pending = vec![top.to_owned()];
    while let Some(path) = pending.pop() {
        let metadata = fs::symlink_metadata(&path).expect("something there");
        let content = if metadata.is_symlink() {
            fs::read_link(&path)
                .expect("a link")
                .into_os_string()
                .into_encoded_bytes()
        } else if metadata.is_dir() {
            let entries = fs::read_dir(&path).expect("a directory");
            pending.extend(entries.map(|entry| entry.expect("an entry").path()));
            Vec::new()
        } else {
            fs::read(&path).expect("a file")
        };
        let name = path.strip_prefix(top).expect("below the top").to_owned();
        let (mode, owner) = (metadata.mode(), metadata.uid());
        found.insert(
            name,
            (
                mode,
                owner,
                metadata.mtime(),
                metadata.mtime_nsec(),
                content,
            ),
        );
    }
    found
}

/// Whether a process runs; one that has ended and is yet to be reaped does not.
pub fn is_alive(pid: &str) -> bool {
    fs::read_to_string(format!("/proc/{}/stat", pid.trim())).is_ok_and(|stat| {
        !stat
            .rsplit_once(") ")
            .is_some_and(|(_, rest)| rest.starts_with('Z'))
    })
}

/// Whether the tests run as root, who may read everything.
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// A backup action.
pub fn backup(path: &Path, container: &Path) -> Value {
    json!({"freezer_action": {
        "action": "backup", "path_to_backup": path, "backup_name": "data", "container": container,
    }})
}

/// A restore action.
pub fn restore(container: &Path, target: &Path) -> Value {
    json!({"freezer_action": {
        "action": "restore", "restore_abs_path": target, "backup_name": "data", "container": container,
    }})
}

/// A command.
pub fn exec(command: &str) -> Value {
    json!({"freezer_action": {"action": "exec", "command": command}})
}

/// A job that runs these actions once.
pub fn once(actions: Vec<Value>) -> Value {
    json!({"job_actions": actions})
}

/// A job that is due now, once.
pub fn now(actions: Vec<Value>) -> Value {
    let date = Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true);
    json!({"job_actions": actions, "job_schedule": {"schedule_date": date}})
}

/// A job that runs these actions every so often.
pub fn every(interval: &str, actions: Vec<Value>) -> Value {
    json!({"job_actions": actions, "job_schedule": {"schedule_interval": interval}})
}

/// A job that runs these actions at an hour that never comes during a test.
pub fn someday(actions: Vec<Value>) -> Value {
    json!({"job_actions": actions, "job_schedule": {"schedule_date": "2999-01-01T00:00:00"}})
}
