//! Warnings that only the whole directory of jobs can show.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use super::trust::Trust;
use super::trusted_path;
use crate::job::action::{Admin, Age, Lineage, Restore, Work};
use crate::job::codes;
use crate::job::diagnostic::{Diagnostic, quoted};
use crate::job::{Event, Job, Spans, Status, several};
use crate::location::Location;
use crate::schedule::zone::Zone;
use crate::schedule::{Kind, Outlook};

/// One job of a directory.
pub(super) struct Member<'a> {
    /// The name of its file, for messages.
    pub file: &'a str,
    pub job: &'a Job,
    pub spans: &'a Spans,
}

/// The warnings, each with the index of the member that it is about.
pub(super) fn lint(
    members: &[Member<'_>],
    now: DateTime<Utc>,
    host_zone: &Zone,
    trust: Option<&Trust>,
) -> Vec<(usize, Diagnostic)> {
    let mut found = Vec::new();
    for (index, member) in members.iter().enumerate() {
        let fault = outlook(member, now, host_zone);
        found.extend(fault.map(|diagnostic| (index, diagnostic)));
        let Some(trust) = trust else { continue };
        for (action, it) in member.job.actions.iter().enumerate() {
            let at = At {
                member: index,
                action,
            };
            let path = it.action.log_file.as_deref();
            let fault = path.and_then(|path| unsafe_log_file(path, trust));
            found.extend(fault.map(|fault| (index, place(fault, members, at))));
        }
    }
    let mut backups: Vec<Made<'_>> = Vec::new();
    for (at, work) in works(members) {
        let Work::Backup(backup) = work else { continue };
        let this = Made {
            at,
            container: &backup.container.location,
            paths: &backup.paths,
            lineage: &backup.lineage,
        };
        let fault = match backups.iter().find(|other| other.is_same(&this)) {
            Some(other) => Some(shared_backup(members, &this, other)),
            None => {
                let fault = shared_name(members, &this, &backups);
                backups.push(this);
                fault
            }
        };
        found.extend(fault.map(|fault| (at.member, place(fault, members, at))));
    }
    for (at, work) in works(members) {
        let fault = match work {
            Work::Restore(restore) => refused_restore(restore, &backups),
            _ => None,
        };
        found.extend(fault.map(|fault| (at.member, place(fault, members, at))));
    }
    for (at, work) in works(members) {
        let fault = match work {
            Work::Admin(admin) => lonely_admin(members, admin, &backups),
            _ => None,
        };
        found.extend(fault.map(|fault| (at.member, place(fault, members, at))));
    }
    found
}

/// Where an action is: the index of its member, and its own index in the job.
#[derive(Clone, Copy)]
struct At {
    member: usize,
    action: usize,
}

/// The snapshots that an action makes.
struct Made<'a> {
    at: At,
    container: &'a Location,
    paths: &'a [PathBuf],
    lineage: &'a Lineage,
}

impl Made<'_> {
    /// Whether the snapshots of both cannot be told apart.
    fn is_same(&self, other: &Made<'_>) -> bool {
        self.has_name(other.container, other.lineage) && self.paths == other.paths
    }

    /// Whether the container, the host and the name are these.
    fn has_name(&self, container: &Location, lineage: &Lineage) -> bool {
        self.container == container && self.lineage == lineage
    }

    fn has_one_of(&self, paths: &[PathBuf]) -> bool {
        paths.iter().any(|path| self.paths.contains(path))
    }
}

/// The work of every action, in order.
fn works<'a>(members: &'a [Member<'_>]) -> impl Iterator<Item = (At, &'a Work)> {
    members.iter().enumerate().flat_map(|(index, member)| {
        let actions = member.job.actions.iter().enumerate();
        actions.map(move |(number, action)| {
            let at = At {
                member: index,
                action: number,
            };
            (at, &action.action.work)
        })
    })
}

