//! Files with the variables of OpenStack, as its dashboard gives them: `export OS_AUTH_URL=https://cloud.example:5000/v3`.
//!
//! No shell runs. What is not an assignment of a text is left out, and its line is named.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::OpenOptions;
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::job::secret;
use crate::os;
use crate::secret::password;

/// The longest file that is read, in bytes.
const LONGEST: u64 = 64 * 1024;

/// The variables of a file. The values may be secret.
#[derive(Default)]
pub struct Variables(BTreeMap<String, Zeroizing<String>>);

impl Variables {
    /// The value of a variable; `None` if it is not set, or empty.
    pub fn value(&self, name: &str) -> Option<String> {
        let value = self.0.get(name).filter(|value| !value.is_empty())?;
        Some(value.to_string())
    }
}

/// Why such a file cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum OpenrcFault {
    /// It is a credential of the service, and is not available.
    #[error("`osrc` of the storage: {0}")]
    NoCredential(String),
    #[error("`osrc` of the storage: {} cannot be read: {}", path.display(), os::reason(source))]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("`osrc` of the storage: {} is not a file of at most 64 KiB of text", path.display())]
    NotText { path: PathBuf },
}

/// Why a line is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    NotAnAssignment,
    NeedsShell,
    OpenQuote,
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Fault::NotAnAssignment => "is not an assignment such as `export OS_USERNAME=backup`",
            Fault::NeedsShell => "needs a shell, and none is run: write the value itself",
            Fault::OpenQuote => "has a quote that does not end there",
        })
    }
}

/// Reads a file. `%d/NAME` is a credential of the service. `tell` gets a warning for each line that is left out.
///
/// # Errors
/// When the file cannot be read.
pub fn read(path: &Path, tell: &dyn Fn(&str)) -> Result<Variables, OpenrcFault> {
    password::forbid_core_files();
    let directory = std::env::var_os(secret::DIRECTORY);
    let path = secret::resolve(path, directory.as_deref()).map_err(OpenrcFault::NoCredential)?;
    let failed = |source| OpenrcFault::Unreadable {
        path: path.to_path_buf(),
        source,
    };
    let not_text = || OpenrcFault::NotText {
        path: path.to_path_buf(),
    };
    // Opening a FIFO must not block the action.
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(&path)
        .map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if !metadata.is_file() {
        return Err(not_text());
    }
    if metadata.mode() & 0o007 != 0 {
        tell(&format!(
            "warning: everybody can read {}, which may hold a password; correct it with: chmod o= {0}",
            path.display()
        ));
    }
    let mut content = Zeroizing::new(Vec::new());
    file.take(LONGEST + 1)
        .read_to_end(&mut content)
        .map_err(failed)?;
    let text = std::str::from_utf8(&content).map_err(|_| not_text())?;
    if content.len() as u64 > LONGEST {
        return Err(not_text());
    }
    let (variables, faults) = parse(text);
    for (line, fault) in faults {
        // Never the line itself: it may hold a password.
        tell(&format!(
            "warning: {}, line {line} {fault}; the line is left out",
            path.display()
        ));
    }
    Ok(variables)
}

/// The variables of a text, and the lines that are left out, counted from 1.
fn parse(text: &str) -> (Variables, Vec<(usize, Fault)>) {
    let mut variables = Variables::default();
    let mut faults = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(names) = after_word(line, "unset") {
            for name in names.split_whitespace() {
                variables.0.remove(name);
            }
            continue;
        }
        let assignment = after_word(line, "export").unwrap_or(line);
        let Some((name, rest)) = assignment.split_once('=').filter(|it| is_name(it.0)) else {
            // `export NAME` exports what another line has assigned.
            if line == assignment || !is_name(assignment) {
                faults.push((index + 1, Fault::NotAnAssignment));
            }
            continue;
        };
        // An earlier value is not the one that is meant, even if the new one is not known.
        variables.0.remove(name);
        match value(rest) {
            Ok(value) => {
                variables.0.insert(name.to_owned(), value);
            }
            Err(fault) => faults.push((index + 1, fault)),
        }
    }
    (variables, faults)
}

/// What follows a word at the beginning of a line.
fn after_word<'a>(line: &'a str, word: &str) -> Option<&'a str> {
    let rest = line.strip_prefix(word)?;
    rest.starts_with([' ', '\t']).then(|| rest.trim_start())
}

fn is_name(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    !text.is_empty() && !text.as_bytes()[0].is_ascii_digit() && text.bytes().all(is_part)
}

