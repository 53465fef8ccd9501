//! The daemon's manners as a service: what it tells the service manager, which signals it heeds, what its log looks
//! like, and what it never lets out.

mod harness;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::process::Stdio;

use harness::{Daemon, Host, PATIENCE, backup, eventually, exec, is_alive, now, restore, someday};
use rustix::process::Signal;
use serde_json::{Value, json};

/// A service manager that listens.
struct Manager(UnixDatagram);

impl Manager {
    fn new(host: &Host) -> Manager {
        let socket = UnixDatagram::bind(host.path("notify")).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Manager(socket)
    }

    /// Starts a daemon that knows of it.
    fn start(&self, host: &Host, watchdog: Option<&str>) -> Daemon {
        let mut command = host.command(&["run", "--log-format", "json"]);
        command.env("NOTIFY_SOCKET", host.path("notify"));
        if let Some(microseconds) = watchdog {
            command.env("WATCHDOG_USEC", microseconds);
        }
        host.launch_command(command)
    }

    /// The next message.
    fn hears(&self) -> String {
        let mut buffer = [0; 4096];
        let length = self.0.recv(&mut buffer).expect("a message in time");
        String::from_utf8_lossy(&buffer[..length]).trim().to_owned()
    }

    /// The next message that contains this.
    fn hears_of(&self, text: &str) -> String {
        loop {
            let message = self.hears();
            if message.contains(text) {
                return message;
            }
        }
    }
}

#[test]
fn the_service_manager_hears_when_it_is_ready_and_when_it_stops() {
    let host = Host::new().job("a", someday(vec![exec("true")]));
    let manager = Manager::new(&host);
    let daemon = manager.start(&host, None);
    assert_eq!(manager.hears(), "READY=1", "nothing comes before that");
    assert_eq!(host.jobs(), ["a"], "and all is loaded by then");
    daemon.signal(Signal::TERM);
    let message = manager.hears_of("STOPPING=1");
    assert!(
        message.contains("EXTEND_TIMEOUT_USEC="),
        "running actions get their time: {message}"
    );
    assert!(daemon.stop().success());
}

#[test]
fn its_status_line_says_how_many_jobs_there_are_what_runs_and_what_comes() {
    let host = Host::new();
    let gate = host.gate("gate");
    let manager = Manager::new(&host);
    let daemon = manager.start(&host, None);
    assert_eq!(
        manager.hears_of("STATUS="),
        "STATUS=0 jobs, 0 running, nothing to come"
    );
    host.put("a", someday(vec![gate.action()]));
    let next = "next run at 2999-01-01 00:00:00";
    assert_eq!(
        manager.hears_of("STATUS="),
        format!("STATUS=1 job, 0 running, {next}")
    );
    host.trigger("a");
    assert_eq!(
        manager.hears_of("STATUS="),
        format!("STATUS=1 job, 1 running, {next}")
    );
    gate.pass();
    daemon.run_of("a");
    assert_eq!(
        manager.hears_of("STATUS="),
        format!("STATUS=1 job, 0 running, {next}")
    );
}

#[test]
fn the_watchdog_hears_from_it_more_often_than_it_asks_for() {
    let host = Host::new();
    let manager = Manager::new(&host);
    let daemon = manager.start(&host, Some("400000"));
    manager.hears_of("WATCHDOG=1");
    let start = std::time::Instant::now();
    for _ in 0..4 {
        manager.hears_of("WATCHDOG=1");
    }
    assert!(
        start.elapsed().as_millis() >= 600,
        "every 200 ms, and not without a pause"
    );
    // A daemon that hangs says nothing: the word comes from its loop.
    daemon.signal(Signal::STOP);
    let quiet = |manager: &Manager| {
        let wait = Some(std::time::Duration::from_millis(400));
        manager.0.set_read_timeout(wait).unwrap();
        let mut buffer = [0; 64];
        manager.0.recv(&mut buffer).is_err()
    };
    eventually("it is quiet", || quiet(&manager));
    daemon.signal(Signal::CONT);
}

#[test]
fn commands_do_not_inherit_what_is_between_the_daemon_and_its_manager() {
    let host = Host::new();
    let manager = Manager::new(&host);
    let daemon = manager.start(&host, Some("10000000"));
    host.put("a", now(vec![exec("env")]));
    daemon.run_of("a");
    let log = host.freezerd(&["log", "a"]).exits(0).stdout();
    assert!(log.contains("FREEZERD_JOB_ID=a"), "{log}");
    assert!(
        !log.contains("NOTIFY_SOCKET") && !log.contains("WATCHDOG"),
        "{log}"
    );
}

