//! The user of the daemon and the user of this command.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::finding::{Finding, Level};
use crate::os;

/// The user ids that decide what doctor can see and what is secure.
#[derive(Clone, Copy, Debug)]
pub struct Who {
    /// The user of this command.
    pub looks: u32,
    /// The user of the daemon: the owner of the state directory, or the user of this command if there is no directory.
    pub daemon: u32,
}

impl Who {
    /// The user of this process, and the user of the daemon, who owns the state directory.
    pub fn of_this_process(state: &Path) -> Who {
        let looks = rustix::process::geteuid().as_raw();
        Who {
            looks,
            daemon: std::fs::metadata(state).map_or(looks, |metadata| metadata.uid()),
        }
    }

    /// Whether the daemon can trust a file of this owner: only root and the daemon's user may change it.
    pub fn trusts(self, owner: u32) -> bool {
        owner == 0 || owner == self.daemon
    }

    /// Whether this command has the permissions of the daemon.
    pub fn speaks_for_the_daemon(self) -> bool {
        self.looks == self.daemon
    }
}

/// Whether this user sees what the daemon sees.
pub fn user_findings(who: Who, state: &Path) -> Vec<Finding> {
    if who.looks == 0 || who.speaks_for_the_daemon() {
        return Vec::new();
    }
    vec![
        Finding::new(
            "user",
            Level::Warning,
            name(who.looks),
            format!(
                "{} belongs to {}; doctor cannot read everything as this user, and may report errors that do not exist",
                state.display(),
                name(who.daemon)
            ),
        )
        .help(format!(
            "run `freezerd doctor` as {} or as root",
            name(who.daemon)
        )),
    ]
}

/// The name of a user, or `user` and the id if there is no name.
pub fn name(user: u32) -> String {
    os::user_name(user).unwrap_or_else(|| format!("user {user}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stranger_is_told_to_be_one() {
        let state = Path::new("/state");
        let findings_for = |looks, daemon| user_findings(Who { looks, daemon }, state);
        assert!(findings_for(0, 1000).is_empty());
        assert!(findings_for(1000, 1000).is_empty());
        let findings = findings_for(4_000_000_001, 0);
        assert_eq!(findings[0].level, Level::Warning);
        assert!(findings[0].help.as_ref().unwrap().contains("as root"));
    }
}
