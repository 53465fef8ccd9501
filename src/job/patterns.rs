//! Which patterns cannot be used, and which ones probably do not mean what their writer wants.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::source::patterns::{Pattern, PatternFault};

/// What is wrong with a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// It can match nothing in any of the sources.
    Unusable(PatternFault),
    /// It can match something, but is written like a pattern of another language.
    Doubtful(Doubt),
}

/// Why a pattern is doubtful. `Display` says what it means here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// It begins with `~` or a variable.
    NotExpanded,
    /// This sign separates what looks like several patterns.
    List(char),
    /// It begins with a blank.
    BlankBefore,
    /// It begins with the name of a language, as borg's patterns do.
    NamedLanguage,
    /// It begins with a sign and a blank, as the rules of rsync do.
    Rule,
    /// It is written as a regular expression.
    Regex,
    /// It has `{a,b}`.
    Braces,
    /// It begins like the absolute path of something outside of the sources.
    OtherPath,
    /// It has a slash in the middle, and no slash or `**` at the beginning. It once matched at any depth.
    Anchored,
}

impl Doubt {
    /// What to write instead.
    pub fn help(self) -> &'static str {
        match self {
            Doubt::NotExpanded => {
                "write a path from the top of the source, for example `/ada/private`"
            }
            Doubt::List(_) => {
                "write a list with one pattern in each text: `[\"*.tmp\", \"*.bak\"]`"
            }
            Doubt::BlankBefore => "remove the blank",
            Doubt::NamedLanguage => {
                "write a name or a pattern alone, for example `*.tmp`, or `/ada/cache` for a path from the top of the source"
            }
            Doubt::Rule => {
                "write the pattern alone; one that begins with `!` keeps what it matches"
            }
            Doubt::Regex => {
                "`*` stands for any characters of a name and `?` for one: write `*.tmp`"
            }
            Doubt::Braces => "write one pattern for each word",
            Doubt::OtherPath => {
                "a pattern begins at the top of the source, or with the absolute path of the source"
            }
            Doubt::Anchored => {
                "write `**/` before it to match at any depth, or `/` if the top of the source is meant"
            }
        }
    }
}

impl fmt::Display for Doubt {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Doubt::List(sign) = self {
            let sign = match sign {
                ',' => "a comma".to_owned(),
                ' ' => "a blank".to_owned(),
                '\n' => "a line break".to_owned(),
                sign => format!("`{sign}`"),
            };
            return write!(
                formatter,
                "{sign} is a part of the pattern: this is one pattern, not several"
            );
        }
        formatter.write_str(match self {
            Doubt::NotExpanded => "`~` and variables are not replaced",
            Doubt::List(_) => "this is one pattern, not several",
            Doubt::BlankBefore => "the blank at its beginning is a part of the pattern",
            Doubt::NamedLanguage => "the word before the colon is a part of the pattern",
            Doubt::Rule => "the sign and the blank at its beginning are a part of the pattern",
            Doubt::Regex => "it looks like a regular expression, and is none here",
            Doubt::Braces => "braces have no special meaning",
            Doubt::OtherPath => "it matches below the source only, and not this absolute path",
            Doubt::Anchored => {
                "a pattern with a slash in it matches from the top of the source only"
            }
        })
    }
}

/// Judges a pattern of a backup of these sources. `None`: nothing is wrong with it.
pub fn judge(text: &str, sources: &[PathBuf]) -> Option<Judgement> {
    let mut fault = None;
    let mut usable = sources.is_empty();
    for source in sources {
        match Pattern::new(source, text) {
            Ok(_) => usable = true,
            Err(found) => fault = Some(found),
        }
    }
    match fault {
        Some(fault) if !usable => Some(Judgement::Unusable(fault)),
        _ => doubt(text, sources).map(Judgement::Doubtful),
    }
}