#[test]
fn sigint_stops_it_as_sigterm_does() {
    let host = Host::new();
    let gate = host.gate("gate");
    let command = format!(
        "echo $$ > '{}'; {}",
        host.path("pid").display(),
        gate.wait()
    );
    host.put("a", someday(vec![exec(&command)]));
    let daemon = host.start();
    let run = host.trigger("a");
    eventually("it runs", || {
        host.path("pid").exists() && host.read("pid").ends_with('\n')
    });
    daemon.signal(Signal::INT);
    daemon.until(|line| line.message == "stopped");
    assert_eq!(host.run(run)["state"], "interrupted");
    eventually("its command is gone", || !is_alive(&host.read("pid")));
}

#[test]
fn sighup_does_not_end_it() {
    let host = Host::new();
    let daemon = host.start();
    daemon.signal(Signal::HUP);
    host.put("a", someday(vec![exec("true")]));
    daemon.says("a", "loaded");
    assert!(daemon.stop().success());
}

// ---------------------------------------------------------------- the log

#[test]
fn a_log_in_json_is_one_object_a_line() {
    let host = Host::new().job("a", someday(vec![exec("exit 3")]));
    host.put_text("bad.json", "{\n\"job_actions\": 1,\n");
    let daemon = host.start();
    let run = host.trigger("a");
    daemon.run_of("a");
    let log = daemon.log();
    let lines: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    for line in &lines {
        let time = line["timestamp"].as_str().unwrap();
        chrono::DateTime::parse_from_rfc3339(time).unwrap();
        assert!(["DEBUG", "INFO", "WARN", "ERROR"].contains(&line["level"].as_str().unwrap()));
        assert!(!line["message"].as_str().unwrap().is_empty());
    }
    let of_run: Vec<&Value> = lines.iter().filter(|line| line["run"] == run).collect();
    assert!(of_run.len() >= 4);
    assert!(of_run.iter().all(|line| line["job"] == "a"));
    let report = lines
        .iter()
        .find(|line| line["message"].as_str().unwrap().contains("bad.json"))
        .unwrap();
    assert!(
        report["message"].as_str().unwrap().lines().count() > 1,
        "a report of many lines is one object"
    );
}

#[test]
fn a_log_for_people_has_the_time_the_job_and_plain_words() {
    let host = Host::new();
    host.put("a", now(vec![exec("exit 3")]));
    let ran = host.freezerd(&["run", "--once"]).exits(1);
    let log = ran.stderr();
    let line = log
        .lines()
        .find(|line| line.contains("exit code 3"))
        .unwrap();
    let (time, rest) = line.split_at(8);
    assert!(
        chrono::NaiveTime::parse_from_str(time, "%H:%M:%S").is_ok(),
        "{line}"
    );
    assert!(rest.starts_with(" error: a: exec failed after "), "{line}");
    assert!(!log.contains('\x1b'), "no colours where nobody sees them");
}

#[test]
fn a_level_leaves_out_what_matters_less() {
    let host = Host::new().job("a", now(vec![exec("exit 3")]));
    let log = host
        .freezerd(&["run", "--once", "--log-level", "error"])
        .exits(1)
        .stderr();
    assert!(log.lines().all(|line| line.contains("error: ")), "{log}");
    assert!(log.contains("exit code 3"));
}

// ---------------------------------------------------------------- secrets

/// The command lines of a process and of all that descend from it.
fn command_lines(ancestor: u32) -> Vec<(u32, String)> {
    let mut parents = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let Some(pid) = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse::<u32>().ok())
        else {
            continue;
        };
        let Ok(stat) = fs::read_to_string(entry.path().join("stat")) else {
            continue;
        };
        let Some((_, rest)) = stat.rsplit_once(") ") else {
            continue;
        };
        let parent = rest
            .split_whitespace()
            .nth(1)
            .and_then(|parent| parent.parse::<u32>().ok());
        parents.push((pid, parent.unwrap_or(0)));
    }
    let mut family = vec![ancestor];
    let mut next = 0;
    while next < family.len() {
        let parent = family[next];
        family.extend(
            parents
                .iter()
                .filter(|(_, it)| *it == parent)
                .map(|(pid, _)| *pid),
        );
        next += 1;
    }
    family
        .into_iter()
        .map(|pid| {
            let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            (pid, String::from_utf8_lossy(&line).replace('\0', " "))
        })
        .collect()
}

