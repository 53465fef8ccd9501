//! What an older freezerd wrote is still read, and still gives the same answers.
//!
//! `tests/data/before-the-move/README.md` says what the files hold and how they were made.

mod harness;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use harness::{Clock, Host};
use serde_json::Value;

/// Where the older program had its root.
const OLD_ROOT: &str = "/srv/host";

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data/before-the-move")
        .join(name)
}

/// The instant of the answers.
fn then() -> DateTime<Utc> {
    "2040-03-25T02:03:00Z".parse().expect("an instant")
}

fn copy_directory(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a directory");
    for entry in fs::read_dir(from).expect("the data") {
        let entry = entry.expect("an entry");
        fs::copy(entry.path(), to.join(entry.file_name())).expect("a copy");
    }
}

/// The older program's host: its job files, its ledger and its logs.
fn furnish(host: Host) -> Host {
    let containers = host.path("containers");
    let host = host.env(
        "FREEZERD_CONTAINER_ROOT",
        containers.to_str().expect("a plain path"),
    );
    copy_directory(&data("jobs.d"), &host.path("jobs.d"));
    copy_directory(&data("logs"), &host.path("state/logs"));
    fs::copy(data("ledger.redb"), host.path("state/ledger.redb")).expect("a copy");
    host
}

/// One command, with what the older program printed.
struct Answer {
    command: Vec<String>,
    stdout: String,
    code: i32,
}

fn answers() -> Vec<Answer> {
    let text = fs::read_to_string(data("answers.txt")).expect("the answers");
    let mut answers: Vec<Answer> = Vec::new();
    for line in text.lines() {
        if let Some(command) = line.strip_prefix("$ freezerd ") {
            answers.push(Answer {
                command: command.split(' ').map(str::to_owned).collect(),
                stdout: String::new(),
                code: -1,
            });
            continue;
        }
        let answer = answers.last_mut().expect("a command first");
        let code = line
            .strip_prefix("[exit code ")
            .and_then(|rest| rest.strip_suffix(']'));
        match code {
            Some(code) => answer.code = code.parse().expect("a number"),
            None => answer.stdout += &format!("{line}\n"),
        }
    }
    answers
}

/// The records of an export: all but its header, which has the time and the version of the program.
fn records(export: &str) -> Vec<&str> {
    let lines: Vec<&str> = export.lines().skip(1).collect();
    assert!(lines.len() > 100, "an export of {} records", lines.len());
    lines
}

/// Keys of actions that the older program did not have.
const LATER_KEYS: [&str; 10] = [
    ".allow_missing",
    ".churn_guard",
    ".delete_extra",
    ".exclude_caches",
    ".max_repack",
    ".max_unused",
    ".numeric_owner",
    ".one_file_system",
    ".shrink_guard",
    ".verify",
];

