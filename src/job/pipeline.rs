//! Finds pipelines in a shell command: of all their commands, the shell reports only the failure of the last.

use super::shell_text::{Simple, simple_commands};
use super::shell_words::script;

/// Commands that only make text. Nobody minds their failure.
const HARMLESS: [&str; 5] = ["echo", "printf", "yes", "true", ":"];

/// Words of the language that come before a command.
const BEFORE: [&str; 9] = [
    "if", "then", "else", "elif", "while", "until", "do", "time", "!",
];

/// Words that end a compound command.
const AFTER: [&str; 3] = ["done", "fi", "}"];

/// How deep the shell may run a shell. A deeper one is not looked at.
const DEEPEST: u32 = 8;

/// A command whose failure the shell would hide.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Hidden {
    /// `None`: it is not a single program.
    pub program: Option<String>,
}

/// The first command of the first pipeline whose failure the shell would hide. `None`: there is none, or the command
/// takes care of it.
///
/// This reads the text roughly, as a lint may. It never warns where it is not sure that it sees a pipeline.
pub(super) fn hidden_failure(text: &str) -> Option<Hidden> {
    in_text(text, DEEPEST)
}

/// As [`hidden_failure`], of a program and its arguments: `sudo -u postgres sh -c '…'`.
pub(super) fn hidden_failure_of_words(words: &[String]) -> Option<Hidden> {
    in_text(&script(words)?, DEEPEST)
}

fn in_text(text: &str, depth: u32) -> Option<Hidden> {
    let cares = ["pipefail", "PIPESTATUS", "pipestatus", "mispipe"];
    // The patterns of `case` have the same character, and the text of a here-document is not a command.
    let unclear = ["esac", "<<"];
    if depth == 0 || cares.iter().chain(&unclear).any(|it| text.contains(it)) {
        return None;
    }
    simple_commands(text)
        .iter()
        .find_map(|command| in_command(command, depth - 1))
}

fn in_command(command: &Simple, depth: u32) -> Option<Hidden> {
    let words = without_syntax(&command.words);
    let program = words.first().map(String::as_str);
    let is_harmless = program.is_some_and(|it| HARMLESS.contains(&it));
    if command.is_piped && !is_harmless {
        let program = program.filter(|it| !AFTER.contains(it));
        return Some(Hidden {
            program: program.map(str::to_owned),
        });
    }
    if let Some(found) = script(words).and_then(|text| in_text(&text, depth)) {
        return Some(found);
    }
    // Beside a command, the shell reports no failure of a substitution, with `pipefail` or without.
    let values = command.assigned.iter().filter(|_| words.is_empty());
    values.into_iter().find_map(|text| in_text(text, depth))
}

/// The words from the program on: without keywords, assignments and the head of a function.
fn without_syntax(words: &[String]) -> &[String] {
    let head = words.iter().rposition(|word| word == "{");
    let mut words = &words[head.map_or(0, |place| place + 1)..];
    let is_assignment = |word: &str| {
        let name = word.split_once('=').map(|(name, _)| name);
        name.is_some_and(|name| {
            !name.is_empty()
                && name
                    .chars()
                    .all(|it| it.is_ascii_alphanumeric() || it == '_')
        })
    };
    while let Some((first, rest)) = words.split_first() {
        if !BEFORE.contains(&first.as_str()) && !is_assignment(first) {
            break;
        }
        words = rest;
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pipeline_whose_first_command_may_fail_is_found() {
        for (command, first) in [
            ("pg_dump shop | gzip > /srv/shop.gz", "pg_dump"),
            ("false | gzip > /dev/null", "false"),
            ("set -e; cd /srv && tar c . |gzip>a.gz", "tar"),
            ("PGUSER=x pg_dump shop |& tee log", "pg_dump"),
            ("(mysqldump a; mysqldump b) | zstd -o c", "mysqldump"),
            ("if dump | gzip > a; then true; fi", "dump"),
            ("for d in a b; do dump $d | gzip > $d; done", "dump"),
            ("while ! dump | gzip > a; do sleep 1; done", "dump"),
            ("f() { dump | gzip; }; f", "dump"),
            ("echo a | cat; dump 2>&1 | logger", "dump"),
            ("dump &> log | logger", "dump"),
            ("# comment | here\ndump \\\n | gzip", "dump"),
            ("echo '|' \"|\"; dump|gzip", "dump"),
            ("sudo -u postgres sh -c 'pg_dump x | gzip > y'", "pg_dump"),
            ("cd /; su postgres -c \"pg_dump x | gzip > y\"", "pg_dump"),
            ("bash -c \"sh -c 'dump | gzip'\"", "dump"),
            ("ssh host 'dump | gzip' > a", "dump"),
            ("X=$(dump | gzip)", "dump"),
            ("X=\"$(dump | gzip)\"; run $X", "dump"),
            ("x=`cat a | head -1`; run $x", "cat"),
        ] {
            let found = hidden_failure(command).unwrap_or_else(|| panic!("{command}"));
            assert_eq!(found.program.as_deref(), Some(first), "{command}");
        }
        let whole = "for d in a b; do dump $d; done | gzip > c";
        assert_eq!(hidden_failure(whole), Some(Hidden { program: None }));
    }

    #[test]
    fn what_is_no_pipeline_or_hides_nothing_is_let_be() {
        for command in [
            "sync",
            "a || b",
            "echo done | mail root",
            "printf '%s' x | nc localhost 1",
            "set -o pipefail; pg_dump | gzip",
            "bash -c 'set -o pipefail; pg_dump | gzip'",
            "bash -o pipefail -c 'pg_dump | gzip'",
            "sed 's|a|b|' file",
            "grep \"a|b\" file",
            "grep a\\|b file",
            "run $(cat a | head -1)",
            "x=1 run \"$(cat a | head -1)\"",
            "n=$((1 | 2))",
            "[[ $x =~ a|b ]]",
            "echo sh -c 'a | b'",
            "true # a | b",
            "date >| file",
            "case $1 in a|b) run ;; esac",
            "cat <<END\na | b\nEND",
            "'unterminated | quote",
            "\"unterminated | quote",
            "x=$(unterminated | ",
            "$(unterminated | ",
            "",
            "\\",
            "é\\é'é'`é",
        ] {
            assert_eq!(hidden_failure(command), None, "{command}");
        }
    }
}
