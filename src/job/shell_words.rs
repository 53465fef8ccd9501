//! What the words of a command mean to a shell: the text that it is given, or signs that only a shell would understand.

/// The text that a shell runs for this command: of `sh -c`, also behind `sudo`, `timeout` and the like, of `su -c` and of
/// `ssh`. `None`: there is none, or the shell is told to report the failures of pipelines.
pub(super) fn script(words: &[String]) -> Option<String> {
    let (program, rest) = words.split_first()?;
    match name(program) {
        "echo" | "printf" => return None,
        "su" | "runuser" | "sg" | "flock" => {
            if let Some(text) = value_of_c(rest) {
                return Some(text.to_owned());
            }
        }
        "ssh" => return remote_command(rest),
        _ => {}
    }
    let shell = words.iter().position(|word| is_shell(word))?;
    text_for_shell(&words[shell + 1..]).map(str::to_owned)
}

/// The base name of a program.
fn name(program: &str) -> &str {
    program.rsplit('/').next().unwrap_or(program)
}

fn is_shell(program: &str) -> bool {
    let shells = ["sh", "bash", "dash", "ash", "ksh", "zsh"];
    shells.contains(&name(program))
}

/// The text behind the options of a shell, if one of them is `c`.
fn text_for_shell(words: &[String]) -> Option<&str> {
    let mut runs_text = false;
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match word.strip_prefix(['-', '+']) {
            Some(long) if long.starts_with('-') => {
                if matches!(long, "-rcfile" | "-init-file") {
                    words.next();
                }
            }
            Some(letters) => {
                runs_text |= letters.contains('c');
                // The name of an option follows: `-euo pipefail`.
                if letters.contains(['o', 'O']) && words.next().is_some_and(|it| it == "pipefail") {
                    return None;
                }
            }
            None => return runs_text.then_some(word),
        }
    }
    None
}

/// The value of `-c`, also as the last letter of several, and of `--command`.
fn value_of_c(words: &[String]) -> Option<&str> {
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if let Some(text) = word.strip_prefix("--command=") {
            return Some(text);
        }
        let is_c = word.starts_with('-') && !word.starts_with("--") && word.ends_with('c');
        if is_c || word == "--command" {
            return words.next().map(String::as_str);
        }
    }
    None
}

/// What `ssh` gives to the shell of the other host: all words behind the name of the host.
fn remote_command(words: &[String]) -> Option<String> {
    const WITH_VALUE: &str = "BbcDEeFIiJLlmOoPpQRSWw";
    let mut rest = words;
    while let Some((first, after)) = rest.split_first() {
        match first.strip_prefix('-') {
            Some(letter) if letter.len() == 1 && WITH_VALUE.contains(letter) => {
                rest = after.get(1..).unwrap_or_default();
            }
            Some(_) => rest = after,
            None => return (!after.is_empty()).then(|| after.join(" ")),
        }
    }
    None
}

/// A sign of the shell among the words of a command that no shell reads.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unread<'a> {
    /// This word is an argument of the program.
    Sign(&'a str),
    /// The program has the name of a whole command line.
    Line,
}

/// A sign that this command does not do what its writer wants, because no shell reads it.
pub(super) fn unread_sign(words: &[String]) -> Option<Unread<'_>> {
    let (program, arguments) = words.split_first()?;
    // For these, the signs are arguments with a meaning; and a shell reads what `ssh` gets.
    let knows_signs = ["ssh", "expr", "test", "[", "echo", "printf", "jq", "find"];
    if knows_signs.contains(&name(program)) || words.iter().any(|word| is_shell(word)) {
        return None;
    }
    let is_sign = |word: &str| {
        let file = word.trim_start_matches(['1', '2', '&']);
        matches!(word, "|" | "||" | "&&" | "|&" | "<" | "2>&1")
            || matches!(file, ">" | ">>")
            || file.starts_with(">/")
            || file.starts_with(">>/")
    };
    if arguments.is_empty() {
        let has_option = program.split_whitespace().skip(1);
        let is_line = program.trim().contains(char::is_whitespace)
            && (!program.starts_with('/')
                || has_option
                    .into_iter()
                    .any(|word| is_sign(word) || word.starts_with('-')));
        return is_line.then_some(Unread::Line);
    }
    let sign = arguments.iter().find(|word| is_sign(word));
    sign.map(|sign| Unread::Sign(sign))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `~` stands for a blank in a word.
    fn words(line: &str) -> Vec<String> {
        line.split(' ').map(|word| word.replace('~', " ")).collect()
    }

    #[test]
    fn the_text_of_a_shell_is_found_behind_other_programs_and_options() {
        for line in [
            "sh -c a~|~b",
            "/bin/bash -ec a~|~b",
            "bash -lc a~|~b",
            "bash --norc -e -o nounset -c a~|~b name",
            "sudo -u postgres sh -c a~|~b",
            "env PGUSER=x nice -n 5 timeout 60 bash -c a~|~b",
            "docker exec db sh -c a~|~b",
            "su postgres -c a~|~b",
            "su - postgres -s /bin/bash -c a~|~b",
            "su -lc a~|~b postgres",
            "runuser -u x -- sh -c a~|~b",
            "su --command=a~|~b x",
            "ssh -p 22 -T host a~|~b",
            "ssh host a | b",
        ] {
            assert_eq!(script(&words(line)).as_deref(), Some("a | b"), "{line}");
        }
        for line in [
            "bash -o pipefail -c a~|~b",
            "bash -euo pipefail -c a~|~b",
            "bash script -c a~|~b",
            "sudo bash -ceo pipefail a~|~b",
            "echo sh -c a~|~b",
            "ssh host",
            "tar c .",
        ] {
            assert_eq!(script(&words(line)), None, "{line}");
        }
    }

    #[test]
    fn signs_that_no_shell_reads_are_found() {
        let sign = |sign| Some(Unread::Sign(sign));
        for (line, found) in [
            ("pg_dump x | gzip", sign("|")),
            ("a && b", sign("&&")),
            ("a 2> /dev/null", sign("2>")),
            ("a >/dev/null", sign(">/dev/null")),
            ("pg dump~x~|~gzip", None),
            ("a~b", Some(Unread::Line)),
            ("/usr/bin/a~-x", Some(Unread::Line)),
            ("/opt/my~program/run", None),
            ("expr 1 < 2", None),
            ("sh -c x > y", None),
            ("find . -exec rm {} ;", None),
            ("mail -s <ok> root", None),
        ] {
            assert_eq!(unread_sign(&words(line)), found, "{line}");
        }
    }
}
