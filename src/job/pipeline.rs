//! Finds pipelines in a shell command: of all their commands, the shell reports only the failure of the last.

/// Commands that only make text. Nobody minds their failure.
const HARMLESS: [&str; 5] = ["echo", "printf", "yes", "true", ":"];

/// The first command of the first pipeline whose failure the shell would hide. `None`: there is none, or the command
/// takes care of it.
///
/// This reads the text roughly, as a lint may: quotes, comments and substitutions are left out. It never warns where it is
/// not sure that it sees a pipeline.
pub(super) fn hidden_failure(command: &str) -> Option<&str> {
    let cares = ["pipefail", "PIPESTATUS", "pipestatus", "mispipe"];
    // The patterns of `case` have the same character, and the text of a here-document is not a command.
    let unclear = ["esac", "<<"];
    if cares.iter().chain(&unclear).any(|it| command.contains(it)) {
        return None;
    }
    let mut text = Text {
        bytes: command.as_bytes(),
        at: 0,
    };
    let mut start = 0;
    while let Some(found) = text.next_operator() {
        let stage = command.get(start..found.at).unwrap_or_default().trim();
        if found.is_pipe && !is_harmless(stage) {
            return Some(first_word(stage));
        }
        start = text.at;
    }
    None
}

fn first_word(stage: &str) -> &str {
    stage
        .trim_start_matches(['(', '{', '!', ' ', '\t', '\n'])
        .split_whitespace()
        .find(|word| !word.contains('='))
        .unwrap_or("the first command")
}

fn is_harmless(stage: &str) -> bool {
    HARMLESS.contains(&first_word(stage))
}

/// What ends a simple command.
struct Operator {
    at: usize,
    is_pipe: bool,
}

/// A shell text, read up to `at`.
struct Text<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Text<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// The next operator outside of quotes and substitutions.
    fn next_operator(&mut self) -> Option<Operator> {
        while let Some(byte) = self.peek() {
            let at = self.at;
            self.at += 1;
            match byte {
                b'\\' => self.at += 1,
                b'\'' => self.skip_past(b'\''),
                b'`' => self.skip_past(b'`'),
                b'"' => self.skip_double_quotes(),
                b'$' if self.peek() == Some(b'(') => {
                    self.at += 1;
                    self.skip_substitution();
                }
                b'#' if at == 0
                    || self
                        .bytes
                        .get(at - 1)
                        .is_some_and(|before| before.is_ascii_whitespace() || *before == b';') =>
                {
                    while self.peek().is_some_and(|byte| byte != b'\n') {
                        self.at += 1;
                    }
                }
                // `>|` writes to a file.
                b'>' if self.peek() == Some(b'|') => self.at += 1,
                b'|' => {
                    let is_or = self.peek() == Some(b'|');
                    // `|&` takes the errors along.
                    if matches!(self.peek(), Some(b'|' | b'&')) {
                        self.at += 1;
                    }
                    return Some(Operator {
                        at,
                        is_pipe: !is_or,
                    });
                }
                b';' | b'&' | b'\n' => {
                    return Some(Operator { at, is_pipe: false });
                }
                _ => {}
            }
        }
        None
    }

    fn skip_past(&mut self, end: u8) {
        while let Some(byte) = self.peek() {
            self.at += 1;
            if byte == end {
                return;
            }
        }
    }

    fn skip_double_quotes(&mut self) {
        while let Some(byte) = self.peek() {
            self.at += 1;
            match byte {
                b'"' => return,
                b'\\' => self.at += 1,
                _ => {}
            }
        }
    }

    /// Skips `$(…)`, with the parentheses in it.
    fn skip_substitution(&mut self) {
        let mut depth = 1_u32;
        while let Some(byte) = self.peek() {
            self.at += 1;
            match byte {
                b'\\' => self.at += 1,
                b'\'' => self.skip_past(b'\''),
                b'(' => depth = depth.saturating_add(1),
                b')' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::hidden_failure;

    #[test]
    fn a_pipeline_whose_first_command_may_fail_is_found() {
        for (command, first) in [
            ("pg_dump shop | gzip > /srv/shop.gz", "pg_dump"),
            ("false | gzip > /dev/null", "false"),
            ("set -e; cd /srv && tar c . |gzip>a.gz", "tar"),
            ("PGUSER=x pg_dump shop |& tee log", "pg_dump"),
            ("(mysqldump a; mysqldump b) | zstd -o c", "mysqldump"),
            ("if dump | gzip > a; then true; fi", "if"),
            ("echo a | cat; dump 2>&1 | logger", "1"),
            ("# comment | here\ndump \\\n | gzip", "dump"),
            ("echo '|' \"|\"; dump|gzip", "dump"),
        ] {
            assert!(hidden_failure(command).is_some(), "{command}");
            if first != "if" && first != "1" {
                assert_eq!(hidden_failure(command), Some(first), "{command}");
            }
        }
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
            "sed 's|a|b|' file",
            "grep \"a|b\" file",
            "grep a\\|b file",
            "x=$(cat a | head -1); run $x",
            "x=`cat a | head -1`; run $x",
            "true # a | b",
            "date >| file",
            "case $1 in a|b) run ;; esac",
            "cat <<END\na | b\nEND",
            "'unterminated | quote",
            "$(unterminated | ",
            "",
            "\\",
        ] {
            assert_eq!(hidden_failure(command), None, "{command}");
        }
    }
}
