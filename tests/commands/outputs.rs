//! Outputs that cannot be written: a full disk, a reader that is gone.

use std::fs::{File, OpenOptions};
use std::process::{Output, Stdio};

use super::busy;
use crate::harness::{Host, exec, now};

fn full() -> File {
    OpenOptions::new().write(true).open("/dev/full").unwrap()
}

/// Every command that prints something, on a host that is [`busy`].
const PRINTING: &[&[&str]] = &[
    &["--help"],
    &["--version"],
    &["help", "list"],
    &["check"],
    &["check", "--json"],
    &["explain", "unknown-key"],
    &["schema"],
    &["next"],
    &["why", "save"],
    &["list"],
    &["list", "--json"],
    &["show", "save"],
    &["history"],
    &["log", "save"],
    &["changes", "save"],
    &["status"],
    &["status", "--prometheus"],
    &["doctor"],
    &["state", "export"],
    &["state", "check"],
    &["config", "show"],
    &["run", "--once", "--json"],
    &["cache"],
    &["snapshots", "save"],
    &["snapshots", "save", "--json"],
    &["restore", "save", "--to", "back"],
    &["restore", "save", "--to", "back", "--json"],
    &["drill", "save"],
    &["ls", "save"],
    &["ls", "save", "--json"],
    &["find", "save", "file"],
    &["diff", "save", "--live"],
    &["dump", "save", "/"],
    &["dump", "save", "/", "--target", "archive"],
    &["stats", "save"],
    &["verify", "save"],
    &["repair", "save"],
    &["prune", "save"],
    &["prune", "save", "--json"],
    &["copy", "save", "--to", "/no/such/place", "--dry-run"],
    &["key", "list", "save"],
    &["unlock", "save"],
];

#[test]
fn a_command_whose_output_cannot_be_written_fails_without_a_panic() {
    let host = busy();
    // The second run of `diff` would find nothing to say.
    host.file("source/file", "changed");
    for arguments in PRINTING {
        let mut command = host.command(arguments);
        let output = command.stdout(Stdio::from(full())).output().unwrap();
        is_told(arguments, &output, "No space left on device");
        let mut closed = std::process::Command::new("sh");
        closed.args(["-c", "exec \"$@\" >&-", "sh"]);
        let command = host.command(arguments);
        closed.arg(command.get_program()).args(command.get_args());
        closed.env_clear().current_dir(host.path("work"));
        let environment = command.get_envs();
        closed.envs(environment.filter_map(|(name, value)| Some((name, value?))));
        let output = closed.stdin(Stdio::null()).output().unwrap();
        is_told(arguments, &output, "it is closed");
    }
}

#[track_caller]
fn is_told(arguments: &[&str], output: &Output, text: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains(text), "{arguments:?}: {said}");
    assert!(!said.contains("panicked"), "{arguments:?}: {said}");
    let code = output.status.code().unwrap();
    assert!(code != 0 && code != 101, "{arguments:?}: {code}: {said}");
}

#[test]
fn a_run_whose_log_and_output_cannot_be_written_does_its_work() {
    let host = Host::new();
    for format in ["human", "json", "journal"] {
        host.put(format, now(vec![exec("echo hello")]));
        let mut command = host.command(&["run", "--once", "--json", "--log-format", format]);
        let output = command
            .stdout(Stdio::from(full()))
            .stderr(Stdio::from(full()))
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(73), "{format}");
        assert_eq!(host.history(format)[0]["result"], "success", "{format}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let host = Host::new();
    host.put("a", now(vec![exec("yes | head -c 1000000")]));
    host.once().exits(0);
    let mut child = host
        .command(&["log", "a"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.stderr.is_empty(), "{output:?}");
}

#[test]
fn help_is_a_command_too() {
    let host = Host::new();
    let asked = host.freezerd(&["help", "list"]).exits(0).stdout();
    assert_eq!(asked, host.freezerd(&["list", "--help"]).exits(0).stdout());
    let whole = host.freezerd(&["help"]).exits(0).stdout();
    assert_eq!(whole, host.freezerd(&["--help"]).exits(0).stdout());
    host.freezerd(&["help", "nonsense"]).exits(64);
}
