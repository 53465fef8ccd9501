//! The readers of the kinds of work: from the keys of an action to what the agent gets.

use std::path::{Path, PathBuf};

use super::action::{
    Admin, Age, Backup, Check, Copy, Drill, Exec, Info, Levels, Lineage, Restore, Work,
};
use super::codes;
use super::decode::{FieldSource, Fields};
use super::diagnostic::{Diagnostic, quoted};
use super::json::Value;
use super::kind::WorkKind;
use super::sources::plain;
use super::target;
use super::timing::Timing;
use super::values::{ValueReader, WrittenPatterns};
use crate::keep::Rules;

/// Reads the work of an action, or of several if a backup has several targets; `None` where a key is missing or wrong,
/// which is reported.
pub(super) fn read(
    kind: WorkKind,
    fields: &Fields<'_>,
    timing: &Timing,
    values: &mut ValueReader<'_>,
) -> Option<Vec<Work>> {
    let work = match kind {
        WorkKind::Backup => {
            let backups = backup(fields, timing, values)?;
            return Some(backups.into_iter().map(Work::Backup).collect());
        }
        WorkKind::Restore => restore(fields, timing, values).map(Work::Restore),
        WorkKind::Admin => admin(fields, timing, values).map(Work::Admin),
        WorkKind::Info => info(fields, values).map(Work::Info),
        WorkKind::Exec => exec(fields, values).map(Work::Exec),
        WorkKind::Check => check(fields, values).map(Work::Check),
        WorkKind::Copy => copy(fields, values).map(Work::Copy),
        WorkKind::Drill => drill(fields, values).map(Work::Drill),
    };
    work.map(|work| vec![work])
}

/// The backup to the container, and those to further targets.
fn backup(
    fields: &Fields<'_>,
    timing: &Timing,
    values: &mut ValueReader<'_>,
) -> Option<Vec<Backup>> {
    let container = values.container(fields);
    let lineage = values.lineage(fields);
    let sources = values.sources(fields.get("path_to_backup"));
    let exclude = values.patterns(fields.get("exclude"));
    let exclude_from = values.pattern_files(fields);
    let exclude_if_present = values.markers(fields.get("exclude_if_present"));
    let exclude_caches = values.flag(fields.get("exclude_caches")).unwrap_or(false);
    let exclude_larger_than = values.size(fields.get("exclude_larger_than"));
    let one_file_system = values.flag(fields.get("one_file_system")).unwrap_or(false);
    let ignore_unreadable = values.patterns(fields.get("ignore_unreadable"));
    let dereference_symlink = values.links(fields.get("dereference_symlink"));
    let levels = levels(fields, values);
    let compression_level = values.compression(fields.get("compression"));
    let allow_empty = values.flag(fields.get("allow_empty")).unwrap_or(false);
    let allow_new_container = values
        .flag(fields.get("allow_new_container"))
        .unwrap_or(false);
    let remove_older_than = values.age_in_days(fields.get("remove_older_than"));
    let keep = values.rules(fields);
    let prune = values.prune_when(fields);
    let guards = values.guards(fields);
    let targets = values.targets(fields, timing);
    let sources = sources?;
    let paths = sources.paths();
    let narrows = one_file_system || !exclude_from.is_empty() || !exclude_if_present.is_empty();
    if !narrows && paths.iter().any(|path| path == Path::new("/")) {
        values.warn_of_whole_server(fields.get("path_to_backup"), &exclude);
    }
    values.judge_patterns(&exclude, &paths);
    values.judge_patterns(&ignore_unreadable, &paths);
    values.keep_sources(&sources, &exclude);
    let container = container?;
    let targets = targets?;
    let others = targets.iter().map(|target| &target.container);
    let containers: Vec<_> = std::iter::once(&container).chain(others).collect();
    values.keep_apart(&containers, &sources.tops, &exclude);
    let first = Backup {
        container,
        copy_from: Vec::new(),
        lineage: lineage?,
        paths,
        nested_paths: sources
            .nested
            .into_iter()
            .map(|(nested, _)| nested.path)
            .collect(),
        exclude: texts(exclude),
        exclude_from,
        exclude_if_present,
        exclude_caches,
        exclude_larger_than,
        one_file_system,
        dereference_symlink,
        levels,
        compression_level,
        ignore_unreadable: texts(ignore_unreadable),
        allow_empty,
        allow_new_container,
        remove_older_than,
        keep: keep?,
        prune,
        guards: guards?,
    };
    let backups = target::each(first, targets);
    if !backups.iter().any(Backup::removes) {
        values.warn_of_idle_prune(fields);
    }
    Some(backups)
}

