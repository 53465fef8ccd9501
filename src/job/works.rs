//! The kinds of work: from an action's keys to what the agent is told.

use super::action::{Admin, Age, Backup, Check, Exec, Info, Levels, Lineage, Restore};
use super::codes;
use super::decode::{Fields, Source};
use super::diagnostic::{Diagnostic, quoted};
use super::timing::Timing;
use super::values::Judge;

pub(super) fn backup(fields: &Fields<'_>, judge: &mut Judge<'_>) -> Option<Backup> {
    let container = judge.container(fields);
    let lineage = judge.lineage(fields);
    let path = judge.path(fields.get("path_to_backup"));
    let exclude = judge.patterns(fields.get("exclude"));
    let ignore_unreadable = judge.patterns(fields.get("ignore_unreadable"));
    let dereference_symlink = judge.links(fields.get("dereference_symlink"));
    let levels = levels(fields, judge);
    let compression_level = judge.compression(fields.get("compression"));
    let allow_empty = judge.flag(fields.get("allow_empty")).unwrap_or(false);
    let allow_new_container = judge
        .flag(fields.get("allow_new_container"))
        .unwrap_or(false);
    let remove_older_than = judge.age_in_days(fields.get("remove_older_than"));
    let (container, path) = (container?, path?);
    judge.keep_apart(fields, &container, &path, &exclude);
    Some(Backup {
        container,
        lineage: lineage?,
        path,
        exclude,
        dereference_symlink,
        levels,
        compression_level,
        ignore_unreadable,
        allow_empty,
        allow_new_container,
        remove_older_than,
    })
}

fn levels(fields: &Fields<'_>, judge: &mut Judge<'_>) -> Levels {
    let without = judge.flag(fields.get("no_incremental"));
    let with = judge.flag(fields.get("incremental"));
    if let (Some(a), Some(b), Some(field)) = (without, with, fields.get("incremental"))
        && a == b
    {
        judge.tell(
            Diagnostic::error(
                codes::CONFLICTING_KEYS,
                "`incremental` and `no_incremental` say the opposite of each other",
            )
            .at(field.key_span.start..field.node.span.end)
            .label("which of the two is meant?")
            .help("keep one of them"),
        );
    }
    let no_incremental = without.or(with.map(|with| !with)).unwrap_or(false);
    let levels = Levels {
        no_incremental,
        max_level: judge.count(fields.get("max_level")),
        always_level: judge.count(fields.get("always_level")),
        restart_always_level: judge.number(fields.get("restart_always_level")),
    };
    if no_incremental {
        for name in ["max_level", "always_level", "restart_always_level"] {
            if let Some(field) = fields
                .set(name)
                .filter(|field| field.source == Source::Here)
            {
                judge.tell(
                    Diagnostic::warning(
                        codes::NO_EFFECT,
                        format!("{} has no effect here", quoted(field.written)),
                    )
                    .at(field.key_span.clone())
                    .label("accepted, and ignored")
                    .help("with `no_incremental` every backup is a level 0"),
                );
            }
        }
    }
    levels
}

pub(super) fn restore(
    fields: &Fields<'_>,
    timing: &Timing,
    judge: &mut Judge<'_>,
) -> Option<Restore> {
    let container = judge.container(fields);
    let lineage = judge.lineage(fields);
    let from_host = judge.name(fields.set("restore_from_host"), "a host's name");
    let target = judge.path(fields.get("restore_abs_path"));
    let date = fields.set("restore_from_date");
    let not_later_than = timing.moment(date, judge);
    let overwrite = judge.flag(fields.get("overwrite")).unwrap_or(false);
    let (container, lineage, target) = (container?, lineage?, target?);
    if !judge.spare_container(fields, &container, &target, overwrite)
        || (date.is_some() && not_later_than.is_none())
    {
        return None;
    }
    let host = if fields.set("restore_from_host").is_some() {
        from_host?
    } else {
        lineage.host
    };
    Some(Restore {
        container,
        lineage: Lineage {
            host,
            backup_name: lineage.backup_name,
        },
        target,
        not_later_than,
        snapshot: None,
        overwrite,
    })
}

pub(super) fn admin(fields: &Fields<'_>, timing: &Timing, judge: &mut Judge<'_>) -> Option<Admin> {
    let container = judge.container(fields);
    let lineage = judge.lineage(fields);
    let days_field = fields.set("remove_older_than");
    let date_field = fields.set("remove_from_date");
    let days = judge.age_in_days(days_field);
    let date = timing.moment(date_field, judge);
    match (days_field, date_field) {
        (Some(_), Some(field)) => {
            judge.tell(
                Diagnostic::error(
                    codes::CONFLICTING_KEYS,
                    "`remove_older_than` and `remove_from_date` exclude each other",
                )
                .at(field.key_span.start..field.node.span.end)
                .label("which of the two is meant?")
                .help("keep one of them"),
            );
            return None;
        }
        (None, None) => judge.tell(
            Diagnostic::error(
                codes::MISSING_KEY,
                "an action `admin` needs `remove_older_than` or `remove_from_date`",
            )
            .at(fields.span.start..fields.span.start + 1)
            .label("neither is in this object")
            .help("add `\"remove_older_than\": 30`: snapshots older than 30 days are removed"),
        ),
        _ => {}
    }
    let remove = days.map(Age::Days).or(date.map(Age::Before));
    Some(Admin {
        container: container?,
        lineage: lineage?,
        remove: remove?,
    })
}

pub(super) fn info(fields: &Fields<'_>, judge: &mut Judge<'_>) -> Option<Info> {
    let container = judge.container(fields);
    let backup_name = judge.backup_name(fields.get("backup_name"));
    let host = judge.name(fields.set("hostname"), "a host's name");
    Some(Info {
        container: container?,
        backup_name,
        host,
    })
}

pub(super) fn check(fields: &Fields<'_>, judge: &mut Judge<'_>) -> Option<Check> {
    let read_data = judge.flag(fields.get("read_data")).unwrap_or(false);
    Some(Check {
        container: judge.container(fields)?,
        read_data,
    })
}

pub(super) fn exec(fields: &Fields<'_>, judge: &mut Judge<'_>) -> Option<Exec> {
    if judge.host.disable_exec {
        let (span, label) = match fields.get("action") {
            Some(field) => (field.node.span.clone(), "refused"),
            None => (fields.span.start..fields.span.start + 1, "refused"),
        };
        judge.tell(
            Diagnostic::error(codes::EXEC_DISABLED, "this host runs no commands for jobs")
                .at(span)
                .label(label)
                .help("the daemon's `disable_exec` is set; whoever runs it decides"),
        );
    }
    let command = judge.command(fields.get("command"))?;
    Some(Exec { command })
}
