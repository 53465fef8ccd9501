//! The containers of the jobs and their passwords.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::alarms::{self, Alarmed};
use super::earlier_names::{self, Earlier};
use super::finding::{Finding, Level};
use super::used::Used;
use super::who::{self, Who};
use crate::agent;
use crate::protocol::{AgentLoss, ContainerFault, ListError, ListRequest, agent_process};
use crate::record::JobRecord;
use crate::units;

/// What is known of a password file.
#[derive(Clone, Debug)]
pub struct PassFile {
    pub path: PathBuf,
    /// Its mode and owner; `None` if they cannot be read.
    pub seen: Option<(u32, u32)>,
    /// Why this user cannot read a password from it.
    pub fault: Option<String>,
}

/// Reads each pass file once.
pub fn inspect_passwords(used: &[Used]) -> Vec<PassFile> {
    let mut found: BTreeMap<&Path, PassFile> = BTreeMap::new();
    for Used { container, .. } in used {
        let Some(path) = &container.pass_file else {
            continue;
        };
        found.entry(path).or_insert_with(|| PassFile {
            path: path.clone(),
            seen: std::fs::metadata(path)
                .ok()
                .map(|metadata| (metadata.mode() & 0o7777, metadata.uid())),
            fault: agent::check_password(container)
                .err()
                .map(|error| error.to_string()),
        });
    }
    found.into_values().collect()
}

/// What is wrong with a password file.
pub fn password_findings(file: &PassFile, who: Who) -> Vec<Finding> {
    let path = file.path.display();
    let finding = |level, message: String| Finding::new("password", level, &path, message);
    let mut findings = Vec::new();
    if let Some(fault) = &file.fault {
        let help = if file.seen.is_none() {
            format!("write the password to it, readable only by its owner: `chmod 600 {path}`")
        } else {
            format!(
                "make sure that {} can read a password from it",
                who::name(who.daemon)
            )
        };
        findings.push(finding(Level::Error, fault.clone()).help(help));
    }
    if let Some((mode, owner)) = file.seen {
        if !who.trusts(owner) {
            findings.push(
                finding(
                    Level::Warning,
                    format!("it belongs to {}, who can change it", who::name(owner)),
                )
                .help(format!("`chown {} {path}`", who::name(who.daemon))),
            );
        }
        if mode & 0o022 != 0 {
            findings.push(
                finding(
                    Level::Error,
                    format!("others can write to it (mode {mode:04o})"),
                )
                .help(format!("`chmod 600 {path}`")),
            );
        } else if mode & 0o004 != 0 {
            findings.push(
                finding(
                    Level::Warning,
                    format!("everybody can read it (mode {mode:04o})"),
                )
                .help(format!("`chmod 600 {path}`")),
            );
        }
    }
    if findings.is_empty() {
        findings.push(finding(Level::Ok, "it has a password".to_owned()));
    }
    findings
}

/// The result of the attempt to open a container.
#[derive(Debug)]
pub enum Tried {
    /// The password opens it.
    Opened {
        /// How many snapshots can be read.
        snapshots: u64,
        /// Those that the jobs seem to have made under another host name.
        earlier: Vec<Earlier>,
        /// Those that look as if their source were damaged.
        alarmed: Vec<Alarmed>,
        /// How many snapshot files are damaged, and the first of them.
        damaged: Option<(u64, String)>,
    },
    /// The first backup will create it.
    ToBeMade,
    /// Earlier backups of this job are gone: there is no repository now.
    Lost(String),
    /// Earlier backups of this job are gone: the repository has no snapshot now.
    Emptied(String),
    /// It cannot be created, because this directory is missing.
    NoParent(PathBuf),
    /// It exists and was not opened: that was not asked for, or its pass file cannot be read.
    Left,
    Failed(ListError),
}