/// The text that a shell would assign.
fn value(text: &str) -> Result<Zeroizing<String>, Fault> {
    // No larger than the line, so that no copy of a part is left behind.
    let mut value = Zeroizing::new(String::with_capacity(text.len()));
    let mut rest = text.chars();
    while let Some(one) = rest.next() {
        match one {
            '\'' => loop {
                match rest.next().ok_or(Fault::OpenQuote)? {
                    '\'' => break,
                    other => value.push(other),
                }
            },
            '"' => quoted(&mut rest, &mut value)?,
            '\\' => value.push(rest.next().ok_or(Fault::NeedsShell)?),
            '$' | '`' | '(' | ')' | '<' | '>' | '|' | '&' => return Err(Fault::NeedsShell),
            '~' if value.is_empty() => return Err(Fault::NeedsShell),
            ';' | ' ' | '\t' => {
                let rest = rest.as_str().trim_start();
                return match rest.is_empty() || rest.starts_with('#') {
                    true => Ok(value),
                    false => Err(Fault::NeedsShell),
                };
            }
            other => value.push(other),
        }
    }
    Ok(value)
}

/// Takes what is between double quotes.
fn quoted(rest: &mut std::str::Chars<'_>, value: &mut String) -> Result<(), Fault> {
    loop {
        match rest.next().ok_or(Fault::OpenQuote)? {
            '"' => return Ok(()),
            '\\' => match rest.next().ok_or(Fault::OpenQuote)? {
                escaped @ ('$' | '`' | '"' | '\\') => value.push(escaped),
                other => value.extend(['\\', other]),
            },
            '$' | '`' => return Err(Fault::NeedsShell),
            other => value.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assigned(line: &str) -> Result<String, Fault> {
        let (variables, faults) = parse(line);
        match (variables.value("A"), &faults[..]) {
            (Some(value), []) => Ok(value),
            (None, [(1, fault)]) => Err(*fault),
            (None, []) => Ok(String::new()),
            other => panic!("{line:?}: {other:?}"),
        }
    }

    #[test]
    fn an_assignment_has_the_value_that_a_shell_would_give_it() {
        for (line, value) in [
            ("export A=b", "b"),
            ("A=b", "b"),
            ("  export\tA='b c' # why", "b c"),
            (r#"export A="b \"c\" \d""#, r#"b "c" \d"#),
            (r#"A="b"'c'd"#, "bcd"),
            (r"A=b\ c\'d", "b c'd"),
            ("A=b#c", "b#c"),
            ("A='$(b)`c`'", "$(b)`c`"),
            ("A=b;", "b"),
            ("A=https://h:5000/v3?x=1\r", "https://h:5000/v3?x=1"),
            ("A=", ""),
            ("export A", ""),
            ("# A=b", ""),
        ] {
            assert_eq!(assigned(line).as_deref(), Ok(value), "{line}");
        }
    }

    #[test]
    fn a_line_that_needs_a_shell_is_left_out_and_named() {
        for (line, fault) in [
            ("export A=$B", Fault::NeedsShell),
            ("A=\"$B\"", Fault::NeedsShell),
            ("A=`id`", Fault::NeedsShell),
            ("A=$(id)", Fault::NeedsShell),
            ("A=b; id", Fault::NeedsShell),
            ("A=b id", Fault::NeedsShell),
            ("A=b&", Fault::NeedsShell),
            ("A=~/b", Fault::NeedsShell),
            ("A=b\\", Fault::NeedsShell),
            ("A='b", Fault::OpenQuote),
            ("A=\"b\\\"", Fault::OpenQuote),
            ("echo A=b", Fault::NotAnAssignment),
            ("read -sr A", Fault::NotAnAssignment),
            ("1A=b", Fault::NotAnAssignment),
            ("=b", Fault::NotAnAssignment),
        ] {
            assert_eq!(assigned(line), Err(fault), "{line}");
        }
    }

    #[test]
    fn what_the_dashboard_gives_is_read_but_for_the_question_for_the_password() {
        let text = "#!/usr/bin/env bash\nexport OS_AUTH_URL=https://h:5000\nexport OS_PASSWORD=old\n\
            if [ -z \"$OS_REGION_NAME\" ]; then unset OS_REGION_NAME; fi\nexport OS_REGION_NAME=\"R\"\nunset OS_TENANT_ID\n\
            echo \"Please enter your password: \"\nread -sr OS_PASSWORD_INPUT\nexport OS_PASSWORD=$OS_PASSWORD_INPUT\n";
        let (variables, faults) = parse(text);
        assert_eq!(variables.value("OS_AUTH_URL").unwrap(), "https://h:5000");
        assert_eq!(variables.value("OS_REGION_NAME").unwrap(), "R");
        assert_eq!(variables.value("OS_PASSWORD"), None);
        let lines: Vec<usize> = faults.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [4, 7, 8, 9]);
    }
}