fn doubt(text: &str, sources: &[PathBuf]) -> Option<Doubt> {
    let text = text.trim_end_matches(' ');
    let text = text.strip_prefix('!').unwrap_or(text);
    let inner = text.strip_suffix('/').unwrap_or(text);
    if begins_as_in_a_shell(inner) {
        Some(Doubt::NotExpanded)
    } else if names_a_language(inner) {
        Some(Doubt::NamedLanguage)
    } else if inner.starts_with("- ") || inner.starts_with("+ ") {
        Some(Doubt::Rule)
    } else if let Some(sign) = separator(inner) {
        Some(Doubt::List(sign))
    } else if inner.starts_with(char::is_whitespace) {
        Some(Doubt::BlankBefore)
    } else if is_a_regex(inner) {
        Some(Doubt::Regex)
    } else if has_braces(inner) {
        Some(Doubt::Braces)
    } else if text.starts_with('/') {
        names_another_place(Path::new(inner), sources).then_some(Doubt::OtherPath)
    } else {
        let anchored = inner.contains('/') && !inner.starts_with("./") && !inner.contains("**");
        anchored.then_some(Doubt::Anchored)
    }
}

/// `~`, `~/x`, `$HOME`, `${HOME}/x`; not the names `~$report.docx` and `$RECYCLE.BIN`.
fn begins_as_in_a_shell(pattern: &str) -> bool {
    let first = pattern.split('/').next().unwrap_or_default();
    if let Some(variable) = first.strip_prefix('$') {
        let is_name = |it: char| it.is_ascii_alphanumeric() || it == '_';
        return variable.starts_with('{')
            || (!variable.is_empty() && variable.chars().all(is_name));
    }
    first == "~" || (first.starts_with('~') && pattern.len() > first.len())
}

/// `re:\.tmp$` and `pp:/srv/cache` of borg, `glob:*.tmp` and `regexp:` of others; not a name as `a:b`.
fn names_a_language(pattern: &str) -> bool {
    const LANGUAGES: [&str; 11] = [
        "re", "sh", "fm", "pp", "pf", "glob", "iglob", "regex", "regexp", "relglob", "relre",
    ];
    let word = pattern.split_once(':').map(|(word, _)| word);
    word.is_some_and(|word| LANGUAGES.contains(&word))
}

/// `^cache`, `.*\.tmp`, `\.tmp$`; not `.*`, nor an escaped sign as `\[`.
fn is_a_regex(pattern: &str) -> bool {
    pattern.starts_with('^') || pattern.contains("\\.") || pattern.contains(".*$")
}

/// The sign that separates what looks like several patterns: `*.tmp,*.bak` and `a,b`; not `*,v`, nor a name as
/// `Smith, John`.
fn separator(pattern: &str) -> Option<char> {
    if pattern.contains('\n') {
        return Some('\n');
    }
    if is_a_list(pattern) {
        return Some(',');
    }
    // Other signs are more usual in names, so that only what must be patterns counts.
    [';', ':', '|', ' '].into_iter().find(|sign| {
        let mut parts = pattern.split(*sign).filter(|part| !part.trim().is_empty());
        let several = parts.clone().count() > 1 && !pattern.contains(['[', '\\']);
        several
            && parts.all(|part| match sign {
                // Many names have blanks: `/My Documents/*.tmp`.
                ' ' => part.starts_with(['*', '?', '/']),
                _ => part.contains(['*', '?']) || part.trim().starts_with('/'),
            })
    })
}

/// Whether commas separate several patterns.
fn is_a_list(pattern: &str) -> bool {
    if pattern.contains(['[', '{', '\\']) || !pattern.contains(',') {
        return false;
    }
    let mut parts = pattern.split(',');
    if pattern.contains(", ") {
        let is_pattern = |part: &str| part.contains(['*', '?', '/']);
        return parts.all(|part| is_pattern(part.trim()));
    }
    parts.all(|part| part.contains(|it| !matches!(it, '*' | '?')))
}

/// `*.{jpg,png}`
fn has_braces(pattern: &str) -> bool {
    let Some((_, behind)) = pattern.split_once('{') else {
        return false;
    };
    let closed = behind.split_once('}');
    closed.is_some_and(|(inside, _)| inside.contains(','))
}

