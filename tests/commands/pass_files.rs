//! The password of a container: a wrong one, a file that cannot be read, and passwords that come through a pipe.

use std::fs;
use std::io::Write;
use std::process::{Output, Stdio};

use serde_json::{Value, json};

use crate::harness::{Host, now};

/// A host where a job `save` has made a snapshot of `source` in a container with a password.
fn with_password() -> Host {
    let host = Host::new();
    host.file("source/file", "content");
    host.file("pass", "correct horse\n");
    host.put("save", now(vec![action(&host, "pass")]));
    host.once().exits(0);
    host
}

fn action(host: &Host, pass_file: &str) -> Value {
    json!({"freezer_action": {
        "action": "backup", "path_to_backup": host.path("source"), "backup_name": "data",
        "container": host.path("container"), "encrypt_pass_file": host.path(pass_file),
    }})
}

/// Every command that opens the container of a job.
const OPENING: &[&[&str]] = &[
    &["snapshots", "save"],
    &["restore", "save", "--to", "back"],
    &["ls", "save"],
    &["find", "save", "file"],
    &["diff", "save", "--live"],
    &["dump", "save", "/"],
    &["stats", "save"],
    &["verify", "save"],
    &["prune", "save"],
    &["repair", "save"],
    &["copy", "save", "--to", "/tmp/no", "--to-no-password"],
    &["adopt", "save", "--from-host", "old", "--yes"],
    &["key", "list", "save"],
    &["unlock", "save"],
];

#[test]
fn a_wrong_password_exits_77_in_every_command() {
    let host = with_password();
    host.file("pass", "battery staple\n");
    for command in OPENING {
        let said = host.freezerd(command).exits(77).stderr();
        assert!(said.contains("does not open"), "{command:?}: {said}");
    }
    let outcome = host.json(&["restore", "save", "--to", "back"]);
    assert_eq!(outcome["denied"], true, "{outcome:#}");
    let (container, other) = (host.path("container"), host.path("other"));
    let container = ["--container", container.to_str().unwrap()];
    let without = [&["ls"], &container[..]].concat();
    let said = host.freezerd(&without).exits(77).stderr();
    assert!(said.contains("has a password"), "{said}");
    let without = [
        &["restore", "--backup-name", "data", "--to", "back"],
        &container[..],
    ]
    .concat();
    host.freezerd(&without).exits(77);

    host.file("pass", "correct horse\n");
    let copy = [
        "copy",
        "save",
        "--to",
        other.to_str().unwrap(),
        "--to-pass-file",
    ];
    let with = |file: &str| {
        let file = host.path(file);
        host.freezerd(&[&copy[..], &[file.to_str().unwrap()]].concat())
    };
    with("pass").exits(0);
    host.file("wrong", "battery staple\n");
    with("wrong").exits(77);
}

#[test]
fn a_pass_file_that_cannot_be_read_exits_66_in_every_command() {
    let host = with_password();
    fs::remove_file(host.path("pass")).unwrap();
    for command in OPENING {
        let said = host.freezerd(command).exits(66).stderr();
        assert!(said.contains("pass file"), "{command:?}: {said}");
    }
}

/// Runs a command in a shell script, in which `"$@"` is the command.
fn in_shell(host: &Host, script: &str, arguments: &[&str], input: &str) -> Output {
    let freezerd = host.command(arguments);
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", script, "sh"]);
    shell.arg(freezerd.get_program()).args(freezerd.get_args());
    shell.env_clear().current_dir(host.path("work")).envs(
        freezerd
            .get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    let mut child = shell
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input.as_bytes()).unwrap();
    drop(stdin);
    child.wait_with_output().unwrap()
}

/// Makes a pipe with the name `pipe`.
fn make_pipe(host: &Host) {
    rustix::fs::mknodat(
        rustix::fs::CWD,
        host.path("pipe"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o600),
        0,
    )
    .unwrap();
}

