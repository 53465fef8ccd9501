//! The configuration file and the directories: whether they exist, who owns them, and who has access.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};

use super::finding::{Finding, Level};
use super::who::{self, Who};
use crate::config::Settings;
use crate::control::layout::Layout;

/// The purpose of a file or directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Config,
    Jobs,
    State,
    Events,
    Logs,
    Runtime,
    Containers,
    Metrics,
}

impl Role {
    fn what(self) -> &'static str {
        match self {
            Role::Config => "the configuration file",
            Role::Jobs => "the jobs directory",
            Role::State => "the state directory",
            Role::Events => "the directory of event files",
            Role::Logs => "the log directory",
            Role::Runtime => "the runtime directory",
            Role::Containers => "the container root",
            Role::Metrics => "the metrics directory",
        }
    }

    fn check(self) -> &'static str {
        match self {
            Role::Config => "config",
            _ => "directory",
        }
    }

    /// Whether the daemon writes there.
    fn is_written(self) -> bool {
        !matches!(self, Role::Config | Role::Jobs)
    }

    /// Whether only the owner should have access.
    fn is_private(self) -> bool {
        matches!(
            self,
            Role::State | Role::Events | Role::Logs | Role::Runtime
        )
    }
}

/// What exists at the path of a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// The expected kind: a file for the configuration, otherwise a directory.
    There {
        mode: u32,
        owner: u32,
        /// Whether the user of this command may write there.
        writable: bool,
    },
    /// A file instead of a directory, or a directory instead of a file.
    Other,
    Missing {
        /// Whether the parent directory does not exist, either.
        parent: bool,
    },
    /// This user cannot access it, for this reason.
    Hidden(String),
}

/// A file or directory of the installation, and what exists there.
#[derive(Clone, Debug)]
pub struct Directory {
    pub role: Role,
    pub path: PathBuf,
    pub found: Found,
}

/// Looks at every place of the installation.
pub fn inspect(settings: &Settings, layout: &Layout, config: &Path) -> Vec<Directory> {
    let mut places = vec![
        (Role::Config, config.to_owned()),
        (Role::Jobs, settings.jobs_dir.clone()),
        (Role::State, settings.state_dir.clone()),
        (Role::Events, layout.events()),
        (Role::Logs, layout.logs()),
        (Role::Runtime, settings.runtime_dir.clone()),
        (Role::Containers, settings.container_root.clone()),
    ];
    places.extend(settings.metrics_dir.clone().map(|dir| (Role::Metrics, dir)));
    places
        .into_iter()
        .map(|(role, path)| Directory {
            found: look_at(role, &path),
            role,
            path,
        })
        .collect()
}

fn look_at(role: Role, path: &Path) -> Found {
    match fs::metadata(path) {
        // Not `is_file`: `/dev/null` is allowed and means an empty configuration.
        Ok(metadata) if (role == Role::Config) != metadata.is_dir() => Found::There {
            mode: metadata.mode() & 0o7777,
            owner: metadata.uid(),
            writable: access(path, Access::WRITE_OK).is_ok(),
        },
        Ok(_) => Found::Other,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Found::Missing {
            parent: path.parent().is_none_or(|parent| !parent.is_dir()),
        },
        Err(error) => Found::Hidden(crate::os::reason(&error)),
    }
}

/// Judges one place. `daemon` says whether a daemon runs.
pub fn directory_findings(place: &Directory, who: Who, daemon: bool) -> Vec<Finding> {
    let (role, path) = (place.role, place.path.display());
    let finding =
        |level, message: String| Finding::new(role.check(), level, place.path.display(), message);
    let (mode, owner, writable) = match &place.found {
        Found::There {
            mode,
            owner,
            writable,
        } => (*mode, *owner, *writable),
        Found::Other if role == Role::Config => {
            return vec![finding(
                Level::Error,
                "the configuration file is a directory".to_owned(),
            )];
        }
        Found::Other => {
            return vec![
                finding(Level::Error, format!("{} is not a directory", role.what()))
                    .help("move it away, or name another path in freezerd.toml"),
            ];
        }
        Found::Missing { parent } => return vec![missing(place, *parent, daemon)],
        Found::Hidden(reason) => {
            return vec![
                finding(
                    Level::Error,
                    format!("{} cannot be accessed: {reason}", role.what()),
                )
                .help("run `freezerd doctor` as the daemon's user or as root"),
            ];
        }
    };
    let mut findings = Vec::new();
    if !who.trusts(owner) && role != Role::Metrics {
        findings.push(
            finding(
                Level::Error,
                format!(
                    "{} belongs to {}, who can change what the daemon does",
                    role.what(),
                    who::name(owner)
                ),
            )
            .help(format!("`chown {} {path}`", who::name(who.daemon))),
        );
    }
    let may = |bits| mode & bits != 0;
    if may(0o002) || (may(0o020) && role != Role::Metrics) {
        let (whom, bits) = if may(0o002) {
            ("everybody", "go-w")
        } else {
            ("its group", "g-w")
        };
        // The group of an ordinary user often has no other members. For root this does not hold.
        let level = if may(0o002) || who.daemon == 0 {
            Level::Error
        } else {
            Level::Warning
        };
        findings.push(
            finding(
                level,
                format!("{whom} can write to {} (mode {mode:04o})", role.what()),
            )
            .help(format!("`chmod {bits} {path}`")),
        );
    }
    if role.is_private() && may(0o055) && !may(0o022) {
        findings.push(
            finding(
                Level::Warning,
                format!(
                    "other users can read {} (mode {mode:04o}); only its owner should have access",
                    role.what()
                ),
            )
            .help(format!("`chmod go= {path}`")),
        );
    }
    if role.is_written() && !writable && who.speaks_for_the_daemon() {
        findings.push(
            finding(
                Level::Error,
                format!("the daemon cannot write to {}", role.what()),
            )
            .help(format!(
                "allow {} to write there (see `ls -ld {path}`), and check whether the file system is mounted read-only",
                who::name(who.daemon)
            )),
        );
    }
    if findings.is_empty() {
        findings.push(finding(
            Level::Ok,
            format!(
                "{}, mode {mode:04o}, owner {}",
                role.what(),
                who::name(owner)
            ),
        ));
    }
    findings
}

