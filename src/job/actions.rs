//! An entry of `job_actions`, turned into an action that is complete and in range.

use std::time::Duration;

use super::action::{
    Action, Admin, Age, Backup, Check, Command, Exec, Info, JobAction, Levels, Lineage, Restore,
    Work,
};
use super::codes;
use super::decode::{self, Field, Fields, Source};
use super::diagnostic::{Diagnostic, quoted};
use super::json::{Node, Value};
use super::keys::{Place, Works, openstack_service};
use super::timing::Timing;
use super::values::{Judge, head};

/// An entry and its action, as fields.
pub(super) struct Entry<'a> {
    /// The entry's own keys.
    pub outer: Fields<'a>,
    /// The action's keys, defaults filled in.
    pub action: Fields<'a>,
    /// The kind of work; `None` where the word is unknown.
    pub works: Option<Works>,
}

/// Reads the fields of an entry.
pub(super) fn entry<'a>(
    node: &'a Node,
    defaults: &Fields<'a>,
    judge: &mut Judge<'_>,
) -> Option<Entry<'a>> {
    if node.members().is_none() {
        if node.value != Value::Broken {
            judge.tell(
                Diagnostic::error(
                    codes::WRONG_TYPE,
                    format!(
                        "an entry of `job_actions` is an object, and this is {}",
                        node.kind()
                    ),
                )
                .at(head(node))
                .label("expected an object")
                .help("write `{\"freezer_action\": {…}}`"),
            );
        }
        return None;
    }
    let outer = decode::fields(node, Place::Entry, Works::ALL, &mut judge.diagnostics);
    decode::missing(
        &outer,
        Place::Entry,
        Works::ALL,
        "an entry of `job_actions`",
        &mut judge.diagnostics,
    );
    let inner = outer.get("freezer_action")?.node;
    if inner.members().is_none() {
        if inner.value != Value::Broken && !inner.is_unset() {
            judge.tell(
                Diagnostic::error(
                    codes::WRONG_TYPE,
                    format!(
                        "`freezer_action` is an object, and this is {}",
                        inner.kind()
                    ),
                )
                .at(head(inner))
                .label("expected an object"),
            );
        }
        return None;
    }
    // The word decides which other keys are right, so it is looked up first and judged with them.
    let written = inner
        .get("action")
        .map(|member| &member.node)
        .filter(|node| node.value != Value::Null);
    let written = written.or_else(|| defaults.get("action").map(|field| field.node));
    let works = match written.map(|node| &node.value) {
        None | Some(Value::Null | Value::Bool(false)) => Some(Works::BACKUP),
        Some(Value::Text(text)) if text.content.trim().is_empty() => Some(Works::BACKUP),
        Some(Value::Text(text)) => Works::WORDS
            .into_iter()
            .find(|(word, _)| *word == text.content.trim())
            .map(|(_, works)| works),
        Some(_) => None,
    };
    let mut action = decode::fields(
        inner,
        Place::Action,
        works.unwrap_or(Works::ALL),
        &mut judge.diagnostics,
    );
    action.fill(defaults, works.unwrap_or(Works::ALL));
    Some(Entry {
        outer,
        action,
        works,
    })
}

/// Judges an entry: the action, where it can be performed.
pub(super) fn job_action(
    entry: &Entry<'_>,
    timing: &Timing,
    judge: &mut Judge<'_>,
) -> Option<JobAction> {
    let mandatory = judge.flag(entry.outer.get("mandatory")).unwrap_or(false);
    let max_retries = judge.count(entry.outer.get("max_retries")).unwrap_or(0);
    let retry_wait = judge
        .seconds(entry.outer.get("max_retries_interval"))
        .unwrap_or(Duration::from_secs(60));
    let timeout = timeout(entry, judge);
    let fields = &entry.action;
    let max_priority = judge.flag(fields.get("max_priority")).unwrap_or(false);
    let dry_run = judge.flag(fields.get("dry_run")).unwrap_or(false);
    let log_file = judge.path(fields.get("log_file"));
    judge.word(fields.get("action"));
    mode(fields, judge);
    // Some kinds of work have no use for these, but a bad value is told all the same.
    judge.backup_name(fields);
    judge.name(fields.set("hostname"), "a host's name");
    let works = entry.works?;
    let word = works.words().next().unwrap_or("backup");
    let whose = if word == "admin" || word == "info" || word == "exec" {
        format!("an action `{word}`")
    } else {
        format!("a {word}")
    };
    decode::missing(fields, Place::Action, works, &whose, &mut judge.diagnostics);
    let work = match word {
        "restore" => restore(fields, timing, judge).map(Work::Restore),
        "admin" => admin(fields, timing, judge).map(Work::Admin),
        "info" => info(fields, judge).map(Work::Info),
        "exec" => exec(fields, judge).map(Work::Exec),
        "check" => check(fields, judge).map(Work::Check),
        _ => backup(fields, judge).map(Work::Backup),
    }?;
    let action = Action {
        work,
        log_file,
        max_priority,
        dry_run,
    };
    Some(JobAction {
        action,
        mandatory,
        max_retries,
        retry_wait,
        timeout,
    })
}

