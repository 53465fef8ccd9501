//! Passwords and commands do not appear in arguments, logs or the ledger.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use crate::harness::{Host, backup, eventually, exec, hold, now, restore, someday};

/// The command lines of a process and of all its descendants.
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

/// The files below a directory that contain this text.
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
    // The test looks at the agent while it waits for the container.
    let lock = hold(&container, PASSWORD);
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
fn the_text_of_a_command_is_only_in_the_arguments_of_its_shell_and_in_no_log() {
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
    // Without the credential the run fails, and the message says how to provide it.
    host.once().exits(1);
    let log = host.freezerd(&["log", "a"]).exits(0).stdout();
    assert!(log.contains("LoadCredential=disk:"), "{log}");
    assert!(!container.join("config").exists(), "nothing was made");
    // With the credential, its content is the password.
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

/// A path in the same directory as another file.
fn host_path_of(name: &str, file: &std::path::Path) -> String {
    let root = file.parent().and_then(std::path::Path::parent).unwrap();
    root.join(name).display().to_string()
}

#[test]
fn an_impossible_name_of_a_credential_is_a_fault_of_the_file() {
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
