//! What the program writes for people passes through few files, which make it harmless.

use std::path::Path;

use super::source::{files_below, text_of};

/// The files that write to standard output or standard error, each with the reason.
const WRITERS: &[(&str, &str)] = &[
    (
        "src/agent/exec.rs",
        "a command gets it; the daemon reads it",
    ),
    ("src/agent/report.rs", "the agent's log and reports"),
    ("src/cli/container/output.rs", "the entries of a repository"),
    ("src/cli/dump.rs", "the content of files"),
    ("src/cli/logging.rs", "the daemon's log"),
    ("src/cli/output.rs", "what commands print"),
    ("src/cli/screen.rs", "the daemon's log above progress bars"),
    ("src/cli/terminal.rs", "progress bars"),
];

/// What asks about a terminal without writing to it.
const QUESTIONS: &[&str] = &[
    "io::stdout().is_terminal()",
    "io::stderr().is_terminal()",
    "tcgetwinsize(io::stdout())",
    "tcgetwinsize(io::stderr())",
];

const MACROS: &[&str] = &["println!", "print!", "dbg!"];

#[test]
fn only_the_files_that_make_text_harmless_write_to_a_terminal() {
    let mut writers = Vec::new();
    for file in files_below("src") {
        if file.ends_with("tests.rs") {
            continue;
        }
        let mut text = text_of(&file);
        for question in QUESTIONS {
            text = text.replace(question, "");
        }
        let writes = ["io::stdout()", "io::stderr()", "output::stdout()"]
            .iter()
            .any(|stream| text.contains(stream));
        // Below `cli`, these are the macros of `cli/output.rs`.
        let prints = MACROS.iter().any(|name| text.contains(name)) && !file.starts_with("src/cli");
        let prints_past = MACROS
            .iter()
            .any(|name| text.contains(&format!("std::{name}")));
        if writes || prints || prints_past {
            writers.push(file);
        }
    }
    let expected: Vec<&Path> = WRITERS.iter().map(|(file, _)| Path::new(file)).collect();
    assert_eq!(
        writers, expected,
        "print with the macros of src/cli/output.rs, or with `log` in src/agent/report.rs"
    );
}
