//! Patterns of paths, in the language of `.gitignore` files (gitignore(5)).
//!
//! - A pattern without a `/`, or with one only at its end, matches a name at any depth. Any other pattern is anchored:
//!   it matches from the top of the source.
//! - `*` matches any characters of a name and `?` matches one, but neither matches `/`. `[a-z]` and `[!a-z]` match one
//!   character of a class, `[[:digit:]]` of a POSIX class. `\` takes the next character as it is.
//! - `**` between slashes stands for any number of directories: `**/x`, `a/**/x`. `a/**` matches everything in `a`.
//! - A `/` at the end: the pattern matches directories only.
//! - `!` at the start: what matches is not left out, although an earlier pattern says so. The last pattern that matches
//!   decides. What lies in a directory that is left out stays out.
//! - An empty line, and one that starts with `#`, is not a pattern. Spaces at the end do not count, unless `\` precedes.
//!
//! There are four differences from git. A character is a character of UTF-8, not a byte; each byte that is not UTF-8
//! counts as one character. A pattern that starts with the absolute path of the source is anchored there. `./` at the
//! start anchors a pattern, as `/` does. And a pattern that can match nothing is an error, with its reason.

pub mod file;
mod name;

use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use name::NamePattern;

/// A list of patterns. The last one that matches a path decides.
#[derive(Clone, Debug, Default)]
pub struct Patterns {
    patterns: Vec<Pattern>,
}

/// One pattern.
#[derive(Clone, Debug)]
pub struct Pattern {
    text: String,
    negated: bool,
    directories_only: bool,
    parts: Vec<Part>,
}

/// What a pattern has between two slashes.
#[derive(Clone, Debug)]
enum Part {
    /// `**`: any number of directories, or none.
    AnyDepth,
    /// One name.
    Name(NamePattern),
}

/// Why a text is not a pattern that can match anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PatternFault {
    /// It is empty, or only `/` or `!`.
    Empty,
    /// It starts with `#`.
    Comment,
    /// A `[` has no `]`.
    OpenClass,
    /// It ends with a `\` that has no character to take as it is.
    OpenEscape,
    /// Two slashes follow each other, or a name is `.` or `..`: no path in a source looks like that.
    NoSuchName,
    /// A class has no character: its ranges end before they begin.
    EmptyClass,
    /// It is the absolute path of the source itself.
    WholeSource,
}

impl fmt::Display for PatternFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            PatternFault::Empty => "it is empty",
            PatternFault::Comment => "a text that starts with # is a comment",
            PatternFault::OpenClass => "a [ has no ]",
            PatternFault::OpenEscape => "it ends with a single \\",
            PatternFault::NoSuchName => "a name is empty, `.` or `..`",
            PatternFault::EmptyClass => "the ranges of a [ ] end before they begin",
            PatternFault::WholeSource => {
                "it names the source itself, and a pattern is about what lies in it"
            }
        })
    }
}

/// Whether a path is left out.
#[derive(Clone, Copy, Debug)]
pub enum Decision<'a> {
    /// No pattern matches.
    NoMatch,
    /// This pattern leaves the path out.
    LeftOut(&'a Pattern),
    /// This pattern, which starts with `!`, keeps the path.
    Kept(&'a Pattern),
}

impl Patterns {
    /// The patterns of a source, in their order. Returns what could be read, and each text that could not be, with its
    /// place in the list.
    pub fn new<S: AsRef<str>>(
        source: &Path,
        texts: &[S],
    ) -> (Patterns, Vec<(usize, PatternFault)>) {
        let mut patterns = Vec::new();
        let mut faults = Vec::new();
        for (place, text) in texts.iter().enumerate() {
            match Pattern::new(source, text.as_ref()) {
                Ok(pattern) => patterns.push(pattern),
                Err(fault) => faults.push((place, fault)),
            }
        }
        (Patterns { patterns }, faults)
    }

    /// True if there is no pattern.
    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// What the patterns decide for a path. `path` is relative to the top of the source and has no `.` or `..` in it.
    ///
    /// The directories above the path are not looked at: ask for them first, and do not ask for what lies in one that
    /// is left out.
    pub fn decision(&self, path: &Path, is_directory: bool) -> Decision<'_> {
        let path = path.as_os_str().as_bytes();
        let decides = self
            .patterns
            .iter()
            .rfind(|pattern| pattern.matches(path, is_directory));
        match decides {
            None => Decision::NoMatch,
            Some(pattern) if pattern.negated => Decision::Kept(pattern),
            Some(pattern) => Decision::LeftOut(pattern),
        }
    }

    /// Sets the flag of each pattern that matches the path by itself. `flags` gets one flag for each pattern.
    pub fn note_matches(&self, path: &Path, is_directory: bool, flags: &mut Vec<bool>) {
        flags.resize(self.patterns.len(), false);
        let path = path.as_os_str().as_bytes();
        for (pattern, flag) in self.patterns.iter().zip(flags) {
            *flag = *flag || pattern.matches(path, is_directory);
        }
    }

    /// The texts of the patterns whose flag is not set.
    pub fn without_match(&self, flags: &[bool]) -> Vec<String> {
        let patterns = self.patterns.iter().enumerate();
        patterns
            .filter(|(place, _)| !flags.get(*place).copied().unwrap_or(false))
            .map(|(_, pattern)| pattern.text.clone())
            .collect()
    }

    /// Whether an entry is left out of a directory that is not left out itself.
    pub fn leaves_out_entry(&self, path: &Path, is_directory: bool) -> bool {
        matches!(self.decision(path, is_directory), Decision::LeftOut(_))
    }

    /// True if the path, or a directory that it lies in, is left out.
    pub fn leave_out(&self, path: &Path, is_directory: bool) -> bool {
        if self.is_empty() {
            return false;
        }
        let mut above: Vec<&Path> = path.ancestors().skip(1).collect();
        above.pop();
        let above_is_left_out = above
            .into_iter()
            .rev()
            .any(|directory| matches!(self.decision(directory, true), Decision::LeftOut(_)));
        above_is_left_out || matches!(self.decision(path, is_directory), Decision::LeftOut(_))
    }
}