fn levels(fields: &Fields<'_>, values: &mut ValueReader<'_>) -> Levels {
    let without = values.flag(fields.get("no_incremental"));
    let with = values.flag(fields.get("incremental"));
    if let (Some(a), Some(b), Some(field)) = (without, with, fields.get("incremental"))
        && a == b
    {
        values.report(
            Diagnostic::error(
                codes::CONFLICTING_KEYS,
                "`incremental` and `no_incremental` contradict each other",
            )
            .at(field.key_span.start..field.node.span.end)
            .label("which of the two is meant?")
            .help("keep one of them"),
        );
    }
    let no_incremental = without.or(with.map(|with| !with)).unwrap_or(false);
    let levels = Levels {
        no_incremental,
        max_level: values.count(fields.get("max_level")),
        always_level: values.count(fields.get("always_level")),
        restart_always_level: values.number(fields.get("restart_always_level")),
    };
    if no_incremental {
        for name in ["max_level", "always_level", "restart_always_level"] {
            if let Some(field) = fields
                .set(name)
                .filter(|field| field.source == FieldSource::Here)
            {
                values.report(
                    Diagnostic::warning(
                        codes::NO_EFFECT,
                        format!("{} has no effect here", quoted(field.written)),
                    )
                    .at(field.key_span.clone())
                    .label("accepted, and ignored")
                    .help("with `no_incremental` every backup has level 0"),
                );
            }
        }
    }
    levels
}

fn restore(fields: &Fields<'_>, timing: &Timing, values: &mut ValueReader<'_>) -> Option<Restore> {
    let container = values.container(fields);
    let lineage = values.lineage(fields);
    let from_host = values.host_name(fields.set("restore_from_host"));
    let target = values.path(fields.get("restore_abs_path"));
    let date = fields.set("restore_from_date");
    let not_later_than = timing.moment(date, values);
    let mut flag = |name| values.flag(fields.get(name)).unwrap_or(false);
    let overwrite = flag("overwrite");
    let delete_extra = flag("delete_extra");
    let numeric_owner = flag("numeric_owner");
    let verify = flag("verify");
    let paths = chosen_paths(fields, values);
    let part_field = fields.set("restore_from_path");
    let part = values.path(part_field).map(|path| plain(&path));
    let include = values.patterns(fields.get("restore_include"));
    let exclude = values.patterns(fields.get("restore_exclude"));
    let tops = match &part {
        Some(part) => vec![part.clone()],
        None => match paths.as_deref() {
            None | Some([]) => vec!["/".into()],
            Some(paths) => paths.to_vec(),
        },
    };
    values.judge_patterns(&include, &tops);
    values.judge_patterns(&exclude, &tops);
    let (container, lineage, target, paths) = (container?, lineage?, target?, paths?);
    if !values.spare_container(fields, &container, &target, delete_extra)
        || (part_field.is_some() && part.is_none())
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
        paths,
        target,
        not_later_than,
        snapshot: None,
        part,
        include: texts(include),
        exclude: texts(exclude),
        overwrite,
        delete_extra,
        numeric_owner,
        verify,
    })
}

/// The paths of `path_to_backup` in an action that makes no backup: which snapshots of the name are meant. `None` if one
/// of them is wrong.
fn chosen_paths(fields: &Fields<'_>, values: &mut ValueReader<'_>) -> Option<Vec<PathBuf>> {
    match fields.set("path_to_backup") {
        None => Some(Vec::new()),
        Some(field) if field.node.value == Value::List(Vec::new()) => Some(Vec::new()),
        field => values.sources(field).map(|sources| sources.paths()),
    }
}

fn texts(written: WrittenPatterns<'_>) -> Vec<String> {
    written.into_iter().map(|(text, _)| text).collect()
}

