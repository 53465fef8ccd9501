//! The terminal asks for a new password.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::support::{Repository, repositories};

/// Runs `key passwd` on a terminal where somebody types. `script` of util-linux makes the terminal. Returns what the
/// terminal shows and the exit code.
fn typed(repository: &Repository, keys: &str) -> Option<(String, i32)> {
    let command = repository.command(&["key", "passwd"]);
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<String> = words
        .map(|it| format!("'{}'", it.to_str().unwrap()))
        .collect();
    let mut script = Command::new("script");
    script.env_clear();
    for (name, value) in command.get_envs() {
        script.env(name, value.unwrap_or_default());
    }
    script
        .args(["-qec", &words.join(" "), "/dev/null"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let Ok(mut running) = script.spawn() else {
        println!("SKIPPED: there is no script(1) of util-linux");
        return None;
    };
    let mut input = running.stdin.take().unwrap();
    // What is typed too early is not lost: the terminal keeps it until the command asks.
    let mut output = running.stdout.take().unwrap();
    let mut shown = Vec::new();
    for line in keys.split_inclusive('\n') {
        wait_for(&mut output, &mut shown, b": ");
        input.write_all(line.as_bytes()).unwrap();
    }
    std::io::Read::read_to_end(&mut output, &mut shown).unwrap();
    drop(input);
    let code = running.wait().unwrap().code().unwrap_or(-1);
    Some((String::from_utf8_lossy(&shown).into_owned(), code))
}

/// Reads until the end of the text is a question.
fn wait_for(output: &mut impl std::io::Read, shown: &mut Vec<u8>, end: &[u8]) {
    let mut byte = [0; 1];
    loop {
        assert_eq!(
            output.read(&mut byte).unwrap(),
            1,
            "{}",
            shown.escape_ascii()
        );
        shown.push(byte[0]);
        if shown.ends_with(end) {
            return;
        }
    }
}

#[test]
fn a_password_is_asked_for_twice_and_never_shown() {
    for repository in repositories() {
        let Some((shown, code)) = typed(&repository, "one\nother\ngehein\x7fm\ngeheim\n") else {
            return;
        };
        assert_eq!(code, 0, "{shown}");
        assert!(shown.contains("two different passwords"), "{shown}");
        assert!(
            !shown.contains("gehei") && !shown.contains("one\r"),
            "{shown}"
        );
        let mut command = repository.restic.command(&repository.path, "geheim");
        assert!(
            command
                .args(["cat", "config"])
                .output()
                .unwrap()
                .status
                .success()
        );
    }
}

#[test]
fn control_c_changes_nothing() {
    for repository in repositories() {
        let Some((shown, code)) = typed(&repository, "secr\x03\n") else {
            return;
        };
        assert_eq!(code, 64, "{shown}");
        repository.freezerd(&["key", "list"]).exits(0);
    }
}
