//! Commands: their environment and outcomes. When the agent is told to end, no process of a command survives.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use freezerd::agent::ENDED;
use freezerd::job::action::{Exec, Work};
use freezerd::protocol::{Report, Task, Verdict};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::support::*;

fn told_to_end(agent: &Agent) {
    kill_process(Pid::from_child(&agent.child), Signal::TERM).unwrap();
}

/// Checks that the agent ended before its work was done, and reported no outcome.
fn assert_ended(ended: &Ended) {
    assert_eq!(ended.status.code(), Some(ENDED), "{ended:#?}");
    assert!(
        !ended
            .reports
            .iter()
            .any(|report| matches!(report, Report::Outcome(_))),
        "{ended:#?}"
    );
}

#[test]
fn exit_code_0_is_success_and_the_failure_names_any_other() {
    assert_eq!(succeed(shell("true")).summary.exit_code, Some(0));
    let ended = fail(shell("exit 3"), Verdict::Failed, &["exit code 3"]);
    assert_eq!(ended.outcome().summary.exit_code, Some(3));
    let ended = fail(shell("kill -KILL $$"), Verdict::Failed, &["signal 9"]);
    assert_eq!(
        (
            ended.outcome().summary.exit_code,
            ended.outcome().summary.signal
        ),
        (None, Some(9))
    );
    fail(
        shell("/no/such/program --password hunter2"),
        Verdict::FailedForGood,
        &["exit code 127", "not found"],
    );
    fail(
        shell("/etc/passwd"),
        Verdict::FailedForGood,
        &["exit code 126", "cannot be executed"],
    );
    fail(
        words(&["/no/such/program"]),
        Verdict::FailedForGood,
        &["/no/such/program", "cannot be started"],
    );
    fail(
        words(&["/etc"]),
        Verdict::FailedForGood,
        &["cannot be started"],
    );
    fail(words(&[]), Verdict::FailedForGood, &["is empty"]);
}

#[test]
fn a_list_of_words_is_run_without_a_shell() {
    let ended = run(words(&["printf", "<%s>\\n", "a b", "$HOME", ";", "*"]));
    assert_eq!(ended.outcome().verdict, Verdict::Success);
    let printed: Vec<_> = ended
        .log
        .iter()
        .filter(|line| line.starts_with('<'))
        .cloned()
        .collect();
    assert_eq!(printed, ["<a b>", "<$HOME>", "<;>", "<*>"]);
}

#[test]
fn both_outputs_go_to_the_log_and_the_command_inherits_no_pipe() {
    let ended = run(shell(
        "echo to-output; echo to-errors >&2; cat; \
         for fd in /proc/$PPID/fd/[01]; do echo agent $(readlink $fd); done; \
         for fd in /proc/$$/fd/*; do echo command $(readlink $fd); done",
    ));
    assert_eq!(ended.outcome().verdict, Verdict::Success);
    for line in ["to-output", "to-errors", "command /dev/null"] {
        assert!(
            ended.log.iter().any(|logged| logged == line),
            "{line}: {ended:#?}"
        );
    }
    let open = |whose: &str| -> Vec<String> {
        ended
            .log
            .iter()
            .filter_map(|line| line.strip_prefix(whose))
            .map(str::to_owned)
            .collect()
    };
    let (agents, commands) = (open("agent "), open("command "));
    assert_eq!(agents.len(), 2, "{ended:#?}");
    assert!(
        agents
            .iter()
            .all(|pipe| pipe.starts_with("pipe:") && !commands.contains(pipe)),
        "{ended:#?}"
    );
    assert_eq!(ended.reports.len(), 1, "{ended:#?}");
}

#[test]
fn the_environment_names_the_job_the_run_and_the_result_so_far() {
    // The tests themselves set FREEZERD_KEY_COST.
    let list = "env | grep -E '^(FREEZERD_|NOTIFY_)' | grep -v '^FREEZERD_KEY_COST=' | sort";
    let mut request = request(shell(list));
    request.action_index = 2;
    request.attempt = 3;
    request.result_so_far = "fail".to_owned();
    let ended = Agent::start_with(
        Command::new(env!("CARGO_BIN_EXE_freezerd"))
            .arg("agent")
            .env("NOTIFY_SOCKET", "/run/notify"),
        &request,
    )
    .end();
    let printed: Vec<_> = ended
        .log
        .iter()
        .filter(|line| line.contains('='))
        .map(String::as_str)
        .collect();
    assert_eq!(
        printed,
        [
            "FREEZERD_ACTION=2",
            "FREEZERD_ATTEMPT=3",
            "FREEZERD_JOB_ID=nightly-job",
            "FREEZERD_RESULT=fail",
            "FREEZERD_RUN=7",
            "FREEZERD_RUN_TAG=ledger-7",
        ]
    );
}

#[test]
fn no_report_or_log_line_of_the_agent_contains_the_command() {
    for work in [
        shell("PASSWORD=hunter2; exit 1"),
        words(&["false", "--password=hunter2"]),
    ] {
        let ended = run(work);
        assert!(!format!("{ended:?}").contains("hunter2"), "{ended:#?}");
    }
}

#[test]
fn a_dry_run_runs_nothing() {
    let place = Place::new();
    let mark = place.path("mark");
    let ended = run_dry(shell(&format!("touch {}", mark.display())));
    assert_eq!(ended.outcome().verdict, Verdict::Success);
    assert!(ended.said("would run"), "{ended:#?}");
    assert!(!mark.exists());
}

