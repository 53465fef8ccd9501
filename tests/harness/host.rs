//! A host with its own freezerd: the real binary in a temporary root directory.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use freezerd::ledger::{Ledger, LedgerError, Reader, RedbLedger, Write};
use freezerd::record::{AttemptRecord, JobRecord};
use serde_json::Value;
use tempfile::TempDir;

use super::{Daemon, Gate, NOBODY, PATIENCE, Ran, is_root};

/// A temporary root directory with a jobs directory and a state directory.
pub struct Host {
    root: TempDir,
    environment: Vec<(String, String)>,
    flags: Vec<String>,
    /// The user that freezerd runs as. `None` means the user who runs the tests.
    user: Option<u32>,
}

impl Default for Host {
    fn default() -> Host {
        Host::new()
    }
}

impl Host {
    /// An empty host. Its time zone is UTC.
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

    /// A host whose freezerd cannot read other users' files. `None`, with a line that says so, if that is impossible.
    pub fn unprivileged() -> Option<Host> {
        if !is_root() {
            return Some(Host::new());
        }
        Host::of_user(NOBODY)
    }

    /// A host whose freezerd runs as this user. `None`, with a line that says so, if that is impossible.
    pub fn of_user(user: u32) -> Option<Host> {
        if !is_root() {
            println!("SKIPPED: only root can run freezerd as another user");
            return None;
        }
        let mut host = Host::new();
        host.user = Some(user);
        for dir in ["", "jobs.d", "work"] {
            std::os::unix::fs::chown(host.path(dir), Some(user), Some(user)).expect("its owner");
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

    /// Runs a freezerd command of this host as another user. `None`, with a line that says so, if that is impossible.
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

    /// A path in the root directory.
    pub fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// Writes a job file as an editor does: writes a temporary file and renames it.
    pub fn put(&self, name: &str, document: Value) {
        self.put_text(&format!("{name}.json"), &format!("{document:#}"));
    }

    /// The same for any file name and content.
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

    /// Writes a file in the root directory, and creates the directories above it.
    pub fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("its directories");
        fs::write(&path, content).expect("a file");
        path
    }

    /// The content of a file in the root directory.
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
            // The configuration of the test machine must not apply.
            .env("FREEZERD_CONFIG", self.path("freezerd.toml"))
            .env("FREEZERD_STOP_GRACE", "5 seconds")
            // Checks that no test has asked for would be jobs, too.
            .env("FREEZERD_CHECK_EVERY", "never")
            .env("FREEZERD_KEY_COST", "1024")
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

    /// Runs `freezerd run --once`.
    pub fn once(&self) -> Ran {
        self.freezerd(&["run", "--once", "--json"])
    }

    /// Starts the daemon and waits until it is ready.
    pub fn start(&self) -> Daemon {
        let daemon = self.launch();
        // Earlier lines about jobs stay for later calls.
        daemon.listen(
            |line| line.job.is_empty(),
            |line| line.message.starts_with("ready"),
        );
        daemon
    }

    /// Starts the daemon without waiting.
    pub fn launch(&self) -> Daemon {
        self.launch_command(self.command(&["run", "--log-format", "json", "--log-level", "debug"]))
    }

    /// Starts the daemon with a command that the test has prepared.
    pub fn launch_command(&self, command: Command) -> Daemon {
        Daemon::start(command)
    }

    /// A job as `freezerd show --json` prints it.
    #[track_caller]
    pub fn show(&self, job: &str) -> Value {
        let ran = self.freezerd(&["show", job, "--json"]).exits(0);
        ran.json()
    }

    /// The live `job_schedule` of a job, as `freezerd show --json` prints it.
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

    /// The ids of all known jobs, in order.
    #[track_caller]
    pub fn jobs(&self) -> Vec<String> {
        let list = self.json(&["list"]);
        let jobs = list["jobs"].as_array().expect("a list of jobs");
        jobs.iter()
            .map(|job| job["job_id"].as_str().expect("an id").to_owned())
            .collect()
    }

    /// What `freezerd list` says of a file that is not loaded.
    #[track_caller]
    pub fn not_loaded(&self, file: &str) -> Option<Value> {
        let list = self.json(&["list"]);
        let files = list["files"].as_array().expect("a list of files");
        files.iter().find(|entry| entry["file"] == file).cloned()
    }

    /// The rows of a job, newest first.
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

    /// Sends the daemon a request, and returns its answer.
    #[track_caller]
    pub fn ask(&self, command: &str, job: &str) -> String {
        let ran = self.freezerd(&[command, job, "--json"]).exits(0);
        ran.json()["answer"].as_str().expect("an answer").to_owned()
    }

    /// A gate at a path in the root directory.
    pub fn gate(&self, name: &str) -> Gate {
        Gate::new(self.path(name))
    }

    /// The ledger, opened for reading.
    pub fn ledger(&self) -> Reader {
        freezerd::ledger::open_read_only(&self.path("state/ledger.redb")).expect("a ledger")
    }

    /// The attempts of a run, in order.
    pub fn attempts(&self, run: u64) -> Vec<AttemptRecord> {
        self.ledger().attempts(run).expect("the attempts")
    }

    /// Moves every instant of a job in the ledger into the past, as if that much time had passed. No daemon may run.
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

    /// The ledger, opened for writing. No daemon may run. This waits for the lock: a child that a killed daemon or
    /// another test has just forked holds it until the child executes its own program.
    #[track_caller]
    pub fn free_ledger(&self) -> RedbLedger {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match RedbLedger::open(&self.path("state/ledger.redb")) {
                Err(LedgerError::InUse { .. }) if Instant::now() < deadline => {
                    std::thread::sleep(Duration::from_millis(10));
                }
                opened => return opened.expect("a ledger that is free"),
            }
        }
    }

    /// Changes the record of a job in the ledger. No daemon may run.
    #[track_caller]
    pub fn edit_job(&self, job: &str, change: impl FnOnce(&mut JobRecord)) {
        let mut store = self.free_ledger();
        let jobs = store
            .reader()
            .and_then(|reader| reader.jobs())
            .expect("the jobs");
        let mut record = jobs
            .into_iter()
            .find(|record| record.job_id == job)
            .expect("the job");
        change(&mut record);
        store
            .commit(&[Write::Job(Box::new(record))])
            .expect("a commit");
    }
}