/// The text of the answer as far as the documentation promises it: the sentences of `why` are for people, and may
/// change; an action has more keys now, which have their defaults here. Everything else is compared to the letter.
fn promised(command: &[String], stdout: &str) -> String {
    if command.iter().any(|word| word == "--effective") && command[0] == "show" {
        let mut answer: Value = serde_json::from_str(stdout).expect("JSON");
        let values = answer["values"].as_array_mut().expect("a list");
        values.retain(|value| {
            let path = value["path"].as_str().unwrap_or_default();
            let is_later = LATER_KEYS.iter().any(|key| path.ends_with(key));
            !(is_later && value["origin"]["from"] == "default")
        });
        return format!("{answer:#}\n");
    }
    if command.iter().any(|word| word == "--prometheus") {
        // The older program did not know `max_age` and alarms, and told nobody.
        let later = ["_too_old", "freezerd_messages_", "_alarm"];
        let is_later = |line: &str| later.iter().any(|part| line.contains(part));
        let lines = stdout.lines().filter(|line| !is_later(line));
        return lines.map(|line| format!("{line}\n")).collect();
    }
    let is_status = command[0] == "status" && command.iter().any(|word| word == "--json");
    let is_list = command[0] == "list" && command.iter().any(|word| word == "--json");
    if command[0] == "next" {
        return without_prunes(command, stdout);
    }
    if command[0] != "why" && !is_status && !is_list {
        return stdout.to_owned();
    }
    let mut answer: Value = serde_json::from_str(stdout).expect("JSON");
    if is_status {
        // The older program did not have this list. No container was checked.
        let jobs = answer["jobs"].as_array_mut().expect("a list");
        for job in jobs.iter_mut().filter_map(Value::as_object_mut) {
            if job.get("data_checks") == Some(&Value::Array(Vec::new())) {
                job.shift_remove("data_checks");
            }
        }
        let summary = answer["summary"].as_object_mut().expect("an object");
        for later in [
            "too_old",
            "alarmed",
            "messages_waiting",
            "messages_given_up",
        ] {
            if summary.get(later) == Some(&0.into()) {
                summary.shift_remove(later);
            }
        }
    }
    if let Some(answer) = answer.as_object_mut() {
        answer.shift_remove("prunes");
    }
    // The older program did not know `max_age` and alarms.
    let jobs = answer.get_mut("jobs").and_then(Value::as_array_mut);
    for job in jobs.into_iter().flatten().filter_map(Value::as_object_mut) {
        for (key, absent) in [
            ("max_age_seconds", Value::Null),
            ("too_old_at", Value::Null),
            ("too_old", Value::Bool(false)),
            ("alarms", Value::Array(Vec::new())),
        ] {
            if job.get(key) == Some(&absent) {
                job.shift_remove(key);
            }
        }
    }
    for paragraph in ["state", "lately", "next"] {
        if let Some(sentences) = answer.get_mut(paragraph).and_then(Value::as_array_mut) {
            let is_later = |it: &Value| it.as_str().is_some_and(|it| it.contains("No prune of "));
            sentences.retain(|it| !is_later(it));
            sentences.fill("a sentence".into());
        }
    }
    format!("{answer:#}\n")
}

/// The firings of `next` without what it says of prunes: the older program pruned in each run.
fn without_prunes(command: &[String], stdout: &str) -> String {
    if !command.iter().any(|word| word == "--json") {
        let lines = stdout
            .lines()
            .map(|line| match line.split_once("  time to prune ") {
                Some((line, _)) => line.trim_end(),
                None => line,
            });
        return lines.map(|line| format!("{line}\n")).collect();
    }
    fn strip(value: &mut Value) {
        match value {
            Value::Object(members) => {
                members.shift_remove("prunes");
                if let Some(Value::Array(notes)) = members.get_mut("notes") {
                    notes.retain(|it| {
                        !it.as_str()
                            .is_some_and(|it| it.starts_with("time to prune"))
                    });
                }
                members.values_mut().for_each(strip);
            }
            Value::Array(values) => values.iter_mut().for_each(strip),
            _ => {}
        }
    }
    let mut answer: Value = serde_json::from_str(stdout).expect("JSON");
    strip(&mut answer);
    format!("{answer:#}\n")
}

#[test]
fn every_command_gives_the_same_answer() {
    let Some(mut clock) = Clock::at(then()) else {
        return;
    };
    clock.stop_at(then());
    clock.host = furnish(clock.host);
    let root = clock.host.path("");
    let root = root.to_str().expect("a plain path").trim_end_matches('/');
    let answers = answers();
    assert!(answers.len() > 90, "{} answers", answers.len());
    let mut differ = Vec::new();
    for answer in &answers {
        let arguments: Vec<&str> = answer.command.iter().map(String::as_str).collect();
        let ran = clock.host.freezerd(&arguments);
        let stdout = ran.stdout().replace(root, OLD_ROOT);
        let is = promised(&answer.command, &stdout);
        let was = promised(&answer.command, &answer.stdout);
        if is != was || ran.code() != answer.code {
            differ.push(format!(
                "freezerd {}: exit code {}, was {}\n{}{}",
                arguments.join(" "),
                ran.code(),
                answer.code,
                difference(&was, &is),
                ran.stderr()
            ));
        }
    }
    assert!(
        differ.is_empty(),
        "{} of {} answers differ:\n{}",
        differ.len(),
        answers.len(),
        differ.join("\n")
    );
}