#[test]
fn a_password_can_come_through_a_pipe() {
    let host = with_password();
    let container = host.path("container");
    let container = container.to_str().unwrap();
    make_pipe(&host);
    let pipe = host.path("pipe");
    let pipe = pipe.to_str().unwrap();
    let to_pipe = format!("exec 3<&0; cat <&3 > {pipe} & exec \"$@\" 3<&-");
    // What `<(command)` is in bash.
    let ways = [
        ("/dev/stdin", "\"$@\""),
        ("/dev/stdin", "cat > ../typed; \"$@\" < ../typed"),
        ("/dev/fd/3", "\"$@\" 3<&0 < /dev/null"),
        ("/proc/self/fd/3", "\"$@\" 3<&0 < /dev/null"),
        (pipe, to_pipe.as_str()),
    ];
    for (file, script) in ways {
        for command in [
            &["ls"][..],
            &["snapshots"],
            &["restore", "--backup-name", "data", "--to", "back"],
            &["key", "list"],
        ] {
            let place = ["--container", container, "--encrypt-pass-file", file];
            let arguments = [command, &place[..]].concat();
            let right = in_shell(&host, script, &arguments, "correct horse\n");
            let said = String::from_utf8_lossy(&right.stderr);
            assert_eq!(right.status.code(), Some(0), "{script} {command:?}: {said}");
            let wrong = in_shell(&host, script, &arguments, "battery staple\n");
            let said = String::from_utf8_lossy(&wrong.stderr);
            assert_eq!(
                wrong.status.code(),
                Some(77),
                "{script} {command:?}: {said}"
            );
            let named = format!("the password in {file} does not open");
            assert!(said.contains(&named), "{script} {command:?}: {said}");
        }
        assert_eq!(host.read("work/back/file"), "content");
        fs::remove_dir_all(host.path("work/back")).unwrap();
    }
}

#[test]
fn one_pipe_is_the_password_of_both_containers_of_a_copy_and_the_new_one_of_a_key() {
    let host = with_password();
    let (container, other) = (host.path("container"), host.path("other"));
    let place = [
        "--container",
        container.to_str().unwrap(),
        "--encrypt-pass-file",
        "/dev/stdin",
    ];
    let to = [
        "--to",
        other.to_str().unwrap(),
        "--to-pass-file",
        "/dev/stdin",
    ];
    let arguments = [&["copy"], &place[..], &to[..]].concat();
    let ran = in_shell(&host, "\"$@\"", &arguments, "correct horse\n");
    assert_eq!(ran.status.code(), Some(0), "{ran:?}");

    let pass = host.path("pass");
    let of_file = [
        "key",
        "add",
        "--container",
        other.to_str().unwrap(),
        "--encrypt-pass-file",
        pass.to_str().unwrap(),
        "--new-password-file",
        "/dev/stdin",
    ];
    let ran = in_shell(&host, "\"$@\"", &of_file, "second\n");
    assert_eq!(ran.status.code(), Some(0), "{ran:?}");
    host.file("second", "second\n");
    let second = host.path("second");
    host.freezerd(&[
        "ls",
        "--container",
        other.to_str().unwrap(),
        "--encrypt-pass-file",
        second.to_str().unwrap(),
    ])
    .exits(0);
}

#[test]
fn a_job_whose_pass_file_is_a_pipe_fails_at_once_and_says_what_it_needs() {
    let host = with_password();
    make_pipe(&host);
    host.put("piped", now(vec![action(&host, "pipe")]));
    host.once().exits(1);
    let text = "is a pipe, which can be read only once: name a regular file";
    let reason = &host.history("piped")[0]["reason"];
    assert!(reason.as_str().unwrap().contains(text), "{reason}");
    let said = host.freezerd(&["doctor"]).exits(5).stdout();
    assert!(said.contains(text), "{said}");
    let said = host.freezerd(&["ls", "piped"]).exits(66).stderr();
    assert!(said.contains(text), "{said}");

    let source = host.path("source");
    let new = [
        "new",
        "third",
        "--path",
        source.to_str().unwrap(),
        "--encrypt-pass-file",
        "/dev/stdin",
    ];
    let ran = in_shell(&host, "\"$@\"", &new, "correct horse\n");
    let said = String::from_utf8_lossy(&ran.stderr);
    assert_eq!(ran.status.code(), Some(64), "{said}");
    assert!(said.contains("needs a regular file"), "{said}");
}

#[test]
fn a_copy_of_a_container_with_a_password_has_no_password_only_where_that_is_asked_for() {
    let host = with_password();
    let other = host.path("other");
    let copy = ["copy", "save", "--to", other.to_str().unwrap()];
    let said = host.freezerd(&copy).exits(64).stderr();
    assert!(
        said.contains("--to-pass-file") && said.contains("--to-no-password"),
        "{said}"
    );
    assert!(!other.exists());
    host.freezerd(&[&copy[..], &["--to-no-password"]].concat())
        .exits(0);
    let open = [
        "snapshots",
        "--container",
        other.to_str().unwrap(),
        "--json",
    ];
    let snapshots = host.freezerd(&open).exits(0).json();
    assert_eq!(snapshots["snapshots"].as_array().unwrap().len(), 1);
    // What has no password is copied to what has none.
    let third = host.path("third");
    let from = ["copy", "--container", other.to_str().unwrap()];
    host.freezerd(&[&from[..], &["--to", third.to_str().unwrap()]].concat())
        .exits(0);
}
