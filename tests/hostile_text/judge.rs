//! The hostile text, and what is wrong with an output that has it.

use freezerd::escape::is_unshowable;
use serde_json::Value;

use crate::harness::{Host, Ran};

/// What the forged line of every source begins with.
const FORGED: &str = "forged";

/// The colour red, a title, a bell, a line that is overwritten, marks of direction, C1 codes, and a forged line.
pub const HOSTILE: &str = "a\x1b[31m\x1b]0;title\x07\rb\x08\u{202e}c\u{9b}2J\u{2066}\u{ad}\x7f\nforged: run 9 succeeded\u{2028}forged";

/// The same without control characters, which names of hosts and backups cannot have.
pub const TURNED: &str = "t\u{202e}\u{2066}\u{200b}\u{feff}d";

/// Commands that only read, for a job `j`. Each is run as it is, and with `--json`.
pub const READING: &[&[&str]] = &[
    &["check"],
    &["check", "--left-out"],
    &["next"],
    &["next", "j"],
    &["why", "j"],
    &["list"],
    &["show", "j"],
    &["show", "j", "--effective"],
    &["history"],
    &["log", "j"],
    &["changes", "j"],
    &["status"],
    &["status", "--prometheus"],
    &["doctor"],
    &["snapshots", "j"],
    &["adopt", "j", "--from-host", HOSTILE, "--dry-run"],
    &["ls", "j", "--recursive", "--long"],
    &["ls", "j", "--recursive"],
    &["find", "j", "*"],
    &["diff", "j"],
    &["stats", "j"],
    &["verify", "j"],
    &["repair", "j", "--dry-run"],
    &["prune", "j", "--dry-run"],
    &["key", "list", "j"],
    &["unlock", "j"],
    &["restore", "j", "--to", "restored", "--dry-run"],
    &["drill", "j", "--dry-run"],
    &["state", "check"],
    &["state", "export"],
    &["config", "show"],
    &["storage", "list"],
    &["cache"],
];

/// Fails unless a person can read this text and nothing obeys it.
#[track_caller]
pub fn assert_harmless(what: &str, text: &[u8]) {
    let text = std::str::from_utf8(text).unwrap_or_else(|error| panic!("{what}: {error}"));
    for line in text.lines() {
        let found = line.chars().find(|it| *it != '\t' && is_unshowable(*it));
        assert_eq!(found, None, "{what}: {line:?}");
        assert!(!line.trim_start().starts_with(FORGED), "{what}: {line:?}");
    }
}

/// Fails unless both outputs of the command are harmless.
#[track_caller]
pub fn judge(what: &str, ran: &Ran) {
    assert_harmless(&format!("{what}, output"), &ran.output.stdout);
    assert_harmless(&format!("{what}, errors"), &ran.output.stderr);
    assert!(
        !ran.stderr().contains("panicked"),
        "{what}: {}",
        ran.stderr()
    );
}

/// The texts in the JSON that a command printed: one document, or one on each line.
#[track_caller]
pub fn texts(what: &str, ran: &Ran) -> Vec<String> {
    let stdout = ran.stdout();
    let mut texts = Vec::new();
    for document in serde_json::Deserializer::from_str(&stdout).into_iter::<Value>() {
        let document = document.unwrap_or_else(|error| panic!("{what}: {error}\n{stdout}"));
        collect(&document, &mut texts);
    }
    texts
}

fn collect(value: &Value, texts: &mut Vec<String>) {
    match value {
        Value::String(text) => texts.push(text.clone()),
        Value::Array(values) => values.iter().for_each(|it| collect(it, texts)),
        Value::Object(fields) => {
            for (name, value) in fields {
                texts.push(name.clone());
                collect(value, texts);
            }
        }
        _ => {}
    }
}

/// Runs every reading command on this host and judges its outputs. Returns the texts in the JSON of all of them.
#[track_caller]
pub fn judge_every_command(host: &Host) -> Vec<String> {
    let mut all = Vec::new();
    for words in READING {
        let what = words.join(" ");
        let plain = host.freezerd(words);
        judge(&what, &plain);
        let is_known = !plain.stderr().contains("Usage:");
        assert!(is_known, "{what}: {}", plain.stderr());
        let mut words = words.to_vec();
        words.push("--json");
        let json = host.freezerd(&words);
        judge(&words.join(" "), &json);
        // Some commands have no other form.
        if json.code() != 64 {
            all.extend(texts(&words.join(" "), &json));
        }
    }
    all
}