/// The lines in which two texts differ first, as a patch has them.
fn difference(before: &str, after: &str) -> String {
    let (before, after): (Vec<&str>, Vec<&str>) =
        (before.lines().collect(), after.lines().collect());
    let same = before
        .iter()
        .zip(&after)
        .take_while(|(old, new)| old == new);
    let first = same.count();
    let some = |sign: char, lines: &[&str]| -> String {
        let shown = lines.iter().skip(first).take(4);
        shown.map(|line| format!("{sign} {line}\n")).collect()
    };
    some('-', &before) + &some('+', &after)
}

#[test]
fn the_ledger_is_exported_to_the_same_lines_and_so_is_an_import_of_them() {
    let written = fs::read_to_string(data("state.jsonl")).expect("the export");
    let host = furnish(Host::new());
    let exported = host.freezerd(&["state", "export"]).exits(0).stdout();
    assert_eq!(records(&exported), records(&written));

    let host = Host::new();
    let export = data("state.jsonl");
    let export = export.to_str().expect("a plain path");
    host.freezerd(&["state", "import", export]).exits(0);
    host.freezerd(&["state", "check"]).exits(0);
    let exported = host.freezerd(&["state", "export"]).exits(0).stdout();
    assert_eq!(records(&exported), records(&written));
}

/// The rows of the ledger by their numbers.
fn rows(host: &Host) -> BTreeMap<u64, Value> {
    let all = host.json(&["history", "--limit", "1000"]);
    let rows = all["runs"].as_array().expect("a list of runs");
    let number = |row: &Value| row["run"].as_u64().expect("a number");
    rows.iter().map(|row| (number(row), row.clone())).collect()
}

#[test]
fn a_daemon_goes_on_with_the_ledger_and_keeps_every_row() {
    let Some(mut clock) = Clock::at(then()) else {
        return;
    };
    clock.host = furnish(clock.host);
    let host = &clock.host;
    let before = rows(host);
    let attempts = |run: u64| host.attempts(run);
    let attempts_before: BTreeMap<_, _> = before.keys().map(|run| (*run, attempts(*run))).collect();
    let events_before = host.json(&["why", "held"])["events"].clone();

    let daemon = host.start();
    // The run that was going on is interrupted, and another makes up for it. The run that waited for a slot gets one.
    daemon.run_of("held");
    daemon.run_of("held");
    daemon.run_of("queued");
    daemon.stop();

    let after = rows(host);
    for (number, row) in &before {
        let now = &after[number];
        if row["state"] == "running" {
            assert_eq!(now["state"], "interrupted", "{now:#}");
            let makes_up = after.values().find(|row| row["makes_up_for"] == *number);
            assert_eq!(makes_up.expect("another run")["result"], "success");
        } else if row["state"] == "queued" {
            assert_eq!(now["result"], "success", "{now:#}");
        } else {
            assert_eq!(now, row);
            assert_eq!(attempts(*number), attempts_before[number]);
        }
    }
    assert_eq!(
        after.len(),
        before.len() + 1,
        "one run makes up for another"
    );
    assert_eq!(host.json(&["why", "held"])["events"], events_before);
    host.freezerd(&["state", "check"]).exits(0);
    let listed = host.json(&["list"]);
    assert_eq!(listed["jobs"].as_array().expect("jobs").len(), 21);
    let states: Vec<_> = listed["files"]
        .as_array()
        .expect("files")
        .iter()
        .map(|file| (file["file"].as_str(), file["state"].as_str()))
        .collect();
    assert_eq!(
        states,
        [
            (Some("broken.json"), Some("invalid")),
            (Some("foreign.json"), Some("foreign")),
            (Some("invalid.json"), Some("invalid")),
            (Some("six-hours.json"), Some("invalid")),
        ]
    );
}