/// Tries to open a container. That takes a third of a second and 128 MB, so the caller tries one at a time. `jobs` are the
/// jobs in the ledger.
pub fn try_it(used: &Used, jobs: &[JobRecord], open: bool) -> Tried {
    let container = &used.container;
    let listed = agent_process::list(ListRequest {
        container: container.clone(),
        host: None,
        backup_name: None,
        cache: None,
        open,
    });
    match listed {
        Ok(listing)
            if open
                && listing.snapshots.is_empty()
                && listing.unreadable.is_empty()
                && let Some(job) = earlier_job(used, jobs) =>
        {
            Tried::Emptied(job)
        }
        Ok(listing) if open => Tried::Opened {
            snapshots: listing.snapshots.len() as u64,
            earlier: earlier_names::find(&used.backups, &listing.snapshots),
            alarmed: alarms::find(&used.backups, &listing.snapshots),
            damaged: listing
                .unreadable
                .first()
                .map(|first| (listing.unreadable.len() as u64, first.message.clone())),
        },
        Ok(_) => Tried::Left,
        Err(ListError::Container {
            fault: ContainerFault::NoRepository { missing_parent },
            ..
        }) => no_repository(used, jobs, missing_parent),
        Err(error) => Tried::Failed(error),
    }
}

fn no_repository(used: &Used, jobs: &[JobRecord], missing_parent: Option<PathBuf>) -> Tried {
    if let Some(job) = earlier_job(used, jobs) {
        return Tried::Lost(job);
    }
    match missing_parent {
        Some(parent) => Tried::NoParent(parent),
        None => Tried::ToBeMade,
    }
}

/// A job that kept snapshots in the container, and may not begin anew.
fn earlier_job(used: &Used, jobs: &[JobRecord]) -> Option<String> {
    let went_there = |job: &&JobRecord| {
        used.faithful.contains(&job.job_id)
            && job.past.containers.contains(&used.container.location)
    };
    Some(jobs.iter().find(went_there)?.job_id.clone())
}

/// What came of opening a container.
pub fn container_finding(used: &Used, tried: &Tried) -> Finding {
    let place = &used.container.location;
    let finding = |level, message: String| Finding::new("container", level, place, message);
    let jobs = match used.jobs.as_slice() {
        [one] => one.clone(),
        [one, more @ ..] => format!(
            "{one} and {}",
            units::count(more.len() as u64, "more job", "more jobs")
        ),
        [] => String::new(),
    };
    match tried {
        Tried::Opened {
            damaged: Some((count, first)),
            ..
        } => finding(
            Level::Error,
            format!(
                "{} damaged, the first: {first} (for {jobs})",
                units::count(*count, "snapshot file is", "snapshot files are")
            ),
        )
        .help(format!(
            "`freezerd verify {first_job}` says what is lost; `freezerd repair {first_job}` repairs what can be repaired",
            first_job = used.jobs.first().map_or("JOB", String::as_str)
        )),
        Tried::Opened { snapshots, .. } => finding(
            Level::Ok,
            format!(
                "the password opens it, {} (for {jobs})",
                units::count(*snapshots, "snapshot", "snapshots")
            ),
        ),
        Tried::Left => finding(
            Level::Info,
            format!("it has a repository, which doctor did not open (for {jobs})"),
        ),
        Tried::ToBeMade => finding(
            Level::Info,
            format!("the first backup will create it (for {jobs})"),
        ),
        Tried::Lost(job) => finding(
            Level::Error,
            format!("the repository with the backups of {job} is gone (for {jobs})"),
        )
        .help(
            "mount its disk; to create a new repository instead, set allow_new_container in the job for its next run",
        ),
        Tried::Emptied(job) => finding(
            Level::Error,
            format!(
                "the repository has no snapshot any more, and earlier runs of {job} kept some there (for {jobs})"
            ),
        )
        .help(
            "put its files back from a copy of the container, those in `snapshots` first; if the snapshots were removed on \
             purpose, set allow_new_container in the job for its next run",
        ),
        Tried::NoParent(parent) => finding(
            Level::Error,
            format!(
                "{} does not exist, so the container cannot be created (for {jobs})",
                parent.display()
            ),
        )
        .help(format!(
            "mount the disk; if the container is to be on this disk, run `mkdir -p {}`",
            parent.display()
        )),
        Tried::Failed(error) => {
            let finding = finding(Level::Error, format!("{error} (for {jobs})"));
            finding.help(match error {
                ListError::Container { fault, .. } => advice(fault),
                ListError::Agent {
                    place,
                    loss: AgentLoss::Silent(_),
                } => match place.local() {
                    Some(_) => "make sure that its disk works, and look at the kernel's log",
                    None => "make sure that its server answers: `freezerd storage test` tells more",
                },
                ListError::Agent { .. } => {
                    "run `freezerd verify` on it, and look at the kernel's log"
                }
            })
        }
    }
}