/// Whether an absolute path begins as a source does, and lies in none of them. Others are anchored patterns: `/cache`.
fn names_another_place(path: &Path, sources: &[PathBuf]) -> bool {
    let first = |path: &Path| path.components().nth(1).map(|it| it.as_os_str().to_owned());
    let inside = sources.iter().any(|source| path.starts_with(source));
    let beside = sources
        .iter()
        .any(|source| first(source).is_some() && first(source) == first(path));
    !inside && beside
}

#[cfg(test)]
mod tests {
    use super::*;

    fn doubt_of(text: &str) -> Option<Doubt> {
        match judge(text, &["/srv/www".into(), "/home/ada".into()]) {
            Some(Judgement::Doubtful(doubt)) => Some(doubt),
            None => None,
            Some(Judgement::Unusable(fault)) => panic!("{text}: {fault}"),
        }
    }

    #[test]
    fn habits_of_other_languages_are_noticed() {
        for (doubt, texts) in [
            (
                Doubt::NotExpanded,
                &[
                    "~",
                    "~/x",
                    "!~/x",
                    "~ada/x",
                    "$HOME",
                    "${HOME}/x",
                    "$HOME/x/",
                ][..],
            ),
            (
                Doubt::List(','),
                &["a,b", "*.tmp,*.bak", "*.tmp, *.bak", "/cache,/tmp"],
            ),
            (Doubt::List(' '), &["*.log *.tmp", "/cache /tmp"]),
            (Doubt::List(':'), &["*.log:*.tmp"]),
            (Doubt::List(';'), &["*.log;*.tmp", "*.log; *.tmp"]),
            (Doubt::List('|'), &["*.log|*.tmp"]),
            (Doubt::List('\n'), &["a\nb"]),
            (
                Doubt::NamedLanguage,
                &[
                    "re:\\.log$",
                    "sh:**/*.log",
                    "fm:*.log",
                    "pp:/srv/cache",
                    "pf:a",
                ],
            ),
            (Doubt::Rule, &["- *.log", "+ a/"]),
            (Doubt::Regex, &["^.*\\.log$", "^cache", ".*\\.log"]),
            (Doubt::BlankBefore, &[" *.log", "\ta"]),
            (Doubt::Braces, &["*.{jpg,png}"]),
            (
                Doubt::OtherPath,
                &["/srv/db", "/home/bob/*", "/srv", "/home/ada2"],
            ),
            (Doubt::Anchored, &["cache/*.tmp", "a/b/", "!a/b"]),
        ] {
            for text in texts {
                assert_eq!(doubt_of(text), Some(doubt), "{text}");
            }
        }
    }

    #[test]
    fn what_gitignore_means_is_not_doubted() {
        for text in [
            "*.log",
            "!audit.log",
            "cache/",
            "/cache",
            "/cache/*.tmp",
            "./cache/x",
            "**/a/b",
            "a/**/b",
            "/srv/www/cache",
            "/home/ada/.cache",
            "/srv/www/*/x",
            "~$*.docx",
            "*~",
            "$RECYCLE.BIN",
            "*,v",
            "Smith, John",
            "[a,b]",
            "{x}",
            "a\\,b",
            "a b",
            "* b",
            "/My Documents/*.tmp",
            "12:30*",
            "a:b",
            ".*",
            "x;y",
            "-a",
        ] {
            assert_eq!(doubt_of(text), None, "{text}");
        }
    }

    #[test]
    fn a_pattern_is_unusable_if_it_can_match_in_no_source() {
        let judged = |text: &str, sources: &[&str]| {
            let sources: Vec<PathBuf> = sources.iter().map(PathBuf::from).collect();
            judge(text, &sources)
        };
        let unusable = |fault| Some(Judgement::Unusable(fault));
        assert_eq!(
            judged("[a", &["/a", "/b"]),
            unusable(PatternFault::OpenClass)
        );
        assert_eq!(judged("/a", &["/a"]), unusable(PatternFault::WholeSource));
        // In the other source, it is anchored at the top.
        assert_eq!(judged("/a", &["/a", "/b"]), None);
    }
}
