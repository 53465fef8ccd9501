//! Warnings that only the whole directory of jobs can show.

use std::path::PathBuf;

use chrono::{DateTime, Utc};

use crate::job::action::{Age, Lineage, Work};
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
) -> Vec<(usize, Diagnostic)> {
    let mut found = Vec::new();
    for (index, member) in members.iter().enumerate() {
        found.extend(outlook(member, now, host_zone).map(|diagnostic| (index, diagnostic)));
    }
    let mut backups: Vec<(usize, usize, &Location, &[PathBuf], &Lineage)> = Vec::new();
    for (index, member) in members.iter().enumerate() {
        for (number, action) in member.job.actions.iter().enumerate() {
            let Work::Backup(backup) = &action.action.work else {
                continue;
            };
            let this = (
                &backup.container.location,
                backup.paths.as_slice(),
                &backup.lineage,
            );
            if let Some((first, ..)) = backups
                .iter()
                .find(|(_, _, container, path, lineage)| (*container, *path, *lineage) == this)
            {
                let other = members.get(*first).map_or("", |member| member.file);
                let whose = if *first == index {
                    "this job".to_owned()
                } else {
                    quoted(other)
                };
                found.push((
                    index,
                    place(
                        Diagnostic::warning(
                            codes::SHARED_BACKUP,
                            format!(
                                "{whose} backs up {} to the same container under the same name",
                                quoted(&several(&backup.paths))
                            ),
                        )
                        .label("their snapshots cannot be told apart")
                        .help("give one of them another `backup_name`, or remove it"),
                        member,
                        number,
                    ),
                ));
                continue;
            }
            let apart = backups.iter().find(|(_, _, container, paths, lineage)| {
                (*container, *lineage) == (this.0, this.2)
                    && !paths.iter().any(|path| this.1.contains(path))
            });
            if let Some((first, _, _, paths, _)) = apart {
                let whose = if *first == index {
                    String::new()
                } else {
                    let file = members.get(*first).map_or("", |member| member.file);
                    format!(" in {}", quoted(file))
                };
                let fault = Diagnostic::warning(
                    codes::SHARED_NAME,
                    format!(
                        "the name {} stands for the backup of {}{whose}, too",
                        quoted(&backup.lineage.backup_name),
                        quoted(&several(paths)),
                    ),
                );
                found.push((
                    index,
                    place(
                        fault
                            .label("a restore by this name needs `path_to_backup`")
                            .help("give each of them a `backup_name` of its own"),
                        member,
                        number,
                    ),
                ));
            }
            backups.push((index, number, this.0, this.1, this.2));
        }
    }
    for (index, member) in members.iter().enumerate() {
        for (number, action) in member.job.actions.iter().enumerate() {
            let Work::Restore(restore) = &action.action.work else {
                continue;
            };
            if !restore.paths.is_empty() || restore.part.is_some() {
                continue;
            }
            let of_name: Vec<&[PathBuf]> = backups
                .iter()
                .filter(|(_, _, container, _, lineage)| {
                    **container == restore.container.location && **lineage == restore.lineage
                })
                .map(|(_, _, _, paths, _)| *paths)
                .collect();
            let apart = of_name.iter().find(|paths| {
                let first = of_name.first().copied().unwrap_or_default();
                !paths.iter().any(|path| first.contains(path))
            });
            if let (Some(first), Some(other)) = (of_name.first(), apart) {
                let fault = Diagnostic::warning(
                    codes::SHARED_NAME,
                    format!(
                        "the name {} stands for the backups of {} and of {}",
                        quoted(&restore.lineage.backup_name),
                        quoted(&several(first)),
                        quoted(&several(other))
                    ),
                );
                found.push((
                    index,
                    place(
                        fault
                            .label("this restore will be refused")
                            .help("add `path_to_backup` with the path whose backup is meant"),
                        member,
                        number,
                    ),
                ));
            }
        }
    }
    for (index, member) in members.iter().enumerate() {
        for (number, action) in member.job.actions.iter().enumerate() {
            let Work::Admin(admin) = &action.action.work else {
                continue;
            };
            let made = backups.iter().any(|(_, _, container, paths, lineage)| {
                **container == admin.container.location
                    && **lineage == admin.lineage
                    && (admin.paths.is_empty()
                        || admin.paths.iter().any(|path| paths.contains(path)))
            });
            if made || matches!(admin.remove, Age::Before(_)) {
                // An action that removes up to a fixed date runs once, maybe on snapshots that no job makes any more.
                continue;
            }
            let near = backups.iter().find(|(_, _, container, _, lineage)| {
                **container == admin.container.location
                    || lineage.backup_name == admin.lineage.backup_name
            });
            let help = match near {
                Some((other, _, container, _, lineage)) => format!(
                    "the closest is in {}: container {}, name {}, host {}",
                    quoted(members.get(*other).map_or("", |member| member.file)),
                    quoted(&container.to_string()),
                    quoted(&lineage.backup_name),
                    quoted(&lineage.host)
                ),
                None => "check the container, the name and the host; ignore this if other hosts make these backups".to_owned(),
            };
            let fault = Diagnostic::warning(
                codes::LONELY_ADMIN,
                format!(
                    "no backup here goes to {} as {} of host {}",
                    quoted(&admin.container.location.to_string()),
                    quoted(&admin.lineage.backup_name),
                    quoted(&admin.lineage.host)
                ),
            );
            found.push((
                index,
                place(fault.label("may remove nothing").help(help), member, number),
            ));
        }
    }
    found
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
            "the job does not run at this date; give it a future date, or start it with `freezerd run`",
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

fn place(diagnostic: Diagnostic, member: &Member<'_>, action: usize) -> Diagnostic {
    match member.spans.actions.get(action) {
        Some(span) => diagnostic.at(span.clone()),
        None => diagnostic,
    }
}