#[test]
fn the_priority_is_low_unless_the_job_asks_for_more() {
    let ended = run(words(&["nice"]));
    assert!(ended.log.iter().any(|line| line == "10"), "{ended:#?}");
    let mut raised = request(words(&["nice"]));
    raised.action.max_priority = true;
    let ended = run_request(&raised);
    let refused = ended.said("the priority stays as it is");
    assert!(
        refused || ended.log.iter().any(|line| line == "-10"),
        "{ended:#?}"
    );
    assert_eq!(ended.outcome().verdict, Verdict::Success);
}

#[test]
fn a_command_that_is_told_to_end_has_time_to_clean_up() {
    let agent = Agent::start(&request(shell(
        "trap 'echo tidied; exit 0' TERM; sleep 1000 & echo ready; wait",
    )));
    agent.wait_for_line("ready");
    told_to_end(&agent);
    agent.wait_for_line("tidied");
    // The log ends when all processes that hold it have ended: the shell and its `sleep`.
    assert_ended(&agent.end());
}

#[test]
fn a_command_that_does_not_end_is_killed_with_all_processes_that_it_started() {
    let mut request = request(shell(
        "trap '' TERM; (trap '' TERM; echo ready; sleep 1000) & wait; sleep 1000",
    ));
    request.grace = Duration::from_millis(200);
    let agent = Agent::start(&request);
    agent.wait_for_line("ready");
    let start = Instant::now();
    told_to_end(&agent);
    let ended = agent.end();
    assert_ended(&ended);
    assert!(
        ended.said("killing it and all that it started"),
        "{ended:#?}"
    );
    assert!(start.elapsed() >= request.grace);
}

#[test]
fn background_processes_of_a_command_end_too_when_the_agent_is_told_to_end() {
    // The shell ends long before the grandchild. The agent waits for the grandchild too.
    let agent = Agent::start(&request(shell(
        "trap 'exit 0' TERM; \
         (trap 'echo grandchild tidied; exit' TERM; sleep 1000 & echo ready; wait) & wait",
    )));
    agent.wait_for_line("ready");
    told_to_end(&agent);
    agent.wait_for_line("grandchild tidied");
    assert_ended(&agent.end());
}

#[test]
fn background_processes_of_a_command_do_not_delay_its_success() {
    let mut agent = Agent::start(&request(shell("sleep 1000 & echo started")));
    let group = Pid::from_child(&agent.child);
    let outcome = loop {
        if let Report::Outcome(outcome) = agent.reports.recv_timeout(PATIENCE).unwrap() {
            break outcome;
        }
    };
    assert_eq!(outcome.verdict, Verdict::Success);
    assert_eq!(agent.child.wait().unwrap().code(), Some(0));
    // The process is still there, in the group that the daemon knows.
    kill_process_group(group, Signal::KILL).unwrap();
    agent.end();
}

#[test]
fn the_agent_ends_when_the_daemon_closes_the_pipe() {
    let mut agent = Agent::start(&request(shell("echo ready; sleep 1000")));
    agent.wait_for_line("ready");
    agent.stdin = None;
    agent.wait_for_line("the daemon, or the command that started this, is gone");
    assert_ended(&agent.end());
}

#[test]
fn the_agent_ends_when_the_daemon_is_killed() {
    // A shell takes the place of the daemon. This test keeps the pipe open, so only the shell's death ends the agent.
    let mut daemon = Command::new("/bin/sh")
        .args([
            "-c",
            "exec 3<&0; \"$0\" agent <&3 & echo $!; wait",
            env!("CARGO_BIN_EXE_freezerd"),
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = daemon.stdin.take().unwrap();
    let task = Task::Perform(Box::new(request(shell("echo ready; sleep 1000"))));
    let line = serde_json::to_string(&task).unwrap();
    stdin.write_all((line + "\n").as_bytes()).unwrap();
    let mut lines = BufReader::new(daemon.stderr.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap() == "ready"));
    daemon.kill().unwrap();
    daemon.wait().unwrap();
    // The log ends, so the agent, the shell and `sleep` have ended.
    assert!(lines.any(|line| line.unwrap() == "told to end: telling the command to end"));
    assert_eq!(lines.count(), 0);
    drop(stdin);
}

#[test]
fn a_backup_that_is_told_to_end_leaves_a_repository_that_is_valid() {
    let place = Place::new();
    place.write("source/small", "x");
    place.back_up();
    let noise = noise(16_000_000);
    for number in 0..4 {
        let mut content = noise.clone();
        content[0] = number;
        place.write(&format!("source/large-{number}"), content);
    }
    let agent = Agent::start(&request(Work::Backup(place.backup())));
    agent.wait_for_line("backing up");
    told_to_end(&agent);
    assert_ended(&agent.end());
    assert_eq!(
        freezerd::agent::list_snapshots(&place.container(), &Default::default())
            .unwrap()
            .len(),
        1
    );
    succeed(place.check(true));
    for number in 0..4 {
        fs::remove_file(place.path(&format!("source/large-{number}"))).unwrap();
    }
    place.back_up();
}

#[test]
fn an_invalid_request_is_refused_without_repeating_its_content() {
    for line in ["{\"hunter2\":", "[1]", "\"\"", "nonsense hunter2"] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_freezerd"))
            .arg("agent")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(format!("{line}\n").as_bytes())
            .unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        let log = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            log.contains("cannot be understood") && !log.contains("hunter2"),
            "{log}"
        );
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn a_command_as_text_and_as_words_reaches_the_agent_unchanged() {
    for command in [shell("a b"), words(&["a", "b"])] {
        let Work::Exec(Exec { command }) = command else {
            unreachable!()
        };
        let text = serde_json::to_string(&command).unwrap();
        assert_eq!(
            serde_json::from_str::<freezerd::job::action::Command>(&text).unwrap(),
            command
        );
    }
}