/// The files below a directory that contain a text.
fn files_with(directory: &std::path::Path, text: &str) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    let mut pending = vec![directory.to_owned()];
    while let Some(directory) = pending.pop() {
        for entry in fs::read_dir(directory).unwrap().flatten() {
            let path = entry.path();
            if entry.file_type().unwrap().is_dir() {
                pending.push(path);
            } else if fs::read(&path).is_ok_and(|bytes| contains(&bytes, text.as_bytes())) {
                found.push(path);
            }
        }
    }
    found
}

fn contains(bytes: &[u8], text: &[u8]) -> bool {
    bytes.windows(text.len()).any(|window| window == text)
}

#[test]
fn a_password_is_in_no_argument_no_log_and_not_in_the_ledger() {
    const PASSWORD: &str = "Kor-rekt-Pferd-Batterie";
    let host = Host::new();
    let pass = host.file("pass", &format!("{PASSWORD}\n"));
    let wrong = host.file("wrong", &format!("not-{PASSWORD}\n"));
    for file in [&pass, &wrong] {
        fs::set_permissions(file, fs::Permissions::from_mode(0o600)).unwrap();
    }
    let source = host.file("source/file", "content");
    let (container, target) = (host.path("container"), host.path("target"));
    let with = |mut action: Value, pass: &std::path::Path| {
        action["freezer_action"]["encrypt_pass_file"] = json!(pass);
        action["freezer_action"]["log_file"] = json!(host.path("state/action.log"));
        action
    };
    let daemon = host.start();
    host.put(
        "save",
        now(vec![
            with(backup(source.parent().unwrap(), &container), &pass),
            with(restore(&container, &target), &pass),
        ]),
    );
    daemon.run_of("save");
    // Its agent is looked at while it waits for the container.
    let lock = fs::File::open(&container).unwrap();
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).unwrap();
    host.trigger("save");
    eventually("its agent waits", || {
        !host.show("save")["x-freezerd"]["progress"]["waiting"].is_null()
    });
    let lines = command_lines(daemon.id());
    assert!(lines.len() >= 2, "the daemon and its agent: {lines:?}");
    for (pid, line) in &lines {
        assert!(!line.contains(PASSWORD), "process {pid}: {line}");
    }
    drop(lock);
    daemon.run_of("save");
    host.put(
        "wrong",
        now(vec![with(restore(&container, &target), &wrong)]),
    );
    let end = daemon.run_of("wrong");
    assert!(
        end.message.contains("password"),
        "a wrong one is told as such: {}",
        end.message
    );
    assert!(!daemon.log().contains(PASSWORD));
    assert_eq!(
        files_with(&host.path("state"), PASSWORD),
        [""; 0].map(std::path::PathBuf::from)
    );
}

#[test]
fn a_commands_text_is_in_no_log_and_in_the_arguments_of_its_shell_alone() {
    const TOKEN: &str = "token-nobody-should-read";
    let host = Host::new();
    let gate = host.gate("gate");
    let command = format!("TOKEN={TOKEN}; {}; exit 5", gate.wait());
    host.put("a", someday(vec![exec(&command)]));
    let daemon = host.start();
    host.trigger("a");
    let shell = |line: &str| line.starts_with("/bin/sh -c ");
    eventually("its shell runs", || {
        command_lines(daemon.id())
            .iter()
            .any(|(_, line)| shell(line))
    });
    for (pid, line) in command_lines(daemon.id()) {
        assert!(
            shell(&line) || !line.contains(TOKEN),
            "process {pid}: {line}"
        );
    }
    let listed = host.freezerd(&["list"]).exits(0).stdout();
    assert!(!listed.contains(TOKEN), "{listed}");
    gate.pass();
    daemon.run_of("a");
    assert!(!daemon.log().contains(TOKEN));
    for place in ["state/logs", "state/events", "state/runtime"] {
        assert!(files_with(&host.path(place), TOKEN).is_empty(), "{place}");
    }
    let history = host.freezerd(&["history", "--json"]).exits(0).stdout();
    assert!(!history.contains(TOKEN), "{history}");
}

#[test]
fn no_output_goes_to_standard_output_but_what_was_asked_for() {
    let host = Host::new().job("a", now(vec![exec("echo noise")]));
    let output = host
        .command(&["run", "--once", "--json"])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(summary["runs"][0]["result"], "success");
}

// ---------------------------------------------------------------- making way for a newer version

/// The exit code that tells the service manager to start the newer version.
const START_AGAIN: i32 = 79;

