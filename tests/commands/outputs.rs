//! Outputs that cannot be written: a full disk, a reader that is gone.

use std::fs::{File, OpenOptions};
use std::process::Stdio;

use crate::harness::{Host, exec, now, someday};

fn full() -> File {
    OpenOptions::new().write(true).open("/dev/full").unwrap()
}

#[test]
fn a_command_whose_output_cannot_be_written_fails_without_a_panic() {
    let host = Host::new().job("later", someday(vec![exec("true")]));
    host.put("a", now(vec![exec("echo hello")]));
    host.once().exits(0);
    for arguments in [
        &["--help"][..],
        &["--version"],
        &["help", "list"],
        &["check"],
        &["check", "--json"],
        &["explain", "unknown-key"],
        &["schema"],
        &["next"],
        &["why", "a"],
        &["list"],
        &["list", "--json"],
        &["show", "a"],
        &["history"],
        &["log", "a"],
        &["status"],
        &["status", "--prometheus"],
        &["state", "export"],
        &["config", "show"],
    ] {
        let mut command = host.command(arguments);
        let output = command.stdout(Stdio::from(full())).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            said.contains("No space left on device"),
            "{arguments:?}: {said}"
        );
        assert!(!said.contains("panicked"), "{arguments:?}: {said}");
        let code = output.status.code().unwrap();
        assert!(code != 0 && code != 101, "{arguments:?}: {code}: {said}");
    }
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
