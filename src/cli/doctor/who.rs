//! Whose installation it is, and who looks at it.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::finding::{Finding, Level};
use crate::os;

/// Whose installation it is, and who looks at it.
#[derive(Clone, Copy, Debug)]
pub struct Who {
    /// The user that runs this command.
    pub looks: u32,
    /// The user that the daemon runs as: the owner of the state directory, else the one who looks.
    pub daemon: u32,
}

impl Who {
    pub fn look(state: &Path) -> Who {
        let looks = rustix::process::geteuid().as_raw();
        Who {
            looks,
            daemon: std::fs::metadata(state).map_or(looks, |metadata| metadata.uid()),
        }
    }

    /// Whether what belongs to this user is safe from everybody but root and the daemon.
    pub fn trusts(self, owner: u32) -> bool {
        owner == 0 || owner == self.daemon
    }

    /// What this user may, the daemon may.
    pub fn speaks_for_the_daemon(self) -> bool {
        self.looks == self.daemon
    }
}

pub fn judge(who: Who, state: &Path) -> Vec<Finding> {
    if who.looks == 0 || who.speaks_for_the_daemon() {
        return Vec::new();
    }
    vec![
        Finding::new(
            "user",
            Level::Warning,
            name(who.looks),
            format!(
                "{} belongs to {}: what only that user may read looks worse here than it is",
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

/// A user as people know them.
pub fn name(user: u32) -> String {
    os::user_name(user).unwrap_or_else(|| format!("user {user}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stranger_is_told_to_be_one() {
        let state = Path::new("/state");
        let judge = |looks, daemon| judge(Who { looks, daemon }, state);
        assert!(judge(0, 1000).is_empty());
        assert!(judge(1000, 1000).is_empty());
        let findings = judge(4_000_000_001, 0);
        assert_eq!(findings[0].level, Level::Warning);
        assert!(findings[0].help.as_ref().unwrap().contains("as root"));
    }
}