#[test]
fn sigusr1_lets_a_running_action_succeed_and_then_makes_way() {
    let host = Host::new();
    let gate = host.gate("gate");
    // The second action of the same run is not cut off from the first.
    host.put("a", someday(vec![gate.action(), gate.action()]));
    let manager = Manager::new(&host);
    let daemon = manager.start(&host, None);
    manager.hears_of("READY=1");
    let run = host.trigger("a");
    daemon.says("a", "started");
    daemon.signal(Signal::USR1);
    manager.hears_of("makes way for a new start when nothing runs");
    // It goes on as usual: what comes due meanwhile runs too.
    host.put("b", now(vec![exec("true")]));
    assert!(daemon.run_of("b").message.contains("succeeded"));
    gate.pass();
    gate.pass();
    assert_eq!(daemon.end().code(), Some(START_AGAIN));
    assert_eq!(host.run(run)["result"], "success");
    assert_eq!(host.run(run)["state"], "ended");
    assert_eq!(host.history("b").len(), 1);
    // The next one goes on.
    let daemon = host.start();
    let run = host.trigger("a");
    gate.pass();
    gate.pass();
    assert!(daemon.run_of("a").message.contains("succeeded"));
    assert_eq!(host.run(run)["trigger"], "manual");
    assert_eq!(host.history("a").len(), 2, "nothing was made up for");
}

#[test]
fn sigusr1_makes_way_at_once_where_nothing_runs() {
    let host = Host::new().job("a", someday(vec![exec("true")]));
    let manager = Manager::new(&host);
    let daemon = manager.start(&host, None);
    manager.hears_of("READY=1");
    daemon.signal(Signal::USR1);
    manager.hears_of("STATUS=making way for a new start");
    assert_eq!(daemon.end().code(), Some(START_AGAIN));
}

#[test]
fn a_second_sigusr1_starts_nothing_new_and_what_came_due_is_done_by_the_next() {
    let host = Host::new();
    let gate = host.gate("gate");
    host.put("a", someday(vec![gate.action(), exec("true")]));
    let daemon = host.start();
    let cut = host.trigger("a");
    daemon.says("a", "started");
    daemon.signal(Signal::USR1);
    daemon.until(|line| line.message.contains("asked to make way"));
    daemon.signal(Signal::USR1);
    daemon.until(|line| line.message.contains("nothing new is started"));
    host.put("b", now(vec![exec("true")]));
    eventually("b is claimed", || {
        host.jobs().contains(&"b".to_owned()) && host.history("b").len() == 1
    });
    assert_eq!(host.history("b")[0]["state"], "queued");
    gate.pass();
    assert_eq!(daemon.end().code(), Some(START_AGAIN));
    // The run stands between its two actions; nothing is repeated, nothing is lost.
    let daemon = host.start();
    assert!(daemon.run_of("a").message.contains("succeeded"));
    assert!(daemon.run_of("b").message.contains("succeeded"));
    assert_eq!(host.run(cut)["result"], "success");
    assert_eq!(host.attempts(cut).len(), 2, "each action once");
    assert_eq!(host.history("a").len(), 1);
    assert_eq!(host.history("b").len(), 1);
}

#[test]
fn a_retry_that_waits_for_its_time_waits_on_in_the_next_daemon() {
    let host = Host::new();
    let mark = host.path("mark");
    let command = format!("test -e '{}'", mark.display());
    let mut action = exec(&command);
    action["max_retries"] = json!(1);
    action["max_retries_interval"] = json!(3);
    host.put("a", someday(vec![action]));
    let daemon = host.start();
    let run = host.trigger("a");
    daemon.says("a", "failed after");
    daemon.signal(Signal::USR1);
    assert_eq!(daemon.end().code(), Some(START_AGAIN));
    assert_eq!(host.run(run)["state"], "waiting");
    fs::write(&mark, "").unwrap();
    let daemon = host.start();
    assert!(daemon.run_of("a").message.contains("succeeded"));
    assert_eq!(host.attempts(run).len(), 2);
}

