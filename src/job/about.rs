//! What an action works on, in words: the source and the container of a backup, the program of a command.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use super::action::{Age, Command, Work};
use super::diagnostic::shown;

impl Work {
    /// What the action works on, for a log line: `/srv/www → nightly`. Never a whole command, which may hold a secret.
    pub fn about(&self) -> String {
        match self {
            Work::Backup(backup) => {
                format!("{} → {}", several(&backup.paths), backup.container.name)
            }
            Work::Restore(restore) => {
                let target = harmless(&restore.target);
                format!("{} → {target}", restore.container.name)
            }
            Work::Admin(admin) => match admin.remove {
                Some(Age::Days(days)) => format!(
                    "snapshots of {} older than {days} {} in {}",
                    admin.lineage.backup_name,
                    if days == 1.0 { "day" } else { "days" },
                    admin.container.name
                ),
                Some(Age::Before(instant)) => format!(
                    "snapshots of {} from before {} in {}",
                    admin.lineage.backup_name,
                    DateTime::<Utc>::from_timestamp(instant, 0)
                        .map_or_else(|| instant.to_string(), |at| at.to_rfc3339()),
                    admin.container.name
                ),
                None => format!(
                    "old snapshots of {} in {}",
                    admin.lineage.backup_name, admin.container.name
                ),
            },
            Work::Info(info) => info.container.name.clone(),
            Work::Exec(exec) => match &exec.command {
                Command::Shell(text) => program(text).unwrap_or("a shell command").to_owned(),
                Command::Words(words) => words.first().cloned().unwrap_or_default(),
            },
            Work::Check(check) => check.container.name.clone(),
            Work::Copy(copy) => format!("{} → {}", copy.from.name, copy.container.name),
            Work::Drill(drill) => format!(
                "{} of {} in {}",
                drill.lineage.backup_name, drill.lineage.host, drill.container.name
            ),
        }
    }
}

/// Up to three paths, and the number of the others: `/etc, /home, /srv and 2 more`.
pub fn several(paths: &[PathBuf]) -> String {
    const SHOWN: usize = 3;
    let mut text = String::new();
    for path in paths.iter().take(SHOWN) {
        if !text.is_empty() {
            text.push_str(", ");
        }
        text.push_str(&harmless(path));
    }
    match paths.len().saturating_sub(SHOWN) {
        0 => text,
        more => format!("{text} and {more} more"),
    }
}

/// A path on one line, without characters that a terminal obeys.
fn harmless(path: &Path) -> String {
    path.to_string_lossy().chars().map(shown).collect()
}

/// The program that a shell command begins with. `None` where the first word is not a plain program name, as in
/// `PGPASSWORD=… pg_dump`.
fn program(command: &str) -> Option<&str> {
    let is_plain = |it: char| it.is_ascii_alphanumeric() || "/._+-".contains(it);
    command
        .split_whitespace()
        .next()
        .filter(|word| word.chars().all(is_plain))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::action::Exec;

    fn shell(command: &str) -> String {
        Work::Exec(Exec {
            command: Command::Shell(command.to_owned()),
        })
        .about()
    }

    #[test]
    fn many_sources_are_counted() {
        let paths = ["/a", "/b", "/c", "/d", "/e"].map(PathBuf::from);
        assert_eq!(several(&paths[..1]), "/a");
        assert_eq!(several(&paths[..3]), "/a, /b, /c");
        assert_eq!(several(&paths), "/a, /b, /c and 2 more");
    }

    #[test]
    fn a_path_is_one_line_without_terminal_codes() {
        let paths = [PathBuf::from("/a\n99:99 forged\u{1b}[2J")];
        assert_eq!(several(&paths), "/a\\u{a}99:99 forged\\u{1b}[2J");
    }

    #[test]
    fn a_shell_command_shows_only_its_program() {
        assert_eq!(shell("pg_dump --password=hunter2 db"), "pg_dump");
        assert_eq!(shell("/usr/bin/env true"), "/usr/bin/env");
        assert_eq!(shell("PGPASSWORD=hunter2 pg_dump"), "a shell command");
        assert_eq!(shell("  "), "a shell command");
    }
}
