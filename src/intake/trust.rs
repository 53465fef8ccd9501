//! Who may decide what the daemon does: the owners and modes of job files, judged as cron judges crontabs.

use std::fmt;
use std::path::Path;

use rustix::fs::Stat;

use crate::job::codes;
use crate::job::diagnostic::{Diagnostic, quoted};

/// What is judged, and named in diagnostics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    /// A job file.
    File,
    /// The jobs directory.
    Directory,
}

impl fmt::Display for Subject {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Subject::File => "file",
            Subject::Directory => "directory",
        })
    }
}

/// Whose files are trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trust {
    /// The user that the daemon runs as.
    pub user: u32,
    /// The user's own group: its primary one, with nobody else in it. `None` for root, and where there is no such
    /// group.
    pub own_group: Option<u32>,
    /// Further users whose files are trusted.
    pub owners: Vec<u32>,
}

impl Trust {
    /// Trust in root, in this process's user, and in the given owners.
    pub fn of_process(owners: Vec<u32>) -> Trust {
        let user = rustix::process::geteuid().as_raw();
        let group = rustix::process::getegid().as_raw();
        let passwd = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
        let groups = std::fs::read_to_string("/etc/group").unwrap_or_default();
        let own_group = (user != 0 && is_own_group(user, group, &passwd, &groups)).then_some(group);
        Trust {
            user,
            own_group,
            owners,
        }
    }

    /// Judges a file or a directory by what `fstat` says of it. Errors refuse it.
    pub(super) fn judge(&self, stat: &Stat, path: &Path, what: Subject) -> Vec<Diagnostic> {
        let mut diagnostics = Vec::new();
        let shell = shell_quoted(path);
        let owner = stat.st_uid;
        if owner != 0 && owner != self.user && !self.owners.contains(&owner) {
            let mend = if self.user == 0 {
                "chown root".to_owned()
            } else {
                format!("chown {}", self.user)
            };
            diagnostics.push(
                Diagnostic::error(
                    codes::UNTRUSTED_OWNER,
                    format!("the {what} belongs to user {owner}, who is not trusted"),
                )
                .help(format!(
                    "`{mend} {shell}`, or name the user in `trusted_owners`"
                )),
            );
        }
        let mode = stat.st_mode & 0o7777;
        let others_write = mode & 0o002 != 0;
        let group_writes = mode & 0o020 != 0;
        let own = self.own_group == Some(stat.st_gid);
        if others_write || (group_writes && !own) {
            let (whom, mend) = match (group_writes && !own, others_write) {
                (true, true) => ("its group and everybody else", "go-w"),
                (true, false) => ("its group", "g-w"),
                _ => ("everybody", "o-w"),
            };
            diagnostics.push(
                Diagnostic::error(
                    codes::UNTRUSTED_MODE,
                    format!("{whom} may write to the {what} (mode {mode:04o})"),
                )
                .help(format!("`chmod {mend} {shell}`")),
            );
        } else if group_writes {
            diagnostics.push(
                Diagnostic::warning(
                    codes::GROUP_WRITABLE,
                    format!("your group may write to the {what} (mode {mode:04o})"),
                )
                .help(format!(
                    "`chmod g-w {shell}`, unless nobody else will ever be in the group"
                )),
            );
        }
        if what == Subject::File && stat.st_nlink > 1 {
            diagnostics.push(
                Diagnostic::warning(
                    codes::HARD_LINK,
                    "the file has another name: whoever changes that one changes the job",
                )
                .help(format!(
                    "make it a file of its own: `cp {shell} {shell}.new && mv {shell}.new {shell}`"
                )),
            );
        }
        diagnostics
    }
}

/// Whether a group is a user's own: the primary group of nobody else, with no other members.
fn is_own_group(user: u32, group: u32, passwd: &str, groups: &str) -> bool {
    let user = user.to_string();
    let group = group.to_string();
    let mut name = None;
    for line in passwd.lines() {
        let fields: Vec<&str> = line.split(':').collect();
        let [login, _, id, primary, ..] = fields.as_slice() else {
            continue;
        };
        if *id == user {
            name = Some(*login);
        } else if *primary == group {
            return false;
        }
    }
    let Some(name) = name else { return false };
    groups.lines().any(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        let [_, _, id, members] = fields.as_slice() else {
            return false;
        };
        *id == group
            && members
                .split(',')
                .all(|member| member.trim().is_empty() || member.trim() == name)
    })
}

/// A path for a command line that a person may copy.
pub(super) fn shell_quoted(path: &Path) -> String {
    let text = path.to_string_lossy();
    let plain = |it: char| it.is_ascii_alphanumeric() || "/._-+:@%".contains(it);
    if text.chars().all(plain) && !text.is_empty() {
        text.into_owned()
    } else if text.chars().any(char::is_control) {
        quoted(&text).trim_matches('`').to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str = "root:x:0:0::/root:/bin/sh\nada:x:1000:1000::/home/ada:/bin/sh\neve:x:1001:100::/home/eve:/bin/sh\nbob:x:1002:100::/home/bob:/bin/sh\n";
    const GROUPS: &str = "root:x:0:\nusers:x:100:\nada:x:1000:\nteam:x:1000:eve\nsolo:x:1003:ada\n";

    #[test]
    fn a_group_is_the_users_own_if_nobody_else_is_in_it() {
        assert!(is_own_group(1000, 1000, PASSWD, GROUPS));
        assert!(!is_own_group(1001, 100, PASSWD, GROUPS), "bob has it too");
        assert!(
            !is_own_group(1000, 1000, PASSWD, "ada:x:1000:eve\n"),
            "eve is in it"
        );
        assert!(
            !is_own_group(4242, 1000, PASSWD, GROUPS),
            "nobody knows this user"
        );
        assert!(
            !is_own_group(1000, 1000, PASSWD, ""),
            "nobody knows this group"
        );
    }

    #[test]
    fn a_path_can_be_copied_to_a_shell() {
        assert_eq!(shell_quoted(Path::new("/etc/a.json")), "/etc/a.json");
        assert_eq!(
            shell_quoted(Path::new("/etc/it's a.json")),
            "'/etc/it'\\''s a.json'"
        );
        assert!(!shell_quoted(Path::new("/etc/\u{1b}[31m.json")).contains('\u{1b}'));
    }
}