#[test]
fn a_program_that_was_replaced_on_disk_goes_on_with_agents_of_its_own() {
    let host = Host::new();
    let program = host.path("freezerd");
    fs::copy(env!("CARGO_BIN_EXE_freezerd"), &program).unwrap();
    let known = host.command(&["run", "--log-format", "json"]);
    let mut command = std::process::Command::new(&program);
    command.args(known.get_args()).env_clear();
    for (name, value) in known.get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    let daemon = host.launch_command(command);
    daemon.until(|line| line.message.starts_with("ready"));
    // As dpkg and rpm do it: another file takes the name.
    host.file("new", "#!/bin/sh\nexit 1\n");
    fs::set_permissions(host.path("new"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::rename(host.path("new"), &program).unwrap();
    host.put("a", now(vec![exec("true")]));
    assert!(daemon.run_of("a").message.contains("succeeded"));
}

#[test]
fn sigterm_stops_a_daemon_that_was_about_to_make_way() {
    let host = Host::new();
    let gate = host.gate("gate");
    host.put("a", someday(vec![gate.action()]));
    let daemon = host.start();
    let run = host.trigger("a");
    daemon.says("a", "started");
    daemon.signal(Signal::USR1);
    assert!(
        daemon.stop().success(),
        "stopped is stopped, not started again"
    );
    assert_eq!(host.run(run)["state"], "interrupted");
}

// ---------------------------------------------------------------- credentials

#[test]
fn a_pass_file_may_be_a_credential_of_the_service() {
    let host = Host::new();
    let source = host.file("data/file", "content");
    host.file("credentials/disk", "secret\n");
    host.file("credentials/other", "wrong\n");
    fs::set_permissions(
        host.path("credentials/disk"),
        fs::Permissions::from_mode(0o400),
    )
    .unwrap();
    let container = host.path("container");
    let mut action = backup(source.parent().unwrap(), &container);
    action["freezer_action"]["encrypt_pass_file"] = json!("%d/disk");
    host.put("a", now(vec![action]));
    // Not given: the run fails, and says how to give it.
    host.once().exits(1);
    let log = host.freezerd(&["log", "a"]).exits(0).stdout();
    assert!(log.contains("LoadCredential=disk:"), "{log}");
    assert!(!container.join("config").exists(), "nothing was made");
    // Given, it is the password.
    let host = host.env(
        "CREDENTIALS_DIRECTORY",
        &host_path_of("credentials", &source),
    );
    let daemon = host.start();
    host.trigger("a");
    assert!(daemon.run_of("a").message.contains("succeeded"));
    let place = container.display().to_string();
    let with = |pass: &str| {
        host.freezerd(&[
            "snapshots",
            "--container",
            &place,
            "--encrypt-pass-file",
            pass,
        ])
    };
    let listed = with(&host.path("credentials/disk").display().to_string()).exits(0);
    assert!(listed.stdout().contains("data"));
    with("%d/disk").exits(0);
    assert_ne!(with("%d/other").code(), 0);
    let missing = with("%d/none");
    assert_ne!(missing.code(), 0);
    assert!(
        missing.stderr().contains("credentials/none"),
        "{}",
        missing.stderr()
    );
}

/// A place beside another's directory.
fn host_path_of(name: &str, file: &std::path::Path) -> String {
    let root = file.parent().and_then(std::path::Path::parent).unwrap();
    root.join(name).display().to_string()
}

#[test]
fn a_credential_that_cannot_be_one_is_a_fault_of_the_file() {
    let host = Host::new();
    for written in ["%d", "%d/../shadow", "%d/a/b"] {
        let mut action = backup(&host.path("work"), &host.path("container"));
        action["freezer_action"]["encrypt_pass_file"] = json!(written);
        host.put("a", someday(vec![action]));
        let report = host.json(&["check"]);
        let codes: Vec<&str> = report["diagnostics"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it["code"].as_str().unwrap())
            .collect();
        assert!(codes.contains(&"bad-path"), "{written}: {report:#}");
    }
    let mut action = backup(&host.path("work"), &host.path("container"));
    action["freezer_action"]["encrypt_pass_file"] = json!("%d/disk");
    host.put("a", someday(vec![action]));
    host.freezerd(&["check", "--strict"]).exits(0);
}

#[test]
fn the_journal_gets_each_line_with_its_level_and_the_job_that_it_is_about() {
    let host = Host::new().env("JOURNAL_STREAM", "8:1");
    host.put("a", now(vec![exec("true")]));
    host.put_text("bad.json", "{");
    let log = host.freezerd(&["run", "--once"]).stderr();
    assert!(
        log.lines()
            .any(|line| line.starts_with("<6>a: run 1 started")),
        "{log}"
    );
    assert!(
        log.lines()
            .any(|line| line.starts_with("<3>bad.json is not a valid job")),
        "{log}"
    );
    let levels = |line: &str| {
        ["<3>", "<4>", "<6>"]
            .iter()
            .any(|level| line.starts_with(level))
    };
    assert!(
        log.lines().all(levels),
        "each line of a drawing too:\n{log}"
    );
}
