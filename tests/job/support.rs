//! What the tests of job files share.
#![allow(dead_code, missing_docs)]

use freezerd::job::diagnostic::{Diagnostic, position};
use freezerd::job::{Host, Job, Parsed, parse};
use freezerd::schedule::zone::Zone;

pub fn host() -> Host {
    crate::samples::host(Zone::named("Europe/Berlin").expect("Berlin is in every zone database"))
}

/// Parses a text as `nightly.json`.
pub fn read(text: &str) -> Parsed {
    parse(text.as_bytes(), "nightly.json", &host())
}

/// The job of a text that has no errors.
#[track_caller]
pub fn job(text: &str) -> Job {
    let parsed = read(text);
    match parsed.job {
        Some(job) => job,
        None => panic!("{text}\ndoes not load: {:#?}", parsed.diagnostics),
    }
}

/// A file with one action.
pub fn with_action(action: &str) -> String {
    format!("{{\"job_actions\": [{{\"freezer_action\": {action}}}]}}")
}

/// A file with a schedule.
pub fn with_schedule(schedule: &str) -> String {
    format!(
        "{{\"job_actions\": [{{\"freezer_action\": {{\"action\": \"exec\", \"command\": \"sync\"}}}}], \"job_schedule\": {schedule}}}"
    )
}

/// A backup with everything that it needs, and more keys.
pub fn backup(more: &str) -> String {
    let comma = if more.is_empty() { "" } else { ", " };
    with_action(&format!(
        "{{\"path_to_backup\": \"/home\", \"backup_name\": \"home\", \"container\": \"/srv/backups\", \"encrypt_pass_file\": \"/etc/pass\"{comma}{more}}}"
    ))
}

/// The codes of the errors, in order.
pub fn errors(parsed: &Parsed) -> Vec<&str> {
    parsed
        .diagnostics
        .iter()
        .filter(|it| it.is_error())
        .map(|it| it.code.as_str())
        .collect()
}

/// The codes of all diagnostics, in order.
pub fn codes(parsed: &Parsed) -> Vec<&str> {
    parsed
        .diagnostics
        .iter()
        .map(|it| it.code.as_str())
        .collect()
}

/// The one diagnostic of that code.
#[track_caller]
pub fn only<'a>(parsed: &'a Parsed, code: &str) -> &'a Diagnostic {
    let found: Vec<&Diagnostic> = parsed
        .diagnostics
        .iter()
        .filter(|it| it.code == code)
        .collect();
    match found.as_slice() {
        [one] => one,
        _ => panic!(
            "not one `{code}` but {found:#?} of {:#?}",
            parsed.diagnostics
        ),
    }
}

/// The text that a diagnostic points at.
#[track_caller]
pub fn pointed<'a>(text: &'a str, diagnostic: &Diagnostic) -> &'a str {
    let span = diagnostic.span.clone().expect("a place");
    text.get(span)
        .expect("a place inside of the text, on character boundaries")
}

/// `code line:column` of each diagnostic.
pub fn places(text: &str, parsed: &Parsed) -> Vec<String> {
    let place = |it: &Diagnostic| match &it.span {
        Some(span) => {
            let (line, column) = position(text.as_bytes(), span.start);
            format!("{} {line}:{column}", it.code)
        }
        None => it.code.clone(),
    };
    parsed.diagnostics.iter().map(place).collect()
}

/// Numbers that look random and are the same each time (xorshift64*).
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice(seed.max(1))
    }

    pub fn roll(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub fn below(&mut self, limit: usize) -> usize {
        (self.roll() >> 33) as usize % limit.max(1)
    }

    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}

/// Checks that a fault names its key or points at its value, and that these words are in what it says.
#[track_caller]
pub fn told(text: &str, fault: &Diagnostic, words: &str) {
    let said = format!(
        "{}\n{}",
        fault.message,
        fault.help.as_deref().unwrap_or_default()
    );
    assert!(said.contains(words), "{words:?} is not in: {said}\n{text}");
    assert!(fault.span.is_some(), "no place: {said}\n{text}");
}

/// Checks that a key that belongs to `home` is refused in actions of these kinds, which have all that they need.
#[track_caller]
pub fn refused_elsewhere(key: &str, value: &str, home: &str, actions: &[&str]) {
    for action in actions {
        let needs = match *action {
            "backup" => {
                "\"path_to_backup\": \"/home\", \"backup_name\": \"a\", \"container\": \"/c\", "
            }
            "restore" => {
                "\"restore_abs_path\": \"/r\", \"backup_name\": \"a\", \"container\": \"/c\", "
            }
            "admin" => "\"remove_older_than\": 1, \"backup_name\": \"a\", \"container\": \"/c\", ",
            "exec" => "\"command\": \"true\", ",
            _ => "\"container\": \"/c\", ",
        };
        let text = with_action(&format!(
            "{{\"action\": \"{action}\", {needs}\"{key}\": {value}}}"
        ));
        let parsed = read(&text);
        assert_eq!(errors(&parsed), ["other-actions-key"], "{key} in {action}");
        let fault = only(&parsed, "other-actions-key");
        assert_eq!(pointed(&text, fault), format!("\"{key}\""));
        for words in [format!("`{key}`"), format!("`{home}`")] {
            assert!(fault.message.contains(&words), "{}", fault.message);
        }
    }
}