/// The timeout may stand beside `freezer_action` or in it; a default gives way to either.
fn timeout(entry: &Entry<'_>, judge: &mut Judge<'_>) -> Option<Duration> {
    let outer_field = entry.outer.set("timeout");
    let inner_field = entry.action.set("timeout");
    let outer = judge.seconds(outer_field);
    let inner = judge.seconds(inner_field);
    if let (Some(a), Some(b), Some(field)) = (outer, inner, inner_field)
        && a != b
        && field.source == Source::Here
    {
        judge.tell(
            Diagnostic::error(
                codes::CONFLICTING_KEYS,
                "`timeout` stands beside `freezer_action` and in it, with two values",
            )
            .at(field.key_span.start..field.node.span.end)
            .label("which of the two is meant?")
            .help("keep one of them"),
        );
    }
    outer.or(inner)
}

/// The mode is `fs` or refused.
fn mode(fields: &Fields<'_>, judge: &mut Judge<'_>) {
    let Some(field) = fields.set("mode") else {
        return;
    };
    let Value::Text(text) = &field.node.value else {
        judge.word(Some(field));
        return;
    };
    let written = text.content.trim();
    if let Some(service) = openstack_service(written) {
        judge.tell(
            Diagnostic::error(codes::OPENSTACK_KEY, format!("the mode {} belongs to {service}", quoted(written)))
                .at(field.node.span.clone())
                .label("not available here")
                .help("this program backs up files of its own host: write `\"mode\": \"fs\"`, or leave it out"),
        );
    } else if matches!(
        written,
        "mysql" | "mongo" | "mongodb" | "postgres" | "postgresql" | "sqlite"
    ) {
        judge.tell(
            Diagnostic::error(codes::UNSUPPORTED_MODE, format!("this version has no mode {}", quoted(written)))
                .at(field.node.span.clone())
                .label("only `fs` is there")
                .help("let an `exec` action before this one dump the database into a directory, and back that up"),
        );
    } else {
        judge.word(Some(field));
    }
}

