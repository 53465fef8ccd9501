//! What is the same for every command: help, JSON output and exit codes.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::{busy, idle};
use crate::harness::{Host, exec, now, someday};

/// Commands that print an object for each entry, with arguments as below.
const COMMANDS_WITH_LINES: &[&[&str]] = &[&["ls", "save"], &["find", "save", "file"]];

/// Every other visible command, with arguments that work on a [`busy`] host.
const COMMANDS: &[&[&str]] = &[
    &["run", "--once"],
    &["check"],
    &["next"],
    &["list"],
    &["show", "save"],
    &["history"],
    &["log", "save"],
    &["changes", "save"],
    &["start", "save"],
    &["stop", "save"],
    &["abort", "save"],
    &["remove", "save"],
    &["trigger", "save"],
    &["snapshots", "save"],
    &["restore", "save", "--to", "back"],
    &["drill", "save"],
    &["diff", "save"],
    &["dump", "save", "/", "--target", "archive"],
    &["stats", "save"],
    &["key", "list", "save"],
    &["unlock", "save"],
    &["status"],
    &["doctor"],
    &["state", "check"],
    &["config", "show"],
    &["notify", "--test"],
];

#[test]
fn the_help_of_every_command_has_an_example() {
    let host = Host::new();
    for command in COMMANDS.iter().chain(COMMANDS_WITH_LINES) {
        let name: Vec<&str> = match *command {
            [name @ ("config" | "state" | "key"), second, ..] => vec![name, second],
            [name, ..] => vec![name],
            [] => vec![],
        };
        let mut arguments = name.clone();
        arguments.push("--help");
        let help = host.freezerd(&arguments).exits(0).stdout();
        let example = format!("Example: freezerd {}", name.join(" "));
        assert!(help.contains(&example), "{help}");
        assert!(help.contains("--json"), "{help}");
    }
    let help = host.freezerd(&["--help"]).exits(0).stdout();
    for words in [&["help"][..], &["help", "help"], &["-h"]] {
        let first = host.freezerd(words).exits(0).stdout();
        assert_eq!(first.lines().next(), help.lines().next());
    }
    let all = COMMANDS.iter().chain(COMMANDS_WITH_LINES);
    for name in all.map(|command| command[0]) {
        assert!(
            help.contains(&format!("\n  {name} ")),
            "{name} is listed in\n{help}"
        );
    }
    assert!(
        !help.contains("\n  agent "),
        "what the daemon starts is hidden:\n{help}"
    );
    assert!(help.contains("Exit codes"), "{help}");
}

#[test]
fn every_command_answers_in_json_whether_it_succeeds_or_not() {
    let host = busy();
    for command in COMMANDS {
        let mut arguments = command.to_vec();
        arguments.push("--json");
        let ran = host.freezerd(&arguments);
        let answer = ran.json();
        assert!(answer.is_object());
        let failed = !answer["error"].is_null();
        // The exit codes 4 and 5 are the doctor's result, not a failure.
        let answered = ran.code() == 0 || command[0] == "doctor" && [4, 5].contains(&ran.code());
        assert_eq!(failed, !answered, "{command:?}\n{answer:#}");
        if failed {
            assert_eq!(answer["error"]["exit_code"], ran.code());
            let message = answer["error"]["message"].as_str().unwrap();
            assert!(ran.stderr().contains(message), "{command:?}");
        }
    }
}

#[test]
fn a_list_of_entries_is_lines_of_json() {
    let host = busy();
    for command in COMMANDS_WITH_LINES {
        let mut arguments = command.to_vec();
        arguments.push("--json");
        let lines = host.freezerd(&arguments).exits(0).stdout();
        assert!(!lines.is_empty());
        for line in lines.lines() {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            assert!(line.is_object(), "{command:?}");
        }
        arguments[1] = "unknown";
        let answer = host.freezerd(&arguments).exits(66).json();
        assert_eq!(answer["error"]["exit_code"], 66);
    }
}

#[test]
fn the_five_commands_that_send_requests_answer_in_json_too() {
    let host = Host::new().job("a", someday(vec![exec("true")]));
    let daemon = host.start();
    for (command, accepted) in [
        ("abort", false),
        ("stop", true),
        ("start", true),
        ("trigger", true),
        ("remove", true),
    ] {
        let ran = host
            .freezerd(&[command, "a", "--json"])
            .exits(if accepted { 0 } else { 75 });
        let answer = ran.json();
        assert_eq!(answer["job_id"], "a");
        assert_eq!(answer["command"], command);
        assert_eq!(answer["accepted"], accepted);
        assert!(!answer["answer"].as_str().unwrap().is_empty());
        assert_eq!(answer["run"].is_u64(), command == "trigger");
        if command == "trigger" {
            daemon.run_of("a");
        }
    }
    let said = host.freezerd(&["start", "a"]).exits(0).stdout();
    assert_eq!(said, "a: is back on its schedule\n");
}

#[test]
fn a_job_whose_file_was_just_added_can_be_triggered() {
    let host = Host::new();
    let daemon = host.start();
    host.put("fresh", someday(vec![exec("true")]));
    host.trigger("fresh");
    daemon.run_of("fresh");
    let unknown = host.freezerd(&["trigger", "never"]).exits(66).stderr();
    assert!(unknown.contains("there is no job never"), "{unknown}");
}