impl Pattern {
    /// Reads one pattern.
    ///
    /// # Errors
    /// When the text can match nothing.
    pub fn new(source: &Path, text: &str) -> Result<Pattern, PatternFault> {
        if text.starts_with('#') {
            return Err(PatternFault::Comment);
        }
        let rest = without_spaces_at_end(text);
        let (negated, rest) = match rest.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, rest),
        };
        let (directories_only, rest) = match rest.strip_suffix('/') {
            // `\/` is a slash too.
            Some(rest) => (true, rest.strip_suffix('\\').unwrap_or(rest)),
            None => (false, rest),
        };
        if rest.is_empty() {
            return Err(PatternFault::Empty);
        }
        let (anchored, rest) = anchor(source, rest)?;
        let mut parts = Vec::new();
        if !anchored {
            parts.push(Part::AnyDepth);
        }
        for part in split(rest) {
            parts.push(match part {
                "**" => Part::AnyDepth,
                "" | "." | ".." => return Err(PatternFault::NoSuchName),
                name => Part::Name(NamePattern::new(name)?),
            });
        }
        if let [.., Part::AnyDepth] = parts[..] {
            // `a/**` matches what lies in `a`, not `a` itself.
            parts.push(Part::Name(NamePattern::any()));
        }
        Ok(Pattern {
            text: text.to_owned(),
            negated,
            directories_only,
            parts,
        })
    }

    /// The pattern as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    fn matches(&self, path: &[u8], is_directory: bool) -> bool {
        (is_directory || !self.directories_only) && matches_from(&self.parts, Some(path))
    }
}

/// Whether the parts match the rest of a path; `None`: there is no name left. A path is as long as the system allows,
/// and a pattern as long as a job file, so the number of steps is bounded by their product.
fn matches_from(mut parts: &[Part], mut path: Option<&[u8]>) -> bool {
    // Where to go on when a name does not match: behind the last `**`, with one more directory for it.
    let mut retry: Option<(&[Part], &[u8])> = None;
    loop {
        match (parts.split_first(), path) {
            (Some((Part::AnyDepth, rest)), Some(names)) => {
                retry = Some((rest, names));
                parts = rest;
                continue;
            }
            (Some((Part::Name(name), rest)), Some(names)) => {
                let (first, after) = first_name(names);
                if name.matches(first) {
                    parts = rest;
                    path = after;
                    continue;
                }
            }
            (None, None) => return true,
            (Some(_), None) | (None, Some(_)) => {}
        }
        let Some((rest, names)) = retry else {
            return false;
        };
        let (_, Some(after)) = first_name(names) else {
            return false;
        };
        retry = Some((rest, after));
        parts = rest;
        path = Some(after);
    }
}

/// The first name of a path, and what follows its slash.
fn first_name(path: &[u8]) -> (&[u8], Option<&[u8]>) {
    match path.iter().position(|byte| *byte == b'/') {
        Some(slash) => (&path[..slash], Some(&path[slash + 1..])),
        None => (path, None),
    }
}

/// Whether the pattern is anchored to the top of the source, and what is left of it below the top.
fn anchor<'a>(source: &Path, pattern: &'a str) -> Result<(bool, &'a str), PatternFault> {
    if let Some(below) = pattern.strip_prefix("./") {
        return Ok((true, below));
    }
    let Some(below) = pattern.strip_prefix('/') else {
        return Ok((pattern.contains('/'), pattern));
    };
    let source = source.to_str().unwrap_or_default().trim_end_matches('/');
    match pattern.strip_prefix(source) {
        Some("") => Err(PatternFault::WholeSource),
        Some(rest) if !source.is_empty() && rest.starts_with('/') => Ok((true, &rest[1..])),
        _ => Ok((true, below)),
    }
}

/// The parts of a pattern between its slashes. A slash in a class separates too, as in git.
fn split(pattern: &str) -> impl Iterator<Item = &str> {
    pattern.split('/')
}

/// The text without the spaces at its end, except for one that `\` precedes.
fn without_spaces_at_end(text: &str) -> &str {
    let trimmed = text.trim_end_matches(' ');
    let escapes = trimmed.len() - trimmed.trim_end_matches('\\').len();
    if escapes % 2 == 1 && trimmed.len() < text.len() {
        &text[..=trimmed.len()]
    } else {
        trimmed
    }
}

#[cfg(test)]
mod tests;