/// Two backups whose snapshots are the same to everybody who looks for them.
fn shared_backup(members: &[Member<'_>], this: &Made<'_>, other: &Made<'_>) -> Diagnostic {
    let whose = match other.at.member == this.at.member {
        true => "this job".to_owned(),
        false => quoted(file_of(members, other.at)),
    };
    Diagnostic::warning(
        codes::SHARED_BACKUP,
        format!(
            "{whose} backs up {} to the same container under the same name",
            quoted(&several(this.paths))
        ),
    )
    .label("their snapshots cannot be told apart")
    .help("give one of them another `backup_name`, or remove it")
}

/// A backup under the name of another one that has no path in common with it.
fn shared_name(
    members: &[Member<'_>],
    this: &Made<'_>,
    backups: &[Made<'_>],
) -> Option<Diagnostic> {
    let other = backups.iter().find(|other| {
        other.has_name(this.container, this.lineage) && !other.has_one_of(this.paths)
    })?;
    let whose = match other.at.member == this.at.member {
        true => String::new(),
        false => format!(" in {}", quoted(file_of(members, other.at))),
    };
    let fault = Diagnostic::warning(
        codes::SHARED_NAME,
        format!(
            "the name {} stands for the backup of {}{whose}, too",
            quoted(&this.lineage.backup_name),
            quoted(&several(other.paths)),
        ),
    );
    Some(
        fault
            .label("a restore by this name needs `path_to_backup`")
            .help("give each of them a `backup_name` of its own"),
    )
}

/// A restore by a name that stands for backups of different paths.
fn refused_restore(restore: &Restore, backups: &[Made<'_>]) -> Option<Diagnostic> {
    if !restore.paths.is_empty() || restore.part.is_some() {
        return None;
    }
    let mut of_name = backups
        .iter()
        .filter(|made| made.has_name(&restore.container.location, &restore.lineage));
    let first = of_name.next()?;
    let other = of_name.find(|made| !made.has_one_of(first.paths))?;
    let fault = Diagnostic::warning(
        codes::SHARED_NAME,
        format!(
            "the name {} stands for the backups of {} and of {}",
            quoted(&restore.lineage.backup_name),
            quoted(&several(first.paths)),
            quoted(&several(other.paths))
        ),
    );
    Some(
        fault
            .label("this restore will be refused")
            .help("add `path_to_backup` with the path whose backup is meant"),
    )
}

/// A removal of snapshots that no job here makes.
fn lonely_admin(members: &[Member<'_>], admin: &Admin, backups: &[Made<'_>]) -> Option<Diagnostic> {
    let container = &admin.container.location;
    let is_made = backups.iter().any(|made| {
        made.has_name(container, &admin.lineage)
            && (admin.paths.is_empty() || made.has_one_of(&admin.paths))
    });
    if is_made || matches!(admin.remove, Some(Age::Before(_))) {
        // An action that removes up to a fixed date runs once, maybe on snapshots that no job makes any more.
        return None;
    }
    let near = backups.iter().find(|made| {
        made.container == container || made.lineage.backup_name == admin.lineage.backup_name
    });
    let help = match near {
        Some(made) => format!(
            "the closest is in {}: container {}, name {}, host {}",
            quoted(file_of(members, made.at)),
            quoted(&made.container.to_string()),
            quoted(&made.lineage.backup_name),
            quoted(&made.lineage.host)
        ),
        None => "check the container, the name and the host; ignore this if other hosts make these backups".to_owned(),
    };
    let fault = Diagnostic::warning(
        codes::LONELY_ADMIN,
        format!(
            "no backup here goes to {} as {} of host {}",
            quoted(&container.to_string()),
            quoted(&admin.lineage.backup_name),
            quoted(&admin.lineage.host)
        ),
    );
    Some(fault.label("may remove nothing").help(help))
}

/// A `log_file` that the daemon will not open.
fn unsafe_log_file(path: &Path, trust: &Trust) -> Option<Diagnostic> {
    let refused = trusted_path::fault_of(path, trust)?;
    let fault = Diagnostic::warning(
        codes::UNSAFE_LOG_FILE,
        format!(
            "nothing will be appended to the log_file {}: {refused}",
            quoted(&path.to_string_lossy())
        ),
    );
    Some(fault.help("the runs go on without it; `freezerd log` shows their whole log"))
}

/// Warns of a schedule that has no occurrence left.
fn outlook(member: &Member<'_>, now: DateTime<Utc>, host_zone: &Zone) -> Option<Diagnostic> {
    let schedule = &member.job.schedule;
    let stopped = matches!(
        member.job.initial.status,
        Some(Status::Stop | Status::Removed)
    );
    let started = member.job.initial.event == Some(Event::Start);
    if stopped && !started {
        // The file itself says that the job is over.
        return None;
    }
    let created = member
        .job
        .initial
        .time_created
        .and_then(|seconds| DateTime::from_timestamp(seconds, 0));
    let fault = match schedule.outlook(now, created.unwrap_or(now), host_zone) {
        Outlook::Next(_) => return None,
        _ if schedule.kind() == Kind::None => return None,
        _ if schedule.kind() == Kind::Date && !schedule.is_too_late(now, host_zone) => return None,
        Outlook::Never => Diagnostic::warning(codes::NEVER_FIRES, "this schedule never fires")
            .label(schedule.describe())
            .help("there is no such day, or none between its start and its end"),
        Outlook::Over if schedule.kind() == Kind::Date => Diagnostic::warning(
            codes::DATE_PAST,
            "the date of this schedule has passed",
        )
        .label(schedule.describe())
        .help(
            "the job does not run at this date; give it a future date, or run it now with `freezerd trigger`",
        ),
        Outlook::Over => {
            Diagnostic::warning(codes::SCHEDULE_OVER, "this schedule never fires again")
                .label(schedule.describe())
                .help("remove the file, or give it a later end")
        }
    };
    Some(match &member.spans.schedule {
        Some(span) => fault.at(span.clone()),
        None => fault,
    })
}

fn file_of<'a>(members: &[Member<'a>], at: At) -> &'a str {
    members.get(at.member).map_or("", |member| member.file)
}

fn place(diagnostic: Diagnostic, members: &[Member<'_>], at: At) -> Diagnostic {
    let spans = members.get(at.member).map(|member| &member.spans.actions);
    match spans.and_then(|spans| spans.get(at.action)) {
        Some(span) => diagnostic.at(span.clone()),
        None => diagnostic,
    }
}