#[test]
fn a_wrong_command_line_exits_64() {
    let host = idle();
    for arguments in [
        &[][..],
        &["backup"],
        &["list", "--no-such-flag"],
        &["show"],
        &["run", "--json"],
        &["history", "--limit", "many"],
        &["next", "--now", "tomorrow"],
        &["next", "save", "--job", "file.json"],
        &["snapshots"],
        &["restore", "save"],
        &[
            "restore",
            "--container",
            "x",
            "--backup-name",
            "y",
            "--to",
            "z",
            "--at",
            "yesterday",
        ],
    ] {
        let said = host.freezerd(arguments).exits(64).stderr();
        assert!(!said.is_empty(), "{arguments:?}");
    }
    let said = host.freezerd(&["histroy"]).exits(64).stderr();
    assert!(
        said.contains("history"),
        "it suggests the right one:\n{said}"
    );
}

#[test]
fn an_unknown_name_exits_66_and_the_message_suggests_similar_names() {
    let host = idle();
    for arguments in [
        &["show", "sav"][..],
        &["history", "sav"],
        &["log", "sav"],
        &["next", "sav"],
        &["snapshots", "sav"],
        &["restore", "sav", "--to", "x"],
    ] {
        let said = host.freezerd(arguments).exits(66).stderr();
        assert!(said.contains("did you mean save?"), "{arguments:?}: {said}");
    }
    for (arguments, names) in [
        (&["log", "999"][..], "run 999"),
        (&["next", "--job", "no-such-file.json"], "no-such-file.json"),
        (&["check", "no-such-file.json"], "no-such-file.json"),
        (
            &["snapshots", "--container", "/no/such/container"],
            "/no/such/container",
        ),
        (
            &["run", "--jobs-dir", "/no/such/jobs.d"],
            "mkdir -p /no/such/jobs.d",
        ),
    ] {
        let said = host.freezerd(arguments).exits(66).stderr();
        assert!(said.contains(names), "{arguments:?}: {said}");
    }
    let _daemon = host.start();
    for command in ["start", "stop", "abort", "remove", "trigger"] {
        let said = host.freezerd(&[command, "sav"]).exits(66).stderr();
        assert!(said.contains("did you mean save?"), "{said}");
    }
}

#[test]
fn a_snapshot_that_does_not_exist_exits_66_in_every_command() {
    let host = busy();
    for arguments in [
        &["restore", "save", "--to", "../x", "--snapshot", "zz"][..],
        &["restore", "save", "--to", "../x", "--at", "2001-01-01"],
        &["restore", "save", "--to", "../x", "--path", "/no/such"],
        &[
            "restore",
            "--container",
            "/no/such",
            "--backup-name",
            "x",
            "--to",
            "../x",
        ],
        &["ls", "save", "--snapshot", "zz"],
        &["diff", "save", "zz", "--live"],
        &["dump", "save", "--snapshot", "zz", "/"],
        &["stats", "save", "--snapshot", "zz"],
        &["copy", "save", "--snapshot", "zz", "--to", "/tmp/no"],
        &["adopt", "save", "--snapshot", "zz", "--yes"],
    ] {
        let ran = host.freezerd(arguments).exits(66);
        assert!(!host.path("x").exists(), "{arguments:?}: {}", ran.stderr());
    }
    let restore = [
        "restore",
        "save",
        "--to",
        "../x",
        "--snapshot",
        "zz",
        "--json",
    ];
    let outcome = host.freezerd(&restore).exits(66).json();
    assert_eq!(outcome["missing"], "snapshot");
}

#[test]
fn a_job_whose_file_is_invalid_exits_65_with_the_diagnostics() {
    let host = Host::new();
    host.put_text("bad.json", "{\"job_id\": \"bad\", \"job_actionz\": []}");
    let _daemon = host.start();
    for arguments in [
        &["show", "bad"][..],
        &["trigger", "bad"],
        &["history", "bad"],
        &["next", "bad"],
        &["check"],
    ] {
        let said = host.freezerd(arguments).exits(65).stderr();
        assert!(
            said.contains("job_actionz") && said.contains("job_actions"),
            "{arguments:?}: {said}"
        );
    }
}

#[test]
fn a_directory_that_cannot_be_created_exits_73() {
    let host = Host::new();
    host.file("occupied", "");
    let state = host.path("occupied/state");
    let said = host
        .freezerd(&["run", "--once", "--state-dir", state.to_str().unwrap()])
        .exits(73)
        .stderr();
    assert!(
        said.contains("occupied") && said.contains("--state-dir"),
        "{said}"
    );
}

#[test]
fn a_user_without_permission_to_read_exits_77() {
    let host = idle();
    for arguments in [&["list"][..], &["history"], &["trigger", "save"]] {
        let Some(ran) = host.command_of_a_stranger(arguments) else {
            return;
        };
        let said = ran.exits(77).stderr();
        assert!(said.contains("another user"), "{said}");
    }
}

#[test]
fn a_jobs_directory_that_cannot_be_read_exits_77() {
    let Some(host) = Host::unprivileged() else {
        return;
    };
    let jobs_dir = host.path("jobs.d");
    fs::set_permissions(&jobs_dir, fs::Permissions::from_mode(0o000)).unwrap();
    let said = host.once().exits(77).stderr();
    assert!(said.contains("chmod"), "{said}");
    fs::set_permissions(&jobs_dir, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn only_the_owner_of_a_ledger_can_read_it_in_any_directory() {
    let host = Host::new().job("a", now(vec![exec("true")]));
    fs::create_dir(host.path("state")).unwrap();
    fs::set_permissions(host.path("state"), fs::Permissions::from_mode(0o755)).unwrap();
    host.once().exits(0);
    let mut pending = vec![host.path("state")];
    while let Some(directory) = pending.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let entry = entry.unwrap();
            let mode = entry.metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o077, 0, "{}: {mode:o}", entry.path().display());
            if entry.file_type().unwrap().is_dir() {
                pending.push(entry.path());
            }
        }
    }
}