fn backup(fields: &Fields<'_>, judge: &mut Judge<'_>) -> Option<Backup> {
    let container = judge.container(fields);
    let lineage = judge.lineage(fields);
    let path = judge.path(fields.get("path_to_backup"));
    let exclude = judge.patterns(fields.get("exclude"));
    let ignore_unreadable = judge.patterns(fields.get("ignore_unreadable"));
    let dereference_symlink = links(fields.get("dereference_symlink"), judge);
    let levels = levels(fields, judge);
    let compression_level = compression(fields.get("compression"), judge);
    let allow_empty = judge.flag(fields.get("allow_empty")).unwrap_or(false);
    let remove_older_than = age_in_days(fields.get("remove_older_than"), judge);
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

fn links(field: Option<Field<'_>>, judge: &mut Judge<'_>) -> bool {
    let Some(field) = field else { return false };
    if let Value::Text(text) = &field.node.value {
        match text.content.trim().to_ascii_lowercase().as_str() {
            "soft" | "all" => return true,
            "hard" | "none" => return false,
            _ => {}
        }
    }
    judge.flag(Some(field)).unwrap_or(false)
}

fn compression(field: Option<Field<'_>>, judge: &mut Judge<'_>) -> Option<i32> {
    let field = field?;
    let written = judge.text(Some(field))?;
    let written = written.trim();
    if let Ok(level) = written.parse::<i32>() {
        if (-7..=22).contains(&level) {
            return Some(level);
        }
        judge.tell(
            Diagnostic::error(codes::OUT_OF_RANGE, "zstd's levels go from -7 to 22")
                .at(field.node.span.clone())
                .label(format!("{level} is out of range")),
        );
        return None;
    }
    match written {
        "zstd" => {}
        "gzip" | "bzip2" | "xz" => judge.tell(
            Diagnostic::warning(
                codes::NO_EFFECT,
                format!("{} is not used for compression", quoted(written)),
            )
            .at(field.node.span.clone())
            .label("accepted, and ignored")
            .help("snapshots are compressed with zstd; a number from -7 to 22 sets its level"),
        ),
        _ => judge.tell(
            Diagnostic::error(
                codes::BAD_WORD,
                format!("{} is no compression that is known", quoted(written)),
            )
            .at(field.node.span.clone())
            .label("unknown word")
            .help("write a level of zstd, from -7 (fast) to 22 (small)"),
        ),
    }
    None
}

/// An age of 0 would remove all but the newest snapshot, and is what "off" looks like elsewhere.
fn age_in_days(field: Option<Field<'_>>, judge: &mut Judge<'_>) -> Option<f64> {
    let days = judge.number(field)?;
    if days > 0.0 {
        return Some(days);
    }
    let field = field?;
    judge.tell(
        Diagnostic::error(
            codes::OUT_OF_RANGE,
            format!("{} takes more than 0 days", quoted(field.written)),
        )
        .at(field.node.span.clone())
        .label("would remove every snapshot but the newest")
        .help("write `null`, or leave it out, to keep all; a fraction is fine: 0.5 is half a day"),
    );
    None
}

fn restore(fields: &Fields<'_>, timing: &Timing, judge: &mut Judge<'_>) -> Option<Restore> {
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

fn admin(fields: &Fields<'_>, timing: &Timing, judge: &mut Judge<'_>) -> Option<Admin> {
    let container = judge.container(fields);
    let lineage = judge.lineage(fields);
    let days_field = fields.set("remove_older_than");
    let date_field = fields.set("remove_from_date");
    let days = age_in_days(days_field, judge);
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

fn info(fields: &Fields<'_>, judge: &mut Judge<'_>) -> Option<Info> {
    let container = judge.container(fields);
    let backup_name = judge.backup_name(fields);
    let host = judge.name(fields.set("hostname"), "a host's name");
    Some(Info {
        container: container?,
        backup_name,
        host,
    })
}

fn check(fields: &Fields<'_>, judge: &mut Judge<'_>) -> Option<Check> {
    let read_data = judge.flag(fields.get("read_data")).unwrap_or(false);
    Some(Check {
        container: judge.container(fields)?,
        read_data,
    })
}

fn exec(fields: &Fields<'_>, judge: &mut Judge<'_>) -> Option<Exec> {
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
    judge.storage(fields.get("storage"));
    judge.text(fields.get("container"));
    judge.path(fields.get("encrypt_pass_file"));
    let field = fields.set("command")?;
    let Value::List(nodes) = &field.node.value else {
        let command = judge.text(Some(field))?;
        if command.contains('\0') {
            judge.tell(
                Diagnostic::error(codes::BAD_COMMAND, "a command has no NUL byte")
                    .at(field.node.span.clone())
                    .label("no command of Linux can"),
            );
            return None;
        }
        return Some(Exec {
            command: Command::Shell(command),
        });
    };
    let mut words = Vec::new();
    for node in nodes {
        let word = match &node.value {
            Value::Text(text) if !text.content.contains('\0') => text.content.clone(),
            Value::Number(number) => number.clone(),
            Value::Broken => return None,
            _ => {
                judge.tell(
                    Diagnostic::error(
                        codes::BAD_COMMAND,
                        format!("a word of a command is a text, and this is {}", node.kind()),
                    )
                    .at(head(node))
                    .label("expected a text"),
                );
                return None;
            }
        };
        words.push(word);
    }
    if words.first().is_none_or(|program| program.is_empty()) {
        judge.tell(
            Diagnostic::error(codes::BAD_COMMAND, "a command needs a program")
                .at(field.node.span.clone())
                .label("there is none")
                .help("write `[\"/usr/bin/program\", \"argument\"]`"),
        );
        return None;
    }
    Some(Exec {
        command: Command::Words(words),
    })
}