/// What to do about a container that cannot be opened.
fn advice(fault: &ContainerFault) -> &'static str {
    match fault {
        ContainerFault::WrongPassword => {
            "put the repository's own password into the pass file, or name another file as \
             encrypt_pass_file; without the password nothing can be restored"
        }
        ContainerFault::Damaged => {
            "`freezerd verify` says what is lost, and `freezerd repair` repairs what can be repaired; back up to another \
             container until then"
        }
        ContainerFault::Denied => {
            "let the daemon's user read and write it; run `freezerd doctor` as that user"
        }
        ContainerFault::NotARepository => "name an empty directory as the container",
        ContainerFault::UnknownFormat => "install a newer freezerd",
        ContainerFault::NoRepository { .. }
        | ContainerFault::Unusable
        | ContainerFault::Temporary => "make sure that the daemon can read and write it",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::action::Container;
    use crate::location::Location;

    const ROOT: Who = Who {
        looks: 0,
        daemon: 0,
    };

    fn levels(seen: Option<(u32, u32)>, fault: bool) -> Vec<Level> {
        let file = PassFile {
            path: "/pass".into(),
            seen,
            fault: fault.then(|| "it is empty".to_owned()),
        };
        let findings = password_findings(&file, ROOT);
        for finding in &findings {
            assert_eq!(finding.help.is_some(), finding.level >= Level::Warning);
        }
        findings.iter().map(|finding| finding.level).collect()
    }

    #[test]
    fn a_pass_file_is_for_the_daemon_alone() {
        assert_eq!(levels(Some((0o600, 0)), false), [Level::Ok]);
        assert_eq!(
            levels(Some((0o640, 0)), false),
            [Level::Ok],
            "a group of admins"
        );
        assert_eq!(levels(Some((0o644, 0)), false), [Level::Warning]);
        assert_eq!(levels(Some((0o666, 0)), false), [Level::Error]);
        assert_eq!(levels(Some((0o600, 1234)), false), [Level::Warning]);
        assert_eq!(levels(None, true), [Level::Error]);
        assert_eq!(
            levels(Some((0o644, 0)), true),
            [Level::Error, Level::Warning]
        );
    }

    #[test]
    fn a_container_that_cannot_be_used_is_an_error_with_help() {
        let used = Used {
            container: Container {
                connection: Default::default(),
                name: "/mnt/a".to_owned(),
                location: Location::Local("/mnt/a".into()),
                pass_file: None,
            },
            jobs: vec!["www".to_owned(), "db".to_owned(), "mail".to_owned()],
            faithful: vec!["www".to_owned()],
            backups: Vec::new(),
        };
        let failed = |fault| {
            Tried::Failed(ListError::Container {
                fault,
                message: "no".to_owned(),
            })
        };
        for (tried, level) in [
            (
                Tried::Opened {
                    snapshots: 3,
                    earlier: Vec::new(),
                    alarmed: Vec::new(),
                    damaged: None,
                },
                Level::Ok,
            ),
            (
                Tried::Opened {
                    snapshots: 3,
                    earlier: Vec::new(),
                    alarmed: Vec::new(),
                    damaged: Some((1, "snapshots/ab is damaged".to_owned())),
                },
                Level::Error,
            ),
            (Tried::ToBeMade, Level::Info),
            (Tried::Left, Level::Info),
            (Tried::Lost("www".to_owned()), Level::Error),
            (Tried::NoParent("/mnt".into()), Level::Error),
            (failed(ContainerFault::WrongPassword), Level::Error),
            (failed(ContainerFault::Temporary), Level::Error),
            (
                Tried::Failed(ListError::Agent {
                    place: Location::Local("/srv/backup".into()),
                    loss: AgentLoss::Signal(11),
                }),
                Level::Error,
            ),
        ] {
            let finding = container_finding(&used, &tried);
            assert_eq!(finding.level, level, "{finding:?}");
            assert_eq!(finding.help.is_some(), level == Level::Error);
            assert!(finding.message.contains("www and 2 more jobs"));
        }
    }
}
