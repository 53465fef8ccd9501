//! Commands that get a message.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use serde_json::Value;

use crate::harness::Host;
use crate::{accepts, fails, with};

/// A host whose receiver is this script.
fn script(text: &str, more: &str) -> Host {
    let host = with("");
    let program = host.file("tell", &format!("#!/bin/sh\n{text}\n"));
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    host.file(
        "freezerd.toml",
        &format!(
            "[notify.r]\ntype = \"command\"\ncommand = [\"{}\", \"two words\"]\n{more}",
            program.display()
        ),
    );
    host
}

#[test]
fn a_command_gets_the_message_as_json_and_the_facts_in_its_environment() {
    let host = script("cat > got\nenv > environment\necho \"$1\" > argument", "");
    accepts(&host);
    let document: Value = serde_json::from_str(&host.read("work/got")).unwrap();
    assert_eq!(document["kind"], "test");
    let environment = host.read("work/environment");
    for (name, _) in freezerd::tell::send::program::VARIABLES {
        assert!(environment.contains(&format!("{name}=")), "{name}");
    }
    let id = format!("FREEZERD_NOTICE_ID={}\n", document["id"].as_str().unwrap());
    assert!(environment.contains(&id), "{environment}");
    assert!(environment.contains("FREEZERD_NOTICE_KIND=test\n"));
    assert_eq!(host.read("work/argument"), "two words\n");
}

#[test]
fn a_command_that_does_not_read_the_message_has_accepted_it_all_the_same() {
    accepts(&script("exec <&-\nexit 0", ""));
}

#[test]
fn a_command_that_fails_says_why_in_its_last_line() {
    let host = script(
        "echo first >&2; echo 'no network' >&2; echo >&2; exit 3",
        "",
    );
    let one = fails(&host, "temporary", "(exit status: 3): no network");
    assert!(!one.to_string().contains("first"), "{one}");
    fails(&script("exit 75", ""), "temporary", "(exit status: 75)");
    fails(&script("exit 78", ""), "permanent", "(exit status: 78)");
    fails(&script("kill -9 $$", ""), "temporary", "signal: 9");
    let host = with("[notify.r]\ntype = \"command\"\ncommand = [\"/no/such/program\"]\n");
    fails(&host, "misconfigured", "/no/such/program cannot be run");
}

#[test]
fn a_command_that_takes_too_long_is_killed_with_all_that_it_started() {
    let host = script("sleep 1000 > ../fifo &\nwait", "timeout = \"1 second\"\n");
    let fifo = host.path("fifo");
    assert!(
        Command::new("mkfifo")
            .arg(&fifo)
            .status()
            .unwrap()
            .success()
    );
    // It ends when nobody has the other end open any more.
    let reader = std::thread::spawn(move || {
        for _ in 0..2 {
            std::fs::read(&fifo).unwrap();
        }
    });
    fails(&host, "temporary", "not answered within 1 s");
    reader.join().unwrap();
}
