//! Which users may decide what the daemon does. The owners and modes of job files are checked as cron checks crontabs.

use std::fmt;
use std::path::Path;

use rustix::fs::Stat;

use crate::job::codes;
use crate::job::diagnostic::{Diagnostic, quoted};

/// What is checked, for the word in diagnostics.
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

/// The users whose files are trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trust {
    /// The id of the user that the daemon runs as.
    pub user: u32,
    /// The id of the user's private group: its primary group, with no other member. `None` for root, and if the user
    /// has no such group.
    pub own_group: Option<u32>,
    /// The ids of further users whose files are trusted.
    pub owners: Vec<u32>,
}

impl Trust {
    /// Trusts root, the user of this process, and `owners`.
    pub fn of_process(owners: Vec<u32>) -> Trust {
        let user = rustix::process::geteuid().as_raw();
        let group = rustix::process::getegid().as_raw();
        let passwd = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
        let groups = std::fs::read_to_string("/etc/group").unwrap_or_default();
        let own_group =
            (user != 0 && is_private_group(user, group, &passwd, &groups)).then_some(group);
        Trust {
            user,
            own_group,
            owners,
        }
    }

    /// Whether this user is trusted.
    pub(super) fn trusts(&self, user: u32) -> bool {
        user == 0 || user == self.user || self.owners.contains(&user)
    }

    /// Checks the owner, the mode and the links of a file or a directory. If an error is among the diagnostics, the file
    /// must not be used.
    pub(super) fn check(&self, stat: &Stat, path: &Path, what: Subject) -> Vec<Diagnostic> {
        let mut diagnostics = Vec::new();
        let shell = shell_quoted(path);
        let owner = stat.st_uid;
        if !self.trusts(owner) {
            let command = if self.user == 0 {
                "chown root".to_owned()
            } else {
                format!("chown {}", self.user)
            };
            diagnostics.push(
                Diagnostic::error(
                    codes::UNTRUSTED_OWNER,
                    format!("the {what} belongs to user {owner}, which is not a trusted user"),
                )
                .help(format!(
                    "`{command} {shell}`, or name the user in `trusted_owners`"
                )),
            );
        }
        let mode = stat.st_mode & 0o7777;
        let others_write = mode & 0o002 != 0;
        let group_writes = mode & 0o020 != 0;
        let own = self.own_group == Some(stat.st_gid);
        if others_write || (group_writes && !own) {
            let (who, mode_change) = match (group_writes && !own, others_write) {
                (true, true) => ("its group and everybody else", "go-w"),
                (true, false) => ("its group", "g-w"),
                _ => ("everybody", "o-w"),
            };
            diagnostics.push(
                Diagnostic::error(
                    codes::UNTRUSTED_MODE,
                    format!("{who} may write to the {what} (mode {mode:04o})"),
                )
                .help(format!("`chmod {mode_change} {shell}`")),
            );
        } else if group_writes {
            diagnostics.push(
                Diagnostic::warning(
                    codes::GROUP_WRITABLE,
                    format!("your group may write to the {what} (mode {mode:04o})"),
                )
                .help(format!(
                    "`chmod g-w {shell}`, unless you will always be the only member of the group"
                )),
            );
        }
        if what == Subject::File && stat.st_nlink > 1 {
            diagnostics.push(
                Diagnostic::warning(
                    codes::HARD_LINK,
                    "the file has a second name (a hard link): a change under that name changes the job",
                )
                .help(format!(
                    "give it a copy of its own: `cp {shell} {shell}.new && mv {shell}.new {shell}`"
                )),
            );
        }
        diagnostics
    }
}

/// Whether a group is a user's private group: no other user's primary group, and without other members.
fn is_private_group(user: u32, group: u32, passwd: &str, groups: &str) -> bool {
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

/// A path, quoted for a shell command that a user may copy.
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
    fn a_group_is_private_if_it_has_no_other_member() {
        assert!(is_private_group(1000, 1000, PASSWD, GROUPS));
        assert!(
            !is_private_group(1001, 100, PASSWD, GROUPS),
            "it is also the group of bob"
        );
        assert!(
            !is_private_group(1000, 1000, PASSWD, "ada:x:1000:eve\n"),
            "eve is a member"
        );
        assert!(
            !is_private_group(4242, 1000, PASSWD, GROUPS),
            "the user is unknown"
        );
        assert!(
            !is_private_group(1000, 1000, PASSWD, ""),
            "the group is unknown"
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