fn admin(fields: &Fields<'_>, timing: &Timing, values: &mut ValueReader<'_>) -> Option<Admin> {
    let container = values.container(fields);
    let lineage = values.lineage(fields);
    let days_field = fields.set("remove_older_than");
    let date_field = fields.set("remove_from_date");
    let days = values.age_in_days(days_field);
    let date = timing.moment(date_field, values);
    let keep = values.rules(fields);
    if let (Some(_), Some(field)) = (days_field, date_field) {
        values.report(
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
    let has_age = days_field.is_some() || date_field.is_some();
    if !has_age && keep.as_ref().is_some_and(Rules::is_empty) {
        values.report(
            Diagnostic::error(
                codes::MISSING_KEY,
                "an action `admin` needs `remove_older_than`, `remove_from_date` or a rule such as `keep_daily`",
            )
            .at(fields.span.start..fields.span.start + 1)
            .label("none of them is in this object")
            .help(
                "add `\"remove_older_than\": 30` to remove snapshots that are older than 30 days",
            ),
        );
        return None;
    }
    let remove = days.map(Age::Days).or(date.map(Age::Before));
    if has_age && remove.is_none() {
        return None;
    }
    let prune = values.prune_when(fields);
    let max_unused = values.max_unused(fields.get("max_unused"));
    let max_repack = values.size(fields.get("max_repack"));
    Some(Admin {
        container: container?,
        lineage: lineage?,
        paths: chosen_paths(fields, values)?,
        remove,
        keep: keep?,
        prune,
        max_unused,
        max_repack,
    })
}

fn info(fields: &Fields<'_>, values: &mut ValueReader<'_>) -> Option<Info> {
    let container = values.container(fields);
    let backup_name = values.backup_name(fields.get("backup_name"));
    let host = values.host_name(fields.set("hostname"));
    Some(Info {
        container: container?,
        backup_name,
        host,
    })
}

fn check(fields: &Fields<'_>, values: &mut ValueReader<'_>) -> Option<Check> {
    let read_data = values.data_to_read(fields);
    let allow_missing = values.flag(fields.get("allow_missing")).unwrap_or(false);
    Some(Check {
        container: values.container(fields)?,
        read_data,
        allow_missing,
    })
}

fn copy(fields: &Fields<'_>, values: &mut ValueReader<'_>) -> Option<Copy> {
    let from = values.container(fields);
    let container = values.other_container(fields);
    let backup_name = values.backup_name(fields.get("backup_name"));
    let host = values.host_name(fields.set("hostname"));
    let paths = chosen_paths(fields, values);
    let allow_new_container = values
        .flag(fields.get("allow_new_container"))
        .unwrap_or(false);
    let (from, container) = (from?, container?);
    values.keep_two(fields, &from, &container);
    Some(Copy {
        from,
        container,
        backup_name,
        host,
        paths: paths?,
        allow_new_container,
    })
}

fn drill(fields: &Fields<'_>, values: &mut ValueReader<'_>) -> Option<Drill> {
    let container = values.container(fields);
    let lineage = values.lineage(fields);
    let paths = chosen_paths(fields, values);
    let scratch_field = fields.set("scratch");
    let scratch = values.path(scratch_field).map(|path| plain(&path));
    let sample_files = values.count(fields.get("sample_files")).map(u64::from);
    let sample_bytes = values.size(fields.get("sample_bytes"));
    let compare_source = values.flag(fields.get("compare_source")).unwrap_or(true);
    let command_field = fields.set("command");
    let command = values.command(command_field);
    if let (Some(field), Some(command)) = (command_field, &command) {
        refuse_commands(fields, "command", values);
        values.warn_of_shell(&field, command);
    }
    if (scratch_field.is_some() && scratch.is_none())
        || (command_field.is_some() && command.is_none())
    {
        return None;
    }
    Some(Drill {
        container: container?,
        lineage: lineage?,
        paths: paths?,
        snapshot: None,
        scratch,
        sample_files,
        sample_bytes,
        compare_source,
        command,
    })
}

/// Reports that this host does not run commands of jobs, if that is so.
fn refuse_commands(fields: &Fields<'_>, key: &str, values: &mut ValueReader<'_>) {
    if values.host.disable_exec {
        let (span, label) = match fields.get(key) {
            Some(field) => (field.node.span.clone(), "refused"),
            None => (fields.span.start..fields.span.start + 1, "refused"),
        };
        values.report(
            Diagnostic::error(codes::EXEC_DISABLED, "this host does not run commands of jobs")
                .at(span)
                .label(label)
                .help("the setting `disable_exec` of the daemon is on; the administrator of the host decides that"),
        );
    }
}

fn exec(fields: &Fields<'_>, values: &mut ValueReader<'_>) -> Option<Exec> {
    refuse_commands(fields, "action", values);
    let command = values.command(fields.get("command"))?;
    if let Some(field) = fields.set("command") {
        values.warn_of_shell(&field, &command);
    }
    Some(Exec { command })
}