fn missing(place: &Directory, parent: bool, daemon: bool) -> Finding {
    let (role, path) = (place.role, place.path.display());
    let finding = |level, message: String| Finding::new(role.check(), level, &path, message);
    match role {
        Role::Config => finding(
            Level::Info,
            "there is no configuration file; every setting has its default".to_owned(),
        ),
        Role::Jobs => finding(Level::Error, "there is no jobs directory".to_owned()).help(format!(
            "`mkdir -p {path}`, or name another directory (jobs_dir); the daemon does not start without it"
        )),
        Role::Metrics if parent => finding(
            Level::Warning,
            "neither the metrics directory nor its parent directory exists".to_owned(),
        )
        .help(format!("`mkdir -p {path}`, or name another directory (metrics_dir)")),
        Role::Containers => finding(
            Level::Info,
            "freezerd will create the container root for the first container that a job gives by name".to_owned(),
        ),
        _ if daemon => finding(
            Level::Warning,
            format!("{} is gone while a daemon is running", role.what()),
        )
        .help("restart the daemon; it creates the directory again"),
        _ => finding(
            Level::Info,
            format!("the daemon will create {} when it starts", role.what()),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: Who = Who {
        looks: 0,
        daemon: 0,
    };

    fn levels(role: Role, found: Found, who: Who) -> Vec<Level> {
        let place = Directory {
            role,
            path: "/the/place".into(),
            found,
        };
        directory_findings(&place, who, false)
            .iter()
            .map(|finding| {
                assert_eq!(finding.subject, "/the/place");
                assert_eq!(
                    finding.help.is_some(),
                    finding.level >= Level::Warning,
                    "{finding:?}"
                );
                finding.level
            })
            .collect()
    }

    fn there(mode: u32, owner: u32) -> Found {
        Found::There {
            mode,
            owner,
            writable: true,
        }
    }

    #[test]
    fn a_private_directory_of_roots_is_fine() {
        for role in [Role::State, Role::Events, Role::Logs, Role::Runtime] {
            assert_eq!(levels(role, there(0o700, 0), ROOT), [Level::Ok]);
            assert_eq!(levels(role, there(0o755, 0), ROOT), [Level::Warning]);
        }
        for role in [Role::Jobs, Role::Containers, Role::Metrics, Role::Config] {
            assert_eq!(levels(role, there(0o755, 0), ROOT), [Level::Ok]);
        }
    }

    #[test]
    fn what_others_may_write_to_is_an_error_wherever_it_is() {
        for role in [Role::Config, Role::Jobs, Role::State, Role::Metrics] {
            assert_eq!(levels(role, there(0o777, 0), ROOT), [Level::Error]);
        }
        assert_eq!(levels(Role::Jobs, there(0o775, 0), ROOT), [Level::Error]);
        let user = Who {
            looks: 1000,
            daemon: 1000,
        };
        assert_eq!(
            levels(Role::Jobs, there(0o775, 1000), user),
            [Level::Warning]
        );
        assert_eq!(
            levels(Role::Metrics, there(0o775, 0), ROOT),
            [Level::Ok],
            "the exporter's group"
        );
    }

    #[test]
    fn a_strangers_directory_is_an_error_but_for_metrics() {
        assert_eq!(levels(Role::Jobs, there(0o755, 1234), ROOT), [Level::Error]);
        assert_eq!(levels(Role::Metrics, there(0o755, 1234), ROOT), [Level::Ok]);
    }

    #[test]
    fn what_the_daemon_cannot_write_is_told_by_its_own_user_alone() {
        let locked = Found::There {
            mode: 0o700,
            owner: 1000,
            writable: false,
        };
        let own = Who {
            looks: 1000,
            daemon: 1000,
        };
        assert_eq!(levels(Role::State, locked.clone(), own), [Level::Error]);
        let stranger = Who {
            looks: 1001,
            daemon: 1000,
        };
        assert_eq!(levels(Role::State, locked.clone(), stranger), [Level::Ok]);
        assert_eq!(levels(Role::Jobs, locked, own), [Level::Ok]);
    }

    #[test]
    fn only_the_jobs_directory_has_to_be_there() {
        let missing = || Found::Missing { parent: false };
        assert_eq!(levels(Role::Jobs, missing(), ROOT), [Level::Error]);
        for role in [Role::Config, Role::State, Role::Containers, Role::Metrics] {
            assert_eq!(levels(role, missing(), ROOT), [Level::Info]);
        }
        let parent = Found::Missing { parent: true };
        assert_eq!(levels(Role::Metrics, parent, ROOT), [Level::Warning]);
        assert_eq!(levels(Role::State, Found::Other, ROOT), [Level::Error]);
    }
}
